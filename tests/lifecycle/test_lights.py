"""The lists behind the lights: whose checkpoints, in which colour, page by page, in a fixed number of statements."""

import itertools
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from lifecycle import audit, sets
from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.checkpoints import table as checkpoint
from lifecycle.database import Database
from lifecycle.deadlines import add_deadline, end_deadline
from lifecycle.errors import Unreadable
from lifecycle.lights import Filters, count_lights, list_checkpoints
from lifecycle.pages import Page
from lifecycle.responsibles import assign
from lifecycle.rulebooks import rules_of_row
from lifecycle.statements import Row, Statement
from lifecycle.tables import Batch, Project
from states.audience import Reach, Someone, audience
from states.deadlines import end_of_day
from tests.lifecycle.builders import (
    JINAN,
    OPENED,
    POLICY_TEXT,
    QINGDAO,
    act,
    at,
    caller,
    caller_for,
    create_projects,
    drive,
    open_batch,
)
from tests.lifecycle.kept import kept_database
from tests.lifecycle.officers import PLAN_TEXT, Counted, drift_of, officer, pin_plan, retire

HANDLER = caller("handler")
TODAY = date(2024, 7, 20)
WIDE = POLICY_TEXT.replace("yellow_within_days = 15", "yellow_within_days = 40").replace(
    "escalate_after_days = 3", "escalate_after_days = 9"
)
assert WIDE != POLICY_TEXT
DAYS = [TODAY + timedelta(days=days) for days in (-30, -9, -8, -3, -2, 0, 1, 15, 16, 40, 41, 400)]
_project = Project.__table__  # type: ignore[attr-defined]
_batch = Batch.__table__  # type: ignore[attr-defined]
RULES = Statement(
    sa.select(_project, _batch.c.calendar_hash, _batch.c.reminders_hash)
    .join(_batch, _batch.c.id == _project.c.batch_id)
    .order_by(_project.c.code)
)


@dataclass(frozen=True)
class World:
    """Two batches under different policies, projects in two cities, and the people who see to them."""

    database: Database
    batches: list[Row]
    rows: list[Row]
    people: dict[str, Caller]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, log: Log) -> Iterator[World]:
    with kept_database(request, tmp_path_factory) as database:
        yield built(database, log)


def built(database: Database, log: Log) -> World:
    batches = [open_batch(database, log), open_batch(database, log, "wide", policy_text=WIDE)]
    rows = []
    for number, batch in enumerate(batches):
        rows += create_projects(database, log, batch, 3, first=10 * number + 1)
        rows += create_projects(database, log, batch, 2, city=QINGDAO, first=10 * number + 6)
    people = {
        "wang": officer(database, log, "handler", "wang"),
        "li": officer(database, log, "handler", "li"),
        "gone": officer(database, log, "handler", "gone"),
        "sun": officer(database, log, "division_head", "sun"),
        "qian": officer(database, log, "leader", "qian"),
        "lu": officer(database, log, "city", "lu", city=JINAN),
        "qi": officer(database, log, "city", "qi", city=QINGDAO),
        "unit": officer(database, log, "applicant", "unit", unit=rows[0]["lead_code"]),
        "auditor": officer(database, log, "auditor", "auditor"),
    }
    arm(database, rows)
    hand_out(database, log, rows)
    retire(database, people["gone"].actor.id)
    return World(database, batches, rows, people)


def arm(database: Database, rows: list[Row]) -> None:
    """Open checkpoints of many kinds and dates, straight in the table."""
    kinds = ("reward_due", "progress_call", "one_year_grace_ends", "package_due", "city_cutoff", "payment_due")
    opened = [
        opened_row(row, kind, number, day)
        for row in rows
        for number, (kind, day) in enumerate(itertools.product(kinds, DAYS), 100)
        if (number + int(row["code"][-1])) % 3 == 0
    ]
    with database.transaction() as tx:
        sets.insert_many(tx, checkpoint, opened)


