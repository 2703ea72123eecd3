"""Owns the proof that every broken promise and every dead end comes with the shortest path that leads there."""

import pytest
from cases import DEFINITION, POLICY
from planting import a_state, an_arrow, an_invariant, found, planted

from states.checker import Step, check
from states.checker.walk import walk

TO_PUBLICITY = (
    Step("submit", "A", "draft", "applied"),
    Step("recommend", "A", "applied", "city_recommended"),
    Step("accept_filing", "A", "city_recommended", "under_review"),
    Step("pass_review", "A", "under_review", "reviewed"),
    Step("start_publicity", "A", "reviewed", "in_publicity"),
)
TO_PUBLISHED = (*TO_PUBLICITY, Step("publish", "A", "in_publicity", "published"))
TO_PROPOSED = (
    *TO_PUBLISHED,
    Step("apply_half_year", "A", "published", "half_year_evaluation"),
    Step("pass_half_year", "A", "half_year_evaluation", "half_year_accepted"),
    Step("propose_tier", "A", "half_year_accepted", "tier_proposed"),
)

BROKEN = [
    (
        "two_persons_broken",
        "grant_by_another_person",
        [("grant_reward", 1, 'not_by = ["propose_tier"]\n', "")],
        (*TO_PROPOSED, Step("grant_reward", "A", "tier_proposed", "rewarded")),
    ),
    (
        "two_persons_broken",
        "revocation_by_two",
        [("revoke", 1, "persons = 2\n", "")],
        (*TO_PUBLISHED, Step("revoke", "A", "published", "revoked")),
    ),
    (
        "two_persons_broken",
        "reopening_by_two",
        [("reopen", 1, "persons = 2\n", "")],
        (
            Step("submit", "A", "draft", "applied"),
            Step("refuse", "A", "applied", "refused"),
            Step("reopen", "A", "refused", "applied"),
        ),
    ),
    (
        "never_with_flag_broken",
        "no_publication_with_open_objection",
        [
            ("reject_objection", 1, 'clears = ["objection_open"]\n', ""),
            ("publish", 1, 'forbids = ["objection_open"]\n', ""),
        ],
        (
            *TO_PUBLICITY,
            Step("object", "A", "in_publicity", "under_objection"),
            Step("reject_objection", "A", "under_objection", "in_publicity"),
            Step("publish", "A", "in_publicity", "published"),
        ),
    ),
    (
        "visited_before_broken",
        "reward_after_both_acceptances",
        [("propose_tier", 1, '["one_year_accepted"]', '["one_year_accepted", "published"]')],
        (*TO_PUBLISHED, Step("propose_tier", "A", "published", "tier_proposed")),
    ),
    (
        "visited_before_broken",
        "publication_after_publicity",
        [("publish", 1, '["in_publicity"]', '["in_publicity", "reviewed"]')],
        (*TO_PUBLICITY[:4], Step("publish", "A", "reviewed", "published")),
    ),
    (
        "must_hold_broken",
        "rewards_hold_budget",
        [('"budget"]\ncheckpoints = ["payment_due"]', '"paid_budget"]\ncheckpoints = ["payment_due"]')],
        (*TO_PROPOSED, Step("grant_reward", "B", "tier_proposed", "rewarded")),
    ),
    (
        "must_hold_broken",
        "planted",
        [(an_invariant("must_hold", 'states = ["draft"]\ncapacity = "budget"'),)],
        (),
    ),
    (
        "visited_before_broken",
        "planted",
        [(an_invariant("visited_before", 'states = ["published"]\nvisited = ["published"]'),)],
        TO_PUBLISHED,
    ),
    (
        "two_persons_broken",
        "planted",
        [(an_invariant("two_persons", 'event = "revoke"\nother = "grant_reward"'),)],
        (
            *TO_PROPOSED,
            Step("grant_reward", "B", "tier_proposed", "rewarded"),
            Step("revoke", "A", "rewarded", "rewarded", first=True),
            Step("revoke", "B", "rewarded", "revoked"),
        ),
    ),
]


@pytest.mark.parametrize(("code", "name", "edits", "path"), BROKEN, ids=[f"{row[1]} {row[0]}" for row in BROKEN])
def test_a_broken_invariant_comes_with_the_shortest_path_that_breaks_it(code, name, edits, path):
    # Some of these plants also leave a final state to one person, or a flag where nobody can clear it.
    besides = ("final_left_by_one", "flag_stuck")
    faults = [fault for fault in check(planted(*edits), POLICY) if fault.code not in besides]
    assert [(fault.code, fault.place, fault.path) for fault in faults] == [(code, f"invariants.{name}", path)]


def test_a_final_state_that_one_person_may_leave_is_found_for_each_way_out_of_it():
    definition = planted(("reopen", 1, "persons = 2\n", ""))
    assert found(check(definition, None)) == [
        *[("final_left_by_one", "transitions.reopen.1.source")] * 5,
        ("two_persons_broken", "invariants.reopening_by_two"),
    ]


