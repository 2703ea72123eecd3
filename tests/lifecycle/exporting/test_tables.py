"""Exports as tables, by whom and of which days; a workbook of more rows than a sheet holds."""

import csv
import io
import json
from datetime import date, datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook

from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.errors import Conflict, Forbidden, NotFound, Unreadable
from lifecycle.exporting import tables
from lifecycle.exporting.forms import FORMS, record_export
from tests.lifecycle import builders
from tests.lifecycle.exporting.taking import EVIL, House
from tests.lifecycle.seal.auditors import Auditor, auditor_caller, take
from tests.lifecycle.seal.sealers import log_signer, published, terms_for, write

HEADERS = ["封存序号 index", "记录哈希 leaf", "记录编号 id", "留痕 stream", "留痕内序号 seq"]


def test_a_workbook_goes_on_in_further_sheets_and_is_verified_with_them(
    database: Database, log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "SHEET", 4)
    house = House(database, log, tmp_path)
    house.tell("system/x", *EVIL)
    book = load_workbook(io.BytesIO(house.take("xlsx")))
    assert [(sheet.max_row, [cell.value for cell in sheet[1]][:5]) for sheet in book.worksheets] == [(4, HEADERS)] * 3
    rows = list(csv.reader(io.StringIO(house.take("csv").decode("utf-8-sig"))))
    assert rows[0][:5] == HEADERS
    shown = [[cell.value or "" for cell in row] for sheet in book.worksheets for row in list(sheet.rows)[1:]]
    assert shown == rows[1:10]
    house.seal()
    terms, signer = terms_for(tmp_path, log), log_signer(tmp_path)
    views = tuple(f"entries.{one.suffix}" for one in FORMS.values())
    bundle = take(database, log, terms, tmp_path / "a.zip", views=views)
    verified = Auditor(tmp_path / "auditor", log, signer).verify(bundle)
    assert (verified.code, verified.found) == (2, set()), verified.text
    assert [f"views/entries.{name}: 此格式未核" in verified.text for name in ("xes", "ocel.json")] == [True] * 2
    assert "views/entries.csv, views/entries.jsonl, views/entries.xlsx" in verified.text


def test_days_are_business_days_and_both_are_included(database: Database, log: Log, tmp_path: Path) -> None:
    house = House(database, log, tmp_path)
    for number, now in enumerate(("07T15:59:59", "07T16:00:00", "09T15:59:59", "09T16:00:00")):
        write(database, log, f"s{number}", now=datetime.fromisoformat(f"2024-07-{now}+00:00"))
    lines = house.take("jsonl", "log", None, date(2024, 7, 8), date(2024, 7, 9)).splitlines()
    assert [json.loads(line)["stream"] for line in lines] == ["system/s1", "system/s2"]
    assert len(house.take("jsonl", "log", None, date(2024, 7, 10)).splitlines()) == 1
    changes = json.loads(builders.read_entries(database, "audit")[0]["body"])["changes"]
    assert {change["path"]: change["new"] for change in changes} == {
        "/export/form": "jsonl",
        "/export/kind": "log",
        "/export/size": 4,
        "/export/from": "2024-07-08",
        "/export/to": "2024-07-09",
    }


def test_who_may_export_what(database: Database, log: Log, tmp_path: Path) -> None:
    house = House(database, log, tmp_path)
    with database.transaction() as tx, pytest.raises(Conflict, match="no checkpoint is published"):
        record_export(tx, log, tmp_path, auditor_caller(), "csv")
    write(database, log, "a")
    for role in ("handler", "security_admin", "city"):
        with pytest.raises(Forbidden):
            house.take("pdf", by=builders.caller(role))
    with pytest.raises(Unreadable, match="there is no form"):
        house.take("pdf")
    with pytest.raises(Unreadable, match="end before they begin"):
        house.take("csv", "log", None, date(2024, 7, 9), date(2024, 7, 8))
    for kind in ("batch", "project"):
        with pytest.raises(NotFound):
            house.take("csv", kind, "nothing")
    assert builders.read_entries(database, "audit") == []
    assert published(terms_for(tmp_path, log), log_signer(tmp_path)).head.size == 1
