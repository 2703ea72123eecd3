"""Owns the proof of R20 on both sides: calls that wait, the batch's form, and calls that nothing came for."""

from dataclasses import replace
from datetime import date

import pytest
from cases import POLICY, act, case, judge, policy_with

from states.findings import Judgement
from states.policy import FormItem

FORM = {
    "invested_fen": FormItem(zh="累计投入", en="invested", type="money"),
    "on": FormItem(zh="日期", en="day", type="date", needed=False),
    "done": FormItem(zh="完成", en="done", type="boolean"),
}


def report(policy=POLICY, calls=None, **fields):
    asked = case("report_progress", policy=policy, record={"progress_calls": calls or {}})
    return replace(asked, act=act("report_progress", fields=fields))


def mark(on="2025-02-10"):
    return {"on": on, "late": False}


def test_R20_a_report_for_a_call_that_waits_or_for_none_is_met_and_for_one_answered_or_unknown_is_not():
    rule = "call_waits"
    assert judge(rule, report(call_number=1)) == Judgement(True, 1, [1, 2])
    assert judge(rule, report()) == Judgement(True, None, [1, 2])
    assert judge(rule, report(calls={"call_1": mark()}, call_number=2)) == Judgement(True, 2, [2])
    assert judge(rule, report(calls={"call_1": mark()}, call_number=1)) == Judgement(False, 1, [2])
    assert judge(rule, report(call_number=3)) == Judgement(False, 3, [1, 2])


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"invested_fen": 0, "done": False}, {}),
        ({"invested_fen": 5, "done": True, "on": "2025-02-10"}, {}),
        ({"invested_fen": -1, "done": True}, {"invested_fen": "累计投入"}),
        ({"invested_fen": True, "done": True}, {"invested_fen": "累计投入"}),
        ({"done": True}, {"invested_fen": "累计投入"}),
        ({"invested_fen": 5, "done": "是"}, {"done": "完成"}),
        ({"invested_fen": 5, "done": True, "on": "2025-02-30"}, {"on": "日期"}),
        ({"invested_fen": 5, "done": True, "castle": 1}, {"castle": "castle"}),
    ],
)
def test_R20_a_form_filled_in_as_the_batch_asks_is_met_and_what_is_wrong_or_missing_is_named(given, wrong):
    asked = report(policy_with("R20", form=FORM), progress_form=given)
    assert judge("form_filled", asked) == Judgement(not wrong, wrong, None)


def test_R20_a_report_without_a_form_is_met_where_nothing_in_it_is_needed_and_is_not_where_something_is():
    assert judge("form_filled", report()) == Judgement(True, {}, None)
    needed = {"invested_fen": "累计投入", "done": "完成"}
    assert judge("form_filled", report(policy_with("R20", form=FORM))) == Judgement(False, needed, None)


def test_R20_a_call_is_missed_from_the_day_after_its_last_and_not_on_it():
    rule, calls = "calls_answered", {"progress_calls": {}}
    last, after = date(2025, 2, 28), date(2025, 3, 1)
    assert judge(rule, case("apply_half_year", last, record=calls)) == Judgement(True, [], last)
    assert judge(rule, case("apply_half_year", after, record=calls)) == Judgement(False, [1], after)
    answered = {"progress_calls": {"call_1": mark()}}
    assert judge(rule, case("apply_half_year", after, record=answered)) == Judgement(True, [], after)
