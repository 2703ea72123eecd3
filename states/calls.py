"""Progress calls (R20): when each opens and falls due, which was answered, late or not, and which were missed."""

from datetime import date, timedelta
from typing import Any, NamedTuple

from states.deadlines import Calendar
from states.definition import LifecycleDefinition
from states.facts import Facts
from states.planning import due_date, mark_of
from states.policy import Policy


class Call(NamedTuple):
    """One call. `late`: answered after its due date; None while nothing came."""

    number: int
    opens_on: date
    due_on: date
    answered_on: date | None
    late: bool | None

    def status(self, on: date) -> str:
        """Return how it stands on a day: answered, late (came, but after the day), missed, open or upcoming."""
        if self.answered_on is not None:
            return "late" if self.late else "answered"
        if on > self.due_on:
            return "missed"
        return "open" if on >= self.opens_on else "upcoming"


def calls_of(
    definition: LifecycleDefinition, policy: Policy, facts: Facts, calendar: Calendar, kind: str
) -> list[Call]:
    """Return the recurring calls of a kind that have a date by now, in order; a call opens so many days before it."""
    spec = definition.checkpoints[kind]
    answered: dict[str, Any] = facts.record.get(spec.done or "") or {}
    found = []
    for number in range(1, int(policy.setting(spec.repeat)) + 1 if spec.repeat else 1):
        due = due_date(definition, policy, facts, calendar, kind, number)
        if due is None:
            continue
        mark = answered.get(mark_of(number))
        opens_on = due.due_on - timedelta(days=policy.rules.R20.window_days)
        on = date.fromisoformat(mark["on"]) if mark else None
        found.append(Call(number, opens_on, due.due_on, on, mark["late"] if mark else None))
    return found


def answered_by(calls: list[Call], number: int | None) -> Call | None:
    """Return the call that a report answers: the one it names, else the first that nothing came for."""
    waiting = [call for call in calls if call.answered_on is None and number in (None, call.number)]
    return waiting[0] if waiting else None
