"""Owns the proof of R24 to R27 on both sides of each threshold."""

from datetime import date

import pytest
from cases import ABSENT, DEFINITION, POLICY, WINDOWS, case, judge, policy_with

from states.facts import Room
from states.findings import Judgement
from states.panels import Panelled
from states.rules import RULES

BUDGET = ("budget", "batch")
LIMIT = 3_000_000_000
CAPS = {"first": 100_000_000, "second": 50_000_000, "third": 30_000_000}
LINES = {"first": 90, "second": 80, "third": 70}
WORDS = {100_000_000: "1,000,000", 50_000_000: "500,000", 30_000_000: "300,000"}


def propose(**record):
    return case("propose_tier", record=record)


def test_R24_every_arrow_to_a_reward_asks_for_acceptance_first():
    arrows = {
        found.event: found.rules for found in DEFINITION.transitions if found.target in ("tier_proposed", "rewarded")
    }
    assert {event: "accepted_first" in rules for event, rules in arrows.items()} == {
        "propose_tier": True,
        "grant_reward": True,
    }


def test_R24_an_accepted_and_verified_project_is_met_and_one_that_is_not_accepted_is_not():
    day = date(2025, 9, 20)
    assert judge("accepted_first", propose()) == Judgement(True, (day, "2,000,000"), None)
    assert judge("accepted_first", propose(accepted_on=ABSENT)) == Judgement(False, (None, "2,000,000"), None)
    unverified = propose(half_year_verified_fen=ABSENT, one_year_verified_fen=ABSENT)
    assert judge("accepted_first", unverified) == Judgement(False, (day, None), None)
    neither = propose(half_year_verified_fen=ABSENT, one_year_verified_fen=ABSENT, accepted_on=ABSENT)
    assert judge("accepted_first", neither) == Judgement(False, None, None)


def test_R24_one_round_is_enough_where_a_project_may_pass_in_either():
    half = case("propose_tier", policy=WINDOWS, state="half_year_accepted", record={"one_year_verified_fen": ABSENT})
    assert judge("accepted_first", half) == Judgement(True, (date(2025, 9, 20), "1,200,000"), None)


@pytest.mark.parametrize("tier", sorted(CAPS))
def test_R25_the_tiers_cap_is_met_and_a_fen_more_is_not(tier):
    cap = CAPS[tier]
    assert judge("amount_within_cap", propose(tier=[tier], reward_fen=cap)) == Judgement(True, WORDS[cap], WORDS[cap])
    assert judge("amount_within_cap", propose(tier=[tier], reward_fen=cap + 1)) == Judgement(
        False, f"{WORDS[cap]}.01", WORDS[cap]
    )


def test_R25_no_amount_no_tier_an_unknown_tier_or_two_are_not_met():
    rule = "amount_within_cap"
    assert judge(rule, propose(reward_fen=1)) == Judgement(True, "0.01", "500,000")
    assert judge(rule, propose(reward_fen=0)) == Judgement(False, "0", "500,000")
    assert judge(rule, propose(reward_fen=ABSENT)) == Judgement(False, None, "500,000")
    for tier in (ABSENT, [], ["fourth"], ["first", "second"]):
        assert judge(rule, propose(tier=tier)) == Judgement(False, "500,000", None)


def test_R25_payment_as_granted_is_met_and_another_amount_is_not():
    rule, on = "paid_as_granted", date(2025, 12, 20)
    granted = ("500,000", date(2025, 11, 20), on)
    assert judge(rule, case("close")) == Judgement(True, ("500,000", date(2025, 12, 1)), granted)
    for paid, seen in ((50_000_001, "500,000.01"), (49_999_999, "499,999.99")):
        other = case("close", record={"paid_fen": paid})
        assert judge(rule, other) == Judgement(False, (seen, date(2025, 12, 1)), granted)
    assert judge(rule, case("close", record={"paid_fen": ABSENT})) == Judgement(False, None, granted)


@pytest.mark.parametrize(
    ("paid_on", "met"),
    [("2025-11-19", False), ("2025-11-20", True), ("2025-12-20", True), ("2025-12-21", False)],
)
def test_R25_payment_from_the_grant_to_the_act_is_met_and_outside_is_not(paid_on, met):
    granted = ("500,000", date(2025, 11, 20), date(2025, 12, 20))
    paid = case("close", record={"paid_on": paid_on})
    assert judge("paid_as_granted", paid) == Judgement(met, ("500,000", date.fromisoformat(paid_on)), granted)
    ungranted = case("close", record={"paid_on": paid_on, "granted_on": ABSENT})
    assert judge("paid_as_granted", ungranted).met is False


def test_R26_the_budgets_last_fen_is_met_and_one_more_is_not():
    rule = "within_budget"
    last = case("propose_tier", room={BUDGET: Room(LIMIT - 50_000_000, LIMIT)})
    assert judge(rule, last) == Judgement(True, "30,000,000", "30,000,000")
    over = case("propose_tier", room={BUDGET: Room(LIMIT - 49_999_999, LIMIT)})
    assert judge(rule, over) == Judgement(False, "30,000,000.01", "30,000,000")


def test_R26_a_proposed_reward_is_not_counted_twice_when_it_is_granted():
    held = case("grant_reward", room={BUDGET: Room(LIMIT, LIMIT)})
    assert judge("within_budget", held) == Judgement(True, "30,000,000", "30,000,000")


def test_R26_a_budget_that_is_not_known_is_not_met():
    unset = case("propose_tier", room={BUDGET: Room(0, None)})
    assert judge("within_budget", unset) == Judgement(False, None, None)
    placeless = case("pass_one_year")
    assert judge("within_budget", placeless) == Judgement(False, None, "30,000,000")


