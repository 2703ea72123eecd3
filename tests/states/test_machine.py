"""Owns the proof that `decide` allows exactly the acts it should, and leaves the project as it should."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from asking import (
    APPLICANT,
    ARROW_NAMES,
    ARROWS,
    asked,
    of_arrow,
    values_of,
)
from cases import (
    ABSENT,
    CALENDAR,
    DEFINITION,
    DOCUMENT,
    EVENT_ON,
    FOURTH,
    LANDING,
    LEAD,
    OTHER,
    POLICY,
    WINDOWS,
    application,
    arrow,
    veto_checks,
)

from states.definition import LEFT, SAME
from states.facts import Room
from states.machine import prepare
from states.roles import actor_of, role_book

QUOTA = ("city_quota", "370100")
FOUR = application(LEAD, LANDING, OTHER, FOURTH)
UNWAIVED = {"waived_rules": ABSENT}


@pytest.mark.parametrize(("found", "source", "mode"), ARROWS, ids=ARROW_NAMES)
def test_a_whole_act_is_allowed_and_leads_where_its_arrow_says(found, source, mode):
    whole = of_arrow(found, source, mode)
    target = {SAME: source, LEFT: whole.before.left_state}.get(found.target, found.target)
    decision = whole.decided()
    assert (decision.refusals, decision.awaiting) == ((), found.persons == 2)
    assert (decision.after.state, decision.case.target) == (source if decision.awaiting else target, target)


# ---- who


@pytest.mark.parametrize(("found", "source", "mode"), ARROWS, ids=ARROW_NAMES)
def test_the_system_or_another_role_than_the_arrows_is_refused_whatever_else_is_met(found, source, mode):
    whole, allowed = of_arrow(found, source, mode), role_book().expand(found.by)
    for role in ("system", "auditor", "leader", "applicant"):
        other = whole.but(actor=actor_of("丙", role, unit=LEAD.credit_code))
        assert other.refused_for == ([] if role in allowed else ["permitted"])


def test_a_project_of_another_city_or_unit_lies_outside_the_actors_scope():
    recommend, report = asked("recommend"), asked("report_progress")
    assert recommend.but(actor=actor_of("市", "city", city="370200")).refused_for == ["within_scope"]
    assert recommend.but(actor=actor_of("市", "city")).refused_for == ["within_scope"]
    for unit in (LANDING.credit_code, None):
        assert report.but(actor=actor_of("企", "applicant", unit=unit)).refused_for == ["within_scope"]
    leaderless = report.given(application=application(LANDING))
    assert leaderless.refused_for == ["within_scope"]


def test_whom_an_act_is_not_for_is_told_of_the_form_alone_and_all_others_of_every_rule():
    crowd = asked("accept_filing", application=FOUR, record=UNWAIVED).decided()
    assert crowd.told == crowd.findings
    auditor, elsewhere = actor_of("丙", "auditor"), actor_of("市", "city", city="370200")
    for event, actor, check in (("accept_filing", auditor, "permitted"), ("recommend", elsewhere, "within_scope")):
        decision = asked(event, application=FOUR, record=UNWAIVED).but(actor=actor).decided()
        rules = len(decision.case.transition.rules)
        assert [finding.check for finding in decision.findings[-rules:]] == [*decision.case.transition.rules]
        assert decision.told == decision.findings[:-rules]
        assert [finding.check for finding in decision.refusals] == [check]


# ---- what it needs


def test_an_act_that_the_state_does_not_offer_is_refused_by_that_alone():
    for event, state in (("publish", "draft"), ("submit", "closed"), ("fly", "draft")):
        decision = asked("submit").but(event=event).given(state=state).decided()
        assert [finding.check for finding in decision.findings] == ["offered"]
        assert (decision.allowed, decision.case.transition) == (False, None)


@pytest.mark.parametrize("reason", [None, ""])
def test_an_act_that_needs_a_reason_is_refused_without_one(reason):
    assert asked("withdraw").but(reason=reason).refused_for == ["reason_given"]


def test_every_missing_field_and_document_is_named_and_one_without_a_value_is_missing():
    bare = asked("recommend").but(fields={"rank": 1, "city_opinion": None}, documents={}).given(documents={})
    assert (bare.refused_for, bare.seen("documents_complete")) == (
        ["fields_complete", "documents_complete"],
        ["推荐文件"],
    )
    assert bare.seen("fields_complete") == ["市级推荐意见", "推荐文件文号", "推荐文件日期", "纸质材料份数"]


def test_a_document_on_record_need_not_be_given_again_and_a_field_must_be():
    first = asked("submit")
    assert first.given(documents={}).refused_for == []
    again = first.but(documents={})
    assert again.refused_for == []
    assert again.but(fields={}).refused_for == ["fields_complete"]


def test_a_field_or_document_of_another_act_and_a_value_that_cannot_be_read_are_refused():
    report = asked("report_progress")
    odd = report.but(fields={"progress_report": "\x00", "rank": 1}, documents={"group_letter": DOCUMENT})
    assert odd.refused_for == ["fields_readable", "fields_complete", "documents_known"]
    assert odd.seen("fields_readable") == {
        "progress_report": "含有控制字符 / holds control characters",
        "rank": "本操作没有此字段 / not a field of this act",
    }


def test_a_flag_that_is_forbidden_or_missing_refuses():
    suspended = frozenset({"suspended"})
    assert asked("apply_half_year", flags=suspended).refused_for == ["flags_absent"]
    assert asked("suspend", flags=suspended).refused_for == ["flags_absent"]
    assert asked("resume", flags=frozenset({"change_pending"})).refused_for == ["flags_held"]


def test_a_flag_is_set_and_cleared_and_others_stay():
    pending = frozenset({"change_pending"})
    assert asked("suspend", flags=pending).after.flags == {"suspended", "change_pending"}
    assert asked("resume", flags=pending | {"suspended"}).after.flags == pending


def test_what_else_must_be_read_is_what_the_rules_and_the_moved_capacities_ask_for():
    needs = {event: prepare(DEFINITION, POLICY, CALENDAR, (one := asked(event)).before, one.act)[2]
             for event in ("submit", "recommend", "pass_review", "refuse", "terminate", "withdraw")}  # fmt: skip
    assert needs == {
        "submit": {"room", "task", "shortlist", "documents"},
        "recommend": {"room", "ranks", "documents"},
        "pass_review": {"panels"},
        "refuse": {"room"},
        "terminate": frozenset(),
        "withdraw": frozenset(),
    }


# ---- rules set aside


def test_the_province_sets_a_soft_rule_aside_with_a_reason_and_only_the_rule_it_names():
    crowd = asked("accept_filing", application=FOUR, record=UNWAIVED)
    assert crowd.refused_for == ["member_count"]
    aside = crowd.but(override=frozenset({"R03"}), reason="链条长")
    assert (aside.decided().overridden, aside.after.state) == (("R03",), "under_review")
    assert crowd.but(override=frozenset({"R05"}), reason="链条长").refused_for == ["member_count"]
    busy = {("provider_projects", LEAD.credit_code): Room(2, 2)}
    assert asked("submit", application=FOUR, room=busy).refused_for == ["provider_project_count"]


@pytest.mark.parametrize("reason", [None, ""])
def test_without_a_reason_no_rule_is_set_aside(reason):
    crowd = asked("accept_filing", application=FOUR, record=UNWAIVED).but(override=frozenset({"R03"}), reason=reason)
    assert crowd.refused_for == ["override_permitted", "member_count"]


def test_a_city_sets_no_rule_aside_however_good_its_reason():
    full = asked("recommend", room={QUOTA: Room(5, 5)}).but(override=frozenset({"R13"}), reason="确有必要")
    assert full.refused_for == ["override_permitted", "within_city_quota"]


def test_a_hard_rule_is_never_set_aside_by_override_or_waiver():
    filing = asked("accept_filing", record={"veto_checks": {}, "waived_rules": ["R09"]})
    assert filing.but(override=frozenset({"R09"}), reason="确有必要").refused_for == ["vetoes_clear"]
    ranked = asked("recommend", record={"waived_rules": ["R13"]}, ranks_taken=frozenset({1}))
    assert ranked.refused_for == ["rank_free"]


def test_a_waiver_on_record_sets_aside_what_the_notice_leaves_to_the_province():
    late = date(2024, 8, 6)
    full = asked("recommend", on=late, room={QUOTA: Room(5, 5)})
    assert full.refused_for == ["within_city_quota", "package_in_time"]
    waived = asked("recommend", on=late, room={QUOTA: Room(5, 5)}, record={"waived_rules": ["R13", "R16"]})
    assert (waived.decided().overridden, waived.after.state) == (("R13", "R16"), "city_recommended")


def test_a_rule_that_is_met_is_not_marked_as_set_aside():
    met = asked("accept_filing", record={"waived_rules": ["R03"]}).but(override=frozenset({"R05"}), reason="以防万一")
    assert met.decided().overridden == ()


# ---- dates


def test_an_earlier_date_takes_the_right_and_a_reason_and_lies_within_the_state():
    filing = asked("accept_filing", entered_on=date(2024, 8, 1))
    earlier = filing.but(on=date(2024, 8, 1), fields=values_of(("formal_check", "veto_checks"), "", date(2024, 8, 1)))
    assert earlier.refused_for == ["backdating_permitted"]
    assert earlier.but(reason="补录").after.entered_on == date(2024, 8, 1)
    assert earlier.but(reason="补录").given(entered_on=date(2024, 8, 2)).refused_for == ["date_possible"]
    recommended = asked("recommend", entered_on=date(2024, 7, 1)).but(on=date(2024, 7, 24), reason="补录")
    assert recommended.refused_for == ["backdating_permitted"]


def test_a_date_to_come_is_refused_and_the_day_is_the_one_in_shanghai():
    refusing = asked("withdraw", on=date(2024, 8, 6))
    last = refusing.but(now=datetime(2024, 8, 6, 15, 59, 59, 999999, tzinfo=UTC))
    assert (last.refused_for, last.but(on=date(2024, 8, 7)).refused_for) == ([], ["date_possible"])
    midnight = refusing.but(now=datetime(2024, 8, 6, 16, tzinfo=UTC), actor=APPLICANT)
    assert (midnight.refused_for, midnight.but(on=date(2024, 8, 7)).refused_for) == (["backdating_permitted"], [])


# ---- what it leaves


def test_a_move_is_dated_and_remembers_the_state_left_and_an_overlay_moves_nothing():
    published = asked("publish").after
    assert (published.entered_on, published.left_state) == (EVENT_ON["publish"], "in_publicity")
    waived = asked("waive", "applied", left_state="returned", entered_on=date(2024, 7, 19)).after
    assert (waived.state, waived.entered_on, waived.left_state) == ("applied", date(2024, 7, 19), "returned")


def test_an_act_stamps_its_date_and_counts_itself():
    assert asked("publish", record={"published_on": "2020-01-01"}).after.record["published_on"] == "2024-08-31"
    for so_far, counted in ((ABSENT, 1), (4, 5)):
        after = asked("report_progress", record={"progress_reports": so_far}).after
        assert after.record["progress_reports"] == counted


def test_days_pass_between_two_acts_and_are_added_to_those_before():
    for since, total in (("2025-02-21", 15), ("2025-03-03", 5)):
        record = asked("resume", record={"suspended_days": 5, "suspended_on": since}).after.record
        assert (record["suspended_days"], "suspended_on" in record) == (total, False)
    assert asked("resume", record={"suspended_on": "2025-02-21"}).after.record["suspended_days"] == 10
    assert asked("resume").after.record["suspended_days"] == 0
    early = asked("resume", record={"suspended_on": "2025-03-04"})
    assert early.refused_for == ["date_possible"]


def test_what_an_act_drops_is_off_the_record_unless_it_is_given_anew():
    typed = {"correction_due_on": "2024-07-01", "city_opinion": "同意"}
    returned = asked("return_for_correction", "city_recommended", record=typed)
    gone = set(arrow("return_for_correction", state="city_recommended").drops)
    assert gone & set(returned.before.record) >= {"correction_due_on", "rank", "veto_checks"}
    assert gone & set(returned.after.record) == set()
    anew = returned.but(fields={**returned.act.fields, "correction_due_on": "2025-04-01"}).after.record
    assert {name: anew[name] for name in gone & set(anew)} == {"correction_due_on": "2025-04-01"}


def test_the_record_keeps_what_was_given_in_its_canonical_spelling_and_all_that_was_there():
    reviewed = asked("pass_review")
    after = reviewed.but(fields={"review_method": "both", "review_score": "91.5", "review_minutes_number": None}).after
    kept = {name: value for name, value in reviewed.before.record.items() if name != "reserve_rank"}
    assert after.record == {**kept, "review_method": ["both"], "review_score": "91.50"}


def test_veto_checks_add_to_those_on_record_and_replace_the_same_item():
    old, new = veto_checks(date(2024, 7, 1)), veto_checks(date(2024, 8, 6))
    given_now = {item: new[item] for item in ("honesty", "operation")}
    vetoes = asked("record_vetoes", record={"veto_checks": old}).but(fields={"veto_checks": given_now})
    assert vetoes.after.record["veto_checks"] == {**old, **given_now}


def test_waived_rules_gather():
    waived = asked("waive", record={"waived_rules": ["R05"]}).but(fields={"waived_rules": ["R16", "R03"]})
    assert waived.after.record["waived_rules"] == ["R03", "R05", "R16"]


def test_documents_join_those_on_record_and_replace_the_same_kind():
    newer = {**DOCUMENT, "version": 2}
    applied = asked("apply_half_year").but(documents={"half_year_report": newer})
    assert applied.after.documents == {**applied.before.documents, "half_year_report": newer}


# ---- modes


def test_in_windows_mode_a_project_accepted_at_half_year_goes_on_to_its_reward_and_in_sequence_it_does_not():
    proposing = asked("propose_tier", "half_year_accepted", WINDOWS)
    assert proposing.after.state == "tier_proposed"
    assert replace(proposing, policy=POLICY).refused_for == ["offered"]


def test_in_windows_mode_a_published_project_may_apply_at_one_year_and_lapses_only_after_it():
    applying = asked("apply_one_year", "published", WINDOWS)
    assert applying.after.state == "one_year_evaluation"
    assert replace(applying, policy=POLICY).refused_for == ["offered"]
    lapsing = asked("lapse", "published", WINDOWS, on=date(2025, 10, 29))
    assert lapsing.refused_for == ["window_and_grace_over"]
    assert replace(lapsing, policy=POLICY).refused_for == []


def test_in_windows_mode_nothing_is_left_to_extend_after_half_year():
    extending = asked("extend", "half_year_accepted")
    assert extending.refused_for == []
    assert replace(extending, policy=WINDOWS).refused_for == ["offered"]
