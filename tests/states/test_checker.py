"""Owns the proof that the checker finds what is wrong: each fault is planted in the real files and found by code."""

import pytest
from cases import DEFINITION, POLICY
from planting import DEFINITION_TEXT, POLICY_TEXT, a_state, an_arrow, an_invariant, found, planted, swap

from states.checker import NOT_DEADLINES, check, check_all, check_policy, check_texts, explore, unused_rules
from states.policy import read_policy

UNKNOWN = [
    ("state", "definition.initial", [('initial = "draft"', 'initial = "drafts"')]),
    ("state", "transitions.publish.1.source", [("publish", 1, '["in_publicity"]', '["in_publicity", "nowhere"]')]),
    ("state", "transitions.nod.1.target", [(an_arrow("nod", "draft", "nowhere"),)]),
    ("state", "invariants.planted.states", [(an_invariant("must_hold", 'states = ["x"]\ncapacity = "budget"'),)]),
    ("state", "invariants.planted.visited", [
        (an_invariant("visited_before", 'states = ["closed"]\nvisited = ["x"]'),)]),
    ("event", "invariants.planted.event", [(an_invariant("two_persons", 'event = "x"'),)]),
    ("event", "invariants.planted.other", [(an_invariant("two_persons", 'event = "close"\nother = "x"'),)]),
    ("flag", "invariants.planted.flag", [(an_invariant("never_with_flag", 'states = ["closed"]\nflag = "x"'),)]),
    ("capacity", "invariants.planted.capacity", [
        (an_invariant("must_hold", 'states = ["closed"]\ncapacity = "x"'),)]),
    ("mode", "invariants.planted.modes", [
        (an_invariant("must_hold", 'states = ["closed"]\ncapacity = "budget"\nmodes = ["x"]'),)]),
    ("phase", "states.odd.phase", [(a_state("odd").replace("exits", "x"),), (an_arrow("nod", "odd", "removed"),),
                                  (an_arrow("nid", "draft", "odd"),)]),
    ("capacity", "states.not_selected.holds", [
        ('final = true\nholds = ["city_quota", "group_tasks"]\n\n[states.in_publicity]',
         'final = true\nholds = ["city_quota", "group_tasks", "x"]\n\n[states.in_publicity]')]),
    ("checkpoint", "states.tier_proposed.checkpoints", [
        ('"reward_publicity_end"]', '"reward_publicity_end", "x"]')]),
    ("mode", "states.published.mode_checkpoints", [
        ("mode_checkpoints = { windows = [", "mode_checkpoints = { x = [], windows = [")]),
    ("checkpoint", "states.published.mode_checkpoints.windows", [
        ("mode_checkpoints = { windows = [", 'mode_checkpoints = { windows = ["x", ')]),
    ("role", "states.draft.amendable_by", [
        ('["city_cutoff"]\namendable_by = ["applicant",', '["city_cutoff"]\namendable_by = ["x",')]),
    ("role", "fields.objector_name.hidden_from", [
        ('en = "objector", type = "text", sensitive = true, hidden_from = ["applicant"',
         'en = "objector", type = "text", sensitive = true, hidden_from = ["x"')]),
    ("role", "transitions.close.1.by", [("close", 1, '["province"]', '["province", "x"]')]),
    ("rule", "transitions.close.1.rules", [("close", 1, '["paid_as_granted"]', '["paid_as_granted", "x"]')]),
    ("field", "transitions.grant_reward.1.fields", [("grant_reward", 1, '["grant_number"]', '["x", "grant_number"]')]),
    ("field", "transitions.publish.1.optional", [("publish", 1, '["veto_checks"]', '["veto_checks", "x"]')]),
    ("field", "transitions.publish.1.stamps", [("publish", 1, '["published_on"]', '["published_on", "x"]')]),
    ("field", "transitions.extend.1.counts", [("extend", 1, '["extensions"]', '["extensions", "x"]')]),
    ("field", "transitions.resume.1.elapsed", [("resume", 1, '_days = "suspended_on"', '_days = "x"')]),
    ("field", "transitions.resume.1.drops", [("resume", 1, '["suspended_on"]', '["suspended_on", "x"]')]),
    ("document", "transitions.close.1.documents", [("close", 1, '["payment_voucher"', '["x", "payment_voucher"')]),
    ("document", "transitions.submit.1.optional_documents", [
        ("submit", 1, '["group_letter"]', '["group_letter", "x"]')]),
    ("flag", "transitions.approve_change.1.requires", [
        ("approve_change", 1, 'requires = ["change_pending"]', 'requires = ["change_pending", "x"]')]),
    ("flag", "transitions.publish.1.forbids", [("publish", 1, '["objection_open"]', '["objection_open", "x"]')]),
    ("flag", "transitions.suspend.1.sets", [("suspend", 1, 'sets = ["suspended"]', 'sets = ["suspended", "x"]')]),
    ("flag", "transitions.resume.1.clears", [("resume", 1, 'clears = ["suspended"]', 'clears = ["suspended", "x"]')]),
    ("event", "transitions.grant_reward.1.not_by", [("grant_reward", 1, '["propose_tier"]', '["propose_tier", "x"]')]),
    ("mode", "transitions.lapse.1.modes", [("lapse", 1, '["sequential"]', '["sequential", "x"]')]),
    ("key", "capacities.budget.key", [
        ('key = "whole", measure = "reward_fen"', 'key = "x", measure = "reward_fen"')]),
    ("measure", "capacities.budget.measure", [
        ('key = "whole", measure = "reward_fen"', 'key = "whole", measure = "x"')]),
    ("capacity", "capacities.paid_budget.pool", [('pool = "budget"', 'pool = "x"')]),
    ("checkpoint", "checkpoints.one_year_grace_ends.after", [('after = "one_year_ends"', 'after = "x"')]),
    ("field", "checkpoints.publicity_end.typed", [('typed = "publicity_ends_on"', 'typed = "x"')]),
    ("field", "checkpoints.progress_call.done", [('done = "progress_calls"', 'done = "x"')]),
    ("field", "checkpoints.rectification_due.stood", [('stood = "rectification_days_suspended"', 'stood = "x"')]),
    ("role", "documents.objection_material.hidden_from", [
        ('en = "objection material", hidden_from = ["applicant"', 'en = "objection material", hidden_from = ["x"')]),
    ("field", "checkpoints.payment_due.anchor", [('"record.granted_on"', '"record.x"')]),
    ("anchor", "checkpoints.payment_due.anchor", [('"record.granted_on"', '"memory.granted_on"')]),
    ("role", "dockets.publication.by", [
        ('by = ["province"]\nevents = ["publish"]', 'by = ["province", "x"]\nevents = ["publish"]')]),
    ("role", "dockets.recommendation.received_by", [
        ('received_by = ["province"]', 'received_by = ["province", "x"]')]),
    ("event", "dockets.publication.events", [('events = ["publish"]', 'events = ["publish", "x"]')]),
    ("event", "dockets.recommendation.returns", [('returns = "return_for_correction"', 'returns = "x"')]),
    ("field", "dockets.reward_grant.header", [('header = ["grant_number"]', 'header = ["grant_number", "x"]')]),
    ("field", "dockets.reward_proposal.awards", [('tier = "tier", amount', 'tier = "x", amount')]),
    ("event", "dockets.reward_proposal.awards.otherwise", [('otherwise = "decline_reward"', 'otherwise = "x"')]),
    ("capacity", "dockets.reward_proposal.awards.capacity", [('capacity = "budget" }', 'capacity = "x" }')]),
    ("field", "dockets.recommendation.ranked", [('ranked = "rank"', 'ranked = "x"')]),
    ("document", "dockets.recommendation.documents", [
        ('documents = ["recommendation_document", ', 'documents = ["x", "recommendation_document", ')]),
    ("event", "objections.records", [('records = "object"', 'records = "x"')]),
    ("event", "dockets.recommendation.late", [('late = { event = "waive"', 'late = { event = "x"')]),
    ("setting", "dockets.recommendation.due", [('due = "R16.package_due_on"', 'due = "R16.x"')]),
    ("setting", "checkpoints.rectification_due.months", [('"R22.months"', '"R22.x"'),]),
    ("setting", "capacities.group_tasks.ceiling", [('"R15.max_tasks"', '"copy.x"')]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "place", "edits"), UNKNOWN, ids=[f"{kind} in {place}" for kind, place, _ in UNKNOWN])
