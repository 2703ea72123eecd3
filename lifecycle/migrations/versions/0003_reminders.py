"""Reminders: checkpoints learn when to be looked at next; announcements, notices, messages, addresses, feeds, jobs."""

import sqlalchemy as sa
from alembic import op

from lifecycle.tables.types import Identifier, Json, UTCDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OPEN = sa.text("status = 'open'")
WAITING = sa.text("status = 'waiting' AND message_id IS NULL")
TABLES = ("announcement", "message", "feed", "address", "notice", "job")
CHECKS = {  # the first migration had left them out
    "rulebook": "kind IN ('definition','policy','calendar','reminders')",
    "entry": "outcome IN ('success','denied','failed')",
}
NAMES = {"rulebook": "ck_rulebook_kind", "entry": "ck_entry_outcome"}


def upgrade() -> None:
    """Bring the schema forward; open checkpoints are to be looked at from the moment they were opened."""
    _check(present=True)
    _tables()
    if op.get_bind().dialect.name == "postgresql":
        op.add_column("batch", sa.Column("reminders_hash", sa.String(64), nullable=True))
        op.create_foreign_key("fk_batch_reminders_hash", "batch", "rulebook", ["reminders_hash"], ["hash"])
    else:
        op.execute(
            "ALTER TABLE batch ADD COLUMN reminders_hash VARCHAR(64) "
            "CONSTRAINT fk_batch_reminders_hash REFERENCES rulebook (hash)"
        )
    op.add_column("batch", sa.Column("calendar_applied", sa.String(200), nullable=True))
    op.add_column("checkpoint", sa.Column("next_at", UTCDateTime, nullable=True))
    op.add_column("checkpoint", sa.Column("replaces", Identifier, nullable=True))
    op.execute("UPDATE checkpoint SET next_at = opened_at WHERE status = 'open'")
    op.create_index(
        "ix_checkpoint_of_batch", "checkpoint", ["batch_id", "due_at", "id"], postgresql_where=OPEN, sqlite_where=OPEN
    )
    op.create_index("ix_person_city", "person", ["city"])
    op.create_index("ix_person_unit", "person", ["unit"])
    op.create_index("ix_checkpoint_next", "checkpoint", ["next_at", "id"], postgresql_where=OPEN, sqlite_where=OPEN)
    op.add_column("project", sa.Column("deadlines", Json, server_default="{}", nullable=False))
    op.add_column("project", sa.Column("responsible", Json, server_default="{}", nullable=False))


def downgrade() -> None:
    """Take the schema back; reminder plans stay in the rule texts, which are append-only."""
    op.drop_column("project", "responsible")
    op.drop_column("project", "deadlines")
    op.drop_index("ix_checkpoint_next", "checkpoint")
    op.drop_index("ix_person_unit", "person")
    op.drop_index("ix_person_city", "person")
    op.drop_index("ix_checkpoint_of_batch", "checkpoint")
    op.drop_column("checkpoint", "replaces")
    op.drop_column("checkpoint", "next_at")
    op.drop_column("batch", "calendar_applied")
    op.drop_column("batch", "reminders_hash")
    for table in TABLES:
        op.drop_table(table)
    _check(present=False)


def _check(*, present: bool) -> None:
    """Add or drop the checks. SQLite cannot alter a table so: it is built anew, its indexes and triggers with it."""
    for table, known in CHECKS.items():
        if op.get_bind().dialect.name == "postgresql":
            change = f"ADD CONSTRAINT {NAMES[table]} CHECK ({known})" if present else f"DROP CONSTRAINT {NAMES[table]}"
            op.execute(f"ALTER TABLE {table} {change}")
        else:
            _rebuild(table, f", \n\tCONSTRAINT {NAMES[table]} CHECK ({known})\n)", present=present)


def _rebuild(table: str, check: str, *, present: bool) -> None:
    read = op.get_bind().exec_driver_sql
    (written,) = read(f"SELECT sql FROM sqlite_master WHERE type = 'table' AND name = '{table}'").one()
    others = read(
        f"SELECT sql FROM sqlite_master WHERE tbl_name = '{table}' AND type <> 'table' AND sql IS NOT NULL"
    ).all()
    changed = written.rstrip()[:-1].rstrip() + check if present else written.replace(check, "\n)")
    op.execute("PRAGMA foreign_keys=OFF")
    read(changed.replace(table, f"{table}_anew", 1))
    op.execute(f"INSERT INTO {table}_anew SELECT * FROM {table}")
    op.execute(f"DROP TABLE {table}")
    op.execute(f"ALTER TABLE {table}_anew RENAME TO {table}")
    for (sql,) in others:
        read(sql)
    op.execute("PRAGMA foreign_keys=ON")


