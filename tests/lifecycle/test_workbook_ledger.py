"""The ledger: what is written is read back equal, whatever the texts, and looks like a summary table."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from lifecycle.workbook import (
    LedgerRow,
    Unclean,
    Vocabulary,
    WorkbookRefused,
    clean_code,
    clean_line,
    clean_name,
    clean_phone,
    clean_text,
    read_summary,
    write_ledger,
    write_template,
)
from lifecycle.workbook.columns import squeeze
from lifecycle.workbook.money import MAX_FEN
from lifecycle.workbook.texts import is_nothing
from states.facts import Application, Member, UnitRole
from tests.lifecycle.workbook_tables import APPLICATION, WORDS, applications, code

ROW = LedgerRow(APPLICATION, "智能排产", True, "GFBJ-0001", "已申报", 3)
NASTY = [
    "=1+1", "+1", "-1", "@SUM(A1)", "'引号", "_x0041_", "_x005F_x0041_", "x005F_", "合计", "小计：", "注：不是注",
    "备注", "#REF!", "TRUE", "1E5", "007", "2024-07-01", "9.13701E+17", "<b>&amp;", "]]>", "排序", "牵头单位",
    "单位：元", "😀", "é",
]  # fmt: skip


def cleaned(clean: Callable[[str], str]) -> st.SearchStrategy[str]:
    """Return texts as they are once they are in: cleaned, not empty, not one of the words for nothing."""

    def attempt(dirty: str) -> str:
        try:
            text = clean(dirty)
        except Unclean:
            return ""
        return "" if is_nothing(text) else text

    dirty = st.one_of(st.sampled_from(NASTY), st.text(st.characters(), max_size=20))
    return st.tuples(dirty, st.one_of(st.just(""), dirty)).map("\n".join).map(attempt).filter(bool)


lines, prose, names = cleaned(clean_line), cleaned(clean_text), cleaned(clean_name)
days = st.dates(date(1990, 1, 1), date(2199, 12, 31))
codes = st.integers(0, 9_999_999).map(code)


def members(role: UnitRole, kind: str, most: int) -> st.SearchStrategy[list[Member]]:
    return st.lists(st.builds(Member, names, codes, st.just(role), st.just(kind)), max_size=most)


@st.composite
def all_applications(draw: st.DrawFn) -> Application:
    starts_on, ends_on = sorted(draw(st.tuples(days, days)))
    lead = Member(draw(names), draw(codes), UnitRole.LEAD, "provider")
    landing = draw(members(UnitRole.LANDING, "manufacturer", 3))
    others = draw(members(UnitRole.OTHER, "other", 2))
    return Application(
        title=draw(lines),
        task_code=draw(cleaned(clean_code)),
        city=draw(st.sampled_from(sorted(WORDS.cities))),
        ownership=draw(st.sampled_from(sorted(WORDS.ownerships))),
        members=(lead, *landing, *others),
        investment_fen=draw(st.one_of(st.integers(0, MAX_FEN), st.integers(0, 10**12))),
        starts_on=draw(st.sampled_from([None, starts_on])),
        ends_on=draw(st.sampled_from([None, ends_on])),
        group=draw(st.none() | lines),
        rank=draw(st.none() | st.integers(1, 10**9 - 1)),
        opinion=draw(st.none() | prose),
        remarks=draw(st.none() | prose),
        contact_name=draw(st.none() | lines),
        contact_phone=draw(st.none() | cleaned(clean_phone)),
    )


def twins(one: Application) -> tuple[str, str]:
    assert one.lead is not None
    return squeeze(one.title).casefold(), one.lead.credit_code


several = st.lists(
    all_applications(),
    max_size=4,
    unique_by=(twins, lambda each: (each.city, each.rank) if each.rank else object()),
)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(several, st.none() | lines, st.none() | lines, lines)
def test_a_ledger_read_back_gives_equal_applications(
    written: list[Application], task_title: str | None, note: str | None, label: str
) -> None:
    words = replace(WORDS, exempt=frozenset())
    rows = [LedgerRow(each, task_title, index % 2 == 0, label, label, index) for index, each in enumerate(written)]
    table = read_summary(write_ledger(rows, words, note), words)
    assert (table.errors, table.warnings) == ([], [])
    assert [row.application for row in table.rows] == written
    assert [(row.task_title, row.uses_quota) for row in table.rows] == [
        (row.task_title, row.uses_quota) for row in rows
    ]


def sheet_of(data: bytes) -> Worksheet:
    sheet = load_workbook(BytesIO(data)).worksheets[0]
    assert isinstance(sheet, Worksheet)
    return sheet


def by_header(sheet: Worksheet, row: int) -> dict[tuple[Any, Any], Any]:
    cells: dict[tuple[Any, Any], Any] = {}
    heading = None
    for upper, lower, cell in zip(sheet[3], sheet[4], sheet[row], strict=True):
        heading = upper.value or heading
        cells[heading, lower.value] = cell
    return cells


def test_a_ledger_has_title_unit_and_a_header_of_two_merged_rows() -> None:
    sheet = sheet_of(write_ledger([ROW], WORDS, "示例数据"))
    assert [sheet["A1"].value, sheet["A2"].value, sheet["A7"].value] == ["项目汇总表", "单位：万元", "注：示例数据"]
    assert [(upper.value, lower.value) for upper, lower in zip(sheet[3], sheet[4], strict=True)] == [
        ("排序", None), ("市", None), ("任务编号", None), ("任务名称", None), ("项目名称", None),
        ("牵头单位", "名称"), (None, "统一社会信用代码"), ("企业性质", None), ("是否占用名额", None),
        ("所属集团", None), ("场景落地单位1", "名称"), (None, "代码"), ("其他成员1", "名称"), (None, "代码"),
        ("预期投入（万元）", None),
        ("实施起止", "起"), (None, "止"), ("联系人", None), ("联系电话", None), ("推荐意见", None), ("备注", None),
        ("项目编号", None), ("当前状态", None), ("版本", None),
    ]  # fmt: skip
    areas = {str(area) for area in sheet.merged_cells.ranges}
    assert {"A1:X1", "A2:X2", "A3:A4", "F3:G3", "K3:L3", "M3:N3", "P3:Q3", "X3:X4", "A7:X7"} <= areas
    assert sheet.freeze_panes == "F5"


def test_codes_and_phones_are_text_and_amounts_and_dates_are_not() -> None:
    cells = by_header(sheet_of(write_ledger([ROW], WORDS)), 5)
    phone, amount, start = cells["联系电话", None], cells["预期投入（万元）", None], cells["实施起止", "起"]
    lead = cells["牵头单位", "统一社会信用代码"]
    assert [(cell.data_type, cell.number_format) for cell in (phone, lead)] == [("s", "@")] * 2
    assert (amount.data_type, amount.value) == ("n", 1200)
    assert (start.is_date, start.number_format) == (True, "yyyy-mm-dd")


@pytest.mark.parametrize("text", ["=1+1", "+86", "-", "@x", '=HYPERLINK("http://x")'])
def test_a_text_that_looks_like_a_formula_stays_a_text(text: str) -> None:
    data = write_ledger([replace(ROW, application=replace(APPLICATION, title=text, remarks=text))], WORDS)
    cell = by_header(sheet_of(data), 5)["项目名称", None]
    assert (cell.data_type, cell.value, cell.quotePrefix) == ("s", text, True)
    assert [(each.title, each.remarks) for each in applications(read_summary(data, WORDS))] == [(text, text)]


def test_there_are_as_many_unit_columns_as_the_fullest_row_needs() -> None:
    units = tuple(Member(f"单位{n}", code(n), UnitRole.LANDING, "manufacturer") for n in range(2, 6))
    other = Member("成员", code(6), UnitRole.OTHER)
    full = replace(APPLICATION, members=(APPLICATION.members[0], *units, other), title="二", rank=2)
    data = write_ledger([ROW, replace(ROW, application=full)], WORDS)
    headings = [cell.value for cell in sheet_of(data)[3] if cell.value and "单位" in str(cell.value)]
    assert headings == ["牵头单位", "场景落地单位1", "场景落地单位2", "场景落地单位3", "场景落地单位4"]
    assert applications(read_summary(data, WORDS)) == [APPLICATION, full]


def test_an_amount_too_long_for_a_number_is_written_as_text() -> None:
    data = write_ledger([replace(ROW, application=replace(APPLICATION, investment_fen=MAX_FEN))], WORDS)
    assert by_header(sheet_of(data), 5)["预期投入（万元）", None].value == "9007199254.740991"
    assert [each.investment_fen for each in applications(read_summary(data, WORDS))] == [MAX_FEN]


def test_cities_and_ownerships_that_the_vocabulary_lacks_are_written_as_codes() -> None:
    data = write_ledger([ROW], Vocabulary({}, {}, "p", "m"))
    cells = by_header(sheet_of(data), 5)
    assert (cells["市", None].value, cells["企业性质", None].value) == ("370100", "other")


@pytest.mark.parametrize("text", ["响\x07铃", "\ud800", "\ufffe", "长" * 32_768])
def test_what_a_cell_cannot_hold_is_refused_at_writing(text: str) -> None:
    with pytest.raises(WorkbookRefused) as caught:
        write_ledger([replace(ROW, application=replace(APPLICATION, title=text))], WORDS)
    assert (caught.value.code, "E5" in caught.value.text.zh) == ("unwritable", True)


def test_an_empty_template_is_an_empty_table() -> None:
    table = read_summary(write_template(landing=3, others=2, note="一式两份"), WORDS)
    assert (table.rows, table.errors, table.warnings) == ([], [], [])