def opened_row(row: Row, kind: str, number: int, due_on: date) -> Row:
    return {
        "id": audit.new_id(OPENED),
        "project_id": row["id"],
        "batch_id": row["batch_id"],
        "kind": kind,
        "number": number,
        "version": 1,
        "due_on": due_on,
        "computed_on": due_on,
        "due_at": end_of_day(due_on),
        "zone": "Asia/Shanghai",
        "calendar": "cn-state-council/2026",
        "provisional": number % 5 == 0,
        "status": "open",
        "reason": "test",
        "opened_at": OPENED,
        "next_at": None,
        "replaces": None,
        "ended_at": None,
    }


def hand_out(database: Database, log: Log, rows: list[Row]) -> None:
    """Add deadlines by hand and put people in charge, as officers do."""
    head, city = caller("division_head"), caller("city", city=JINAN)
    with database.transaction() as tx:
        for number, row in enumerate(rows):
            for to in (["handler"], ["applicant"], ["city", "leader"], ["division_head"])[: number % 4 + 1]:
                due_on = date(2024, 7, 10) + timedelta(days=4 * number)
                add_deadline(tx, log, HANDLER, row["id"], f"第{number}项", due_on, to)
    with database.transaction() as tx:
        for row, login in zip(rows, ("wang", "li", "gone", "wang"), strict=False):
            assign(tx, log, head, row["id"], "handler", login)
        assign(tx, log, city, rows[1]["id"], "city", "lu")
        assign(tx, log, head, rows[2]["id"], "division_head", "sun")


def listed(world: World, who: Caller, today: date = TODAY, *arguments: Any, **filters: Any) -> Page:
    with world.database.reading() as tx:
        return list_checkpoints(tx, who, Filters(**filters), today, *arguments)


def whole(world: World, who: Caller, today: date = TODAY, limit: int = 200, **filters: Any) -> list[dict[str, Any]]:
    """Return all pages together."""
    found, after = [], None
    while True:
        page = listed(world, who, today, after, limit, **filters)
        found += page.items
        after = page.next
        if after is None:
            return found


def test_a_checkpoint_in_a_list_says_what_is_due_of_which_project_and_who_sees_to_it(world: World) -> None:
    (item,) = whole(world, HANDLER, project=world.rows[0]["id"], kind="by_hand")
    row, wang = world.rows[0], world.people["wang"].actor.id
    assert item == {
        "id": item["id"],
        "project_id": row["id"],
        "batch_id": row["batch_id"],
        "code": "sd-gongfu-2024-2-00001",
        "title": "产线数字化1",
        "city": JINAN,
        "lead_name": "服务商1",
        "lead_code": row["lead_code"],
        "state": "draft",
        "state_label": {"zh": "填报中", "en": "draft"},
        "kind": "by_hand",
        "number": 1,
        "label": {"zh": "第0项", "en": "第0项"},
        "due_on": "2024-07-10",
        "computed_on": "2024-07-10",
        "provisional": False,
        "light": "red",
        "days_left": -10,
        "to": ["handler"],
        "responsible": {"handler": {"id": wang, "name": "wang某"}},
    }
    cutoff = whole(world, HANDLER, project=row["id"], kind="city_cutoff", light="yellow")[0]
    assert (cutoff["label"]["zh"], cutoff["to"]) == ("市级申报截止", ["applicant", "city"])


def test_each_light_is_the_projects_own_policys(world: World) -> None:
    for today in (TODAY, TODAY + timedelta(days=9), date(2024, 1, 1), date(2030, 1, 1)):
        everything = whole(world, HANDLER, today)
        near = {world.batches[0]["id"]: 15, world.batches[1]["id"]: 40}
        for item in everything:
            days = item["days_left"]
            assert item["light"] == ("red" if days < 0 else "yellow" if days <= near[item["batch_id"]] else "green")
        for light in ("red", "yellow", "green"):
            assert whole(world, HANDLER, today, light=light) == [one for one in everything if one["light"] == light]


