"""Owns the proof of R20 to R23 on both sides of each threshold."""

from datetime import date, timedelta

import pytest
from cases import ABSENT, CALENDAR, DEFINITION, POLICY, WINDOWS, case, facts, judge, policy_with

from states.deadlines import DueDate
from states.findings import Judgement
from states.planning import due_date, planned

# Opens, ends, grace ends. 30 days after 28 February is a Sunday, 30 March; 4 April is a holiday.
HALF_YEAR = (date(2025, 2, 28), date(2025, 3, 31), date(2025, 4, 22))
# 30 days after 1 September is National Day, 1 to 8 October rest; 11 October is a working Saturday.
ONE_YEAR = (date(2025, 9, 1), date(2025, 10, 9), date(2025, 10, 29))
WINDOW, GRACE = "申请期内 in the window", "宽限期内 in the grace period"
BEFORE, AFTER = "尚未开始 not open yet", "已过宽限期 after the grace period"


def test_R20_a_progress_call_falls_due_every_six_months_after_publication():
    calls = [
        (found.number, found.due_on)
        for found in planned(DEFINITION, POLICY, facts("published"), CALENDAR)
        if found.kind == "progress_call"
    ]
    assert calls == [(1, date(2025, 2, 28)), (2, date(2025, 9, 1))]


def test_R20_a_call_that_was_answered_is_done_with_and_all_of_them_are_after_the_last():
    marks = {number: {"on": "2025-02-10", "late": False} for number in ("1", "2")}
    for answered, numbers in (("", [1, 2]), ("1", [2]), ("2", [1]), ("12", [])):
        calls = {f"call_{number}": marks[number] for number in answered}
        found = facts("published", record={"published_on": "2024-08-31", "progress_calls": calls})
        plan = planned(DEFINITION, POLICY, found, CALENDAR)
        assert [call.number for call in plan if call.kind == "progress_call"] == numbers


@pytest.mark.parametrize(
    ("days", "due", "moved_from"),
    [(0, date(2025, 3, 31), date(2025, 3, 30)), (3, date(2025, 4, 3), date(2025, 3, 31)),
     (5, date(2025, 4, 7), date(2025, 3, 31))],
)  # fmt: skip
def test_R23_a_window_moved_by_a_suspension_onto_a_rest_day_ends_on_the_next_working_day(days, due, moved_from):
    found = facts("published", record={"published_on": "2024-08-31", "suspended_days": days})
    assert due_date(DEFINITION, POLICY, found, CALENDAR, "half_year_ends") == DueDate(
        due, provisional=False, moved_from=moved_from, calendar=CALENDAR.version
    )


@pytest.mark.parametrize(
    ("event", "on", "met", "where", "window"),
    [
        ("apply_half_year", date(2025, 2, 27), False, BEFORE, HALF_YEAR),
        ("apply_half_year", date(2025, 2, 28), True, WINDOW, HALF_YEAR),
        ("apply_half_year", date(2025, 3, 30), True, WINDOW, HALF_YEAR),
        ("apply_half_year", date(2025, 3, 31), True, WINDOW, HALF_YEAR),
        ("apply_half_year", date(2025, 4, 1), True, GRACE, HALF_YEAR),
        ("apply_half_year", date(2025, 4, 22), True, GRACE, HALF_YEAR),
        ("apply_half_year", date(2025, 4, 23), False, AFTER, HALF_YEAR),
        ("apply_one_year", date(2025, 8, 31), False, BEFORE, ONE_YEAR),
        ("apply_one_year", date(2025, 9, 1), True, WINDOW, ONE_YEAR),
        ("apply_one_year", date(2025, 10, 1), True, WINDOW, ONE_YEAR),
        ("apply_one_year", date(2025, 10, 9), True, WINDOW, ONE_YEAR),
        ("apply_one_year", date(2025, 10, 10), True, GRACE, ONE_YEAR),
        ("apply_one_year", date(2025, 10, 29), True, GRACE, ONE_YEAR),
        ("apply_one_year", date(2025, 10, 30), False, AFTER, ONE_YEAR),
    ],
)
def test_R21_acceptance_is_applied_for_from_the_windows_first_day_to_the_last_of_grace(event, on, met, where, window):
    assert judge("window_open", case(event, on)) == Judgement(met, (on, where), window)


def test_R21_a_project_without_publication_has_no_window():
    unpublished = case("apply_half_year", record={"published_on": ABSENT})
    assert judge("window_open", unpublished) == Judgement(False, None, None)


