"""Shapes of checkpoints: their lights, a project's own, deadlines added by hand, persons in charge, chases."""

from typing import Literal

from api.shapes.parts import Label, Receipt, Shape

Colour = Literal["green", "yellow", "red"]
Status = Literal["open", "closed", "superseded"]


class Named(Shape):
    """A person."""

    id: str
    name: str


class Officer(Named):
    """A person with the login to name them by."""

    login: str
    active: bool


class CheckpointItem(Shape):
    """An open checkpoint in a list; `to`: the roles whom it concerns, `responsible`: persons in charge by role."""

    id: str
    project_id: str
    batch_id: str
    code: str
    title: str
    city: str
    lead_name: str
    lead_code: str
    state: str
    state_label: Label
    kind: str
    number: int
    label: Label
    due_on: str
    computed_on: str
    provisional: bool
    light: Colour
    days_left: int
    to: list[str]
    responsible: dict[str, Named]


class LightCounts(Shape):
    """How many checkpoints there are of each colour."""

    green: int
    yellow: int
    red: int


class Lights(Shape):
    """A batch's open checkpoints within the caller's reach, counted by city as of a business date."""

    batch: str
    on: str
    by_city: dict[str, LightCounts]
    total: LightCounts


class Why(Label):
    """What opened or ended a checkpoint: an act of the lifecycle or one of ours, by its code."""

    code: str


class ProjectCheckpoint(Shape):
    """A checkpoint of a project. Without a light it has ended; `replaces` is the one whose date it moved."""

    id: str
    kind: str
    number: int
    version: int
    status: Status
    label: Label
    due_on: str
    computed_on: str
    provisional: bool
    calendar: str
    light: Colour | None
    days_left: int | None
    to: list[str]
    reason: Why | None
    replaces: str | None
    opened_at: str
    ended_at: str | None


class Deadline(Shape):
    """A deadline added by hand; `by` is the role that added it. Without a receipt nothing was changed just now."""

    project: str
    code: str
    version: int
    number: int
    title: str
    due_on: str
    to: list[str]
    by: str
    ended: Literal["done", "withdrawn"] | None
    checkpoint: str | None
    receipt: Receipt | None


class Responsibles(Shape):
    """The persons in charge of a project by role; a role that is not named is for all of its people."""

    project: str
    responsible: dict[str, Officer]


class Assigned(Shape):
    """A project handed over: persons by id before and after (null: all of the role). No receipt: nothing changed."""

    project: str
    code: str
    version: int
    role: str
    before: str | None
    person: str | None
    receipt: Receipt | None


class HandoverRow(Shape):
    """A project in the preview of a handover."""

    project: str
    code: str
    title: str
    city: str
    version: int
    before: Officer | None
    changes: bool


class HandoverPreview(Shape):
    """What a handover would change; `digest` commits exactly this."""

    batch: str
    role: str
    person: Officer | None
    digest: str
    counts: dict[str, int]
    rows: list[HandoverRow]


class HandedOver(Shape):
    """What a handover did."""

    batch: str
    role: str
    counts: dict[str, int]
    assigned: list[Assigned]


class Chaseable(Shape):
    """An open checkpoint that the caller may chase."""

    id: str
    kind: str
    number: int
    due_on: str
    label: Label


class Chances(Shape):
    """Whether the caller may chase a project now, what of it, how often today, and from when on."""

    possible: bool
    checkpoints: list[Chaseable]
    left_today: int
    again_at: str | None


class Chased(Shape):
    """What was chased, and the roles that are told."""

    project: str
    code: str
    version: int
    announcement: str
    checkpoint: str
    kind: str
    number: int
    label: Label
    due_on: str
    to: list[str]
    left_today: int
    receipt: Receipt
