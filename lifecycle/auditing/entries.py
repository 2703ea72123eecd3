"""Entries of the log as auditors read them: listed with filters as of a size of the tree, and one of them whole."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import sqlalchemy as sa

from lifecycle.auditing.reach import require_audit
from lifecycle.auditing.scanning import COLUMNS, Filters, scan, size_as_asked
from lifecycle.auditing.telling import tell_entries
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import NotFound
from lifecycle.pages import check_limit
from lifecycle.people import BY_LOGIN
from lifecycle.requests import is_identifier
from lifecycle.statements import Row, Statement
from lifecycle.tables import Entry, Leaf
from states.findings import Text

_entry = Entry.__table__  # type: ignore[attr-defined]
_leaf = Leaf.__table__  # type: ignore[attr-defined]

OVERRIDE = b'"override":["'  # within a text of the body the quotes would stand escaped
DIGITS = 15  # of a place in any tree there will be
_SEALED = sa.select(*COLUMNS).select_from(_leaf.join(_entry, _entry.c.id == _leaf.c.entry_id, isouter=True))
BY_PLACE = Statement(_SEALED.where(_leaf.c.index == sa.bindparam("place")))
BY_SEALED_ID = Statement(_SEALED.where(_leaf.c.entry_id == sa.bindparam("wanted")))
BY_ID = Statement(sa.select(_entry).where(_entry.c.id == sa.bindparam("wanted")))


class Listed(NamedTuple):
    """A page of what was found, and the stretch of the tree of this size that was looked at (`begin` up to `end`)."""

    items: list[dict[str, Any]]
    begin: int
    end: int
    size: int

    @property
    def next(self) -> int | None:
        """Return the place to go on from; None: the tree was looked at to its end."""
        return self.end if self.end < self.size else None


def list_entries(
    tx: Transaction,
    caller: Caller,
    filters: Filters,
    *,
    override: bool = False,
    size: int | None = None,
    begin: int = 0,
    limit: int = 50,
) -> Listed:
    """Return sealed entries that meet all filters, from a place of the tree on, as of a size (default: as it is now).

    `filters.actor` may be a login. `override`: only acts that set rules aside. What is not sealed yet is in no list.
    Looking is bounded (`scan`); telling what was found takes four reads however much it is.

    Raises:
        Forbidden: the caller may not audit.
        NotFound: the tree is not that large.
        Unreadable: the limit is not 1 to 200.
    """
    require_audit(caller)
    check_limit(limit)
    asked = replace(filters, person=_person(tx, filters.actor))
    size = size_as_asked(tx, size)
    if override:
        found = scan(tx, replace(asked, needle=OVERRIDE), size, begin, limit, sets_aside)
    else:
        found = scan(tx, asked, size, begin, limit)
    return Listed(tell_entries(tx, found.rows), found.begin, found.end, found.size)


def show_entry(tx: Transaction, caller: Caller, name: str) -> dict[str, Any]:
    """Return one entry, by its id or its place in the tree; one that is not sealed yet has no place.

    Raises:
        Forbidden: the caller may not audit.
        NotFound: there is none.
    """
    require_audit(caller)
    row = _seek(tx, name.lower())
    if row is None:
        raise NotFound(Text("没有此条记录", "there is no such entry"))
    return tell_entries(tx, [row])[0]


def sets_aside(_row: Row, body: Mapping[str, Any]) -> bool:
    """Return whether an act set rules aside."""
    return bool(body["action"] and body["action"].get("override"))


def _seek(tx: Transaction, name: str) -> Row | None:
    if name.isascii() and name.isdigit():
        return tx.one(BY_PLACE, place=int(name)) if len(name) <= DIGITS else None
    if not is_identifier(name):
        return None
    sealed = tx.one(BY_SEALED_ID, wanted=name)
    row = sealed or tx.one(BY_ID, wanted=name)
    return row if sealed or row is None else {**row, "index": None, "entry_id": row["id"], "hash": row["leaf"]}


def _person(tx: Transaction, actor: str | None) -> str | None:
    if actor is None or is_identifier(actor):
        return None
    row = tx.one(BY_LOGIN, wanted=actor)
    return row["id"] if row else None
