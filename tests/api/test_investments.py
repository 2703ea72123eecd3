"""Lists of actual investment over HTTP and on the command line: claimed, verified, read, written."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from api.cli.session import open_session
from api.routes.imports import XLSX
from lifecycle import people
from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.people import NewPerson
from lifecycle.statements import Row
from lifecycle.workbook.investment import write_payments
from states.investment import read_lines
from tests.api.conftest import Client, Clock, problem
from tests.api.test_cli import answer, home, pilot
from tests.lifecycle.builders import act, caller, create_projects, drive, open_batch, read_project
from tests.lifecycle.investing import CLAIM_ON, VERIFY_ON, line

__all__ = ["home"]  # a fixture


@pytest.fixture
def path(projects: list[Row], database: Database, log: Log, clock: Clock) -> str:
    drive(database, log, projects[0]["id"], "published")
    clock.go_to(CLAIM_ON)
    return f"/api/v1/projects/{projects[0]['id']}/investments/half_year"


def put(client: Client, who: str, path: str, lines: list[dict[str, Any]], **options: Any) -> Any:
    return client.request(who, "PUT", path, json={"lines": lines}, **options)


def test_a_list_is_claimed_once_under_a_key_verified_and_read_by_those_who_may(
    client: Client, path: str, projects: list[Row], clock: Clock, database: Database, log: Log
) -> None:
    name = projects[0]["id"]
    version = read_project(database, name)["version"]
    headers = {"Idempotency-Key": "c-1", "If-Match": f'"{version}"'}
    first = put(client, "unit", path, [line(1), line(2)], headers=headers)
    again = put(client, "unit", path, [line(1), line(2)], headers=headers)
    assert (first.status_code, first.json()["total_fen"], first.headers["etag"]) == (
        200,
        130_000_000,
        f'"{version + 1}"',
    )
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    problem(put(client, "unit", path, [line(1)], headers={"If-Match": f'"{version}"'}), 412, "conflict")
    told = problem(put(client, "unit", path, [line(1, paid_on="2026-01-01")]), 422, "list-refused")
    assert [(one["row"], one["column"], one["code"]) for one in told["errors"]] == [(1, "paid_on", "outside_period")]
    for who, status, code in (
        ("stranger", 404, "not-found"),
        ("jinan", 403, "forbidden"),
        ("expert", 404, "not-found"),
    ):
        problem(put(client, who, path, [line(1)]), status, code)
    problem(client.post("handler", f"{path}/verifications", {"basis": 1, "after": 0}), 409, "not-offered")
    act(database, log, name, "apply_half_year")
    clock.go_to(VERIFY_ON)
    body = {
        "basis": 1,
        "after": 0,
        "lines": [{"position": 1, "verified_fen": 0, "reason": "无凭证"}],
        "rest_accepted": True,
    }
    done = client.post("handler", f"{path}/verifications", body)
    assert (done.status_code, done.json()["total_fen"]) == (201, 65_000_000)
    told = problem(client.post("head", f"{path}/verifications", body), 409, "conflict")
    assert (told["claimed"], told["verified"]) == (1, 1)
    shown = {who: client.get(who, path).json() for who in ("handler", "jinan", "unit", "auditor")}
    assert {who: one["verified_fen"] for who, one in shown.items()} == {
        "handler": 65_000_000,
        "jinan": 65_000_000,
        "unit": None,
        "auditor": 65_000_000,
    }
    problem(client.get("qingdao", path), 404, "not-found")
    problem(client.get("handler", path.replace("half_year", "castle")), 404, "not-found")
    problem(client.get("handler", f"{path}?number=7"), 404, "not-found")


def test_what_cannot_be_a_list_is_answered_by_its_place(client: Client, path: str) -> None:
    worst: list[Any] = [{}, {"lines": []}, {"lines": [{}]}, {"lines": [line(1, claimed_fen="1")]}, {"lines": "x"}]
    worst += [{"lines": [line(1, castle=1)]}, {"lines": [line(1, item="a\nb")]}, {"lines": [line(1, paid_fen=True)]}]
    for body in worst:
        answer = client.request("unit", "PUT", path, json=body)
        assert answer.status_code == 422, (body, answer.text)


def test_a_workbook_is_previewed_claimed_and_given_back(
    client: Client, path: str, database: Database, projects: list[Row]
) -> None:
    put(client, "unit", path, [line(1), line(2)])
    data = client.get("unit", f"{path}/list.xlsx").content
    assert load_workbook(BytesIO(data)).worksheets[0].max_row == 5
    headers = {"Content-Type": XLSX}
    seen = client.post("unit", f"{path}/imports", content=data, headers=headers).json()
    assert (seen["ready"], seen["total_fen"]) == (True, 130_000_000)
    params = {"digest": seen["digest"]}
    done = client.post("unit", f"{path}/imports/commits", content=data, params=params, headers=headers)
    assert (done.status_code, done.json()["number"]) == (200, 2), done.text
    params = {"digest": "0" * 64}
    stale = client.post("unit", f"{path}/imports/commits", content=data, params=params, headers=headers)
    problem(stale, 409, "preview-stale")
    doubled = "/api/v1/batches/sd-gongfu-2024-2/doubled-invoices"
    assert client.get("handler", doubled).json() == {"items": [], "next": None}
    problem(client.get("jinan", doubled), 403, "forbidden")


def test_the_command_line_claims_verifies_and_shows(home: Path) -> None:
    answer("migrate")
    session = open_session()
    database, log = session.database, session.log
    (row,) = create_projects(database, log, open_batch(database, log), 1)
    drive(database, log, row["id"], "published")
    with database.transaction() as tx:
        officer = caller("security_admin")
        people.add_person(tx, log, officer, NewPerson("unit", "单位", "applicant", unit=row["lead_code"]))
        people.add_person(tx, log, officer, NewPerson("zhang", "张", "handler"))
    file = home / "list.xlsx"
    lines, _ = read_lines([line(1), line(2)])
    file.write_bytes(write_payments([(one, None, None, None) for one in lines], {"equipment": "设备购置"}, "明细"))
    claim = ("investment", "claim", row["code"], "half_year", str(file), "--as", "unit")
    assert answer(*claim)["total_fen"] == 130_000_000
    assert read_project(database, row["id"])["lists"] == {}
    assert answer(*claim, "--commit")["number"] == 1
    act(database, log, row["id"], "apply_half_year")
    verify = ("investment", "verify", row["code"], "half_year", "--basis", "1", "--as", "zhang")
    verdicts = '[{"position":1,"verified_fen":55000000,"reason":"核减"}]'
    assert answer(*verify, "--verdicts", verdicts, "--rest-accepted")["total_fen"] == 120_000_000
    assert answer(*verify, code=1)["refused"] == "conflict"
    assert pilot(*verify, "--verdicts", "x").exit_code == 2
    assert answer("investment", "show", row["code"], "half_year")["verified_fen"] == 120_000_000
    assert "550,000.00" in pilot("investment", "show", row["code"], "half_year").output
    assert answer("investment", "export", row["code"], "half_year", str(home / "out.xlsx"))["bytes"] > 0
    assert answer("investment", "doubled", "sd-gongfu-2024-2") == []
    database.close()