def test_a_name_that_is_not_declared_is_found_where_it_stands(kind, place, edits):
    faults = found(check(planted(*edits), POLICY))
    months = place == "checkpoints.rectification_due.months"
    lost = [("deadline_without_checkpoint", "rules.R22.months")] if months else []
    assert faults == [(f"unknown_{kind}", place), *lost]


UNUSED = [
    ("phase", "phases.idle", 'exits = { zh = "退出"', 'idle = { zh = "甲", en = "a" }\nexits = { zh = "退出"'),
    ("field", "fields.idle", "[fields]\n", '[fields]\nidle = { zh = "甲", en = "a", type = "text" }\n'),
    ("document", "documents.idle", "[documents]\n", '[documents]\nidle = { zh = "甲", en = "a" }\n'),
    ("flag", "flags.idle", "[flags]\n", '[flags]\nidle = { zh = "甲", en = "a" }\n'),
    ("capacity", "capacities.paid_budget", '"group_tasks", "paid_budget"]', '"group_tasks"]'),
    ("checkpoint", "checkpoints.objection_finding_due", 'checkpoints = ["objection_finding_due"]\n', ""),
]


@pytest.mark.parametrize(("kind", "place", "old", "new"), UNUSED, ids=[row[0] for row in UNUSED])
def test_what_is_declared_and_never_used_is_found(kind, place, old, new):
    assert found(check(planted((old, new)), POLICY)) == [(f"unused_{kind}", place)]


