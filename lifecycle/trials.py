"""A test of one's own addresses: a notice over each of them, which leaves the house by the way of all others."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from lifecycle import audit
from lifecycle.attempts import LOCK_SUBJECT
from lifecycle.audit import Change, Log
from lifecycle.batches import rules_of
from lifecycle.callers import Caller
from lifecycle.canonical import instant
from lifecycle.database import Transaction
from lifecycle.errors import NotFound, TooSoon
from lifecycle.people import person_meant, tell
from lifecycle.recipients import addresses_of
from lifecycle.statements import Row, Statement
from lifecycle.tables import Notice
from states.findings import Text

_notice = Notice.__table__  # type: ignore[attr-defined]

KIND = "test"
ONCE_IN = timedelta(minutes=1)  # an address need not be its owner's: nobody's letter box is filled from here
LAST = Statement(
    sa.select(_notice.c.created_at)
    .where(
        _notice.c.recipient == sa.bindparam("me"),
        _notice.c.created_at > sa.bindparam("since", type_=_notice.c.created_at.type),
        _notice.c.kind == KIND,
    )
    .order_by(_notice.c.created_at.desc())
    .limit(1)
)
ADD = Statement(sa.insert(_notice))


@dataclass(frozen=True, slots=True)
class Trial:
    """A test under way: its id, and its notice over each channel."""

    id: str
    notices: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return the test as JSON values."""
        return {"id": self.id, "notices": self.notices}


def send_test(tx: Transaction, log: Log, caller: Caller, batch: Row) -> Trial:
    """Let the caller have a test, in the words of a batch's plan, over every channel they have an address for.

    It may leave at any time of day. Effects, in order: a notice for each address, with the cause `test/<id>`; log entry
    in the caller's stream.

    Raises:
        NotFound: the caller is nobody with a row, or has no address.
        TooSoon: the caller's last test was less than a minute ago.
    """
    person = person_meant(tx, caller, None)
    tx.fetch(LOCK_SUBJECT["user"], wanted=person["id"])  # two at once must not both find no other
    _check_limit(tx, caller, person["id"])
    channels = sorted(channel for _, channel in addresses_of(tx, [person["id"]]))
    if not channels:
        raise NotFound(Text("您尚未登记外部联系方式，无处可发", "you have no address to send a test to: enter one"))
    trial = Trial(audit.new_id(caller.now), {channel: audit.new_id(caller.now) for channel in channels})
    rule = _rule(tx, batch, person["name"])
    for channel, notice in trial.notices.items():
        tx.queue(ADD, **_row(caller, batch, f"{KIND}/{trial.id}", channel, notice, rule))
    changes = [Change("/tests", None, trial.id), Change("/tests/channels", None, channels)]
    tell(tx, log, caller, person["id"], "user.reminders_tested", changes)
    return trial


def _check_limit(tx: Transaction, caller: Caller, person: str) -> None:
    last = tx.one(LAST, me=person, since=caller.now - ONCE_IN)
    if last is None:
        return
    again = last["created_at"] + ONCE_IN
    seconds = max(1, -(-(again - caller.now) // timedelta(seconds=1)))  # upwards: not a moment too early
    raise TooSoon(
        Text(f"每分钟只能测试一次，请{seconds}秒后再试", f"one test a minute: try again in {seconds} seconds"),
        again_at=instant(again),
        retry_after=seconds,
        limit=1,
        per="person",
    )


def _rule(tx: Transaction, batch: Row, name: str) -> dict[str, Any]:
    rules = rules_of(tx, batch)
    return {
        "plan": rules.reminders.name,
        "plan_hash": rules.reminders.hash,
        "series": KIND,
        "calendar": rules.calendar.version,
        "provisional": False,
        "due_on": None,
        "actor": name,
    }


def _row(caller: Caller, batch: Row, cause: str, channel: str, notice: str, rule: dict[str, Any]) -> Row:
    nothing = ("project_id", "checkpoint_id", "due_on", "reason", "message_id", "settled_at", "read_at")
    return {
        **dict.fromkeys(nothing),
        "id": notice,
        "batch_id": batch["id"],
        "cause": cause,
        "version": 1,
        "occasion": KIND,
        "kind": KIND,
        "recipient": caller.actor.id,
        "role": caller.actor.role,
        "channel": channel,
        "planned_at": caller.now,
        "send_at": caller.now,
        "late": False,
        "rule": rule,
        "status": "waiting",
        "created_at": caller.now,
    }
