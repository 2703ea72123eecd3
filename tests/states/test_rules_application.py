"""Owns the proof of R07 to R12 and of the correction in time, on both sides of each threshold."""

from dataclasses import replace
from datetime import date

import pytest
from cases import (
    ABSENT,
    EVENT_ON,
    LANDING,
    LEAD,
    OUTSIDE_CODE,
    POLICY,
    PROVINCIAL_CODE,
    application,
    case,
    judge,
    policy_with,
    veto_checks,
)

from states.findings import Judgement

ON = EVENT_ON["submit"]
ITEMS = {item: label.zh for item, label in POLICY.rules.R09.items.items()}


def test_R07_a_million_yuan_is_met_and_a_fen_less_is_not():
    enough, short = application(investment_fen=100_000_000), application(investment_fen=99_999_999)
    assert judge("investment_sufficient", case(application=enough)) == Judgement(True, "1,000,000", "1,000,000")
    assert judge("investment_sufficient", case(application=short)) == Judgement(False, "999,999.99", "1,000,000")


def test_R08_a_declaration_of_no_funding_is_met_and_its_denial_or_absence_is_not():
    rule = "no_prior_provincial_funding"
    assert judge(rule, case()) == Judgement(True, True, True)
    assert judge(rule, case(record={"no_prior_funding": False})) == Judgement(False, False, True)
    assert judge(rule, case(record={"no_prior_funding": ABSENT})) == Judgement(False, None, True)


@pytest.mark.parametrize("event", ["submit", "accept_filing", "publish", "grant_reward"])
def test_R09_clear_checks_of_thirty_days_are_met_and_of_thirty_one_are_not(event):
    on = EVENT_ON[event]
    oldest, stale = on.fromordinal(on.toordinal() - 30), on.fromordinal(on.toordinal() - 31)
    met = case(event, record={"veto_checks": veto_checks(oldest)})
    assert judge("vetoes_clear", met) == Judgement(True, {}, 30)
    old = case(event, record={"veto_checks": veto_checks(stale)})
    faults = {item: f"{zh}：核查已失效 out of date ({stale})" for item, zh in ITEMS.items()}
    assert judge("vetoes_clear", old) == Judgement(False, faults, 30)


def test_R09_a_check_dated_after_the_act_is_not_met():
    ahead = case(record={"veto_checks": veto_checks(date(2024, 7, 21))})
    faults = {item: f"{zh}：核查日期晚于办理日 dated after the act (2024-07-21)" for item, zh in ITEMS.items()}
    assert judge("vetoes_clear", ahead) == Judgement(False, faults, 30)


def test_R09_one_item_that_is_not_clear_or_not_checked_is_named():
    checks = veto_checks(ON)
    found = {**checks, "honesty": {**checks["honesty"], "clear": False}}
    assert judge("vetoes_clear", case(record={"veto_checks": found})) == Judgement(
        False, {"honesty": "无严重失信记录：核查未通过 not clear"}, 30
    )
    for check in ({}, {"clear": True}, {"clear": True, "checked_on": "昨天"}):
        undated = {**checks, "green_threshold": check}
        assert judge("vetoes_clear", case(record={"veto_checks": undated})) == Judgement(
            False, {"green_threshold": "符合财政绿色门槛：未核查 not checked"}, 30
        )
    unchecked = {item: f"{zh}：未核查 not checked" for item, zh in ITEMS.items()}
    assert judge("vetoes_clear", case(record={"veto_checks": ABSENT})) == Judgement(False, unchecked, 30)


def test_R09_an_item_the_batch_added_must_be_checked_too():
    label = ITEMS["operation"]
    items = {**POLICY.rules.R09.items, "tax": POLICY.rules.R09.items["operation"]}
    assert judge("vetoes_clear", case(policy=policy_with("R09", items=items))) == Judgement(
        False, {"tax": f"{label}：未核查 not checked"}, 30
    )


