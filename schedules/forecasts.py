"""A project's reminders foretold: its way through time, walked by the engine's own functions and never written.

The engine is taken to be awake all the time but where it is said to be asleep, every sending to come through at once,
and acts to come before what is due at the same instant.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any, NamedTuple

from lifecycle import checkpoints, replanning
from lifecycle.prospects import Key
from lifecycle.recipients import Channels, reach_of_row
from lifecycle.rulebooks import RuleSet
from lifecycle.snapshots import facts_of
from lifecycle.statements import Row
from schedules.rechecks import ending_of, leaves_at
from schedules.reminders import Due, due_of_row, looked_at_from, plan_announced, plan_notices
from states.audience import Someone
from states.planning import planned
from states.series import occasions

INSTANT = timedelta(microseconds=1)  # the shortest time that an instant in the database knows
NEVER = datetime.max.replace(tzinfo=UTC)
TELLING = ("waiting", "sent")
Span = tuple[datetime, datetime]  # from … until, the end not included


class Announced(NamedTuple):
    """What an act gave people to know; `about` is the kind and number of the checkpoint that was chased."""

    event: str
    details: Mapping[str, Any]
    about: tuple[str, int] | None = None


class Moment(NamedTuple):
    """What holds for a project from an instant on: its row as the acts of that instant leave it, rules and people.

    The row's plan is not read: what is open follows from the rest. `people` are those who could reach the project.
    """

    at: datetime
    row: Row
    rules: RuleSet
    people: Sequence[Someone]
    channels: Channels
    announced: tuple[Announced, ...] = ()


@dataclass(slots=True)
class Standing:
    """A checkpoint's row, and from when on its occasions are still to be told; `instants` are theirs, to come."""

    row: Row
    since: datetime
    instants: list[datetime] = field(default_factory=list)


