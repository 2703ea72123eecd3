"""Transactions: all or nothing, one instant for a reader, clear answers when a lock or a connection cannot be had."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg
import pytest

from lifecycle import answers, audit, people
from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.database import Database, Proviso, Transaction, open_database
from lifecycle.errors import Busy
from lifecycle.people import NewPerson
from lifecycle.settings import Settings
from lifecycle.statements import Row
from lifecycle.tables import metadata
from lifecycle.transition import transition_project
from tests.lifecycle import builders

FAILURES = (psycopg.Error, sqlite3.Error)
INSERT = "INSERT INTO person_key (person, key) VALUES ({0}, {0})"
COUNT = "SELECT count(*) FROM person_key"
REFUSE_COMMIT = (
    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused at commit'; END $$",
    "CREATE CONSTRAINT TRIGGER refusing AFTER INSERT ON person_key DEFERRABLE INITIALLY DEFERRED "
    "FOR EACH ROW EXECUTE FUNCTION refuse()",
)


def contents(database: Database) -> dict[str, list[str]]:
    """Return every row of every table, as the driver gives them."""
    with database.reading() as tx:
        return {
            name: sorted(repr(row) for row in tx.driver.execute(f'SELECT * FROM "{name}"').fetchall())
            for name in metadata.tables
        }


def insert(tx: Any, person: str) -> None:
    tx.execute_driver(INSERT.format("%s" if tx.is_postgres else "?"), (person, b"\x00" * 32))


def count(tx: Any) -> int:
    return int(tx.driver.execute(COUNT).fetchone()[0])


@contextmanager
def opened(settings: Settings, **changes: Any) -> Iterator[Database]:
    database = open_database(settings.model_copy(update=changes))
    yield database
    database.close()


def test_an_error_in_a_statement_takes_back_everything_before_it(database: Database, log: Log) -> None:
    batch = builders.open_batch(database, log)
    before = contents(database)
    with pytest.raises(FAILURES), database.transaction() as tx:
        insert(tx, "user/x")
        tx.queue(answers.CLAIM, actor="a", key="k", request_hash="0" * 64, answer={}, at=builders.OPENED)
        insert(tx, "user/y")
        insert(tx, "user/y")
    assert contents(database) == before
    with pytest.raises(ZeroDivisionError), database.transaction() as tx:
        insert(tx, "user/x")
        raise ZeroDivisionError
    assert contents(database) == before
    assert builders.create_projects(database, log, batch, 1)[0]["version"] == 1


def test_an_error_in_a_queued_write_takes_back_everything_too(database: Database) -> None:
    before = contents(database)
    same: dict[str, Any] = {"actor": "a", "key": "k", "request_hash": "0" * 64, "answer": {}, "at": builders.OPENED}
    for others in (1, 40):  # one statement together, and one by one
        with pytest.raises(FAILURES), database.transaction() as tx:
            insert(tx, "user/x")
            for number in range(others):
                tx.queue(answers.CLAIM, **{**same, "key": f"k{number}"})
            tx.queue(answers.CLAIM, **{**same, "key": "k0"})
        assert contents(database) == before


def test_a_failed_commit_raises_and_leaves_nothing(settings: Settings) -> None:
    with opened(settings, pool_size=1) as database:
        before = contents(database)
        if database.is_postgres:
            with database.transaction() as tx:
                for statement in REFUSE_COMMIT:
                    tx.execute_driver(statement)
        with pytest.raises(FAILURES), database.transaction() as tx:
            if tx.is_postgres:
                insert(tx, "user/x")
            else:
                tx.execute_driver("PRAGMA defer_foreign_keys = ON")
                insert(tx, "user/x")
                tx.execute_driver("INSERT INTO task (batch_id, code, title) VALUES ('nowhere', 'T', 'T')")
        assert contents(database) == before
        with database.transaction() as tx:  # on the same connection
            tx.queue(answers.CLAIM, actor="a", key="k", request_hash="0" * 64, answer={}, at=builders.OPENED)
        assert len(contents(database)["answer"]) == 1


def test_a_reader_sees_one_instant_while_others_commit(database: Database) -> None:
    with database.reading() as reader:
        first = count(reader)
        with database.transaction() as tx:
            insert(tx, "user/x")
        assert (first, count(reader)) == (0, 0)
        with database.reading() as later:
            assert count(later) == 1
    with database.reading() as reader:
        assert count(reader) == 1


def test_a_reader_writes_nothing_and_its_connection_writes_again(settings: Settings) -> None:
    with opened(settings, pool_size=1) as database:
        before = contents(database)
        if database.is_postgres:
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), database.reading() as tx:
                insert(tx, "user/x")
        else:
            with database.reading() as tx:
                insert(tx, "user/x")
        assert contents(database) == before
        with database.transaction() as tx:
            insert(tx, "user/x")
        assert len(contents(database)["person_key"]) == len(before["person_key"]) + 1


def test_a_lock_that_is_not_given_in_time_is_busy_and_does_nothing(
    settings: Settings, database: Database, log: Log
) -> None:
    batch = builders.open_batch(database, log)
    (row,) = builders.create_projects(database, log, batch, 1)
    doer = builders.caller_for("applicant", row, builders.at(builders.STEPS["submit"].on))
    request = builders.request_for("submit", row)
    before = contents(database)
    with opened(settings, lock_timeout_ms=200) as hasty:
        with database.transaction() as holder:
            mark = "%s" if holder.is_postgres else "?"
            holder.execute_driver(f"UPDATE project SET version = version WHERE id = {mark}", (row["id"],))
            with pytest.raises(Busy), attempt(hasty, log, doer, ("project", row["id"]), "submit") as tx:
                transition_project(tx, log, doer, row["id"], request)
        # Told beside the project's stream, whose lock was the trouble; on SQLite one writer holds every stream.
        told = [entry["outcome"] for entry in builders.read_entries(database, "system/attempts")]
        assert told == (["failed"] if database.is_postgres else [])
        after = contents(database)
        changed = {name for name in after if after[name] != before[name]}
        assert changed == ({"entry", "pending", "stream_head", "person_key"} if database.is_postgres else set())
        with attempt(hasty, log, doer, ("project", row["id"]), "submit") as tx:
            assert transition_project(tx, log, doer, row["id"], request).to_dict()["version"] == 2


def test_instants_without_a_zone_are_refused_and_nothing_is_written(database: Database, log: Log) -> None:
    naive = datetime(2024, 7, 1, 9)  # noqa: DTZ001
    officer = builders.caller("security_admin")
    with database.transaction() as tx:
        people.add_person(tx, log, officer, NewPerson("wang", "王五", "handler"))
    before = contents(database)
    with pytest.raises(ValueError, match="time zone"), database.transaction() as tx:
        people.add_token(tx, log, officer, "wang", "phone", expires_at=naive)
    with pytest.raises(ValueError, match="time zone"), database.transaction() as tx:
        tx.queue(answers.CLAIM, actor="a", key="k", request_hash="0" * 64, answer={}, at=naive)
    with pytest.raises(ValueError, match="time zone"), database.transaction() as tx:
        people.add_person(tx, log, builders.caller("security_admin", naive), NewPerson("li", "李四", "handler"))
    assert contents(database) == before


def test_instants_come_back_as_they_were_given_in_utc(database: Database, log: Log) -> None:
    builders.open_batch(database, log, now=datetime.fromisoformat("2024-07-01T09:00:00.000001+08:00"))
    with database.reading() as tx:
        (row,) = tx.fetch(builders.batches.ALL)
    assert row["created_at"].isoformat() == "2024-07-01T01:00:00.000001+00:00"


def kill_others(settings: Settings) -> None:
    """End every other connection to the database and wait until each is gone (up to 10 s each)."""
    with psycopg.connect(settings.url.replace("+psycopg", ""), autocommit=True) as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
    assert all(gone for (gone,) in ended)


def test_a_connection_lost_in_a_transaction_does_nothing_and_the_next_transaction_works(settings: Settings) -> None:
    with opened(settings, pool_size=1) as database:
        before = contents(database)
        with pytest.raises(FAILURES), database.transaction() as tx:
            insert(tx, "user/x")
            if tx.is_postgres:
                kill_others(settings)
            else:
                tx.driver.close()
        assert contents(database) == before
        with database.transaction() as tx:
            insert(tx, "user/x")
        assert len(contents(database)["person_key"]) == 1


def test_after_the_server_closed_the_idle_connections_the_next_transaction_works(settings: Settings) -> None:
    if not settings.database_url:
        return  # SQLite has no server that could
    with opened(settings) as database:
        with database.transaction() as one, database.transaction() as two:
            insert(one, "user/x")
            insert(two, "user/y")
        kill_others(settings)
        with database.transaction() as tx:
            insert(tx, "user/z")
        assert len(contents(database)["person_key"]) == 3


def test_what_the_wire_has_prepared_outlives_a_rollback_of_the_driver_s_own_statements(settings: Settings) -> None:
    with opened(settings, pool_size=1) as database:
        for number in range(
            8
        ):  # psycopg would prepare a statement of its own at the sixth, and forget all at a rollback
            with database.transaction() as tx:
                insert(tx, f"user/{number}")
            with database.reading() as tx:
                assert tx.fetch(audit.READ_KEY, wanted=f"user/{number}") != []


def test_a_lost_connection_is_told_as_such_and_the_next_one_serves(settings: Settings) -> None:
    with opened(settings, pool_size=1) as database:
        if not database.is_postgres:
            return
        with pytest.raises(psycopg.OperationalError), database.transaction() as tx:
            insert(tx, "user/lost")
            mine = {"pid": tx.driver.info.backend_pid}
            with opened(settings) as other, other.transaction() as killer:
                killer.execute_driver("SELECT pg_terminate_backend(%s)", (mine["pid"],))
            tx.fetch(audit.READ_KEY, wanted="user/lost")
        with database.transaction() as tx:
            assert tx.fetch(audit.READ_KEY, wanted="user/lost") == []


def test_a_glance_through_the_driver_leaves_no_transaction_open(settings: Settings) -> None:
    with opened(settings, pool_size=1) as database:
        with database.glance() as tx:
            assert count(tx) == 0
        with database.transaction() as tx:
            insert(tx, "user/x")
        with database.glance() as tx:
            assert count(tx) == 1
        if database.is_postgres:
            with database.glance() as tx:
                assert tx.wire is not None and tx.wire.idle


class Unmet(Exception):
    pass


def test_under_a_proviso_that_is_not_met_nothing_is_read_or_kept(settings: Settings) -> None:
    def refuse(rows: Sequence[Row]) -> None:
        raise Unmet(len(rows))

    def proviso() -> Proviso:
        return Proviso(audit.READ_KEY, {"wanted": "user/absent"}, refuse)

    ways: tuple[Callable[[Transaction], object], ...] = (
        lambda tx: tx.queue(audit.ADD_KEY, person="user/x", key=bytes(32)),  # sent at the end, with COMMIT
        lambda tx: (tx.queue(audit.ADD_KEY, person="user/x", key=bytes(32)), tx.flush()),
        lambda tx: insert(tx, "user/x"),
        lambda tx: tx.fetch(audit.READ_KEY, wanted="user/x"),
        lambda tx: tx.driver,
    )
    with opened(settings, pool_size=1) as database:
        for way in ways:
            with pytest.raises(Unmet, match="0"), database.under(proviso()).transaction() as tx:
                way(tx)
        for way in ways[3:]:
            with pytest.raises(Unmet), database.under(proviso()).reading() as tx:
                way(tx)
        with database.glance() as tx:
            assert count(tx) == 0


def test_a_proviso_is_seen_to_once_and_what_is_queued_beside_it_is_kept(settings: Settings) -> None:
    seen: list[int] = []
    with opened(settings, pool_size=1) as database:
        under = database.under(Proviso(audit.READ_KEY, {"wanted": "user/x"}, lambda rows: seen.append(len(rows))))
        for name in ("user/x", "user/y"):
            with under.transaction() as tx:
                tx.queue(audit.ADD_KEY, person=name, key=bytes(32))
        with under.reading() as tx:
            assert count(tx) == 2
    assert seen == [0]
