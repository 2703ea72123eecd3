"""Owns holiday arrangements: the next year's notice held against the regulation, and what differs between calendars."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, NamedTuple

from states.deadlines import Calendar, calendar_from_toml, state_council_calendar
from states.findings import Text
from states.holiday_lists import REST, WORK, Fault, HolidayList, is_toml, read_table, read_toml
from states.holiday_notices import is_notice, read_notice

LENGTH = 100_000  # characters; ten years of arrangements take a tenth of it
SHOWN = 20  # faults told at once
# 全国年节及纪念日放假办法: free every year. The other holidays follow the moon, and are not reckoned here.
FIXED = ((1, 1), (5, 1), (10, 1), (10, 2), (10, 3))
FREE_DAYS = 13  # of a year by that regulation since 2025: weekdays off, less the weekend days worked for them
_YEARS, _FILE = Text("年份", "years"), Text("文件", "file")


class BadHolidays(ValueError):
    """An arrangement that cannot be taken; `faults` are at most the first twenty."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        """Take the faults, at least one."""
        self.faults = tuple(faults)[:SHOWN]
        super().__init__("; ".join(f"{fault.place.en}: {fault.message.en}" for fault in self.faults))


class Arrangement(NamedTuple):
    """A readable arrangement: the calendar it makes, its text as a calendar file, and the years it declares."""

    calendar: Calendar
    text: str
    years: tuple[int, ...]


class DayChange(NamedTuple):
    """A day that one calendar works and the other does not; `announced`: the old one knew its year."""

    on: date
    worked: bool
    announced: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the day as JSON values."""
        return {"date": self.on.isoformat(), "worked": self.worked, "announced": self.announced}


def read_arrangement(text: str, present: Calendar) -> Arrangement:
    """Read an arrangement: a TOML file, a table, or the State Council's notice as it is published.

    It is to take the place of the calendar `present`.

    Raises:
        BadHolidays: with every fault, its place and what to do.
    """
    read = _read(text)
    faults = read.faults or [*_years(read, present), *_days(read)]
    if faults:
        raise BadHolidays(faults)
    kept = text if is_toml(text) else read.to_toml()
    try:
        return Arrangement(calendar_from_toml(kept), kept, tuple(sorted(read.years)))
    except ValueError as error:  # the checks above are the stricter ones: none is known that gets here
        raise BadHolidays([Fault(_FILE, Text(f"无法采用：{error}", str(error)))]) from error


def changed_days(old: Calendar, new: Calendar) -> list[DayChange]:
    """Return the days on which two calendars differ, in order."""
    known = old.rest_days | old.working_days | new.rest_days | new.working_days
    return [
        DayChange(day, new.is_working_day(day), old.covers(day.year))
        for day in sorted(known)
        if old.is_working_day(day) != new.is_working_day(day)
    ]


def warnings(years: Iterable[int], old: Calendar, new: Calendar) -> list[Text]:
    """Return what an official should look at twice before adopting a calendar that declares these years."""
    found = []
    changes = changed_days(old, new)
    for year in years:
        net = _free_days(new, year)
        if net != FREE_DAYS:
            found.append(
                Text(
                    f"{year}年扣除调休上班后共放假{net}天，现行规定为{FREE_DAYS}天，请与通知核对",
                    f"{year} has {net} days off net of make-up days, and the regulation gives {FREE_DAYS}: check them",
                )
            )
        again = sum(1 for change in changes if change.on.year == year and change.announced)
        if again:
            found.append(
                Text(
                    f"将改动已公布的{year}年日历{again}天，请核对年份",
                    f"{again} days of {year}, already announced, would change: check the year",
                )
            )
    return found


def _free_days(calendar: Calendar, year: int) -> int:
    off = sum(1 for day in calendar.rest_days if day.year == year and day.weekday() < 5)
    return off - sum(1 for day in calendar.working_days if day.year == year and day.weekday() >= 5)


def _read(text: str) -> HolidayList:
    given, read = text.removeprefix("\ufeff"), HolidayList()  # Windows editors put the mark there
    if len(text) > LENGTH:
        read.refuse(_FILE, f"超过{LENGTH}字", f"more than {LENGTH} characters")
    elif any("\ud800" <= letter <= "\udfff" for letter in text):
        read.refuse(_FILE, "含有无法保存的字符", "holds characters that cannot be kept")
    elif not given.strip():
        read.refuse(_FILE, "没有内容", "there is nothing in it")
    else:
        if is_toml(given):
            return read_toml(given)
        return read_notice(given) if is_notice(given) else read_table(given)
    return read


def _years(read: HolidayList, present: Calendar) -> Iterator[Fault]:
    """Yield what is wrong with the years: none may be lost, none left out between."""
    base = state_council_calendar()
    first, last = min(base.first_year, *read.years), max(base.last_year, *read.years)
    lost = [year for year in (present.first_year, present.last_year) if not first <= year <= last]
    if lost:
        zh = f"现行日历含{lost[0]}年，新日历没有；须把各年安排写入同一文件"
        yield Fault(
            _YEARS, Text(zh, f"the present calendar knows {lost[0]}, this one would not: put all years into it")
        )
    gap = next((year for year in range(first, last + 1) if year not in read.years and not base.covers(year)), None)
    if gap is not None:
        yield Fault(_YEARS, Text(f"缺少{gap}年的安排，年份须连续", f"{gap} is missing: years follow one another"))


def _days(read: HolidayList) -> Iterator[Fault]:
    """Yield the days that cannot be right, whatever the notice says."""
    base = state_council_calendar()
    for day in read.of(WORK):
        if day.weekday() < 5 and day not in base.rest_days:
            zh, en = f"{day}本是工作日，无须调班，请核对日期", f"{day} is a working day anyway: check the date"
            yield Fault(read.days[day][1], Text(zh, en))
    for year in sorted(read.years):
        if not date.min.year <= year <= date.max.year:
            yield Fault(_YEARS, Text(f"没有{year}年", f"there is no year {year}"))
            continue
        for day in (date(year, month, number) for month, number in FIXED):
            kind, place = read.days.get(day, (None, Text(f"{year}年", str(year))))
            if kind == WORK or (kind != REST and base.is_working_day(day)):
                zh, en = f"{day}为法定节假日，须列为休", f"{day} is a statutory holiday: list it as a rest day"
                yield Fault(place, Text(zh, en))
