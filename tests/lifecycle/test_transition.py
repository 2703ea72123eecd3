"""The one door: what an allowed act leaves, what a refused one says and leaves, and what neither may leave."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from lifecycle import people, transition, versions
from lifecycle.answers import Remembered
from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.canonical import parse_canonical
from lifecycle.database import Database
from lifecycle.errors import Conflict, KeyReused, NotFound, NotOffered, NotPermitted, Refusal, RulesUnmet, Unreadable
from lifecycle.people import NewPerson
from lifecycle.replay import drift
from lifecycle.requests import Request
from lifecycle.signing import Receipt, verify_receipt
from lifecycle.statements import Row
from lifecycle.transition import Outcome, transition_project, try_transition
from states.facts import Member, UnitRole
from tests.lifecycle import builders
from tests.lifecycle.builders import QINGDAO, REASON, STEPS, act, at, caller, read_entries, read_project
from tests.lifecycle.test_database import contents

NOBODYS = "00000000-0000-0000-0000-000000000000"
JULY = STEPS["submit"].on
SUBMISSION = [
    *("—:offered", "—:permitted", "—:within_scope", "—:fields_complete", "—:documents_complete", "—:date_possible"),
    *("R01:one_lead_provider", "R01:landing_manufacturer", "R02:credit_codes_valid", "R02:members_distinct"),
    *("R02:members_unaffiliated", "R03:member_count", "R04:agreement_complete", "R05:provider_project_count"),
    *("R06:manufacturer_project_count", "R06:not_shortlisted_before", "R07:investment_sufficient"),
    *("R08:no_prior_provincial_funding", "R09:vetoes_clear", "R10:task_on_the_list", "R11:applicant_attested"),
    *("R12:filed_with_city_of_lead", "R10:correction_in_time"),
]


@pytest.fixture
def batch(database: Database, log: Log) -> Row:
    return builders.open_batch(database, log)


@pytest.fixture
def project(database: Database, log: Log, batch: Row) -> Row:
    return builders.create_projects(database, log, batch, 1)[0]


def door(
    database: Database, log: Log, doer: Caller, project: str, request: Request, key: str | None = None
) -> Outcome | Remembered:
    """Go through the door as an edge does."""
    asked = {"project": project, "request": request}
    with attempt(database, log, doer, ("project", project), request.event, key, asked) as tx:
        return transition_project(tx, log, doer, project, request, key)


def applicant(row: Row, day: date = JULY) -> Caller:
    return builders.caller_for("applicant", row, at(day))


def submission(row: Row, **changes: Any) -> Request:
    return replace(builders.request_for("submit", row), **changes)


def refused(kind: type[Refusal], call: Callable[[], object]) -> Any:
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    return caught.value


def body_of(entry: Row) -> Any:
    return parse_canonical(entry["body"])


def last_body(database: Database, project: str) -> Any:
    return body_of(read_entries(database, f"project/{project}")[-1])


def test_an_allowed_act_moves_the_project_and_gives_the_receipt_of_its_entry(
    database: Database, log: Log, project: Row
) -> None:
    outcome = door(database, log, applicant(project), project["id"], submission(project))
    assert isinstance(outcome, Outcome)
    after, entry = read_project(database, project["id"]), read_entries(database, f"project/{project['id']}")[-1]
    assert (after["state"], after["version"], after["entered_on"]) == ("applied", 2, JULY)
    assert (after["head_seq"], after["head_hash"]) == (entry["seq"], entry["leaf"])
    stream = f"project/{project['id']}"
    signed = Receipt("test.invalid/log", stream, 2, entry["leaf"], entry["signature"], entry["key_id"])
    assert outcome.receipt == signed
    assert verify_receipt(outcome.receipt, log.signer.public_key)
    assert not verify_receipt(replace(outcome.receipt, seq=3), log.signer.public_key)
    told = outcome.to_dict()
    assert (told["from"], told["to"], told["version"], told["overridden"]) == ("draft", "applied", 2, [])
    assert json.loads(json.dumps(told)) == told


def test_the_loser_is_told_who_was_first_with_what(database: Database, log: Log, project: Row) -> None:
    officer = caller("security_admin")
    with database.transaction() as tx:
        wang = people.add_person(tx, log, officer, NewPerson("wang", "王五", "applicant", unit=project["lead_code"]))
    act(database, log, project["id"], "submit", person=wang)
    with pytest.raises(NotOffered):  # an attempt is no version
        act(database, log, project["id"], "publish")
    late = submission(project, expected_version=1)
    conflict = refused(Conflict, lambda: door(database, log, applicant(project), project["id"], late))
    assert conflict.details == {
        "expected_version": 1,
        "version": 2,
        "state": "applied",
        "winner": {"actor": wang, "name": "王五", "action": "submit", "at": "2024-07-20T01:00:00+00:00"},
    }
    assert "王五" in conflict.text.zh
    last = last_body(database, project["id"])
    assert (last["type"], last["outcome"], last["changes"][0]["new"]) == ("project.attempted", "failed", "conflict")


def test_out_of_reach_looks_like_missing_and_both_are_in_the_systems_stream(
    database: Database, log: Log, project: Row
) -> None:
    strangers = [
        caller("city", at(JULY), city=QINGDAO),
        caller("applicant", at(JULY), unit=builders.credit_code(99)),
        caller("expert", at(JULY)),
        caller("public", at(JULY)),
        caller("security_admin", at(JULY)),
    ]
    before = builders.read_project(database, project["id"])
    told = []
    for doer in strangers:
        for name in (project["id"], NOBODYS):
            request = submission(project, expected_version=7)
            missing = refused(NotFound, lambda d=doer, n=name, r=request: door(database, log, d, n, r))
            told.append(missing.to_dict())
            with database.reading() as tx, pytest.raises(NotFound):
                try_transition(tx, doer, name, request)
    assert told == [told[0]] * 10
    assert told[0]["details"] == {}
    entries = read_entries(database, "system/attempts")
    bodies = [body_of(entry) for entry in entries]
    assert [body["prev"] for body in bodies] == ["00" * 32, *(entry["leaf"].hex() for entry in entries[:-1])]
    assert [body["subject"]["id"] for body in bodies] == [project["id"], NOBODYS] * 5
    for body in bodies:
        assert (body["outcome"], body["action"]["from"], body["subject"]["version"]) == ("denied", None, None)
    assert read_project(database, project["id"]) == before


def test_every_finding_is_told_the_met_ones_too(database: Database, log: Log, project: Row) -> None:
    def told(kind: type[RulesUnmet], doer: Caller, request: Request, *unmet: str) -> list[str]:
        raised = refused(kind, lambda: door(database, log, doer, project["id"], request))
        assert raised.details["findings"] == [finding.to_dict() for finding in raised.findings]
        assert tuple(finding.check for finding in raised.findings if not finding.met) == unmet
        return [f"{finding.rule}:{finding.check}" for finding in raised.findings]

    doer, good = applicant(project), submission(project)
    lacking = replace(good, fields={**good.fields, "attested": False, "no_prior_funding": False})
    assert told(NotOffered, doer, Request("publish"), "offered") == ["—:offered"]
    assert told(RulesUnmet, doer, lacking, "no_prior_provincial_funding", "applicant_attested") == SUBMISSION
    # Whom the act is not for learns that, and no figures of its rules.
    assert told(NotPermitted, caller("handler", at(JULY)), good, "permitted") == SUBMISSION[:6]


def test_a_refused_attempt_is_in_the_stream_with_what_refused_it_and_moves_the_head_alone(
    database: Database, log: Log, project: Row
) -> None:
    lacking = submission(project, fields={**submission(project).fields, "attested": False})
    refused(RulesUnmet, lambda: door(database, log, applicant(project), project["id"], lacking))
    body, after = last_body(database, project["id"]), read_project(database, project["id"])
    assert (body["type"], body["outcome"], body["seq"]) == ("project.attempted", "denied", 2)
    assert body["subject"] == {"kind": "project", "id": project["id"], "version": 1}
    assert body["action"] == {
        "name": "submit",
        "from": "draft",
        "to": None,
        "rule": ["R11:applicant_attested"],
        "override": [],
        "definition": project["definition_hash"],
        "policy": project["policy_hash"],
    }
    assert body["changes"] == [{"path": "/problem", "old": None, "new": "rules-unmet"}]
    entry = read_entries(database, f"project/{project['id']}")[-1]
    assert after == {**after, **project, "head_seq": 2, "head_hash": entry["leaf"]}
    with database.reading() as tx:
        assert drift(tx, project["id"]) == []


def test_a_dry_run_writes_nothing_at_all(database: Database, log: Log, project: Row) -> None:
    before = contents(database)
    with database.transaction() as tx:  # one that commits, so that anything written would stay
        doer = applicant(project)
        assert try_transition(tx, doer, project["id"], submission(project)).allowed
        assert not try_transition(tx, doer, project["id"], Request("submit")).allowed
        assert not try_transition(tx, doer, project["id"], Request("nonsense")).allowed
        with pytest.raises(Conflict):
            try_transition(tx, doer, project["id"], submission(project, expected_version=9))
        with pytest.raises(Unreadable):
            try_transition(tx, doer, project["id"], submission(project, reason="a\x00"))
        transition.offered_transitions(tx, doer, project["id"])
    assert contents(database) == before


def test_a_key_gives_the_first_answer_again_and_no_other_request_its_place(
    database: Database, log: Log, project: Row
) -> None:
    doer, good = applicant(project), submission(project)
    first = door(database, log, doer, project["id"], good, "key-1")
    done = contents(database)
    again = door(database, log, doer, project["id"], good, "key-1")
    assert (type(again), again.to_dict()) == (Remembered, first.to_dict())
    assert contents(database) == done
    other = replace(good, reason="另一理由")
    refused(KeyReused, lambda: door(database, log, doer, project["id"], other, "key-1"))
    assert last_body(database, project["id"])["outcome"] == "failed"
    handler = caller("handler", at(JULY))  # another person's key is another key
    refused(NotOffered, lambda: door(database, log, handler, project["id"], good, "key-1"))


def test_of_the_same_refused_request_twice_at_once_under_one_key_both_are_refused(
    database: Database, log: Log, project: Row
) -> None:
    doer, lacking = applicant(project), submission(project, documents={})

    def send() -> object:
        return door(database, log, doer, project["id"], lacking, "key-1")

    def send_twice() -> None:
        asked = {"project": project["id"], "request": lacking}
        with attempt(database, log, doer, ("project", project["id"]), "submit", "key-1", asked) as tx:
            first = refused(RulesUnmet, lambda: transition_project(tx, log, doer, project["id"], lacking, "key-1"))
            tx.driver.rollback()  # the lock is given back here, and the refusal is not in the log yet
            refused(RulesUnmet, send)
            raise first

    refused(RulesUnmet, send_twice)
    done = contents(database)
    assert (len(done["answer"]), refused(RulesUnmet, send).remembered) == (1, True)
    assert contents(database) == done


def test_the_key_of_a_refused_request_gives_the_refusal_again_without_a_second_entry(
    database: Database, log: Log, project: Row
) -> None:
    doer, lacking = applicant(project), submission(project, documents={})
    first = refused(RulesUnmet, lambda: door(database, log, doer, project["id"], lacking, "key-1"))
    act(database, log, project["id"], "waive")
    done = contents(database)
    again = refused(RulesUnmet, lambda: door(database, log, doer, project["id"], lacking, "key-1"))
    assert (again.to_dict(), again.remembered) == (first.to_dict(), True)
    assert contents(database) == done


def test_a_key_that_cannot_be_one_is_unreadable(database: Database, log: Log, project: Row) -> None:
    for key in ("", " ", "a b", "k" * 201, "钥匙", "a\n"):
        refused(Unreadable, lambda k=key: door(database, log, applicant(project), project["id"], Request("submit"), k))
    assert read_project(database, project["id"])["version"] == 1


def test_a_revocation_takes_two_persons_and_the_first_leaves_only_a_signature(
    database: Database, log: Log, project: Row
) -> None:
    before = builders.drive(database, log, project["id"], "published")
    day = date(2024, 10, 8)
    first = act(database, log, project["id"], "revoke", on=day)
    signed = read_project(database, project["id"])
    assert (first.awaiting_second_person, first.source, first.target) == (True, "published", "published")
    assert signed["pending"]["actor"] == "handler"
    moved = {"version": before["version"] + 1, "head_seq": before["head_seq"] + 1, "changed_at": at(day)}
    assert signed == {**before, **moved, "pending": signed["pending"], "head_hash": signed["head_hash"]}
    assert last_body(database, project["id"])["type"] == "project.signed"
    same = refused(RulesUnmet, lambda: act(database, log, project["id"], "revoke", on=day))
    assert [finding.check for finding in same.findings if finding.blocks] == ["another_person"]
    other = {"revocation_finding": "另一认定"}
    unlike = refused(
        RulesUnmet, lambda: act(database, log, project["id"], "revoke", on=day, role="division_head", fields=other)
    )
    assert [finding.check for finding in unlike.findings if finding.blocks] == ["same_as_signed"]
    second = act(database, log, project["id"], "revoke", on=day, role="leader", fields={}, reason=None)
    after = read_project(database, project["id"])
    assert (second.awaiting_second_person, after["state"], after["pending"]) == (False, "revoked", None)
    assert after["record"]["revocation_finding"] == "材料造假"
    with database.reading() as tx:
        assert drift(tx, project["id"]) == []


def test_another_act_in_between_drops_the_first_signature(database: Database, log: Log, project: Row) -> None:
    builders.drive(database, log, project["id"], "published")
    day = date(2025, 2, 10)
    act(database, log, project["id"], "revoke", on=day)
    act(database, log, project["id"], "report_progress", on=day)
    assert read_project(database, project["id"])["pending"] is None
    assert act(database, log, project["id"], "revoke", on=day, role="leader").awaiting_second_person
    with database.reading() as tx:
        assert drift(tx, project["id"]) == []


def test_waived_rules_are_named_in_the_entry(database: Database, log: Log, batch: Row) -> None:
    third, fourth = (Member(f"成员{n}", builders.credit_code(90 + n), UnitRole.OTHER) for n in (1, 2))
    filed = builders.application(1)
    (row,) = builders.create_projects(database, log, batch, [replace(filed, members=(*filed.members, third, fourth))])
    unmet = refused(RulesUnmet, lambda: act(database, log, row["id"], "submit"))
    assert [finding.rule for finding in unmet.findings if finding.blocks] == ["R03"]
    asked = refused(
        RulesUnmet, lambda: act(database, log, row["id"], "submit", override=frozenset({"R03"}), reason="x")
    )
    assert {f.check for f in asked.findings if f.blocks} == {"override_permitted", "member_count"}
    act(database, log, row["id"], "waive", on=JULY, fields={"waived_rules": ["R03"]})
    assert act(database, log, row["id"], "submit").decision.overridden == ("R03",)
    assert last_body(database, row["id"])["action"]["override"] == ["R03"]


def test_a_rule_set_aside_with_a_reason_is_named_in_the_entry(database: Database, log: Log, project: Row) -> None:
    builders.drive(database, log, project["id"], "city_recommended")
    leader = caller("leader", at(date(2024, 8, 1)))
    with database.transaction() as tx:
        strict = builders.POLICY_TEXT.replace("max_members = 3", "max_members = 1")
        names = versions.add_version(tx, caller("handler"), builders.DEFINITION_TEXT, strict)
    with database.transaction() as tx:
        versions.move_project(tx, log, leader, project["id"], *names, {}, REASON)
    for reason, unmet in ((None, {"override_permitted", "member_count"}), (REASON, {"member_count"})):
        rules = frozenset({"R05"}) if reason else frozenset({"R03"})
        raised = refused(
            RulesUnmet,
            lambda r=reason, o=rules: act(database, log, project["id"], "accept_filing", reason=r, override=o),
        )
        assert {finding.check for finding in raised.findings if finding.blocks} == unmet
    done = act(database, log, project["id"], "accept_filing", reason=REASON, override=frozenset({"R03", "R05"}))
    assert done.decision.overridden == ("R03",)
    assert last_body(database, project["id"])["action"]["override"] == ["R03"]


def test_a_backdated_act_is_recorded_now_and_dated_then(database: Database, log: Log, project: Row) -> None:
    builders.drive(database, log, project["id"], "city_recommended")
    then, now = date(2024, 8, 6), at(date(2024, 8, 20))
    row = read_project(database, project["id"])
    request = replace(builders.request_for("accept_filing", row), on=then)
    handler = caller("handler", now)
    unmet = refused(RulesUnmet, lambda: door(database, log, handler, row["id"], request))
    assert [finding.check for finding in unmet.findings if finding.blocks] == ["backdating_permitted"]
    door(database, log, handler, row["id"], replace(request, reason=REASON))
    after, body = read_project(database, row["id"]), last_body(database, row["id"])
    assert (after["entered_on"], after["changed_at"], body["at"]) == (then, now, "2024-08-20T01:00:00.000000Z")
    assert {"path": "/entered_on", "old": "2024-07-25", "new": "2024-08-06"} in body["changes"]
    early = replace(builders.request_for("pass_review", row), on=then - timedelta(days=1), reason=REASON)
    unmet = refused(RulesUnmet, lambda: door(database, log, handler, row["id"], early))
    assert [finding.check for finding in unmet.findings if finding.blocks] == ["date_possible"]
