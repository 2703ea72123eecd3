"""Several who adopt, apply and act at once: one entry a project, nobody locked up, and no stale date that stays."""

import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from lifecycle import batches, calendars, replanning
from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.bulk import Item, preview_transitions, transition_projects
from lifecycle.calendar_changes import Adopted
from lifecycle.database import Database
from lifecycle.deadlines import add_deadline
from lifecycle.errors import Refusal
from lifecycle.requests import Request
from lifecycle.statements import Row
from states.deadlines import calendar_from_toml
from tests.faults.test_races import at_once
from tests.lifecycle import builders
from tests.lifecycle.builders import act, at, caller, read_project
from tests.lifecycle.test_bulk import statements
from tests.lifecycle.test_new_calendars import (
    COUNTED,
    FIVE_ON,
    LATER_POLICY,
    NEXT,
    OFFICER,
    WHY,
    adopt,
    amended,
    apply,
    commit,
    due,
    entries_of,
    expected,
    notice,
    opened,
    pretend,
    preview,
    read_batch,
)
from tests.lifecycle.test_projects import drift_in


@pytest.fixture
def batch(database: Database, log: Log) -> Row:
    """A batch whose drafts have a date in the year that is not announced."""
    with database.transaction() as tx:
        batches.open_batch(tx, log, caller("handler"), "drafts", COUNTED, LATER_POLICY)
    return read_batch(database, "drafts")


def test_several_schedulers_at_once_write_one_entry_a_project(database: Database, log: Log, batch: Row) -> None:
    rows = builders.create_projects(database, log, batch, 20)
    pretend(database, batch, notice(NEXT, FIVE_ON))
    answers = at_once([lambda: apply(database, log)] * 4)
    assert sorted(answers) == [0, 0, 0, 1]  # type: ignore[type-var]
    assert [read_project(database, row["id"])["version"] for row in rows] == [2] * 20
    assert [len(entries_of(database, row["id"])) for row in rows] == [2] * 20
    assert drift_in(database, batch) == {}


def test_of_two_adoptions_at_once_one_is_done(database: Database, log: Log, batch: Row) -> None:
    rows = builders.create_projects(database, log, batch, 5)
    one, two = notice(), notice(NEXT, FIVE_ON)
    digests = [preview(database, batch, text).digest for text in (one, two)]
    jobs: list[Callable[[], object]] = [
        lambda t=text, d=digest: commit(database, log, batch, t, d)  # type: ignore[misc]
        for text, digest in zip((one, two), digests, strict=True)
    ]
    answers = at_once(jobs)
    assert sorted(type(answer).__name__ for answer in answers) == ["Adopted", "PreviewStale"]
    assert [read_project(database, row["id"])["version"] for row in rows] == [2] * 5
    assert drift_in(database, batch) == {}


def test_adoption_and_acts_at_once_wait_for_one_another_and_never_lock_up(
    database: Database, log: Log, batch: Row
) -> None:
    rows = builders.create_projects(database, log, batch, 12)
    doer = caller("handler", at(date(2024, 7, 21)))
    request = Request("waive", {"waived_rules": ["R13"]}, reason="x")
    items = [Item(row["id"]) for row in reversed(rows)]

    def in_bulk() -> object:
        with database.reading() as tx:
            digest = preview_transitions(tx, doer, request, items, 50).digest
        with attempt(database, log, doer, ("bulk", digest), "waive") as tx:
            return transition_projects(tx, log, doer, request, items, digest, 50)

    for number, day in enumerate((2, 3, 4, 5)):
        text = notice(NEXT, date(NEXT, 3, day), name=f"round-{number}")
        answers = at_once([in_bulk, lambda t=text: adopt(database, log, batch, t), lambda: apply(database, log)])  # type: ignore[misc]
        kinds = [type(answer).__name__ for answer in answers if isinstance(answer, Refusal)]
        assert set(kinds) <= {"PreviewStale"}
    assert drift_in(database, batch) == {}


def test_an_act_that_waited_for_the_adoption_is_put_right_by_the_scheduler(database: Database, log: Log) -> None:
    batch = builders.open_batch(database, log)
    (row,) = builders.create_projects(database, log, batch, 1)
    builders.drive(database, log, row["id"], "reviewed")
    text = amended(date(2024, 8, 15))
    with database.transaction() as tx:  # so that the project has something to be locked for
        add_deadline(
            tx, log, caller("handler", at(date(2024, 8, 9))), row["id"], "材料", date(2024, 8, 30), ["handler"]
        )
    digest = preview(database, batch, text).digest
    thread = threading.Thread(target=lambda: act(database, log, row["id"], "start_publicity"))
    with database.transaction() as tx:
        calendars.adopt_calendar(tx, log, OFFICER, batch, text, digest, WHY)
        thread.start()
        while tx.is_postgres and not waiting(database):
            pass
    thread.join()
    assert apply(database, log) == 1
    calendar = calendar_from_toml(text)
    assert due(opened(database, row["id"])) == expected(read_project(database, row["id"]), calendar)
    assert opened(database, row["id"])["publicity_end/1"]["due_on"] == date(2024, 8, 19)
    assert apply(database, log) == 0
    assert drift_in(database, batch) == {}


def waiting(database: Database) -> bool:
    """Tell whether somebody waits for a lock (PostgreSQL)."""
    with database.glance() as tx:
        found = tx.driver.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
    return bool(found[0])


def test_the_number_of_statements_grows_with_the_chunks_of_projects_and_not_with_the_projects(
    database: Database, log: Log, tmp_path: Path
) -> None:
    counts = []
    for code, number in (("few", 2), ("chunk", replanning.CHUNK - 1), ("many", 300)):
        with database.transaction() as tx:
            batches.open_batch(tx, log, caller("handler"), code, COUNTED, LATER_POLICY)
        batch, text = read_batch(database, code), notice(NEXT, FIVE_ON, name=code)
        builders.create_projects(database, log, batch, number)
        digest = preview(database, batch, text).digest
        with database.transaction() as tx:
            done: list[Adopted] = []
            seen = statements(
                tx,
                tmp_path,
                lambda t=tx, b=batch, x=text, d=digest, into=done: into.append(  # type: ignore[misc]
                    calendars.adopt_calendar(t, log, OFFICER, b, x, d, WHY)
                ),
            )
        assert (done[0].counts.projects, done[0].counts.moved) == (number, number)
        assert drift_in(database, batch) == {}
        counts.append(sum(seen.values()))
    few, chunk, many = counts
    assert few == chunk <= 25
    assert many - chunk <= 10  # one chunk more
