"""What must hold at the end of the year: the ledger is the forecast, and the world outside got what the ledger says."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

from lifecycle.database import Database
from lifecycle.statements import Row, Statement
from lifecycle.tables import Announcement, Checkpoint, Message, Notice
from schedules.forecasts import Moment, expected
from tests.schedules.year.outside import Arrival
from tests.schedules.year.story import ASLEEP

_notice = Notice.__table__  # type: ignore[attr-defined]
NOTICES = Statement(sa.select(_notice))
CHECKPOINTS = Statement(sa.select(Checkpoint.__table__))  # type: ignore[attr-defined]
ANNOUNCEMENTS = Statement(sa.select(Announcement.__table__))  # type: ignore[attr-defined]
MESSAGES = Statement(sa.select(Message.__table__))  # type: ignore[attr-defined]


class Effect(NamedTuple):
    """A notice without ids that are drawn: what it is of, to whom, and what became of it."""

    project: str
    of: str  # kind of checkpoint, or event
    number: int | None
    version: int
    due_on: str
    occasion: str
    recipient: str
    channel: str
    kind: str
    role: str
    planned_at: datetime
    send_at: datetime
    created_at: datetime
    late: bool
    status: str
    reason: str | None


def foretold(moments: dict[str, list[Moment]], until: datetime) -> list[Effect]:
    """Return what must have come of these moments by an instant."""
    found = []
    for own in moments.values():
        course = expected(own, until, ASLEEP)
        found += [_effect(row, *course.places[row["cause"]]) for row in course.notices.values()]
    return found


def happened(database: Database) -> list[Effect]:
    """Return what the ledger holds."""
    with database.reading() as tx:
        places = {f"checkpoint/{row['id']}": (row["kind"], row["number"]) for row in tx.fetch(CHECKPOINTS)}
        places |= {f"announcement/{row['id']}": (row["event"], None) for row in tx.fetch(ANNOUNCEMENTS)}
        return [_effect(row, *places[row["cause"]]) for row in tx.fetch(NOTICES)]


def differences(wanted: Iterable[Effect], found: Iterable[Effect]) -> list[str]:
    """Return what is missing, what is there twice or ought not to be, in words."""
    wants, has = Counter(wanted), Counter(found)
    missing = [f"missing: {effect}" for effect in sorted((wants - has).elements(), key=str)]
    return [*missing, *(f"strange: {effect}" for effect in sorted((has - wants).elements(), key=str))]


def outside_differences(database: Database, arrivals: Iterable[Arrival]) -> list[str]:
    """Return where the world outside and the outbox do not agree."""
    with database.reading() as tx:
        messages = {row["id"]: row for row in tx.fetch(MESSAGES)}
        notices = [row for row in tx.fetch(NOTICES) if row["message_id"]]
    by_id: dict[str, list[Arrival]] = {}
    for arrival in arrivals:
        by_id.setdefault(arrival.id, []).append(arrival)
    found = [f"nobody sent {name}" for name in by_id if name not in messages]
    found += [f"{name} never left" for name, row in messages.items() if row["status"] == "sent" and name not in by_id]
    found += [f"{name} is {row['status']}" for name, row in messages.items() if row["status"] in ("waiting", "sending")]
    known = {name: own for name, own in by_id.items() if name in messages}
    for name, own in known.items():
        row = messages[name]
        if {(one.channel, one.target) for one in own} != {(row["channel"], own[0].target)} or row["fence"] < len(own):
            found.append(f"{name} went to {own[0].target} {len(own)} times, claimed {row['fence']} times")
    return found + _contents(messages, notices, known)


def _contents(messages: dict[str, Row], notices: list[Row], arrived: dict[str, list[Arrival]]) -> list[str]:
    """Return the webhooks that did not tell exactly the notices that their message is on record for."""
    carried: dict[str, Counter[tuple[Any, ...]]] = {}
    for row in notices:
        if row["status"] == "sent" and row["channel"] == "webhook":
            due_on = row["due_on"].isoformat() if row["due_on"] else None
            carried.setdefault(row["message_id"], Counter())[row["occasion"], due_on] += 1
    found = []
    for name, wanted in carried.items():
        told = [_told(arrival) for arrival in arrived.get(name, ())]
        if wanted not in told:
            found.append(f"{name} ({messages[name]['status']}) told {told}, on record are {wanted}")
    return found


def _told(arrival: Arrival) -> Counter[tuple[Any, ...]]:
    items = orjson.loads(arrival.content)["data"]["items"]
    return Counter((item["occasion"], item["due_on"]) for item in items)


def _effect(row: Row, of: str, number: int | None) -> Effect:
    names = ("occasion", "recipient", "channel", "kind", "role", "planned_at", "send_at", "created_at", "late")
    due_on = row["due_on"].isoformat() if row["due_on"] else ""
    own = {name: row[name] for name in (*names, "status", "reason")}
    return Effect(row["project_id"], of, number, row["version"], due_on, **own)
