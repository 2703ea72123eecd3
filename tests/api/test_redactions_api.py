"""Disclosure and redaction over HTTP and on the command line, with the roles that may; drift on the command line."""

from pathlib import Path

import pytest
from fastapi import FastAPI

from api.scheduling import context_of
from api.shapes.redactions import Approved, Disclosed, Proposed, RedactionPreview, RedactionWhole
from lifecycle.audit import Log
from lifecycle.database import Database, open_database
from lifecycle.settings import Settings
from lifecycle.statements import Row
from schedules.runner import DRIFT, Runner
from tests.api.conftest import Client, problem
from tests.api.test_cli import answer, home, staffed
from tests.lifecycle.builders import force, read_entries, read_project

__all__ = ["home", "staffed"]
LIST = "/api/v1/audit/redactions"
REASON = "联系人申请删除"


@pytest.fixture
def contact(projects: list[Row]) -> str:
    return f"contact/{projects[0]['id']}"


def test_two_persons_redact_and_auditors_see_it(
    client: Client, projects: list[Row], contact: str, database: Database
) -> None:
    selection = {"person": contact, "erase": True}
    previewed = RedactionPreview.model_validate(client.post("security", f"{LIST}/preview", selection).json())
    assert (previewed.number, previewed.standing_number) == (2, 2)
    headers = {"Idempotency-Key": "p1"}
    made = client.post("security", LIST, {**selection, "reason": REASON}, headers=headers)
    told = Proposed.model_validate(made.json())
    assert (made.status_code, made.headers["location"]) == (201, f"{LIST}/{told.redaction}")
    assert told.preview.digest == previewed.digest
    assert client.post("security", LIST, {**selection, "reason": REASON}, headers=headers).json() == made.json()
    seen = RedactionWhole.model_validate(client.get("head", f"{LIST}/{told.redaction}").json())
    assert seen.preview == told.preview
    address, body = f"{LIST}/{told.redaction}/approval", {"digest": told.preview.digest}
    problem(client.post("security", address, body), 403, "forbidden")
    problem(client.post("head", address, {"digest": "0" * 64}), 409, "preview-stale")
    assert Approved.model_validate(client.post("head", address, body).json()).number == 2
    problem(client.post("head", address, body), 409, "conflict")
    assert read_project(database, projects[0]["id"])["contact_phone"] is None
    listed = client.get("auditor", LIST).json()
    assert ([one["status"] for one in listed["items"]], listed["next"]) == (["done"], None)
    attempts = [entry["type"] for entry in read_entries(database, "system/attempts")]
    assert attempts == ["redaction.attempted"] * 3
    entry = read_entries(database, f"project/{projects[0]['id']}")[0]
    given = client.get("auditor", f"/api/v1/audit/entries/{entry['id']}/disclosures")
    disclosed = Disclosed.model_validate(given.json())
    assert {one["redaction"] for one in disclosed.withheld} == {told.redaction}
    assert [one["value"] for one in disclosed.disclosures] == ["同意推荐"]
    assert [entry["type"] for entry in read_entries(database, "audit")] == ["audit.disclosed"]


def test_a_proposal_is_withdrawn_and_bad_bodies_are_refused(client: Client, contact: str) -> None:
    made = client.post("head", LIST, {"person": contact, "reason": REASON}).json()["redaction"]
    assert client.post("security", f"{LIST}/{made}/withdrawal", {"reason": "撤回"}).json()["redaction"] == made
    assert client.get("auditor", f"{LIST}/{made}").json()["status"] == "withdrawn"
    problem(client.post("head", f"{LIST}/{made}/approval", {"digest": "x"}), 422, "invalid")
    problem(client.post("head", LIST, {"reason": REASON}), 400, "unreadable")
    problem(client.post("head", LIST, {"person": contact, "reason": " "}), 400, "unreadable")
    problem(client.post("handler", LIST, {"person": contact, "reason": REASON}), 403, "forbidden")
    problem(client.post("handler", f"{LIST}/preview", {"person": contact}), 403, "forbidden")
    problem(client.get("auditor", f"{LIST}/nobody"), 404, "not-found")


def test_the_clock_watches_for_drift_and_tells_the_metrics(
    client: Client, app: FastAPI, projects: list[Row], database: Database
) -> None:
    runner = Runner(context_of(app.state.service))
    assert runner.run(DRIFT)
    assert client.get(None, "/readyz").json()["drifting"] == 0
    force(database, ("UPDATE project SET title = '换名' WHERE id = ?", (projects[0]["id"],)))
    assert runner.run(DRIFT)
    assert client.get(None, "/readyz").json()["drifting"] == 1
    assert "pilot_drifting 1\n" in client.get("auditor", "/metrics").text


def test_commands_redact_disclose_and_name_what_drifts(staffed: Path, log: Log) -> None:
    answer("user", "add", "chu", "--name", "处某", "--role", "division_head", "--as", "an")
    answer("user", "add", "shen", "--name", "审某", "--role", "auditor", "--as", "an")
    (item,) = answer("projects")["items"]
    assert answer("audit", "drift", "--batch", "sd-gongfu-2024-2") == {"drift": {}}
    shown = answer("audit", "redactions", "preview", "--person", f"contact/{item['id']}", "--as", "chu")
    entry = shown["entries"][0]["entry"]
    path = next(one["path"] for one in shown["entries"][0]["paths"] if one["what"] == "/contact_phone")
    made = answer("audit", "redactions", "propose", "--entry", f"{entry}:{path}", "--reason", REASON, "--as", "an")
    assert (made["preview"]["number"], answer("audit", "redactions", "list", "--as", "shen")["items"][0]["status"]) == (
        1,
        "proposed",
    )
    digest = answer("audit", "redactions", "show", made["redaction"], "--as", "chu")["preview"]["digest"]
    ways = ("audit", "redactions", "approve", made["redaction"], "--digest", digest)
    assert answer(*ways, "--as", "an", code=1)["refused"] == "forbidden"
    assert answer(*ways, "--as", "chu")["number"] == 1
    withheld = answer("audit", "disclose", entry, "--as", "shen")["withheld"]
    assert [(one["path"], one["redaction"]) for one in withheld] == [(path, made["redaction"])]
    second = answer(
        "audit", "redactions", "propose", "--person", f"contact/{item['id']}", "--reason", "x", "--as", "an"
    )
    answer("audit", "redactions", "withdraw", second["redaction"], "--as", "chu")
    database = open_database(Settings(data_dir=staffed))
    force(database, ("UPDATE project SET title = '换名' WHERE id = ?", (item["id"],)))
    database.close()
    found = answer("audit", "drift", code=1)["drift"]
    assert list(found) == [item["id"]]
    assert found[item["id"]][0].startswith("title: the log says")
