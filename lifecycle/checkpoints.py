"""Checkpoint rows: what the plan asks for is opened, what it no longer asks for is closed, what moved is superseded."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from lifecycle.statements import Row, Statement
from lifecycle.tables import Checkpoint
from states.deadlines import end_of_day
from states.planning import Planned

table = Checkpoint.__table__  # type: ignore[attr-defined]

READ_OPEN = Statement(
    sa.select(table.c.id, table.c.kind, table.c.number, table.c.due_on, table.c.computed_on, table.c.provisional)
    .where(table.c.project_id == sa.bindparam("project"), sa.text("status = 'open'"))
    .order_by(table.c.kind, table.c.number)
)
OPEN = Statement(sa.insert(table))
END = Statement(
    sa.update(table)
    .where(table.c.id == sa.bindparam("ended"))
    .values(status=sa.bindparam("how"), reason=sa.bindparam("why"), ended_at=sa.bindparam("at"))
)


class Replan(NamedTuple):
    """What a replanning changes: rows to open, and rows to end with their new status and reason."""

    opened: list[Row]
    ended: list[Row]


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
    """Compare the plan with the open rows. Pure: the caller writes the result.

    A kind that stays with the same date is left alone. One that ended and comes back is a new row with a new version, so
    that reminders of the earlier one never reach anybody.
    """
    keep: set[tuple[str, int]] = set()
    ended: list[Row] = []
    plan = {(item.kind, item.number): item for item in wanted}
    for row in open_now:
        item = plan.get((row["kind"], row["number"]))
        same = item is not None and (item.due_on, item.provisional) == (row["due_on"], row["provisional"])
        if same:
            keep.add((row["kind"], row["number"]))
            continue
        status = "closed" if item is None else "superseded"
        ended.append({"id": row["id"], "status": status, "reason": cause, "ended_at": now, "row": row})
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
            "ended_at": None,
        }
        for key, item in plan.items()
        if key not in keep
    ]
    return Replan(opened, ended)


def write(tx: Any, change: Replan) -> None:
    """Queue a replanning's rows."""
    for row in change.ended:
        tx.queue(END, ended=row["id"], how=row["status"], why=row["reason"], at=row["ended_at"])
    for row in change.opened:
        tx.queue(OPEN, **row)


def told(change: Replan) -> list[tuple[str, Any, Any]]:
    """Return the replanning as changes `(path, old, new)` for the log."""
    old = {f"/checkpoints/{row['row']['kind']}/{row['row']['number']}": _due(row["row"]) for row in change.ended}
    new = {f"/checkpoints/{row['kind']}/{row['number']}": _due(row) for row in change.opened}
    return [(path, old.get(path), new.get(path)) for path in sorted({*old, *new})]


def _due(row: Row) -> dict[str, Any]:
    return {"due_on": row["due_on"].isoformat(), "provisional": row["provisional"]}
