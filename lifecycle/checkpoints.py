"""Checkpoint rows: what the plan asks for is opened, what it no longer asks for is closed, what moved is superseded."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from lifecycle.database import Transaction
from lifecycle.statements import Row, Statement
from lifecycle.tables import Checkpoint
from states.deadlines import end_of_day
from states.planning import Planned

table = Checkpoint.__table__  # type: ignore[attr-defined]

OPEN = Statement(sa.insert(table))
END = Statement(
    sa.update(table)
    .where(table.c.id == sa.bindparam("ended"))
    .values(status=sa.bindparam("how"), reason=sa.bindparam("why"), ended_at=sa.bindparam("at"))
)
# On PostgreSQL, however many rows, one statement of one shape: each new shape would be planned on each connection.
# Ending goes row by row, by primary key: joined to a JSON list the planner reckons with 100 rows and reads the table.
_NAMES = [column.name for column in table.columns]
_TYPES = ", ".join(f"{column.name} {column.type.compile(postgresql.dialect())}" for column in table.columns)  # type: ignore[no-untyped-call]
OPEN_ALL = Statement(
    sa.text(
        f"INSERT INTO checkpoint ({', '.join(_NAMES)}) SELECT {', '.join(_NAMES)} "
        f"FROM json_to_recordset(CAST(:given AS json)) AS given({_TYPES})"
    )
)


DUE = ("due_on", "computed_on", "provisional", "calendar")


class Replan(NamedTuple):
    """What a replanning changes: rows to open, rows to end, and the project's plan as it then is.

    A plan is a list of `{id, kind, number}` and the due date's parts (`DUE`), one for each open row.
    """

    opened: list[Row]
    ended: list[Row]
    plan: list[Row]


def replan(
    project: str,
    batch: str,
    version: int,
    zone: str,
    wanted: Sequence[Planned],
    open_now: Sequence[Row],
    cause: str,
    now: datetime,
    new_id: Any,
) -> Replan:
    """Compare what is wanted with the project's plan. Pure: the caller writes the result.

    A kind that stays with the same date is left alone. One that ended and comes back is a new row with a new version,
    so that reminders of the earlier one never reach anybody.
    """
    kept: list[Row] = []
    ended: list[Row] = []
    waiting = {(item.kind, item.number): item for item in wanted}
    for row in open_now:
        item = waiting.get((row["kind"], row["number"]))
        if item is not None and _same(item, row):
            kept.append(row)
            del waiting[item.kind, item.number]
            continue
        status = "closed" if item is None else "superseded"
        ended.append({"id": row["id"], "status": status, "reason": cause, "ended_at": now, "row": row})
    replaced = {(item["row"]["kind"], item["row"]["number"]): item["id"] for item in ended}
    opened = [
        {
            "id": new_id(now),
            "project_id": project,
            "batch_id": batch,
            "kind": item.kind,
            "number": item.number,
            "version": version,
            "due_on": item.due_on,
            "computed_on": item.computed_on,
            "due_at": end_of_day(item.due_on, zone),
            "zone": zone,
            "calendar": item.calendar,
            "provisional": item.provisional,
            "status": "open",
            "reason": cause,
            "opened_at": now,
            "next_at": now,
            "replaces": replaced.get((item.kind, item.number)),
            "ended_at": None,
        }
        for item in waiting.values()
    ]
    return Replan(opened, ended, [*kept, *(_planned(row) for row in opened)])


def _planned(row: Row) -> Row:
    return {"id": row["id"], "kind": row["kind"], "number": row["number"], **due_of(row)}


def due_of(row: Row) -> Row:
    """Return the parts of a checkpoint row's due date as JSON values."""
    return {
        "due_on": row["due_on"].isoformat(),
        "computed_on": row["computed_on"].isoformat(),
        "provisional": row["provisional"],
        "calendar": row["calendar"],
    }


def _same(item: Planned, row: Row) -> bool:
    return (item.due_on.isoformat(), item.computed_on.isoformat(), item.provisional) == (
        row["due_on"],
        row["computed_on"],
        row["provisional"],
    )


def write(tx: Transaction, change: Replan) -> None:
    """Queue a replanning's rows."""
    for row in change.ended:
        tx.queue(END, ended=row["id"], how=row["status"], why=row["reason"], at=row["ended_at"])
    if tx.is_postgres and change.opened:
        tx.queue(OPEN_ALL, given=orjson.dumps(change.opened).decode())
        return
    for row in change.opened:
        tx.queue(OPEN, **row)


def told(change: Replan) -> list[tuple[str, Any, Any]]:
    """Return the replanning as changes `(path, old, new)` for the log."""
    old = {f"/checkpoints/{row['row']['kind']}/{row['row']['number']}": _told(row["row"]) for row in change.ended}
    new = {f"/checkpoints/{row['kind']}/{row['number']}": due_of(row) for row in change.opened}
    return [(path, old.get(path), new.get(path)) for path in sorted({*old, *new})]


def _told(planned: Row) -> dict[str, Any]:
    return {name: value for name, value in planned.items() if name in DUE}
