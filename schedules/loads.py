"""What a simulation answers of a batch: how much is told on each day, to each recipient, of each kind of checkpoint."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from lifecycle.canonical import instant
from lifecycle.notices import UNREACHED
from lifecycle.recipients import Channels
from schedules.outlooks import ProjectOutlook, Reminder
from states.deadlines import business_date

INBOX = "inbox"


@dataclass(slots=True)
class Load:
    """How much there is on a day, for a person or of a kind.

    `inbox` counts entries in to-do lists, `notices` what leaves the house, `messages` in how many messages it does.
    """

    inbox: int = 0
    notices: int = 0
    messages: int = 0

    def add(self, other: "Load") -> None:
        """Count another in."""
        self.inbox += other.inbox
        self.notices += other.notices
        self.messages += other.messages

    def to_dict(self) -> dict[str, int]:
        """Return it as JSON values."""
        return {"inbox": self.inbox, "notices": self.notices, "messages": self.messages}


@dataclass(slots=True)
class BatchOutlook:
    """A batch's outlook in sums: what of it there is on each day, for each recipient, of each kind of checkpoint.

    Messages are counted as the outbox makes them: more than the plan allows at one instant for one person and channel,
    or an address with the digest choice, are one. `unreached` are those that nobody would be there to be told.
    """

    batch: str
    code: str
    now: datetime
    until: datetime
    zone: str
    projects: int = 0
    checkpoints: int = 0
    skipped: int = 0
    unreached: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)
    by_due_date: Counter[date] = field(default_factory=Counter)
    _people: dict[str, tuple[str, str]] = field(default_factory=dict)  # id -> name and role
    _inbox: dict[str, Counter[date]] = field(default_factory=dict)
    _leaving: dict[tuple[str, str], Counter[datetime]] = field(default_factory=dict)  # person and channel
    _together: dict[tuple[str, str], int] = field(default_factory=dict)  # more than so many at once are one message

    def add(self, outlook: ProjectOutlook, at_once: int, channels: Channels) -> None:
        """Count a project."""
        self.projects += 1
        for checkpoint in outlook.checkpoints:
            if checkpoint.status == "open":
                self.checkpoints += 1
                self.by_due_date[checkpoint.due_on] += 1
            for reminder in checkpoint.reminders:
                self._count(checkpoint.kind, reminder, at_once, channels)

    def _count(self, kind: str, reminder: Reminder, at_once: int, channels: Channels) -> None:
        if reminder.recipient == UNREACHED:
            self.unreached += 1
            return
        if reminder.leaves_at is None:
            self.skipped += reminder.status == "skipped"
            return
        self._people.setdefault(reminder.recipient, (reminder.name, reminder.role))
        if reminder.channel == INBOX:
            day = business_date(reminder.leaves_at, self.zone)
            self._inbox.setdefault(reminder.recipient, Counter())[day] += 1
            self.by_kind[kind] += 1
            return
        way = reminder.recipient, reminder.channel
        self._leaving.setdefault(way, Counter())[reminder.leaves_at] += 1
        self._together[way] = 0 if channels[reminder.recipient][reminder.channel] else at_once

    def days(self) -> dict[date, Load]:
        """Return day -> what is told on it, in order."""
        found: dict[date, Load] = {}
        for days in self._loads().values():
            for day, load in days.items():
                found.setdefault(day, Load()).add(load)
        return dict(sorted(found.items()))

    def recipients(self) -> list[dict[str, Any]]:
        """Return for each recipient what comes in all and on the busiest day, the one with the most messages first."""
        found = [self._recipient(person, days) for person, days in self._loads().items()]
        return sorted(found, key=lambda item: (-item["messages"], -item["inbox"], item["id"]))

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        days = self.days()
        return {
            **{
                name: getattr(self, name)
                for name in ("batch", "code", "projects", "checkpoints", "skipped", "unreached")
            },
            "now": instant(self.now),
            "until": instant(self.until),
            **_sum(days.values()).to_dict(),
            "days": [{"day": day.isoformat(), **load.to_dict()} for day, load in days.items()],
            "recipients": self.recipients(),
            "kinds": dict(sorted(self.by_kind.items())),
            "due_dates": {day.isoformat(): number for day, number in sorted(self.by_due_date.items())},
        }

    def _loads(self) -> dict[str, dict[date, Load]]:
        """Return person -> day -> what there is."""
        found = {person: {day: Load(number) for day, number in days.items()} for person, days in self._inbox.items()}
        for (person, channel), instants in self._leaving.items():
            days = found.setdefault(person, {})
            for at, number in instants.items():
                messages = 1 if number > self._together[person, channel] else number
                days.setdefault(business_date(at, self.zone), Load()).add(Load(0, number, messages))
        return found

    def _recipient(self, person: str, days: Mapping[date, Load]) -> dict[str, Any]:
        name, role = self._people[person]
        most = max(days, key=lambda day: (days[day].messages, days[day].inbox, day))
        return {
            **{"id": person, "name": name, "role": role, **_sum(days.values()).to_dict()},
            "busiest": {"day": most.isoformat(), **days[most].to_dict()},
        }


def _sum(loads: Iterable[Load]) -> Load:
    whole = Load()
    for load in loads:
        whole.add(load)
    return whole
