"""Announcements: what an act gives people to know, written in the act's own transaction and expanded by the sweep."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from lifecycle import audit
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.statements import Row, Statement
from lifecycle.tables import Announcement

table = Announcement.__table__  # type: ignore[attr-defined]
ADD = Statement(sa.insert(table))


def announcement(caller: Caller, row: Mapping[str, Any], version: int, event: str, details: Mapping[str, Any]) -> Row:
    """Return the announcement that `event` happened to a project, at `version` since. Pure but for the id."""
    return {
        "id": audit.new_id(caller.now),
        "batch_id": row["batch_id"],
        "project_id": row["id"],
        "version": version,
        "event": event,
        "actor": caller.actor.id,
        "details": dict(details),
        "at": caller.now,
        "expanded_at": None,
    }


def write(tx: Transaction, row: Row) -> None:
    """Queue an announcement."""
    tx.queue(ADD, **row)
