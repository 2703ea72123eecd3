"""Summary tables as cities send them: headers, footers, units of money, dirt, and every fault at its cell."""

from collections.abc import Sequence
from datetime import date, datetime
from io import BytesIO
from typing import Any

import pytest
from openpyxl import Workbook
from stdnum.cn import uscc

from lifecycle.workbook import CellError, Limits, SummaryTable, Vocabulary, WorkbookRefused, read_summary
from states.facts import Application, Member, UnitRole
from states.findings import Text

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


def test_several_landing_units_stand_in_several_columns_or_in_one_cell() -> None:
    wide = [*HEADER[:12], "场景落地单位2", "代码", *HEADER[12:]]
    members = (
        *APPLICATION.members,
        Member("丙公司", code(3), UnitRole.LANDING, "manufacturer"),
        Member("丁公司", code(4), UnitRole.OTHER, "other"),
    )
    lines = line(其他成员="丁公司", 其他成员代码=code(4))
    beside = read([wide, [*lines[:12], "丙公司", code(3), *lines[12:]]])
    within = read(
        [
            HEADER,
            line(场景落地单位1="乙公司、丙公司", 代码=f"{code(2)}；{code(3)}", 其他成员="丁公司", 其他成员代码=code(4)),
        ]
    )
    assert [applications(table)[0].members for table in (beside, within)] == [members, members]


def test_codes_may_stand_behind_the_names_where_there_is_no_column_for_them() -> None:
    header = [*HEADER[:13], *HEADER[14:]]
    row = line(其他成员=f"丙公司（{code(3)}）、丁公司({code(4).lower()})")
    others = applications(read([header, [*row[:13], *row[14:]]]))[0].members[2:]
    assert [(unit.name, unit.credit_code) for unit in others] == [("丙公司", code(3)), ("丁公司", code(4))]


def test_a_code_column_that_could_be_anybodys_is_not_guessed_at() -> None:
    header = ["统一社会信用代码" if title in ("统一社会信用代码", "代码") else title for title in HEADER]
    assert applications(read([header, LINE])) == [APPLICATION]
    swapped = [*header[:5], header[6], header[5], *header[7:10], header[11], header[10], *header[12:]]
    assert ("ambiguous_column" in {fault.code for fault in read([swapped, LINE]).errors}) is True
    no_lead_code = [*header[:6], *header[7:]]
    assert places(read([no_lead_code, [*LINE[:6], *LINE[7:]]]).errors)[0] == (1, "K", "ambiguous_column")


def test_dirt_in_cells_is_cleaned() -> None:
    dirty = line(
        排序="１",
        市="济南市",
        任务编号=" ｒｗ-01",
        统一社会信用代码=f" {code(1)[:8]} {code(1)[8:].lower()}\u200b",
        代码="".join(chr(ord(letter) + 0xFEE0) for letter in code(2)),
        是否占用名额="√",
        所属集团="无",
        其他成员="/",
        其他成员代码="/",
        实施开始时间="2024年7月",
        实施结束时间=45838,
        联系电话="\u00a00531-86000000",
    )
    dirty[14] = "1,200万元"
    table = read([HEADER, dirty])
    assert (applications(table), table.warnings) == ([APPLICATION], [])


def test_a_phone_kept_as_a_number_is_read_and_a_landline_asked_about() -> None:
    table = read([HEADER, line(联系电话=13800000000.0), line(排序=2, 项目名称="二", 联系电话=53186000000)])
    assert [each.contact_phone for each in applications(table)] == ["13800000000", "53186000000"]
    assert places(table.warnings) == [(3, "S", "zero_may_be_lost")]


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


def test_a_half_filled_row_is_an_error_at_each_empty_cell() -> None:
    half = [None, "济南", None, None, "二号项目"]
    assert places(read([HEADER, LINE, half]).errors) == [
        (3, "C", "blank"),
        (3, "H", "blank"),
        (3, "F", "blank"),
        (3, "G", "blank"),
        (3, "O", "blank"),
    ]


