"""Owns the proof of R13 to R16, of waivers and of the room to return, on both sides of each threshold."""

from datetime import date

import pytest
from cases import ABSENT, DOCUMENTS, LEAD, application, case, judge, policy_with

from states.facts import Package, Room
from states.findings import Judgement
from states.rules import RULES

CITY = ("city_quota", "370100")
GROUP = ("group_tasks", "甲集团")
OVERRIDABLE = ["R03", "R05", "R06", "R13", "R16", "R21"]
LETTERLESS = {kind: held for kind, held in DOCUMENTS.items() if kind != "group_letter"}


def recommend(**changes):
    return case("recommend", **changes)


def grouped(**changes):
    return recommend(application=application(group="甲集团"), **changes)


def test_R13_the_last_place_of_the_quota_is_met_and_one_beyond_is_not():
    assert judge("within_city_quota", recommend(room={CITY: Room(4, 5)})) == Judgement(True, {"370100": 5}, 5)
    assert judge("within_city_quota", recommend(room={CITY: Room(5, 5)})) == Judgement(False, {"370100": 6}, 5)


def test_R13_a_city_without_an_imported_quota_is_not_met():
    unset = recommend(room={CITY: Room(0, None)})
    assert judge("within_city_quota", unset) == Judgement(False, None, None)
    message = RULES["within_city_quota"].evaluate(unset).to_dict()["message"]
    assert "请先导入" in message["zh"]
    assert "import the quota table first" in message["en"]


@pytest.mark.parametrize("ownership", ["central_in_shandong", "provincial_soe"])
@pytest.mark.parametrize("room", [Room(5, 5), Room(0, None)])
def test_R14_an_exempt_project_passes_a_full_or_missing_quota(ownership, room):
    exempt = recommend(application=application(ownership=ownership), room={CITY: room})
    assert judge("within_city_quota", exempt) == Judgement(True, {}, None)


def test_R13_a_free_rank_is_met_and_a_taken_one_zero_or_none_is_not():
    taken = frozenset({1, 3})
    for rank, met in ((2, True), (3, False), (0, False), (-1, False)):
        ranked = recommend(record={"rank": rank}, ranks_taken=taken)
        assert judge("rank_free", ranked) == Judgement(met, rank, taken)
    unranked = recommend(record={"rank": ABSENT}, ranks_taken=taken)
    assert judge("rank_free", unranked) == Judgement(False, None, taken)


def test_R13_a_batch_that_allows_equal_ranks_meets_a_taken_one():
    equal = recommend(policy=policy_with("R13", unique_ranks=False), ranks_taken=frozenset({1}))
    assert judge("rank_free", equal) == Judgement(True, 1, frozenset())


def test_R14_a_provincial_companys_letter_is_met_and_its_absence_is_not():
    owned = application(ownership="provincial_soe")
    assert judge("company_letter", recommend(application=owned)) == Judgement(True, True, True)
    assert judge("company_letter", recommend(application=owned, documents=LETTERLESS)) == Judgement(False, False, True)


def test_R14_the_provincial_company_itself_needs_no_letter_and_its_subsidiary_does():
    parent = application(ownership="provincial_soe", group=LEAD.name)
    assert judge("company_letter", recommend(application=parent, documents=LETTERLESS)) == Judgement(True, False, False)
    subsidiary = application(ownership="provincial_soe", group="甲集团")
    letterless = recommend(application=subsidiary, documents=LETTERLESS)
    assert judge("company_letter", letterless) == Judgement(False, False, True)


@pytest.mark.parametrize("ownership", ["central_in_shandong", "other"])
def test_R14_other_ownership_needs_no_letter(ownership):
    owned = recommend(application=application(ownership=ownership), documents=LETTERLESS)
    assert judge("company_letter", owned) == Judgement(True, False, False)


def test_R15_a_groups_fifth_task_is_met_and_its_sixth_is_not():
    assert judge("within_group_limit", grouped(room={GROUP: Room(4, 5)})) == Judgement(True, {"甲集团": 5}, 5)
    assert judge("within_group_limit", grouped(room={GROUP: Room(5, 5)})) == Judgement(False, {"甲集团": 6}, 5)


