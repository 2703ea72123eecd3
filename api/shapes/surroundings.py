"""Shapes of what surrounds projects: batches, rule versions, people."""

from typing import Any, Literal

from api.shapes.parts import Label, Shape


class Batch(Shape):
    """A batch and the versions that its new projects begin with."""

    id: str
    code: str
    title: str
    programme: str
    definition_hash: str
    policy_hash: str
    invented: bool
    version: int
    created_at: str


class Task(Shape):
    """A task of the task list."""

    code: str
    title: str
    category: str | None


class Capacity(Shape):
    """How much of something limited is held. Money in fen."""

    pool: str
    label: Label
    key: str
    ceiling: int | None
    used: int
    left: int | None


class Watched(Shape):
    """A city's quota as it stands; `exempt` hold a place of no size, `drafted` are on a draft that would take one."""

    pool: str
    label: Label
    city: str
    city_label: Label
    ceiling: int | None
    used: int
    exempt: int
    drafted: int
    left: int | None
    over: int | None


class Movement(Shape):
    """A change of a counter, and what was held after it."""

    at: str
    project: str
    code: str
    title: str
    seq: int
    event: str
    event_label: Label
    docket: dict[str, Any] | None
    actor: str
    change: int
    held: int


class Movements(Shape):
    """A counter and all its movements; `adds_up`: their sum is what the counter says."""

    pool: str
    label: Label
    key: str
    ceiling: int | None
    used: int
    sum: int
    adds_up: bool
    movements: list[Movement]


class Counts(Shape):
    """How many projects within the caller's reach there are."""

    batch: str
    by: Literal["state", "city"]
    counts: dict[str, int]
    total: int


class Version(Shape):
    """A version of a lifecycle or policy that can be used or is in use."""

    name: str
    hash: str
    bundled: bool
    stored: bool


class VersionWhole(Version):
    """A version with its content: read (`content`) and as the text whose SHA-256 is the hash (`toml`)."""

    kind: Literal["definition", "policy"]
    content: dict[str, Any]
    toml: str


class Me(Shape):
    """Who calls."""

    id: str
    login: str | None
    name: str | None
    role: str
    role_label: Label
    city: str | None
    unit: str | None
    scope: str
    rights: list[str]
