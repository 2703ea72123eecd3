"""The outbox over HTTP: who reads it, dead letters sent again, messages that came back."""

import pytest

from lifecycle import people
from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.people import NewPerson
from lifecycle.statements import Row
from schedules.parcels import Result
from tests.api.conftest import CAST, Client, Clock, problem
from tests.lifecycle.builders import caller, read_entries
from tests.schedules.arranging import World, add_address

MESSAGES = "/api/v1/messages"
ABSENT = "018f0000-0000-7000-8000-000000000000"


@pytest.fixture
def world(client: Client, projects: list[Row], batch: Row, database: Database, log: Log, clock: Clock) -> World:
    """Two messages to Jinan's bureau that were sent, one to Qingdao's that was refused for good."""
    with database.transaction() as tx:
        officer = caller("security_admin")
        people.add_person(tx, log, officer, NewPerson("admin", "系统管理员", "system_admin"))
        client.tokens["admin"] = people.add_token(tx, log, officer, "admin", "test")[1]
    made = World(database, log, batch, {who: client.get(who, "/api/v1/people/me").json()["id"] for who in CAST})
    add_address(made, "jinan")
    add_address(made, "qingdao")
    refused = Result("never", "550 no such mailbox")
    made.post.answer = lambda parcel: refused if "qingdao" in parcel.target else Result("sent")
    made.tick(clock.now)
    return made


def listed(client: Client, who: str, query: str = "") -> list[tuple[str, str]]:
    answer = client.get(who, f"{MESSAGES}?{query}")
    assert answer.status_code == 200, answer.text
    return sorted((item["recipient"]["name"], item["status"]) for item in answer.json()["items"])


def message_of(client: Client, status: str) -> str:
    return str(client.get("handler", f"{MESSAGES}?status={status}&limit=1").json()["items"][0]["id"])


def test_who_manages_batches_or_the_system_or_audits_reads_the_outbox(client: Client, world: World) -> None:
    everything = [("济南市局", "sent"), ("济南市局", "sent"), ("青岛市局", "dead")]
    for who in ("handler", "head", "auditor", "admin"):
        assert listed(client, who) == everything
        assert listed(client, who, "batch=sd-gongfu-2024-2&status=dead") == everything[2:]
        problem(client.get(who, f"{MESSAGES}?batch=nowhere"), 404, "not-found")
    for who in ("jinan", "unit", "expert", "security"):
        for query in ("", "?batch=nowhere", "?batch=sd-gongfu-2024-2"):
            problem(client.get(who, MESSAGES + query), 403, "forbidden")
    assert "example.invalid" not in client.get("handler", MESSAGES).text  # addresses are their persons' own


def test_the_outbox_is_narrowed_and_paged(client: Client, world: World) -> None:
    assert listed(client, "handler", f"recipient={world.people['jinan'].upper()}") == [("济南市局", "sent")] * 2
    assert listed(client, "handler", "channel=sms") == []
    first = client.get("handler", f"{MESSAGES}?limit=2")
    assert first.headers["link"] == f'<{first.json()["next"]}>; rel="next"'
    assert len(client.get("handler", first.json()["next"]).json()["items"]) == 1
    for query in ("recipient=jinan", "after=x", "color=red"):
        problem(client.get("handler", f"{MESSAGES}?{query}"), 400, "unreadable")
    for query in ("status=gone", "channel=fax", "limit=201"):
        problem(client.get("handler", f"{MESSAGES}?{query}"), 422, "invalid")


def test_a_dead_letter_is_sent_again_once(client: Client, world: World, clock: Clock, database: Database) -> None:
    path, key = f"{MESSAGES}/{message_of(client, 'dead')}/requeues", {"Idempotency-Key": "again"}
    for who in ("jinan", "auditor", "expert"):
        problem(client.post(who, path), 403, "forbidden")
    done = client.post("admin", path, headers=key)
    again = client.post("admin", path, headers=key)
    assert (done.status_code, done.json()["status"]) == (200, "waiting"), done.text
    assert (again.json(), again.headers["idempotent-replayed"]) == (done.json(), "true")
    assert problem(client.post("handler", path), 409, "conflict")["status"] == 409
    world.post.answer = lambda parcel: Result("sent")
    world.tick(clock.now)
    assert listed(client, "handler", "status=sent") == [("济南市局", "sent")] * 2 + [("青岛市局", "sent")]
    assert [entry["type"] for entry in read_entries(database, "system/delivery")] == ["message.requeued"]
    attempts = read_entries(database, "system/attempts")
    assert [(entry["type"], entry["outcome"]) for entry in attempts] == [
        *[("message.attempted", "denied")] * 3,
        ("message.attempted", "failed"),
    ]


def test_a_message_that_came_back_is_noted_and_may_be_sent_again(
    client: Client, world: World, database: Database
) -> None:
    message = message_of(client, "sent")
    path, body = f"{MESSAGES}/{message}/bounces", {"reason": "554 mailbox full"}
    problem(client.post("jinan", path, body), 403, "forbidden")
    assert client.post("handler", path, body).json() == {"message": message, "failed": 1}
    assert client.post("handler", path, body).json() == {"message": message, "failed": 0}
    assert [entry["type"] for entry in read_entries(database, "system/delivery")] == ["message.bounced"]
    (item,) = client.get("handler", f"/api/v1/notices?status=failed&recipient={world.people['jinan']}").json()["items"]
    assert (item["reason"]["code"], item["message"]["tries"][-1]["error"]) == ("bounced", "554 mailbox full")
    assert client.post("handler", f"{MESSAGES}/{message}/requeues").status_code == 200
    problem(client.post("handler", path, body), 409, "conflict")


def test_what_is_asked_wrongly_is_said(client: Client, world: World) -> None:
    for name in (ABSENT, "1", "%00", "张三", "x" * 300):
        for path, body in (("requeues", None), ("bounces", {"reason": "x"})):
            problem(client.post("handler", f"{MESSAGES}/{name}/{path}", body), 404, "not-found")
    path = f"{MESSAGES}/{message_of(client, 'sent')}"
    for body in ({}, {"reason": ""}, {"reason": " "}, {"reason": "x" * 2001}, {"reason": "a\x01"}, {"reason": 1}):
        problem(client.post("handler", f"{path}/bounces", body), 422, "invalid")
    problem(client.post("handler", f"{path}/bounces", {"reason": "x"}, headers={"If-Match": '"1"'}), 400, "unreadable")
    problem(client.post("handler", f"{path}/bounces"), 415, "unsupported-media-type")
    problem(client.get("handler", path), 404, "not-found")
