"""Owns the names in a definition: each one used must be declared, each one declared must be used."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from states.capacities import KEYS, MEASURES
from states.checker.fault import Fault, fault
from states.definition import LEFT, SAME, DocketSpec, Invariant, LifecycleDefinition, State, Transition
from states.roles import role_book
from states.rules import RULES

NEEDED = {  # what an invariant of each kind must name to say anything
    "visited_before": ("states", "visited"),
    "never_with_flag": ("states", "flag"),
    "two_persons": ("event",),
    "must_hold": ("states", "capacity"),
}


class Mention(NamedTuple):
    """A name used at a place, where a thing of this kind must be meant."""

    kind: str
    place: str
    name: str


def places(definition: LifecycleDefinition) -> dict[int, str]:
    """Return a place for each transition by its index: the event and which of its arrows, counted from 1."""
    seen: dict[str, int] = {}
    found = {}
    for index, transition in enumerate(definition.transitions):
        seen[transition.event] = seen.get(transition.event, 0) + 1
        found[index] = f"transitions.{transition.event}.{seen[transition.event]}"
    return found


def unknown_names(definition: LifecycleDefinition) -> list[Fault]:
    """Return a fault for every name that is used and not declared, and for every invariant that says nothing."""
    known = _known(definition)
    strange = [
        fault(f"unknown_{mention.kind}", mention.place, mention.name)
        for mention in _mentions(definition)
        if mention.name not in known[mention.kind]
    ]
    empty = [
        fault("invariant_incomplete", f"invariants.{invariant.name}", need)
        for invariant in definition.invariants
        for need in NEEDED[invariant.kind]
        if not getattr(invariant, need)
    ]
    return [*strange, *empty]


def unused_names(definition: LifecycleDefinition) -> list[Fault]:
    """Return a fault for every phase, document, flag, capacity and checkpoint that is declared and not used.

    A capacity is used where a state holds it or one that draws from it; a checkpoint where a state keeps it.
    """
    arrows, states = definition.transitions, definition.states.values()
    held = {name for state in states for name in state.holds}
    pools = {spec.pool for name, spec in definition.capacities.items() if name in held}
    used: dict[str, tuple[Mapping[str, object], set[str | None]]] = {
        "phase": (definition.phases, {state.phase for state in states}),
        "document": (
            definition.documents,
            {
                *(kind for arrow in arrows for kind in (*arrow.documents, *arrow.optional_documents)),
                *(kind for spec in definition.dockets.values() for kind in (*spec.documents, *spec.optional_documents)),
            },
        ),
        "flag": (
            definition.flags,
            {flag for arrow in arrows for flag in (*arrow.sets, *arrow.clears, *arrow.requires, *arrow.forbids)},
        ),
        "capacity": (definition.capacities, {*held, *pools}),
        "checkpoint": (definition.checkpoints, {kind for state in states for kind in _kept(state)}),
    }
    return [
        fault(f"unused_{kind}", f"{_table(kind)}.{name}", name)
        for kind, (declared, names) in used.items()
        for name in declared
        if name not in names
    ]


def unused_rules(definitions: Iterable[LifecycleDefinition]) -> list[Fault]:
    """Return a fault for every registered rule that none of the definitions names."""
    used = {name for definition in definitions for arrow in definition.transitions for name in arrow.rules}
    return [fault("unused_rule", f"rules.{name}", name) for name in sorted(RULES) if name not in used]


def _table(kind: str) -> str:
    return "capacities" if kind == "capacity" else f"{kind}s"


def _kept(state: State) -> tuple[str, ...]:
    return (*state.checkpoints, *(kind for kinds in state.mode_checkpoints.values() for kind in kinds))


def _known(definition: LifecycleDefinition) -> dict[str, frozenset[str]]:
    book = role_book()
    return {
        "phase": frozenset(definition.phases),
        "state": frozenset(definition.states),
        "field": frozenset(definition.fields),
        "document": frozenset(definition.documents),
        "checkpoint": frozenset(definition.checkpoints),
        "capacity": frozenset(definition.capacities),
        "key": frozenset(KEYS),
        "measure": frozenset(MEASURES),
        "flag": frozenset(definition.flags),
        "role": frozenset(book.roles) | frozenset(book.groups),
        "rule": frozenset(RULES),
        "event": frozenset(definition.by_event),
        "mode": frozenset(definition.definition.modes),
    }


def _mentions(definition: LifecycleDefinition) -> Iterator[Mention]:
    yield Mention("state", "definition.initial", definition.definition.initial)
    for code, state in definition.states.items():
        yield from _of_state(f"states.{code}", state)
    for name, spec in definition.fields.items():
        yield from _each("role", f"fields.{name}.hidden_from", spec.hidden_from)
    for name, document in definition.documents.items():
        yield from _each("role", f"documents.{name}.hidden_from", document.hidden_from)
    for name, capacity in definition.capacities.items():
        yield Mention("key", f"capacities.{name}.key", capacity.key)
        yield Mention("measure", f"capacities.{name}.measure", capacity.measure)
        yield from _each("capacity", f"capacities.{name}.pool", _maybe(capacity.pool))
    for name, checkpoint in definition.checkpoints.items():
        yield from _each("checkpoint", f"checkpoints.{name}.after", _maybe(checkpoint.after))
        yield from _each("field", f"checkpoints.{name}.typed", _maybe(checkpoint.typed))
        for key in ("typed_after_days", "typed_after_months", "done"):
            yield from _each("field", f"checkpoints.{name}.{key}", _maybe(getattr(checkpoint, key)))
        yield from _each("field", f"checkpoints.{name}.stood", _maybe(checkpoint.stood))
        yield from _each("measure", f"checkpoints.{name}.owed", _maybe(checkpoint.owed))
    for name, acceptance in definition.rounds.items():
        yield from _each("field", f"rounds.{name}", (acceptance.claimed, acceptance.verified))
        yield from _each("field", f"rounds.{name}.attained", _maybe(acceptance.attained))
    for index, place in places(definition).items():
        yield from _of_transition(place, definition.transitions[index])
    for name, docket in definition.dockets.items():
        yield from _of_docket(f"dockets.{name}", docket)
    for key, event in definition.objections or ():
        yield Mention("event", f"objections.{key}", event)
    for invariant in definition.invariants:
        yield from _of_invariant(f"invariants.{invariant.name}", invariant)


def _of_state(place: str, state: State) -> Iterator[Mention]:
    yield Mention("phase", f"{place}.phase", state.phase)
    yield from _each("capacity", f"{place}.holds", state.holds)
    yield from _each("checkpoint", f"{place}.checkpoints", state.checkpoints)
    for mode, kinds in state.mode_checkpoints.items():
        yield Mention("mode", f"{place}.mode_checkpoints", mode)
        yield from _each("checkpoint", f"{place}.mode_checkpoints.{mode}", kinds)
    yield from _each("role", f"{place}.amendable_by", state.amendable_by)


def _of_transition(place: str, arrow: Transition) -> Iterator[Mention]:
    yield from _each("state", f"{place}.source", arrow.source)
    if arrow.target not in (SAME, LEFT):
        yield Mention("state", f"{place}.target", arrow.target)
    yield from _each("role", f"{place}.by", arrow.by)
    yield from _each("rule", f"{place}.rules", arrow.rules)
    for key in ("fields", "optional", "stamps", "counts", "drops"):
        yield from _each("field", f"{place}.{key}", getattr(arrow, key))
    for name, kind in arrow.answers.items():
        yield from _each("field", f"{place}.answers", (name,))
        yield from _each("checkpoint", f"{place}.answers", (kind,))
    for name, source in arrow.copies.items():
        yield from _each("field", f"{place}.copies", (name, source))
    for name, since in arrow.elapsed.items():
        yield from _each("field", f"{place}.elapsed", (name, since))
    for key in ("documents", "optional_documents"):
        yield from _each("document", f"{place}.{key}", getattr(arrow, key))
    for key in ("requires", "forbids", "sets", "clears"):
        yield from _each("flag", f"{place}.{key}", getattr(arrow, key))
    yield from _each("field", f"{place}.amends", _maybe(arrow.amends))
    yield from _each("event", f"{place}.not_by", arrow.not_by)
    yield from _each("mode", f"{place}.modes", arrow.modes)


def _of_docket(place: str, docket: DocketSpec) -> Iterator[Mention]:
    for key in ("by", "received_by"):
        yield from _each("role", f"{place}.{key}", getattr(docket, key))
    yield from _each("event", f"{place}.events", docket.events)
    yield from _each("event", f"{place}.returns", _maybe(docket.returns))
    yield from _each("event", f"{place}.late", _maybe(docket.late.event if docket.late else None))
    yield from _each("field", f"{place}.header", docket.header)
    yield from _each("field", f"{place}.ranked", _maybe(docket.ranked))
    if docket.awards is not None:
        awards = docket.awards
        yield from _each("field", f"{place}.awards", (awards.score, awards.tier, awards.amount))
        yield from _each("event", f"{place}.awards.otherwise", (awards.otherwise,))
        yield from _each("capacity", f"{place}.awards.capacity", (awards.capacity,))
    for key in ("documents", "optional_documents"):
        yield from _each("document", f"{place}.{key}", getattr(docket, key))


def _of_invariant(place: str, invariant: Invariant) -> Iterator[Mention]:
    yield from _each("state", f"{place}.states", invariant.states)
    yield from _each("state", f"{place}.visited", invariant.visited)
    yield from _each("flag", f"{place}.flag", _maybe(invariant.flag))
    yield from _each("event", f"{place}.event", _maybe(invariant.event))
    yield from _each("event", f"{place}.other", _maybe(invariant.other))
    yield from _each("capacity", f"{place}.capacity", _maybe(invariant.capacity))
    yield from _each("mode", f"{place}.modes", invariant.modes)


def _each(kind: str, place: str, names: Iterable[str]) -> Iterator[Mention]:
    return (Mention(kind, place, name) for name in names)


def _maybe(name: str | None) -> tuple[str, ...]:
    return () if name is None else (name,)
