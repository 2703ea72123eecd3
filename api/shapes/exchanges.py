"""Shapes of imports."""

from typing import Any

from api.shapes.parts import Label, Receipt, Shape


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
    receipts: list[Receipt] | None = None  # of all entries, where they are more than headers carry
