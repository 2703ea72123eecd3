"""Whether the process lives, and whether it can work. The only addresses open to everyone."""

import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache

import psycopg
import sqlalchemy as sa
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.openapi import documented
from api.problems import EdgeProblem
from api.replies import reply
from api.requests import StrictRoute
from api.service import Service
from lifecycle import schema
from lifecycle.drifting import count_drifting
from lifecycle.jobs import late_jobs
from schedules.runner import EVERY
from states.findings import Text

router = APIRouter(tags=["service"], route_class=StrictRoute)
newest = cache(schema.newest)
FIRST_TURN = timedelta(minutes=5)  # each job runs at once when the clock starts


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", operation_id="isAlive", summary="存活 / The process is alive")
async def healthz() -> Response:
    """Answer without asking the database."""
    return reply({"status": "ok"})


@router.get(
    "/readyz",
    operation_id="isReady",
    summary="就绪 / Database, schema and key are there",
    responses=documented("not-ready"),
)
def readyz(request: Request) -> Response:
    """Answer 200 where the database is reached, its schema is the newest, and the writer's key is there.

    `late` names jobs of the clock that are behind, whoever runs it; where this process does, that is 503. `drifting`:
    how many projects or counters differ from the log, which `pilot audit drift` names.
    """
    service: Service = request.app.state.service
    checks: dict[str, bool] = {}
    for name, check in CHECKS.items():
        checks[name] = all(checks.values()) and check(service)
    if not all(checks.values()):
        failed = next(name for name, passed in checks.items() if not passed)
        raise EdgeProblem("not-ready", Text(f"未通过检查：{failed}", f"the check failed: {failed}"), checks=checks)
    late, drifting = _watched(service)
    if late and _ought_to_have_run(request.app.state.clock_since, service):
        words = Text(f"定时作业逾时：{'、'.join(late)}", f"jobs of the clock are late: {', '.join(late)}")
        raise EdgeProblem("not-ready", words, checks={**checks, "clock": False})
    return reply({"status": "ready", "checks": checks, "late": late, "drifting": drifting})


def _ought_to_have_run(since: datetime | None, service: Service) -> bool:
    """Return whether this process runs the clock, and has for long enough that every job has had its first turn."""
    return since is not None and service.clock() - since > FIRST_TURN


def _watched(service: Service) -> tuple[list[str], int]:
    """Return the clock's jobs that are late, whoever runs it, and how much is known to drift."""
    try:
        with service.database.reading() as tx:
            return late_jobs(tx, service.clock(), wanted=EVERY), count_drifting(tx)
    except (sa.exc.SQLAlchemyError, psycopg.Error, sqlite3.Error, OSError):
        return [], 0


def _database(service: Service) -> bool:
    try:
        with service.database.engine.connect():
            return True
    except (sa.exc.SQLAlchemyError, psycopg.Error, OSError):
        return False


def _schema(service: Service) -> bool:
    try:
        return schema.current(service.database) == newest()
    except (sa.exc.SQLAlchemyError, psycopg.Error, OSError):
        return False


def _writer_key(service: Service) -> bool:
    return service.key_file is None or service.key_file.is_file()


def _receipts(service: Service) -> bool:
    return service.database.receipts is None or service.database.receipts.fault is None


CHECKS: dict[str, Callable[[Service], bool]] = {
    "writer_key": _writer_key,
    "database": _database,
    "schema": _schema,
    "receipts": _receipts,
}
