"""Owns the proof that a story must come out as it says, and that one that does not hold together is refused."""

import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.invention.material import first_material
from lifecycle.rehearsal import StoryBroken
from lifecycle.rehearsal.play import play
from lifecycle.rehearsal.stage import set_stage
from states.definition import BadDefinition
from states.library import texts
from states.steps import Step
from states.story import read_story
from tests.lifecycle.rehearsing import STORY, small

STORY_TEXT = next(iter(texts("stories").values()))


def test_a_step_that_is_refused_by_another_rule_breaks_the_story(database: Database, log: Log):
    stage = set_stage(database, log, small(STORY, 3, refused_by=("R07",)), first_material())
    with pytest.raises(StoryBroken, match=r"expected \['济南5'\] refused by \['R07'\].*R03"):
        play(stage)


def test_a_step_that_is_allowed_against_the_story_breaks_it(database: Database, log: Log):
    stage = set_stage(database, log, small(STORY, 2, refused_by=("R13",), leaves=("济南1",)), first_material())
    with pytest.raises(StoryBroken, match=r"not refused: \['济南1'\]"):
        play(stage)


def test_a_refusal_that_the_story_does_not_know_breaks_it(database: Database, log: Log):
    stage = set_stage(database, log, small(STORY, 3, refused_by=()), first_material())
    with pytest.raises(StoryBroken, match="原则上不超过3家"):
        play(stage)


def test_a_step_without_projects_breaks_the_story_unless_projects_were_left_behind(database: Database, log: Log):
    nobody = STORY.steps[0].select.model_copy(update={"states": ("closed",)})
    stage = set_stage(database, log, small(STORY, 1, select=nobody), first_material())
    with pytest.raises(StoryBroken, match="no project is selected"):
        play(stage)
    assert play(stage, last_days={"济南1": date(2024, 7, 15)}) == []


def changed(step: Step, **given: Any) -> Step:
    """Return a step with something of what it does changed, and perhaps a field of its own."""
    own = {name: given.pop(name) for name in ("fails", "select", "fields") if name in given}
    return step.model_copy(update={**own, step.does: getattr(step, step.does).model_copy(update=given)})


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_what_is_done_with_dockets_panels_and_objections_must_come_out_as_the_story_says(database: Database, log: Log):
    proposed = next(step for step in STORY.steps if step.docket and "propose" in step.docket.do)
    played = STORY.steps[: STORY.steps.index(proposed)]
    by_hand, scored, decided = (
        next(step for step in STORY.steps if wanted(step))
        for wanted in (
            lambda step: step.panel and "assign_pair" in step.panel.do,
            lambda step: step.panel and "score" in step.panel.do,
            lambda step: step.objection and step.objection.do == "decide",
        )
    )
    stage = set_stage(database, log, STORY.model_copy(update={"steps": played}), first_material())
    play(stage)
    late = {"on": proposed.on, "hour": proposed.hour}
    for step, message in (
        (changed(proposed, undecided=()), r"undecided: expected \[\], found \['威海1', '威海4'\]"),
        (changed(proposed, do=("release",), kind="publication"), "no publication was opened for the batch"),
        (changed(proposed, do=("open",), fields={"tier": ["first"]}), r"no act of a review result takes \['tier'\]"),
        (changed(by_hand, name="nobody"), "no panel nobody was founded"),
        (changed(by_hand, fails="conflict"), "not-offered: "),
        (changed(by_hand, do=("reopen",), fails=None), "say until when the sheets are due"),
        (changed(scored, total=None), "no points are given for 济南1"),
        (decided, "no objection to 济南2 was received"),
        (changed(proposed, fails="conflict"), "it was done, and should be refused as conflict"),
    ):
        with pytest.raises(StoryBroken, match=message):
            play(replace(stage, story=STORY.model_copy(update={"steps": (step.model_copy(update=late),)})))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('by = "city"\nevent = "submit"', 'by = "nobody"\nevent = "submit"', "there is no part nobody"),
        ('forms = ["filing", "vetoes"]', 'forms = ["nothing"]', "there is no form nothing"),
        ('event = "submit"', 'occurrence = "submit"', "Extra inputs are not permitted"),
        ("on = 2024-07-17", "on = 2024-07-15", "earlier than the step before it"),
        ('event = "submit"', 'event = "submit"\namend = { rank = 1 }', "either an event or one other thing to do"),
        ('refused_by = ["R03"]', 'leaves = ["济南5"]', "say by which rules"),
        ('by = "handler-1"\n\n[parts]', 'by = "nobody"\n\n[parts]', "story.by: there is no part nobody"),
        ('pair = "expert-2"', 'pair = "stranger"', "there is no part stranger"),
        ('do = ["open", "release"]', 'do = ["open", "shred"]', "Input should be"),
        ("[story]", "[story", "not TOML"),
    ],
)
def test_a_story_that_does_not_hold_together_is_refused_with_the_place(old: str, new: str, message: str):
    assert old in STORY_TEXT
    with pytest.raises(BadDefinition, match=re.escape(message)):
        read_story(STORY_TEXT.replace(old, new, 1))
