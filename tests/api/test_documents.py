"""Documents over HTTP: streamed in raw or in a form, handed out as downloads that no browser shows in place."""

from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.files.store import FileStore
from lifecycle.settings import Settings
from lifecycle.statements import Row
from tests.api.conftest import Client, body_for, problem
from tests.lifecycle.builders import STORING_POLICY_TEXT, create_projects, open_batch
from tests.lifecycle.filed import PDF, word

BOOK, LETTER = "application_book_pdf", "recommendation_document"
RAW = {"Content-Type": "application/octet-stream"}


@pytest.fixture
def batch(database: Database, log: Log) -> Row:
    return open_batch(database, log, policy_text=STORING_POLICY_TEXT)


@pytest.fixture
def project(database: Database, log: Log, batch: Row) -> Row:
    return create_projects(database, log, batch, 1)[0]


def send(client: Client, who: str, project: Row, content: Any = PDF, **query: str) -> Any:
    asked = {"kind": BOOK, "name": "申报书.pdf", **query}
    return client.post(who, f"/api/v1/projects/{project['id']}/documents", content=content, headers=RAW, params=asked)


def test_a_document_goes_in_and_comes_out_the_same(client: Client, project: Row) -> None:
    answer = send(client, "unit", project)
    assert answer.status_code == 201
    kept = answer.json()
    assert (kept["format"], kept["size"], kept["version"]) == ("pdf", len(PDF), 1)
    path = f"/api/v1/projects/{project['id']}/documents"
    (listed,) = client.get("jinan", path).json()["items"]
    assert (listed["reference"], listed["person"]) == (kept["reference"], "牵头单位")
    out = client.get("handler", f"{path}/{kept['id']}/content")
    assert out.content == PDF
    assert out.headers["content-type"] == "application/pdf"
    assert out.headers["content-disposition"] == (
        "attachment; filename=\"___.pdf\"; filename*=UTF-8''%E7%94%B3%E6%8A%A5%E4%B9%A6.pdf"
    )
    assert out.headers["x-content-type-options"] == "nosniff"
    assert out.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert out.headers["content-length"] == str(len(PDF))
    digest = b64encode(bytes.fromhex(kept["sha256"])).decode()
    assert (out.headers["etag"], out.headers["repr-digest"]) == (f'"{kept["sha256"]}"', f"sha-256=:{digest}:")


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [("bytes=0-3", 0, 4), ("bytes=5-", 5, None), ("bytes=-6", -6, None), ("bytes=2-99999", 2, None)],
)
def test_a_part_can_be_asked_for(client: Client, project: Row, asked: str, first: int, end: int | None) -> None:
    kept = send(client, "unit", project).json()
    path = f"/api/v1/projects/{project['id']}/documents/{kept['id']}/content"
    part = client.get("unit", path, headers={"Range": asked})
    wanted = PDF[first:end]
    begin = first % len(PDF)
    assert (part.status_code, part.content) == (206, wanted)
    assert part.headers["content-range"] == f"bytes {begin}-{begin + len(wanted) - 1}/{len(PDF)}"
    for other in ({"Range": "bytes=99999-"}, {"Range": "bytes=0-1,4-5"}, {"Range": asked, "If-Range": '"x"'}):
        whole = client.get("unit", path, headers=other)
        assert (whole.status_code, whole.content) == (200, PDF)


def test_a_form_brings_its_own_name_and_an_act_takes_the_reference(client: Client, project: Row) -> None:
    path = f"/api/v1/projects/{project['id']}/documents"
    documents = {}
    for kind, content in ((BOOK, PDF), ("application_book_word", word()), ("consortium_agreement", PDF)):
        answer = client.post("unit", path, files={"file": ("材料", content, "text/html")}, params={"kind": kind})
        assert (answer.status_code, answer.json()["name"]) == (201, "材料")
        documents[kind] = answer.json()["reference"]
    body = body_for("submit", project, date(2024, 7, 1), documents=documents)
    assert client.post("unit", f"/api/v1/projects/{project['id']}/transitions", body).status_code == 200


def test_the_same_key_stores_once(client: Client, project: Row) -> None:
    path, headers = f"/api/v1/projects/{project['id']}/documents", {**RAW, "Idempotency-Key": "k1"}
    asked = {"kind": BOOK, "name": "a.pdf"}
    first, second = (client.post("unit", path, content=PDF, headers=headers, params=asked) for _ in range(2))
    assert (first.json(), second.headers["idempotent-replayed"]) == (second.json(), "true")
    assert len(client.get("unit", path).json()["items"]) == 1
    other = client.post("unit", path, content=PDF + b"%%EOF", headers=headers, params=asked)
    problem(other, 422, "idempotency-key-reused")


def test_a_batchs_document_is_its_citys_own(client: Client, batch: Row) -> None:
    path = f"/api/v1/batches/{batch['code']}/documents"
    kept = client.post("jinan", path, content=PDF, headers=RAW, params={"kind": LETTER, "name": "推荐.pdf"}).json()
    assert client.get("jinan", f"{path}/{kept['id']}/content").content == PDF
    problem(client.get("qingdao", f"{path}/{kept['id']}/content"), 404, "not-found")
    assert client.get("qingdao", path).json()["items"] == []
    problem(client.get("unit", path), 403, "forbidden")


