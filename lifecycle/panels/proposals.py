"""What a docket could ask for, given the panels' results: cut by number or score, ties never split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import Unreadable
from lifecycle.panels.reading import list_results, verified_of
from lifecycle.rulebooks import rules_of_row
from lifecycle.statements import Row
from states.definition import LifecycleDefinition
from states.fields import POINTS
from states.findings import Text


@dataclass(frozen=True, slots=True)
class Cut:
    """The next so many projects (`take`), or those from a score on (`score`), or all the rest (neither): one act.

    `numbered`: an integer field of the act that counts them from `first` on, in order. `fields` and `note` are given to
    every one of them.
    """

    event: str
    take: int | None = None
    score: str | None = None
    numbered: str | None = None
    first: int = 1
    fields: Mapping[str, Any] = field(default_factory=dict)
    note: str | None = None


def propose(
    tx: Transaction, caller: Caller, batch: Row, purpose: str, kind: str, cuts: Sequence[Cut]
) -> dict[str, Any]:
    """Return what a docket of a kind would hold: `put`, as its draft takes it, and `undecided`. Writes nothing.

    Projects still to be decided come by score, the highest first, through the cuts in their order. Where projects of
    one score would be divided, by a cut or by their numbers, all of them are left `undecided`: a person decides, and
    says why. Those without a result are `unconcluded`, those beyond all cuts `left`. An act that states what was
    verified of a round gets the sum of the verdicts on the round's list, where they are made.

    Raises:
        Forbidden: the caller may not know of panels.
        Unreadable: no such purpose or kind of docket, or a cut is not what it should be.
    """
    results = list_results(tx, caller, batch, purpose)
    definition = rules_of_row(tx, batch).definition
    _check(definition, kind, cuts)
    verified = verified_of(tx, batch, purpose)
    pending = [one for one in results["results"] if one["pending"]]
    chosen, left = _through(pending, cuts)
    events: dict[str, set[tuple[str, int | None]]] = {}
    for one, cut, number in chosen:
        events.setdefault(one["score"], set()).add((cut.event, number))
    for one in left:
        events.setdefault(one["score"], set()).add(("", None))
    put, undecided = [], []
    for one, cut, number in chosen:
        sums = _verified_fields(definition, cut.event, verified.get(one["project"], {}))
        fields = {**one["fields"], **sums, **cut.fields, **({cut.numbered: number} if cut.numbered else {})}
        note = {"note": cut.note} if cut.note else {}
        if len(events[one["score"]]) > 1:
            undecided.append(one)
        else:
            put.append({"project": one["project"], "event": cut.event, "fields": fields, **note})
    split = {one["score"] for one in undecided}
    return {
        **{name: results[name] for name in ("batch", "purpose", "unconcluded")},
        "kind": kind,
        "put": put,
        "undecided": [*undecided, *(one for one in left if one["score"] in split)],
        "left": [one for one in left if one["score"] not in split],
    }


def _through(
    pending: Sequence[Mapping[str, Any]], cuts: Sequence[Cut]
) -> tuple[list[tuple[Mapping[str, Any], Cut, int | None]], list[Mapping[str, Any]]]:
    waiting, chosen = list(pending), []
    for cut in cuts:
        if cut.take is not None:
            number = cut.take
        elif cut.score is not None:
            number = sum(Decimal(one["score"]) >= Decimal(cut.score) for one in waiting)
        else:
            number = len(waiting)
        for place, one in enumerate(waiting[:number]):
            chosen.append((one, cut, cut.first + place if cut.numbered else None))
        waiting = waiting[number:]
    return chosen, waiting


def _verified_fields(definition: LifecycleDefinition, event: str, sums: Mapping[str, int]) -> dict[str, int]:
    """Return the sums that an act states, by the field that states them."""
    taken = definition.taken[event][0]
    return {
        definition.rounds[name].verified: total
        for name, total in sums.items()
        if definition.rounds[name].verified in taken
    }


def _check(definition: LifecycleDefinition, kind: str, cuts: Sequence[Cut]) -> None:
    spec = definition.dockets.get(kind)
    if spec is None:
        raise Unreadable(Text(f"没有名为{kind[:64]}的清单", f"there is no kind of docket {kind[:64]}"))
    for cut in cuts:
        taken = definition.taken[cut.event][0] if cut.event in spec.events else ()
        known = cut.numbered is None or (cut.numbered in taken and definition.fields[cut.numbered].type == "integer")
        known = known and set(cut.fields) <= set(taken)
        score = cut.score is None or POINTS.fullmatch(cut.score) is not None
        if cut.event not in spec.events or not known or not score or (cut.take is not None and cut.score is not None):
            raise Unreadable(
                Text(
                    f"“{cut.event[:64]}”一档写法有误：事项和填写内容须属该清单，名额与分数线二选一",
                    f"the cut for {cut.event[:64]} is not one: an act of the docket, fields of it, a number or a score",
                )
            )
