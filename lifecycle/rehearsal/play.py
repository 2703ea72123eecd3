"""The runner: every step of a story is done through the doors that people use, and must come out as the story says."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from lifecycle.errors import Refusal
from lifecycle.rehearsal.acts import play_act
from lifecycle.rehearsal.dockets import play_docket, told_docket
from lifecycle.rehearsal.lists import play_list, told_list
from lifecycle.rehearsal.moment import TICK, Moment, StoryBroken
from lifecycle.rehearsal.objections import play_objection, told_objection
from lifecycle.rehearsal.panels import play_panel, told_panel
from lifecycle.rehearsal.stage import Stage
from lifecycle.statements import Row
from states.facts import Actor
from states.findings import Text
from states.roles import role_book
from states.steps import Step

Progress = Callable[[int, int], None]  # steps done, steps in all


@dataclass(frozen=True, slots=True)
class Line:
    """One step as it was played: who did what to which projects, what came of it, and the story's own words."""

    on: date
    who: Text
    act: Text
    done: tuple[str, ...]  # aliases
    refused: Mapping[str, tuple[str, ...]]  # alias -> rules
    failed: Text | None  # why the whole step was refused, where the story says that it is
    more: tuple[Text, ...]
    awaiting: bool
    say: Text


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
            begins = max(now + TICK, stage.instant(step.on, step.hour))
            line, now = _play_step(Moment(stage, step, rows, begins, partial=bool(last_days)))
            lines.append(line)
        elif not last_days:
            raise StoryBroken(f"{step.on} {step.does}: no project is selected ({step.select})")
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
        raise StoryBroken(f"{step.on} {step.does}: no such projects: {sorted(unknown)}")
    return [
        row
        for row in rows
        if row["id"] in aliases
        and (not wanted or aliases[row["id"]] in wanted)
        and aliases[row["id"]] not in without | gone
        and (not select.cities or row["city"] in select.cities)
        and (not select.states or row["state"] in select.states)
    ]


def _play_step(moment: Moment) -> tuple[Line, datetime]:
    step = moment.step
    kind = "act" if step.event or step.amend else step.does
    doer, teller = DOERS[kind]
    failed = None
    try:
        doer(moment)
    except Refusal as refusal:
        if refusal.code != step.fails:
            raise moment.broken(f"{refusal.code}: {refusal.text.zh}") from refusal
        failed = refusal.text
    if step.fails and failed is None:
        raise moment.broken(f"it was done, and should be refused as {step.fails}")
    _compare(moment)
    line = Line(
        step.on,
        _who(moment.stage, list(moment.by_actor())),
        teller(moment),
        tuple(moment.done),
        moment.refused,
        failed,
        tuple(moment.more),
        step.awaiting,
        Text(step.say.zh, step.say.en),
    )
    return line, moment.now


def _compare(moment: Moment) -> None:
    step, refused = moment.step, moment.refused
    expected = tuple(sorted(step.refused_by))
    every = {*moment.done, *refused}
    leaves = moment.stage.story.named(step.leaves) & every if step.leaves else every if expected else frozenset()
    wrong = {alias: rules for alias, rules in refused.items() if rules != expected or alias not in leaves}
    missing = sorted(leaves - set(refused))
    if wrong or missing:
        raise moment.broken(
            f"expected {sorted(leaves)} refused by {list(expected)}; refused otherwise: {wrong}; not refused: {missing}"
        )


def _who(stage: Stage, actors: Sequence[Actor]) -> Text:
    label = role_book().roles[actors[0].role].label
    city = stage.rules.policy.cities.get(actors[0].city or "")
    if len(actors) > 1:
        return Text(f"{label.zh}（{len(actors)}家）", f"{label.en} ({len(actors)})")
    return Text(f"{city.zh}{label.zh}", f"{label.en} of {city.en}") if city else Text(*label)


def told_act(moment: Moment) -> Text:
    """Return what a step's act is called."""
    event = moment.step.event
    if event is None:
        return Text("修改申报内容", "amend what was filed")
    arrow = moment.stage.rules.definition.by_event[event][0]
    return Text(arrow.zh, arrow.en)


DOERS: dict[str, tuple[Callable[[Moment], None], Callable[[Moment], Text]]] = {
    "act": (play_act, told_act),
    "docket": (play_docket, told_docket),
    "panel": (play_panel, told_panel),
    "objection": (play_objection, told_objection),
    "investment": (play_list, told_list),
}
