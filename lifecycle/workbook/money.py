"""Amounts of money as cells write them, into integer fen and back, exactly."""

import re
import unicodedata
from decimal import ROUND_HALF_EVEN, Context, Decimal

from lifecycle.workbook.refusals import Unclean

UNITS = {"元": 10**2, "万元": 10**6, "亿元": 10**10}  # in fen
MAX_FEN = 2**53 - 1  # what JSON carries exactly

_EXCEL_DIGITS = Context(prec=15, rounding=ROUND_HALF_EVEN)
_AMOUNT = re.compile(
    r"¥?(?P<number>[+-]?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]*)?)"
    r"\(?(?P<scale>[万亿]?)(?P<unit>元?)整?\)?"
)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[Ee][+-]?[0-9]{1,3})?")


def parse_number(text: str) -> Decimal:
    """Read a number cell's content as the number that Excel shows: 15 significant digits.

    A cell holds a binary double, which some programs write with 17 digits (1234.5600000000001); what lies
    beyond the fifteenth is noise of the format, and Excel neither shows it nor computes with it.

    Raises:
        Unclean: not a number.
    """
    if _NUMBER.fullmatch(text.strip()) is None:
        raise not_an_amount()
    return _EXCEL_DIGITS.create_decimal(text.strip())


def parse_amount(text: str, unit: str) -> tuple[int, str]:
    """Read an amount written as text; return it in fen, with the unit it was counted in.

    A unit written behind the number (万元, 万, 元, 亿元, 亿) wins over the column's `unit`.

    Raises:
        Unclean: not an amount, negative, finer than a fen, or too large.
    """
    squeezed = "".join(unicodedata.normalize("NFKC", text).split())
    found = _AMOUNT.fullmatch(squeezed)
    if found is None:
        raise not_an_amount()
    named = f"{found['scale']}元" if found["scale"] or found["unit"] else unit
    return to_fen(Decimal(found["number"].replace(",", "")), named), named


def to_fen(number: Decimal, unit: str) -> int:
    """Turn a number of `unit` into fen.

    Raises:
        Unclean: negative, finer than a fen, or more than 2^53 - 1 fen.
    """
    if number < 0:
        raise Unclean("negative", "金额不能为负数", "an amount cannot be negative")
    if number == 0:
        return 0
    # Before multiplying: an exponent of a few characters can stand for a number of a million digits.
    if number.adjusted() > 15 or (number.adjusted() > -12 and number * UNITS[unit] > MAX_FEN):
        raise Unclean("amount_range", "金额超出可处理的范围", "the amount is out of any range")
    # With at most 28 digits the default context multiplies exactly.
    fen = number * UNITS[unit] if len(number.as_tuple().digits) <= 28 else None
    if fen is None or fen != fen.to_integral_value():
        raise Unclean(
            "finer_than_fen",
            "金额精确到分，不能有更多小数位",
            "an amount goes down to the fen (0.01 yuan), and this one has more decimals",
        )
    return int(fen)


def to_wan(fen: int) -> Decimal:
    """Write fen as a number of 万元, without needless zeros."""
    number = Decimal(fen).scaleb(-6)
    return number.quantize(Decimal(1)) if number == number.to_integral_value() else number.normalize()


def not_an_amount() -> Unclean:
    """Return the finding that a cell holds no amount."""
    return Unclean(
        "not_an_amount",
        "不是金额；请填写数字，例如 1200 或 1200万元",
        "not an amount; write a number such as 1200 or 1200万元",
    )
