"""Owns the proof of what holds of every decision: nothing is changed, nothing raises, threads do not matter."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import replace
from datetime import date, timedelta

import pytest
from asking import ARROWS, MODES, Asked, of_arrow
from cases import DEFINITION, DOCUMENT, RECORD, act, application, facts
from hypothesis import given, settings
from hypothesis import strategies as st

from states.definition import LifecycleDefinition
from states.facts import Pending
from states.machine import After, Decision
from states.roles import actor_of, role_book

junk = st.sampled_from([None, True, -1, 10**30, float("nan"), "", "\x00", "2024-08-05", "88.5", [], ["person"], {}])
names = st.sampled_from([*DEFINITION.fields, "nonsense"])
days = st.dates(date(2024, 7, 1), date(2026, 2, 1))
roles = st.sampled_from(sorted(role_book().roles))
kept = st.lists(st.sampled_from(sorted({**RECORD})), unique=True)
kinds = st.sampled_from(sorted(DEFINITION.documents))
flags = st.frozensets(st.sampled_from(sorted(DEFINITION.flags)))


@st.composite
def anything_asked(draw: st.DrawFn) -> Asked:
    """Draw a whole act, then up to four things about it that may spoil it."""
    one = of_arrow(*draw(st.sampled_from(ARROWS)))
    before, events = one.before, st.sampled_from(sorted(DEFINITION.by_event))
    pending = Pending(one.act.event, draw(st.sampled_from("甲乙")), "2025-03-03", one.act.fields, {}, "理由")
    spoilers = [
        lambda: one.given(pending=pending),
        lambda: one.given(flags=draw(flags)),
        lambda: one.given(left_state=draw(st.none() | st.sampled_from(sorted(DEFINITION.states)))),
        lambda: one.given(record={name: before.record[name] for name in draw(kept)}),
        lambda: one.given(documents={}, application=replace(before.application, members=())),
        lambda: one.given(room={}, signers={"propose_tier": "甲"}),
        lambda: one.but(event=draw(events)),
        lambda: one.but(actor=actor_of(draw(st.sampled_from("甲乙")), draw(roles), city="370100")),
        lambda: one.but(on=draw(days), now=one.act.now + timedelta(draw(st.integers(-1, 1)))),
        lambda: one.but(fields={**one.act.fields, draw(names): draw(junk)} if draw(st.booleans()) else {}),
        lambda: one.but(documents={draw(kinds): DOCUMENT}, reason=draw(st.sampled_from([None, "理由"]))),
        lambda: one.but(override=frozenset({"R03", "R09"}), reason="理由"),
    ]
    for spoil in draw(st.lists(st.sampled_from(spoilers), max_size=4)):
        one = spoil()
    return one


@settings(derandomize=True, deadline=None, max_examples=500)
@given(anything_asked())
def test_deciding_changes_nothing_that_it_is_given_and_answers_the_same_again(one):
    seen = deepcopy((one.before, one.act))
    first, again = one.decided(), one.decided()
    assert first == again
    assert (one.before, one.act) == seen
    assert first.allowed == (first.refusals == ())
    if first.awaiting:
        unchanged = {name: getattr(one.before, name) for name in After.__slots__}
        assert first.after == After(**{**unchanged, "application": None, "pending": first.after.pending})
    elif first.allowed:
        assert (first.after.state, first.after.pending) == (first.case.target, None)


@pytest.mark.parametrize("policy", MODES.values(), ids=MODES)
@pytest.mark.parametrize("state", DEFINITION.states)
def test_every_event_by_every_role_in_every_state_gets_an_answer_that_can_be_told(state, policy):
    whole, bare = facts(state), facts(state, record={}, documents={}, application=replace(application(), members=()))
    for role in role_book().roles:
        asking = replace(act("waive"), actor=actor_of("甲", role, city="370100"))
        for event in DEFINITION.by_event:
            for before in (whole, bare):
                decision = Asked(before, replace(asking, event=event), policy).decided()
                assert isinstance(decision, Decision)
                assert [finding.to_dict()["met"] for finding in decision.refusals] == [False] * len(decision.refusals)


def test_eight_threads_deciding_at_once_get_the_answers_that_one_gets_alone():
    shared = LifecycleDefinition.model_validate({**DEFINITION.model_dump(), "hash": "shared by eight"})
    acts = [of_arrow(*one) for one in ARROWS] + [of_arrow(*one).but(reason=None, fields={}) for one in ARROWS]
    alone = [(found.findings, found.after, found.awaiting) for found in (one.decided() for one in acts)]
    together = threading.Barrier(8)

    def work(number: int) -> list[bool]:
        together.wait()
        turns = [(number * 37 + turn) % len(acts) for turn in range(500)]
        decisions = ((turn, acts[turn].decided(shared)) for turn in turns)
        return [(found.findings, found.after, found.awaiting) == alone[turn] for turn, found in decisions]

    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(work, range(8)))
    finally:
        sys.setswitchinterval(usual)
    assert answers == [[True] * 500] * 8
