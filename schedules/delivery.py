"""Delivery: waiting notices are put into messages, messages are claimed, sent outside any transaction, and settled.

The effect in our database is had once, since every settlement names the fence of its claim; to the outside a message
may go twice, always under the same id.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

import structlog

from lifecycle import audit, messages, recipients
from lifecycle.canonical import instant
from lifecycle.database import Database, Transaction
from lifecycle.rulebooks import RuleSet, rules_of_row
from lifecycle.statements import Row
from schedules.letters import Letter, claim_letters, concerned
from schedules.parcels import Result, Sender
from schedules.rechecks import TEST, ending_of, leaves_at
from schedules.wording import parcel

NOTICES = 500  # looked through for whom to compose next
MESSAGES = 20  # claimed at once
LEASE = timedelta(minutes=5)
PUT_OFF = timedelta(hours=1)  # until notices whose plan cannot be read are tried again
ATTEMPTS = 8
FIRST_WAIT, LONGEST_WAIT, FACTOR, JITTER = timedelta(seconds=30), timedelta(hours=6), 2, 0.2
QUERY = re.compile(r"\?\S+")  # of a URL, where robots have their keys

_log = structlog.get_logger("pilot.delivery")


class Delivered(NamedTuple):
    """What became of the messages claimed: how many of each.

    `lost`: somebody else had taken the message over; `cancelled`: nothing of it was left to tell; `held`: given back
    unsent, for the house is closed or the sender has to stop.
    """

    sent: int = 0
    later: int = 0
    dead: int = 0
    lost: int = 0
    cancelled: int = 0
    held: int = 0

    @property
    def claimed(self) -> int:
        """Return how many messages were claimed."""
        return sum(self)


def compose(tx: Transaction, now: datetime, limit: int = NOTICES) -> int:
    """Put the notices that may leave by now into messages, and return how many were looked at; 0: none is left.

    Each is judged again; what may no longer leave is ended with the reason. More than the plan's `messages_at_once` for
    one person and channel, or an address with the digest choice: one message tells them all, batch by batch.
    """
    rows = messages.waiting_notices(tx, now, limit)
    if not rows:
        return 0
    people = recipients.people_named(tx, concerned(rows))
    addresses = recipients.addresses_of(tx, sorted({row["recipient"] for row in rows}))
    ended: dict[str, tuple[str, str]] = {}
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        ending = ending_of(row, people, addresses.get((row["recipient"], row["channel"])))
        if ending:
            ended[row["id"]] = ending
        else:
            own = row["id"] if row["kind"] == TEST else None
            groups.setdefault((row["recipient"], row["channel"], row["batch_id"], own), []).append(row)
    made: list[Row] = []
    carried: dict[str, str] = {}
    delayed: list[str] = []
    for (recipient, channel, *_), group in groups.items():
        try:
            written = _messages(group, addresses[recipient, channel], rules_of_row(tx, group[0]), now)
        except Exception:
            _log.exception("not_composed", batch=group[0]["batch_id"], notices=len(group))
            delayed += [row["id"] for row in group]
            continue
        made += [message for message, _ in written]
        carried |= {row["id"]: message["id"] for message, some in written for row in some}
    messages.end_notices(tx, ended, now)
    messages.add_messages(tx, made, carried)
    messages.delay_notices(tx, delayed, now + PUT_OFF)
    return len(rows)


def deliver(
    database: Database,
    send: Sender,
    now: Callable[[], datetime],
    *,
    origin: str,
    limit: int = MESSAGES,
    lease: timedelta = LEASE,
    stopping: Callable[[], bool] = lambda: False,
) -> Delivered:
    """Claim up to `limit` messages, send them one by one and settle each, and return what became of them.

    Whatever `send` raises is a failure worth another try. Once half of the lease is over, or `stopping` says so, what
    is not yet begun is given back.
    """
    at = now()
    with database.transaction() as tx:
        letters, counted = claim_letters(tx, at, at + lease, limit)
    for letter in letters:
        gives_back = stopping() or now() > at + lease / 2
        result = None if gives_back else _send(letter, send, origin, now())
        with database.transaction() as tx:
            counted[_settle(tx, letter, result, now())] += 1
    return Delivered(**counted)


def backoff(message: str, attempts: int) -> timedelta:
    """Return how long to wait after so many attempts: doubling, up to a ceiling, give or take a fifth.

    The jitter is taken from the message's id, so that it can be foretold.
    """
    wait: timedelta = min(FIRST_WAIT * FACTOR ** (attempts - 1), LONGEST_WAIT)
    drawn = int.from_bytes(sha256(f"{message}/{attempts}".encode()).digest()[:8]) / 2**64
    return wait * (1 + JITTER * (2 * drawn - 1))


def _messages(group: Sequence[Row], address: Row, rules: RuleSet, now: datetime) -> list[tuple[Row, Sequence[Row]]]:
    together = address["digest"] or len(group) > rules.reminders.limits.messages_at_once
    return [
        (_message(some[0], address, rules, now), some) for some in ([group] if together else [[row] for row in group])
    ]


def _message(row: Row, address: Row, rules: RuleSet, now: datetime) -> Row:
    return {
        "id": audit.new_id(now),
        "batch_id": row["batch_id"],
        "recipient": row["recipient"],
        "channel": row["channel"],
        "address_id": address["id"],
        "status": "waiting",
        "attempts": 0,
        "fence": 0,
        "next_at": leaves_at(row, rules, now),
        "tries": [],
        "created_at": now,
        "settled_at": None,
    }


def _send(letter: Letter, send: Sender, origin: str, now: datetime) -> Result:
    """Send a letter and return the result; whatever goes wrong is worth another try."""
    message, address = letter.message, letter.address
    if message["attempts"] > ATTEMPTS:
        return Result("later", "every attempt ran out of its lease")
    if letter.rules is None:
        return Result("later", "the rules or the words of this message cannot be read")
    try:
        plan = letter.rules.reminders
        return send(
            parcel(
                message["id"], message["channel"], address["target"], address["secret"], letter.items, plan, origin, now
            )
        )
    except Exception as error:
        _log.warning("not_sent", message=message["id"], error=type(error).__name__)
        return Result("later", f"{type(error).__name__}: {error}")


def _settle(tx: Transaction, letter: Letter, result: Result | None, now: datetime) -> str:
    """Write what became of a letter (None: given back), and return which of `Delivered` it is."""
    message = letter.message
    fate, reason = _fate(message, result)
    error = _plain(result.error, letter.address) if result and result.error else None
    settled_at = now if fate in ("sent", "dead") else None
    changes = {
        "status": fate if settled_at else "waiting",
        "attempts": message["attempts"] - (fate == "held"),
        "next_at": now if fate != "later" else _again_at(letter, now),
        "tries": message["tries"] if fate == "held" else _tries(letter, fate, error, now),
        "settled_at": settled_at,
    }
    if not messages.settle(tx, message, changes):
        _log.warning("taken_over", message=message["id"], fence=message["fence"], result=fate)
        return "lost"
    if fate == "held":
        return fate
    if settled_at:
        messages.settle_notices(tx, message["id"], "sent" if fate == "sent" else "failed", reason, now)
    messages.note_address(tx, letter.address["id"], None if fate == "sent" else error or fate)
    return fate


def _fate(message: Row, result: Result | None) -> tuple[str, str | None]:
    if result is None:
        return "held", None
    if result.outcome == "sent":
        return "sent", None
    if result.outcome == "never":
        return "dead", "refused"
    return ("dead", "exhausted") if message["attempts"] >= ATTEMPTS else ("later", None)


def _again_at(letter: Letter, now: datetime) -> datetime:
    again = now + backoff(letter.message["id"], letter.message["attempts"])
    return leaves_at(letter.first, letter.rules, again) if letter.rules else again


def _tries(letter: Letter, fate: str, error: str | None, now: datetime) -> list[dict[str, Any]]:
    """Return all tries so far; one that was never settled is told as lost: whether it left is not known."""
    tries, attempts = list(letter.message["tries"]), letter.message["attempts"]
    since = [entry["result"] for entry in reversed(tries)]
    told = since.index(messages.REQUEUED) if messages.REQUEUED in since else len(since)
    tries += [{"fence": None, "at": None, "result": "lost", "error": None}] * (attempts - 1 - told)
    return [*tries, {"fence": letter.message["fence"], "at": instant(now), "result": fate, "error": error}]


def _plain(error: str, address: Row) -> str:
    """Return an error fit to be kept and shown: without the address's secrets, and not too long."""
    text = error.encode("utf-8", "replace").decode().replace("\0", "")
    for hidden in (address["target"], address["secret"]):
        text = text.replace(hidden, "…") if hidden else text
    return QUERY.sub("?…", text)[: messages.ERROR_LENGTH]
