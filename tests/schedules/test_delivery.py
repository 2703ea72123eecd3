"""Delivery: when a message leaves, what is asked again before it does, and what becomes of it."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle import messages
from lifecycle.audit import Log
from lifecycle.canonical import parse_canonical
from lifecycle.database import Database
from lifecycle.errors import Conflict, Forbidden, NotFound
from lifecycle.statements import Row
from schedules.delivery import ATTEMPTS, LEASE, Delivered, backoff, compose, deliver
from schedules.letters import claim_letters
from schedules.parcels import Parcel, Result
from schedules.reminders import queue_due
from tests.lifecycle import builders
from tests.lifecycle.builders import act, drive
from tests.schedules.arranging import (
    PLAN_TEXT,
    World,
    add_address,
    add_person,
    days,
    end_address,
    enter_project,
    local,
    open_world,
    put_in_charge,
    set_plan,
    shown,
)
from tests.schedules.test_sweep import announce, break_plan, mend_plan

NINE = local("2024-07-01")
ORIGIN = "test.invalid/log"


@pytest.fixture
def world(database: Database, log: Log) -> World:
    """Jinan's bureau has a mail address, and one project that opened at nine on Monday, 1 July 2024."""
    made = open_world(database, log)
    add_address(made, "jinan")
    enter_project(made)
    return made


def fates(world: World) -> list[tuple[str, str, str | None]]:
    """Return (occasion, status, reason) of what was to leave the house."""
    return [(row["occasion"], row["status"], row["reason"]) for row in world.notices() if row["channel"] != "inbox"]


def missing(parcel: Parcel, *words: str) -> list[str]:
    """Return those of the words that a message does not say."""
    return [word for word in words if word not in parcel.text]


def sweep(world: World, now: datetime) -> None:
    with world.database.transaction() as tx:
        queue_due(tx, now)


def compose_all(world: World, now: datetime) -> int:
    with world.database.transaction() as tx:
        return compose(tx, now)


def deliver_at(world: World, now: datetime, **options: object) -> Delivered:
    return deliver(world.database, world.post, lambda: now, origin=ORIGIN, **options)  # type: ignore[arg-type]


def waiting(world: World, now: datetime = NINE) -> Row:
    """Sweep and compose, and return the one message that then waits."""
    sweep(world, now)
    compose_all(world, now)
    (message,) = [row for row in world.messages() if row["status"] == "waiting"]
    return message


def test_a_message_leaves_once_with_its_words_and_its_id(world: World) -> None:
    for _ in range(3):
        world.tick(NINE)
    (message,) = world.messages()
    (parcel,) = world.post.parcels
    assert (parcel.id, parcel.target, parcel.channel) == (message["id"], "jinan@example.invalid", "email")
    assert missing(parcel, "某jinan", "产线数字化1", "市级申报截止", "2024-07-31", message["id"]) == []
    assert (message["status"], message["attempts"], message["settled_at"]) == ("sent", 1, NINE)
    assert fates(world) == [("opened", "sent", None)]
    assert world.tick(NINE).delivered == Delivered()


def test_nothing_leaves_while_the_house_is_closed(world: World) -> None:
    act(world.database, world.log, world.checkpoints()[0]["project_id"], "submit", on=date(2024, 7, 5))
    sweep(world, local("2024-07-05", 9, 0))
    for at in (local("2024-07-05", 18), local("2024-07-05", 23), local("2024-07-06", 10), local("2024-07-08", 8, 29)):
        world.tick(at)
    assert world.post.parcels == []
    assert {shown(row["next_at"]) for row in world.messages()} == {"2024-07-08 08:30"}
    assert {row["attempts"] for row in world.messages()} == {0}
    world.tick(local("2024-07-08", 8, 30))
    assert {row["status"] for row in world.messages()} == {"sent"}


def test_a_message_claimed_when_the_house_is_closed_is_given_back_as_if_unclaimed(world: World) -> None:
    waiting(world)
    assert deliver_at(world, local("2024-07-01", 19)) == Delivered(held=1)
    (message,) = world.messages()
    assert (message["status"], message["attempts"], shown(message["next_at"])) == ("waiting", 0, "2024-07-02 08:30")


