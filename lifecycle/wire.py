"""PostgreSQL's wire as the door uses it: prepared statements by libpq's pipeline, BEGIN and COMMIT on the same trip.

psycopg's cursors cost 100 µs of processor a statement, and BEGIN and COMMIT a round trip each: an act takes two trips
in place of four. psycopg still opens the connection, converts every value and names every error.
"""

import select
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import abc
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

COMMIT = "COMMIT"

Sent = tuple[str, Sequence[Any]]


@dataclass(slots=True)
class Prepared:
    """A statement that the server has prepared, and what converts its rows, once it knows their types."""

    name: bytes
    reader: abc.Transformer
    ready: bool = False

    def rows(self, result: PGresult) -> list[tuple[Any, ...]]:
        """Return an answer's rows as Python values, and keep nothing of them."""
        self.reader.set_pgresult(result, set_loaders=not self.ready)
        self.ready = True
        try:
            return self.reader.load_rows(0, result.ntuples, tuple)
        finally:
            self.reader.set_pgresult(None, set_loaders=False)


class Wire:
    """What one connection has prepared so far. It lives as long as the connection."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        """Take a connection of psycopg; its own cursors may be used in between."""
        self._connection = connection
        self._pgconn = connection.pgconn
        self._writer = Transformer(connection)
        self._prepared: dict[tuple[str, tuple[int, ...]], Prepared] = {}
        self._names = 0
        self._readable, self._either = select.poll(), select.poll()
        self._readable.register(connection.fileno(), select.POLLIN)
        self._either.register(connection.fileno(), select.POLLIN | select.POLLOUT)

    @property
    def idle(self) -> bool:
        """Return whether no transaction has begun."""
        return self._pgconn.transaction_status == TransactionStatus.IDLE

    def run(self, statements: Sequence[Sent]) -> list[tuple[Any, ...]]:
        """Run statements in order and return the rows of the last.

        Raises:
            psycopg.Error: what the first one that failed says; those after it were not run. A lost connection, and a
                COMMIT that the server turned into a ROLLBACK, are an OperationalError.
        """
        added: list[tuple[str, tuple[int, ...]]] = []
        self._pgconn.enter_pipeline_mode()
        try:
            for sql, values in statements:
                prepared = self._send(sql, values, added)
            self._pgconn.pipeline_sync()
            self._flush()
            result = self._await(len(statements) + len(added))
        except BaseException:
            for key in added:  # whether the server has it is not known: it will get another name
                del self._prepared[key]
            raise
        finally:
            if self._pgconn.status == ConnStatus.OK:
                self._pgconn.exit_pipeline_mode()
        if sql == COMMIT and result.command_status != b"COMMIT":
            raise psycopg.OperationalError("the transaction was rolled back instead of committed")
        if result.status != ExecStatus.TUPLES_OK:
            return []
        return prepared.rows(result)

    def _send(self, sql: str, values: Sequence[Any], added: list[tuple[str, tuple[int, ...]]]) -> Prepared:
        given = self._writer.dump_sequence(values, [PyFormat.TEXT] * len(values))
        key = (sql, self._writer.types or ())
        known = self._prepared.get(key)
        if known is None:
            self._names += 1
            known = self._prepared[key] = Prepared(f"p{self._names}".encode(), Transformer(self._connection))
            added.append(key)
            self._pgconn.send_prepare(known.name, sql.encode(), key[1])
        self._pgconn.send_query_prepared(known.name, given)
        return known

    def _flush(self) -> None:
        """Send what libpq has buffered, reading meanwhile: neither side waits for the other with full buffers."""
        while self._pgconn.flush():
            if any(what & select.POLLIN for _, what in self._either.poll()):
                self._pgconn.consume_input()

    def _next(self) -> PGresult | None:
        """Return the next answer. The wait is ours: libpq's own would keep all other threads from running."""
        while self._pgconn.is_busy():
            self._readable.poll()
            self._pgconn.consume_input()
        return self._pgconn.get_result()

    def _await(self, number: int) -> PGresult:
        """Read a trip's answers to its end and return the last; raise what the first failure says."""
        failed: PGresult | None = None
        last: PGresult | None = None
        for _ in range(number):
            last = self._next()
            if last is None:
                break
            if failed is None and last.status == ExecStatus.FATAL_ERROR:
                failed = last
            self._next()  # the end of this statement's answers
        if last is None or self._pgconn.status == ConnStatus.BAD:
            raise psycopg.OperationalError(f"the connection is lost: {self._pgconn.get_error_message().strip()}")
        self._next()  # the end of the trip
        if failed is not None:
            raise psycopg.errors.error_from_result(failed)
        return last
