"""Owns the arithmetic of deadlines: working days, months, ends of days, lights, and their calendars."""

import re
import tomllib
from calendar import monthrange
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from enum import StrEnum
from functools import cache, lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

from chinese_calendar import holidays, workdays

from states.values import frozen

_LAST_ORDINAL = date.max.toordinal()
_OUT_OF_RANGE = "The date lies outside the years 1 to 9999: use a shorter period or another first day."
_NO_PERIOD = f"Give a period of at least 1 day, and of no more than {_LAST_ORDINAL}."
_NEXT_NEW_YEAR_FROM = (12, 28)  # 29 December is the earliest that an announcement for the next year has moved
_KEYS = frozenset({"name", "source", "years", "rest_days", "working_days"})
_zone = cache(ZoneInfo)


class Counting(StrEnum):
    """How the days of a period are counted."""

    WORKING_DAYS_FROM_FIRST = "working_days_from_first"
    WORKING_DAYS = "working_days"
    CALENDAR_DAYS = "calendar_days"


class Light(StrEnum):
    """How near a due date is."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


@dataclass(frozen=True, slots=True, eq=False)  # compared by identity, so that answers can be cached by calendar
class Calendar:
    """Which days are worked; outside the years it covers it knows weekends only."""

    version: str
    source: str
    first_year: int
    last_year: int
    working_days: frozenset[date] = field(repr=False)
    rest_days: frozenset[date] = field(repr=False)

    def covers(self, year: int) -> bool:
        """Tell whether the holidays of this year have been announced."""
        return self.first_year <= year <= self.last_year

    def settles(self, day: date) -> bool:
        """Tell whether this day cannot change any more, so that it is not provisional.

        The last days of the last year are settled with the next: its New Year's holiday may take or give them.
        """
        if day.year == self.last_year and (day.month, day.day) >= _NEXT_NEW_YEAR_FROM:
            return False
        return self.covers(day.year)

    def is_working_day(self, day: date) -> bool:
        """Tell whether this day is worked, as make-up days 调休 are; refuses a datetime with ValueError."""
        _require_date(day)
        return day in self.working_days or (day.weekday() < 5 and day not in self.rest_days)


@frozen
class DueDate:
    """A due date, the day it was moved from if that was a rest day, and the calendar that judged it."""

    due_on: date
    provisional: bool
    moved_from: date | None
    calendar: str


@cache
def state_council_calendar() -> Calendar:
    """Give the State Council's yearly holiday arrangements, as the package chinesecalendar carries them."""
    # The package's own is_workday() scans all its holidays for the covered years at every call.
    first, last = min(holidays).year, max(holidays).year
    source = "国务院办公厅关于部分节假日安排的通知"
    return Calendar(f"cn-state-council/{last}", source, first, last, frozenset(workdays), frozenset(holidays))


def calendar_from_toml(text: str, base: Calendar | None = None) -> Calendar:
    """Lay a batch's own calendar file over a base, by default the State Council's.

    Keys: `name` (ends the version), `source` (its document), `years` (from now on covered), `rest_days` and
    `working_days` (ISO dates in those years). A listed date beats the base, all others stay as they were;
    a notice for 2027 that moves a day of December 2026 declares both years.

    Raises:
        ValueError: the file is not usable; the message says what to change.
    """
    base = base or state_council_calendar()
    try:
        content = tomllib.loads(text.removeprefix("\ufeff"))  # Windows editors put the mark there
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"The calendar file is not valid TOML, correct it there: {error}") from error
    if unknown := sorted(content.keys() - _KEYS):
        raise ValueError(f"Remove or correct the unknown keys {unknown}; known are {sorted(_KEYS)}.")
    name, source = content.get("name"), content.get("source")
    if not isinstance(name, str) or not re.fullmatch(r"[\w.-]+", name):
        raise ValueError("Give `name` as one word of letters, digits, '.', '_' or '-': it ends the version.")
    if not isinstance(source, str) or not source.strip():
        raise ValueError("Give `source`: the title or number of the document the dates come from.")
    years = _declared_years(content.get("years"))
    rest_days = _declared_dates("rest_days", content.get("rest_days", []), years)
    working_days = _declared_dates("working_days", content.get("working_days", []), years)
    if both := rest_days & working_days:
        raise ValueError(f"Take {min(both)} out of either `rest_days` or `working_days`: it is in both.")
    first, last = min(base.first_year, *years), max(base.last_year, *years)
    listed = {day.year for day in rest_days}
    # A year left out, or without one holiday, would pass off plain weekends as an announced calendar.
    bare = next((y for y in range(first, last + 1) if not base.covers(y) and y not in listed), None)
    if bare is not None:
        raise ValueError(f"Declare {bare} in `years` with its `rest_days`: a covered year has holidays.")
    worked = (base.working_days - rest_days) | working_days
    rested = (base.rest_days - working_days) | rest_days
    return Calendar(f"{base.version}+{name}", source, first, last, worked, rested)


@lru_cache(maxsize=65536)
def count_days(start: date, days: int, counting: Counting, calendar: Calendar) -> DueDate:
    """Find the last day of a period of `days` days (at least 1) that begins with or after `start`.

    A rest day at the start is passed over: day 1 is the first working day. Calendar days are never moved.

    Raises:
        ValueError: `days` is below 1, `start` is a datetime, or the result lies after the year 9999.
    """
    if not 1 <= days <= _LAST_ORDINAL:
        raise ValueError(_NO_PERIOD)
    if counting == Counting.CALENDAR_DAYS:
        return DueDate(_shifted(start, days), False, None, calendar.version)
    first = start if counting == Counting.WORKING_DAYS_FROM_FIRST else _shifted(start, 1)
    return _nth_working_day(first, days, 1, calendar)


