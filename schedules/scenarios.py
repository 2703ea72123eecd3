"""What-if changes of a simulation: other dates on record, another state, another calendar, another plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from lifecycle.errors import Unreadable
from lifecycle.rulebooks import RuleSet
from lifecycle.statements import Row
from states.deadlines import Calendar
from states.definition import BadDefinition, LifecycleDefinition, Transition
from states.fields import clean_fields
from states.findings import Text
from states.holidays import BadHolidays, read_arrangement
from states.reminders import ReminderPlan, read_plan

MONTHS, DAYS = 600, 3660  # at most
SAID = 600  # characters of what is wrong with a plan
EXTENSION, SUSPENSION, PUBLICATION = "extension_months", "suspended_days", "published_on"  # as `states.planning` counts


@dataclass(frozen=True, slots=True)
class Changes:
    """What is assumed to be otherwise; nothing by default.

    `record` replaces fields of the record (None: takes them off). `extend_months` and `delay_days` come on top of
    what was granted or suspended already. `state` is entered on the day of the simulation. Calendar and plan are
    texts, read as if the batch took them over.
    """

    record: Mapping[str, Any] = field(default_factory=dict)
    published_on: date | None = None
    extend_months: int = 0
    delay_days: int = 0
    state: str | None = None
    calendar: str | None = None
    plan: str | None = None

    @property
    def of_project(self) -> bool:
        """True where the project itself is assumed to be otherwise."""
        return bool(self.record or self.published_on or self.extend_months or self.delay_days or self.state)


NONE = Changes()


@dataclass(frozen=True, slots=True)
class Scenario:
    """Changes that have been read: the texts as what they hold."""

    changes: Changes
    calendar: Calendar | None = None
    plan: ReminderPlan | None = None

    @property
    def of_batch(self) -> bool:
        """True where calendar or plan are assumed to be otherwise: then all is looked at anew."""
        return self.calendar is not None or self.plan is not None

    def rules(self, rules: RuleSet) -> RuleSet:
        """Return a project's rules as they would be."""
        return replace(rules, calendar=self.calendar or rules.calendar, reminders=self.plan or rules.reminders)

    def row(self, rules: RuleSet, row: Row, today: date) -> Row:
        """Return a project's row as the changes would leave it: one version on, where they change the project.

        Raises:
            Unreadable: a field or state is not one of the definition's, or a value is not what it should be.
        """
        changes = self.changes
        if not changes.of_project:
            return row
        record = {**row["record"], **_fields(rules.definition, changes)}
        record = {name: value for name, value in record.items() if value is not None}
        stood = {spec.stood for spec in rules.definition.checkpoints.values() if spec.stood}
        days = dict.fromkeys((SUSPENSION, *sorted(stood)), changes.delay_days)
        for name, more in {EXTENSION: changes.extend_months, **days}.items():
            if more:
                record[name] = int(record.get(name) or 0) + more
        entered = {"state": changes.state, "entered_on": today} if changes.state else {}
        return {**row, **entered, "record": record, "version": row["version"] + 1}


def read_changes(changes: Changes, calendar: Calendar) -> Scenario:
    """Read what-if changes; a calendar's text is to take the place of `calendar`.

    Raises:
        Unreadable: a text cannot be read, or a number is beyond its limits; the message says which.
    """
    _check_number("extend_months", changes.extend_months, MONTHS)
    _check_number("delay_days", changes.delay_days, DAYS)
    other = plan = None
    if changes.calendar is not None:
        try:
            other = read_arrangement(changes.calendar, calendar).calendar
        except BadHolidays as bad:
            faults = [fault.to_dict() for fault in bad.faults]
            zh = "；".join(f"{fault.place.zh}：{fault.message.zh}" for fault in bad.faults)
            raise Unreadable(Text(f"日历无法读取。{zh}", f"the calendar cannot be read: {bad}"), faults=faults) from bad
    if changes.plan is not None:
        plan = read_reminders(changes.plan)
    return Scenario(changes, other, plan)


def read_reminders(text: str) -> ReminderPlan:
    """Read a reminder plan that somebody hands in.

    Raises:
        Unreadable: so; the message says where.
    """
    try:
        return read_plan(text)
    except BadDefinition as bad:
        said = str(bad)[:SAID]
        raise Unreadable(Text(f"提醒方案无法读取：{said}", f"the plan cannot be read: {said}")) from bad


def _check_number(name: str, value: int, most: int) -> None:
    if type(value) is not int or not 0 <= value <= most:
        raise Unreadable(Text(f"{name}应为0至{most}的整数", f"{name} is a whole number from 0 to {most}"))


def _fields(definition: LifecycleDefinition, changes: Changes) -> dict[str, Any]:
    """Return the fields assumed otherwise as the record holds them; None takes one off."""
    given = dict(changes.record)
    if changes.published_on is not None:
        given[PUBLICATION] = changes.published_on
    if changes.state is not None and changes.state not in definition.states:
        raise Unreadable(
            Text("规则版本中没有此状态", "the definition has no such state"), state=str(changes.state)[:64]
        )
    known = tuple(name for name in given if name in definition.fields)
    taking = Transition(zh="假设", en="assume", event="assume", source=(), target="", by=(), fields=known)
    fields, wrong = clean_fields(definition, taking, given)
    if wrong:
        told = "；".join(f"{name}：{what}" for name, what in wrong.items())
        raise Unreadable(Text(f"假设的内容无法读取：{told}", f"what is assumed cannot be read: {told}"), fields=wrong)
    return {**dict.fromkeys(known), **fields}
