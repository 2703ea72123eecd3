"""Owns the proof that people are told on the days the plan says: series on known dates, and the sending window."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from cases import CALENDAR, DEFINITION, POLICY

from states.deadlines import add_months, calendar_from_toml
from states.library import plan_of
from states.reminders import Escalation, Series, Times
from states.series import Occasion, next_occasion, occasions, send_at

PLAN = plan_of(DEFINITION.name)
SHANGHAI = "Asia/Shanghai"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
NEVER = datetime.max.replace(tzinfo=UTC)
QUIET = Series(to=("handler",), opened=False, before_working_days=(), on_the_day=False, overdue=False, escalation=())
TOLD_AT_ONCE = QUIET.model_copy(update={"opened": True})
TO_ESCALATE = Escalation(after_days=3, to=("division_head",))


def quiet(**changes: Any) -> Series:
    """Return a series that tells nothing but what is given."""
    return QUIET.model_copy(update=changes)


def told(
    series: Series,
    due_on: date,
    opened_at: datetime = LONG_AGO,
    times: Times = PLAN.times,
    zone: str = SHANGHAI,
    calendar: Any = CALENDAR,
    moved: bool = False,
) -> list[Occasion]:
    return occasions(series, times, due_on, opened_at, moved, calendar, zone, LONG_AGO, NEVER)


def days(found: list[Occasion]) -> dict[str, str]:
    """Return code -> day of occasions that are all at nine in the morning, Shanghai."""
    assert {item.at.time() for item in found} <= {time(1)}
    return {item.code: item.at.date().isoformat() for item in found}


def before_and_due(due_on: date) -> dict[str, str]:
    """Return the days of the bundled series of the acceptance windows up to the due date."""
    series = PLAN.series_for("half_year_ends", POLICY)
    return days([item for item in told(series, due_on) if item.kind in ("before", "due")])


def late_and_escalated(due_on: date) -> dict[str, str]:
    series = PLAN.series_for("half_year_ends", POLICY)
    return days([item for item in told(series, due_on) if item.kind in ("late", "escalated")])


def test_six_months_from_31_august_2024_are_reminded_over_the_spring_festival():
    due_on = add_months(date(2024, 8, 31), 6, CALENDAR).due_on
    assert before_and_due(due_on) == {
        "w-30": "2025-01-13",
        "w-15": "2025-02-08",  # a Saturday that is worked
        "w-7": "2025-02-19",
        "w-3": "2025-02-25",
        "w-1": "2025-02-27",
        "due": "2025-02-28",
    }


def test_twelve_months_from_31_august_2024_are_reminded_before_monday_1_september():
    due_on = add_months(date(2024, 8, 31), 12, CALENDAR).due_on
    assert before_and_due(due_on) == {
        "w-30": "2025-07-21",
        "w-15": "2025-08-11",
        "w-7": "2025-08-21",
        "w-3": "2025-08-27",
        "w-1": "2025-08-29",
        "due": "2025-09-01",
    }


def test_29_february_is_told_on_the_day_and_counted_back_from():
    found = told(quiet(before_working_days=(1,), before_calendar_days=(365, 366), on_the_day=True), date(2024, 2, 29))
    assert days(found) == {"c-366": "2023-02-28", "c-365": "2023-03-01", "w-1": "2024-02-28", "due": "2024-02-29"}


def test_the_month_end_is_passed_over_both_ways():
    found = told(quiet(before_calendar_days=(1,), overdue=True, overdue_days=2), date(2024, 1, 31))
    assert days(found) == {"c-1": "2024-01-30", "late+1": "2024-02-01", "late+2": "2024-02-02"}
    assert days(told(quiet(before_calendar_days=(1,)), date(2024, 3, 1))) == {"c-1": "2024-02-29"}


def test_the_working_sunday_of_25_june_2023_is_a_day_to_remind():
    found = told(quiet(before_working_days=(4,), on_the_day=True), date(2023, 6, 29))
    assert days(found) == {"w-4": "2023-06-25", "due": "2023-06-29"}
    assert days(told(quiet(on_the_day=True), date(2023, 6, 25))) == {"due": "2023-06-25"}


def test_nothing_is_told_in_the_national_holiday_and_the_escalation_comes_after_it():
    found = late_and_escalated(date(2024, 9, 30))
    assert {code: day for code, day in found.items() if day < "2024-10-15"} == {
        "late+8": "2024-10-08",
        "esc+3": "2024-10-08",
        "late+9": "2024-10-09",
        "late+10": "2024-10-10",
        "late+11": "2024-10-11",
        "late+12": "2024-10-12",  # a Saturday that is worked
        "late+14": "2024-10-14",
    }


def test_before_the_end_of_the_national_holiday_people_are_told_while_they_still_work():
    assert before_and_due(date(2024, 10, 7)) == {
        "w-30": "2024-08-20",
        "w-15": "2024-09-10",
        "w-7": "2024-09-23",
        "w-3": "2024-09-27",
        "w-1": "2024-09-30",  # and `due`, brought forward to the same day, is left out
    }


def test_a_due_date_on_a_rest_day_is_told_on_the_working_day_before():
    saturday = date(2024, 8, 31)
    assert days(told(quiet(on_the_day=True), saturday)) == {"due": "2024-08-30"}
    assert [item.kind for item in told(quiet(on_the_day=True), saturday)] == ["before"]  # not “due today”
    assert days(told(quiet(on_the_day=True, before_working_days=(1,)), saturday)) == {"w-1": "2024-08-30"}
    assert days(told(quiet(on_the_day=True, before_calendar_days=(1,)), saturday)) == {"c-1": "2024-08-30"}


def test_of_two_that_are_brought_forward_to_one_day_the_due_date_is_told():
    sunday = date(2024, 9, 1)
    assert days(told(quiet(on_the_day=True, before_calendar_days=(1, 2)), sunday)) == {"c-2": "2024-08-30"}
    assert days(told(quiet(on_the_day=True, before_calendar_days=(1,)), sunday)) == {"due": "2024-08-30"}
    assert days(told(quiet(before_calendar_days=(8, 7)), sunday)) == {"c-7": "2024-08-23"}


def test_a_plan_that_works_on_rest_days_brings_nothing_forward_and_still_spares_them_the_overdue_ones():
    every_day = PLAN.times.model_copy(update={"working_days_only": False})
    series = quiet(on_the_day=True, before_calendar_days=(1,), before_working_days=(1,), overdue=True, overdue_days=3)
    assert days(told(series, date(2024, 9, 1), times=every_day)) == {
        "w-1": "2024-08-30",
        "c-1": "2024-08-31",
        "due": "2024-09-01",
        "late+1": "2024-09-02",
        "late+2": "2024-09-03",
        "late+3": "2024-09-04",
    }


def test_a_year_without_a_calendar_knows_weekends_only_until_its_calendar_comes():
    announced = calendar_from_toml(
        'name = "2031"\nsource = "s"\nyears = [2027, 2028, 2029, 2030, 2031]\n'
        'rest_days = ["2027-01-01", "2028-01-01", "2029-01-01", "2030-01-01", "2031-10-06", "2031-10-07"]'
    )
    series = quiet(before_working_days=(1, 2), on_the_day=True)
    assert days(told(series, date(2031, 10, 8))) == {"w-2": "2031-10-06", "w-1": "2031-10-07", "due": "2031-10-08"}
    assert days(told(series, date(2031, 10, 8), calendar=announced)) == {
        "w-2": "2031-10-02",
        "w-1": "2031-10-03",
        "due": "2031-10-08",
    }


def test_a_checkpoint_opened_after_its_due_date_begins_with_what_is_still_to_come():
    opened_at = datetime(2024, 9, 6, 1, 0, 1, tzinfo=UTC)  # a second after the reminder of Friday
    found = told(PLAN.series_for("package_due", POLICY), date(2024, 9, 2), opened_at)
    assert found[:2] == [
        Occasion("opened", "opened", opened_at, ("city",)),
        Occasion("late+7", "late", datetime(2024, 9, 9, 1, tzinfo=UTC), ("city",)),
    ]
    assert {item.kind for item in found} == {"opened", "late"}  # its escalation lay before it was opened


@pytest.mark.parametrize("seconds", [-1, 0])
def test_either_side_of_midnight_in_shanghai_a_checkpoint_has_all_the_days_that_follow(seconds):
    midnight = datetime(2024, 8, 4, 16, tzinfo=UTC)  # 5 August begins
    series = quiet(before_working_days=(1,), on_the_day=True, overdue=True, overdue_days=1)
    assert days(told(series, date(2024, 8, 5), midnight + timedelta(seconds=seconds))) == {
        "due": "2024-08-05",
        "late+1": "2024-08-06",
    }


@pytest.mark.parametrize(("seconds", "codes"), [(-1, ["due"]), (0, ["due"]), (1, [])])
def test_a_reminder_at_midnight_exists_for_what_was_opened_by_then(seconds, codes):
    midnight = datetime(2024, 8, 4, 16, tzinfo=UTC)
    at_midnight = Times(remind_at=time(0), opens=time(0))
    found = told(quiet(on_the_day=True), date(2024, 8, 5), midnight + timedelta(seconds=seconds), at_midnight)
    assert [item.code for item in found] == codes


def test_a_moved_date_is_told_as_such_under_the_same_code():
    assert told(TOLD_AT_ONCE, date(2024, 9, 2), moved=True) == [Occasion("opened", "moved", LONG_AGO, ("handler",))]
    assert told(TOLD_AT_ONCE, date(2024, 9, 2)) == [Occasion("opened", "opened", LONG_AGO, ("handler",))]


def test_steps_of_an_escalation_on_one_day_are_one_occasion_and_those_put_off_to_one_day_stay_two():
    steps = (TO_ESCALATE, Escalation(after_days=3, to=("leader", "division_head")), Escalation(after_days=4, to=("a",)))
    monday = datetime(2024, 9, 2, 1, tzinfo=UTC)
    assert told(quiet(escalation=steps), date(2024, 8, 28)) == [
        Occasion("esc+3", "escalated", monday, ("division_head", "leader")),
        Occasion("esc+4", "escalated", monday, ("a",)),
    ]


def test_overdue_reminders_end_and_after_the_last_there_is_none_to_come():
    series = quiet(overdue=True, overdue_days=5)
    found = told(series, date(2024, 9, 2))
    assert [item.code for item in found] == ["late+1", "late+2", "late+3", "late+4"]  # the fifth day is a Saturday
    last = found[-1].at
    rest = (date(2024, 9, 2), LONG_AGO, False, CALENDAR, SHANGHAI)
    assert next_occasion(series, PLAN.times, *rest, last - timedelta(microseconds=1)) == found[-1]
    assert next_occasion(series, PLAN.times, *rest, last) is None


def test_offsets_that_cannot_be_or_come_twice_tell_nothing_more():
    series = quiet(before_working_days=(1, 1, 0, -3, 10**9), before_calendar_days=(2, 2))
    assert days(told(series, date(2024, 9, 5))) == {"c-2": "2024-09-03", "w-1": "2024-09-04"}


def test_a_series_that_leaves_something_to_the_policy_is_refused():
    with pytest.raises(ValueError, match="series_for"):
        told(PLAN.series["default"], date(2024, 9, 5))


def test_a_due_date_at_the_end_of_time_has_a_series_too():
    series = quiet(on_the_day=True, overdue=True, escalation=(TO_ESCALATE,))
    assert [item.code for item in told(series, date(9999, 12, 29))] == ["due", "late+1"]
    at_night = Times(remind_at=time(23), closes=time(23, 30))  # in Havana the day's end has no name in UTC
    assert told(series, date.max, times=at_night, zone="America/Havana") == []


@pytest.mark.parametrize(
    ("zone", "due_on", "clock", "expected"),
    [
        ("Europe/Berlin", date(2024, 3, 31), time(2, 30), datetime(2024, 3, 31, 1, tzinfo=UTC)),  # skipped
        ("Europe/Berlin", date(2024, 10, 27), time(2, 30), datetime(2024, 10, 27, 0, 30, tzinfo=UTC)),  # the first
        ("Atlantic/Azores", date(2024, 3, 31), time(0, 30), datetime(2024, 3, 31, 1, tzinfo=UTC)),  # to offset zero
        ("Australia/Lord_Howe", date(2024, 10, 6), time(2, 15), datetime(2024, 10, 5, 15, 30, tzinfo=UTC)),
        ("Pacific/Apia", date(2011, 12, 30), time(9), datetime(2011, 12, 30, 10, tzinfo=UTC)),  # the whole day skipped
    ],
)
def test_a_time_that_the_clock_skips_is_when_it_jumps_and_one_shown_twice_the_first(zone, due_on, clock, expected):
    times = Times(remind_at=clock, opens=time(0), working_days_only=False)
    assert told(quiet(on_the_day=True), due_on, times=times, zone=zone) == [
        Occasion("due", "due", expected, ("handler",))
    ]


def test_what_falls_on_a_day_that_the_zone_skipped_is_told_when_the_next_begins_even_if_opened_or_looked_at_just_then():
    skipped_until = datetime(2011, 12, 30, 10, tzinfo=UTC)  # Apia went from the 29th to the 31st
    series = quiet(before_working_days=(1,), before_calendar_days=(1,), overdue=True, overdue_days=1)
    for due_on, codes in ((date(2011, 12, 31), ["c-1", "w-1"]), (date(2011, 12, 29), ["late+1"])):
        rest = (due_on, skipped_until, False, CALENDAR, "Pacific/Apia")
        found = occasions(series, PLAN.times, *rest, skipped_until, skipped_until)
        assert [(item.code, item.at) for item in found] == [(code, skipped_until) for code in codes]


SENT = [  # Shanghai's clock: planned, for a digest, sent
    ("2024-08-30T08:29:59", False, "2024-08-30T08:30:00"),
    ("2024-08-30T08:30:00", False, "2024-08-30T08:30:00"),
    ("2024-08-30T17:59:59", False, "2024-08-30T17:59:59"),
    ("2024-08-30T18:00:00", False, "2024-09-02T08:30:00"),  # over the weekend
    ("2024-08-31T00:00:00", False, "2024-09-02T08:30:00"),
    ("2024-09-30T18:00:00", False, "2024-10-08T08:30:00"),  # over the National Day
    ("2023-06-25T09:00:00", False, "2023-06-25T09:00:00"),  # the working Sunday
    ("2024-08-30T09:00:00", True, "2024-08-30T09:30:00"),
    ("2024-08-30T09:30:00", True, "2024-08-30T09:30:00"),
    ("2024-08-30T09:30:01", True, "2024-09-02T09:30:00"),
    ("2023-06-22T09:00:00", True, "2023-06-25T09:30:00"),
]


@pytest.mark.parametrize(("planned", "digest", "expected"), SENT)
def test_a_notice_leaves_the_house_in_the_next_window_or_at_the_next_digest(planned, digest, expected):
    at, wanted = (datetime.fromisoformat(f"{text}+08:00") for text in (planned, expected))
    assert send_at(PLAN.times, CALENDAR, SHANGHAI, at, digest) == wanted


def test_where_rest_days_are_open_a_digest_still_waits_for_a_working_day():
    every_day = Times(working_days_only=False)
    saturday = datetime(2024, 8, 31, 1, tzinfo=UTC)
    assert send_at(every_day, CALENDAR, SHANGHAI, saturday, False) == saturday
    assert send_at(every_day, CALENDAR, SHANGHAI, saturday, True) == datetime(2024, 9, 2, 1, 30, tzinfo=UTC)


def test_a_window_that_the_clock_skips_is_no_window():
    night = Times(
        remind_at=time(2, 15), digest_at=time(2, 15), opens=time(2), closes=time(2, 30), working_days_only=False
    )
    at = datetime(2024, 3, 30, 12, tzinfo=UTC)
    assert send_at(night, CALENDAR, "Europe/Berlin", at, False) == datetime(2024, 4, 1, 0, tzinfo=UTC)


def test_nothing_is_sent_after_the_end_of_time():
    with pytest.raises(ValueError, match="No sending window"):
        send_at(PLAN.times, CALENDAR, SHANGHAI, datetime(9999, 12, 30, 12, tzinfo=UTC), False)