def test_R15_a_lead_of_no_group_counts_nowhere():
    assert judge("within_group_limit", recommend()) == Judgement(True, {}, 5)


def test_R16_the_fifth_of_august_is_met_and_the_sixth_is_not():
    due = date(2024, 8, 5)
    assert judge("package_in_time", recommend(on=due)) == Judgement(True, due, due)
    assert judge("package_in_time", recommend(on=date(2024, 8, 6))) == Judgement(False, date(2024, 8, 6), due)


def test_R16_two_paper_copies_are_met_and_one_or_none_recorded_is_not():
    assert judge("paper_copies_sufficient", recommend()) == Judgement(True, 2, 2)
    assert judge("paper_copies_sufficient", recommend(record={"paper_copies": 1})) == Judgement(False, 1, 2)
    absent = recommend(record={"paper_copies": ABSENT})
    assert judge("paper_copies_sufficient", absent) == Judgement(False, None, 2)


def test_R16_a_passed_formal_check_is_met_and_a_failed_one_is_not():
    assert judge("formal_check_passed", case("accept_filing")) == Judgement(True, True, True)
    failed = case("accept_filing", record={"formal_check": False})
    assert judge("formal_check_passed", failed) == Judgement(False, False, True)


@pytest.mark.parametrize(
    ("setting", "package", "met"),
    [
        ("off", None, True),
        ("off", Package(3, None, None), True),
        ("where_packaged", None, True),
        ("where_packaged", Package(3, None, None), False),
        ("where_packaged", Package(3, "2024-08-02", 1), False),
        ("where_packaged", Package(3, "2024-08-02", 2), True),
        ("required", None, False),
        ("required", Package(3, None, None), False),
        ("required", Package(3, "2024-08-02", 2), True),
    ],
)
def test_R16_a_filing_waits_for_the_receipt_of_its_package_as_the_batch_asks(setting, package, met):
    found = judge(
        "package_received", case("accept_filing", policy=policy_with("R16", receipt=setting), package=package)
    )
    assert (found.met, found.threshold) == (met, 2)


def reopen(**changes):
    return case("reopen", state="not_selected", left_state="under_review", **changes)


def test_R13_a_reopened_project_needs_room_for_what_it_does_not_hold_yet():
    place = ("provider_projects", LEAD.credit_code)
    name = f"provider_projects {LEAD.credit_code}"
    free = judge("room_to_return", reopen(room={place: Room(1, 2)}))
    assert (free.met, free.seen[name], free.threshold[name]) == (True, 2, 2)
    full = judge("room_to_return", reopen(room={place: Room(2, 2)}))
    assert (full.met, full.seen[name], full.threshold[name]) == (False, 3, 2)
    unset = judge("room_to_return", reopen(room={place: Room(0, None)}))
    assert (unset.met, unset.seen[name], unset.threshold[name]) == (False, 1, None)


def test_R13_a_reopened_project_keeps_the_places_it_still_holds():
    kept = judge("room_to_return", reopen(room={CITY: Room(6, 5)}))
    assert (kept.met, "city_quota 370100" in kept.seen) == (True, False)
    lapsed = case("reopen", state="lapsed", left_state="published")
    assert judge("room_to_return", lapsed) == Judgement(True, {}, {})


def test_R13_a_rule_in_principle_may_be_waived_and_a_hard_one_none_or_an_unknown_one_may_not():
    rule = "rules_may_be_waived"
    for named, met in ((["R03", "R16"], True), (["R21"], True), (["R03", "R07"], False), (["R99"], False)):
        asked = case("waive", record={"waived_rules": named})
        assert judge(rule, asked) == Judgement(met, named, OVERRIDABLE)
    for nothing in ([], ABSENT):
        empty = case("waive", record={"waived_rules": nothing})
        assert judge(rule, empty) == Judgement(False, None, OVERRIDABLE)
