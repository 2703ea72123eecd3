"""Projects entered and amended: codes without gaps, what may be changed where and by whom, and what moves with it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.canonical import parse_canonical
from lifecycle.database import Database
from lifecycle.errors import Conflict, Forbidden, NotFound, Refusal, RulesUnmet, Unreadable
from lifecycle.projects import amend_project, create_projects
from lifecycle.replay import drift, drift_of_batch
from lifecycle.statements import Row, Statement
from lifecycle.surroundings import capacity
from lifecycle.tables import Membership
from states.facts import Application, Member, UnitRole
from tests.faults.test_races import at_once
from tests.lifecycle import builders
from tests.lifecycle.builders import JINAN, OPENED, QINGDAO, application, at, caller, credit_code, read_project
from tests.lifecycle.test_database import contents

_member = Membership.__table__  # type: ignore[attr-defined]
MEMBERS = Statement(
    sa.select(_member.c.position, _member.c.credit_code)
    .where(_member.c.project_id == sa.bindparam("of"))
    .order_by(_member.c.position)
)
ROOMS = Statement(sa.select(capacity.c.pool, capacity.c.key, capacity.c.used).where(capacity.c.used > 0))
LATER = at(builders.STEPS["publish"].on)


@pytest.fixture
def batch(database: Database, log: Log) -> Row:
    return builders.open_batch(database, log)


@pytest.fixture
def project(database: Database, log: Log, batch: Row) -> Row:
    return builders.create_projects(database, log, batch, 1)[0]


def amend(
    database: Database, log: Log, project: Row, by: Caller | None = None, version: int | None = None, **values: Any
) -> tuple[Row, Any]:
    doer = by or builders.caller_for("applicant", project, OPENED)
    with attempt(database, log, doer, ("project", project["id"]), "amend") as tx:
        return amend_project(tx, log, doer, project["id"], values, expected_version=version)


def refused(kind: type[Refusal], call: Callable[[], object]) -> Any:
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    return caught.value


def members(database: Database, project: Row) -> list[str]:
    with database.reading() as tx:
        rows = tx.fetch(MEMBERS, of=project["id"])
    assert [row["position"] for row in rows] == list(range(len(rows)))
    return [row["credit_code"] for row in rows]


def rooms(database: Database) -> dict[str, int]:
    with database.reading() as tx:
        return {f"{row['pool']}/{row['key']}": row["used"] for row in tx.fetch(ROOMS)}


def drift_in(database: Database, batch: Row) -> dict[str, list[str]]:
    with database.reading() as tx:
        return drift_of_batch(tx, batch["id"])


def with_landing(filed: Application, number: int) -> tuple[Member, ...]:
    """Return the members with another manufacturer in place of the landing unit."""
    return (filed.members[0], Member(f"制造厂{number}", credit_code(number), UnitRole.LANDING, "manufacturer"))


def test_codes_are_dense_and_unique_whoever_enters_at_once(database: Database, log: Log, batch: Row) -> None:
    def enter(number: int) -> Callable[[], object]:
        return lambda: builders.create_projects(database, log, batch, 2, first=2 * number + 1)

    rows = [row for made in at_once([enter(number) for number in range(10)]) for row in made]  # type: ignore[attr-defined]
    assert sorted(row["code"] for row in rows) == [f"sd-gongfu-2024-2-{n:05d}" for n in range(1, 21)]
    assert len({row["id"] for row in rows}) == 20
    for row in rows:
        assert read_project(database, row["id"]) == row
    assert drift_in(database, batch) == {}


def test_a_project_begins_as_a_draft_with_its_own_stream_and_members(
    database: Database, log: Log, project: Row, batch: Row
) -> None:
    assert read_project(database, project["id"]) == project
    assert (project["state"], project["version"], project["head_seq"]) == ("draft", 1, 1)
    assert members(database, project) == [credit_code(2), credit_code(3)]
    assert rooms(database) == {}
    (entry,) = builders.read_entries(database, f"project/{project['id']}")
    assert (entry["type"], entry["action"], entry["leaf"]) == ("project.created", "create", project["head_hash"])
    assert drift_in(database, batch) == {}


def test_projects_are_entered_all_or_none_within_ones_own_reach(database: Database, log: Log, batch: Row) -> None:
    before = contents(database)
    mixed = [application(1), application(2, QINGDAO)]
    strangers = [
        caller("city", city=JINAN),
        caller("applicant", unit=credit_code(2)),
        *(caller(role) for role in ("leader", "expert", "auditor", "public", "system")),
    ]
    for doer in strangers:
        with pytest.raises(Forbidden), database.transaction() as tx:
            create_projects(tx, log, doer, batch, mixed)
    broken = [application(1), application(2, title=" ")]
    with pytest.raises(Unreadable), database.transaction() as tx:
        create_projects(tx, log, caller("handler"), batch, broken)
    assert contents(database) == before


def test_an_amendment_is_one_version_and_one_entry_with_what_changed(
    database: Database, log: Log, project: Row, batch: Row
) -> None:
    row, receipt = amend(database, log, project, version=1, title="新名", contact_phone="13911112222", rank=3)
    after = read_project(database, project["id"])
    assert after == {**project, **{name: after[name] for name in ("head_seq", "head_hash", "version")}} | {
        "title": "新名",
        "contact_phone": "13911112222",
        "filed_rank": 3,
    }
    assert {name: row[name] for name in after} == after
    assert (after["version"], after["head_seq"], receipt.seq, receipt.leaf) == (2, 2, 2, after["head_hash"])
    body = parse_canonical(builders.read_entries(database, f"project/{project['id']}")[-1]["body"])
    assert body["type"] == "project.amended"
    changes = {change["path"]: (change["old"], change["new"]) for change in body["changes"]}
    assert set(changes) == {"/title", "/contact_phone", "/filed_rank", "/version"}
    assert changes["/title"] == ("产线数字化1", "新名")
    assert (changes["/contact_phone"][0], list(changes["/contact_phone"][1])) == (None, ["$c"])
    assert drift_in(database, batch) == {}


def test_an_amendment_of_an_older_version_is_a_conflict(database: Database, log: Log, project: Row) -> None:
    amend(database, log, project, title="新名")
    conflict = refused(Conflict, lambda: amend(database, log, project, version=1, title="又一名"))
    assert (conflict.details["version"], conflict.details["winner"]["action"]) == (2, "amend")
    assert read_project(database, project["id"])["title"] == "新名"


def test_an_amendment_that_changes_nothing_writes_nothing(database: Database, log: Log, project: Row) -> None:
    builders.drive(database, log, project["id"], "published")
    handler = caller("handler", LATER)
    amend(database, log, project, handler, title="新名")
    builders.act(database, log, project["id"], "revoke", on=LATER.date())  # a first signature
    before = contents(database)
    row, receipt = amend(database, log, project, handler, title="新名", investment_fen=project["investment_fen"])
    assert (row["version"], receipt) == (read_project(database, project["id"])["version"], None)
    assert contents(database) == before


def test_an_amendment_drops_a_first_signature(database: Database, log: Log, project: Row, batch: Row) -> None:
    builders.drive(database, log, project["id"], "published")
    builders.act(database, log, project["id"], "revoke", on=LATER.date())
    amend(database, log, project, caller("handler", LATER), title="新名")
    assert read_project(database, project["id"])["pending"] is None
    assert drift_in(database, batch) == {}


def test_who_may_amend_is_the_states_to_say(database: Database, log: Log, project: Row) -> None:
    def outcome(role: str) -> str:
        doer = builders.caller_for(role, project, LATER)
        title = f"名{role}{read_project(database, project['id'])['version']}"
        try:
            amend(database, log, project, doer, title=title)
        except Refusal as refusal:
            return type(refusal).__name__
        return read_project(database, project["id"])["title"].removesuffix(title) or "amended"

    roles = ("applicant", "city", "handler", "division_head", "leader", "auditor")
    province = ["amended", "amended", "Forbidden", "Forbidden"]  # a leader does not fill in applications
    assert [outcome(role) for role in roles] == ["amended", "amended", *province]
    builders.act(database, log, project["id"], "submit", on=LATER.date())
    assert [outcome(role) for role in roles] == ["NotOffered"] * 6
    builders.act(database, log, project["id"], "return_for_correction", on=LATER.date())
    assert [outcome(role) for role in roles] == ["amended", "amended", *province]


def test_a_published_project_is_amended_by_the_province_alone(database: Database, log: Log, project: Row) -> None:
    builders.drive(database, log, project["id"], "published")
    for role in ("applicant", "city"):
        doer = builders.caller_for(role, project, LATER)
        refused(Forbidden, lambda d=doer: amend(database, log, project, d, title="新名"))
    amend(database, log, project, caller("handler", LATER), title="新名")
    assert read_project(database, project["id"])["title"] == "新名"


def test_nobody_amends_out_of_reach_nor_into_it(database: Database, log: Log, project: Row) -> None:
    refused(NotFound, lambda: amend(database, log, project, caller("city", city=QINGDAO), title="新名"))
    own_city = caller("city", city=JINAN)
    refused(Forbidden, lambda: amend(database, log, project, own_city, city=QINGDAO))
    lead = replace(application(1).members[0], credit_code=credit_code(77))
    refused(Forbidden, lambda: amend(database, log, project, members=(lead,)))
    assert read_project(database, project["id"])["version"] == 1


def test_what_cannot_be_kept_is_unreadable_and_changes_nothing(database: Database, log: Log, project: Row) -> None:
    wrong: list[dict[str, Any]] = [
        {"title": ""},
        {"title": "名" * 301},
        {"title": "a\x00"},
        {"investment_fen": -1},
        {"investment_fen": 2**70},
        {"city": "999999"},
        {"nonsense": 1},
    ]
    for values in wrong:
        refused(Unreadable, lambda v=values: amend(database, log, project, caller("handler"), **v))
    assert read_project(database, project["id"])["version"] == 1


def test_a_returned_project_that_changes_its_manufacturer_gives_one_place_back_and_takes_another(
    database: Database, log: Log, project: Row, batch: Row
) -> None:
    builders.drive(database, log, project["id"], "returned")
    provider = f"provider_projects/{credit_code(2)}"
    assert rooms(database) == {provider: 1, f"manufacturer_projects/{credit_code(3)}": 1}
    amend(database, log, project, caller("handler", LATER), members=with_landing(application(1), 55))
    assert rooms(database) == {provider: 1, f"manufacturer_projects/{credit_code(55)}": 1}
    assert members(database, project) == [credit_code(2), credit_code(55)]
    body = parse_canonical(builders.read_entries(database, f"project/{project['id']}")[-1]["body"])
    moves = {change["path"]: change["new"] for change in body["changes"] if change["path"].startswith("/capacities")}
    assert moves == {
        f"/capacities/manufacturer_projects/{credit_code(3)}": -1,
        f"/capacities/manufacturer_projects/{credit_code(55)}": 1,
    }
    assert drift_in(database, batch) == {}


def test_an_amendment_for_which_there_is_no_room_is_refused_whole(
    database: Database, log: Log, project: Row, batch: Row
) -> None:
    builders.drive(database, log, project["id"], "returned")
    (other,) = builders.create_projects(database, log, batch, 1, first=2)  # its manufacturer has its one project
    builders.drive(database, log, other["id"], "applied")
    before, stood = rooms(database), read_project(database, project["id"])
    change = {"title": "新名", "members": with_landing(application(1), 5)}
    unmet = refused(RulesUnmet, lambda: amend(database, log, project, caller("handler", LATER), **change))
    (finding,) = unmet.findings
    place = f"manufacturer_projects {credit_code(5)}"
    assert (finding.check, finding.seen, finding.threshold) == ("room_left", {place: 2}, {place: 1})
    after = read_project(database, project["id"])
    assert after == {**stood, "head_seq": after["head_seq"], "head_hash": after["head_hash"]}
    assert (rooms(database), members(database, project)) == (before, [credit_code(2), credit_code(3)])
    assert drift_in(database, batch) == {}


def test_a_published_project_that_moves_to_another_city_takes_its_quota_there(
    database: Database, log: Log, project: Row, batch: Row
) -> None:
    builders.drive(database, log, project["id"], "published")
    amend(database, log, project, caller("handler", LATER), city=QINGDAO)
    quotas = {place: used for place, used in rooms(database).items() if place.startswith("city_quota")}
    assert quotas == {f"city_quota/{QINGDAO}": 1}
    refused(RulesUnmet, lambda: amend(database, log, project, caller("handler", LATER), city="370300"))  # none imported
    assert drift_in(database, batch) == {}


def test_the_members_rows_follow_every_amendment(database: Database, log: Log, project: Row) -> None:
    lead, landing = application(1).members
    more = tuple(Member(f"成员{n}", credit_code(80 + n), UnitRole.OTHER) for n in range(3))
    for units in ((lead, landing, *more), (lead, *more), (lead,), (lead, more[0], landing)):
        amend(database, log, project, members=units)
        assert members(database, project) == [unit.credit_code for unit in units]
    amend(database, log, project, title="新名")
    assert members(database, project) == [lead.credit_code, more[0].credit_code, landing.credit_code]
    with database.reading() as tx:
        assert drift(tx, project["id"]) == []
