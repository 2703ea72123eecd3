"""Owns the proof that a holiday arrangement is read as the notice says, or refused with every fault and its place."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from states.deadlines import Calendar, calendar_from_toml, state_council_calendar
from states.holidays import BadHolidays, changed_days, read_arrangement, warnings

BASE = state_council_calendar()
NEXT = BASE.last_year + 1
FIXED = [date(NEXT, *day) for day in ((1, 1), (5, 1), (10, 1), (10, 2), (10, 3))]
SATURDAY = next(day for day in (date(NEXT, 2, n) for n in range(1, 8)) if day.weekday() == 5)
MONDAY = SATURDAY + timedelta(2)
SOURCE = "国务院办公厅关于部分节假日安排的通知"


def toml(**changes: str) -> str:
    """Return a good calendar file for the next year, with some of its values written otherwise."""
    rest = [day.isoformat() for day in [*FIXED, MONDAY]]
    values = {
        "name": '"next"',
        "source": f'"{SOURCE}"',
        "years": f"[{NEXT}]",
        "rest_days": str(rest),
        "working_days": f'["{SATURDAY}"]',
    }
    return "\n".join(f"{key} = {value}" for key, value in (values | changes).items() if value)


def table(*rows: str, source: str | None = SOURCE, days: Sequence[date] = FIXED) -> str:
    """Return a table for the next year with further rows."""
    head = ["日期,类型"] + ([f"依据,{source}"] if source else [])
    return "\n".join([*head, *(f"{day},休" for day in days), *rows])


def faults(text: str, present: Calendar = BASE) -> list[tuple[str, str]]:
    with pytest.raises(BadHolidays) as caught:
        read_arrangement(text, present)
    return [(fault.place.zh, fault.message.zh) for fault in caught.value.faults]


def test_a_calendar_file_is_kept_as_it_was_written():
    text = "\ufeff# 2027\r\n" + toml().replace("\n", "\r\n")
    read = read_arrangement(text, BASE)
    assert (read.text, read.years, read.calendar.version) == (text, (NEXT,), f"{BASE.version}+next")
    assert [read.calendar.is_working_day(day) for day in (SATURDAY, MONDAY, FIXED[0])] == [True, False, False]


@pytest.mark.parametrize("row", ["{0},{1}", "{0}\t{1}", "{0}，{1}", '"{0}","{1}"', "{0},{1},春节", " {0} , {1} ,,"])
@pytest.mark.parametrize("form", ["{y}-{m:02}-{d:02}", "{y}/{m}/{d}", "{y}.{m}.{d}", "{y}年{m}月{d}日"])
def test_a_table_is_read_however_excel_writes_it(row, form):
    part = next(sign for sign in "\t，," if sign in row)

    def written(day: date, kind: str) -> str:
        return row.format(form.format(y=day.year, m=day.month, d=day.day), kind)

    lines = [f"日期{part}类型", "", f"依据{part}{SOURCE}", *(written(day, "休") for day in [*FIXED, MONDAY])]
    text = "\r\n".join([*lines, written(SATURDAY, "班"), ""])
    read = read_arrangement(text, BASE)
    assert read.calendar.rest_days - BASE.rest_days == {*FIXED, MONDAY}
    assert read.calendar.working_days - BASE.working_days == {SATURDAY}
    assert (read.calendar.source, read.years) == (SOURCE, (NEXT,))


@given(
    st.sets(st.dates(date(NEXT, 1, 1), date(NEXT, 12, 31)), max_size=40),
    st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters=',"，='), min_size=1, max_size=40),
)
def test_a_table_and_the_file_that_is_kept_of_it_make_the_same_calendar(days, source):
    read = read_arrangement(table(*(f"{day},休" for day in sorted(days - set(FIXED))), source=source), BASE)
    again = read_arrangement(read.text, BASE)
    assert (again.text, again.years) == (read.text, read.years)
    assert (again.calendar.version, again.calendar.source) == (read.calendar.version, source)
    assert (again.calendar.rest_days, again.calendar.working_days) == (
        read.calendar.rest_days,
        read.calendar.working_days,
    )
    assert read.calendar.rest_days - BASE.rest_days == days | set(FIXED)


def test_two_tables_of_one_year_never_share_a_version():
    one, two = (read_arrangement(table(*rows), BASE).calendar.version for rows in ((), (f"{MONDAY},休",)))
    assert one != two
    assert one.startswith(f"{BASE.version}+{NEXT}-")
    assert read_arrangement(table("名称,明年"), BASE).calendar.version == f"{BASE.version}+明年"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (toml(name=""), "name"),
        (toml(name='"two words"'), "name"),
        (toml(name=f'"{"x" * 61}"'), "name"),
        (toml(name="2027"), "name"),
        (toml(source=""), "source"),
        (toml(source='" "'), "source"),
        (toml(source='"\\u0007"'), "source"),
        (toml(source=f'"{"长" * 301}"'), "source"),
        (toml(years=""), "years"),
        (toml(years="[]"), "years"),
        (toml(years=f'["{NEXT}"]'), "years"),
        (toml(years="[true]"), "years"),
        (toml(rest_days='"2027-01-01"'), "rest_days"),
        (toml(extra="1"), "extra"),
        (toml(working_days='["2027-2-6"]'), "working_days第1项"),
        (toml(working_days="[2027-02-06]"), "working_days第1项"),
        (toml(working_days='["20270206"]'), "working_days第1项"),
        (toml(working_days=f'["{SATURDAY}", "{SATURDAY}"]'), "working_days第2项"),
        (toml(working_days=f'["{MONDAY}"]'), "working_days第1项"),
        (toml(working_days=f'["{NEXT + 1}-01-01"]'), "working_days第1项"),
        (toml(working_days=f'["{MONDAY + timedelta(1)}"]'), "working_days第1项"),
        (toml() + "\nname = 1\n", "第6行第9列"),
        ("name = ", "末尾"),
        ("years = [" + "9" * 5000 + "]", "末尾"),
        ("", "文件"),
        ("\ufeff \n", "文件"),
        ("\ud800=", "文件"),
        ("x" * 100_001, "文件"),
        ("日期,类型", "表"),
        (table(source=None), "表"),
        (table("依据,"), "第8行"),
        (table("名称,a b"), "第8行"),
        (table(f"{MONDAY}"), "第8行"),
        (table(f"{MONDAY},"), "第8行"),
        (table(f"{MONDAY},休班"), "第8行"),
        (table(f"{MONDAY},休,除夕,x"), "第8行"),
        (table(f'"{MONDAY},休'), "第8行"),
        (table(f"{NEXT}-02-29,休" if NEXT % 4 else f"{NEXT}-02-30,休"), "第8行"),
        (table("2月8日,休"), "第8行"),
        (table("46425,休"), "第8行"),
        (table(f"{MONDAY}至{MONDAY},休"), "第8行"),
        (table("٢٠٢٧-01-04,休"), "第8行"),
        (table(f"{FIXED[0]},休"), "第8行"),
        (table(f"{MONDAY},休", f"{MONDAY},班"), "第9行"),
        (table(f"{MONDAY},班"), "第8行"),
    ],
)
def test_each_slip_is_refused_with_its_place(text, place):
    assert place in [found for found, _ in faults(text)]


def test_every_fault_is_told_at_once_and_no_more_than_twenty():
    assert [place for place, _ in faults(table("2027-13-01,休", "2027-01-32,假", f"{MONDAY},?"))] == [
        "第8行",
        "第9行",
        "第10行",
    ]
    assert len(faults(table(*["x,休"] * 50))) == 20


@pytest.mark.parametrize("gone", FIXED)
def test_a_year_without_one_of_the_fixed_holidays_is_refused_unless_it_is_a_weekend(gone):
    text = table(days=[day for day in FIXED if day != gone])
    if gone.weekday() >= 5:
        assert not read_arrangement(text, BASE).calendar.is_working_day(gone)
    else:
        assert faults(text) == [(f"{NEXT}年", f"{gone}为法定节假日，须列为休")]


def test_a_fixed_holiday_cannot_be_worked_even_in_a_year_long_announced():
    text = toml(years="[2024]", rest_days="[]", working_days='["2024-10-02"]')
    assert faults(text) == [("working_days第1项", "2024-10-02为法定节假日，须列为休")]


def test_a_later_notice_may_take_back_a_free_day_of_an_announced_year():
    bridge = next(day for day in sorted(BASE.rest_days) if day.year == 2024 and day.weekday() < 5 and day.month == 2)
    read = read_arrangement(toml(years="[2024]", rest_days="[]", working_days=f'["{bridge}"]'), BASE)
    assert read.calendar.is_working_day(bridge)


@pytest.mark.parametrize(
    "years", [[NEXT + 1], [BASE.first_year - 2], [NEXT, NEXT + 2], [0], [-5], [10**6], [10**30], [-(10**30)]]
)
def test_years_that_leave_a_gap_or_do_not_exist_are_refused(years):
    assert "年份" in [place for place, _ in faults(toml(years=str(years), rest_days="[]", working_days="[]"))]


def test_no_year_that_the_present_calendar_knows_may_be_lost():
    present = read_arrangement(toml(), BASE).calendar
    text = toml(years="[2024]", rest_days='["2024-08-15"]', working_days="[]")
    assert faults(text, present) == [("年份", f"现行日历含{NEXT}年，新日历没有；须把各年安排写入同一文件")]
    read_arrangement(toml(name='"again"'), present)


@given(st.text(max_size=200))
def test_whatever_is_handed_in_is_read_or_refused(text):
    for given_text in (text, toml() + "\n" + text, table(text)):
        try:
            read = read_arrangement(given_text, BASE)
        except BadHolidays as bad:
            assert bad.faults
        else:
            assert calendar_from_toml(read.text).version == read.calendar.version


def test_days_that_differ_are_those_on_which_one_calendar_works_and_the_other_rests():
    new = read_arrangement(toml(), BASE).calendar
    wanted = sorted([SATURDAY, *(day for day in [*FIXED, MONDAY] if day.weekday() < 5)])
    assert [(change.on, change.worked, change.announced) for change in changed_days(BASE, new)] == [
        (day, day == SATURDAY, False) for day in wanted
    ]
    assert [change.worked for change in changed_days(new, BASE)] == [day != SATURDAY for day in wanted]
    assert changed_days(BASE, BASE) == []


def test_the_announced_years_give_thirteen_days_and_raise_no_warning():
    assert warnings([2025, 2026], BASE, BASE) == []


def test_a_year_with_too_few_days_or_one_already_announced_is_pointed_out():
    new = read_arrangement(toml(), BASE).calendar
    net = sum(1 for day in [*FIXED, MONDAY] if day.weekday() < 5) - 1
    assert [text.zh for text in warnings([NEXT], BASE, new)] == [
        f"{NEXT}年扣除调休上班后共放假{net}天，现行规定为13天，请与通知核对"
    ]
    again = read_arrangement(toml(years="[2026]", rest_days='["2026-08-13"]', working_days="[]"), BASE).calendar
    assert [text.zh for text in warnings([2026], BASE, again)] == [
        "2026年扣除调休上班后共放假14天，现行规定为13天，请与通知核对",
        "将改动已公布的2026年日历1天，请核对年份",
    ]
