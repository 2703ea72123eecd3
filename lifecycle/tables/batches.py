"""A batch and its data: pinned rule versions, tasks, capacities, earlier shortlists."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from lifecycle.tables.types import Identifier, UTCDateTime, column


class Rulebook(SQLModel, table=True):
    """The text of a definition, policy, calendar or reminder plan, by its SHA-256: what things are pinned to."""

    __tablename__ = "rulebook"
    __table_args__ = (sa.CheckConstraint("kind IN ('definition','policy','calendar','reminders')", "kind"),)

    hash: str = Field(sa_column=column(sa.String(64), primary_key=True))
    kind: str = Field(sa_column=column(sa.String(16)))
    name: str = Field(sa_column=column(sa.String(120)))
    body: str = Field(sa_column=column(sa.Text))
    added_at: datetime = Field(sa_column=column(UTCDateTime))


class Batch(SQLModel, table=True):
    """A batch of a programme, with the versions that its new projects begin with and the head of its stream."""

    __tablename__ = "batch"

    id: str = Field(sa_column=column(Identifier, primary_key=True))
    code: str = Field(sa_column=column(sa.String(64), unique=True))
    title: str = Field(sa_column=column(sa.String(200)))
    programme: str = Field(sa_column=column(sa.String(64)))
    definition_hash: str = Field(sa_column=column(sa.String(64), sa.ForeignKey("rulebook.hash")))
    policy_hash: str = Field(sa_column=column(sa.String(64), sa.ForeignKey("rulebook.hash")))
    calendar_hash: str | None = Field(
        default=None, sa_column=column(sa.String(64), sa.ForeignKey("rulebook.hash"), nullable=True)
    )
    reminders_hash: str | None = Field(
        default=None, sa_column=column(sa.String(64), sa.ForeignKey("rulebook.hash"), nullable=True)
    )  # None: the plan that comes with the definition
    calendar_applied: str | None = Field(default=None, sa_column=column(sa.String(200), nullable=True))
    invented: bool = Field(default=False, sa_column=column(sa.Boolean))  # demonstration data
    last_number: int = Field(default=0, sa_column=column(sa.Integer))  # of the project codes given out
    version: int = Field(default=1, sa_column=column(sa.BigInteger))
    head_seq: int = Field(default=0, sa_column=column(sa.BigInteger))
    head_hash: bytes = Field(sa_column=column(sa.LargeBinary))
    created_at: datetime = Field(sa_column=column(UTCDateTime))


class Task(SQLModel, table=True):
    """A task of the batch's task list 榜单."""

    __tablename__ = "task"

    batch_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("batch.id"), primary_key=True))
    code: str = Field(sa_column=column(sa.String(64), primary_key=True))
    title: str = Field(sa_column=column(sa.String(300)))
    category: str | None = Field(default=None, sa_column=column(sa.String(200), nullable=True))


class Capacity(SQLModel, table=True):
    """How much of something limited is held. `scope` is a batch's id or a programme's code."""

    __tablename__ = "capacity"
    __table_args__ = (sa.CheckConstraint("used >= 0", "used"),)

    scope: str = Field(sa_column=column(sa.String(64), primary_key=True))
    pool: str = Field(sa_column=column(sa.String(64), primary_key=True))
    key: str = Field(sa_column=column(sa.String(200), primary_key=True))
    ceiling: int | None = Field(default=None, sa_column=column(sa.BigInteger, nullable=True))  # where imported
    used: int = Field(default=0, sa_column=column(sa.BigInteger))


class Shortlisted(SQLModel, table=True):
    """A unit on an earlier batch's shortlist (R06)."""

    __tablename__ = "shortlisted"

    programme: str = Field(sa_column=column(sa.String(64), primary_key=True))
    credit_code: str = Field(sa_column=column(sa.String(18), primary_key=True))
    unit: str = Field(sa_column=column(sa.String(200)))
    batch_label: str | None = Field(default=None, sa_column=column(sa.String(100), nullable=True))