@pytest.mark.parametrize("name", ["half_year", "one_year"])
def test_R21_a_window_typed_in_order_that_ends_from_today_on_is_met_and_one_reversed_past_or_half_typed_is_not(name):
    on = date(2025, 1, 10)
    for opens, ends, met in (
        ("2025-01-10", "2025-01-10", True),
        ("2025-01-11", "2025-01-10", False),
        ("2024-12-01", "2025-01-10", True),
        ("2024-12-01", "2025-01-09", False),
    ):
        typed = case(f"open_{name}_round", on, record={f"{name}_opens_on": opens, f"{name}_ends_on": ends})
        days = (date.fromisoformat(opens), date.fromisoformat(ends))
        assert judge("window_in_order", typed) == Judgement(met, days, on)
    half = case(f"open_{name}_round", on, record={f"{name}_ends_on": ABSENT})
    assert judge("window_in_order", half) == Judgement(False, None, on)


@pytest.mark.parametrize("name", ["half_year", "one_year"])
def test_R21_verified_money_up_to_the_claim_is_met_and_more_less_than_none_or_nothing_is_not(name):
    claimed = {f"{name}_invested_fen": 100_000_050}
    for verified, met, seen in (
        (100_000_050, True, "1,000,000.50"),
        (0, True, "0"),
        (100_000_051, False, "1,000,000.51"),
        (-1, False, "-0.01"),
        (ABSENT, False, None),
    ):
        judged = case(f"pass_{name}", record={**claimed, f"{name}_verified_fen": verified})
        assert judge("money_verified", judged) == Judgement(met, seen, "1,000,000.50")
    unclaimed = case(f"pass_{name}", record={f"{name}_verified_fen": 5, f"{name}_invested_fen": ABSENT})
    assert judge("money_verified", unclaimed) == Judgement(False, "0.05", None)


def test_R21_a_batch_that_does_not_verify_money_is_met_without_it():
    free = policy_with("R21", verify_money=False)
    unverified = case("pass_half_year", policy=free, record={"half_year_verified_fen": ABSENT})
    assert judge("money_verified", unverified) == Judgement(True, None, "1,300,000")


@pytest.mark.parametrize("name", ["half_year", "one_year"])
def test_R22_a_first_rectification_is_met_and_a_second_is_not(name):
    first = case(f"rectify_{name}")
    assert judge("rectification_left", first) == Judgement(True, 0, 1)
    second = case(f"rectify_{name}", record={f"{name}_rectifications": 1})
    assert judge("rectification_left", second) == Judgement(False, 1, 1)


def test_R22_a_rectification_of_the_other_round_does_not_count():
    other = case("rectify_one_year", record={"half_year_rectifications": 1})
    assert judge("rectification_left", other) == Judgement(True, 0, 1)


def test_R22_a_result_on_the_last_day_of_three_months_is_met_and_on_the_next_is_not():
    due = date(2025, 6, 20)
    entered = {"entered_on": date(2025, 3, 20)}
    last = case("resubmit_half_year", due, **entered)
    assert judge("within_rectification", last) == Judgement(True, due, due)
    late = case("resubmit_half_year", date(2025, 6, 21), **entered)
    assert judge("within_rectification", late) == Judgement(False, date(2025, 6, 21), due)


def test_R22_a_missed_rectification_fails_after_its_deadline_and_not_on_it():
    due = date(2025, 6, 20)
    for on, met in ((due, False), (date(2025, 6, 21), True)):
        missed = case("fail_half_year", on, state="half_year_rectification")
        assert judge("rectification_over", missed) == Judgement(met, on, due)
    counted = {"entered_on": date(2025, 3, 20), "record": {"rectification_due_on": ABSENT}}
    computed = case("fail_half_year", due, state="half_year_rectification", **counted)
    assert judge("rectification_over", computed) == Judgement(False, due, due)


def test_R22_days_of_an_earlier_suspension_and_months_of_extension_do_not_move_a_rectification_deadline():
    due = date(2025, 6, 20)
    moved = {"suspended_days": 40, "extension_months": 6}
    last = case("resubmit_half_year", due, entered_on=date(2025, 3, 20), record=moved)
    assert judge("within_rectification", last) == Judgement(True, due, due)


@pytest.mark.parametrize(
    ("typed", "days", "due"),
    [
        (ABSENT, 0, date(2025, 6, 20)),
        (ABSENT, 3, date(2025, 6, 23)),
        (ABSENT, 8, date(2025, 6, 30)),  # 28 June is a Saturday
        ("2025-05-20", 10, date(2025, 5, 30)),
        ("2025-05-20", 11, date(2025, 6, 3)),  # 31 May to 2 June is the Dragon Boat Festival
    ],
)
def test_R23_a_suspension_during_rectification_stops_its_clock_computed_or_typed(typed, days, due):
    record = {"rectification_due_on": typed, "rectification_days_suspended": days, "suspended_days": 40 + days}
    entered = {"entered_on": date(2025, 3, 20), "record": record}
    assert judge("within_rectification", case("resubmit_half_year", due, **entered)) == Judgement(True, due, due)
    late = due + timedelta(days=1)
    assert judge("within_rectification", case("resubmit_half_year", late, **entered)) == Judgement(False, late, due)


