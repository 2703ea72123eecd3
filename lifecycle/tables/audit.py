"""The audit log's tables: entries and what the sealer has still to take, disclosures, keys of persons, stream heads."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from lifecycle.tables.types import Identifier, Json, UTCDateTime, column


class Entry(SQLModel, table=True):
    """One log entry. `body` is what counts; the other columns are projections of it, for search only."""

    __tablename__ = "entry"
    __table_args__ = (
        sa.UniqueConstraint("stream", "seq"),
        sa.CheckConstraint("outcome IN ('success','denied','failed')", "outcome"),
    )

    id: str = Field(sa_column=column(Identifier, primary_key=True))
    stream: str = Field(sa_column=column(sa.String(120)))
    seq: int = Field(sa_column=column(sa.BigInteger))
    body: bytes = Field(sa_column=column(sa.LargeBinary))
    leaf: bytes = Field(sa_column=column(sa.LargeBinary))
    signature: bytes = Field(sa_column=column(sa.LargeBinary))
    key_id: str = Field(sa_column=column(sa.String(16)))
    at: datetime = Field(sa_column=column(UTCDateTime))
    type: str = Field(sa_column=column(sa.String(64)))
    outcome: str = Field(sa_column=column(sa.String(8)))
    actor: str = Field(sa_column=column(sa.String(120)))
    action: str | None = Field(sa_column=column(sa.String(64), nullable=True))


class Pending(SQLModel, table=True):
    """An entry that is not in the tree yet; a trigger puts it here, the sealer takes it away."""

    __tablename__ = "pending"

    entry_id: str = Field(sa_column=column(Identifier, primary_key=True))


class Disclosure(SQLModel, table=True):
    """The value behind a commitment in an entry, and its salt; redaction deletes the row."""

    __tablename__ = "disclosure"
    __table_args__ = (sa.Index(None, "person"),)

    entry_id: str = Field(sa_column=column(Identifier, primary_key=True))
    path: str = Field(sa_column=column(sa.String(200), primary_key=True))
    person: str = Field(sa_column=column(sa.String(120)))
    salt: bytes = Field(sa_column=column(sa.LargeBinary))
    value: Any = Field(sa_column=column(Json))


class PersonKey(SQLModel, table=True):
    """The key that salts one person's values; destroyed when the person's data are."""

    __tablename__ = "person_key"

    person: str = Field(sa_column=column(sa.String(120), primary_key=True))
    key: bytes = Field(sa_column=column(sa.LargeBinary))


class StreamHead(SQLModel, table=True):
    """The head of a stream that has no row of its own: `system/…` and `audit`."""

    __tablename__ = "stream_head"

    stream: str = Field(sa_column=column(sa.String(120), primary_key=True))
    head_seq: int = Field(sa_column=column(sa.BigInteger))
    head_hash: bytes = Field(sa_column=column(sa.LargeBinary))
