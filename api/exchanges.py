"""Shapes of answers about many projects at once: bulk acts and imports."""

from typing import Any

from pydantic import Field

from api.shapes import Finding, Label, Receipt, Shape


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


class Cell(Shape):
    """A fault, or a warning, at a cell of a workbook."""

    sheet: str
    row: int
    column: str
    header: str
    code: str
    message: Label
    value: str


class ImportPreview(Shape):
    """What a workbook holds; `digest` enters exactly this file."""

    kind: str
    batch: str
    sheet: str
    ready: bool
    digest: str
    counts: dict[str, int]
    by_city: dict[str, int]
    errors: list[Cell]
    warnings: list[Cell]
    rows: list[dict[str, Any]]


class Imported(Shape):
    """What an import entered."""

    kind: str
    batch: str
    rows: int
    projects: list[dict[str, str]]
    receipt: Receipt
