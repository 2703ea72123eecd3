"""The clock's jobs: when each last ran, and how it went."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from lifecycle.tables.types import UTCDateTime, column


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
