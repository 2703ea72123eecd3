"""Owns the proof of R21 where experts evaluate, and where the unit answers the indicators of its application book."""

import pytest
from cases import DEFINITION, POLICY, application, case, judge, policy_with

from states.findings import Judgement
from states.indicators import Indicator
from states.panels import Panelled, times_sent_back

LABEL = POLICY.panels["half_year"].zh
ASKED = POLICY.model_copy(
    update={"panels": {**POLICY.panels, "half_year": POLICY.panels["half_year"].model_copy(update={"required": True})}}
)
RATE = Indicator(1, "设备联网率", "%", "90", "60")
FAULTS = Indicator(2, "不良品率", "%", "2.5", "4", better="lower")
REACHED = [{"number": 1, "achieved": "90"}, {"number": 2, "achieved": "2"}]


def evaluated(panelled=None, policy=POLICY, score=None, **record):
    given = {"half_year_score": score} if score else {}
    panels = {"half_year": panelled} if panelled else {}
    return case("pass_half_year", policy=policy, panels=panels, record={**record, **given})


def test_R21_a_project_that_no_panel_evaluates_is_decided_without_one_unless_the_batch_asks_for_it():
    assert judge("acceptance_evaluated", evaluated()) == Judgement(True, {}, {})
    assert judge("acceptance_evaluated", evaluated(policy=ASKED)) == Judgement(False, {LABEL: None}, {LABEL: None})


@pytest.mark.parametrize(
    ("panelled", "stated", "met", "score"),
    [
        (Panelled(False, None), "80.00", False, None),
        (Panelled(True, "80.00"), "80.00", True, "80.00"),
        (Panelled(True, "80.00"), "81.00", False, "80.00"),
        (Panelled(True, "80.00"), None, False, "80.00"),
    ],
)
def test_R21_an_acceptance_waits_for_its_evaluation_and_states_the_score_of_it(panelled, stated, met, score):
    for policy in (POLICY, ASKED):
        found = judge("acceptance_evaluated", evaluated(panelled, policy, stated))
        assert found == Judgement(met, {LABEL: stated}, {LABEL: score})


def test_R21_what_was_evaluated_before_the_project_was_sent_back_does_not_hold_for_what_it_brings_anew():
    back = {"half_year_rectifications": 1}
    assert times_sent_back(DEFINITION, "half_year_evaluation", back) == 1
    assert times_sent_back(DEFINITION, "half_year_accepted", back) == 0
    former, present = Panelled(True, "80.00"), Panelled(True, "80.00", 1)
    assert judge("acceptance_evaluated", evaluated(former, score="80.00", **back)).met is False
    assert judge("acceptance_evaluated", evaluated(present, score="80.00", **back)).met is True


def test_R21_a_rectification_ordered_after_an_evaluation_states_its_score_too():
    def ordered(panelled, score):
        record = {"half_year_score": score}
        return judge(
            "acceptance_evaluated", case("rectify_half_year", panels={"half_year": panelled}, record=record)
        ).met

    assert [ordered(Panelled(done, "60.00"), "60.00") for done in (True, False)] == [True, False]


def applied(answers, setting="required", indicators=(RATE, FAULTS), event="apply_half_year"):
    record = {"half_year_self_evaluation": answers} if answers else {}
    return case(
        event,
        policy=policy_with("R21", self_evaluation=setting),
        application=application(indicators=indicators),
        record=record,
    )


def test_R21_every_indicator_is_answered_and_no_other_where_the_batch_requires_it():
    def found(*given, **options):
        return judge("indicators_answered", applied(*given, **options))

    assert found(REACHED) == Judgement(True, {}, [1, 2])
    assert found(REACHED[:1]) == Judgement(False, {"missing": [2]}, [1, 2])
    assert found(None) == Judgement(False, {"missing": [1, 2]}, [1, 2])
    strange = [*REACHED, {"number": 9, "achieved": "1"}]
    assert found(strange, event="resubmit_half_year") == Judgement(False, {"unknown": [9]}, [1, 2])
    assert found(strange, "shown") == Judgement(True, {"unknown": [9]}, [1, 2])
    assert found(None, "off").met is True
    assert found(None, indicators=()) == Judgement(True, {}, [])


def test_R21_whoever_decides_sees_target_and_achieved_and_how_far_that_is():
    def found(*given, **options):
        return judge("indicators_reached", applied(*given, **options))

    targets = {"设备联网率": "90%", "不良品率": "2.5%"}
    assert found(REACHED, event="pass_half_year") == Judgement(
        True, {"设备联网率": "90（100.00%）", "不良品率": "2（133.33%）"}, targets
    )
    short = [{"number": 1, "achieved": "75"}]
    assert found(short) == Judgement(False, {"设备联网率": "75（50.00%）", "不良品率": "未填 not answered"}, targets)
    assert found(short, "off") == Judgement(True, None, None)
