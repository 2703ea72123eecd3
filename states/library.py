"""The definitions, policies and reminder plans that ship with the program, by `name/version`."""

from functools import cache
from importlib.resources import files

from states.definition import LifecycleDefinition, read_definition
from states.policy import Policy, read_policy
from states.reminders import ReminderPlan, read_plan


def texts(folder: str) -> dict[str, str]:
    """Return the bundled TOML files of a folder of this package: file name -> text."""
    return {
        entry.name: entry.read_text("utf-8")
        for entry in sorted(files("states").joinpath(folder).iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    }


@cache
def bundled_definitions() -> dict[str, tuple[LifecycleDefinition, str]]:
    """Return name -> (definition, its text)."""
    read = ((read_definition(text), text) for text in texts("definitions").values())
    return {definition.name: (definition, text) for definition, text in read}


@cache
def bundled_policies() -> dict[str, tuple[Policy, str]]:
    """Return name -> (policy, its text)."""
    read = ((read_policy(text), text) for text in texts("policies").values())
    return {policy.name: (policy, text) for policy, text in read}


@cache
def bundled_plans() -> dict[str, tuple[ReminderPlan, str]]:
    """Return name -> (reminder plan, its text)."""
    read = ((read_plan(text), text) for text in texts("reminding").values())
    return {plan.name: (plan, text) for plan, text in read}


@cache
def plan_of(definition: str) -> ReminderPlan:
    """Return the newest bundled plan of a definition by name, or the first there is for one that has none."""
    plans = [plan for plan, _ in bundled_plans().values()]
    own = [plan for plan in plans if plan.plan.definition == definition]
    return (own or plans)[-1]
