"""Dockets 办理清单: what is decided and released as a set, and the projects on each."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from lifecycle.tables.types import Identifier, Json, UTCDateTime, column


class Docket(SQLModel, table=True):
    """A docket: what holds for all its items, where it stands, and the head of its stream.

    `city` is empty where the docket is the whole batch's; `number` counts within batch, kind and city. `version` is
    that of what people see: an attempt that failed moves the head alone.
    """

    __tablename__ = "docket"
    __table_args__ = (
        sa.UniqueConstraint("batch_id", "kind", "city", "number"),
        sa.CheckConstraint("status IN ('draft','released','received','returned','withdrawn')", "status"),
    )

    id: str = Field(sa_column=column(Identifier, primary_key=True))
    batch_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("batch.id")))
    kind: str = Field(sa_column=column(sa.String(64)))
    city: str = Field(sa_column=column(sa.String(6)))
    number: int = Field(sa_column=column(sa.Integer))
    status: str = Field(sa_column=column(sa.String(16)))
    header: Any = Field(sa_column=column(Json))  # field -> value, for every item whose act takes it
    documents: Any = Field(sa_column=column(Json))  # kind -> id, sha256, size, version
    note: str | None = Field(sa_column=column(sa.Text, nullable=True))
    receipt: Any = Field(sa_column=column(Json, nullable=True))  # by whom it was received, when, and what came
    signed: Any = Field(sa_column=column(Json, nullable=True))  # by the first of two persons, when, and over what
    version: int = Field(sa_column=column(sa.BigInteger))
    head_seq: int = Field(sa_column=column(sa.BigInteger))
    head_hash: bytes = Field(sa_column=column(sa.LargeBinary))
    created_at: datetime = Field(sa_column=column(UTCDateTime))
    created_by: str = Field(sa_column=column(sa.String(120)))
    changed_at: datetime = Field(sa_column=column(UTCDateTime))
    released_at: datetime | None = Field(sa_column=column(UTCDateTime, nullable=True))


class DocketItem(SQLModel, table=True):
    """A project on a docket: the act asked for, what is its own, and what came of it.

    `draft_of` is the docket's kind while that is a draft, else empty: a project is in one draft of a kind at most.
    """

    __tablename__ = "docket_item"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "draft_of"),
        sa.Index(None, "project_id"),
    )

    docket_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("docket.id"), primary_key=True))
    project_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("project.id"), primary_key=True))
    position: int = Field(sa_column=column(sa.Integer))
    event: str = Field(sa_column=column(sa.String(64)))
    fields: Any = Field(sa_column=column(Json))
    documents: Any = Field(sa_column=column(Json))
    note: str | None = Field(sa_column=column(sa.Text, nullable=True))
    draft_of: str | None = Field(sa_column=column(sa.String(64), nullable=True))
    outcome: Any = Field(sa_column=column(Json, nullable=True))  # state and version, or what blocked it
