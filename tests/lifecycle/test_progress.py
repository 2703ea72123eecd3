"""Progress calls: windows, answers in time or late, and missed ones that show at acceptance without refusing it."""

from datetime import date
from typing import Any

import pytest

from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.errors import RulesUnmet
from lifecycle.progress import list_calls
from lifecycle.replay import drift
from lifecycle.statements import Row
from tests.lifecycle.builders import act, at, caller, create_projects, drive, open_batch, read_project

NOTE = "calls_answered"


@pytest.fixture
def project(database: Database, log: Log) -> Row:
    (row,) = create_projects(database, log, open_batch(database, log), 1)
    return drive(database, log, row["id"], "published")


def stand(database: Database, project: Row, on: date) -> list[tuple[int, str, str, str]]:
    with database.reading() as tx:
        calls = list_calls(tx, caller("handler", at(on)), project["id"])
    return [(one["number"], one["opens_on"], one["due_on"], one["status"]) for one in calls]


def report(database: Database, log: Log, project: Row, on: date, **fields: Any) -> None:
    act(database, log, project["id"], "report_progress", on=on, fields={"progress_report": "进展", **fields})


def test_R20_a_call_has_its_window_and_what_comes_late_is_taken_and_marked(
    database: Database, log: Log, project: Row
) -> None:
    first, second = (1, "2025-01-29", "2025-02-28"), (2, "2025-08-02", "2025-09-01")
    assert stand(database, project, date(2025, 1, 28)) == [(*first, "upcoming"), (*second, "upcoming")]
    assert stand(database, project, date(2025, 2, 28)) == [(*first, "open"), (*second, "upcoming")]
    assert stand(database, project, date(2025, 3, 1)) == [(*first, "missed"), (*second, "upcoming")]
    report(database, log, project, date(2025, 3, 3), progress_form={"milestone": "上线试运行", "invested_fen": 5})
    row = read_project(database, project["id"])
    assert row["record"]["progress_calls"] == {"call_1": {"on": "2025-03-03", "late": True}}
    report(database, log, project, date(2025, 8, 20), call_number=2)
    assert stand(database, project, date(2025, 9, 9)) == [(*first, "late"), (*second, "answered")]
    with pytest.raises(RulesUnmet) as refused:
        report(database, log, project, date(2025, 8, 21), call_number=1)
    assert [item.check for item in refused.value.findings if item.blocks] == ["call_waits"]
    report(database, log, project, date(2025, 8, 22))  # a report that answers no call is taken too
    with database.reading() as tx:
        assert drift(tx, project["id"]) == []


def test_R20_a_report_is_held_against_the_batchs_form(database: Database, log: Log, project: Row) -> None:
    worst: list[Any] = [{"castle": "x"}, {"invested_fen": "5"}, {"milestone": 5}, {}, [], "x", {"invested_fen": -1}]
    for form in worst:
        with pytest.raises(RulesUnmet):
            report(database, log, project, date(2025, 2, 10), progress_form=form)
    assert "progress_calls" not in read_project(database, project["id"])["record"]
    with pytest.raises(RulesUnmet):
        report(
            database, log, project, date(2025, 2, 10), progress_calls={"call_1": {"on": "2025-02-10", "late": False}}
        )


def test_R20_a_missed_call_shows_at_acceptance_and_refuses_nothing(database: Database, log: Log, project: Row) -> None:
    applied = act(database, log, project["id"], "apply_half_year")
    passed = act(database, log, project["id"], "pass_half_year")
    for outcome in (applied, passed):
        (note,) = [item for item in outcome.to_dict()["findings"] if item["check"] == NOTE]
        assert (note["kind"], note["met"], note["seen"], note["overridable"]) == ("note", False, [1], False)
    assert passed.target == "half_year_accepted"
