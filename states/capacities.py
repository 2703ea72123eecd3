"""What is limited and who holds how much of it: quotas, a group's tasks, a unit's projects, the budget.

A state says which capacities it holds; what a project holds is therefore a function of its state and facts, and the
counter of a capacity must equal the sum over all projects.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from states.definition import LifecycleDefinition
from states.facts import Application, Facts
from states.policy import Policy

Record = Mapping[str, Any]
Keys = Callable[[Application, Policy], Sequence[str]]
Measure = Callable[[Application, Record, Policy], int]
Claims = dict[tuple[str, str], int]  # (pool, key) -> amount


def providers(application: Application, policy: Policy) -> Sequence[str]:
    """R05: the providers of the consortium, by credit code."""
    kind = policy.rules.R05.kind
    return [unit.credit_code for unit in application.members if unit.kind == kind]


def manufacturers(application: Application, policy: Policy) -> Sequence[str]:
    """R06: the manufacturers of the consortium, by credit code."""
    kind = policy.rules.R06.kind
    return [unit.credit_code for unit in application.members if unit.kind == kind]


def city(application: Application, _policy: Policy) -> Sequence[str]:
    """R13: the city that recommends."""
    return (application.city,)


def group(application: Application, _policy: Policy) -> Sequence[str]:
    """R15: the group, where the lead belongs to one."""
    return (application.group,) if application.group else ()


def whole(_application: Application, _policy: Policy) -> Sequence[str]:
    """R26: one key for the whole batch."""
    return ("batch",)


def one(_application: Application, _record: Record, _policy: Policy) -> int:
    """Count the project itself."""
    return 1


def quota_place(application: Application, _record: Record, policy: Policy) -> int:
    """R14: exempt ownership uses no place of the city's quota."""
    return 0 if application.ownership in policy.rules.R14.exempt else 1


def reward_fen(_application: Application, record: Record, _policy: Policy) -> int:
    """R26: the amount proposed or granted, in fen."""
    return int(record.get("reward_fen") or 0)


def unrecovered_fen(_application: Application, record: Record, _policy: Policy) -> int:
    """R23: what was paid and has not come back, in fen."""
    return max(0, int(record.get("paid_fen") or 0) - int(record.get("recovered_fen") or 0))


KEYS: dict[str, Keys] = {function.__name__: function for function in (providers, manufacturers, city, group, whole)}
MEASURES: dict[str, Measure] = {
    function.__name__: function for function in (one, quota_place, reward_fen, unrecovered_fen)
}


def measured(name: str, facts: Facts, policy: Policy) -> int:
    """Return a measure of a project by its name."""
    return MEASURES[name](facts.application, facts.record, policy)


def claims(definition: LifecycleDefinition, policy: Policy, facts: Facts, state: str) -> Claims:
    """Return what a project with these facts holds in `state`; a place of zero size is held too (it is locked)."""
    return claims_with(definition, policy, facts.application, facts.record, state)


def claims_with(
    definition: LifecycleDefinition, policy: Policy, application: Application, record: Record, state: str
) -> Claims:
    """Return what a project of this application and record holds in `state`; a unit named twice holds one place."""
    found: Claims = {}
    for name in definition.states[state].holds:
        spec = definition.capacities[name]
        amount = MEASURES[spec.measure](application, record, policy)
        pool = spec.pool or name
        for key in dict.fromkeys(KEYS[spec.key](application, policy)):
            found[pool, key] = found.get((pool, key), 0) + amount
    return found


def ceiling_of(definition: LifecycleDefinition, policy: Policy, capacity: str, stored: int | None) -> int | None:
    """Return a capacity's ceiling: the imported figure, or the policy's setting; None where none was imported."""
    source = definition.capacities[capacity].ceiling
    return stored if source == "imported" else int(policy.setting(source))


def moved(held: Mapping[tuple[str, str], int], wanted: Mapping[tuple[str, str], int]) -> Claims:
    """Return by how much each counter changes when holdings go from `held` to `wanted`; zeros are left out."""
    changes = {place: wanted.get(place, 0) - held.get(place, 0) for place in {**held, **wanted}}
    return {place: amount for place, amount in changes.items() if amount}
