"""A story: how a whole batch is played from its opening to its last closing, as dated steps read from TOML."""

import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from states.definition import BadDefinition, Code, Frozen, Labelled, describe
from states.library import texts
from states.steps import Form, Step, Values, derive

DAY = "@on"  # as a field's value: the step's own date


class Header(Labelled):
    """The story's name, the policy it is played under, and who opens, enrols and brings in the tables, and when."""

    name: str
    version: str
    policy: str  # name/version
    material: str  # which invented units, tasks and quotas it is played with
    batch: str  # the batch's code
    suffix: str  # behind the policy's title: says that all is invented
    login_prefix: str
    installer: str  # role of the act that enrols the first persons
    opened_on: date
    filed_on: date
    by: str  # actor who opens the batch and brings in the tables


class Part(Frozen):
    """Who acts under this key: one person, or one for each city or each lead unit."""

    role: str
    name: str  # with {city} or {unit} where there is one for each
    each: Literal["city", "lead"] | None = None
    tokens: int = 0  # how many of these persons a demonstration gives a token to
    unit_of: str | None = None  # alias of a project whose lead unit this expert works for


class Sum(Labelled):
    """A line of the money: a field added up over acts or over projects, or what is left of a capacity."""

    name: Code
    field: Code | None = None
    events: tuple[Code, ...] = ()  # add the field up at each of these acts; none: as projects ended
    left_of: Code | None = None


class Promise(Labelled):
    """What the log must show to be true, beside the lifecycle's own invariants."""

    name: Code
    kind: Literal[
        "within_ceiling",
        "ceiling_reached",
        "after_checkpoint",
        "within_table",
        "dense_order",
        "sums_of_lists",
        "kept_secret",
    ]
    states: tuple[Code, ...] = ()
    times: int = 1  # ceiling_reached: of so many keys at least
    events: tuple[Code, ...] = ()  # dense_order: the acts that put projects in order
    field: Code | None = None  # dense_order: the place of a project among those of one city
    fields: tuple[Code, ...] = ()  # kept_secret: fields that no entry shows in clear
    capacity: Code | None = None
    rule: str | None = None  # within_ceiling: the rule that, set aside, lets an act pass the ceiling
    checkpoint: Code | None = None  # after_checkpoint: its last day lies before the states are entered
    amount: Code | None = None  # within_table: this field is at most
    choice: Code | None = None  # what the row that this field names
    table: str | None = None  # of this setting
    column: Code | None = None  # says here


class Story(Frozen):
    """A whole story. `hash` is the SHA-256 of the file's bytes."""

    story: Header
    parts: dict[str, Part]
    tags: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    forms: dict[Code, Form] = Field(default_factory=dict)
    steps: tuple[Step, ...]
    money: tuple[Sum, ...] = ()
    promises: tuple[Promise, ...] = ()
    hash: str = ""

    @model_validator(mode="after")
    def _holds_together(self) -> "Story":
        wrong = list(_faults(self))
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    @property
    def name(self) -> str:
        """Return `name/version`."""
        return f"{self.story.name}/{self.story.version}"

    def named(self, names: tuple[str, ...]) -> frozenset[str]:
        """Return the aliases that these aliases and tags stand for."""
        return frozenset(alias for name in names for alias in self.tags.get(name, (name,)))

    def forms_of(self, step: Step) -> tuple[Form, ...]:
        """Return the forms that a step fills in, its own fields last."""
        return (*(self.forms[name] for name in step.forms), step)

    def fields(self, step: Step) -> Values:
        """Return the fields that all projects of the step share."""
        return {name: _dated(value, step.on) for form in self.forms_of(step) for name, value in form.fields.items()}

    def fields_of(self, step: Step, project: Mapping[str, Any], number: int) -> Values:
        """Return a project's own fields; it is the step's `number`th, from 1."""
        return {name: derive(spec, project, number) for form in self.forms_of(step) for name, spec in form.each.items()}

    def documents(self, step: Step) -> tuple[str, ...]:
        """Return the kinds of documents that the step brings, none twice."""
        return tuple(dict.fromkeys(kind for form in self.forms_of(step) for kind in form.documents))


def read_story(text: str) -> Story:
    """Read a story from TOML text.

    Raises:
        BadDefinition: the text is not TOML, a key is unknown or missing, a name is unknown, or the steps are not in
            the order of their dates.
    """
    try:
        data = tomllib.loads(text)
        return Story.model_validate({**data, "hash": hashlib.sha256(text.encode()).hexdigest()})
    except tomllib.TOMLDecodeError as error:
        raise BadDefinition(f"not TOML: {error}") from error
    except ValidationError as error:
        raise BadDefinition(describe(error)) from error


@cache
def bundled_stories() -> dict[str, Story]:
    """Return the stories that ship with the program, by `name/version`."""
    return {story.name: story for story in map(read_story, texts("stories").values())}


def _dated(value: Any, on: date) -> Any:
    """Return a value as JSON, the step's date put in where it is asked for."""
    if value == DAY:
        return on.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _dated(item, on) for name, item in value.items()}
    if isinstance(value, list):
        return [_dated(item, on) for item in value]
    return value


def _faults(story: Story) -> Iterator[str]:
    if story.story.by not in story.parts:
        yield f"story.by: there is no part {story.story.by}"
    before = (story.story.filed_on, 0)
    for number, step in enumerate(story.steps, 1):
        place = f"steps.{number} ({step.on})"
        if (step.on, step.hour) < before:
            yield f"{place}: earlier than the step before it"
        before = (step.on, step.hour)
        if step.by not in story.parts:
            yield f"{place}: there is no part {step.by}"
        for name in step.forms:
            if name not in story.forms:
                yield f"{place}: there is no form {name}"
        if step.kinds != 1:
            yield f"{place}: give either an event or one other thing to do"
        if step.panel:
            named = step.panel.parts
            yield from (f"{place}: there is no part {part}" for part in sorted(named - set(story.parts)))
        if step.leaves and not step.refused_by:
            yield f"{place}: say by which rules the others are refused"
