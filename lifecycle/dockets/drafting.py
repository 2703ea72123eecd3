"""Drafts of dockets: opened, filled, put in order, given up. Nothing of a project changes by any of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from lifecycle import audit, sets
from lifecycle.audit import Log, person_of
from lifecycle.batches import LOCK_BATCH, rules_of
from lifecycle.callers import Caller
from lifecycle.canonical import ZERO_HASH
from lifecycle.database import Transaction
from lifecycle.dockets.edits import Edit, common_after, items_after
from lifecycle.dockets.shelf import DRAFT, WITHDRAWN, Held, items, lock_draft, may_draft, table
from lifecycle.dockets.telling import changes_of_item, changes_of_row, record
from lifecycle.errors import NotFound, Unreadable
from lifecycle.requests import note_of
from lifecycle.rulebooks import RuleSet
from lifecycle.sets import for_both
from lifecycle.signing import Receipt
from lifecycle.statements import Row, Statement
from states.definition import DocketSpec
from states.findings import Text

ADD = Statement(sa.insert(table))
LAST_NUMBER = Statement(
    sa.select(sa.func.max(table.c.number).label("number")).where(
        table.c.batch_id == sa.bindparam("batch"),
        table.c.kind == sa.bindparam("of_kind"),
        table.c.city == sa.bindparam("of_city"),
    )
)
FORGET = for_both(
    lambda d: sa.delete(items).where(
        items.c.docket_id == sa.bindparam("of"), sets.within(items.c.project_id, "gone", d, "uuid")
    )
)
RELEASE_PROJECTS = Statement(sa.update(items).where(items.c.docket_id == sa.bindparam("of")).values(draft_of=sa.null()))
ITEM = ("docket_id", "project_id", "position", "event", "fields", "documents", "note", "draft_of", "outcome")


@dataclass(frozen=True, slots=True)
class Drafted:
    """A docket as it was written."""

    docket: str
    kind: str
    number: int
    status: str
    version: int
    receipt: Receipt

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        names = ("docket", "kind", "number", "status", "version")
        return {**{name: getattr(self, name) for name in names}, "receipt": self.receipt.to_dict()}


def draft_docket(
    tx: Transaction, log: Log, caller: Caller, batch: Row, kind: str, city: str | None, edit: Edit, limit: int
) -> Drafted:
    """Open a draft; its stream begins with this entry. A city's own draft needs no city named.

    Raises:
        NotFound: the batch's lifecycle has no such kind, or a project is not within reach.
        Forbidden: such dockets are another role's, or another city's.
        Unreadable: the city or something in the edit is not what it should be.
        Conflict: a project is in another draft of the kind.
    """
    found = tx.one(LOCK_BATCH, wanted=batch["id"])
    assert found is not None
    rules = rules_of(tx, found)
    spec = rules.definition.dockets.get(kind)
    if spec is None:
        raise NotFound(Text(f"没有名为{kind[:64]}的清单", f"there is no kind of docket {kind[:64]}"))
    whose = _city(rules, spec, city or (caller.actor.city if caller.actor.scope == "city" else None))
    may_draft(caller.actor, spec, whose)
    (last,) = tx.fetch(LAST_NUMBER, batch=found["id"], of_kind=kind, of_city=whose)
    row = {
        "id": audit.new_id(caller.now),
        "batch_id": found["id"],
        "kind": kind,
        "city": whose,
        "number": (last["number"] or 0) + 1,
        "status": DRAFT,
        "header": {},
        "documents": {},
        "note": None,
        "receipt": None,
        "version": 0,
        "head_seq": 0,
        "head_hash": ZERO_HASH,
        "created_at": caller.now,
        "created_by": caller.actor.id,
        "changed_at": caller.now,
        "signed": None,
        "released_at": None,
    }
    tx.queue(ADD, **row)
    pinned = {name: found[name] for name in ("definition_hash", "policy_hash")}
    return _write(tx, log, caller, Held({**row, **pinned}, [], rules), edit, "drafted", limit)


def edit_docket(
    tx: Transaction, log: Log, caller: Caller, docket: str, edit: Edit, limit: int, expected_version: int | None = None
) -> Drafted:
    """Change a draft.

    Raises:
        NotFound, Forbidden, Conflict, NotOffered: as `shelf.lock_draft`.
        NotFound, Unreadable, Conflict: as `draft_docket`.
    """
    held = lock_draft(tx, caller, docket, expected_version)
    return _write(tx, log, caller, held, edit, "edited", limit)


def withdraw_docket(
    tx: Transaction, log: Log, caller: Caller, docket: str, reason: str | None, expected_version: int | None = None
) -> Drafted:
    """Give up a draft; its projects are free for another.

    Raises:
        NotFound, Forbidden, Conflict, NotOffered: as `shelf.lock_draft`.
        Unreadable: there is no reason.
    """
    held = lock_draft(tx, caller, docket, expected_version)
    why = note_of(reason)
    if why is None:
        raise Unreadable(Text("须写明理由", "a reason is needed"))
    tx.fetch(RELEASE_PROJECTS, of=docket)
    after = {**held.row, "status": WITHDRAWN, "version": held.row["version"] + 1}
    changes = changes_of_row(held.rules.definition, held.row, after, person_of(caller))
    return drafted(after, record(tx, log, caller, held.row, after, "withdrawn", changes, why))


def drafted(row: Row, receipt: Receipt) -> Drafted:
    """Return what was written of a docket."""
    return Drafted(row["id"], row["kind"], row["number"], row["status"], row["version"], receipt)


def _city(rules: RuleSet, spec: DocketSpec, city: str | None) -> str:
    if spec.per == "batch":
        return ""
    if city not in rules.policy.cities:
        raise Unreadable(Text("须写明本批次的一个市", "name a city of the batch"))
    return city


def _write(tx: Transaction, log: Log, caller: Caller, held: Held, edit: Edit, act: str, limit: int) -> Drafted:
    before, definition = held.row, held.rules.definition
    after = {**before, "version": before["version"] + 1, **common_after(held, edit)}
    old = {item["project_id"]: {name: item[name] for name in ITEM} for item in held.items}
    new = items_after(tx, caller, held, old, edit, limit)
    author = person_of(caller)
    changes = changes_of_row(definition, before, after, author)
    for project in sorted({*old, *new}):
        changes += changes_of_item(definition, old.get(project), new.get(project), author)
    _store(tx, before["id"], old, new)
    docs = [{"kind": kind, **reference} for kind, reference in sorted(after["documents"].items())]
    given = [one for one in docs if one["kind"] in edit.documents]
    return drafted(after, record(tx, log, caller, before, after, act, changes, docs=given))


def _store(tx: Transaction, docket: str, old: Mapping[str, Row], new: Mapping[str, Row]) -> None:
    """Write the items that changed, in the order of their projects: it is in that order that projects are locked."""
    gone = sorted(set(old) - set(new))
    if gone:
        sets.select_many(tx, FORGET, "gone", gone, of=docket)
    kept = ("docket_id", "project_id")
    changed = [new[project] for project in sorted(new) if project in old and new[project] != old[project]]
    sets.update_many(tx, items, kept, changed)
    tx.flush()
    sets.insert_many(tx, items, [new[project] for project in sorted(new) if project not in old])
