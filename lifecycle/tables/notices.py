"""Who is told what, and how it leaves the house: announcements, notices, messages, and people's addresses and feeds."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from lifecycle.tables.types import Identifier, Json, UTCDateTime, column

UNEXPANDED = sa.text("expanded_at IS NULL")
WAITING = sa.text("status = 'waiting' AND message_id IS NULL")
LEAVING = sa.text("status IN ('waiting','sending')")
ACTIVE = sa.text("active")
CHANNELS = ("inbox", "email", "chat", "sms", "webhook")
_CHANNEL = "channel IN ('inbox','email','chat','sms','webhook')"


class Announcement(SQLModel, table=True):
    """Something that happened and that people are to be told, written in the transaction of the act itself.

    `event` is a lifecycle event, or one of ours (`chase`, `assigned`); the sweep expands it into notices.
    """

    __tablename__ = "announcement"
    __table_args__ = (
        sa.Index("ix_announcement_waiting", "at", "id", postgresql_where=UNEXPANDED, sqlite_where=UNEXPANDED),
        sa.Index(None, "project_id", "at"),
        sa.Index(None, "actor", "at"),
    )

    id: str = Field(sa_column=column(Identifier, primary_key=True))
    batch_id: str = Field(sa_column=column(Identifier))
    project_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("project.id")))
    version: int = Field(sa_column=column(sa.BigInteger))  # the project's after the act
    event: str = Field(sa_column=column(sa.String(64)))
    actor: str = Field(sa_column=column(sa.String(120)))
    details: Any = Field(sa_column=column(Json))
    at: datetime = Field(sa_column=column(UTCDateTime))
    expanded_at: datetime | None = Field(sa_column=column(UTCDateTime, nullable=True))


class Notice(SQLModel, table=True):
    """The ledger: one thing that one person is told over one channel, why, and what became of it.

    `cause` is `checkpoint/<id>`, `announcement/<id>` or `test/<id>`; `occasion` what in the series it is (`opened`,
    `moved`, `w-15`, `c-10`, `due`, `late+4`, `esc+3`, `event`). The unique key is what makes a second sweep harmless.
    """

    __tablename__ = "notice"
    __table_args__ = (
        sa.UniqueConstraint("cause", "version", "occasion", "recipient", "channel", name="uq_notice_key"),
        sa.CheckConstraint(_CHANNEL, "channel"),
        sa.CheckConstraint("status IN ('waiting','sent','skipped','cancelled','failed')", "status"),
        sa.Index("ix_notice_waiting", "send_at", "id", postgresql_where=WAITING, sqlite_where=WAITING),
        sa.Index(None, "created_at", "id"),
        sa.Index(None, "project_id", "created_at", "id"),
        sa.Index(None, "recipient", "created_at", "id"),
        sa.Index(None, "batch_id", "created_at", "id"),
        sa.Index(None, "message_id"),
    )

    id: str = Field(sa_column=column(Identifier, primary_key=True))
    batch_id: str = Field(sa_column=column(Identifier))
    project_id: str | None = Field(sa_column=column(Identifier, nullable=True))
    checkpoint_id: str | None = Field(sa_column=column(Identifier, nullable=True))
    cause: str = Field(sa_column=column(sa.String(60)))
    version: int = Field(sa_column=column(sa.BigInteger))  # of the checkpoint, or of the project after the act
    occasion: str = Field(sa_column=column(sa.String(24)))
    kind: str = Field(sa_column=column(sa.String(24)))  # of the text: opened, before, due, late, escalated, chase …
    recipient: str = Field(sa_column=column(Identifier))  # person
    role: str = Field(sa_column=column(sa.String(32)))  # the role in which that person is told
    channel: str = Field(sa_column=column(sa.String(16)))
    planned_at: datetime = Field(sa_column=column(UTCDateTime))
    send_at: datetime = Field(sa_column=column(UTCDateTime))  # not before: quiet hours, digests
    late: bool = Field(sa_column=column(sa.Boolean))
    due_on: date | None = Field(sa_column=column(sa.Date, nullable=True))
    rule: Any = Field(sa_column=column(Json))  # plan, series, calendar, provisional: why it was planned
    status: str = Field(sa_column=column(sa.String(16)))
    reason: str | None = Field(sa_column=column(sa.String(40), nullable=True))
    message_id: str | None = Field(sa_column=column(Identifier, nullable=True))
    created_at: datetime = Field(sa_column=column(UTCDateTime))
    settled_at: datetime | None = Field(sa_column=column(UTCDateTime, nullable=True))
    read_at: datetime | None = Field(sa_column=column(UTCDateTime, nullable=True))


class Message(SQLModel, table=True):
    """The outbox: one message to one address, carrying one or more notices. Its id is the message's outside too.

    `fence` goes up with every claim; who settles with an older one is refused. `tries` lists `{at, result, error}`.
    """

    __tablename__ = "message"
    __table_args__ = (
        sa.CheckConstraint(_CHANNEL, "channel"),
        sa.CheckConstraint("status IN ('waiting','sending','sent','dead','cancelled')", "status"),
        sa.Index("ix_message_leaving", "next_at", "id", postgresql_where=LEAVING, sqlite_where=LEAVING),
        sa.Index(None, "batch_id", "created_at", "id"),
    )

    id: str = Field(sa_column=column(Identifier, primary_key=True))
    batch_id: str = Field(sa_column=column(Identifier))
    recipient: str = Field(sa_column=column(Identifier))
    channel: str = Field(sa_column=column(sa.String(16)))
    address_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("address.id")))
    status: str = Field(sa_column=column(sa.String(16)))
    attempts: int = Field(sa_column=column(sa.Integer))
    fence: int = Field(sa_column=column(sa.BigInteger))
    next_at: datetime = Field(sa_column=column(UTCDateTime))  # when to try; while sending, the end of the lease
    tries: Any = Field(sa_column=column(Json))
    created_at: datetime = Field(sa_column=column(UTCDateTime))
    settled_at: datetime | None = Field(sa_column=column(UTCDateTime, nullable=True))


class Address(SQLModel, table=True):
    """Where a person is reached over a channel: a mail address, an apprise URL or a webhook's URL with its secret."""

    __tablename__ = "address"
    __table_args__ = (
        sa.CheckConstraint(_CHANNEL, "channel"),
        sa.Index(
            "uq_address_active",
            "person_id",
            "channel",
            unique=True,
            postgresql_where=ACTIVE,
            sqlite_where=ACTIVE,
        ),
    )

    id: str = Field(sa_column=column(Identifier, primary_key=True))
    person_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("person.id")))
    channel: str = Field(sa_column=column(sa.String(16)))
    target: str = Field(sa_column=column(sa.String(1000)))
    secret: str | None = Field(sa_column=column(sa.String(200), nullable=True))
    digest: bool = Field(sa_column=column(sa.Boolean))  # the quiet choice: one message a day
    active: bool = Field(sa_column=column(sa.Boolean))
    failures: int = Field(sa_column=column(sa.Integer))  # in a row
    last_error: str | None = Field(sa_column=column(sa.String(300), nullable=True))
    created_at: datetime = Field(sa_column=column(UTCDateTime))
    ended_at: datetime | None = Field(sa_column=column(UTCDateTime, nullable=True))


class Feed(SQLModel, table=True):
    """A calendar feed's private token, as its SHA-256 only."""

    __tablename__ = "feed"

    hash: str = Field(sa_column=column(sa.String(64), primary_key=True))
    id: str = Field(sa_column=column(Identifier, unique=True))
    person_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("person.id"), index=True))
    batch_id: str | None = Field(sa_column=column(Identifier, sa.ForeignKey("batch.id"), nullable=True))
    label: str = Field(sa_column=column(sa.String(100)))
    created_at: datetime = Field(sa_column=column(UTCDateTime))
    revoked_at: datetime | None = Field(sa_column=column(UTCDateTime, nullable=True))
