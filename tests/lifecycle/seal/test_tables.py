"""The bypass matrix of the sealed tree: every way to change a leaf or a node is refused by the database."""

import sqlite3

import psycopg
import pytest

from lifecycle import schema
from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.seal.merkle import SHA256, Frontier, suite_named
from lifecycle.seal.trees import store
from tests.lifecycle.seal.sealers import count, write
from tests.lifecycle.seal.test_merkle import leaves_of

WAYS = {
    "update a leaf": "UPDATE leaf SET hash = hash",
    "delete one leaf": 'DELETE FROM leaf WHERE "index" = 1',
    "delete all leaves": "DELETE FROM leaf",
    "insert the same leaf again": 'INSERT INTO leaf SELECT * FROM leaf WHERE "index" = 1',
    "give an entry a second place": 'INSERT INTO leaf SELECT 99, entry_id, hash FROM leaf WHERE "index" = 1',
    "update a node": "UPDATE node SET hash = hash",
    "delete a node": "DELETE FROM node",
    "insert the same node again": "INSERT INTO node SELECT * FROM node",
}
POSTGRES_WAYS = {
    "truncate": "TRUNCATE leaf",
    "truncate in cascade": "TRUNCATE node CASCADE",
    "as a replica": "SET session_replication_role = replica; DELETE FROM leaf",
    "upsert": "INSERT INTO leaf SELECT * FROM leaf WHERE \"index\" = 1 ON CONFLICT (entry_id) DO UPDATE SET hash = ''",
}
SQLITE_WAYS = {
    "insert or replace": 'INSERT OR REPLACE INTO leaf SELECT * FROM leaf WHERE "index" = 1',
    "replace an entry's place": 'REPLACE INTO leaf SELECT 99, entry_id, hash FROM leaf WHERE "index" = 1',
    "replace a node": "REPLACE INTO node SELECT * FROM node",
    "update or replace": 'UPDATE OR REPLACE leaf SET "index" = 2',
    "upsert": "INSERT INTO leaf SELECT * FROM leaf WHERE true ON CONFLICT (entry_id) DO UPDATE SET hash = ''",
}


def rows(database: Database) -> list[list[tuple[object, ...]]]:
    with database.reading() as tx:
        return [tx.driver.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3").fetchall() for table in ("leaf", "node")]


def ids_of(database: Database) -> list[str]:
    with database.reading() as tx:
        return [row[0] for row in tx.driver.execute("SELECT id FROM entry ORDER BY stream, seq").fetchall()]


@pytest.mark.parametrize("way", [*WAYS, *POSTGRES_WAYS, *SQLITE_WAYS])
def test_no_statement_changes_the_sealed_tree(database: Database, log: Log, way: str) -> None:
    own = POSTGRES_WAYS if database.is_postgres else SQLITE_WAYS
    sql = {**WAYS, **own}.get(way)
    if sql is None:
        return  # a way of the other database alone
    write(database, log, "a", 3)
    with database.transaction() as tx:
        store(tx, SHA256, Frontier(SHA256).extend(leaves_of(3)), ids_of(database))
        sm3 = suite_named("sm3")
        store(tx, sm3, Frontier(sm3).extend(leaves_of(3, sm3)))
    before = rows(database)
    assert list(map(len, before)) == [3, 3]
    with pytest.raises((psycopg.Error, sqlite3.Error)), database.transaction() as tx:
        tx.execute_driver(sql)
    assert rows(database) == before


def test_without_the_tree_its_entries_are_pending_again(database: Database, log: Log) -> None:
    write(database, log, "a", 3)
    with database.transaction() as tx:
        store(tx, SHA256, Frontier(SHA256).extend(leaves_of(3)), ids_of(database))
        tx.execute_driver("DELETE FROM pending")
    schema.downgrade(database, "0003")
    schema.upgrade(database)
    assert (count(database, "leaf"), count(database, "pending")) == (0, 3)
