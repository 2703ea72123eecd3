"""Panels as the province leads them and the auditor reads them: who, what, how far, and results with ties shown."""

from collections import Counter
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from lifecycle.callers import Caller
from lifecycle.canonical import instant
from lifecycle.database import Transaction
from lifecycle.errors import Unreadable
from lifecycle.panels.conflicts import Grounds, grounds_of, labelled
from lifecycle.panels.panel import (
    EXPERTS,
    PROJECTS,
    RESULTS,
    SESSIONS,
    SHEETS,
    may_see,
    panel_of_batch,
    project,
    result,
    summary,
    table,
)
from lifecycle.panels.sheets import told
from lifecycle.rulebooks import definition_for, rules_of_row
from lifecycle.statements import Row, Statement
from lifecycle.tables import Batch, PanelExpert, Project, ScoreSheet
from states.findings import Text
from states.panels import PanelSetting, placed, times_sent_back

_batch = Batch.__table__  # type: ignore[attr-defined]
_expert = PanelExpert.__table__  # type: ignore[attr-defined]
_sheet = ScoreSheet.__table__  # type: ignore[attr-defined]
_project = Project.__table__  # type: ignore[attr-defined]

_OF = table.c.batch_id == sa.bindparam("of")
OF_BATCH = Statement(
    sa.select(table, _batch.c.code.label("batch_code"))
    .join(_batch, _batch.c.id == table.c.batch_id)
    .where(_OF)
    .order_by(table.c.number)
)


def _counted(of: Any, *by: Any) -> Statement:
    number = sa.func.count().label("count")
    found = sa.select(of.c.panel_id, *by, number).join(table, table.c.id == of.c.panel_id).where(_OF)
    return Statement(found.group_by(of.c.panel_id, *by))


DECLARED = _counted(_expert, _expert.c.declared_at.is_not(None).label("declared"))
GIVEN = _counted(project)
# Of the present round only: what earlier rounds and released sheets hold is history.
IN_ROUND = Statement(
    sa.select(_sheet.c.panel_id, _sheet.c.status, sa.func.count().label("count"))
    .join(table, table.c.id == _sheet.c.panel_id)
    .join(
        project,
        sa.and_(
            project.c.panel_id == _sheet.c.panel_id,
            project.c.project_id == _sheet.c.project_id,
            project.c.round == _sheet.c.round,
        ),
    )
    .where(_OF, _sheet.c.status != "released")
    .group_by(_sheet.c.panel_id, _sheet.c.status)
)
STANDING = Statement(
    sa.select(
        *(_project.c[name] for name in ("id", "code", "title", "city", "state", "lead_name", "version")),
        *(_project.c[name] for name in ("record", "lists", "definition_hash")),
        table.c.number,
        table.c.status,
        project.c.round,
        *(result.c[name] for name in ("score", "sheets", "low", "high", "spread", "wide", "sent_back", "concluded_at")),
    )
    .select_from(project)
    .join(table, table.c.id == project.c.panel_id)
    .join(_project, _project.c.id == project.c.project_id)
    .join(
        result,
        sa.and_(
            result.c.panel_id == project.c.panel_id,
            result.c.project_id == project.c.project_id,
            result.c.round == project.c.round,
        ),
        isouter=True,
    )
    .where(_OF, project.c.purpose == sa.bindparam("purpose"))
    .order_by(_project.c.code)
)


