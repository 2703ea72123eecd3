"""Attempts that come to nothing: rolled back whole, told as a refusal, and kept in the log as one entry."""

import sqlite3
from datetime import date
from typing import Any

import psycopg
import pytest

from lifecycle import projects, transition
from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.batches import find_batch
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
from tests.lifecycle.builders import QINGDAO, VETO_ITEMS, at, caller, drive, open_batch, read_entries, read_project
from tests.lifecycle.test_database import contents

ON = date(2024, 7, 21)
TOO_LONG = (
    "内容过长或含有无法保存的字符，未办理；请精简后重试",
    "too long, or with characters that cannot be kept; nothing was done: shorten it and try again",
)
WAITING = "pending"  # entries that are still to be sealed
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


def batch_of(database: Database) -> Row:
    with database.reading() as tx:
        return find_batch(tx, "sd-gongfu-2024-2")


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
    assert grown == {"entry": 1, WAITING: 1, "project": 0}


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


def test_what_was_done_before_the_refusal_is_undone(database: Database, log: Log, project: Row) -> None:
    other = builders.create_projects(database, log, batch_of(database), 1, first=2)[0]
    before = contents(database)
    too_large = Request("record_vetoes", {"veto_checks": checks(100, 400)})
    with pytest.raises(Unreadable), attempt(database, log, HANDLER, ("project", project["id"]), "both") as tx:
        projects.amend_project(tx, log, HANDLER, other["id"], {"title": "更名"})
        tx.flush()
        transition.transition_project(tx, log, HANDLER, project["id"], too_large)
    assert read_project(database, other["id"]) == other
    expect_one_failed_entry(database, before, project, "both", "unreadable")
    assert drift_in(database, project) == {}


# ---- names that are nobody's --------------------------------------------------------------------------------------

NAMELESS = ["x", "", "1", "sd-gongfu-2024-2-00001", "\x00", "a\x00b", "' OR 1=1 --", "项目", "A" * 5000, "../x", "%s"]


def spellings(project: Row) -> list[str]:
    """Return what a database might read as the project's id, and what is none of an id's one spelling."""
    own: str = project["id"]
    return [*NAMELESS, own.upper(), f"{{{own}}}", f"urn:uuid:{own}", own.replace("-", ""), f"{own}\n", f" {own}"]


def test_a_name_that_is_no_id_is_not_found_and_kept_with_the_system(database: Database, log: Log, project: Row) -> None:
    def amend(tx: Any, name: str) -> None:
        projects.amend_project(tx, log, HANDLER, name, {"title": "更名"})

    def transit(tx: Any, name: str) -> None:
        transition.transition_project(tx, log, HANDLER, name, builders.request_for("record_vetoes", project, ON))

    before = contents(database)
    names = spellings(project)
    for name in names:
        for action, use in (("amend", amend), ("record_vetoes", transit)):
            with pytest.raises(NotFound) as raised, attempt(database, log, HANDLER, ("project", name), action) as tx:
                use(tx, name)
            assert raised.value.text == NOWHERE
            body = last_of(database, "system/attempts")
            assert (body["type"], body["outcome"], body["action"]["name"]) == ("project.attempted", "denied", action)
            assert body["subject"] == {"kind": "project", "id": name[:100], "version": None}
            assert body["changes"] == [{"path": "/problem", "old": None, "new": "not-found"}]
            assert (body["action"]["from"], body["action"]["definition"]) == (None, None)
    after = contents(database)
    assert {name: len(after[name]) - len(before[name]) for name in before if after[name] != before[name]} == {
        "entry": 2 * len(names),
        WAITING: 2 * len(names),
        "stream_head": 1,
    }


def test_whoever_reads_under_a_name_that_is_no_id_finds_nothing(database: Database, log: Log, project: Row) -> None:
    doers: list[Caller] = [HANDLER, caller("auditor"), builders.caller_for("city", project, at(ON))]
    for who in doers:
        for name in [*spellings(project), "\ud800"]:
            for read in (show_project, project_history):
                with database.reading() as tx, pytest.raises(NotFound) as raised:
                    read(tx, who, name)
                assert raised.value.text == NOWHERE


