"""What an expert was given: whether a project is his to read, its documents, and its lists of actual investment."""

from typing import Any, NamedTuple

import sqlalchemy as sa

from lifecycle.audit import person_of
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.documents.references import file_table
from lifecycle.documents.references import table as _document
from lifecycle.errors import Forbidden, NotFound
from lifecycle.investment_reading import list_of
from lifecycle.panels.conflicts import grounds_of, on_panel
from lifecycle.panels.panel import PROJECTS, SHEETS, find_panel, nowhere
from lifecycle.requests import is_identifier
from lifecycle.rulebooks import definition_for, rules_of_row
from lifecycle.snapshots import facts_of
from lifecycle.statements import Row, Statement
from lifecycle.transition import READ_PROJECT, Loaded
from states.definition import LifecycleDefinition
from states.findings import Text

STORED = Statement(
    sa.select(_document.c.name, _document.c.sha256, file_table.c.size, file_table.c.format)
    .join(file_table, file_table.c.sha256 == _document.c.sha256)
    .where(
        _document.c.id == sa.bindparam("wanted"),
        _document.c.version == sa.bindparam("of_version"),
        _document.c.kind == sa.bindparam("of_kind"),
    )
)


class Given(NamedTuple):
    """A project that an expert may read, and his sheets of it, none released."""

    project: Row
    sheets: list[Row]


def own_panel(tx: Transaction, caller: Caller, panel: str) -> tuple[Row, Row]:
    """Return a panel with the caller's own row on it.

    Raises:
        Forbidden: the caller is no expert.
        NotFound: there is no such panel, or the caller is not on it.
    """
    may_score(caller)
    row = find_panel(tx, panel)
    expert = on_panel(tx, row["id"], caller.actor.id)
    if expert is None:
        raise nowhere()
    return row, expert


def own_sheets(tx: Transaction, panel: Row, caller: Caller) -> list[Row]:
    """Return the caller's own sheets on a panel, of whatever round."""
    return [row for row in tx.fetch(SHEETS, panel=panel["id"]) if row["person_id"] == caller.actor.id]


def may_score(caller: Caller) -> None:
    """Refuse a caller who is no expert.

    Raises:
        Forbidden: so.
    """
    if "score" not in caller.actor.rights:
        raise Forbidden(Text("此处仅供评审专家使用", "this is for experts alone"))


def given_project(tx: Transaction, caller: Caller, panel: str, project: str) -> Given:
    """Return a project that the caller was given to score and may read: he has declared, and has no conflict.

    Raises:
        Forbidden: the caller is no expert, has not declared his conflicts, or has one with the project.
        NotFound: the project was not given to him in its present round.
    """
    row, expert = own_panel(tx, caller, panel)
    given = next((one for one in tx.fetch(PROJECTS, panel=row["id"]) if one["id"] == project), None)
    mine = [one for one in own_sheets(tx, row, caller) if one["project_id"] == project and one["status"] != "released"]
    if expert["declared_at"] is None:
        raise Forbidden(Text("请先申报利益冲突", "declare your conflicts of interest first"))
    if given is None or not any(one["round"] == given["round"] for one in mine):
        raise NotFound(Text("没有分配给您的此项目", "no such project was given to you"))
    if grounds_of(tx, row["id"], [expert], [given]):
        raise Forbidden(Text("您应回避此项目", "you have a conflict of interest with this project"))
    return Given(given, mine)


def open_documents(definition: LifecycleDefinition, project: Row) -> dict[str, dict[str, Any]]:
    """Return a project's references to documents of kinds that are kept from nobody."""
    kinds = definition.documents
    return {
        kind: reference
        for kind, reference in project["documents"].items()
        if kind in kinds and not kinds[kind].hidden_from
    }


def find_given_document(tx: Transaction, caller: Caller, panel: str, project: str, kind: str) -> dict[str, Any]:
    """Return the stored version of a document that the project's acts last referred to: name, sha256, size, format.

    Raises:
        Forbidden, NotFound: as `given_project`; or the project has no such document, or it lies elsewhere.
    """
    given = given_project(tx, caller, panel, project).project
    reference = open_documents(definition_for(tx, given["definition_hash"]), given).get(kind)
    row = (
        tx.one(STORED, wanted=reference["id"], of_version=reference["version"], of_kind=kind)
        if reference and is_identifier(reference["id"])
        else None
    )
    if row is None or reference is None or row["sha256"] != reference["sha256"]:
        raise NotFound(Text("没有此份材料", "there is no such document"))
    return dict(row)


def read_given_list(
    tx: Transaction, caller: Caller, panel: str, project: str, name: str, number: int | None = None
) -> dict[str, Any]:
    """Return a round's list of actual investment as `read_list` does; where an invoice stands twice is told, not where.

    Raises:
        Forbidden, NotFound: as `given_project`; or there is no such round or version.
    """
    given_project(tx, caller, panel, project)
    row = tx.one(READ_PROJECT, wanted=project, me=person_of(caller))
    assert row is not None
    row.pop("my_key")
    return list_of(tx, caller, Loaded(row, rules_of_row(tx, row), facts_of(row)), name, number)
