"""Shapes of acts: on one project, offered, and on many."""

from typing import Any, Literal

from pydantic import Field

from api.shapes.parts import Finding, Label, Receipt, Shape


class CheckpointChange(Shape):
    """A due date set, moved or ended by an act."""

    path: str
    old: Any
    new: Any


class Outcome(Shape):
    """What an act did."""

    project: str
    code: str
    event: str
    from_: str = Field(alias="from")
    to: str
    version: int
    awaiting_second_person: bool
    overridden: list[str]
    findings: list[Finding]
    checkpoints: list[CheckpointChange]
    receipt: Receipt | None


class DryRun(Shape):
    """What the door would decide; nothing was written."""

    dry_run: Literal[True]
    allowed: bool
    project: str
    event: str
    version: int
    from_: str = Field(alias="from")
    to: str | None
    awaiting_second_person: bool
    overridden: list[str]
    findings: list[Finding]


class NeededField(Shape):
    """A field that an act takes. Money is integer fen; a score is a text."""

    name: str
    required: bool
    label: Label
    type: Literal["text", "date", "money", "integer", "score", "boolean", "codes", "checks"]
    values: list[str]
    minimum: int | None
    maximum: int | None


class NeededDocument(Shape):
    """A document that an act takes."""

    kind: str
    required: bool
    label: Label


class Needs(Shape):
    """What an act takes; `not_by` names acts whose doer may not do this one."""

    fields: list[NeededField]
    documents: list[NeededDocument]
    reason: bool
    persons: int
    not_by: list[str]
    bulk: bool


class Offer(Shape):
    """One act of the lifecycle as it stands for the caller now."""

    event: str
    label: Label
    status: Literal["ready", "needs_input", "blocked", "not_permitted", "not_in_state"]
    to: str | None
    needs: Needs | None
    findings: list[Finding]


class Offers(Shape):
    """All acts of a project's lifecycle."""

    project: str
    code: str
    version: int
    state: str
    state_label: Label
    awaiting_second_person: str | None
    offers: list[Offer]


class CapacityMove(Shape):
    """What a bulk act takes of a capacity."""

    pool: str
    key: str
    ceiling: int | None
    used: int
    change: int
    left: int | None


class BulkRow(Shape):
    """One project of a bulk act."""

    project: str
    code: str
    title: str
    city: str
    version: int
    event: str
    from_: str = Field(alias="from")
    to: str | None
    allowed: bool
    overridden: list[str]
    refusals: list[Finding]


class BulkPreview(Shape):
    """What a bulk act would do; `digest` commits exactly this."""

    event: str
    batch: str
    digest: str
    counts: dict[str, int]
    by_city: dict[str, dict[str, int]]
    capacities: list[CapacityMove]
    rows: list[BulkRow]


class Moved(Shape):
    """A project that a bulk act moved."""

    project: str
    state: str
    version: int


class BulkOutcome(Shape):
    """What a bulk act did; `left` were blocked and stay as they were."""

    event: str
    batch: str
    moved: list[Moved]
    left: int
    receipts: list[Receipt]
