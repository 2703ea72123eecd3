"""A project: its state and version, what was filed, what acts put on record, and the head of its stream."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from lifecycle.tables.types import Identifier, Json, UTCDateTime, column


class Project(SQLModel, table=True):
    """One project. Only `lifecycle.transition` writes `state`."""

    __tablename__ = "project"
    __table_args__ = (
        sa.UniqueConstraint("batch_id", "code"),
        sa.Index(None, "batch_id", "city", "state"),
    )

    id: str = Field(sa_column=column(Identifier, primary_key=True))
    batch_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("batch.id")))
    code: str = Field(sa_column=column(sa.String(64)))
    state: str = Field(sa_column=column(sa.String(64)))
    version: int = Field(sa_column=column(sa.BigInteger))
    left_state: str | None = Field(sa_column=column(sa.String(64), nullable=True))
    entered_on: date = Field(sa_column=column(sa.Date))
    definition_hash: str = Field(sa_column=column(sa.String(64), sa.ForeignKey("rulebook.hash")))
    policy_hash: str = Field(sa_column=column(sa.String(64), sa.ForeignKey("rulebook.hash")))

    title: str = Field(sa_column=column(sa.String(300)))
    city: str = Field(sa_column=column(sa.String(6)))
    task_code: str = Field(sa_column=column(sa.String(64)))
    ownership: str = Field(sa_column=column(sa.String(64)))
    group_name: str | None = Field(sa_column=column(sa.String(200), nullable=True))
    lead_code: str = Field(sa_column=column(sa.String(18)))
    lead_name: str = Field(sa_column=column(sa.String(200)))
    members: Any = Field(sa_column=column(Json))
    investment_fen: int = Field(sa_column=column(sa.BigInteger))
    starts_on: date | None = Field(sa_column=column(sa.Date, nullable=True))
    ends_on: date | None = Field(sa_column=column(sa.Date, nullable=True))
    filed_rank: int | None = Field(sa_column=column(sa.Integer, nullable=True))
    opinion: str | None = Field(sa_column=column(sa.Text, nullable=True))
    remarks: str | None = Field(sa_column=column(sa.Text, nullable=True))
    contact_name: str | None = Field(sa_column=column(sa.String(100), nullable=True))
    contact_phone: str | None = Field(sa_column=column(sa.String(40), nullable=True))
    indicators: Any = Field(sa_column=column(Json, nullable=True))

    record: Any = Field(sa_column=column(Json))
    documents: Any = Field(sa_column=column(Json))
    flags: Any = Field(sa_column=column(Json))
    signers: Any = Field(sa_column=column(Json))
    deadlines: Any = Field(sa_column=column(Json, server_default="{}"))  # number -> a deadline added by hand
    responsible: Any = Field(sa_column=column(Json, server_default="{}"))  # role -> id of the person in charge
    lists: Any = Field(sa_column=column(Json, server_default="{}"))  # of actual investment: numbers and totals
    pending: Any = Field(sa_column=column(Json, nullable=True))
    plan: Any = Field(sa_column=column(Json))  # its open checkpoints, so that one locked read brings them

    head_seq: int = Field(sa_column=column(sa.BigInteger))
    head_hash: bytes = Field(sa_column=column(sa.LargeBinary))
    created_at: datetime = Field(sa_column=column(UTCDateTime))
    changed_at: datetime = Field(sa_column=column(UTCDateTime))


class Membership(SQLModel, table=True):
    """A unit's place in a project, for looking projects up by unit."""

    __tablename__ = "membership"
    __table_args__ = (sa.Index(None, "credit_code"),)

    project_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("project.id"), primary_key=True))
    position: int = Field(sa_column=column(sa.Integer, primary_key=True))
    credit_code: str = Field(sa_column=column(sa.String(18)))
