"""The summary table 汇总表, read: one row a project, its consortium in as many columns as it takes."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO

from lifecycle.workbook import cells
from lifecycle.workbook.choices import Vocabulary, city_reader, ownership_reader, read_yes_no
from lifecycle.workbook.columns import Column, Header, squeeze
from lifecycle.workbook.consortium import UnitColumns, bind_codes, read_members
from lifecycle.workbook.dates import Edge, check_order
from lifecycle.workbook.package import Limits
from lifecycle.workbook.refusals import Unclean
from lifecycle.workbook.sheet import Cell
from lifecycle.workbook.table import Line, Reading, Table, check_unique, open_table, read_lines
from states.facts import Application
from states.findings import Text

_N = "[0-9一二三四五六七八九十]*"
_CODE = "(统一社会信用代码|社会信用代码|信用代码|统一代码|机构代码|代码)"
_DAY = "(时间|日期|年月)?"
_SPAN = "(起止|期限|周期|起止时间|起止日期|起止年月|时间|期)"
_LANDING = "(联合体)?(场景)?落地(单位|企业)"
_OTHER = "(联合体)?(其他(联合体)?(成员|参与|参加)?(单位|企业)|其他(联合体)?成员|(成员|参与|参加)单位)"
_LEAD = "(联合体)?牵头(申报)?(单位|企业)"
_STATED_UNIT = re.compile("单位:?(?:人民币)?(亿元|万元|元)")
_NAME = "(单位|企业)?(名称|全称)?"

COLUMNS = (
    Column("rank", "排序", "(推荐)?(排序|顺序|次序|排名)号?", needed=True),
    Column("city", "市", "(所属|所在|推荐)?(市|地市|设区市|城市|市别)", needed=True),
    Column("task_code", "任务编号", "(榜单)?任务(编号|序号|代码|编码)|榜单编号", needed=True, names=True),
    Column("task_title", "任务名称", "(榜单)?任务(名称|题目)|榜单名称"),
    Column("title", "项目名称", "(申报)?项目(名称|题目)|申报项目", needed=True, names=True),
    Column("lead", "牵头单位", f"{_LEAD}{_NAME}", needed=True, names=True),
    Column("lead_code", "统一社会信用代码", f"{_LEAD}(单位|企业)?{_CODE}", names=True),
    Column("ownership", "企业性质", "(牵头)?(单位|企业)性质|所有制(性质)?", needed=True),
    Column("uses_quota", "是否占用名额", "(是否)?占用(推荐)?(名额|指标)"),
    Column("group", "所属集团", "所属(企业)?集团(公司)?(名称)?|集团(名称|公司)"),
    Column("landing", "场景落地单位", f"{_LANDING}{_N}{_NAME}{_N}", needed=True, names=True, repeats=True),
    Column("landing_code", "代码", f"{_LANDING}{_N}(单位|企业)?{_CODE}{_N}", repeats=True),
    Column("other_code", "代码", f"{_OTHER}{_N}(单位|企业)?{_CODE}{_N}", repeats=True),
    Column("other", "其他成员", f"{_OTHER}{_N}{_NAME}{_N}", repeats=True),
    Column("code", "统一社会信用代码", f"(单位|企业)?{_CODE}{_N}", repeats=True),
    Column(
        "investment",
        "预期投入（万元）",
        "(项目)?(预期|预计|计划|拟|总)*(投入|投资)(总?额|资金|规模|金额)?[/,，、]?(单位)?(亿元|万元|元)?",
        needed=True,
    ),
    Column("period", "实施起止", f"(项目)?实施{_SPAN}|(项目)?(起止|起止时间|起止日期|起止年月)"),
    Column("starts_on", "起", f"(项目)?(实施)?{_SPAN}?(起|开始|起始){_DAY}"),
    Column("ends_on", "止", f"(项目)?(实施)?{_SPAN}?(止|结束|截止|终止|完成){_DAY}"),
    Column("contact_name", "联系人", "(项目)?(联系人|联络人)(姓名)?"),
    Column("contact_phone", "联系电话", "(项目)?(联系人|联络人)?(联系)?(电话|手机|方式)(号码?)?"),
    Column("opinion", "推荐意见", "(市级?|市局)?推荐(意见|理由)"),
    Column("remarks", "备注", "备注|说明"),
    # Known and passed over: a running number is no rank, and the ledger's own columns are not the city's.
    Column("passed_over", "序号", "序号|项目编号|(当前|项目)?状态|版本号?", repeats=True),
)


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One project of the summary table; `row` is its row in the sheet."""

    row: int
    application: Application
    task_title: str | None
    uses_quota: bool | None


SummaryTable = Table[SummaryRow]


@dataclass(frozen=True, slots=True)
class _Readers:
    """What depends on the batch or on this workbook."""

    city: Callable[[Cell], str]
    ownership: Callable[[Cell], str]
    amount: Callable[[Cell], tuple[int, str]]
    unit: str
    start: Callable[[Cell], date]
    end: Callable[[Cell], date]


def read_summary(data: bytes | BinaryIO, vocabulary: Vocabulary, limits: Limits | None = None) -> SummaryTable:
    """Read a summary table.

    All or nothing: with one error there are no rows. Members come as lead, landing units, others.

    Raises:
        WorkbookRefused: the file as a whole cannot be read; the text says what to do.
    """
    limits = limits or Limits()
    reading = open_table(data, COLUMNS, limits)
    units = bind_codes(reading)
    unit = _money_unit(reading)
    readers = _Readers(
        city_reader(vocabulary),
        ownership_reader(vocabulary),
        cells.amount_reader(unit),
        unit,
        cells.date_reader(reading.day_zero, Edge.START),
        cells.date_reader(reading.day_zero, Edge.END),
    )
    rows: list[SummaryRow] = []
    ranks: dict[object, int] = {}
    titles: dict[object, int] = {}
    for line in read_lines(reading, COLUMNS, limits):
        row = _read_row(line, units, readers, vocabulary)
        if row is not None:
            _check_twins(line, row, ranks, titles)
            _check_quota(line, row, vocabulary)
            rows.append(row)
    return reading.finish(rows)


