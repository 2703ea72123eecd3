"""The runner: every step of a story is done through the doors that people use, and must come out as the story says."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from lifecycle import bulk, projects, transition
from lifecycle.attempts import attempt
from lifecycle.bulk import Item
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import RulesUnmet
from lifecycle.rehearsal.stage import Stage
from lifecycle.requests import Request
from lifecycle.statements import Row
from lifecycle.transition import Outcome
from states.facts import Actor
from states.findings import Finding, Text
from states.roles import role_book
from states.rules import RULES
from states.story import Step

AMEND = "amend"
TICK = timedelta(seconds=1)  # between two acts of one step
NUMBERS = frozenset(rule.rule for rule in RULES.values())
Progress = Callable[[int, int], None]  # steps done, steps in all


class StoryBroken(AssertionError):
    """A step came out otherwise than the story says; the message names the step and the difference."""


@dataclass(frozen=True, slots=True)
class Line:
    """One step as it was played: who did what to which projects, what came of it, and the story's own words."""

    on: date
    who: Text
    act: Text
    done: tuple[str, ...]  # aliases
    refused: Mapping[str, tuple[str, ...]]  # alias -> rules
    awaiting: bool
    say: Text


@dataclass(slots=True)
class _Played:
    """What has come of a step so far."""

    done: list[str]
    refused: dict[str, tuple[str, ...]]
    now: datetime


def play(
    stage: Stage,
    until: date | None = None,
    last_days: Mapping[str, date] | None = None,
    progress: Progress | None = None,
) -> list[Line]:
    """Play a stage's story, up to a date if one is given, and return a line for each step.

    `last_days` names projects (by alias) to which nothing happens after a day. Steps that are left without projects
    for that reason are passed over.

    Raises:
        StoryBroken: a step came out otherwise than the story says.
    """
    steps = [step for step in stage.story.steps if until is None or step.on <= until]
    lines, now = [], stage.instant(stage.story.story.filed_on, 0)
    for number, step in enumerate(steps, 1):
        rows = _selected(stage, step, last_days or {})
        if rows:
            now = max(now + TICK, stage.instant(step.on, step.hour))
            line, now = _play_step(stage, step, rows, now)
            lines.append(line)
        elif not last_days:
            raise StoryBroken(f"{step.on} {step.event}: no project is selected ({step.select})")
        if progress is not None:
            progress(number, len(steps))
    return lines


def _selected(stage: Stage, step: Step, last_days: Mapping[str, date]) -> list[Row]:
    story, select = stage.story, step.select
    wanted, without = story.named(select.projects), story.named(select.without)
    gone = {alias for alias, day in last_days.items() if day < step.on}
    with stage.database.reading() as tx:
        rows = stage.projects(tx)
    aliases = stage.aliases
    unknown = (wanted | without) - set(aliases.values())
    if unknown:
        raise StoryBroken(f"{step.on} {step.event}: no such projects: {sorted(unknown)}")
    return [
        row
        for row in rows
        if row["id"] in aliases
        and (not wanted or aliases[row["id"]] in wanted)
        and aliases[row["id"]] not in without | gone
        and (not select.cities or row["city"] in select.cities)
        and (not select.states or row["state"] in select.states)
    ]


def _play_step(stage: Stage, step: Step, rows: Sequence[Row], now: datetime) -> tuple[Line, datetime]:
    played = _Played([], {}, now)
    by_actor: dict[Actor, list[Row]] = {}
    for row in rows:
        by_actor.setdefault(stage.actor(step.by, row), []).append(row)
    if step.bulk:
        for actor, own in by_actor.items():
            _play_bulk(stage, step, actor, own, played)
    elif step.refused_by:
        for row in rows:
            _play_refusable(stage, step, row, played)
    else:
        _play_together(stage, step, rows, played)
    _compare(stage, step, played)
    people = list(by_actor)
    line = Line(
        step.on,
        _who(stage, people),
        _act(stage, step),
        tuple(played.done),
        played.refused,
        step.awaiting,
        Text(step.say.zh, step.say.en),
    )
    return line, played.now


def _play_together(stage: Stage, step: Step, rows: Sequence[Row], played: _Played) -> None:
    """Play acts that are all allowed in one transaction, because a commit waits for the disk and a story has many."""
    try:
        with stage.database.transaction() as tx:
            for row in rows:
                _play_one(tx, stage, step, row, played)
    except RulesUnmet as refused:
        raise StoryBroken(f"{step.on} {step.event or AMEND} by {step.by}: {refused.text.zh}") from refused


