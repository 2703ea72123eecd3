"""What a log must show to be true: the lifecycle's own invariants and the story's promises, checked on its scenes."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from lifecycle.commitments import is_commitment
from lifecycle.rehearsal.chronicle import SIGNED, Chronicle, Flaw, Place, Scene, Standing, plain_columns
from lifecycle.rulebooks import RuleSet
from lifecycle.snapshots import facts_of
from states.capacities import Claims, ceiling_of, claims
from states.definition import LEFT, SAME, Invariant
from states.findings import Text
from states.roles import role_book
from states.story import Promise, Story

CEILINGS = "ceilings"  # what a batch's entries call the ceilings that were brought in
WAIVED = "/record/waived_rules"
ALWAYS = {
    "chain_gapless": Text("留痕链条连续、无缺无改", "every stream's chain is whole"),
    "changes_follow": Text("每次变更均以前值为起点", "every change begins at the value before it"),
    "moves_as_defined": Text(
        "每次状态变化均合流程、合职责", "every move is an arrow of the lifecycle, by a role that may"
    ),
    "override_by_right": Text("突破条款均有权限、有理由", "every rule set aside by right and with a reason"),
    "holdings_as_told": Text("名额和资金占用与状态一致", "what is held of quotas and budget follows from the states"),
}


@dataclass(frozen=True, slots=True)
class Ground:
    """What a log is held against: the rules that its projects began with, and the story's promises."""

    rules: RuleSet
    story: Story


def check_log(chronicle: Chronicle, ground: Ground) -> list[Flaw]:
    """Return everything in the log that breaks a promise; empty where it is clean."""
    definition = ground.rules.definition
    mode = ground.rules.policy.mode
    flaws = [*chronicle.flaws, *_overrides(chronicle), *_moves(chronicle, ground), *_holdings(chronicle, ground)]
    for invariant in definition.invariants:
        if not invariant.modes or mode in invariant.modes:
            flaws.extend(INVARIANTS[invariant.kind](chronicle, ground, invariant))
    for promise in ground.story.promises:
        flaws.extend(PROMISES[promise.kind](chronicle, ground, promise))
    return flaws


def claims_of(standing: Standing, ground: Ground) -> Claims:
    """Return what a project as the log leaves it holds by the definition's word."""
    if standing.state not in ground.rules.definition.states:
        return {}
    columns = plain_columns(standing)
    days = {
        name: columns[name] and date.fromisoformat(columns[name]) for name in ("entered_on", "starts_on", "ends_on")
    }
    empty = dict.fromkeys(("id", "batch_id", "pending", "opinion", "remarks", "contact_name", "contact_phone"))
    facts = facts_of({
        **empty, **columns, **days,
        "record": standing.record, "documents": standing.documents, "signers": standing.signers,
    })  # fmt: skip
    return claims(ground.rules.definition, ground.rules.policy, facts, facts.state)


def _acts(chronicle: Chronicle) -> Iterator[tuple[list[Scene], Scene]]:
    """Yield every successful entry of every project, with the successful ones of its stream up to it."""
    for scenes in chronicle.projects.values():
        past: list[Scene] = []
        for scene in scenes:
            if scene.succeeded:
                past.append(scene)
                yield past, scene


def _entered(chronicle: Chronicle, states: tuple[str, ...]) -> Iterator[tuple[Scene, Standing, Standing]]:
    """Yield the entries that bring a project into one of these states, with the project before and after."""
    for _, scene in _acts(chronicle):
        if scene.moves and scene.before and scene.after and scene.after.state in states:
            yield scene, scene.before, scene.after


# ---- always -------------------------------------------------------------------------------------------------------


def _overrides(chronicle: Chronicle) -> Iterator[Flaw]:
    """Every rule set aside: by someone with the right and with a reason, in this act or in an earlier waiver."""
    for past, scene in _acts(chronicle):
        overridden = (scene.body["action"] or {}).get("override") or ()
        waived = _waived(past) if overridden else frozenset()
        for rule in overridden:
            if rule not in waived and not _may_override(scene):
                yield scene.flaw("override_by_right", f"{rule} was set aside without the right or without a reason")


