"""Owns the walk: everything a project can become in one mode, breadth first, so that every path found is a shortest.

What can be refused for a project's facts (numbered rules, fields, documents, dates, scope) counts as satisfied: the
walk takes every path that exists and some that do not, and what it finds impossible is impossible.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from string import ascii_uppercase
from typing import NamedTuple

from states.checker.arrows import may_be_taken
from states.checker.fault import Step
from states.definition import LEFT, SAME, LifecycleDefinition, Transition


class Node(NamedTuple):
    """A project as far as paths depend on it. `visited` and `signers` hold only what somebody asks about."""

    state: str
    left: str | None = None
    flags: frozenset[str] = frozenset()
    visited: frozenset[str] = frozenset()
    signers: frozenset[tuple[str, str]] = frozenset()  # (event, person who did it last)
    pending: tuple[str, str] | None = None  # (event, first of two persons)


class Edge(NamedTuple):
    """One step from a node to the next."""

    step: Step
    transition: Transition
    node: Node


class Explored(NamedTuple):
    """How much a walk covered: product states and the steps between them."""

    states: int
    arrows: int


@dataclass(frozen=True, slots=True)
class Walk:
    """All nodes of one mode in the order they were found, and the edges out of each."""

    mode: str
    edges: dict[Node, tuple[Edge, ...]]
    came: dict[Node, tuple[Node, Step]] = field(repr=False)

    @property
    def explored(self) -> Explored:
        """Return the size of the walk."""
        return Explored(len(self.edges), sum(map(len, self.edges.values())))

    def path_to(self, node: Node) -> tuple[Step, ...]:
        """Return a shortest path from the initial state."""
        steps: list[Step] = []
        while node in self.came:
            node, step = self.came[node]
            steps.append(step)
        return tuple(reversed(steps))


def explore(definition: LifecycleDefinition, mode: str) -> Explored:
    """Walk the definition in this mode and return how much there was to see."""
    return walk(definition, mode).explored


def walk(definition: LifecycleDefinition, mode: str) -> Walk:
    """Return everything that can be reached in this mode; the same definition gives the same walk."""
    plan = _Plan(definition, mode)
    start = plan.start
    edges: dict[Node, tuple[Edge, ...]] = {}
    came: dict[Node, tuple[Node, Step]] = {}
    queue, seen = deque([start]), {start}
    while queue:
        node = queue.popleft()
        edges[node] = tuple(plan.edges_of(node))
        for edge in edges[node]:
            if edge.node not in seen:
                seen.add(edge.node)
                came[edge.node] = (node, edge.step)
                queue.append(edge.node)
    return Walk(mode, edges, came)


@dataclass(frozen=True)
class _Plan:
    """A definition in one mode, prepared for many steps."""

    definition: LifecycleDefinition
    mode: str

    @cached_property
    def start(self) -> Node:
        """Return a project as it is created."""
        initial = self.definition.definition.initial
        return Node(initial, visited=self.asked_states & {initial})

    @cached_property
    def asked_states(self) -> frozenset[str]:
        """Return the states that an invariant wants visited."""
        return frozenset(state for invariant in self.definition.invariants for state in invariant.visited)

    @cached_property
    def asked_events(self) -> frozenset[str]:
        """Return the events whose last doer an arrow or an invariant asks for."""
        others = frozenset(item.other for item in self.definition.invariants if item.other)
        return self.definition.watched | others

    @cached_property
    def persons(self) -> str:
        """Return enough persons that whoever must be another one can be found."""
        most = max((arrow.persons + len(arrow.not_by) for arrow in self.definition.transitions), default=2)
        return ascii_uppercase[: max(2, most)]

    @cached_property
    def offers(self) -> dict[str, tuple[Transition, ...]]:
        """Return the arrows out of each state as the definition finds them, those left out that nobody may take."""
        return {state: tuple(self._offered(state)) for state in self.definition.states}

    def _offered(self, state: str) -> Iterator[Transition]:
        for event in self.definition.by_event:
            arrow = self.definition.find(event, state, self.mode)
            if arrow is not None and may_be_taken(arrow):
                yield arrow

    @cached_property
    def returns(self) -> dict[str, frozenset[str]]:
        """Return for each state where a return may lead."""
        return {state: self.definition.returns_to(state) for state in self.definition.states}

    def edges_of(self, node: Node) -> Iterator[Edge]:
        """Yield every step out of the node, in the order of the file and of the persons."""
        for arrow in self.offers[node.state]:
            goal = self.goal(arrow, node)
            if goal is None or not node.flags.issuperset(arrow.requires):
                continue
            if not node.flags.isdisjoint(arrow.forbids):
                continue
            for person in self.persons:
                if any((event, person) in node.signers for event in arrow.not_by):
                    continue
                edge = self.sign(arrow, node, goal, person)
                if edge is not None:
                    yield edge

    def goal(self, arrow: Transition, node: Node) -> str | None:
        """Return the state the arrow leads to from this node, or None where there is nothing to return to."""
        if arrow.target == SAME:
            return node.state
        if arrow.target == LEFT:
            return node.left if node.left in self.returns[node.state] else None
        return arrow.target

    def sign(self, arrow: Transition, node: Node, goal: str, person: str) -> Edge | None:
        """Return the first signature, the completed act, or None where the same person signs twice."""
        pending = node.pending if node.pending and node.pending[0] == arrow.event else None
        if arrow.persons == 2 and pending is None:
            step = Step(arrow.event, person, node.state, node.state, True)
            return Edge(step, arrow, node._replace(pending=(arrow.event, person)))
        if arrow.persons == 2 and pending == (arrow.event, person):
            return None
        return Edge(Step(arrow.event, person, node.state, goal), arrow, self.after(arrow, node, goal, person))

    def after(self, arrow: Transition, node: Node, goal: str, person: str) -> Node:
        """Return the node as the completed act leaves it; a signature that waited is gone."""
        signers = node.signers
        if arrow.event in self.asked_events:
            signers = frozenset({entry for entry in signers if entry[0] != arrow.event} | {(arrow.event, person)})
        return Node(
            state=goal,
            left=node.state if goal != node.state else node.left,
            flags=(node.flags - frozenset(arrow.clears)) | frozenset(arrow.sets),
            visited=node.visited | (self.asked_states & {goal}),
            signers=signers,
            pending=None,
        )
