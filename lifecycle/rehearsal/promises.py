"""The story's promises, checked on the scenes of a log: ceilings, order, sums, dates and caps."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import NamedTuple

from lifecycle.commitments import is_commitment
from lifecycle.rehearsal.chronicle import Chronicle, Flaw, Place, Scene, Standing
from lifecycle.rehearsal.companions import kept_secret
from lifecycle.rehearsal.invariants import Ground
from lifecycle.surroundings import keeps_rank
from states.capacities import ceiling_of
from states.story import Promise

CEILINGS = "ceilings"  # what a batch's entries call the ceilings that were brought in


def _within_ceiling(chronicle: Chronicle, ground: Ground, promise: Promise) -> Iterator[Flaw]:
    """At no moment may an act raise a total above its ceiling, unless it set the promise's rule aside."""
    for taken in _taken(chronicle, ground, promise):
        if taken.amount > 0 and not taken.aside and (taken.most is None or taken.used > taken.most):
            yield taken.scene.flaw(promise.name, f"{promise.capacity}/{taken.key}: {taken.used} of {taken.most}")


def _ceiling_reached(chronicle: Chronicle, ground: Ground, promise: Promise) -> Iterator[Flaw]:
    """At some moment so many keys at least must have stood exactly at their ceiling."""
    full = {taken.key for taken in _taken(chronicle, ground, promise) if taken.used == taken.most}
    if len(full) < promise.times:
        yield Flaw(promise.name, "batch", 0, f"{promise.capacity}: {sorted(full)} were full, of {promise.times}")


class _Taken(NamedTuple):
    """What an entry took of a capacity, and what the total came to."""

    scene: Scene
    key: str
    amount: int
    aside: bool
    used: int
    most: int | None


def _taken(chronicle: Chronicle, ground: Ground, promise: Promise) -> Iterator[_Taken]:
    """Yield every change of a capacity's totals by time.

    Entries of one instant belong to one act on many projects: what they give back counts first, and what came in by
    setting a rule aside counts last.
    """
    pool = promise.capacity or ""
    used: dict[str, int] = defaultdict(int)
    ceilings: dict[str, int] = {}
    for moment in _moments(chronicle):
        taken: list[tuple[bool, int, str, Scene]] = []
        for scene in moment:
            ceilings.update(_ceilings(scene, pool))
            aside = promise.rule in scene.overridden
            taken += [(aside, amount, key, scene) for key, amount in _moved(scene, pool)]
        for aside, amount, key, scene in sorted(taken, key=lambda one: (one[1] > 0, one[0])):
            used[key] += amount
            most = ceiling_of(ground.rules.definition, ground.rules.policy, pool, ceilings.get(key))
            yield _Taken(scene, key, amount, aside, used[key], most)


def _moments(chronicle: Chronicle) -> Iterator[list[Scene]]:
    """Yield the scenes of each instant, by time."""
    for _, moment in groupby(chronicle.by_time, key=lambda scene: scene.body["at"]):
        yield list(moment)


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


def _dense_order(chronicle: Chronicle, ground: Ground, promise: Promise) -> Iterator[Flaw]:
    """After each act of these, the places of a city's projects that keep one are 1 to n, each once."""
    standing: dict[str, Standing] = {}
    for moment in _moments(chronicle):
        touched: dict[str, Scene] = {}
        for scene in moment:
            if scene.succeeded and scene.after:
                standing[scene.body["stream"]] = scene.after
                if scene.name in promise.events and scene.moves:
                    touched[scene.after.columns["city"]] = scene
        for city, scene in sorted(touched.items()):
            places = sorted(
                one.record.get(promise.field or "", 0)
                for one in standing.values()
                if one.columns["city"] == city and keeps_rank(ground.rules.definition, one.state or "")
            )
            if places != list(range(1, len(places) + 1)):
                yield scene.flaw(promise.name, f"{city}: {places}")


def _sums_of_lists(chronicle: Chronicle, ground: Ground, promise: Promise) -> Iterator[Flaw]:
    """What goes on record as claimed or verified is the sum of the round's list, wherever one is kept."""
    for _, scene in chronicle.acts():
        changed = {change["path"] for change in scene.body["changes"]}
        for name, spec in ground.rules.definition.rounds.items():
            for kind in ("claimed", "verified"):
                field = getattr(spec, kind)
                kept = scene.after.lists.get(f"{name}_{kind}") if scene.after else None
                if kept and f"/record/{field}" in changed and scene.after:
                    stated = scene.after.record.get(field)
                    if stated is not None and stated != kept["total_fen"]:
                        yield scene.flaw(promise.name, f"{field}: {stated}, its list sums to {kept['total_fen']}")


PROMISES: dict[str, Callable[[Chronicle, Ground, Promise], Iterator[Flaw]]] = {
    "within_ceiling": _within_ceiling,
    "ceiling_reached": _ceiling_reached,
    "dense_order": _dense_order,
    "sums_of_lists": _sums_of_lists,
    "kept_secret": kept_secret,
    "after_checkpoint": _after_checkpoint,
    "within_table": _within_table,
}
