"""Owns the proof of R01 to R06 on both sides of each threshold."""

from dataclasses import replace

import pytest
from cases import (
    FOURTH,
    LANDING,
    LEAD,
    OTHER,
    OUTSIDE_CODE,
    POLICY,
    PROVINCIAL_CODE,
    application,
    case,
    judge,
    policy_with,
)

from states.facts import Room, UnitRole
from states.findings import Judgement

PROVIDER = ("provider_projects", LEAD.credit_code)
MAKERS = [("manufacturer_projects", unit.credit_code) for unit in (LANDING, OTHER)]


def of(*members, **changes):
    return case(application=application(members=tuple(members)), **changes)


def test_R01_one_provider_of_the_province_leads_and_two_no_lead_or_a_stranger_do_not():
    required = ("provider", "37")
    alone = ["服务商甲（provider，370102）"]
    assert judge("one_lead_provider", of(LEAD, LANDING)) == Judgement(True, alone, required)
    second = replace(FOURTH, role=UnitRole.LEAD)
    assert judge("one_lead_provider", of(LEAD, second, LANDING)) == Judgement(
        False, [*alone, "单位丁（other，370102）"], required
    )
    assert judge("one_lead_provider", of(LANDING)) == Judgement(False, [], required)
    stranger = replace(LEAD, credit_code=OUTSIDE_CODE)
    assert judge("one_lead_provider", of(stranger)) == Judgement(False, ["服务商甲（provider，110000）"], required)
    maker = replace(LEAD, kind="manufacturer")
    assert judge("one_lead_provider", of(maker)) == Judgement(False, ["服务商甲（manufacturer，370102）"], required)


def test_R01_a_declared_region_counts_before_the_one_in_the_code():
    moved = replace(LEAD, credit_code=OUTSIDE_CODE, region="370102")
    assert judge("one_lead_provider", of(moved)).met is True
    assert judge("one_lead_provider", of(replace(LEAD, region="110000"))).met is False


def test_R01_one_landing_manufacturer_is_met_and_none_is_not():
    assert judge("landing_manufacturer", of(LEAD, LANDING, OTHER)) == Judgement(True, 1, 1)
    assert judge("landing_manufacturer", of(LEAD, OTHER)) == Judgement(False, 0, 1)
    assert judge("landing_manufacturer", of(LEAD, replace(LANDING, kind="other"))) == Judgement(False, 0, 1)
    two = policy_with("R01", min_landing_units=2)
    assert judge("landing_manufacturer", of(LEAD, LANDING, policy=two)) == Judgement(False, 1, 2)


@pytest.mark.parametrize(
    "code",
    [
        "91370102MA3ABC0016",
        "91370102MA3ABC001",
        "91370102ma3abc0015",
        " 91370102MA3ABC0015",
        "",
        "９1370102MA3ABC0015",
    ],
)
def test_R02_a_valid_credit_code_is_met_and_a_false_one_is_named(code):
    assert judge("credit_codes_valid", of(LEAD, LANDING)) == Judgement(True, {}, None)
    wrong = replace(LEAD, credit_code=code)
    assert judge("credit_codes_valid", of(wrong, LANDING)) == Judgement(False, {code: "服务商甲"}, None)


def test_R02_three_units_are_met_and_one_unit_twice_is_not():
    assert judge("members_distinct", of(LEAD, LANDING, OTHER)) == Judgement(True, {}, None)
    again = replace(LANDING, credit_code=LEAD.credit_code)
    assert judge("members_distinct", of(LEAD, again)) == Judgement(False, {LEAD.credit_code: "制造商乙"}, None)


def test_R02_units_of_two_groups_are_met_and_units_of_one_group_are_not():
    one, same, other = (
        replace(LEAD, group="甲集团"),
        replace(LANDING, group="甲集团"),
        replace(LANDING, group="乙集团"),
    )
    assert judge("members_unaffiliated", of(one, other, OTHER)) == Judgement(True, [], None)
    assert judge("members_unaffiliated", of(one, same, OTHER)) == Judgement(False, ["服务商甲—制造商乙"], None)


def test_R02_the_projects_group_is_the_leads():
    same = application(LEAD, replace(LANDING, group="甲集团"), group="甲集团")
    assert judge("members_unaffiliated", case(application=same)) == Judgement(False, ["服务商甲—制造商乙"], None)


