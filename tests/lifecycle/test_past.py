"""The past rebuilt from the log equals what was there, for whoever may see it; what cannot be told says so."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import rule, run_state_machine_as_test

from lifecycle import projects
from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.database import Database
from lifecycle.errors import LogBroken, NotFound, Unreadable
from lifecycle.listing import Filters, list_projects, show_project
from lifecycle.past import read_instant, show_project_then
from lifecycle.past_lists import PastPage, list_projects_then
from lifecycle.statements import Row
from tests.lifecycle.builders import (
    JINAN,
    OPENED,
    QINGDAO,
    act,
    at,
    caller,
    caller_for,
    create_projects,
    drive,
    force,
    open_batch,
    read_project,
)
from tests.lifecycle.test_listing import Counted
from tests.lifecycle.test_walks import Walk, which

LATER = datetime(2030, 1, 1, tzinfo=UTC)
READERS = ("auditor", "handler", "leader", "city", "applicant")
Shown = dict[str, Any]


@pytest.fixture
def batch(database: Database, log: Log) -> Row:
    return open_batch(database, log)


@pytest.fixture
def project(database: Database, log: Log, batch: Row) -> Row:
    return drive(database, log, create_projects(database, log, batch, 1)[0]["id"], "under_objection")


def live(database: Database, reader: Caller, project: str) -> Shown:
    """Return the live page as the past can tell it."""
    with database.reading() as tx:
        found = show_project(tx, reader, project)
    del found["undelivered"]
    return {**found, "checkpoints": [{**one, "id": None} for one in found["checkpoints"]]}


def then(database: Database, reader: Caller, project: str, instant: datetime) -> Shown:
    with database.reading() as tx:
        found = show_project_then(tx, reader, project, instant)
    for name in ("as_of", "rebuilt_from"):
        del found[name]
    return {**found, "checkpoints": [{**one, "id": None} for one in found["checkpoints"]]}


def page(database: Database, batch: Row, instant: datetime, reader: Caller | None = None, **more: Any) -> PastPage:
    with database.reading() as tx:
        return list_projects_then(tx, reader or caller("auditor", LATER), instant, batch["id"], **more)


class Remembered(Walk):
    """A walk of which every page is remembered by the instant at which it was last read."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.pages: dict[tuple[datetime, str, str], tuple[Caller, Shown]] = {}
        self.lists: dict[datetime, list[Shown]] = {}

    def _through(self, *given: Any) -> bool:
        done = super()._through(*given)
        self._remember(given[0]["id"])  # what comes next may come at the same instant: the last page stays
        return done

    @rule(project=which)
    def remember(self, project: int) -> None:
        self._remember(self.projects[project])

    def _remember(self, project: str) -> None:
        row = self._read(project)
        for role in READERS:
            reader = caller_for(role, row, self.now)
            self.pages[self.now, project, role] = reader, live(self.database, reader, project)
        with self.database.reading() as tx:
            listed = list_projects(tx, caller("auditor", self.now), Filters(batch=self.batch["id"]))
        self.lists[self.now] = listed.items

    def teardown(self) -> None:
        """Hold every remembered page that its reader still reaches against what the log tells of that instant."""
        for (instant, project, _), (reader, remembered) in self.pages.items():
            try:
                rebuilt = then(self.database, reader, project, instant)
            except NotFound:  # a bureau or unit whose project it is no longer
                row = self._read(project)
                assert not reader.actor.reaches(row["city"], (row["lead_code"],))
                continue
            assert rebuilt == remembered
        for instant, items in self.lists.items():
            assert page(self.database, self.batch, instant).items == items
            of_city = [item for item in items if item["city"] == QINGDAO]
            assert page(self.database, self.batch, instant, city=QINGDAO).items == of_city