class Course:
    """A project on its way: what stands open, what has been told, what waits to leave.

    `notices` are rows as the engine writes them, by key, in the order in which they are made; a sent one's `settled_at`
    is when it leaves. `checkpoints` are all rows there have been, by id.
    """

    def __init__(
        self,
        moment: Moment,
        until: datetime,
        open_rows: Iterable[Row] = (),
        waiting: Iterable[Row] = (),
        told: Collection[Key] = (),
    ) -> None:
        """Begin at a moment with rows as they are kept; what has a key among `told` was told before."""
        self.now = moment.at
        self.until = until
        self.moment = moment
        self.notices: dict[Key, Row] = {}
        self.checkpoints: dict[str, Row] = {}
        self.standing: dict[str, Standing] = {}
        self.places: dict[str, tuple[str, int | None]] = {}  # cause -> kind and number, or event
        self.made: set[str] = set()  # the checkpoints that it opened itself
        self._told = told
        self._series: dict[tuple[Any, ...], list[Row]] = {}
        self._waiting: list[tuple[datetime, Row]] = []
        self._announced: list[tuple[Row, Row | None]] = []
        self._numbers = count(1)
        self._announce(moment)
        for row in open_rows:
            self._stand(row, row["next_at"])
        for row in waiting:
            if row["checkpoint_id"] in self.standing:  # else it is about to be cancelled
                self._keep({**row})

    def advance(self, moment: Moment) -> None:
        """Let a moment come: checkpoints end and open as by the door, or as by another calendar where that is new."""
        before, self.moment = self.moment, moment
        self.now = max(self.now, moment.at)
        plan = [_planned(one.row) for one in self.standing.values()]
        if moment.rules.calendar != before.rules.calendar:
            plan = self._amend(before, plan)
        wanted = planned(moment.rules.definition, moment.rules.policy, facts_of(moment.row), moment.rules.calendar)
        zone = moment.rules.policy.policy.zone
        place = (moment.row["id"], moment.row["batch_id"], moment.row["version"])
        changed = checkpoints.replan(*place, zone, wanted, plan, "", moment.at, self._new_id)
        for ended in changed.ended:
            self.checkpoints[ended["id"]]["status"] = ended["status"]
            del self.standing[ended["id"]]
        for row in changed.opened:
            self.made.add(row["id"])
            self._stand(row, row["next_at"])
        rules = (before.rules.calendar, before.rules.reminders)
        if (moment.rules.calendar, moment.rules.reminders) != rules:
            for one in self.standing.values():
                self._look_from(one, one.row["opened_at"], self.now)
        self._announce(moment)

    def run(self, before: datetime | None = None, asleep: Sequence[Span] = ()) -> None:
        """Wake whenever there is something to do, until an instant (not included), or to the very end."""
        while (at := self._next(asleep)) <= self.until and (before is None or at < before):
            self.wake(at)

    def wake(self, now: datetime) -> None:
        """Do what the engine does at an instant: sweep, tell what was announced, let go what may leave."""
        self.now = now
        for one in self.standing.values():
            if one.instants and one.instants[0] <= now:
                self._sweep(one, now)
        told, self._announced = self._announced, []
        for row, chased in told:
            self._enter(plan_announced(row, chased, self.moment.rules, self.moment.people, self.moment.channels, now))
        self._leave(now)

    def _sweep(self, one: Standing, now: datetime) -> None:
        moment = self.moment
        due = self._due(one.row)
        around = (moment.rules, reach_of_row(moment.row), moment.people, moment.channels)
        self._enter(plan_notices(due, *around, one.since, now))
        one.since = now + INSTANT
        one.instants = [at for at in one.instants if at > now]

    def _leave(self, now: datetime) -> None:
        """Judge what may leave by now, all of it as it stands, and end it or let it go."""
        ready = [row for at, row in self._waiting if at <= now]
        if not ready:
            return
        self._waiting = [(at, row) for at, row in self._waiting if at > now]
        people = {
            person.id: {"id": person.id, "role": person.role, "city": person.city, "unit": person.unit, "active": True}
            for person in self.moment.people
        }
        endings = [ending_of(self._judged(row, now), people, self._address(row)) for row in ready]
        for row, ending in zip(ready, endings, strict=True):
            if ending:
                row.update(status=ending[0], reason=ending[1], settled_at=now)
            elif (opens := leaves_at(row, self.moment.rules, now)) > now:
                self._waiting.append((opens, row))
            else:
                row.update(status="sent", settled_at=now)

    def _judged(self, row: Row, now: datetime) -> Row:
        """Return a notice as the outbox would read it to judge it."""
        checkpoint = self.checkpoints.get(row["checkpoint_id"]) if row["checkpoint_id"] else None
        overtaken = any(
            newer["planned_at"] > row["planned_at"] and newer["send_at"] <= now and newer["status"] in TELLING
            for newer in self._series[_series_of(row)]
        )
        about = {name: self.moment.row[name] for name in ("city", "lead_code", "responsible")}
        status = checkpoint["status"] if checkpoint else None
        return {**row, **about, "checkpoint_status": status, "overtaken": overtaken}

    def _address(self, row: Row) -> Row | None:
        return {} if row["channel"] in self.moment.channels.get(row["recipient"], {}) else None

    def _enter(self, rows: Iterable[Row]) -> None:
        for row in rows:
            if _key_of(row) not in self.notices and _key_of(row) not in self._told:
                self._keep(row)

    def _keep(self, row: Row) -> None:
        self.notices[_key_of(row)] = row
        self._series.setdefault(_series_of(row), []).append(row)
        if row["status"] == "waiting":
            self._waiting.append((max(row["send_at"], self.now), row))

    def _stand(self, row: Row, next_at: datetime | None) -> None:
        one = Standing({**row}, NEVER)
        self.checkpoints[row["id"]] = one.row
        self.standing[row["id"]] = one
        self.places[f"checkpoint/{row['id']}"] = (row["kind"], row["number"])
        if next_at is not None:
            since = looked_at_from(self._due(row), self.moment.rules, next_at)
            self._look_from(one, since, max(next_at, self.now))

    def _look_from(self, one: Standing, since: datetime, at: datetime) -> None:
        """Have a checkpoint's occasions told from an instant on; those before `at` are due at that instant."""
        due, rules = self._due(one.row), self.moment.rules
        series = rules.reminders.series_for(due.kind, rules.policy)
        course = (series, rules.reminders.times, due.due_on, due.opened_at, due.moved, rules.calendar)
        found = occasions(*course, rules.policy.policy.zone, since, self.until)
        one.since = since
        one.instants = sorted({max(occasion.at, at) for occasion in found})

    def _due(self, row: Row) -> Due:
        return due_of_row({**row, "deadlines": self.moment.row["deadlines"]})

    def _amend(self, before: Moment, plan: list[Row]) -> list[Row]:
        """Return the plan with what another calendar changes of rows that keep their day."""
        changed = replanning.replan(before.rules, {**before.row, "plan": plan}, self.moment.rules.calendar, self.now)
        amended = {row["id"]: row for row in changed.amended} if changed else {}
        for name, row in amended.items():
            self.standing[name].row.update(
                computed_on=date.fromisoformat(row["computed_on"]),
                provisional=row["provisional"],
                calendar=row["calendar"],
            )
        return [amended.get(row["id"], row) for row in plan]

    def _announce(self, moment: Moment) -> None:
        names = ("batch_id", "city", "lead_code", "responsible", "deadlines", "version")
        for announced in moment.announced:
            row = {name: moment.row[name] for name in names}
            row |= {"id": self._new_id(moment.at), "project_id": moment.row["id"], "at": moment.at}
            row |= {"event": announced.event, "details": announced.details}
            self.places[f"announcement/{row['id']}"] = (announced.event, None)
            place = announced.about
            found = [one.row for one in self.standing.values() if (one.row["kind"], one.row["number"]) == place]
            self._announced.append((row, found[0] if found else None))

    def _next(self, asleep: Sequence[Span]) -> datetime:
        at = min(self._instants(), default=NEVER)
        for begins, ends in asleep:
            if begins <= at < ends:
                at = ends
        return at

    def _instants(self) -> Iterator[datetime]:
        yield from (one.instants[0] for one in self.standing.values() if one.instants)
        yield from (row["at"] for row, _ in self._announced)
        yield from (at for at, _ in self._waiting)

    def _new_id(self, _now: datetime) -> str:
        return f"{self.moment.row['id']}/{next(self._numbers)}"


def expected(moments: Sequence[Moment], until: datetime, asleep: Sequence[Span] = ()) -> Course:
    """Return what the engine must have made of a project's moments, in order, by an instant (included). Pure.

    The first moment finds nothing open. `asleep` are spans in which nothing runs; at the end of each all does.
    """
    first = moments[0]
    course = Course(first._replace(announced=()), until)
    course.advance(first)
    for moment in moments[1:]:
        course.run(moment.at, asleep)
        course.advance(moment)
    course.run(None, asleep)
    return course


def _planned(row: Row) -> Row:
    return {"id": row["id"], "kind": row["kind"], "number": row["number"], **checkpoints.due_of(row)}


def _key_of(row: Row) -> Key:
    return (row["cause"], row["version"], row["occasion"], row["recipient"], row["channel"])


def _series_of(row: Row) -> tuple[Any, ...]:
    return (row["cause"], row["version"], row["recipient"], row["channel"])
