"""The ledger and the to-dos over HTTP: what each sees, page by page, and the marks of what was read."""

from datetime import date
from typing import Any, get_args

import pytest

from api.shapes import notices as shapes
from lifecycle import notices, outbox
from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.statements import Row
from lifecycle.tables.notices import CHANNELS
from tests.api.conftest import CAST, Client, Clock, problem
from tests.lifecycle.builders import act, read_entries
from tests.schedules.arranging import World, add_address

NOTICES, TO_DOS, READINGS = "/api/v1/notices", "/api/v1/to-dos", "/api/v1/notices/readings"


@pytest.fixture
def world(client: Client, projects: list[Row], batch: Row, database: Database, log: Log, clock: Clock) -> World:
    """Everybody is told of what opened for three projects; Jinan's bureau by mail too."""
    people = {who: client.get(who, "/api/v1/people/me").json()["id"] for who in CAST}
    made = World(database, log, batch, people)
    add_address(made, "jinan")
    made.tick(clock.now)
    return made


def seen(client: Client, who: str, query: str = "") -> list[tuple[str, str, str]]:
    """Return (name, channel, project's number) of the ledger as somebody sees it."""
    answer = client.get(who, f"{NOTICES}?{query}")
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    who_was = [item["recipient"]["name"] or item["recipient"]["role"] for item in items]
    return sorted(
        (name, item["channel"], item["project"]["code"][-1]) for name, item in zip(who_was, items, strict=True)
    )


def test_the_described_words_are_those_of_the_house() -> None:
    described = [get_args(kind) for kind in (shapes.NoticeStatus, shapes.MessageStatus, shapes.Channel)]
    assert described == [notices.STATUSES, outbox.STATUSES, CHANNELS]


def test_each_sees_of_the_ledger_what_lies_within_reach(client: Client, world: World) -> None:
    bureau, unit, other = "济南市局", "牵头单位", "青岛市局"
    jinan = [(bureau, "email", "1"), (bureau, "email", "2"), (bureau, "inbox", "1"), (bureau, "inbox", "2")]
    unheard = [("applicant", "inbox", "2"), ("applicant", "inbox", "3")]  # these two units have nobody here
    everything = [*unheard, *jinan, (unit, "inbox", "1"), (other, "inbox", "3")]
    assert {who: seen(client, who) for who in CAST} == {
        "handler": everything,
        "head": everything,
        "auditor": everything,
        "jinan": [unheard[0], *jinan, (unit, "inbox", "1")],
        "qingdao": [unheard[1], (other, "inbox", "3")],
        "unit": [(unit, "inbox", "1")],
        "stranger": [],
        "expert": [],
        "security": [],
    }


def test_a_row_of_the_ledger_says_why_and_what_became_of_it(client: Client, world: World, projects: list[Row]) -> None:
    (item,) = client.get("handler", f"{NOTICES}?project={projects[0]['id']}&channel=email").json()["items"]
    names = ("occasion", "kind", "status", "reason", "late", "planned_at", "version")
    assert {name: item[name] for name in names} == {
        "occasion": "opened",
        "kind": "opened",
        "status": "sent",
        "reason": None,
        "late": False,
        "planned_at": "2024-07-01T01:00:00.000000Z",
        "version": 1,
    }
    assert item["recipient"] == {"id": world.people["jinan"], "name": "济南市局", "role": "city"}
    assert (item["message"]["status"], item["message"]["tries"][0]["result"]) == ("sent", "sent")
    assert item["cause"] == f"checkpoint/{item['checkpoint']['id']}"


def test_filters_narrow_the_ledger(client: Client, world: World, projects: list[Row]) -> None:
    assert len(seen(client, "handler", "batch=sd-gongfu-2024-2&channel=inbox")) == 6
    assert len(seen(client, "handler", f"recipient={world.people['jinan'].upper()}&channel=inbox")) == 2
    assert seen(client, "handler", "status=waiting") == []
    assert (seen(client, "handler", "mine=true"), len(seen(client, "jinan", "mine=true"))) == ([], 4)
    (item, *_) = client.get("qingdao", NOTICES).json()["items"]
    assert len(seen(client, "handler", f"checkpoint={item['checkpoint']['id']}")) == 2
    assert seen(client, "jinan", f"checkpoint={item['checkpoint']['id']}") == []


