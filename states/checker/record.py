"""Owns what the record must hold: fields of the right type, anchors that get a date, checkpoints that compute."""

from collections.abc import Iterator

from states.checker.fault import Fault, fault
from states.checker.names import places
from states.definition import CheckpointSpec, LifecycleDefinition, Transition

ROUND_CHECKPOINTS = ("opens", "ends", "grace_ends")
GATHERING = ("codes", "checks")  # the types whose values can be added up


def check_record(definition: LifecycleDefinition) -> list[Fault]:
    """Return the faults of fields and checkpoints, so far as they need no policy.

    A field is used where an act puts it on record or a checkpoint reads it. Unknown names are not told again.
    """
    return [
        *_types(definition),
        *(
            found
            for name, spec in definition.checkpoints.items()
            for found in _checkpoint(definition, f"checkpoints.{name}", name, spec)
        ),
        *_kept_twice(definition),
        *_rounds(definition),
        *_unused_fields(definition),
    ]


def put_on_record(definition: LifecycleDefinition) -> frozenset[str]:
    """Return the fields that some act puts on record."""
    return frozenset(name for arrow in definition.transitions for name in _puts(arrow))


def _puts(arrow: Transition) -> tuple[str, ...]:
    return (*arrow.fields, *arrow.optional, *arrow.stamps, *arrow.counts, *arrow.answers, *arrow.copies, *arrow.elapsed)


def _types(definition: LifecycleDefinition) -> Iterator[Fault]:
    for name, spec in definition.fields.items():
        if spec.gathers and spec.type not in GATHERING:
            yield fault("field_type", f"fields.{name}.gathers", name, " / ".join(GATHERING))
    for index, place in places(definition).items():
        arrow = definition.transitions[index]
        for key, names, wanted in (
            ("stamps", arrow.stamps, "date"),
            ("counts", arrow.counts, "integer"),
            ("answers", tuple(arrow.answers), "calls"),
            ("copies", (*arrow.copies, *arrow.copies.values()), "integer"),
            ("elapsed", tuple(arrow.elapsed), "integer"),
            ("elapsed", tuple(arrow.elapsed.values()), "date"),
            ("amends", (arrow.amends,) if arrow.amends else (), "change"),
        ):
            for name in names:
                yield from _typed(definition, f"{place}.{key}", name, wanted)


def _typed(definition: LifecycleDefinition, place: str, name: str, wanted: str) -> Iterator[Fault]:
    spec = definition.fields.get(name)
    if spec is not None and spec.type != wanted:
        yield fault("field_type", place, name, wanted)


def _checkpoint(definition: LifecycleDefinition, place: str, name: str, spec: CheckpointSpec) -> Iterator[Fault]:
    for what in _misshapen(definition, name, spec):
        yield fault("checkpoint_shape", place, what)
    kind, _, path = spec.anchor.partition(".")
    if spec.anchor and spec.anchor != "entered_on" and not (kind in ("record", "policy") and path):
        yield fault("unknown_anchor", f"{place}.anchor", spec.anchor)
    if kind == "record" and path and path not in definition.fields:
        yield fault("unknown_field", f"{place}.anchor", path)
    read = (("anchor", path if kind == "record" else None, "date"), ("typed", spec.typed, "date"))
    for key, field, wanted in (*read, ("done", spec.done, "calls"), ("stood", spec.stood, "integer")):
        if field in definition.fields:
            yield from _typed(definition, f"{place}.{key}", field, wanted)
            if field not in put_on_record(definition):
                yield fault("never_on_record", f"{place}.{key}", field)


def _misshapen(definition: LifecycleDefinition, name: str, spec: CheckpointSpec) -> Iterator[str]:
    """Yield what the planner would pass over in silence, or never come back from."""
    if bool(spec.anchor) == bool(spec.after):
        yield "anchor / after"
    if bool(spec.days) != bool(spec.counting):
        yield "days / counting"
    if spec.after and spec.months:
        yield "after / months"
    if spec.repeat and not spec.months:
        yield "repeat / months"
    if spec.done and not spec.repeat:
        yield "done / repeat"
    seen, after = {name}, spec.after
    while after in definition.checkpoints and after not in seen:
        seen.add(after)
        after = definition.checkpoints[after].after
    if after == name:
        yield "after → after"


def _kept_twice(definition: LifecycleDefinition) -> Iterator[Fault]:
    for code, state in definition.states.items():
        lists = {"": (), **state.mode_checkpoints}
        twice = {
            kind: None
            for kinds in lists.values()
            for kind in (*state.checkpoints, *kinds)
            if (*state.checkpoints, *kinds).count(kind) > 1
        }
        for kind in twice:
            yield fault("checkpoint_twice", f"states.{code}.checkpoints", kind)


def _rounds(definition: LifecycleDefinition) -> Iterator[Fault]:
    for name, spec in definition.rounds.items():
        for key, named, wanted in (
            ("claimed", spec.claimed, "money"),
            ("verified", spec.verified, "money"),
            ("attained", spec.attained, "attainments"),
        ):
            yield from _typed(definition, f"rounds.{name}.{key}", named or "", wanted)
    for index, place in places(definition).items():
        of_round = definition.transitions[index].round
        for end in ROUND_CHECKPOINTS if of_round else ():
            if f"{of_round}_{end}" not in definition.checkpoints:
                yield fault("round_without_checkpoint", f"{place}.round", f"{of_round}_{end}")


def _unused_fields(definition: LifecycleDefinition) -> Iterator[Fault]:
    read = {field for spec in definition.checkpoints.values() for field in (spec.typed, spec.done, spec.stood)}
    read |= {spec.anchor.removeprefix("record.") for spec in definition.checkpoints.values()}
    for name in definition.fields:
        if name not in put_on_record(definition) and name not in read:
            yield fault("unused_field", f"fields.{name}", name)