def _read_row(line: Line, units: list[UnitColumns], readers: _Readers, vocabulary: Vocabulary) -> SummaryRow | None:
    header = line.reading.header
    at = header.first
    rank = line.read(at("rank"), cells.read_rank, nothing=True)
    city = line.read(at("city"), readers.city, needed=True)
    task_code = line.read(at("task_code"), cells.read_code, needed=True)
    task_title = line.read(at("task_title"), cells.read_line)
    title = line.read(at("title"), cells.read_line, needed=True)
    ownership = line.read(at("ownership"), readers.ownership, needed=True)
    uses_quota = line.read(at("uses_quota"), read_yes_no)
    group = line.read(at("group"), cells.read_line, nothing=True)
    members = read_members(line, units, vocabulary)
    investment = _read_investment(line, readers)
    starts_on, ends_on = _read_period(line, readers)
    contact_name = line.read(at("contact_name"), cells.read_line, nothing=True)
    contact_phone = line.read(at("contact_phone"), cells.read_phone, nothing=True)
    _warn_of_phone(line)
    opinion = line.read(at("opinion"), cells.read_prose)
    remarks = line.read(at("remarks"), cells.read_prose)
    if city is None or task_code is None or title is None or ownership is None or investment is None:
        return None
    application = Application(
        title, task_code, city, ownership, members, investment, starts_on, ends_on, group, rank,
        opinion, remarks, contact_name, contact_phone,
    )  # fmt: skip
    return SummaryRow(line.row.number, application, task_title, uses_quota)


def _read_investment(line: Line, readers: _Readers) -> int | None:
    place = line.reading.header.first("investment")
    amount = line.read(place, readers.amount, needed=True)
    if amount is None:
        return None
    fen, unit = amount
    if unit != readers.unit:
        text = Text(
            f"该列单位为{readers.unit}，此格写明为{unit}，按{unit}读取",
            f"the column counts in {readers.unit}, this cell says {unit} and was read so",
        )
        line.warn(place, "another_unit", text)
    return fen


def _read_period(line: Line, readers: _Readers) -> tuple[date | None, date | None]:
    at = line.reading.header.first
    both = line.read(at("period"), cells.read_period, nothing=True)
    starts_on = line.read(at("starts_on"), readers.start, nothing=True) or (both and both[0])
    ends_on = line.read(at("ends_on"), readers.end, nothing=True) or (both and both[1])
    try:
        check_order(starts_on, ends_on)
    except Unclean as unclean:
        line.fault(at("ends_on") or at("period"), unclean.code, unclean.text)
    return starts_on, ends_on


def _warn_of_phone(line: Line) -> None:
    place = line.reading.header.first("contact_phone")
    if cells.may_lack_zero(line.cell(place)):
        text = Text(
            "电话存为数值，区号前的 0 可能已丢失，请核对",
            "stored as a number; a zero before the area code may be lost, check it",
        )
        line.warn(place, "zero_may_be_lost", text)


def _check_twins(line: Line, row: SummaryRow, ranks: dict[object, int], titles: dict[object, int]) -> None:
    application, at = row.application, line.reading.header.first
    if application.rank is not None:
        what = Text("的市和排序相同", "have the same rank in one city")
        check_unique(ranks, (application.city, application.rank), line, at("rank"), what)
    if application.lead is not None:
        key = (squeeze(application.title).casefold(), application.lead.credit_code)
        what = Text("的项目名称和牵头单位相同", "have the same title and lead unit")
        check_unique(titles, key, line, at("title"), what)


def _check_quota(line: Line, row: SummaryRow, vocabulary: Vocabulary) -> None:
    exempt = row.application.ownership in vocabulary.exempt
    if not vocabulary.exempt or row.uses_quota is None or row.uses_quota != exempt:
        return
    name = vocabulary.ownerships[row.application.ownership]
    zh, en = ("不占用", "uses no") if exempt else ("占用", "uses")
    text = Text(f"与企业性质不符：{name}{zh}名额", f"does not fit the ownership: {name} {en} quota")
    line.warn(line.reading.header.first("uses_quota"), "quota_and_ownership", text)


def _money_unit(reading: Reading) -> str:
    """Find what the investment column counts in: its header says, else the rows above, else 万元."""
    header: Header = reading.header
    place = header.first("investment")
    if place is None:
        return "万元"
    own = re.search("亿元|万元|元", squeeze(place.text))
    stated = (_STATED_UNIT.search(squeeze(text)) for text in header.above)
    above = [found[1] for found in stated if found]
    unit = own[0] if own else above[0] if above else "万元"
    if not own and not above:
        text = Text("表头未写明单位，按万元读取", "the header names no unit; read as 万元")
        reading.warnings.add(header.row, place.letters, place.text, "unit_assumed", text)
    if own and above and above[0] != unit:
        text = Text(f"表头为{unit}，表上方为{above[0]}，按表头读取", f"the header says {unit}, above it {above[0]}")
        reading.warnings.add(header.row, place.letters, place.text, "units_differ", text)
    return unit
