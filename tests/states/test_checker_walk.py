"""Owns the proof that the checker walks as the machine does: every step it can take, and none besides."""

import pytest
from cases import CALENDAR, DEFINITION, POLICY, WINDOWS, act, facts
from planting import an_arrow, planted

from states.checker import Explored, check, explore
from states.checker.walk import Node, walk
from states.definition import LifecycleDefinition
from states.facts import Actor, Pending
from states.machine import decide, prepare
from states.roles import role_book

MODES = ("sequential", "windows")
BARE = {"rules": (), "fields": (), "optional": (), "documents": (), "reason": False}


def test_the_walk_is_the_same_every_time_and_larger_than_the_graph():
    for mode in MODES:
        first, second = walk(DEFINITION, mode), walk(DEFINITION, mode)
        assert list(first.edges.items()) == list(second.edges.items())
        assert first.explored == explore(DEFINITION, mode)
        assert first.explored.states > len(DEFINITION.states)
    tiny = LifecycleDefinition.model_validate(
        {
            "definition": {"name": "tiny", "version": "1", "zh": "甲", "en": "a", "initial": "draft"},
            "phases": {"only": {"zh": "甲", "en": "a"}},
            "states": {
                "draft": {"phase": "only", "zh": "甲", "en": "a"},
                "done": {"phase": "only", "zh": "甲", "en": "a", "final": True},
            },
            "transitions": [
                {
                    "event": "end",
                    "source": ["draft"],
                    "target": "done",
                    "by": ["city"],
                    "persons": 2,
                    "zh": "甲",
                    "en": "a",
                }
            ],
        }
    )
    assert explore(tiny, "sequential") == Explored(states=4, arrows=4)
    assert check(tiny, None) == []


@pytest.mark.parametrize("policy", [POLICY, WINDOWS], ids=MODES)
def test_the_walk_takes_exactly_the_steps_that_the_machine_takes_when_rules_and_fields_are_met(policy):
    definition = planted(
        (an_arrow("back", "applied", "@left"),),  # refused and reopened, there is nothing to go back to
        (an_arrow("annul", "published", "@same", "persons = 2"),),  # a second event that waits beside `revoke`
    )
    bare = LifecycleDefinition.model_validate(
        {
            **definition.model_dump(),
            "transitions": [{**arrow.model_dump(), **BARE} for arrow in definition.transitions],
            "hash": "bare",
        }
    )
    nodes = walk(bare, policy.mode).edges
    for node in nodes:
        walked = {
            (edge.step.event, edge.step.actor): (edge.step.first, edge.node._replace(visited=frozenset()))
            for edge in nodes[node]
        }
        assert machine_steps(bare, policy, node) == walked


def machine_steps(definition, policy, node):
    """Return what `decide` makes of every event in this node for A and B: whether it awaits another, and the node."""
    on = act("submit").on
    pending = Pending(*node.pending, on.isoformat(), {}, {}, None) if node.pending else None
    before = facts(node.state, on, left_state=node.left, flags=node.flags, signers=dict(node.signers), pending=pending)
    steps = {}
    for event in definition.by_event:
        transition = definition.find(event, node.state, policy.mode)
        roles = sorted(role_book().expand(transition.by)) if transition else ["leader"]
        for person in "AB":
            asked = act(event, on, actor=Actor(person, roles[0], scope="all"))
            case, wrong, _ = prepare(definition, policy, CALENDAR, before, asked)
            decision = decide(case, before, wrong)
            if decision.after:
                after = decision.after
                signed = after.pending and (after.pending.event, after.pending.actor)
                signers = frozenset(after.signers.items())
                steps[event, person] = (
                    decision.awaiting,
                    Node(after.state, after.left_state, after.flags, frozenset(), signers, signed),
                )
    return steps


def test_a_return_leads_only_to_the_state_that_was_left():
    ends = {
        (edge.step.source, node.left, edge.step.target)
        for edges in walk(DEFINITION, "sequential").edges.items()
        for node, edge in [(edges[0], edge) for edge in edges[1]]
        if edge.step.event == "reopen" and not edge.step.first
    }
    assert ends == {
        ("not_recommended", "applied", "applied"),
        ("not_selected", "under_review", "under_review"),
        ("not_selected", "reviewed", "reviewed"),
        ("not_selected", "in_publicity", "in_publicity"),
        ("refused", "applied", "applied"),
        ("refused", "returned", "returned"),
        ("refused", "city_recommended", "city_recommended"),
        ("lapsed", "published", "published"),
        ("lapsed", "half_year_accepted", "half_year_accepted"),
        ("acceptance_failed", "half_year_evaluation", "half_year_evaluation"),
        ("acceptance_failed", "half_year_rectification", "half_year_rectification"),
        ("acceptance_failed", "one_year_evaluation", "one_year_evaluation"),
        ("acceptance_failed", "one_year_rectification", "one_year_rectification"),
    }
