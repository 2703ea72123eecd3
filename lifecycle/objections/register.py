"""The register of objections: rows locked with their project, and the entries of their streams."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from lifecycle import audit
from lifecycle.audit import Change, Deed, Head, Log, person_of
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import Conflict, Forbidden, NotFound, NotOffered, Unreadable
from lifecycle.requests import is_identifier
from lifecycle.signing import Receipt
from lifecycle.statements import Row, Statement
from lifecycle.tables import Objection
from lifecycle.transition import Loaded, lock_project
from states.definition import ObjectionActs
from states.findings import Text
from states.roles import role_book

table = Objection.__table__  # type: ignore[attr-defined]
RECEIVED, OPEN, DISMISSED, REJECTED, UPHELD, SETTLED = (
    "received",
    "open",
    "dismissed",
    "rejected",
    "upheld",
    "settled",
)
STATUS = {
    RECEIVED: Text("已收到，形式要件不全", "received, not in form"),
    OPEN: Text("核查中", "being looked into"),
    DISMISSED: Text("不予受理", "not taken up"),
    REJECTED: Text("异议不成立", "rejected"),
    UPHELD: Text("异议成立", "upheld"),
    SETTLED: Text("已随其他异议了结", "settled with another"),
}
ADD = Statement(sa.insert(table))
FIND = Statement(sa.select(table).where(table.c.id == sa.bindparam("wanted")))
OF_PROJECT = Statement(
    sa.select(table).where(table.c.project_id == sa.bindparam("of")).order_by(table.c.id).with_for_update()
)
WRITTEN = (
    *("status", "fields", "documents", "findings", "due_on", "provisional", "finding"),
    *("version", "head_seq", "head_hash", "changed_at"),
)
UPDATE = Statement(
    sa.update(table)
    .where(table.c.id == sa.bindparam("of"))
    .values({name: sa.bindparam(name, type_=table.c[name].type) for name in WRITTEN})
)


def acts_of(loaded: Loaded) -> ObjectionActs:
    """Return the acts by which a project learns of objections.

    Raises:
        Unreadable: its lifecycle knows none.
    """
    acts = loaded.rules.definition.objections
    if acts is None:
        raise Unreadable(Text("本流程不设异议", "this lifecycle knows no objections"))
    return acts


def may_handle(caller: Caller, loaded: Loaded) -> None:
    """Refuse those who may not record objections.

    Raises:
        Forbidden: always for them.
    """
    arrows = loaded.rules.definition.by_event[acts_of(loaded).records]
    if caller.actor.role not in role_book().expand(tuple(role for arrow in arrows for role in arrow.by)):
        raise Forbidden(Text("异议由省厅人员登记和核查", "objections are for the province's staff"))


def lock_objection(
    tx: Transaction, caller: Caller, objection: str, expected_version: int | None, *wanted: str
) -> tuple[Loaded, Row, list[Row]]:
    """Return an objection with its project, and all of the project's, locked: the project first, then they by id.

    Raises:
        NotFound: there is none within the caller's reach.
        Forbidden: it is another role's.
        Conflict: it is not at the expected version.
        NotOffered: its status is none of those wanted.
    """
    found = tx.one(FIND, wanted=objection) if is_identifier(objection) else None
    if found is None:
        raise nowhere()
    loaded, _ = lock_project(tx, caller, found["project_id"])
    may_handle(caller, loaded)
    rows = tx.fetch(OF_PROJECT, of=found["project_id"])
    row = next(one for one in rows if one["id"] == objection)
    if expected_version not in (None, row["version"]):
        raise Conflict(
            Text(
                f"该异议现为第{row['version']}版，您所见为第{expected_version}版，请刷新后再办",
                f"the objection is at version {row['version']}, you saw {expected_version}: read it again",
            ),
            expected_version=expected_version,
            version=row["version"],
            status=row["status"],
        )
    if row["status"] not in wanted:
        seen = STATUS[row["status"]]
        raise NotOffered(
            Text(f"该异议{seen.zh}，不能办理此项操作", f"the objection is {seen.en}: not to be done now"),
            [],
            status=row["status"],
        )
    return loaded, row, rows


def nowhere() -> NotFound:
    """Return the answer for an objection that is not there or not within reach: the two look alike."""
    return NotFound(Text("没有此异议，或不在您的管辖范围", "no such objection within your reach"))


def record(
    tx: Transaction, log: Log, caller: Caller, loaded: Loaded, before: Row | None, after: Row, act: str
) -> Receipt:
    """Write an objection's row with the entry that tells it, and return the receipt.

    What is the objector's own is committed to under a key of this objection; what the officer writes under theirs.
    """
    me, objector = person_of(caller), f"objector/{after['id']}"
    old: Mapping[str, Any] = before or {"fields": {}, "documents": {}}
    changes = [
        Change(f"/{name}", plain(old.get(name)), plain(after[name]))
        for name in ("project_id", "number", "status", "findings", "due_on")
        if old.get(name) != after[name]
    ]
    for name in sorted(after["fields"]):
        if old["fields"].get(name) != after["fields"][name]:
            spec = loaded.rules.definition.fields[name]
            private = spec.sensitive or spec.hidden_from
            changes.append(
                Change(
                    f"/fields/{name}",
                    None if private else old["fields"].get(name),
                    after["fields"][name],
                    objector if private else None,
                )
            )
    for kind in sorted(after["documents"]):
        if old["documents"].get(kind) != after["documents"][kind]:
            changes.append(Change(f"/documents/{kind}", old["documents"].get(kind), after["documents"][kind]))
    if old.get("finding") != after["finding"]:
        changes.append(Change("/finding", None, after["finding"], me))
    row = loaded.row
    deed = Deed(
        f"objection/{after['id']}",
        f"objection.{act}",
        ("objection", after["id"], after["version"]),
        action={
            "name": act,
            "from": before["status"] if before else None,
            "to": after["status"],
            "rule": None,
            "override": [],
            "definition": row["definition_hash"],
            "policy": row["policy_hash"],
        },
        changes=changes,
    )
    keys = audit.keys_of(tx, me, objector)
    built = audit.build(log, caller, Head(after["head_seq"], after["head_hash"]), deed, keys)
    after.update(head_seq=built.head.seq, head_hash=built.head.hash, changed_at=caller.now)
    if before is None:
        tx.queue(ADD, **after)
    else:
        tx.queue(UPDATE, of=after["id"], **{name: after[name] for name in WRITTEN})
    audit.append(tx, built)
    tx.flush()
    return built.receipt


def plain(value: Any) -> Any:
    """Return a column's value as the log writes it."""
    return value.isoformat() if hasattr(value, "isoformat") else value
