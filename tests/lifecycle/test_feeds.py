"""Feeds: whose dates they hold, what becomes of a date that moves or ends, and whom a token opens nothing to."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from icalendar import Calendar

from lifecycle import deadlines, feeds, people
from lifecycle.audit import Log
from lifecycle.callers import Caller, Source
from lifecycle.canonical import parse_canonical
from lifecycle.database import Database
from lifecycle.errors import Forbidden, NotFound, Unreadable
from lifecycle.feeds import Dated, FeedContent, NewFeed
from lifecycle.people import NewPerson
from lifecycle.statements import Row, Statement
from lifecycle.tables import Feed, Person, Project
from schedules.invitations import feed as render
from states.findings import Text
from states.roles import actor_of
from tests.lifecycle import builders
from tests.lifecycle.builders import JINAN, OPENED, QINGDAO, act, at, create_projects, drive, open_batch
from tests.lifecycle.test_database import contents

ADMIN = builders.caller("security_admin")
PUBLISHED = at(date(2024, 9, 2))
_person = Person.__table__  # type: ignore[attr-defined]
_project = Project.__table__  # type: ignore[attr-defined]
FEEDS = Statement(sa.select(Feed.__table__))  # type: ignore[attr-defined]
LEAVE = Statement(sa.update(_person).where(_person.c.id == sa.bindparam("of")).values(active=False))
PUT_IN_CHARGE = Statement(
    sa.update(_project)
    .where(_project.c.id == sa.bindparam("of"))
    .values(responsible=sa.bindparam("who", type_=_project.c.responsible.type))
)


def enter(
    database: Database, log: Log, login: str, role: str, city: str | None = None, unit: str | None = None
) -> Caller:
    """Enter a person and return them as a caller."""
    with database.transaction() as tx:
        person = people.add_person(tx, log, ADMIN, NewPerson(login, login, role, city, unit))
    return Caller(actor_of(person, role, city, unit), Source("test"), OPENED)


def add(database: Database, log: Log, by: Caller, batch: str | None = None) -> NewFeed:
    with database.transaction() as tx:
        return feeds.add_feed(tx, log, by, "手机", batch)


def read(database: Database, secret: str, now: Any = PUBLISHED) -> FeedContent | None:
    with database.reading() as tx:
        return feeds.read_feed(tx, secret, now)


def dates(database: Database, secret: str, now: Any = PUBLISHED) -> list[Dated]:
    found = read(database, secret, now)
    assert found is not None
    return found.dates


def held(database: Database, secret: str, now: Any = PUBLISHED) -> list[tuple[str, str, str]]:
    """Return (project, kind, date) of what a feed holds and is not cancelled."""
    return [
        (item.code[-1], item.kind, item.due_on.isoformat())
        for item in dates(database, secret, now)
        if not item.cancelled
    ]


def in_charge(database: Database, project: str, role: str, person: str) -> None:
    with database.transaction() as tx:
        tx.fetch(PUT_IN_CHARGE, of=project, who={role: person})


def published(database: Database, log: Log, *cities: str) -> list[Row]:
    """Open a batch with a published project in each city, and return their rows."""
    batch = open_batch(database, log)
    rows = [
        create_projects(database, log, batch, 1, city=city, first=number)[0] for number, city in enumerate(cities, 1)
    ]
    return [drive(database, log, row["id"], "published") for row in rows]


def test_a_feed_s_token_is_kept_as_a_hash_and_told_by_its_id(database: Database, log: Log) -> None:
    wang = enter(database, log, "wang", "city", JINAN)
    new = add(database, log, wang)
    with database.reading() as tx:
        (row,) = tx.fetch(FEEDS)
    assert (new.secret[:9], row["hash"], row["id"]) == ("pilotcal_", people.hash_token(new.secret), new.id)
    last = parse_canonical(builders.read_entries(database, f"user/{wang.actor.id}")[-1]["body"])
    assert (last["type"], last["changes"]) == (
        "user.feed_made",
        [{"path": "/feeds", "old": None, "new": new.id}, {"path": "/feeds/batch", "old": None, "new": None}],
    )
    with database.reading() as tx:
        (listed,) = feeds.list_feeds(tx, wang)
    assert listed == {"id": new.id, "label": "手机", "batch_id": None, "created_at": "2024-07-01T01:00:00.000000Z"}


def test_each_role_s_own_feed_holds_what_it_is_reminded_of_within_its_reach(database: Database, log: Log) -> None:
    first, second = published(database, log, JINAN, QINGDAO)
    city = enter(database, log, "jinan", "city", JINAN)
    unit = enter(database, log, "unit", "applicant", unit=second["lead_code"])
    handler = enter(database, log, "handler", "handler")
    leader = enter(database, log, "leader", "leader")
    of_city = held(database, add(database, log, city).secret)
    of_unit = held(database, add(database, log, unit).secret)
    assert {code for code, _, _ in of_city} == {first["code"][-1]}
    assert {code for code, _, _ in of_unit} == {second["code"][-1]}
    for row, told in ((first, of_city), (second, of_unit)):
        opened = {(item["kind"], item["due_on"]) for item in row["plan"]}
        assert {item[1:] for item in told} == opened
    of_handler = held(database, add(database, log, handler).secret)
    assert {code for code, _, _ in of_handler} == {first["code"][-1], second["code"][-1]}
    assert {kind for _, kind, _ in of_handler} == {"half_year_grace_ends"}
    assert held(database, add(database, log, leader).secret) == []


def test_a_project_in_another_s_charge_is_in_their_feed_alone(database: Database, log: Log) -> None:
    first, second = published(database, log, JINAN, JINAN)
    wang, zhao = enter(database, log, "wang", "handler"), enter(database, log, "zhao", "handler")
    mine, theirs = add(database, log, wang).secret, add(database, log, zhao).secret
    in_charge(database, first["id"], "handler", wang.actor.id)
    assert {item[0] for item in held(database, mine)} == {first["code"][-1], second["code"][-1]}
    assert {item[0] for item in held(database, theirs)} == {second["code"][-1]}
    with database.transaction() as tx:
        tx.fetch(LEAVE, of=wang.actor.id)
    assert {item[0] for item in held(database, theirs)} == {first["code"][-1], second["code"][-1]}
    assert read(database, mine) is None


def test_a_batch_s_feed_holds_all_its_dates_within_reach(database: Database, log: Log) -> None:
    first, _ = published(database, log, JINAN, QINGDAO)
    other = open_batch(database, log, "sd-gongfu-2025-1")
    create_projects(database, log, other, 1)
    city, leader = enter(database, log, "jinan", "city", JINAN), enter(database, log, "leader", "leader")
    of_city = held(database, add(database, log, city, "sd-gongfu-2024-2").secret)
    of_leader = held(database, add(database, log, leader, "sd-gongfu-2024-2").secret)
    opened = sorted((item["kind"], item["due_on"]) for item in first["plan"])
    assert sorted(item[1:] for item in of_city) == opened
    assert sorted(item[1:] for item in of_leader) == sorted([*opened, *opened])
    found = read(database, add(database, log, leader, "sd-gongfu-2024-2").secret)
    assert found is not None
    assert found.name.zh.startswith("试点期限：")


def test_a_date_that_moved_keeps_its_place_and_one_that_ended_is_told_as_cancelled(
    database: Database, log: Log
) -> None:
    (row,) = published(database, log, JINAN)
    secret = add(database, log, enter(database, log, "jinan", "city", JINAN)).secret
    before = {(item.kind, item.number): item for item in dates(database, secret) if not item.cancelled}
    act(database, log, row["id"], "extend")
    extended = at(date(2024, 11, 11))
    after = {(item.kind, item.number): item for item in dates(database, secret, extended) if not item.cancelled}
    moved = ("half_year_ends", 1)
    assert after.keys() == before.keys()
    assert after[moved].due_on > before[moved].due_on
    assert after[moved].version > before[moved].version
    assert after[moved].project_id == before[moved].project_id
    act(database, log, row["id"], "suspend")
    suspended = at(date(2024, 12, 11))
    gone = {(item.kind, item.number): item for item in dates(database, secret, suspended) if item.cancelled}
    assert gone[moved] == after[moved]._replace(cancelled=True, changed_at=at(date(2024, 12, 10)))
    assert not any(item.kind == "half_year_ends" for item in dates(database, secret, suspended) if not item.cancelled)
    act(database, log, row["id"], "resume")
    back = [item for item in dates(database, secret, at(date(2025, 1, 11))) if item.kind == "half_year_ends"]
    assert [(item.cancelled, item.version > gone[moved].version + 1) for item in back] == [(False, True)]


def test_a_cancelled_date_is_told_for_sixty_days(database: Database, log: Log) -> None:
    (row,) = published(database, log, JINAN)
    secret = add(database, log, enter(database, log, "jinan", "city", JINAN)).secret
    act(database, log, row["id"], "suspend")
    ended = at(date(2024, 12, 10))
    counted = [
        sum(item.cancelled for item in dates(database, secret, now) if item.changed_at == ended)
        for now in (ended, ended + timedelta(days=60), ended + timedelta(days=60, seconds=1))
    ]
    assert (counted[0] > 0, counted[1] == counted[0], counted[2]) == (True, True, 0)


def test_a_deadline_added_by_hand_is_in_the_feeds_of_those_it_names(database: Database, log: Log) -> None:
    (row,) = published(database, log, JINAN)
    handler, city = enter(database, log, "handler", "handler"), enter(database, log, "jinan", "city", JINAN)
    officer = replace(handler, now=PUBLISHED)
    for title, to in (("内部会商", ["handler"]), ("补充台账", ["city"])):
        with database.transaction() as tx:
            deadlines.add_deadline(tx, log, officer, row["id"], title, date(2024, 10, 15), to)

    def by_hand(by: Caller, batch: str | None = None) -> list[Text]:
        secret = add(database, log, by, batch).secret
        return sorted(item.label for item in dates(database, secret) if item.kind == "by_hand")

    assert by_hand(handler) == [Text("内部会商", "内部会商")]
    assert by_hand(city) == [Text("补充台账", "补充台账")]
    assert by_hand(city, "sd-gongfu-2024-2") == [Text("补充台账", "补充台账")]
    assert len(by_hand(handler, "sd-gongfu-2024-2")) == 2


def test_a_feed_is_a_calendar_that_can_be_read(database: Database, log: Log) -> None:
    (row,) = published(database, log, JINAN)
    secret = add(database, log, enter(database, log, "jinan", "city", JINAN)).secret
    found = read(database, secret)
    assert found is not None
    calendar = Calendar.from_ical(render(found, "test.invalid/log"))
    events = {str(event["UID"]): event for event in calendar.events}
    assert len(events) == len(found.dates)
    event = events[f"{row['id']}-half_year_ends-1@test.invalid"]
    (item,) = [item for item in row["plan"] if item["kind"] == "half_year_ends"]
    assert event["DTSTART"].dt.isoformat() == item["due_on"]
    assert str(event["SUMMARY"]) == "半年期验收申请截止：产线数字化1"


def test_a_long_feed_keeps_the_dates_that_lie_furthest_ahead(database: Database, log: Log) -> None:
    published(database, log, JINAN, JINAN)
    secret = add(database, log, enter(database, log, "leader", "leader"), "sd-gongfu-2024-2").secret
    whole = dates(database, secret)
    assert [item.due_on for item in whole] == sorted((item.due_on for item in whole), reverse=True)
    with database.reading() as tx:
        for page in (1, 2, len(whole), 1000):
            assert feeds.read_feed(tx, secret, PUBLISHED, page=page) == read(database, secret)
        cut = feeds.read_feed(tx, secret, PUBLISHED, most=3, page=2)
    assert cut is not None
    assert cut.dates == whole[:3]


def test_unknown_revoked_and_inactive_look_alike(database: Database, log: Log) -> None:
    wang = enter(database, log, "wang", "city", JINAN)
    one, other = add(database, log, wang), add(database, log, wang)
    for _ in range(2):
        with database.transaction() as tx:
            feeds.revoke_feed(tx, log, wang, one.id)
    assert (read(database, one.secret), read(database, other.secret) is None) == (None, False)
    assert [read(database, secret) for secret in ("", "x", other.secret.upper(), "\udcff")] == [None] * 4
    told = [entry["type"] for entry in builders.read_entries(database, f"user/{wang.actor.id}")]
    assert told == ["user.created", "user.feed_made", "user.feed_made", "user.feed_revoked"]
    with database.transaction() as tx:
        tx.fetch(LEAVE, of=wang.actor.id)
    assert read(database, other.secret) is None


def test_nobody_makes_or_revokes_another_s_feed_but_the_security_administrator_revokes(
    database: Database, log: Log
) -> None:
    wang, zhao = enter(database, log, "wang", "city", JINAN), enter(database, log, "zhao", "city", JINAN)
    new = add(database, log, wang)
    before = contents(database)
    with pytest.raises(NotFound), database.transaction() as tx:
        feeds.revoke_feed(tx, log, zhao, new.id)
    with pytest.raises(NotFound), database.transaction() as tx:
        feeds.revoke_feed(tx, log, ADMIN, wang.actor.id)
    with pytest.raises(Forbidden), database.reading() as tx:
        feeds.list_feeds(tx, zhao, "wang")
    with pytest.raises(NotFound):
        add(database, log, wang, "no-such-batch")
    assert contents(database) == before
    with database.transaction() as tx:
        feeds.revoke_feed(tx, log, ADMIN, new.id)
    assert read(database, new.secret) is None


def test_who_reads_no_projects_has_no_feed_and_nobody_has_too_many(database: Database, log: Log) -> None:
    admin = enter(database, log, "sysadmin", "system_admin")
    with pytest.raises(Forbidden):
        add(database, log, admin)
    wang = enter(database, log, "wang", "city", JINAN)
    for _ in range(feeds.MOST_FEEDS):
        add(database, log, wang)
    with pytest.raises(Unreadable):
        add(database, log, wang)
