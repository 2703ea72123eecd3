"""The seal: leaves and tiles of the tree, append-only as the entries are, and how far each stream is sealed."""

import sqlalchemy as sa
from alembic import op

from lifecycle.tables.types import Identifier

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SAME = {
    "leaf": '"index" = NEW."index" OR entry_id = NEW.entry_id',
    "node": 'suite = NEW.suite AND level = NEW.level AND "index" = NEW."index"',
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
    """Bring the schema forward; entries written so far are pending already."""
    op.create_table(
        "leaf",
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", Identifier, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("index", name=op.f("pk_leaf")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_leaf_entry_id")),
    )
    op.create_table(
        "node",
        sa.Column("suite", sa.String(length=8), nullable=False),
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("suite", "level", "index", name=op.f("pk_node")),
    )
    op.create_table(
        "sealed_stream",
        sa.Column("stream", sa.String(length=120), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("stream", name=op.f("pk_sealed_stream")),
    )
    for table, same in SAME.items():
        if op.get_bind().dialect.name == "postgresql":
            op.execute(POSTGRES_TABLE.format(table=table))
        else:
            for sql in SQLITE_TABLE:
                op.execute(sql.format(table=table, same=same))


def downgrade() -> None:
    """Take the tree away and put its entries back among the pending ones.

    The order in which they were sealed is lost with it: a sealer that has signed this tree will refuse to go on.
    """
    op.execute("INSERT INTO pending (entry_id) SELECT entry_id FROM leaf")
    for table in ("sealed_stream", "node", "leaf"):
        op.drop_table(table)
