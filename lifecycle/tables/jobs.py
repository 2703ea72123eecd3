"""The clock's jobs: when each last ran, and how it went; and what one of them found to differ from the log."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from lifecycle.tables.types import Json, UTCDateTime, column


class Job(SQLModel, table=True):
    """A job of the scheduler, whatever the number of processes; `succeeded_at` tells whether it is late."""

    __tablename__ = "job"

    name: str = Field(sa_column=column(sa.String(40), primary_key=True))
    every_seconds: int = Field(sa_column=column(sa.Integer))
    runs: int = Field(sa_column=column(sa.BigInteger))
    failures: int = Field(sa_column=column(sa.BigInteger))
    started_at: datetime | None = Field(sa_column=column(UTCDateTime, nullable=True))
    succeeded_at: datetime | None = Field(sa_column=column(UTCDateTime, nullable=True))
    failed_at: datetime | None = Field(sa_column=column(UTCDateTime, nullable=True))
    last_error: str | None = Field(sa_column=column(sa.String(300), nullable=True))
    last_ms: int | None = Field(sa_column=column(sa.Integer, nullable=True))
    cursor: Any = Field(sa_column=column(Json, nullable=True))  # where a job that goes in steps is to go on


class Drift(SQLModel, table=True):
    """What does not agree with the log at present: a project or a programme's counters, and the places by name."""

    __tablename__ = "drift"

    subject: str = Field(sa_column=column(sa.String(120), primary_key=True))
    places: Any = Field(sa_column=column(Json))
    found_at: datetime = Field(sa_column=column(UTCDateTime))
