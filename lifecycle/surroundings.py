"""What rules ask of other tables about a project: room left, task list, shortlists, ranks taken, panels, package."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from lifecycle import sets
from lifecycle.database import Transaction
from lifecycle.documents.references import stored_documents, within_reach
from lifecycle.rulebooks import definition_for
from lifecycle.snapshots import plain
from lifecycle.statements import Row, Statement
from lifecycle.tables import (
    Capacity,
    Docket,
    DocketItem,
    Objection,
    PanelProject,
    PanelResult,
    Project,
    Shortlisted,
    Task,
)
from states.capacities import ceiling_of
from states.definition import LifecycleDefinition
from states.facts import Facts, Package, Room
from states.panels import Panelled
from states.policy import Policy
from states.rules import Case

Place = tuple[str, str]  # pool, key

capacity = Capacity.__table__  # type: ignore[attr-defined]
_task = Task.__table__  # type: ignore[attr-defined]
_shortlisted = Shortlisted.__table__  # type: ignore[attr-defined]
_objection = Objection.__table__  # type: ignore[attr-defined]
_project = Project.__table__  # type: ignore[attr-defined]
_docket = Docket.__table__  # type: ignore[attr-defined]
_item = DocketItem.__table__  # type: ignore[attr-defined]
_given = PanelProject.__table__  # type: ignore[attr-defined]
_result = PanelResult.__table__  # type: ignore[attr-defined]


def rank_of(dialect: str) -> Any:
    """Return the column expression for the rank on a project's record, as an integer."""
    if dialect == "postgresql":
        return sa.literal_column("(project.record ->> 'rank')::integer", sa.Integer).label("rank")
    return sa.literal_column("json_extract(project.record, '$.rank')", sa.Integer).label("rank")


_AT = sa.and_(
    capacity.c.scope == sa.bindparam("scope"),
    capacity.c.pool == sa.bindparam("pool"),
    capacity.c.key == sa.bindparam("key"),
)
_NAMED = [capacity.c.pool, capacity.c.key, capacity.c.ceiling, capacity.c.used]
READ_ROOM = Statement(sa.select(*_NAMED).where(_AT))
MAKE_ROOM = Statement(
    sa.text("INSERT INTO capacity (scope, pool, key, used) VALUES (:scope, :pool, :key, 0) ON CONFLICT DO NOTHING")
)
LOCK_ROOM = Statement(sa.select(*_NAMED).where(_AT).with_for_update())
MOVE = Statement(
    sa.update(capacity)
    .where(
        capacity.c.scope == sa.bindparam("of_scope"),
        capacity.c.pool == sa.bindparam("of_pool"),
        capacity.c.key == sa.bindparam("of_key"),
    )
    .values(used=capacity.c.used + sa.bindparam("by", type_=sa.BigInteger))
)
READ_TASK = Statement(
    sa.select(_task.c.code).where(_task.c.batch_id == sa.bindparam("batch"), _task.c.code == sa.bindparam("wanted"))
)
READ_SHORTLIST = Statement(
    sa.select(_shortlisted.c.credit_code).where(
        _shortlisted.c.programme == sa.bindparam("of"), _shortlisted.c.credit_code == sa.bindparam("wanted")
    )
)
READ_RANKS = sets.for_both(
    lambda dialect: sa.select(_project.c.id, _project.c.state, _project.c.definition_hash, rank_of(dialect)).where(
        _project.c.batch_id == sa.bindparam("batch"),
        _project.c.city == sa.bindparam("of_city"),
        rank_of(dialect).is_not(None),
    )
)
# A place that holds nothing: locked, it lets those who give out reserves' ranks come one by one.
RESERVE = "reserve_list"


def _reserve_rank(dialect: str) -> Any:
    text = "(project.record ->> 'reserve_rank')::integer" if dialect == "postgresql" else None
    return sa.literal_column(text or "json_extract(project.record, '$.reserve_rank')", sa.Integer).label("rank")


