"""Owns the proof of R17 to R19 on both sides of each threshold."""

from dataclasses import replace
from datetime import date

import pytest
from cases import ABSENT, DOCUMENTS, POLICY, act, case, judge

from states.findings import Judgement
from states.panels import Panelled

WAYS = ["material", "defence", "both"]
START, END = date(2024, 8, 12), date(2024, 8, 16)


def test_R17_a_score_or_minutes_in_a_known_way_are_met():
    assert judge("review_closed", case("pass_review")) == Judgement(True, ["both", "88.5", None], WAYS)
    minutes = {
        "review_score": ABSENT,
        "review_minutes_number": "鲁工信评〔2024〕1号",
        "review_method": ["material"],
    }
    assert judge("review_closed", case("not_select", record=minutes)) == Judgement(
        True, ["material", None, "鲁工信评〔2024〕1号"], WAYS
    )


def test_R17_no_score_and_no_minutes_or_an_unknown_way_are_not_met():
    open_review = case("pass_review", record={"review_score": ABSENT})
    assert judge("review_closed", open_review) == Judgement(False, ["both", None, None], WAYS)
    unknown = case("pass_review", record={"review_method": ["lottery"]})
    assert judge("review_closed", unknown) == Judgement(False, ["lottery", "88.5", None], WAYS)
    several = case("pass_review", record={"review_method": ["material", "defence"]})
    assert judge("review_closed", several) == Judgement(False, [None, "88.5", None], WAYS)
    nothing = case("pass_review", record={"review_score": ABSENT, "review_method": ABSENT})
    assert judge("review_closed", nothing) == Judgement(False, None, WAYS)


PANELS = POLICY.panels["review"]
REQUIRED = POLICY.model_copy(update={"panels": {"review": PANELS.model_copy(update={"required": True})}})


@pytest.mark.parametrize("event", ["pass_review", "not_select"])
@pytest.mark.parametrize(
    ("policy", "panelled", "score", "met", "seen"),
    [
        (POLICY, None, "88.50", True, {}),  # on no panel, and none is asked for
        (REQUIRED, None, "88.50", False, {"专家评审": "88.50"}),
        (POLICY, Panelled(False, None), "88.50", False, {"专家评审": "88.50"}),
        (REQUIRED, Panelled(True, "88.50"), "88.50", True, {"专家评审": "88.50"}),
        (POLICY, Panelled(True, "88.50"), "88.51", False, {"专家评审": "88.51"}),
        (POLICY, Panelled(True, "88.50"), ABSENT, False, {"专家评审": None}),
    ],
)
def test_R17_where_a_panel_scores_its_result_stands_and_is_the_one_stated(event, policy, panelled, score, met, seen):
    panels = {"review": panelled, "reward": Panelled(False, None)} if panelled else {}
    judged = case(event, policy=policy, panels=panels, record={"review_score": score})
    threshold = {"专家评审": panelled.score if panelled else None} if seen else {}
    assert judge("panel_concluded", judged) == Judgement(met, seen, threshold)


def test_R17_a_rank_on_the_reserve_list_is_free_or_it_is_not():
    rule = "reserve_rank_free"
    assert judge(rule, case("put_in_reserve")) == Judgement(True, 1, frozenset())
    taken = frozenset({1, 3})
    assert judge(rule, case("put_in_reserve", reserves_taken=taken)) == Judgement(False, 1, taken)
    second = case("put_in_reserve", reserves_taken=taken, record={"reserve_rank": 2})
    assert judge(rule, second) == Judgement(True, 2, taken)
    missing = case("put_in_reserve", record={"reserve_rank": ABSENT})
    assert judge(rule, missing) == Judgement(False, None, frozenset())


def start(**record):
    return case("start_publicity", record=record)


def test_R18_five_working_days_with_the_first_are_met_and_a_day_less_is_not():
    rule = "publicity_long_enough"
    assert judge(rule, start()) == Judgement(True, (START, END), (START, END))
    assert judge(rule, start(publicity_ends_on="2024-08-16")) == Judgement(True, (START, END), (START, END))
    assert judge(rule, start(publicity_ends_on="2024-08-15")) == Judgement(
        False, (START, date(2024, 8, 15)), (START, END)
    )


def test_R18_a_start_after_the_act_is_met_and_one_dated_back_or_missing_is_not():
    rule = "publicity_long_enough"
    later = (date(2024, 8, 13), date(2024, 8, 19))
    assert judge(rule, start(publicity_starts_on="2024-08-13")) == Judgement(True, later, (START, later[1]))
    back = (date(2024, 8, 9), date(2024, 8, 15))
    assert judge(rule, start(publicity_starts_on="2024-08-09")) == Judgement(False, back, (START, back[1]))
    assert judge(rule, start(publicity_starts_on=ABSENT)) == Judgement(False, None, None)


