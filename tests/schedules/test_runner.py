"""The clock's jobs: each run on record, none that fails stops the others, a late one is named."""

import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from structlog.testing import capture_logs

from lifecycle import jobs
from lifecycle.audit import Log
from lifecycle.database import Database
from schedules.delivery import Delivered
from schedules.parcels import Parcel, Result
from schedules.reminders import queue_due
from schedules.runner import CALENDAR, DELIVERY, EVERY, REMINDERS, Context, Runner, Ticked, remind
from tests.lifecycle import builders
from tests.schedules.arranging import World, add_address, enter_project, local, open_world

NINE = local("2024-07-01")
PATIENT = 30  # seconds that a test waits for a thread, at most


@pytest.fixture
def world(database: Database, log: Log) -> World:
    made = open_world(database, log)
    add_address(made, "jinan")
    enter_project(made)
    return made


def runner_of(world: World, now: datetime = NINE, **others: Callable[[datetime], None]) -> Runner:
    return Runner(Context(world.database, world.post, lambda: now, "test.invalid/log", **others))


def entered(database: Database, *names: str) -> None:
    with database.transaction() as tx:
        for name in names:
            jobs.enter_job(tx, name, 60)
            tx.flush()


def rows(database: Database, now: datetime = NINE) -> dict[str, dict[str, object]]:
    with database.reading() as tx:
        return {row["name"]: row for row in jobs.list_jobs(tx, now)}


def late(database: Database, now: datetime) -> list[str]:
    with database.reading() as tx:
        return jobs.late_jobs(tx, now)


def test_a_tick_carries_everything_through_and_then_finds_nothing(world: World) -> None:
    assert world.tick(NINE) == Ticked(1, 1, Delivered(sent=1))
    assert world.tick(NINE) == Ticked(0, 0, Delivered())


def test_each_run_of_a_job_is_on_record(world: World) -> None:
    entered(world.database, REMINDERS, DELIVERY)
    runner = runner_of(world)
    assert [runner.run(name) for name in (REMINDERS, DELIVERY, DELIVERY)] == [True] * 3
    found = rows(world.database)
    stamp = "2024-07-01T01:00:00.000000Z"
    assert [(row["runs"], row["failures"], row["succeeded_at"], row["late"]) for row in found.values()] == [
        (2, 0, stamp, False),
        (1, 0, stamp, False),
    ]
    assert len(world.post.parcels) == 1


def failing(_now: datetime) -> None:
    raise RuntimeError("no calendar\0 here")


def test_a_job_that_fails_is_recorded_logged_and_stops_nothing(world: World) -> None:
    entered(world.database, CALENDAR)
    runner = runner_of(world, calendar=failing)
    with capture_logs() as logs:
        assert runner.run(CALENDAR) is False
    assert [(entry["event"], entry["job"]) for entry in logs] == [("job_failed", CALENDAR)]
    row = rows(world.database)[CALENDAR]
    assert (row["runs"], row["failures"], row["succeeded_at"], row["last_error"]) == (
        1,
        1,
        None,
        "RuntimeError: no calendar here",
    )
    assert late(world.database, NINE) == [CALENDAR]


def test_a_calendar_that_comes_right_is_applied_as_of_the_instant(world: World) -> None:
    entered(world.database, CALENDAR)
    seen: list[datetime] = []
    assert runner_of(world, calendar=seen.append).run(CALENDAR) is True
    assert (seen, late(world.database, NINE)) == ([NINE], [])


def test_a_job_is_late_after_three_intervals_and_a_minute(database: Database) -> None:
    entered(database, "a")
    assert late(database, NINE) == ["a"]  # nobody has ever begun it
    with database.transaction() as tx:
        jobs.begin_job(tx, "a", NINE)
    assert late(database, NINE + timedelta(seconds=240)) == []
    assert late(database, NINE + timedelta(seconds=241)) == ["a"]  # its first run hangs
    with database.transaction() as tx:
        jobs.end_job(tx, "a", NINE, 5)
    entered(database, "a")  # entered again by another process
    assert late(database, NINE + timedelta(seconds=240)) == []
    assert late(database, NINE + timedelta(seconds=241)) == ["a"]
    with database.transaction() as tx:
        jobs.end_job(tx, "a", NINE + timedelta(seconds=200), 5, "RuntimeError: x")
    assert late(database, NINE + timedelta(seconds=241)) == ["a"]


def test_a_house_without_jobs_is_late_with_nothing(database: Database) -> None:
    assert late(database, NINE) == []


def test_a_sweep_that_fails_does_not_hold_up_what_is_queued_already(world: World) -> None:
    with world.database.transaction() as tx:
        queue_due(tx, NINE)
    with world.database.transaction() as tx:
        tx.execute_driver("ALTER TABLE announcement RENAME TO gone")
    with pytest.raises((psycopg.Error, sqlite3.Error)):
        remind(world.context(NINE), NINE)
    assert [row["status"] for row in world.messages()] == ["waiting"]


def test_a_run_that_cannot_be_recorded_is_logged(world: World) -> None:
    with world.database.transaction() as tx:
        tx.execute_driver("ALTER TABLE job RENAME TO gone")
    with capture_logs() as logs:
        assert runner_of(world).run(DELIVERY) is False
    assert [entry["event"] for entry in logs] == ["job_failed", "job_not_recorded"]


def test_the_clock_rings_at_once_and_stops_when_the_running_job_has_come_to_a_good_place(world: World) -> None:
    builders.create_projects(world.database, world.log, world.batch, 4, first=20)
    sending, go_on = threading.Event(), threading.Event()

    def slow(parcel: Parcel) -> Result:
        sending.set()
        assert go_on.wait(PATIENT)
        return Result("sent")

    world.post.answer = slow
    remind(world.context(NINE), NINE)
    runner = runner_of(world)
    stopped = threading.Event()
    keeper = threading.Thread(target=runner.run_until, args=[stopped])
    keeper.start()
    assert sending.wait(PATIENT)
    stopped.set()
    assert runner.stopping.wait(PATIENT)
    go_on.set()
    keeper.join(PATIENT)
    assert not keeper.is_alive()
    assert sorted(row["status"] for row in world.messages()) == ["sent", *["waiting"] * 4]
    found = rows(world.database)
    assert (sorted(found), found[DELIVERY]["runs"]) == (sorted(EVERY), 1)
    assert runner.run(DELIVERY) is False


def test_a_runner_that_never_started_can_be_stopped(world: World) -> None:
    runner_of(world, datetime(2024, 7, 1, tzinfo=UTC)).stop()
    assert rows(world.database) == {}
