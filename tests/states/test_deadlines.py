"""Owns the proof that deadlines fall on the days that the notices, the Civil Code and the calendar say."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from states.deadlines import (
    Counting,
    DueDate,
    Light,
    add_months,
    business_date,
    count_back,
    count_days,
    end_of_day,
    light,
    state_council_calendar,
    working_days_between,
)

CALENDAR = state_council_calendar()
FROM_FIRST = Counting.WORKING_DAYS_FROM_FIRST
WORKING = Counting.WORKING_DAYS
CALENDAR_DAYS = Counting.CALENDAR_DAYS

lawful = settings(derandomize=True, deadline=None, max_examples=200)
days_of_the_calendar = st.dates(date(2003, 6, 1), date(2028, 6, 1))
lengths = st.integers(1, 120)
countings = st.sampled_from(Counting)


def due_after(start: date, days: int, counting: Counting = FROM_FIRST) -> date:
    return count_days(start, days, counting, CALENDAR).due_on


def test_the_publicity_of_27_july_2022_ends_on_2_august():
    assert due_after(date(2022, 7, 27), 5) == date(2022, 8, 2)


def test_the_publicity_of_23_december_2020_ends_on_29_december():
    assert due_after(date(2020, 12, 23), 5) == date(2020, 12, 29)


def test_the_publicity_of_20_june_2023_works_on_sunday_the_25th_and_ends_on_29_june():
    assert due_after(date(2023, 6, 20), 7) == date(2023, 6, 29)


def test_the_publicity_of_20_december_2023_ends_on_28_december():
    assert due_after(date(2023, 12, 20), 7) == date(2023, 12, 28)


def test_the_publicity_of_9_december_2024_ends_on_13_december():
    assert due_after(date(2024, 12, 9), 5) == date(2024, 12, 13)


def test_the_publicity_of_12_july_2021_ends_on_16_july():
    assert due_after(date(2021, 7, 12), 5) == date(2021, 7, 16)


def test_without_the_first_day_the_same_publicity_ends_one_working_day_later():
    assert due_after(date(2022, 7, 27), 5, WORKING) == date(2022, 8, 3)


def test_calendar_days_begin_on_the_day_after_and_are_not_moved_off_a_sunday():
    assert count_days(date(2024, 8, 31), 15, CALENDAR_DAYS, CALENDAR) == DueDate(
        date(2024, 9, 15), provisional=False, moved_from=None, calendar=CALENDAR.version
    )


def test_a_period_from_a_rest_day_has_its_first_day_on_the_next_working_day():
    assert due_after(date(2024, 8, 31), 1) == date(2024, 9, 2)


def test_one_day_counted_with_the_first_ends_on_that_day():
    assert due_after(date(2024, 8, 30), 1) == date(2024, 8, 30)


@pytest.mark.parametrize("days", [0, -1, 10**30])
@pytest.mark.parametrize("counting", Counting)
@pytest.mark.parametrize("count", [count_days, count_back])
def test_a_period_of_no_days_or_of_absurdly_many_is_refused(count, counting, days):
    with pytest.raises(ValueError, match="period of at least 1 day"):
        count(date(2024, 8, 30), days, counting, CALENDAR)


def test_the_working_days_of_a_range_count_both_of_its_ends():
    assert working_days_between(date(2023, 6, 20), date(2023, 6, 29), CALENDAR) == 7


def test_a_range_that_ends_before_it_begins_has_no_working_days():
    assert working_days_between(date(2023, 6, 20), date(2023, 6, 19), CALENDAR) == 0


def test_one_working_day_before_a_monday_is_the_friday():
    assert count_back(date(2024, 9, 2), 1, WORKING, CALENDAR).due_on == date(2024, 8, 30)


def test_a_reminder_for_a_period_counted_from_its_first_day_stays_before_the_due_date_too():
    assert count_back(date(2024, 9, 2), 1, FROM_FIRST, CALENDAR).due_on == date(2024, 8, 30)


def test_four_working_days_before_29_june_2023_reach_the_make_up_sunday():
    assert count_back(date(2023, 6, 29), 4, WORKING, CALENDAR).due_on == date(2023, 6, 25)


def test_calendar_days_before_are_plainly_subtracted():
    assert count_back(date(2024, 9, 2), 30, CALENDAR_DAYS, CALENDAR).due_on == date(2024, 8, 3)


def test_six_months_after_31_august_2024_is_the_last_day_of_february():
    assert add_months(date(2024, 8, 31), 6, CALENDAR) == DueDate(
        date(2025, 2, 28), provisional=False, moved_from=None, calendar=CALENDAR.version
    )


def test_twelve_months_after_31_august_2024_move_from_a_sunday_to_monday():
    assert add_months(date(2024, 8, 31), 12, CALENDAR) == DueDate(
        date(2025, 9, 1), provisional=False, moved_from=date(2025, 8, 31), calendar=CALENDAR.version
    )


def test_without_rolling_the_sunday_stays():
    assert add_months(date(2024, 8, 31), 12, CALENDAR, roll=False) == DueDate(
        date(2025, 8, 31), provisional=False, moved_from=None, calendar=CALENDAR.version
    )


@pytest.mark.parametrize(
    ("start", "months", "expected"),
    [
        (date(2023, 1, 31), 1, date(2023, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2023, 8, 31), 6, date(2024, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2024, 2, 29), 6, date(2024, 8, 29)),
        (date(2024, 11, 30), 1, date(2024, 12, 30)),
        (date(2024, 12, 31), 2, date(2025, 2, 28)),
        (date(2024, 5, 31), -3, date(2024, 2, 29)),
        (date(2024, 5, 31), 0, date(2024, 5, 31)),
    ],
)
def test_months_end_on_the_corresponding_day_or_the_last_of_the_month(start, months, expected):
    assert add_months(start, months, CALENDAR, roll=False).due_on == expected


def test_a_due_date_in_the_national_holiday_moves_to_its_first_working_day():
    assert add_months(date(2024, 9, 1), 1, CALENDAR).due_on == date(2024, 10, 8)


def test_a_due_date_on_a_make_up_sunday_stays():
    assert add_months(date(2023, 5, 25), 1, CALENDAR).due_on == date(2023, 6, 25)


def test_a_deadline_day_ends_at_16_hours_utc_in_shanghai():
    assert end_of_day(date(2024, 8, 5)) == datetime(2024, 8, 5, 16, tzinfo=UTC)


def test_the_end_of_a_day_is_given_in_utc():
    assert end_of_day(date(2024, 8, 5)).tzinfo is UTC


def test_the_last_microsecond_before_midnight_in_shanghai_still_belongs_to_the_day():
    assert business_date(datetime(2024, 8, 5, 15, 59, 59, 999999, tzinfo=UTC)) == date(2024, 8, 5)


def test_midnight_in_shanghai_belongs_to_the_next_day():
    assert business_date(datetime(2024, 8, 5, 16, tzinfo=UTC)) == date(2024, 8, 6)


def test_an_instant_told_by_another_clock_has_the_same_business_date():
    honolulu = timezone(timedelta(hours=-10))
    assert business_date(datetime(2024, 8, 5, 6, tzinfo=honolulu)) == date(2024, 8, 6)


def test_another_zone_ends_its_day_at_its_own_midnight():
    assert end_of_day(date(2024, 7, 1), "Europe/Berlin") == datetime(2024, 7, 1, 22, tzinfo=UTC)


def test_a_day_after_which_midnight_is_skipped_ends_when_the_clock_jumps():
    # Beirut put its clocks from 00:00 to 01:00 on 31 March 2024.
    assert end_of_day(date(2024, 3, 30), "Asia/Beirut") == datetime(2024, 3, 30, 22, tzinfo=UTC)


def test_a_day_after_which_midnight_comes_twice_ends_at_the_first():
    # Havana put its clocks from 01:00 back to 00:00 on 3 November 2024.
    assert end_of_day(date(2024, 11, 2), "America/Havana") == datetime(2024, 11, 3, 4, tzinfo=UTC)


def test_an_instant_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="no time zone"):
        business_date(datetime(2024, 8, 5, 16))  # noqa: DTZ001


@pytest.mark.parametrize(
    "use",
    [
        CALENDAR.is_working_day,
        lambda instant: count_days(instant, 1, FROM_FIRST, CALENDAR),
        lambda instant: count_days(instant, 1, WORKING, CALENDAR),
        lambda instant: count_back(instant, 1, CALENDAR_DAYS, CALENDAR),
        lambda instant: add_months(instant, 1, CALENDAR, roll=False),
        lambda instant: working_days_between(date(2024, 8, 1), instant, CALENDAR),
        end_of_day,
    ],
)
def test_an_instant_in_place_of_a_day_is_refused(use):
    with pytest.raises(ValueError, match="not an instant"):
        use(datetime(2024, 8, 5, 16, tzinfo=UTC))


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2024, 7, 20), Light.GREEN),
        (date(2024, 7, 21), Light.YELLOW),
        (date(2024, 8, 5), Light.YELLOW),
        (date(2024, 8, 6), Light.RED),
    ],
)
def test_the_light_turns_yellow_15_days_before_5_august_and_red_the_day_after(today, expected):
    assert light(date(2024, 8, 5), today, yellow_within_days=15) is expected


def test_the_last_friday_of_time_can_still_be_due():
    assert due_after(date(9999, 12, 31), 1) == date(9999, 12, 31)


@pytest.mark.parametrize(
    "use",
    [
        lambda: due_after(date(9999, 12, 31), 2),
        lambda: due_after(date(9999, 12, 31), 1, WORKING),
        lambda: due_after(date(9999, 12, 31), 1, CALENDAR_DAYS),
        lambda: count_back(date(1, 1, 1), 1, WORKING, CALENDAR),
        lambda: count_back(date(1, 1, 2), 2, WORKING, CALENDAR),
        lambda: count_back(date(1, 1, 1), 1, CALENDAR_DAYS, CALENDAR),
        lambda: add_months(date(9999, 12, 1), 1, CALENDAR),
        lambda: add_months(date(2024, 1, 1), 10**30, CALENDAR),
        lambda: add_months(date(1, 1, 31), -1, CALENDAR),
        lambda: end_of_day(date(9999, 12, 31)),
        lambda: business_date(datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_a_date_beyond_the_years_1_to_9999_is_refused_in_plain_words(use):
    with pytest.raises(ValueError, match="outside the years 1 to 9999"):
        use()


@lawful
@given(days_of_the_calendar, lengths, lengths, countings)
def test_a_longer_period_never_ends_earlier(start, shorter, more, counting):
    ends = [due_after(start, days, counting) for days in (shorter, shorter + more)]
    assert ends == sorted(ends)


@lawful
@given(days_of_the_calendar, lengths, countings, st.integers(1, 60))
def test_a_period_that_begins_later_never_ends_earlier(start, days, counting, later):
    ends = [due_after(begin, days, counting) for begin in (start, start + timedelta(later))]
    assert ends == sorted(ends)


@lawful
@given(days_of_the_calendar, lengths)
def test_a_period_counted_from_its_first_day_holds_as_many_working_days_as_it_has(start, days):
    assert working_days_between(start, due_after(start, days), CALENDAR) == days


@lawful
@given(days_of_the_calendar, lengths)
def test_without_the_first_day_a_period_equals_one_counted_from_the_next_day(start, days):
    assert due_after(start, days, WORKING) == due_after(start + timedelta(1), days)


@lawful
@given(days_of_the_calendar, lengths, st.sampled_from([FROM_FIRST, WORKING]))
def test_working_days_end_on_a_working_day_unmoved(start, days, counting):
    due = count_days(start, days, counting, CALENDAR)
    assert (CALENDAR.is_working_day(due.due_on), due.moved_from) == (True, None)


@lawful
@given(days_of_the_calendar.filter(CALENDAR.is_working_day), lengths)
def test_counting_back_undoes_counting_from_a_working_day(start, days):
    assert count_back(due_after(start, days, WORKING), days, WORKING, CALENDAR).due_on == start


@lawful
@given(days_of_the_calendar.filter(CALENDAR.is_working_day), lengths)
def test_counting_undoes_counting_back_from_a_working_day(due, days):
    assert due_after(count_back(due, days, WORKING, CALENDAR).due_on, days, WORKING) == due


@lawful
@given(days_of_the_calendar, lengths)
def test_calendar_days_forth_and_back_return_to_the_start(start, days):
    assert count_back(due_after(start, days, CALENDAR_DAYS), days, CALENDAR_DAYS, CALENDAR).due_on == start


@lawful
@given(days_of_the_calendar, st.integers(-60, 60))
def test_months_never_end_on_a_rest_day(start, months):
    assert CALENDAR.is_working_day(add_months(start, months, CALENDAR).due_on) is True


@lawful
@given(days_of_the_calendar, st.integers(-60, 60))
def test_months_move_only_over_rest_days_and_say_from_where(start, months):
    plain = add_months(start, months, CALENDAR, roll=False).due_on
    due = add_months(start, months, CALENDAR)
    assert (due.moved_from, working_days_between(plain, due.due_on, CALENDAR)) == (
        None if due.due_on == plain else plain,
        1,
    )


@lawful
@given(days_of_the_calendar, st.integers(0, 60), st.integers(0, 60))
def test_more_months_never_end_earlier(start, fewer, more):
    ends = [add_months(start, months, CALENDAR).due_on for months in (fewer, fewer + more)]
    assert ends == sorted(ends)


@lawful
@given(days_of_the_calendar, st.integers(-60, 60))
def test_months_without_rolling_keep_the_day_or_take_the_months_last(start, months):
    plain = add_months(start, months, CALENDAR, roll=False).due_on
    assert plain.day == start.day or (plain.day < start.day and (plain + timedelta(1)).day == 1)


@lawful
@given(days_of_the_calendar, st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/Havana"]))
def test_the_end_of_a_day_is_the_first_instant_of_the_next(day, zone):
    end = end_of_day(day, zone)
    around = (end - timedelta(microseconds=1), end)
    assert [business_date(instant, zone) for instant in around] == [day, day + timedelta(1)]