def test_R23_while_a_project_is_suspended_no_clock_that_can_be_moved_is_due():
    for state, kinds in (
        ("published", ["half_year_ends", "half_year_grace_ends", "half_year_opens", "progress_call", "progress_call"]),
        ("half_year_rectification", ["progress_call", "progress_call", "rectification_due"]),
    ):
        for flags, found in ((frozenset(), kinds), (frozenset({"suspended"}), [])):
            plan = planned(DEFINITION, POLICY, facts(state, flags=flags), CALENDAR)
            assert sorted(item.kind for item in plan) == found


def test_R22_a_rectification_deadline_typed_by_an_officer_counts():
    typed = {"rectification_due_on": "2025-05-20"}
    late = case("resubmit_half_year", date(2025, 5, 21), record=typed)
    assert judge("within_rectification", late) == Judgement(False, date(2025, 5, 21), date(2025, 5, 20))


@pytest.mark.parametrize(
    ("state", "policy", "last"),
    [
        ("published", POLICY, HALF_YEAR[2]),
        ("half_year_accepted", POLICY, ONE_YEAR[2]),
        ("published", WINDOWS, ONE_YEAR[2]),
    ],
)
def test_R22_a_lapse_is_met_after_the_last_day_of_grace_and_not_on_it(state, policy, last):
    after = last.fromordinal(last.toordinal() + 1)
    on_it = case("lapse", last, state=state, policy=policy)
    assert judge("window_and_grace_over", on_it) == Judgement(False, last, last)
    over = case("lapse", after, state=state, policy=policy)
    assert judge("window_and_grace_over", over) == Judgement(True, after, last)
    unpublished = case("lapse", after, state=state, policy=policy, record={"published_on": ABSENT})
    assert judge("window_and_grace_over", unpublished) == Judgement(False, None, None)


def test_R23_a_first_extension_is_met_and_a_second_is_not():
    assert judge("extension_left", case("extend")) == Judgement(True, 0, 1)
    assert judge("extension_left", case("extend", record={"extensions": 1})) == Judgement(False, 1, 1)


def test_R23_an_extension_of_one_to_twelve_months_is_met_and_none_or_thirteen_is_not():
    for months, met in ((1, True), (12, True), (13, False), (0, False)):
        asked = case("extend", record={"extension_months": months})
        assert judge("extension_within_limit", asked) == Judgement(met, months, 12)
    unnamed = case("extend", record={"extension_months": ABSENT})
    assert judge("extension_within_limit", unnamed) == Judgement(False, None, 12)


@pytest.mark.parametrize(
    ("state", "policy", "asked_on", "met", "end"),
    [
        ("published", POLICY, "2024-12-31", True, HALF_YEAR[1]),
        ("published", POLICY, "2025-01-01", False, HALF_YEAR[1]),
        ("half_year_accepted", POLICY, "2025-07-09", True, ONE_YEAR[1]),
        ("half_year_accepted", POLICY, "2025-07-10", False, ONE_YEAR[1]),
        ("published", WINDOWS, "2025-01-01", False, HALF_YEAR[1]),
        ("published", WINDOWS, "2025-03-31", False, HALF_YEAR[1]),
        ("published", WINDOWS, "2025-04-01", True, ONE_YEAR[1]),
        ("published", WINDOWS, "2025-10-10", False, ONE_YEAR[1]),
    ],
)
def test_R23_three_months_before_the_next_window_ends_are_met_and_a_day_less_is_not(state, policy, asked_on, met, end):
    asked = case("extend", state=state, policy=policy, record={"extension_asked_on": asked_on})
    assert judge("extension_asked_in_time", asked) == Judgement(met, date.fromisoformat(asked_on), (3, end))


def test_R23_an_extension_without_a_date_or_without_a_window_is_not_met():
    undated = case("extend", record={"extension_asked_on": ABSENT})
    assert judge("extension_asked_in_time", undated) == Judgement(False, None, 3)
    unpublished = case("extend", record={"published_on": ABSENT})
    assert judge("extension_asked_in_time", unpublished) == Judgement(False, None, 3)


def test_R23_recovery_up_to_the_payment_is_met_and_beyond_or_without_it_is_not():
    rule = "recovery_within_payment"
    for recovered, met, seen in (
        (50_000_000, True, "500,000"),
        (50_000_001, False, "500,000.01"),
        (ABSENT, False, None),
    ):
        judged = case("record_recovery", record={"recovered_fen": recovered})
        assert judge(rule, judged) == Judgement(met, seen, "500,000")
    unpaid = case("record_recovery", record={"paid_fen": ABSENT})
    assert judge(rule, unpaid) == Judgement(False, "200,000", None)
