"""Owns what a reminder plan owes its definition: names that exist, and somebody told of every checkpoint."""

from collections.abc import Iterable, Iterator

from states.audience import may_be_told, roles_meant
from states.checker.fault import Fault, fault
from states.definition import LifecycleDefinition
from states.planning import BY_HAND
from states.policy import Policy
from states.reminders import ReminderPlan, Series
from states.roles import role_book

DEFAULT = "default"  # the series of every kind that has none of its own


def check_plan(definition: LifecycleDefinition, policies: Iterable[Policy], plan: ReminderPlan) -> list[Fault]:
    """Return what is wrong between a reminder plan and a definition with these policies, which fill in its offsets."""
    found = []
    if plan.plan.definition != definition.name:
        found.append(fault("plan_for_another", "plan.definition", plan.plan.definition, definition.name))
    for kind in plan.series:
        if kind not in (*definition.checkpoints, DEFAULT, BY_HAND):
            found.append(fault("unknown_checkpoint", f"series.{kind}", kind))
    for kind in plan.words_for:
        if kind not in (*definition.checkpoints, BY_HAND):
            found.append(fault("unknown_checkpoint", f"words_for.{kind}", kind))
    for event, roles in plan.events.items():
        if event not in definition.by_event:
            found.append(fault("unknown_event", f"events.{event}", event))
        if not roles:
            found.append(fault("nobody_told", f"events.{event}", event))
    for place, roles in _named_roles(plan):
        found += _roles(place, roles)
    unheard = (item for policy in policies for item in _unheard(definition, policy, plan))
    return [*found, *dict.fromkeys(unheard)]


def _named_roles(plan: ReminderPlan) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "escalate_to", plan.escalate_to
    for kind, series in plan.series.items():
        yield f"series.{kind}.to", series.to
        for step in series.escalation or ():
            yield f"series.{kind}.escalation", step.to
    for event, roles in plan.events.items():
        yield f"events.{event}", roles


def _roles(place: str, names: tuple[str, ...]) -> Iterator[Fault]:
    book = role_book()
    for name in names:
        if name not in book.roles and name not in book.groups:
            yield fault("unknown_role", place, name)
        elif not any(may_be_told(role) for role in roles_meant([name])):
            yield fault("cannot_be_told", place, name)


def _unheard(definition: LifecycleDefinition, policy: Policy, plan: ReminderPlan) -> Iterator[Fault]:
    """Yield the kinds of checkpoint whose series names nobody, or has no occasion on which to tell them."""
    for kind in (*definition.checkpoints, BY_HAND):
        series = plan.series_for(kind, policy)
        if not series.to or not _ever_tells(series):
            yield fault("nobody_told", f"series.{kind if kind in plan.series else DEFAULT}", kind)


def _ever_tells(series: Series) -> bool:
    # What only escalates comes too late: those who had to act were never told.
    before = series.before_working_days or series.before_calendar_days
    return bool(series.opened or before or series.on_the_day or series.overdue)