STUCK = [
    (
        "no_way_out",
        [(a_state("odd"),), (an_arrow("nod", "draft", "odd"),), (an_arrow("nid", "odd", "@same"),)],
        {"odd": (Step("nod", "A", "draft", "odd"),)},
    ),
    (
        "deadlock",
        [
            (a_state("odd"),),
            (an_arrow("nod", "published", "odd"),),
            (an_arrow("nid", "odd", "terminated", 'requires = ["suspended"]'),),
        ],
        {"odd": (*TO_PUBLISHED, Step("nod", "A", "published", "odd"))},
    ),
    (
        "cannot_end",
        [
            (a_state("odd"),),
            (a_state("even"),),
            (an_arrow("nod", "draft", "odd"),),
            (an_arrow("nid", "odd", "even"),),
            (an_arrow("nud", "even", "odd"),),
        ],
        {
            "odd": (Step("nod", "A", "draft", "odd"),),
            "even": (Step("nod", "A", "draft", "odd"), Step("nid", "A", "odd", "even")),
        },
    ),
]


@pytest.mark.parametrize(("code", "edits", "paths"), STUCK, ids=[row[0] for row in STUCK])
def test_a_state_in_which_a_project_is_stuck_is_found_with_the_way_there(code, edits, paths):
    faults = check(planted(*edits), POLICY)
    assert [(fault.code, fault.place, fault.path) for fault in faults] == [
        (code, f"states.{state}", path) for state, path in paths.items()
    ]


TO_ODD = Step("nod", "A", "published", "odd")
BEFORE_ODD = (a_state("odd"),), (an_arrow("nod", "published", "odd"),), (an_arrow("nid", "odd", "removed"),)
STUCK_FLAGS = [
    (
        "a project suspended where nobody resumes it",
        [("resume", 2, '["half_year_rectification", "one_year_rectification"]', '["half_year_rectification"]')],
        [
            (
                "one_year_rectification",
                "suspended",
                (
                    *TO_PUBLISHED,
                    Step("apply_one_year", "A", "published", "one_year_evaluation"),
                    Step("rectify_one_year", "A", "one_year_evaluation", "one_year_rectification"),
                    Step("suspend", "A", "one_year_rectification", "one_year_rectification"),
                ),
            )
        ],
    ),
    (
        "an act that leads away from all who could clear it",
        [("publish", 1, 'forbids = ["objection_open"]\n', ""), ("reject_objection", 1, "clears = [", "sets = [")],
        [
            (
                "published",
                "objection_open",
                (
                    *TO_PUBLICITY,
                    Step("object", "A", "in_publicity", "under_objection"),
                    Step("reject_objection", "A", "under_objection", "in_publicity"),
                    Step("publish", "A", "in_publicity", "published"),
                ),
            )
        ],
    ),
    (
        "a way round by a final state",
        [*BEFORE_ODD, (an_arrow("nud", "removed", "published", "persons = 2"),)],
        [
            ("odd", flag, (*TO_PUBLISHED, Step(event, "A", "published", "published"), TO_ODD))
            for event, flag in (
                ("suspend", "suspended"),
                ("request_change", "change_pending"),
                ("request_extension", "extension_pending"),
                ("request_termination", "termination_pending"),
            )
        ],
    ),
]


@pytest.mark.parametrize(("edits", "expected"), [row[1:] for row in STUCK_FLAGS], ids=[row[0] for row in STUCK_FLAGS])
def test_a_flag_that_nothing_before_the_end_can_clear_is_found_where_it_got_stuck(edits, expected):
    faults = [fault for fault in check(planted(*edits), POLICY) if fault.code == "flag_stuck"]
    assert [(fault.place, fault.path) for fault in faults] == [(f"states.{state}", path) for state, _, path in expected]
    assert [flag in str(fault) for fault, (_, flag, _) in zip(faults, expected, strict=True)] == [True] * len(faults)


FREE_FLAGS = [
    ("a way on to the act that clears it", [*BEFORE_ODD, (an_arrow("nud", "odd", "published"),)]),
    (
        "no act that clears it at all",
        [(f"{how}_change", 1, 'clears = ["change_pending"]\n', "") for how in ("approve", "reject", "withdraw")],
    ),
    ("the act that ends the life clears it", [("reject_objection", 1, "clears = [", "sets = [")]),
]


@pytest.mark.parametrize("edits", [row[1] for row in FREE_FLAGS], ids=[row[0] for row in FREE_FLAGS])
def test_a_flag_that_can_be_cleared_or_was_meant_to_stay_is_not_stuck(edits):
    assert check(planted(*edits), POLICY) == []


@pytest.mark.parametrize("mode", DEFINITION.definition.modes)
def test_a_flag_that_ends_with_the_life_is_not_stuck(mode):
    ended = {(node.state, flag) for node in walk(DEFINITION, mode).edges for flag in node.flags}
    assert {("terminated", "suspended"), ("revoked", "suspended"), ("lapsed", "change_pending")} <= ended
    assert check(DEFINITION, None) == []


def test_a_fault_prints_its_path_one_step_a_line():
    definition = planted((an_invariant("two_persons", 'event = "reopen"\nother = "refuse"'),))
    [fault] = check(definition, None)
    assert fault.text("en").splitlines() == [
        "invariants.planted: the invariant does not hold (a; mode sequential) [two_persons_broken]",
        "  1. submit · A: draft → applied",
        "  2. refuse · A: applied → refused",
        "  3. reopen · A (signs first): refused → refused",
        "  4. reopen · B: refused → applied",
    ]
    assert fault.text().splitlines()[0] == "invariants.planted: 不变式不成立（甲，sequential模式） [two_persons_broken]"
    assert fault.text().splitlines()[3] == "  3. reopen · A (先签): refused → refused"
    assert str(fault) == fault.text("en")
