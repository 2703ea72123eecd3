"""Many processes at once: every notice made once, every message in one hand at a time."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from lifecycle.audit import Log
from lifecycle.database import Database
from schedules import runner
from schedules.delivery import LEASE, compose, deliver
from schedules.letters import claim_letters
from schedules.parcels import Parcel, Result
from schedules.reminders import queue_due
from tests.faults.test_races import at_once
from tests.lifecycle import builders
from tests.lifecycle.builders import act
from tests.schedules.arranging import World, add_address, add_person, local, open_world

NINE = local("2024-07-01")
PROJECTS, HANDS = 40, 6


@pytest.fixture
def world(database: Database, log: Log) -> World:
    """Forty projects opened at nine, two people told of each by mail, one message for each project."""
    made = open_world(database, log)
    add_person(made, "city", "bureau", city="370100")
    for login in ("jinan", "bureau"):
        add_address(made, login)
    builders.create_projects(database, log, made.batch, PROJECTS)
    return made


def until_none(world: World, step: Callable[..., int]) -> Callable[[], int]:
    def job() -> int:
        total = 0
        while True:
            with world.database.transaction() as tx:
                done = step(tx, NINE, 5)
            total += done
            if not done:
                return total

    return job


def test_sweeps_at_once_make_each_notice_once(world: World) -> None:
    taken = at_once([until_none(world, queue_due)] * HANDS)
    assert sum(count for count in taken if isinstance(count, int)) == PROJECTS
    channels = Counter((row["checkpoint_id"], row["recipient"], row["channel"]) for row in world.notices())
    assert (len(channels), set(channels.values())) == (PROJECTS * 2 * 2, {1})
    assert {row["next_at"] for row in world.checkpoints()} == {local("2024-07-22")}


def test_composing_at_once_puts_each_notice_into_one_message(world: World) -> None:
    until_none(world, queue_due)()
    at_once([until_none(world, compose)] * HANDS)
    until_none(world, compose)()  # what another held was passed over
    assert len(world.messages()) == 2  # more than five at once for one person are one message
    carried = Counter(row["message_id"] for row in world.notices() if row["channel"] == "email")
    assert carried == {row["id"]: PROJECTS for row in world.messages()}


def letters_of(world: World) -> None:
    """Queue and compose one message for each notice."""
    with world.database.transaction() as tx:
        queue_due(tx, NINE, 1000)
    for number, row in enumerate([row for row in world.notices() if row["channel"] == "email"]):
        with world.database.transaction() as tx:  # composed one by one, they are no storm
            mark = "%s" if tx.is_postgres else "?"
            tx.execute_driver(
                f"UPDATE notice SET send_at = {mark} WHERE id = '{row['id']}'",
                [stamp(tx.is_postgres, number - 1000)],
            )
    for number in range(2 * PROJECTS):
        with world.database.transaction() as tx:
            compose(tx, NINE + timedelta(seconds=number - 1000), 1)
    assert len(world.messages()) == 2 * PROJECTS


def stamp(is_postgres: bool, seconds: int) -> object:
    at = NINE + timedelta(seconds=seconds)
    return at if is_postgres else at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_no_message_is_in_two_hands_within_its_lease(world: World) -> None:
    letters_of(world)

    def job() -> list[str]:
        mine: list[str] = []
        for _ in range(100):
            with world.database.transaction() as tx:
                letters, _ = claim_letters(tx, NINE, NINE + LEASE, 3)
            if not letters:
                break
            mine += [letter.message["id"] for letter in letters]
        return mine

    hands = at_once([job] * HANDS)
    claimed = Counter(name for hand in hands if isinstance(hand, list) for name in hand)
    assert claimed == {row["id"]: 1 for row in world.messages()}
    assert {(row["status"], row["attempts"], row["fence"]) for row in world.messages()} == {("sending", 1, 1)}


def test_senders_at_once_send_each_message_once(world: World) -> None:
    letters_of(world)
    lock = threading.Lock()
    sent: Counter[str] = Counter()

    def send(parcel: Parcel) -> Result:
        with lock:
            sent[parcel.id] += 1
        return Result("sent")

    def job() -> int:
        total = 0
        while some := deliver(world.database, send, lambda: NINE, origin="test.invalid/log", limit=3).sent:
            total += some
        return total

    assert sum(count for count in at_once([job] * HANDS) if isinstance(count, int)) == 2 * PROJECTS
    assert sent == {row["id"]: 1 for row in world.messages()}
    assert {row["status"] for row in world.notices()} == {"sent"}


def test_whole_ticks_at_once_have_the_effects_of_one(world: World) -> None:
    at_once([lambda: runner.tick(world.context(NINE), NINE)] * HANDS)
    world.tick(NINE)
    assert len(world.notices()) == PROJECTS * 2 * 2
    assert {row["status"] for row in world.notices()} == {"sent"}
    assert set(world.post.ids.values()) == {1}


def test_acts_and_sweeps_at_once_leave_no_reminder_of_what_has_ended(world: World) -> None:
    rows = [row["project_id"] for row in world.checkpoints()]

    def acting(number: int) -> Callable[[], object]:
        return lambda: [
            act(world.database, world.log, project, "withdraw", role="handler", on=builders.OPENED.date())
            for project in rows[number::3]
        ]

    at_once([*[until_none(world, queue_due)] * 3, *(acting(number) for number in range(3))])
    world.tick(NINE)
    assert {row["status"] for row in world.checkpoints()} == {"closed"}
    assert world.post.parcels == []
    outside = {(row["status"], row["reason"]) for row in world.notices() if row["channel"] == "email"}
    assert outside <= {("cancelled", "ended")}
