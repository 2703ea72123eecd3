"""Checkpoints: the dates that a project must keep, as rows."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from lifecycle.tables.types import Identifier, UTCDateTime, column

OPEN = sa.text("status = 'open'")


class Checkpoint(SQLModel, table=True):
    """A due date. `version` is the project's version that opened it: a re-armed one is never the old one.

    `next_at` is the instant from which its reminders have still to be looked at, None once there are no more: opened
    with `opened_at`, moved on by the sweep, so that a tick reads only what is due. `replaces` is the row whose date
    this one supersedes.
    """

    __tablename__ = "checkpoint"
    __table_args__ = (
        sa.CheckConstraint("status IN ('open','closed','superseded')", "status"),
        sa.Index("ix_checkpoint_due", "due_at", "id", postgresql_where=OPEN, sqlite_where=OPEN),
        sa.Index("ix_checkpoint_of_project", "project_id", postgresql_where=OPEN, sqlite_where=OPEN),
        sa.Index("ix_checkpoint_of_batch", "batch_id", "due_at", "id", postgresql_where=OPEN, sqlite_where=OPEN),
        sa.Index("ix_checkpoint_next", "next_at", "id", postgresql_where=OPEN, sqlite_where=OPEN),
    )

    id: str = Field(sa_column=column(Identifier, primary_key=True))
    project_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("project.id")))
    batch_id: str = Field(sa_column=column(Identifier))  # the project's: its foreign key is enough
    kind: str = Field(sa_column=column(sa.String(64)))
    number: int = Field(sa_column=column(sa.Integer))
    version: int = Field(sa_column=column(sa.BigInteger))
    due_on: date = Field(sa_column=column(sa.Date))
    computed_on: date = Field(sa_column=column(sa.Date))
    due_at: datetime = Field(sa_column=column(UTCDateTime))
    zone: str = Field(sa_column=column(sa.String(40)))
    calendar: str = Field(sa_column=column(sa.String(120)))
    provisional: bool = Field(sa_column=column(sa.Boolean))
    status: str = Field(sa_column=column(sa.String(16)))
    reason: str | None = Field(sa_column=column(sa.String(200), nullable=True))
    opened_at: datetime = Field(sa_column=column(UTCDateTime))
    next_at: datetime | None = Field(sa_column=column(UTCDateTime, nullable=True))
    replaces: str | None = Field(sa_column=column(Identifier, nullable=True))
    ended_at: datetime | None = Field(sa_column=column(UTCDateTime, nullable=True))
