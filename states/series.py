"""Owns when people are told of a checkpoint: the occasions of its series, and when a notice may leave the house."""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from heapq import merge
from itertools import takewhile
from typing import NamedTuple
from zoneinfo import ZoneInfo

from states.deadlines import Calendar, Counting, business_date, count_back, count_days
from states.reminders import KindOfNotice, Roles, Series, Times

_DAY = timedelta(days=1)
_END = date.max.toordinal()  # in some zones the last day of all ends where no instant can be written


class Occasion(NamedTuple):
    """One planned moment in a series: `opened`, `w-N`, `c-N`, `due`, `late+N` or `esc+N`, and the roles told then."""

    code: str
    kind: KindOfNotice
    at: datetime
    to: Roles


class _Day(NamedTuple):
    """An occasion before the time of day and the zone are known."""

    on: date
    code: str
    kind: KindOfNotice
    to: Roles


def occasions(
    series: Series,
    times: Times,
    due_on: date,
    opened_at: datetime,
    moved: bool,
    calendar: Calendar,
    zone: str,
    since: datetime,
    until: datetime,
) -> list[Occasion]:
    """Return the occasions from `since` to `until`, both included, by (at, code).

    The series is one of `ReminderPlan.series_for`. None lies before `opened_at`; two at one instant are two occasions.

    Raises:
        ValueError: the series leaves something to the policy, or an instant has no zone.
    """
    found = _from(series, times, due_on, opened_at, moved, calendar, zone, since)
    return list(takewhile(lambda occasion: occasion.at <= until, found))


def next_occasion(
    series: Series,
    times: Times,
    due_on: date,
    opened_at: datetime,
    moved: bool,
    calendar: Calendar,
    zone: str,
    after: datetime,
) -> Occasion | None:
    """Return the first occasion strictly after `after`, or None where the series is over.

    Raises:
        ValueError: as `occasions`.
    """
    found = _from(series, times, due_on, opened_at, moved, calendar, zone, after)
    return next((occasion for occasion in found if occasion.at > after), None)


def send_at(times: Times, calendar: Calendar, zone: str, at: datetime, digest: bool) -> datetime:
    """Return the first instant, not before `at`, at which a notice may leave the house.

    A day's window runs from the moment its clock shows `opens` to the moment it shows `closes`. A digest leaves at
    `digest_at` of a working day, whatever `working_days_only` says.

    Raises:
        ValueError: `at` has no zone, or nothing leaves the house before the year 9999 is over.
    """
    for ordinal in range(business_date(at, zone).toordinal(), _END):
        day = date.fromordinal(ordinal)
        if (times.working_days_only or digest) and not calendar.is_working_day(day):
            continue
        opens = _shown(day, times.digest_at if digest else times.opens, zone)
        leaves = opens if digest else max(at, opens)
        if at <= leaves < _shown(day, times.closes, zone):
            return leaves
    raise ValueError("No sending window is left before the end of the year 9999.")


def _from(
    series: Series,
    times: Times,
    due_on: date,
    opened_at: datetime,
    moved: bool,
    calendar: Calendar,
    zone: str,
    since: datetime,
) -> Iterator[Occasion]:
    """Yield the occasions from `since` on, in order. Only the overdue days are many: they are made as asked for."""
    start = max(since, opened_at)
    # One day of slack: what was planned on a day that the zone skipped is told at the start of the next.
    fixed = _fixed(series, times, due_on, business_date(opened_at, zone) - _DAY, calendar)
    late = _late(series, due_on, business_date(start, zone) - _DAY, calendar)
    days = merge(fixed, late)
    planned = (
        Occasion(day.code, day.kind, _shown(day.on, times.remind_at, zone), day.to)
        for day in days
        if day.on.toordinal() < _END
    )
    at_once = [Occasion("opened", "moved" if moved else "opened", opened_at, series.to)] if series.opened else []
    in_order = merge(at_once, planned, key=lambda occasion: (occasion.at, occasion.code))
    return (occasion for occasion in in_order if occasion.at >= start)


