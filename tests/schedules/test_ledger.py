"""The ledger, the to-dos and the outbox: who sees what of them, page by page."""

from datetime import date

import pytest

from lifecycle import deadlines, notices, outbox
from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.database import Database
from lifecycle.errors import Forbidden, Unreadable
from lifecycle.notices import REASONS, Filters
from schedules.parcels import Result
from tests.lifecycle import builders
from tests.lifecycle.builders import JINAN, QINGDAO, act
from tests.schedules.arranging import (
    World,
    add_address,
    add_person,
    days,
    enter_project,
    local,
    open_world,
    put_in_charge,
)

NINE = local("2024-07-01")
ALL = Filters()


@pytest.fixture
def world(database: Database, log: Log) -> World:
    """A project of Jinan and one of Qingdao, each with its bureau and its applicant, all told of the opening."""
    made = open_world(database, log)
    add_person(made, "city", "qingdao", city=QINGDAO)
    add_address(made, "jinan")
    for number, city, login in ((1, JINAN, "a1"), (2, QINGDAO, "a2")):
        (row,) = builders.create_projects(database, log, made.batch, 1, city=city, first=number)
        add_person(made, "applicant", login, unit=row["lead_code"])
    made.tick(NINE)
    return made


def caller(world: World, login: str, role: str, **where: str) -> Caller:
    return builders.caller(role, NINE, person=world.people[login], **where)


def listed(world: World, who: Caller, filters: Filters = ALL, limit: int = 50) -> list[tuple[str, str, str]]:
    """Return (login, channel, occasion) of all pages."""
    found, after = [], None
    while True:
        with world.database.reading() as tx:
            page = notices.list_notices(tx, who, filters, after, limit)
        found += [(world.name(item["recipient"]["id"]), item["channel"], item["occasion"]) for item in page.items]
        after = page.next
        if after is None:
            return found


def test_everybody_sees_of_the_ledger_what_lies_within_reach(world: World) -> None:
    everything = [
        ("a1", "inbox", "opened"),
        ("a2", "inbox", "opened"),
        ("jinan", "email", "opened"),
        ("jinan", "inbox", "opened"),
        ("qingdao", "inbox", "opened"),
    ]
    unit = builders.credit_code(2)
    seen = {
        "handler": sorted(listed(world, caller(world, "handler", "handler"))),
        "auditor": sorted(listed(world, builders.caller("auditor", NINE))),
        "jinan": sorted(listed(world, caller(world, "jinan", "city", city=JINAN))),
        "a1": listed(world, caller(world, "a1", "applicant", unit=unit)),
        "stranger": listed(world, builders.caller("applicant", NINE, unit=unit)),
        "security": listed(world, builders.caller("security_admin", NINE)),
    }
    assert seen == {
        "handler": everything,
        "auditor": everything,
        "jinan": [everything[0], everything[2], everything[3]],
        "a1": [everything[0]],
        "stranger": [],
        "security": [],
    }


def test_the_ledger_is_narrowed_by_every_filter(world: World) -> None:
    officer = caller(world, "handler", "handler")
    (checkpoint,) = world.checkpoints(world.notices()[0]["project_id"])
    jinan = world.people["jinan"]
    counts = {
        "batch": len(listed(world, officer, Filters(batch=world.batch["id"]))),
        "project": len(listed(world, officer, Filters(project=checkpoint["project_id"]))),
        "checkpoint": len(listed(world, officer, Filters(checkpoint=checkpoint["id"], channel="inbox"))),
        "recipient": len(listed(world, officer, Filters(recipient=jinan))),
        "status": len(listed(world, officer, Filters(status="sent", channel="email"))),
        "none": len(listed(world, officer, Filters(status="failed"))),
        "mine": len(listed(world, caller(world, "jinan", "city", city=JINAN), Filters(mine=True))),
    }
    assert counts == {
        "batch": 5,
        "project": counts["project"],
        "checkpoint": 2,
        "recipient": 2,
        "status": 1,
        "none": 0,
        "mine": 2,
    }
    assert counts["project"] in (2, 3)
    wrong = [Filters(batch="x"), Filters(status="lost"), Filters(channel="pigeon"), Filters(recipient="a'b")]
    for filters in wrong:
        with pytest.raises(Unreadable), world.database.reading() as tx:
            notices.list_notices(tx, officer, filters)


