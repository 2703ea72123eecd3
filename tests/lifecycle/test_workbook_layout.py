"""Where a summary table stands in its workbook: sheets, titles, headers, units of money, totals and notes."""

from datetime import datetime
from typing import Any

import pytest

from lifecycle.workbook import WorkbookRefused
from tests.lifecycle.workbook_tables import (
    APPLICATION,
    HEADER,
    LINE,
    applications,
    line,
    places,
    read,
    read_book,
    workbook,
)


def test_a_plain_table_is_read() -> None:
    table = read([HEADER, LINE])
    row = table.rows[0]
    assert (table.errors, table.warnings, table.sheet) == ([], [], "汇总表")
    assert (row.row, row.application, row.task_title, row.uses_quota) == (2, APPLICATION, "智能排产", True)


def test_titles_and_a_header_of_two_merged_rows_are_read() -> None:
    upper = [*HEADER]
    upper[5:7], upper[10:12], upper[12:14], upper[15:17] = (
        ["牵头单位", None],
        ["场景落地单位", None],
        ["其他\n成员", None],
        ["实施起止", None],
    )
    lower: list[Any] = [None] * len(HEADER)
    lower[5:7], lower[10:12], lower[12:14], lower[15:17] = (
        ["名称", "统一社会\n信用代码"],
        ["名称", "代码"],
        ["名称", "代码"],
        ["起", "止"],
    )
    rows = [["2024年第二批汇总表"], ["填报单位：济南市工信局（盖章）"], [], upper, lower, LINE]
    merged = ["A1:U1", "A4:A5", "F4:G4", "K4:L4", "M4:N4", "P4:Q4", "U4:U5"]
    table = read(rows, merged)
    assert (applications(table), table.warnings) == ([APPLICATION], [])


def test_columns_come_in_any_order_under_untidy_titles() -> None:
    written = [
        "* 排 序", "所属市", "任务\n编号", "榜单任务名称", "项目名称（全称）", "牵头单位名称",
        "牵头单位统一社会信用代码", "企业性质（中央驻鲁/省属国企/其他）", "是否占用名额", "所属集团",
        "场景落地单位（一）名称", "场景落地单位（一）代码", "其它成员", "其它成员统一社会信用代码",
        "项目计划总投资 (万元)", "开始日期", "截止日期", "项目联系人", "联系方式", "市局推荐意见", "备注",
    ]  # fmt: skip
    table = read([written[::-1], LINE[::-1]])
    assert (applications(table), table.warnings) == ([APPLICATION], [])


def test_a_code_column_that_could_be_anybodys_is_not_guessed_at() -> None:
    header = ["统一社会信用代码" if title in ("统一社会信用代码", "代码") else title for title in HEADER]
    assert applications(read([header, LINE])) == [APPLICATION]
    swapped = [*header[:5], header[6], header[5], *header[7:10], header[11], header[10], *header[12:]]
    assert places(read([swapped, LINE]).errors)[0] == (1, "F", "ambiguous_column")
    twice = ["牵头单位统一社会信用代码" if title == "统一社会信用代码" else title for title in HEADER]
    assert applications(read([twice, LINE])) == [APPLICATION]
    too_few = [
        "场景落地单位代码" if title == "其他成员" else "其他成员代码" if title == "代码" else title for title in HEADER
    ]
    assert places(read([too_few, LINE]).errors)[0] == (1, "N", "ambiguous_column")
    no_lead_code = [*header[:6], *header[7:]]
    assert places(read([no_lead_code, [*LINE[:6], *LINE[7:]]]).errors)[0] == (1, "K", "ambiguous_column")


def test_a_period_may_stand_in_one_column() -> None:
    header = [*HEADER[:15], "实施起止时间", *HEADER[17:]]
    table = read([header, [*LINE[:15], "2024.07-2025.06", *LINE[17:]]])
    assert applications(table) == [APPLICATION]
    one_day = read([header, [*LINE[:15], datetime(2024, 7, 1), *LINE[17:]]])  # noqa: DTZ001 - what Excel keeps
    assert places(one_day.errors) == [(2, "P", "not_a_range")]


