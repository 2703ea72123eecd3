"""Summary tables with the dirt that cities send, and every fault at its cell."""

from datetime import date, datetime
from io import BytesIO

from lifecycle.workbook import CellError, Limits, read_summary
from states.facts import Member, UnitRole
from states.findings import Text
from tests.lifecycle.workbook_tables import (
    APPLICATION,
    HEADER,
    LINE,
    WORDS,
    applications,
    code,
    line,
    places,
    read,
    read_book,
    workbook,
)


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


def test_a_unit_whose_code_cannot_be_read_has_one_error_and_an_apostrophe_is_nothing() -> None:
    table = read([HEADER, line(代码=913701000000000000), line(排序=2, 任务编号="'", 项目名称="二")])
    assert places(table.errors) == [(2, "L", "code_lost_digits"), (3, "C", "blank")]


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
