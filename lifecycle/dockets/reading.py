"""Dockets as people read them: lists of a batch, and one with its items and where they stand now."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from lifecycle.callers import Caller
from lifecycle.canonical import instant
from lifecycle.database import Transaction
from lifecycle.dockets.dates import dates_of
from lifecycle.dockets.release import ranks_of
from lifecycle.dockets.shelf import DRAFT, STATUS, Held, find_docket, items, table
from lifecycle.dockets.signatures import standing
from lifecycle.errors import Unreadable
from lifecycle.overviews import may_read
from lifecycle.pages import Page, check_limit
from lifecycle.requests import is_identifier
from lifecycle.rulebooks import definition_for
from lifecycle.statements import Row, Statement
from lifecycle.visibility import hidden_documents, hidden_fields, label_of
from states.definition import LifecycleDefinition
from states.facts import Actor
from states.findings import Text

_COUNTED = sa.select(sa.func.count()).where(items.c.docket_id == table.c.id).scalar_subquery()
LIST = Statement(
    sa.select(table, _COUNTED.label("projects"))
    .where(
        table.c.batch_id == sa.bindparam("of"),
        table.c.id > sa.bindparam("after"),
        sa.or_(sa.bindparam("any_city", type_=sa.Boolean), table.c.city == sa.bindparam("of_city")),
        sa.or_(sa.bindparam("any_kind", type_=sa.Boolean), table.c.kind == sa.bindparam("of_kind")),
        sa.or_(sa.bindparam("any_status", type_=sa.Boolean), table.c.status == sa.bindparam("of_status")),
    )
    .order_by(table.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
FIRST = "00000000-0000-0000-0000-000000000000"


def list_dockets(
    tx: Transaction,
    caller: Caller,
    batch: Row,
    kind: str | None = None,
    status: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Page:
    """Return a batch's dockets within the caller's reach, in the order in which they were opened; one read.

    Raises:
        Forbidden: the caller reads nothing of the programme.
        Unreadable: kind, status, limit or the place to go on after is none.
    """
    may_read(caller)
    check_limit(limit)
    definition, actor = definition_for(tx, batch["definition_hash"]), caller.actor
    if kind is not None and kind not in definition.dockets:
        raise Unreadable(Text(f"没有名为{kind[:64]}的清单", f"there is no kind of docket {kind[:64]}"))
    if status is not None and status not in STATUS:
        raise Unreadable(Text(f"状态应为{'、'.join(STATUS)}之一", f"the status is one of {', '.join(STATUS)}"))
    if after is not None and not is_identifier(after):
        raise Unreadable(Text("翻页标记无效", "the cursor is not valid"))
    if actor.scope not in ("all", "city") or (actor.scope == "city" and not actor.city):
        return Page([], None)
    rows = tx.fetch(
        LIST,
        of=batch["id"],
        after=after or FIRST,
        any_city=actor.scope == "all",
        of_city=actor.city or "",
        any_kind=kind is None,
        of_kind=kind or "",
        any_status=status is None,
        of_status=status or "",
        limit=limit + 1,
    )
    listed = [{**_summary(definition, row), "projects": row["projects"]} for row in rows[:limit]]
    return Page(listed, rows[limit - 1]["id"] if len(rows) > limit else None)


def show_docket(tx: Transaction, caller: Caller, docket: str) -> dict[str, Any]:
    """Return a docket with its items in order; a draft's ranks are those it would be released with.

    Raises:
        NotFound: there is none within the caller's reach.
    """
    held = find_docket(tx, caller, docket)
    definition, actor = held.rules.definition, caller.actor
    return {
        **_summary(definition, held.row),
        "projects": len(held.items),
        "receipt": held.row["receipt"],
        "signed": standing(held.row),
        "dates": dates_of(held.rules, held.spec, held.row),
        "note": held.row["note"],
        "header": _fields(definition, actor, held.row["header"]),
        "documents": _documents(definition, actor, held.row["documents"]),
        "items": _items(tx, held, actor),
    }


def _summary(definition: LifecycleDefinition, row: Row) -> dict[str, Any]:
    spec, status = definition.dockets.get(row["kind"]), STATUS[row["status"]]
    return {
        **{name: row[name] for name in ("id", "kind", "number", "status", "version", "created_by")},
        "batch": row["batch_id"],
        "city": row["city"] or None,
        "label": label_of(spec, row["kind"]),
        "status_label": {"zh": status.zh, "en": status.en},
        "created_at": instant(row["created_at"]),
        "changed_at": instant(row["changed_at"]),
        "released_at": instant(row["released_at"]) if row["released_at"] else None,
    }


def _items(tx: Transaction, held: Held, actor: Actor) -> list[dict[str, Any]]:
    definition = held.rules.definition
    ranks = ranks_of(tx, held) if held.row["status"] == DRAFT else {}
    return [
        {
            "project": item["project_id"],
            **{name: item[name] for name in ("position", "code", "title", "city", "lead_name", "state", "note")},
            "state_label": label_of(definition.states.get(item["state"]), item["state"]),
            "version": item["project_version"],
            "event": item["event"],
            "event_label": label_of(definition.by_event[item["event"]][0], item["event"]),
            "rank": rank_of(item, ranks),
            "fields": _fields(definition, actor, item["fields"]),
            "documents": _documents(definition, actor, item["documents"]),
            "outcome": item["outcome"],
        }
        for item in held.items
    ]


def rank_of(item: Row, ranks: Mapping[str, int]) -> int | None:
    """Return an item's rank: the one it was released with, or where it is a draft's, the one it would get."""
    return ranks.get(item["project_id"], (item["outcome"] or {}).get("rank"))


def _fields(definition: LifecycleDefinition, actor: Actor, fields: dict[str, Any]) -> dict[str, Any]:
    unseen = hidden_fields(actor, definition)
    return {name: value for name, value in fields.items() if name not in unseen}


def _documents(definition: LifecycleDefinition, actor: Actor, documents: dict[str, Any]) -> dict[str, Any]:
    unseen = hidden_documents(actor, definition)
    return {kind: value for kind, value in documents.items() if kind not in unseen}
