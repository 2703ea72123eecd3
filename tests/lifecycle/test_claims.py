"""Lists of actual investment as workbooks: every fault at its cell, claimed by digest, written and read back."""

from datetime import date
from io import BytesIO
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.claims import ClaimPreview, commit_claim, export_list, preview_claim
from lifecycle.database import Database
from lifecycle.errors import ImportRefused, NotFound, PreviewStale, Unreadable
from lifecycle.statements import Row
from tests.lifecycle.builders import at, caller_for, create_projects, drive, open_batch, read_project
from tests.lifecycle.investing import CLAIM_ON, claim, line, shown

HEADER = [
    "序号", "投入内容", "投入类别", "收款单位", "合同编号", "合同签订日期", "发票号码", "开票日期", "发票金额（万元）",
    "付款凭证号", "付款日期", "付款金额（万元）", "申报金额（万元）", "备注",
]  # fmt: skip
GOOD: list[Any] = [
    1, "数控机床", "设备购置", "某设备公司", "HT-1", "2024年9月", "24372000000012345678", date(2024, 10, 10), "65万元",
    "FK-1", 20241111, 65, 65, None,
]  # fmt: skip


def workbook(*rows: list[Any]) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["实际投入明细表"], HEADER, *rows, ["合计", *[None] * 11, 130]):
        sheet.append(row)
    stream = BytesIO()
    book.save(stream)
    return stream.getvalue()


def changed(**values: Any) -> list[Any]:
    names = ["n", "item", "category", "payee", "contract", "contract_on", "invoice", "invoice_on", "invoice_fen"]
    names += ["payment", "paid_on", "paid", "claimed", "remarks"]
    return [values.get(name, value) for name, value in zip(names, GOOD, strict=True)]


@pytest.fixture
def project(database: Database, log: Log) -> Row:
    (row,) = create_projects(database, log, open_batch(database, log), 1)
    return drive(database, log, row["id"], "published")


def preview(database: Database, project: Row, data: bytes) -> ClaimPreview:
    with database.reading() as tx:
        return preview_claim(tx, caller_for("applicant", project, at(CLAIM_ON)), project["id"], "half_year", data)


def test_a_workbook_is_previewed_and_then_claimed_whole_by_its_digest(
    database: Database, log: Log, project: Row
) -> None:
    data = workbook(GOOD, changed(invoice="  ２４３７２０００００００1234 ", payment="FK-2", remarks="尾款"))
    seen = preview(database, project, data)
    assert (seen.ready, len(seen.lines), seen.errors) == (True, 2, [])
    assert seen.lines[0].to_dict() == {
        "item": "数控机床",
        "payee": "某设备公司",
        "contract_number": "HT-1",
        "contract_on": "2024-09-01",
        "invoice_number": "24372000000012345678",
        "invoice_on": "2024-10-10",
        "invoice_fen": 65_000_000,
        "payment_number": "FK-1",
        "paid_on": "2024-11-11",
        "paid_fen": 65_000_000,
        "claimed_fen": 65_000_000,
        "category": "equipment",
        "remarks": None,
    }
    who = caller_for("applicant", project, at(CLAIM_ON))

    def commit(digest: str, given: bytes = data) -> Any:
        with attempt(database, log, who, ("project", project["id"]), "claim_investment") as tx:
            return commit_claim(tx, log, who, project["id"], "half_year", given, digest)

    with pytest.raises(PreviewStale):
        commit(seen.digest, workbook(GOOD))
    assert commit(seen.digest).total_fen == 130_000_000
    assert read_project(database, project["id"])["lists"]["half_year_claimed"]["lines"] == 2
    wrong = workbook(changed(paid_on=None))
    with pytest.raises(ImportRefused) as refused:
        commit(preview(database, project, wrong).digest, wrong)
    assert refused.value.details["counts"]["errors"] == 1


FAULTS = [
    ({"paid_on": None}, "K", "blank"),
    ({"paid_on": date(2024, 8, 30), "contract_on": None}, "K", "outside_period"),
    ({"invoice_on": date(2025, 4, 1)}, "H", "outside_period"),
    ({"invoice": 24372000000012345678}, "G", "code_lost_digits"),
    ({"category": "城堡"}, "C", "unknown_category"),
    ({"claimed": 66}, "M", "over_invoice"),
    ({"claimed": "六十五万"}, "M", "not_an_amount"),
    ({"claimed": -1}, "M", "negative"),
    ({"claimed": 0}, "M", "unreadable"),
    ({"contract_on": date(2024, 12, 1)}, "F", "after_payment"),
    ({"item": "x" * 201}, "B", "unreadable"),
]


@pytest.mark.parametrize(("change", "column", "code"), FAULTS, ids=[f"{code} {column}" for _, column, code in FAULTS])
def test_every_fault_names_its_cell(
    database: Database, project: Row, change: dict[str, Any], column: str, code: str
) -> None:
    seen = preview(database, project, workbook(changed(invoice="INV-9"), changed(**change)))
    assert (seen.ready, seen.lines) == (False, [])
    assert (seen.errors[0].row, seen.errors[0].column, seen.errors[0].code) == (4, column, code)


def test_what_is_no_list_is_refused_and_a_stranger_finds_nothing(database: Database, project: Row) -> None:
    for data in (b"", b"PK\x03\x04", workbook()[:200]):
        with pytest.raises(Unreadable):
            preview(database, project, data)
    with pytest.raises(Unreadable):
        preview(database, project, workbook())
    other = caller_for("applicant", {**project, "lead_code": "91370100MA00000000"}, at(CLAIM_ON))
    with database.reading() as tx, pytest.raises(NotFound):
        preview_claim(tx, other, project["id"], "half_year", workbook(GOOD))


def test_a_list_that_is_written_reads_back_the_same(database: Database, log: Log, project: Row) -> None:
    lines = [line(1, 65_000_001), line(2, category=None, contract_on=None, remarks="=1+1"), line(3)]
    claim(database, log, project["id"], lines)
    who = caller_for("applicant", project, at(CLAIM_ON))
    with database.reading() as tx:
        data = export_list(tx, who, project["id"], "half_year")
    again = preview(database, project, data)
    assert [one.to_dict() for one in again.lines] == [
        {key: value for key, value in one.items() if key in again.lines[0].to_dict()}
        for one in shown(database, who, project["id"])["lines"]
    ]
    sheet = load_workbook(BytesIO(data)).worksheets[0]
    assert sheet["A1"].value == f"{project['code']} 半年期验收实际投入明细"
