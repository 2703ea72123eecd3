"""What every log must show to be true, and the lifecycle's own invariants, checked on its scenes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from lifecycle.rehearsal.chronicle import SIGNED, Chronicle, Flaw, Scene, Standing, plain_columns
from lifecycle.rulebooks import RuleSet
from lifecycle.snapshots import facts_of
from states.capacities import Claims, claims
from states.definition import LEFT, SAME, Invariant
from states.roles import role_book
from states.story import Story

WAIVED = "/record/waived_rules"


@dataclass(frozen=True, slots=True)
class Ground:
    """What a log is held against: the rules that its projects began with, and the story's promises."""

    rules: RuleSet
    story: Story

    @property
    def invariants(self) -> tuple[Invariant, ...]:
        """Return the lifecycle's invariants that are declared for the batch's mode."""
        declared, mode = self.rules.definition.invariants, self.rules.policy.mode
        return tuple(invariant for invariant in declared if not invariant.modes or mode in invariant.modes)


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
        **empty, **columns, **days, "members": columns["members"] or (), "flags": columns["flags"] or (),
        "record": standing.record, "documents": standing.documents, "signers": standing.signers,
        "deadlines": standing.deadlines, "lists": standing.lists,
    })  # fmt: skip
    return claims(ground.rules.definition, ground.rules.policy, facts, facts.state)


# ---- always -------------------------------------------------------------------------------------------------------


def overrides(chronicle: Chronicle) -> Iterator[Flaw]:
    """Every rule set aside: by someone with the right and with a reason, in this act or in an earlier waiver."""
    for past, scene in chronicle.acts():
        overridden = scene.overridden
        waived: frozenset[str] = _waived(past) if overridden else frozenset()
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


def moves(chronicle: Chronicle, ground: Ground) -> Iterator[Flaw]:
    """Every change of state is an arrow of the definition, taken by a role that may take it."""
    definition, mode = ground.rules.definition, ground.rules.policy.mode
    for _, scene in chronicle.acts():
        if not scene.before or not scene.after or scene.before.state is None:
            continue
        arrow = definition.find(scene.name or "", scene.before.state, mode)
        left = scene.before.columns.get("left_state")
        goal = {SAME: scene.before.state, LEFT: left}.get(arrow.target, arrow.target) if arrow else None
        if arrow is None or scene.body["type"] == SIGNED:
            goal = scene.before.state
        if scene.after.state != goal:
            yield scene.flaw("moves_as_defined", f"{scene.name}: {scene.before.state} → {scene.after.state}")
        elif arrow and scene.body["actor"]["role"] not in role_book().expand(arrow.by):
            yield scene.flaw("moves_as_defined", f"{scene.name} by {scene.body['actor']['role']}")


def holdings(chronicle: Chronicle, ground: Ground) -> Iterator[Flaw]:
    """What the entries tell of capacities taken and given back is what the states hold."""
    for _, scene in chronicle.acts():
        if scene.after is None or scene.body["type"] == SIGNED:
            continue
        due = {place: amount for place, amount in claims_of(scene.after, ground).items() if amount}
        if due != scene.after.held:
            yield scene.flaw("holdings_as_told", f"holds {_told(due)}, told {_told(scene.after.held)}")


def _told(held: Any) -> str:
    return ", ".join(f"{pool}/{key}: {amount}" for (pool, key), amount in sorted(held.items())) or "—"


# ---- the lifecycle's invariants -----------------------------------------------------------------------------------


def _visited_before(chronicle: Chronicle, _ground: Ground, invariant: Invariant) -> Iterator[Flaw]:
    for scene, before, _after in chronicle.arrivals(invariant.states):
        missing = sorted(set(invariant.visited) - before.visited)
        if missing:
            yield scene.flaw(invariant.name, f"never was in {missing}")


def _never_with_flag(chronicle: Chronicle, _ground: Ground, invariant: Invariant) -> Iterator[Flaw]:
    for _, scene in chronicle.acts():
        flags = scene.after.columns.get("flags") or () if scene.after else ()
        if scene.after and scene.after.state in invariant.states and invariant.flag in flags:
            yield scene.flaw(invariant.name, f"{invariant.flag} in {scene.after.state}")


def _two_persons(chronicle: Chronicle, _ground: Ground, invariant: Invariant) -> Iterator[Flaw]:
    for past, scene in chronicle.acts():
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
    for scene, _before, after in chronicle.arrivals(invariant.states):
        due = {place: amount for place, amount in claims_of(after, ground).items() if place[0] == pool}
        if not due or any(after.held.get(place, 0) != amount for place, amount in due.items()):
            yield scene.flaw(invariant.name, f"holds nothing of {pool}")


INVARIANTS: dict[str, Callable[[Chronicle, Ground, Invariant], Iterator[Flaw]]] = {
    "visited_before": _visited_before,
    "never_with_flag": _never_with_flag,
    "two_persons": _two_persons,
    "must_hold": _must_hold,
}
