"""Shapes of lists of actual investment."""

from typing import Any

from api.shapes.exchanges import Cell
from api.shapes.parts import Label, Receipt, Shape


class Kept(Shape):
    """A version of a list as it was just kept."""

    project: str
    code: str
    version: int
    round: str
    kind: str
    number: int
    lines: int
    total_fen: int
    sha256: str
    receipt: Receipt


class Flag(Shape):
    """Another place at which the invoice stands; which one is told only to who reaches it."""

    kind: str
    project: str | None
    round: str | None
    line: int | None


class PaymentLine(Shape):
    """One line with what was verified of it."""

    line: int
    item: str
    payee: str
    contract_number: str
    contract_on: str | None
    invoice_number: str
    invoice_on: str
    invoice_fen: int
    payment_number: str
    paid_on: str
    paid_fen: int
    claimed_fen: int
    category: str | None
    remarks: str | None
    verified_fen: int | None
    reason: str | None
    flags: list[Flag]


class ListVersion(Shape):
    """One version of a list."""

    kind: str
    number: int
    basis: int | None
    lines: int
    total_fen: int
    digest: str
    by: str
    role: str
    at: str


class Window(Shape):
    """The implementation period as it stands."""

    starts_on: str | None
    ends_on: str | None


class ListWhole(Shape):
    """A round's list."""

    project: str
    code: str
    version: int
    round: str
    label: Label
    number: int
    present: bool
    verified_number: int
    last_verified: int
    window: Window
    claimed_fen: int
    verified_fen: int | None
    flagged: int
    lines: list[PaymentLine]
    versions: list[ListVersion]


class ClaimPreview(Shape):
    """What a workbook would claim; `digest` claims exactly this file."""

    project: str
    round: str
    sheet: str
    ready: bool
    digest: str
    counts: dict[str, int]
    total_fen: int
    errors: list[Cell]
    warnings: list[Cell]
    lines: list[dict[str, Any]]


class InvoicePlace(Shape):
    """Where an invoice stands."""

    project: str
    round: str
    line: int


class Doubled(Shape):
    """An invoice that two projects claim."""

    invoice: str
    here: InvoicePlace
    there: InvoicePlace
