"""What a step puts on a docket: its fields and documents, each where it belongs, and every project's act and score."""

from collections.abc import Sequence
from typing import Any

from lifecycle.dockets.edits import DraftItem, Edit
from lifecycle.panels.reading import list_results
from lifecycle.rehearsal.moment import LIMIT, Moment, documents_of
from lifecycle.statements import Row
from states.definition import DocketSpec
from states.steps import DocketStep


def asked_of(moment: Moment) -> DocketStep:
    """Return what the step does with dockets."""
    assert moment.step.docket is not None
    return moment.step.docket


def spec_of(moment: Moment) -> DocketSpec:
    """Return what the docket's kind is."""
    return moment.stage.rules.definition.dockets[asked_of(moment).kind]


def edit_of(moment: Moment, city: str, rows: Sequence[Row], events: dict[str, str] | None = None) -> Edit:
    """Return the edit that puts these projects with the step's fields and documents, each where it belongs."""
    spec, story, step = spec_of(moment), moment.stage.story, moment.step
    shared = story.fields(step)
    papers = documents_of(moment, city or step.by)
    common = {*spec.documents, *spec.optional_documents}
    scores = _scores(moment)
    ordered = sorted(rows, key=lambda row: (row["filed_rank"] or LIMIT, row["code"])) if spec.ranked else rows
    put = []
    for number, row in enumerate(ordered, 1):
        own = {**shared, **story.fields_of(step, row, number), **scores.get(row["id"], {})}
        own = {name: value for name, value in own.items() if name not in spec.header}
        event = (events or {}).get(row["id"]) or _event(moment, row)
        put.append(_item(moment, row["id"], event, own, {k: v for k, v in papers.items() if k not in common}))
    header = {name: value for name, value in shared.items() if name in spec.header}
    return Edit(header=header, documents={kind: one for kind, one in papers.items() if kind in common}, put=put)


def _item(moment: Moment, project: str, event: str, own: dict[str, Any], papers: dict[str, Any]) -> DraftItem:
    definition, spec = moment.stage.rules.definition, spec_of(moment)
    known = {name for one in spec.events for name in definition.taken[one][0]}
    if strange := sorted(set(own) - known):
        raise moment.broken(f"no act of a {spec.en} takes {strange}")
    fields, kinds = definition.taken[event]
    reasoned = any(arrow.reason for arrow in definition.by_event[event])
    return DraftItem(
        project,
        event,
        {name: value for name, value in own.items() if name in fields and name != spec.ranked},
        {kind: one for kind, one in papers.items() if kind in kinds},
        moment.step.reason if reasoned else None,
    )


def _event(moment: Moment, row: Row) -> str:
    alias, asked = moment.alias(row["id"]), asked_of(moment)
    others = (event for event, names in asked.events.items() if alias in moment.stage.story.named(names))
    return next(others, spec_of(moment).events[0])


def _scores(moment: Moment) -> dict[str, dict[str, Any]]:
    """Return what the panels of the step's purpose put on record of each project."""
    purpose, stage = asked_of(moment).purpose, moment.stage
    if purpose is None:
        return {}
    with stage.database.reading() as tx:
        lead = stage.caller(stage.person(moment.step.by), moment.now)
        results = list_results(tx, lead, stage.row(tx), purpose)
    return {one["project"]: one["fields"] for one in results["results"]}
