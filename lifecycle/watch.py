"""What those who run the service see of it: the clock's jobs, and how much waits for it and since when."""

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import Forbidden
from lifecycle.jobs import list_jobs
from lifecycle.statements import Statement
from lifecycle.tables import Announcement, Checkpoint, Message, Notice
from states.findings import Text

_check = Checkpoint.__table__  # type: ignore[attr-defined]
_announcement = Announcement.__table__  # type: ignore[attr-defined]
_notice = Notice.__table__  # type: ignore[attr-defined]
_message = Message.__table__  # type: ignore[attr-defined]

RIGHTS = frozenset({"system", "batches", "audit"})
_NOW = sa.bindparam("now", type_=_check.c.next_at.type)


def _count(since: Any, *conditions: Any) -> Statement:
    oldest = sa.func.min(since, type_=since.type).label("oldest")
    return Statement(sa.select(sa.func.count().label("number"), oldest).where(*conditions))


# Each is a walk along a partial index, as long as what waits is long.
COUNTS = {
    "checkpoints": _count(_check.c.next_at, sa.text("checkpoint.status = 'open'"), _check.c.next_at <= _NOW),
    "announcements": _count(
        _announcement.c.at, sa.text("announcement.expanded_at IS NULL"), _announcement.c.at <= _NOW
    ),
    "notices": _count(
        _notice.c.send_at,
        sa.text("notice.status = 'waiting'"),
        _notice.c.message_id.is_(None),
        _notice.c.send_at <= _NOW,
    ),
    "waiting": _count(
        _message.c.created_at, sa.text("message.status IN ('waiting','sending')"), _message.c.status == "waiting"
    ),
    "sending": _count(
        _message.c.created_at, sa.text("message.status IN ('waiting','sending')"), _message.c.status == "sending"
    ),
    "dead": _count(_message.c.settled_at, sa.text("message.status = 'dead'")),
}


class Waiting(NamedTuple):
    """How many of a kind there are, and since when the oldest of them is."""

    number: int
    oldest: datetime | None


def watch_jobs(tx: Transaction, caller: Caller) -> list[dict[str, Any]]:
    """Return the clock's jobs as JSON values, each with whether it is late.

    Raises:
        Forbidden: the caller neither runs the service or a batch nor audits it.
    """
    may_watch(caller)
    return list_jobs(tx, caller.now)


def count_waiting(tx: Transaction, caller: Caller) -> dict[str, Waiting]:
    """Return what waits for the clock at this instant.

    `checkpoints` and `announcements` to be swept; `notices` that might leave and are in no message yet; messages
    `waiting`, `sending`, and `dead` until somebody sends them again.

    Raises:
        Forbidden: as `watch_jobs`.
    """
    may_watch(caller)
    found = {}
    for name, statement in COUNTS.items():
        row = tx.one(statement, now=caller.now)
        found[name] = Waiting(row["number"], row["oldest"]) if row else Waiting(0, None)
    return found


def may_watch(caller: Caller) -> None:
    """Refuse a caller who has nothing to do with how the service runs.

    Raises:
        Forbidden: so.
    """
    if not caller.actor.rights & RIGHTS:
        raise Forbidden(
            Text("须由省厅经办人、系统管理员或审计人员查看", "for the province's staff, administrators and auditors")
        )
