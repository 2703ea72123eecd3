"""Owns what a kind of docket owes the acts it asks for: that many can be done at once, and by those who release it."""

from collections.abc import Iterator

from states.checker.fault import Fault, fault
from states.definition import DocketSpec, LifecycleDefinition
from states.roles import role_book


def check_dockets(definition: LifecycleDefinition) -> list[Fault]:
    """Return what is wrong with the kinds of docket; unknown names are not told again."""
    return [found for name, spec in definition.dockets.items() for found in _of(definition, f"dockets.{name}", spec)]


def _of(definition: LifecycleDefinition, place: str, spec: DocketSpec) -> Iterator[Fault]:
    events = [event for event in spec.events if event in definition.by_event]
    taken = frozenset().union(*(definition.taken[event][0] for event in events))
    yield from _header(definition, place, spec, taken)
    for event in events:
        yield from _released(definition, f"{place}.events", event, spec.by)
    if spec.awards is not None:
        yield from _awarded(definition, f"{place}.awards", spec)
    if (spec.returns is None) != (not spec.received_by):
        yield fault("docket_incomplete", place, "received_by / returns")
    for key, given in (("returns", spec.returns), ("late", spec.late.event if spec.late else None)):
        if given in definition.by_event:
            yield from _released(definition, f"{place}.{key}", given, spec.received_by)
    if spec.late and spec.late.event in definition.by_event:
        for name in spec.late.fields:
            if name not in definition.taken[spec.late.event][0]:
                yield fault("not_taken", f"{place}.late", name)


def _header(definition: LifecycleDefinition, place: str, spec: DocketSpec, taken: frozenset[str]) -> Iterator[Fault]:
    """Yield what no act takes, what the public is to see and the header does not hold, and a rank that is no number."""
    for name in (*spec.header, *((spec.ranked,) if spec.ranked else ())):
        if name in definition.fields and name not in taken:
            key = "ranked" if name == spec.ranked else "header"
            yield fault("not_taken", f"{place}.{key}", name)
    for name in (*spec.public, *((spec.public_from,) if spec.public_from else ())):
        if name not in spec.header:
            yield fault("not_in_header", f"{place}.public", name)
    ranked = definition.fields.get(spec.ranked or "")
    if ranked is not None and ranked.type != "integer":
        yield fault("field_type", f"{place}.ranked", spec.ranked or "", "integer")


def _released(definition: LifecycleDefinition, place: str, event: str, by: tuple[str, ...]) -> Iterator[Fault]:
    """Yield where the act cannot be done to many, or where somebody who releases it may not do it."""
    book, arrows = role_book(), definition.by_event[event]
    if not all(arrow.bulk for arrow in arrows):
        yield fault("not_bulk", place, event)
    may = frozenset(role for arrow in arrows for role in book.expand(arrow.by))
    for role in sorted(book.expand(by) - may):
        if role in book.roles:
            yield fault("role_may_not", place, role, event)


def _awarded(definition: LifecycleDefinition, place: str, spec: DocketSpec) -> Iterator[Fault]:
    """Yield where the act that rewards does not take what is worked out, or the docket does not ask for the other."""
    assert spec.awards is not None
    rewards = spec.events[0]
    taken = definition.taken[rewards][0] if rewards in definition.by_event else frozenset[str]()
    for name in (spec.awards.score, spec.awards.tier, spec.awards.amount):
        if name in definition.fields and name not in taken:
            yield fault("not_taken", place, name)
    if spec.awards.otherwise in definition.by_event and spec.awards.otherwise not in spec.events:
        yield fault("docket_incomplete", f"{place}.otherwise", spec.awards.otherwise)