def list_panels(tx: Transaction, caller: Caller, batch: Row) -> list[dict[str, Any]]:
    """Return a batch's panels by number, with how far each has come. Four reads, however many there are.

    Raises:
        Forbidden: the caller may not know of panels.
    """
    may_see(caller)
    rows = tx.fetch(OF_BATCH, of=batch["id"])
    experts: Counter[tuple[str, bool]] = Counter()
    for found in tx.fetch(DECLARED, of=batch["id"]):
        experts[found["panel_id"], bool(found["declared"])] += found["count"]
    projects = {found["panel_id"]: found["count"] for found in tx.fetch(GIVEN, of=batch["id"])}
    sheets = {(found["panel_id"], found["status"]): found["count"] for found in tx.fetch(IN_ROUND, of=batch["id"])}
    return [
        {
            **summary(row),
            "experts": experts[row["id"], True] + experts[row["id"], False],
            "declared": experts[row["id"], True],
            "projects": projects.get(row["id"], 0),
            "sheets": {status: sheets.get((row["id"], status), 0) for status in ("assigned", "draft", "submitted")},
        }
        for row in rows
    ]


def show_panel(tx: Transaction, caller: Caller, batch: Row, number: int) -> dict[str, Any]:
    """Return a whole panel: setting, experts with their load, projects with who scores them, conflicts, sittings.

    Of a sheet only its status and, submitted, its total. Seven reads.

    Raises:
        Forbidden: the caller may not know of panels.
        NotFound: there is none of this number.
    """
    may_see(caller)
    row = panel_of_batch(tx, batch, number)
    experts, projects = tx.fetch(EXPERTS, panel=row["id"]), tx.fetch(PROJECTS, panel=row["id"])
    rounds = {given["id"]: given["round"] for given in projects}
    sheets = [
        sheet
        for sheet in tx.fetch(SHEETS, panel=row["id"])
        if sheet["status"] != "released" and rounds.get(sheet["project_id"]) == sheet["round"]
    ]
    results = {(found["project_id"], found["round"]): found for found in tx.fetch(RESULTS, panel=row["id"])}
    grounds = grounds_of(tx, row["id"], experts, projects)
    people = {one["person_id"]: {"login": one["login"], "name": one["name"]} for one in experts}
    people |= {one["person_id"]: {"login": one["login"], "name": one["name"]} for one in sheets}
    load = Counter(sheet["person_id"] for sheet in sheets)
    done = Counter(sheet["person_id"] for sheet in sheets if sheet["status"] == "submitted")
    return {
        **summary(row),
        "setting": row["setting"],
        "seed": row["seed"],
        "experts": [
            {
                **people[one["person_id"]],
                **{name: one[name] for name in ("unit", "chair", "active")},
                "group": one["group_name"],
                "declared_at": instant(one["declared_at"]) if one["declared_at"] else None,
                "chased_at": instant(one["chased_at"]) if one["chased_at"] else None,
                "load": load[one["person_id"]],
                "submitted": done[one["person_id"]],
            }
            for one in experts
        ],
        "projects": [_project_of(given, sheets, results, grounds, people) for given in projects],
        "sessions": [_session(found, people) for found in tx.fetch(SESSIONS, panel=row["id"])],
    }


def list_sheets(
    tx: Transaction, caller: Caller, batch: Row, number: int, project: str | None = None
) -> list[dict[str, Any]]:
    """Return a panel's sheets of every round, released ones too; points and comments of those submitted only.

    Raises:
        Forbidden: the caller may not know of panels.
        NotFound: there is no panel of this number.
    """
    may_see(caller)
    row = panel_of_batch(tx, batch, number)
    rounds = {given["id"]: given["round"] for given in tx.fetch(PROJECTS, panel=row["id"])}
    return [
        {
            **told(sheet if sheet["submitted_at"] else {**sheet, "points": {}, "comment": None, "total": None}),
            "expert": {"login": sheet["login"], "name": sheet["name"]},
            "counts": sheet["status"] == "submitted" and rounds.get(sheet["project_id"]) == sheet["round"],
        }
        for sheet in tx.fetch(SHEETS, panel=row["id"])
        if project in (None, sheet["project_id"])
    ]


