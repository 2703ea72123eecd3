"""Where people are reached outside the house: one address a person and channel, theirs to enter and to end."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from lifecycle import audit
from lifecycle.attempts import LOCK_SUBJECT
from lifecycle.audit import Change, Deed, Log
from lifecycle.callers import Caller
from lifecycle.canonical import instant
from lifecycle.database import Transaction
from lifecycle.errors import Conflict, Forbidden, NotFound
from lifecycle.people import person_meant, tell
from lifecycle.requests import is_identifier, note_of
from lifecycle.settings import Settings
from lifecycle.statements import Row, Statement
from lifecycle.tables import Address, Message, Notice
from lifecycle.targets import OUTSIDE, check_target, masked
from states.findings import Text

table = Address.__table__  # type: ignore[attr-defined]
_message = Message.__table__  # type: ignore[attr-defined]
_notice = Notice.__table__  # type: ignore[attr-defined]

ERROR_LENGTH = 300
BOUNCED = "bounced"
_ACTIVE = sa.text("active")
ADD = Statement(sa.insert(table))
ACTIVE_OF = Statement(
    sa.select(table).where(table.c.person_id == sa.bindparam("of"), _ACTIVE).order_by(table.c.channel)
)
END = Statement(
    sa.update(table).where(table.c.id == sa.bindparam("of")).values(active=False, ended_at=sa.bindparam("at"))
)
SET_DIGEST = Statement(sa.update(table).where(table.c.id == sa.bindparam("of")).values(digest=sa.bindparam("wanted")))
LOCK_MESSAGE = Statement(sa.select(_message).where(_message.c.id == sa.bindparam("wanted")).with_for_update())
BOUNCE_MESSAGE = Statement(
    sa.update(_message)
    .where(_message.c.id == sa.bindparam("of"))
    .values(status="dead", tries=sa.bindparam("now_tries", type_=_message.c.tries.type), settled_at=sa.bindparam("at"))
)
BOUNCE_NOTICES = Statement(
    sa.update(_notice)
    .where(_notice.c.message_id == sa.bindparam("of"), _notice.c.status == "sent")
    .values(status="failed", reason=BOUNCED, settled_at=sa.bindparam("at"))
    .returning(_notice.c.id)
)
BOUNCE_ADDRESS = Statement(
    sa.update(table)
    .where(table.c.id == sa.bindparam("of"))
    .values(failures=table.c.failures + 1, last_error=sa.bindparam("error"))
)


@dataclass(frozen=True, slots=True)
class NewAddress:
    """An address just entered. `secret` is a webhook's, to check our signatures with: shown now and never again."""

    id: str
    channel: str
    target: str
    digest: bool
    secret: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return the address as JSON values, the secret with it."""
        return {name: getattr(self, name) for name in ("id", "channel", "target", "digest", "secret")}


def add_address(
    tx: Transaction,
    log: Log,
    settings: Settings,
    caller: Caller,
    channel: str,
    target: str,
    *,
    digest: bool = False,
    login: str | None = None,
) -> NewAddress:
    """Enter where a person is reached over a channel; the one there was before ends. None: the caller's own.

    `digest` is the quiet choice: all messages of a day in one. Effects, in order: the old address ended, the new one,
    log entry. The log commits to the address and holds no key: of what is not a mail address only a fingerprint.

    Raises:
        Forbidden: another person's addresses are for the security administrator.
        NotFound: no such person.
        Unreadable: the channel or target is not what it should be.
    """
    person = person_meant(tx, caller, login)
    kept = check_target(settings, channel, target)
    tx.fetch(LOCK_SUBJECT["user"], wanted=person["id"])  # two at once must not both find no other
    old = _active(tx, person["id"]).get(channel)
    if old is not None:
        tx.fetch(END, of=old["id"], at=caller.now)
    new = NewAddress(audit.new_id(caller.now), channel, kept, digest, _secret() if channel == "webhook" else None)
    tx.queue(
        ADD,
        id=new.id,
        person_id=person["id"],
        channel=channel,
        target=kept,
        secret=new.secret,
        digest=digest,
        active=True,
        failures=0,
        last_error=None,
        created_at=caller.now,
        ended_at=None,
    )
    owner = f"user/{person['id']}"
    before = _kept_in_log(channel, old["target"]) if old else None
    changes = [
        Change(f"/addresses/{channel}", before, _kept_in_log(channel, kept), owner),
        Change(f"/addresses/{channel}/digest", old["digest"] if old else None, digest),
    ]
    tell(tx, log, caller, person["id"], "user.address_added", changes)
    return new


def end_address(tx: Transaction, log: Log, caller: Caller, channel: str, *, login: str | None = None) -> None:
    """End a person's address over a channel; what still waits for it is not sent. None: the caller's own.

    Raises:
        Forbidden: as `add_address`.
        NotFound: no such person, or no address over that channel.
    """
    person, row = _standing(tx, caller, channel, login)
    tx.queue(END, of=row["id"], at=caller.now)
    change = Change(f"/addresses/{channel}", _kept_in_log(channel, row["target"]), None, f"user/{person['id']}")
    tell(tx, log, caller, person["id"], "user.address_ended", [change])


def set_digest(
    tx: Transaction, log: Log, caller: Caller, channel: str, digest: bool, *, login: str | None = None
) -> None:
    """Choose between one message a day and each at its time. What is chosen already changes nothing.

    Raises:
        Forbidden, NotFound: as `end_address`.
    """
    person, row = _standing(tx, caller, channel, login)
    if row["digest"] == digest:
        return
    tx.queue(SET_DIGEST, of=row["id"], wanted=digest)
    change = Change(f"/addresses/{channel}/digest", row["digest"], digest)
    tell(tx, log, caller, person["id"], "user.address_changed", [change])


def list_addresses(tx: Transaction, caller: Caller, login: str | None = None) -> list[dict[str, Any]]:
    """Return a person's addresses as JSON values; others than the owner see the target masked. None: the caller's own.

    Raises:
        Forbidden, NotFound: as `add_address`.
    """
    person = person_meant(tx, caller, login)
    own = person["id"] == caller.actor.id
    return [
        {
            **{name: row[name] for name in ("id", "channel", "digest", "failures", "last_error")},
            "target": row["target"] if own else masked(row["channel"], row["target"]),
            "created_at": instant(row["created_at"]),
        }
        for row in _active(tx, person["id"]).values()
    ]


def note_bounce(tx: Transaction, log: Log, caller: Caller, message: str, reason: str) -> int:
    """Record that a message which was sent came back, and return how many notices failed by it; again: 0.

    Effects, in order: the message is a dead letter and may be sent again, its notices have failed, its address counts
    a failure, log entry in `system/delivery` with the reason committed to.

    Raises:
        Forbidden: for those who run batches, and for the system administrator.
        NotFound: no such message.
        Conflict: the message is not one that was sent.
        Unreadable: the reason is not what it should be.
    """
    if not {"batches", "system"} & caller.actor.rights:
        raise Forbidden(
            Text("须由省厅经办人或系统管理员登记", "for those who run batches and the system administrator")
        )
    error = (note_of(reason) or "")[:ERROR_LENGTH]
    row = tx.one(LOCK_MESSAGE, wanted=message) if is_identifier(message) else None
    if row is None:
        raise NotFound(Text("没有此消息", "there is no such message"))
    if row["tries"] and row["tries"][-1]["result"] == BOUNCED:
        return 0
    if row["status"] != "sent":
        raise Conflict(
            Text("该消息尚未发出，不能登记退信", "the message was not sent, so it cannot have come back"),
            status=row["status"],
        )
    told = {"fence": row["fence"], "at": instant(caller.now), "result": BOUNCED, "error": error}
    tx.queue(BOUNCE_MESSAGE, of=message, now_tries=[*row["tries"], told], at=caller.now)
    failed = tx.fetch(BOUNCE_NOTICES, of=message, at=caller.now)
    tx.queue(BOUNCE_ADDRESS, of=row["address_id"], error=error)
    deed = Deed(
        stream="system/delivery",
        type="message.bounced",
        subject=("message", message, row["fence"]),
        changes=[Change("/status", row["status"], "dead"), Change("/notices", None, len(failed))],
        reason=error or None,
    )
    audit.append_to_system(tx, log, caller, deed)
    return len(failed)


def _standing(tx: Transaction, caller: Caller, channel: str, login: str | None) -> tuple[Row, Row]:
    person = person_meant(tx, caller, login)
    row = _active(tx, person["id"]).get(channel)
    if row is None:
        shown = channel if channel in OUTSIDE else "…"
        raise NotFound(Text(f"未登记{shown}地址", f"there is no {shown} address"))
    return person, row


def _active(tx: Transaction, person: str) -> dict[str, Row]:
    return {row["channel"]: row for row in tx.fetch(ACTIVE_OF, of=person)}


def _secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _kept_in_log(channel: str, target: str) -> str:
    """Return what the log commits to: a mail address itself; of a URL, which holds a key, enough to tell it by."""
    if channel == "email":
        return target
    return f"{masked(channel, target)} sha256:{hashlib.sha256(target.encode()).hexdigest()[:16]}"