def test_what_was_read_along_a_walk_is_what_the_log_tells_of_those_instants(
    database: Database, log: Log, campaign: bool
) -> None:
    numbers = iter(range(1, 10_000))
    few = settings(
        max_examples=100 if campaign else 4,
        stateful_step_count=30,
        derandomize=True,
        deadline=None,
        database=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    seen = Counter[str]()
    run_state_machine_as_test(lambda: Remembered(database, log, next(numbers), seen), settings=few)
    assert sum(seen.values()) > 20, "the walks must get somewhere"


def test_an_instant_is_inclusive_and_the_answer_names_its_last_entry(
    database: Database, log: Log, project: Row
) -> None:
    reader = caller("auditor", LATER)
    recorded = at(date(2024, 8, 14))  # when it was objected to
    with database.reading() as tx:
        found = show_project_then(tx, reader, project["id"], recorded)
        before = show_project_then(tx, reader, project["id"], recorded - timedelta(microseconds=1))
    assert (found["state"], before["state"]) == ("under_objection", "in_publicity")
    assert (found["as_of"], before["as_of"]) == ("2024-08-14T01:00:00.000000Z", "2024-08-14T00:59:59.999999Z")
    stream, leaf = f"project/{project['id']}", project["head_hash"].hex()
    assert found["rebuilt_from"] == {"stream": stream, "seq": project["head_seq"], "leaf": leaf}
    assert before["rebuilt_from"]["seq"] == project["head_seq"] - 1


def test_before_it_was_entered_there_is_no_project(database: Database, batch: Row, project: Row) -> None:
    early = OPENED - timedelta(microseconds=1)
    with database.reading() as tx, pytest.raises(NotFound, match="not entered yet"):
        show_project_then(tx, caller("auditor", LATER), project["id"], early)
    assert page(database, batch, early) == PastPage([], None, [])


def test_nobody_sees_more_of_the_past_than_of_the_present(
    database: Database, log: Log, batch: Row, project: Row
) -> None:
    whole = then(database, caller("handler", LATER), project["id"], at(date(2024, 8, 14)))
    assert whole["record"]["objector_name"] == "李四"
    for role in ("city", "applicant"):
        told = then(database, caller_for(role, project, LATER), project["id"], at(date(2024, 8, 14)))
        assert "objector_name" in told["hidden"]
        assert "李四" not in str(told)
    moved = create_projects(database, log, batch, 1, first=20)[0]
    with database.transaction() as tx:
        officer = caller("handler", at(date(2024, 7, 3)))
        projects.amend_project(tx, log, officer, moved["id"], {"city": QINGDAO})
    early = at(date(2024, 7, 2))
    with database.reading() as tx, pytest.raises(NotFound):  # it was Jinan's then, and is Qingdao's now
        show_project_then(tx, caller("city", LATER, city=JINAN), moved["id"], early)
    assert then(database, caller("city", LATER, city=QINGDAO), moved["id"], early)["city"] == JINAN
    jinan, qingdao = (caller("city", LATER, city=city) for city in (JINAN, QINGDAO))
    assert [item["id"] for item in page(database, batch, early, jinan).items] == [project["id"]]
    assert [item["id"] for item in page(database, batch, early, qingdao).items] == [moved["id"]]
    assert page(database, batch, early, caller("expert", LATER)) == PastPage([], None, [])


def test_what_was_signed_by_one_person_is_told_to_those_who_could_sign(
    database: Database, log: Log, batch: Row
) -> None:
    row = drive(database, log, create_projects(database, log, batch, 1)[0]["id"], "published")
    act(database, log, row["id"], "revoke", on=date(2025, 3, 1))
    act(database, log, row["id"], "revoke", on=date(2025, 3, 2), person="another")
    signed = at(date(2025, 3, 1))
    assert then(database, caller("handler", LATER), row["id"], signed)["pending"]["event"] == "revoke"
    assert then(database, caller_for("city", row, LATER), row["id"], signed)["pending"] is None
    assert then(database, caller("handler", LATER), row["id"], LATER)["pending"] is None


def test_a_value_redacted_since_says_so_and_the_live_page_is_as_it_was(
    database: Database, log: Log, project: Row
) -> None:
    force(database, ("DELETE FROM disclosure WHERE person = ?", (f"contact/{project['id']}",)))
    reader = caller("auditor", LATER)
    told = then(database, reader, project["id"], at(date(2024, 8, 14)))
    assert (told["contact_phone"], told["opinion"]) == ({"$withheld": "redacted"}, "同意推荐")
    assert live(database, reader, project["id"])["contact_phone"] == "13800000000"


def test_of_a_stream_that_does_not_hold_together_nothing_is_told(
    database: Database, log: Log, batch: Row, project: Row
) -> None:
    (other,) = create_projects(database, log, batch, 1, first=9)
    force(database, ("DELETE FROM entry WHERE stream = ? AND seq = 3", (f"project/{project['id']}",)))
    with database.reading() as tx, pytest.raises(LogBroken):
        show_project_then(tx, caller("auditor", LATER), project["id"], LATER)
    found = page(database, batch, LATER)
    assert [item["id"] for item in found.items] == [other["id"]]
    assert found.broken == [{"id": project["id"], "code": project["code"]}]


def test_pages_follow_one_another_and_cost_three_reads_whatever_their_length(
    database: Database, log: Log, batch: Row
) -> None:
    rows = create_projects(database, log, batch, 12)
    for row in rows[::3]:
        drive(database, log, row["id"], "applied")
    instant = at(date(2024, 7, 21))
    found, after = [], None
    for _ in range(20):
        one = page(database, batch, instant, after=after, limit=5)
        found += [item["code"] for item in one.items]
        after = one.next
        if after is None:
            break
    assert found == [row["code"] for row in rows]
    applied = page(database, batch, instant, states=("applied",), limit=2)
    rest = page(database, batch, instant, states=("applied",), limit=2, after=applied.next)
    assert [item["code"] for item in (*applied.items, *rest.items)] == [row["code"] for row in rows[::3]]
    assert page(database, batch, OPENED, states=("applied",)).items == []
    reads = []
    for limit in (1, 12):
        with database.reading() as tx:
            counted = Counted(tx.driver, tx.dialect, tx.wire)
            items = list_projects_then(counted, caller("auditor", LATER), instant, batch["id"], limit=limit).items
            reads.append((len(items), counted.reads))
    assert reads == [(1, 3), (12, 3)]


@pytest.mark.parametrize(
    "text",
    [
        *("", "yesterday", "2024-08-05", "2024-08-05T10:00:00", "2024-08-05 10:00:00Z", "2024-08-05T10:00Z"),
        *("2024-08-05T10:00:00 08:00", "2024-08-05T10:00:00.1234567Z", "2024-02-30T10:00:00Z"),
        *("0001-01-01T00:00:00+14:00", "2024-08-05T24:01:00Z", "2024-08-05T10:00:60Z", "２024-08-05T10:00:00Z"),
        "2024-08-05T10:00:00.000001Z",
    ],
)
def test_what_is_no_instant_of_the_past_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        read_instant(text, datetime(2024, 8, 5, 10, tzinfo=UTC))


def test_instants_are_read_in_any_zone() -> None:
    now = datetime(2024, 8, 5, 10, tzinfo=UTC)
    for text in ("2024-08-05T10:00:00Z", "2024-08-05t18:00:00.0+08:00", "2024-08-05T05:00:00.000000-05:00"):
        assert read_instant(text, now) == now


def test_read_project_is_untouched_by_reading_its_past(database: Database, project: Row) -> None:
    then(database, caller("auditor", LATER), project["id"], at(date(2024, 8, 1)))
    assert read_project(database, project["id"]) == project
