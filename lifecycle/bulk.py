"""Many projects at once, each with its act: a preview with a digest, and the commit that must meet the same digest.

Both run the door's own `decide` and `effects` row by row; reading, locking and writing are set-based. Room in quotas
and budget is handed out in the order asked, so a preview shows which rows still fit.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from lifecycle import announcements, audit, checkpoints, sets, surroundings
from lifecycle.allocation import Allocation, Asked
from lifecycle.answers import request_hash
from lifecycle.audit import Change, Log, person_of
from lifecycle.batches import tell
from lifecycle.callers import Caller
from lifecycle.collector import collector_paused
from lifecycle.database import Transaction
from lifecycle.errors import NotFound, PreviewStale, RulesUnmet, Unreadable
from lifecycle.projects import append_many
from lifecycle.requests import Request, act_of, is_identifier
from lifecycle.rulebooks import rules_of_row
from lifecycle.sets import for_both
from lifecycle.signing import Receipt
from lifecycle.snapshots import facts_of
from lifecycle.surroundings import Place
from lifecycle.tables import Project
from lifecycle.transition import SELECT_PROJECT, Effects, Loaded, effects, within_reach
from states import structure
from states.facts import Room
from states.fields import cleaning_once
from states.findings import Finding, Text
from states.machine import Decision, decide, prepare

project = Project.__table__  # type: ignore[attr-defined]
_room = surroundings.capacity
_check = checkpoints.table

SHOWN = 50  # blocked rows whose findings one refusal tells
READ = for_both(lambda d: SELECT_PROJECT.where(sets.within(project.c.id, "wanted", d, "uuid")).order_by(project.c.id))
LOCK = for_both(
    lambda d: (
        SELECT_PROJECT.where(sets.within(project.c.id, "wanted", d, "uuid"))
        .order_by(project.c.id)
        .with_for_update(of=project)
    )
)


@dataclass(frozen=True, slots=True)
class Item:
    """One project of a bulk act, with what is its own beside or in place of what is common."""

    project: str
    expected_version: int | None = None
    fields: Mapping[str, Any] | None = None
    documents: Mapping[str, Mapping[str, Any]] | None = None
    event: str | None = None
    reason: str | None = None

    @property
    def own(self) -> list[Any] | None:
        """Return what is its own, or None where there is nothing."""
        own = [self.fields, self.documents, self.event, self.reason]
        return own if any(own) else None


class Judged(NamedTuple):
    """A project with what the door says of it."""

    loaded: Loaded
    decision: Decision


@dataclass(frozen=True, slots=True)
class Preview:
    """What a bulk act would do: every row, sums by city, movements of capacities, and the digest to commit by."""

    event: str
    batch: str
    rows: tuple[Judged, ...]
    rooms: Mapping[Place, tuple[Room, int]]  # place -> (room before, change)
    digest: str

    @property
    def allowed(self) -> tuple[Judged, ...]:
        """Return the rows that would go through."""
        return tuple(row for row in self.rows if row.decision.allowed)

    def to_dict(self) -> dict[str, Any]:
        """Return the preview as JSON values."""
        by_city: dict[str, Counter[str]] = {}
        for row in self.rows:
            city = by_city.setdefault(row.loaded.row["city"], Counter(allowed=0, blocked=0))
            city["allowed" if row.decision.allowed else "blocked"] += 1
        return {
            "event": self.event,
            "batch": self.batch,
            "digest": self.digest,
            "counts": {"allowed": len(self.allowed), "blocked": len(self.rows) - len(self.allowed)},
            "by_city": {city: dict(counts) for city, counts in sorted(by_city.items())},
            "capacities": [
                {
                    "pool": place[0],
                    "key": place[1],
                    "ceiling": room.ceiling,
                    "used": room.used,
                    "change": change,
                    "left": None if room.ceiling is None else room.ceiling - room.used - change,
                }
                for place, (room, change) in sorted(self.rooms.items())
            ],
            "rows": [_row(judged) for judged in self.rows],
        }


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """What a committed bulk act did."""

    event: str
    batch: str
    moved: tuple[tuple[str, str, int], ...]  # project id, new state, new version
    left: int
    receipts: tuple[Receipt, ...]  # one for each project moved, then the batch's

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as JSON values."""
        return {
            "event": self.event,
            "batch": self.batch,
            "moved": [{"project": name, "state": state, "version": version} for name, state, version in self.moved],
            "left": self.left,
            "receipts": [receipt.to_dict() for receipt in self.receipts],
        }


