"""The whole stack for API tests: the application on a real database, its people with tokens, and a movable clock."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any

import httpx
import orjson
import pytest
import typer.testing
from fastapi import FastAPI

from api.app import create_app
from lifecycle import people
from lifecycle.audit import Log
from lifecycle.callers import Caller, Source
from lifecycle.database import Database
from lifecycle.people import NewPerson
from lifecycle.settings import Settings
from lifecycle.statements import Row
from states.roles import actor_of
from tests.lifecycle.builders import JINAN, OPENED, QINGDAO, create_projects, credit_code, open_batch, request_for

LEAD = credit_code(2)  # the lead unit of application number 1
CAST = {
    "handler": NewPerson("handler", "省厅经办", "handler"),
    "head": NewPerson("head", "省厅处长", "division_head"),
    "jinan": NewPerson("jinan", "济南市局", "city", city=JINAN),
    "qingdao": NewPerson("qingdao", "青岛市局", "city", city=QINGDAO),
    "unit": NewPerson("unit", "牵头单位", "applicant", unit=LEAD),
    "stranger": NewPerson("stranger", "别的单位", "applicant", unit=credit_code(999)),
    "expert": NewPerson("expert", "专家", "expert"),
    "auditor": NewPerson("auditor", "审计", "auditor"),
    "security": NewPerson("security", "安全管理员", "security_admin"),
}

# The runner makes the whole command line anew for each command that a test gives: half a second of processor.
typer.testing._get_command = cache(typer.testing._get_command)  # type: ignore[attr-defined]


@dataclass
class Clock:
    """The instant that the application is told."""

    now: datetime = OPENED + timedelta(hours=1)

    def __call__(self) -> datetime:
        return self.now

    def go_to(self, day: date) -> None:
        self.now = datetime.combine(day, time(2), tzinfo=UTC)


@dataclass
class Client:
    """Speaks HTTP to the application as one of the people; what the application itself raises comes through."""

    app: FastAPI
    runner: asyncio.Runner
    tokens: dict[str, str] = field(default_factory=dict)

    def request(self, who: str | None, method: str, path: str, **options: Any) -> httpx.Response:
        headers = httpx.Headers(options.pop("headers", {}))
        if who is not None:
            headers.setdefault("Authorization", f"Bearer {self.tokens[who]}")
        return self.runner.run(self._send(method, path, headers, options))

    def get(self, who: str | None, path: str, **options: Any) -> httpx.Response:
        return self.request(who, "GET", path, **options)

    def post(self, who: str | None, path: str, json: Any = None, **options: Any) -> httpx.Response:
        if json is not None:
            options["json"] = json
        return self.request(who, "POST", path, **options)

    def patch(self, who: str | None, path: str, json: Any, **options: Any) -> httpx.Response:
        return self.request(who, "PATCH", path, json=json, **options)

    def post_together(
        self, who: str, path: str, bodies: list[dict[str, Any]], headers: dict[str, str]
    ) -> list[httpx.Response]:
        """Send all at the same moment; each is served by a thread of its own."""
        signed = httpx.Headers({**headers, "Authorization": f"Bearer {self.tokens[who]}"})

        async def send_all() -> list[httpx.Response]:
            return await asyncio.gather(*(self._send("POST", path, signed, {"json": body}) for body in bodies))

        return self.runner.run(send_all())

    async def _send(self, method: str, path: str, headers: httpx.Headers, options: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, client=("203.0.113.9", 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://pilot.invalid") as client:
            return await client.request(method, path, headers=headers, **options)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as opened:
        yield opened


@pytest.fixture
def app(settings: Settings, database: Database, log: Log, clock: Clock) -> FastAPI:
    return create_app(settings, database, log, clock)


@pytest.fixture
def client(app: FastAPI, runner: asyncio.Runner, database: Database, log: Log) -> Client:
    """A client for which everybody of the cast has a token."""
    officer = Caller(actor_of("security", "security_admin"), Source("test"), OPENED)
    tokens = {}
    with database.transaction() as tx:
        for name, person in CAST.items():
            people.add_person(tx, log, officer, person)
            tokens[name] = people.add_token(tx, log, officer, person.login, "test")[1]
    return Client(app, runner, tokens)


@pytest.fixture
def batch(database: Database, log: Log) -> Row:
    return open_batch(database, log)


@pytest.fixture
def projects(database: Database, log: Log, batch: Row) -> list[Row]:
    """Two drafts in Jinan (the first led by `unit`), then one in Qingdao."""
    return [
        *create_projects(database, log, batch, 2, first=1),
        *create_projects(database, log, batch, 1, first=3, city=QINGDAO),
    ]


def body_for(event: str, row: Row, on: date, **changes: Any) -> dict[str, Any]:
    """Return the JSON body of a lawful act."""
    request = request_for(event, row, on)
    told = {
        "event": event,
        "fields": dict(request.fields),
        "documents": dict(request.documents),
        "reason": request.reason,
    }
    return orjson.loads(orjson.dumps({name: value for name, value in told.items() if value} | changes))


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Return the problem that an answer must be, after holding it against the one shape."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    told = answer.json()
    assert told["type"] == f"/problems/{code}", told
    assert told["status"] == status
    assert told["request_id"] == answer.headers["x-request-id"]
    assert told["detail"] == f"{told['message']['zh']} / {told['message']['en']}"
    assert told["title"].count(" / ") == 1
    assert told["instance"].startswith("/")
    return told
