"""Open connections, kept between transactions: lent to one transaction at a time, the last given back first.

SQLAlchemy opens them; its own pool, made for every kind of driver and event, cost 20 µs of processor an act.
"""

import threading
from typing import Any

import sqlalchemy as sa

from lifecycle.wire import Wire

PATIENCE = 30.0  # seconds that a transaction waits for a connection


class Lent:
    """One connection: the driver's own, on PostgreSQL with its wire."""

    __slots__ = ("_opened", "driver", "wire")

    def __init__(self, engine: sa.Engine) -> None:
        """Open it."""
        self._opened = engine.raw_connection()
        driver: Any = self._opened.driver_connection
        self.driver = driver
        self.wire = Wire(driver) if engine.dialect.name == "postgresql" else None

    @property
    def alive(self) -> bool:
        """Return whether the server, as far as is known without asking it, still listens."""
        return self.wire is None or self.wire.quiet

    def close(self) -> None:
        """Close it; what it was doing is rolled back by the database."""
        self._opened.invalidate()


class Pool:
    """At most `size` connections, opened when first needed."""

    def __init__(self, engine: sa.Engine, size: int) -> None:
        """Take what opens them."""
        self._engine = engine
        self._free = threading.Semaphore(size)
        self._idle: list[Lent] = []  # append and pop are atomic

    def take(self) -> Lent:
        """Return a connection that nobody else has. Once one is found to be closed by the server, all idle ones go.

        Raises:
            sqlalchemy.exc.TimeoutError: all are lent and none came back in time.
            sqlalchemy.exc.DBAPIError: none could be opened.
        """
        if not self._free.acquire(timeout=PATIENCE):
            raise sa.exc.TimeoutError(f"no connection came back within {PATIENCE:g} s")
        try:
            lent = self._last()
            if lent is not None and not lent.alive:
                lent.close()
                self.close()
                lent = None
            return lent or Lent(self._engine)
        except BaseException:
            self._free.release()
            raise

    def give(self, lent: Lent) -> None:
        """Take a connection back whose transaction has ended."""
        self._idle.append(lent)
        self._free.release()

    def drop(self, lent: Lent) -> None:
        """Close a connection that was lent: nobody knows what state it is in."""
        try:
            lent.close()
        finally:
            self._free.release()

    def close(self) -> None:
        """Close all that are idle; the next transaction opens another."""
        while (lent := self._last()) is not None:
            lent.close()

    def _last(self) -> Lent | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None
