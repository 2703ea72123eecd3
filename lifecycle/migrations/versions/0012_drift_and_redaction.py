"""Where jobs go on, and what drifts; redactions, and the disclosures that went by them."""

import sqlalchemy as sa
from alembic import op

from lifecycle.tables.types import Identifier, Json, UTCDateTime

revision = "0012"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.add_column("job", sa.Column("cursor", Json, nullable=True))
    op.create_table(
        "drift",
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("places", Json, nullable=False),
        sa.Column("found_at", UTCDateTime, nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_drift")),
    )
    op.create_table(
        "redaction",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("person", sa.String(length=120), nullable=True),
        sa.Column("items", Json, nullable=False),
        sa.Column("erase", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.String(length=120), nullable=False),
        sa.Column("proposed_at", UTCDateTime, nullable=False),
        sa.Column("settled_by", sa.String(length=120), nullable=True),
        sa.Column("settled_at", UTCDateTime, nullable=True),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.CheckConstraint("status IN ('proposed','withdrawn','done')", name=op.f("ck_redaction_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redaction")),
    )
    op.create_table(
        "redacted",
        sa.Column("entry_id", Identifier, nullable=False),
        sa.Column("path", sa.String(length=200), nullable=False),
        sa.Column("redaction_id", Identifier, nullable=False),
        sa.ForeignKeyConstraint(["redaction_id"], ["redaction.id"], name=op.f("fk_redacted_redaction_id")),
        sa.PrimaryKeyConstraint("entry_id", "path", name=op.f("pk_redacted")),
    )


def downgrade() -> None:
    """Take them away; alarms stay in the log, and what was redacted stays gone."""
    op.drop_table("redacted")
    op.drop_table("redaction")
    op.drop_table("drift")
    op.drop_column("job", "cursor")