@pytest.mark.parametrize("limit", [1, 2, 4])
def test_pages_of_any_length_give_the_whole_ledger_once(world: World, limit: int) -> None:
    world.walk(days("2024-07-22", "2024-07-31"))
    officer = caller(world, "handler", "handler")
    assert listed(world, officer, limit=limit) == listed(world, officer)
    with world.database.reading() as tx, pytest.raises(Unreadable):
        notices.list_notices(tx, officer, Filters(), "bm9uc2Vuc2U")


def test_an_item_says_why_and_what_became_of_it(database: Database, log: Log) -> None:
    world = open_world(database, log)
    add_address(world, "jinan")
    row = enter_project(world)
    world.post.answer = lambda parcel: Result("never", "550 no such mailbox")
    world.tick(NINE)
    with database.reading() as tx:
        page = notices.list_notices(tx, caller(world, "handler", "handler"), Filters(channel="email"))
    (item,) = page.items
    (message,) = world.messages()
    (checkpoint,) = world.checkpoints()
    assert item.pop("rule")["series"] == "city_cutoff"
    assert item.pop("id")
    stamp = "2024-07-01T01:00:00.000000Z"
    assert item == {
        "batch_id": world.batch["id"],
        "occasion": "opened",
        "kind": "opened",
        "late": False,
        "status": "failed",
        "reason": {"code": "refused", "zh": "对方拒收，未送达", "en": "the other side refused it for good"},
        "project": {"id": row["id"], "code": row["code"], "title": "产线数字化1"},
        "checkpoint": {
            "id": checkpoint["id"],
            "kind": "city_cutoff",
            "number": 1,
            "label": {"zh": "市级申报截止", "en": "city cut-off"},
            "due_on": "2024-07-31",
            "status": "open",
        },
        "planned_at": stamp,
        "send_at": stamp,
        "created_at": stamp,
        "settled_at": stamp,
        "read_at": None,
        "cause": f"checkpoint/{checkpoint['id']}",
        "version": 1,
        "recipient": {"id": world.people["jinan"], "name": "某jinan", "role": "city"},
        "channel": "email",
        "message": {
            "id": message["id"],
            "status": "dead",
            "attempts": 1,
            "tries": [{"fence": 1, "at": stamp, "result": "dead", "error": "550 no such mailbox"}],
        },
    }


def test_every_reason_has_a_sentence_in_both_languages() -> None:
    assert {code: bool(text.zh and text.en) for code, text in REASONS.items()} == dict.fromkeys(REASONS, True)
    assert notices.reason_of(None) is None


def to_dos(world: World, who: Caller) -> dict[str, list[tuple[str, str]]]:
    with world.database.reading() as tx:
        found = notices.to_dos(tx, who)
    return {part: [(item["checkpoint"]["kind"], item["occasion"]) for item in items] for part, items in found.items()}


def test_a_to_do_is_the_newest_notice_of_what_is_open_and_done_when_that_ends(world: World) -> None:
    jinan = caller(world, "jinan", "city", city=JINAN)
    assert to_dos(world, jinan) == {"open": [("city_cutoff", "opened")], "done": []}
    world.tick(local("2024-07-22"))
    assert to_dos(world, jinan) == {"open": [("city_cutoff", "w-7")], "done": []}
    project = next(row["project_id"] for row in world.notices() if row["recipient"] == world.people["a1"])
    act(world.database, world.log, project, "withdraw", on=date(2024, 7, 23), role="handler")
    assert to_dos(world, jinan) == {"open": [], "done": [("city_cutoff", "w-7")]}
    assert to_dos(world, caller(world, "handler", "handler")) == {"open": [], "done": []}


