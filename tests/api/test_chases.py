"""Chases over HTTP: who may, of what, how often, and what is remembered."""

from datetime import timedelta
from typing import Any

import pytest

from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.statements import Row
from tests.api.conftest import Client, Clock, problem
from tests.lifecycle.builders import drive, read_entries
from tests.lifecycle.officers import announced, limit_chases

ABSENT = "018f0000-0000-7000-8000-000000000000"


@pytest.fixture
def paths(client: Client, projects: list[Row]) -> list[str]:
    return [f"/api/v1/projects/{row['id']}/chases" for row in projects]


def test_a_chase_asks_once_under_a_key_and_leaves_the_version(
    client: Client, paths: list[str], projects: list[Row], database: Database
) -> None:
    chances = client.get("jinan", paths[0]).json()
    (item,) = chances["checkpoints"]
    assert (chances["possible"], chances["left_today"], chances["again_at"]) == (True, 50, None)
    key = {"Idempotency-Key": "c-1"}
    done = client.post("jinan", paths[0], {"note": "请尽快提交"}, headers=key)
    again = client.post("jinan", paths[0], {"note": "请尽快提交"}, headers=key)
    assert (done.status_code, done.headers["etag"]) == (200, '"1"'), done.text
    assert (again.json(), again.headers["idempotent-replayed"]) == (done.json(), "true")
    told = done.json()
    assert (told["checkpoint"], told["to"], told["left_today"]) == (item["id"], ["applicant", "city"], 49)
    [row] = announced(database)
    assert (row["id"], row["event"], row["details"]["note"]) == (told["announcement"], "chase", "请尽快提交")
    assert [entry["type"] for entry in read_entries(database, f"project/{projects[0]['id']}")] == [
        "project.created",
        "project.chased",
    ]


def test_a_second_chase_too_soon_is_told_when(client: Client, paths: list[str], clock: Clock) -> None:
    client.post("jinan", paths[0], {})
    clock.now += timedelta(hours=2, seconds=0.5)
    refused = client.post("handler", paths[0], {}, headers={"Idempotency-Key": "soon"})
    told = problem(refused, 429, "too-soon")
    assert (told["again_at"], told["retry_after"], told["per"]) == ("2024-07-02T02:00:00.000000Z", 79_200, "project")
    assert refused.headers["retry-after"] == "79200"
    chances = client.get("handler", paths[0]).json()
    assert (chances["possible"], chances["again_at"]) == (False, told["again_at"])
    clock.now += timedelta(hours=22)
    done = client.post("handler", paths[0], {}, headers={"Idempotency-Key": "soon"})  # no limit is kept under a key
    assert (done.status_code, done.json()["left_today"]) == (200, 49)


def test_an_officer_has_so_many_a_day(
    client: Client, paths: list[str], batch: Row, database: Database, clock: Clock
) -> None:
    limit_chases(database, batch, a_day=1)
    assert client.post("jinan", paths[0], {}).json()["left_today"] == 0
    refused = client.post("jinan", paths[1], {})
    assert problem(refused, 429, "too-soon")["per"] == "officer"
    assert refused.headers["retry-after"] == str(14 * 3600)  # until midnight in Shanghai
    assert client.post("handler", paths[1], {}).status_code == 200


def test_who_may_chase_what(client: Client, paths: list[str], projects: list[Row], database: Database) -> None:
    problem(client.post("unit", paths[0], {}), 403, "forbidden")
    problem(client.post("auditor", paths[0], {}), 403, "forbidden")
    for who in ("qingdao", "stranger", "expert", "security"):
        problem(client.post(who, paths[0], {}), 404, "not-found")
        problem(client.get(who, paths[0]), 404, "not-found")
    assert client.get("unit", paths[0]).json() == {
        "possible": False,
        "checkpoints": [],
        "left_today": 0,
        "again_at": None,
    }
    deadlines = paths[0].replace("chases", "deadlines")
    body: dict[str, Any] = {"title": "内部核查", "due_on": "2024-07-10", "to": ["handler"]}
    own = client.post("handler", deadlines, body).json()["checkpoint"]
    problem(client.post("jinan", paths[0], {"checkpoint": own}), 403, "forbidden")
    problem(client.post("jinan", paths[0], {"checkpoint": ABSENT}), 404, "not-found")
    assert client.post("handler", paths[0], {"checkpoint": own.upper()}).json()["label"]["zh"] == "内部核查"
    outcomes = [entry["outcome"] for entry in read_entries(database, f"project/{projects[0]['id']}")]
    assert outcomes == ["success", "denied", "denied", "success", "denied", "success"]


def test_nothing_open_is_nothing_to_chase(
    client: Client, paths: list[str], projects: list[Row], database: Database, log: Log
) -> None:
    drive(database, log, projects[0]["id"], "withdrawn")
    problem(client.post("handler", paths[0], {}), 409, "not-offered")


def test_what_is_asked_wrongly_is_said(client: Client, paths: list[str]) -> None:
    for body in ({"note": "x" * 501}, {"note": "a\x01b"}, {"note": 1}, {"checkpoint": 1}, {"to": ["city"]}):
        problem(client.post("handler", paths[0], body), 422, "invalid")
    problem(client.post("handler", paths[0], {}, headers={"If-Match": '"1"'}), 400, "unreadable")
    problem(client.post("handler", paths[0], {}, headers={"Idempotency-Key": "a b"}), 400, "unreadable")
    problem(client.post("handler", paths[0]), 415, "unsupported-media-type")
    problem(client.post("handler", paths[0], {"checkpoint": "no-id"}), 404, "not-found")
