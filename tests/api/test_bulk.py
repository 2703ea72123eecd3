"""Acts on many projects over HTTP: preview, commit by digest, and what makes a preview stale."""

from datetime import date
from typing import Any

import pytest

from lifecycle.database import Database
from lifecycle.statements import Row
from tests.api.conftest import Client, Clock, body_for, problem
from tests.lifecycle.builders import read_entries, read_project

JULY = date(2024, 7, 20)
PREVIEWS, COMMITS = "/api/v1/transitions/previews", "/api/v1/transitions/commits"


@pytest.fixture
def body(projects: list[Row], clock: Clock) -> dict[str, Any]:
    """Submit the two drafts of Jinan and the one of Qingdao."""
    clock.go_to(JULY)
    items = [{"project": row["id"], "expected_version": 1} for row in projects]
    return {**body_for("submit", projects[0], JULY), "items": items}


def test_a_preview_is_committed_by_its_digest(
    client: Client, body: dict[str, Any], projects: list[Row], database: Database
) -> None:
    preview = client.post("handler", PREVIEWS, {**body, "event": "submit"}).json()
    assert preview["counts"] == {"allowed": 0, "blocked": 3}  # submitting is for applicant and city
    body["items"] = body["items"][:2]
    preview = client.post("jinan", PREVIEWS, body).json()
    assert (preview["counts"], preview["by_city"]) == (
        {"allowed": 2, "blocked": 0},
        {"370100": {"allowed": 2, "blocked": 0}},
    )
    commit, key = {**body, "digest": preview["digest"]}, {"Idempotency-Key": "bulk-1"}
    done = client.post("jinan", COMMITS, commit, headers=key)
    assert [item["state"] for item in done.json()["moved"]] == ["applied", "applied"], done.text
    assert len(done.json()["receipts"]) == 3
    again = client.post("jinan", COMMITS, commit, headers=key)
    assert (again.json(), again.headers["idempotent-replayed"]) == (done.json(), "true")
    assert [read_project(database, row["id"])["state"] for row in projects] == ["applied", "applied", "draft"]


def test_a_commit_is_refused_where_anything_changed_since(
    client: Client, body: dict[str, Any], projects: list[Row], database: Database
) -> None:
    body["items"] = body["items"][:2]
    digest = client.post("jinan", PREVIEWS, body).json()["digest"]
    client.post("jinan", f"/api/v1/projects/{projects[0]['id']}/transitions", body_for("submit", projects[0], JULY))
    told = problem(client.post("jinan", COMMITS, {**body, "digest": digest}), 409, "preview-stale")
    assert (told["given"], len(told["present"])) == (digest, 64)
    assert read_project(database, projects[1]["id"])["state"] == "draft"
    attempts = read_entries(database, "system/attempts")
    assert [(entry["type"], entry["outcome"]) for entry in attempts] == [("bulk.attempted", "failed")]


def test_nothing_allowed_is_refused_with_the_findings(client: Client, body: dict[str, Any]) -> None:
    body["event"], body["fields"], body["documents"] = "publish", {}, {}
    digest = client.post("handler", PREVIEWS, body).json()["digest"]
    told = problem(client.post("handler", COMMITS, {**body, "digest": digest}), 422, "rules-unmet")
    assert {item["check"] for item in told["findings"]} == {"offered"}


def test_projects_out_of_reach_or_named_twice_are_refused(client: Client, body: dict[str, Any]) -> None:
    told = problem(client.post("jinan", PREVIEWS, body), 404, "not-found")
    assert told["projects"] == [body["items"][2]["project"]]
    twice = {**body, "items": [body["items"][0], {"project": body["items"][0]["project"].upper()}]}
    problem(client.post("handler", PREVIEWS, twice), 400, "unreadable")
    problem(client.post("handler", PREVIEWS, {**body, "items": []}), 400, "unreadable")
    problem(client.post("handler", PREVIEWS, {**body, "items": [{"project": "p1"}]}), 404, "not-found")
