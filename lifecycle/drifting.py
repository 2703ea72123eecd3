"""Drift watched: the log held against the live rows in bounded steps, and what differs put on record as an alarm.

A step looks at some projects, in the order of their ids, or at the counters of one programme; a cursor in the job's row
says where the next goes on, and after the last the first follows. What drifts stands in `drift` until it does no more.
Entries and that table name the places alone: a value may be somebody's.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from lifecycle.audit import Change, Deed, Log, append_to_system
from lifecycle.batches import ALL
from lifecycle.callers import Caller
from lifecycle.database import Database, Transaction
from lifecycle.errors import Forbidden
from lifecycle.jobs import read_cursor, write_cursor
from lifecycle.replay import AFTER, FIRST, compared, drift_of_batch, miscounted
from lifecycle.sets import for_both, select_many, within
from lifecycle.statements import Statement
from lifecycle.streams import bounded
from lifecycle.tables import Batch, Drift
from states.findings import Text

table = Drift.__table__  # type: ignore[attr-defined]
_batch = Batch.__table__  # type: ignore[attr-defined]

JOB = "drift"
STREAM, FOUND, ENDED = "system/drift", "log.drifted", "log.drift_ended"
ENTRIES = 20_000  # that one step reads
NAMED = 50  # places of one subject that an alarm names
PROJECT, COUNTERS = "project", "programme"
_PLACE = re.compile(r"entry \d+|[^:]*")

PROGRAMMES = Statement(
    sa.select(_batch.c.programme)
    .where(_batch.c.programme > sa.bindparam("after"))
    .distinct()
    .order_by(_batch.c.programme)
    .limit(sa.literal(1, sa.Integer()))
)
KNOWN = for_both(lambda d: sa.select(table.c.subject, table.c.places).where(within(table.c.subject, "subjects", d)))
NUMBER = Statement(sa.select(sa.func.count().label("number")).select_from(table))
FORGET = Statement(sa.delete(table).where(table.c.subject == sa.bindparam("of")))
KEEP = Statement(sa.insert(table))


class Looked(NamedTuple):
    """What a step looked at: places that drift by subject (none where it does not), and where to go on."""

    places: dict[str, list[str]]
    cursor: dict[str, str]


def watch_drift(database: Database, log: Log, caller: Caller) -> int:
    """Take the next step, record what has begun or ceased to drift, and return how many of those looked at drift.

    What differs is found at one instant of the database and recorded in a transaction of its own; where another process
    took the same step meanwhile, that one's stands.
    """
    with database.reading() as tx:
        cursor = read_cursor(tx, JOB)
        looked = look(tx, cursor)
    drifting = {subject: places for subject, places in looked.places.items() if places}
    with database.transaction() as tx:
        if read_cursor(tx, JOB, lock=True) != cursor:
            return 0
        write_cursor(tx, JOB, looked.cursor)
        known = {row["subject"]: row["places"] for row in select_many(tx, KNOWN, "subjects", list(looked.places))}
        for subject in sorted({*known, *drifting}):
            _record(tx, log, caller, subject, known.get(subject), drifting.get(subject))
    return len(drifting)


def look(tx: Transaction, cursor: Mapping[str, str] | None) -> Looked:
    """Return what the step at this cursor finds."""
    stage, after = (cursor["stage"], cursor["after"]) if cursor else (PROJECT, FIRST)
    if stage == PROJECT:
        rows = bounded(tx.fetch(AFTER, after=after), ENTRIES)
        if rows:
            found = {f"{PROJECT}/{row['id']}": places_of(problems) for row, problems in compared(tx, rows)}
            return Looked(found, {"stage": PROJECT, "after": rows[-1]["id"]})
        after = ""
    programme = tx.one(PROGRAMMES, after=after)
    if programme is None:
        return Looked({}, {"stage": PROJECT, "after": FIRST})
    name = programme["programme"]
    counted = miscounted(tx, name)
    problems = [*(text for _, text in counted.capacities), *(f"batch/{batch}" for batch in counted.numbers)]
    return Looked({f"{COUNTERS}/{name}": places_of(problems)}, {"stage": COUNTERS, "after": name})


def places_of(problems: Iterable[str]) -> list[str]:
    """Return what drifts without its values, each once, in order."""
    found = list(dict.fromkeys(place[0] for problem in problems if (place := _PLACE.match(problem))))
    return [*found[:NAMED], "…"] if len(found) > NAMED else found


def _record(
    tx: Transaction, log: Log, caller: Caller, subject: str, known: Sequence[str] | None, now: Sequence[str] | None
) -> None:
    if now == known:
        return
    kind, _, name = subject.partition("/")
    change = Change("/drift", list(known) if known else None, list(now) if now else None)
    append_to_system(tx, log, caller, Deed(STREAM, FOUND if now else ENDED, (kind, name, None), changes=[change]))
    tx.queue(FORGET, of=subject)
    tx.flush()
    if now:
        tx.queue(KEEP, subject=subject, places=now, found_at=caller.now)


def count_drifting(tx: Transaction) -> int:
    """Return of how many subjects it is known that they drift."""
    (row,) = tx.fetch(NUMBER)
    return int(row["number"])


def list_drift(tx: Transaction, caller: Caller, batch: str | None = None) -> dict[str, list[str]]:
    """Return what drifts at this instant, in full, of one batch (its id) or of all: problems by project, or place.

    Raises:
        Forbidden: the values told are for auditors.
    """
    if "audit" not in caller.actor.rights:
        raise Forbidden(Text("核对结果仅供审计", "what drifts is told to auditors"))
    wanted = [batch] if batch else [row["id"] for row in tx.fetch(ALL)]
    found: dict[str, list[str]] = {}
    for one in wanted:
        for place, problems in drift_of_batch(tx, one).items():
            known: list[str] = found.setdefault(place, [])
            known += [problem for problem in problems if problem not in known]
    return found
