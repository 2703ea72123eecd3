"""What a calendar would change in a batch, as it is shown: days, checkpoints, counts, and the digest to commit by."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from lifecycle.callers import Caller
from lifecycle.replanning import Replanned, Shift
from lifecycle.signing import Receipt
from lifecycle.statements import Row
from states.deadlines import Calendar
from states.findings import Text
from states.holidays import Arrangement, changed_days, warnings


class Move(NamedTuple):
    """What would change of one checkpoint of one project."""

    project: str
    code: str
    title: str
    label: Text
    shift: Shift

    def to_dict(self) -> dict[str, Any]:
        """Return the change as JSON values."""
        return {
            "project": self.project,
            "code": self.code,
            "title": self.title,
            "kind": self.shift.kind,
            "label": self.label._asdict(),
            "number": self.shift.number,
            "from": self.shift.old,
            "to": self.shift.new,
            "moved": self.shift.moved,
        }


@dataclass(slots=True)
class Counts:
    """How many projects and checkpoints change, and how."""

    projects: int = 0
    checkpoints: int = 0
    moved: int = 0
    confirmed: int = 0
    unsettled: int = 0

    def add(self, item: Replanned) -> None:
        """Count a project's changes."""
        self.projects += 1
        self.checkpoints += len(item.shifts)
        self.moved += sum(shift.moved for shift in item.shifts)
        self.confirmed += sum(shift.confirmed for shift in item.shifts)
        self.unsettled += sum(shift.unsettled for shift in item.shifts)

    def to_dict(self) -> dict[str, int]:
        """Return the counts as JSON values."""
        names = ("projects", "checkpoints", "moved", "confirmed", "unsettled")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Preview:
    """What a calendar would change: its days beside the present ones, every checkpoint, and the digest to commit by."""

    batch: str
    present: Calendar
    arrangement: Arrangement
    moves: tuple[Move, ...]
    counts: Counts
    digest: str

    def to_dict(self) -> dict[str, Any]:
        """Return the preview as JSON values."""
        present, calendar = self.present, self.arrangement.calendar
        return {
            "batch": self.batch,
            "present": _told(present),
            "calendar": {**_told(calendar), "years": list(self.arrangement.years)},
            "days": [day.to_dict() for day in changed_days(present, calendar)],
            "warnings": [text._asdict() for text in warnings(self.arrangement.years, present, calendar)],
            "counts": self.counts.to_dict(),
            "rows": [move.to_dict() for move in self.moves],
            "digest": self.digest,
        }


@dataclass(frozen=True, slots=True)
class Adopted:
    """What adopting a calendar did."""

    batch: str
    calendar: str
    hash: str
    counts: Counts
    receipt: Receipt

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as JSON values."""
        return {
            "batch": self.batch,
            "calendar": self.calendar,
            "hash": self.hash,
            "counts": self.counts.to_dict(),
            "receipt": self.receipt.to_dict(),
        }


@dataclass(slots=True)
class Shown:
    """What a preview shows, taken in project by project: counts and digest need no list."""

    counts: Counts = field(default_factory=Counts)
    sha256: Any = field(default_factory=hashlib.sha256)

    @classmethod
    def of(cls, caller: Caller, batch: Row, arrangement: Arrangement) -> "Shown":
        """Begin with who asks, for which batch and calendar, and what calendar it has now."""
        shown, text = cls(), hashlib.sha256(arrangement.text.encode()).hexdigest()
        shown._see([caller.actor.id, caller.actor.role, batch["id"], batch["calendar_hash"]])
        shown._see([arrangement.calendar.version, text])
        return shown

    @property
    def digest(self) -> str:
        """Return the SHA-256 over everything shown so far."""
        return str(self.sha256.hexdigest())

    def add(self, item: Replanned) -> None:
        """Take in a project: its version, and each of its checkpoints before and after."""
        self.counts.add(item)
        self._see([item.row["id"], item.row["version"], [list(shift) for shift in item.shifts]])

    def _see(self, value: Any) -> None:
        self.sha256.update(orjson.dumps(value) + b"\n")


def moves_of(item: Replanned) -> Iterator[Move]:
    """Yield a project's changes as they are shown."""
    row = item.row
    for shift in item.shifts:
        spec = item.rules.definition.checkpoints.get(shift.kind)
        label = Text(spec.zh, spec.en) if spec else Text(shift.kind, shift.kind)
        yield Move(row["id"], row["code"], row["title"], label, shift)


def _told(calendar: Calendar) -> dict[str, Any]:
    names = ("version", "source", "first_year", "last_year")
    return {name: getattr(calendar, name) for name in names}
