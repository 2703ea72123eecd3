"""Deadlines added by hand, over HTTP: added, moved, ended, under version and key, for those who may."""

from datetime import date
from typing import Any

import pytest

from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.statements import Row
from tests.api.conftest import Client, Clock, problem
from tests.lifecycle.builders import drive, read_entries

NEW = {"title": "补充设备清单", "due_on": "2024-08-20", "to": ["applicant"], "reason": "现场核查发现缺项"}
WRONG: dict[str, list[Any]] = {
    "title": ["", " ", "x" * 101, "a\nb", "a\x01b", 7, None],
    "due_on": ["9999-12-31", "2024-02-30", "20240820", "1724112000", 1724112000, "2024-08-20T00:00:00", None],
    "to": [[], "applicant", ["Applicant"], ["x"] * 21, [1], None],
    "reason": ["x" * 2001, "a\x00b", 1],
    "expected_version": [0, "1", True, 2**60],
    "number": [1],
}


@pytest.fixture
def path(client: Client, projects: list[Row]) -> str:
    return f"/api/v1/projects/{projects[0]['id']}/deadlines"


def open_ones(client: Client, path: str, who: str = "unit") -> list[tuple[int, str, str | None]]:
    """Return number, date and ending of the deadlines that somebody sees."""
    items = client.get(who, path).json()["items"]
    return [(item["number"], item["due_on"], item["ended"]) for item in items]


def test_a_deadline_is_added_once_under_a_key(client: Client, path: str, projects: list[Row]) -> None:
    headers = {"Idempotency-Key": "d-1", "If-Match": '"1"'}
    first = client.post("handler", path, NEW, headers=headers)
    again = client.post("handler", path, NEW, headers=headers)
    assert (first.status_code, first.headers["etag"]) == (201, '"2"'), first.text
    assert (again.status_code, again.json(), again.headers["idempotent-replayed"]) == (201, first.json(), "true")
    told = first.json()
    assert (told["number"], told["by"], told["to"], told["ended"]) == (1, "handler", ["applicant"], None)
    assert told["receipt"]["stream"] == f"project/{projects[0]['id']}"
    assert open_ones(client, path) == [(1, "2024-08-20", None)]
    shown = client.get("unit", path.removesuffix("/deadlines")).json()["checkpoints"]
    assert told["checkpoint"] in {item["id"] for item in shown}
    problem(client.post("handler", path, {**NEW, "title": "另一项"}, headers=headers), 422, "idempotency-key-reused")
    moving = {"due_on": "2024-08-21"}
    problem(client.patch("handler", f"{path}/1", moving, headers=headers), 422, "idempotency-key-reused")


def test_a_deadline_is_moved_and_ended_on_record(
    client: Client, path: str, projects: list[Row], database: Database
) -> None:
    client.post("handler", path, NEW)
    moved = client.patch("handler", f"{path}/1", {"due_on": "2024-09-02"}, headers={"If-Match": '"2"'})
    assert (moved.status_code, moved.headers["etag"], moved.json()["due_on"]) == (200, '"3"', "2024-09-02")
    same = client.patch("handler", f"{path}/1", {"due_on": "2024-09-02", "expected_version": 3}).json()
    assert (same["version"], same["receipt"]) == (3, None)
    ended = client.post("handler", f"{path}/1/endings", {"how": "done"}, headers={"Idempotency-Key": "e"})
    assert (ended.headers["etag"], ended.json()["ended"], ended.json()["checkpoint"]) == ('"4"', "done", None)
    again = client.post("handler", f"{path}/1/endings", {"how": "done"}, headers={"Idempotency-Key": "e"})
    assert (again.json(), again.headers["idempotent-replayed"]) == (ended.json(), "true")
    problem(client.post("handler", f"{path}/1/endings", {"how": "done"}), 404, "not-found")
    problem(client.patch("handler", f"{path}/1", {"due_on": "2024-09-03"}), 404, "not-found")
    assert open_ones(client, path) == [(1, "2024-09-02", "done")]
    kinds = [entry["type"] for entry in read_entries(database, f"project/{projects[0]['id']}")]
    names = ("created", "deadline_added", "deadline_moved", "deadline_ended")
    assert kinds == [f"project.{name}" for name in names]


