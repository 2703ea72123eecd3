"""The past over HTTP: a project and a batch as of an instant, within the reader's reach, without an ETag."""

from datetime import date
from pathlib import Path

import pytest

from api.shapes.projects import ListedThen, ProjectThen
from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.statements import Row
from tests.api.conftest import Client, Clock, problem
from tests.api.test_cli import BATCH as CODE
from tests.api.test_cli import answer, home, pilot, staffed
from tests.lifecycle.builders import drive, force

__all__ = ["home", "staffed"]
BATCH = "/api/v1/projects?batch=sd-gongfu-2024-2"
THEN = "2024-07-21T00:00:00Z"  # submitted, not recommended yet


@pytest.fixture
def project(client: Client, clock: Clock, database: Database, log: Log, projects: list[Row]) -> Row:
    clock.go_to(date(2025, 1, 1))
    return drive(database, log, projects[0]["id"], "under_objection")


def test_a_project_of_the_past_is_within_reach_and_has_no_version_to_act_on(client: Client, project: Row) -> None:
    address = f"/api/v1/projects/{project['id']}"
    for who, status in {"handler": 200, "jinan": 200, "unit": 200, "qingdao": 404, "expert": 404}.items():
        assert client.get(who, f"{address}?as_of={THEN}").status_code == status
    answered = client.get("jinan", f"{address}?as_of=2024-07-21T08:00:00%2B08:00")
    assert "etag" not in answered.headers
    told = ProjectThen.model_validate(answered.json())
    assert (told.state, told.version, told.as_of) == ("applied", 2, "2024-07-21T00:00:00.000000Z")
    assert (told.rebuilt_from.seq, told.contact_phone) == (2, "13800000000")
    assert client.get("jinan", address).headers["etag"] == f'"{project["version"]}"'
    ways = {"2024-07-21T08:00:00+08:00": "%2B", "2024-07-21": "with Z", "2026-01-01T00:00:00Z": "future"}
    for text, said in ways.items():  # a bare + is a blank by the time that it is read
        assert said in problem(client.get("jinan", f"{address}?as_of={text}"), 400, "unreadable")["detail"]
    told_early = problem(client.get("jinan", f"{address}?as_of=2024-06-01T00:00:00Z"), 404, "not-found")
    assert "not entered yet" in told_early["detail"]


def test_a_batch_of_the_past_is_read_page_by_page(client: Client, project: Row, projects: list[Row]) -> None:
    first = client.get("handler", f"{BATCH}&as_of={THEN}&limit=2")
    assert "etag" not in first.headers
    told = ListedThen.model_validate(first.json())
    assert [item.state for item in told.items] == ["applied", "draft"]
    rest = ListedThen.model_validate(client.get("handler", str(told.next)).json())
    assert ([item.id for item in rest.items], rest.next) == ([projects[2]["id"]], None)
    applied = client.get("jinan", f"{BATCH}&as_of={THEN}&state=applied&city=370100").json()
    assert [item["id"] for item in applied["items"]] == [project["id"]]
    assert client.get("qingdao", f"{BATCH}&as_of={THEN}").json()["items"][0]["id"] == projects[2]["id"]
    assert client.get("expert", f"{BATCH}&as_of={THEN}").status_code == 403
    for query in (f"?as_of={THEN}", f"?batch=x&as_of={THEN}&text=a", f"?batch=x&as_of={THEN}&sort=title"):
        problem(client.get("handler", f"/api/v1/projects{query}"), 400, "unreadable")


def test_a_stream_that_was_tampered_with_tells_nothing(client: Client, project: Row, database: Database) -> None:
    force(database, ("DELETE FROM entry WHERE stream = ? AND seq = 2", (f"project/{project['id']}",)))
    answered = client.get("handler", f"/api/v1/projects/{project['id']}?as_of={THEN}")
    assert problem(answered, 500, "log-broken")["project"] == project["id"]
    told = client.get("handler", f"{BATCH}&as_of={THEN}").json()
    assert told["broken"] == [{"id": project["id"], "code": project["code"]}]


def test_the_command_line_shows_the_past_too(staffed: Path) -> None:
    (item,) = answer("projects", "--batch", CODE)["items"]
    instant = answer("show", item["code"])["changed_at"]
    past = answer("show", item["code"], "--as-of", instant)
    assert (past["state"], past["rebuilt_from"]["seq"], past["as_of"]) == (item["state"], 1, instant)
    listed = answer("projects", "--batch", CODE, "--as-of", instant)
    assert (listed["items"], listed["broken"]) == ([item], [])
    assert answer("projects", "--batch", CODE, "--as-of", "2020-01-01T00:00:00Z")["items"] == []
    assert answer("show", item["code"], "--as-of", "2020-01-01T00:00:00Z", code=1)["refused"] == "not-found"
    assert answer("show", item["code"], "--as-of", "2020-01-01", code=1)["refused"] == "unreadable"
    assert pilot("projects", "--as-of", instant).exit_code == 2
    assert "rebuilt as of" in pilot("show", item["code"], "--as-of", instant).stdout
