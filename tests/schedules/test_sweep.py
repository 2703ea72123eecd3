"""The sweep: what is told, to whom and when, exactly once, whatever steps time takes."""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from lifecycle import announcements, deadlines, recipients, sweeps
from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.notices import UNREACHED
from lifecycle.recipients import reach_of_row
from lifecycle.rulebooks import RuleSet, rules_of_row
from lifecycle.statements import Row
from schedules.reminders import Due, due_of_row, looked_at_from, plan_notices, queue_due
from states.audience import Reach, Someone
from states.deadlines import state_council_calendar
from states.library import bundled_definitions, bundled_plans, bundled_policies
from states.reminders import read_plan
from states.series import next_occasion
from tests.lifecycle import builders
from tests.lifecycle.builders import JINAN, QINGDAO, act, drive
from tests.lifecycle.test_bulk import statements
from tests.schedules.arranging import (
    PLAN_TEXT,
    World,
    add_address,
    add_person,
    days,
    enter_project,
    keys,
    local,
    open_world,
    put_in_charge,
    set_plan,
    shown,
)

RULES = RuleSet(
    bundled_definitions()["gongfu-pilot/1"][0],
    bundled_policies()["sd-gongfu-2024-2/1"][0],
    state_council_calendar(),
    bundled_plans()["gongfu-reminders/1"][0],
)


@pytest.fixture
def world(database: Database, log: Log) -> World:
    return open_world(database, log)


def published(world: World) -> Row:
    """Carry a project of Jinan to `published` on 31 August 2024, and have everything told until then."""
    row = enter_project(world)
    add_person(world, "applicant", unit=row["lead_code"])
    drive(world.database, world.log, row["id"], "published")
    world.tick(local("2024-08-31", 12))
    return row


def test_a_draft_of_the_batch_gives_exactly_these_reminders(world: World) -> None:
    row = enter_project(world)
    add_person(world, "applicant", unit=row["lead_code"])
    add_person(world, "applicant", "stranger", unit=builders.credit_code(999))
    add_person(world, "city", "qingdao", city=QINGDAO)
    world.walk(days("2024-07-01", "2024-09-10"))
    planned = [
        ("2024-07-01 09:00", "opened"),
        ("2024-07-22 09:00", "w-7"),
        ("2024-07-26 09:00", "w-3"),
        ("2024-07-30 09:00", "w-1"),
        ("2024-07-31 09:00", "due"),
    ]
    assert world.told() == [(at, code, who) for at, code in planned for who in ("applicant", "jinan")]
    assert {(row["status"], row["reason"], row["late"]) for row in world.notices()} == {("sent", None, False)}
    assert [row["next_at"] for row in world.checkpoints()] == [None]


def test_an_overdue_duty_is_told_daily_and_raised_after_three_days(world: World) -> None:
    row = enter_project(world)
    drive(world.database, world.log, row["id"], "applied")
    world.walk(days("2024-07-20", "2024-08-14"))
    assert world.told(kind="package_due") == [
        ("2024-07-20 09:00", "opened", "jinan"),
        ("2024-07-25 09:00", "w-7", "jinan"),
        ("2024-07-31 09:00", "w-3", "jinan"),
        ("2024-08-02 09:00", "w-1", "jinan"),
        ("2024-08-05 09:00", "due", "jinan"),
        ("2024-08-06 09:00", "late+1", "jinan"),
        ("2024-08-07 09:00", "late+2", "jinan"),
        ("2024-08-08 09:00", "esc+3", "head"),
        ("2024-08-08 09:00", "late+3", "jinan"),
        ("2024-08-09 09:00", "late+4", "jinan"),
        ("2024-08-12 09:00", "late+7", "jinan"),
        ("2024-08-13 09:00", "late+8", "jinan"),
        ("2024-08-14 09:00", "late+9", "jinan"),
    ]


def test_each_notice_says_under_which_rule_it_was_planned(world: World) -> None:
    enter_project(world)
    world.tick(local("2024-07-01"))
    (notice,) = [row for row in world.notices() if world.name(row["recipient"]) == "jinan"]
    assert notice["rule"] == {
        "plan": "gongfu-reminders/1",
        "plan_hash": RULES.reminders.hash,
        "series": "city_cutoff",
        "calendar": RULES.calendar.version,
        "provisional": False,
        "due_on": "2024-07-31",
    }
    assert (notice["kind"], notice["role"], notice["due_on"]) == ("opened", "city", date(2024, 7, 31))
    (checkpoint,) = world.checkpoints()
    assert (notice["cause"], notice["version"]) == (f"checkpoint/{checkpoint['id']}", checkpoint["version"])


