"""Rewards of a draft over HTTP: tried out, filled in, refused where they cannot be worked out."""

from datetime import date

from pydantic import TypeAdapter

from api.shapes.awards import Allotted, Tried
from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.statements import Row
from tests.api.conftest import Client, Clock, problem
from tests.lifecycle.builders import drive

BATCH = "/api/v1/batches/sd-gongfu-2024-2/dockets"


def test_score_lines_are_tried_out_and_amounts_are_filled_in(
    client: Client, clock: Clock, projects: list[Row], database: Database, log: Log
) -> None:
    project = drive(database, log, projects[0]["id"], "one_year_accepted")["id"]
    clock.go_to(date(2025, 10, 20))
    put = [{"project": project, "fields": {"evaluation_score": "91"}}]
    one = client.post("handler", BATCH, {"kind": "reward_proposal", "put": put}).headers["location"]
    tried = client.post("handler", f"{one}/trials", {"lines": {"first": "92.5"}})
    assert tried.status_code == 200, tried.text
    TypeAdapter(Tried).validate_json(tried.content)
    assert [(move["from"]["tier"], move["to"]["tier"]) for move in tried.json()["moves"]] == [("first", "second")]
    problem(client.post("handler", f"{one}/trials", {"lines": {"first": "1e2"}}), 422, "invalid")
    problem(client.post("handler", f"{one}/trials", {"lines": {"fourth": "50"}}), 400, "unreadable")
    problem(client.post("auditor", f"{one}/trials", {}), 403, "forbidden")
    problem(client.post("jinan", f"{one}/trials", {}), 404, "not-found")
    problem(client.post("handler", f"{one}/allotments", {}, headers={"If-Match": '"7"'}), 412, "conflict")
    key = {"Idempotency-Key": "allot-1", "If-Match": '"1"'}
    filled = client.post("handler", f"{one}/allotments", {}, headers=key)
    TypeAdapter(Allotted).validate_json(filled.content)
    assert (filled.headers["etag"], filled.json()["reckoning"]["cost_fen"]) == ('"2"', 60_000_000)
    assert client.post("handler", f"{one}/allotments", {}, headers=key).headers["idempotent-replayed"] == "true"
    (item,) = client.get("handler", one).json()["items"]
    assert item["fields"] == {"evaluation_score": "91.00", "tier": ["first"], "reward_fen": 60_000_000}