def test_a_project_out_of_reach_looks_like_none_and_its_stream_stays(
    database: Database, log: Log, project: Row
) -> None:
    stranger = caller("city", at(ON), person="other", city=QINGDAO)
    absent = project["id"][:-1] + ("0" if project["id"][-1] != "0" else "1")
    for name in (project["id"], absent):
        with pytest.raises(NotFound) as raised, attempt(database, log, stranger, ("project", name), "refuse") as tx:
            transition.transition_project(tx, log, stranger, name, Request("refuse", reason="理由"))
        assert raised.value.text == NOWHERE
        body = last_of(database, "system/attempts")
        assert body["subject"] == {"kind": "project", "id": name, "version": None}
        assert body["actor"]["id"] == "other"
    assert read_project(database, project["id"]) == project


# ---- what drivers and the log say of a request --------------------------------------------------------------------

UNKEPT: list[Exception] = [
    NotCanonical("too long"),
    OverflowError("Python int too large to convert to SQLite INTEGER"),
    psycopg.errors.StringDataRightTruncation("value too long"),
    psycopg.errors.UntranslatableCharacter("\\u0000 cannot be converted to text"),
    psycopg.errors.NumericValueOutOfRange("bigint out of range"),
]
HELD: list[Exception] = [
    psycopg.errors.LockNotAvailable("lock timeout"),
    psycopg.errors.DeadlockDetected("deadlock"),
    psycopg.errors.SerializationFailure("serialization"),
    sqlite3.OperationalError("database is locked"),
]
PASSED_ON: list[Exception] = [
    ValueError("a fault of ours"),
    KeyError("key"),
    sqlite3.OperationalError("no such table: nothing"),
    sqlite3.IntegrityError("UNIQUE constraint failed"),
    psycopg.errors.UniqueViolation("duplicate key"),
    psycopg.OperationalError("server closed the connection"),
]


def fail(database: Database, log: Log, project: Row, error: Exception) -> None:
    with attempt(database, log, HANDLER, ("project", project["id"]), "amend") as tx:
        projects.amend_project(tx, log, HANDLER, project["id"], {"remarks": "改"})
        raise error


def refused(database: Database, log: Log, project: Row, error: Exception, kind: type[Refusal]) -> None:
    with pytest.raises(kind) as raised:
        fail(database, log, project, error)
    assert (type(raised.value), raised.value.__cause__) == (kind, error)


def test_what_cannot_be_kept_is_unreadable_and_one_failed_entry(database: Database, log: Log) -> None:
    draft = builders.create_projects(database, log, open_batch(database, log), 1)[0]
    for error in UNKEPT:
        was, before = read_project(database, draft["id"]), contents(database)
        refused(database, log, was, error, Unreadable)
        expect_one_failed_entry(database, before, was, "amend", "unreadable")
    assert drift_in(database, draft) == {}


def test_a_row_that_is_held_is_busy_and_told_elsewhere_so_that_nobody_waits_again(database: Database, log: Log) -> None:
    draft = builders.create_projects(database, log, open_batch(database, log), 1)[0]
    for number, error in enumerate(HELD, 1):
        refused(database, log, draft, error, Busy)
        body = last_of(database, "system/attempts")
        assert (body["seq"], body["type"], body["outcome"]) == (number, "project.attempted", "failed")
        assert body["subject"] == {"kind": "project", "id": draft["id"], "version": None}
        assert body["changes"] == [{"path": "/problem", "old": None, "new": "busy"}]
    assert read_project(database, draft["id"]) == draft
    assert drift_in(database, draft) == {}


def test_a_fault_of_ours_is_no_refusal_and_leaves_no_entry(database: Database, log: Log) -> None:
    draft = builders.create_projects(database, log, open_batch(database, log), 1)[0]
    before = contents(database)
    for error in PASSED_ON:
        with pytest.raises(type(error)) as raised:
            fail(database, log, draft, error)
        assert raised.value is error
    assert contents(database) == before