def test_a_capacity_that_another_one_draws_from_is_used():
    purse = 'purse = { zh = "甲", en = "a", scope = "batch", key = "whole", measure = "one", ceiling = "imported" }'
    definition = planted(("[capacities]\n", f"[capacities]\n{purse}\n"), ('pool = "budget"', 'pool = "purse"'))
    assert check(definition, POLICY) == []


def test_a_rule_that_no_definition_names_is_found():
    definition = planted(
        ("close", 1, 'rules = ["paid_as_granted"]\n', ""), ("record_payment", 1, '"paid_as_granted"', "")
    )
    assert found(unused_rules([definition])) == [("unused_rule", "rules.paid_as_granted")]
    assert unused_rules([definition, DEFINITION]) == []


SHAPES = [
    ("field_type", "transitions.publish.1.stamps", [("publish", 1, '["published_on"]', '["published_on", "tier"]')]),
    ("field_type", "transitions.extend.1.counts", [("extend", 1, '["extensions"]', '["extensions", "tier"]')]),
    ("field_type", "transitions.resume.1.elapsed", [("resume", 1, '_days = "suspended_on"', '_days = "tier"')]),
    ("field_type", "checkpoints.publicity_end.typed", [('typed = "publicity_ends_on"', 'typed = "tier"')]),
    ("field_type", "checkpoints.payment_due.anchor", [('"record.granted_on"', '"record.tier"')]),
    ("field_type", "checkpoints.progress_call.done", [('done = "progress_calls"', 'done = "tier"')]),
    ("field_type", "checkpoints.rectification_due.stood", [
        ('stood = "rectification_days_suspended"', 'stood = "tier"')]),
    ("field_type", "fields.tier.gathers", [
        ('en = "tier", type = "codes"', 'en = "tier", type = "text", gathers = true')]),
    ("never_on_record", "checkpoints.progress_call.done", [
        ("report_progress", 1, 'answers = { progress_calls = "progress_call" }\n', "")]),
    ("checkpoint_shape", "checkpoints.progress_call", [('repeat = "R20.calls", ', "")]),
    ("never_on_record", "checkpoints.payment_due.anchor", [("grant_reward", 1, 'stamps = ["granted_on"]\n', "")]),
    ("never_on_record", "checkpoints.publicity_end.typed", [
        ("start_publicity", 1, 'optional = ["publicity_ends_on"]\n', ""),
        ('"publicity_starts_on", "publicity_ends_on"]', '"publicity_starts_on"]')]),
    ("round_without_checkpoint", "transitions.nod.1.round", [
        (an_arrow("nod", "draft", "removed", 'round = "spring"'),)]),
    ("checkpoint_shape", "checkpoints.one_year_grace_ends", [
        ('after = "one_year_ends"', 'after = "one_year_grace_ends"')]),
    ("checkpoint_shape", "checkpoints.package_due", [('anchor = "policy.R16.package_due_on", ', "")]),
    ("checkpoint_shape", "checkpoints.correction_due", [('counting = "correction.counting", ', "")]),
    ("checkpoint_shape", "checkpoints.one_year_grace_ends", [
        ('after = "one_year_ends",', 'after = "one_year_ends", months = "R22.months",')]),
    ("checkpoint_shape", "checkpoints.package_due", [
        ('package_due_on", rolls', 'package_due_on", repeat = "R20.calls", rolls')]),
    ("checkpoint_twice", "states.draft.checkpoints", [
        ('checkpoints = ["city_cutoff"]', 'checkpoints = ["city_cutoff", "city_cutoff"]')]),
    ("invariant_incomplete", "invariants.planted", [(an_invariant("must_hold", 'states = ["closed"]'),)]),
    ("setting_type", "checkpoints.publicity_end.counting", [('counting = "R18.counting"', 'counting = "R18.days"')]),
    ("setting_type", "checkpoints.payment_due.months", [('months = "R27.payment_months"', 'months = "R21.mode"')]),
    ("final_left_by_one", "transitions.nod.1.source", [(an_arrow("nod", "closed", "rewarded"),)]),
    ("nobody_may", "transitions.nod.1.by", [(an_arrow("nod", "draft", "removed").replace("province", "expert"),)]),
    ("requires_and_forbids", "transitions.nod.1.requires", [
        (an_arrow("nod", "published", "removed", 'requires = ["suspended"]\nforbids = ["suspended"]'),)]),
    ("flag_never_set", "transitions.reject_extension.1.requires", [
        ("request_extension", 1, 'sets = ["extension_pending"]\n', ""),
        ("request_extension", 2, 'sets = ["extension_pending"]\n', "")]),
    ("two_could_apply", "transitions.publish.2.source", [(an_arrow("publish", "in_publicity", "removed"),)]),
    ("unreachable_state", "states.odd", [(a_state("odd"),), (an_arrow("nod", "odd", "removed"),)]),
    ("source_unreachable", "transitions.nod.1.source", [
        (a_state("odd"),), (an_arrow("nid", "draft", "odd", 'modes = ["windows"]'),),
        (an_arrow("nod", "odd", "removed", 'modes = ["sequential"]'),), (an_arrow("nud", "odd", "removed"),)]),
    ("not_taken", "dockets.publication.header", [
        ('header = ["publication_number"]', 'header = ["publication_number", "tier"]')]),
    ("not_in_header", "dockets.publication.public", [('public = ["publication_number"]', 'public = ["tier"]')]),
    ("not_taken", "dockets.reward_proposal.awards", [('score = "evaluation_score"', 'score = "review_score"')]),
    ("docket_incomplete", "dockets.reward_proposal.awards.otherwise", [
        ('otherwise = "decline_reward"', 'otherwise = "publish"')]),
    ("not_taken", "dockets.recommendation.ranked", [('ranked = "rank"', 'ranked = "extensions"')]),
    ("field_type", "dockets.recommendation.ranked", [('ranked = "rank"', 'ranked = "city_opinion"')]),
    ("not_bulk", "dockets.publication.events", [('events = ["publish"]', 'events = ["publish", "revoke"]')]),
    ("role_may_not", "dockets.recommendation.events", [
        ('events = ["recommend"]', 'events = ["recommend", "publish"]')]),
    ("role_may_not", "dockets.recommendation.returns", [
        ('received_by = ["province"]', 'received_by = ["auditor"]'),
        ('late = { event = "waive", fields = { waived_rules = ["R16"] } }\n', "")]),
    ("not_taken", "dockets.recommendation.late", [('fields = { waived_rules', 'fields = { tier')]),
    ("setting_type", "dockets.recommendation.due", [('due = "R16.package_due_on"', 'due = "R16.paper_copies"')]),
    ("docket_incomplete", "dockets.recommendation", [('returns = "return_for_correction"\n', "")]),
    ("never_taken", "transitions.nod.1.source", [
        (an_arrow("nod", "in_publicity", "removed", 'requires = ["suspended"]'),)]),
]  # fmt: skip