def _waived(past: list[Scene]) -> frozenset[str]:
    """Return the rules that the last waiver of the stream set aside, where it was made by right."""
    for scene in reversed(past):
        for change in scene.body["changes"]:
            if change["path"] == WAIVED:
                return frozenset(change["new"] or ()) if _may_override(scene) else frozenset()
    return frozenset()


def _may_override(scene: Scene) -> bool:
    role = role_book().roles.get(scene.body["actor"]["role"])
    return role is not None and "override" in role.rights and bool(scene.body["reason"])


def _moves(chronicle: Chronicle, ground: Ground) -> Iterator[Flaw]:
    """Every change of state is an arrow of the definition, taken by a role that may take it."""
    definition, mode = ground.rules.definition, ground.rules.policy.mode
    for _, scene in _acts(chronicle):
        if not scene.before or not scene.after or scene.before.state is None:
            continue
        arrow = definition.find(scene.name or "", scene.before.state, mode)
        goals = {SAME: {scene.before.state}, LEFT: {scene.before.columns.get("left_state")}}
        allowed = goals.get(arrow.target, {arrow.target}) if arrow else {scene.before.state}
        if scene.body["type"] == SIGNED:
            allowed = {scene.before.state}
        if scene.after.state not in allowed:
            yield scene.flaw("moves_as_defined", f"{scene.name}: {scene.before.state} → {scene.after.state}")
        elif arrow and scene.body["actor"]["role"] not in role_book().expand(arrow.by):
            yield scene.flaw("moves_as_defined", f"{scene.name} by {scene.body['actor']['role']}")


def _holdings(chronicle: Chronicle, ground: Ground) -> Iterator[Flaw]:
    """What the entries tell of capacities taken and given back is what the states hold."""
    for _, scene in _acts(chronicle):
        if scene.after is None or scene.body["type"] == SIGNED:
            continue
        due = {place: amount for place, amount in claims_of(scene.after, ground).items() if amount}
        if due != scene.after.held:
            yield scene.flaw("holdings_as_told", f"holds {_told(due)}, told {_told(scene.after.held)}")


def _told(held: Any) -> str:
    return ", ".join(f"{pool}/{key}: {amount}" for (pool, key), amount in sorted(held.items())) or "—"


# ---- the lifecycle's invariants -----------------------------------------------------------------------------------


def _visited_before(chronicle: Chronicle, _ground: Ground, invariant: Invariant) -> Iterator[Flaw]:
    for scene, before, _after in _entered(chronicle, invariant.states):
        missing = sorted(set(invariant.visited) - before.visited)
        if missing:
            yield scene.flaw(invariant.name, f"never was in {missing}")


def _never_with_flag(chronicle: Chronicle, _ground: Ground, invariant: Invariant) -> Iterator[Flaw]:
    for _, scene in _acts(chronicle):
        flags = scene.after.columns.get("flags") or () if scene.after else ()
        if scene.after and scene.after.state in invariant.states and invariant.flag in flags:
            yield scene.flaw(invariant.name, f"{invariant.flag} in {scene.after.state}")


def _two_persons(chronicle: Chronicle, _ground: Ground, invariant: Invariant) -> Iterator[Flaw]:
    for past, scene in _acts(chronicle):
        if scene.name != invariant.event or scene.body["type"] == SIGNED:
            continue
        me = scene.body["actor"]["id"]
        if invariant.other:
            doers = [earlier.body["actor"]["id"] for earlier in past if earlier.name == invariant.other]
            if not doers or doers[-1] == me:
                yield scene.flaw(invariant.name, "done by the person who did the act before it")
            continue
        first = past[-2] if len(past) > 1 else None
        signed = first is not None and first.body["type"] == SIGNED and first.name == invariant.event
        if not signed or first is None or first.body["actor"]["id"] == me:
            yield scene.flaw(invariant.name, "no other person signed it before")


