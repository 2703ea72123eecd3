"""The log is append-only: triggers refuse every change, and put each new entry among the pending ones.

A superuser can still disable triggers; finding that out is the seal's work. On SQLite INSERT OR REPLACE walks round
update and delete triggers, so inserts are guarded too.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEPT = ("entry", "rulebook")

POSTGRES_UP = """
CREATE FUNCTION pilot_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION pilot_entry_pending() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pending (entry_id) SELECT id FROM added;
    RETURN NULL;
END $$;
CREATE TRIGGER entry_pending AFTER INSERT ON entry
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION pilot_entry_pending();
ALTER TABLE entry ENABLE ALWAYS TRIGGER entry_pending;
"""
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
SQLITE_SAME = {
    "entry": "id = NEW.id OR (stream = NEW.stream AND seq = NEW.seq)",
    "rulebook": "hash = NEW.hash",
}
SQLITE_PENDING = (
    "CREATE TRIGGER entry_pending AFTER INSERT ON entry BEGIN INSERT INTO pending (entry_id) VALUES (NEW.id); END"
)


def upgrade() -> None:
    """Put the triggers in place."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(POSTGRES_UP)
        for table in KEPT:
            op.execute(POSTGRES_TABLE.format(table=table))
        return
    for table in KEPT:
        for sql in SQLITE_TABLE:
            op.execute(sql.format(table=table, same=SQLITE_SAME[table]))
    op.execute(SQLITE_PENDING)


def downgrade() -> None:
    """Take the triggers away; the data stay."""
    if op.get_bind().dialect.name == "postgresql":
        for table in KEPT:
            op.execute(f"DROP TRIGGER {table}_no_change ON {table}")
            op.execute(f"DROP TRIGGER {table}_no_truncate ON {table}")
        op.execute("DROP TRIGGER entry_pending ON entry")
        op.execute("DROP FUNCTION pilot_entry_pending(); DROP FUNCTION pilot_refuse_change()")
        return
    for table in KEPT:
        for name in ("no_update", "no_delete", "no_replace"):
            op.execute(f"DROP TRIGGER {table}_{name}")
    op.execute("DROP TRIGGER entry_pending")
