"""Checkpoints over HTTP: lists with lights, counts, a project's own, each within one's reach."""

from datetime import date
from typing import Any

import pytest

from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.statements import Row
from tests.api.conftest import Client, Clock, problem
from tests.lifecycle.builders import JINAN, QINGDAO, act

CHECKPOINTS = "/api/v1/checkpoints"
LIGHTS = "/api/v1/batches/sd-gongfu-2024-2/lights"
GREEN = {"green": 1, "yellow": 0, "red": 0}


def codes(client: Client, who: str, query: str = "") -> list[str]:
    answer = client.get(who, f"{CHECKPOINTS}?{query}")
    assert answer.status_code == 200, answer.text
    return [item["code"][-1] for item in answer.json()["items"]]


@pytest.fixture
def noted(client: Client, projects: list[Row]) -> dict[str, Any]:
    """A deadline of the first project, in the handler's charge, of which only the province knows."""
    path = f"/api/v1/projects/{projects[0]['id']}"
    body = {"title": "内部核查", "due_on": "2024-07-10", "to": ["handler"]}
    answer = client.post("handler", f"{path}/deadlines", body)
    client.request("head", "PUT", f"{path}/responsibles/handler", json={"login": "handler"})
    return dict(answer.json())


def test_each_sees_the_checkpoints_within_reach_the_one_due_first_at_the_head(
    client: Client, noted: dict[str, Any]
) -> None:
    seen = {who: sorted(codes(client, who)) for who in ("handler", "auditor", "jinan", "qingdao", "unit", "stranger")}
    everything = ["1", "1", "2", "3"]
    assert seen == {
        "handler": everything,
        "auditor": everything,
        "jinan": ["1", "2"],
        "qingdao": ["3"],
        "unit": ["1"],
        "stranger": [],
    }
    assert codes(client, "expert") == []
    first = client.get("handler", CHECKPOINTS).json()["items"][0]
    handler = client.get("handler", "/api/v1/people/me").json()
    assert {name: first[name] for name in ("kind", "label", "due_on", "light", "days_left", "to", "responsible")} == {
        "kind": "by_hand",
        "label": {"zh": "内部核查", "en": "内部核查"},
        "due_on": "2024-07-10",
        "light": "yellow",
        "days_left": 9,
        "to": ["handler"],
        "responsible": {"handler": {"id": handler["id"], "name": "省厅经办"}},
    }
    assert "内部核查" not in client.get("jinan", CHECKPOINTS).text


def test_before_any_batch_is_open_there_is_nothing(client: Client) -> None:
    assert [client.get("handler", path).json()["items"] for path in (CHECKPOINTS, "/api/v1/notices")] == [[], []]


def test_filters_narrow_the_list(client: Client, projects: list[Row], noted: dict[str, Any]) -> None:
    assert codes(client, "handler", "batch=sd-gongfu-2024-2&kind=city_cutoff&city=370200") == ["3"]
    assert codes(client, "handler", "light=yellow") == ["1"]
    assert sorted(codes(client, "handler", "light=green")) == ["1", "2", "3"]
    assert codes(client, "handler", "light=red") == []
    assert codes(client, "handler", "mine=true") == ["1"]
    assert codes(client, "head", "mine=true") == []
    assert sorted(codes(client, "jinan", "mine=true")) == ["1", "2"]
    assert codes(client, "handler", f"project={projects[1]['id'].upper()}") == ["2"]
    assert codes(client, "handler", "state=applied") == []
    assert codes(client, "handler", "provisional=true") == []
    assert len(codes(client, "handler", "provisional=false")) == 4
    assert codes(client, "qingdao", f"project={projects[0]['id']}") == []


def test_pages_link_to_one_another_until_the_end(client: Client, noted: dict[str, Any]) -> None:
    seen: list[str] = []
    path: str | None = f"{CHECKPOINTS}?limit=3&batch=sd-gongfu-2024-2"
    lengths = []
    while path:
        answer = client.get("handler", path)
        following = answer.json()["next"]
        assert answer.headers.get("link") == (f'<{following}>; rel="next"' if following else None)
        lengths.append(len(answer.json()["items"]))
        seen += [item["id"] for item in answer.json()["items"]]
        path = following
    assert (lengths, len(set(seen))) == ([3, 1], 4)


