"""Owns the laws of series: as a plain reading of the plan gives, whole however time is cut, sent in the window."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cases import CALENDAR
from hypothesis import given, settings
from hypothesis import strategies as st

from states.deadlines import working_days_between
from states.reminders import Escalation, Series, Times
from states.series import Occasion, next_occasion, occasions, send_at

lawful = settings(derandomize=True, deadline=None, max_examples=150)
SHANGHAI = "Asia/Shanghai"
FAR = datetime(9000, 1, 1, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
FINE = [time(9), time(8, 30), time(17, 59, 59), time(12, 0, 0, 1)]

offsets = st.lists(st.integers(1, 40), max_size=5).map(tuple)
roles = st.lists(st.sampled_from(["applicant", "city", "handler"]), min_size=1, max_size=2).map(tuple)
all_series = st.builds(
    Series,
    to=roles,
    opened=st.booleans(),
    before_working_days=offsets,
    before_calendar_days=offsets,
    on_the_day=st.booleans(),
    overdue=st.booleans(),
    overdue_days=st.integers(1, 70),
    escalation=st.lists(st.builds(Escalation, after_days=st.integers(1, 90), to=roles), max_size=3).map(tuple),
)
by_day = st.builds(Times, remind_at=st.sampled_from(FINE), working_days_only=st.booleans())
at_night = st.builds(
    Times, remind_at=st.times(), opens=st.just(time(0)), closes=st.just(time.max), working_days_only=st.booleans()
).filter(lambda times: times.remind_at < time.max)
zones = st.sampled_from([SHANGHAI, "Europe/Berlin", "America/Havana", "Asia/Beirut", "Pacific/Apia", "Asia/Kathmandu"])
in_shanghai = st.just(SHANGHAI)
days = (
    st.dates(date(2010, 6, 1), date(2032, 6, 1))
    | st.dates(date(2011, 12, 24), date(2012, 1, 4))  # Apia has no 30 December 2011
    | st.dates(date(2024, 3, 8), date(2024, 4, 2))  # clocks go forward in Havana, Beirut and Berlin
    | st.dates(date(2024, 10, 24), date(2024, 11, 6))  # and back
)
instants = st.builds(datetime.combine, days, st.times(), st.just(UTC))


@st.composite
def checkpoints(draw: Any, times: Any = by_day, zone: Any = in_shanghai) -> tuple[Any, ...]:
    """Draw all arguments of a series up to its zone; opened up to 60 days before the due date, or 20 after it."""
    due_on = draw(days)
    ago = draw(st.timedeltas(timedelta(days=-20), timedelta(days=60)))
    opened_at = datetime.combine(due_on, time(0), tzinfo=UTC) - ago
    return (draw(all_series), draw(times), due_on, opened_at, draw(st.booleans()), CALENDAR, draw(zone))


anywhere = checkpoints(by_day | at_night, zones)


def plain_reading(series: Series, times: Times, due_on: date, opened_at: datetime, moved: bool) -> set[Occasion]:
    """Go through all days around the due date and ask of each what the plan says: slow, and for Shanghai alone."""
    found = {("opened", "moved" if moved else "opened", opened_at, series.to)} if series.opened else set()
    brought: dict[date, tuple[str, str]] = {}
    taken: set[date] = set()

    def tell(day: date, code: str, kind: str, to: tuple[str, ...]) -> None:
        found.add((code, kind, datetime.combine(day, times.remind_at, tzinfo=UTC) - timedelta(hours=8), to))

    for away in range(-120, 71):
        day = due_on + timedelta(away)
        worked = CALENDAR.is_working_day(day)
        ahead = working_days_between(day, due_on - timedelta(1), CALENDAR)
        if worked and ahead in (series.before_working_days or ()) and away < 0:
            tell(day, f"w-{ahead}", "before", series.to)
            taken.add(day)
        code = {False: f"c-{-away}", True: "due"}[away == 0]
        kind = {False: "before", True: "due"}[away == 0]
        if (series.on_the_day and away == 0) or -away in series.before_calendar_days:
            if worked or not times.working_days_only:
                tell(day, code, kind, series.to)
                taken.add(day)
            else:
                earlier = next(d for n in range(1, 30) if CALENDAR.is_working_day(d := day - timedelta(n)))
                brought[earlier] = (code, "before")  # told ahead; a later day takes the place of an earlier one
        if series.overdue and worked and 0 < away <= series.overdue_days:
            tell(day, f"late+{away}", "late", series.to)
    for day, (code, kind) in brought.items():
        if day not in taken:
            tell(day, code, kind, series.to)
    for days_after in {step.after_days for step in series.escalation or ()}:
        to = dict.fromkeys(
            role for step in series.escalation or () if step.after_days == days_after for role in step.to
        )
        late = due_on + timedelta(days_after)
        day = next(d for n in range(30) if CALENDAR.is_working_day(d := late + timedelta(n)))
        tell(day, f"esc+{days_after}", "escalated", tuple(to))
    return {Occasion(*item) for item in found if item[2] >= opened_at}


@lawful
@given(checkpoints())
def test_the_occasions_are_those_that_a_plain_reading_of_the_plan_finds_in_order(checkpoint):
    opened_at = checkpoint[3]
    found = occasions(*checkpoint, opened_at, FAR)
    assert found == sorted(plain_reading(*checkpoint[:5]), key=lambda item: (item.at, item.code))


@lawful
@given(anywhere, st.lists(instants, max_size=6), st.lists(st.integers(0, 40), max_size=6))
def test_time_cut_anywhere_gives_the_same_occasions_as_the_whole(checkpoint, cuts, picked):
    opened_at = checkpoint[3]
    whole = occasions(*checkpoint, opened_at, FAR)
    cuts += [whole[pick].at for pick in picked if pick < len(whole)]  # just where something lies
    begins = [opened_at, *(cut + MOMENT for cut in sorted(cuts))]
    ends = [*sorted(cuts), FAR]
    assert [item for span in zip(begins, ends, strict=True) for item in occasions(*checkpoint, *span)] == whole


@lawful
@given(anywhere, st.lists(st.integers(0, 200), max_size=8), st.timedeltas(timedelta(0), timedelta(days=30)))
def test_a_sweep_that_comes_when_it_likes_takes_each_occasion_once(checkpoint, pauses, odd):
    opened_at = checkpoint[3]
    whole = occasions(*checkpoint, opened_at, FAR)
    now, next_at, taken = opened_at, opened_at, []
    for pause in [*pauses, 10**6]:
        now += timedelta(days=pause) + odd
        if next_at is not None and next_at <= now:
            taken += occasions(*checkpoint, next_at, now)
            following = next_occasion(*checkpoint, now)
            next_at = following and following.at
    assert (taken, next_at) == (whole, None)


@lawful
@given(anywhere, instants)
def test_the_next_occasion_is_the_first_of_those_that_come_after(checkpoint, after):
    later = [item for item in occasions(*checkpoint, checkpoint[3], FAR) if item.at > after]
    assert next_occasion(*checkpoint, after) == (later[0] if later else None)


@lawful
@given(anywhere)
def test_from_one_occasion_to_the_next_all_instants_are_met_and_then_it_ends(checkpoint):
    whole = occasions(*checkpoint, checkpoint[3], FAR)
    met, at = [], checkpoint[3] - MOMENT
    while (following := next_occasion(*checkpoint, at)) is not None:
        at = following.at
        met.append(at)
    assert met == sorted({item.at for item in whole})


@lawful
@given(anywhere)
def test_nothing_is_told_before_the_checkpoint_is_opened_and_no_code_twice(checkpoint):
    found = occasions(*checkpoint, datetime(2000, 1, 1, tzinfo=UTC), FAR)
    assert [item for item in found if item.at < checkpoint[3]] == []
    assert len({item.code for item in found}) == len(found)
    assert all(item.at.utcoffset() == timedelta(0) for item in found)


@lawful
@given(checkpoints())
def test_working_days_before_lie_before_the_due_day_and_everything_but_the_opening_on_a_working_day(checkpoint):
    due_on, times = checkpoint[2], checkpoint[1]
    found = occasions(*checkpoint, checkpoint[3], FAR)
    told_on = {item.code: item.at.astimezone(ZoneInfo(SHANGHAI)) for item in found if item.code != "opened"}
    assert [code for code, at in told_on.items() if code[:2] in ("w-", "c-") and at.date() >= due_on] == []
    assert {at.timetz().replace(tzinfo=None) for at in told_on.values()} <= {times.remind_at}
    loose = () if times.working_days_only else ("c", "d")
    assert [
        code for code, at in told_on.items() if not code.startswith(loose) and not CALENDAR.is_working_day(at.date())
    ] == []


@lawful
@given(by_day, zones, instants, st.booleans())
def test_a_notice_leaves_not_before_it_is_planned_inside_the_window_and_once_decided_stays_so(times, zone, at, digest):
    sent = send_at(times, CALENDAR, zone, at, digest)
    there = sent.astimezone(ZoneInfo(zone))
    assert sent >= at
    assert times.opens <= there.time() < times.closes
    assert CALENDAR.is_working_day(there.date()) or not (times.working_days_only or digest)
    assert there.time() == times.digest_at or not digest
    assert send_at(times, CALENDAR, zone, sent, digest) == sent


@lawful
@given(by_day, zones, instants, st.booleans(), st.timedeltas(timedelta(0), timedelta(days=12)))
def test_a_notice_planned_later_never_leaves_earlier_and_one_planned_in_between_leaves_with_it(
    times, zone, at, digest, later
):
    sent = send_at(times, CALENDAR, zone, at, digest)
    assert send_at(times, CALENDAR, zone, at + later, digest) >= sent
    between = min(at + later, sent)  # nothing between was open
    assert send_at(times, CALENDAR, zone, between, digest) == sent


@lawful
@given(at_night, zones, instants, st.booleans())
def test_a_window_at_any_hour_is_kept_over_every_change_of_the_clock(times, zone, at, digest):
    sent = send_at(times, CALENDAR, zone, at, digest)
    assert sent >= at
    assert send_at(times, CALENDAR, zone, sent, digest) == sent
