"""What one act of the door sends to the server: its statements in order, with their parameters and first rows."""

import contextlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from psycopg.adapt import PyFormat, Transformer

import lifecycle.database
from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.requests import Request
from lifecycle.transition import Outcome, transition_project

from .acts import CYCLE, Step, Subject, caller, instant, request_of

INSERT = re.compile(r'INSERT INTO "?([a-z_]+)"?', re.IGNORECASE)


@dataclass(slots=True)
class Sent:
    """One statement as it went to the server. Values are PostgreSQL's text forms; None is NULL."""

    sql: str  # with %(name)s
    values: dict[str, str | None]
    first: dict[str, str | None] = field(default_factory=dict)  # the first row that came back


@dataclass(frozen=True, slots=True)
class Captured:
    """An act with everything it sent between BEGIN and COMMIT."""

    event: str
    sent: tuple[Sent, ...]
    before: int  # the project's version before
    guards: int  # findings that the door evaluated
    body: int  # octets of the entry
    trips: int  # round trips: pipelines and single statements, with BEGIN and COMMIT

    @property
    def inserts(self) -> Counter[str]:
        """Return how many rows the act puts into each table."""
        return Counter(table for one in self.sent for table in INSERT.findall(one.sql))


class _Recorder:
    """Stands before the driver's connection and writes down what passes."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self.passed: list[tuple[str, Any, Any]] = []
        self.trips = 0
        self._depth = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def execute(self, sql: str, values: Any = None, **options: Any) -> Any:
        self.trips += self._depth == 0
        self.trips += self._depth == 0 and not self.passed  # BEGIN, which only a pipeline lets travel along
        cursor = self._driver.execute(sql, values, **options)
        self.passed.append((sql, values or {}, cursor))
        return cursor

    def commit(self) -> None:
        self.trips += self._depth == 0
        self._driver.commit()

    @contextlib.contextmanager
    def pipeline(self) -> Iterator[Any]:
        self._depth += 1
        self.trips += self._depth == 1
        try:
            with self._driver.pipeline() as pipeline:
                yield pipeline
        finally:
            self._depth -= 1


@contextlib.contextmanager
def writes_apart(apart: bool) -> Iterator[None]:
    """Let the door send each write as a statement of its own, where `apart`, instead of all as one."""
    before = lifecycle.database.TOGETHER
    lifecycle.database.TOGETHER = 0 if apart else before
    try:
        yield
    finally:
        lifecycle.database.TOGETHER = before


def capture_cycle(database: Database, log: Log, subject: Subject, *, apart: bool) -> tuple[Captured, Captured]:
    """Return the cycle's two acts as sent on a project in publicity, after a few rounds: values as they come to be."""
    state, found = "in_publicity", []
    with writes_apart(apart):
        for number in range(6):
            one, state = capture(database, log, subject, state, number)
            found.append(one)
    return found[-2], found[-1]


def capture(database: Database, log: Log, subject: Subject, state: str, number: int) -> tuple[Captured, str]:
    """Carry out the cycle's act of this state, and return what it sent and the state it led to."""
    step: Step = CYCLE[state]
    me = caller(step.role, instant(step.on, number))
    request: Request = request_of(step, number, subject)
    with attempt(database, log, me, ("project", subject.id), step.event) as tx:
        recorder = tx.driver = _Recorder(tx.driver)
        outcome = transition_project(tx, log, me, subject.id, request)
    assert isinstance(outcome, Outcome)
    transformer = Transformer(recorder._driver)
    sent = tuple(_sent(transformer, *one) for one in recorder.passed)
    written = (item for _, values, _ in recorder.passed for item in dict(values).items())
    body = next(len(getattr(value, "obj", value)) for name, value in written if name.endswith("body"))
    guards = len(outcome.decision.findings)
    return Captured(step.event, sent, outcome.version - 1, guards, body, recorder.trips), outcome.target


def _sent(transformer: Transformer, sql: str, values: Any, cursor: Any) -> Sent:
    if not isinstance(values, dict):  # positional: named by their place
        names = [f"p{place}" for place in range(len(values))]
        for name in names:
            sql = sql.replace("%s", f"%({name})s", 1)
        values = dict(zip(names, values, strict=True))
    first: dict[str, str | None] = {}
    if cursor.description and cursor.rowcount:
        cursor.scroll(0, mode="absolute")
        names = [column.name for column in cursor.description]
        row = zip(names, cursor.fetchone(), strict=True)
        first = {
            # A list or an object in a row is a JSON column that the driver has parsed.
            name: orjson.dumps(value).decode() if isinstance(value, list | dict) else text_of(transformer, value)
            for name, value in row
        }
    return Sent(sql, {name: text_of(transformer, value) for name, value in values.items()}, first)


def text_of(transformer: Transformer, value: Any) -> str | None:
    """Return a value in PostgreSQL's text form."""
    value = getattr(value, "obj", value)  # SQLAlchemy wraps octets, psycopg JSON
    if value is None:
        return None
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, str):
        return value
    return bytes(transformer.get_dumper(value, PyFormat.TEXT).dump(value) or b"").decode()
