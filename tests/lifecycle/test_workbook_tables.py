"""Task lists, quotas and shortlists, read with their dirt and written so that they read back."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from lifecycle.workbook import (
    QuotaRow,
    ShortlistRow,
    TaskRow,
    read_quotas,
    read_shortlist,
    read_tasks,
    write_quotas,
    write_shortlist,
    write_tasks,
)
from tests.lifecycle.workbook_tables import WORDS, code, places, workbook


def file(rows: Sequence[Sequence[Any]]) -> bytes:
    stream = BytesIO()
    workbook(rows).save(stream)
    return stream.getvalue()


def test_what_is_written_is_read_back() -> None:
    tasks = [TaskRow(3, "A-1", "=智能排产", "流程"), TaskRow(4, "A-2", "数字孪生", None)]
    quotas = [QuotaRow(3, "370100", 12), QuotaRow(4, "370200", 0)]
    units = [ShortlistRow(3, "甲公司", code(1), "第一批", "一号"), ShortlistRow(4, "乙公司", code(2), None, None)]
    tables = [
        read_tasks(write_tasks(tasks, note="示例")),
        read_quotas(write_quotas(quotas, WORDS, note="示例"), WORDS),
        read_shortlist(write_shortlist(units, note="示例")),
    ]
    assert [table.rows for table in tables] == [tasks, quotas, units]
    assert [(table.errors, table.warnings) for table in tables] == [([], [])] * 3


def test_a_task_list_with_title_total_and_notes_is_read() -> None:
    rows = [
        ["任务榜单"],
        ["序号", "任务编号", "任务名称", "所属领域"],
        [1, "ａ-1", "智能\n排产", "流程"],
        [],
        ["合计", "1项"],
        ["注：略"],
    ]
    assert read_tasks(file(rows)).rows == [TaskRow(3, "A-1", "智能排产", "流程")]


def test_a_task_number_twice_and_a_task_without_a_name_are_errors() -> None:
    rows = [["任务编号", "任务名称"], ["A-1", "一"], ["a-1", "二"], ["A-3", None]]
    table = read_tasks(file(rows))
    assert (table.rows, places(table.errors)) == ([], [(3, "A", "duplicate"), (4, "B", "blank")])


def test_quotas_are_read_with_a_total_at_the_foot() -> None:
    rows = [["序号", "各市", "推荐名额（个）"], [1, "济南市", "12个"], [2, "青岛", 10.0], [None, "合 计", 22]]
    assert read_quotas(file(rows), WORDS).rows == [QuotaRow(2, "370100", 12), QuotaRow(3, "370200", 10)]


def test_a_city_twice_and_a_quota_that_is_no_whole_number_are_errors() -> None:
    rows = [["市", "名额"], ["济南", 1], ["济南市", 2], ["青岛", 1.5], ["郑州", -1]]
    assert places(read_quotas(file(rows), WORDS).errors) == [
        (3, "A", "duplicate"),
        (4, "B", "not_whole"),
        (5, "A", "unknown_city"),
        (5, "B", "not_whole"),
    ]


def test_a_shortlist_is_read_and_one_unit_twice_in_a_project_is_an_error() -> None:
    header = ["单位名称", "统一社会信用代码", "批次", "项目名称"]
    good = [header, ["甲公司", code(1).lower(), "第一批", "一号"], ["甲公司", code(1), "第一批", "二号"]]
    assert [row.project for row in read_shortlist(file(good)).rows] == ["一号", "二号"]
    twice = read_shortlist(file([*good, ["甲公司", code(1), "第一批", "一号"], ["乙公司", 1]]))
    assert places(twice.errors) == [(4, "B", "duplicate"), (5, "B", "code_lost_digits")]