def _must_hold(chronicle: Chronicle, ground: Ground, invariant: Invariant) -> Iterator[Flaw]:
    spec = ground.rules.definition.capacities[invariant.capacity or ""]
    pool = spec.pool or invariant.capacity
    for scene, _before, after in _entered(chronicle, invariant.states):
        due = {place: amount for place, amount in claims_of(after, ground).items() if place[0] == pool}
        if not due or any(after.held.get(place, 0) != amount for place, amount in due.items()):
            yield scene.flaw(invariant.name, f"holds nothing of {pool}")


# ---- the story's promises -----------------------------------------------------------------------------------------


def _within_ceiling(chronicle: Chronicle, ground: Ground, promise: Promise) -> Iterator[Flaw]:
    """At no moment may an act raise a total above its ceiling, unless it set the promise's rule aside.

    Entries of one instant belong to one act on many projects: what they give back counts first, what was set aside last.
    """
    pool = promise.capacity or ""
    used: dict[str, int] = defaultdict(int)
    ceilings: dict[str, int] = {}
    for _, moment in groupby(chronicle.by_time, key=lambda scene: scene.body["at"]):
        taken: list[tuple[bool, int, str, Scene]] = []
        for scene in moment:
            ceilings.update(_ceilings(scene, pool))
            aside = promise.rule in ((scene.body["action"] or {}).get("override") or ())
            taken += [(aside, amount, key, scene) for key, amount in _moved(scene, pool)]
        for aside, amount, key, scene in sorted(taken, key=lambda one: (one[1] > 0, one[0])):
            used[key] += amount
            most = ceiling_of(ground.rules.definition, ground.rules.policy, pool, ceilings.get(key))
            if amount > 0 and not aside and (most is None or used[key] > most):
                yield scene.flaw(promise.name, f"{pool}/{key}: {used[key]} of {most}")


def _ceilings(scene: Scene, pool: str) -> dict[str, int]:
    prefix = f"/{CEILINGS}/{pool}/"
    changes = scene.body["changes"] if scene.succeeded else ()
    return {
        change["path"].removeprefix(prefix): change["new"] for change in changes if change["path"].startswith(prefix)
    }


def _moved(scene: Scene, pool: str) -> list[tuple[str, int]]:
    if scene.before is None or scene.after is None:
        return []
    places: set[Place] = {place for place in {**scene.before.held, **scene.after.held} if place[0] == pool}
    moved = ((place[1], scene.after.held.get(place, 0) - scene.before.held.get(place, 0)) for place in sorted(places))
    return [(key, amount) for key, amount in moved if amount]


def _after_checkpoint(chronicle: Chronicle, _ground: Ground, promise: Promise) -> Iterator[Flaw]:
    for scene, before, after in _entered(chronicle, promise.states):
        due = before.checkpoints.get(f"{promise.checkpoint}/1")
        entered = after.columns.get("entered_on")
        if due is None or entered is None or entered <= due["due_on"]:
            yield scene.flaw(promise.name, f"{after.state} on {entered}, {promise.checkpoint} {due and due['due_on']}")


def _within_table(chronicle: Chronicle, ground: Ground, promise: Promise) -> Iterator[Flaw]:
    table = ground.rules.policy.setting(promise.table or "")
    for _, scene in _acts(chronicle):
        if scene.after is None or scene.after.state not in promise.states:
            continue
        amount, choices = scene.after.record.get(promise.amount or ""), scene.after.record.get(promise.choice or "")
        row = table.get(choices[0]) if choices and len(choices) == 1 else None
        most = getattr(row, promise.column or "") if row else None
        if amount is None or is_commitment(amount) or most is None or amount > most:
            yield scene.flaw(promise.name, f"{amount} of at most {most}")


INVARIANTS: dict[str, Callable[[Chronicle, Ground, Invariant], Iterator[Flaw]]] = {
    "visited_before": _visited_before,
    "never_with_flag": _never_with_flag,
    "two_persons": _two_persons,
    "must_hold": _must_hold,
}
PROMISES: dict[str, Callable[[Chronicle, Ground, Promise], Iterator[Flaw]]] = {
    "within_ceiling": _within_ceiling,
    "after_checkpoint": _after_checkpoint,
    "within_table": _within_table,
}
