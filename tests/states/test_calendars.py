"""Owns the proof that the calendars know the days they say they know, and that a batch's own beats its base."""

from dataclasses import asdict
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from states.deadlines import (
    Calendar,
    Counting,
    DueDate,
    add_months,
    calendar_from_toml,
    count_back,
    count_days,
    state_council_calendar,
)

CALENDAR = state_council_calendar()
FROM_FIRST = Counting.WORKING_DAYS_FROM_FIRST
WORKING = Counting.WORKING_DAYS
CALENDAR_DAYS = Counting.CALENDAR_DAYS

INVENTED_2027 = """
name = "2027-invented"
source = "invented for this test"
years = [2027]
rest_days = ["2027-01-01", "2027-02-05", "2027-02-08", "2027-02-09"]
working_days = ["2027-02-14"]
"""

# The package's next release may know 2027, so what is said about its absence uses a calendar of fixed years.
UNTIL_2026 = Calendar(
    version="until-2026",
    source="the years to 2026",
    first_year=2004,
    last_year=2026,
    working_days=frozenset(day for day in CALENDAR.working_days if day.year <= 2026),
    rest_days=frozenset(day for day in CALENDAR.rest_days if day.year <= 2026),
)
WITH_2027 = calendar_from_toml(INVENTED_2027, UNTIL_2026)


def invented(**changes: str) -> str:
    lines = dict(line.split(" = ", 1) for line in INVENTED_2027.strip().splitlines()) | changes
    return "\n".join(f"{key} = {value}" for key, value in lines.items())


def test_a_make_up_sunday_is_worked_and_a_holiday_thursday_is_not():
    assert [CALENDAR.is_working_day(date(2023, 6, day)) for day in (22, 25)] == [False, True]


def test_the_package_covers_2004_to_2026_at_least():
    assert [CALENDAR.covers(year) for year in (2003, 2004, 2026)] == [False, True, True]


def test_the_version_names_the_last_year_that_is_covered():
    assert CALENDAR.version == f"cn-state-council/{CALENDAR.last_year}"


def test_without_a_calendar_for_2027_a_date_there_is_provisional():
    assert add_months(date(2026, 8, 8), 6, UNTIL_2026) == DueDate(
        date(2027, 2, 8), provisional=True, moved_from=None, calendar="until-2026"
    )


def test_with_its_own_calendar_the_same_date_in_2027_is_certain_and_avoids_the_holiday():
    assert add_months(date(2026, 8, 8), 6, WITH_2027) == DueDate(
        date(2027, 2, 10),
        provisional=False,
        moved_from=date(2027, 2, 8),
        calendar="until-2026+2027-invented",
    )


def test_a_laid_over_calendar_that_agrees_gives_the_same_date_without_the_doubt():
    found = [add_months(date(2026, 8, 15), 6, calendar) for calendar in (UNTIL_2026, WITH_2027)]
    assert [(due.due_on, due.provisional) for due in found] == [
        (date(2027, 2, 15), True),
        (date(2027, 2, 15), False),
    ]


@pytest.mark.parametrize(
    ("found", "provisional"),
    [
        (count_days(date(2026, 12, 24), 2, FROM_FIRST, UNTIL_2026), False),
        (count_days(date(2026, 12, 24), 3, FROM_FIRST, UNTIL_2026), True),
        (count_days(date(2026, 12, 30), 2, FROM_FIRST, UNTIL_2026), True),
        (count_days(date(2026, 12, 30), 3, FROM_FIRST, UNTIL_2026), True),
        (count_days(date(2026, 12, 30), 2, FROM_FIRST, WITH_2027), False),
        (count_days(date(2026, 12, 31), 1, WORKING, UNTIL_2026), True),
        (count_days(date(2003, 12, 31), 3, FROM_FIRST, UNTIL_2026), True),
        (count_days(date(2003, 12, 31), 2, WORKING, UNTIL_2026), False),
        (count_days(date(2026, 12, 31), 9, CALENDAR_DAYS, UNTIL_2026), False),
        (count_back(date(2026, 12, 28), 1, WORKING, UNTIL_2026), False),
        (count_back(date(2027, 1, 1), 1, WORKING, UNTIL_2026), True),
        (count_back(date(2027, 1, 4), 2, WORKING, UNTIL_2026), True),
        (add_months(date(2026, 12, 15), 1, UNTIL_2026, roll=False), False),
        (add_months(date(2027, 12, 15), -12, UNTIL_2026), False),
        (add_months(date(2026, 6, 28), 6, UNTIL_2026), True),
        (add_months(date(2026, 6, 28), 6, WITH_2027), False),
    ],
)
def test_only_a_judged_day_that_is_not_settled_makes_a_date_provisional(found, provisional):
    assert found.provisional is provisional


def test_the_last_four_days_of_the_last_announced_year_wait_for_the_next_announcement():
    days = [date(2026, 12, 24) + timedelta(n) for n in range(10)]
    assert [UNTIL_2026.settles(day) for day in days] == [True] * 4 + [False] * 6
    assert [WITH_2027.settles(day) for day in days] == [True] * 10


def test_no_announcement_so_far_has_moved_a_day_of_the_year_before_that_was_called_settled():
    """Each year's New Year holiday, as the package has it, reaches back no further than 29 December."""
    listed = CALENDAR.rest_days | CALENDAR.working_days
    touched = sorted({(day.month, day.day) for day in listed if day.month == 12})
    assert touched == [(12, 29), (12, 30), (12, 31)]


