"""Workbooks over HTTP: previewed, entered by digest, refused whole, given back as the ledger."""

from io import BytesIO
from typing import Any

import httpx
import pytest
from openpyxl import Workbook

from api.routes.imports import XLSX
from lifecycle.database import Database
from lifecycle.statements import Row
from tests.api.conftest import Client, problem
from tests.lifecycle.builders import JINAN, QINGDAO, read_entries
from tests.lifecycle.workbook_tables import HEADER, line

PREVIEW, COMMIT = "/api/v1/imports/projects", "/api/v1/imports/projects/commits"
BATCH = {"batch": "sd-gongfu-2024-2"}


def workbook(*rows: list[Any]) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    stream = BytesIO()
    book.save(stream)
    return stream.getvalue()


def send(client: Client, who: str, path: str, data: bytes, **params: str) -> httpx.Response:
    return client.post(who, path, content=data, params={**BATCH, **params}, headers={"Content-Type": XLSX})


@pytest.fixture
def good() -> bytes:
    return workbook(HEADER, line(任务编号="T01"))


def test_a_workbook_is_previewed_then_entered_by_its_digest(
    client: Client, batch: Row, good: bytes, database: Database
) -> None:
    preview = send(client, "jinan", PREVIEW, good).json()
    assert (preview["ready"], preview["counts"]["rows"], preview["by_city"]) == (True, 1, {JINAN: 1}), preview
    done = send(client, "jinan", COMMIT, good, digest=preview["digest"])
    assert (done.status_code, done.json()["rows"]) == (200, 1), done.text
    name = done.json()["projects"][0]["id"]
    assert client.get("jinan", f"/api/v1/projects/{name}").json()["title"] == "一号项目"
    assert read_entries(database, f"batch/{batch['id']}")[-1]["type"] == "batch.imported"
    told = problem(send(client, "jinan", COMMIT, good, digest="0" * 64), 409, "preview-stale")
    assert told["present"] == preview["digest"]


def test_a_form_with_the_file_does_as_well(client: Client, batch: Row, good: bytes) -> None:
    form = client.post("jinan", PREVIEW, params=BATCH, files={"file": ("汇总表.xlsx", good, XLSX)})
    assert form.json() == send(client, "jinan", PREVIEW, good).json()
    for files in ({"other": ("a.xlsx", good)}, {"file": (None, "text")}):
        problem(client.post("jinan", PREVIEW, params=BATCH, files=files), 400, "unreadable")
    broken = client.post(
        "jinan", PREVIEW, params=BATCH, content=b"--x\r\n", headers={"Content-Type": "multipart/form-data; boundary=y"}
    )
    problem(broken, 400, "unreadable")
    headers = {"Content-Type": "multipart/form-data"}
    problem(client.post("jinan", PREVIEW, params=BATCH, content=b"x", headers=headers), 400, "unreadable")


def test_errors_enter_nothing_and_name_their_cells(client: Client, batch: Row, database: Database) -> None:
    data = workbook(HEADER, line(任务编号="T01"), line(统一社会信用代码="123", 项目名称="二号"))
    preview = send(client, "jinan", PREVIEW, data).json()
    assert (preview["ready"], preview["errors"][0]["row"]) == (False, 3)
    told = problem(send(client, "jinan", COMMIT, data, digest=preview["digest"]), 422, "import-refused")
    assert told["errors"] == preview["errors"]
    assert client.get("jinan", "/api/v1/projects").json()["items"] == []
    assert read_entries(database, f"batch/{batch['id']}")[-1]["outcome"] == "failed"


def test_tasks_quotas_and_shortlists_come_from_the_province_only(client: Client, batch: Row) -> None:
    data = workbook(["任务编号", "任务名称"], ["T09", "新任务"])
    problem(send(client, "jinan", "/api/v1/imports/tasks", data), 403, "forbidden")
    digest = send(client, "handler", "/api/v1/imports/tasks", data).json()["digest"]
    key = {"Idempotency-Key": "i-1", "Content-Type": XLSX}
    params = {**BATCH, "digest": digest}
    first, again = (
        client.post("handler", "/api/v1/imports/tasks/commits", content=data, params=params, headers=key)
        for _ in range(2)
    )
    assert (first.status_code, again.json(), again.headers["idempotent-replayed"]) == (200, first.json(), "true")
    assert "T09" in client.get("unit", f"/api/v1/batches/{batch['code']}/tasks").text


def test_what_is_no_workbook_is_refused(client: Client, batch: Row, good: bytes) -> None:
    for data in (b"", b"PK\x03\x04rubbish", b"a,b\n1,2\n", good[: len(good) // 2]):
        problem(send(client, "jinan", PREVIEW, data), 400, "unreadable")
    problem(client.post("jinan", PREVIEW, params=BATCH, content=good), 415, "unsupported-media-type")
    problem(send(client, "jinan", "/api/v1/imports/colours", good), 422, "invalid")
    problem(send(client, "jinan", COMMIT, good, digest="x"), 422, "invalid")
    problem(send(client, "jinan", PREVIEW, good, batch="nowhere"), 404, "not-found")
    problem(send(client, "unit", PREVIEW, good), 403, "forbidden")


def test_the_ledger_is_given_to_each_within_its_reach(client: Client, projects: list[Row]) -> None:
    whole = client.get("handler", "/api/v1/exports/ledger.xlsx", params=BATCH)
    assert (whole.headers["content-type"], whole.content[:2]) == (XLSX, b"PK")
    assert whole.headers["content-disposition"] == 'attachment; filename="ledger-sd-gongfu-2024-2.xlsx"'
    own = client.get("qingdao", "/api/v1/exports/ledger.xlsx", params=BATCH)
    assert len(own.content) != len(whole.content)
    problem(client.get("unit", "/api/v1/exports/ledger.xlsx", params=BATCH), 403, "forbidden")
    assert projects[2]["city"] == QINGDAO
