"""How long each project stayed in each state, and whether its deadlines were met: told by its entries alone.

A deadline stands with the stay in which it ended, or with the present one while it is open. It counts as kept when the
act that ended it is dated no later than its last due date; acts dated back show both days.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from lifecycle.auditing.entries import Listed
from lifecycle.auditing.scanning import Filters, body_of, scan
from lifecycle.auditing.telling import PROJECTS
from lifecycle.business_days import ZONE
from lifecycle.callers import Caller
from lifecycle.canonical import instant
from lifecycle.database import Transaction
from lifecycle.exporting.scope import BY_STREAM
from lifecycle.rulebooks import definition_for
from lifecycle.sentences import act_label
from lifecycle.sets import select_many
from lifecycle.statements import Row
from lifecycle.visibility import checkpoint_label, label_of
from states.deadlines import business_date
from states.definition import LifecycleDefinition

LAST = 2**53 - 1  # number of an entry in any stream
TOGETHER = 20  # projects whose entries are held at a time
MET, LATE, OPEN, OVERDUE = "met", "late", "open", "overdue"
Line = dict[str, Any]


@dataclass(slots=True)
class _Deadline:
    """A deadline from its opening on."""

    kind: str
    number: int
    opened: Row
    first_due_on: str
    due_on: str
    moved: int = 0


@dataclass(slots=True)
class _Stay:
    """A stay in a state, from the entry that began it."""

    state: str
    entered: Row
    ended: list[Line] = field(default_factory=list)


@dataclass(slots=True)
class _Project:
    """A project while its entries are read."""

    row: Row
    definition: LifecycleDefinition
    today: date
    stay: _Stay | None = None
    open: dict[str, _Deadline] = field(default_factory=dict)


def stays(tx: Transaction, caller: Caller, filters: Filters, size: int, begin: int, limit: int) -> Listed:
    """Return the stays of whole projects, `limit` of them, in the order in which they were entered.

    What was done from `filters.before` on is left out, and stays that ended before `filters.since`. Open deadlines are
    held against the caller's today, or the last day before `filters.before`.
    """
    asked = Filters(before=filters.before, batch=filters.batch, born=True)
    found = scan(tx, asked, size, begin, limit)
    ids = [row["stream"].partition("/")[2] for row in found.rows if row["stream"]]
    today = caller.today(ZONE)
    if filters.before is not None:
        today = min(today, business_date(filters.before - timedelta(microseconds=1), ZONE))
    lines = [
        line
        for first in range(0, len(ids), TOGETHER)
        for line in _lines(tx, ids[first : first + TOGETHER], filters, size, today)
    ]
    return Listed(lines, found.begin, found.end, found.size)


def _lines(tx: Transaction, ids: Sequence[str], filters: Filters, size: int, today: date) -> Iterator[Line]:
    projects = {row["id"]: row for row in select_many(tx, PROJECTS, "projects", ids)}
    entries: dict[str, list[Row]] = {name: [] for name in ids}
    for row in select_many(tx, BY_STREAM, "streams", [f"project/{name}" for name in ids], after=0, to=LAST):
        if row["index"] < size and (filters.before is None or row["at"] < filters.before):
            entries[row["stream"].partition("/")[2]].append(row)
    since = instant(filters.since) if filters.since is not None else ""
    for name in ids:
        if name not in projects:  # its row was taken away; the entries are in the other reports
            continue
        project = _Project(projects[name], definition_for(tx, projects[name]["definition_hash"]), today)
        for line in _read(project, entries[name]):
            if line["left"] is None or line["left"]["at"] >= since:
                yield line


def _read(project: _Project, entries: Sequence[Row]) -> Iterator[Line]:
    """Yield a project's stays from its successful entries; one that was tampered with is passed over."""
    for row in entries:
        body = body_of(row)
        if body is None or body["outcome"] != "success":
            continue
        changes = {change["path"]: change for change in body["changes"]}
        on = changes["/effective_on"]["new"] if "/effective_on" in changes else _day(row).isoformat()
        before = project.stay
        ended = [_turn(project, row, body, changes[path], on) for path in changes if path.startswith("/checkpoints/")]
        if before is not None:
            before.ended += [line for line in ended if line is not None]
        if "/state" in changes:
            if before is not None:
                yield _line(project, before, row, body)
            project.stay = _Stay(changes["/state"]["new"], row)
    if project.stay is not None:
        yield _line(project, project.stay, None, None)


def _turn(project: _Project, row: Row, body: Mapping[str, Any], change: Mapping[str, Any], on: str) -> Line | None:
    """Take in what an entry says of a deadline; return it where it ended."""
    _, _, kind, number = change["path"].split("/")
    place, new = f"{kind}/{number}", change["new"]
    known = project.open.get(place)
    if new is None:
        return _ended(project, project.open.pop(place), row, body, on) if known else None
    if known is None:
        project.open[place] = _Deadline(kind, int(number), row, new["due_on"], new["due_on"])
    elif known.due_on != new["due_on"]:
        known.due_on, known.moved = new["due_on"], known.moved + 1
    return None


def _ended(project: _Project, deadline: _Deadline, row: Row, body: Mapping[str, Any], on: str) -> Line:
    late = max(0, (date.fromisoformat(on) - date.fromisoformat(deadline.due_on)).days)
    return {
        **_about(project, deadline),
        "verdict": LATE if late else MET,
        "days_late": late,
        "ended": {**_entry(project, row, body), "on": on, "recorded_on": _day(row).isoformat()},
    }


def _still_open(project: _Project, deadline: _Deadline) -> Line:
    late = max(0, (project.today - date.fromisoformat(deadline.due_on)).days)
    return {**_about(project, deadline), "verdict": OVERDUE if late else OPEN, "days_late": late, "ended": None}


def _about(project: _Project, deadline: _Deadline) -> Line:
    own = {name: getattr(deadline, name) for name in ("kind", "number", "first_due_on", "due_on", "moved")}
    label = checkpoint_label(project.definition, project.row["deadlines"], deadline.kind, deadline.number)
    return {**own, "label": label, "opened": _place(deadline.opened)}


def _line(project: _Project, stay: _Stay, left: Row | None, body: Mapping[str, Any] | None) -> Line:
    standing = [] if left is not None else [_still_open(project, one) for one in project.open.values()]
    until = _day(left) if left is not None else project.today
    return {
        "project": project.row["id"],
        "code": project.row["code"],
        "state": stay.state,
        "state_label": label_of(project.definition.states.get(stay.state), stay.state),
        "days": (until - _day(stay.entered)).days,
        "entered": _place(stay.entered),
        "left": _entry(project, left, body) if left is not None and body is not None else None,
        "deadlines": [*stay.ended, *standing],
    }


def _entry(project: _Project, row: Row, body: Mapping[str, Any]) -> Line:
    name = (body["action"] or {}).get("name")
    return {**_place(row), "action": name, "action_label": act_label(project.definition, name or "")._asdict()}


def _place(row: Row) -> Line:
    return {"index": row["index"], "id": row["id"], "at": instant(row["at"])}


def _day(row: Row) -> date:
    return business_date(row["at"], ZONE)
