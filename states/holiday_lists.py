"""Owns the forms in which an official hands in a holiday arrangement: a TOML file, or a table copied from a notice."""

import csv
import hashlib
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from states.fields import CONTROL
from states.findings import Text

REST, WORK = "rest", "work"
NAME = re.compile(r"[\w.-]{1,60}")
SOURCE_LENGTH = 300
_KINDS = {"休": REST, "放假": REST, "休息": REST, "rest": REST, "班": WORK, "上班": WORK, "补班": WORK, "work": WORK}
_NAMES, _SOURCES, _HEADINGS = ("名称", "name"), ("依据", "来源", "source"), ("日期", "date")
_LISTS = {"rest_days": REST, "working_days": WORK}
_KEYS = {"name", "source", "years", *_LISTS}
_IS_TOML = re.compile(r"^\s*[\w\"']+\s*=", re.MULTILINE)
_DATE = re.compile(r"(\d{4})(?:-(\d\d?)-(\d\d?)|/(\d\d?)/(\d\d?)|\.(\d\d?)\.(\d\d?)|年(\d\d?)月(\d\d?)日)", re.ASCII)
_AT = re.compile(r"\(at line (\d+), column (\d+)\)")


class Fault(NamedTuple):
    """Something wrong with an arrangement: where it stands, and what to do about it."""

    place: Text
    message: Text

    def to_dict(self) -> dict[str, Any]:
        """Return the fault as JSON values."""
        return {"place": self.place._asdict(), "message": self.message._asdict()}


@dataclass(slots=True)
class HolidayList:
    """What stands in a file, and what is wrong with its form. A day has its kind and the place where it stands."""

    name: str = ""
    source: str = ""
    years: set[int] = field(default_factory=set)
    days: dict[date, tuple[str, Text]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def refuse(self, place: Text, zh: str, en: str) -> None:
        """Note a fault."""
        self.faults.append(Fault(place, Text(zh, en)))

    def of(self, kind: str) -> list[date]:
        """Return the days of a kind, in order."""
        return sorted(day for day, (found, _) in self.days.items() if found == kind)

    def add(self, day: date, kind: str, place: Text) -> None:
        """Enter a day, or note that it stands twice."""
        if day in self.days:
            self.refuse(place, f"{day}写了两次，请只留一处", f"{day} stands twice: keep one")
        self.days[day] = (kind, place)

    def name_it(self, name: Any, source: Any, name_at: Text, source_at: Text) -> None:
        """Enter the name and the document that the days come from, or note what is wrong with them."""
        if not isinstance(name, str) or not NAME.fullmatch(name):
            self.refuse(
                name_at,
                "名称（name）应为1至60个字母、数字、汉字或._-",
                "the name has 1 to 60 letters, digits, '.', '_' or '-'",
            )
        if not isinstance(source, str) or not 0 < len(source.strip()) <= SOURCE_LENGTH or CONTROL.search(source):
            self.refuse(
                source_at,
                f"须写明依据（source）：通知的标题或文号，至多{SOURCE_LENGTH}字",
                f"give the source: the notice's title or number, at most {SOURCE_LENGTH} characters",
            )
        self.name, self.source = str(name), str(source).strip()

    def to_toml(self) -> str:
        """Return the list as a calendar file."""
        head = {"name": self.name, "source": self.source}
        lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in head.items()]
        lines.append(f"years = {sorted(self.years)}")
        for key, kind in _LISTS.items():
            lines += [f"{key} = [", *(f'  "{day}",' for day in self.of(kind)), "]"]
        return "\n".join([*lines, ""])


def is_toml(text: str) -> bool:
    """Tell whether a text is a TOML file: somewhere a line begins with a key and `=`, as no row of a table does."""
    return _IS_TOML.search(text) is not None


def read_toml(text: str) -> HolidayList:
    """Read a calendar file, as `calendar_from_toml` takes it, with all its faults."""
    read = HolidayList()
    try:
        content = tomllib.loads(text)
    except (RecursionError, ValueError) as error:
        found = _AT.search(str(error))
        place = Text("末尾", "end")
        if found:
            place = Text(f"第{found[1]}行第{found[2]}列", f"line {found[1]}, column {found[2]}")
        read.refuse(place, "不是有效的TOML", f"not valid TOML: {error}")
        return read
    known = ", ".join(sorted(_KEYS))
    for key in sorted(content.keys() - _KEYS):
        read.refuse(_key(key), "没有这一项，请删除或改正", f"there is no such key; known are {known}")
    read.name_it(content.get("name"), content.get("source"), _key("name"), _key("source"))
    years = content.get("years")
    if not isinstance(years, list) or not years or any(type(year) is not int for year in years):
        read.refuse(_key("years"), "应列明年份，如[2027]", "give the years as a list, such as [2027]")
        return read
    read.years = set(years)
    for key, kind in _LISTS.items():
        _take_list(read, key, kind, content.get(key, []))
    return read


