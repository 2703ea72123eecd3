"""An expert's own work: the panels he is on, what to declare, and the papers of what he was given once he has."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from lifecycle.callers import Caller
from lifecycle.canonical import instant
from lifecycle.database import Transaction
from lifecycle.errors import Forbidden, NotFound
from lifecycle.investments import CLAIMED, VERIFIED
from lifecycle.panels.conflicts import grounds_of, labelled
from lifecycle.panels.given import given_project, may_score, open_documents, own_panel, own_sheets
from lifecycle.panels.panel import PROJECTS, summary, table
from lifecycle.panels.sheets import told
from lifecycle.requests import is_identifier
from lifecycle.rulebooks import definition_for, policy_for
from lifecycle.snapshots import application_of
from lifecycle.statements import Statement
from lifecycle.tables import Batch, PanelExpert, Project
from states.findings import Text
from states.indicators import attained

_batch = Batch.__table__  # type: ignore[attr-defined]
_expert = PanelExpert.__table__  # type: ignore[attr-defined]
_project = Project.__table__  # type: ignore[attr-defined]

MINE = Statement(
    sa.select(table, _batch.c.code.label("batch_code"), _expert.c.declared_at, _expert.c.chair)
    .join(_batch, _batch.c.id == table.c.batch_id)
    .join(_expert, _expert.c.panel_id == table.c.id)
    .where(_expert.c.person_id == sa.bindparam("me", type_=_expert.c.person_id.type))
    .order_by(table.c.created_at.desc(), table.c.id)
)
RECORD = Statement(sa.select(_project.c.record, _project.c.lists).where(_project.c.id == sa.bindparam("wanted")))
KEPT_BACK = ("score",)  # types of fields: what earlier panels gave is not for the next one's eyes
RANK = "rank"  # nor the city's order


def my_reviews(tx: Transaction, caller: Caller) -> list[dict[str, Any]]:
    """Return the panels that the caller is on, the newest first.

    Raises:
        Forbidden: the caller is no expert.
    """
    may_score(caller)
    rows = tx.fetch(MINE, me=caller.actor.id) if is_identifier(caller.actor.id) else []
    return [{**summary(row), "chair": row["chair"], "declared_at": _instant(row["declared_at"])} for row in rows]


def show_review(tx: Transaction, caller: Caller, panel: str) -> dict[str, Any]:
    """Return a panel as one of its experts sees it: criteria, what to declare of, and, once declared, what is his.

    Until then a project is no more than its title and its units' names: what it takes to know a conflict.

    Raises:
        Forbidden: the caller is no expert.
        NotFound: there is no such panel, or the caller is not on it.
    """
    row, expert = own_panel(tx, caller, panel)
    projects = {given["id"]: given for given in tx.fetch(PROJECTS, panel=row["id"])}
    grounds = grounds_of(tx, row["id"], [expert], projects.values())
    sheets = own_sheets(tx, row, caller) if expert["declared_at"] else []
    setting = row["setting"]
    return {
        **summary(row),
        "criteria": [{"code": code, **one} for code, one in setting["criteria"].items()],
        "chair": expert["chair"],
        "declared_at": _instant(expert["declared_at"]),
        "projects": [
            {
                "project": name,
                "code": given["code"],
                "title": given["title"],
                "units": [unit["name"] for unit in given["members"]],
                "conflicts": labelled(grounds.get((name, caller.actor.id), ())),
            }
            for name, given in projects.items()
        ],
        "sheets": [
            {
                **{name: sheet[name] for name in ("id", "round", "status", "total", "version")},
                "project": sheet["project_id"],
                "code": projects[sheet["project_id"]]["code"],
                "title": projects[sheet["project_id"]]["title"],
                "due": sheet["round"] == projects[sheet["project_id"]]["round"],
            }
            for sheet in sheets
            if sheet["project_id"] in projects
        ],
    }


def show_papers(tx: Transaction, caller: Caller, panel: str, project: str) -> dict[str, Any]:
    """Return the papers of a project that the caller was given to score: what was filed, and references to documents.

    With it what was invested and what was reached of each indicator. Contacts, the city's opinion and rank, and scores
    of other panels are not among them.

    Raises:
        Forbidden: the caller is no expert, has not declared his conflicts, or has one with the project.
        NotFound: the project was not given to him.
    """
    given, mine = given_project(tx, caller, panel, project)
    definition, policy = definition_for(tx, given["definition_hash"]), policy_for(tx, given["policy_hash"])
    names = ("code", "title", "city", "state", "task_code", "ownership", "group_name", "investment_fen")
    unit_names = ("name", "credit_code", "role", "kind", "region", "group")
    live = tx.one(RECORD, wanted=project) or {"record": {}, "lists": {}}
    record = live["record"]
    open_fields = {
        name
        for name, spec in definition.fields.items()
        if not spec.sensitive and not spec.hidden_from and spec.type not in KEPT_BACK and name != RANK
    }
    return {
        "project": project,
        **{name: given[name] for name in names},
        "starts_on": given["starts_on"].isoformat() if given["starts_on"] else None,
        "ends_on": given["ends_on"].isoformat() if given["ends_on"] else None,
        "city_label": {"zh": policy.cities[given["city"]].zh, "en": policy.cities[given["city"]].en},
        "members": [{name: unit.get(name) for name in unit_names} for unit in given["members"]],
        "record": {name: value for name, value in record.items() if name in open_fields},
        "documents": open_documents(definition, given),
        "investments": {
            name: {"label": {"zh": one.zh, "en": one.en}, "lists": kept}
            for name, one in definition.rounds.items()
            if (kept := _lists(live["lists"], name))
        },
        "indicators": given["indicators"] or [],
        "self_evaluation": {
            name: [one.to_dict() for one in attained(application_of(given).indicators, record[spec.attained])]
            for name, spec in definition.rounds.items()
            if spec.attained in record
        },
        "sheets": [told(one) for one in mine],
    }


def show_sheet(tx: Transaction, caller: Caller, panel: str, sheet: str) -> dict[str, Any]:
    """Return one of the caller's own sheets, of whatever round.

    Raises:
        Forbidden: the caller is no expert, or has not declared his conflicts.
        NotFound: he has no such sheet.
    """
    row, expert = own_panel(tx, caller, panel)
    found = next((one for one in own_sheets(tx, row, caller) if one["id"] == sheet), None)
    if found is None:
        raise NotFound(Text("没有此评分表", "there is no such sheet of yours"))
    if expert["declared_at"] is None:
        raise Forbidden(Text("请先申报利益冲突", "declare your conflicts of interest first"))
    return told(found)


def _lists(lists: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return what is claimed and verified of a round in all: number of lines and sum."""
    found = {kind: lists.get(f"{name}_{kind}") for kind in (CLAIMED, VERIFIED)}
    return {kind: {key: one[key] for key in ("number", "lines", "total_fen")} for kind, one in found.items() if one}


def _instant(value: Any) -> str | None:
    return instant(value) if value else None
