"""Dockets: what is decided and released as a set."""

import sqlalchemy as sa
from alembic import op

from lifecycle.tables.types import Identifier, Json, UTCDateTime

revision = "0006"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "docket",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("batch_id", Identifier, nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("city", sa.String(length=6), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("header", Json, nullable=False),
        sa.Column("documents", Json, nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("head_seq", sa.BigInteger(), nullable=False),
        sa.Column("head_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UTCDateTime, nullable=False),
        sa.Column("created_by", sa.String(length=120), nullable=False),
        sa.Column("changed_at", UTCDateTime, nullable=False),
        sa.Column("released_at", UTCDateTime, nullable=True),
        sa.CheckConstraint(
            "status IN ('draft','released','received','returned','withdrawn')", name=op.f("ck_docket_status")
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_docket_batch_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_docket")),
        sa.UniqueConstraint("batch_id", "kind", "city", "number", name=op.f("uq_docket_batch_id_kind_city_number")),
    )
    op.create_table(
        "docket_item",
        sa.Column("docket_id", Identifier, nullable=False),
        sa.Column("project_id", Identifier, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("fields", Json, nullable=False),
        sa.Column("documents", Json, nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("draft_of", sa.String(length=64), nullable=True),
        sa.Column("outcome", Json, nullable=True),
        sa.ForeignKeyConstraint(["docket_id"], ["docket.id"], name=op.f("fk_docket_item_docket_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_docket_item_project_id")),
        sa.PrimaryKeyConstraint("docket_id", "project_id", name=op.f("pk_docket_item")),
        sa.UniqueConstraint("project_id", "draft_of", name=op.f("uq_docket_item_project_id_draft_of")),
    )
    op.create_index("ix_docket_item_project_id", "docket_item", ["project_id"], unique=False)


def downgrade() -> None:
    """Take the dockets away; what they did stays in the projects and in the log."""
    op.drop_table("docket_item")
    op.drop_table("docket")
