"""Stored files by content, and documents with their versions; what a document was given stays, as entries do."""

import sqlalchemy as sa
from alembic import op

from lifecycle.tables.types import Identifier, UTCDateTime

revision = "0009"
down_revision = "0004"
branch_labels = None
depends_on = None

POSTGRES_UP = """
CREATE TRIGGER document_no_change BEFORE UPDATE OR DELETE ON document
    FOR EACH ROW EXECUTE FUNCTION pilot_refuse_change();
CREATE TRIGGER document_no_truncate BEFORE TRUNCATE ON document
    FOR EACH STATEMENT EXECUTE FUNCTION pilot_refuse_change();
ALTER TABLE document ENABLE ALWAYS TRIGGER document_no_change;
ALTER TABLE document ENABLE ALWAYS TRIGGER document_no_truncate;
"""
SQLITE_UP = (
    "CREATE TRIGGER document_no_update BEFORE UPDATE ON document "
    "BEGIN SELECT RAISE(ABORT, 'document is append-only'); END",
    "CREATE TRIGGER document_no_delete BEFORE DELETE ON document "
    "BEGIN SELECT RAISE(ABORT, 'document is append-only'); END",
    "CREATE TRIGGER document_no_replace BEFORE INSERT ON document "
    "WHEN EXISTS (SELECT 1 FROM document WHERE id = NEW.id AND version = NEW.version) "
    "BEGIN SELECT RAISE(ABORT, 'document is append-only'); END",
)


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "file",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("format", sa.String(length=16), nullable=False),
        sa.Column("arrived_at", UTCDateTime, nullable=False),
        sa.Column("leaving", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_file")),
    )
    op.create_table(
        "document",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("batch_id", Identifier, nullable=False),
        sa.Column("subject_kind", sa.String(length=16), nullable=False),
        sa.Column("subject_id", Identifier, nullable=False),
        sa.Column("city", sa.String(length=6), nullable=True),
        sa.Column("stage", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("stored_by", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("stored_at", UTCDateTime, nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_document_batch_id")),
        sa.ForeignKeyConstraint(["sha256"], ["file.sha256"], name=op.f("fk_document_sha256")),
        sa.PrimaryKeyConstraint("id", "version", name=op.f("pk_document")),
    )
    op.create_index(op.f("ix_document_subject_id_kind"), "document", ["subject_id", "kind"], unique=False)
    op.create_index(op.f("ix_document_sha256"), "document", ["sha256"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(POSTGRES_UP)
        return
    for sql in SQLITE_UP:
        op.execute(sql)


def downgrade() -> None:
    """Take the schema back; the files themselves stay where they are."""
    op.drop_table("document")
    op.drop_table("file")
