"""A cell's content turned into the value its column asks for."""

import unicodedata
from collections.abc import Callable
from datetime import date
from decimal import Decimal

from lifecycle.workbook.dates import Edge, from_number, from_serial, parse_date, parse_range
from lifecycle.workbook.money import parse_amount, parse_number, to_fen
from lifecycle.workbook.refusals import Unclean
from lifecycle.workbook.sheet import Cell, Kind
from lifecycle.workbook.texts import (
    clean_code,
    clean_credit_code,
    clean_line,
    clean_name,
    clean_phone,
    clean_text,
    lost_digits,
)

_EXACT_DIGITS = 15  # of a number in Excel


def is_blank(cell: Cell | None) -> bool:
    """Say whether a cell holds nothing that can be seen."""
    if cell is None or cell.kind is not Kind.TEXT:
        return cell is None
    return all(letter.isspace() or unicodedata.category(letter) == "Cf" for letter in cell.text)


def read_line(cell: Cell) -> str:
    """Read a text of one line."""
    return clean_line(_text(cell))


def read_prose(cell: Cell) -> str:
    """Read a text of several lines."""
    return clean_text(_text(cell))


def read_name(cell: Cell) -> str:
    """Read one unit's name."""
    return clean_name(_text(cell))


def read_units_text(cell: Cell) -> str:
    """Read a cell of one or more units' names, to be split later."""
    return clean_text(_text(cell))


def read_codes_text(cell: Cell) -> str:
    """Read a cell of one or more credit codes, to be split later."""
    if cell.kind is Kind.NUMBER:
        raise lost_digits()
    return clean_text(_text(cell))


def read_code(cell: Cell) -> str:
    """Read a task number."""
    return clean_code(_digits(cell) if cell.kind is Kind.NUMBER else _text(cell))


def read_credit_code(cell: Cell) -> str:
    """Read one credit code; a number can never be one, it has lost digits."""
    if cell.kind is Kind.NUMBER:
        raise lost_digits()
    return clean_credit_code(_text(cell))


def read_phone(cell: Cell) -> str:
    """Read a telephone number, one that Excel keeps as a number too."""
    return clean_phone(_digits(cell) if cell.kind is Kind.NUMBER else _text(cell))


def may_lack_zero(cell: Cell | None) -> bool:
    """Say whether a telephone number kept as a number may have begun with a zero: it is no mobile number."""
    return cell is not None and cell.kind is Kind.NUMBER and not cell.text.startswith("1")


def read_whole(cell: Cell) -> int:
    """Read a whole number of at least zero, a measure word behind it passed over."""
    if cell.kind is Kind.NUMBER:
        number = parse_number(cell.text)
    else:
        digits = clean_code(_text(cell)).rstrip("个项名")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
            raise _not_whole()
        number = Decimal(digits)
    if number != number.to_integral_value() or not 0 <= number < 10**9:
        raise _not_whole()
    return int(number)


def read_rank(cell: Cell) -> int:
    """Read a place in a ranked list, which begins with 1."""
    rank = read_whole(cell)
    if rank == 0:
        raise Unclean("rank", "排序应从 1 开始", "ranks begin with 1")
    return rank


def amount_reader(unit: str) -> Callable[[Cell], tuple[int, str]]:
    """Return a reader of amounts in a column counted in `unit`: fen, and the unit each cell was counted in."""

    def read_amount(cell: Cell) -> tuple[int, str]:
        if cell.kind is Kind.NUMBER:
            return to_fen(parse_number(cell.text), unit), unit
        return parse_amount(_text(cell), unit)

    return read_amount


def date_reader(day_zero: date, edge: Edge) -> Callable[[Cell], date]:
    """Return a reader of dates, for a workbook that counts days from `day_zero`."""

    def read_date(cell: Cell) -> date:
        if cell.kind is Kind.DATE:
            return from_serial(cell.text, day_zero)
        if cell.kind is Kind.NUMBER:
            return from_number(cell.text, day_zero, edge)
        text = _text(cell).strip()
        if text.isascii() and text.isdigit() and len(text) == 5:
            return from_serial(text, day_zero)
        return parse_date(text, edge)

    return read_date


def read_period(cell: Cell) -> tuple[date, date]:
    """Read a start and an end from one cell."""
    if cell.kind in (Kind.DATE, Kind.NUMBER):
        return parse_range("")
    return parse_range(_text(cell))


def _text(cell: Cell) -> str:
    if cell.kind is Kind.TEXT:
        return cell.text
    if cell.kind is Kind.NUMBER:
        number = parse_number(cell.text)
        return f"{number:f}" if number != number.to_integral_value() else f"{int(number)}"
    if cell.kind is Kind.DATE:
        raise Unclean(
            "became_a_date",
            "Excel 已将内容转换为日期；请将该列设为文本格式后重新填写",
            "Excel has turned this into a date; format the column as text and fill it in again",
        )
    raise Unclean("not_text", "不是文字", "not a text")


def _digits(cell: Cell) -> str:
    number = parse_number(cell.text)
    written = Decimal(cell.text.strip())
    if number != number.to_integral_value():
        raise Unclean(
            "code_as_number",
            "编号被存为小数；请将该列设为文本格式后重新填写",
            "the code was stored as a decimal number; format the column as text and fill it in again",
        )
    if number != written or number.adjusted() >= _EXACT_DIGITS:
        raise lost_digits()
    return f"{int(number)}"


def _not_whole() -> Unclean:
    return Unclean("not_whole", "应为整数", "a whole number belongs here")
