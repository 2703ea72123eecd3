"""Owns the whole check: of a definition with its policy, and of every file that ships with the program."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from states.checker.arrows import check_arrows
from states.checker.dockets import check_dockets
from states.checker.fault import Fault, fault
from states.checker.invariants import check_invariants
from states.checker.names import unknown_names, unused_names, unused_rules
from states.checker.paths import check_paths
from states.checker.plans import check_plan
from states.checker.record import check_record
from states.checker.settings import check_policy
from states.checker.walk import Explored, Walk, walk
from states.definition import BadDefinition, LifecycleDefinition, read_definition
from states.library import texts
from states.policy import Policy, read_policy
from states.reminders import ReminderPlan, read_plan

RULES_FILE = "rules"  # where rules without a use are reported: they belong to no data file
Data = TypeVar("Data", LifecycleDefinition, Policy, ReminderPlan)


@dataclass(frozen=True, slots=True)
class Report:
    """The faults of each file, those without any included, and how much was walked per definition and mode."""

    faults: dict[str, tuple[Fault, ...]]
    explored: dict[str, dict[str, Explored]]

    @property
    def sound(self) -> bool:
        """True where no file has a fault."""
        return not any(self.faults.values())


def check(definition: LifecycleDefinition, policy: Policy | None) -> list[Fault]:
    """Return every fault of a definition, and of a policy with it; an empty list is the proof that both are sound.

    Names, types and arrows first, then all paths of the definition's modes and the policy's. No path is walked
    while a state is unknown: what lies behind it cannot be judged.
    """
    modes = definition.definition.modes if policy is None else (*definition.definition.modes, policy.mode)
    faults, _ = _check_definition(definition, tuple(dict.fromkeys(modes)))
    return faults if policy is None else [*faults, *check_policy(definition, policy)]


def check_all() -> Report:
    """Check every bundled definition, policy and reminder plan."""
    return check_texts(texts("definitions"), texts("policies"), texts("reminding"))


def check_texts(
    definitions: Mapping[str, str], policies: Mapping[str, str], plans: Mapping[str, str] | None = None
) -> Report:
    """Check TOML texts by file name: each definition, each policy with the definition it names, and the rules.

    A reminder plan is checked with the definition it names and all policies that go with that.
    """
    faults: dict[str, list[Fault]] = {}
    read = _read(read_definition, "definitions", definitions, faults)
    explored = {}
    for file, definition in read.items():
        found, walks = _check_definition(definition, definition.definition.modes)
        faults[file] += found
        explored[definition.name] = {walked.mode: walked.explored for walked in walks}
    by_name = {definition.name: definition for definition in read.values()}
    settings = _read(read_policy, "policies", policies, faults)
    for file, policy in settings.items():
        wanted = policy.policy.definition
        if wanted in by_name:
            faults[file] += check_policy(by_name[wanted], policy)
        else:
            faults[file].append(fault("unknown_definition", "policy.definition", wanted))
    for file, plan in _read(read_plan, "reminding", plans or {}, faults).items():
        wanted = plan.plan.definition
        fitting = [policy for policy in settings.values() if policy.policy.definition == wanted]
        if wanted in by_name:
            faults[file] += check_plan(by_name[wanted], fitting, plan)
        else:
            faults[file].append(fault("unknown_definition", "plan.definition", wanted))
    faults[RULES_FILE] = unused_rules(read.values())
    return Report({file: tuple(found) for file, found in faults.items()}, explored)


def _check_definition(definition: LifecycleDefinition, modes: tuple[str, ...]) -> tuple[list[Fault], list[Walk]]:
    names = unknown_names(definition)
    faults = [
        *names,
        *unused_names(definition),
        *check_record(definition),
        *check_arrows(definition),
        *check_dockets(definition),
    ]
    if names:  # what a walk says of a definition whose names do not hold helps nobody
        return faults, []
    walks = [walk(definition, mode) for mode in modes]
    return [*faults, *check_paths(definition, walks), *check_invariants(definition, walks)], walks


def _read(
    read: Callable[[str], Data], folder: str, files: Mapping[str, str], faults: dict[str, list[Fault]]
) -> dict[str, Data]:
    """Read what can be read, and note under each file's name what is wrong with the reading."""
    found: dict[str, Data] = {}
    names: dict[str, str] = {}
    for file, text in files.items():
        path = f"{folder}/{file}"
        faults[path] = []
        try:
            data = read(text)
        except BadDefinition as error:
            faults[path].append(fault("unreadable", path, str(error)))
            continue
        if data.name in names:
            faults[path].append(fault("name_taken", path, data.name, names[data.name]))
        names.setdefault(data.name, path)
        found[path] = data
    return found
