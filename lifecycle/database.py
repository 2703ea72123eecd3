"""The engine, its transactions and statements: the only place that opens, commits or rolls back."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.types.string import TextLoader
from sqlalchemy import event

from lifecycle.pool import Lent, Pool
from lifecycle.receipts import ReceiptsFile
from lifecycle.settings import Settings
from lifecycle.signing import Receipt
from lifecycle.statements import Row, Statement, join
from lifecycle.wire import COMMIT, Sent, Wire

BEGIN = Sent("BEGIN")
READ_ONLY = Sent("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
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
        begin: Sent | None = None,
        proviso: Proviso | None = None,
    ) -> None:
        """Take a driver's connection, on PostgreSQL with its wire and the BEGIN that is still to be sent."""
        self._driver = driver
        self.dialect = dialect
        self.is_postgres = wire is not None
        self.wire = wire
        self._begin = begin
        self._proviso = proviso
        self._queue: list[Sent] = []
        self.receipts: list[Receipt] = []  # of the entries appended so far

    def fetch(self, statement: Statement, **values: Any) -> list[Row]:
        """Run one statement and return its rows (none for a write)."""
        compiled = statement.compiled(self.dialect)
        return compiled.rows(self._send(compiled.filled(values)))

    def one(self, statement: Statement, **values: Any) -> Row | None:
        """Run one statement and return its first row, or None."""
        rows = self.fetch(statement, **values)
        return rows[0] if rows else None

    def queue(self, statement: Statement, **values: Any) -> None:
        """Keep a write until `flush` or the end of the transaction."""
        self._queue.append(statement.compiled(self.dialect).filled(values))

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
            self._send(COMMIT)

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
        if last is COMMIT and self._doubtful:
            self._run([])  # nothing is committed before the proviso is known to be met
        return self._run([*self._queued(), last] if last else self._queued())

    def _run(self, sent: Sequence[Sent]) -> Sequence[Any]:
        """Run statements behind BEGIN and the proviso, where these are still to be sent; return the rows of the last.

        Raises:
            Exception: what the proviso's check raises.
        """
        ahead = [self._begin] if self.wire is not None and self._begin is not None and self.wire.idle else []
        if not self._doubtful:
            return self._each([*ahead, *sent])[-1]
        assert self._proviso is not None
        compiled = self._proviso.statement.compiled(self.dialect)
        found = self._each([*ahead, compiled.filled(self._proviso.values), *sent])
        self._proviso.settle(compiled.rows(found[len(ahead)]))
        return found[-1]

    def _each(self, sent: Sequence[Sent]) -> Sequence[Sequence[Any]]:
        if self.wire is not None:
            return self.wire.run(sent)
        return [self._driver.execute(one.sql, one.values).fetchall() for one in sent]

    def _queued(self) -> list[Sent]:
        queued, self._queue = self._queue, []
        return [join(queued)] if self.wire is not None and 1 < len(queued) <= TOGETHER else queued


class Database:
    """An engine and the two ways into it: `transaction()` to write, `reading()` to read at one instant."""

    def __init__(
        self, engine: sa.Engine, pool: Pool, receipts: ReceiptsFile | None = None, proviso: Proviso | None = None
    ) -> None:
        """Wrap an engine and its connections; `receipts` keeps those of every transaction that committed."""
        self.engine = engine
        self.pool = pool
        self.receipts = receipts
        self.is_postgres = engine.dialect.name == "postgresql"
        self._proviso = proviso

    def under(self, proviso: Proviso | None) -> "Database":
        """Return this database with a proviso: whichever transaction is the first sees to it."""
        return Database(self.engine, self.pool, self.receipts, proviso)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open a transaction that writes; it commits at the end of the block and rolls back on any exception."""
        with self._lent() as lent:
            if lent.wire is None:
                lent.driver.execute("BEGIN IMMEDIATE")
            transaction = Transaction(lent.driver, self.engine.dialect, lent.wire, BEGIN, self._proviso)
            yield transaction
            transaction.finish()
        if self.receipts is not None and transaction.receipts:
            self.receipts.keep(transaction.receipts)  # committed, the connection given back, and not yet answered

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Open a transaction that only reads, all of it at one instant; it is rolled back at the end."""
        with self._lent() as lent:
            if lent.wire is None:
                lent.driver.execute("BEGIN")
            try:
                yield Transaction(lent.driver, self.engine.dialect, lent.wire, READ_ONLY, self._proviso)
            finally:
                lent.driver.rollback()

    @contextmanager
    def glance(self) -> Iterator[Transaction]:
        """Open a connection for one read outside any transaction: the cheapest look there is."""
        with self._lent() as lent:
            try:
                yield Transaction(lent.driver, self.engine.dialect, lent.wire)
            finally:
                if lent.wire is not None and not lent.wire.idle:  # the driver itself was used, and began a transaction
                    lent.driver.rollback()

    @contextmanager
    def _lent(self) -> Iterator[Lent]:
        """Lend a connection from the pool; on an exception it is rolled back, and thrown away where that fails."""
        lent = self.pool.take()
        try:
            yield lent
        except BaseException:
            try:
                lent.driver.rollback()
            except (sqlite3.Error, psycopg.Error):
                self.pool.drop(lent)
            else:
                self.pool.give(lent)
            raise
        self.pool.give(lent)

    def close(self) -> None:
        """Close all connections and the receipts file."""
        self.pool.close()
        self.engine.dispose()
        if self.receipts is not None:
            self.receipts.close()


def open_database(settings: Settings) -> Database:
    """Open the database that the settings name; connections are made when first needed."""
    url = sa.make_url(settings.url)
    if url.get_backend_name() == "sqlite":
        if url.database and url.database != ":memory:":
            settings.data_dir.mkdir(parents=True, exist_ok=True)
        options: dict[str, Any] = {"check_same_thread": False, "timeout": settings.lock_timeout_ms / 1000}
        configure: Any = _configure_sqlite
    else:
        server = f"-c timezone=UTC -c lock_timeout={settings.lock_timeout_ms}"
        options = {"options": server, "application_name": "pilot"}
        configure = _configure_postgres
    engine = sa.create_engine(url, connect_args=options, poolclass=sa.NullPool)  # connections are kept in our own pool
    event.listen(engine, "connect", configure)
    receipts = ReceiptsFile(settings.receipts, each=settings.receipts_sync == "each")
    return Database(engine, Pool(engine, settings.pool_size), receipts)


def _configure_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL", "recursive_triggers=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _configure_postgres(connection: psycopg.Connection[Any], _record: object) -> None:
    for kind in ("uuid", "json", "jsonb"):  # JSON is read by whoever knows the column (`Json`)
        connection.adapters.register_loader(kind, TextLoader)
    connection.prepare_threshold = None  # psycopg's own would DEALLOCATE ALL after a rollback, the wire's with them
