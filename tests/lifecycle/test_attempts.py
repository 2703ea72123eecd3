"""Attempts that come to nothing: rolled back whole, told as a refusal, and kept in the log as one entry."""

import sqlite3
from dataclasses import replace
from datetime import date
from typing import Any

import psycopg
import pytest

from lifecycle import projects, transition
from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.canonical import NotCanonical, parse_canonical
from lifecycle.database import Database
from lifecycle.errors import Busy, NotFound, Refusal, Unreadable
from lifecycle.history import project_history
from lifecycle.listing import show_project
from lifecycle.replay import drift_of_batch
from lifecycle.requests import Request
from lifecycle.statements import Row
from tests.lifecycle import builders
from tests.lifecycle.builders import QINGDAO, VETO_ITEMS, act, at, caller, drive, open_batch, read_entries, read_project
from tests.lifecycle.test_database import contents

ON = date(2024, 7, 21)
TOO_LONG = (
    "内容过长或含有无法保存的字符，未办理；请精简后重试",
    "too long, or with characters that cannot be kept; nothing was done: shorten it and try again",
)
NOWHERE = ("没有此项目，或不在您的管辖范围", "no such project within your reach")
HANDLER = caller("handler", at(ON))


@pytest.fixture
def project(database: Database, log: Log) -> Row:
    row = builders.create_projects(database, log, open_batch(database, log), 1)[0]
    return drive(database, log, row["id"], "applied")


def checks(number: int, length: int, first: int = 0) -> dict[str, Any]:
    """Return so many veto checks with evidence of so many letters, by codes of their own."""
    one = {"clear": True, "checked_on": "2024-07-20", "checked_by": "核查人", "evidence": "证" * length}
    return {f"item_{n}": one for n in range(first, first + number)}


def record_vetoes(database: Database, log: Log, project: Row, found: dict[str, Any], key: str | None = None) -> None:
    request = Request("record_vetoes", {"veto_checks": found})
    asked = {"project": project["id"], "request": request}
    of = ("project", project["id"])
    with attempt(database, log, HANDLER, of, "record_vetoes", key=key, asked=asked) as tx:
        transition.transition_project(tx, log, HANDLER, project["id"], request, key)


def last_of(database: Database, stream: str) -> dict[str, Any]:
    body: dict[str, Any] = parse_canonical(read_entries(database, stream)[-1]["body"])
    return body


def drift_in(database: Database, project: Row) -> dict[str, list[str]]:
    with database.reading() as tx:
        return drift_of_batch(tx, project["batch_id"])


def expect_one_failed_entry(database: Database, before: dict[str, list[str]], was: Row, action: str, code: str) -> None:
    """Check that one entry more tells of the attempt, and that the stream's head is all that moved beside it."""
    row = read_project(database, was["id"])
    assert row == {**was, "head_seq": was["head_seq"] + 1, "head_hash": row["head_hash"]}
    body = last_of(database, f"project/{was['id']}")
    assert (body["type"], body["outcome"], body["seq"]) == ("project.attempted", "failed", row["head_seq"])
    assert body["subject"] == {"kind": "project", "id": was["id"], "version": was["version"]}
    assert (body["action"]["name"], body["action"]["from"], body["action"]["to"]) == (action, was["state"], None)
    assert body["changes"] == [{"path": "/problem", "old": None, "new": code}]
    assert (body["reason"], body["docs"]) == (None, [])
    after = contents(database)
    grown = {name: len(after[name]) - len(before[name]) for name in before if after[name] != before[name]}
    # The attempt waits to be sealed like any other entry; the caller's key may be made for it.
    assert {name: number for name, number in grown.items() if name != "person_key"} == {
        "entry": 1,
        "pending_leaf": 1,
        "project": 0,
    }


def test_veto_checks_too_large_for_an_entry_are_unreadable(database: Database, log: Log, project: Row) -> None:
    before = contents(database)
    with pytest.raises(Unreadable) as raised:
        record_vetoes(database, log, project, checks(100, 400))
    assert raised.value.text == TOO_LONG
    expect_one_failed_entry(database, before, project, "record_vetoes", "unreadable")
    assert drift_in(database, project) == {}
    record_vetoes(database, log, project, checks(2, 400))
    assert read_project(database, project["id"])["version"] == project["version"] + 1
    assert drift_in(database, project) == {}


def test_veto_checks_that_grow_too_large_by_adding_up_are_unreadable(
    database: Database, log: Log, project: Row
) -> None:
    record_vetoes(database, log, project, checks(40, 150))
    row, before = read_project(database, project["id"]), contents(database)
    with pytest.raises(Unreadable) as raised:
        record_vetoes(database, log, project, checks(40, 150, first=40))
    assert raised.value.text == TOO_LONG
    expect_one_failed_entry(database, before, row, "record_vetoes", "unreadable")
    assert set(row["record"]["veto_checks"]) == {*VETO_ITEMS, *checks(40, 0)}
    record_vetoes(database, log, project, checks(40, 10))  # said in fewer words, in place of what is there
    assert drift_in(database, project) == {}


def test_an_unreadable_request_leaves_its_key_free(database: Database, log: Log, project: Row) -> None:
    for _ in range(2):
        with pytest.raises(Unreadable):
            record_vetoes(database, log, project, checks(100, 400), key="k1")
    record_vetoes(database, log, project, checks(1, 10), key="k1")
    row = read_project(database, project["id"])
    record_vetoes(database, log, project, checks(1, 10), key="k1")
    assert read_project(database, project["id"]) == row
    assert (row["version"], row["head_seq"]) == (project["version"] + 1, project["head_seq"] + 3)


def test_an_act_on_many_projects_with_one_too_large_is_undone_whole(database: Database, log: Log, project: Row) -> None:
    with pytest.raises(Unreadable), attempt(database, log, HANDLER, ("project", project["id"]), "amend") as tx:
        projects.amend_project(tx, log, HANDLER, act_first(database, log, project), {"title": "更名"})
        transition.transition_project(
            tx, log, HANDLER, project["id"], Request("record_vetoes", {"veto_checks": checks(100, 400)})
        )
    assert {row["title"] for row in titles(database, project)} == {"产线数字化1", "产线数字化2"}
    assert drift_in(database, project) == {}
