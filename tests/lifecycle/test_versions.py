"""Two versions of the rules side by side: new projects begin with the newer one, old ones keep theirs until moved."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from lifecycle import batches, versions
from lifecycle.audit import Log
from lifecycle.bulk import Item, preview_transitions
from lifecycle.callers import Caller
from lifecycle.canonical import parse_canonical
from lifecycle.database import Database
from lifecycle.errors import Conflict, Forbidden, NotFound, Refusal, RulesUnmet, Unreadable
from lifecycle.statements import Row
from lifecycle.transition import try_transition
from states.facts import Member, UnitRole
from tests.lifecycle import builders
from tests.lifecycle.builders import (
    DEFINITION_TEXT,
    JINAN,
    POLICY_TEXT,
    REASON,
    act,
    application,
    at,
    caller,
    credit_code,
    read_project,
)
from tests.lifecycle.test_database import contents
from tests.lifecycle.test_projects import drift_in, refused, rooms

AUGUST = date(2024, 8, 1)
LEADER = caller("leader", at(AUGUST))
FOUR = POLICY_TEXT.replace("max_members = 3", "max_members = 4")
RENAMED = DEFINITION_TEXT.replace("city_recommended", "sent_to_the_province").replace(
    'version = "1"', 'version = "2"', 1
)
RENAMED_POLICY = POLICY_TEXT.replace("gongfu-pilot/1", "gongfu-pilot/2")
MAP = {"city_recommended": "sent_to_the_province"}
Pair = tuple[str, str]


@pytest.fixture
def batch(database: Database, log: Log) -> Row:
    return builders.open_batch(database, log)


def add_version(database: Database, definition: str = DEFINITION_TEXT, policy: str = POLICY_TEXT) -> Pair:
    with database.transaction() as tx:
        return versions.add_version(tx, caller("handler", at(AUGUST)), definition, policy)


def repin(database: Database, log: Log, batch: Row, pair: Pair, by: Caller = LEADER, reason: str = REASON) -> Row:
    with database.transaction() as tx:
        versions.repin_batch(tx, log, by, batch, *pair, reason)
    with database.reading() as tx:
        return batches.find_batch(tx, batch["id"])


def move(
    database: Database,
    log: Log,
    project: str,
    pair: Pair,
    states: Mapping[str, str] | None = None,
    reason: str = REASON,
    by: Caller = LEADER,
    version: int | None = None,
) -> Any:
    with database.transaction() as tx:
        return versions.move_project(tx, log, by, project, *pair, states or {}, reason, expected_version=version)


def create(database: Database, log: Log, batch: Row, first: int, count: int = 1) -> list[Row]:
    return builders.create_projects(database, log, batch, count, first=first)


def test_new_projects_begin_with_the_newer_policy_and_old_ones_keep_theirs(
    database: Database, log: Log, batch: Row
) -> None:
    def four_members(number: int) -> Any:
        others = tuple(Member(f"成员{n}", credit_code(900 + 10 * number + n), UnitRole.OTHER) for n in (1, 2))
        filed = application(number)
        return replace(filed, members=(*filed.members, *others))

    (old,) = builders.create_projects(database, log, batch, [four_members(1)])
    pair = add_version(database, policy=FOUR)
    repinned = repin(database, log, batch, pair)
    (new,) = builders.create_projects(database, log, repinned, [four_members(2)])
    assert (repinned["definition_hash"], repinned["policy_hash"]) == pair
    assert (pair[0], old["policy_hash"]) == (batch["definition_hash"], batch["policy_hash"])
    assert new["policy_hash"] == pair[1] != old["policy_hash"]
    unmet = refused(RulesUnmet, lambda: act(database, log, old["id"], "submit"))
    assert [(finding.rule, finding.seen, finding.threshold) for finding in unmet.findings if finding.blocks] == [
        ("R03", 4, 3)
    ]
    assert act(database, log, new["id"], "submit").target == "applied"
    entry = builders.read_entries(database, f"batch/{batch['id']}")[-1]
    assert entry["type"] == "batch.version_changed"
    assert parse_canonical(entry["body"])["changes"] == [
        {"path": "/definition_hash", "old": pair[0], "new": pair[0]},
        {"path": "/policy_hash", "old": batch["policy_hash"], "new": pair[1]},
    ]
    assert drift_in(database, batch) == {}


def test_a_moved_project_is_planned_and_counted_anew_and_the_move_is_an_entry(
    database: Database, log: Log, batch: Row
) -> None:
    (row,) = create(database, log, batch, 1)
    before = builders.drive(database, log, row["id"], "published")
    assert rooms(database)[f"city_quota/{JINAN}"] == 1
    later = POLICY_TEXT.replace('exempt = ["central_in_shandong", "provincial_soe"]', 'exempt = ["other"]')
    pair = add_version(database, policy=later.replace("half_year_months = 6", "half_year_months = 8"))
    receipt = move(database, log, row["id"], pair, version=before["version"])
    after = read_project(database, row["id"])
    assert (after["version"], after["state"], after["entered_on"]) == (
        before["version"] + 1,
        "published",
        before["entered_on"],
    )
    assert (after["policy_hash"], after["head_hash"], after["changed_at"]) == (pair[1], receipt.leaf, LEADER.now)
    due = {item["kind"]: item["due_on"] for item in after["plan"] if item["kind"] != "progress_call"}
    assert due == {
        "half_year_opens": "2025-04-30",
        "half_year_ends": "2025-05-30",
        "half_year_grace_ends": "2025-06-23",
    }
    assert f"city_quota/{JINAN}" not in rooms(database)
    body = parse_canonical(builders.read_entries(database, f"project/{row['id']}")[-1]["body"])
    assert body["type"] == "project.version_changed"
    assert body["action"] == {
        "name": "move_version",
        "from": "published",
        "to": "published",
        "rule": None,
        "override": [],
        "definition": pair[0],
        "policy": pair[1],
    }
    changes = {change["path"]: change["new"] for change in body["changes"]}
    assert (changes["/policy_hash"], changes[f"/capacities/city_quota/{JINAN}"]) == (pair[1], -1)
    assert list(body["reason"]) == ["$c"]
    assert drift_in(database, batch) == {}


def test_a_version_with_a_renamed_state_works_from_end_to_end(database: Database, log: Log, batch: Row) -> None:
    rows = create(database, log, batch, 1, 3)
    for row, state in zip(rows, ("city_recommended", "under_review", "draft"), strict=True):
        builders.drive(database, log, row["id"], state)
    pair = add_version(database, RENAMED, RENAMED_POLICY)
    for row in rows:
        move(database, log, row["id"], pair, MAP)
    states = [(row["state"], row["left_state"]) for row in (read_project(database, row["id"]) for row in rows)]
    assert states == [("sent_to_the_province", "applied"), ("under_review", "sent_to_the_province"), ("draft", None)]
    assert drift_in(database, batch) == {}
    repinned = repin(database, log, batch, pair)
    (new,) = create(database, log, repinned, 9)
    for row in (rows[2], new):
        act(database, log, row["id"], "submit")
        assert act(database, log, row["id"], "recommend").target == "sent_to_the_province"
    for row in (rows[0], new):
        assert act(database, log, row["id"], "accept_filing").target == "under_review"
    assert drift_in(database, batch) == {}


def test_old_projects_go_on_beside_those_in_a_renamed_state(database: Database, log: Log, batch: Row) -> None:
    old, moved = create(database, log, batch, 1, 2)
    builders.drive(database, log, moved["id"], "city_recommended")
    act(database, log, old["id"], "submit")
    move(database, log, moved["id"], add_version(database, RENAMED, RENAMED_POLICY), MAP)
    request = builders.request_for("recommend", old)
    city = builders.caller_for("city", old, at(builders.STEPS["recommend"].on))
    with database.reading() as tx:
        preview = preview_transitions(tx, city, request, [Item(old["id"])], 10)
    assert [row.decision.allowed for row in preview.rows] == [True]
    taken = {**request.fields, "rank": 2}  # the moved one's
    unmet = refused(RulesUnmet, lambda: act(database, log, old["id"], "recommend", fields=taken))
    assert [finding.check for finding in unmet.findings if finding.blocks] == ["rank_free"]
    assert act(database, log, old["id"], "recommend").target == "city_recommended"
    assert drift_in(database, batch) == {}


def test_a_version_that_no_longer_counts_something_gives_back_what_was_held(
    database: Database, log: Log, batch: Row
) -> None:
    (row,) = builders.create_projects(database, log, batch, [application(1, group="某集团")])
    builders.drive(database, log, row["id"], "city_recommended")
    assert rooms(database)["group_tasks/某集团"] == 1
    lines = [line for line in DEFINITION_TEXT.splitlines() if not line.startswith("group_tasks = ")]
    without = "\n".join(lines).replace(', "group_tasks"', "").replace('"within_group_limit", ', "")
    assert "group_tasks" not in without
    pair = add_version(database, without.replace('version = "1"', 'version = "2"', 1), RENAMED_POLICY)
    move(database, log, row["id"], pair)
    assert "group_tasks/某集团" not in rooms(database)
    assert act(database, log, row["id"], "accept_filing").target == "under_review"
    assert drift_in(database, batch) == {}


def test_a_version_that_counts_in_another_scope_gives_back_where_it_took(
    database: Database, log: Log, batch: Row
) -> None:
    (row,) = create(database, log, batch, 1)
    builders.drive(database, log, row["id"], "applied")
    wider = DEFINITION_TEXT.replace(
        'en = "projects of a provider", scope = "batch"', 'en = "projects of a provider", scope = "programme"'
    )
    assert wider != DEFINITION_TEXT
    wider = wider.replace('version = "1"', 'version = "2"', 1)
    move(database, log, row["id"], add_version(database, wider, RENAMED_POLICY))
    assert rooms(database)[f"provider_projects/{credit_code(2)}"] == 1
    assert drift_in(database, batch) == {}


def test_a_first_signature_does_not_outlive_the_version_under_which_it_was_given(
    database: Database, log: Log, batch: Row
) -> None:
    (row,) = create(database, log, batch, 1)
    builders.drive(database, log, row["id"], "published")
    act(database, log, row["id"], "revoke", on=date(2024, 9, 10))
    move(database, log, row["id"], add_version(database, policy=FOUR))
    assert read_project(database, row["id"])["pending"] is None
    assert drift_in(database, batch) == {}


def test_a_move_is_refused_without_right_reason_state_or_version_and_changes_nothing(
    database: Database, log: Log, batch: Row
) -> None:
    (row,) = create(database, log, batch, 1)
    builders.drive(database, log, row["id"], "city_recommended")
    pair, old = add_version(database, RENAMED, RENAMED_POLICY), (batch["definition_hash"], batch["policy_hash"])
    before = contents(database)

    def go(kind: type[Refusal], **changes: Any) -> Refusal:
        given = {"pair": pair, "states": MAP, **changes}
        return refused(kind, lambda: move(database, log, row["id"], **given))

    for role in ("applicant", "city", "handler", "auditor", "security_admin"):
        go(Forbidden, by=builders.caller_for(role, row, at(AUGUST)))
    for reason in ("", " \t"):
        go(Unreadable, reason=reason)
    for states in ({}, {"city_recommended": "nowhere"}, {"sent_to_the_province": "city_recommended"}):
        go(Unreadable, states=states)
    for wrong in (("0" * 64, pair[1]), (pair[0], "0" * 64), (pair[1], pair[0])):
        go(NotFound, pair=wrong)
        refused(NotFound, lambda w=wrong: repin(database, log, batch, w))
    go(Conflict, version=1)
    refused(NotFound, lambda: move(database, log, "00000000-0000-0000-0000-000000000000", pair, MAP))
    refused(Forbidden, lambda: repin(database, log, batch, old, caller("handler")))
    refused(Unreadable, lambda: repin(database, log, batch, old, reason=" "))
    assert contents(database) == before


def test_a_definition_and_a_policy_that_do_not_go_together_are_nowhere_taken(
    database: Database, log: Log, batch: Row
) -> None:
    (row,) = create(database, log, batch, 1)
    pair = add_version(database, RENAMED, RENAMED_POLICY)
    mixed = (pair[0], batch["policy_hash"])
    before = contents(database)
    refused(Unreadable, lambda: add_version(database, RENAMED, POLICY_TEXT))
    refused(Unreadable, lambda: repin(database, log, batch, mixed))
    refused(Unreadable, lambda: move(database, log, row["id"], mixed, MAP))
    assert contents(database) == before


def test_the_same_version_added_twice_is_stored_once(database: Database, log: Log, batch: Row) -> None:
    before = contents(database)
    assert add_version(database) == (batch["definition_hash"], batch["policy_hash"])
    assert contents(database) == before
    refused(
        Forbidden,
        lambda: versions.add_version(None, caller("city", city=JINAN), DEFINITION_TEXT, FOUR),  # type: ignore[arg-type]
    )


def test_an_event_renamed_is_offered_under_its_new_name_alone(database: Database, log: Log, batch: Row) -> None:
    (row,) = create(database, log, batch, 1)
    text = DEFINITION_TEXT.replace('event = "submit"', 'event = "hand_in"').replace('version = "1"', 'version = "2"', 1)
    move(database, log, row["id"], add_version(database, text, RENAMED_POLICY))
    doer = builders.caller_for("applicant", row, at(builders.STEPS["submit"].on))
    request = builders.request_for("submit", row)
    with database.reading() as tx:
        decisions = [
            try_transition(tx, doer, row["id"], replace(request, event=name)) for name in ("submit", "hand_in")
        ]
    assert [decision.allowed for decision in decisions] == [False, True]
