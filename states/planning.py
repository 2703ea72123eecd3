"""Which checkpoints a project keeps in its state, and when each falls due: the same answer for engine and simulator."""

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from states.capacities import measured
from states.deadlines import Calendar, Counting, DueDate, add_months, count_days
from states.definition import CheckpointSpec, LifecycleDefinition
from states.facts import Facts
from states.policy import Policy

BY_HAND = "by_hand"  # the kind of deadlines that an officer adds


class Planned(NamedTuple):
    """A checkpoint that ought to be open. `number` counts a recurring kind from 1."""

    kind: str
    number: int
    due_on: date
    computed_on: date
    provisional: bool
    calendar: str


def planned(definition: LifecycleDefinition, policy: Policy, facts: Facts, calendar: Calendar) -> list[Planned]:
    """Return the checkpoints that the project's state, flags and record call for; those without an anchor yet are not.

    A date an officer typed is due; the computed one is kept beside it (programme: “keeps both”). While a flag pauses,
    clocks that can be moved stand still and are not due at all (R23).
    """
    state = definition.states[facts.state]
    paused = any(definition.flags[flag].pauses for flag in facts.flags)
    found = []
    for kind in (*state.checkpoints, *state.mode_checkpoints.get(policy.mode, ())):
        spec = definition.checkpoints[kind]
        if (paused and _stands(spec)) or (spec.owed and not measured(spec.owed, facts, policy)):
            continue
        times = int(policy.setting(spec.repeat)) if spec.repeat else 1
        done = (facts.record.get(spec.done) or {}) if spec.done else {}
        for number in (one for one in range(1, times + 1) if mark_of(one) not in done):
            due = due_date(definition, policy, facts, calendar, kind, number)
            if due is not None:
                on = _stated_on(definition, policy, facts, calendar, kind)
                found.append(Planned(kind, number, on or due.due_on, due.due_on, due.provisional, due.calendar))
    if not state.final:
        standing = ((number, one) for number, one in facts.deadlines.items() if not one.get("ended"))
        found += [_by_hand(number, deadline, calendar) for number, deadline in standing]
    return found


def mark_of(number: int) -> str:
    """Return the key under which a call is marked as answered: a name that the log takes."""
    return f"call_{number}"


def _by_hand(number: str, deadline: Mapping[str, Any], calendar: Calendar) -> Planned:
    on = date.fromisoformat(deadline["due_on"])
    return Planned(BY_HAND, int(number), on, on, False, calendar.version)


def due_date(
    definition: LifecycleDefinition,
    policy: Policy,
    facts: Facts,
    calendar: Calendar,
    kind: str,
    number: int = 1,
) -> DueDate | None:
    """Return when a checkpoint falls due by computation, or None where its anchor is not known yet.

    Months run from the anchor itself (Civil Code art. 202, 203), an extension adds months, a suspension the days that
    the project was away.
    """
    spec = definition.checkpoints[kind]
    if spec.after:
        before = due_date(definition, policy, facts, calendar, spec.after)
        return None if before is None else _add_days(before, spec, policy, calendar)
    anchor = _anchor(spec, policy, facts)
    if anchor is None:
        return None
    due = DueDate(anchor, provisional=False, moved_from=None, calendar=calendar.version)
    extra = int(facts.record.get("extension_months") or 0) if spec.shifts else 0
    months = int(policy.setting(spec.months)) * number + extra if spec.months else 0
    if months:
        due = add_months(anchor, months, calendar, roll=spec.rolls)
    due = _add_days(due, spec, policy, calendar)
    later = _put_off(due.due_on, spec, facts, calendar)
    if later is None:
        return due
    return DueDate(later.due_on, due.provisional or later.provisional, due.due_on, calendar.version)


def effective_due_on(
    definition: LifecycleDefinition, policy: Policy, facts: Facts, calendar: Calendar, kind: str
) -> date | None:
    """Return the date that counts: the one an officer typed where there is one, else the computed one."""
    stated = _stated_on(definition, policy, facts, calendar, kind)
    if stated is not None:
        return stated
    due = due_date(definition, policy, facts, calendar, kind)
    return None if due is None else due.due_on


def _stands(spec: CheckpointSpec) -> bool:
    return spec.shifts or spec.stood is not None


def _put_off(day: date, spec: CheckpointSpec, facts: Facts, calendar: Calendar, before: int = 0) -> DueDate | None:
    """Return a day later by the days that the clock stood still, those `before` left out; None where it never did."""
    counted = spec.stood or ("suspended_days" if spec.shifts else None)
    away = int(facts.record.get(counted) or 0) - before if counted else 0
    if away <= 0:
        return None
    later = count_days(day, away, Counting.CALENDAR_DAYS, calendar)
    return add_months(later.due_on, 0, calendar) if spec.rolls else later


def _stated_on(
    definition: LifecycleDefinition, policy: Policy, facts: Facts, calendar: Calendar, kind: str
) -> date | None:
    """Return the date that an officer typed, or that follows from one so typed; None where none was.

    It moves like a computed one by what extends the project or stops its clock after it was typed.
    """
    spec = definition.checkpoints[kind]
    stated = _date(facts.record.get(spec.typed)) if spec.typed else None
    if stated is None:
        before = _stated_on(definition, policy, facts, calendar, spec.after) if spec.after else None
        if before is None:
            return None
        return _add_days(DueDate(before, False, None, calendar.version), spec, policy, calendar).due_on
    if spec.typed_after_months:
        months = int(facts.record.get("extension_months") or 0) - int(facts.record.get(spec.typed_after_months) or 0)
        stated = add_months(stated, months, calendar, roll=spec.rolls).due_on if months > 0 else stated
    days = int(facts.record.get(spec.typed_after_days) or 0) if spec.typed_after_days else 0
    later = _put_off(stated, spec, facts, calendar, days)
    return later.due_on if later else stated


def _add_days(due: DueDate, spec: CheckpointSpec, policy: Policy, calendar: Calendar) -> DueDate:
    if not (spec.days and spec.counting):
        return due
    counting = Counting(policy.setting(spec.counting))
    later = count_days(due.due_on, int(policy.setting(spec.days)), counting, calendar)
    if spec.rolls:  # Civil Code art. 203: a last day that is a rest day gives way to the next working day
        later = add_months(later.due_on, 0, calendar)
    return DueDate(later.due_on, due.provisional or later.provisional, later.moved_from, calendar.version)


def _anchor(spec: CheckpointSpec, policy: Policy, facts: Facts) -> date | None:
    kind, _, path = spec.anchor.partition(".")
    if kind == "entered_on":
        return facts.entered_on
    if kind == "policy":
        return _date(policy.setting(path))
    return _date(facts.record.get(path))


def _date(value: Any) -> date | None:
    if value is None or isinstance(value, date):
        return value
    return date.fromisoformat(value)
