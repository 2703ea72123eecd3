"""The clock: which jobs there are, how often each runs, and that every run is on record. APScheduler only rings.

What is due lies in the tables, so any number of processes may run the same jobs at once, and sleeping misses nothing.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import NamedTuple

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from lifecycle import jobs
from lifecycle.database import Database, Transaction
from schedules import delivery, reminders
from schedules.delivery import Delivered
from schedules.parcels import Sender

CHUNKS = 10_000  # of one run: what is still left then waits for the next
REMINDERS, DELIVERY, CALENDAR, HEADS, DRIFT = "reminders", "delivery", "calendar", "heads", "drift"
SEAL = "seal"  # of a house without a sealer's own process
EVERY = {
    REMINDERS: timedelta(seconds=60),
    DELIVERY: timedelta(seconds=15),
    CALENDAR: timedelta(hours=1),
    HEADS: timedelta(hours=1),
    DRIFT: timedelta(minutes=5),  # for each step, so that watching takes little of the machine
}
EVERY_SEAL = timedelta(seconds=15)  # a receipt promises a minute

_log = structlog.get_logger("pilot.schedules")


def _elsewhere(_now: datetime) -> None:
    """Stand for a house where this is looked after elsewhere."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the jobs work with; `origin` is the log's name.

    `calendar` applies calendars that have changed; `heads` writes the day's heads entry of the log; `drift` takes the
    next step of holding the log against the live rows; `seal` seals what there is (None: it does not).
    """

    database: Database
    send: Sender
    now: Callable[[], datetime]
    origin: str
    calendar: Callable[[datetime], None] = _elsewhere
    heads: Callable[[datetime], None] = _elsewhere
    drift: Callable[[datetime], None] = _elsewhere
    seal: Callable[[datetime], None] | None = None


class Ticked(NamedTuple):
    """What a tick did: rows swept, notices looked at to compose, messages by what became of them."""

    swept: int
    composed: int
    delivered: Delivered


Stopping = Callable[[], bool]


def _never() -> bool:
    return False


def tick(context: Context, now: datetime, stopping: Stopping = _never) -> Ticked:
    """Sweep, compose and deliver as of an instant until nothing is left that is due by then."""
    swept, composed = remind(context, now, stopping)
    return Ticked(swept, composed, send(context, lambda: now, stopping))


def remind(context: Context, now: datetime, stopping: Stopping = _never) -> tuple[int, int]:
    """Sweep and compose until nothing is left, chunk by chunk, each in its own transaction; return how many of both."""
    swept = composed = 0
    try:
        swept = _until_none(context, lambda tx: reminders.queue_due(tx, now), stopping)
    finally:  # whatever is wrong with the sweep, what it has queued goes on
        composed = _until_none(context, lambda tx: delivery.compose(tx, now), stopping)
    return swept, composed


def send(context: Context, now: Callable[[], datetime], stopping: Stopping = _never) -> Delivered:
    """Deliver until no message is due, and return what became of all of them."""
    total = Delivered()
    for _ in range(CHUNKS):
        if stopping():
            break
        some = delivery.deliver(context.database, context.send, now, origin=context.origin, stopping=stopping)
        total = Delivered(*(sum(pair) for pair in zip(total, some, strict=True)))
        if not some.claimed:
            break
    return total


def _until_none(context: Context, step: Callable[[Transaction], int], stopping: Stopping) -> int:
    total = 0
    for _ in range(CHUNKS):
        if stopping():
            break
        with context.database.transaction() as tx:
            done = step(tx)
        total += done
        if not done:
            break
    return total


class Runner:
    """The jobs of one process, from `start` to `stop`."""

    def __init__(self, context: Context, every: dict[str, timedelta] | None = None) -> None:
        """Take what the jobs work with, and how often each is to run; a job that is not named there does not run."""
        self._context = context
        self._every = every or (EVERY if context.seal is None else {**EVERY, SEAL: EVERY_SEAL})
        self.stopping = threading.Event()
        self._scheduler = BackgroundScheduler(
            timezone=UTC, jobstores={"default": MemoryJobStore()}, executors={"default": ThreadPoolExecutor(4)}
        )
        self._work: dict[str, Callable[[datetime], object]] = {
            REMINDERS: lambda now: remind(context, now, self.stopping.is_set),
            DELIVERY: lambda _now: send(context, context.now, self.stopping.is_set),
            CALENDAR: context.calendar,
            HEADS: context.heads,
            DRIFT: context.drift,
            SEAL: context.seal or _elsewhere,
        }

    def start(self) -> None:
        """Enter the jobs and begin to run them, each at once and then by its interval."""
        with self._context.database.transaction() as tx:
            for name, interval in self._every.items():
                jobs.enter_job(tx, name, int(interval.total_seconds()))
        for name, interval in self._every.items():
            seconds = interval.total_seconds()
            for trigger in (None, IntervalTrigger(seconds=seconds, jitter=seconds / 10, timezone=UTC)):  # None: at once
                self._scheduler.add_job(
                    self.run, trigger, args=[name], coalesce=True, max_instances=1, misfire_grace_time=None
                )
        self._scheduler.start()

    def stop(self) -> None:
        """Let the running jobs come to a good place, and return when they have; what is left waits in the tables."""
        self.stopping.set()
        if self._scheduler.running:
            self._scheduler.pause()
            self._scheduler.get_jobs()  # waits for a ringing that is under way: stopped, it would miss its own jobs
            self._scheduler.shutdown(wait=True)

    def run_until(self, stopped: threading.Event) -> None:
        """Run until somebody sets the event, then stop in good order."""
        self.start()
        try:
            stopped.wait()
        finally:
            self.stop()

    def run(self, name: str) -> bool:
        """Run a job once, on record, and return whether it went well; its failure is logged and goes no further."""
        if self.stopping.is_set():
            return False
        now, began = self._context.now(), monotonic()
        error = None
        try:
            with self._context.database.transaction() as tx:
                jobs.begin_job(tx, name, now)
            self._work[name](now)
        except Exception as failure:
            _log.exception("job_failed", job=name)
            error = f"{type(failure).__name__}: {failure}"
        try:
            with self._context.database.transaction() as tx:
                jobs.end_job(tx, name, self._context.now(), int((monotonic() - began) * 1000), error)
        except Exception:
            _log.exception("job_not_recorded", job=name)
            return False
        return error is None
