"""A step under way: what it is done with, what has come of it so far, and how it names what it meets."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from lifecycle.callers import Caller
from lifecycle.rehearsal.stage import Stage
from lifecycle.requests import Request
from lifecycle.statements import Row
from states.facts import Actor
from states.findings import Finding, Text
from states.rules import RULES
from states.steps import Step

TICK = timedelta(seconds=1)  # between two acts of one step
LIMIT = 500  # projects of one act
NUMBERS = frozenset(rule.rule for rule in RULES.values())


class StoryBroken(AssertionError):
    """A step came out otherwise than the story says; the message names the step and the difference."""


@dataclass(slots=True)
class Moment:
    """A step with its projects. `partial`: others were left behind, so that what the story expects may differ."""

    stage: Stage
    step: Step
    rows: Sequence[Row]
    now: datetime
    partial: bool
    done: list[str] = field(default_factory=list)  # aliases
    refused: dict[str, tuple[str, ...]] = field(default_factory=dict)  # alias -> rules
    more: list[Text] = field(default_factory=list)  # what else there is to tell

    def caller(self, actor: Actor) -> Caller:
        """Return the actor calling now; the story's clock goes on."""
        caller = self.stage.caller(actor, self.now)
        self.now += TICK
        return caller

    def alias(self, project: str) -> str:
        """Return what the story calls a project."""
        return self.stage.aliases[project]

    def aliases(self, projects: Iterable[str]) -> list[str]:
        """Return what the story calls these projects."""
        return [self.stage.aliases[project] for project in projects]

    def broken(self, what: str) -> StoryBroken:
        """Return the complaint that the step came out otherwise."""
        return StoryBroken(f"{self.step.on} {self.step.does} by {self.step.by}: {what}")

    def expect(self, what: str, wanted: tuple[str, ...], found: Iterable[str]) -> None:
        """Hold what was found against the aliases that the story names, where all projects are there.

        Raises:
            StoryBroken: they differ.
        """
        names, seen = sorted(self.stage.story.named(wanted)), sorted(found)
        if names != seen and not self.partial:
            raise self.broken(f"{what}: expected {names}, found {seen}")

    def by_actor(self) -> dict[Actor, list[Row]]:
        """Return the projects by who acts on them."""
        found: dict[Actor, list[Row]] = {}
        for row in self.rows:
            found.setdefault(self.stage.actor(self.step.by, row), []).append(row)
        return found


def request_of(moment: Moment, owner: str, own: Mapping[str, Any]) -> Request:
    """Return the step's act with the fields that its projects share, documents of an owner, and a project's own."""
    step, story = moment.step, moment.stage.story
    request = Request(
        step.event or "", story.fields(step), documents_of(moment, owner), step.reason, frozenset(step.override)
    )
    return replace(request, fields={**request.fields, **own}) if own else request


def documents_of(moment: Moment, owner: str) -> dict[str, dict[str, Any]]:
    """Return references to files that are invented too: each one's name stands for its contents."""
    found = {}
    for kind in moment.stage.story.documents(moment.step):
        name = f"{moment.step.on}/{owner}/{kind}"
        sha256 = hashlib.sha256(name.encode()).hexdigest()
        found[kind] = {"id": name, "sha256": sha256, "size": len(name), "version": 1}
    return found


def named(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Return the rules that refuse, by number; structural ones by the name of their check."""
    return tuple(sorted({finding.rule if finding.rule in NUMBERS else finding.check for finding in findings}))
