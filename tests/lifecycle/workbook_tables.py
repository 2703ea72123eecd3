"""A good summary table, ways to spoil it, and short forms of what came of reading it."""

from collections.abc import Sequence
from datetime import date
from io import BytesIO
from typing import Any

from openpyxl import Workbook
from stdnum.cn import uscc

from lifecycle.workbook import CellError, SummaryTable, Vocabulary, read_summary
from states.facts import Application, Member, UnitRole

WORDS = Vocabulary(
    cities={"370100": "济南", "370200": "青岛"},
    ownerships={"central_in_shandong": "中央驻鲁", "provincial_soe": "省属国企", "other": "其他"},
    lead_kind="provider",
    landing_kind="manufacturer",
    exempt=frozenset({"central_in_shandong", "provincial_soe"}),
)


def code(number: int) -> str:
    body = f"91370100MA{number:07d}"
    return body + uscc.calc_check_digit(body)


HEADER = [
    "排序", "市", "任务编号", "任务名称", "项目名称", "牵头单位", "统一社会信用代码", "企业性质", "是否占用名额",
    "所属集团", "场景落地单位1", "代码", "其他成员", "其他成员代码", "预期投入（万元）", "实施开始时间", "实施结束时间",
    "联系人", "联系电话", "推荐意见", "备注",
]  # fmt: skip
LINE: list[Any] = [
    1, "济南", "RW-01", "智能排产", "一号项目", "甲公司", code(1), "其他", "是",
    None, "乙公司", code(2), None, None, 1200, date(2024, 7, 1), date(2025, 6, 30),
    "张三", "0531-86000000", "同意推荐", None,
]  # fmt: skip
APPLICATION = Application(
    title="一号项目",
    task_code="RW-01",
    city="370100",
    ownership="other",
    members=(
        Member("甲公司", code(1), UnitRole.LEAD, "provider"),
        Member("乙公司", code(2), UnitRole.LANDING, "manufacturer"),
    ),
    investment_fen=1_200_000_000,
    starts_on=date(2024, 7, 1),
    ends_on=date(2025, 6, 30),
    rank=1,
    opinion="同意推荐",
    contact_name="张三",
    contact_phone="0531-86000000",
)


def line(**changes: Any) -> list[Any]:
    """Return the good line with other contents under these headers."""
    return [changes.get(header, value) for header, value in zip(HEADER, LINE, strict=True)]


def workbook(rows: Sequence[Sequence[Any]], merged: Sequence[str] = (), sheet: str = "汇总表") -> Workbook:
    book = Workbook()
    book.worksheets[0].title = sheet
    for row in rows:
        book.worksheets[0].append(list(row))
    for area in merged:
        book.worksheets[0].merge_cells(area)
    return book


def read(rows: Sequence[Sequence[Any]], merged: Sequence[str] = ()) -> SummaryTable:
    return read_book(workbook(rows, merged))


def read_book(book: Workbook) -> SummaryTable:
    file = BytesIO()
    book.save(file)
    return read_summary(file.getvalue(), WORDS)


def applications(table: SummaryTable) -> list[Application]:
    assert table.errors == []
    return [row.application for row in table.rows]


def places(faults: Sequence[CellError]) -> list[tuple[int, str, str]]:
    return [(fault.row, fault.column, fault.code) for fault in faults]
