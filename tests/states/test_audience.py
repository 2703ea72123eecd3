"""Owns the proof that the right people are told: by role, by reach, and by who is in charge now."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from states.audience import Reach, Someone, audience, may_be_told, roles_meant
from states.roles import actor_of, role_book

JINAN, QINGDAO = "370100", "370200"
LEAD, OTHER = "91370102MA3ABC0015", "91370202MA3GHJ003R"
REACH = Reach(JINAN, LEAD, {})
PEOPLE = [
    Someone("p1", "applicant", None, LEAD),
    Someone("p2", "applicant", None, LEAD),
    Someone("p3", "applicant", None, OTHER),
    Someone("p4", "city", JINAN, None),
    Someone("p5", "city", QINGDAO, None),
    Someone("p6", "handler", None, None),
    Someone("p7", "handler", None, None),
    Someone("p8", "division_head", None, None),
    Someone("p9", "expert", None, None),
]


def in_charge(**responsible: str) -> Reach:
    return REACH._replace(responsible=responsible)


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        (["applicant"], [("p1", "applicant"), ("p2", "applicant")]),
        (["city"], [("p4", "city")]),
        (["handler"], [("p6", "handler"), ("p7", "handler")]),
        (["city", "applicant"], [("p1", "applicant"), ("p2", "applicant"), ("p4", "city")]),
        (["province"], [("p6", "handler"), ("p7", "handler"), ("p8", "division_head")]),
        (["province", "handler"], [("p6", "handler"), ("p7", "handler"), ("p8", "division_head")]),
        (["expert", "system", "public"], []),
        (["nobody_knows"], []),
        ([], []),
    ],
)
def test_a_role_stands_for_its_people_within_whose_reach_the_project_lies(roles, expected):
    assert audience(roles, REACH, PEOPLE) == expected


def test_a_project_without_a_lead_unit_is_told_to_no_applicant():
    people = [*PEOPLE, Someone("p0", "applicant", None, None)]
    assert audience(["applicant"], REACH._replace(lead_code=""), people) == []


def test_where_one_person_is_in_charge_in_a_role_only_that_one_is_told_in_it():
    assert audience(["handler"], in_charge(handler="p7"), PEOPLE) == [("p7", "handler")]
    assert audience(["applicant", "handler"], in_charge(handler="p7"), PEOPLE) == [
        ("p1", "applicant"),
        ("p2", "applicant"),
        ("p7", "handler"),
    ]
    assert audience(["province"], in_charge(handler="p7"), PEOPLE) == [("p7", "handler"), ("p8", "division_head")]


def test_where_the_one_in_charge_has_left_all_of_the_role_are_told_again():
    stayed = [person for person in PEOPLE if person.id != "p7"]
    assert audience(["handler"], in_charge(handler="p7"), stayed) == [("p6", "handler")]


def test_where_the_one_in_charge_has_changed_role_all_of_the_old_one_are_told_again():
    promoted = [person._replace(role="division_head") if person.id == "p7" else person for person in PEOPLE]
    assert audience(["handler"], in_charge(handler="p7"), promoted) == [("p6", "handler")]
    assert audience(["division_head"], in_charge(handler="p7"), promoted) == [
        ("p7", "division_head"),
        ("p8", "division_head"),
    ]


def test_where_the_one_in_charge_went_to_another_city_the_citys_own_people_are_told():
    assert audience(["city"], in_charge(city="p5"), PEOPLE) == [("p4", "city")]


def test_a_person_in_two_roles_is_told_once_in_the_role_named_first():
    both = [Someone("p1", "division_head", None, None), Someone("p1", "handler", None, None)]
    assert audience(["handler", "division_head"], REACH, both) == [("p1", "handler")]
    assert audience(["division_head", "handler"], REACH, both) == [("p1", "division_head")]
    assert audience(["province"], REACH, both) == [("p1", "handler")]  # the group names the handler first


def test_groups_stand_for_their_roles_each_once_in_the_order_named():
    assert roles_meant(["leader", "province", "city"]) == ("leader", "handler", "division_head", "city")


def test_people_of_these_roles_may_be_told_of_projects():
    told = {role for role in [*role_book().roles, "unknown"] if may_be_told(role)}
    assert told == {"applicant", "city", "handler", "division_head", "leader", "auditor"}


someone = st.builds(
    Someone,
    id=st.sampled_from([f"p{number}" for number in range(8)]),
    role=st.sampled_from([*role_book().roles, "unknown"]),
    city=st.sampled_from([None, JINAN, QINGDAO]),
    unit=st.sampled_from([None, LEAD, OTHER]),
)
named = st.lists(st.sampled_from([*role_book().roles, *role_book().groups]), max_size=4)
charges = st.dictionaries(st.sampled_from(["handler", "city", "applicant"]), st.sampled_from(["p1", "p2", "p3"]))


@settings(derandomize=True, deadline=None, max_examples=200)
@given(named, charges, st.lists(someone, max_size=12), st.randoms(use_true_random=False))
def test_whoever_is_told_may_see_the_project_and_the_order_of_people_does_not_matter(roles, charged, people, random):
    reach = in_charge(**charged)
    told = audience(roles, reach, people)
    assert told == sorted(dict(told).items())
    for person_id, role in told:
        assert role in role_book().expand(tuple(roles))
        actors = [actor_of(*person) for person in people if person[:2] == (person_id, role)]
        assert [actor for actor in actors if actor.reaches(JINAN, (LEAD,)) and "read" in actor.rights] != []
    shuffled = random.sample(people, len(people))
    assert audience(roles, reach, shuffled) == told