def one_leap(world: World, until: datetime) -> list[Row]:
    """Return what the open checkpoints give rise to from their opening on, planned in one leap and not written."""
    found: list[Row] = []
    with world.database.transaction() as tx:
        (rows,) = sweeps.with_projects(tx, sweeps.due_checkpoints(tx, until, 1000))
        for row in rows:
            rules, due, reach = rules_of_row(tx, row), due_of_row(row), reach_of_row(row)
            crowd = recipients.crowd_around(tx, [reach])
            channels = recipients.channels_of(recipients.addresses_of(tx, crowd.ids).values())
            found += plan_notices(due, rules, reach, crowd.near(reach), channels, due.opened_at, until)
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_a_year_in_any_steps_gives_the_set_that_one_leap_plans(world: World, seed: int) -> None:
    row = enter_project(world)
    add_person(world, "applicant", unit=row["lead_code"])
    add_address(world, "jinan")
    add_address(world, "handler", digest=True)
    drive(world.database, world.log, row["id"], "published")
    world.tick(local("2024-08-31", 8))  # what was opened on the way and is done with
    before, end = keys(world.ledger()), local("2025-10-15")
    planned = keys(one_leap(world, end))
    steps, now = random.Random(seed), local("2024-08-31", 9)
    while now < end:
        world.tick(now)
        now += timedelta(hours=steps.choice((1, 7, 24, 100, 700)), seconds=steps.randrange(3600))
    world.tick(end)
    assert len(planned) > 300
    found = [key for key in keys(world.ledger()) if key not in before and key[0].startswith("checkpoint/")]
    assert found == planned, f"seed {seed}"


OPENINGS = st.integers(0, 500 * 24 * 3600).map(lambda seconds: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(0, seconds))
KINDS = ("package_due", "publicity_end", "progress_call", "half_year_opens", "one_year_grace_ends", "by_hand")


@given(
    kind=st.sampled_from(KINDS),
    opened_at=OPENINGS,
    ahead=st.integers(-5, 200),
    steps=st.lists(st.timedeltas(timedelta(seconds=1), timedelta(days=90)), max_size=12),
    moved=st.booleans(),
)
def test_moving_on_in_any_steps_gives_the_same_keys_each_once(
    kind: str, opened_at: datetime, ahead: int, steps: list[timedelta], moved: bool
) -> None:
    to = ("city",) if kind == "by_hand" else ()
    due = Due("c", "p", "b", kind, 3, opened_at.date() + timedelta(ahead), False, opened_at, moved, to)
    reach = Reach(JINAN, "91", {"handler": "h2"})
    people = [
        *(Someone(name, "handler", None, None) for name in ("h1", "h2")),
        Someone("d", "division_head", None, None),
        *(Someone(name, "city", city, None) for name, city in (("j", JINAN), ("q", QINGDAO))),
        Someone("a", "applicant", None, "91"),
    ]
    channels = {"h2": {"email": False}, "j": {"email": True, "sms": False}}
    series = RULES.reminders.series_for(kind, RULES.policy)
    series = series.model_copy(update={"to": to or series.to})
    course = (series, RULES.reminders.times, due.due_on, opened_at, moved, RULES.calendar, "Asia/Shanghai")
    found: list[Row] = []
    since: datetime | None = opened_at
    now = opened_at
    for step in (timedelta(0), *steps):
        now += step
        if since is None or since > now:
            continue
        found += plan_notices(due, RULES, reach, people, channels, looked_at_from(due, RULES, since), now)
        following = next_occasion(*course, now)
        since = following.at if following else None
    whole = plan_notices(due, RULES, reach, people, channels, opened_at, now)
    assert keys(found) == keys(whole)
    assert len(set(keys(whole))) == len(whole)
    told = [(row["recipient"], row["channel"]) for row in whole if row["status"] != "skipped"]
    assert len(set(told)) == len(told)
    assert not {row["recipient"] for row in whole} & {"h1", "q"}