@pytest.mark.parametrize(("projects", "sent"), [(5, 5), (6, 1)])
def test_more_than_the_plans_number_at_once_become_one_message(world: World, projects: int, sent: int) -> None:
    builders.create_projects(world.database, world.log, world.batch, projects - 1, first=50)
    world.tick(NINE)
    assert len(world.post.parcels) == sent
    assert len(fates(world)) == projects
    if sent == 1:
        (parcel,) = world.post.parcels
        assert (parcel.data["type"], len(parcel.data["data"]["items"])) == ("reminder.digest", 6)
        assert {row["message_id"] for row in world.notices() if row["channel"] == "email"} == {parcel.id}


def test_however_few_are_looked_through_nobody_gets_a_storm(world: World) -> None:
    add_person(world, "city", "bureau", city="370100")
    add_address(world, "bureau")
    builders.create_projects(world.database, world.log, world.batch, 9, first=50)
    sweep(world, NINE)
    looked_at = []
    for _ in range(3):
        with world.database.transaction() as tx:
            looked_at.append(compose(tx, NINE, 1))
    assert sorted(looked_at) == [0, 10, 10]
    assert len(world.messages()) == 2


def test_the_quiet_choice_gives_one_message_a_working_day(database: Database, log: Log) -> None:
    world = open_world(database, log)
    add_address(world, "jinan", digest=True)
    builders.create_projects(database, log, world.batch, 3)
    for minute in (0, 29):
        world.tick(local("2024-07-01", 9, minute))
    assert world.post.parcels == []
    builders.create_projects(database, log, world.batch, 1, first=8, now=local("2024-07-01", 9, 30))
    world.tick(local("2024-07-01", 9, 30))
    builders.create_projects(database, log, world.batch, 1, first=9, now=local("2024-07-05", 9, 31))
    world.tick(local("2024-07-05", 9, 31))
    world.tick(local("2024-07-06", 9, 30))
    assert [len(parcel.data["data"]["items"]) for parcel in world.post.parcels] == [4]
    world.tick(local("2024-07-08", 9, 30))
    assert [len(parcel.data["data"]["items"]) for parcel in world.post.parcels] == [4, 1]


CLOSED = local("2024-07-05", 19)  # a Friday evening: what is swept now waits for Monday


def waits_over_the_weekend(world: World) -> Row:
    """Enter another project on Friday evening and have it swept; its mail waits."""
    world.tick(NINE)
    (row,) = builders.create_projects(world.database, world.log, world.batch, 1, first=7, now=CLOSED)
    sweep(world, CLOSED)
    return row


def change(what: str, world: World, row: Row) -> None:
    """Let something happen to a waiting notice."""
    if what == "ended":
        act(world.database, world.log, row["id"], "withdraw", on=date(2024, 7, 7), role="handler")
    elif what == "not_recipient":
        add_person(world, "city", "other", city="370100")
        put_in_charge(world, row["id"], city="other")
    elif what == "no_address":
        end_address(world, world.addresses()[0]["id"], CLOSED)
    elif what == "superseded":
        with world.database.transaction() as tx:
            tx.execute_driver(f"UPDATE checkpoint SET status = 'superseded' WHERE project_id = '{row['id']}'")
    elif what == "gone":
        with world.database.transaction() as tx:
            false = "false" if tx.is_postgres else "0"
            tx.execute_driver(f"UPDATE person SET active = {false} WHERE id = '{world.people['jinan']}'")


@pytest.mark.parametrize("composed", [False, True])
@pytest.mark.parametrize("what", ["ended", "superseded", "not_recipient", "no_address", "gone"])
def test_what_should_no_longer_leave_is_cancelled_with_the_reason(world: World, what: str, composed: bool) -> None:
    row = waits_over_the_weekend(world)
    monday = local("2024-07-08")
    if composed:
        compose_all(world, monday)
    change(what, world, row)
    world.tick(monday)
    reason = "not_recipient" if what == "gone" else what
    assert fates(world) == [("opened", "sent", None), ("opened", "cancelled", reason)]
    assert len(world.post.parcels) == 1
    assert {message["status"] for message in world.messages()[1:]} == ({"cancelled"} if composed else set())


