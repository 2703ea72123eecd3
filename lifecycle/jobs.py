"""The clock's jobs as rows: when each was begun, when it last went well, what it ended with. Whoever runs them."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from lifecycle.canonical import instant
from lifecycle.database import Transaction
from lifecycle.statements import Row, Statement
from lifecycle.tables import Job

table = Job.__table__  # type: ignore[attr-defined]

ERROR_LENGTH = 300
PATIENCE = 3  # a job is late after so many times its interval
GRACE = timedelta(seconds=60)


def _enter(insert: Any) -> sa.ClauseElement:
    adding = insert(table).values(runs=0, failures=0, name=sa.bindparam("job"), every_seconds=sa.bindparam("every"))
    changed: sa.ClauseElement = adding.on_conflict_do_update(
        index_elements=["name"], set_={"every_seconds": adding.excluded.every_seconds}
    )
    return changed


ENTER = Statement(_enter(sqlite.insert), postgresql=_enter(postgresql.insert))
_OF = table.c.name == sa.bindparam("of")
_AT = sa.bindparam("at", type_=table.c.started_at.type)
BEGIN = Statement(sa.update(table).where(_OF).values(started_at=_AT))
SUCCEED = Statement(
    sa.update(table).where(_OF).values(runs=table.c.runs + 1, succeeded_at=_AT, last_ms=sa.bindparam("ms"))
)
FAIL = Statement(
    sa.update(table)
    .where(_OF)
    .values(
        runs=table.c.runs + 1,
        failures=table.c.failures + 1,
        failed_at=_AT,
        last_ms=sa.bindparam("ms"),
        last_error=sa.bindparam("error"),
    )
)
_CURSOR = sa.select(table.c.cursor).where(_OF)
CURSOR, LOCK_CURSOR = Statement(_CURSOR), Statement(_CURSOR.with_for_update())
SET_CURSOR = Statement(sa.update(table).where(_OF).values(cursor=sa.bindparam("place", type_=table.c.cursor.type)))
ALL = Statement(sa.select(table).order_by(table.c.name))


def enter_job(tx: Transaction, name: str, every_seconds: int) -> None:
    """Queue that there is such a job, to be run so often; what is known of its runs stays."""
    tx.queue(ENTER, job=name, every=every_seconds)


def begin_job(tx: Transaction, name: str, now: datetime) -> None:
    """Queue that a run begins."""
    tx.queue(BEGIN, of=name, at=now)


def end_job(tx: Transaction, name: str, now: datetime, took_ms: int, error: str | None = None) -> None:
    """Queue how a run ended: well, or with an error."""
    if error is None:
        tx.queue(SUCCEED, of=name, at=now, ms=took_ms)
    else:
        plain = error.encode("utf-8", "replace").decode().replace("\0", "")[:ERROR_LENGTH]
        tx.queue(FAIL, of=name, at=now, ms=took_ms, error=plain)


def read_cursor(tx: Transaction, name: str, *, lock: bool = False) -> dict[str, str] | None:
    """Return where a job that goes in steps is to go on; None: at the beginning. `lock`: others wait until the end."""
    row = tx.one(LOCK_CURSOR if lock else CURSOR, of=name)
    return row["cursor"] if row else None


def write_cursor(tx: Transaction, name: str, place: dict[str, str]) -> None:
    """Queue where the job's next step begins; a job that nobody entered always begins anew."""
    tx.queue(SET_CURSOR, of=name, place=place)


def list_jobs(tx: Transaction, now: datetime, grace: timedelta = GRACE) -> list[dict[str, Any]]:
    """Return all jobs as JSON values, each with whether it is late."""
    times = ("started_at", "succeeded_at", "failed_at")
    return [
        {
            **{name: row[name] for name in ("name", "every_seconds", "runs", "failures", "last_error", "last_ms")},
            **{name: instant(row[name]) if row[name] else None for name in times},
            "late": _is_late(row, now, grace),
        }
        for row in tx.fetch(ALL)
    ]


def late_jobs(tx: Transaction, now: datetime, grace: timedelta = GRACE, *, wanted: Collection[str] = ()) -> list[str]:
    """Return the jobs that ought to have gone well by now and did not, whichever process should have run them.

    A job is late three intervals and a grace after it last went well. One that never did is late where it failed, where
    its first run takes that long, or where it was entered and never begun. Of those `wanted`, one that no process ever
    entered is late too: nobody runs the clock.
    """
    rows = {row["name"]: row for row in tx.fetch(ALL)}
    never = set(wanted) - rows.keys()
    return sorted({*never, *(name for name, row in rows.items() if _is_late(row, now, grace))})


def _is_late(row: Row, now: datetime, grace: timedelta) -> bool:
    since = row["succeeded_at"]
    if since is None:
        if row["started_at"] is None or row["failures"] > 0:
            return True
        since = row["started_at"]
    return bool(now - since > PATIENCE * timedelta(seconds=row["every_seconds"]) + grace)
