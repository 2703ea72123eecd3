"""Lists of actual investment: each version with its lines or verdicts, and the invoices that stand in present lists."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from lifecycle.tables.types import Identifier, UTCDateTime, column


class InvestmentList(SQLModel, table=True):
    """One version of a round's list: what was claimed, or what was verified of the claim numbered `basis`.

    Never changed: a correction is the next version. `digest` is in the log, `words` (of free text) as a commitment.
    """

    __tablename__ = "investment_list"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "round", "kind", "number"),
        sa.CheckConstraint("kind IN ('claimed','verified')", "kind"),
    )

    id: str = Field(sa_column=column(Identifier, primary_key=True))
    project_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("project.id")))
    round: str = Field(sa_column=column(sa.String(64)))
    kind: str = Field(sa_column=column(sa.String(8)))
    number: int = Field(sa_column=column(sa.Integer))
    basis: int | None = Field(sa_column=column(sa.Integer, nullable=True))
    lines: int = Field(sa_column=column(sa.Integer))
    total_fen: int = Field(sa_column=column(sa.BigInteger))
    digest: str = Field(sa_column=column(sa.String(64)))
    words: str | None = Field(sa_column=column(sa.String(64), nullable=True))
    by: str = Field(sa_column=column(sa.String(64)))
    role: str = Field(sa_column=column(sa.String(64)))
    at: datetime = Field(sa_column=column(UTCDateTime))


class InvestmentLine(SQLModel, table=True):
    """One line of a claimed list."""

    __tablename__ = "investment_line"

    list_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("investment_list.id"), primary_key=True))
    position: int = Field(sa_column=column(sa.Integer, primary_key=True))
    item: str = Field(sa_column=column(sa.String(200)))
    payee: str = Field(sa_column=column(sa.String(200)))
    contract_number: str = Field(sa_column=column(sa.String(64)))
    invoice_number: str = Field(sa_column=column(sa.String(64)))
    invoice_on: date = Field(sa_column=column(sa.Date))
    invoice_fen: int = Field(sa_column=column(sa.BigInteger))
    payment_number: str = Field(sa_column=column(sa.String(64)))
    paid_on: date = Field(sa_column=column(sa.Date))
    paid_fen: int = Field(sa_column=column(sa.BigInteger))
    claimed_fen: int = Field(sa_column=column(sa.BigInteger))
    category: str | None = Field(sa_column=column(sa.String(64), nullable=True))
    contract_on: date | None = Field(sa_column=column(sa.Date, nullable=True))
    remarks: str | None = Field(sa_column=column(sa.String(500), nullable=True))


class InvestmentVerdict(SQLModel, table=True):
    """What was verified of one line, and why it is less than was claimed."""

    __tablename__ = "investment_verdict"

    list_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("investment_list.id"), primary_key=True))
    position: int = Field(sa_column=column(sa.Integer, primary_key=True))
    verified_fen: int = Field(sa_column=column(sa.BigInteger))
    reason: str | None = Field(sa_column=column(sa.String(500), nullable=True))


class ClaimedInvoice(SQLModel, table=True):
    """An invoice in the present list of a project's round, by the number as it is compared."""

    __tablename__ = "claimed_invoice"
    __table_args__ = (sa.Index(None, "programme", "invoice"),)

    project_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("project.id"), primary_key=True))
    round: str = Field(sa_column=column(sa.String(64), primary_key=True))
    position: int = Field(sa_column=column(sa.Integer, primary_key=True))
    programme: str = Field(sa_column=column(sa.String(64)))
    invoice: str = Field(sa_column=column(sa.String(1200)))  # a sign of 64 may stand for eighteen
