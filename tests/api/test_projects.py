"""Projects over HTTP: entered, listed page by page, amended, assessed."""

from datetime import date
from typing import Any

import orjson

from lifecycle.database import Database
from lifecycle.snapshots import application_columns
from lifecycle.statements import Row
from states.changes import member_json
from tests.api.conftest import Client, Clock, body_for, problem
from tests.lifecycle.builders import QINGDAO, application, read_entries, read_project

PROJECTS = "/api/v1/projects"


def filed(number: int, batch: str = "sd-gongfu-2024-2", **changes: Any) -> dict[str, Any]:
    """Return the JSON body of a valid application."""
    given = application(number)
    columns = application_columns(given)
    plain = ("title", "task_code", "city", "ownership", "investment_fen", "opinion", "contact_name", "contact_phone")
    body = {name: columns[name] for name in plain} | {"members": [member_json(unit) for unit in given.members]}
    return orjson.loads(orjson.dumps({"batch": batch, **body, **changes}))


def test_a_project_is_entered_once_under_a_key(client: Client, batch: Row, database: Database) -> None:
    key = {"Idempotency-Key": "new-1"}
    first = client.post("handler", PROJECTS, filed(1), headers=key)
    again = client.post("handler", PROJECTS, filed(1), headers=key)
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json()), first.text
    assert (first.headers["location"], first.headers["etag"]) == (f"{PROJECTS}/{first.json()['id']}", '"1"')
    assert again.headers["idempotent-replayed"] == "true"
    assert read_project(database, first.json()["id"])["contact_phone"] == "13800000000"
    assert client.get("handler", PROJECTS).json()["items"][0]["code"] == "sd-gongfu-2024-2-00001"
    problem(client.post("handler", PROJECTS, filed(2), headers=key), 422, "idempotency-key-reused")
    assert len(client.get("handler", PROJECTS).json()["items"]) == 1


def test_the_same_key_at_the_same_moment_enters_one_project(client: Client, batch: Row) -> None:
    key = {"Idempotency-Key": "rush"}
    answers = client.post_together("handler", PROJECTS, [filed(1)] * 8, key)
    told = {answer.status_code for answer in answers}
    assert 201 in told and told <= {201, 503}  # who lost the race did nothing and is asked to try again
    [one] = client.get("handler", PROJECTS).json()["items"]
    assert {answer.json()["id"] for answer in answers if answer.status_code == 201} == {one["id"]}
    for answer in answers:
        if answer.status_code == 503:
            assert (problem(answer, 503, "busy")["status"], answer.headers["retry-after"]) == (503, "1")
    again = client.post("handler", PROJECTS, filed(1), headers=key)
    assert (again.json()["id"], again.headers["idempotent-replayed"]) == (one["id"], "true")


def test_a_batch_is_named_by_code_or_id_and_an_unknown_one_is_logged(
    client: Client, batch: Row, database: Database
) -> None:
    assert client.post("handler", PROJECTS, filed(1, batch["id"])).status_code == 201
    for name in ("nowhere", "zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz"):
        problem(client.post("handler", PROJECTS, filed(2, name)), 404, "not-found")
    assert [entry["type"] for entry in read_entries(database, "system/attempts")] == ["batch.attempted"] * 2


def test_a_city_enters_its_own_projects_only(client: Client, batch: Row, database: Database) -> None:
    assert client.post("jinan", PROJECTS, filed(1)).status_code == 201
    problem(client.post("jinan", PROJECTS, filed(2, city=QINGDAO)), 403, "forbidden")
    problem(client.post("auditor", PROJECTS, filed(2)), 403, "forbidden")
    outcomes = [entry["outcome"] for entry in read_entries(database, f"batch/{batch['id']}")]
    assert outcomes[-2:] == ["denied", "denied"]


