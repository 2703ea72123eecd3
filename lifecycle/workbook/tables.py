"""The small tables: task list 榜单, quotas 推荐名额, and the shortlist of an earlier batch."""

from dataclasses import dataclass
from typing import BinaryIO

from lifecycle.workbook import cells
from lifecycle.workbook.choices import Vocabulary, city_reader
from lifecycle.workbook.columns import Column
from lifecycle.workbook.package import Limits
from lifecycle.workbook.table import Table, check_unique, open_table, read_lines
from states.findings import Text

TASK_COLUMNS = (
    Column("code", "任务编号", "(榜单)?任务(编号|序号|代码|编码)|榜单编号|编号", needed=True, names=True),
    Column("title", "任务名称", "(榜单)?任务(名称|题目)|榜单名称|名称", needed=True, names=True),
    Column("category", "类别", "(任务|榜单)?(类别|分类|类型|方向|领域|所属领域)"),
    Column("passed_over", "序号", "序号|备注", repeats=True),
)
QUOTA_COLUMNS = (
    Column("city", "市", "(所属|所在|推荐)?(市|地市|设区市|城市|市别|各市)", needed=True, names=True),
    Column("quota", "推荐名额", "(推荐)?(名额|指标)(数量?)?", needed=True),
    Column("passed_over", "序号", "序号|备注", repeats=True),
)
SHORTLIST_COLUMNS = (
    Column("name", "单位名称", "(牵头|联合体|成员|入选|申报)?(单位|企业)(名称|全称)?", needed=True, names=True),
    Column("credit_code", "统一社会信用代码", "(单位|企业)?(统一社会)?信用代码|代码", needed=True, names=True),
    Column("batch", "批次", "(入选|公布)?批次(名称)?"),
    Column("project", "项目名称", "(入选|申报)?项目(名称|题目)?"),
    Column("passed_over", "序号", "序号|备注", repeats=True),
)


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One task of the batch's list."""

    row: int
    code: str
    title: str
    category: str | None = None


@dataclass(frozen=True, slots=True)
class QuotaRow:
    """How many projects one city, by its code, may recommend."""

    row: int
    city: str
    quota: int


@dataclass(frozen=True, slots=True)
class ShortlistRow:
    """A unit shortlisted in an earlier batch."""

    row: int
    name: str
    credit_code: str
    batch: str | None = None
    project: str | None = None


def read_tasks(data: bytes | BinaryIO, limits: Limits | None = None) -> Table[TaskRow]:
    """Read a task list; two tasks with one number are an error.

    Raises:
        WorkbookRefused: the file as a whole cannot be read.
    """
    limits = limits or Limits()
    reading = open_table(data, TASK_COLUMNS, limits)
    at, seen, rows = reading.header.first, dict[object, int](), list[TaskRow]()
    for line in read_lines(reading, TASK_COLUMNS, limits):
        code = line.read(at("code"), cells.read_code, needed=True)
        title = line.read(at("title"), cells.read_line, needed=True)
        category = line.read(at("category"), cells.read_line)
        if code is not None:
            check_unique(seen, code, line, at("code"), Text("的任务编号相同", "have the same task number"))
        if code is not None and title is not None:
            rows.append(TaskRow(line.row.number, code, title, category))
    return reading.finish(rows)


def read_quotas(data: bytes | BinaryIO, vocabulary: Vocabulary, limits: Limits | None = None) -> Table[QuotaRow]:
    """Read the quota table; two rows for one city are an error.

    Raises:
        WorkbookRefused: the file as a whole cannot be read.
    """
    limits = limits or Limits()
    reading = open_table(data, QUOTA_COLUMNS, limits)
    at, seen, rows = reading.header.first, dict[object, int](), list[QuotaRow]()
    read_city = city_reader(vocabulary)
    for line in read_lines(reading, QUOTA_COLUMNS, limits):
        city = line.read(at("city"), read_city, needed=True)
        quota = line.read(at("quota"), cells.read_whole, needed=True)
        if city is not None:
            check_unique(seen, city, line, at("city"), Text("为同一个市", "are for the same city"))
        if city is not None and quota is not None:
            rows.append(QuotaRow(line.row.number, city, quota))
    return reading.finish(rows)


def read_shortlist(data: bytes | BinaryIO, limits: Limits | None = None) -> Table[ShortlistRow]:
    """Read a shortlist; one unit twice with the same batch and project is an error.

    Raises:
        WorkbookRefused: the file as a whole cannot be read.
    """
    limits = limits or Limits()
    reading = open_table(data, SHORTLIST_COLUMNS, limits)
    at, seen, rows = reading.header.first, dict[object, int](), list[ShortlistRow]()
    for line in read_lines(reading, SHORTLIST_COLUMNS, limits):
        name = line.read(at("name"), cells.read_name, needed=True)
        code = line.read(at("credit_code"), cells.read_credit_code, needed=True)
        batch = line.read(at("batch"), cells.read_line)
        project = line.read(at("project"), cells.read_line)
        if code is not None:
            what = Text("的单位、批次和项目相同", "have the same unit, batch and project")
            check_unique(seen, (code, batch, project), line, at("credit_code"), what)
        if name is not None and code is not None:
            rows.append(ShortlistRow(line.row.number, name, code, batch, project))
    return reading.finish(rows)
