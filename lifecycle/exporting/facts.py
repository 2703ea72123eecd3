"""What the tables say of objects beside the log: their codes and numbers, and what they belong to."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from lifecycle.attempts import SUBJECTS
from lifecycle.database import Transaction
from lifecycle.requests import is_identifier
from lifecycle.sets import for_both, select_many, within
from lifecycle.statements import Row, Statement

TOLD = ("code", "city", "kind", "purpose", "number")  # columns told of an object as they are
OWNERS = {"batch_id": "batch", "project_id": "project"}  # columns that name what it belongs to


def _statement(table: sa.Table) -> Statement:
    columns = [table.c[name] for name in ("id", *TOLD, *OWNERS) if name in table.c]
    return for_both(lambda d: sa.select(*columns).where(within(table.c.id, "ids", d, "uuid")))


READ = {kind: _statement(table) for kind, table in SUBJECTS.items()}


def facts_of(tx: Transaction, streams: Iterable[str]) -> dict[str, Row]:
    """Return the rows behind these streams, by the streams' names; what has no row is left out."""
    wanted: dict[str, list[str]] = {}
    for name in streams:
        kind, _, one = name.partition("/")
        if kind in READ and is_identifier(one):
            wanted.setdefault(kind, []).append(one)
    return {
        f"{kind}/{row['id']}": row
        for kind, ids in sorted(wanted.items())
        for row in select_many(tx, READ[kind], "ids", ids)
    }


def told_of(row: Row) -> dict[str, Any]:
    """Return what is told of an object."""
    return {name: row[name] for name in TOLD if row.get(name) not in (None, "")}


def owners_of(row: Row) -> list[tuple[str, str]]:
    """Return what an object belongs to: as what, and the owner's name."""
    return [(kind, f"{kind}/{row[name]}") for name, kind in OWNERS.items() if row.get(name)]