READ_RESERVES = sets.for_both(
    lambda dialect: sa.select(_project.c.id, _reserve_rank(dialect)).where(
        _project.c.batch_id == sa.bindparam("batch"), _reserve_rank(dialect).is_not(None)
    )
)
COUNT_OBJECTIONS = Statement(
    sa.select(sa.func.count().label("number"))
    .select_from(_objection)
    .where(_objection.c.project_id == sa.bindparam("of"), _objection.c.status == "open")
)
# A result stands as long as its project is in the round that it ended.
READ_PANELS = sets.for_both(
    lambda dialect: (
        sa.select(_given.c.project_id, _given.c.purpose, _result.c.score, _result.c.sent_back)
        .join(
            _result,
            sa.and_(
                _result.c.panel_id == _given.c.panel_id,
                _result.c.project_id == _given.c.project_id,
                _result.c.round == _given.c.round,
            ),
            isouter=True,
        )
        .where(sets.within(_given.c.project_id, "wanted", dialect, "uuid"))
    )
)
READ_PACKAGES = sets.for_both(
    lambda dialect: (
        sa.select(_item.c.project_id, _item.c.outcome, *(_docket.c[name] for name in ("kind", "number", "receipt")))
        .join(_docket, _docket.c.id == _item.c.docket_id)
        .where(
            sets.within(_item.c.project_id, "wanted", dialect, "uuid"),
            _docket.c.released_at.is_not(None),
        )
        .order_by(_docket.c.released_at, _docket.c.id)
    )
)


@dataclass(frozen=True, slots=True)
class Scopes:
    """The batch and programme whose capacities a project draws on."""

    batch: str
    programme: str

    def of(self, definition: LifecycleDefinition, pool: str) -> str:
        """Return the scope in which a pool is counted."""
        return self.batch if definition.capacities[pool].scope == "batch" else self.programme


def places_of(case: Case) -> list[Place]:
    """Return the capacities that the act touches or asks about, in the order in which they are locked."""
    return sorted({*case.held, *case.wanted})


def surround(tx: Transaction, case: Case, needs: frozenset[str], scopes: Scopes, lock: bool) -> Case:
    """Return the case with what its rules need read in; capacities are locked where `lock`."""
    if not needs:
        return case
    facts = case.facts
    if "room" in needs:
        facts = replace(facts, room=_room(tx, case, scopes, lock))
    if "task" in needs:
        found = tx.fetch(READ_TASK, batch=scopes.batch, wanted=facts.application.task_code)
        facts = replace(facts, task_listed=bool(found))
    if "shortlist" in needs:
        units = [unit.credit_code for unit in facts.application.members]
        rows = [row for unit in units for row in tx.fetch(READ_SHORTLIST, of=scopes.programme, wanted=unit)]
        facts = replace(facts, shortlisted_before=frozenset(row["credit_code"] for row in rows))
    if "ranks" in needs:
        facts = replace(facts, ranks_taken=_ranks(tx, facts))
    if "documents" in needs:
        named = [reference["id"] for reference in case.act.documents.values()]
        facts = replace(facts, stored=within_reach(facts, stored_documents(tx, scopes.batch, named)))
    if "reserves" in needs:
        taken = reserves_of(tx, facts.batch, lock)
        facts = replace(facts, reserves_taken=frozenset(taken) - _own(taken, facts.project))
    if "objections" in needs:
        (counted,) = tx.fetch(COUNT_OBJECTIONS, of=facts.project)
        facts = replace(facts, objections_open=counted["number"])
    if "panels" in needs:
        facts = replace(facts, panels=panels_of(tx, [facts.project]).get(facts.project, {}))
    if "package" in needs:
        facts = replace(facts, package=packages_of(tx, case.definition, [facts.project]).get(facts.project))
    return replace(case, facts=facts)


def _room(tx: Transaction, case: Case, scopes: Scopes, lock: bool) -> dict[Place, Room]:
    places = places_of(case)
    return rooms(tx, case.definition, case.policy, scopes, places, lock=lock)


def rooms(
    tx: Transaction,
    definition: LifecycleDefinition,
    policy: Policy,
    scopes: Scopes,
    places: Sequence[Place],
    *,
    lock: bool,
) -> dict[Place, Room]:
    """Return the capacities at these places; where `lock`, each is made if need be and locked, in the order given."""
    named = [{"scope": scopes.of(definition, pool), "pool": pool, "key": key} for pool, key in places]
    if lock:
        for values in named:
            tx.queue(MAKE_ROOM, **values)
    room = {}
    for place, values in zip(places, named, strict=True):
        stored: Row = tx.one(LOCK_ROOM if lock else READ_ROOM, **values) or {"ceiling": None, "used": 0}
        room[place] = Room(stored["used"], ceiling_of(definition, policy, place[0], stored["ceiling"]))
    return room


