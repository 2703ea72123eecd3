"""What the sweep reads and writes: checkpoints to be looked at, announcements to be told, and the notices of both.

Each takes a list and is one statement, whatever its length.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from lifecycle.database import Transaction
from lifecycle.sets import for_both, select_many, update_many, within
from lifecycle.statements import Row, Statement, unforeseen
from lifecycle.tables import Announcement, Batch, Checkpoint, Notice, Project

_check = Checkpoint.__table__  # type: ignore[attr-defined]
_announcement = Announcement.__table__  # type: ignore[attr-defined]
_notice = Notice.__table__  # type: ignore[attr-defined]
_project = Project.__table__  # type: ignore[attr-defined]
_batch = Batch.__table__  # type: ignore[attr-defined]

KEY = ("cause", "version", "occasion", "recipient", "channel")
_CHECKPOINT = tuple(
    _check.c[name]
    for name in (
        *("id", "project_id", "batch_id", "kind", "number", "version", "due_on", "provisional"),
        *("opened_at", "next_at", "replaces", "status"),
    )
)
_NOW = sa.bindparam("now", type_=_check.c.next_at.type)
_LIMIT = sa.bindparam("limit", type_=sa.Integer())
DUE = Statement(
    sa.select(*_CHECKPOINT)
    .where(sa.text("checkpoint.status = 'open'"), _check.c.next_at <= unforeseen(_NOW))
    .order_by(_check.c.next_at, _check.c.id)
    .limit(_LIMIT)
    .with_for_update(skip_locked=True)
)
ANNOUNCED = Statement(
    sa.select(_announcement)
    .where(sa.text("announcement.expanded_at IS NULL"), _announcement.c.at <= unforeseen(_NOW))
    .order_by(_announcement.c.at, _announcement.c.id)
    .limit(_LIMIT)
    .with_for_update(skip_locked=True)
)
# Read once the rows are locked, and not joined to them: whoever changes a plan or a calendar then has yet to ask for
# the same rows (`look_again`), so that nothing is planned by rules that have just been replaced.
PROJECTS = for_both(
    lambda dialect: (
        sa.select(
            _project.c.id,
            *(_project.c[name] for name in ("city", "lead_code", "responsible", "deadlines")),
            *(_project.c[name] for name in ("definition_hash", "policy_hash")),
            *(_batch.c[name] for name in ("calendar_hash", "reminders_hash")),
        )
        .join(_batch, _batch.c.id == _project.c.batch_id)
        .where(within(_project.c.id, "wanted", dialect, "uuid"))
    )
)
CHECKPOINTS = for_both(
    lambda dialect: sa.select(*_CHECKPOINT).where(within(_check.c.id, "wanted", dialect, "uuid")).order_by(_check.c.id)
)
_NAMES = [column.name for column in _notice.columns]
_TYPES = ", ".join(f"{column.name} {column.type.compile(postgresql.dialect())}" for column in _notice.columns)  # type: ignore[no-untyped-call]
# One JSON text for all rows on PostgreSQL, as in `checkpoints`: one statement of one shape, however many.
ADD = Statement(
    sqlite.insert(_notice).on_conflict_do_nothing(index_elements=KEY),
    postgresql=sa.text(
        f"INSERT INTO notice ({', '.join(_NAMES)}) SELECT {', '.join(_NAMES)} "
        f"FROM json_to_recordset(CAST(:given AS json)) AS given({_TYPES}) ON CONFLICT ({', '.join(KEY)}) DO NOTHING"
    ),
)
_LOOK_AGAIN = sa.update(_check).where(sa.text("checkpoint.status = 'open'")).values(next_at=_check.c.opened_at)
LOOK_AGAIN = {
    name: Statement(_LOOK_AGAIN.where(_check.c[name] == sa.bindparam("of"))) for name in ("batch_id", "project_id")
}


def due_checkpoints(tx: Transaction, now: datetime, limit: int) -> list[Row]:
    """Return and lock the open checkpoints to be looked at by now, the longest waiting first.

    What another sweep holds is passed over; what an act ended meanwhile is not among them.
    """
    return tx.fetch(DUE, now=now, limit=limit)


def due_announcements(tx: Transaction, now: datetime, limit: int) -> list[Row]:
    """Return and lock the announcements that nobody has been told of yet, the oldest first."""
    return tx.fetch(ANNOUNCED, now=now, limit=limit)


def with_projects(tx: Transaction, *lists: Sequence[Row]) -> list[list[Row]]:
    """Return lists of rows that name a project, each with what says under which rules it stands and for whom."""
    wanted = sorted({row["project_id"] for rows in lists for row in rows})
    projects = {row["id"]: row for row in select_many(tx, PROJECTS, "wanted", wanted)}
    return [[{**projects[row["project_id"]], **row} for row in rows] for rows in lists]


def checkpoints_named(tx: Transaction, ids: Iterable[str]) -> dict[str, Row]:
    """Return id -> checkpoint."""
    return {row["id"]: row for row in select_many(tx, CHECKPOINTS, "wanted", ids)}


def add_notices(tx: Transaction, rows: Sequence[Row]) -> None:
    """Enter notices; what is there already by its key stays as it is."""
    if not rows:
        return
    if tx.is_postgres:
        tx.fetch(ADD, given=orjson.dumps(list(rows)).decode())
        return
    compiled = ADD.compiled(tx.dialect)
    tx.execute_many(compiled.sql, [compiled.bind(row) for row in rows])


def move_on(tx: Transaction, next_at: Sequence[tuple[str, datetime | None]]) -> None:
    """Write from when each checkpoint is to be looked at again; None: never."""
    update_many(tx, _check, ["id"], [{"id": checkpoint, "next_at": at} for checkpoint, at in next_at])


def mark_expanded(tx: Transaction, announcements: Sequence[str], now: datetime) -> None:
    """Note that people have been told of these announcements."""
    update_many(tx, _announcement, ["id"], [{"id": name, "expanded_at": now} for name in announcements])


def put_off(tx: Transaction, announcements: Sequence[Row], until: datetime) -> None:
    """Take announcements up again at an instant; `details` keep when they were made."""
    rows: list[dict[str, Any]] = [
        {"id": row["id"], "at": until, "details": {"made_at": row["at"].isoformat(), **row["details"]}}
        for row in announcements
    ]
    update_many(tx, _announcement, ["id"], rows)


def look_again(tx: Transaction, *, batch: str | None = None, project: str | None = None) -> None:
    """Have the open checkpoints of a batch or a project looked at anew, from their opening on.

    For when the plan, the calendar or a person in charge has changed. What was told stays told by its key; of what was
    not, the newest goes out marked late, the older is recorded as skipped.
    """
    name, value = ("batch_id", batch) if batch else ("project_id", project)
    tx.fetch(LOOK_AGAIN[name], of=value)  # at once: an act may end the same rows in its queued writes