@pytest.mark.parametrize(
    ("above", "title", "amount", "warned"),
    [
        ("单位：万元", "预期投入", 1200, []),
        ("单位：元", "预期投入", 12_000_000, []),
        ("（单位：亿元）", "预期投入", 0.12, []),
        ("单位：元", "预期投入（万元）", 1200, ["units_differ"]),
        ("汇总表", "预期投入（元）", 12_000_000, []),
        ("汇总表", "预期投入", 1200, ["unit_assumed"]),
        ("单位：元", "预期投入", "1200万元", ["another_unit"]),
    ],
)
def test_the_unit_of_money_is_the_cells_then_the_headers_then_the_titles(
    above: str, title: str, amount: Any, warned: list[str]
) -> None:
    header = [title if each == "预期投入（万元）" else each for each in HEADER]
    table = read([[above], header, [*LINE[:14], amount, *LINE[15:]]])
    assert applications(table) == [APPLICATION]
    assert [warning.code for warning in table.warnings] == warned


def test_totals_notes_and_blank_rows_are_not_projects() -> None:
    foot = [
        [None, "小 计", None, None, None, None, None, None, None, None, None, None, None, None, 1200],
        [" ", None, "\u3000"],
        line(排序=2, 项目名称="二号项目"),
        ["合计", None, "2项", None, None, None, None, None, None, None, None, None, None, None, "=SUM(O2:O4)"],
        [],
        ["注：1.代码为18位。"],
        ["2.一式两份。"],
        ["填表人：李四", None, None, None, "联系电话：0531-1", None, None, "填报日期：2024年7月"],
        ["单位负责人（签字）："],
    ]
    table = read([HEADER, LINE, *foot])
    assert ([row.row for row in table.rows], table.errors, table.warnings) == ([2, 5], [], [])


def test_a_project_called_total_is_a_project() -> None:
    table = read([HEADER, line(项目名称="合计", 排序=None)])
    assert [each.title for each in applications(table)] == ["合计"]


def test_a_line_below_the_notes_is_an_error() -> None:
    table = read([HEADER, LINE, ["备注：以上"], line(排序=2, 项目名称="二")])
    assert (table.rows, places(table.errors)) == ([], [(4, "", "line_below_notes")])


def test_unknown_columns_are_warnings_and_missing_ones_errors() -> None:
    table = read([["序号", *HEADER, "行业"], [1, *LINE, "化工", "多余"]])
    assert applications(table) == [APPLICATION]
    assert places(table.warnings) == [(1, "W", "unknown_column"), (2, "X", "column_without_header")]
    missing = read([[*HEADER[:2], *HEADER[3:7], *HEADER[8:]], LINE]).errors
    assert [fault.header for fault in missing if fault.code == "missing_column"] == ["任务编号", "企业性质"]
    doubled = read([[*HEADER, "备注"], [*LINE, "x"]])
    assert places(doubled.errors) == [(1, "V", "doubled_column")]


def test_the_first_sheet_with_the_header_is_read_and_the_next_mentioned() -> None:
    book = workbook([["填报说明"], ["请逐项填写"]], sheet="说明")
    for name in ("济南", "济南（2）"):
        sheet = book.create_sheet(name)
        sheet.append(HEADER)
        sheet.append(LINE)
    table = read_book(book)
    assert (applications(table), table.sheet) == ([APPLICATION], "济南")
    assert [warning.message.zh for warning in table.warnings] == ["另有工作表“济南（2）”未读取"]


def test_a_workbook_without_such_a_table_is_refused() -> None:
    with pytest.raises(WorkbookRefused) as caught:
        read([["姓名", "电话"], ["张三", "1"]])
    assert (caught.value.code, "牵头单位" in caught.value.text.zh) == ("no_header", True)