BESIDE = ("deadline_without_checkpoint", "private_place")  # what the policy then lacks, or names too much of


@pytest.mark.parametrize(("code", "place", "edits"), SHAPES, ids=[f"{code} in {place}" for code, place, _ in SHAPES])
def test_a_planted_fault_is_found_by_its_code_where_it_stands(code, place, edits):
    faults = [fault for fault in check(planted(*edits), POLICY) if fault.code not in BESIDE]
    times = 3 if code == "round_without_checkpoint" else 1
    assert found(faults) == [(code, place)] * times


def test_the_bundled_definitions_policies_and_rules_have_no_fault():
    report = check_all()
    assert {file: [str(fault) for fault in faults] for file, faults in report.faults.items()} == {
        file: [] for file in report.faults
    }
    assert report.sound
    assert {"definitions/gongfu-pilot-1.toml", "policies/sd-gongfu-2024-2.toml", "rules"} <= set(report.faults)
    assert report.explored[DEFINITION.name] == {mode: explore(DEFINITION, mode) for mode in DEFINITION.definition.modes}


POLICIES = [
    ("unknown_mode", "rules.R21.mode", 'mode = "sequential"', 'mode = "yearly"'),
    ("policy_for_another", "policy.definition", '"gongfu-pilot/1"', '"gongfu-pilot/9"'),
    ("unknown_state", "panels.review.states", 'states = ["under_review"]', 'states = ["x"]'),
    ("unknown_field", "panels.review.field", 'field = "review_score"', 'field = "x"'),
    ("field_type", "panels.review.field", 'field = "review_score"', 'field = "review_minutes_number"'),
    ("unknown_ownership", "rules.R14.exempt", 'exempt = ["central_in_shandong"', 'exempt = ["x"'),
    ("unknown_ownership", "rules.R14.letter_for", 'letter_for = ["provincial_soe"]', 'letter_for = ["x"]'),
    ("unknown_document", "rules.R14.letter_document", 'letter_document = "group_letter"', 'letter_document = "x"'),
]