def test_R10_a_task_on_the_list_is_met_and_one_that_is_not_listed_or_not_named_is_not():
    assert judge("task_on_the_list", case()) == Judgement(True, "RW-01", None)
    assert judge("task_on_the_list", case(task_listed=False)) == Judgement(False, "RW-01", None)
    unnamed = case(application=application(task_code=""))
    assert judge("task_on_the_list", unnamed) == Judgement(False, None, None)


def test_R11_an_attestation_is_met_and_its_absence_is_not():
    assert judge("applicant_attested", case()) == Judgement(True, True, True)
    assert judge("applicant_attested", case(record={"attested": False})) == Judgement(False, False, True)
    assert judge("applicant_attested", case(record={"attested": ABSENT})) == Judgement(False, None, True)


def test_R12_the_leads_city_is_met_and_another_city_is_not():
    rule = "filed_with_city_of_lead"
    assert judge(rule, case()) == Judgement(True, "370102", "370100")
    elsewhere = case(application=application(city="370200"))
    assert judge(rule, elsewhere) == Judgement(False, "370102", "370200")
    leaderless = case(application=application(LANDING))
    assert judge(rule, leaderless) == Judgement(False, None, "370100")


def test_R12_a_lead_registered_with_the_province_files_with_any_city_unless_it_declares_its_own():
    rule = "filed_with_city_of_lead"
    provincial = replace(LEAD, credit_code=PROVINCIAL_CODE)
    assert judge(rule, case(application=application(provincial, city="370200"))) == Judgement(True, "370000", "370200")
    declared = replace(provincial, region="370102")
    assert judge(rule, case(application=application(declared, city="370200"))) == Judgement(False, "370102", "370200")
    declared_province = replace(provincial, region="370000")
    assert judge(rule, case(application=application(declared_province))) == Judgement(False, "370000", "370100")
    outside = replace(LEAD, credit_code=OUTSIDE_CODE)
    assert judge(rule, case(application=application(outside))) == Judgement(False, "110000", "370100")


def test_R10_a_correction_on_the_fifth_working_day_is_met_and_on_the_next_day_is_not():
    entered = {"state": "returned", "entered_on": date(2024, 7, 15)}
    due = date(2024, 7, 22)
    last = case(on=due, **entered)
    assert judge("correction_in_time", last) == Judgement(True, due, due)
    late = case(on=date(2024, 7, 23), **entered)
    assert judge("correction_in_time", late) == Judgement(False, date(2024, 7, 23), due)


def test_R10_a_correction_deadline_typed_by_an_officer_counts():
    entered = {"state": "returned", "entered_on": date(2024, 7, 15)}
    typed = {"correction_due_on": "2024-07-26"}
    due = date(2024, 7, 26)
    assert judge("correction_in_time", case(on=due, record=typed, **entered)) == Judgement(True, due, due)
    late = case(on=date(2024, 7, 27), record=typed, **entered)
    assert judge("correction_in_time", late) == Judgement(False, date(2024, 7, 27), due)


def test_R10_a_project_that_was_not_returned_has_no_correction_deadline():
    draft = case(on=ON, entered_on=date(2024, 1, 1))
    assert judge("correction_in_time", draft) == Judgement(True, ON, None)


def test_R09_a_project_is_disqualified_for_an_item_checked_and_not_clear_and_for_nothing_less():
    on = EVENT_ON["disqualify"]
    clear, unclear = veto_checks(on), veto_checks(on, clear=False)
    one = {**clear, "honesty": unclear["honesty"]}
    for checks, found in ((unclear, ITEMS), (one, {"honesty": ITEMS["honesty"]}), (clear, {}), ({}, {})):
        judged = case("disqualify", record={"veto_checks": checks})
        assert judge("veto_found", judged) == Judgement(bool(found), found, None)
    other = case("disqualify", record={"veto_checks": {"hobby": unclear["honesty"]}})
    assert judge("veto_found", other) == Judgement(False, {}, None)
