"""What happens to each project in the year, and to the house: drawn from a seed, at instants of its own."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from tests.schedules.arranging import PLAN_TEXT, local

HOURS = (14, 20)  # the house is open, and closed: what an act gives to tell leaves at once, or on the next working day
EVENING = 21  # when the house itself changes: nothing else happens then
BEGINS = local("2024-07-01")
# Nothing runs: over the holidays of autumn with working days on both sides, and for two days in spring.
ASLEEP = (
    (local("2024-09-26", 12), local("2024-10-09", 10, 17)),
    (local("2025-03-12", 10), local("2025-03-14", 16, 5)),
)
FRIDAY, SATURDAY = "2024-10-18", "2024-10-19"  # a rest day follows: what is queued in the evening waits till Monday
CALENDAR = """name = "province-2025"
source = "山东省人民政府办公厅"
years = [2025]
rest_days = ["2025-01-01", "2025-02-28", "2025-03-03", "2025-05-01", "2025-10-01", "2025-10-02", "2025-10-03"]
"""
PLAN = PLAN_TEXT.replace(
    'progress_call = { to = ["applicant", "city"] }',
    'progress_call = { to = ["applicant", "city", "handler"], before_working_days = [60, 30, 5], '
    "before_calendar_days = [14], overdue_days = 20 }",
).replace('half_year_ends = { to = ["applicant", "city"] }', 'half_year_ends = { to = ["applicant", "division_head"] }')


@dataclass(frozen=True, slots=True)
class Deed:
    """Something done at an instant, with what it takes."""

    at: datetime
    what: str
    given: Mapping[str, Any] = field(default_factory=dict)


class _Diary:
    """Deeds on days, each at an hour that is drawn; no two of a project at one instant."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.deeds: list[Deed] = []

    def on(self, day: date, what: str, hours: Sequence[int] = HOURS, **given: Any) -> date:
        taken = {deed.at for deed in self.deeds}
        free = [at for at in (local(day, hour) for hour in hours) if at not in taken]
        if not free:
            return self.on(day + timedelta(1), what, **given)
        self.deeds.append(Deed(self.chance.choice(free), what, given))
        return day

    def later(self, day: date, least: int, most: int) -> date:
        return day + timedelta(self.chance.randint(least, most))

    def happens(self, share: float) -> bool:
        return self.chance.random() < share


def story_of(chance: random.Random) -> list[Deed]:
    """Return what is done with one project, in order."""
    diary = _Diary(chance)
    _application(diary)
    return sorted(diary.deeds, key=lambda deed: deed.at)


def house_story() -> list[Deed]:
    """Return what changes for all projects at once."""
    evenings: list[tuple[str, str, dict[str, Any]]] = [
        ("2024-10-15", "set_plan", {"text": PLAN}),
        ("2024-11-12", "adopt_calendar", {"text": CALENDAR}),
        (FRIDAY, "end_address", {"login": "qingdao", "channel": "email"}),
        ("2024-12-21", "add_address", {"login": "qingdao", "channel": "email"}),
        ("2025-01-20", "leave", {"login": "wang"}),
        ("2025-02-10", "set_digest", {"login": "jinan", "channel": "email", "digest": True}),
        ("2025-03-05", "join", {"login": "li", "role": "handler", "channel": "email"}),
        ("2025-04-01", "set_plan", {"text": None}),
    ]
    return [Deed(local(day, EVENING), what, given) for day, what, given in evenings]


def _application(diary: _Diary) -> None:
    fate = diary.chance.random()
    if fate < 0.04:
        return  # a draft for ever
    day = diary.on(diary.later(date(2024, 7, 8), 0, 16), "submit")
    if diary.happens(0.25):
        day = diary.on(diary.later(day, 1, 2), "return_for_correction")
        day = diary.on(diary.later(day, 1, 4), "submit")
    if fate < 0.08:
        diary.on(diary.later(day, 1, 3), "withdraw")
    elif fate < 0.12:
        diary.on(diary.later(day, 1, 3), "refuse")
    elif fate < 0.17:
        diary.on(diary.later(date(2024, 9, 1), 0, 60), "not_recommend")  # long after it was due
    else:
        diary.on(diary.later(date(2024, 8, 1), 0, 3), "recommend")
        _review(diary, fate)


def _review(diary: _Diary, fate: float) -> None:
    day = diary.on(diary.later(date(2024, 8, 6), 0, 1), "accept_filing")
    if fate < 0.23:
        diary.on(diary.later(day, 1, 3), "not_select")
        return
    day = diary.on(diary.later(day, 1, 2), "pass_review")
    day = diary.on(diary.later(day, 2, 4), "start_publicity")
    if diary.happens(0.3):
        objected = diary.on(diary.later(day, 1, 2), "object")
        diary.on(diary.later(objected, 1, 6), "reject_objection")
    published = diary.on(diary.later(date(2024, 8, 26), 0, 14), "publish")
    _work(diary, published)


def _work(diary: _Diary, published: date) -> None:
    if diary.happens(0.5):
        day = diary.on(diary.later(date(2024, 9, 12), 0, 40), "assign", login=diary.chance.choice(("wang", "zhao")))
        if diary.happens(0.4):
            diary.on(diary.later(day, 30, 90), "assign", login=diary.chance.choice(("wang", "zhao", None)))
    if diary.happens(0.5):
        _by_hand(diary)
    for _ in range(diary.chance.randrange(3)):
        diary.on(diary.later(date(2025, 1, 5), 0, 170), "chase")
    if diary.happens(0.5):
        diary.on(diary.later(date(2025, 1, 25), 0, 40), "report_progress")
    if diary.happens(0.06):
        diary.on(diary.later(date(2025, 1, 10), 0, 90), "terminate")
    elif diary.happens(0.2):
        diary.on(diary.later(date(2024, 11, 5), 0, 15), "extend")
    else:
        away = 0
        if diary.happens(0.3):
            away = diary.chance.choice((1, 12, 40))
            day = diary.on(diary.later(date(2024, 11, 20), 0, 30), "suspend")
            diary.on(day + timedelta(away), "resume")
        _acceptance(diary, published + timedelta(186 + away))


def _by_hand(diary: _Diary) -> None:
    """A deadline is added in the evening, and what it gave to tell has lost its ground by the time it may leave."""
    friday, saturday = date.fromisoformat(FRIDAY), date.fromisoformat(SATURDAY)
    diary.on(friday, "add_deadline", HOURS[1:], due_on=date(2024, 11, 22))
    what = diary.chance.choice(("move_deadline", "assign", "end_deadline", None))
    if what == "assign":
        diary.on(saturday, what, HOURS[:1], login="zhao")
    elif what:
        diary.on(saturday, what, HOURS[:1], due_on=date(2024, 11, 29))
    if what != "end_deadline":
        day = diary.on(diary.later(friday, 5, 30), "move_deadline", due_on=date(2024, 12, 6))
        diary.on(diary.later(day, 10, 40), "end_deadline")


def _acceptance(diary: _Diary, opens: date) -> None:
    fate = diary.chance.random()
    if fate < 0.35:
        if fate < 0.1:
            diary.on(diary.later(date(2025, 5, 20), 0, 25), "lapse")
        return  # overdue
    day = diary.on(diary.later(opens, 2, 24), "apply_half_year")
    if diary.happens(0.3):
        day = diary.on(diary.later(day, 3, 12), "rectify_half_year")
        day = diary.on(diary.later(day, 5, 25), "resubmit_half_year")
    diary.on(diary.later(day, 3, 20), "pass_half_year" if diary.happens(0.8) else "fail_half_year")
