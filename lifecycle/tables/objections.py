"""Objections 异议: what was received against a project in publicity, whether it counts, and what was found."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from lifecycle.tables.types import Identifier, Json, UTCDateTime, column


class Objection(SQLModel, table=True):
    """An objection, in form or not. It counts while it is `open`, and holds its own project only.

    `fields` and `documents` are those of the act by which the project learns of it; the objector's own lie in the log
    under a key of that objection, so that they can be redacted on their own.
    """

    __tablename__ = "objection"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "number"),
        sa.CheckConstraint("status IN ('received','open','dismissed','rejected','upheld','settled')", "status"),
        sa.Index(None, "batch_id", "status"),
    )

    id: str = Field(sa_column=column(Identifier, primary_key=True))
    batch_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("batch.id")))
    project_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("project.id")))
    number: int = Field(sa_column=column(sa.Integer))
    status: str = Field(sa_column=column(sa.String(16)))
    fields: Any = Field(sa_column=column(Json))
    documents: Any = Field(sa_column=column(Json))
    findings: Any = Field(sa_column=column(Json))  # of the form: each check, met or not
    due_on: date | None = Field(sa_column=column(sa.Date, nullable=True))  # of the finding, once it counts
    provisional: bool = Field(sa_column=column(sa.Boolean))
    finding: str | None = Field(sa_column=column(sa.Text, nullable=True))
    version: int = Field(sa_column=column(sa.BigInteger))
    head_seq: int = Field(sa_column=column(sa.BigInteger))
    head_hash: bytes = Field(sa_column=column(sa.LargeBinary))
    created_at: datetime = Field(sa_column=column(UTCDateTime))
    created_by: str = Field(sa_column=column(sa.String(120)))
    changed_at: datetime = Field(sa_column=column(UTCDateTime))
