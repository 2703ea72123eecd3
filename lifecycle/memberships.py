"""Which units stand in which projects: looked up by unit, kept in step with what was filed."""

from collections.abc import Sequence

import sqlalchemy as sa

from lifecycle import sets
from lifecycle.database import Transaction
from lifecycle.statements import Row, Statement
from lifecycle.tables import Membership

_membership = Membership.__table__  # type: ignore[attr-defined]
FORGET = Statement(sa.delete(_membership).where(_membership.c.project_id == sa.bindparam("of")))


def enter_members(tx: Transaction, rows: Sequence[Row]) -> None:
    """Enter the members of new projects."""
    sets.insert_many(tx, _membership, [item for row in rows for item in _memberships(row)])


def replace_members(tx: Transaction, row: Row) -> None:
    """Enter a project's members in place of those it had; what is queued is sent first."""
    tx.queue(FORGET, of=row["id"])
    tx.flush()
    enter_members(tx, [row])


def _memberships(row: Row) -> list[Row]:
    return [
        {"project_id": row["id"], "position": position, "credit_code": unit["credit_code"]}
        for position, unit in enumerate(row["members"])
    ]