def test_filters_narrow_a_list_together(world: World) -> None:
    everything = whole(world, HANDLER)
    assert len(everything) > 200
    ask: list[tuple[str, list[Any], str]] = [
        ("batch", [world.batches[1]["id"], str(world.rows[0]["id"])], "batch_id"),
        ("project", [world.rows[3]["id"], str(world.batches[0]["id"])], "project_id"),
        ("kind", ["by_hand", "package_due", "no_such_kind"], "kind"),
        ("city", [JINAN, QINGDAO, "999999"], "city"),
        ("state", ["draft", "applied"], "state"),
        ("provisional", [True, False], "provisional"),
        ("light", ["yellow"], "light"),
    ]
    for (one, ones, first), (other, others, second) in itertools.combinations(ask, 2):
        for value, another in itertools.product(ones, others):
            found = whole(world, HANDLER, **{one: value, other: another})
            assert found == [item for item in everything if (item[first], item[second]) == (value, another)]
    assert [item["due_on"] for item in everything] == sorted(item["due_on"] for item in everything)


def test_mine_is_what_i_would_be_told_of_or_have_had_raised_to_me(world: World) -> None:
    """Hold the list against `audience`, which says whom reminders reach."""
    everything = whole(world, HANDLER)
    people = [
        Someone(one.actor.id, one.actor.role, one.actor.city, one.actor.unit)
        for name, one in world.people.items()
        if name != "gone"
    ]
    with world.database.reading() as tx:
        rows = {row["id"]: (row, rules_of_row(tx, row)) for row in tx.fetch(RULES)}
    told: dict[str, list[str]] = {person.id: [] for person in people}
    for item in everything:
        row, rules = rows[item["project_id"]]
        series = rules.reminders.series_for(item["kind"], rules.policy)
        raised = [role for step in series.escalation or () if item["days_left"] <= -step.after_days for role in step.to]
        reach = Reach(row["city"], row["lead_code"], row["responsible"])
        for person, _ in {*audience(item["to"], reach, people), *audience(raised, reach, people)}:
            told[person] += [] if item["id"] in told[person] else [item["id"]]
    for name, who in world.people.items():
        if name != "gone":
            found = [item["id"] for item in whole(world, who, mine=True)]
            assert (name, found) == (name, told[who.actor.id])
    counts = {name: len(told[who.actor.id]) for name, who in world.people.items() if name != "gone"}
    assert [name for name, number in counts.items() if not number] == ["auditor"]
    assert counts["wang"] != counts["li"]
    yellow = whole(world, world.people["wang"], mine=True, light="yellow", batch=world.batches[0]["id"])
    mine = whole(world, world.people["wang"], mine=True)
    assert yellow == [item for item in mine if (item["light"], item["batch_id"]) == ("yellow", world.batches[0]["id"])]


def test_a_plan_that_says_otherwise_says_otherwise_whose_they_are(database: Database, log: Log) -> None:
    batch = open_batch(database, log)
    row = create_projects(database, log, batch, 1)[0]
    due, cutoff = 'package_due = { to = ["city"]', 'city_cutoff = { to = ["applicant", "city"], '
    raised = '[{ after_days = 2, to = ["city"] }, { after_days = 5, to = ["leader"] }]'
    text = PLAN_TEXT.replace(due, 'package_due = { to = ["province"]').replace(
        f"{cutoff}before_working_days = [7, 3, 1], overdue = false, escalation = [] }}",
        f'city_cutoff = {{ to = ["applicant"], escalation = {raised} }}',
    )
    pin_plan(database, batch, text)
    arm(database, [row])
    small = World(database, [batch], [row], {})

    def mine(who: Caller) -> set[str]:
        return {f"{item['kind']} {item['days_left']}" for item in whole(small, who, mine=True)}

    package, rewards = kinds_listed(small, "package_due"), kinds_listed(small, "reward_due")
    cutoffs = {name: int(name.split()[1]) for name in kinds_listed(small, "city_cutoff")}
    handler, leader = mine(HANDLER), mine(caller("leader"))
    assert package <= handler and rewards <= handler and not handler & set(cutoffs)
    assert package <= leader and {name for name in leader if name in cutoffs} == {
        name for name, days in cutoffs.items() if days <= -5
    }
    city = mine(caller("city", city=JINAN))
    assert (city & package, city & set(cutoffs)) == (set(), {name for name, days in cutoffs.items() if days <= -2})