def count_back(due: date, days: int, counting: Counting, calendar: Calendar) -> DueDate:
    """Find the day that lies `days` days (at least 1) before `due`, as reminders need it.

    Both ways of counting working days stay strictly before `due`, so one day ahead is never the day itself.

    Raises:
        ValueError: `days` is below 1, `due` is a datetime, or the result lies before the year 1.
    """
    if not 1 <= days <= _LAST_ORDINAL:
        raise ValueError(_NO_PERIOD)
    if counting == Counting.CALENDAR_DAYS:
        return DueDate(_shifted(due, -days), False, None, calendar.version)
    return _nth_working_day(_shifted(due, -1), days, -1, calendar)


@lru_cache(maxsize=65536)
def add_months(start: date, months: int, calendar: Calendar, roll: bool = True) -> DueDate:
    """Find the corresponding day `months` months later, or the month's last day; off a rest day if `roll`.

    Civil Code 民法典 arts. 200–203. Always count from the anchor: a chained sum loses the 31st at the
    first short month and drifts with every rest day. Negative months count back, and still roll forward.

    Raises:
        ValueError: `start` is a datetime, or the result lies outside the years 1 to 9999.
    """
    _require_date(start)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise ValueError(_OUT_OF_RANGE)
    day_of_month = start.day if start.day <= 28 else min(start.day, monthrange(year, month + 1)[1])
    target = date(year, month + 1, day_of_month)
    if not roll or calendar.is_working_day(target):
        return DueDate(target, roll and not calendar.settles(target), None, calendar.version)
    due = _nth_working_day(target, 1, 1, calendar)
    return DueDate(due.due_on, due.provisional, target, calendar.version)


def working_days_between(first: date, last: date, calendar: Calendar) -> int:
    """Count the working days from `first` to `last`, both included; 0 if `last` lies before `first`."""
    _require_date(first)
    _require_date(last)
    days = map(date.fromordinal, range(first.toordinal(), last.toordinal() + 1))
    return sum(map(calendar.is_working_day, days))


def end_of_day(day: date, zone: str = "Asia/Shanghai") -> datetime:
    """Give the first instant after this day in the zone, in UTC: a deadline is met while `now` is before it.

    Refuses a datetime, and the last day of the year 9999, with ValueError.
    """
    return datetime.combine(_shifted(day, 1), time.min, tzinfo=_zone(zone)).astimezone(UTC)


@lru_cache(maxsize=4096)
def business_date(instant: datetime, zone: str = "Asia/Shanghai") -> date:
    """Give the date that people in the zone have at this instant; refuses a naive one with ValueError."""
    if instant.utcoffset() is None:
        raise ValueError("The instant has no time zone: give an aware datetime, in UTC.")
    try:
        return instant.astimezone(_zone(zone)).date()
    except OverflowError:
        raise ValueError(_OUT_OF_RANGE) from None


def light(due_on: date, today: date, yellow_within_days: int) -> Light:
    """Show red after the due date, yellow within so many calendar days of it (inclusive), else green."""
    if today > due_on:
        return Light.RED
    return Light.YELLOW if (due_on - today).days <= yellow_within_days else Light.GREEN


def _nth_working_day(first: date, days: int, step: int, calendar: Calendar) -> DueDate:
    _require_date(first)
    ordinals = range(first.toordinal(), _LAST_ORDINAL + 1 if step > 0 else 0, step)
    worked = filter(calendar.is_working_day, map(date.fromordinal, ordinals))
    day = next(islice(worked, days - 1, None), None)
    if day is None:
        raise ValueError(_OUT_OF_RANGE)
    # The settled days have no gap, so the two ends speak for all days between them.
    known = calendar.settles(first) and calendar.settles(day)
    return DueDate(day, not known, None, calendar.version)


def _shifted(day: date, days: int) -> date:
    _require_date(day)
    if not 1 <= (ordinal := day.toordinal() + days) <= _LAST_ORDINAL:
        raise ValueError(_OUT_OF_RANGE)
    return date.fromordinal(ordinal)


def _require_date(day: date) -> None:
    # A datetime passes the type checker as a date, but equals no listed holiday and would be misjudged.
    if isinstance(day, datetime):
        raise ValueError("A date is needed, not an instant: convert it with business_date().")


def _declared_years(value: object) -> frozenset[int]:
    if not isinstance(value, list) or not value or any(type(year) is not int for year in value):
        raise ValueError("Give `years` as a list of whole numbers, such as [2027].")
    return frozenset(value)


def _declared_dates(key: str, items: object, years: frozenset[int]) -> frozenset[date]:
    if not isinstance(items, list):
        raise ValueError(f'Give `{key}` as a list of dates, such as ["2027-01-01"].')
    days: set[date] = set()
    for item in items:
        try:
            day = date.fromisoformat(item)
        except (TypeError, ValueError):
            day = None
        # Python also reads 20270101 and 2027-W01-1, in which a slip of the pen is hard to see.
        if day is None or day.isoformat() != item:
            raise ValueError(f'Write {item!r} in `{key}` as an existing date, in the form "2027-01-01".')
        if day.year not in years:
            raise ValueError(f"Take {item} out of `{key}`, or add its year to `years`.")
        if day in days:
            raise ValueError(f"Give {item} once in `{key}`.")
        days.add(day)
    return frozenset(days)
