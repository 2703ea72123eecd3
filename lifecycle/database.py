"""The engine, its transactions and statements: the only place that opens, commits or rolls back."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, cast

import psycopg
import sqlalchemy as sa
from psycopg.types.string import TextLoader
from sqlalchemy import event

from lifecycle.settings import Settings
from lifecycle.statements import Row, Statement


class Transaction:
    """One database transaction.

    `fetch` and `fetch_all` run statements at once; `queue` keeps writes back until the end, so that on PostgreSQL they
    travel with COMMIT in one round trip. Whatever is read after `queue` does not see the queued writes.
    """

    def __init__(self, connection: sa.Connection) -> None:
        """Take an open connection whose transaction has begun."""
        self.connection = connection
        self.dialect = connection.dialect
        self.driver: Any = connection.connection.driver_connection
        self.is_postgres = self.dialect.name == "postgresql"
        self._queue: list[tuple[str, Any]] = []

    def fetch_all(self, *asked: tuple[Statement, Mapping[str, Any]]) -> list[list[Row]]:
        """Run the statements in order, on PostgreSQL in one round trip, and return the rows of each."""
        self.flush()
        if not self.is_postgres:
            return [self._run(statement, values) for statement, values in asked]
        with self.driver.pipeline():
            cursors = []
            for statement, values in asked:
                compiled = statement.compiled(self.dialect)
                cursors.append((compiled, self.driver.execute(compiled.sql, compiled.bind(values), prepare=True)))
            return [compiled.rows(cursor) for compiled, cursor in cursors]

    def fetch(self, statement: Statement, **values: Any) -> list[Row]:
        """Run one statement and return its rows (none for a write)."""
        self.flush()
        return self._run(statement, values)

    def one(self, statement: Statement, **values: Any) -> Row | None:
        """Run one statement and return its first row, or None."""
        rows = self.fetch(statement, **values)
        return rows[0] if rows else None

    def queue(self, statement: Statement, **values: Any) -> None:
        """Keep a write until `flush` or the end of the transaction."""
        compiled = statement.compiled(self.dialect)
        self._queue.append((compiled.sql, compiled.bind(values)))

    def flush(self) -> None:
        """Send the queued writes now."""
        if self._queue:
            with self._together():
                self._send()

    def finish(self) -> None:
        """Send the queued writes and COMMIT, together where the driver can."""
        with self._together():
            self._send()
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
        with _closing(self.driver.cursor()) as cursor:
            cursor.executemany(sql, rows)

    def execute_driver(self, sql: str, values: Any = ()) -> None:
        """Run a driver-level statement."""
        self.flush()
        self.driver.execute(sql, values)

    def _run(self, statement: Statement, values: Mapping[str, Any]) -> list[Row]:
        compiled = statement.compiled(self.dialect)
        return compiled.rows(self.driver.execute(compiled.sql, compiled.bind(values)))

    def _send(self) -> None:
        queued, self._queue = self._queue, []
        for sql, values in queued:
            if self.is_postgres:
                self.driver.execute(sql, values, prepare=True)
            else:
                self.driver.execute(sql, values)

    @contextmanager
    def _together(self) -> Iterator[None]:
        with ExitStack() as stack:
            if self.is_postgres:
                stack.enter_context(self.driver.pipeline())
            yield


@contextmanager
def _closing(cursor: Any) -> Iterator[Any]:
    try:
        yield cursor
    finally:
        cursor.close()


class Database:
    """An engine and the two ways into it: `transaction()` to write, `reading()` to read at one instant."""

    def __init__(self, engine: sa.Engine) -> None:
        """Wrap an engine made by `open_database`."""
        self.engine = engine
        self.is_postgres = engine.dialect.name == "postgresql"

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open a transaction that writes; it commits at the end of the block and rolls back on any exception."""
        with self.engine.connect() as connection:
            if not self.is_postgres:
                cast(sqlite3.Connection, connection.connection.driver_connection).execute("BEGIN IMMEDIATE")
            transaction = Transaction(connection)
            try:
                yield transaction
                transaction.finish()
            except BaseException:
                with suppress(sqlite3.Error, psycopg.Error):
                    transaction.driver.rollback()
                raise

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Open a transaction that only reads; it is rolled back at the end."""
        with self.engine.connect() as connection:
            if not self.is_postgres:
                cast(sqlite3.Connection, connection.connection.driver_connection).execute("BEGIN")
            transaction = Transaction(connection)
            try:
                yield transaction
            finally:
                with suppress(sqlite3.Error, psycopg.Error):
                    transaction.driver.rollback()

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
    return Database(engine)


def _configure_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL", "recursive_triggers=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _configure_postgres(connection: psycopg.Connection[Any], _record: object) -> None:
    connection.adapters.register_loader("uuid", TextLoader)
