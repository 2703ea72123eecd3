"""Stored files by content, and the documents that they are versions of."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from lifecycle.tables.types import Identifier, UTCDateTime, column


class File(SQLModel, table=True):
    """Content that lies in the file store under its SHA-256. `leaving`: a sweep is about to remove it."""

    __tablename__ = "file"

    sha256: str = Field(sa_column=column(sa.String(64), primary_key=True))
    size: int = Field(sa_column=column(sa.BigInteger))
    format: str = Field(sa_column=column(sa.String(16)))
    arrived_at: datetime = Field(sa_column=column(UTCDateTime))  # last brought in: what is young is not swept
    leaving: bool = Field(sa_column=column(sa.Boolean))


class Document(SQLModel, table=True):
    """One version of a document: of what subject, kind and stage it is, who brought it, which file it is. Append-only.

    `city`: whose it is where the subject is a batch; of a project's documents, None.
    """

    __tablename__ = "document"
    __table_args__ = (sa.Index(None, "subject_id", "kind"), sa.Index(None, "sha256"))

    id: str = Field(sa_column=column(Identifier, primary_key=True))
    version: int = Field(sa_column=column(sa.Integer, primary_key=True, autoincrement=False))
    batch_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("batch.id")))
    subject_kind: str = Field(sa_column=column(sa.String(16)))
    subject_id: str = Field(sa_column=column(Identifier))
    city: str | None = Field(sa_column=column(sa.String(6), nullable=True))
    stage: str = Field(sa_column=column(sa.String(64)))
    kind: str = Field(sa_column=column(sa.String(64)))
    sha256: str = Field(sa_column=column(sa.String(64), sa.ForeignKey("file.sha256")))
    name: str = Field(sa_column=column(sa.String(200)))
    stored_by: str = Field(sa_column=column(sa.String(120)))
    role: str = Field(sa_column=column(sa.String(32)))
    stored_at: datetime = Field(sa_column=column(UTCDateTime))
