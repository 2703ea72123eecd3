"""A position in the log, and a project as it stood there: played from the entries alone, never from the live row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from lifecycle.callers import Caller
from lifecycle.canonical import instant
from lifecycle.database import Transaction
from lifecycle.errors import NotFound, Unreadable
from lifecycle.replay import BrokenLog
from lifecycle.rulebooks import RuleSet, rules_for
from lifecycle.statements import Row, Statement
from lifecycle.streams import Cut, Played, Withheld, play
from lifecycle.tables import Entry
from lifecycle.transition import load_project
from states.findings import Text

_entry = Entry.__table__  # type: ignore[attr-defined]
ENTRY = Statement(
    sa.select(_entry).where(
        _entry.c.stream == sa.bindparam("of"), _entry.c.seq == sa.bindparam("at", type_=sa.BigInteger())
    )
)
LAST = Statement(sa.select(_entry).where(_entry.c.stream == sa.bindparam("of")).order_by(_entry.c.seq.desc()).limit(1))


@dataclass(frozen=True, slots=True)
class Position:
    """An entry of the log: what a paper is made from."""

    origin: str
    stream: str
    seq: int
    leaf: str
    at: datetime

    @property
    def text(self) -> str:
        """Return the position as a paper states it."""
        return f"{self.origin} {self.stream} #{self.seq} {self.leaf}"

    def to_dict(self) -> dict[str, Any]:
        """Return the position as JSON values."""
        names = ("origin", "stream", "seq", "leaf")
        return {**{name: getattr(self, name) for name in names}, "at": instant(self.at)}


@dataclass(frozen=True, slots=True)
class Past:
    """A project as its entries tell it up to a position."""

    id: str
    columns: Mapping[str, Any]
    checkpoints: Mapping[str, str]  # kind/number -> due date
    seq: int
    rules: RuleSet

    def record(self, name: str) -> Any:
        """Return a field on record, None where there is none."""
        return (self.columns.get("record") or {}).get(name)

    def due_on(self, kind: str) -> str | None:
        """Return when the first open checkpoint of a kind falls due."""
        found = {int(place.rpartition("/")[2]): due for place, due in self.checkpoints.items() if _of(place, kind)}
        return found[min(found)] if found else None


def position_of(tx: Transaction, origin: str, stream: str, seq: int | None) -> Position:
    """Return the position of an entry of a stream, by default its last.

    Raises:
        Unreadable: a number that no entry can have.
        NotFound: the stream has no such entry.
    """
    if seq is not None and not 1 <= seq < 2**53:
        raise Unreadable(Text("留痕序号应为正整数", "a position is the number of an entry, from 1 on"))
    row = tx.one(LAST, of=stream) if seq is None else tx.one(ENTRY, of=stream, at=seq)
    if row is None:
        raise NotFound(Text("没有此留痕序号", "the log has no such entry"))
    return Position(origin, stream, row["seq"], row["leaf"].hex(), row["at"])


def project_at(tx: Transaction, caller: Caller, origin: str, project: str, seq: int | None) -> tuple[Past, Position]:
    """Return a project within the caller's reach as it stood at an entry of its stream, by default the last.

    Raises:
        NotFound, Unreadable: there is no such project within reach, or no such entry.
        BrokenLog: the entries up to there do not hold together: nothing is made from them.
    """
    load_project(tx, caller, project)
    position = position_of(tx, origin, f"project/{project}", seq)
    (past,) = pasts(tx, [project], {project: Cut(seq=position.seq)})
    return past, position


def pasts(tx: Transaction, projects: Sequence[str], cuts: Mapping[str, Cut]) -> list[Past]:
    """Return projects as they stood where their streams are cut; two reads, and one for each new version of rules.

    Raises:
        BrokenLog: the entries up to there do not hold together.
    """
    return [_past(tx, project, played) for project, played in zip(projects, play(tx, projects, cuts), strict=True)]


def _past(tx: Transaction, project: str, played: Played) -> Past:
    if played.problems:
        raise BrokenLog(played.problems)
    columns = played.columns
    rules = rules_for(tx, columns["definition_hash"], columns["policy_hash"])
    due = {place: _date(value) for place, value in played.checkpoints.items()}
    return Past(project, columns, {place: day for place, day in due.items() if day}, played.seq, rules)


def _date(value: Any) -> str | None:
    if isinstance(value, Mapping):
        value = value.get("due_on")
    return None if value is None or isinstance(value, Withheld) else str(value)


def _of(place: str, kind: str) -> bool:
    return place.rpartition("/")[0] == kind


def is_withheld(value: Any) -> bool:
    """Return whether the disclosure of a value is gone."""
    return isinstance(value, Withheld)


__all__ = ["BrokenLog", "Past", "Position", "Row", "is_withheld", "pasts", "position_of", "project_at"]
