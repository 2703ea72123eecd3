"""The engine, its transactions and statements: the only place that opens, commits or rolls back."""

import select
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg
import sqlalchemy as sa
from psycopg.types.json import set_json_loads
from psycopg.types.string import TextLoader
from sqlalchemy import event

from lifecycle.receipts import ReceiptsFile
from lifecycle.settings import Settings
from lifecycle.signing import Receipt
from lifecycle.statements import Compiled, Row, Statement, join
from lifecycle.wire import COMMIT, Sent, Wire

WIRE = "wire"  # where the pool keeps a connection's wire
READ_ONLY = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
TOGETHER = 24  # queued writes beyond this number travel one by one, pipelined: plans of ever new shapes cost more


@dataclass(slots=True)
class Proviso:
    """A read that goes ahead of everything in a transaction, on its first trip, and what its rows must be.

    `check` raises where they are not: nothing that was read beside them is handed out then, and nothing is committed.
    """

    statement: Statement
    values: Mapping[str, Any]
    check: Callable[[Sequence[Row]], None]
    met: bool = False  # once met it is not read again

    def settle(self, rows: Sequence[Row]) -> None:
        """Hold what was read against it.

        Raises:
            Exception: what the check raises.
        """
        self.check(rows)
        self.met = True


class Transaction:
    """One database transaction.

    `fetch` runs a statement at once; `queue` keeps writes back until the end. On PostgreSQL the queued writes then
    travel as one statement (each a data-modifying WITH), so they must not touch the same row twice; a write that could
    is sent on its own by `flush` before the next is queued. BEGIN travels with the first statement, COMMIT with the
    last writes.
    """

    def __init__(
        self,
        driver: Any,
        dialect: sa.Dialect,
        wire: Wire | None,
        begin: str | None = None,
        proviso: Proviso | None = None,
    ) -> None:
        """Take a driver's connection, on PostgreSQL with its wire and the BEGIN that is still to be sent."""
        self._driver = driver
        self.dialect = dialect
        self.is_postgres = wire is not None
        self.wire = wire
        self._begin = begin
        self._proviso = proviso
        self._queue: list[tuple[Compiled, Any]] = []
        self.receipts: list[Receipt] = []  # of the entries appended so far

    def fetch(self, statement: Statement, **values: Any) -> list[Row]:
        """Run one statement and return its rows (none for a write)."""
        compiled = statement.compiled(self.dialect)
        return compiled.rows(self._send((compiled.sql, compiled.bind(values))))

    def one(self, statement: Statement, **values: Any) -> Row | None:
        """Run one statement and return its first row, or None."""
        rows = self.fetch(statement, **values)
        return rows[0] if rows else None

    def queue(self, statement: Statement, **values: Any) -> None:
        """Keep a write until `flush` or the end of the transaction."""
        compiled = statement.compiled(self.dialect)
        self._queue.append((compiled, compiled.bind(values)))

    def flush(self) -> None:
        """Send the queued writes now."""
        if self._queue:
            self._send()

    def finish(self) -> None:
        """Send the queued writes and COMMIT."""
        if self.wire is None:
            self.flush()
            self._driver.commit()
        elif self._queue or not self.wire.idle:
            self._send((COMMIT, ()))

    @contextmanager
    def copy(self, sql: str) -> Iterator[psycopg.Copy]:
        """Open a COPY … FROM STDIN (PostgreSQL only)."""
        with self.driver.cursor() as cursor, cursor.copy(sql) as copy:
            yield copy

    def execute_many(self, sql: str, rows: Sequence[Any]) -> None:
        """Run a driver-level statement for many rows of parameters."""
        with closing(self.driver.cursor()) as cursor:
            cursor.executemany(sql, rows)

    def execute_driver(self, sql: str, values: Any = ()) -> None:
        """Run a driver-level statement."""
        self.driver.execute(sql, values)

    @property
    def driver(self) -> Any:
        """Return the driver's connection, having sent what was kept back, the BEGIN too."""
        if self._queue or self._doubtful or (self.wire is not None and self._begin is not None and self.wire.idle):
            self._send()
        return self._driver

    @property
    def _doubtful(self) -> bool:
        return self._proviso is not None and not self._proviso.met

    def _send(self, last: Sent | None = None) -> Sequence[Any]:
        """Send the queued writes and then `last`; return its rows."""
        if self._doubtful and last is not None and last[0] == COMMIT:
            self._run([])  # nothing is committed before the proviso is known to be met
        return self._run([*self._queued(), last] if last else self._queued())

    def _run(self, sent: Sequence[Sent]) -> Sequence[Any]:
        """Run statements behind BEGIN and the proviso, where these are still to be sent; return the rows of the last.

        Raises:
            Exception: what the proviso's check raises.
        """
        begins = self.wire is not None and self._begin is not None and self.wire.idle
        ahead: list[Sent] = [(self._begin or "", ())] if begins else []
        if not self._doubtful:
            return self._each([*ahead, *sent])[-1]
        assert self._proviso is not None
        compiled = self._proviso.statement.compiled(self.dialect)
        found = self._each([*ahead, (compiled.sql, compiled.bind(self._proviso.values)), *sent])
        self._proviso.settle(compiled.rows(found[len(ahead)]))
        return found[-1]

    def _each(self, sent: Sequence[Sent]) -> Sequence[Sequence[Any]]:
        if self.wire is not None:
            return self.wire.run(sent)
        return [self._driver.execute(sql, values).fetchall() for sql, values in sent]

    def _queued(self) -> list[Sent]:
        queued, self._queue = self._queue, []
        if self.wire is not None and 1 < len(queued) <= TOGETHER:
            return [join([item[0] for item in queued], [item[1] for item in queued])]
        return [(compiled.sql, values) for compiled, values in queued]


