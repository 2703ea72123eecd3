"""The seal's tables: leaves of the tree, roots of its tiles, and how far each stream is sealed."""

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from lifecycle.tables.types import Identifier, column


class Leaf(SQLModel, table=True):
    """An entry's place in the tree, common to all suites, and its SHA-256 leaf hash. Append-only."""

    __tablename__ = "leaf"
    __table_args__ = (sa.UniqueConstraint("entry_id"),)

    index: int = Field(sa_column=column(sa.BigInteger, primary_key=True, autoincrement=False))
    entry_id: str = Field(sa_column=column(Identifier))
    hash: bytes = Field(sa_column=column(sa.LargeBinary))


class Node(SQLModel, table=True):
    """The root of 256^level leaves: level 1 and up of every suite, and level 0 of the others than SHA-256. Append-only.

    What lies between two levels is hashed again when it is needed: at most 255 nodes of a tile.
    """

    __tablename__ = "node"

    suite: str = Field(sa_column=column(sa.String(8), primary_key=True))
    level: int = Field(sa_column=column(sa.SmallInteger, primary_key=True, autoincrement=False))
    index: int = Field(sa_column=column(sa.BigInteger, primary_key=True, autoincrement=False))
    hash: bytes = Field(sa_column=column(sa.LargeBinary))


class SealedStream(SQLModel, table=True):
    """The last sealed entry of a stream: what the next one must continue."""

    __tablename__ = "sealed_stream"

    stream: str = Field(sa_column=column(sa.String(120), primary_key=True))
    seq: int = Field(sa_column=column(sa.BigInteger))
    hash: bytes = Field(sa_column=column(sa.LargeBinary))
