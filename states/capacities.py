"""What is limited and who holds how much of it: quotas, a group's tasks, a unit's projects, the budget.

A state says which capacities it holds; what a project holds is therefore a function of its state and facts, and the
counter of a capacity must equal the sum over all projects.
"""

from collections.abc import Callable, Mapping

from states.definition import LifecycleDefinition
from states.facts import Facts
from states.policy import Policy

Keys = Callable[[Facts, Policy], tuple[str, ...]]
Measure = Callable[[Facts, Policy], int]
Claims = dict[tuple[str, str], int]  # (pool, key) -> amount


def _units_of(facts: Facts, kind: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(unit.credit_code for unit in facts.application.members if unit.kind == kind))


def providers(facts: Facts, policy: Policy) -> tuple[str, ...]:
    """R05: one key for each provider of the consortium."""
    return _units_of(facts, policy.rules.R05.kind)


def manufacturers(facts: Facts, policy: Policy) -> tuple[str, ...]:
    """R06: one key for each manufacturer of the consortium."""
    return _units_of(facts, policy.rules.R06.kind)


def city(facts: Facts, _policy: Policy) -> tuple[str, ...]:
    """R13: the city that recommends."""
    return (facts.application.city,)


def group(facts: Facts, _policy: Policy) -> tuple[str, ...]:
    """R15: the group, where the lead belongs to one."""
    return (facts.application.group,) if facts.application.group else ()


def whole(_facts: Facts, _policy: Policy) -> tuple[str, ...]:
    """R26: one key for the whole batch."""
    return ("batch",)


def one(_facts: Facts, _policy: Policy) -> int:
    """Count the project itself."""
    return 1


def quota_place(facts: Facts, policy: Policy) -> int:
    """R14: exempt ownership uses no place of the city's quota."""
    return 0 if facts.application.ownership in policy.rules.R14.exempt else 1


def reward_fen(facts: Facts, _policy: Policy) -> int:
    """R26: the amount proposed or granted, in fen."""
    return int(facts.record.get("reward_fen") or 0)


def unrecovered_fen(facts: Facts, _policy: Policy) -> int:
    """R23: what was paid and has not come back, in fen."""
    return max(0, int(facts.record.get("paid_fen") or 0) - int(facts.record.get("recovered_fen") or 0))


KEYS: dict[str, Keys] = {function.__name__: function for function in (providers, manufacturers, city, group, whole)}
MEASURES: dict[str, Measure] = {
    function.__name__: function for function in (one, quota_place, reward_fen, unrecovered_fen)
}


def claims(definition: LifecycleDefinition, policy: Policy, facts: Facts, state: str) -> Claims:
    """Return what a project with these facts holds in `state`; a place of zero size is held too (it is locked)."""
    found: Claims = {}
    for name in definition.states[state].holds:
        spec = definition.capacities[name]
        amount = MEASURES[spec.measure](facts, policy)
        for key in KEYS[spec.key](facts, policy):
            place = (spec.pool or name, key)
            found[place] = found.get(place, 0) + amount
    return found


def ceiling_of(definition: LifecycleDefinition, policy: Policy, capacity: str, stored: int | None) -> int | None:
    """Return a capacity's ceiling: the imported figure, or the policy's setting; None where none was imported."""
    source = definition.capacities[capacity].ceiling
    return stored if source == "imported" else int(policy.setting(source))


def moved(held: Mapping[tuple[str, str], int], wanted: Mapping[tuple[str, str], int]) -> Claims:
    """Return by how much each counter changes when holdings go from `held` to `wanted`; zeros are left out."""
    changes = {place: wanted.get(place, 0) - held.get(place, 0) for place in {**held, **wanted}}
    return {place: amount for place, amount in changes.items() if amount}
