"""Owns the proof of what sheets come to: points within their maximum, totals and results exact, ties shown."""

from decimal import Decimal
from fractions import Fraction

import pytest
from cases import POLICY
from hypothesis import given, settings
from hypothesis import strategies as st

from states.definition import BadDefinition
from states.library import bundled_policies
from states.panels import PanelSetting, Placed, Result, placed, read_points, result_of, total_of
from states.policy import read_policy

SETTING = POLICY.panels["review"]
FULL = {name: criterion.maximum for name, criterion in SETTING.criteria.items()}
ODD = PanelSetting.model_validate(
    {
        "zh": "评审",
        "en": "review",
        "states": ["x"],
        "experts": 5,
        "sheets": 3,
        "trim": 1,
        "wide_from": 10,
        "criteria": {
            "a": {"zh": "甲", "en": "a", "maximum": 7, "weight": 40},
            "b": {"zh": "乙", "en": "b", "maximum": 30, "weight": 60},
        },
    }
)
lawful = settings(derandomize=True, deadline=None, max_examples=100)
totals = st.integers(0, 10_000).map(lambda hundredths: Decimal(hundredths).scaleb(-2))


def test_points_are_read_within_each_criterions_maximum_and_a_draft_may_lack_some():
    given = {"necessity": 20, "technology": "12.5", "capability": None}
    assert read_points(SETTING, given, whole=False) == ({"necessity": "20.00", "technology": "12.50"}, {})
    points, wrong = read_points(SETTING, given, whole=True)
    assert (sorted(points), sorted(wrong)) == (["necessity", "technology"], ["benefit", "capability", "funding"])
    assert wrong["funding"] == "投入预算合理性未评分 / no points are given for soundness of the budget"


@pytest.mark.parametrize(
    "value", [21, "20.01", -1, "-0", "1.234", "٣", "１", "1e1", "NaN", "", " 5", 5.0, True, [5], {"a": 1}]
)
def test_points_beyond_the_maximum_or_of_another_kind_are_refused_by_name(value):
    points, wrong = read_points(SETTING, {"necessity": value, "luck": 3}, whole=False)
    assert points == {}
    assert wrong == {
        "necessity": "应为0至20、至多两位小数 / from 0 to 20, at most two decimals",
        "luck": "没有此评分项 / no such criterion",
    }


def test_a_total_weighs_each_criterion_and_is_rounded_half_up_once():
    whole, _ = read_points(SETTING, FULL, whole=True)
    assert total_of(SETTING, whole) == Decimal("100.00")
    # 40 × 3/7 + 60 × 11/30 = 17.142857… + 22 = 39.142857…
    assert total_of(ODD, {"a": "3.00", "b": "11.00"}) == Decimal("39.14")
    # 40 × 0 + 60 × 0.0025/… : 60 × 0.01/30 = 0.02; half a hundredth goes up: 60 × 2.5025/30 = 5.005
    assert total_of(ODD, {"a": "0.00", "b": "0.01"}) == Decimal("0.02")


def test_a_result_trims_both_ends_and_shows_the_spread_and_whose_totals_were_left_out():
    given = {
        "e1": Decimal("90"),
        "e2": Decimal("70"),
        "e3": Decimal("80"),
        "e4": Decimal("80.01"),
        "e5": Decimal("79.5"),
    }
    found = result_of(SETTING, given)
    assert found == Result(Decimal("79.84"), 5, Decimal("70"), Decimal("90"), ("e2", "e1"), True)
    assert found.spread == Decimal("20")
    assert result_of(SETTING, {name: given[name] for name in ("e1", "e2", "e3", "e4")}) is None
    assert result_of(ODD, dict(list(given.items())[:3])) == Result(
        Decimal("80.00"), 3, Decimal("70"), Decimal("90"), ("e2", "e1"), True
    )


def test_half_a_hundredth_of_a_mean_is_rounded_up():
    pair = ODD.model_copy(update={"trim": 0, "sheets": 2})
    assert result_of(pair, {"e1": Decimal("80.00"), "e2": Decimal("80.01")}).score == Decimal("80.01")


@lawful
@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=3), totals, min_size=3, max_size=9))
def test_a_result_lies_among_what_was_counted_and_does_not_depend_on_the_order(given_totals):
    found = result_of(ODD, given_totals)
    kept = [total for name, total in given_totals.items() if name not in found.trimmed]
    assert (len(found.trimmed), found.sheets) == (2, len(given_totals))
    assert min(kept) <= found.score <= max(kept)
    assert abs(Fraction(found.score) - sum(map(Fraction, kept), Fraction()) / len(kept)) <= Fraction(1, 200)
    assert found == result_of(ODD, dict(reversed(given_totals.items())))
    assert found.wide == (found.spread >= ODD.wide_from)


def test_equal_scores_share_a_rank_and_the_next_ranks_are_left_out():
    scores = {"p3": Decimal("80.00"), "p1": Decimal("90.00"), "p2": Decimal("80.00"), "p4": Decimal("70.00")}
    assert placed(scores) == [
        Placed("p1", Decimal("90.00"), 1, 1),
        Placed("p2", Decimal("80.00"), 2, 2),
        Placed("p3", Decimal("80.00"), 2, 2),
        Placed("p4", Decimal("70.00"), 4, 1),
    ]
    assert placed({}) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("maximum = 10, weight = 10 }", "maximum = 10, weight = 11 }"),  # weights beyond 100
        ("sheets = 5\ntrim = 1\nwide_from = 20\n\n[panels.review.criteria]",
         "sheets = 2\ntrim = 1\nwide_from = 20\n\n[panels.review.criteria]"),  # all trimmed away
        ("experts = 5\nsheets = 5\ntrim = 1\nwide_from = 20\n\n[panels.review.criteria]",
         "experts = 4\nsheets = 5\ntrim = 1\nwide_from = 20\n\n[panels.review.criteria]"),  # more sheets than experts
        ('states = ["under_review"]\nfield', 'states = []\nfield'),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_give_a_result_is_refused(old, new):
    text = bundled_policies()[POLICY.name][1]
    assert text.count(old) == 1
    with pytest.raises(BadDefinition, match=r"panels\.review"):
        read_policy(text.replace(old, new))