def _ranks(tx: Transaction, facts: Facts) -> frozenset[int]:
    held = ranks_held(tx, facts.batch, facts.application.city)
    return frozenset(rank for rank, project in held.items() if project != facts.project)


def ranks_held(tx: Transaction, batch: str, city: str) -> dict[int, str]:
    """Return the ranks that projects hold in a city's list, with the project of each."""
    return {
        row["rank"]: row["id"]
        for row in tx.fetch(READ_RANKS, batch=batch, of_city=city)
        if keeps_rank(definition_for(tx, row["definition_hash"]), row["state"])
    }


def reserves_of(tx: Transaction, batch: str, lock: bool) -> dict[int, str]:
    """Return the ranks on a batch's reserve list with their projects; where `lock`, others wait until the end."""
    if lock:
        place = {"scope": batch, "pool": RESERVE, "key": "whole"}
        tx.queue(MAKE_ROOM, **place)
        tx.one(LOCK_ROOM, **place)
    return {row["rank"]: row["id"] for row in tx.fetch(READ_RESERVES, batch=batch)}


def _own(taken: Mapping[int, str], project: str) -> frozenset[int]:
    return frozenset(rank for rank, holder in taken.items() if holder == project)


def panels_of(tx: Transaction, projects: Sequence[str]) -> dict[str, dict[str, Panelled]]:
    """Return what the panels that projects were given to say of them, by project and purpose. One read.

    Whoever reopens a panel locks its projects, so read under a project's lock this is not taken away meanwhile.
    """
    found: dict[str, dict[str, Panelled]] = {}
    for row in sets.select_many(tx, READ_PANELS, "wanted", projects):
        panelled = Panelled(row["score"] is not None, row["score"], row["sent_back"] or 0)
        found.setdefault(row["project_id"], {})[row["purpose"]] = panelled
    return found


def packages_of(tx: Transaction, definition: LifecycleDefinition, projects: Sequence[str]) -> dict[str, Package]:
    """Return the dockets by which projects came to a party that receives them: the last, unless it was given back."""
    found: dict[str, Package] = {}
    for row in sets.select_many(tx, READ_PACKAGES, "wanted", projects):
        spec, outcome = definition.dockets.get(row["kind"]), row["outcome"] or {}
        if spec is None or not spec.received_by or "state" not in outcome:
            continue
        receipt = row["receipt"] or {}
        package = Package(row["number"], receipt.get("received_on"), receipt.get("paper_copies"))
        if "returned" in outcome:
            found.pop(row["project_id"], None)
        else:
            found[row["project_id"]] = package
    return found


def keeps_rank(definition: LifecycleDefinition, state: str) -> bool:
    """Return whether a project in this state still stands in its city's ranked list: it holds what is imported."""
    return any(definition.capacities[name].ceiling == "imported" for name in definition.states[state].holds)


def move(tx: Transaction, definition: LifecycleDefinition, scopes: Scopes, changes: Mapping[Place, int]) -> None:
    """Queue the changes of the counters, in the order in which they were locked."""
    for (pool, key), amount in sorted(changes.items()):
        tx.queue(MOVE, of_scope=scopes.of(definition, pool), of_pool=pool, of_key=key, by=amount)


def recount(tx: Transaction, changes: Mapping[tuple[Place, str], int]) -> None:
    """Lock counters, each by its place and scope, make those that are not there, and queue their changes."""
    named = [{"scope": scope, "pool": pool, "key": key} for (pool, key), scope in sorted(changes)]
    for values in named:
        tx.queue(MAKE_ROOM, **values)
    for values in named:
        tx.one(LOCK_ROOM, **values)
    for ((pool, key), scope), amount in sorted(changes.items()):
        tx.queue(MOVE, of_scope=scope, of_pool=pool, of_key=key, by=amount)


def told(changes: Mapping[Place, int]) -> list[tuple[str, Any, Any]]:
    """Return the movements as changes for the log: how much the project took (positive) or gave back."""
    return [(f"/capacities/{pool}/{key}", None, plain(amount)) for (pool, key), amount in sorted(changes.items())]