def kinds_listed(world: World, kind: str) -> set[str]:
    return {f"{item['kind']} {item['days_left']}" for item in whole(world, HANDLER, kind=kind)}


def test_everybody_sees_the_checkpoints_within_reach_and_none_added_for_others(world: World) -> None:
    everything = whole(world, HANDLER)
    seen = {name: whole(world, who) for name, who in world.people.items()}
    for name in ("wang", "sun", "qian", "auditor"):
        assert seen[name] == everything
    shown = {"lu": {"city", "applicant"}, "qi": {"city", "applicant"}, "unit": {"applicant"}}
    reach = {"lu": ("city", JINAN), "qi": ("city", QINGDAO), "unit": ("lead_code", world.rows[0]["lead_code"])}
    for name, (column, value) in reach.items():
        assert seen[name] == [
            item
            for item in everything
            if item[column] == value and (item["kind"] != "by_hand" or shown[name] & set(item["to"]))
        ]
    assert whole(world, caller("city", city="370300")) == whole(world, caller("expert")) == []
    assert whole(world, caller("applicant", unit="91370100MA99999999")) == []


def test_lights_are_counted_by_city_as_the_lists_have_them(world: World) -> None:
    for who in (*world.people.values(), caller("expert")):
        for batch in (None, *(row["id"] for row in world.batches)):
            with world.database.reading() as tx:
                counted = count_lights(tx, who, batch, TODAY)
            expected: dict[str, dict[str, int]] = {}
            for item in whole(world, who, batch=batch):
                colours = expected.setdefault(item["city"], {"green": 0, "yellow": 0, "red": 0})
                colours[item["light"]] += 1
            assert counted == expected


def test_pages_of_any_length_give_every_checkpoint_once_in_order(world: World) -> None:
    everything = whole(world, HANDLER)
    for limit in (1, 7, 50, 199):
        assert whole(world, HANDLER, limit=limit) == everything
    assert whole(world, world.people["lu"], limit=7, mine=True) == whole(world, world.people["lu"], mine=True)


def test_what_stays_is_on_exactly_one_page_while_rows_come_and_go(database: Database, log: Log) -> None:
    dice = random.Random(20240720)
    batch = open_batch(database, log)
    rows = create_projects(database, log, batch, 3)
    arm(database, rows)
    small = World(database, [batch], rows, {})
    before = {item["id"] for item in whole(small, HANDLER)}
    seen: list[str] = []
    after: str | None = None
    while True:
        page = listed(small, HANDLER, TODAY, after, 5)
        seen += [item["id"] for item in page.items]
        after = page.next
        if after is None:
            break
        with database.transaction() as tx:
            new = opened_row(dice.choice(rows), "reward_due", 500 + len(seen), dice.choice(DAYS))
            sets.insert_many(tx, checkpoint, [new])
            ended = {"id": dice.choice(sorted(before)), "status": "closed", "ended_at": OPENED}
            sets.update_many(tx, checkpoint, ["id"], [ended])
    still = {item["id"] for item in whole(small, HANDLER)} & before
    counts = Counter(seen)
    assert max(counts.values()) == 1
    assert still <= set(seen)