def test_what_was_handed_over_is_no_longer_ones_to_do(world: World) -> None:
    jinan = caller(world, "jinan", "city", city=JINAN)
    project = next(row["project_id"] for row in world.notices() if row["recipient"] == world.people["a1"])
    add_person(world, "city", "bureau", city=JINAN)
    put_in_charge(world, project, city="bureau")
    assert to_dos(world, jinan) == {"open": [], "done": []}
    put_in_charge(world, project, city="jinan")
    assert to_dos(world, jinan) == {"open": [("city_cutoff", "opened")], "done": []}


def test_people_mark_their_own_notices_as_read(world: World) -> None:
    a1 = caller(world, "a1", "applicant", unit=builders.credit_code(2))
    every = [row["id"] for row in world.notices()]
    with world.database.transaction() as tx:
        assert notices.mark_read(tx, a1, [*every, "nonsense"]) == 1
        assert notices.mark_read(tx, a1, every) == 0
    read = [(world.name(row["recipient"]), row["read_at"]) for row in world.notices() if row["read_at"]]
    assert read == [("a1", NINE)]


def test_the_title_of_a_deadline_of_the_provinces_own_stays_with_the_province(world: World) -> None:
    project = next(row["project_id"] for row in world.notices() if row["recipient"] == world.people["a1"])
    officer = builders.caller("handler", NINE)
    with world.database.transaction() as tx:
        deadlines.add_deadline(tx, world.log, officer, project, "内部核查", date(2024, 7, 12), ["handler"])
    world.tick(NINE)
    labels = []
    for who in (caller(world, "handler", "handler"), caller(world, "jinan", "city", city=JINAN)):
        with world.database.reading() as tx:
            items = notices.list_notices(tx, who, Filters(recipient=world.people["handler"])).items
        labels.append([item["checkpoint"]["label"]["zh"] for item in items])
    assert labels == [["内部核查"], ["增设期限"]]


def test_the_outbox_tells_each_message_with_its_tries_but_no_address(world: World) -> None:
    with world.database.reading() as tx:
        page = outbox.list_messages(tx, builders.caller("system_admin", NINE), outbox.Filters(status="sent"))
    (item,) = page.items
    (message,) = world.messages()
    stamp = "2024-07-01T01:00:00.000000Z"
    assert item == {
        "id": message["id"],
        "batch_id": world.batch["id"],
        "channel": "email",
        "status": "sent",
        "attempts": 1,
        "tries": [{"fence": 1, "at": stamp, "result": "sent", "error": None}],
        "notices": 1,
        "recipient": {"id": world.people["jinan"], "name": "某jinan"},
        "next_at": stamp,
        "created_at": stamp,
        "settled_at": stamp,
    }


def test_the_outbox_is_for_those_who_run_the_house_and_has_pages(world: World) -> None:
    builders.create_projects(world.database, world.log, world.batch, 4, first=30)
    world.tick(local("2024-07-01", 9, 1))
    officer = builders.caller("auditor", NINE)
    found: list[str] = []
    after = None
    while True:
        with world.database.reading() as tx:
            page = outbox.list_messages(tx, officer, outbox.Filters(batch=world.batch["id"]), after, 2)
        found += [item["id"] for item in page.items]
        after = page.next
        if after is None:
            break
    assert sorted(found) == [row["id"] for row in world.messages()]
    for role in ("city", "applicant", "leader", "security_admin"):
        who = builders.caller(role, NINE, city=JINAN, unit=builders.credit_code(2))
        with pytest.raises(Forbidden), world.database.reading() as tx:
            outbox.list_messages(tx, who, outbox.Filters())
    with pytest.raises(Unreadable), world.database.reading() as tx:
        outbox.list_messages(tx, officer, outbox.Filters(status="skipped"))


def test_how_many_messages_wait_and_since_when_can_be_told(database: Database, log: Log) -> None:
    world = open_world(database, log)
    add_address(world, "jinan")
    enter_project(world)
    world.tick(local("2024-07-01", 19))
    with database.reading() as tx:
        assert outbox.waiting_messages(tx) == {"waiting": {"number": 1, "next_at": local("2024-07-02", 8, 30)}}