def test_pages_link_to_one_another_until_the_end(client: Client, projects: list[Row]) -> None:
    seen, path = [], f"{PROJECTS}?limit=2&sort=-code&batch=sd-gongfu-2024-2"
    while path:
        answer = client.get("handler", path)
        seen.append([item["code"][-1] for item in answer.json()["items"]])
        following = answer.json()["next"]
        assert answer.headers.get("link") == (f'<{following}>; rel="next"' if following else None)
        path = following
    assert seen == [["3", "2"], ["1"]]


def test_filters_narrow_the_list(client: Client, projects: list[Row]) -> None:
    def codes(query: str) -> list[str]:
        return [item["code"][-1] for item in client.get("handler", f"{PROJECTS}?{query}").json()["items"]]

    assert codes(f"city={QINGDAO}") == ["3"]
    assert codes("text=数字化2") == ["2"]
    assert codes("state=draft&state=applied") == ["1", "2", "3"]
    assert codes("state=applied") == []
    assert codes(f"unit={projects[0]['lead_code']}") == ["1"]
    problem(client.get("handler", f"{PROJECTS}?batch=nowhere"), 404, "not-found")
    problem(client.get("handler", f"{PROJECTS}?after=nonsense"), 400, "unreadable")
    problem(client.get("handler", f"{PROJECTS}?limit=0"), 422, "invalid")
    problem(client.get("handler", f"{PROJECTS}?colour=red"), 400, "unreadable")
    problem(client.get("handler", f"{PROJECTS}?city=1&city=2"), 400, "unreadable")


def test_an_amendment_changes_what_it_names_under_its_version(
    client: Client, projects: list[Row], database: Database
) -> None:
    path = f"{PROJECTS}/{projects[0]['id']}"
    body = {"title": "新名称", "opinion": None, "reason": "申报单位更正"}
    done = client.patch("unit", path, body, headers={"If-Match": '"1"', "Idempotency-Key": "a-1"})
    assert (done.status_code, done.headers["etag"], done.json()["changed"]) == (200, '"2"', True), done.text
    again = client.patch("unit", path, body, headers={"If-Match": '"1"', "Idempotency-Key": "a-1"})
    assert (again.json(), again.headers["idempotent-replayed"]) == (done.json(), "true")
    row = read_project(database, projects[0]["id"])
    assert (row["title"], row["opinion"], row["version"]) == ("新名称", None, 2)
    same = client.patch("unit", path, {"title": "新名称"}).json()
    assert (same["changed"], same["receipt"], same["version"]) == (False, None, 2)
    problem(client.patch("unit", path, {"title": "x"}, headers={"If-Match": '"1"'}), 412, "conflict")
    problem(client.patch("unit", path, {"title": None}), 422, "invalid")
    problem(client.patch("unit", path, {"city": QINGDAO, "members": []}), 403, "forbidden")
    problem(client.patch("auditor", path, {"title": "x"}), 403, "forbidden")


def test_a_filed_application_is_not_amended(client: Client, projects: list[Row], clock: Clock) -> None:
    clock.go_to(date(2024, 7, 20))
    path = f"{PROJECTS}/{projects[0]['id']}"
    client.post("unit", f"{path}/transitions", body_for("submit", projects[0], date(2024, 7, 20)))
    problem(client.patch("unit", path, {"title": "x"}), 409, "not-offered")


def test_eligibility_judges_every_rule_as_the_project_stands(client: Client, batch: Row) -> None:
    few = client.post("handler", PROJECTS, filed(1, investment_fen=99_999_999, task_code="T99")).json()["id"]
    told = client.get("handler", f"{PROJECTS}/{few}/eligibility").json()
    unmet = {item["rule"] for item in told["findings"] if not item["met"]}
    assert {"R07", "R10", "R11"} <= unmet
    assert (told["eligible"], told["unmet"]["hard"] >= 3) == (False, True)
    assert {"R01", "R02", "R03", "R05", "R06"} <= {item["rule"] for item in told["findings"] if item["met"]}
