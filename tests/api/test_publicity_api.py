"""Objections and public lists over HTTP: what the public gets without a token, and what the province alone sees."""

from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import TypeAdapter

from api.shapes import dockets, parts, publicity
from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.statements import Row
from tests.api.conftest import Client, Clock, problem
from tests.api.test_cli import BATCH as CODE
from tests.api.test_cli import answer, home, staffed
from tests.lifecycle.builders import STEPS, document, drive

BATCH = "/api/v1/batches/sd-gongfu-2024-2"
__all__ = ["home", "staffed"]  # fixtures
LISTS = "/api/v1/public/batches/sd-gongfu-2024-2/lists"
HEADER = {"publicity_number": "公示〔2024〕1号 <b>", "publicity_starts_on": "2024-08-12"}
MADE = {
    "fields": {**STEPS["object"].fields, "objected_on": "2024-08-14"},
    "documents": {"objection_material": document()},
}


@pytest.fixture
def listed(client: Client, clock: Clock, projects: list[Row], database: Database, log: Log) -> str:
    """The first two projects in publicity; returns the list's id."""
    rows = [drive(database, log, row["id"], "reviewed") for row in projects[:2]]
    clock.go_to(date(2024, 8, 12))
    body = {"kind": "publicity_list", "header": HEADER, "put": [{"project": row["id"]} for row in rows]}
    name = client.post("handler", f"{BATCH}/dockets", body).json()["docket"]
    assert client.get(None, LISTS).json() == {"items": []}
    digest = client.post("handler", f"/api/v1/dockets/{name}/previews").json()["digest"]
    assert client.post("handler", f"/api/v1/dockets/{name}/release", {"digest": digest}).status_code == 200
    return str(name)


def test_the_public_reads_a_released_list_without_a_token_and_caches_it(client: Client, listed: str) -> None:
    found = client.get(None, LISTS)
    one = client.get(None, f"/api/v1/public/lists/{listed}")
    TypeAdapter(publicity.PublicLists).validate_json(found.content)
    TypeAdapter(publicity.PublicListWhole).validate_json(one.content)
    assert found.headers["cache-control"] == one.headers["cache-control"] == "public, max-age=300"
    again = client.get(None, f"/api/v1/public/lists/{listed}", headers={"If-None-Match": one.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    page = client.get(None, f"/api/v1/public/lists/{listed}/page.html")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "公示〔2024〕1号 &lt;b&gt;" in page.text
    assert "2024-08-16" in page.text
    for form in ("xlsx", "docx"):
        address = f"/api/v1/public/lists/{listed}/list.{form}"
        file = client.get(None, address)
        assert file.headers["content-disposition"].startswith('attachment; filename="sd-gongfu-2024-2-____-1-2.')
        assert f"docket/{listed} #2 " in file.headers["x-log-position"]
        assert client.get(None, address).content == file.content
        assert client.get(None, address, headers={"If-None-Match": file.headers["etag"]}).status_code == 304
    for text in (one.text, page.text):
        assert not any(word in text for word in ("13800000000", "张三", "同意推荐", "91370100"))
    problem(client.get(None, "/api/v1/public/lists/x"), 404, "not-found")
    problem(client.get(None, "/api/v1/public/batches/nowhere/lists"), 404, "not-found")
    problem(client.get(None, "/api/v1/public/nothing"), 404, "not-found")
    problem(client.get(None, f"{BATCH}/dockets"), 401, "unauthenticated")
    shown = client.get("handler", f"/api/v1/dockets/{listed}")
    assert TypeAdapter(dockets.DocketWhole).validate_json(shown.content).dates[0].computed_on == "2024-08-16"


def test_an_objection_is_received_completed_and_decided(
    client: Client, clock: Clock, listed: str, projects: list[Row]
) -> None:
    assert listed
    clock.go_to(date(2024, 8, 14))
    path = f"/api/v1/projects/{projects[0]['id']}/objections"
    partial: dict[str, Any] = {"fields": {"objected_on": "2024-08-14"}}
    problem(client.post("jinan", path, partial), 403, "forbidden")
    problem(client.post("expert", path, partial), 404, "not-found")
    received = client.post("handler", path, partial, headers={"Idempotency-Key": "o-1"})
    assert (received.status_code, received.json()["counts"]) == (201, False)
    one = received.headers["location"]
    problem(client.patch("handler", one, MADE, headers={"If-Match": '"9"'}), 412, "conflict")
    completed = client.patch("handler", one, MADE, headers={"If-Match": '"1"'})
    assert (completed.json()["counts"], completed.json()["due_on"]) == (True, "2024-09-04"), completed.text
    problem(client.post("handler", f"{one}/finding", {"outcome": "dismissed", "finding": "x"}), 409, "not-offered")
    problem(client.post("handler", f"{one}/finding", {"outcome": "upheld", "finding": " "}), 400, "unreadable")
    whole, masked = client.get("handler", one), client.get("unit", one)
    assert "李四" in whole.text
    assert not any(word in masked.text for word in ("李四", "0531-12345678", "objection_material"))
    problem(client.get("stranger", one), 404, "not-found")
    decided = client.post("handler", f"{one}/finding", {"outcome": "rejected", "finding": "经核查不成立"})
    assert (decided.json()["state"], decided.json()["waiting"]) == ("in_publicity", 0)
    for shape, given in (
        (publicity.Recorded, received),
        (publicity.Recorded, completed),
        (publicity.Objection, whole),
        (publicity.Objection, masked),
        (publicity.Found, decided),
        (parts.Listed[publicity.Objection], client.get("jinan", f"{BATCH}/objections", params={"status": "rejected"})),
    ):
        TypeAdapter(shape).validate_json(given.content)


def test_the_command_line_keeps_the_register(staffed: Path) -> None:
    (project,) = answer("projects")["items"]
    file = staffed / "objection.json"
    file.write_bytes(orjson.dumps({"fields": {"objected_on": "2024-08-14"}}))
    assert answer("objections", "receive", project["id"], str(file), "--as", "wang", code=1)["refused"] == "forbidden"
    done = answer("objections", "receive", project["id"], str(file), "--as", "li")
    assert (done["counts"], done["missing"][0]["check"]) == (False, "offered")  # it is in no publicity
    assert answer("objections", "complete", done["objection"], str(file), "--as", "li")["version"] == 2
    decide = ("objections", "decide", done["objection"], "--outcome", "dismissed", "--finding", "不在公示期内")
    assert answer(*decide, "--as", "li")["status"] == "dismissed"
    assert [one["status"] for one in answer("objections", "list", "--batch", CODE)["items"]] == ["dismissed"]
    assert len(answer("objections", "history", done["objection"], "--as", "li")["items"]) == 3
