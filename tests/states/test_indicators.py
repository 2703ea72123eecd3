"""Owns the proof of indicators: read exactly, compared exactly, and never a float."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from states.fields import FieldProblem, clean_text
from states.indicators import (
    MOST,
    Indicator,
    attained,
    indicator_json,
    indicator_of,
    read_attainments,
    read_indicators,
    unanswered,
)

RATE = {"number": 1, "name": "设备联网率", "unit": "%", "baseline": "60", "target": "90", "planned_on": "2025-08-31"}
FAULTS = {"number": 2, "name": "不良品率", "unit": "%", "baseline": "4.0", "target": "2.50"}


def kept(*given: Any) -> tuple[Indicator, ...]:
    return tuple(indicator_of(one) for one in read_indicators(list(given), clean_text))


def test_indicators_are_kept_by_number_in_their_shortest_form_and_read_back_as_they_were():
    read = read_indicators([{**FAULTS, "name": " 不良品率 "}, RATE], clean_text)
    assert read == [
        {**RATE, "better": "higher"},
        {**FAULTS, "baseline": "4", "target": "2.5", "better": "lower"},
    ]
    assert [indicator_json(indicator_of(one)) for one in read] == read
    assert kept(RATE)[0].planned_on == date(2025, 8, 31)


@pytest.mark.parametrize(
    "value",
    [[], "x", [RATE] * 2, [{**RATE, "number": 0}], [{**RATE, "number": True}], [{**RATE, "target": 9.5}], [{}],
     [{**RATE, "target": "1e3"}], [{**RATE, "target": None}], [{**RATE, "baseline": "九十"}], [{**RATE, "unit": ""}],
     [{**RATE, "name": "名" * 61}], [{**RATE, "planned_on": "20250831"}], [{**RATE, "better": "up"}], [RATE, "x"],
     [{**RATE, "x": 1}], [{**RATE, "number": n} for n in range(1, MOST + 2)]],
)  # fmt: skip
def test_what_is_no_indicator_is_refused_in_both_languages(value):
    with pytest.raises(ValueError, match=r"[\u4e00-\u9fff].* / [a-z0-9]"):
        read_indicators(value, clean_text)


def test_a_self_evaluation_is_read_by_number_and_whatever_else_is_refused():
    read = read_attainments(
        [{"number": 10, "achieved": "3.50", "remark": " 已验收 "}, {"number": 2, "achieved": -1}], clean_text
    )
    assert read == [{"number": 2, "achieved": "-1"}, {"number": 10, "achieved": "3.5", "remark": "已验收"}]
    one = {"number": 1, "achieved": "1"}
    worst: list[Any] = [
        {},
        [],
        "x",
        [one, one],
        [{}],
        ["1"],
        [{"number": 1}],
        [{**one, "x": 1}],
        [{**one, "remark": 7}],
    ]
    worst += [[{**one, "number": n}] for n in (0, 100, "1", True, None)]
    worst += [[{**one, "achieved": value}] for value in (1.5, "1e3", "", None, True)]
    worst += [[{**one, "number": n} for n in range(1, MOST + 2)], [{**one, "remark": "字" * 301}]]
    for value in worst:
        with pytest.raises(ValueError, match=" / "):
            read_attainments(value, clean_text)


@pytest.mark.parametrize(
    ("indicator", "achieved", "met", "percent"),
    [
        (RATE, "90", True, "100.00"),
        (RATE, "75", False, "50.00"),
        (RATE, "97.5", True, "125.00"),
        (RATE, "50", False, "-33.33"),  # a third of the way back
        (FAULTS, "3", False, "66.67"),
        (FAULTS, "2.5", True, "100.00"),
        ({**RATE, "baseline": None}, "45", False, "50.00"),
        ({**RATE, "baseline": None, "target": "0"}, "1", True, None),
        ({**RATE, "baseline": None, "better": "lower"}, "120", False, "75.00"),
        ({**RATE, "baseline": None, "better": "lower"}, "0", True, None),
        ({**RATE, "baseline": "90"}, "91", True, None),  # it was there already
    ],
)  # fmt: skip
def test_how_far_an_indicator_was_reached(indicator, achieved, met, percent):
    (found,) = attained(
        kept(indicator), read_attainments([{"number": indicator["number"], "achieved": achieved}], clean_text)
    )
    assert (found.met, found.percent, found.achieved) == (met, percent, achieved)


def test_what_nobody_answered_is_not_reached_and_what_nobody_asked_is_told():
    indicators, answers = (
        kept(RATE, FAULTS),
        read_attainments([{"number": n, "achieved": "1"} for n in (2, 7)], clean_text),
    )
    assert [(one.achieved, one.met, one.percent) for one in attained(indicators, answers)] == [
        (None, False, None),
        ("1", True, "200.00"),
    ]
    assert unanswered(indicators, answers) == ([1], [7])


amounts = st.decimals(-(10**6), 10**6, places=4).map(lambda found: format(found, "f"))


@settings(derandomize=True, deadline=None, max_examples=150)
@given(amounts, amounts, amounts)
def test_whoever_reached_the_target_went_all_the_way_and_who_went_less_did_not(baseline, target, achieved):
    indicators = kept({**RATE, "baseline": baseline, "target": target})
    (found,) = attained(indicators, read_attainments([{"number": 1, "achieved": achieved}], clean_text))
    if found.percent is None:
        assert Decimal(baseline) == Decimal(target)
    elif found.met:
        assert Decimal(found.percent) >= 100
    else:
        assert Decimal(found.percent) <= 100
    assert all(not isinstance(value, float) for value in found.to_dict().values())


def test_a_name_that_is_no_text_says_which_indicator_it_is_of():
    with pytest.raises(ValueError, match=r"第2项指标.*indicator 2") as wrong:
        read_indicators([RATE, {**FAULTS, "name": 7}], clean_text)
    assert not isinstance(wrong.value, FieldProblem)