def read_table(text: str) -> HolidayList:
    """Read a table with all its faults: a row a day, `date,kind` with an optional remark, and a row `依据,<document>`.

    The kind is 休 or 班; commas or tabs part the cells. The years are those of the days; a row `名称,<name>` may name
    the list.
    """
    read, name, source = HolidayList(), "", None
    table = name_at = source_at = Text("表", "table")
    for number, cells in _rows(read, text):
        place, head = _line(number), cells[0].lower()
        if head in _NAMES:
            name, name_at = "".join(cells[1:]), place
        elif head in _SOURCES:
            source, source_at = ",".join(cells[1:]), place
        elif head not in _HEADINGS:
            _take_row(read, cells, place)
    if not read.days and not read.faults:
        read.refuse(table, "没有任何日期", "there is no day in it")
    read.years = {day.year for day in read.days}
    read.name_it(name or own_name(read), source, name_at, source_at)
    return read


def _take_list(read: HolidayList, key: str, kind: str, items: Any) -> None:
    if not isinstance(items, list):
        read.refuse(_key(key), '应为日期列表，如["2027-01-01"]', 'give a list of dates, such as ["2027-01-01"]')
        return
    for number, item in enumerate(items, 1):
        place, day = Text(f"{key}第{number}项", f"{key}, item {number}"), _iso(item)
        if day is None:
            shown = str(item)[:40]
            read.refuse(place, f'{shown}不是日期，应写作"2027-01-01"', f'{shown} is no date: write "2027-01-01"')
        elif day.year not in read.years:
            read.refuse(place, f"{day}不在years所列年份内", f"{day} lies in a year that `years` does not list")
        else:
            read.add(day, kind, place)


def _iso(value: Any) -> date | None:
    try:
        day = date.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return day if day.isoformat() == value else None


def _rows(read: HolidayList, text: str) -> Iterator[tuple[int, list[str]]]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    parted = next((sign for sign in "\t," if sign in text), "，")
    for number, line in enumerate(lines, 1):  # a cell of several lines is in no notice
        try:
            cells = [cell.strip() for cell in next(csv.reader([line], delimiter=parted, strict=True), [])]
        except csv.Error as error:
            read.refuse(_line(number), "无法读取，请检查引号", f"cannot be read: {error}")
            continue
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            yield number, cells


def _take_row(read: HolidayList, cells: list[str], place: Text) -> None:
    shown, given = cells[0][:40], cells[1][:40] if len(cells) > 1 else ""
    day, kind = _written(cells[0]), _KINDS.get(given.lower())
    if day is None:
        read.refuse(place, f"{shown}不是日期，应写作2027-01-01", f"{shown} is no date: write 2027-01-01")
    elif kind is None:
        read.refuse(place, f"类型“{given}”应为休或班", f"the kind {given!r} is neither 休 (rest) nor 班 (work)")
    elif len(cells) > 3:
        read.refuse(place, "每行至多三列：日期、类型、备注", "a row has at most three cells: date, kind, remark")
    else:
        read.add(day, kind, place)


def _written(text: str) -> date | None:
    """Return the day of a cell as Excel writes it: 2027-01-01, 2027/1/1, 2027.1.1, 2027年1月1日."""
    found = _DATE.fullmatch(text)
    try:
        return date(*(int(part) for part in found.groups() if part)) if found else None
    except ValueError:
        return None


def own_name(read: HolidayList) -> str:
    """Return a name that no other list has: it ends the version that dates are traced to."""
    days = ",".join(f"{day}{kind}" for day, (kind, _) in sorted(read.days.items()))
    years = sorted({day.year for day in read.days})[:4]
    return "-".join([*map(str, years), hashlib.sha256(days.encode()).hexdigest()[:8]])


def _line(number: int) -> Text:
    return Text(f"第{number}行", f"line {number}")


def _key(name: str) -> Text:
    return Text(name[:40], name[:40])
