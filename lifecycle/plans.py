"""A batch's reminder plan: shown, previewed, set. It holds for all running projects at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from lifecycle.audit import Change, Log
from lifecycle.batches import LOCK_BATCH, may_manage, rules_of, tell
from lifecycle.batches import table as _batch
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import NotFound, Unreadable
from lifecycle.replanning import LOCK_PLANS, READ_PLANS, chunks
from lifecycle.requests import note_of
from lifecycle.rulebooks import READ, pin, policy_for
from lifecycle.signing import Receipt
from lifecycle.statements import Row, Statement
from lifecycle.sweeps import look_again
from lifecycle.tables import Project
from states.checker import Fault, check_plan
from states.checker.fault import fault
from states.deadlines import Calendar
from states.definition import BadDefinition
from states.findings import Text
from states.library import bundled_plans, plan_of
from states.policy import Policy
from states.reminders import ReminderPlan, read_plan
from states.series import next_occasion

LENGTH = 200_000  # characters
_project = Project.__table__  # type: ignore[attr-defined]
POLICIES = Statement(sa.select(_project.c.policy_hash).where(_project.c.batch_id == sa.bindparam("of")).distinct())
SET_PLAN = Statement(
    sa.update(_batch).where(_batch.c.id == sa.bindparam("of")).values(reminders_hash=sa.bindparam("plan"))
)


@dataclass(slots=True)
class Effect:
    """How many open checkpoints there are, for how many the next reminder changes, and how."""

    checkpoints: int = 0
    changed: int = 0  # comes at another instant, comes at all, or comes no more
    begun: int = 0  # comes where none was to come
    ended: int = 0  # comes no more
    by_kind: dict[str, int] = field(default_factory=dict)  # kind -> changed

    def add(self, kind: str, old: datetime | None, new: datetime | None) -> None:
        """Count a checkpoint by when it next reminds under the old plan and the new one."""
        self.checkpoints += 1
        if old == new:
            return
        self.changed += 1
        self.begun += old is None
        self.ended += new is None
        self.by_kind[kind] = self.by_kind.get(kind, 0) + 1

    def to_dict(self) -> dict[str, Any]:
        """Return the effect as JSON values."""
        counts = {name: getattr(self, name) for name in ("checkpoints", "changed", "begun", "ended")}
        return {**counts, "by_kind": dict(sorted(self.by_kind.items()))}


@dataclass(frozen=True, slots=True)
class PlanPreview:
    """What setting a plan would do: what is wrong with it, and its effect where it can be read."""

    batch: str
    name: str | None
    hash: str | None
    present: str
    faults: tuple[Fault, ...]
    effect: Effect | None

    @property
    def ready(self) -> bool:
        """True where the plan can be set."""
        return not self.faults

    def to_dict(self) -> dict[str, Any]:
        """Return the preview as JSON values."""
        return {
            "batch": self.batch,
            "name": self.name,
            "hash": self.hash,
            "present": self.present,
            "ready": self.ready,
            "faults": [_told(found) for found in self.faults],
            "effect": self.effect.to_dict() if self.effect else None,
        }


def show_plan(tx: Transaction, batch: Row) -> dict[str, Any]:
    """Return the batch's plan as JSON values: name, hash, whether it is the one that ships, and its text."""
    plan, given = rules_of(tx, batch).reminders, batch["reminders_hash"]
    row = tx.one(READ, hash=given) if given else None
    text = row["body"] if row else bundled_plans()[plan.name][1]
    return {"batch": batch["id"], "name": plan.name, "hash": plan.hash, "bundled": not given, "text": text}


def preview_plan(tx: Transaction, caller: Caller, batch: Row, text: str | None) -> PlanPreview:
    """Return what setting this plan (None: the one that ships) would do; writes and locks nothing.

    Raises:
        Forbidden: the caller may not manage batches.
    """
    may_manage(caller)
    rules = rules_of(tx, batch)
    plan, faults = _read(tx, batch, text)
    if plan is None:
        return PlanPreview(batch["id"], None, None, rules.reminders.name, tuple(faults), None)
    effect = _effect(tx, batch["id"], rules.reminders, plan, rules.calendar, caller.now)
    return PlanPreview(batch["id"], plan.name, plan.hash, rules.reminders.name, tuple(faults), effect)