@pytest.mark.parametrize("composed", [False, True])
def test_a_newer_reminder_takes_the_place_of_one_that_still_waits(world: World, composed: bool) -> None:
    sweep(world, NINE)
    if composed:
        compose_all(world, NINE)
    sweep(world, local("2024-07-22"))
    world.tick(local("2024-07-22"))
    assert fates(world) == [("opened", "skipped", "overtaken"), ("w-7", "sent", None)]
    assert len(world.post.parcels) == 1


def test_of_a_digest_only_what_still_holds_is_told(database: Database, log: Log) -> None:
    world = open_world(database, log)
    add_address(world, "jinan", digest=True)
    first, *_ = builders.create_projects(database, log, world.batch, 3)
    at = local("2024-07-01", 9, 30)
    waiting(world, at)
    act(database, log, first["id"], "withdraw", on=date(2024, 7, 1), role="handler")
    assert deliver_at(world, at) == Delivered(sent=1)
    (parcel,) = world.post.parcels
    assert len(parcel.data["data"]["items"]) == 2
    assert sorted(fates(world)) == [("opened", "cancelled", "ended"), *[("opened", "sent", None)] * 2]


def raising(parcel: Parcel) -> Result:
    if parcel.target.startswith("jinan@"):
        raise ConnectionError(f"cannot reach {parcel.target} at https://robot.invalid/send?key=s3cret\0")
    return Result("sent")


def test_an_address_whose_sender_raises_stops_nobody_else(world: World) -> None:
    add_person(world, "city", "bureau", city="370100")
    add_address(world, "bureau")
    world.post.answer = raising
    assert world.tick(NINE).delivered == Delivered(sent=1, later=1)
    (bad,) = [row for row in world.messages() if row["status"] == "waiting"]
    assert bad["tries"] == [
        {
            "fence": 1,
            "at": "2024-07-01T01:00:00.000000Z",
            "result": "later",
            "error": "ConnectionError: cannot reach … at https://robot.invalid/send?…",
        }
    ]
    assert sorted((row["failures"], row["last_error"]) for row in world.addresses() if row["failures"]) == [
        (1, "ConnectionError: cannot reach … at https://robot.invalid/send?…")
    ]
    assert bad["next_at"] == NINE + backoff(bad["id"], 1)


@given(message=st.uuids(), attempts=st.integers(1, 40))
def test_the_wait_doubles_up_to_six_hours_give_or_take_a_fifth(message: object, attempts: int) -> None:
    plain = min(30 * 2 ** (attempts - 1), 6 * 3600)
    assert 0.8 * plain <= backoff(str(message), attempts).total_seconds() <= 1.2 * plain
    assert backoff(str(message), attempts) == backoff(str(message), attempts)


def tries(world: World) -> Iterator[Row]:
    """Deliver whenever the message is due, until it is settled, and yield its row after each try."""
    now = NINE
    while (message := world.messages()[0])["status"] == "waiting":
        now = max(now, message["next_at"])
        deliver_at(world, now)
        yield world.messages()[0]


def test_what_never_comes_through_is_a_dead_letter_after_eight_attempts(world: World) -> None:
    world.post.answer = lambda parcel: Result("later", "451 try again")
    waiting(world)
    *_, last = tries(world)
    assert (last["status"], last["attempts"], len(last["tries"])) == ("dead", ATTEMPTS, ATTEMPTS)
    assert world.post.ids == {last["id"]: ATTEMPTS}
    assert fates(world) == [("opened", "failed", "exhausted")]
    (address,) = world.addresses()
    assert (address["failures"], address["last_error"]) == (ATTEMPTS, "451 try again")


def test_a_refusal_for_good_is_not_tried_again(world: World) -> None:
    world.post.answer = lambda parcel: Result("never", "550 no such mailbox")
    assert world.tick(NINE).delivered == Delivered(dead=1)
    assert fates(world) == [("opened", "failed", "refused")]
    assert world.tick(local("2024-07-02")).delivered == Delivered()


def test_a_success_ends_the_count_of_failures(world: World) -> None:
    answers = iter([Result("later", "busy"), Result("sent")])
    world.post.answer = lambda parcel: next(answers)
    waiting(world)
    results = [[entry["result"] for entry in row["tries"]] for row in tries(world)]
    assert results == [["later"], ["later", "sent"]]
    (address,) = world.addresses()
    assert (address["failures"], address["last_error"]) == (0, None)