def test_after_downtime_the_newest_is_told_late_and_the_others_are_recorded_as_skipped(world: World) -> None:
    enter_project(world)
    add_address(world, "jinan")
    world.tick(local("2024-07-01"))
    world.tick(local("2024-07-30", 11))
    rows = [row for row in world.notices() if row["occasion"] != "opened"]
    assert [(row["occasion"], row["channel"], row["status"], row["reason"], row["late"]) for row in rows] == [
        ("w-7", "email", "skipped", "overtaken", True),
        ("w-7", "inbox", "skipped", "overtaken", True),
        ("w-3", "email", "skipped", "overtaken", True),
        ("w-3", "inbox", "skipped", "overtaken", True),
        ("w-1", "email", "sent", None, True),
        ("w-1", "inbox", "sent", None, True),
    ]
    assert len(world.post.parcels) == 2


def test_a_notice_is_late_from_the_first_second_after_the_plans_minutes(world: World) -> None:
    enter_project(world)
    world.tick(local("2024-07-01"))
    world.tick(local("2024-07-22", 10))
    world.tick(local("2024-07-26", 10) + timedelta(seconds=1))
    late = {row["occasion"]: row["late"] for row in world.notices()}
    assert late == {"opened": False, "w-7": False, "w-3": True}


def test_nobody_is_told_of_what_ended_before_the_sweep_came(world: World) -> None:
    row = enter_project(world)
    act(world.database, world.log, row["id"], "withdraw", on=date(2024, 7, 2), role="handler")
    world.tick(local("2024-07-22"))
    assert world.told(kind="city_cutoff") == []


def test_a_return_ends_the_old_series_and_arms_new_ones(world: World) -> None:
    row = enter_project(world)
    add_person(world, "applicant", unit=row["lead_code"])
    act(world.database, world.log, row["id"], "submit")
    world.walk(days("2024-07-20", "2024-07-22"))
    act(world.database, world.log, row["id"], "return_for_correction", on=date(2024, 7, 23))
    world.walk(days("2024-07-23", "2024-07-25"))
    act(world.database, world.log, row["id"], "submit", on=date(2024, 7, 26))
    world.walk(days("2024-07-26", "2024-07-30"))
    first = {code for _, code, who in world.told(kind="city_cutoff") if who == "applicant"}
    assert first == {"opened", "w-7", "w-3", "w-1"}
    assert [item for item in world.told(kind="city_cutoff") if item[2] == "jinan"] == [
        ("2024-07-01 09:00", "opened", "jinan"),
        ("2024-07-22 09:00", "w-7", "jinan"),
        ("2024-07-26 09:00", "w-3", "jinan"),  # it opened anew at the same instant
        ("2024-07-30 09:00", "w-1", "jinan"),
    ]
    assert [code for _, code, who in world.told(kind="correction_due") if who == "applicant"][:1] == ["opened"]
    assert not [at for at, *_ in world.told(kind="correction_due") if at > "2024-07-26"]


def test_an_extension_supersedes_the_dates_tells_so_and_arms_the_new_ones(world: World) -> None:
    row = published(world)
    world.walk(days("2024-09-01", "2024-11-09"))
    act(world.database, world.log, row["id"], "extend", on=date(2024, 11, 10))
    world.walk(days("2024-11-10", "2025-03-10"))
    told = [item for item in world.told(kind="half_year_ends") if item[2] == "applicant"]
    old, new = (
        next(c for c in world.checkpoints() if (c["kind"], c["status"]) == ("half_year_ends", status))
        for status in ("superseded", "open")
    )
    assert told == [("2024-08-31 09:00", "opened", "applicant"), ("2024-11-10 09:00", "opened", "applicant")]
    assert next(row["kind"] for row in world.notices() if row["checkpoint_id"] == new["id"]) == "moved"
    assert (new["replaces"], new["due_on"] > old["due_on"]) == (old["id"], True)
    world.walk(days("2025-03-11", new["due_on"].isoformat()))
    after = [code for at, code, who in world.told(kind="half_year_ends") if who == "applicant" and at > "2025-03-11"]
    assert after == ["w-30", "w-15", "w-7", "w-3", "w-1", "due"]


def test_a_suspension_silences_the_clocks_it_stops_until_work_is_resumed(world: World) -> None:
    row = published(world)
    act(world.database, world.log, row["id"], "suspend")
    world.walk(days("2024-12-10", "2025-03-31"))
    assert [item for item in world.told(kind="half_year_ends") if item[0] > "2024-12-10"] == []
    act(world.database, world.log, row["id"], "resume", on=date(2025, 4, 1))
    world.tick(local("2025-04-01", 9, 1))
    again = [item for item in world.told(kind="half_year_ends") if item[0] > "2024-12-10"]
    assert again == [("2025-04-01 09:00", "opened", "applicant"), ("2025-04-01 09:00", "opened", "jinan")]


