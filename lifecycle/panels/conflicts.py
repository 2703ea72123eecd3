"""Conflicts of interest on a panel: declared by the expert before he sees any papers, and found without asking him."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from lifecycle import sets
from lifecycle.audit import Change, Log, person_of
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import NotOffered, Unreadable
from lifecycle.panels.panel import (
    CONFLICTS,
    EXPERTS,
    PREPARING,
    PROJECTS,
    SCORING,
    SHEETS,
    Done,
    Held,
    lock_panel,
    nowhere,
    record,
)
from lifecycle.panels.panel import conflict as _conflict
from lifecycle.panels.panel import expert as _expert
from lifecycle.panels.panel import sheet as _sheet
from lifecycle.requests import note_of
from lifecycle.snapshots import application_of
from lifecycle.statements import Row, Statement
from states.conflicts import DECLARED, GROUNDS, Interest, conflicts_of
from states.findings import Text

NOTE_LENGTH = 500
DECLARE = Statement(
    sa.update(_expert)
    .where(_expert.c.panel_id == sa.bindparam("of"), _expert.c.person_id == sa.bindparam("who"))
    .values(declared_at=sa.bindparam("at", type_=_expert.c.declared_at.type))
)

Grounds = Mapping[tuple[str, str], tuple[str, ...]]  # (project, person) -> why that expert may not score it


def grounds_of(tx: Transaction, panel: str, experts: Iterable[Row], projects: Iterable[Row]) -> Grounds:
    """Return why these experts may not score these projects, as both stand now: found from the rows, and declared."""
    asked, applications = list(experts), {row["id"]: application_of(row) for row in projects}
    found = {
        (project, row["person_id"]): grounds
        for row in asked
        for project, application in applications.items()
        if (grounds := conflicts_of(Interest(row["unit"], row["group_name"]), application))
    }
    people = {row["person_id"] for row in asked}
    for row in tx.fetch(CONFLICTS, panel=panel):
        pair = (row["project_id"], row["person_id"])
        if pair[0] in applications and pair[1] in people:
            found[pair] = (*found.get(pair, ()), DECLARED)
    return found


def labelled(grounds: Sequence[str]) -> list[dict[str, str]]:
    """Return grounds with their sentences, as JSON values."""
    return [{"code": code, **GROUNDS[code]._asdict()} for code in grounds]


def declare(
    tx: Transaction, log: Log, caller: Caller, panel: str, conflicts: Sequence[Mapping[str, str | None]]
) -> Done:
    """Declare, as an expert of the panel, which of its projects one has a conflict with: `project` and a `note`.

    With none the declaration is that there are none. It may be made again as more comes to light; what was declared
    stays. A project assigned meanwhile is released with its draft. The notes enter the log as commitments.

    Raises:
        NotFound: no such panel, or the caller is not on it.
        NotOffered: the panel has concluded, or the expert has submitted his sheet of such a project: the province
            releases that.
        Unreadable: a project is not on the panel, is named twice, or a note is not what it should be.
    """
    me = caller.actor.id
    held = lock_panel(tx, panel, (PREPARING, SCORING)) if on_panel(tx, panel, me) else None
    if held is None:
        raise nowhere()
    given = {row["id"]: row for row in tx.fetch(PROJECTS, panel=held.id)}
    named = [str(item.get("project")) for item in conflicts]
    if len(set(named)) != len(named) or not set(named) <= set(given):
        raise Unreadable(Text("申报的项目须在本组且不重复", "each project is on the panel and named once"))
    known = {row["project_id"] for row in tx.fetch(CONFLICTS, panel=held.id) if row["person_id"] == me}
    new = [
        {
            "panel_id": held.id,
            "person_id": me,
            "project_id": item["project"],
            "note": note_of(item.get("note"), NOTE_LENGTH),
            "declared_at": caller.now,
        }
        for item in conflicts
        if item["project"] not in known
    ]
    released = _released(tx, held, me, {str(row["project_id"]) for row in new}, caller)
    sets.insert_many(tx, _conflict, new)
    tx.queue(DECLARE, of=held.id, who=me, at=caller.now)
    changes = [Change("/declarations", None, {"expert": me, "conflicts": len(known) + len(new)})]
    for row in new:
        changes.append(Change("/conflicts", None, {"expert": me, "project": row["project_id"]}))
        changes.append(Change("/conflicts/note", None, row["note"], person_of(caller)))
    changes += [Change("/sheets", row["id"], None) for row in released]
    told = {"conflicts": len(known) + len(new), "released": [row["project_id"] for row in released]}
    return record(tx, log, caller, held, "panel.declared", changes, moves=bool(released), told=told)


def on_panel(tx: Transaction, panel: str, person: str) -> Row | None:
    """Return the row of an expert on a panel, or None."""
    return next((row for row in tx.fetch(EXPERTS, panel=panel) if row["person_id"] == person), None)


def _released(tx: Transaction, held: Held, me: str, projects: set[str], caller: Caller) -> list[Row]:
    """Release what the expert has of these projects, and return those sheets as they were."""
    mine = [
        row
        for row in tx.fetch(SHEETS, panel=held.id)
        if row["person_id"] == me and row["project_id"] in projects and row["status"] != "released"
    ]
    if any(row["status"] == "submitted" for row in mine):
        raise NotOffered(
            Text(
                "已提交该项目的评分表，请报省厅收回后再申报",
                "the sheet of such a project is submitted: the province must release it first",
            ),
            [],
        )
    changed: list[dict[str, Any]] = [
        {"id": row["id"], "status": "released", "version": row["version"] + 1, "changed_at": caller.now} for row in mine
    ]
    sets.update_many(tx, _sheet, ["id"], changed)
    return mine
