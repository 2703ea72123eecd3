"""What of a project did not reach the people it was meant for: bounces, failures, and roles with nobody in them."""

from typing import Any

import sqlalchemy as sa

from lifecycle.canonical import instant
from lifecycle.database import Transaction
from lifecycle.notices import reason_of
from lifecycle.statements import Row, Statement
from lifecycle.tables import Message, Notice, Person
from states.facts import Actor

_notice = Notice.__table__  # type: ignore[attr-defined]
_message = Message.__table__  # type: ignore[attr-defined]
_person = Person.__table__  # type: ignore[attr-defined]

SHOWN = 20  # the newest; `lifecycle.notices` has them all
_FAILED = sa.or_(_notice.c.status == sa.literal("failed"), _notice.c.reason == sa.literal("nobody"))
UNDELIVERED = Statement(
    sa.select(
        *(_notice.c[name] for name in ("id", "occasion", "kind", "rule", "recipient", "role", "channel", "planned_at")),
        *(_notice.c[name] for name in ("reason", "settled_at")),
        _person.c.name,
        _message.c.tries,
    )
    .select_from(_notice)
    .join(_person, _person.c.id == _notice.c.recipient, isouter=True)
    .join(_message, _message.c.id == _notice.c.message_id, isouter=True)
    .where(_notice.c.project_id == sa.bindparam("of"), _FAILED)
    .order_by(_notice.c.created_at.desc(), _notice.c.id.desc())
    .limit(sa.literal(SHOWN, sa.Integer()))
)


def undelivered(tx: Transaction, actor: Actor, project: str) -> list[dict[str, Any]]:
    """Return the newest notices of a project that failed or that nobody was there to be told, as JSON values.

    Whoever has one unit's reach sees their own, as in the ledger. `error` is what the other side said last.
    """
    rows = tx.fetch(UNDELIVERED, of=project)
    return [_item(row) for row in rows if actor.scope in ("all", "city") or row["recipient"] == actor.id]


def _item(row: Row) -> dict[str, Any]:
    tries = row["tries"] or []
    return {
        **{name: row[name] for name in ("id", "occasion", "kind", "channel")},
        "series": row["rule"]["series"],
        "recipient": {"id": row["recipient"], "name": row["name"], "role": row["role"]},
        "planned_at": instant(row["planned_at"]),
        "settled_at": instant(row["settled_at"]) if row["settled_at"] else None,
        "reason": reason_of(row["reason"]),
        "error": tries[-1]["error"] if tries else None,
    }