def set_plan(tx: Transaction, log: Log, caller: Caller, batch: Row, text: str | None, reason: str) -> Receipt:
    """Let all reminders of the batch follow this plan (None: the one that ships) from the next sweep on.

    Effects, in order: every open checkpoint is looked at anew; the plan pinned; the batch's entry. The projects with
    open checkpoints are locked first, for an act ends several of them and would wait here for one and hold another.

    Raises:
        Forbidden: the caller may not manage batches.
        Unreadable: no reason, nothing changes, or the plan has faults: the details name each with its place.
        NotFound: the batch is not there any more.
    """
    may_manage(caller)
    why = note_of(reason)
    if why is None:
        raise Unreadable(Text("须写明理由", "a reason is needed"))
    plan, faults = _read(tx, batch, text)
    if plan is None or faults:
        zh = "；".join(f"{found.place}：{found.message.zh}" for found in faults)
        en = "; ".join(f"{found.place}: {found.message.en}" for found in faults)
        told = [_told(found) for found in faults]
        raise Unreadable(Text(f"提醒方案无法采用。{zh}", f"the plan cannot be taken: {en}"), faults=told)
    for _ in chunks(tx, batch["id"], LOCK_PLANS):
        pass
    look_again(tx, batch=batch["id"])
    row = tx.one(LOCK_BATCH, wanted=batch["id"])
    if row is None:
        raise NotFound(Text("没有此批次", "there is no such batch"))
    pinned = pin(tx, "reminders", plan.name, text, caller.now) if text is not None else None
    if pinned == row["reminders_hash"]:
        raise Unreadable(Text("本批次已在使用这份提醒方案", "the batch already follows this plan"))
    tx.queue(SET_PLAN, of=row["id"], plan=pinned)
    changes = [
        Change("/reminders_hash", row["reminders_hash"], pinned),
        Change("/plan", rules_of(tx, row).reminders.name, plan.name),
    ]
    return tell(tx, log, caller, row["id"], "batch.plan_set", changes, why)


def _read(tx: Transaction, batch: Row, text: str | None) -> tuple[ReminderPlan | None, list[Fault]]:
    """Return the plan, where it can be read, and what is wrong with it for this batch."""
    definition = rules_of(tx, batch).definition
    if text is not None and len(text) > LENGTH:
        return None, [fault("unreadable", "plan", f"> {LENGTH}")]
    try:
        plan = plan_of(definition.name) if text is None else read_plan(text)
    except BadDefinition as bad:
        return None, [fault("unreadable", "plan", str(bad))]
    return plan, check_plan(definition, _policies(tx, batch), plan)


def _policies(tx: Transaction, batch: Row) -> Iterator[Policy]:
    hashes = {row["policy_hash"] for row in tx.fetch(POLICIES, of=batch["id"])}
    return (policy_for(tx, name) for name in sorted(hashes | {batch["policy_hash"]}))


def _effect(
    tx: Transaction, batch: str, old: ReminderPlan, new: ReminderPlan, calendar: Calendar, now: datetime
) -> Effect:
    effect = Effect()
    known: dict[tuple[str, str, str], tuple[datetime | None, datetime | None]] = {}  # many share kind and day
    for rows in chunks(tx, batch, READ_PLANS):
        for row in rows:
            policy = policy_for(tx, row["policy_hash"])
            for item in row["plan"]:
                key = item["kind"], item["due_on"], row["policy_hash"]
                if key not in known:
                    known[key] = _next(old, policy, item, calendar, now), _next(new, policy, item, calendar, now)
                effect.add(item["kind"], *known[key])
    return effect


def _next(
    plan: ReminderPlan, policy: Policy, item: Mapping[str, Any], calendar: Calendar, now: datetime
) -> datetime | None:
    """Return when a plan next reminds of a checkpoint. What lies before now is past, so its opening may be now."""
    series, due_on = plan.series_for(item["kind"], policy), date.fromisoformat(item["due_on"])
    found = next_occasion(series, plan.times, due_on, now, False, calendar, policy.policy.zone, now)
    return found.at if found else None


def _told(found: Fault) -> dict[str, Any]:
    return {"code": found.code, "place": found.place, "message": found.message._asdict()}
