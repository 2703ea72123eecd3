"""Owns the proof of how scores become rewards (R25 to R27): lines, shares, units, rank and budget; moved lines."""

from decimal import Decimal

import pytest
from cases import POLICY, policy_with
from hypothesis import given
from hypothesis import strategies as st

from states.tiering import WHY, Award, Candidate, Terms, awards, moves, score_of, terms_of, tier_reached, verified_fen

YUAN = 100
WAN = 10_000 * YUAN
TERMS = terms_of(POLICY, 300 * WAN)
CENT = Decimal("0.01")

scores = st.none() | st.integers(0, 10_000).map(lambda n: n * CENT)
candidates = st.lists(st.tuples(scores, st.none() | st.integers(0, 900 * WAN)), max_size=12).map(
    lambda found: [Candidate(f"p{number:02}", *one) for number, one in enumerate(found)]
)
budgets = st.integers(0, 600 * WAN)


def one(name: str, score: str | None, verified: int | None) -> Candidate:
    return Candidate(name, score_of(score), verified)


def told(found: list[Award]) -> list[tuple[str, str | None, int, str]]:
    return [(award.project, award.tier, award.amount_fen // WAN, award.why) for award in found]


def test_a_score_at_a_line_reaches_its_tier_and_a_hundredth_below_does_not():
    assert [tier_reached(TERMS, Decimal(text)) for text in ("90", "89.99", "80", "79.99", "70", "69.99")] == [
        *("first", "second", "second", "third", "third"),
        None,
    ]


def test_an_amount_is_the_lower_of_cap_and_share_in_whole_units():
    terms = terms_of(POLICY, 10_000 * WAN)
    found = awards(terms, [one("cap", "95", 400 * WAN), one("share", "94", 123 * WAN + 5), one("none", "93", None)])
    assert told(found) == [
        ("cap", "first", 100, "awarded"),
        ("share", "first", 36, "awarded"),  # 30 % of 1,230,000.05 yuan is 369,000.01; whole units of 10,000
        ("none", None, 0, "nothing_verified"),
    ]


def test_money_goes_by_rank_and_nobody_passes_one_who_was_left_out():
    listed = [one("a", "95", 400 * WAN), one("b", "92", 400 * WAN), one("c", "85", 400 * WAN), one("d", "75", 50 * WAN)]
    assert told(awards(TERMS._replace(available_fen=240 * WAN), listed)) == [
        ("a", "first", 100, "awarded"),
        ("b", "first", 100, "awarded"),
        ("c", None, 0, "over_budget"),
        ("d", None, 0, "over_budget"),
    ]


def test_those_with_one_score_are_rewarded_all_or_none_and_the_tie_is_said():
    tied = [one("a", "95", 400 * WAN), one("b", "95", 400 * WAN), one("c", "70", 400 * WAN)]
    assert told(awards(TERMS._replace(available_fen=150 * WAN), tied)) == [
        ("a", None, 0, "tied_at_budget"),
        ("b", None, 0, "tied_at_budget"),
        ("c", None, 0, "over_budget"),
    ]
    assert [(award.tied, award.at_line) for award in awards(TERMS, tied)] == [(2, False), (2, False), (1, True)]


def test_a_moved_line_tells_who_moves_and_what_it_costs():
    listed = [one("a", "95", 400 * WAN), one("b", "91", 400 * WAN), one("c", "60", 400 * WAN), one("d", None, 1)]
    before = awards(TERMS, listed)
    after = awards(terms_of(POLICY, 300 * WAN, {"first": Decimal(92), "third": Decimal(60)}), listed)
    assert [(move.project, move.before.tier, move.after.tier) for move in moves(before, after)] == [
        ("b", "first", "second"),
        ("c", None, "third"),
    ]
    assert (sum(award.amount_fen for award in before), sum(award.amount_fen for award in after)) == (
        200 * WAN,
        180 * WAN,
    )


def test_a_line_for_a_tier_that_the_batch_does_not_have_is_refused():
    with pytest.raises(ValueError, match="no such tiers: fourth"):
        terms_of(POLICY, 0, {"fourth": Decimal(50)})


@pytest.mark.parametrize("value", [None, "", "x", "NaN", "Infinity", [1]])
def test_what_is_no_number_is_no_score(value: object):
    assert score_of(value) is None


def test_the_last_round_says_what_was_verified_in_all():
    assert verified_fen({"half_year_verified_fen": 5, "one_year_verified_fen": 9}) == 9
    assert verified_fen({"half_year_verified_fen": 5, "one_year_verified_fen": True}) == 5
    assert verified_fen({}) is None


@given(candidates, budgets)
def test_rewards_never_pass_the_budget_the_cap_or_the_share(found: list[Candidate], left: int):
    terms = TERMS._replace(available_fen=left)
    known = {one.project: one for one in found}
    made = awards(terms, found)
    assert sum(award.amount_fen for award in made) <= left
    assert sorted(award.project for award in made) == sorted(known)
    for award in made:
        assert (award.amount_fen > 0) == (award.tier is not None) == (award.why == "awarded")
        assert award.why in WHY
        if award.tier is not None:
            assert award.amount_fen <= terms.caps[award.tier]
            assert award.amount_fen * 100 <= (known[award.project].verified_fen or 0) * terms.share_percent
            assert award.amount_fen % terms.unit_fen == 0


@given(candidates, budgets)
def test_nobody_is_rewarded_while_a_better_or_equal_one_lacks_money(found: list[Candidate], left: int):
    made = awards(TERMS._replace(available_fen=left), found)
    short = [award.score for award in made if award.why in ("over_budget", "tied_at_budget")]
    paid = [award.score for award in made if award.why == "awarded"]
    if short and paid:
        assert min(paid) > max(short)


@given(candidates, budgets, st.randoms(use_true_random=False))
def test_the_order_in_which_candidates_are_named_changes_nothing(found: list[Candidate], left: int, random):
    terms = TERMS._replace(available_fen=left)
    shuffled = list(found)
    random.shuffle(shuffled)
    assert awards(terms, shuffled) == awards(terms, found)


@given(candidates, st.integers(0, 100))
def test_with_money_for_all_a_raised_line_never_raises_a_reward(found: list[Candidate], rise: int):
    plenty = Terms(*TERMS)._replace(available_fen=10**12)
    raised = plenty._replace(lines={code: line + rise for code, line in plenty.lines.items()})
    low, high = ({award.project: award.amount_fen for award in awards(terms, found)} for terms in (plenty, raised))
    assert [name for name in low if high[name] > low[name]] == []


def test_the_batch_own_share_unit_and_lines_are_the_terms_where_nothing_is_tried_out():
    policy = policy_with("R27", max_share_percent=50, unit_fen=7)
    assert terms_of(policy, 5)[2:] == (50, 7, 5)
    assert terms_of(policy, 5, share_percent=10).share_percent == 10
