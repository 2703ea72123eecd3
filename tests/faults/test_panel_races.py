"""Panels under many hands: sheets at once, one sheet twice, submitting or deciding while a panel is reopened."""

from collections import Counter

import pytest

from lifecycle.audit import Log
from lifecycle.canonical import ZERO_HASH
from lifecycle.database import Database
from lifecycle.errors import NotOffered, Refusal
from lifecycle.panels import assignments, founding, rounds, sheets
from lifecycle.panels.panel import BY_ID
from lifecycle.replay import drift_of_batch
from tests.faults.test_races import at_once
from tests.lifecycle.builders import act, read_entries, read_project
from tests.lifecycle.panelists import DUE, HANDLER, Panel, new_panel, points_for


@pytest.fixture
def panel(database: Database, log: Log) -> Panel:
    return new_panel(database, log).scoring()


def kinds(answers: list[object]) -> Counter[str]:
    return Counter(type(answer).__name__ for answer in answers)


def assert_gapless(panel: Panel) -> None:
    entries = read_entries(panel.database, f"panel/{panel.id}")
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    with panel.database.reading() as tx:
        row = tx.one(BY_ID, wanted=panel.id)
        assert drift_of_batch(tx, panel.batch["id"]) == {}
    assert row is not None
    assert (row["head_seq"], row["head_hash"]) == (entries[-1]["seq"], entries[-1]["leaf"]) != (0, ZERO_HASH)


def test_all_sheets_submitted_at_once_are_all_kept_and_one_sheet_only_once(panel: Panel) -> None:
    jobs = [
        lambda login=login, row=row: panel.sheet_act(
            sheets.submit_sheet, login, panel.sheet_of(login, row), points_for(80)
        )
        for login in panel.people
        for row in panel.projects
        for _ in range(3)
    ]
    answers = at_once(jobs)
    assert kinds(answers) == {"Kept": 6, "NotOffered": 12}
    assert {(row["status"], row["total"], row["version"]) for row in panel.sheets()} == {("submitted", "80.00", 2)}
    assert_gapless(panel)


def test_of_two_drafts_on_one_version_one_is_kept(panel: Panel) -> None:
    sheet = panel.sheet_of("ann", panel.projects[0])
    answers = at_once(
        [
            lambda points=points: panel.sheet_act(
                sheets.save_sheet, "ann", sheet, {"necessity": points}, expected_version=1
            )
            for points in range(8)
        ]
    )
    assert kinds(answers) == {"Kept": 1, "Conflict": 7}
    assert_gapless(panel)


def test_submitting_while_the_round_ends_and_begins_anew_leaves_no_sheet_in_between(panel: Panel) -> None:
    first, second = panel.projects
    for row in panel.projects:
        panel.score(row, {"ann": 80, "bob": 82, "cid": 84})
    panel.sit()
    panel.do(rounds.conclude)
    old = {login: panel.sheet_of(login, first) for login in panel.people}
    answers = at_once(
        [
            lambda: panel.do(rounds.reopen, "复核", DUE, [first["id"]]),
            *(
                lambda login=login: panel.sheet_act(sheets.submit_sheet, login, old[login], points_for(10))
                for login in panel.people
            ),
            *(lambda: panel.do(rounds.reopen, "复核", DUE, [first["id"]]) for _ in range(2)),
        ]
    )
    assert kinds(answers) == {"Done": 1, "NotOffered": 5}
    mine = [row for row in panel.sheets() if row["project_id"] == first["id"]]
    assert Counter((row["round"], row["status"]) for row in mine) == {(1, "submitted"): 3, (2, "assigned"): 3}
    assert {row["total"] for row in mine if row["round"] == 1} == {"80.00", "82.00", "84.00"}
    assert [row["project"] for row in panel.results()["results"]] == [second["id"]]
    assert_gapless(panel)


def test_a_project_is_either_decided_on_its_result_or_reopened_never_both(panel: Panel) -> None:
    for row in panel.projects:
        panel.score(row, {"ann": 80, "bob": 82, "cid": 84})
    panel.sit()
    panel.do(rounds.conclude)
    stated = {"review_method": "both", "review_score": "82.00"}
    for row in panel.projects:
        answers = at_once(
            [
                lambda row=row: panel.do(rounds.reopen, "复核", DUE, [row["id"]]),
                lambda row=row: act(panel.database, panel.log, row["id"], "pass_review", fields=stated),
            ]
        )
        reopened, decided = (not isinstance(answer, Refusal) for answer in answers)
        assert reopened != decided, answers
        assert (read_project(panel.database, row["id"])["state"] == "reviewed") == decided
        if reopened:
            return  # the panel is scoring again: the other project cannot be reopened now
    assert_gapless(panel)


def test_two_panels_at_once_never_get_the_same_project(database: Database, log: Log) -> None:
    first = new_panel(database, log, 3, ("ann",))
    for row in first.projects:
        first.do(founding.remove_project, row["id"])
    panels = [first.id]
    for number in range(3):
        with database.transaction() as tx:
            panels.append(founding.found_panel(tx, log, HANDLER, first.batch, "review", f"组{number}").row["id"])

    def take(panel: str) -> object:
        with database.transaction() as tx:
            return founding.add_projects(tx, log, HANDLER, panel, [row["id"] for row in first.projects])

    answers = at_once([lambda panel=panel: take(panel) for panel in panels])
    assert kinds(answers) == {"Done": 1, "Unreadable": 3}


def test_balanced_twice_at_once_assigns_once(database: Database, log: Log) -> None:
    panel = new_panel(database, log, 2, ("ann", "bob", "cid", "dan"))
    panel.declare_all()
    answers = at_once([lambda seed=seed: panel.do(assignments.assign_balanced, seed) for seed in range(4)])
    assert Counter(answer.told["assigned"] for answer in answers if not isinstance(answer, NotOffered)) == {6: 1, 0: 3}
    assert_gapless(panel)