@pytest.mark.parametrize("tier", sorted(LINES))
def test_R27_the_tiers_score_line_is_met_and_a_hundredth_less_is_not(tier):
    line = LINES[tier]
    assert judge("score_reaches_line", propose(tier=[tier], evaluation_score=f"{line}.00")) == Judgement(
        True, f"{line}.00", line
    )
    below = f"{line - 1}.99"
    assert judge("score_reaches_line", propose(tier=[tier], evaluation_score=below)) == Judgement(False, below, line)


def test_R27_a_score_that_is_missing_or_no_number_is_not_met():
    for score, seen in ((ABSENT, None), ("NaN", "NaN"), ("Infinity", "Infinity"), ("优", "优")):
        assert judge("score_reaches_line", propose(evaluation_score=score)) == Judgement(False, seen, 80)
    assert judge("score_reaches_line", propose(tier=ABSENT)) == Judgement(False, "85.0", None)


def test_R27_thirty_percent_of_the_larger_verified_sum_is_met_and_a_fen_more_is_not():
    rule = "within_verified_share"
    verified = {"half_year_verified_fen": 100_000_000, "one_year_verified_fen": 100_000_003}
    assert judge(rule, propose(**verified, reward_fen=30_000_000)) == Judgement(True, "300,000", "300,000")
    assert judge(rule, propose(**verified, reward_fen=30_000_001)) == Judgement(False, "300,000.01", "300,000")
    larger = {"half_year_verified_fen": 100_000_000, "one_year_verified_fen": 90_000_000}
    assert judge(rule, propose(**larger, reward_fen=30_000_000)) == Judgement(True, "300,000", "300,000")


def test_R27_nothing_verified_or_no_amount_is_not_met_and_a_batch_may_allow_the_whole():
    rule = "within_verified_share"
    none = {"half_year_verified_fen": ABSENT, "one_year_verified_fen": ABSENT}
    assert judge(rule, propose(**none)) == Judgement(False, "500,000", None)
    assert judge(rule, propose(reward_fen=ABSENT)) == Judgement(False, None, "600,000")
    whole = policy_with("R27", max_share_percent=100)
    equal = {"one_year_verified_fen": 130_000_000, "reward_fen": 130_000_000}
    assert judge(rule, case("propose_tier", policy=whole, record=equal)) == Judgement(True, "1,300,000", "1,300,000")


def test_R26_the_sentence_shows_yuan():
    message = RULES["within_budget"].evaluate(case("propose_tier")).to_dict()["message"]
    assert message["en"] == (
        "The batch's rewards stay within 30,000,000 yuan in all; with this one they would be 500,000 yuan."
    )


def test_R27_a_proposal_is_granted_the_day_after_its_publicity_and_not_on_its_last_day():
    last = date(2025, 10, 31)  # five working days from the 27th, that day counted
    assert judge("reward_publicity_over", case("grant_reward", on=last)) == Judgement(False, last, last)
    after = date(2025, 11, 3)
    assert judge("reward_publicity_over", case("grant_reward", on=after)) == Judgement(True, after, last)


def test_R27_a_proposal_never_in_publicity_is_granted_only_where_the_batch_asks_for_none():
    never = {"reward_publicity_starts_on": ABSENT}
    day = date(2025, 11, 20)
    assert judge("reward_publicity_over", case("grant_reward", record=never)) == Judgement(False, day, None)
    without = policy_with("R27", publicity_days=0)
    assert judge("reward_publicity_over", case("grant_reward", policy=without, record=never)) == Judgement(
        True, day, None
    )


def test_R27_publicity_of_a_proposal_is_not_dated_back_nor_cut_short():
    rule, first, last = "reward_publicity_long_enough", date(2025, 10, 27), date(2025, 10, 31)
    assert judge(rule, case("publicize_reward")) == Judgement(True, (first, last), (first, last))
    short = case("publicize_reward", record={"reward_publicity_ends_on": "2025-10-30"})
    assert judge(rule, short) == Judgement(False, (first, date(2025, 10, 30)), (first, last))
    late = case("publicize_reward", on=date(2025, 10, 28))
    assert judge(rule, late) == Judgement(False, (first, last), (date(2025, 10, 28), last))
    unset = case("publicize_reward", record={"reward_publicity_starts_on": ABSENT})
    assert judge(rule, unset) == Judgement(False, None, None)


EVALUATED = POLICY.panels["reward"]
ASKED_FOR = POLICY.model_copy(update={"panels": {"reward": EVALUATED.model_copy(update={"required": True})}})


@pytest.mark.parametrize(
    ("policy", "panelled", "score", "met", "seen"),
    [
        (POLICY, None, "85.00", True, {}),
        (ASKED_FOR, None, "85.00", False, {"综合评价": "85.00"}),
        (POLICY, Panelled(False, None), "85.00", False, {"综合评价": "85.00"}),
        (POLICY, Panelled(True, "85.00"), "85.00", True, {"综合评价": "85.00"}),
        (POLICY, Panelled(True, "84.99"), "85.00", False, {"综合评价": "85.00"}),
    ],
)
def test_R25_the_score_of_a_panel_that_concluded_is_met_and_another_or_an_open_panel_is_not(
    policy, panelled, score, met, seen
):
    panels = {"reward": panelled, "review": Panelled(False, None)} if panelled else {}
    judged = case("propose_tier", policy=policy, panels=panels, record={"evaluation_score": score})
    threshold = {"综合评价": panelled.score if panelled else None} if seen else {}
    assert judge("evaluation_concluded", judged) == Judgement(met, seen, threshold)
