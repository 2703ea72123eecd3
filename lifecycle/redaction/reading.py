"""Redactions as people read them: what one would take, where it stands, and the list of all; never a value."""

from collections import Counter
from collections.abc import Mapping
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from lifecycle.callers import Caller
from lifecycle.canonical import instant
from lifecycle.database import Transaction
from lifecycle.errors import Forbidden, Unreadable
from lifecycle.pages import Page, check_limit
from lifecycle.redaction.register import (
    PROPOSED,
    Preview,
    find_redaction,
    preview_of,
    redacted,
    table,
)
from lifecycle.requests import is_identifier
from lifecycle.statements import Statement
from states.findings import Text

SHOWN = 200  # entries, places or disclosures that one answer names
LAST = "ffffffff-ffff-ffff-ffff-ffffffffffff"
NEWEST = Statement(
    sa.select(table)
    .where(table.c.id < sa.bindparam("before"))
    .order_by(table.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer()))
)
GONE = Statement(
    sa.select(redacted.c.entry_id, redacted.c.path)
    .where(redacted.c.redaction_id == sa.bindparam("of"))
    .order_by(redacted.c.entry_id, redacted.c.path)
    .limit(sa.literal(SHOWN, sa.Integer()))
)


def preview_told(preview: Preview) -> dict[str, Any]:
    """Return a preview as JSON values: exact numbers, at most `SHOWN` entries and places by name, no value."""
    selection, chosen, places = preview.selection, preview.chosen, preview.standing
    entries = [
        {
            **dict(zip(("entry", "stream", "seq", "at", "type"), of, strict=True)),
            "paths": [{"path": one.path, "what": one.what, "person": one.person} for one in these],
        }
        for of, these in groupby(chosen, key=lambda one: (one.entry, one.stream, one.seq, one.at, one.type))
    ]
    return {
        "person": selection.person,
        "erase": selection.erase,
        "number": len(chosen),
        "persons": dict(sorted(Counter(one.person for one in chosen).items())),
        "entries_number": len(entries),
        "entries": entries[:SHOWN],
        "standing_number": len(places),
        "standing": [
            {"kind": one.kind, "id": one.id, "path": one.path, "goes": selection.erase and one.erasable}
            for one in places[:SHOWN]
        ],
        "digest": preview.digest,
    }


def show_redaction(tx: Transaction, caller: Caller, redaction: str) -> dict[str, Any]:
    """Return a redaction; of one that is proposed what it would take now, of one carried out what went.

    Raises:
        Forbidden: the caller neither redacts nor audits.
        NotFound: there is none.
    """
    _may_read(caller)
    row = find_redaction(tx, redaction)
    gone = tx.fetch(GONE, of=row["id"])
    return {
        **_item(row),
        "preview": preview_told(preview_of(tx, row)) if row["status"] == PROPOSED else None,
        "gone": [{"entry": one["entry_id"], "path": one["path"]} for one in gone],
    }


def list_redactions(tx: Transaction, caller: Caller, after: str | None = None, limit: int = 50) -> Page:
    """Return all redactions, the newest first; `after` is the id of the last page's last.

    Raises:
        Forbidden: the caller neither redacts nor audits.
        Unreadable: the limit or the place to go on after is none.
    """
    _may_read(caller)
    check_limit(limit)
    if after is not None and not is_identifier(after):
        raise Unreadable(Text("翻页标记无效", "the cursor is not valid"))
    rows = tx.fetch(NEWEST, before=after or LAST, limit=limit + 1)
    return Page([_item(row) for row in rows[:limit]], rows[limit - 1]["id"] if len(rows) > limit else None)


def _item(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("id", "status", "person", "erase", "reason", "proposed_by", "settled_by", "number")
    times = {name: instant(row[name]) if row[name] else None for name in ("proposed_at", "settled_at")}
    return {**{name: row[name] for name in names}, **times}


def _may_read(caller: Caller) -> None:
    if not caller.actor.rights & {"redact", "audit"}:
        raise Forbidden(
            Text("仅供安全管理员、处长和审计查看", "for the security administrator, division heads and auditors")
        )
