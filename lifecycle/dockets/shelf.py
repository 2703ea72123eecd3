"""A docket as it lies in the database: found within reach, locked, with its items and the rules of its batch."""

from typing import Any, NamedTuple

import sqlalchemy as sa

from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import Conflict, Forbidden, NotFound, NotOffered
from lifecycle.requests import is_identifier
from lifecycle.rulebooks import RuleSet, rules_of_row
from lifecycle.statements import Row, Statement
from lifecycle.tables import Batch, Docket, DocketItem, Project
from states.definition import DocketSpec
from states.facts import Actor
from states.findings import Text
from states.roles import role_book

table = Docket.__table__  # type: ignore[attr-defined]
items = DocketItem.__table__  # type: ignore[attr-defined]
_batch = Batch.__table__  # type: ignore[attr-defined]
_project = Project.__table__  # type: ignore[attr-defined]

DRAFT, RELEASED, RECEIVED, RETURNED, WITHDRAWN = "draft", "released", "received", "returned", "withdrawn"
STATUS = {
    DRAFT: Text("拟办", "a draft"),
    RELEASED: Text("已发出", "released"),
    RECEIVED: Text("已接收", "received"),
    RETURNED: Text("已退回", "returned"),
    WITHDRAWN: Text("已撤销", "withdrawn"),
}
WITH_RULES = sa.select(
    table,
    _batch.c.code.label("batch_code"),
    _batch.c.invented,
    *(_batch.c[name] for name in ("definition_hash", "policy_hash", "calendar_hash", "reminders_hash")),
).join(_batch, _batch.c.id == table.c.batch_id)
READ = Statement(WITH_RULES.where(table.c.id == sa.bindparam("wanted")))
LOCK = Statement(WITH_RULES.where(table.c.id == sa.bindparam("wanted")).with_for_update(of=table))
ITEMS = Statement(
    sa.select(
        items,
        *(_project.c[name] for name in ("code", "title", "city", "lead_code", "lead_name", "state")),
        _project.c.version.label("project_version"),
    )
    .join(_project, _project.c.id == items.c.project_id)
    .where(items.c.docket_id == sa.bindparam("of"))
    .order_by(items.c.position, items.c.project_id)
)


class Held(NamedTuple):
    """A docket with its items in order, and the rules of its batch."""

    row: Row
    items: list[Row]
    rules: RuleSet

    @property
    def spec(self) -> DocketSpec:
        """Return what its kind is."""
        return self.rules.definition.dockets[self.row["kind"]]


def find_docket(tx: Transaction, caller: Caller, docket: str) -> Held:
    """Return a docket within the caller's reach, unlocked.

    Raises:
        NotFound: there is none.
    """
    return _hold(tx, caller, docket, READ)


def lock_docket(tx: Transaction, caller: Caller, docket: str) -> Held:
    """Return a docket within the caller's reach with its row locked; before any project's.

    Raises:
        NotFound: there is none.
    """
    return _hold(tx, caller, docket, LOCK)


def lock_draft(tx: Transaction, caller: Caller, docket: str, expected_version: int | None = None) -> Held:
    """Return a locked docket that the caller may change now.

    Raises:
        NotFound: there is none within reach.
        Forbidden: it is another role's to change.
        Conflict: it is not at the expected version.
        NotOffered: it is a draft no more.
    """
    held = lock_docket(tx, caller, docket)
    may_draft(caller.actor, held.spec, held.row["city"])
    check_version(held.row, expected_version)
    check_status(held.row, DRAFT)
    return held


def _hold(tx: Transaction, caller: Caller, docket: str, statement: Statement) -> Held:
    row = tx.one(statement, wanted=docket) if is_identifier(docket) else None
    if row is None or not reads(caller.actor, row["city"]):
        raise NotFound(Text("没有此清单，或不在您的管辖范围", "no such docket within your reach"))
    return Held(row, tx.fetch(ITEMS, of=docket), rules_of_row(tx, row))


def reads(actor: Actor, city: str) -> bool:
    """Return whether somebody may see the dockets of a city (empty: of the whole batch).

    They are the province's and the city's own; what of them concerns a unit stands in its projects.
    """
    return "read" in actor.rights and actor.reaches(city, ())


def may_draft(actor: Actor, spec: DocketSpec, city: str) -> None:
    """Refuse those who neither draft nor release such a docket.

    Raises:
        Forbidden: always for them.
    """
    _may(actor, spec, spec.by, city)


def may_receive(actor: Actor, spec: DocketSpec, city: str) -> None:
    """Refuse those who do not receive such a docket.

    Raises:
        Forbidden: always for them.
    """
    _may(actor, spec, spec.received_by, city)


def _may(actor: Actor, spec: DocketSpec, by: tuple[str, ...], city: str) -> None:
    book = role_book()
    allowed = book.expand(by)
    if actor.role not in allowed or not reads(actor, city):
        zh = "、".join(book.roles[role].label.zh for role in sorted(allowed)) or "—"
        en = ", ".join(book.roles[role].label.en for role in sorted(allowed)) or "nobody"
        raise Forbidden(Text(f"{spec.zh}由{zh}办理", f"a {spec.en} is for {en}"))


def check_version(row: Row, expected: int | None) -> None:
    """Refuse a caller who decided on an older version.

    Raises:
        Conflict: so.
    """
    if expected is not None and expected != row["version"]:
        raise Conflict(
            Text(
                f"该清单现为第{row['version']}版，您所见为第{expected}版，请刷新后再办",
                f"the docket is at version {row['version']}, you saw {expected}: read it again",
            ),
            expected_version=expected,
            version=row["version"],
            status=row["status"],
        )


def check_status(row: Row, *wanted: str) -> None:
    """Refuse what a docket's status does not let happen.

    Raises:
        NotOffered: so.
    """
    if row["status"] not in wanted:
        seen, zh = STATUS[row["status"]], "、".join(STATUS[one].zh for one in wanted)
        en = " or ".join(STATUS[one].en for one in wanted)
        raise NotOffered(
            Text(f"该清单{seen.zh}；此项操作须{zh}时办理", f"the docket is {seen.en}; this takes one that is {en}"),
            [],
            status=row["status"],
        )


def named(row: Row) -> dict[str, Any]:
    """Return what names a docket in other entries: id, kind, number."""
    return {"id": row["id"], "kind": row["kind"], "number": row["number"]}
