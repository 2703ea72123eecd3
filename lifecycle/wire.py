"""PostgreSQL's wire as the door uses it: prepared statements by libpq's pipeline, BEGIN and COMMIT on the same trip.

psycopg's cursors cost 100 µs of processor a statement, and BEGIN and COMMIT a round trip each: an act takes two trips
in place of four. psycopg still opens the connection, converts what comes back and names every error.
"""

import select
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import psycopg
from psycopg import abc
from psycopg.adapt import Transformer
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult


class Sent(NamedTuple):
    """A statement with its values, as the driver or the wire takes them.

    For the wire a value is its text, or octets where `formats` has a 1; `types` are the server's numbers, 0: let the
    server find out.
    """

    sql: str
    values: Sequence[Any] = ()
    types: tuple[int, ...] = ()
    formats: tuple[int, ...] | None = None


COMMIT = Sent("COMMIT")
ROWS, FAILED, IDLE = ExecStatus.TUPLES_OK, ExecStatus.FATAL_ERROR, TransactionStatus.IDLE  # looked up at every turn


@dataclass(slots=True)
class Prepared:
    """A statement that the server has prepared, and what converts its rows, once it knows their types."""

    name: bytes
    reader: abc.Transformer
    ready: bool = False

    def rows(self, result: PGresult) -> list[tuple[Any, ...]]:
        """Return an answer's rows as Python values (none of a write), and keep nothing of them."""
        if result.status != ROWS:
            return []
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
        self._prepared: dict[tuple[str, tuple[int, ...]], Prepared] = {}
        self._names = 0
        self._readable, self._either = select.poll(), select.poll()
        self._readable.register(connection.fileno(), select.POLLIN)
        self._either.register(connection.fileno(), select.POLLIN | select.POLLOUT)

    @property
    def idle(self) -> bool:
        """Return whether no transaction has begun."""
        return self._pgconn.transaction_status == IDLE

    @property
    def quiet(self) -> bool:
        """Return whether an idle connection has nothing to read: it has only where the server said good-bye."""
        return not self._readable.poll(0)

    def run(self, statements: Sequence[Sent]) -> list[list[tuple[Any, ...]]]:
        """Run statements in order, on one trip, and return the rows of each.

        Raises:
            psycopg.Error: what the first one that failed says; those after it were not run. A lost connection, and a
                COMMIT that the server turned into a ROLLBACK, are an OperationalError.
        """
        added: list[tuple[str, tuple[int, ...]]] = []
        asked: list[Prepared | None] = []
        self._pgconn.enter_pipeline_mode()
        try:
            for sent in statements:
                self._send(sent, added, asked)
            self._pgconn.pipeline_sync()
            self._flush()
            results = self._await(len(asked))
        except BaseException:
            for key in added:  # whether the server has it is not known: it will get another name
                del self._prepared[key]
            raise
        finally:
            if self._pgconn.status == ConnStatus.OK:
                self._pgconn.exit_pipeline_mode()
        if sent is COMMIT and results[-1].command_status != b"COMMIT":
            raise psycopg.OperationalError("the transaction was rolled back instead of committed")
        return [known.rows(result) for known, result in zip(asked, results, strict=True) if known is not None]

    def _send(self, sent: Sent, added: list[tuple[str, tuple[int, ...]]], asked: list[Prepared | None]) -> None:
        """Send a statement; where the server does not know it yet, its preparation (None) goes ahead."""
        key = (sent.sql, sent.types)
        known = self._prepared.get(key)
        if known is None:
            self._names += 1
            known = self._prepared[key] = Prepared(f"p{self._names}".encode(), Transformer(self._connection))
            added.append(key)
            asked.append(None)
            self._pgconn.send_prepare(known.name, sent.sql.encode(), sent.types)
        asked.append(known)
        self._pgconn.send_query_prepared(known.name, sent.values, sent.formats)

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

    def _await(self, number: int) -> list[PGresult]:
        """Read a trip's answers to its end and return them; raise what the first failure says."""
        found: list[PGresult] = []
        for _ in range(number):
            result = self._next()
            if result is None:
                break
            found.append(result)
            self._next()  # the end of this statement's answers
        if len(found) < number or self._pgconn.status == ConnStatus.BAD:
            raise psycopg.OperationalError(f"the connection is lost: {self._pgconn.get_error_message().strip()}")
        self._next()  # the end of the trip
        for result in found:
            if result.status == FAILED:
                raise psycopg.errors.error_from_result(result)
        return found
