"""Owns the laws of the balanced assignment, and the grounds on which an expert is barred without declaring it."""

from dataclasses import replace
from itertools import combinations, product

import pytest
from cases import LANDING, LEAD, OTHER, application
from hypothesis import given, settings
from hypothesis import strategies as st

from states.assigning import Balance, balanced
from states.conflicts import GROUNDS, Interest, conflicts_of

lawful = settings(derandomize=True, deadline=None, max_examples=200)


@st.composite
def tasks(draw, most_projects=12, most_experts=8):
    projects = [f"p{number}" for number in range(draw(st.integers(1, most_projects)))]
    experts = [f"e{number}" for number in range(draw(st.integers(1, most_experts)))]
    pairs = list(product(projects, experts))
    barred = frozenset(draw(st.lists(st.sampled_from(pairs), max_size=len(pairs) // 2, unique=True)))
    free = sorted(set(pairs) - barred)
    standing = frozenset(draw(st.lists(st.sampled_from(free), max_size=3, unique=True)) if free else ())
    return projects, experts, draw(st.integers(1, 5)), barred, draw(st.integers(0, 2**31)), standing


@lawful
@given(tasks())
def test_every_project_has_its_experts_loads_differ_by_at_most_one_and_no_conflict_is_assigned(task):
    projects, experts, each, barred, seed, standing = task
    found = balanced(*task)
    assert found == balanced(list(reversed(projects)), list(reversed(experts)), each, barred, seed, standing)
    if not found.possible:
        assert found.pairs == ()
        return
    whole = standing | set(found.pairs)
    assert (not whole & barred, len(whole)) == (True, len(standing) + len(found.pairs))
    for project in projects:
        kept = sum(pair[0] == project for pair in standing)
        assert sum(pair[0] == project for pair in whole) == max(each, kept)
    loads = [sum(pair[1] == expert for pair in whole) for expert in experts]
    assert max(loads) - min(loads) <= 1


@lawful
@given(tasks(most_projects=4, most_experts=4))
def test_where_there_is_an_assignment_it_is_found(task):
    projects, experts, each, barred, _, standing = task

    def choices(project):
        kept = {expert for expert in experts if (project, expert) in standing}
        free = [expert for expert in experts if (project, expert) not in barred and expert not in kept]
        return [kept | set(more) for more in combinations(free, max(0, each - len(kept)))]

    def even(chosen):
        loads = [sum(expert in some for some in chosen) for expert in experts]
        return max(loads) - min(loads) <= 1

    exists = any(even(chosen) for chosen in product(*(choices(project) for project in projects)))
    assert balanced(*task).possible == exists


def test_who_stands_in_the_way_is_named():
    projects = ["p1", "p2", "p3"]
    barred = frozenset({("p1", "e1"), ("p1", "e2"), ("p1", "e3")})
    assert balanced(projects, ["e1", "e2", "e3"], 2, barred, 7) == Balance((), {"p1": 2}, ())
    everywhere = frozenset((project, "e3") for project in projects)
    assert balanced(projects, ["e1", "e2", "e3"], 2, everywhere, 7) == Balance((), {}, ("e3",))
    crowded = frozenset((project, "e1") for project in projects)
    assert balanced(projects, ["e1", "e2", "e3"], 1, frozenset(), 7, crowded) == Balance((), {}, ("e1", "e2", "e3"))
    assert balanced(projects, [], 1, frozenset(), 7).short == {"p1": 1, "p2": 1, "p3": 1}


def test_another_seed_may_give_another_assignment_and_a_thousand_projects_are_soon_assigned():
    projects, experts = [f"p{number}" for number in range(1000)], [f"e{number}" for number in range(60)]
    barred = frozenset((f"p{number}", f"e{number % 60}") for number in range(1000))
    first, second = (balanced(projects, experts, 5, barred, seed) for seed in (1, 2))
    assert (len(first.pairs), len(second.pairs), first.pairs == second.pairs) == (5000, 5000, False)


UNIT = "91370102MA3QRS008X"


@pytest.mark.parametrize(
    ("interest", "grounds"),
    [
        (Interest(), ()),
        (Interest(UNIT, "别的集团"), ()),
        (Interest(LEAD.credit_code), ("same_unit",)),
        (Interest(LANDING.credit_code), ("member",)),
        (Interest(OTHER.credit_code), ("member",)),
        (Interest(UNIT, " 山东 重工（集团）"), ("same_group",)),
        (Interest("91370202MA3TUV009Y"), ("affiliated",)),
        (Interest(OTHER.credit_code, "丙集团"), ("member", "same_group")),
    ],
)
def test_an_experts_own_unit_group_and_affiliates_bar_him(interest, grounds):
    filed = application(
        replace(LEAD, affiliates=("91370202MA3TUV009Y",)),
        LANDING,
        replace(OTHER, group="丙集团"),
        group="山东重工(集团)",
    )
    assert conflicts_of(interest, filed) == grounds
    assert set(grounds) <= set(GROUNDS)
