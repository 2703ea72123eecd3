"""The list of actual investment 实际投入明细, read and written: one row a payment, under its contract and invoice."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, BinaryIO

from lifecycle.workbook import cells
from lifecycle.workbook.columns import Column, Place, squeeze
from lifecycle.workbook.dates import Edge
from lifecycle.workbook.package import Limits
from lifecycle.workbook.page import DAY, MONEY, WHOLE, Field, Page, Value
from lifecycle.workbook.refusals import CellError, Unclean
from lifecycle.workbook.sheet import Cell
from lifecycle.workbook.table import Line, Reading, Table, open_table, read_lines
from states.findings import Text
from states.investment import Line as Payment
from states.investment import LineFault

_AMOUNT = "(金额|价款|数额)?[/,，、]?(单位)?(万元|元)?"
COLUMNS = (
    Column(
        "item", "投入内容", "(实际)?投入(内容|事项|项目|明细)|(设备|货物|服务)?名称|内容|摘要", needed=True, names=True
    ),
    Column("category", "投入类别", "(投入|费用|支出)?(类别|类型|科目)"),
    Column("payee", "收款单位", "(收款|供应|供货|销售)(单位|方|商)(名称)?|供应商", needed=True, names=True),
    Column("contract_number", "合同编号", "合同(编号|号|号码)", needed=True),
    Column("contract_on", "合同日期", "合同(签订)?(日期|时间)"),
    Column("invoice_number", "发票号码", "发票(号码|号|编号)", needed=True, names=True),
    Column("invoice_on", "开票日期", "(发票|开票)(日期|时间)", needed=True),
    Column("invoice_fen", "发票金额", f"(发票|开票|价税合计){_AMOUNT}", needed=True),
    Column("payment_number", "付款凭证号", "(付款|支付|银行)?(凭证|回单|流水)(号码?|编号)", needed=True),
    Column("paid_on", "付款日期", "(付款|支付)(日期|时间)", needed=True),
    Column("paid_fen", "付款金额", f"(付款|支付|实付){_AMOUNT}", needed=True),
    Column("claimed_fen", "申报金额", f"(本次)?(申报|计入|申报投入){_AMOUNT}", needed=True),
    Column("remarks", "备注", "备注|说明"),
    # What was verified is ours, and not read back.
    Column("passed_over", "序号", f"序号|行号|核定{_AMOUNT}|核减(理由|原因)|提示", repeats=True),
)
_STATED = re.compile("单位:?(?:人民币)?(万元|元)")
_FIELDS = (
    Field("序号", None, 6, WHOLE),
    Field("投入内容", None, 28),
    Field("投入类别", None, 12),
    Field("收款单位", None, 28),
    Field("合同编号", None, 16),
    Field("合同日期", None, 12, DAY),
    Field("发票号码", None, 24),
    Field("开票日期", None, 12, DAY),
    Field("发票金额（元）", None, 16, MONEY),
    Field("付款凭证号", None, 20),
    Field("付款日期", None, 12, DAY),
    Field("付款金额（元）", None, 16, MONEY),
    Field("申报金额（元）", None, 16, MONEY),
    Field("备注", None, 24),
    Field("核定金额（元）", None, 16, MONEY),
    Field("核减理由", None, 28),
    Field("提示", None, 20),
)


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """One payment as its row states it: values by name, not yet judged."""

    row: int
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PaymentTable:
    """The table read, and where each column stands, so that what is wrong with a value can name its cell."""

    table: Table[PaymentRow]
    places: Mapping[str, Place]

    def at_cells(self, faults: Iterable[LineFault]) -> list[CellError]:
        """Return faults of lines, counted from 1, as faults at cells."""
        found = []
        for fault in faults:
            place = self.places.get(fault.field)
            row = self.table.rows[fault.position - 1].row if fault.position else 0
            letters, header = (place.letters, place.text) if place else ("", "")
            found.append(CellError(self.table.sheet, row, letters, header, fault.code, fault.message, fault.value))
        return found


def read_payments(data: bytes | BinaryIO, categories: Mapping[str, str], limits: Limits | None = None) -> PaymentTable:
    """Read a list of actual investment; categories by code or label, amounts in 元 unless the sheet says 万元.

    Raises:
        WorkbookRefused: the file as a whole cannot be read.
    """
    limits = limits or Limits()
    reading = open_table(data, COLUMNS, limits)
    places = {key: places[0] for key, places in reading.header.places.items() if places}
    day = cells.date_reader(reading.day_zero, Edge.START)
    readers: dict[str, Callable[[Cell], Any]] = {
        **dict.fromkeys(("item", "payee"), cells.read_line),
        **dict.fromkeys(("contract_number", "payment_number", "invoice_number"), cells.read_code),
        "category": _category_reader(categories),
        "remarks": cells.read_prose,
        **dict.fromkeys(("contract_on", "invoice_on", "paid_on"), day),
    }
    for key in ("invoice_fen", "paid_fen", "claimed_fen"):
        readers[key] = _fen_reader(_unit(reading, places.get(key)))
    rows = [_read_row(line, places, readers) for line in read_lines(reading, COLUMNS, limits)]
    return PaymentTable(reading.finish(rows), places)


def write_payments(
    rows: Iterable[tuple[Payment, int | None, str | None, str | None]], categories: Mapping[str, str], title: str
) -> bytes:
    """Write a list: each payment with what was verified of it, why less, and what is remarkable.

    Raises:
        WorkbookRefused: a text holds what no cell can hold.
    """
    page = Page("实际投入明细", title, _FIELDS, unit="元", keep=2)
    for number, (line, verified, reason, flags) in enumerate(rows, 1):
        values: list[Value] = [
            number,
            line.item,
            categories.get(line.category, line.category) if line.category else None,
            line.payee,
            line.contract_number,
            line.contract_on,
            line.invoice_number,
            line.invoice_on,
            _yuan(line.invoice_fen),
            line.payment_number,
            line.paid_on,
            _yuan(line.paid_fen),
            _yuan(line.claimed_fen),
            line.remarks,
            None if verified is None else _yuan(verified),
            reason,
            flags,
        ]
        page.add(values)
    return page.close()


def _read_row(line: Line, places: Mapping[str, Place], readers: Mapping[str, Callable[[Cell], Any]]) -> PaymentRow:
    needed = {column.key for column in COLUMNS if column.needed}
    values = {key: line.read(places.get(key), read, needed=key in needed) for key, read in readers.items()}
    return PaymentRow(line.row.number, values)


def _category_reader(categories: Mapping[str, str]) -> Callable[[Cell], str]:
    known = {squeeze(label): code for code, label in categories.items()}

    def read(cell: Cell) -> str:
        text = squeeze(cells.read_line(cell))
        found = text if text in categories else known.get(text)
        if found is None:
            names = "、".join(categories.values())
            raise Unclean("unknown_category", f"投入类别应为以下之一：{names}", f"the category is one of {names}")
        return found

    return read


def _fen_reader(unit: str) -> Callable[[Cell], int]:
    read = cells.amount_reader(unit)
    return lambda cell: read(cell)[0]


def _unit(reading: Reading, place: Place | None) -> str:
    """Return what an amount column counts in: its header says, else the rows above, else 元."""
    own = re.search("万元|元", squeeze(place.text)) if place else None
    stated = (_STATED.search(squeeze(text)) for text in reading.header.above)
    return own[0] if own else next((found[1] for found in stated if found), "元")


def _yuan(fen: int) -> Decimal:
    return Decimal(fen).scaleb(-2)


NOT_A_LIST = Text("表中没有数据行", "the table has no rows")
