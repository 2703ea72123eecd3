"""The engine, its transactions and statements: the only place that opens, commits or rolls back."""

import select
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from typing import Any

import orjson
import psycopg
import sqlalchemy as sa
from psycopg.types.json import set_json_loads
from psycopg.types.string import TextLoader
from sqlalchemy import event

from lifecycle.settings import Settings
from lifecycle.statements import Compiled, Row, Statement, join

TOGETHER = 24  # queued writes beyond this number travel one by one, pipelined: plans of ever new shapes cost more


class Transaction:
    """One database transaction.

    `fetch` runs a statement at once; `queue` keeps writes back until the end. On PostgreSQL the queued writes then
    travel as one statement (each a data-modifying WITH), so they must not touch the same row twice; a write that could
    is sent on its own by `flush` before the next is queued. With a server across a network, statements and COMMIT share
    a round trip; on a local socket that costs more than it saves.
    """

    def __init__(self, driver: Any, dialect: sa.Dialect) -> None:
        """Take a driver's connection whose transaction has begun."""
        self.driver = driver
        self.dialect = dialect
        self.is_postgres = dialect.name == "postgresql"
        self._far = self.is_postgres and not (driver.info.host or "/").startswith("/")
        self._queue: list[tuple[Compiled, Any]] = []

    def fetch(self, statement: Statement, **values: Any) -> list[Row]:
        """Run one statement and return its rows (none for a write)."""
        self.flush()
        compiled = statement.compiled(self.dialect)
        if self._far:
            with self.driver.pipeline():  # BEGIN and the first statement together
                return compiled.rows(self._run(compiled.sql, compiled.bind(values)))
        return compiled.rows(self._run(compiled.sql, compiled.bind(values)))

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
        queued, self._queue = self._queue, []
        if self.is_postgres and 1 < len(queued) <= TOGETHER:
            together, values = join([item[0] for item in queued], [item[1] for item in queued])
            self._run(together, values)
            return
        with self.driver.pipeline() if self.is_postgres and len(queued) > TOGETHER else nullcontext():
            for compiled, values in queued:
                self._run(compiled.sql, values)

    def finish(self) -> None:
        """Send the queued writes and COMMIT."""
        with self.driver.pipeline() if self._far else nullcontext():
            self.flush()
            self.driver.commit()

    @contextmanager
    def copy(self, sql: str) -> Iterator[psycopg.Copy]:
        """Open a COPY … FROM STDIN (PostgreSQL only)."""
        self.flush()
        with self.driver.cursor() as cursor, cursor.copy(sql) as copy:
            yield copy

    def execute_many(self, sql: str, rows: Sequence[Any]) -> None:
        """Run a driver-level statement for many rows of parameters."""
        self.flush()
        with closing(self.driver.cursor()) as cursor:
            cursor.executemany(sql, rows)

    def execute_driver(self, sql: str, values: Any = ()) -> None:
        """Run a driver-level statement."""
        self.flush()
        self.driver.execute(sql, values)

    def _run(self, sql: str, values: Any) -> Any:
        if self.is_postgres:
            return psycopg.RawCursor(self.driver).execute(sql, values, prepare=True)
        return self.driver.execute(sql, values)


class Database:
    """An engine and the two ways into it: `transaction()` to write, `reading()` to read at one instant."""

    def __init__(self, engine: sa.Engine) -> None:
        """Wrap an engine made by `open_database`."""
        self.engine = engine
        self.is_postgres = engine.dialect.name == "postgresql"

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open a transaction that writes; it commits at the end of the block and rolls back on any exception."""
        with self._driver() as driver:
            if not self.is_postgres:
                driver.execute("BEGIN IMMEDIATE")
            transaction = Transaction(driver, self.engine.dialect)
            yield transaction
            transaction.finish()

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Open a transaction that only reads, all of it at one instant; it is rolled back at the end."""
        with self._driver() as driver:
            if self.is_postgres:
                driver.isolation_level, driver.read_only = psycopg.IsolationLevel.REPEATABLE_READ, True
            else:
                driver.execute("BEGIN")
            try:
                yield Transaction(driver, self.engine.dialect)
            finally:
                driver.rollback()
                if self.is_postgres:
                    driver.isolation_level, driver.read_only = None, None

    @contextmanager
    def glance(self) -> Iterator[Transaction]:
        """Open a connection for one read outside any transaction: the cheapest look there is."""
        with self._driver() as driver:
            if self.is_postgres:
                driver.autocommit = True
            try:
                yield Transaction(driver, self.engine.dialect)
            finally:
                if self.is_postgres:
                    driver.autocommit = False

    @contextmanager
    def _driver(self) -> Iterator[Any]:
        """Lend a connection from the pool; on an exception it is rolled back, and thrown away where that fails."""
        lent = self.engine.raw_connection()
        driver: Any = lent.driver_connection
        try:
            yield driver
        except BaseException:
            try:
                driver.rollback()
            except (sqlite3.Error, psycopg.Error):
                lent.invalidate()
            raise
        finally:
            lent.close()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


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
        )
        event.listen(engine, "connect", _configure_sqlite)
    else:
        engine = sa.create_engine(
            url,
            pool_size=settings.pool_size,
            max_overflow=0,
            pool_pre_ping=False,
            connect_args={
                "options": f"-c timezone=UTC -c lock_timeout={settings.lock_timeout_ms}",
                "application_name": "pilot",
            },
        )
        event.listen(engine, "connect", _configure_postgres)
        event.listen(engine, "checkout", _check_open)
    return Database(engine)


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
    connection.prepared_max = 500
