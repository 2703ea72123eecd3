"""Acceptance: lists of actual investment with their verdicts and invoices; numbers and totals in the project's row."""

import sqlalchemy as sa
from alembic import op

from lifecycle.tables.types import Identifier, Json, UTCDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KEPT = {  # append-only, as the entries are: a correction is the next version
    "investment_list": "id = NEW.id OR (project_id = NEW.project_id AND round = NEW.round AND kind = NEW.kind "
    "AND number = NEW.number)",
    "investment_line": "list_id = NEW.list_id AND position = NEW.position",
    "investment_verdict": "list_id = NEW.list_id AND position = NEW.position",
}
POSTGRES_TABLE = """
CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION pilot_refuse_change();
CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION pilot_refuse_change();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_change;
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_truncate;
"""
SQLITE_TABLE = (
    "CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} "
    "BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
    "CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
    "BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
    "CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) "
    "BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
)


def upgrade() -> None:
    """Bring the schema forward; projects have no lists yet."""
    op.create_table(
        "investment_list",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("project_id", Identifier, nullable=False),
        sa.Column("round", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("basis", sa.Integer(), nullable=True),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("words", sa.String(length=64), nullable=True),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=64), nullable=False),
        sa.Column("at", UTCDateTime, nullable=False),
        sa.CheckConstraint("kind IN ('claimed','verified')", name=op.f("ck_investment_list_kind")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_investment_list_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_investment_list")),
        sa.UniqueConstraint(
            "project_id", "round", "kind", "number", name=op.f("uq_investment_list_project_id_round_kind_number")
        ),
    )
    op.create_table(
        "investment_line",
        sa.Column("list_id", Identifier, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("item", sa.String(length=200), nullable=False),
        sa.Column("payee", sa.String(length=200), nullable=False),
        sa.Column("contract_number", sa.String(length=64), nullable=False),
        sa.Column("invoice_number", sa.String(length=64), nullable=False),
        sa.Column("invoice_on", sa.Date(), nullable=False),
        sa.Column("invoice_fen", sa.BigInteger(), nullable=False),
        sa.Column("payment_number", sa.String(length=64), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("paid_fen", sa.BigInteger(), nullable=False),
        sa.Column("claimed_fen", sa.BigInteger(), nullable=False),
        sa.Column("category", sa.String(length=64), nullable=True),
        sa.Column("contract_on", sa.Date(), nullable=True),
        sa.Column("remarks", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(["list_id"], ["investment_list.id"], name=op.f("fk_investment_line_list_id")),
        sa.PrimaryKeyConstraint("list_id", "position", name=op.f("pk_investment_line")),
    )
    op.create_table(
        "investment_verdict",
        sa.Column("list_id", Identifier, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("verified_fen", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(["list_id"], ["investment_list.id"], name=op.f("fk_investment_verdict_list_id")),
        sa.PrimaryKeyConstraint("list_id", "position", name=op.f("pk_investment_verdict")),
    )
    op.create_table(
        "claimed_invoice",
        sa.Column("project_id", Identifier, nullable=False),
        sa.Column("round", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=False),
        sa.Column("invoice", sa.String(length=1200), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_claimed_invoice_project_id")),
        sa.PrimaryKeyConstraint("project_id", "round", "position", name=op.f("pk_claimed_invoice")),
    )
    op.create_index("ix_claimed_invoice_programme_invoice", "claimed_invoice", ["programme", "invoice"])
    op.add_column("project", sa.Column("lists", Json, server_default="{}", nullable=False))
    for table, same in KEPT.items():
        if op.get_bind().dialect.name == "postgresql":
            op.execute(POSTGRES_TABLE.format(table=table))
        else:
            for sql in SQLITE_TABLE:
                op.execute(sql.format(table=table, same=same))


def downgrade() -> None:
    """Take the schema back; the log still tells each list's numbers, totals and digests."""
    op.drop_column("project", "lists")
    for table in ("claimed_invoice", "investment_verdict", "investment_line", "investment_list"):
        op.drop_table(table)