def test_a_suspension_during_rectification_stops_its_clock_and_the_days_are_given_back(world: World) -> None:
    row = enter_project(world)
    drive(world.database, world.log, row["id"], "half_year_rectification")

    def due() -> list[tuple[str, date]]:
        return [
            (item["status"], item["due_on"])
            for item in world.checkpoints(row["id"])
            if item["kind"] == "rectification_due"
        ]

    assert due() == [("open", date(2025, 6, 20))]
    world.tick(local("2025-03-20", 12))
    act(world.database, world.log, row["id"], "suspend", on=date(2025, 4, 1))
    assert due() == [("closed", date(2025, 6, 20))]
    world.walk(days("2025-04-01", "2025-06-30"))
    told = [item for item in world.told(kind="rectification_due") if item[2] == "jinan"]
    assert told == [("2025-03-20 09:00", "opened", "jinan")]
    act(world.database, world.log, row["id"], "resume", on=date(2025, 7, 1))
    assert due() == [("closed", date(2025, 6, 20)), ("open", date(2025, 9, 19))]  # 91 days later
    world.walk(days("2025-07-01", "2025-09-19"))
    again = [at for at, code, who in world.told(kind="rectification_due") if (code, who) == ("due", "jinan")]
    assert again == ["2025-09-19 09:00"]


def test_from_a_change_of_handler_on_the_new_one_alone_is_told(world: World) -> None:
    row = enter_project(world)
    for login in ("wang", "zhao"):
        add_person(world, "handler", login)
        add_address(world, login)
    put_in_charge(world, row["id"], handler="wang")
    drive(world.database, world.log, row["id"], "in_publicity")
    world.tick(local("2024-08-12", 20))  # opened at nine, swept when the house is closed: the mail waits
    put_in_charge(world, row["id"], handler="zhao")
    world.walk(days("2024-08-13", "2024-08-20"))
    mine = [item for item in world.told(kind="publicity_end") if item[2] in ("wang", "zhao", "handler")]
    assert [who for _, _, who in mine] == ["wang", "zhao", "zhao", "zhao", "zhao"]
    mail = [(row["occasion"], row["status"], row["reason"]) for row in world.notices() if row["channel"] == "email"]
    assert mail[0] == ("opened", "cancelled", "not_recipient")
    assert {parcel.target for parcel in world.post.parcels} == {"zhao@example.invalid"}


def leave(world: World, login: str) -> None:
    with world.database.transaction() as tx:
        false = "false" if tx.is_postgres else "0"
        tx.execute_driver(f"UPDATE person SET active = {false} WHERE id = '{world.people[login]}'")


def test_people_who_left_or_belong_elsewhere_are_not_told(world: World) -> None:
    add_person(world, "city", "jinan2", city=JINAN)
    add_person(world, "city", "qingdao", city=QINGDAO)
    enter_project(world)
    leave(world, "jinan2")
    world.tick(local("2024-07-01"))
    assert world.told() == [("2024-07-01 09:00", "opened", "jinan")]


def test_what_nobody_is_there_to_be_told_is_in_the_ledger_with_the_role_it_was_for(world: World) -> None:
    row = enter_project(world)
    world.walk(days("2024-07-01", "2024-07-31"))
    days_told = [("2024-07-01", "opened"), ("2024-07-22", "w-7"), ("2024-07-26", "w-3"), ("2024-07-30", "w-1")]
    wanted = [(f"{day} 09:00", code, "applicant", "nobody") for day, code in [*days_told, ("2024-07-31", "due")]]
    assert world.unreached() == wanted
    add_person(world, "applicant", unit=row["lead_code"])
    announce(world, row, "refuse", local("2024-08-01"))
    with world.database.transaction() as tx:
        sweeps.look_again(tx, batch=world.batch["id"])
    world.tick(local("2024-08-01"))
    assert world.unreached() == wanted  # what nobody heard stays on record; from now on somebody does
    assert {item["status"] for item in world.ledger() if item["recipient"] == UNREACHED} == {"skipped"}


