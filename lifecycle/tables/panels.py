"""Panels of experts: who is on them, what they were given, conflicts declared, score sheets, sessions, results."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from lifecycle.tables.types import Identifier, Json, UTCDateTime, column


class Panel(SQLModel, table=True):
    """A panel of one purpose, for a batch or one of its tasks. `setting` is the batch's as it was at its founding."""

    __tablename__ = "panel"
    __table_args__ = (
        sa.UniqueConstraint("batch_id", "number"),
        sa.CheckConstraint("status IN ('preparing','scoring','concluded')", "status"),
    )

    id: str = Field(sa_column=column(Identifier, primary_key=True))
    batch_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("batch.id")))
    number: int = Field(sa_column=column(sa.Integer))
    purpose: str = Field(sa_column=column(sa.String(64)))
    title: str = Field(sa_column=column(sa.String(100)))
    task_code: str | None = Field(sa_column=column(sa.String(64), nullable=True))
    status: str = Field(sa_column=column(sa.String(16)))
    setting: Any = Field(sa_column=column(Json))
    seed: int | None = Field(sa_column=column(sa.BigInteger, nullable=True))  # of the last balanced assignment
    due_on: date | None = Field(sa_column=column(sa.Date, nullable=True))  # by when sheets are to be submitted
    version: int = Field(sa_column=column(sa.BigInteger))
    head_seq: int = Field(sa_column=column(sa.BigInteger))
    head_hash: bytes = Field(sa_column=column(sa.LargeBinary))
    created_at: datetime = Field(sa_column=column(UTCDateTime))
    created_by: str = Field(sa_column=column(sa.String(120)))
    changed_at: datetime = Field(sa_column=column(UTCDateTime))


class PanelExpert(SQLModel, table=True):
    """An expert on a panel; without a declaration nothing of the projects' papers is shown."""

    __tablename__ = "panel_expert"
    __table_args__ = (sa.Index(None, "person_id"),)

    panel_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("panel.id"), primary_key=True))
    person_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("person.id"), primary_key=True))
    chair: bool = Field(sa_column=column(sa.Boolean))
    declared_at: datetime | None = Field(sa_column=column(UTCDateTime, nullable=True))
    chased_at: datetime | None = Field(sa_column=column(UTCDateTime, nullable=True))


class PanelProject(SQLModel, table=True):
    """A project on a panel: on one of a purpose at most. `round` goes up when the panel is reopened for it."""

    __tablename__ = "panel_project"
    __table_args__ = (sa.UniqueConstraint("project_id", "purpose"),)

    panel_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("panel.id"), primary_key=True))
    project_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("project.id"), primary_key=True))
    purpose: str = Field(sa_column=column(sa.String(64)))
    round: int = Field(sa_column=column(sa.Integer))


class PanelConflict(SQLModel, table=True):
    """A conflict of interest that an expert declared of a project."""

    __tablename__ = "panel_conflict"

    panel_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("panel.id"), primary_key=True))
    person_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("person.id"), primary_key=True))
    project_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("project.id"), primary_key=True))
    note: str | None = Field(sa_column=column(sa.Text, nullable=True))
    declared_at: datetime = Field(sa_column=column(UTCDateTime))


class ScoreSheet(SQLModel, table=True):
    """What one expert makes of one project in one round; submitted, it is never changed again.

    `released`: the assignment was taken back; whatever it held stays readable and counts for nothing.
    """

    __tablename__ = "score_sheet"
    __table_args__ = (
        sa.UniqueConstraint("panel_id", "project_id", "person_id", "round"),
        sa.CheckConstraint("status IN ('assigned','draft','submitted','released')", "status"),
        sa.Index(None, "person_id"),
    )

    id: str = Field(sa_column=column(Identifier, primary_key=True))
    panel_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("panel.id")))
    project_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("project.id")))
    person_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("person.id")))
    round: int = Field(sa_column=column(sa.Integer))
    status: str = Field(sa_column=column(sa.String(16)))
    points: Any = Field(sa_column=column(Json))  # criterion -> decimal text
    comment: str | None = Field(sa_column=column(sa.Text, nullable=True))
    total: str | None = Field(sa_column=column(sa.String(8), nullable=True))
    version: int = Field(sa_column=column(sa.Integer))
    assigned_at: datetime = Field(sa_column=column(UTCDateTime))
    changed_at: datetime = Field(sa_column=column(UTCDateTime))
    submitted_at: datetime | None = Field(sa_column=column(UTCDateTime, nullable=True))


class PanelSession(SQLModel, table=True):
    """A sitting of a panel: by material or on-site defence, its day, who was there, its minutes."""

    __tablename__ = "panel_session"

    panel_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("panel.id"), primary_key=True))
    number: int = Field(sa_column=column(sa.Integer, primary_key=True))
    method: str = Field(sa_column=column(sa.String(64)))
    held_on: date = Field(sa_column=column(sa.Date))
    minutes_number: str = Field(sa_column=column(sa.String(100)))
    minutes: Any = Field(sa_column=column(Json, nullable=True))  # reference to the document
    projects: Any = Field(sa_column=column(Json))
    present: Any = Field(sa_column=column(Json))  # ids of experts
    note: str | None = Field(sa_column=column(sa.Text, nullable=True))
    recorded_at: datetime = Field(sa_column=column(UTCDateTime))


class PanelResult(SQLModel, table=True):
    """What a round came to for a project. It stands while the project is in that round and was not sent back since."""

    __tablename__ = "panel_result"

    panel_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("panel.id"), primary_key=True))
    project_id: str = Field(sa_column=column(Identifier, sa.ForeignKey("project.id"), primary_key=True))
    round: int = Field(sa_column=column(sa.Integer, primary_key=True))
    score: str = Field(sa_column=column(sa.String(8)))
    sheets: int = Field(sa_column=column(sa.Integer))
    low: str = Field(sa_column=column(sa.String(8)))
    high: str = Field(sa_column=column(sa.String(8)))
    spread: str = Field(sa_column=column(sa.String(8)))
    trimmed: Any = Field(sa_column=column(Json))  # ids of the experts whose totals were taken off
    wide: bool = Field(sa_column=column(sa.Boolean))
    concluded_at: datetime = Field(sa_column=column(UTCDateTime))
    sent_back: int = Field(sa_column=column(sa.Integer, server_default="0"))  # how often by then
