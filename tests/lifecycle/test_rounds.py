"""Rounds of a batch: windows typed for many projects at once after a preview, and lapses that the system proposes."""

from datetime import date
from typing import Any

import pytest

from lifecycle.audit import Log
from lifecycle.bulk import Item, preview_transitions, transition_projects
from lifecycle.database import Database
from lifecycle.errors import Forbidden, RulesUnmet
from lifecycle.lapses import list_overdue
from lifecycle.replay import drift_of_batch
from lifecycle.requests import Request
from lifecycle.statements import Row
from tests.lifecycle.builders import JINAN, QINGDAO, act, at, caller, create_projects, drive, open_batch, read_project

SET_ON = date(2025, 1, 10)
WINDOW = {"half_year_opens_on": "2025-03-10", "half_year_ends_on": "2025-04-10"}


@pytest.fixture
def batch(database: Database, log: Log) -> Row:
    return open_batch(database, log)


@pytest.fixture
def projects(database: Database, log: Log, batch: Row) -> list[Row]:
    rows = create_projects(database, log, batch, 3)
    return [drive(database, log, row["id"], "published") for row in rows]


def dates(database: Database, project: Row) -> dict[str, tuple[str, str]]:
    plan = read_project(database, project["id"])["plan"]
    return {item["kind"]: (item["due_on"], item["computed_on"]) for item in plan if "half_year" in item["kind"]}


def test_R21_a_window_is_typed_for_many_projects_at_once_after_a_preview_and_both_dates_are_kept(
    database: Database, log: Log, batch: Row, projects: list[Row]
) -> None:
    act(database, log, projects[2]["id"], "suspend")
    officer = caller("handler", at(SET_ON))
    request, items = Request("open_half_year_round", WINDOW), [Item(row["id"]) for row in projects]
    with database.reading() as tx:
        preview = preview_transitions(tx, officer, request, items, 100)
    assert preview.to_dict()["counts"] == {"allowed": 2, "blocked": 1}
    with database.transaction() as tx:
        done = transition_projects(tx, log, officer, request, items, preview.digest, 100)
    assert (len(done.moved), done.left) == (2, 1)
    for row in projects[:2]:
        assert dates(database, row) == {
            "half_year_opens": ("2025-03-10", "2025-02-28"),
            "half_year_ends": ("2025-04-10", "2025-03-31"),
            "half_year_grace_ends": ("2025-04-30", "2025-04-22"),
        }
    with pytest.raises(RulesUnmet):
        act(database, log, projects[0]["id"], "apply_half_year", on=date(2025, 3, 9))
    act(database, log, projects[0]["id"], "apply_half_year", on=date(2025, 4, 30))
    act(database, log, projects[1]["id"], "suspend", on=date(2025, 1, 20))
    act(database, log, projects[1]["id"], "resume", on=date(2025, 1, 30))
    assert dates(database, projects[1])["half_year_ends"] == ("2025-04-21", "2025-04-10")
    with database.reading() as tx:
        assert drift_of_batch(tx, batch["id"]) == {}


def test_R21_a_window_that_ends_before_it_opens_or_in_the_past_is_refused(
    database: Database, log: Log, projects: list[Row]
) -> None:
    for opens, ends in (("2025-04-11", "2025-04-10"), ("2024-12-01", "2025-01-09")):
        with pytest.raises(RulesUnmet) as refused:
            fields = {"half_year_opens_on": opens, "half_year_ends_on": ends}
            act(database, log, projects[0]["id"], "open_half_year_round", fields=fields)
        assert [item.check for item in refused.value.findings if item.blocks] == ["window_in_order"]


def test_R22_a_lapse_is_proposed_by_the_system_and_confirmed_by_a_person(
    database: Database, log: Log, batch: Row, projects: list[Row]
) -> None:
    act(database, log, projects[1]["id"], "apply_half_year")
    (far,) = create_projects(database, log, batch, 1, first=9, city=QINGDAO)
    drive(database, log, far["id"], "published")
    act(database, log, far["id"], "suspend", on=date(2025, 4, 1))

    def proposed(role: str, on: date, **who: Any) -> list[tuple[str, str, int]]:
        with database.reading() as tx:
            found = list_overdue(tx, caller(role, at(on), **who), batch)
        return [(one["code"], one["grace_ended_on"], one["days_over"]) for one in found]

    assert proposed("handler", date(2025, 4, 22)) == []
    expected = [(row["code"], "2025-04-22", 1) for row in (projects[0], projects[2])]
    assert proposed("handler", date(2025, 4, 23)) == expected
    assert proposed("city", date(2025, 4, 23), city=JINAN) == expected
    assert proposed("city", date(2025, 4, 23), city=QINGDAO) == []
    with database.reading() as tx, pytest.raises(Forbidden):
        list_overdue(tx, caller("expert", at(date(2025, 4, 23))), batch)
    assert read_project(database, projects[0]["id"])["state"] == "published"
    act(database, log, projects[0]["id"], "lapse", on=date(2025, 4, 24))
    assert proposed("auditor", date(2025, 4, 24)) == [(projects[2]["code"], "2025-04-22", 2)]