@pytest.mark.parametrize(
    ("starts_on", "ends_on"),
    [("2022-07-27", "2022-08-02"), ("2020-12-23", "2020-12-29"), ("2021-07-12", "2021-07-16")],
)
def test_R18_real_notices_end_on_the_day_they_stated(starts_on, ends_on):
    first, last = date.fromisoformat(starts_on), date.fromisoformat(ends_on)
    real = case("start_publicity", first, record={"publicity_starts_on": starts_on})
    assert judge("publicity_long_enough", real) == Judgement(True, (first, last), (first, last))


def test_R18_publication_on_the_day_after_publicity_is_met_and_on_its_last_day_is_not():
    day_after = date(2024, 8, 17)
    assert judge("publicity_over", case("publish", day_after)) == Judgement(True, day_after, END)
    assert judge("publicity_over", case("publish", END)) == Judgement(False, END, END)
    unstarted = case("publish", record={"publicity_starts_on": ABSENT})
    assert judge("publicity_over", unstarted) == Judgement(False, None, None)


def test_R18_an_end_typed_by_an_officer_counts():
    typed = {"publicity_ends_on": "2024-08-20"}
    last = date(2024, 8, 20)
    assert judge("publicity_over", case("publish", last, record=typed)) == Judgement(False, last, last)


def test_R19_an_objection_from_the_first_to_the_last_day_is_met_and_outside_is_not():
    rule = "objection_in_period"
    for day, met in (
        ("2024-08-11", False),
        ("2024-08-12", True),
        ("2024-08-16", True),
        ("2024-08-17", False),
    ):
        made = case("object", date(2024, 8, 19), record={"objected_on": day})
        assert judge(rule, made) == Judgement(met, date.fromisoformat(day), (START, END))
    undated = case("object", record={"objected_on": ABSENT})
    assert judge(rule, undated) == Judgement(False, None, (START, END))
    unstarted = case("object", record={"publicity_starts_on": ABSENT})
    assert judge(rule, unstarted) == Judgement(False, None, None)


def test_R19_an_objection_made_on_the_day_of_the_act_is_met_and_one_made_after_it_is_not():
    on, next_day = date(2024, 8, 14), date(2024, 8, 15)
    today = case("object", on, record={"objected_on": "2024-08-14"})
    assert judge("objection_in_period", today) == Judgement(True, on, (START, END))
    tomorrow = case("object", on, record={"objected_on": "2024-08-15"})
    assert judge("objection_in_period", tomorrow) == Judgement(False, next_day, (START, END))


UNIT = {
    "objector_kind": ["unit"],
    "objector_name": "某公司",
    "objector_contact": ABSENT,
    "objection_stamped": True,
}


def test_R19_a_named_person_with_contact_and_a_stamped_unit_are_met():
    assert judge("objection_in_form", case("object")) == Judgement(True, {}, None)
    assert judge("objection_in_form", case("object", record=UNIT)) == Judgement(True, {}, None)


@pytest.mark.parametrize(
    ("record", "missing"),
    [
        ({"objection_written": False}, {"objection_written": "书面异议"}),
        ({"objector_name": ""}, {"objector_name": "异议人姓名或单位"}),
        ({"objector_contact": ABSENT}, {"objector_contact": "异议人联系方式"}),
        ({"objector_kind": ["crowd"]}, {"objector_kind": "异议人类型"}),
        ({"objector_kind": ABSENT}, {"objector_kind": "异议人类型"}),
        ({**UNIT, "objection_stamped": False}, {"objection_stamped": "单位盖章"}),
        ({**UNIT, "objector_name": ABSENT}, {"objector_name": "异议人姓名或单位"}),
    ],
)
def test_R19_what_an_objection_lacks_is_named(record, missing):
    assert judge("objection_in_form", case("object", record=record)) == Judgement(False, missing, None)


def test_R19_an_objection_without_evidence_is_not_met():
    documents = {kind: held for kind, held in DOCUMENTS.items() if kind != "objection_material"}
    assert judge("objection_in_form", case("object", documents=documents)) == Judgement(
        False, {"objection_material": "异议材料"}, None
    )


@pytest.mark.parametrize(
    ("typed", "reason", "met"),
    [(ABSENT, None, True), ("2024-08-16", None, True), ("2024-08-20", None, False), ("2024-08-20", "延长公示", True)],
)
def test_R18_an_end_of_publicity_other_than_the_computed_one_takes_a_reason(typed, reason, met):
    asked = replace(
        case("start_publicity", START, record={"publicity_starts_on": START.isoformat(), "publicity_ends_on": typed}),
        act=act("start_publicity", START, reason=reason),
    )
    seen = None if typed is ABSENT else date.fromisoformat(typed)
    assert judge("typed_end_reasoned", asked) == Judgement(met, seen, END)


@pytest.mark.parametrize("event", ["reject_objection", "uphold_objection"])
@pytest.mark.parametrize("undecided", [0, 1, 3])
def test_R19_a_project_is_moved_only_once_every_registered_objection_is_decided(event, undecided):
    assert judge("objections_decided", case(event, objections_open=undecided)) == Judgement(
        undecided == 0, undecided, 0
    )
