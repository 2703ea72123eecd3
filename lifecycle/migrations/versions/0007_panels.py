"""Panels of experts: members, projects, declared conflicts, score sheets that stay as submitted, sessions, results."""

import sqlalchemy as sa
from alembic import op

from lifecycle.tables.types import Identifier, Json, UTCDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = (
    *("score_sheet", "panel_session", "panel_result", "panel_project", "panel_expert", "panel_conflict"),
    "panel",
)
KEPT = ("panel_id", "project_id", "person_id", "round", "points", "comment", "total", "submitted_at")
POSTGRES = """
CREATE FUNCTION pilot_keep_submitted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.submitted_at IS NOT NULL AND (
        TG_OP = 'DELETE' OR NEW.status NOT IN ('submitted', 'released') OR {changed}
    ) THEN
        RAISE EXCEPTION 'a submitted score sheet is never changed';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER score_sheet_kept BEFORE UPDATE OR DELETE ON score_sheet
    FOR EACH ROW EXECUTE FUNCTION pilot_keep_submitted();
"""
SQLITE = (
    "CREATE TRIGGER score_sheet_kept BEFORE UPDATE ON score_sheet WHEN OLD.submitted_at IS NOT NULL AND "
    "(NEW.status NOT IN ('submitted', 'released') OR {changed}) "
    "BEGIN SELECT RAISE(ABORT, 'a submitted score sheet is never changed'); END",
    "CREATE TRIGGER score_sheet_not_deleted BEFORE DELETE ON score_sheet WHEN OLD.submitted_at IS NOT NULL "
    "BEGIN SELECT RAISE(ABORT, 'a submitted score sheet is never changed'); END",
)


def upgrade() -> None:
    """Bring the schema forward."""
    _tables()
    op.add_column("person", sa.Column("group_name", sa.String(200), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        op.execute(POSTGRES.format(changed=" OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in KEPT)))
    else:
        changed = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in KEPT)
        for sql in SQLITE:
            op.execute(sql.format(changed=changed))


def downgrade() -> None:
    """Take panels away with all their sheets; the log still tells them."""
    for table in TABLES:
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION pilot_keep_submitted()")
    op.drop_column("person", "group_name")


def _tables() -> None:
    op.create_table(
        "panel",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("batch_id", Identifier, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("task_code", sa.String(length=64), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("setting", Json, nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("head_seq", sa.BigInteger(), nullable=False),
        sa.Column("head_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UTCDateTime, nullable=False),
        sa.Column("created_by", sa.String(length=120), nullable=False),
        sa.Column("changed_at", UTCDateTime, nullable=False),
        sa.CheckConstraint("status IN ('preparing','scoring','concluded')", name=op.f("ck_panel_status")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_panel_batch_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_panel")),
        sa.UniqueConstraint("batch_id", "number", name=op.f("uq_panel_batch_id_number")),
    )
    op.create_table(
        "panel_conflict",
        sa.Column("panel_id", Identifier, nullable=False),
        sa.Column("person_id", Identifier, nullable=False),
        sa.Column("project_id", Identifier, nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("declared_at", UTCDateTime, nullable=False),
        sa.ForeignKeyConstraint(["panel_id"], ["panel.id"], name=op.f("fk_panel_conflict_panel_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_panel_conflict_person_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_panel_conflict_project_id")),
        sa.PrimaryKeyConstraint("panel_id", "person_id", "project_id", name=op.f("pk_panel_conflict")),
    )
    op.create_table(
        "panel_expert",
        sa.Column("panel_id", Identifier, nullable=False),
        sa.Column("person_id", Identifier, nullable=False),
        sa.Column("chair", sa.Boolean(), nullable=False),
        sa.Column("declared_at", UTCDateTime, nullable=True),
        sa.Column("chased_at", UTCDateTime, nullable=True),
        sa.ForeignKeyConstraint(["panel_id"], ["panel.id"], name=op.f("fk_panel_expert_panel_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_panel_expert_person_id")),
        sa.PrimaryKeyConstraint("panel_id", "person_id", name=op.f("pk_panel_expert")),
    )
    op.create_index(op.f("ix_panel_expert_person_id"), "panel_expert", ["person_id"], unique=False)
    op.create_table(
        "panel_project",
        sa.Column("panel_id", Identifier, nullable=False),
        sa.Column("project_id", Identifier, nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["panel_id"], ["panel.id"], name=op.f("fk_panel_project_panel_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_panel_project_project_id")),
        sa.PrimaryKeyConstraint("panel_id", "project_id", name=op.f("pk_panel_project")),
        sa.UniqueConstraint("project_id", "purpose", name=op.f("uq_panel_project_project_id_purpose")),
    )
    op.create_table(
        "panel_result",
        sa.Column("panel_id", Identifier, nullable=False),
        sa.Column("project_id", Identifier, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("score", sa.String(length=8), nullable=False),
        sa.Column("sheets", sa.Integer(), nullable=False),
        sa.Column("low", sa.String(length=8), nullable=False),
        sa.Column("high", sa.String(length=8), nullable=False),
        sa.Column("spread", sa.String(length=8), nullable=False),
        sa.Column("trimmed", Json, nullable=False),
        sa.Column("wide", sa.Boolean(), nullable=False),
        sa.Column("concluded_at", UTCDateTime, nullable=False),
        sa.ForeignKeyConstraint(["panel_id"], ["panel.id"], name=op.f("fk_panel_result_panel_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_panel_result_project_id")),
        sa.PrimaryKeyConstraint("panel_id", "project_id", "round", name=op.f("pk_panel_result")),
    )
    op.create_table(
        "panel_session",
        sa.Column("panel_id", Identifier, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("method", sa.String(length=64), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("minutes_number", sa.String(length=100), nullable=False),
        sa.Column("minutes", Json, nullable=True),
        sa.Column("projects", Json, nullable=False),
        sa.Column("present", Json, nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("recorded_at", UTCDateTime, nullable=False),
        sa.ForeignKeyConstraint(["panel_id"], ["panel.id"], name=op.f("fk_panel_session_panel_id")),
        sa.PrimaryKeyConstraint("panel_id", "number", name=op.f("pk_panel_session")),
    )
    op.create_table(
        "score_sheet",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("panel_id", Identifier, nullable=False),
        sa.Column("project_id", Identifier, nullable=False),
        sa.Column("person_id", Identifier, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("points", Json, nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("total", sa.String(length=8), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("assigned_at", UTCDateTime, nullable=False),
        sa.Column("changed_at", UTCDateTime, nullable=False),
        sa.Column("submitted_at", UTCDateTime, nullable=True),
        sa.CheckConstraint("status IN ('assigned','draft','submitted','released')", name=op.f("ck_score_sheet_status")),
        sa.ForeignKeyConstraint(["panel_id"], ["panel.id"], name=op.f("fk_score_sheet_panel_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_score_sheet_person_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_score_sheet_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score_sheet")),
        sa.UniqueConstraint(
            "panel_id",
            "project_id",
            "person_id",
            "round",
            name=op.f("uq_score_sheet_panel_id_project_id_person_id_round"),
        ),
    )
    op.create_index(op.f("ix_score_sheet_person_id"), "score_sheet", ["person_id"], unique=False)