def test_pages_link_to_one_another_until_the_end(client: Client, world: World) -> None:
    ids: list[str] = []
    path: str | None = f"{NOTICES}?limit=4"
    while path:
        answer = client.get("handler", path)
        ids += [item["id"] for item in answer.json()["items"]]
        path = answer.json()["next"]
        assert answer.headers.get("link") == (f'<{path}>; rel="next"' if path else None)
    assert (len(ids), len(set(ids))) == (8, 8)


def test_what_is_asked_wrongly_is_said(client: Client, batch: Row) -> None:
    problem(client.get("handler", f"{NOTICES}?batch=nowhere"), 404, "not-found")
    problem(client.get("expert", f"{NOTICES}?batch=sd-gongfu-2024-2"), 403, "forbidden")
    for query in ("project=1", "checkpoint=x", "recipient=jinan", "after=x", "who=jinan", "status=sent&status=sent"):
        problem(client.get("handler", f"{NOTICES}?{query}"), 400, "unreadable")
    for query in ("status=gone", "channel=fax", "limit=0", "mine=2"):
        problem(client.get("handler", f"{NOTICES}?{query}"), 422, "invalid")
    problem(client.get("handler", f"{TO_DOS}?limit=1"), 400, "unreadable")
    wrong: list[Any] = [{}, {"notices": []}, {"notices": "x"}, {"notices": [1]}, {"notices": ["x"] * 501}]
    for body in [*wrong, {"notices": ["x"], "all": True}]:
        problem(client.post("handler", READINGS, body), 422, "invalid")
    problem(client.post("handler", READINGS), 415, "unsupported-media-type")


def test_a_to_do_is_done_when_its_checkpoint_ends(
    client: Client, world: World, projects: list[Row], clock: Clock
) -> None:
    def told(who: str) -> dict[str, list[tuple[str, str]]]:
        found = client.get(who, TO_DOS).json()
        return {
            name: sorted((item["project"]["code"][-1], item["checkpoint"]["kind"]) for item in items)
            for name, items in found.items()
        }

    assert told("jinan") == {"open": [("1", "city_cutoff"), ("2", "city_cutoff")], "done": []}
    assert told("unit") == {"open": [("1", "city_cutoff")], "done": []}
    assert told("handler") == told("expert") == {"open": [], "done": []}
    act(world.database, world.log, projects[0]["id"], "submit")
    act(world.database, world.log, projects[0]["id"], "recommend")
    clock.go_to(date(2024, 7, 26))
    world.tick(clock.now)
    assert told("unit")["done"] == [("1", "city_cutoff")]
    assert told("jinan")["done"] == [("1", "city_cutoff")]


def test_reading_marks_ones_own_notices_once(client: Client, world: World, database: Database) -> None:
    items = client.get("jinan", TO_DOS).json()["open"]
    foreign = client.get("qingdao", TO_DOS).json()["open"][0]["id"]
    asked = {"notices": [items[0]["id"].upper(), items[0]["id"], foreign, "nonsense"]}
    key = {"Idempotency-Key": "read"}
    first = client.post("jinan", READINGS, asked, headers=key)
    again = client.post("jinan", READINGS, asked, headers=key)
    assert (first.json(), again.json(), again.headers["idempotent-replayed"]) == ({"read": 1}, {"read": 1}, "true")
    assert client.post("jinan", READINGS, asked).json() == {"read": 0}
    marks = {item["id"]: item["read_at"] for item in client.get("jinan", TO_DOS).json()["open"]}
    assert marks == {items[0]["id"]: "2024-07-01T02:00:00.000000Z", items[1]["id"]: None}
    assert client.get("qingdao", TO_DOS).json()["open"][0]["read_at"] is None
    before = len(read_entries(database, f"user/{world.people['jinan']}"))
    problem(client.post("jinan", READINGS, asked, headers={"Idempotency-Key": "a b"}), 400, "unreadable")
    assert len(read_entries(database, f"user/{world.people['jinan']}")) == before + 1
