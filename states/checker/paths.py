"""Owns what walking shows without being asked: states out of reach, dead ends, flags nobody can clear, idle arrows."""

from collections.abc import Callable, Iterator, Sequence

from states.checker.arrows import may_be_taken
from states.checker.fault import Fault, Step, fault
from states.checker.names import places
from states.checker.walk import Node, Walk
from states.definition import LifecycleDefinition, Transition


def check_paths(definition: LifecycleDefinition, walks: Sequence[Walk]) -> list[Fault]:
    """Return the faults of reachability over all modes, each place once and by its most telling fault."""
    stuck = _stuck(definition, walks)
    return [
        *_unreachable(definition, walks),
        *stuck.values(),
        *_flags_stuck(definition, walks, frozenset(stuck)),
        *_never_taken(definition, walks),
    ]


def _unreachable(definition: LifecycleDefinition, walks: Sequence[Walk]) -> Iterator[Fault]:
    reached = {node.state for walk in walks for node in walk.edges}
    return (fault("unreachable_state", f"states.{state}") for state in definition.states if state not in reached)


def _stuck(definition: LifecycleDefinition, walks: Sequence[Walk]) -> dict[str, Fault]:
    """Return for each non-final state in which paths are stuck the worst that can be said, with a shortest path."""
    found: dict[str, Fault] = {}
    for code in ("no_way_out", "deadlock", "cannot_end"):
        for walk in walks:
            for node in _stuck_nodes(definition, walk, code):
                if node.state not in found:
                    found[node.state] = fault(code, f"states.{node.state}", walk.mode, path=walk.path_to(node))
    return found


def _stuck_nodes(definition: LifecycleDefinition, walk: Walk, code: str) -> Iterator[Node]:
    if code == "no_way_out":
        bad = {node.state for node in walk.edges} - {
            node.state for node, edges in walk.edges.items() for edge in edges if edge.node.state != node.state
        }
        nodes = (node for node in walk.edges if node.state in bad)
    elif code == "deadlock":
        nodes = (node for node, edges in walk.edges.items() if not edges)
    else:
        ending = _leading_to(walk, lambda node: definition.states[node.state].final)
        nodes = (node for node in walk.edges if node not in ending)
    return (node for node in nodes if not definition.states[node.state].final)


def _leading_to(walk: Walk, goal: Callable[[Node], bool], past: Callable[[Node], bool] = lambda _: True) -> set[Node]:
    """Return the goals, and the nodes from which one can be reached by way of nodes that may be `past`."""
    before: dict[Node, list[Node]] = {node: [] for node in walk.edges}
    for node, edges in walk.edges.items():
        for edge in edges:
            before[edge.node].append(node)
    open_ = [node for node in walk.edges if goal(node)]
    leading = set(open_)
    while open_:
        for node in before[open_.pop()]:
            if node not in leading and past(node):
                leading.add(node)
                open_.append(node)
    return leading


def _flags_stuck(definition: LifecycleDefinition, walks: Sequence[Walk], told: frozenset[str]) -> Iterator[Fault]:
    """Yield the states in which a flag gets stuck: a project goes on, and nothing before its end can clear the flag.

    A flag that ends with the life, in a final state, is not stuck, nor one that no arrow clears: it was meant to stay.
    `told` are the states with a worse fault.
    """
    cleared = {flag for arrow in definition.transitions if not _explained(definition, arrow) for flag in arrow.clears}
    for flag in (flag for flag in definition.flags if flag in cleared):
        found: dict[str, tuple[int, int, tuple[Step, ...]]] = {}
        for order, walk in enumerate(walks):
            for node in _getting_stuck(definition, walk, flag):
                if node.state not in told:
                    path = walk.path_to(node)
                    shown = (len(path), order, path)
                    found[node.state] = min(found.get(node.state, shown), shown)
        for state, (_, order, path) in found.items():
            yield fault("flag_stuck", f"states.{state}", walks[order].mode, flag, path)


def _getting_stuck(definition: LifecycleDefinition, walk: Walk, flag: str) -> Iterator[Node]:
    """Yield the nodes in which the flag is stuck and was not before, anywhere on the shortest path there."""

    def goes_on(node: Node) -> bool:
        return not definition.states[node.state].final

    clearing = _leading_to(walk, lambda node: flag not in node.flags, goes_on)
    stuck = {node for node in walk.edges if goes_on(node) and node not in clearing}
    for node in walk.edges:
        before = walk.came[node][0] if node in walk.came else None
        if before in stuck:
            stuck.add(node)  # from here on nothing is new, not even beyond a final state
        elif node in stuck:
            yield node


def _never_taken(definition: LifecycleDefinition, walks: Sequence[Walk]) -> Iterator[Fault]:
    """Yield sources from which an arrow cannot start; what a named fault explains already is not told again."""
    taken = {
        (id(edge.transition), node.state) for walk in walks for node, edges in walk.edges.items() for edge in edges
    }
    reached = {walk.mode: {node.state for node in walk.edges} for walk in walks}
    for index, place in places(definition).items():
        arrow = definition.transitions[index]
        if _explained(definition, arrow):
            continue
        for source in arrow.source:
            offered = [mode for mode in reached if definition.find(arrow.event, source, mode) is arrow]
            seen_anywhere = any(source in states for states in reached.values())
            if not offered or not seen_anywhere or (id(arrow), source) in taken:
                continue
            possible = any(source in reached[mode] for mode in offered)
            yield fault("never_taken" if possible else "source_unreachable", f"{place}.source", source)


def _explained(definition: LifecycleDefinition, arrow: Transition) -> bool:
    ever_set = {flag for other in definition.transitions for flag in other.sets}
    at_odds = any(flag in arrow.forbids or flag not in ever_set for flag in arrow.requires)
    return at_odds or not may_be_taken(arrow)