def test_what_an_act_tells_and_nobody_hears_is_in_the_ledger_too(world: World) -> None:
    row = enter_project(world)
    leave(world, "jinan")
    announce(world, row, "refuse", local("2024-07-03"))
    world.tick(local("2024-07-03"))
    assert [item for item in world.unreached() if item[1] == "event"] == [
        ("2024-07-03 09:00", "event", "applicant,city", "nobody")
    ]


def test_a_deadline_added_by_hand_is_told_to_the_roles_named_with_it(world: World) -> None:
    row = enter_project(world)
    officer = builders.caller("handler", local("2024-07-02"))
    with world.database.transaction() as tx:
        deadlines.add_deadline(tx, world.log, officer, row["id"], "补交附件", date(2024, 7, 12), ["division_head"])
    world.walk(days("2024-07-02", "2024-07-15"))
    assert world.told(kind="by_hand") == [
        ("2024-07-02 09:00", "opened", "head"),
        ("2024-07-03 09:00", "w-7", "head"),
        ("2024-07-09 09:00", "w-3", "head"),
        ("2024-07-11 09:00", "w-1", "head"),
        ("2024-07-12 09:00", "due", "head"),
        ("2024-07-15 09:00", "late+3", "head"),
    ]


def test_what_an_act_announces_is_told_once_to_the_roles_of_its_event(world: World) -> None:
    row = enter_project(world)
    add_person(world, "applicant", unit=row["lead_code"])
    drive(world.database, world.log, row["id"], "refused")
    for _ in range(2):
        world.tick(local("2024-07-22", 9, 5))
    found = [row for row in world.notices() if row["cause"].startswith("announcement/")]
    told = [(world.name(row["recipient"]), row["occasion"], row["kind"], shown(row["planned_at"])) for row in found]
    assert told == [(who, "event", "event", "2024-07-22 09:00") for who in ("applicant", "jinan")]
    assert {row["version"] for row in found} == {builders.read_project(world.database, row["id"])["version"]}


def announce(world: World, row: Row, event: str, now: datetime, **details: object) -> None:
    row = builders.read_project(world.database, row["id"])
    made = announcements.announcement(builders.caller("handler", now), row, row["version"], event, details)
    with world.database.transaction() as tx:
        announcements.write(tx, made)


def test_a_chase_reaches_the_roles_of_the_checkpoint_unless_that_has_ended(world: World) -> None:
    row = enter_project(world)
    (open_one,) = world.checkpoints()
    announce(world, row, "chase", local("2024-07-03"), checkpoint=open_one["id"], note="请抓紧")
    world.tick(local("2024-07-03"))
    announce(world, row, "chase", local("2024-07-04"), checkpoint=open_one["id"], note=None)
    act(world.database, world.log, row["id"], "withdraw", on=date(2024, 7, 4), role="handler")
    world.tick(local("2024-07-04", 9, 1))
    chases = [
        (shown(row["planned_at"]), world.name(row["recipient"]), row["status"], row["reason"], row["checkpoint_id"])
        for row in world.notices()
        if row["kind"] == "chase"
    ]
    assert chases == [
        ("2024-07-03 09:00", "jinan", "sent", None, open_one["id"]),
        ("2024-07-04 09:00", "jinan", "cancelled", "ended", open_one["id"]),
    ]


def test_who_is_put_in_charge_is_told_alone(world: World) -> None:
    row = enter_project(world)
    add_person(world, "handler", "zhao")
    put_in_charge(world, row["id"], handler="zhao")
    announce(world, row, "assigned", local("2024-07-03"), role="handler", person=world.people["zhao"], note=None)
    world.tick(local("2024-07-03"))
    assert [world.name(row["recipient"]) for row in world.notices() if row["kind"] == "assigned"] == ["zhao"]


BROKEN = "this is = = no plan"


def break_plan(world: World) -> None:
    set_plan(world, BROKEN)


def mend_plan(world: World) -> None:
    with world.database.transaction() as tx:
        tx.execute_driver(f"UPDATE batch SET reminders_hash = NULL WHERE id = '{world.batch['id']}'")