def _tables() -> None:
    op.create_table(
        "job",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("every_seconds", sa.Integer(), nullable=False),
        sa.Column("runs", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("started_at", UTCDateTime, nullable=True),
        sa.Column("succeeded_at", UTCDateTime, nullable=True),
        sa.Column("failed_at", UTCDateTime, nullable=True),
        sa.Column("last_error", sa.String(length=300), nullable=True),
        sa.Column("last_ms", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_job")),
    )
    op.create_table(
        "notice",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("batch_id", Identifier, nullable=False),
        sa.Column("project_id", Identifier, nullable=True),
        sa.Column("checkpoint_id", Identifier, nullable=True),
        sa.Column("cause", sa.String(length=60), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("occasion", sa.String(length=24), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("recipient", Identifier, nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("planned_at", UTCDateTime, nullable=False),
        sa.Column("send_at", UTCDateTime, nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("rule", Json, nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("message_id", Identifier, nullable=True),
        sa.Column("created_at", UTCDateTime, nullable=False),
        sa.Column("settled_at", UTCDateTime, nullable=True),
        sa.Column("read_at", UTCDateTime, nullable=True),
        sa.CheckConstraint("channel IN ('inbox','email','chat','sms','webhook')", name=op.f("ck_notice_channel")),
        sa.CheckConstraint(
            "status IN ('waiting','sent','skipped','cancelled','failed')", name=op.f("ck_notice_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("cause", "version", "occasion", "recipient", "channel", name="uq_notice_key"),
    )
    op.create_index("ix_notice_created_at_id", "notice", ["created_at", "id"])
    op.create_index("ix_notice_batch_id_created_at_id", "notice", ["batch_id", "created_at", "id"], unique=False)
    op.create_index("ix_notice_message_id", "notice", ["message_id"], unique=False)
    op.create_index("ix_notice_project_id_created_at_id", "notice", ["project_id", "created_at", "id"], unique=False)
    op.create_index("ix_notice_recipient_created_at_id", "notice", ["recipient", "created_at", "id"], unique=False)
    op.create_index(
        "ix_notice_waiting",
        "notice",
        ["send_at", "id"],
        unique=False,
        postgresql_where=WAITING,
        sqlite_where=WAITING,
    )
    op.create_table(
        "address",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("person_id", Identifier, nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("target", sa.String(length=1000), nullable=False),
        sa.Column("secret", sa.String(length=200), nullable=True),
        sa.Column("digest", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=300), nullable=True),
        sa.Column("created_at", UTCDateTime, nullable=False),
        sa.Column("ended_at", UTCDateTime, nullable=True),
        sa.CheckConstraint("channel IN ('inbox','email','chat','sms','webhook')", name=op.f("ck_address_channel")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_address_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address")),
    )
    op.create_index(
        "uq_address_active",
        "address",
        ["person_id", "channel"],
        unique=True,
        postgresql_where=sa.text("active"),
        sqlite_where=sa.text("active"),
    )
    op.create_table(
        "feed",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("id", Identifier, nullable=False),
        sa.Column("person_id", Identifier, nullable=False),
        sa.Column("batch_id", Identifier, nullable=True),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("created_at", UTCDateTime, nullable=False),
        sa.Column("revoked_at", UTCDateTime, nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_feed_batch_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_feed_person_id")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_feed")),
        sa.UniqueConstraint("id", name=op.f("uq_feed_id")),
    )
    op.create_index("ix_feed_person_id", "feed", ["person_id"], unique=False)
    op.create_table(
        "message",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("batch_id", Identifier, nullable=False),
        sa.Column("recipient", Identifier, nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("address_id", Identifier, nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("next_at", UTCDateTime, nullable=False),
        sa.Column("tries", Json, nullable=False),
        sa.Column("created_at", UTCDateTime, nullable=False),
        sa.Column("settled_at", UTCDateTime, nullable=True),
        sa.CheckConstraint("channel IN ('inbox','email','chat','sms','webhook')", name=op.f("ck_message_channel")),
        sa.CheckConstraint("status IN ('waiting','sending','sent','dead','cancelled')", name=op.f("ck_message_status")),
        sa.ForeignKeyConstraint(["address_id"], ["address.id"], name=op.f("fk_message_address_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
    )
    op.create_index("ix_message_batch_id_created_at_id", "message", ["batch_id", "created_at", "id"], unique=False)
    op.create_index(
        "ix_message_leaving",
        "message",
        ["next_at", "id"],
        unique=False,
        postgresql_where=sa.text("status IN ('waiting','sending')"),
        sqlite_where=sa.text("status IN ('waiting','sending')"),
    )
    op.create_table(
        "announcement",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("batch_id", Identifier, nullable=False),
        sa.Column("project_id", Identifier, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("details", Json, nullable=False),
        sa.Column("at", UTCDateTime, nullable=False),
        sa.Column("expanded_at", UTCDateTime, nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_announcement_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_announcement")),
    )
    op.create_index("ix_announcement_actor_at", "announcement", ["actor", "at"], unique=False)
    op.create_index("ix_announcement_project_id_at", "announcement", ["project_id", "at"], unique=False)
    op.create_index(
        "ix_announcement_waiting",
        "announcement",
        ["at", "id"],
        unique=False,
        postgresql_where=sa.text("expanded_at IS NULL"),
        sqlite_where=sa.text("expanded_at IS NULL"),
    )
