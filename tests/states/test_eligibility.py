"""Owns the proof that an assessment judges every rule of the application, in order."""

from cases import (
    CALENDAR,
    DEFINITION,
    EVENT_ON,
    LEAD,
    POLICY,
    act,
    application,
    arrow,
    case,
    facts,
    policy_with,
)

from states.definition import LifecycleDefinition
from states.eligibility import assess
from states.facts import Facts, Room
from states.findings import Finding, Kind
from states.policy import Policy

RULES_OF_SUBMIT = list(arrow("submit").rules)


def assessed(found: Facts | None = None, policy: Policy = POLICY, **changes: object) -> list[Finding]:
    return assess(DEFINITION, policy, CALENDAR, found or case().facts, act("submit", **changes))


def unmet(findings: list[Finding]) -> list[str]:
    return [finding.check for finding in findings if not finding.met]


def test_a_valid_application_meets_every_rule_of_submission_in_the_definitions_order():
    findings = assessed()
    assert [finding.check for finding in findings] == RULES_OF_SUBMIT
    assert unmet(findings) == []
    assert len({finding.rule for finding in findings}) == 12


def test_every_unmet_rule_is_told_at_once():
    poor = application(LEAD, investment_fen=1, city="370200")
    findings = assessed(facts(application=poor, record={}, room=case().facts.room))
    assert unmet(findings) == [
        "landing_manufacturer",
        "agreement_complete",
        "investment_sufficient",
        "no_prior_provincial_funding",
        "vetoes_clear",
        "applicant_attested",
        "filed_with_city_of_lead",
    ]
    assert all(finding.blocks for finding in findings if not finding.met)


def test_the_acts_own_fields_and_documents_count():
    whole = case().facts
    record = dict(whole.record)
    attested = record.pop("attested")
    documents = {kind: held for kind, held in whole.documents.items() if kind != "consortium_agreement"}
    bare = facts(record=record, documents=documents, room=whole.room)
    assert unmet(assessed(bare)) == ["agreement_complete", "applicant_attested"]
    given = {"fields": {"attested": attested}, "documents": {"consortium_agreement": {"id": "d2"}}}
    assert unmet(assessed(bare, **given)) == []
    assert "attested" not in bare.record


def test_the_room_is_judged_as_the_filed_project_would_take_it():
    full = case(room={("provider_projects", LEAD.credit_code): Room(2, 2)}).facts
    assert unmet(assessed(full)) == ["provider_project_count"]


def test_a_project_already_filed_is_not_counted_twice():
    room = {("provider_projects", LEAD.credit_code): Room(2, 2)}
    filed = case("recommend", room=room).facts
    assert unmet(assessed(filed, on=EVENT_ON["recommend"])) == []


def test_the_findings_show_clause_and_kind():
    count = next(finding for finding in assessed() if finding.check == "member_count")
    assert (count.rule, count.clause, count.kind, count.seen, count.threshold) == (
        "R03",
        "二(一)",
        Kind.SOFT,
        3,
        3,
    )
    assert count.to_dict()["message"]["en"] == (
        "In principle a consortium has at most 3 members, the lead counted; this one has 3. "
        "The province may allow more with a written reason."
    )


def test_the_policys_own_thresholds_judge():
    assert unmet(assessed(policy=policy_with("R03", max_members=2))) == ["member_count"]


def test_an_arrow_of_another_mode_is_left_out_and_a_rule_named_twice_is_judged_once():
    again = arrow("submit").model_copy(update={"event": "submit_again", "rules": ("member_count",)})
    other = arrow("submit").model_copy(update={"modes": ("windows",), "rules": ("rank_free",)})
    more: LifecycleDefinition = DEFINITION.model_copy(update={"transitions": (*DEFINITION.transitions, again, other)})
    findings = assess(more, POLICY, CALENDAR, case().facts, act())
    assert [finding.check for finding in findings] == RULES_OF_SUBMIT
