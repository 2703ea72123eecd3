"""The story that ships, what its log is held against, and short logs of one project to hold against it."""

from typing import Any

from lifecycle.rehearsal.chronicle import read_chronicle
from lifecycle.rehearsal.invariants import Ground
from lifecycle.rehearsal.verdict import check_log, labels_of
from lifecycle.rulebooks import RuleSet
from states.deadlines import state_council_calendar
from states.library import bundled_definitions, bundled_policies, plan_of
from states.story import Story, bundled_stories
from tests.lifecycle.logs import MANUFACTURER, PROVIDER, ceiling

STORY = next(iter(bundled_stories().values()))
POLICY = bundled_policies()[STORY.story.policy][0]
DEFINITION = bundled_definitions()[POLICY.policy.definition][0]
RULES = RuleSet(DEFINITION, POLICY, state_council_calendar(), plan_of(DEFINITION.name))
WHOLE = Ground(RULES, STORY)
WAN = 1_000_000  # fen
UNITS = {f"provider_projects/{PROVIDER}": 1, f"manufacturer_projects/{MANUFACTURER}": 1}
PLACE = {"city_quota/370100": 1}
HELD = UNITS | PLACE
GIVEN_BACK = {place: -amount for place, amount in HELD.items()}
QUOTA = ceiling("city_quota", "370100", 1)


def small(story: Story, steps: int, **changes: Any) -> Story:
    """Return the story's first steps, the last of them changed, without promises that only a whole story keeps."""
    kept = story.steps[:steps]
    changed = (*kept[:-1], kept[-1].model_copy(update=changes)) if kept else ()
    kinds = tuple(promise for promise in story.promises if promise.kind != "ceiling_reached")
    return story.model_copy(update={"steps": changed, "promises": kinds})


GROUND = Ground(RULES, small(STORY, 0))


def broken(entries: list[bytes], ground: Ground = GROUND) -> set[tuple[str, str, int]]:
    """Return what is broken in a log, with the entries."""
    return {flaw[:3] for flaw in check_log(read_chronicle(entries), ground)}


def broken_at(name: str, entries: list[bytes], ground: Ground = GROUND) -> list[tuple[str, int]]:
    """Return the entries that break one promise."""
    assert name in labels_of(ground)
    return [(stream, seq) for found, stream, seq in sorted(broken(entries, ground)) if found == name]