def _play_refusable(stage: Stage, step: Step, row: Row, played: _Played) -> None:
    """Play one act as people do it, so that its refusal is in the log."""
    caller = stage.caller(stage.actor(step.by, row), played.now)
    try:
        with attempt(stage.database, stage.log, caller, ("project", row["id"]), step.event or AMEND) as tx:
            _play_one(tx, stage, step, row, played)
    except RulesUnmet as refused:
        played.refused[stage.aliases[row["id"]]] = _named(finding for finding in refused.findings if finding.blocks)


def _play_one(tx: Transaction, stage: Stage, step: Step, row: Row, played: _Played) -> None:
    alias, number = stage.aliases[row["id"]], len(played.done) + len(played.refused) + 1
    caller = stage.caller(stage.actor(step.by, row), played.now)
    played.now += TICK
    if step.amend:
        projects.amend_project(tx, stage.log, caller, row["id"], step.amend, reason=step.reason)
    else:
        request = _request(stage, step, alias, stage.story.fields_of(step, row, number))
        outcome = transition.transition_project(tx, stage.log, caller, row["id"], request)
        if isinstance(outcome, Outcome) and outcome.awaiting_second_person != step.awaiting:
            raise StoryBroken(f"{step.on} {step.event} {alias}: awaiting a second person is {not step.awaiting}")
    played.done.append(alias)


def _play_bulk(stage: Stage, step: Step, actor: Actor, rows: Sequence[Row], played: _Played) -> None:
    caller = stage.caller(actor, played.now)
    request = _request(stage, step, actor.city or step.by, {})
    items = [
        Item(row["id"], row["version"], stage.story.fields_of(step, row, number)) for number, row in enumerate(rows, 1)
    ]
    with stage.database.reading() as tx:
        preview = bulk.preview_transitions(tx, caller, request, items, len(items))
    for judged in preview.rows:
        alias = stage.aliases[judged.loaded.row["id"]]
        if judged.decision.allowed:
            played.done.append(alias)
        else:
            played.refused[alias] = _named(judged.decision.refusals)
    if preview.allowed:
        _commit(stage, caller, request, items, preview.digest)
    played.now += TICK


def _commit(stage: Stage, caller: Caller, request: Request, items: Sequence[Item], digest: str) -> None:
    with attempt(stage.database, stage.log, caller, ("batch", stage.batch), request.event) as tx:
        bulk.transition_projects(tx, stage.log, caller, request, items, digest, len(items))


def _request(stage: Stage, step: Step, owner: str, own: Mapping[str, Any]) -> Request:
    documents = {kind: _document(step, owner, kind) for kind in stage.story.documents(step)}
    request = Request(step.event or "", stage.story.fields(step), documents, step.reason, frozenset(step.override))
    return replace(request, fields={**request.fields, **own}) if own else request


def _document(step: Step, owner: str, kind: str) -> dict[str, Any]:
    """Return a reference to a file that is invented too: its name stands for its contents."""
    name = f"{step.on}/{owner}/{kind}"
    return {"id": name, "sha256": hashlib.sha256(name.encode()).hexdigest(), "size": len(name), "version": 1}


def _named(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Return the rules that refuse, by number; structural ones by the name of their check."""
    return tuple(sorted({finding.rule if finding.rule in NUMBERS else finding.check for finding in findings}))


def _compare(stage: Stage, step: Step, played: _Played) -> None:
    expected = tuple(sorted(step.refused_by))
    every = {*played.done, *played.refused}
    leaves = stage.story.named(step.leaves) & every if step.leaves else every if expected else frozenset()
    wrong = {alias: rules for alias, rules in played.refused.items() if rules != expected or alias not in leaves}
    missing = sorted(leaves - set(played.refused))
    if wrong or missing:
        raise StoryBroken(
            f"{step.on} {step.event or AMEND} by {step.by}: expected {sorted(leaves)} refused by {list(expected)}; "
            f"refused otherwise: {wrong}; not refused: {missing}"
        )


def _who(stage: Stage, actors: Sequence[Actor]) -> Text:
    label = role_book().roles[actors[0].role].label
    city = stage.rules.policy.cities.get(actors[0].city or "")
    if len(actors) > 1:
        return Text(f"{label.zh}（{len(actors)}家）", f"{label.en} ({len(actors)})")
    return Text(f"{city.zh}{label.zh}", f"{label.en} of {city.en}") if city else Text(*label)


def _act(stage: Stage, step: Step) -> Text:
    if step.event is None:
        return Text("修改申报内容", "amend what was filed")
    transition_of = stage.rules.definition.by_event[step.event][0]
    return Text(transition_of.zh, transition_of.en)