def test_a_batch_calendar_names_its_version_its_source_and_its_years():
    assert (WITH_2027.version, WITH_2027.source, WITH_2027.first_year, WITH_2027.last_year) == (
        "until-2026+2027-invented",
        "invented for this test",
        2004,
        2027,
    )


def test_a_batch_calendar_adds_rest_days_and_make_up_sundays_and_leaves_other_days():
    days = [date(2027, 2, 8), date(2027, 2, 14), date(2027, 2, 21), date(2023, 6, 25)]
    assert [WITH_2027.is_working_day(day) for day in days] == [False, True, False, True]


def test_a_batch_calendar_beats_its_base_both_ways():
    text = invented(years="[2023]", rest_days='["2023-06-25"]', working_days='["2023-06-22"]')
    changed = calendar_from_toml(text, UNTIL_2026)
    assert [changed.is_working_day(date(2023, 6, day)) for day in (22, 25)] == [True, False]


def test_a_notice_for_2027_may_move_a_day_of_december_2026():
    text = invented(years="[2026, 2027]", working_days='["2026-12-27"]')
    assert calendar_from_toml(text, UNTIL_2026).is_working_day(date(2026, 12, 27)) is True


def test_a_batch_calendar_lies_over_the_state_councils_unless_told_otherwise():
    assert calendar_from_toml(INVENTED_2027).version == f"{CALENDAR.version}+2027-invented"


def test_a_byte_order_mark_before_a_batch_calendar_does_no_harm():
    assert asdict(calendar_from_toml("\ufeff" + INVENTED_2027, UNTIL_2026)) == asdict(WITH_2027)


def test_two_calendars_of_the_same_days_are_two_and_answer_each_by_its_own_version():
    twin = calendar_from_toml(invented(name='"twin"'), UNTIL_2026)
    assert [calendar_from_toml(INVENTED_2027, UNTIL_2026) == WITH_2027, len({WITH_2027, twin, WITH_2027})] == [False, 2]
    found = [count_days(date(2027, 2, 5), 1, FROM_FIRST, calendar) for calendar in (WITH_2027, twin, UNTIL_2026)]
    assert [(due.due_on, due.calendar) for due in found] == [
        (date(2027, 2, 10), "until-2026+2027-invented"),
        (date(2027, 2, 10), "until-2026+twin"),
        (date(2027, 2, 5), "until-2026"),
    ]


def test_one_batch_calendar_may_lie_over_another():
    text = invented(name='"again"', years="[2028]", rest_days='["2028-01-03"]', working_days="[]")
    twice = calendar_from_toml(text, WITH_2027)
    assert (twice.version, twice.last_year) == ("until-2026+2027-invented+again", 2028)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"holidays": "[]"}, r"Remove or correct the unknown keys \['holidays'\]"),
        ({"name": '""'}, "Give `name` as one word"),
        ({"name": '"a+b"'}, "Give `name` as one word"),
        ({"name": "2027"}, "Give `name` as one word"),
        ({"source": '" "'}, "Give `source`"),
        ({"years": "[]"}, "Give `years` as a list of whole numbers"),
        ({"years": "2027"}, "Give `years` as a list of whole numbers"),
        ({"years": '["2027"]'}, "Give `years` as a list of whole numbers"),
        ({"years": "[true]"}, "Give `years` as a list of whole numbers"),
        ({"years": "[2027, 2028]"}, "Declare 2028 in `years` with its `rest_days`"),
        ({"years": "[2027, 99999999999]"}, "Declare 2028 in `years` with its `rest_days`"),
        ({"years": "[2028]", "rest_days": '["2028-01-03"]', "working_days": "[]"}, "Declare 2027 in `years`"),
        ({"rest_days": "[]"}, "Declare 2027 in `years` with its `rest_days`"),
        ({"rest_days": '"2027-01-01"'}, "Give `rest_days` as a list of dates"),
        ({"rest_days": '["2026-12-31"]'}, "Take 2026-12-31 out of `rest_days`, or add its year to `years`"),
        ({"working_days": '["2028-01-02"]'}, "Take 2028-01-02 out of `working_days`, or add its year"),
        ({"rest_days": '["2027-01-01", "2027-01-01"]'}, "Give 2027-01-01 once in `rest_days`"),
        ({"working_days": '["2027-02-08"]'}, "Take 2027-02-08 out of either"),
        ({"rest_days": '["2027-02-29"]'}, "Write '2027-02-29' in `rest_days` as an existing date"),
        ({"rest_days": '["1 January 2027"]'}, "Write '1 January 2027' in `rest_days` as an existing date"),
        ({"rest_days": '["20270101"]'}, "Write '20270101' in `rest_days` as an existing date"),
        ({"rest_days": '["2027-W01-1"]'}, "Write '2027-W01-1' in `rest_days` as an existing date"),
        ({"rest_days": "[20270101]"}, "Write 20270101 in `rest_days` as an existing date"),
        ({"rest_days": "[2027-01-01T00:00:00]"}, r"Write datetime.* in `rest_days` as an existing date"),
        ({"name": "unquoted"}, "not valid TOML"),
    ],
)
def test_a_bad_batch_calendar_is_refused_with_what_to_change(changes, message):
    with pytest.raises(ValueError, match=message):
        calendar_from_toml(invented(**changes), UNTIL_2026)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.text(max_size=60))
def test_text_that_is_no_calendar_is_always_refused_as_a_value_error(text):
    with pytest.raises(ValueError, match=r"TOML|keys|name"):
        calendar_from_toml(text)
