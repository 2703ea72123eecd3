"""Owns what a policy owes its definition: every setting that is named, and a checkpoint for every deadline."""

from collections.abc import Container, Iterator
from datetime import date
from typing import Any

from states.checker.fault import Fault, fault
from states.deadlines import Counting
from states.definition import LifecycleDefinition
from states.papers import private_places, strange_places
from states.policy import Policy
from states.roles import role_book

NOT_DEADLINES = {  # setting -> why nothing falls due
    "R09.fresh_days": "how long a veto check stays good",
    "R20.window_days": "how long before its due date a progress call opens",
    "R23.max_extension_months": "the most an extension may add",
    "R23.ask_ahead_months": "how early an extension is asked for; the window's end is the checkpoint",
}
WANTED: dict[str, type] = {
    "anchor": date,
    "months": int,
    "days": int,
    "repeat": int,
    "counting": Counting,
    "ceiling": int,
    "due": date,
}


def check_policy(definition: LifecycleDefinition, policy: Policy) -> list[Fault]:
    """Return what is wrong between a policy and the definition it goes with."""
    found = []
    if policy.policy.definition != definition.name:
        found.append(fault("policy_for_another", "policy.definition", policy.policy.definition, definition.name))
    if policy.mode not in definition.definition.modes:
        found.append(fault("unknown_mode", "rules.R21.mode", policy.mode))
    return [
        *found,
        *_settings(definition, policy),
        *_deadlines(definition, policy),
        *_exemption(definition, policy),
        *_panels(definition, policy),
        *_papers(definition, policy),
    ]


def named_settings(definition: LifecycleDefinition) -> list[tuple[str, str, str]]:
    """Return (key, place, setting) for every setting that a checkpoint, capacity or docket names."""
    found = []
    for name, spec in definition.checkpoints.items():
        kind, _, path = spec.anchor.partition(".")
        paths = {"anchor": path if kind == "policy" else None}
        paths |= {key: getattr(spec, key) for key in ("months", "days", "repeat", "counting")}
        found += [(key, f"checkpoints.{name}.{key}", path) for key, path in paths.items() if path]
    found += [("due", f"dockets.{name}.due", spec.due) for name, spec in definition.dockets.items() if spec.due]
    for name, capacity in definition.capacities.items():
        if capacity.ceiling != "imported":
            found.append(("ceiling", f"capacities.{name}.ceiling", capacity.ceiling))
    return found


def _settings(definition: LifecycleDefinition, policy: Policy) -> Iterator[Fault]:
    for key, place, path in named_settings(definition):
        try:
            value = policy.setting(path)
        except (KeyError, AttributeError):  # a path such as `copy.x` finds a method
            yield fault("unknown_setting", place, path)
            continue
        if not isinstance(value, WANTED[key]) or isinstance(value, bool):
            yield fault("setting_type", place, path, WANTED[key].__name__)


def _deadlines(definition: LifecycleDefinition, policy: Policy) -> Iterator[Fault]:
    used = {path for key, _, path in named_settings(definition) if key != "due"}
    for section, holder in policy.rules:
        for name, value in holder:
            path = f"{section}.{name}"
            if _is_deadline(name, value) and path not in used and path not in NOT_DEADLINES:
                yield fault("deadline_without_checkpoint", f"rules.{path}", path)


def _is_deadline(name: str, value: Any) -> bool:
    return isinstance(value, date) or name.rpartition("_")[2] in ("days", "months")


def _exemption(definition: LifecycleDefinition, policy: Policy) -> Iterator[Fault]:
    exemption = policy.rules.R14
    for key in ("exempt", "letter_for"):
        for kind in getattr(exemption, key):
            if kind not in exemption.ownerships:
                yield fault("unknown_ownership", f"rules.R14.{key}", kind)
    kinds = {
        "R14.letter_document": exemption.letter_document,
        "R17.minutes_document": policy.rules.R17.minutes_document,
    }
    for path, kind in kinds.items():
        if kind is not None and kind not in definition.documents:
            yield fault("unknown_document", f"rules.{path}", kind)


def _panels(definition: LifecycleDefinition, policy: Policy) -> Iterator[Fault]:
    for purpose, setting in policy.panels.items():
        for state in setting.states:
            if state not in definition.states:
                yield fault("unknown_state", f"panels.{purpose}.states", state)
        if setting.field is None:
            continue
        spec = definition.fields.get(setting.field)
        if spec is None:
            yield fault("unknown_field", f"panels.{purpose}.field", setting.field)
        elif spec.type != "score":
            yield fault("field_type", f"panels.{purpose}.field", setting.field, "score")


def _papers(definition: LifecycleDefinition, policy: Policy) -> Iterator[Fault]:
    book = role_book()
    known: dict[str, tuple[str, Container[str]]] = {
        "states": ("state", definition.states),
        "events": ("event", definition.by_event),
        "dockets": ("docket", definition.dockets),
        "by": ("role", {**book.roles, **book.groups}),
    }
    for name, paper in policy.papers.kinds.items():
        at = f"papers.kinds.{name}"
        for key, (noun, names) in known.items():
            yield from (fault(f"unknown_{noun}", f"{at}.{key}", one) for one in getattr(paper, key) if one not in names)
        yield from (fault(f"unknown_{kind}", at, what) for kind, what in strange_places(definition, paper))
        if paper.public and not paper.dockets:
            yield fault("public_without_docket", at, name)
        yield from (fault("private_place", at, place) for place in private_places(definition, paper) if paper.public)
