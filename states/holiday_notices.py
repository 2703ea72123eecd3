"""Owns the words of the State Council's yearly notice on holidays: read as published, held against its own figures."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from states.findings import Text
from states.holiday_lists import REST, WORK, HolidayList, own_name

_ITEM = re.compile(r"^\s*(?:[一二三四五六七八九十]+、|\d+[.、])\s*([^:,。]{1,20}):(.+)$", re.MULTILINE)
_TITLE = re.compile(r"(?:国务院办公厅)?关于(\d{4})年部分节假日安排的通知")
_YEAR = re.compile(r"(\d{4})年[^。\n]{0,60}(?:放假|节假日)")
_NUMBER = re.compile(r"国办发[^\s\d]{0,4}[〔\[(]\d{4}[〕\])]\s*\d+号")
_DAY = re.compile(r"(?:(\d{4})年)?(?:(\d{1,2})月)?(\d{1,2})日(\([^)]*\))?\s*(至|到|-|—|~)?")
_WEEKDAY = re.compile(r"(?:周|星期)([一二三四五六日天])")
_WEEKDAYS = {**{sign: number for number, sign in enumerate("一二三四五六日")}, "天": 6}
_IN_ALL = re.compile(r"共(\d+)天")
_LONGEST = 31  # days of one holiday: a range beyond is a slip


class _Span(NamedTuple):
    """Days that follow one another, both included."""

    first: date
    last: date

    def days(self) -> Iterator[date]:
        yield from (self.first + timedelta(number) for number in range((self.last - self.first).days + 1))


def is_notice(text: str) -> bool:
    """Tell whether a text is the notice itself: numbered items that say when there is a holiday."""
    return any("放假" in item[2] for item in _ITEM.finditer(_plain(text)))


def read_notice(text: str) -> HolidayList:
    """Read the notice with all its faults: days that do not exist, weekdays or totals that do not agree with the dates.

    What is only encouraged (“鼓励……”) is no arrangement. A day of the year before or after names its year, as in print.
    """
    read, plain = HolidayList(), _plain(text)
    title, named = _TITLE.search(plain), _YEAR.search(plain)
    if not (title or named):
        read.refuse(Text("标题", "title"), "没有写明是哪一年的安排", "it does not say of which year it is")
        return read
    year = int((title or named)[1])  # type: ignore[index]  # one of them is there
    for item in _ITEM.finditer(plain):
        line = plain.count("\n", 0, item.start(2)) + 1
        place = Text(f"第{line}行“{item[1].strip()}”", f"line {line}, {item[1].strip()}")
        for sentence in re.split(r"[。;]", item[2]):
            _take(read, sentence, year, place)
    if not read.days and not read.faults:
        read.refuse(Text("通知", "notice"), "没有任何日期", "there is no day in it")
    read.years = {year, *(day.year for day in read.days)}
    number = _NUMBER.search(plain)
    source = f"国务院办公厅关于{year}年部分节假日安排的通知{f'（{number[0]}）' if number else ''}"
    read.name_it(own_name(read), source, Text("通知", "notice"), Text("通知", "notice"))
    return read


def _take(read: HolidayList, sentence: str, year: int, place: Text) -> None:
    """Enter the days of a sentence: off where it speaks of a holiday, worked where it calls people to work."""
    kind = WORK if "上班" in sentence else REST if "放假" in sentence or "休息" in sentence else None
    if kind is None or "鼓励" in sentence:
        return
    spans = list(_spans(read, sentence, year, place))
    days = [day for span in spans for day in span.days()]
    told = _IN_ALL.search(sentence)
    if told and kind == REST and int(told[1]) != len(days):
        zh, en = f"写明共{told[1]}天，所列日期为{len(days)}天", f"it says {told[1]} days in all and lists {len(days)}"
        read.refuse(place, f"{zh}，请核对", f"{en}: check them")
    for day in days:
        read.add(day, kind, place)


def _spans(read: HolidayList, sentence: str, year: int, place: Text) -> Iterator[_Span]:
    month, begun = 0, None
    for found in _DAY.finditer(sentence):
        year = int(found[1]) if found[1] else year
        month = int(found[2]) if found[2] else month
        shown = f"{year}年{month}月{found[3]}日"
        try:
            day = date(year, month, int(found[3]))
        except ValueError:
            read.refuse(place, f"没有{shown}这一天", f"there is no such day: {shown}")
            continue
        weekday = _WEEKDAY.search(found[4] or "")
        if weekday and _WEEKDAYS[weekday[1]] != day.weekday():
            read.refuse(place, f"{day}不是周{weekday[1]}，请核对", f"{day} is not the weekday that is given: check it")
        if found[5]:
            begun = day
            continue
        first, begun = begun or day, None
        if not 0 <= (day - first).days < _LONGEST:
            read.refuse(place, f"{first}至{day}不成期间，请核对", f"{first} to {day} is no holiday: check the dates")
            continue
        yield _Span(first, day)


def _plain(text: str) -> str:
    """Return the text with digits, brackets and colons of one width; lines stay lines."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(unicodedata.normalize("NFKC", line) for line in lines)
