"""Edits of a draft: what they ask for, and what they make of it; held against the docket's kind and the projects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from lifecycle import sets
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.dockets.shelf import Held, items, table
from lifecycle.errors import Conflict, NotFound, Unreadable
from lifecycle.requests import document_of, is_identifier, note_of
from lifecycle.sets import for_both
from lifecycle.statements import Row
from lifecycle.tables import Project
from states.fields import clean_known
from states.findings import Text

_project = Project.__table__  # type: ignore[attr-defined]
PROJECTS = for_both(
    lambda d: sa.select(_project.c.id, _project.c.batch_id, _project.c.city, _project.c.lead_code).where(
        sets.within(_project.c.id, "wanted", d, "uuid")
    )
)
DRAFTED = for_both(
    lambda d: (
        sa.select(items.c.project_id, items.c.docket_id, table.c.number)
        .join(table, table.c.id == items.c.docket_id)
        .where(sets.within(items.c.project_id, "wanted", d, "uuid"), items.c.draft_of == sa.bindparam("of_kind"))
    )
)


@dataclass(frozen=True, slots=True)
class DraftItem:
    """A project to put on a docket; the act asked for is the kind's first where none is named."""

    project: str
    event: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    documents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """What changes in a draft. In `header` and `documents` what is named is replaced, null takes it off.

    An item that is put stands as given from then on, in its old place or at the end; `order` names all items.
    """

    header: Mapping[str, Any] = field(default_factory=dict)
    documents: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    note: str | None = None  # empty: takes it off
    put: Sequence[DraftItem] = ()
    remove: Sequence[str] = ()
    order: Sequence[str] | None = None


def common_after(held: Held, edit: Edit) -> dict[str, Any]:
    """Return header, documents and note as they will stand.

    Raises:
        Unreadable: a field, document or the note is not what it should be.
    """
    spec = held.spec
    fields, wrong = clean_known(held.rules.definition, spec.header, edit.header)
    kinds = (*spec.documents, *spec.optional_documents)
    wrong |= {
        kind: "本清单不收此类材料 / not a document of this docket" for kind in edit.documents if kind not in kinds
    }
    _check(wrong)
    header = {name: value for name, value in held.row["header"].items() if name not in edit.header}
    documents = {kind: value for kind, value in held.row["documents"].items() if kind not in edit.documents}
    given = {kind: document_of(kind, value) for kind, value in edit.documents.items() if value is not None}
    note = held.row["note"] if edit.note is None else note_of(edit.note)
    return {"header": {**header, **fields}, "documents": {**documents, **given}, "note": note}


def _check(wrong: Mapping[str, str], where: str = "") -> None:
    if wrong:
        told = [f"{where}{name[:64]}：{text}" for name, text in list(wrong.items())[:20]]
        zh = "；".join(one.partition(" / ")[0] for one in told)
        raise Unreadable(Text(f"清单填写有误：{zh}", f"the docket cannot be taken: {'; '.join(told)}"), wrong=told)


def items_after(
    tx: Transaction, caller: Caller, held: Held, old: Mapping[str, Row], edit: Edit, limit: int
) -> dict[str, Row]:
    """Return the items as they will stand, by project, with dense positions in order.

    Raises:
        NotFound: a project is not there, not within reach or not this docket's to hold.
        Unreadable: an item or the order is not what it should be, or there are too many.
        Conflict: a project is in another draft of the kind.
    """
    put = {item.project: item for item in edit.put}
    named = [*put, *edit.remove]
    if len(put) != len(edit.put) or len(set(named)) != len(named):
        raise Unreadable(Text("同一项目出现了两次", "a project is named twice"))
    if strange := [project[:64] for project in edit.remove if project not in old]:
        raise NotFound(
            Text("清单中没有要移出的项目", "a project to remove is not on the docket"), projects=strange[:20]
        )
    _reach(tx, caller, held, [project for project in put if project not in old])
    after = {project: row for project, row in old.items() if project not in edit.remove}
    for project, item in put.items():
        after[project] = _item(held, item)
    if len(after) > limit:
        raise Unreadable(Text(f"一份清单至多{limit}个项目", f"a docket has at most {limit} projects"))
    order = list(after) if edit.order is None else list(edit.order)
    if sorted(order) != sorted(after):
        raise Unreadable(Text("排序须恰好列出清单中的全部项目", "the order names each project of the docket once"))
    return {project: {**after[project], "position": place} for place, project in enumerate(order, 1)}


def _item(held: Held, item: DraftItem) -> Row:
    definition, spec = held.rules.definition, held.spec
    event = item.event or spec.events[0]
    if event not in spec.events:
        raise Unreadable(
            Text(f"{spec.zh}不办理{event[:64]}", f"a {spec.en} does not ask for {event[:64]}"), events=list(spec.events)
        )
    known, kinds = definition.taken[event]
    fields, wrong = clean_known(definition, known - {spec.ranked}, item.fields)
    wrong |= {kind: "本操作不收此类材料 / not a document of this act" for kind in item.documents if kind not in kinds}
    _check(wrong, f"{item.project[:36]} ")
    documents = {kind: document_of(kind, value) for kind, value in item.documents.items()}
    return {
        "docket_id": held.row["id"],
        "project_id": item.project,
        "event": event,
        "fields": fields,
        "documents": documents,
        "note": note_of(item.note),
        "draft_of": held.row["kind"],
        "outcome": None,
    }


def _reach(tx: Transaction, caller: Caller, held: Held, projects: Sequence[str]) -> None:
    """Refuse projects that are not the docket's to hold, or lie in another draft of its kind."""
    wanted = sorted({project for project in projects if is_identifier(project)})
    if not projects:
        return
    city = held.row["city"]
    found = {
        row["id"]
        for row in sets.select_many(tx, PROJECTS, "wanted", wanted)
        if row["batch_id"] == held.row["batch_id"]
        and (not city or row["city"] == city)
        and caller.actor.reaches(row["city"], (row["lead_code"],))
    }
    if missing := [project[:64] for project in projects if project not in found]:
        raise NotFound(
            Text(
                f"有{len(missing)}个项目不存在，或不属于本清单的范围",
                f"{len(missing)} projects do not exist or are not this docket's to hold",
            ),
            projects=missing[:20],
        )
    taken = sets.select_many(tx, DRAFTED, "wanted", wanted, of_kind=held.row["kind"])
    if taken:
        raise Conflict(
            Text(
                f"有{len(taken)}个项目已在另一份拟办的{held.spec.zh}中",
                f"{len(taken)} projects are in another draft of a {held.spec.en}",
            ),
            projects=[row["project_id"] for row in taken[:20]],
            dockets=sorted({row["docket_id"] for row in taken}),
        )