def test_what_cannot_be_taken_gets_a_clear_answer_and_leaves_nothing(
    client: Client, project: Row, app: FastAPI
) -> None:
    store: FileStore = app.state.service.files
    told = problem(send(client, "unit", project, b"<svg onload=alert(1)>"), 422, "file-refused")
    assert told["why"] == "unknown"
    told = problem(send(client, "unit", project, word()), 422, "file-refused")
    assert (told["why"], told["seen"], told["allowed"]) == ("format", "docx", ["pdf", "ofd"])
    problem(send(client, "unit", project, name="../"), 400, "unreadable")
    problem(send(client, "unit", project, kind="no_such"), 400, "unreadable")
    problem(send(client, "stranger", project), 404, "not-found")
    problem(send(client, "auditor", project), 403, "forbidden")
    problem(send(client, "unit", project, replaces="x"), 404, "not-found")
    path = f"/api/v1/projects/{project['id']}/documents"
    problem(client.post("unit", path, json={}, params={"kind": BOOK}), 415, "unsupported-media-type")
    problem(client.post("unit", path, files={"other": b"x"}, params={"kind": BOOK}), 400, "unreadable")
    problem(client.post("unit", path, content=PDF, headers=RAW, params={"kind": BOOK}), 400, "unreadable")
    problem(client.get("unit", f"{path}/{project['id']}/content"), 404, "not-found")
    assert client.get("unit", path).json()["items"] == []
    assert (store.held(), list(store.incoming.iterdir())) == ([], [])


def test_a_file_larger_than_the_house_takes_is_refused_while_it_streams(
    client: Client, project: Row, app: FastAPI
) -> None:
    service = app.state.service
    small = service.settings.model_copy(update={"max_file_bytes": 1000})
    object.__setattr__(service, "settings", small)
    sent: list[int] = []

    async def endless() -> AsyncIterator[bytes]:
        for number in range(10_000):
            sent.append(number)
            yield bytes(64 * 1024)

    problem(send(client, "unit", project, endless()), 413, "too-large")
    assert len(sent) < 10_000
    assert list(service.files.incoming.iterdir()) == []


def test_a_damaged_file_is_not_handed_out(client: Client, project: Row, app: FastAPI, settings: Settings) -> None:
    kept = send(client, "unit", project).json()
    Path(app.state.service.files.place_of(kept["sha256"])).write_bytes(PDF + b"more")
    path = f"/api/v1/projects/{project['id']}/documents/{kept['id']}/content"
    told = problem(client.get("unit", path), 503, "file-unavailable")
    assert "校验值" in told["message"]["zh"]


def test_a_docket_has_documents_of_its_own(client: Client, batch: Row) -> None:
    opened = client.post("jinan", f"/api/v1/batches/{batch['code']}/dockets", {"kind": "recommendation"})
    assert opened.status_code == 201, opened.text
    path = f"/api/v1/dockets/{opened.json()['docket']}/documents"
    kept = client.post("jinan", path, content=PDF, headers=RAW, params={"kind": LETTER, "name": "推荐.pdf"})
    assert kept.status_code == 201, kept.text
    assert [one["reference"] for one in client.get("handler", path).json()["items"]] == [kept.json()["reference"]]
    assert client.get("jinan", f"{path}/{kept.json()['id']}/content").content == PDF
    problem(client.get("qingdao", path), 404, "not-found")
    papers = client.get("jinan", path.replace("/documents", "/papers")).json()["items"]
    assert [(one["paper"], one["offered"]) for one in papers] == [("recommendation_list", False)]
    problem(client.get("jinan", f"{path.replace('/documents', '/papers')}/recommendation_list.docx"), 400, "unreadable")


def test_a_paper_comes_as_a_download_that_names_its_position(client: Client, project: Row) -> None:
    path = f"/api/v1/projects/{project['id']}/papers"
    offered = {one["paper"]: one["offered"] for one in client.get("unit", path).json()["items"]}
    assert offered == {"dossier": True, "rectification_notice": False}
    first = client.get("unit", f"{path}/dossier.docx", params={"seq": 1})
    assert first.headers["x-log-position"].startswith(f"test.invalid/log project/{project['id']} #1 ")
    assert first.headers["content-disposition"].startswith("attachment; ")
    send(client, "unit", project)
    assert client.get("unit", f"{path}/dossier.docx", params={"seq": 1}).content == first.content
    assert client.get("unit", f"{path}/dossier.docx").content != first.content
    problem(client.get("unit", f"{path}/rectification_notice.docx"), 409, "not-offered")
    problem(client.get("unit", f"{path}/reward_approval.docx"), 403, "forbidden")
    problem(client.get("unit", f"{path}/dossier.docx", params={"seq": 99}), 404, "not-found")
    problem(client.get("unit", f"{path}/no_such.docx"), 404, "not-found")
