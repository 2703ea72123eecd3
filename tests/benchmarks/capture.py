"""What one act of the door sends to the server: its statements in order, with their parameters and first rows."""

import contextlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy.dialects.postgresql.psycopg as psycopg_dialect
from psycopg.adapt import PyFormat, Transformer

import lifecycle.database
from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.database import BEGIN, Database
from lifecycle.requests import Request
from lifecycle.surroundings import COUNT_OBJECTIONS
from lifecycle.transition import LOCK_PROJECT, Outcome, transition_project
from lifecycle.wire import COMMIT, Wire
from lifecycle.wire import Sent as OnWire

from .acts import CYCLE, Step, Subject, caller, instant, request_of

NUMBERED = re.compile(r"\$(\d+)")
# The only rows that the cycle reads.
READS = [one.compiled(psycopg_dialect.PGDialect_psycopg()) for one in (LOCK_PROJECT, COUNT_OBJECTIONS)]
COLUMNS = {read.sql: read._columns for read in READS}
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
    trips: int  # round trips: BEGIN goes with the first statement, COMMIT with the last
    inserts: Counter[str]  # how many rows the act puts into each table


class _Recorder:
    """Stands between a transaction and its wire and writes down what passes."""

    def __init__(self, wire: Wire) -> None:
        self.passed: list[tuple[OnWire, dict[str, Any]]] = []  # statement with its values, first row
        self.trips = 0
        self._wire = wire

    @property
    def idle(self) -> bool:
        """Return what the wire says."""
        return self._wire.idle

    def run(self, statements: Sequence[OnWire]) -> list[list[tuple[Any, ...]]]:
        """Pass statements on."""
        found = self._wire.run(statements)
        self.trips += 1
        self.passed += [(one, {}) for one in statements if one not in (COMMIT, BEGIN)]
        if found[-1]:
            self.passed[-1][1].update(zip(COLUMNS[statements[-1].sql], found[-1][0], strict=True))
        return found


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
        assert tx.wire is not None
        recorder, driver = _Recorder(tx.wire), tx.driver
        tx.wire = recorder  # type: ignore[assignment]
        outcome = transition_project(tx, log, me, subject.id, request)
    assert isinstance(outcome, Outcome)
    transformer = Transformer(driver)
    sent = tuple(_sent(transformer, *one) for one in recorder.passed)
    body = max(len(value) for one, _ in recorder.passed for value, octets in _values(one) if value and octets)
    guards, inserts = len(outcome.decision.findings), _count(database) - counted
    return Captured(step.event, sent, outcome.version - 1, guards, body, recorder.trips, inserts), outcome.target


def _count(database: Database) -> Counter[str]:
    with database.reading() as tx:
        return Counter({name: tx.driver.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in COUNTED})


def _values(one: OnWire) -> Iterator[tuple[bytes | None, bool]]:
    """Yield a statement's values, and whether each is octets rather than text."""
    formats = one.formats or (0,) * len(one.values)
    yield from zip(one.values, map(bool, formats), strict=True)


def _sent(transformer: Transformer, one: OnWire, row: dict[str, Any]) -> Sent:
    sql = NUMBERED.sub(lambda found: f"%(p{found[1]})s", one.sql)
    values = {
        f"p{place}": value if value is None else "\\x" + value.hex() if octets else value.decode()
        for place, (value, octets) in enumerate(_values(one), 1)
    }
    return Sent(sql, values, {name: text_of(transformer, value) for name, value in row.items()})


def text_of(transformer: Transformer, value: Any) -> str | None:
    """Return a value in PostgreSQL's text form."""
    if value is None:
        return None
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, str):
        return value
    return bytes(transformer.get_dumper(value, PyFormat.TEXT).dump(value) or b"").decode()
