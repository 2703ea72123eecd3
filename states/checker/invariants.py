"""Owns the proof of the declared invariants: every step of every walk is held against each of them."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from states.checker.fault import Fault, Step, fault
from states.checker.walk import Edge, Node, Walk
from states.definition import Invariant, LifecycleDefinition
from states.findings import Text


class _Arrival(NamedTuple):
    """A node as it is come to; the initial one comes from nowhere."""

    node: Node
    before: Node | None = None
    edge: Edge | None = None


def check_invariants(definition: LifecycleDefinition, walks: Sequence[Walk]) -> list[Fault]:
    """Return a fault for each broken invariant, with the shortest path over all its modes that breaks it."""
    found = []
    for invariant in definition.invariants:
        broken = [
            (len(path), order, path)
            for order, walk in enumerate(walks)
            if not invariant.modes or walk.mode in invariant.modes
            for path in _counterexample(definition, invariant, walk)
        ]
        if broken:
            _, order, path = min(broken)
            more = Text(invariant.zh, invariant.en)
            found.append(
                fault(
                    f"{invariant.kind}_broken",
                    f"invariants.{invariant.name}",
                    walks[order].mode,
                    more,
                    path,
                )
            )
    return found


def _counterexample(definition: LifecycleDefinition, invariant: Invariant, walk: Walk) -> Iterator[tuple[Step, ...]]:
    """Yield the first path that breaks the invariant, if there is one: arrivals come in the order of their distance."""
    breaks = _BREAKS[invariant.kind]
    for arrival in _arrivals(walk):
        if breaks(definition, invariant, arrival):
            before, edge = arrival.before, arrival.edge
            yield (*walk.path_to(before), edge.step) if before and edge else ()
            return


def _arrivals(walk: Walk) -> Iterator[_Arrival]:
    """Yield the initial node, then the end of every completed step; a first signature completes nothing."""
    yield _Arrival(next(iter(walk.edges)))
    for node, edges in walk.edges.items():
        for edge in edges:
            if not edge.step.first:
                yield _Arrival(edge.node, node, edge)


def _unvisited(_definition: LifecycleDefinition, invariant: Invariant, arrival: _Arrival) -> bool:
    visited = arrival.before.visited if arrival.before else frozenset()
    return arrival.node.state in invariant.states and not visited.issuperset(invariant.visited)


def _flagged(_definition: LifecycleDefinition, invariant: Invariant, arrival: _Arrival) -> bool:
    return arrival.node.state in invariant.states and invariant.flag in arrival.node.flags


def _not_held(definition: LifecycleDefinition, invariant: Invariant, arrival: _Arrival) -> bool:
    state = arrival.node.state
    return state in invariant.states and invariant.capacity not in definition.states[state].holds


def _one_person(_definition: LifecycleDefinition, invariant: Invariant, arrival: _Arrival) -> bool:
    """Tell whether the doer of the other event signed this one, or where there is no other, one person alone did."""
    before, edge = arrival.before, arrival.edge
    if before is None or edge is None or edge.step.event != invariant.event:
        return False
    persons = {edge.step.actor}
    if edge.transition.persons == 2 and before.pending:
        persons.add(before.pending[1])
    if invariant.other:
        return any((invariant.other, person) in before.signers for person in persons)
    return len(persons) < 2


_BREAKS: dict[str, Callable[[LifecycleDefinition, Invariant, _Arrival], bool]] = {
    "visited_before": _unvisited,
    "never_with_flag": _flagged,
    "must_hold": _not_held,
    "two_persons": _one_person,
}
