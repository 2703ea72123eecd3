"""Owns the question whether a capacity has room for what a project would hold."""

from states.findings import Judgement
from states.rules.rule import Case


def judge_room(case: Case, capacity: str, limit: int | None = None, needed: bool = True) -> Judgement:
    """Judge one capacity: with this project's place, no key's total may pass its ceiling.

    `seen` holds the total of each key as the act would leave it. A place of zero size takes no room and is met even
    where the capacity is full or has no ceiling yet; so is a place the project holds already. A ceiling that was never
    set is not met, with nothing seen. `limit` is the threshold to tell where there is no place; where one is `needed`,
    that is not met.
    """
    totals: dict[str, int] = {}
    met, placed, threshold = True, False, limit
    for place, wanted in case.wanted.items():
        if place[0] != capacity:
            continue
        placed = True
        if wanted == 0:
            continue
        room = case.facts.room.get(place)
        if room is None or room.ceiling is None:
            return Judgement(False, None, None)
        held = case.held.get(place, 0)
        total = room.used - held + wanted
        totals[place[1]] = total
        threshold = room.ceiling
        met = met and (total <= threshold or wanted <= held)
    if needed and not placed:
        return Judgement(False, None, threshold)
    return Judgement(met, totals, threshold)