def list_results(tx: Transaction, caller: Caller, batch: Row, purpose: str) -> dict[str, Any]:
    """Return what the panels of a purpose say of the batch's projects: ranked across panels, ties shown, then the rest.

    `fields` is what an act on the project has to put on record for the decision that is pending. A project that was
    sent back since and came again is among those without a result.

    Raises:
        Forbidden: the caller may not know of panels.
        Unreadable: the batch has no panels of this purpose.
    """
    may_see(caller)
    setting = rules_of_row(tx, batch).policy.panels.get(purpose)
    if setting is None:
        raise Unreadable(Text(f"本批次没有用途为{purpose[:64]}的专家组", f"the batch has no panels for {purpose[:64]}"))
    rows = tx.fetch(STANDING, of=batch["id"], purpose=purpose)
    standing = {row["id"]: row for row in rows if _stands(tx, setting, row)}
    ranked = [
        {
            **_named(standing[place.project]),
            "rank": place.rank,
            "tied": place.tied,
            **{name: standing[place.project][name] for name in ("score", "sheets", "low", "high", "spread", "wide")},
            "concluded_at": instant(standing[place.project]["concluded_at"]),
            "pending": standing[place.project]["state"] in setting.states,
            "fields": {setting.field: standing[place.project]["score"]} if setting.field else {},
        }
        for place in placed({name: Decimal(row["score"]) for name, row in standing.items()})
    ]
    return {
        "batch": batch["code"],
        "purpose": purpose,
        "results": ranked,
        "unconcluded": [_named(row) for row in rows if row["id"] not in standing],
    }


def verified_of(tx: Transaction, batch: Row, purpose: str) -> dict[str, dict[str, int]]:
    """Return what is verified, line by line of the present list, for the projects of a purpose: by round, in fen."""
    found: dict[str, dict[str, int]] = {}
    for row in tx.fetch(STANDING, of=batch["id"], purpose=purpose):
        lists = row["lists"]
        for name in definition_for(tx, row["definition_hash"]).rounds:
            claimed, verified = (lists.get(f"{name}_{kind}") for kind in ("claimed", "verified"))
            if claimed and verified and verified["basis"] == claimed["number"]:
                found.setdefault(row["id"], {})[name] = verified["total_fen"]
    return found


def _stands(tx: Transaction, setting: PanelSetting, row: Row) -> bool:
    if row["score"] is None or row["state"] not in setting.states:
        return row["score"] is not None
    definition = definition_for(tx, row["definition_hash"])
    return bool(row["sent_back"] == times_sent_back(definition, row["state"], row["record"]))


def _named(row: Row) -> dict[str, Any]:
    names = ("code", "title", "city", "state", "lead_name", "version", "round")
    return {"project": row["id"], **{name: row[name] for name in names}, "panel": row["number"]}


def _project_of(
    given: Row,
    sheets: list[Row],
    results: dict[tuple[str, int], Row],
    grounds: Grounds,
    people: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    found = results.get((given["id"], given["round"]))
    names = ("score", "sheets", "low", "high", "spread", "wide")
    return {
        "project": given["id"],
        **{name: given[name] for name in ("code", "title", "city", "state", "task_code", "lead_name", "round")},
        "scored_by": [
            {**people[one["person_id"]], "sheet": one["id"], "status": one["status"], "total": one["total"]}
            for one in sheets
            if one["project_id"] == given["id"]
        ],
        "conflicts": [
            {**people[person], "grounds": labelled(codes)}
            for (project_id, person), codes in sorted(grounds.items())
            if project_id == given["id"] and person in people
        ],
        "result": {
            **{name: found[name] for name in names},
            "trimmed": [people.get(person, {"login": person, "name": person}) for person in found["trimmed"]],
            "concluded_at": instant(found["concluded_at"]),
        }
        if found
        else None,
    }


def _session(row: Row, people: dict[str, dict[str, Any]]) -> dict[str, Any]:
    names = ("number", "method", "minutes_number", "minutes", "projects", "note")
    return {
        **{name: row[name] for name in names},
        "held_on": row["held_on"].isoformat(),
        "present": [people.get(person, {"login": person, "name": person}) for person in row["present"]],
        "recorded_at": instant(row["recorded_at"]),
    }
