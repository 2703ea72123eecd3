"""The simulator foretells what the engine then does, for whoever asks what he may see, and writes nothing."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lifecycle import batches, calendars, deadlines, plans
from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.database import Database
from lifecycle.errors import NotFound, Unreadable
from lifecycle.notices import UNREACHED
from lifecycle.statements import Row
from schedules.loads import BatchOutlook
from schedules.outlooks import CheckpointOutlook, ProjectOutlook
from schedules.scenarios import Changes
from schedules.simulator import HORIZON, simulate_batch, simulate_project
from tests.lifecycle import builders
from tests.lifecycle.builders import JINAN, QINGDAO, act, caller, drive
from tests.lifecycle.test_bulk import statements
from tests.lifecycle.test_database import contents
from tests.lifecycle.test_new_calendars import amended
from tests.schedules.arranging import (
    PLAN_TEXT,
    World,
    add_address,
    add_person,
    days,
    enter_project,
    local,
    open_world,
    shown,
)
from tests.schedules.test_sweep import OTHER_PLAN

PUBLISHED = local("2024-08-31", 12)
AWAKE = ((8, 30), (9, 0), (9, 30))  # when anything can fall due


@pytest.fixture
def world(database: Database, log: Log) -> World:
    made = open_world(database, log)
    add_address(made, "jinan")
    add_address(made, "handler", digest=True)
    add_address(made, "head")
    return made


@pytest.fixture
def published(world: World) -> Row:
    """A project of Jinan, published on 31 August 2024, a Saturday; everything until noon is told."""
    row = enter_project(world)
    add_person(world, "applicant", unit=row["lead_code"])
    add_address(world, "applicant")
    drive(world.database, world.log, row["id"], "published")
    world.tick(PUBLISHED)
    return row


def simulate(
    world: World,
    row: Row,
    until: datetime,
    now: datetime = PUBLISHED,
    changes: Changes | None = None,
    by: Caller | None = None,
) -> ProjectOutlook:
    with world.database.reading() as tx:
        return simulate_project(tx, by or caller("handler"), row["id"], changes or Changes(), now, until)


def simulate_all(
    world: World, until: datetime, now: datetime, changes: Changes | None = None, by: Caller | None = None
) -> tuple[BatchOutlook, list[ProjectOutlook]]:
    seen: list[ProjectOutlook] = []
    with world.database.reading() as tx:
        batch = batches.find_batch(tx, world.batch["id"])
        whole = simulate_batch(tx, by or caller("handler"), batch, changes or Changes(), now, until, seen.append)
    return whole, seen


def walk(world: World, now: datetime, until: datetime) -> None:
    """Tick at an instant, and then whenever anything can fall due."""
    world.tick(now)
    last = now.date() + (until - now)
    for day in days(now.date().isoformat(), last.isoformat()):
        for hour, minute in AWAKE:
            if now < local(day, hour, minute) <= until:
                world.tick(local(day, hour, minute))


def foretold(outlooks: Iterable[ProjectOutlook]) -> list[tuple[Any, ...]]:
    return sorted(
        (
            *(outlook.project, checkpoint.kind, checkpoint.number, checkpoint.due_on),
            *(told.occasion, told.kind, told.recipient, told.role, told.channel),
            *(told.status, told.reason or "", told.late, shown(told.planned_at)),
            shown(told.leaves_at) if told.leaves_at else "",
        )
        for outlook in outlooks
        for checkpoint in outlook.checkpoints
        for told in checkpoint.reminders
    )


def happened(world: World, since: datetime) -> list[tuple[Any, ...]]:
    """Return what came of checkpoints' notices from an instant on, in the simulator's terms."""
    places = {row["id"]: row for row in world.checkpoints()}
    return sorted(
        (
            *(row["project_id"], row["rule"]["series"], places[row["checkpoint_id"]]["number"], row["due_on"]),
            *(row["occasion"], row["kind"], row["recipient"], row["role"], row["channel"]),
            *(row["status"], row["reason"] or "", row["late"], shown(row["planned_at"])),
            shown(row["settled_at"]) if row["status"] == "sent" else "",
        )
        for row in world.ledger()
        if row["checkpoint_id"] and (row["settled_at"] is None or row["settled_at"] >= since)
    )


def only(outlook: ProjectOutlook, kind: str, status: str = "open") -> CheckpointOutlook:
    (found,) = [item for item in outlook.checkpoints if (item.kind, item.number, item.status) == (kind, 1, status)]
    return found


def told_to(checkpoint: CheckpointOutlook, world: World, login: str, channel: str = "inbox") -> list[tuple[str, str]]:
    person = world.people[login]
    return [
        (told.occasion, shown(told.leaves_at) if told.leaves_at else told.status)
        for told in checkpoint.reminders
        if (told.recipient, told.channel) == (person, channel)
    ]


def test_what_is_foretold_is_what_the_engine_then_does(world: World, published: Row) -> None:
    since, until = PUBLISHED + timedelta(seconds=1), local("2025-06-20", 20)
    outlook = simulate(world, published, until, since)
    walk(world, since, until)
    assert foretold([outlook]) == happened(world, since)
    assert len(foretold([outlook])) > 500
    assert {told.status for item in outlook.checkpoints for told in item.reminders} == {"sent"}


def test_of_an_overdue_checkpoint_the_rest_of_its_days_is_foretold(world: World) -> None:
    row = enter_project(world)
    drive(world.database, world.log, row["id"], "applied")
    walk(world, local("2024-07-20", 10), local("2024-08-20", 10))
    outlook = simulate(world, row, local("2026-08-01"), local("2024-08-20", 11))
    due = only(outlook, "package_due")
    assert due.due_on == date(2024, 8, 5)
    told = told_to(due, world, "jinan")
    # The sixtieth day is in the holidays of October: the last working day before them is the last of all.
    assert (told[0], told[-1]) == (("late+16", "2024-08-21 09:00"), ("late+56", "2024-09-30 09:00"))
    assert told_to(due, world, "head") == []  # raised already
    assert all(told.late is False for told in due.reminders)


def test_what_the_sweep_has_not_come_to_yet_is_foretold_as_caught_up_with(world: World) -> None:
    row = enter_project(world)
    now = local("2024-07-30", 11)
    outlook = simulate(world, row, local("2024-08-10"), now)
    walk(world, now, local("2024-08-10"))
    assert foretold([outlook]) == happened(world, now)
    inbox = [(told.occasion, told.status, told.late) for told in only(outlook, "city_cutoff").reminders]
    assert inbox[:2] == [("opened", "skipped", True)] * 2
    assert inbox.count(("w-1", "sent", True)) == 2


def test_a_digest_leaves_once_a_day_and_what_was_overtaken_by_then_is_skipped(world: World) -> None:
    row = enter_project(world)
    drive(world.database, world.log, row["id"], "in_publicity")
    since = local("2024-08-12", 9)
    outlook = simulate(world, row, local("2024-08-27"), since)
    walk(world, since, local("2024-08-27"))
    assert foretold([outlook]) == happened(world, since)
    mail = told_to(only(outlook, "publicity_end"), world, "handler", "email")
    assert mail[:3] == [
        ("opened", "2024-08-12 09:30"),
        ("w-1", "2024-08-15 09:30"),
        ("due", "2024-08-16 09:30"),
    ]


def test_a_suspended_project_is_told_nothing_of_the_clocks_that_stand(world: World, published: Row) -> None:
    officer = caller("handler", PUBLISHED)
    with world.database.transaction() as tx:
        deadlines.add_deadline(tx, world.log, officer, published["id"], "补交附件", date(2025, 2, 14), ["city"])
    act(world.database, world.log, published["id"], "suspend", on=date(2024, 12, 10))
    now = local("2024-12-10", 12)
    world.tick(now)
    outlook = simulate(world, published, local("2025-12-31"), now)
    assert [(item.kind, item.number, item.label["zh"]) for item in outlook.checkpoints] == [("by_hand", 1, "补交附件")]
    assert [code for code, _ in told_to(only(outlook, "by_hand"), world, "jinan")][:2] == ["w-30", "w-15"]


def test_what_if_extended_is_what_the_extension_then_does(world: World, published: Row) -> None:
    now, until = local("2024-11-10"), local("2025-10-01", 20)
    walk(world, PUBLISHED, now - timedelta(hours=1))
    outlook = simulate(world, published, until, now, Changes(extend_months=6))
    act(world.database, world.log, published["id"], "extend", on=date(2024, 11, 10))
    walk(world, now, until)
    assert foretold([outlook]) == happened(world, now)
    old, new = only(outlook, "half_year_ends", "superseded"), only(outlook, "half_year_ends")
    assert (old.new, old.reminders, new.new, new.id) == (False, (), True, None)
    assert (old.due_on, new.due_on) == (date(2025, 3, 31), date(2025, 10, 9))
    assert [told.kind for told in new.reminders if told.occasion == "opened"][:1] == ["moved"]


def test_what_if_published_on_another_day_moves_every_date_that_counts_from_it(world: World, published: Row) -> None:
    changes = Changes(published_on=date(2024, 10, 8))
    outlook = simulate(world, published, local("2025-12-31"), changes=changes)
    found = {(item.kind, item.number): item.due_on for item in outlook.checkpoints if item.status == "open"}
    assert found == {
        ("half_year_opens", 1): date(2025, 4, 8),
        ("progress_call", 1): date(2025, 4, 8),
        ("half_year_ends", 1): date(2025, 5, 8),
        ("half_year_grace_ends", 1): date(2025, 5, 29),
        ("progress_call", 2): date(2025, 10, 9),
    }
    as_record = simulate(world, published, local("2025-12-31"), changes=Changes({"published_on": "2024-10-08"}))
    assert foretold([as_record]) == foretold([outlook])


def test_what_if_delayed_by_sixty_days_counts_them_as_a_suspension(world: World, published: Row) -> None:
    outlook = simulate(world, published, local("2025-12-31"), changes=Changes(delay_days=60))
    assert only(outlook, "half_year_opens").due_on == date(2025, 4, 29)
    assert only(outlook, "half_year_opens", "superseded").due_on == date(2025, 2, 28)


def test_what_if_another_calendar_is_what_adopting_it_then_does(world: World, published: Row) -> None:
    text = (
        amended(date(2025, 2, 28))
        .replace("2024]", "2025]")
        .replace(
            'rest_days = ["2025-02-28"',
            'rest_days = ["2025-01-01", "2025-05-01", "2025-10-01", "2025-10-02", "2025-10-03", "2025-02-28"',
        )
        .replace("'", '"')
    )
    now, until = local("2024-09-05", 12), local("2025-04-30", 20)
    walk(world, PUBLISHED, now - timedelta(hours=1))
    outlook = simulate(world, published, until, now, Changes(calendar=text))
    officer = caller("handler", now)
    with world.database.reading() as tx:
        preview = calendars.preview_calendar(tx, officer, batches.find_batch(tx, world.batch["id"]), text)
    with world.database.transaction() as tx:
        batch = batches.find_batch(tx, world.batch["id"])
        calendars.adopt_calendar(tx, world.log, officer, batch, text, preview.digest, "省政府放假通知")
    walk(world, now, until)
    assert only(outlook, "half_year_opens").due_on == date(2025, 3, 3)
    assert foretold([outlook]) == happened(world, now)


def test_what_if_another_plan_is_what_setting_it_then_does(world: World) -> None:
    row = enter_project(world)
    now, until = local("2024-07-23", 12), local("2024-08-10", 20)
    walk(world, builders.OPENED, now - timedelta(hours=1))
    outlook = simulate(world, row, until, now, Changes(plan=OTHER_PLAN))
    with world.database.transaction() as tx:
        batch = batches.find_batch(tx, world.batch["id"])
        plans.set_plan(tx, world.log, caller("handler", now), batch, OTHER_PLAN, "按会议纪要调整")
    walk(world, now, until)
    assert foretold([outlook]) == happened(world, now)
    assert "w-5" in {told.occasion for told in only(outlook, "city_cutoff").reminders}


def test_what_if_in_another_state_opens_the_checkpoints_of_that_state(world: World, published: Row) -> None:
    changes = Changes({"accepted_on": "2024-08-31"}, state="one_year_accepted")
    outlook = simulate(world, published, local("2025-02-28"), changes=changes)
    assert [(item.kind, item.due_on) for item in outlook.checkpoints if item.status == "open"] == [
        ("reward_due", date(2024, 12, 2))
    ]
    assert {item.status for item in outlook.checkpoints if not item.new} == {"closed"}
    ended = simulate(world, published, local("2025-02-28"), changes=Changes(state="terminated"))
    assert {item.status for item in ended.checkpoints} == {"closed"}
    assert {(told[9], told[10]) for told in foretold([ended])} == {("cancelled", "ended")}  # waited for Monday


def test_a_whole_batch_is_foretold_with_its_storms(world: World) -> None:
    rows = builders.create_projects(world.database, world.log, world.batch, 12)
    builders.create_projects(world.database, world.log, world.batch, 3, city=QINGDAO, first=50)
    add_person(world, "city", "qingdao", city=QINGDAO)
    add_address(world, "qingdao")
    drive(world.database, world.log, rows[0]["id"], "applied")
    now, until = local("2024-07-22", 10), local("2024-08-08", 20)
    world.tick(now)
    since = now + timedelta(seconds=1)
    whole, outlooks = simulate_all(world, until, since)
    walk(world, since, until)
    assert foretold(outlooks) == happened(world, since)
    assert (whole.projects, whole.checkpoints) == (15, 16)
    sent = [row for row in world.messages() if row["settled_at"] and row["settled_at"] >= since]
    by_day = Counter(shown(row["settled_at"])[:10] for row in sent)
    assert {day.isoformat(): load.messages for day, load in whole.days().items() if load.messages} == by_day
    table = whole.to_dict()
    told = [row for row in happened(world, since) if row[8] == "inbox"]
    assert table["inbox"] == sum(1 for row in told if row[6] != UNREACHED)
    assert table["unreached"] == sum(1 for row in told if row[6] == UNREACHED) > 0
    by_person = Counter(row["recipient"] for row in sent)
    assert {item["id"]: item["messages"] for item in table["recipients"] if item["messages"]} == by_person
    assert [item["messages"] for item in table["recipients"]] == sorted(by_person.values(), reverse=True)
    assert table["recipients"][0]["busiest"]["notices"] > table["recipients"][0]["busiest"]["messages"]
    heard = [row for row in happened(world, since) if row[1] == "city_cutoff" and row[6] != UNREACHED]
    assert table["kinds"]["city_cutoff"] == len(heard) // 2
    assert table["due_dates"] == {"2024-07-31": 15, "2024-08-05": 1}


def test_a_simulation_writes_nothing(world: World, published: Row) -> None:
    before = contents(world.database)
    changes = Changes({"accepted_on": "2024-08-31"}, date(2024, 10, 1), 3, 60, "published", None, PLAN_TEXT)
    simulate(world, published, local("2025-12-31"), changes=changes)
    simulate_all(world, local("2025-12-31"), PUBLISHED, changes)
    assert contents(world.database) == before


def test_everybody_simulates_what_he_may_see(world: World, published: Row) -> None:
    other = builders.create_projects(world.database, world.log, world.batch, 1, city=QINGDAO, first=9)[0]
    officer = caller("handler", PUBLISHED)
    with world.database.transaction() as tx:
        deadlines.add_deadline(tx, world.log, officer, published["id"], "内部核查", date(2025, 2, 14), ["handler"])
    until = local("2025-12-31")
    jinan = caller("city", person=world.people["jinan"], city=JINAN)
    unit = caller("applicant", person=world.people["applicant"], unit=published["lead_code"])
    with pytest.raises(NotFound):
        simulate(world, other, until, by=jinan)
    with pytest.raises(NotFound):
        simulate(world, published, until, by=caller("expert"))
    reached = {
        name: [outlook.project for outlook in simulate_all(world, until, PUBLISHED, by=by)[1]]
        for name, by in (("city", jinan), ("unit", unit), ("expert", caller("expert")))
    }
    assert reached == {"city": [published["id"]], "unit": [published["id"]], "expert": []}
    kinds = {
        name: "by_hand" in {item.kind for item in simulate(world, published, until, by=by).checkpoints}
        for name, by in (("province", officer), ("city", jinan), ("unit", unit))
    }
    assert kinds == {"province": True, "city": False, "unit": False}
    mine = simulate(world, published, until, by=unit)
    assert {told.recipient for item in mine.checkpoints for told in item.reminders} == {world.people["applicant"]}
    theirs = simulate(world, published, until, by=jinan)
    assert len({told.recipient for item in theirs.checkpoints for told in item.reminders}) == 4


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        (Changes({"nothing": 1}), "nothing"),
        (Changes({"published_on": "soon"}), "published_on"),
        (Changes(state="nowhere"), "状态"),
        (Changes(extend_months=-1), "extend_months"),
        (Changes(delay_days=10_000), "delay_days"),
        (Changes(calendar="years = ["), "日历"),
        (Changes(plan="[plan]"), "提醒方案"),
    ],
)
def test_changes_that_cannot_be_read_are_refused_with_the_place(
    world: World, published: Row, changes: Changes, word: str
) -> None:
    with pytest.raises(Unreadable) as refused:
        simulate(world, published, local("2025-01-01"), changes=changes)
    assert word in refused.value.text.zh


@pytest.mark.parametrize("until", [PUBLISHED - timedelta(1), PUBLISHED + HORIZON + timedelta(1)])
def test_a_horizon_in_the_past_or_beyond_two_years_is_refused(world: World, published: Row, until: datetime) -> None:
    with pytest.raises(Unreadable):
        simulate(world, published, until)
    with pytest.raises(Unreadable):
        simulate_all(world, until, PUBLISHED)


def test_an_outlook_is_plain_json(world: World, published: Row) -> None:
    shown_ = simulate(world, published, local("2025-03-01")).to_dict()
    first = shown_["checkpoints"][0]
    assert {name: first[name] for name in ("kind", "number", "due_on", "computed_on", "provisional", "status")} == {
        **{"kind": "half_year_opens", "number": 1, "due_on": "2025-02-28", "computed_on": "2025-02-28"},
        **{"provisional": False, "status": "open"},
    }
    assert first["label"] == {"zh": "半年期验收开始", "en": "half-year window opens"}
    reminder = next(told for told in first["reminders"] if told["occasion"] == "w-15" and told["channel"] == "email")
    assert reminder["leaves_at"] == reminder["planned_at"] == "2025-02-08T01:00:00.000000Z"
    assert reminder["recipient"]["name"] in ("某jinan", "某applicant")


def test_the_number_of_reads_does_not_grow_with_the_batch(world: World, tmp_path: Path) -> None:
    counts: list[int] = []
    for first, number in ((1, 2), (20, 30)):
        builders.create_projects(world.database, world.log, world.batch, number, first=first)
        simulate_all(world, local("2024-08-01"), builders.OPENED)
        with world.database.reading() as tx:
            asked = (tx, caller("handler"), world.batch, Changes(plan=PLAN_TEXT), builders.OPENED, local("2024-08-01"))
            job: Callable[[], object] = lambda asked=asked: simulate_batch(*asked)  # noqa: E731
            seen = statements(tx, tmp_path, job)
        counts.append(sum(seen.values()))
    assert counts[0] == counts[1] <= 9
