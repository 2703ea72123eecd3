"""Owns what walking shows without being asked: states out of reach, dead ends, arrows that are never taken."""

from collections.abc import Iterator, Sequence

from states.checker.arrows import may_be_taken
from states.checker.fault import Fault, fault
from states.checker.names import places
from states.checker.walk import Node, Walk
from states.definition import LifecycleDefinition, Transition


def check_paths(definition: LifecycleDefinition, walks: Sequence[Walk]) -> list[Fault]:
    """Return the faults of reachability over all modes, each place once and by its most telling fault."""
    return [
        *_unreachable(definition, walks),
        *_stuck(definition, walks),
        *_never_taken(definition, walks),
    ]


def _unreachable(definition: LifecycleDefinition, walks: Sequence[Walk]) -> Iterator[Fault]:
    reached = {node.state for walk in walks for node in walk.edges}
    return (fault("unreachable_state", f"states.{state}") for state in definition.states if state not in reached)


def _stuck(definition: LifecycleDefinition, walks: Sequence[Walk]) -> list[Fault]:
    """Return for each non-final state in which paths are stuck the worst that can be said, with a shortest path."""
    found: dict[str, Fault] = {}
    for code in ("no_way_out", "deadlock", "cannot_end"):
        for walk in walks:
            for node in _stuck_nodes(definition, walk, code):
                if node.state not in found:
                    found[node.state] = fault(code, f"states.{node.state}", walk.mode, path=walk.path_to(node))
    return list(found.values())


def _stuck_nodes(definition: LifecycleDefinition, walk: Walk, code: str) -> Iterator[Node]:
    if code == "no_way_out":
        bad = {node.state for node in walk.edges} - {
            node.state for node, edges in walk.edges.items() for edge in edges if edge.node.state != node.state
        }
        nodes = (node for node in walk.edges if node.state in bad)
    elif code == "deadlock":
        nodes = (node for node, edges in walk.edges.items() if not edges)
    else:
        ending = _ending(definition, walk)
        nodes = (node for node in walk.edges if node not in ending)
    return (node for node in nodes if not definition.states[node.state].final)


def _ending(definition: LifecycleDefinition, walk: Walk) -> set[Node]:
    """Return the nodes from which a final state can be reached."""
    before: dict[Node, list[Node]] = {node: [] for node in walk.edges}
    for node, edges in walk.edges.items():
        for edge in edges:
            before[edge.node].append(node)
    open_ = [node for node in walk.edges if definition.states[node.state].final]
    ending = set(open_)
    while open_:
        for node in before[open_.pop()]:
            if node not in ending:
                ending.add(node)
                open_.append(node)
    return ending


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
