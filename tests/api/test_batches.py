"""Batches, definitions and policies over HTTP."""

import hashlib

import pytest

from lifecycle.database import Database
from lifecycle.statements import Row
from tests.api.conftest import Client, problem
from tests.lifecycle.builders import DEFINITION_TEXT, JINAN, POLICY_TEXT, QINGDAO, read_entries

BATCHES = "/api/v1/batches"
NAMED = {"code": "demo-1", "definition": "gongfu-pilot/1", "policy": "sd-gongfu-2024-2/1"}


def test_a_batch_is_opened_by_names_or_texts_once_under_a_key(client: Client) -> None:
    first = client.post("handler", BATCHES, {**NAMED, "invented": True}, headers={"Idempotency-Key": "b-1"})
    again = client.post("handler", BATCHES, {**NAMED, "invented": True}, headers={"Idempotency-Key": "b-1"})
    assert (first.status_code, first.headers["location"]) == (201, f"{BATCHES}/demo-1"), first.text
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    texts = {"code": "demo-2", "definition_toml": DEFINITION_TEXT, "policy_toml": POLICY_TEXT, "title": "另一批"}
    assert client.post("handler", BATCHES, texts).json()["title"] == "另一批"
    assert [item["code"] for item in client.get("jinan", BATCHES).json()["items"]] == ["demo-1", "demo-2"]
    assert client.get("jinan", f"{BATCHES}/{first.json()['id']}").json() == first.json()
    problem(client.post("handler", BATCHES, NAMED), 400, "unreadable")  # the code is taken


def test_rules_that_are_not_sound_open_nothing(client: Client, database: Database) -> None:
    unsound = DEFINITION_TEXT.replace('"publicity_long_enough"', '"no_such_rule"')
    told = problem(client.post("handler", BATCHES, _with(unsound)), 400, "unreadable")
    assert any(fault["place"] and "no_such_rule" in fault["message"]["en"] for fault in told["faults"])
    for text in ("x = [", "a = " + "[" * 5000, "n = " + "9" * 5000, "[definition]", "a = \ud7ff"):
        problem(client.post("handler", BATCHES, _with(text)), 400, "unreadable")
    assert client.get("handler", BATCHES).json()["items"] == []
    attempts = {(entry["type"], entry["outcome"]) for entry in read_entries(database, "system/attempts")}
    assert attempts == {("batches.attempted", "failed")}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({**NAMED, "definition_toml": DEFINITION_TEXT}, 422, "invalid"),
        ({"code": "x", "policy": "sd-gongfu-2024-2/1"}, 422, "invalid"),
        ({**NAMED, "code": "UPPER"}, 422, "invalid"),
        ({**NAMED, "definition": "nothing/1"}, 404, "not-found"),
    ],
)
def test_what_a_batch_is_opened_from_is_said_once_and_exists(
    client: Client, body: dict[str, str], status: int, code: str
) -> None:
    problem(client.post("handler", BATCHES, body), status, code)


def test_only_the_province_opens_batches_and_the_attempt_is_logged(client: Client, database: Database) -> None:
    for who in ("jinan", "unit", "auditor", "security", "expert"):
        problem(client.post(who, BATCHES, NAMED), 403, "forbidden")
    assert [entry["outcome"] for entry in read_entries(database, "system/attempts")] == ["denied"] * 5


def test_tasks_quotas_and_counts_surround_a_batch(client: Client, batch: Row, projects: list[Row]) -> None:
    path = f"{BATCHES}/{batch['code']}"
    assert [item["code"] for item in client.get("jinan", f"{path}/tasks").json()["items"]] == ["T01", "T02", "T03"]
    quotas = {item["key"]: item["left"] for item in client.get("handler", f"{path}/quotas").json()["items"]}
    assert quotas == {JINAN: 900, QINGDAO: 900}
    assert [item["key"] for item in client.get("jinan", f"{path}/quotas").json()["items"]] == [JINAN]
    assert client.get("jinan", f"{path}/quotas?pool=provider_projects").json()["items"] == []
    problem(client.get("handler", f"{path}/quotas?pool=nothing"), 400, "unreadable")
    assert client.get("handler", f"{path}/counts?by=city").json()["counts"] == {JINAN: 2, QINGDAO: 1}
    assert client.get("qingdao", f"{path}/counts").json() == {
        "batch": batch["code"],
        "by": "state",
        "counts": {"draft": 1},
        "total": 1,
    }
    problem(client.get("handler", f"{path}/counts?by=colour"), 422, "invalid")


def test_definitions_are_found_by_name_or_hash_and_drawn(client: Client, batch: Row) -> None:
    [listed] = client.get("unit", "/api/v1/definitions").json()["items"]
    assert (listed["hash"], listed["bundled"], listed["stored"]) == (batch["definition_hash"], True, True)
    for name in (listed["name"], listed["hash"]):
        whole = client.get("unit", f"/api/v1/definitions/{name}").json()
        assert hashlib.sha256(whole["toml"].encode()).hexdigest() == whole["hash"] == listed["hash"]
        assert whole["content"]["states"]["draft"]["zh"] == "填报中"
        drawn = client.get("unit", f"/api/v1/definitions/{name}/diagram.svg?current=applied&lang=en")
        assert (drawn.headers["content-type"], drawn.text[:4]) == ("image/svg+xml", "<svg")
        assert client.get("unit", f"/api/v1/definitions/{name}/diagram.mmd").text.startswith("stateDiagram-v2")
    policy = client.get("unit", f"/api/v1/policies/{batch['policy_hash']}").json()
    assert (policy["name"], policy["stored"]) == ("sd-gongfu-2024-2/1", True)
    assert policy["hash"] in {one["hash"] for one in client.get("unit", "/api/v1/policies").json()["items"]}
    problem(client.get("unit", "/api/v1/definitions/nothing/diagram.svg"), 404, "not-found")
    problem(client.get("unit", "/api/v1/policies/nothing"), 404, "not-found")
    problem(client.get("unit", f"/api/v1/definitions/{listed['name']}/diagram.svg?current=x"), 400, "unreadable")
    problem(client.get("unit", f"/api/v1/definitions/{listed['name']}/diagram.mmd?lang=fr"), 422, "invalid")


def test_a_version_of_its_own_is_found_by_hash_after_a_batch_used_it(client: Client) -> None:
    own = DEFINITION_TEXT + "\n# another version\n"
    opened = client.post("handler", BATCHES, _with(own)).json()
    whole = client.get("unit", f"/api/v1/definitions/{opened['definition_hash']}").json()
    assert (whole["toml"], whole["bundled"], whole["stored"]) == (own, False, True)
    assert client.get("unit", f"/api/v1/definitions/{whole['hash']}/diagram.mmd").status_code == 200


def _with(definition: str) -> dict[str, str]:
    return {"code": "demo-3", "definition_toml": definition, "policy_toml": POLICY_TEXT}
