"""The story's promises, checked on the scenes of a log: ceilings, dates and caps."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import groupby

from lifecycle.commitments import is_commitment
from lifecycle.rehearsal.chronicle import Chronicle, Flaw, Place, Scene
from lifecycle.rehearsal.invariants import Ground
from states.capacities import ceiling_of
from states.story import Promise

CEILINGS = "ceilings"  # what a batch's entries call the ceilings that were brought in


def _within_ceiling(chronicle: Chronicle, ground: Ground, promise: Promise) -> Iterator[Flaw]:
    """At no moment may an act raise a total above its ceiling, unless it set the promise's rule aside.

    Entries of one instant belong to one act on many projects: what they give back counts first, and what came in by
    setting a rule aside counts last.
    """
    pool = promise.capacity or ""
    used: dict[str, int] = defaultdict(int)
    ceilings: dict[str, int] = {}
    for _, moment in groupby(chronicle.by_time, key=lambda scene: scene.body["at"]):
        taken: list[tuple[bool, int, str, Scene]] = []
        for scene in moment:
            ceilings.update(_ceilings(scene, pool))
            aside = promise.rule in scene.overridden
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
    for scene, before, after in chronicle.arrivals(promise.states):
        due = before.checkpoints.get(f"{promise.checkpoint}/1")
        entered = after.columns.get("entered_on")
        if due is None or entered is None or entered <= due["due_on"]:
            yield scene.flaw(promise.name, f"{after.state} on {entered}, {promise.checkpoint} {due and due['due_on']}")


def _within_table(chronicle: Chronicle, ground: Ground, promise: Promise) -> Iterator[Flaw]:
    table = ground.rules.policy.setting(promise.table or "")
    for _, scene in chronicle.acts():
        if scene.after is None or scene.after.state not in promise.states:
            continue
        amount, choices = scene.after.record.get(promise.amount or ""), scene.after.record.get(promise.choice or "")
        row = table.get(choices[0]) if choices and len(choices) == 1 else None
        most = getattr(row, promise.column or "") if row else None
        if amount is None or is_commitment(amount) or most is None or amount > most:
            yield scene.flaw(promise.name, f"{amount} of at most {most}")


PROMISES: dict[str, Callable[[Chronicle, Ground, Promise], Iterator[Flaw]]] = {
    "within_ceiling": _within_ceiling,
    "after_checkpoint": _after_checkpoint,
    "within_table": _within_table,
}
