"""A rehearsal: a story played whole in a scratch database, and what its log alone says of it afterwards."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.invention.material import bundled_materials
from lifecycle.rehearsal.chronicle import Chronicle, Flaw, read_bodies, read_chronicle
from lifecycle.rehearsal.invariants import Ground
from lifecycle.rehearsal.play import Line, Progress, play
from lifecycle.rehearsal.stage import Stage, set_stage
from lifecycle.rehearsal.verdict import check_log, labels_of
from lifecycle.replay import drift_of_batch
from states.capacities import ceiling_of
from states.findings import Text
from states.story import Story, Sum

REPLAY = "replay_equals_tables"
REPLAYED = Text("按留痕重演与台账一致", "replaying the log gives the live tables")


@dataclass(frozen=True, slots=True)
class Check:
    """Something that was checked, and everything that breaks it."""

    name: str
    label: Text
    flaws: tuple[Flaw, ...]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a rehearsal showed: the story by date, projects by state, the money in fen, and the checks."""

    title: Text
    suffix: str
    lines: tuple[Line, ...]
    counts: Mapping[str, int]  # state -> projects
    labels: Mapping[str, Text]  # of these states
    money: Mapping[str, int]  # in the story's order
    money_labels: Mapping[str, Text]
    acts: Mapping[str, int]  # event -> how often it was done
    refusals: Mapping[str, int]  # rule -> how often it refused
    entries: int
    checks: tuple[Check, ...]

    @property
    def violations(self) -> tuple[Flaw, ...]:
        """Return everything that breaks a promise; empty where the rehearsal is clean."""
        return tuple(flaw for check in self.checks for flaw in check.flaws)

    def to_dict(self) -> dict[str, Any]:
        """Return the rehearsal as JSON values."""
        return {
            "title": self.title._asdict(),
            "note": self.suffix,
            "clean": not self.violations,
            "lines": [_line(line) for line in self.lines],
            "counts": dict(self.counts),
            "money_fen": dict(self.money),
            "acts": dict(self.acts),
            "refusals": dict(self.refusals),
            "entries": self.entries,
            "checks": [
                {"name": check.name, **check.label._asdict(), "violations": [flaw._asdict() for flaw in check.flaws]}
                for check in self.checks
            ],
        }


def rehearse(database: Database, log: Log, story: Story, progress: Progress | None = None) -> Rehearsal:
    """Play a whole story in an empty, migrated scratch database and check its log.

    Time is the story's own; nothing reads the clock. `progress` is called after each step with the steps done and all.

    Raises:
        StoryBroken: a step came out otherwise than the story says.
    """
    stage = set_stage(database, log, story, bundled_materials()[story.story.material])
    return conclude(stage, play(stage, progress=progress))


def conclude(stage: Stage, lines: Sequence[Line]) -> Rehearsal:
    """Check the log of a stage, and nothing but the log; then hold the live tables against it."""
    with stage.database.reading() as tx:
        bodies = read_bodies(tx)
        drift = drift_of_batch(tx, stage.batch)
    chronicle = read_chronicle(bodies)
    flaws = check_log(chronicle, Ground(stage.rules, stage.story))
    flaws += [Flaw(REPLAY, name, 0, problem) for name, problems in drift.items() for problem in problems]
    story, definition = stage.story, stage.rules.definition
    found = Counter(end.state or "" for end in chronicle.ends.values())
    counts = {state: found[state] for state in definition.states if found[state]}
    scenes = [scene for stream in chronicle.projects.values() for scene in stream]
    acts = Counter(scene.name or "" for scene in scenes if scene.succeeded)
    refusals = Counter(rule for line in lines for rules in line.refused.values() for rule in rules)
    return Rehearsal(
        title=Text(story.story.zh, story.story.en),
        suffix=story.story.suffix,
        lines=tuple(lines),
        counts=counts,
        labels={state: Text(definition.states[state].zh, definition.states[state].en) for state in counts},
        money={line.name: amount_of(chronicle, stage, line) for line in story.money},
        money_labels={line.name: Text(line.zh, line.en) for line in story.money},
        acts=dict(sorted(acts.items())),
        refusals=dict(sorted(refusals.items())),
        entries=len(bodies),
        checks=tuple(_checks(stage, flaws)),
    )


def amount_of(chronicle: Chronicle, stage: Stage, line: Sum) -> int:
    """Return a line of the money in fen, as the log tells it."""
    if line.left_of:
        used = sum(
            amount for end in chronicle.ends.values() for place, amount in end.held.items() if place[0] == line.left_of
        )
        return (ceiling_of(stage.rules.definition, stage.rules.policy, line.left_of, None) or 0) - used
    field = line.field or ""
    if not line.events:
        return sum(end.record.get(field) or 0 for end in chronicle.ends.values())
    return sum(
        scene.after.record.get(field) or 0
        for scenes in chronicle.projects.values()
        for scene in scenes
        if scene.succeeded and scene.after and scene.name in line.events
    )


def _checks(stage: Stage, flaws: list[Flaw]) -> list[Check]:
    labels = {**labels_of(Ground(stage.rules, stage.story)), REPLAY: REPLAYED}
    return [Check(name, label, tuple(flaw for flaw in flaws if flaw.name == name)) for name, label in labels.items()]


def _line(line: Line) -> dict[str, Any]:
    on: date = line.on
    return {
        "on": on.isoformat(),
        "who": line.who._asdict(),
        "act": line.act._asdict(),
        "done": list(line.done),
        "refused": {alias: list(rules) for alias, rules in line.refused.items()},
        "failed": line.failed._asdict() if line.failed else None,
        "more": [more._asdict() for more in line.more],
        "awaiting": line.awaiting,
        "say": line.say._asdict(),
    }
