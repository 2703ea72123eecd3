"""Persons in charge over HTTP: one project handed over, many after a preview, by those who may."""

from typing import Any

import httpx
import pytest

from lifecycle import people
from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.people import NewPerson
from lifecycle.statements import Row
from tests.api.conftest import Client, problem
from tests.lifecycle.builders import JINAN, caller, read_entries, read_project
from tests.lifecycle.officers import announced

BATCH = "sd-gongfu-2024-2"
PREVIEWS, COMMITS = "/api/v1/responsibles/previews", "/api/v1/responsibles/commits"


@pytest.fixture
def staff(client: Client, database: Database, log: Log) -> dict[str, str]:
    """Ids by login: a second handler and a second officer of Jinan's bureau, beside the cast."""
    officer = caller("security_admin")
    with database.transaction() as tx:
        for new in (NewPerson("li", "李某", "handler"), NewPerson("wang", "王某", "city", city=JINAN)):
            people.add_person(tx, log, officer, new)
            client.tokens[new.login] = people.add_token(tx, log, officer, new.login, "test")[1]
    return {who: client.get(who, "/api/v1/people/me").json()["id"] for who in ("handler", "li", "jinan", "wang")}


def put(client: Client, who: str, row: Row, role: str, body: dict[str, Any], **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.request(who, "PUT", f"/api/v1/projects/{row['id']}/responsibles/{role}", json=body, headers=named)


def asked(projects: list[Row], login: str | None = "li", role: str = "handler") -> dict[str, Any]:
    return {"batch": BATCH, "projects": [row["id"] for row in projects], "role": role, "login": login}


def test_a_project_is_handed_over_and_given_back(
    client: Client, staff: dict[str, str], projects: list[Row], database: Database
) -> None:
    row, path = projects[0], f"/api/v1/projects/{projects[0]['id']}/responsibles"
    body = {"login": "handler", "note": "熟悉该行业"}
    done = put(client, "head", row, "handler", body, If_Match='"1"', Idempotency_Key="r")
    again = put(client, "head", row, "handler", body, If_Match='"1"', Idempotency_Key="r")
    assert (done.status_code, done.headers["etag"]) == (200, '"2"'), done.text
    assert (again.json(), again.headers["idempotent-replayed"]) == (done.json(), "true")
    assert (done.json()["before"], done.json()["person"]) == (None, staff["handler"])
    shown = {"id": staff["handler"], "login": "handler", "name": "省厅经办", "active": True}
    assert client.get("unit", path).json() == {"project": row["id"], "responsible": {"handler": shown}}
    same = put(client, "head", row, "handler", body).json()
    assert (same["version"], same["receipt"]) == (2, None)
    assert put(client, "handler", row, "handler", {"login": "li"}).json()["before"] == staff["handler"]
    told = {item["details"]["person"] for item in announced(database)}
    assert told == {staff["handler"], staff["li"]}
    back = put(client, "head", row, "handler", {"login": None}).json()
    assert (back["before"], back["person"], client.get("head", path).json()["responsible"]) == (staff["li"], None, {})
    kinds = [entry["type"] for entry in read_entries(database, f"project/{row['id']}")]
    assert kinds == ["project.created", *["project.reassigned"] * 3]


def test_who_may_hand_over_what(client: Client, staff: dict[str, str], projects: list[Row], database: Database) -> None:
    row = projects[0]
    problem(put(client, "handler", row, "handler", {"login": "li"}), 403, "forbidden")  # not in his own charge
    problem(put(client, "jinan", row, "handler", {"login": "li"}), 403, "forbidden")
    problem(put(client, "handler", row, "city", {"login": "wang"}), 403, "forbidden")
    problem(put(client, "unit", row, "city", {"login": "wang"}), 403, "forbidden")
    problem(put(client, "head", row, "applicant", {"login": "unit"}), 400, "unreadable")
    problem(put(client, "head", row, "nothing", {"login": "li"}), 400, "unreadable")
    for login in ("wang", "nobody", "head"):
        problem(put(client, "head", row, "handler", {"login": login}), 400, "unreadable")
    problem(put(client, "qingdao", projects[2], "city", {"login": "wang"}), 400, "unreadable")  # of another city
    assert put(client, "jinan", row, "city", {"login": "wang"}).json()["person"] == staff["wang"]
    for who in ("qingdao", "stranger", "expert"):
        problem(put(client, who, row, "handler", {"login": "li"}), 404, "not-found")
    problem(put(client, "head", row, "handler", {"login": "li"}, If_Match='"1"'), 412, "conflict")
    problem(put(client, "head", row, "handler", {"login": "li", "expected_version": 1}), 409, "conflict")
    outcomes = [entry["outcome"] for entry in read_entries(database, f"project/{row['id']}")]
    assert (outcomes.count("denied"), outcomes.count("failed")) == (4, 7)


def test_many_are_handed_over_as_previewed_or_not_at_all(
    client: Client, staff: dict[str, str], projects: list[Row], database: Database
) -> None:
    put(client, "head", projects[0], "handler", {"login": "li"})
    shown = client.post("head", PREVIEWS, asked(projects)).json()
    assert (shown["counts"], shown["person"]["login"]) == ({"changed": 2, "same": 1}, "li")
    assert [row["changes"] for row in shown["rows"]] == [False, True, True]
    body = asked(projects) | {"digest": shown["digest"], "note": "统一调整"}
    done = client.post("head", COMMITS, body, headers={"Idempotency-Key": "many"})
    again = client.post("head", COMMITS, body, headers={"Idempotency-Key": "many"})
    assert (done.status_code, done.json()["counts"]) == (200, {"changed": 2, "same": 1}), done.text
    assert (again.json(), again.headers["idempotent-replayed"]) == (done.json(), "true")
    assert [read_project(database, row["id"])["responsible"] for row in projects] == [{"handler": staff["li"]}] * 3
    assert [item["receipt"] is None for item in done.json()["assigned"]] == [True, False, False]
    told = problem(client.post("head", COMMITS, body), 409, "preview-stale")
    assert (told["given"], len(told["present"])) == (shown["digest"], 64)
    problem(client.post("head", COMMITS, body | {"login": None}), 409, "preview-stale")


def test_refusals_of_many_are_told_and_logged(
    client: Client, staff: dict[str, str], projects: list[Row], batch: Row, database: Database
) -> None:
    digest = {"digest": "0" * 64}
    problem(client.post("handler", PREVIEWS, asked(projects)), 403, "forbidden")
    problem(client.post("handler", COMMITS, asked(projects) | digest), 403, "forbidden")
    problem(client.post("expert", COMMITS, asked(projects) | digest), 403, "forbidden")
    told = problem(client.post("jinan", COMMITS, asked(projects, "wang", "city") | digest), 404, "not-found")
    assert told["projects"] == [projects[2]["id"]]
    entries = read_entries(database, f"batch/{batch['id']}")
    assert [entry["action"] for entry in entries if entry["outcome"] == "denied"] == ["assign_many"] * 2
    problem(client.post("head", COMMITS, asked(projects) | digest | {"batch": "nowhere"}), 404, "not-found")
    for wrong in ([], [projects[0]] * 2):
        problem(client.post("head", PREVIEWS, asked(wrong)), 400, "unreadable")
    problem(client.post("head", PREVIEWS, asked(projects) | {"projects": ["x"]}), 404, "not-found")
    for change in ({"digest": "0"}, {"role": "Handler"}, {"login": ""}, {"projects": "all"}, {"all": True}):
        problem(client.post("head", COMMITS, asked(projects) | digest | change), 422, "invalid")
    without = {name: value for name, value in asked(projects).items() if name != "login"}
    problem(client.post("head", PREVIEWS, without), 422, "invalid")
    assert [read_project(database, row["id"])["version"] for row in projects] == [1, 1, 1]


def test_what_is_asked_of_one_wrongly_is_said(client: Client, projects: list[Row]) -> None:
    for body in ({}, {"login": 1}, {"login": "li", "note": "x" * 501}, {"login": "li", "person": "li"}):
        problem(put(client, "head", projects[0], "handler", body), 422, "invalid")
