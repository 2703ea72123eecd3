"""Reports over HTTP and on the command line: what they list, how they go on, and how bad questions are answered."""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from api.shapes.auditing import Report, ReportPage
from api.shapes.parts import Listed
from lifecycle.audit import Log
from lifecycle.auditing.reports import REPORTS
from lifecycle.database import Database
from lifecycle.settings import Settings
from tests.api.conftest import Client, problem
from tests.api.test_audit_commands import answer, home, pilot
from tests.lifecycle import audited

__all__ = ["home"]
BASE = "/api/v1/audit/reports"


def test_reports_are_listed_and_read_on_over_http(
    client: Client, database: Database, settings: Settings, log: Log, tmp_path: Path
) -> None:
    told = audited.eventful(database, log)
    size = audited.seal(database, settings, log, tmp_path)
    listed = client.get("auditor", BASE)
    TypeAdapter(Listed[Report]).validate_json(listed.content)
    assert [item["name"] for item in listed.json()["items"]] == list(REPORTS)
    for name in REPORTS:
        lines: list[Any] = []
        address: str | None = f"{BASE}/{name}?limit=2&batch=sd-gongfu-2024-2&from=2024-07-01&to=2026-12-31"
        while address is not None:
            page = client.get("auditor", address)
            TypeAdapter(ReportPage).validate_json(page.content)
            assert (page.status_code, page.json()["report"], page.json()["size"]) == (200, name, size)
            lines, address = [*lines, *page.json()["items"]], page.json()["next"]
        assert bool(lines) == (name != "system"), name  # the heads entry is no batch's
    (line,) = client.get("auditor", f"{BASE}/backdated").json()["items"]
    entry = client.get("auditor", f"/api/v1/audit/entries/{line['index']}").json()
    assert (entry["id"], line["subject"]["id"]) == (line["id"], told.dated["id"])
    problem(client.get("auditor", f"{BASE}/nothing"), 404, "not-found")
    problem(client.get("auditor", f"{BASE}/counts", params={"batch": "nowhere"}), 404, "not-found")
    problem(client.get("auditor", f"{BASE}/counts", params={"as_of_size": size + 1}), 404, "not-found")
    for params in ({"as_of_size": -1}, {"limit": 0}, {"from": "soon"}, {"from_index": -1}):
        problem(client.get("auditor", f"{BASE}/counts", params=params), 422, "invalid")
    problem(client.get("auditor", f"{BASE}/counts", params={"text": "x"}), 400, "unreadable")


def test_reports_are_printed_on_the_command_line(home: Path) -> None:
    answer("batch", "open", "demo-1", "--policy", "sd-gongfu-2024-2/1", "--as", "li")
    answer("audit", "seal", "--once")
    assert [item["name"] for item in answer("audit", "report")] == list(REPORTS)
    told = answer("audit", "report", "counts")
    assert (told["report"], told["size"]) == ("counts", 3)
    assert [(line["type"], line["number"], line["last"]["index"]) for line in told["items"]] == [
        ("batch.opened", 1, 0),
        ("user.created", 2, 2),
    ]
    for name in REPORTS:
        assert answer("audit", "report", name, "--batch", "demo-1", "--from", "2020-01-01")["size"] == 3
        assert "截至封存 as of size 3" in pilot("audit", "report", name).stdout
    assert "开设批次 batch.opened" in pilot("audit", "report", "counts").stdout
    system = answer("audit", "report", "system")["items"]
    assert [line["type"] for line in system] == ["user.created"]  # nobody was there yet to enter the first person
    assert "安某" not in json.dumps(system, ensure_ascii=False)
    assert answer("audit", "report", "nothing", code=1)["refused"] == "not-found"
    assert answer("audit", "report", "counts", "--as", "li", code=1)["refused"] == "forbidden"
    assert answer("audit", "report", "counts", "--batch", "nowhere", code=1)["refused"] == "not-found"
    assert pilot("audit", "report", "counts", "--from", "soon").exit_code == 2
    answer("audit", "seal", "--once")
    (attempted,) = answer("audit", "report", "denied")["items"]
    assert (attempted["type"], attempted["action"]) == ("audit.attempted", "read_log")