@pytest.mark.parametrize("named_by", [0, 1])
def test_R02_a_link_declared_by_either_unit_is_not_met(named_by):
    members = [LEAD, OTHER]
    members[named_by] = replace(members[named_by], affiliates=(members[1 - named_by].credit_code,))
    assert judge("members_unaffiliated", of(*members, LANDING)) == Judgement(False, ["服务商甲—制造商丙"], None)
    stranger = replace(LEAD, affiliates=(OUTSIDE_CODE, LEAD.credit_code))
    assert judge("members_unaffiliated", of(stranger, LANDING)) == Judgement(True, [], None)


def test_R03_three_members_are_met_and_four_are_not():
    assert judge("member_count", of(LEAD, LANDING, OTHER)) == Judgement(True, 3, 3)
    assert judge("member_count", of(LEAD, LANDING, OTHER, FOURTH)) == Judgement(False, 4, 3)


def test_R04_six_points_are_met_and_five_or_no_agreement_are_not():
    assert judge("agreement_complete", case()) == Judgement(True, {}, 6)
    five = list(POLICY.rules.R04.points)[:5]
    assert judge("agreement_complete", case(record={"agreement_points": five})) == Judgement(
        False, {"intellectual_property": "知识产权"}, 6
    )
    assert judge("agreement_complete", case(documents={})) == Judgement(
        False, {"consortium_agreement": "联合体协议"}, 6
    )


def test_R05_a_second_project_of_a_provider_is_met_and_a_third_is_not():
    assert judge("provider_project_count", case(room={PROVIDER: Room(1, 2)})) == Judgement(
        True, {LEAD.credit_code: 2}, 2
    )
    assert judge("provider_project_count", case(room={PROVIDER: Room(2, 2)})) == Judgement(
        False, {LEAD.credit_code: 3}, 2
    )


def test_R05_a_project_that_holds_its_place_already_is_not_counted_twice():
    held = case("accept_filing", room={PROVIDER: Room(2, 2)})
    assert judge("provider_project_count", held) == Judgement(True, {LEAD.credit_code: 2}, 2)


def test_R05_a_place_once_granted_is_kept_even_where_there_are_too_many():
    over = case("accept_filing", room={PROVIDER: Room(3, 2)})
    assert judge("provider_project_count", over) == Judgement(True, {LEAD.credit_code: 3}, 2)
    anew = case("submit", room={PROVIDER: Room(2, 2)})
    assert judge("provider_project_count", anew) == Judgement(False, {LEAD.credit_code: 3}, 2)


def test_R05_a_consortium_without_a_provider_counts_nothing():
    assert judge("provider_project_count", of(LANDING)) == Judgement(True, {}, 2)


def test_R06_a_first_project_of_a_manufacturer_is_met_and_a_second_is_not():
    first = {LANDING.credit_code: 1, OTHER.credit_code: 1}
    assert judge("manufacturer_project_count", case()) == Judgement(True, first, 1)
    taken = case(room={MAKERS[1]: Room(1, 1)})
    assert judge("manufacturer_project_count", taken) == Judgement(False, {**first, OTHER.credit_code: 2}, 1)


def test_R06_a_manufacturer_shortlisted_before_is_not_met_and_a_provider_is_not_barred():
    before = frozenset({LEAD.credit_code, FOURTH.credit_code})
    assert judge("not_shortlisted_before", case(shortlisted_before=before)) == Judgement(True, {}, True)
    barred = case(shortlisted_before=before | {OTHER.credit_code})
    assert judge("not_shortlisted_before", barred) == Judgement(False, {OTHER.credit_code: "制造商丙"}, True)


def test_R06_a_batch_that_bars_nobody_meets_the_shortlist_rule():
    free = policy_with("R06", bar_shortlisted=False)
    barred = case(policy=free, shortlisted_before=frozenset({OTHER.credit_code}))
    assert judge("not_shortlisted_before", barred) == Judgement(True, {}, False)


def test_R01_a_lead_registered_with_the_province_is_of_the_province():
    assert judge("one_lead_provider", of(replace(LEAD, credit_code=PROVINCIAL_CODE))).met is True
