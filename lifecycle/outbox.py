"""The outbox as people read it: each message, to whom, over which channel, and every try of sending it."""

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from lifecycle.callers import Caller
from lifecycle.canonical import instant
from lifecycle.database import Transaction
from lifecycle.errors import Forbidden, Unreadable
from lifecycle.pages import Page, check_limit, read_cursor, write_cursor
from lifecycle.requests import is_identifier
from lifecycle.statements import Row, Statement
from lifecycle.tables import Message, Notice, Person
from lifecycle.tables.notices import CHANNELS
from states.findings import Text

_message = Message.__table__  # type: ignore[attr-defined]
_notice = Notice.__table__  # type: ignore[attr-defined]
_person = Person.__table__  # type: ignore[attr-defined]

SORT = "-created_at"
STATUSES = ("waiting", "sending", "sent", "dead", "cancelled")
RIGHTS = frozenset({"batches", "system", "audit"})
_TELLS = (
    sa.select(sa.func.count())
    .select_from(_notice)
    .where(_notice.c.message_id == _message.c.id)
    .correlate(_message)
    .scalar_subquery()
    .label("notices")
)
_LISTED = sa.select(_message, _person.c.name, _TELLS).join(_person, _person.c.id == _message.c.recipient, isouter=True)
_NAMES = {"batch": "batch_id", "recipient": "recipient", "status": "status", "channel": "channel"}
WAITING = Statement(
    sa.select(
        _message.c.status,
        sa.func.count().label("number"),
        sa.func.min(_message.c.next_at, type_=_message.c.next_at.type).label("next_at"),
    )
    .where(sa.text("message.status IN ('waiting','sending')"))
    .group_by(_message.c.status)
)


@dataclass(frozen=True, slots=True)
class Filters:
    """What the outbox is narrowed to: batch and recipient by id."""

    batch: str | None = None
    recipient: str | None = None
    status: str | None = None
    channel: str | None = None


def list_messages(tx: Transaction, caller: Caller, filters: Filters, after: str | None = None, limit: int = 50) -> Page:
    """Return messages, the newest first, from the cursor on. Addresses are not shown: they are their persons' own.

    Raises:
        Forbidden: the caller manages neither batches nor the system, and is no auditor.
        Unreadable: cursor, limit or a filter is not what it should be.
    """
    if not caller.actor.rights & RIGHTS:
        raise Forbidden(Text("您的角色无权查看发信记录", "your role may not read the outbox"))
    check_limit(limit)
    used = _used(filters)
    last = read_cursor(after, SORT) if after is not None else {}
    rows = tx.fetch(_listing(frozenset(used), onward=bool(last)), **used, **last, limit=limit + 1)
    more = write_cursor(SORT, rows[limit - 1]) if len(rows) > limit else None
    return Page([_item(row) for row in rows[:limit]], more)


def waiting_messages(tx: Transaction) -> dict[str, dict[str, Any]]:
    """Return how many messages wait or are being sent, and since when the oldest of them is due."""
    return {row["status"]: {"number": row["number"], "next_at": row["next_at"]} for row in tx.fetch(WAITING)}


@lru_cache(maxsize=64)
def _listing(names: frozenset[str], *, onward: bool) -> Statement:
    equal = (_message.c[name] == sa.bindparam(name, type_=_message.c[name].type) for name in sorted(names))
    found = _LISTED.where(*equal)
    if onward:
        mark = sa.tuple_(
            sa.bindparam("last", type_=_message.c.created_at.type), sa.bindparam("last_id", type_=_message.c.id.type)
        )
        found = found.where(sa.tuple_(_message.c.created_at, _message.c.id) < mark)
    found = found.order_by(_message.c.created_at.desc(), _message.c.id.desc())
    return Statement(found.limit(sa.bindparam("limit", type_=sa.Integer())))


def _used(filters: Filters) -> dict[str, str]:
    used: dict[str, str] = {}
    for item in fields(filters):
        value = getattr(filters, item.name)
        if value in (None, ""):
            continue
        known = {"status": STATUSES, "channel": CHANNELS}.get(item.name)
        if not isinstance(value, str) or not (value in known if known else is_identifier(value)):
            raise Unreadable(Text(f"筛选条件{item.name}无法读取", f"the filter {item.name} cannot be read"))
        used[_NAMES[item.name]] = value
    return used


def _item(row: Row) -> dict[str, Any]:
    times = ("next_at", "created_at", "settled_at")
    return {
        **{name: row[name] for name in ("id", "batch_id", "channel", "status", "attempts", "tries", "notices")},
        "recipient": {"id": row["recipient"], "name": row["name"]},
        **{name: instant(row[name]) if row[name] else None for name in times},
    }
