"""What the rules of many projects ask of other tables, read in one go; room is handed out row by row."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import sqlalchemy as sa

from lifecycle import sets, surroundings
from lifecycle.database import Transaction
from lifecycle.documents.references import stored_documents, within_reach
from lifecycle.rulebooks import definition_for
from lifecycle.sets import for_both
from lifecycle.statements import Row
from lifecycle.surroundings import Place, keeps_rank, places_of, rank_of
from lifecycle.tables import Project, Shortlisted, Task
from lifecycle.transition import Loaded
from states.capacities import ceiling_of, moved
from states.facts import Package, Room
from states.findings import Finding
from states.panels import Panelled
from states.rules import Case

_room = surroundings.capacity
_project = Project.__table__  # type: ignore[attr-defined]
_task = Task.__table__  # type: ignore[attr-defined]
_short = Shortlisted.__table__  # type: ignore[attr-defined]


def _rooms(dialect: str, lock: bool) -> Any:
    found = (
        sa.select(_room.c.pool, _room.c.key, _room.c.ceiling, _room.c.used)
        .where(_room.c.scope == sa.bindparam("of"), sets.within(_room.c.key, "wanted", dialect))
        .order_by(_room.c.pool, _room.c.key)
    )
    return found.with_for_update() if lock else found


READ_ROOMS = for_both(lambda dialect: _rooms(dialect, lock=False))
LOCK_ROOMS = for_both(lambda dialect: _rooms(dialect, lock=True))
TASKS = for_both(
    lambda dialect: sa.select(_task.c.code).where(
        _task.c.batch_id == sa.bindparam("batch"), sets.within(_task.c.code, "wanted", dialect)
    )
)
SHORTLISTED = for_both(
    lambda dialect: sa.select(_short.c.credit_code).where(
        _short.c.programme == sa.bindparam("of"), sets.within(_short.c.credit_code, "wanted", dialect)
    )
)
RANKS = for_both(
    lambda dialect: sa.select(
        _project.c.id, _project.c.city, _project.c.state, _project.c.definition_hash, rank_of(dialect)
    ).where(
        _project.c.batch_id == sa.bindparam("batch"),
        sets.within(_project.c.city, "wanted", dialect),
        rank_of(dialect).is_not(None),
    )
)


class Asked(NamedTuple):
    """One row of a bulk act: the project, the case so far, what is wrong with the request, what else to read."""

    loaded: Loaded
    case: Case
    found: list[Finding]
    needs: frozenset[str]


@dataclass(slots=True)
class Allocation:
    """The surroundings of a set of projects, and how much of each capacity the rows so far have taken."""

    rooms: dict[Place, Room] = field(default_factory=dict)  # as the first row's version limits them
    imported: dict[Place, int | None] = field(default_factory=dict)  # ceilings that lie in the database
    taken: dict[Place, int] = field(default_factory=dict)
    tasks: frozenset[str] | None = None
    shortlisted: frozenset[str] = frozenset()
    stored: list[Row] | None = None  # the documents that the rows refer to
    ranks: dict[str, dict[int, str]] = field(default_factory=dict)  # city -> rank -> project
    reserves: dict[int, str] = field(default_factory=dict)  # rank on the reserve list -> project
    panels: dict[str, dict[str, Panelled]] = field(default_factory=dict)  # project -> purpose -> what the panel says
    packages: dict[str, Package] = field(default_factory=dict)  # project -> the docket that brought it

    @classmethod
    def read(cls, tx: Transaction, asked: Sequence[Asked], lock: bool) -> "Allocation":
        """Read what the rows need; capacities are locked in their order where `lock`."""
        new = cls()
        needs = frozenset().union(*(one.needs for one in asked))
        if "room" in needs:
            new._read_rooms(tx, asked, lock)
        first = asked[0].loaded
        applications = [one.loaded.facts.application for one in asked]
        if "task" in needs:
            wanted = {application.task_code for application in applications}
            rows = sets.select_many(tx, TASKS, "wanted", wanted, batch=first.scopes.batch)
            new.tasks = frozenset(row["code"] for row in rows)
        if "shortlist" in needs:
            units = {unit.credit_code for application in applications for unit in application.members}
            rows = sets.select_many(tx, SHORTLISTED, "wanted", units, of=first.scopes.programme)
            new.shortlisted = frozenset(row["credit_code"] for row in rows)
        if "reserves" in needs:
            new.reserves = surroundings.reserves_of(tx, first.scopes.batch, lock)
        if "panels" in needs:
            new.panels = surroundings.panels_of(tx, [one.loaded.row["id"] for one in asked])
        if "package" in needs:
            projects = [one.loaded.row["id"] for one in asked]
            new.packages = surroundings.packages_of(tx, asked[0].case.definition, projects)
        if "ranks" in needs:
            cities = {application.city for application in applications}
            rows = sets.select_many(tx, RANKS, "wanted", cities, batch=first.scopes.batch)
            for row in rows:
                if keeps_rank(definition_for(tx, row["definition_hash"]), row["state"]):
                    new.ranks.setdefault(row["city"], {})[row["rank"]] = row["id"]
        if "documents" in needs:
            named = {reference["id"] for one in asked for reference in one.case.act.documents.values()}
            new.stored = stored_documents(tx, first.scopes.batch, named)
        return new

    def surround(self, case: Case) -> Case:
        """Return the case with its surroundings as they stand after the rows before it."""
        facts = case.facts
        if self.rooms:
            facts = replace(facts, room={place: self._room(case, place) for place in places_of(case)})
        if self.tasks is not None:
            facts = replace(facts, task_listed=facts.application.task_code in self.tasks)
        if self.shortlisted:
            facts = replace(facts, shortlisted_before=self.shortlisted)
        if self.reserves:
            others = frozenset(rank for rank, holder in self.reserves.items() if holder != facts.project)
            facts = replace(facts, reserves_taken=others)
        if self.panels:
            facts = replace(facts, panels=self.panels.get(facts.project, {}))
        if self.packages:
            facts = replace(facts, package=self.packages.get(facts.project))
        if self.ranks:
            taken = self.ranks.get(facts.application.city, {})
            others = frozenset(rank for rank, holder in taken.items() if holder != facts.project)
            facts = replace(facts, ranks_taken=others)
        if self.stored is not None:
            facts = replace(facts, stored=within_reach(facts, self.stored))
        return case if facts is case.facts else replace(case, facts=facts)

    def take(self, case: Case) -> None:
        """Book what an allowed row takes and gives back."""
        for place, amount in moved(case.held, case.wanted).items():
            self.taken[place] = self.taken.get(place, 0) + amount
        rank = case.act.fields.get("rank")
        if rank is not None:
            self.ranks.setdefault(case.facts.application.city, {})[rank] = case.facts.project
        reserve = case.act.fields.get("reserve_rank")
        if reserve is not None:
            self.reserves[reserve] = case.facts.project

    def _room(self, case: Case, place: Place) -> Room:
        ceiling = ceiling_of(case.definition, case.policy, place[0], self.imported.get(place))
        return Room(self.rooms[place].used + self.taken.get(place, 0), ceiling)

    def _read_rooms(self, tx: Transaction, asked: Sequence[Asked], lock: bool) -> None:
        first = asked[0]
        definition, scopes = first.case.definition, first.loaded.scopes
        wanted = {place for one in asked for place in places_of(one.case)}
        by_scope: dict[str, list[Place]] = {}
        for place in sorted(wanted):
            by_scope.setdefault(scopes.of(definition, place[0]), []).append(place)
        stored: dict[Place, Any] = {}
        for scope, places in sorted(by_scope.items()):
            if lock:
                rows = [{"scope": scope, "pool": pool, "key": key, "used": 0} for pool, key in places]
                sets.ensure_many(tx, _room, rows)
            keys = {key for _, key in places}
            for row in sets.select_many(tx, LOCK_ROOMS if lock else READ_ROOMS, "wanted", keys, of=scope):
                stored[row["pool"], row["key"]] = row
        for place in wanted:
            row = stored.get(place, {"ceiling": None, "used": 0})
            self.imported[place] = row["ceiling"]
            ceiling = ceiling_of(definition, first.case.policy, place[0], row["ceiling"])
            self.rooms[place] = Room(row["used"], ceiling)
