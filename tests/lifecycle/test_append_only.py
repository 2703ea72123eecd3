"""The bypass matrix: every way to change a written entry or a pinned rule text is refused by the database."""

import sqlite3

import psycopg
import pytest

from lifecycle.audit import Log
from lifecycle.database import Database
from tests.lifecycle import builders

WAYS = {
    "update the body": "UPDATE entry SET body = body",
    "update a search column": "UPDATE entry SET outcome = 'success'",
    "delete one": "DELETE FROM entry WHERE seq = 1",
    "delete all": "DELETE FROM entry",
    "insert the same id again": "INSERT INTO entry SELECT * FROM entry WHERE seq = 1",
    "update a pinned rule text": "UPDATE rulebook SET body = body",
    "delete a pinned rule text": "DELETE FROM rulebook",
}
POSTGRES_WAYS = {
    "truncate": "TRUNCATE entry",
    "truncate in cascade": "TRUNCATE entry CASCADE",
    "as a replica": "SET session_replication_role = replica; DELETE FROM entry",
    "upsert": "INSERT INTO entry SELECT * FROM entry WHERE seq = 1 ON CONFLICT (id) DO UPDATE SET seq = 99",
}
SQLITE_WAYS = {
    "insert or replace": "INSERT OR REPLACE INTO entry SELECT * FROM entry WHERE seq = 1",
    "replace": "REPLACE INTO entry SELECT * FROM entry WHERE seq = 1",
    "update or replace": "UPDATE OR REPLACE entry SET seq = 2",
    "upsert": "INSERT INTO entry SELECT * FROM entry WHERE true ON CONFLICT (id) DO UPDATE SET seq = 99",
}


def run(database: Database, sql: str) -> None:
    with database.transaction() as tx:
        tx.execute_driver(sql)


@pytest.mark.parametrize("way", [*WAYS, *POSTGRES_WAYS, *SQLITE_WAYS])
def test_no_statement_changes_what_is_written(database: Database, log: Log, way: str) -> None:
    own = POSTGRES_WAYS if database.is_postgres else SQLITE_WAYS
    sql = {**WAYS, **own}.get(way)
    if sql is None:
        other = "PostgreSQL" if way in POSTGRES_WAYS else "SQLite"
        assert not (way in WAYS or way in own), f"{way} is a way of {other} alone"
        return
    batch = builders.open_batch(database, log)
    stream = f"batch/{batch['id']}"
    before = builders.read_entries(database, stream)
    with pytest.raises((psycopg.Error, sqlite3.Error)):
        run(database, sql)
    assert builders.read_entries(database, stream) == before


def test_each_entry_waits_among_the_pending_ones(database: Database, log: Log) -> None:
    batch = builders.open_batch(database, log)
    builders.create_projects(database, log, batch, 3)
    with database.reading() as tx:
        entries = {row[0] for row in tx.driver.execute("SELECT id FROM entry").fetchall()}
        waiting = {row[0] for row in tx.driver.execute("SELECT entry_id FROM pending").fetchall()}
    assert waiting == entries
    assert len(entries) == 6  # opened, tasks, quotas, three projects