def _fixed(series: Series, times: Times, due_on: date, first: date, calendar: Calendar) -> list[_Day]:
    """Return everything but the overdue days; of what comes before the due date, nothing before `first` is reckoned."""
    if series.before_working_days is None or series.escalation is None or series.overdue is None:
        raise ValueError("The series leaves something to the policy: take it from ReminderPlan.series_for().")
    span = (due_on - first).days
    ahead = _ahead(
        due_on,
        tuple(sorted({days for days in series.before_working_days if 1 <= days <= span})),
        tuple(sorted({days for days in series.before_calendar_days if days <= span})),
        series.on_the_day,
        times.working_days_only,
        calendar,
    )
    told = [_Day(on, code, kind, series.to) for on, code, kind in ahead]
    steps: dict[int, Roles] = {}
    for step in series.escalation:  # two steps on one day are one occasion
        steps[step.after_days] = tuple(dict.fromkeys((*steps.get(step.after_days, ()), *step.to)))
    raised = [
        _Day(_worked_from(due_on + timedelta(days), calendar), f"esc+{days}", "escalated", roles)
        for days, roles in steps.items()
        if due_on.toordinal() + days < _END
    ]
    return sorted(told + raised)


@lru_cache(maxsize=16384)
def _ahead(
    due_on: date,
    working: tuple[int, ...],
    plain: tuple[int, ...],
    on_the_day: bool,
    working_days_only: bool,
    calendar: Calendar,
) -> tuple[tuple[date, str, KindOfNotice], ...]:
    """Return (day, code, kind) of `w-N`, `c-N` and `due`. Many checkpoints share a due date, so it is kept."""
    found: list[tuple[date, str, KindOfNotice]] = [
        (count_back(due_on, days, Counting.WORKING_DAYS, calendar).due_on, f"w-{days}", "before") for days in working
    ]
    wanted: list[tuple[date, str, KindOfNotice]] = [(due_on, "due", "due")] if on_the_day else []
    wanted += [(due_on - timedelta(days), f"c-{days}", "before") for days in plain]
    rest = [item for item in wanted if working_days_only and not calendar.is_working_day(item[0])]
    found += [item for item in wanted if item not in rest]
    taken = {day for day, _, _ in found}
    for day, code, _ in rest:  # the due date first, then the nearest; told ahead, so not “due today”
        brought = count_back(day, 1, Counting.WORKING_DAYS, calendar).due_on
        if brought not in taken:
            taken.add(brought)
            found.append((brought, code, "before"))
    return tuple(found)


def _late(series: Series, due_on: date, first: date, calendar: Calendar) -> Iterator[_Day]:
    """Yield the working days after the due date, from `first` on, for as long as the series reminds."""
    if not series.overdue:
        return
    for days in range(max(1, (first - due_on).days), series.overdue_days + 1):
        if due_on.toordinal() + days >= _END:
            return
        on = due_on + timedelta(days)
        if calendar.is_working_day(on):
            yield _Day(on, f"late+{days}", "late", series.to)


def _worked_from(day: date, calendar: Calendar) -> date:
    return count_days(day, 1, Counting.WORKING_DAYS_FROM_FIRST, calendar).due_on


@lru_cache(maxsize=65536)
def _shown(day: date, clock: time, zone: str) -> datetime:
    """Return the first instant at which the zone's clocks show this time of this day, or jump over it; in UTC."""
    place, wanted = ZoneInfo(zone), datetime.combine(day, clock)
    found = wanted.replace(tzinfo=place).astimezone(UTC)
    if _wall(found, place) == wanted:
        return found
    # The time is skipped: read by the offset of afterwards it lies before the jump, by that of before it after.
    seconds = range(int(wanted.replace(tzinfo=place, fold=1).timestamp()), int(found.timestamp()) + 1)
    jump = bisect_left(seconds, True, key=lambda second: _wall(datetime.fromtimestamp(second, UTC), place) >= wanted)
    return datetime.fromtimestamp(seconds[jump], UTC)


def _wall(instant: datetime, place: ZoneInfo) -> datetime:
    return instant.astimezone(place).replace(tzinfo=None)
