"""Owns the proof that each promise of a story can be broken: ceilings, order, dates, caps, sums, secrets."""

from typing import Any

import pytest

from tests.lifecycle.logs import HIDDEN, Told, beside, bodies, ceiling, created, due
from tests.lifecycle.rehearsing import HELD, PLACE, POLICY, QUOTA, UNITS, WAN, WHOLE, broken, broken_at


def other_units(number: int) -> dict[str, Any]:
    """Return columns of a project of the same city whose units are its own."""
    first = created("draft").columns["members"]
    members = [{**unit, "credit_code": f"{unit['credit_code'][:-1]}{number}"} for unit in first]
    return {"members": members, "lead_code": members[0]["credit_code"]}


def units_of(number: int) -> dict[str, int]:
    return {f"{place[:-1]}{number}": 1 for place in UNITS}


def recommended(number: int, **changes: Any) -> list[Told]:
    """Return a project with units of its own that takes a place of its city's quota."""
    project = f"p{number}"
    begun = created("applied", project=project, held=units_of(number), columns=other_units(number), minute=0)
    return [
        begun,
        Told(
            "recommend",
            "city_recommended",
            role="city",
            project=project,
            held=PLACE,
            **{"record": {"rank": 1}, **changes},
        ),
    ]


def test_a_city_over_its_quota_is_found_unless_the_rule_was_set_aside():
    name = "quota_never_exceeded"
    over = bodies(*recommended(1, minute=5), *recommended(2, minute=6), batch=[QUOTA])
    assert broken_at(name, over) == [("project/p2", 2)]
    aside = bodies(*recommended(1, minute=5), *recommended(2, minute=6, override=("R13",)), batch=[QUOTA])
    assert broken_at(name, aside) == []
    another_rule = bodies(*recommended(1, minute=5), *recommended(2, minute=6, override=("R16",)), batch=[QUOTA])
    assert broken_at(name, another_rule) == [("project/p2", 2)]


def test_what_was_set_aside_counts_last_in_one_act_on_many_projects():
    together = bodies(*recommended(1, minute=5, override=("R13",)), *recommended(2, minute=5), batch=[QUOTA])
    assert broken_at("quota_never_exceeded", together) == []


def test_a_place_given_back_may_be_taken_again_but_not_before():
    first, second = recommended(1, minute=5), recommended(2, minute=7)
    back = {place: -amount for place, amount in (units_of(1) | PLACE).items()}
    leave = Told("withdraw", "withdrawn", project="p1", minute=6, held=back)
    assert broken(bodies(*first, leave, *second, batch=[QUOTA])) == set()
    late = Told("withdraw", "withdrawn", project="p1", minute=8, held=back)
    assert broken_at("quota_never_exceeded", bodies(*first, late, *second, batch=[QUOTA])) == [("project/p2", 2)]


def test_a_recommendation_without_any_quota_brought_in_is_found():
    assert broken_at("quota_never_exceeded", bodies(*recommended(1, minute=5))) == [("project/p1", 2)]


def test_a_group_a_provider_and_a_manufacturer_over_their_limits_are_found():
    group = [
        created("city_recommended", project=f"p{number}", held=PLACE | units_of(number) | {"group_tasks/g": 1},
                columns={**other_units(number), "group_name": "g"}, minute=number)
        for number in range(1, 7)
    ]  # fmt: skip
    assert broken_at("group_never_over_its_limit", bodies(*group)) == [("project/p6", 1)]
    assert broken_at("group_never_over_its_limit", bodies(*group[:5])) == []
    twins = [created("applied", project=f"p{number}", held=UNITS, minute=number) for number in range(1, 4)]
    assert broken_at("provider_never_over_its_limit", bodies(*twins)) == [("project/p3", 1)]
    assert broken_at("manufacturer_never_over_its_limit", bodies(*twins[:2])) == [("project/p2", 1)]