def test_an_older_version_is_told_who_was_first(client: Client, path: str) -> None:
    client.post("handler", path, NEW)
    for headers, status in (({"If-Match": '"1"'}, 412), ({}, 409)):
        body = {} if headers else {"expected_version": 1}
        told = problem(client.post("head", path, NEW | body, headers=headers), status, "conflict")
        assert told["winner"]["name"] == "省厅经办"
        problem(client.patch("head", f"{path}/1", {"due_on": "2024-09-02"} | body, headers=headers), status, "conflict")
        problem(client.post("head", f"{path}/1/endings", {"how": "done"} | body, headers=headers), status, "conflict")
    problem(client.post("head", path, NEW | {"expected_version": 2}, headers={"If-Match": '"1"'}), 400, "unreadable")


def test_a_city_adds_for_itself_and_its_applicants_and_leaves_the_provinces_alone(
    client: Client, path: str, projects: list[Row], database: Database
) -> None:
    client.post("handler", path, NEW)
    assert client.post("jinan", path, NEW | {"to": ["city", "applicant"]}).status_code == 201
    problem(client.post("jinan", path, NEW | {"to": ["handler"]}), 403, "forbidden")
    problem(client.patch("jinan", f"{path}/1", {"due_on": "2024-08-21"}), 403, "forbidden")
    problem(client.post("jinan", f"{path}/1/endings", {"how": "done"}), 403, "forbidden")
    assert client.patch("jinan", f"{path}/2", {"due_on": "2024-08-21"}).status_code == 200
    for who in ("unit", "auditor"):
        problem(client.post(who, path, NEW), 403, "forbidden")
    before = len(read_entries(database, "system/attempts"))
    for who in ("qingdao", "stranger", "expert"):
        problem(client.get(who, path), 404, "not-found")
        problem(client.post(who, path, NEW), 404, "not-found")
        problem(client.patch(who, f"{path}/1", {"due_on": "2024-08-21"}), 404, "not-found")
    assert len(read_entries(database, "system/attempts")) == before + 6
    outcomes = [entry["outcome"] for entry in read_entries(database, f"project/{projects[0]['id']}")]
    assert outcomes.count("denied") == 5


def test_what_is_for_the_province_only_is_not_there_for_others(client: Client, path: str) -> None:
    client.post("handler", path, NEW | {"to": ["handler"]})
    assert (open_ones(client, path, "handler"), open_ones(client, path)) == ([(1, "2024-08-20", None)], [])
    problem(client.patch("jinan", f"{path}/1", {"due_on": "2024-08-21"}), 404, "not-found")


def test_a_deadline_must_make_sense(client: Client, path: str, clock: Clock, projects: list[Row]) -> None:
    clock.go_to(date(2024, 7, 20))
    for change in ({"due_on": "2024-07-19"}, {"due_on": "2035-01-01"}, {"to": ["expert"]}, {"to": ["nobody"]}):
        problem(client.post("handler", path, NEW | change), 400, "unreadable")
    for name, values in WRONG.items():
        for value in values:
            answer = client.post("handler", path, NEW | {name: value})
            assert answer.status_code in (400, 422), (name, value, answer.text)
    for number in ("0", "101", "x", "9" * 30, "1.5"):
        problem(client.patch("handler", f"{path}/{number}", {"due_on": "2024-08-21"}), 422, "invalid")
    problem(client.patch("handler", f"{path}/1", {"due_on": "2024-08-21"}), 404, "not-found")
    told = problem(client.post("handler", f"{path}/1/endings", {"how": "forgotten"}), 422, "invalid")
    assert told["errors"][0]["at"] == "body.how"
    problem(client.post("handler", f"{path}/1/endings"), 415, "unsupported-media-type")
    problem(client.post("handler", "/api/v1/projects/1/deadlines", NEW), 404, "not-found")
    assert client.get("handler", path.removesuffix("/deadlines")).json()["version"] == 1


def test_a_project_at_its_end_has_no_deadlines(
    client: Client, path: str, projects: list[Row], database: Database, log: Log
) -> None:
    drive(database, log, projects[0]["id"], "withdrawn")
    key = {"Idempotency-Key": "end"}
    told = problem(client.post("handler", path, NEW, headers=key), 409, "not-offered")
    again = client.post("handler", path, NEW, headers=key)
    assert (problem(again, 409, "not-offered")["detail"], again.headers["idempotent-replayed"]) == (
        told["detail"],
        "true",
    )
