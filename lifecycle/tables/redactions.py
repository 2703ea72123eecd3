"""Redactions: proposed by one person, approved by another; and which disclosures went by which of them."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from lifecycle.tables.types import Identifier, Json, UTCDateTime, column


class Redaction(SQLModel, table=True):
    """A redaction and where it stands. `items` are chosen disclosures; `person` is somebody of whom all goes.

    `erase`: the values go from the live rows too, where these still hold them.
    """

    __tablename__ = "redaction"
    __table_args__ = (sa.CheckConstraint("status IN ('proposed','withdrawn','done')", "status"),)

    id: str = Field(sa_column=column(Identifier, primary_key=True))
    status: str = Field(sa_column=column(sa.String(16)))
    person: str | None = Field(sa_column=column(sa.String(120), nullable=True))
    items: Any = Field(sa_column=column(Json))  # [entry, path] each
    erase: bool = Field(sa_column=column(sa.Boolean))
    reason: str = Field(sa_column=column(sa.Text))
    proposed_by: str = Field(sa_column=column(sa.String(120)))
    proposed_at: datetime = Field(sa_column=column(UTCDateTime))
    settled_by: str | None = Field(sa_column=column(sa.String(120), nullable=True))
    settled_at: datetime | None = Field(sa_column=column(UTCDateTime, nullable=True))
    number: int | None = Field(sa_column=column(sa.Integer, nullable=True))  # of disclosures that went


class Redacted(SQLModel, table=True):
    """A disclosure that went by a redaction: beside the entry that says so, for looking up."""

    __tablename__ = "redacted"

    entry_id: str = Field(sa_column=column(Identifier, primary_key=True))
    path: str = Field(sa_column=column(sa.String(200), primary_key=True))
    redaction_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("redaction.id")))
