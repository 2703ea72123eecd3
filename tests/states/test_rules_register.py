"""Owns the proof that the register is whole, that sentences can be shown and that no rule ever raises."""

import json
import string

import pytest
from cases import (
    DEFINITION,
    DOCUMENTS,
    LANDING,
    LEAD,
    OTHER,
    POLICY,
    RECORD,
    WINDOWS,
    application,
    case,
    facts,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from states.findings import Kind
from states.rules import RULES, Case
from states.rules.rule import rule

NAMED = {name for transition in DEFINITION.transitions for name in transition.rules}
JUDGED_EVENTS = [
    (event, policy)
    for policy in (POLICY, WINDOWS)
    for event in sorted({found.event for found in DEFINITION.transitions if found.rules})
]
robust = settings(derandomize=True, deadline=None, max_examples=150)


def test_every_rule_that_the_definition_names_is_registered_and_every_registered_rule_is_named():
    assert set(RULES) == NAMED
    assert len(RULES) == 65


def test_every_rule_serves_a_rule_of_the_programme_under_its_clause():
    clauses = {entry.rule: set() for entry in RULES.values()}
    for entry in RULES.values():
        clauses[entry.rule].add(entry.clause)
    assert clauses == {
        "R01": {"二(一)"},
        "R02": {"二(一)"},
        "R03": {"二(一)"},
        "R04": {"二(一)"},
        "R05": {"二(二)"},
        "R06": {"二(二)"},
        "R07": {"二(三)"},
        "R08": {"二(三)"},
        "R09": {"二(四)"},
        "R10": {"三(一)", "CFG"},
        "R11": {"三(一)"},
        "R12": {"三(一)"},
        "R13": {"三(二)"},
        "R14": {"三(二)"},
        "R15": {"三(二)"},
        "R16": {"三(二)"},
        "R17": {"三(三)", "CFG"},
        "R18": {"三(三)", "CFG"},
        "R19": {"CFG"},
        "R20": {"三(四)"},
        "R21": {"三(四)", "CFG"},
        "R22": {"CFG"},
        "R23": {"CFG"},
        "R24": {"三(五)"},
        "R25": {"三(五)"},
        "R26": {"fund rules art. 2"},
        "R27": {"CFG"},
    }


def test_only_the_rules_in_principle_are_soft_and_only_quota_package_and_window_are_waivable():
    kinds = {name: entry.kind for name, entry in RULES.items() if entry.kind is not Kind.HARD}
    assert kinds == {
        "member_count": Kind.SOFT,
        "provider_project_count": Kind.SOFT,
        "manufacturer_project_count": Kind.SOFT,
        "not_shortlisted_before": Kind.SOFT,
        "within_city_quota": Kind.WAIVABLE,
        "package_in_time": Kind.WAIVABLE,
        "window_open": Kind.WAIVABLE,
        "calls_answered": Kind.NOTE,
        "indicators_reached": Kind.NOTE,
    }


def test_a_rule_says_which_surroundings_it_reads():
    assert {name: entry.reads for name, entry in RULES.items() if entry.reads} == {
        "provider_project_count": {"room"},
        "manufacturer_project_count": {"room"},
        "within_city_quota": {"room"},
        "within_group_limit": {"room"},
        "within_budget": {"room"},
        "room_to_return": {"room"},
        "not_shortlisted_before": {"shortlist"},
        "task_on_the_list": {"task"},
        "rank_free": {"ranks"},
        "panel_concluded": {"panels"},
        "reserve_rank_free": {"reserves"},
        "objections_decided": {"objections"},
        "evaluation_concluded": {"panels"},
        "acceptance_evaluated": {"panels"},
        "package_received": {"package"},
    }


def test_two_rules_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two rules are named member_count"):
        rule("R03", "二(一)", Kind.SOFT, "甲", "a")(RULES["member_count"].judge)


@pytest.mark.parametrize(("event", "policy"), JUDGED_EVENTS)
def test_the_valid_case_of_each_act_meets_all_its_rules(event, policy):
    valid = case(event, policy=policy)
    assert [name for name in valid.transition.rules if not RULES[name].evaluate(valid).met] == []


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_rules_sentences_name_only_what_was_seen_and_the_threshold(name):
    for sentence in RULES[name].text:
        places = {place for _, place, _, _ in string.Formatter().parse(sentence) if place is not None}
        assert places <= {"seen", "threshold"}
        assert "seen" in places


def shown(judged: Case, name: str) -> dict[str, object]:
    finding = RULES[name].evaluate(judged).to_dict()
    assert json.loads(json.dumps(finding)) == finding
    assert "{" not in finding["message"]["zh"] + finding["message"]["en"]
    return finding


@pytest.mark.parametrize(("event", "policy"), JUDGED_EVENTS)
def test_a_sentence_is_filled_in_both_languages_where_the_rule_is_met_and_where_it_is_not(event, policy):
    valid = case(event, policy=policy)
    bare = Case(DEFINITION, policy, valid.calendar, facts(record={}, documents={}), valid.act)
    for name in valid.transition.rules:
        assert shown(valid, name)["met"] is True
        assert shown(bare, name)["message"]["zh"] != ""


@robust
@given(
    st.sampled_from(JUDGED_EVENTS),
    st.sets(st.sampled_from(sorted([*RECORD, "veto_checks"]))),
    st.sets(st.sampled_from(sorted(DOCUMENTS))),
    st.sets(st.sampled_from([LEAD, LANDING, OTHER])),
    st.booleans(),
)
def test_no_rule_raises_whatever_is_missing_from_record_documents_members_or_room(
    judged_event, missing, kinds, members, roomless
):
    event, policy = judged_event
    whole = facts()
    record = {name: value for name, value in whole.record.items() if name not in missing}
    documents = {kind: value for kind, value in DOCUMENTS.items() if kind not in kinds}
    filed = application(members=tuple(sorted(members, key=lambda unit: unit.name)))
    judged = case(event, policy=policy, application=filed, documents=documents)
    left = {"record": record, "documents": documents, "application": filed, "state": judged.facts.state}
    bare = facts(**left, room={} if roomless else judged.facts.room)
    lame = Case(
        DEFINITION,
        policy,
        judged.calendar,
        bare,
        judged.act,
        judged.transition,
        None,
        judged.held,
        judged.wanted,
    )
    for name in RULES:
        shown(lame, name)


def test_no_rule_raises_on_an_empty_record_without_a_transition():
    bare = facts(record={}, documents={}, application=application(members=(), city="", task_code=""))
    for event, policy in JUDGED_EVENTS:
        for name in RULES:
            shown(Case(DEFINITION, policy, case(event, policy=policy).calendar, bare, case(event).act), name)
