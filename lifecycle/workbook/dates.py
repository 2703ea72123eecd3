"""Dates as cells write them: real dates, serial numbers, and the many ways in text."""

import calendar
import re
import unicodedata
from datetime import date, timedelta
from enum import Enum

from lifecycle.workbook.money import parse_number
from lifecycle.workbook.refusals import Unclean

FIRST_YEAR, LAST_YEAR = 1990, 2199

_DAY = r"(?:(\d{4})(?:年|[-./])(\d{1,2})(?:(?:月|[-./])(\d{1,2})日?|月)?|(\d{4})(\d{2})(\d{2})?)"
_ONE = re.compile(_DAY, re.ASCII)
_RANGE = re.compile(rf"(?:自|从)?{_DAY}(?:起)?(?:至|到|~|-+)(?:{_DAY})(?:止)?", re.ASCII)
_TIME = re.compile(r"(?:\s+|(?<=\d)T)\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?Z?", re.ASCII)
_DASHES = re.compile("[‐‑‒–—―−－~～〜∼]+")


class Edge(Enum):
    """Which day a month alone stands for."""

    START = "start"
    END = "end"


def parse_date(text: str, edge: Edge) -> date:
    """Read a date written as text; a month alone is its first day at the start, its last at the end.

    Raises:
        Unclean: not a date, or no such day.
    """
    found = _ONE.fullmatch(_squeeze(text))
    if found is None:
        raise _not_a_date()
    return _day(found.groups(), edge)


def parse_range(text: str) -> tuple[date, date]:
    """Read a start and an end written in one cell: 2024.07-2025.06, 2024年7月至2025年6月.

    Raises:
        Unclean: not two dates, or no such days.
    """
    found = _RANGE.fullmatch(_squeeze(text))
    if found is None:
        raise Unclean(
            "not_a_range",
            "不是起止日期；请写成 2024-07-01至2025-06-30 或 2024.07-2025.06",
            "not a start and an end; write 2024-07-01至2025-06-30 or 2024.07-2025.06",
        )
    parts = found.groups()
    return _day(parts[:6], Edge.START), _day(parts[6:], Edge.END)


def from_serial(text: str, day_zero: date) -> date:
    """Turn a date cell's content, a serial number of days or ISO 8601, into its day.

    Raises:
        Unclean: no such day.
    """
    if "-" in text[1:] and "E" not in text.upper():
        return parse_date(text, Edge.START)
    serial = parse_number(text)
    if not 0 <= serial < 200_000:
        raise _out_of_range()
    return _plausible(day_zero + timedelta(days=int(serial)))


def from_number(text: str, day_zero: date, edge: Edge) -> date:
    """Read a plain number in a column of dates: 20240701, 202407, 2024.7, or a serial number of days.

    Raises:
        Unclean: none of these; or 2024.1, which may have been October before Excel took its zero away.
    """
    number = parse_number(text)
    if number == number.to_integral_value():
        whole = int(number) if abs(number) < 10**8 else 0
        if whole >= 100_000:
            return parse_date(str(whole), edge)
        return from_serial(str(whole), day_zero)
    if 1_000 <= number < 10_000 and str(number).endswith(".1"):
        raise Unclean(
            "ambiguous_month",
            "无法区分 1 月与 10 月（数值格式去掉了末尾的 0）；请将该列设为文本格式后重新填写",
            "January or October? a number loses its last zero; format the column as text and fill it in again",
        )
    if 1_000 <= number < 10_000:
        return parse_date(str(number), edge)
    return from_serial(str(int(number)), day_zero)


def check_order(starts_on: date | None, ends_on: date | None) -> None:
    """Refuse an end before its start.

    Raises:
        Unclean: it is.
    """
    if starts_on and ends_on and ends_on < starts_on:
        raise Unclean("ends_before_start", "结束日期早于开始日期", "the end lies before the start")


def _day(parts: tuple[str | None, ...], edge: Edge) -> date:
    year, month, day = (int(part) if part else None for part in (parts[:3] if parts[0] else parts[3:6]))
    if year is None or month is None or not 1 <= month <= 12 or not FIRST_YEAR <= year <= LAST_YEAR:
        raise _out_of_range()
    last = calendar.monthrange(year, month)[1]
    if day is None:
        return date(year, month, 1 if edge is Edge.START else last)
    if not 1 <= day <= last:
        raise _out_of_range()
    return date(year, month, day)


def _plausible(day: date) -> date:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise _out_of_range()
    return day


def _squeeze(text: str) -> str:
    if len(text) > 100:
        raise _not_a_date()
    without_time = _TIME.sub("", unicodedata.normalize("NFKC", text))
    return _DASHES.sub("-", "".join(without_time.split()))


def _not_a_date() -> Unclean:
    return Unclean(
        "not_a_date",
        "不是日期；请写成 2024-07-01 或 2024年7月",
        "not a date; write 2024-07-01 or 2024年7月",
    )


def _out_of_range() -> Unclean:
    return Unclean("no_such_day", "没有这一天，或年份超出范围", "there is no such day, or its year is out of range")
