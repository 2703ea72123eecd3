"""People and the keys they sign in with, and the answers already given to their requests."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from lifecycle.tables.types import Identifier, Json, UTCDateTime, column


class Person(SQLModel, table=True):
    """Someone who acts. The name stays here; the log knows the id."""

    __tablename__ = "person"
    __table_args__ = (sa.Index(None, "city"), sa.Index(None, "unit"))

    id: str = Field(sa_column=column(Identifier, primary_key=True))
    login: str = Field(sa_column=column(sa.String(64), unique=True))
    name: str = Field(sa_column=column(sa.String(100)))
    role: str = Field(sa_column=column(sa.String(32)))
    city: str | None = Field(sa_column=column(sa.String(6), nullable=True))
    unit: str | None = Field(sa_column=column(sa.String(18), nullable=True))
    group_name: str | None = Field(default=None, sa_column=column(sa.String(200), nullable=True))  # of an expert's unit
    active: bool = Field(sa_column=column(sa.Boolean))
    version: int = Field(sa_column=column(sa.BigInteger))
    head_seq: int = Field(sa_column=column(sa.BigInteger))
    head_hash: bytes = Field(sa_column=column(sa.LargeBinary))
    created_at: datetime = Field(sa_column=column(UTCDateTime))


class Token(SQLModel, table=True):
    """A bearer token, as its SHA-256 only."""

    __tablename__ = "token"

    hash: str = Field(sa_column=column(sa.String(64), primary_key=True))
    id: str = Field(sa_column=column(Identifier, unique=True))
    person_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("person.id"), index=True))
    label: str = Field(sa_column=column(sa.String(100)))
    created_at: datetime = Field(sa_column=column(UTCDateTime))
    expires_at: datetime | None = Field(sa_column=column(UTCDateTime, nullable=True))
    revoked_at: datetime | None = Field(sa_column=column(UTCDateTime, nullable=True))


class Answer(SQLModel, table=True):
    """The first answer to a request that named an Idempotency-Key."""

    __tablename__ = "answer"

    actor: str = Field(sa_column=column(sa.String(120), primary_key=True))
    key: str = Field(sa_column=column(sa.String(200), primary_key=True))
    request_hash: str = Field(sa_column=column(sa.String(64)))
    answer: Any = Field(sa_column=column(Json))
    at: datetime = Field(sa_column=column(UTCDateTime))
