"""Shapes of objections, and of the lists that the public sees."""

from typing import Any, Literal

from api.shapes.parts import Finding, Label, Receipt, Shape

Status = Literal["received", "open", "dismissed", "rejected", "upheld", "settled"]


class Objection(Shape):
    """An objection as the caller may see it; `masked`: who made it, and by what papers, is left out."""

    id: str
    project: str
    code: str
    title: str
    city: str
    state: str
    number: int
    status: Status
    status_label: Label
    version: int
    counts: bool
    masked: bool
    fields: dict[str, Any]
    documents: dict[str, Any]
    findings: list[dict[str, Any]]
    due_on: str | None
    provisional: bool
    finding: str | None
    created_at: str
    changed_at: str


class Recorded(Shape):
    """An objection as it was written; `missing` are the checks of its form that are not met."""

    objection: str
    project: str
    number: int
    status: Status
    counts: bool
    missing: list[Finding]
    due_on: str | None
    version: int
    receipt: Receipt


class Found(Shape):
    """What a finding did; `waiting` objections on the project count and are undecided."""

    objection: str
    project: str
    status: Status
    version: int
    settled: list[str]
    state: str
    waiting: int
    receipt: Receipt


class PublicField(Shape):
    """What a public list says at its head."""

    label: Label
    value: str


class PublicDate(Shape):
    """A date of a public list."""

    label: Label
    due_on: str
    provisional: bool


class PublicList(Shape):
    """A list that the public sees."""

    id: str
    kind: str
    label: Label
    batch: str
    number: int
    version: int
    released_on: str
    header: list[PublicField]
    dates: list[PublicDate]


class PublicLists(Shape):
    """The batch's public lists, the newest first."""

    items: list[PublicList]


class PublicRow(Shape):
    """A project on a public list."""

    position: int
    title: str
    city: str
    city_label: Label
    task: str
    task_title: str | None
    lead: str
    members: list[str]


class PublicListWhole(PublicList):
    """A public list with its rows."""

    invented: bool
    rows: list[PublicRow]
