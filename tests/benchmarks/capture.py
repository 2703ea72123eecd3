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
from lifecycle.database import Database, Transaction
from lifecycle.requests import Request
from lifecycle.transition import Outcome, transition_project

from .acts import CYCLE, Step, Subject, caller, instant, request_of

NUMBERED = re.compile(r"\$(\d+)")
COUNTED = ("entry", "pending", "disclosure", "checkpoint")


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
    trips: int  # round trips: the statements, with BEGIN and COMMIT
    inserts: Counter[str]  # how many rows the act puts into each table


class _Recorder:
    """Stands between a transaction and its driver and writes down what passes."""

    def __init__(self, tx: Transaction) -> None:
        self.passed: list[tuple[str, list[Any], Any]] = []
        self._run = tx._run
        tx._run = self._pass  # type: ignore[method-assign]

    def _pass(self, sql: str, values: Any) -> Any:
        cursor = self._run(sql, values)
        self.passed.append((sql, list(values), cursor))
        return cursor


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
    counted = _count(database)
    with attempt(database, log, me, ("project", subject.id), step.event) as tx:
        recorder, driver = _Recorder(tx), tx.driver
        outcome = transition_project(tx, log, me, subject.id, request)
    assert isinstance(outcome, Outcome)
    transformer = Transformer(driver)
    sent = tuple(_sent(transformer, *one) for one in recorder.passed)
    body = max(len(value) for _, values, _ in recorder.passed for value in map(_octets, values) if value)
    guards, inserts = len(outcome.decision.findings), _count(database) - counted
    trips = len(sent) + 2
    return Captured(step.event, sent, outcome.version - 1, guards, body, trips, inserts), outcome.target


def _count(database: Database) -> Counter[str]:
    with database.reading() as tx:
        return Counter({name: tx.driver.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in COUNTED})


def _octets(value: Any) -> bytes:
    value = getattr(value, "obj", value)  # SQLAlchemy wraps octets
    return value if isinstance(value, bytes) else b""


def _sent(transformer: Transformer, sql: str, given: list[Any], cursor: Any) -> Sent:
    sql = NUMBERED.sub(lambda found: f"%(p{found[1]})s", sql)
    values = {f"p{place}": value for place, value in enumerate(given, 1)}
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