def test_one_error_means_no_rows_and_all_errors_are_told() -> None:
    bad = line(
        排序=2,
        市="郑州",
        企业性质="民营",
        项目名称="二",
        统一社会信用代码=913701000000000000,
        代码=code(2)[:-1],
        联系人="=A1",
    )
    bad[14], bad[15] = -5, "明年"
    table = read([HEADER, LINE, bad])
    assert table.rows == []
    assert places(table.errors) == [
        (3, "B", "unknown_city"),
        (3, "H", "unknown_ownership"),
        (3, "G", "code_lost_digits"),
        (3, "L", "credit_code"),
        (3, "O", "negative"),
        (3, "P", "not_a_date"),
        (3, "R", "formula"),
    ]
    assert table.errors[0] == CellError(
        "汇总表",
        3,
        "B",
        "市",
        "unknown_city",
        Text("市应为以下之一：济南、青岛", "the city is one of 济南、青岛"),
        "郑州",
    )


def test_formulas_and_error_values_are_errors_where_they_would_be_read() -> None:
    header, row = [*HEADER, "计算"], [*LINE, "=1+1"]
    table = read([header, row])
    assert (applications(table), places(table.warnings)) == ([APPLICATION], [(1, "V", "unknown_column")])
    wrong = read([HEADER, line(项目名称='=CONCATENATE("一","号")', 所属集团="#REF!", 备注="#N/A")])
    assert [(fault.code, fault.value) for fault in wrong.errors] == [
        ("formula", '=CONCATENATE("一","号")'),
        ("error_value", "#REF!"),
        ("error_value", "#N/A"),
    ]


def test_ends_before_starts_and_a_code_without_a_name_are_errors() -> None:
    table = read([HEADER, line(实施结束时间=date(2024, 6, 30), 其他成员代码=code(5))])
    assert places(table.errors) == [(2, "M", "name_missing"), (2, "Q", "ends_before_start")]


def test_units_and_codes_must_be_as_many() -> None:
    table = read([HEADER, line(场景落地单位1="乙公司、丙公司"), line(排序=2, 牵头单位="甲、乙", 项目名称="二")])
    assert places(table.errors) == [(2, "L", "units_and_codes"), (3, "F", "several_units")]


def test_one_rank_twice_in_a_city_and_one_project_twice_are_errors_naming_both_rows() -> None:
    elsewhere = line(市="青岛", 项目名称="三")
    table = read([HEADER, LINE, line(项目名称="二"), elsewhere, line(排序=4, 项目名称="一号 项目")])
    assert [(fault.row, fault.column, fault.message.zh) for fault in table.errors] == [
        (3, "A", "第 2 行与第 3 行的市和排序相同"),
        (5, "E", "第 2 行与第 5 行的项目名称和牵头单位相同"),
    ]


def test_quota_that_does_not_fit_the_ownership_is_a_warning() -> None:
    lines = [LINE, line(排序=2, 项目名称="二", 企业性质="中央驻鲁"), line(排序=3, 项目名称="三", 是否占用名额="否")]
    table = read([HEADER, *lines, line(排序=4, 项目名称="四", 企业性质="省属国企", 是否占用名额="否")])
    assert len(applications(table)) == 4
    assert places(table.warnings) == [(3, "I", "quota_and_ownership"), (4, "I", "quota_and_ownership")]


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


def test_dates_count_from_1904_where_the_workbook_says_so() -> None:
    book = workbook([HEADER])
    book.epoch = datetime(1904, 1, 1)  # noqa: DTZ001 - what openpyxl takes
    book.worksheets[0].append(LINE)
    assert applications(read_book(book)) == [APPLICATION]


def test_long_texts_and_long_values_are_cut_in_the_list_of_errors() -> None:
    fault = read([HEADER, line(备注="长" * 2001)]).errors[0]
    assert (fault.code, fault.value) == ("too_long", "长" * 79 + "…")


def test_the_list_of_errors_is_capped_and_the_others_counted() -> None:
    file = BytesIO()
    workbook([HEADER, *(line(排序=n, 项目名称=f"项目{n}", 市="x") for n in range(1, 251))]).save(file)
    table = read_summary(file.getvalue(), WORDS, Limits(max_rows=250))
    assert (len(table.errors), table.errors_left_off) == (200, 50)