class Database:
    """An engine and the two ways into it: `transaction()` to write, `reading()` to read at one instant."""

    def __init__(self, engine: sa.Engine, receipts: ReceiptsFile | None = None, proviso: Proviso | None = None) -> None:
        """Wrap an engine made by `open_database`; `receipts` keeps those of every transaction that committed."""
        self.engine = engine
        self.receipts = receipts
        self.is_postgres = engine.dialect.name == "postgresql"
        self._proviso = proviso

    def under(self, proviso: Proviso | None) -> "Database":
        """Return this database with a proviso: whichever transaction is the first sees to it."""
        return Database(self.engine, self.receipts, proviso)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open a transaction that writes; it commits at the end of the block and rolls back on any exception."""
        with self._driver() as (driver, wire):
            if wire is None:
                driver.execute("BEGIN IMMEDIATE")
            transaction = Transaction(driver, self.engine.dialect, wire, "BEGIN", self._proviso)
            yield transaction
            transaction.finish()
        if self.receipts is not None and transaction.receipts:
            self.receipts.keep(transaction.receipts)  # committed, the connection given back, and not yet answered

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Open a transaction that only reads, all of it at one instant; it is rolled back at the end."""
        with self._driver() as (driver, wire):
            if wire is None:
                driver.execute("BEGIN")
            try:
                yield Transaction(driver, self.engine.dialect, wire, READ_ONLY, self._proviso)
            finally:
                driver.rollback()

    @contextmanager
    def glance(self) -> Iterator[Transaction]:
        """Open a connection for one read outside any transaction: the cheapest look there is."""
        with self._driver() as (driver, wire):
            try:
                yield Transaction(driver, self.engine.dialect, wire)
            finally:
                if wire is not None and not wire.idle:  # the driver itself was used, and began a transaction
                    driver.rollback()

    @contextmanager
    def _driver(self) -> Iterator[tuple[Any, Wire | None]]:
        """Lend a connection from the pool; on an exception it is rolled back, and thrown away where that fails."""
        lent = self.engine.raw_connection()
        driver: Any = lent.driver_connection
        wire: Wire | None = None
        if self.is_postgres:
            wire = lent.info.get(WIRE)
            if wire is None:
                wire = lent.info[WIRE] = Wire(driver)
        try:
            yield driver, wire
        except BaseException:
            try:
                driver.rollback()
            except (sqlite3.Error, psycopg.Error):
                lent.invalidate()
            raise
        finally:
            lent.close()

    def close(self) -> None:
        """Close all connections and the receipts file."""
        self.engine.dispose()
        if self.receipts is not None:
            self.receipts.close()


def open_database(settings: Settings) -> Database:
    """Open the database that the settings name; connections are made when first needed."""
    url = sa.make_url(settings.url)
    if url.get_backend_name() == "sqlite":
        if url.database and url.database != ":memory:":
            settings.data_dir.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(
            url,
            connect_args={"check_same_thread": False, "timeout": settings.lock_timeout_ms / 1000},
            pool_size=settings.pool_size,
            max_overflow=0,
            poolclass=sa.QueuePool,
            pool_reset_on_return=None,  # every way out of `_driver` commits or rolls back
        )
        event.listen(engine, "connect", _configure_sqlite)
    else:
        engine = sa.create_engine(
            url,
            pool_size=settings.pool_size,
            max_overflow=0,
            pool_pre_ping=False,
            pool_reset_on_return=None,
            connect_args={
                "options": f"-c timezone=UTC -c lock_timeout={settings.lock_timeout_ms}",
                "application_name": "pilot",
            },
        )
        event.listen(engine, "connect", _configure_postgres)
        event.listen(engine, "checkout", _check_open)
    return Database(engine, ReceiptsFile(settings.receipts, each=settings.receipts_sync == "each"))


def _check_open(connection: psycopg.Connection[Any], _record: object, _proxy: object) -> None:
    """Refuse an idle connection that the server has closed; the pool then drops all its old ones and opens another.

    Nothing is sent: an idle connection has something to read only where the server said good-bye.
    """
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        raise sa.exc.InvalidatePoolError()


def _configure_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL", "recursive_triggers=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _configure_postgres(connection: psycopg.Connection[Any], _record: object) -> None:
    connection.adapters.register_loader("uuid", TextLoader)
    set_json_loads(orjson.loads, connection)
    connection.prepare_threshold = None  # psycopg's own would DEALLOCATE ALL after a rollback, the wire's with them