@collector_paused()
def preview_transitions(
    tx: Transaction, caller: Caller, request: Request, items: Sequence[Item], limit: int
) -> Preview:
    """Return what the act would do to each project; writes and locks nothing.

    Raises:
        Unreadable: no items, too many, one named twice, or projects of more than one batch.
        NotFound: a project is not within the caller's reach.
    """
    return _preview(tx, caller, request, items, limit, lock=False)


@collector_paused()
def transition_projects(
    tx: Transaction, log: Log, caller: Caller, request: Request, items: Sequence[Item], digest: str, limit: int
) -> BulkOutcome:
    """Commit a previewed act: the rows it allowed are moved in one transaction, the blocked ones are left.

    Raises:
        PreviewStale: anything the preview showed has changed since; look at a new preview.
        RulesUnmet: no row is allowed.
        Unreadable, NotFound: as the preview.
    """
    preview = lock_and_preview(tx, caller, request, items, limit)
    check_digest(preview.digest, digest)
    if not preview.allowed:
        raise RulesUnmet(Text("所选项目均不可办理", "none of the chosen projects is allowed"), refusals_of(preview))
    done = carry_out(tx, log, caller, preview)
    change = [
        Change("/bulk/event", None, preview.event),
        Change("/bulk/digest", None, digest),
        Change("/bulk/moved", None, len(done)),
        Change("/bulk/left", None, len(preview.rows) - len(done)),
    ]
    receipt = tell(tx, log, caller, preview.batch, "batch.bulk_transitioned", change, request.reason)
    return BulkOutcome(
        preview.event,
        preview.batch,
        tuple((item.outcome.project, item.outcome.target, item.outcome.version) for item in done),
        len(preview.rows) - len(done),
        (*(item.built.receipt for item in done), receipt),
    )


def lock_and_preview(tx: Transaction, caller: Caller, request: Request, items: Sequence[Item], limit: int) -> Preview:
    """Return the preview with its projects and capacities locked: what is carried out is what it shows.

    Raises:
        Unreadable, NotFound: as `preview_transitions`.
    """
    return _preview(tx, caller, request, items, limit, lock=True)


def check_digest(present: str, given: str) -> None:
    """Refuse to carry out anything else than what was previewed.

    Raises:
        PreviewStale: the digests differ.
    """
    if present != given:
        raise PreviewStale(
            Text(
                "预览之后情况有变，未办理任何项目；请重新预览后再提交",
                "something changed after the preview; nothing was done: preview again and commit that",
            ),
            given=given[:64],
            present=present,
        )


def refusals_of(preview: Preview) -> list[Finding]:
    """Return what refuses the first of the blocked rows."""
    blocked = [row for row in preview.rows if not row.decision.allowed]
    return [finding for row in blocked[:SHOWN] for finding in row.decision.refusals]


def carry_out(
    tx: Transaction, log: Log, caller: Caller, preview: Preview, about: Sequence[Change] = ()
) -> list[Effects]:
    """Move the rows that a locked preview allows, and return what was done to each.

    `about` is told in each project's entry beside the act: what the act was part of.
    """
    keys = audit.keys_of(tx, person_of(caller))
    done = [effects(log, caller, row.loaded, row.decision, keys, about) for row in preview.allowed]
    _write(tx, preview, done)
    return done


def _write(tx: Transaction, preview: Preview, done: Sequence[Effects]) -> None:
    definition, scopes = preview.rows[0].loaded.rules.definition, preview.rows[0].loaded.scopes
    loaded = [row.loaded.row for row in preview.allowed]
    changed = [
        name
        for name in done[0].columns
        if any(item.columns[name] != row[name] for item, row in zip(done, loaded, strict=True))
    ]
    rows = [{"id": item.outcome.project, **{name: item.columns[name] for name in changed}} for item in done]
    sets.update_many(tx, project, ["id"], rows)
    ended = [
        {"id": row["id"], "status": row["status"], "reason": row["reason"], "ended_at": row["ended_at"]}
        for item in done
        for row in item.replan.ended
    ]
    sets.update_many(tx, _check, ["id"], ended)
    sets.insert_many(tx, _check, [row for item in done for row in item.replan.opened])
    changes = [
        {"scope": scopes.of(definition, place[0]), "pool": place[0], "key": place[1], "used": change}
        for place, (_, change) in sorted(preview.rooms.items())
        if change
    ]
    sets.add_many(tx, _room, ["scope", "pool", "key"], "used", changes)
    append_many(tx, [item.built for item in done])
    sets.insert_many(tx, announcements.table, [item.announced for item in done if item.announced])


