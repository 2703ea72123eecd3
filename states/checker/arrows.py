"""Owns what is wrong with single arrows and pairs of them, seen without walking any path."""

from collections.abc import Iterator
from itertools import combinations

from states.checker.fault import Fault, fault
from states.checker.names import places
from states.definition import SAME, LifecycleDefinition, Transition
from states.roles import role_book

ACTING_SCOPES = frozenset({"all", "city", "unit"})


def may_be_taken(transition: Transition) -> bool:
    """Return whether some role of the house that reaches projects may take this arrow."""
    book = role_book()
    return any(book.roles[code].scope in ACTING_SCOPES for code in book.expand(transition.by) if code in book.roles)


def check_arrows(definition: LifecycleDefinition) -> list[Fault]:
    """Return arrows nobody may take, arrows at odds with flags, finals one person may leave, and arrows that clash."""
    return [*_takers(definition), *_flags(definition), *_finals(definition), *_clashes(definition)]


def _takers(definition: LifecycleDefinition) -> Iterator[Fault]:
    for index, place in places(definition).items():
        arrow = definition.transitions[index]
        if not may_be_taken(arrow):
            yield fault("nobody_may", f"{place}.by", ", ".join(arrow.by) or "—")


def _flags(definition: LifecycleDefinition) -> Iterator[Fault]:
    ever_set = {flag for arrow in definition.transitions for flag in arrow.sets}
    for index, place in places(definition).items():
        arrow = definition.transitions[index]
        for flag in arrow.requires:
            if flag in arrow.forbids:
                yield fault("requires_and_forbids", f"{place}.requires", flag)
            if flag not in ever_set and flag in definition.flags:
                yield fault("flag_never_set", f"{place}.requires", flag)


def _finals(definition: LifecycleDefinition) -> Iterator[Fault]:
    for index, place in places(definition).items():
        arrow = definition.transitions[index]
        for source in arrow.source:
            state = definition.states.get(source)
            if state and state.final and arrow.target not in (SAME, source) and arrow.persons == 1:
                yield fault("final_left_by_one", f"{place}.source", source)


def _clashes(definition: LifecycleDefinition) -> Iterator[Fault]:
    for (first, place), (second, other) in combinations(places(definition).items(), 2):
        one, two = definition.transitions[first], definition.transitions[second]
        if one.event != two.event or not (_modes(definition, one) & _modes(definition, two)):
            continue
        for source in one.source:
            if source in two.source:
                yield fault("two_could_apply", f"{other}.source", source, place)


def _modes(definition: LifecycleDefinition, transition: Transition) -> frozenset[str]:
    return frozenset(transition.modes or definition.definition.modes)