def test_what_is_asked_wrongly_is_said(client: Client, projects: list[Row]) -> None:
    problem(client.get("handler", f"{CHECKPOINTS}?batch=nowhere"), 404, "not-found")
    problem(client.get("expert", f"{CHECKPOINTS}?batch=sd-gongfu-2024-2"), 403, "forbidden")
    problem(client.get("handler", f"{CHECKPOINTS}?project=1"), 404, "not-found")
    for query in ("light=blue", "mine=perhaps", "limit=0", "limit=201"):
        assert problem(client.get("handler", f"{CHECKPOINTS}?{query}"), 422, "invalid")["errors"]
    for query in ("after=nonsense", "colour=red", "city=1&city=2", "kind=%01"):
        problem(client.get("handler", f"{CHECKPOINTS}?{query}"), 400, "unreadable")
    problem(client.get("handler", f"{LIGHTS}?light=red"), 400, "unreadable")
    problem(client.get("expert", LIGHTS), 403, "forbidden")
    problem(client.get("handler", "/api/v1/batches/nowhere/lights"), 404, "not-found")
    problem(client.get("qingdao", f"/api/v1/projects/{projects[0]['id']}/checkpoints"), 404, "not-found")
    wrong = f"/api/v1/projects/{projects[0]['id']}/checkpoints?status=waiting"
    problem(client.get("handler", wrong), 422, "invalid")


def test_lights_are_counted_by_city_as_of_the_batchs_day(client: Client, noted: dict[str, Any], clock: Clock) -> None:
    assert client.get("handler", LIGHTS).json() == {
        "batch": "sd-gongfu-2024-2",
        "on": "2024-07-01",
        "by_city": {JINAN: {"green": 2, "yellow": 1, "red": 0}, QINGDAO: GREEN},
        "total": {"green": 3, "yellow": 1, "red": 0},
    }
    assert client.get("qingdao", LIGHTS).json()["by_city"] == {QINGDAO: GREEN}
    assert client.get("jinan", LIGHTS).json()["total"] == {"green": 2, "yellow": 0, "red": 0}
    clock.now = clock.now.replace(day=31, hour=15, minute=59)  # the last minute of the day in Shanghai
    assert client.get("jinan", LIGHTS).json()["total"] == {"green": 0, "yellow": 2, "red": 0}
    clock.now = clock.now.replace(hour=16, minute=0)
    told = client.get("jinan", LIGHTS).json()
    assert (told["on"], told["total"]) == ("2024-08-01", {"green": 0, "yellow": 0, "red": 2})
    assert codes(client, "jinan", "light=red") == codes(client, "jinan")


def test_a_project_shows_what_opened_and_ended_each_of_its_checkpoints(
    client: Client, projects: list[Row], noted: dict[str, Any], clock: Clock, database: Database, log: Log
) -> None:
    path = f"/api/v1/projects/{projects[0]['id']}/checkpoints"
    client.patch("handler", f"/api/v1/projects/{projects[0]['id']}/deadlines/1", {"due_on": "2024-07-12"})
    act(database, log, projects[0]["id"], "submit")
    act(database, log, projects[0]["id"], "recommend")
    clock.go_to(date(2024, 7, 26))

    def told(who: str, query: str = "") -> list[tuple[Any, ...]]:
        items = client.get(who, path + query).json()["items"]
        names = ("kind", "status", "due_on", "light", "days_left")
        return [(*(item[name] for name in names), item["reason"]["code"]) for item in items]

    everything = [
        ("by_hand", "superseded", "2024-07-10", None, None, "move_deadline"),
        ("by_hand", "open", "2024-07-12", "red", -14, "move_deadline"),
        ("city_cutoff", "closed", "2024-07-31", None, None, "recommend"),
        ("package_due", "open", "2024-08-05", "yellow", 10, "submit"),
    ]
    assert told("handler") == everything
    assert told("jinan") == everything[2:]
    assert told("handler", "?status=open") == [everything[1], everything[3]]
    items = client.get("handler", path).json()["items"]
    assert items[1]["replaces"] == items[0]["id"] == noted["checkpoint"]
    assert items[0]["reason"] == {"code": "move_deadline", "zh": "调整期限", "en": "deadline moved"}
    assert items[2]["reason"]["zh"] == "市级推荐"
    assert (items[2]["ended_at"], items[3]["ended_at"]) == ("2024-07-25T01:00:00.000000Z", None)