def _preview(
    tx: Transaction, caller: Caller, request: Request, items: Sequence[Item], limit: int, *, lock: bool
) -> Preview:
    _check_items(items, limit)
    loaded = _load(tx, caller, items, lock)
    asked: list[Asked] = []
    clean, common = cleaning_once(request.fields), lru_cache(lambda zone: act_of(request, caller, zone))
    for item in items:
        one = loaded[item.project]
        own = _own(request, item)
        rules, zone = one.rules, one.rules.policy.policy.zone
        act = common(zone) if own is request else act_of(own, caller, zone)
        case, found, needs = prepare(rules.definition, rules.policy, rules.calendar, one.facts, act, clean)
        found.append(structure.several_at_once(case))
        if item.expected_version is not None:
            found.append(structure.version_expected(one.row["version"], item.expected_version))
        asked.append(Asked(one, case, found, needs))
    allocation = Allocation.read(tx, asked, lock)
    judged = []
    for one, case, found, _ in asked:
        decision = decide(allocation.surround(case), one.facts, found)
        if decision.allowed and not decision.awaiting:
            allocation.take(decision.case)
        judged.append(Judged(one, decision))
    digest = _digest(caller, request, items, judged, allocation)
    rooms = {place: (room, allocation.taken.get(place, 0)) for place, room in allocation.rooms.items()}
    return Preview(request.event, judged[0].loaded.row["batch_id"], tuple(judged), rooms, digest)


def _own(request: Request, item: Item) -> Request:
    if item.own is None:
        return request
    return replace(
        request,
        event=item.event or request.event,
        reason=item.reason or request.reason,
        fields={**request.fields, **(item.fields or {})},
        documents={**request.documents, **(item.documents or {})},
    )


def _check_items(items: Sequence[Item], limit: int) -> None:
    problem = None
    if not items:
        problem = Text("请至少选择一个项目", "choose at least one project")
    elif len(items) > limit:
        problem = Text(f"一次至多办理{limit}个项目", f"at most {limit} projects at once")
    elif len({item.project for item in items}) != len(items):
        problem = Text("同一项目被选择了两次", "a project is named twice")
    if problem:
        raise Unreadable(problem)


def _load(tx: Transaction, caller: Caller, items: Sequence[Item], lock: bool) -> dict[str, Loaded]:
    wanted = [item.project for item in items if is_identifier(item.project)]
    rows = sets.select_many(tx, LOCK if lock else READ, "wanted", wanted)
    reached = [row for row in rows if within_reach(caller, row)]
    if len(reached) != len(items):
        missing = sorted({item.project[:64] for item in items} - {row["id"] for row in reached})
        raise NotFound(
            Text(
                f"有{len(missing)}个项目不存在或不在您的管辖范围",
                f"{len(missing)} projects do not exist or lie outside your reach",
            ),
            projects=missing[:20],
        )
    if len({row["batch_id"] for row in reached}) != 1:
        raise Unreadable(Text("一次只能办理同一批次的项目", "projects of one batch only"))
    return {
        row["id"]: Loaded(
            row,
            rules_of_row(tx, row),
            facts_of(row),
        )
        for row in reached
    }


def _digest(
    caller: Caller, request: Request, items: Sequence[Item], judged: Sequence[Judged], allocation: Allocation
) -> str:
    """Return the SHA-256 over everything the preview showed: the act, each row's version and fate, the rooms."""
    shown = [
        caller.actor.id,
        caller.actor.role,
        request.event,
        request.reason,
        sorted(request.override),
        request_hash({"fields": request.fields, "documents": request.documents}),
        [request_hash({"own": item.own}) if item.own else None for item in items],
        [
            [
                row.loaded.row["id"],
                row.loaded.row["version"],
                row.loaded.row["policy_hash"],
                row.decision.case.act.on.isoformat(),
                row.decision.after.state if row.decision.after else None,
                row.decision.overridden,
            ]
            for row in judged
        ],
        [[*place, room.used, room.ceiling] for place, room in sorted(allocation.rooms.items())],
    ]
    return hashlib.sha256(orjson.dumps(shown)).hexdigest()


def _row(judged: Judged) -> dict[str, Any]:
    row, decision = judged.loaded.row, judged.decision
    return {
        "project": row["id"],
        "code": row["code"],
        "title": row["title"],
        "city": row["city"],
        "version": row["version"],
        "event": decision.case.act.event,
        "from": row["state"],
        "to": decision.after.state if decision.after else None,
        "allowed": decision.allowed,
        "overridden": list(decision.overridden),
        "refusals": [finding.to_dict() for finding in decision.refusals],
    }