@pytest.mark.parametrize(("code", "place", "old", "new"), POLICIES, ids=[row[1] for row in POLICIES])
def test_a_policy_that_does_not_fit_its_definition_is_found(code, place, old, new):
    assert found(check_policy(DEFINITION, read_policy(swap(POLICY_TEXT, old, new)))) == [(code, place)]


DEADLINES = [
    ("R16.city_cutoff_on", [('anchor = "policy.R16.city_cutoff_on"', 'anchor = "policy.R16.package_due_on"')]),
    ("R18.days", [('days = "R18.days"', 'days = "correction.days"')]),
    ("R22.months", [('months = "R22.months"', 'months = "R27.payment_months"')]),
]


@pytest.mark.parametrize(("setting", "edits"), DEADLINES, ids=[row[0] for row in DEADLINES])
def test_a_deadline_of_the_policy_that_no_checkpoint_is_computed_from_is_found(setting, edits):
    assert found(check(planted(*edits), POLICY)) == [("deadline_without_checkpoint", f"rules.{setting}")]


def test_every_setting_excused_from_a_checkpoint_exists_and_says_why():
    assert all(isinstance(POLICY.setting(path), int) and reason for path, reason in NOT_DEADLINES.items())


def test_a_file_that_cannot_be_read_is_reported_and_the_others_are_checked():
    report = check_texts(
        {"a.toml": "x = ", "b.toml": DEFINITION_TEXT, "c.toml": DEFINITION_TEXT},
        {"p.toml": POLICY_TEXT, "q.toml": swap(POLICY_TEXT, '"gongfu-pilot/1"', '"gone/1"')},
    )
    assert not report.sound
    assert {file: found(faults) for file, faults in report.faults.items()} == {
        "definitions/a.toml": [("unreadable", "definitions/a.toml")],
        "definitions/b.toml": [],
        "definitions/c.toml": [("name_taken", "definitions/c.toml")],
        "policies/p.toml": [],
        "policies/q.toml": [
            ("name_taken", "policies/q.toml"),
            ("unknown_definition", "policy.definition"),
        ],
        "rules": [],
    }
