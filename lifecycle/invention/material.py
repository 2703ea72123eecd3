"""The material of an invented batch: names, counts and exceptions, frozen, read from TOML."""

import tomllib
from datetime import date
from functools import cache
from typing import Any

from pydantic import Field, ValidationError

from states.definition import BadDefinition, Frozen, describe
from states.library import bundled_policies, texts
from states.policy import Policy
from states.story import Story, bundled_stories


class Header(Frozen):
    """The material's name, the story and policy it goes with, and how far a demonstration plays the story."""

    name: str
    story: str
    policy: str
    seed: int  # of every choice: one seed, one batch
    until: date
    tokens: tuple[str, ...] = ()  # projects (by alias) whose lead unit is given a token too


class Words(Frozen):
    """Patterns of names and texts, and the words put into them; each says that it is invented."""

    lead: str
    landing: str
    other: str
    title: str
    contact: str
    phone: str
    opinion: str
    remarks: str
    tasks: str
    quotas: str
    shortlist: str
    projects: str
    first_batch: str
    lead_words: tuple[str, ...]
    landing_words: tuple[str, ...]
    scenes: tuple[str, ...]


class Filing(Frozen):
    """What projects file where their shape says nothing else."""

    ownership: str
    starts_on: date
    ends_on: date
    investment_wan: tuple[int, int]
    third_member_every: int


class City(Frozen):
    """How many projects a city files, and how many it may recommend."""

    projects: int
    quota: int


class TaskWords(Frozen):
    """A task of the list."""

    code: str
    title: str
    category: str


class Shape(Frozen):
    """How one project differs from the others."""

    members: int | None = None
    ownership: str | None = None
    group: str | None = None
    investment_wan: int | None = None
    lead_of: str | None = None  # alias of an earlier project that has the same lead unit
    landing_of: str | None = None  # the same for the landing unit
    lead_city: str | None = None  # where the lead is registered, if not in the city that it files with
    shortlisted: bool = False
    remarks: str | None = None


class Halt(Frozen):
    """Projects to which nothing more happens after a date."""

    after: date
    projects: tuple[str, ...]


class Earlier(Frozen):
    """How many units the first batch's shortlist has beside those that take part again."""

    units: int


class Material(Frozen):
    """All that a batch is invented from."""

    material: Header
    words: Words
    filing: Filing
    cities: dict[str, City]
    tasks: tuple[TaskWords, ...]
    earlier: Earlier
    shapes: dict[str, Shape] = Field(default_factory=dict)
    halts: tuple[Halt, ...] = ()

    @property
    def policy(self) -> Policy:
        """Return the policy of the batch."""
        return bundled_policies()[self.material.policy][0]

    @property
    def story(self) -> Story:
        """Return the story that is played with it."""
        return bundled_stories()[self.material.story]

    @property
    def last_days(self) -> dict[str, date]:
        """Return the aliases of the projects left behind, with the last day on which anything happens to each."""
        return {alias: halt.after for halt in self.halts for alias in halt.projects}


def read_material(text: str) -> Material:
    """Read material from TOML text.

    Raises:
        BadDefinition: the text is not TOML, a key is unknown or missing, or a value has the wrong type.
    """
    try:
        data: dict[str, Any] = tomllib.loads(text)
        return Material.model_validate(data)
    except tomllib.TOMLDecodeError as error:
        raise BadDefinition(f"not TOML: {error}") from error
    except ValidationError as error:
        raise BadDefinition(describe(error)) from error


@cache
def bundled_materials() -> dict[str, Material]:
    """Return the materials that ship with the program, by name."""
    return {material.material.name: material for material in map(read_material, texts("demonstration").values())}


def first_material() -> Material:
    """Return the material that a demonstration uses where none is named."""
    return next(iter(bundled_materials().values()))
