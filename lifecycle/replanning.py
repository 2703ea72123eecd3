"""Projects of a batch planned anew under another calendar: which dates change, and the writes, chunk by chunk.

A checkpoint whose date moves is superseded, so that people are told and its reminders begin anew. One that keeps its
date and only becomes firm, or is computed otherwise beside a typed date, stays the row it is: nobody is disturbed.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from lifecycle import audit, checkpoints, sets
from lifecycle.audit import Change, Deed, Head, Keys, Log
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.projects import append_many, plain_action
from lifecycle.rulebooks import RuleSet, rules_for
from lifecycle.sets import for_both
from lifecycle.snapshots import facts_of
from lifecycle.statements import Row, Statement
from lifecycle.tables import Project
from states.deadlines import Calendar
from states.planning import Planned, planned

CHUNK = 200  # projects at a time: bounds memory
CAUSE = "new_calendar"
_FIRST = "00000000-0000-0000-0000-000000000000"
_AMENDED = ("computed_on", "provisional", "calendar")
_project = Project.__table__  # type: ignore[attr-defined]
_check = checkpoints.table


def _armed(dialect: str, columns: Iterable[Any]) -> Any:
    length = sa.func.jsonb_array_length if dialect == "postgresql" else sa.func.json_array_length
    return (
        sa.select(*columns)
        .where(
            _project.c.batch_id == sa.bindparam("batch"),
            _project.c.id > sa.bindparam("after"),
            length(_project.c.plan) > 0,
        )
        .order_by(_project.c.id)
        .limit(sa.literal(CHUNK, sa.Integer()))
    )


_NARROW = (_project.c.id, _project.c.definition_hash, _project.c.policy_hash, _project.c.plan)
READ = for_both(lambda d: _armed(d, _project.c))
LOCK = for_both(lambda d: _armed(d, _project.c).with_for_update())
READ_PLANS = for_both(lambda d: _armed(d, _NARROW))
LOCK_PLANS = for_both(lambda d: _armed(d, _NARROW).with_for_update())


class Shift(NamedTuple):
    """A checkpoint before and after: its due date's parts (`checkpoints.DUE`), None where there is none."""

    kind: str
    number: int
    old: Row | None
    new: Row | None

    @property
    def moved(self) -> bool:
        """True where the day itself changes."""
        return bool(_part(self.old, "due_on") != _part(self.new, "due_on"))

    @property
    def confirmed(self) -> bool:
        """True where a provisional date becomes a firm one."""
        return _part(self.old, "provisional") is True and _part(self.new, "provisional") is False

    @property
    def unsettled(self) -> bool:
        """True where a firm date becomes a provisional one."""
        return _part(self.old, "provisional") is False and _part(self.new, "provisional") is True


class Replanned(NamedTuple):
    """A project whose plan changes: its row and rules, the rows that change in place, open or end, and what is told."""

    row: Row
    rules: RuleSet
    amended: list[Row]
    replan: checkpoints.Replan
    shifts: list[Shift]


def chunks(tx: Transaction, batch: str, statement: Statement) -> Iterator[list[Row]]:
    """Yield the batch's projects that have open checkpoints, in the order of their ids."""
    after = _FIRST
    while rows := tx.fetch(statement, batch=batch, after=after):
        after = rows[-1]["id"]
        yield rows


def replanned(
    tx: Transaction, batch: str, calendar: Calendar, now: datetime, *, lock: bool
) -> Iterator[list[Replanned]]:
    """Yield, chunk by chunk, the batch's projects whose plan changes; all that have one are locked where `lock`."""
    for rows in chunks(tx, batch, LOCK if lock else READ):
        found = (replan(rules_for(tx, row["definition_hash"], row["policy_hash"]), row, calendar, now) for row in rows)
        yield [item for item in found if item]


def replan(rules: RuleSet, row: Row, calendar: Calendar, now: datetime) -> Replanned | None:
    """Return what another calendar changes of a project, or None where it changes nothing. Pure but for new ids."""
    wanted = planned(rules.definition, rules.policy, facts_of(row), calendar)
    there = {(item.kind, item.number): item for item in wanted}
    plan = [_amended(item, there.get((item["kind"], item["number"]))) for item in row["plan"]]
    changed = checkpoints.replan(
        row["id"],
        row["batch_id"],
        row["version"] + 1,
        rules.policy.policy.zone,
        wanted,
        plan,
        CAUSE,
        now,
        audit.new_id,
    )
    before, after = ({(item["kind"], item["number"]): item for item in items} for items in (row["plan"], changed.plan))
    shifts = [
        Shift(kind, number, _due(before.get((kind, number))), _due(after.get((kind, number))))
        for kind, number in sorted({*before, *after})
        if before.get((kind, number)) != after.get((kind, number))
    ]
    if not shifts:
        return None
    amended = [new for old, new in zip(row["plan"], plan, strict=True) if old != new]
    return Replanned(row, rules, amended, changed, shifts)


def write_many(
    tx: Transaction, log: Log, caller: Caller, items: Sequence[Replanned], reason: str | None, keys: Keys
) -> None:
    """Write changed plans: projects, checkpoints and one entry a project; as many statements whatever the number."""
    if not items:
        return
    built = [
        audit.build(log, caller, Head(i.row["head_seq"], i.row["head_hash"]), _deed(i, reason), keys) for i in items
    ]
    columns = [
        {
            "id": item.row["id"],
            "plan": item.replan.plan,
            "version": item.row["version"] + 1,
            "head_seq": entry.head.seq,
            "head_hash": entry.head.hash,
            "changed_at": caller.now,
        }
        for item, entry in zip(items, built, strict=True)
    ]
    sets.update_many(tx, _project, ["id"], columns)
    sets.update_many(tx, _check, ["id"], [_columns(row) for item in items for row in item.amended])
    names = ("id", "status", "reason", "ended_at")
    ended = [{name: row[name] for name in names} for item in items for row in item.replan.ended]
    sets.update_many(tx, _check, ["id"], ended)
    sets.insert_many(tx, _check, [row for item in items for row in item.replan.opened])
    append_many(tx, built)


def _amended(row: Row, item: Planned | None) -> Row:
    """Return a row of the plan as it stays where its day stays: with what else is known of it now."""
    if item is None or item.due_on.isoformat() != row["due_on"]:
        return row
    computed = item.computed_on.isoformat()
    if (computed, item.provisional) == (row["computed_on"], row["provisional"]):
        return row
    return {**row, "computed_on": computed, "provisional": item.provisional, "calendar": item.calendar}


def _columns(row: Row) -> Row:
    parts = {name: row[name] for name in _AMENDED}
    return {"id": row["id"], **parts, "computed_on": date.fromisoformat(row["computed_on"])}


def _deed(item: Replanned, reason: str | None) -> Deed:
    row, version = item.row, item.row["version"] + 1
    told = [Change(f"/checkpoints/{shift.kind}/{shift.number}", shift.old, shift.new) for shift in item.shifts]
    return Deed(
        f"project/{row['id']}",
        "project.replanned",
        ("project", row["id"], version),
        action=plain_action(CAUSE, row),
        changes=[Change("/version", row["version"], version), *told],
        reason=reason,
    )


def _due(row: Row | None) -> Row | None:
    return None if row is None else {name: row[name] for name in checkpoints.DUE}


def _part(due: Row | None, name: str) -> Any:
    return None if due is None else due[name]
