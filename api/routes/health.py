"""Whether the process lives, and whether it can work. The only addresses open to everyone."""

from collections.abc import Callable
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
from states.findings import Text

router = APIRouter(tags=["service"], route_class=StrictRoute)
newest = cache(schema.newest)


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
    """Answer 200 where the database is reached, its schema is the newest, and the writer's key is there."""
    service: Service = request.app.state.service
    checks: dict[str, bool] = {}
    for name, check in CHECKS.items():
        checks[name] = all(checks.values()) and check(service)
    if not all(checks.values()):
        failed = next(name for name, passed in checks.items() if not passed)
        raise EdgeProblem("not-ready", Text(f"未通过检查：{failed}", f"the check failed: {failed}"), checks=checks)
    return reply({"status": "ready", "checks": checks})


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


CHECKS: dict[str, Callable[[Service], bool]] = {
    "writer_key": _writer_key,
    "database": _database,
    "schema": _schema,
}