def test_five_thousand_checkpoints_take_the_same_few_statements(database: Database, log: Log) -> None:
    batch = open_batch(database, log)
    rows = create_projects(database, log, batch, 20)
    wang = officer(database, log, "handler", "wang")
    with database.transaction() as tx:
        assign(tx, log, caller("division_head"), rows[0]["id"], "handler", "wang")
    sent = []
    for already, many in ((0, 5), (5, 245)):
        with database.transaction() as tx:
            numbers = range(1000 + already, 1000 + already + many)
            due = [
                opened_row(row, "reward_due", n, TODAY + timedelta(days=n % 90 - 30)) for row in rows for n in numbers
            ]
            sets.insert_many(tx, checkpoint, due)
        counts(database, wang, batch)  # versions of rules are read once a process
        sent.append(counts(database, wang, batch))
    assert sent[0] == sent[1] == {"plain": 2, "light": 3, "mine": 4, "both": 4, "counted": 2}
    with database.reading() as tx:
        assert sum(count_lights(tx, HANDLER, batch["id"], TODAY)[JINAN].values()) == 5020


def counts(database: Database, who: Caller, batch: Row) -> dict[str, int]:
    """Return how many statements a page of each kind sends."""
    asked = {
        "plain": Filters(batch=batch["id"]),
        "light": Filters(light="yellow"),
        "mine": Filters(mine=True),
        "both": Filters(light="red", mine=True, city=JINAN),
    }
    found = {}
    for name, filters in asked.items():
        with database.reading() as tx:
            counted = Counted(tx.driver, tx.dialect, tx.wire)
            assert list_checkpoints(counted, who, filters, TODAY, None, 200).items
            found[name] = counted.sent
    with database.reading() as tx:
        counted = Counted(tx.driver, tx.dialect, tx.wire)
        count_lights(counted, who, batch["id"], TODAY)
    return {**found, "counted": counted.sent}


def test_a_project_at_its_end_and_a_deadline_that_ended_drop_out(database: Database, log: Log) -> None:
    batch = open_batch(database, log)
    rows = create_projects(database, log, batch, 2)
    with database.transaction() as tx:
        for row in rows:
            add_deadline(tx, log, HANDLER, row["id"], "补材料", date(2024, 9, 1), ["applicant"])
    small = World(database, [batch], rows, {})
    assert Counter(item["project_id"] for item in whole(small, HANDLER)) == {rows[0]["id"]: 2, rows[1]["id"]: 2}
    drive(database, log, rows[0]["id"], "withdrawn")
    later = replace(HANDLER, now=at(date(2024, 7, 23)))
    with database.transaction() as tx:
        end_deadline(tx, log, later, rows[1]["id"], 1, "done")
    assert [(item["project_id"], item["kind"]) for item in whole(small, HANDLER)] == [(rows[1]["id"], "city_cutoff")]
    act(database, log, rows[1]["id"], "submit")
    assert [item["kind"] for item in whole(small, caller_for("applicant", rows[1], OPENED))] == [
        "city_cutoff",
        "package_due",
    ]
    assert [drift_of(database, row) for row in rows] == [[], []]


def test_what_cannot_be_asked_is_unreadable(world: World) -> None:
    wrong: list[dict[str, Any]] = [
        {"batch": "sd-gongfu-2024-2"},
        {"project": "x"},
        {"light": "blue"},
        {"kind": "x" * 65},
        {"city": "\x00"},
        {"state": 7},
        {"provisional": "yes"},
        {"mine": "yes"},
    ]
    for filters in wrong:
        with pytest.raises(Unreadable):
            listed(world, HANDLER, **filters)
    cursor = listed(world, HANDLER, TODAY, None, 1).next
    for after, limit in (("nonsense", 5), ("", 5), (f"{cursor}x", 5), (cursor, 0), (cursor, 201)):
        with pytest.raises(Unreadable):
            listed(world, HANDLER, TODAY, after, limit)
    with pytest.raises(Unreadable), world.database.reading() as tx:
        count_lights(tx, HANDLER, "x", TODAY)