def test_another_try_waits_for_the_house_to_open(world: World) -> None:
    world.post.answer = lambda parcel: Result("later", "busy")
    late = local("2024-07-01", 17, 59) + timedelta(seconds=50)
    waiting(world, late)
    deliver_at(world, late)
    assert shown(world.messages()[0]["next_at"]) == "2024-07-02 08:30"


def test_a_dead_letter_can_be_sent_again_to_the_address_of_today(world: World) -> None:
    world.post.answer = lambda parcel: Result("never", "550") if parcel.target.startswith("jinan@") else Result("sent")
    world.tick(NINE)
    end_address(world, world.addresses()[0]["id"], NINE)
    add_address(world, "jinan", target="new@example.invalid")
    (dead,) = world.messages()
    later = local("2024-07-01", 11)
    with world.database.transaction() as tx:
        messages.requeue(tx, world.log, builders.caller("handler", later), dead["id"])
    assert fates(world) == [("opened", "waiting", None)]
    assert world.tick(later).delivered == Delivered(sent=1)
    (message,) = world.messages()
    assert [parcel.target for parcel in world.post.parcels] == ["jinan@example.invalid", "new@example.invalid"]
    assert len(world.post.ids) == 1
    assert [entry["result"] for entry in message["tries"]] == ["dead", "requeued", "sent"]
    assert (message["attempts"], fates(world)) == (1, [("opened", "sent", None)])
    (entry,) = builders.read_entries(world.database, "system/delivery")
    body = parse_canonical(entry["body"])
    assert (entry["type"], body["subject"]["id"]) == ("message.requeued", dead["id"])


def test_only_a_dead_letter_is_sent_again_and_only_by_those_who_may(world: World) -> None:
    world.tick(NINE)
    (message,) = world.messages()
    refusals = [
        (builders.caller("city", NINE, city="370100"), message["id"], Forbidden),
        (builders.caller("handler", NINE), "00000000-0000-0000-0000-000000000000", NotFound),
        (builders.caller("system_admin", NINE), "nonsense", NotFound),
        (builders.caller("handler", NINE), message["id"], Conflict),
    ]
    for caller, wanted, refusal in refusals:
        with pytest.raises(refusal), world.database.transaction() as tx:
            messages.requeue(tx, world.log, caller, wanted)
    assert world.messages() == [message]
    assert builders.read_entries(world.database, "system/delivery") == []


def test_a_message_whose_sender_died_is_taken_over_and_the_try_is_told_as_lost(world: World) -> None:
    waiting(world)
    with world.database.transaction() as tx:
        claim_letters(tx, NINE, NINE + LEASE, 20)  # and never heard of again
    assert deliver_at(world, NINE + LEASE - timedelta(seconds=1)) == Delivered()
    assert deliver_at(world, NINE + LEASE) == Delivered(sent=1)
    (message,) = world.messages()
    assert [(entry["fence"], entry["result"]) for entry in message["tries"]] == [(None, "lost"), (2, "sent")]


def test_whoever_lost_the_lease_settles_nothing(world: World) -> None:
    waiting(world)
    other: list[Delivered] = []

    def slow(parcel: Parcel) -> Result:
        if not other:  # while the first is sending, its lease runs out and another takes over
            other.append(Delivered())
            other.append(deliver_at(world, NINE + LEASE))
            return Result("never", "550 too late")
        return Result("sent")

    world.post.answer = slow
    assert deliver_at(world, NINE) == Delivered(lost=1)
    assert other[1] == Delivered(sent=1)
    (message,) = world.messages()
    assert (message["status"], message["fence"]) == ("sent", 2)
    assert world.post.ids == {message["id"]: 2}
    assert fates(world) == [("opened", "sent", None)]
    assert [row["failures"] for row in world.addresses()] == [0]


def test_a_message_that_takes_its_sender_down_each_time_is_not_tried_for_ever(world: World) -> None:
    waiting(world)
    now = NINE
    for _ in range(ATTEMPTS):
        with world.database.transaction() as tx:
            letters, _ = claim_letters(tx, now, now + LEASE, 20)
        assert len(letters) == 1
        now += LEASE
    assert deliver_at(world, now) == Delivered(dead=1)
    assert world.post.parcels == []
    assert fates(world) == [("opened", "failed", "exhausted")]


