"""Letters: messages claimed to be sent, their notices judged once more and put into words."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from lifecycle import messages, recipients
from lifecycle.database import Transaction
from lifecycle.rulebooks import RuleSet, rules_of_row
from lifecycle.statements import Row
from schedules.contents import item_of
from schedules.rechecks import ending_of, leaves_at
from schedules.wording import Item

_log = structlog.get_logger("pilot.delivery")


@dataclass(frozen=True, slots=True)
class Letter:
    """A claimed message: its row as claimed, what it tells, its address. `rules` None: they cannot be read."""

    message: Row
    first: Row  # of the notices it tells
    items: Sequence[Item]
    address: Row
    rules: RuleSet | None


def claim_letters(tx: Transaction, now: datetime, until: datetime, limit: int) -> tuple[list[Letter], Counter[str]]:
    """Claim messages until an instant and return those to be sent now, and how many of the others there were.

    Effects: notices that may no longer leave are ended; a message without any left is `cancelled`; one that the house
    is closed for is `held`: given back until it opens, as if it had not been claimed.
    """
    counted: Counter[str] = Counter()
    claimed = messages.claim(tx, now, until, limit)
    if not claimed:
        return [], counted
    rows = messages.carried_notices(tx, [message["id"] for message in claimed], now)
    announced = messages.announcements_named(tx, _announcements(rows))
    people = recipients.people_named(tx, [*concerned(rows), *(row["actor"] for row in announced.values())])
    addresses = recipients.addresses_of(tx, sorted({message["recipient"] for message in claimed}))
    ended: dict[str, tuple[str, str]] = {}
    changed: list[Row] = []
    letters = []
    for message in claimed:
        address = addresses.get((message["recipient"], message["channel"]))
        own = [row for row in rows if row["message_id"] == message["id"]]
        endings = {row["id"]: ending_of(row, people, address) for row in own}
        ended |= {name: ending for name, ending in endings.items() if ending}
        staying = [row for row in own if endings[row["id"]] is None]
        if not staying or address is None:
            counted["cancelled"] += 1
            changed.append(_changed(message, status="cancelled", settled_at=now))
            continue
        letter = _letter(tx, message, staying, address, announced, people, now)
        opens = leaves_at(staying[0], letter.rules, now) if letter.rules else now
        if opens > now:
            counted["held"] += 1
            changed.append(_changed(message, status="waiting", attempts=message["attempts"] - 1, next_at=opens))
            continue
        if address["id"] != message["address_id"]:  # the recipient has another one since
            changed.append(_changed(message, address_id=address["id"]))
        letters.append(letter)
    messages.end_notices(tx, ended, now)
    messages.change_messages(tx, changed)
    return letters, counted


def concerned(rows: Sequence[Row]) -> set[str]:
    """Return everybody who must be known to judge these notices."""
    return {person for row in rows for person in recipients.in_charge(row)}


def _letter(
    tx: Transaction,
    message: Row,
    rows: Sequence[Row],
    address: Row,
    announced: Mapping[str, Row],
    people: Mapping[str, Row],
    now: datetime,
) -> Letter:
    try:
        rules = [rules_of_row(tx, row) for row in rows]
        items = [
            item_of(row, announced.get(row["cause"].partition("/")[2]), people, own, now)
            for row, own in zip(rows, rules, strict=True)
        ]
    except Exception:
        _log.exception("not_worded", message=message["id"])
        return Letter(message, rows[0], [], address, None)
    return Letter(message, rows[0], items, address, rules[0])


def _changed(message: Row, **changes: Any) -> Row:
    names = ("id", "status", "attempts", "next_at", "settled_at", "address_id")
    return {name: changes.get(name, message[name]) for name in names}


def _announcements(rows: Sequence[Row]) -> list[str]:
    causes = {row["cause"].partition("/")[::2] for row in rows}
    return sorted(name for what, name in causes if what == "announcement")