def test_what_cannot_be_read_waits_an_hour_stops_nobody_and_loses_nothing(database: Database, log: Log) -> None:
    world, sound = open_world(database, log), World(database, log, builders.open_batch(database, log, "sound"))
    row = enter_project(world)
    announce(world, row, "recommend", local("2024-07-01", 9, 30))
    add_person(world, "applicant", unit=row["lead_code"])
    builders.create_projects(database, log, sound.batch, 1, first=5)
    break_plan(world)
    with capture_logs() as logs:
        world.tick(local("2024-07-01", 10))
    assert [(entry["event"], entry["log_level"], entry["project"]) for entry in logs] == [
        ("not_planned", "error", row["id"])
    ] * 2
    assert {row["batch_id"] for row in world.notices()} == {sound.batch["id"]}
    assert world.tick(local("2024-07-01", 10, 59)).swept == 0
    with capture_logs() as logs:
        world.tick(local("2024-07-24"))
    assert len(logs) == 2
    mend_plan(world)
    world.tick(local("2024-07-24", 10, 1))
    found = [
        (shown(row["planned_at"]), row["occasion"], world.name(row["recipient"]), row["status"], row["late"])
        for row in world.notices()
        if row["batch_id"] == world.batch["id"]
    ]
    assert found == [
        ("2024-07-01 09:00", "opened", "applicant", "skipped", True),
        ("2024-07-01 09:00", "opened", "jinan", "skipped", True),
        ("2024-07-01 09:30", "event", "applicant", "sent", True),
        ("2024-07-22 09:00", "w-7", "applicant", "sent", True),
        ("2024-07-22 09:00", "w-7", "jinan", "sent", True),
    ]
    (mine,) = world.checkpoints(row["id"])
    assert shown(mine["next_at"]) == "2024-07-26 09:00"


OTHER_PLAN = PLAN_TEXT.replace(
    'city_cutoff = { to = ["applicant", "city"], before_working_days = [7, 3, 1]',
    'city_cutoff = { to = ["applicant", "city", "handler"], before_working_days = [12, 10, 7, 5, 1]',
)


def test_looking_again_under_another_plan_repeats_nothing_and_catches_up(world: World) -> None:
    enter_project(world)
    world.walk(days("2024-07-01", "2024-07-22"))
    before = keys(world.notices())
    assert read_plan(OTHER_PLAN) != RULES.reminders
    set_plan(world, OTHER_PLAN)
    with world.database.transaction() as tx:
        sweeps.look_again(tx, batch=world.batch["id"])
    world.walk(days("2024-07-23", "2024-07-24"))
    assert set(before) <= set(keys(world.notices()))
    new = [
        (row["occasion"], world.name(row["recipient"]), row["status"], row["late"])
        for row in world.notices()
        if keys([row])[0] not in before
    ]
    assert new == [
        ("opened", "handler", "skipped", True),
        ("w-12", "jinan", "skipped", True),
        ("w-12", "handler", "skipped", True),
        ("w-10", "jinan", "skipped", True),
        ("w-10", "handler", "skipped", True),
        ("w-7", "handler", "sent", True),
        ("w-5", "jinan", "sent", False),
        ("w-5", "handler", "sent", False),
    ]


def test_a_cursor_that_is_no_occasion_means_to_look_from_the_opening_on() -> None:
    opened = local("2024-07-01", 9)
    due = Due("c", "p", "b", "city_cutoff", 1, date(2024, 7, 31), False, opened, False)
    assert looked_at_from(due, RULES, opened) == opened
    assert looked_at_from(due, RULES, local("2024-07-22")) == local("2024-07-22")
    assert looked_at_from(due, RULES, local("2024-07-22", 9, 1)) == opened
    assert looked_at_from(due, RULES, local("2024-07-23")) == opened


def test_the_number_of_statements_does_not_grow_with_what_is_due(world: World, tmp_path: Path) -> None:
    enter_project(world)
    world.tick(local("2024-07-01"))  # rules read
    counts = []
    for first, number in ((10, 2), (20, 30)):
        builders.create_projects(world.database, world.log, world.batch, number, first=first)
        with world.database.transaction() as tx:
            job: Callable[[], object] = lambda t=tx: queue_due(t, local("2024-07-01"))  # noqa: E731
            counts.append(statements(tx, tmp_path, job))
    assert counts[0] == counts[1]
    assert 3 <= sum(counts[0].values()) <= 8


def test_a_sweep_takes_as_many_as_it_is_told_and_says_when_nothing_is_left(world: World) -> None:
    builders.create_projects(world.database, world.log, world.batch, 5)
    taken = []
    for _ in range(4):
        with world.database.transaction() as tx:
            taken.append(queue_due(tx, local("2024-07-01"), 2))
    assert taken == [2, 2, 1, 0]
