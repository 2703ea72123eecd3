"""When the offices of a batch worked: its calendar, and the hours and zone of its policy."""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from lifecycle import batches
from lifecycle.attempts import SUBJECTS
from lifecycle.business_days import ZONE
from lifecycle.database import Transaction
from lifecycle.requests import is_identifier
from lifecycle.rulebooks import rules_of_row
from lifecycle.sets import for_both, select_many, within
from lifecycle.statements import Row, Statement
from states.deadlines import Calendar, state_council_calendar
from states.policy import Hours

REST_DAY, EARLY, LATE = "rest_day", "before_opening", "after_closing"


def _batches_of(table: sa.Table) -> Statement:
    return for_both(lambda d: sa.select(table.c.id, table.c.batch_id).where(within(table.c.id, "wanted", d, "uuid")))


BATCHES_OF = {kind: _batches_of(table) for kind, table in SUBJECTS.items() if "batch_id" in table.c}


class Roster(NamedTuple):
    """Which days and hours are worked."""

    calendar: Calendar
    hours: Hours
    zone: ZoneInfo


class Outside(NamedTuple):
    """Why an instant lies outside the hours: of which calendar, and which hours."""

    why: str
    local: datetime
    roster: Roster

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        hours = self.roster.hours
        times = {name: getattr(hours, name).isoformat("minutes") for name in ("opens", "closes")}
        return {"why": self.why, "local": self.local.isoformat(), "calendar": self.roster.calendar.version, **times}


STANDARD = Roster(state_council_calendar(), Hours(), ZoneInfo(ZONE))  # of what belongs to no batch


class Rosters:
    """The rosters by stream, as long as one stretch of the log is read."""

    def __init__(self, tx: Transaction) -> None:
        """Read those of all batches."""
        self._tx = tx
        self._by_batch = {row["id"]: _roster(tx, row) for row in tx.fetch(batches.ALL)}
        self._by_stream: dict[str, Roster] = {}

    def learn(self, rows: Sequence[Row]) -> None:
        """Find out to which batches these entries' streams belong: a read for each kind of subject."""
        wanted: dict[str, set[str]] = {}
        for stream in {row["stream"] or "" for row in rows} - self._by_stream.keys():
            kind, _, name = stream.partition("/")
            self._by_stream[stream] = self._by_batch.get(name, STANDARD)
            if kind in BATCHES_OF and is_identifier(name):
                wanted.setdefault(kind, set()).add(name)
        for kind, names in wanted.items():
            for row in select_many(self._tx, BATCHES_OF[kind], "wanted", sorted(names)):
                self._by_stream[f"{kind}/{row['id']}"] = self._by_batch[row["batch_id"]]

    def outside(self, row: Row) -> Outside | None:
        """Return why an entry that was learnt of was written outside the hours of its batch, or None."""
        roster = self._by_stream[row["stream"]]
        local: datetime = row["at"].astimezone(roster.zone)
        why = why_outside(roster, local)
        return Outside(why, local, roster) if why else None


def _roster(tx: Transaction, batch: Row) -> Roster:
    rules = rules_of_row(tx, batch)
    return Roster(rules.calendar, rules.policy.hours, ZoneInfo(rules.policy.policy.zone))


def why_outside(roster: Roster, local: datetime) -> str | None:
    """Return why an instant by the roster's own clocks lies outside its hours, or None."""
    if not roster.calendar.is_working_day(local.date()):
        return REST_DAY
    clock: time = local.time()
    if clock < roster.hours.opens:
        return EARLY
    return LATE if clock >= roster.hours.closes else None