def test_what_is_not_begun_within_half_of_the_lease_is_given_back(world: World) -> None:
    builders.create_projects(world.database, world.log, world.batch, 3, first=50)
    sweep(world, NINE)
    compose_all(world, NINE)
    clock = [NINE]

    def slow(parcel: Parcel) -> Result:
        clock[0] += timedelta(minutes=2)
        return Result("sent")

    world.post.answer = slow
    done = deliver(world.database, world.post, lambda: clock[0], origin=ORIGIN)
    assert done == Delivered(sent=2, held=2)
    assert sorted((row["status"], row["attempts"]) for row in world.messages()) == [
        *[("sent", 1)] * 2,
        *[("waiting", 0)] * 2,
    ]


def test_a_sender_that_has_to_stop_gives_back_what_it_has_not_begun(world: World) -> None:
    builders.create_projects(world.database, world.log, world.batch, 3, first=50)
    sweep(world, NINE)
    compose_all(world, NINE)
    done = deliver_at(world, NINE, stopping=lambda: len(world.post.parcels) > 0)
    assert done == Delivered(sent=1, held=3)
    assert deliver_at(world, NINE) == Delivered(sent=3)


def test_no_more_are_claimed_than_asked_for(world: World) -> None:
    builders.create_projects(world.database, world.log, world.batch, 4, first=50)
    sweep(world, NINE)
    compose_all(world, NINE)
    assert [deliver_at(world, NINE, limit=2).sent for _ in range(4)] == [2, 2, 1, 0]


def test_what_waited_past_the_day_speaks_of_the_day_it_is(world: World) -> None:
    sweep(world, local("2024-07-30"))
    compose_all(world, local("2024-07-30"))
    deliver_at(world, local("2024-08-02"))
    (parcel,) = world.post.parcels
    (item,) = parcel.data["data"]["items"]
    assert (item["kind"], item["occasion"], item["overdue_days"]) == ("late", "w-1", "2")
    assert [row["kind"] for row in world.notices() if row["channel"] == "email" and row["status"] == "sent"] == [
        "before"
    ]


def test_words_say_who_chases_and_why(world: World) -> None:
    world.tick(NINE)
    row = builders.read_project(world.database, world.checkpoints()[0]["project_id"])
    announce(world, row, "chase", NINE, checkpoint=world.checkpoints()[0]["id"], note="请抓紧")
    world.tick(NINE)
    assert missing(world.post.parcels[-1], "handler", "催办", "产线数字化1", "市级申报截止", "请抓紧") == []


def test_a_moved_date_is_told_with_the_old_one(database: Database, log: Log) -> None:
    world = open_world(database, log)
    add_address(world, "jinan")
    row = enter_project(world)
    drive(database, log, row["id"], "published")
    world.tick(local("2024-08-31", 12))
    world.walk(days("2024-09-02", "2024-09-02"))
    set_plan(world, PLAN_TEXT.replace("messages_at_once = 5", "messages_at_once = 50"))
    act(database, log, row["id"], "extend", on=date(2024, 11, 11))
    told_before = len(world.post.parcels)
    world.tick(local("2024-11-11", 9, 5))
    ends = [check["due_on"].isoformat() for check in world.checkpoints() if check["kind"] == "half_year_ends"]
    said = [parcel for parcel in world.post.parcels[told_before:] if missing(parcel, "半年期验收申请截止") == []]
    assert [parcel.data["type"] for parcel in said] == ["reminder.moved"]
    assert (len(ends), missing(said[0], *ends)) == (2, [])


def test_notices_whose_plan_cannot_be_read_wait_an_hour(world: World) -> None:
    sweep(world, NINE)
    break_plan(world)
    assert compose_all(world, NINE) == 1
    assert compose_all(world, NINE) == 0
    mend_plan(world)
    assert world.tick(local("2024-07-01", 10)).delivered == Delivered(sent=1)


def test_a_message_whose_plan_cannot_be_read_is_tried_later(world: World) -> None:
    waiting(world)
    break_plan(world)
    assert deliver_at(world, NINE) == Delivered(later=1)
    mend_plan(world)
    assert deliver_at(world, local("2024-07-01", 10)) == Delivered(sent=1)