def test_a_budget_that_is_exceeded_by_one_fen_is_found():
    limit = POLICY.rules.R26.budget_fen
    first = created("one_year_accepted", held=units_of(1), columns=other_units(1), minute=0)

    def proposed(fen: int) -> list[bytes]:
        record = {"tier": ["first"], "reward_fen": fen}
        return bodies(first, Told("propose_tier", "tier_proposed", record=record, held={"budget/batch": fen}))

    assert broken_at("budget_never_exceeded", proposed(limit)) == []
    assert broken_at("budget_never_exceeded", proposed(limit + 1)) == [("project/p1", 2)]


def test_a_publication_on_the_last_day_of_publicity_is_found():
    def published(on: str) -> list[bytes]:
        start = created("in_publicity", held=HELD, checkpoints={"publicity_end/1": due("2024-07-12")})
        end = {"publicity_end/1": None}
        return bodies(start, Told("publish", "published", columns={"entered_on": on}, checkpoints=end))

    name = "published_after_publicity_end"
    assert broken_at(name, published("2024-07-12")) == [("project/p1", 2)]
    assert broken_at(name, published("2024-07-13")) == []
    never = bodies(created("in_publicity", held=HELD), Told("publish", "published"))
    assert broken_at(name, never) == [("project/p1", 2)]


def test_a_reward_above_its_tier_s_cap_is_found():
    def proposed(tier: str, fen: int) -> list[bytes]:
        record = {"tier": [tier], "reward_fen": fen}
        told = Told("propose_tier", "tier_proposed", record=record, held={"budget/batch": fen})
        return bodies(created("one_year_accepted", held=HELD), told)

    name = "rewards_within_caps"
    assert broken_at(name, proposed("third", 30 * WAN)) == []
    assert broken_at(name, proposed("third", 30 * WAN + 1)) == [("project/p1", 2)]
    assert broken_at(name, proposed("fourth", 1)) == [("project/p1", 2)]


def test_a_story_whose_cities_leave_places_free_does_not_show_two_of_them_at_their_quota():
    name, qingdao = "two_cities_at_quota", ceiling("city_quota", "370200", 1)
    begun = created("applied", project="p2", held=units_of(2), columns={**other_units(2), "city": "370200"}, minute=0)
    place = {"city_quota/370200": 1}
    second = [begun, Told("recommend", "city_recommended", role="city", project="p2", minute=6, held=place)]
    one, two = recommended(1, minute=5), [*recommended(1, minute=5), *second]
    assert broken_at(name, bodies(*one, batch=[QUOTA, qingdao]), WHOLE) == [("batch", 0)]
    assert broken_at(name, bodies(*two, batch=[QUOTA, qingdao]), WHOLE) == []
    roomy = ceiling("city_quota", "370200", 2)
    assert broken_at(name, bodies(*two, batch=[QUOTA, roomy]), WHOLE) == [("batch", 0)]


@pytest.mark.parametrize(("ranks", "where"), [((1, 2), []), ((1, 3), ["p2"]), ((1, 1), ["p2"]), ((2, 1), ["p1"])])
def test_ranks_of_a_city_with_a_gap_or_one_twice_are_found_where_they_arise(ranks, where):
    first, second = (recommended(at, minute=4 + at, record={"rank": rank}) for at, rank in enumerate(ranks, 1))
    found = broken_at("ranks_dense", bodies(*first, *second, batch=[ceiling("city_quota", "370100", 2)]))
    assert found == [(f"project/{project}", 2) for project in where]


