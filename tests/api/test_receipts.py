"""Every write over HTTP answers with its receipts, in headers and, where they are many, in the body."""

from base64 import b64decode
from datetime import date
from typing import Any

import httpx
import orjson

from api.routes.imports import XLSX
from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.settings import Settings
from lifecycle.signing import Receipt, verify_receipt
from lifecycle.statements import Row
from tests.api.conftest import Client, body_for
from tests.api.test_imports import BATCH, COMMIT, PREVIEW, send, workbook
from tests.lifecycle.workbook_tables import HEADER, code, line

JULY = date(2024, 7, 20)


def receipts(answer: httpx.Response) -> list[dict[str, Any]]:
    found = [orjson.loads(text) for name, text in answer.headers.multi_items() if name == "pilot-receipt"]
    assert int(answer.headers.get("pilot-receipts", 0)) >= len(found)
    return found


def written(database: Database) -> set[tuple[str, int]]:
    with database.reading() as tx:
        return {(stream, seq) for stream, seq in tx.driver.execute("SELECT stream, seq FROM entry").fetchall()}


def test_whatever_a_request_wrote_it_answers_with_the_receipts(
    client: Client, projects: list[Row], database: Database, settings: Settings, log: Log
) -> None:
    name = projects[0]["id"]
    mine = "/api/v1/people/me"
    requests = [
        ("unit", "PATCH", f"/api/v1/projects/{name}", {"json": {"title": "新题目"}}),
        ("unit", "POST", f"/api/v1/projects/{name}/transitions", {"json": {"event": "submit"}}),  # refused
        ("unit", "POST", f"/api/v1/projects/{name}/transitions", {"json": body_for("submit", projects[0], JULY)}),
        ("handler", "POST", f"/api/v1/projects/{name}/deadlines", {
            "json": {"title": "补充", "due_on": "2024-08-20", "to": ["applicant"]}
        }),
        ("handler", "PUT", f"/api/v1/projects/{name}/responsibles/handler", {"json": {"login": "handler"}}),
        ("handler", "POST", f"/api/v1/projects/{name}/chases", {"json": {}}),
        ("unit", "POST", f"{mine}/addresses", {"json": {"channel": "email", "target": "a@example.com"}}),
        ("unit", "PATCH", f"{mine}/addresses/email", {"json": {"digest": True}}),
        ("unit", "DELETE", f"{mine}/addresses/email", {}),
        ("unit", "POST", f"{mine}/feeds", {"json": {"label": "x"}}),
        ("expert", "POST", f"/api/v1/projects/{name}/transitions", {"json": {"event": "submit"}}),  # out of reach
        ("handler", "POST", "/api/v1/batches", {"json": {"code": "another"}}),
    ]  # fmt: skip
    for who, method, path, options in requests:
        before = written(database)
        answer = client.request(who, method, path, **options)
        told = receipts(answer)
        places = {(one["stream"], one["seq"]) for one in told}
        assert places == written(database) - before, (method, path, answer.text)
        for one in told:
            octets = {name: b64decode(one[name]) for name in ("leaf", "signature")}
            assert verify_receipt(Receipt(**{**one, **octets}), log.signer.public_key)
        assert "receipt" not in answer.json() or answer.json()["receipt"] in [None, *told]
    assert receipts(client.get("unit", f"/api/v1/projects/{name}")) == []
    lines = [orjson.loads(text) for text in settings.receipts.read_bytes().splitlines()]
    assert {(one["stream"], one["seq"]) for one in lines} == written(database)


def test_more_receipts_than_headers_carry_are_all_in_the_body(client: Client, batch: Row, database: Database) -> None:
    lines = [
        line(
            任务编号="T01",
            排序=number,
            项目名称=f"{number}号",
            统一社会信用代码=code(number + 10),
            代码=code(number + 30),
        )
        for number in range(1, 7)
    ]
    data = workbook(HEADER, *lines)
    digest = send(client, "jinan", PREVIEW, data).json()["digest"]
    before = written(database)

    def commit() -> httpx.Response:
        headers = {"Content-Type": XLSX, "Idempotency-Key": "k"}
        return client.post("jinan", COMMIT, content=data, params={**BATCH, "digest": digest}, headers=headers)

    answer = commit()
    told = answer.json()["receipts"]
    assert {(one["stream"], one["seq"]) for one in told} == written(database) - before
    assert (receipts(answer), answer.headers["pilot-receipts"]) == (told[:4], "7")
    again = commit()
    assert (again.json(), receipts(again)) == (answer.json(), [])  # nothing was written; the first answer says it
