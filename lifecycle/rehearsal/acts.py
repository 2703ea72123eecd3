"""Steps that are acts on projects: one by one, all at once, or previewed and carried out for many."""

from collections.abc import Sequence

from lifecycle import bulk, projects, transition
from lifecycle.attempts import attempt
from lifecycle.bulk import Item
from lifecycle.database import Transaction
from lifecycle.errors import RulesUnmet
from lifecycle.rehearsal.moment import LIMIT, Moment, StoryBroken, named, request_of
from lifecycle.statements import Row
from lifecycle.transition import Outcome
from states.facts import Actor
from states.indicators import indicator_of
from states.steps import Values


def play_act(moment: Moment) -> None:
    """Do a step's act, or amend what was filed.

    Raises:
        StoryBroken: an act that the story does not let be refused was refused, or awaits a second person.
    """
    if moment.step.bulk:
        for actor, rows in moment.by_actor().items():
            _play_bulk(moment, actor, rows)
    elif moment.step.refused_by:
        for row in moment.rows:
            _play_refusable(moment, row)
    else:
        _play_together(moment)


def _play_together(moment: Moment) -> None:
    """Play acts that are all allowed in one transaction, because a commit waits for the disk and a story has many."""
    try:
        with moment.stage.database.transaction() as tx:
            for row in moment.rows:
                _play_one(tx, moment, row)
    except RulesUnmet as refused:
        raise moment.broken(refused.text.zh) from refused


def _play_refusable(moment: Moment, row: Row) -> None:
    """Play one act as people do it, so that its refusal is in the log."""
    stage, step = moment.stage, moment.step
    caller = stage.caller(stage.actor(step.by, row), moment.now)
    try:
        with attempt(stage.database, stage.log, caller, ("project", row["id"]), step.does) as tx:
            _play_one(tx, moment, row)
    except RulesUnmet as refused:
        moment.refused[moment.alias(row["id"])] = named(finding for finding in refused.findings if finding.blocks)


def _play_one(tx: Transaction, moment: Moment, row: Row) -> None:
    stage, step, alias = moment.stage, moment.step, moment.alias(row["id"])
    number = len(moment.done) + len(moment.refused) + 1
    caller = moment.caller(stage.actor(step.by, row))
    if step.amend:
        projects.amend_project(tx, stage.log, caller, row["id"], _filed(step.amend), reason=step.reason)
    else:
        request = request_of(moment, alias, stage.story.fields_of(step, row, number))
        outcome = transition.transition_project(tx, stage.log, caller, row["id"], request)
        if isinstance(outcome, Outcome) and outcome.awaiting_second_person != step.awaiting:
            raise StoryBroken(f"{step.on} {step.event} {alias}: awaiting a second person is {not step.awaiting}")
    moment.done.append(alias)


def _filed(values: Values) -> Values:
    """Return what is amended as it is filed: indicators come as data."""
    indicators = {name: tuple(map(indicator_of, given)) for name, given in values.items() if name == "indicators"}
    return {**values, **indicators}


def _play_bulk(moment: Moment, actor: Actor, rows: Sequence[Row]) -> None:
    stage, step = moment.stage, moment.step
    caller = moment.caller(actor)
    request = request_of(moment, actor.city or step.by, {})
    items = [
        Item(row["id"], row["version"], stage.story.fields_of(step, row, number)) for number, row in enumerate(rows, 1)
    ]
    with stage.database.reading() as tx:
        preview = bulk.preview_transitions(tx, caller, request, items, LIMIT)
    for judged in preview.rows:
        alias = moment.alias(judged.loaded.row["id"])
        if judged.decision.allowed:
            moment.done.append(alias)
        else:
            moment.refused[alias] = named(judged.decision.refusals)
    if preview.allowed:
        with attempt(stage.database, stage.log, caller, ("batch", stage.batch), request.event) as tx:
            bulk.transition_projects(tx, stage.log, caller, request, items, preview.digest, LIMIT)