@pytest.mark.parametrize(("stated", "where"), [(500, []), (501, [2])])
@pytest.mark.parametrize(
    ("act", "start", "goal", "kind", "field"),
    [
        ("apply_half_year", "published", "half_year_evaluation", "claimed", "half_year_invested_fen"),
        ("pass_half_year", "half_year_evaluation", "half_year_accepted", "verified", "half_year_verified_fen"),
    ],
)
def test_a_total_that_is_not_its_lists_sum_is_found(act, start, goal, kind, field, stated, where):
    kept = {f"lists/half_year_{kind}": {"number": 1, "total_fen": 500}}
    begun = created(start, held=HELD, columns=kept)
    entries = bodies(begun, Told(act, goal, record={field: stated}), batch=[QUOTA])
    assert broken_at("totals_are_the_lists_sums", entries) == [("project/p1", seq) for seq in where]


@pytest.mark.parametrize(("name", "found"), [(HIDDEN, []), ("异议人", [("project/p1", 2)]), (None, [])])
def test_an_objector_named_in_clear_is_found(name, found):
    told = Told("object", "under_objection", record={"objector_name": name, "objector_kind": ["person"]})
    assert broken_at("objectors_masked", bodies(created("in_publicity", held=HELD), told)) == found
    register = beside("objection", [("/fields/objector_name", None, name)])
    assert broken_at("objectors_masked", register) == [("objection/x1", 1) for _ in found]


# ---- streams beside the projects' ---------------------------------------------------------------------------------


def test_a_docket_that_tells_another_outcome_than_the_project_is_found():
    name, project = "dockets_as_carried_out", recommended(1, minute=5)

    def released(outcome: dict[str, Any]) -> list[bytes]:
        return [*bodies(*project, batch=[QUOTA]), *beside("docket", [("/items/p1/outcome", None, outcome)])]

    true = {"state": "city_recommended", "version": 2}
    assert broken_at(name, released(true)) == []
    assert broken_at(name, released({"blocked": ["R13:within_city_quota"]})) == []
    for false in ({**true, "state": "returned"}, {**true, "version": 3}, {**true, "returned": {**true, "version": 3}}):
        assert broken_at(name, released(false)) == [("docket/x1", 1)]


CRITERIA = {"all": {"zh": "全部", "en": "all", "maximum": 100, "weight": 100}}
SETTING = {"zh": "评审", "en": "review", "states": ["x"], "experts": 3, "sheets": 3, "trim": 1, "criteria": CRITERIA}
GIVEN = [("/sheets", None, {"id": f"s-{who}", "project": "p1", "expert": who, "round": 1}) for who in "abc"]


def scored(who: str, total: str) -> list[tuple[str, Any, Any]]:
    return [("/sheet", None, f"s-{who}"), ("/sheet/status", "assigned", "submitted"), ("/sheet/total", None, total)]


def panel(*entries: list[tuple[str, Any, Any]]) -> list[bytes]:
    return beside("panel", [("/setting", None, SETTING), *GIVEN], *entries)


def test_a_sheet_against_a_declared_conflict_or_by_another_hand_is_found():
    name, conflict = "panels_as_scored", ("/conflicts", None, {"expert": "a", "project": "p1"})
    assert broken_at(name, panel(scored("a", "80.00"))) == []
    assert broken_at(name, panel([conflict], scored("a", "80.00"))) == [("panel/x1", 3)]
    assert broken_at(name, panel(scored("b", "80.00"))) == [("panel/x1", 2)]  # entries are by a


def test_a_result_is_worked_out_again_from_the_sheets_in_the_log():
    name = "panels_as_scored"

    def concluded(score: str, *released: tuple[str, Any, Any]) -> list[tuple[str, int]]:
        sheets = [[*scored(who, total)] for who, total in zip("abc", ("60.00", "80.00", "90.00"), strict=True)]
        result = ("/results", None, {"project_id": "p1", "round": 1, "score": score})
        found = broken_at(name, panel(*sheets, [*released, result]))
        return [place for place in found if place[1] == 5]  # the sheets of others are by another hand

    assert concluded("80.00") == []
    assert concluded("76.67") == [("panel/x1", 5)]
    assert concluded("80.00", ("/sheets", {"id": "s-a", "status": "submitted"}, None)) == [("panel/x1", 5)]
