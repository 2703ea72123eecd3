"""What a simulation answers of a project: its checkpoints, and what would be told of each, to whom and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from lifecycle.canonical import instant
from lifecycle.notices import UNREACHED
from lifecycle.statements import Row
from lifecycle.visibility import checkpoint_label, sees_deadline
from schedules.forecasts import Course
from states.facts import Actor
from states.planning import BY_HAND


class Reminder(NamedTuple):
    """One thing that one person would be told over one channel, or not, and why.

    `leaves_at` is when it would be told (None: it would not, or not before the horizon).
    """

    occasion: str
    kind: str
    recipient: str
    name: str
    role: str
    channel: str
    planned_at: datetime
    leaves_at: datetime | None
    status: str
    reason: str | None
    late: bool

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "occasion": self.occasion,
            "kind": self.kind,
            "recipient": {"id": self.recipient, "name": self.name, "role": self.role},
            "channel": self.channel,
            "planned_at": instant(self.planned_at),
            "leaves_at": instant(self.leaves_at) if self.leaves_at else None,
            "status": self.status,
            "reason": self.reason,
            "late": self.late,
        }


@dataclass(frozen=True, slots=True)
class CheckpointOutlook:
    """A checkpoint with its reminders to come. `status`: `open`, or how the changes would end it.

    `new`: the changes would open it.
    """

    id: str | None  # None: there is no such row yet
    kind: str
    number: int
    label: dict[str, str]
    due_on: date
    computed_on: date
    provisional: bool
    calendar: str
    status: str
    new: bool
    reminders: tuple[Reminder, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        names = ("id", "kind", "number", "label", "provisional", "calendar", "status", "new")
        return {
            **{name: getattr(self, name) for name in names},
            "due_on": self.due_on.isoformat(),
            "computed_on": self.computed_on.isoformat(),
            "reminders": [reminder.to_dict() for reminder in self.reminders],
        }


@dataclass(frozen=True, slots=True)
class ProjectOutlook:
    """A project's checkpoints, the one due first at the head, with what would be told of them."""

    project: str
    code: str
    title: str
    state: str
    now: datetime
    until: datetime
    checkpoints: tuple[CheckpointOutlook, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            **{name: getattr(self, name) for name in ("project", "code", "title", "state")},
            "now": instant(self.now),
            "until": instant(self.until),
            "checkpoints": [checkpoint.to_dict() for checkpoint in self.checkpoints],
        }


@dataclass(slots=True)
class Shown:
    """A page of a batch's projects, each with every reminder: `most` of them, those behind `after` by id."""

    most: int
    after: str = ""
    projects: list[ProjectOutlook] = field(default_factory=list)
    more: bool = False

    def add(self, outlook: ProjectOutlook) -> None:
        """Keep a project that belongs to the page; they come by id."""
        if outlook.project <= self.after:
            return
        if len(self.projects) < self.most:
            self.projects.append(outlook)
        else:
            self.more = True

    @property
    def next(self) -> str | None:
        """Return what the next page lies behind, or None where this is the last."""
        return self.projects[-1].project if self.more and self.projects else None


def outlook_of(course: Course, actor: Actor, names: Mapping[str, str], now: datetime) -> ProjectOutlook:
    """Return what of a course an actor may see: whoever has one unit's reach sees own reminders, as in the ledger."""
    row, definition = course.moment.row, course.moment.rules.definition
    told: dict[str, list[Reminder]] = {}
    for notice in course.notices.values():
        if notice["checkpoint_id"] and (actor.scope in ("all", "city") or notice["recipient"] == actor.id):
            told.setdefault(notice["checkpoint_id"], []).append(_reminder(notice, names))
    items = [
        CheckpointOutlook(
            None if item["id"] in course.made else item["id"],
            item["kind"],
            item["number"],
            checkpoint_label(definition, row["deadlines"], item["kind"], item["number"]),
            item["due_on"],
            item["computed_on"],
            item["provisional"],
            item["calendar"],
            item["status"],
            item["id"] in course.made,
            tuple(told.get(item["id"], ())),
        )
        for item in course.checkpoints.values()
        if _shown(actor, row, item)
    ]
    items.sort(key=lambda item: (item.due_on, item.kind, item.number, item.new))
    return ProjectOutlook(row["id"], row["code"], row["title"], row["state"], now, course.until, tuple(items))


def _shown(actor: Actor, row: Row, item: Row) -> bool:
    deadline = row["deadlines"].get(str(item["number"])) if item["kind"] == BY_HAND else None
    return deadline is None or sees_deadline(actor, deadline)


def _reminder(notice: Row, names: Mapping[str, str]) -> Reminder:
    recipient, status = notice["recipient"], notice["status"]
    shown = {name: notice[name] for name in ("occasion", "kind", "role", "channel", "planned_at", "reason", "late")}
    leaves_at = notice["settled_at"] if status == "sent" else None
    return Reminder(recipient=recipient, name=_name(recipient, names), status=status, leaves_at=leaves_at, **shown)


def _name(recipient: str, names: Mapping[str, str]) -> str:
    return "" if recipient == UNREACHED else names.get(recipient, recipient)
