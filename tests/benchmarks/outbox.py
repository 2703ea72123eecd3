"""Claims and settlements of the outbox, beside the same SQL sent by psycopg and nothing else."""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from lifecycle import messages
from lifecycle.canonical import instant
from lifecycle.database import Database
from lifecycle.statements import Row, Statement
from schedules.delivery import LEASE, MESSAGES, deliver
from schedules.parcels import Result

from .acts import Subject
from .contest import Effort, Say
from .figures import Raw, ratios, spread_of, table, text
from .invariants import connect
from .server import Server
from .world import ORIGIN, opened

FULL, QUICK = 4_000, 400  # messages of a slice
NOW = datetime(2024, 9, 10, 2, tzinfo=UTC)  # a Tuesday, and the house is open
NAMES = {
    "outbox": "the outbox's statements through the house's connection",
    "bare": "the same SQL, prepared, by psycopg statement by statement",
    "deliver": "`deliver`: with rechecks and words, sending left out",
}
STAMP = "('0190b0000000' || '7000a' || lpad(to_hex(i), 15, '0'))::uuid"


def run(server: Server, folder: Path, subject: Subject, effort: Effort, count: int, say: Say) -> dict[str, Any]:
    """Let each contestant claim and settle a queue of its own in turn, and return the raw figures."""
    server.create("bench_outbox", "bench_ticks")
    slices: list[dict[str, Any]] = []
    url = server.url("bench_outbox")
    with opened(folder, url) as (database, _), connect(server.address("bench_outbox")) as connection:
        contestants: dict[str, Callable[[], int]] = {
            "outbox": lambda: _ours(database),
            "bare": lambda: _bare(server.address("bench_outbox"), database),
            "deliver": lambda: _delivered(database),
        }
        for number in range(effort.rounds + 1):  # round 0 warms up and does not count
            for name in list(contestants)[:: 1 if number % 2 else -1]:
                _fill(connection, subject, count)
                server.settle()
                began = time.perf_counter()
                done = contestants[name]()
                spent = time.perf_counter() - began
                _check(connection, done, count)
                if number:
                    slices.append({"round": number, "contestant": name, "rate": count / spent})
                    say(f"outbox: {name}: {count / spent:,.0f} messages/s")
    server.drop("bench_outbox")
    return {"messages": count, "claimed": MESSAGES, "slices": slices}


def _fill(connection: psycopg.Connection[Any], subject: Subject, count: int) -> None:
    """Queue so many messages of one notice each."""
    connection.execute("TRUNCATE notice, message")
    given = {"project": subject.id, "count": count, "at": NOW - timedelta(hours=1)}
    connection.execute(
        "INSERT INTO message (id, batch_id, recipient, channel, address_id, status, attempts, fence, next_at, tries, "
        f"created_at) SELECT {STAMP}, p.batch_id, a.person_id, a.channel, a.id, 'waiting', 0, 0, "
        "%(at)s, '[]', %(at)s FROM project p, person o, address a, generate_series(1, %(count)s) AS i "
        "WHERE p.id = %(project)s AND o.city = p.city AND a.person_id = o.id",
        given,
    )
    connection.execute(
        "INSERT INTO notice (id, batch_id, project_id, checkpoint_id, cause, version, occasion, kind, recipient, role, "
        f"channel, planned_at, send_at, late, due_on, rule, status, message_id, created_at) SELECT {STAMP}, "
        "p.batch_id, p.id, c.id, 'checkpoint/' || i, c.version, 'opened', 'opened', o.id, o.role, 'webhook', %(at)s, "
        f"%(at)s, false, c.due_on, '{{}}', 'waiting', {STAMP}, %(at)s FROM project p, checkpoint c, person o, "
        "generate_series(1, %(count)s) AS i WHERE p.id = %(project)s AND c.project_id = p.id AND c.status = 'open' "
        "AND c.kind = 'half_year_ends' AND o.city = p.city",
        given,
    )
    connection.execute("VACUUM ANALYZE message, notice")


def _ours(database: Database) -> int:
    """Claim and settle by the outbox's own functions, in the transactions that `deliver` has."""
    done = 0
    while True:
        with database.transaction() as tx:
            claimed = messages.claim(tx, NOW, NOW + LEASE, MESSAGES)
        if not claimed:
            return done
        for message in claimed:
            with database.transaction() as tx:
                done += messages.settle(tx, message, _sent(message))
                messages.settle_notices(tx, message["id"], "sent", None, NOW)
                messages.note_address(tx, message["address_id"], None)


def _delivered(database: Database) -> int:
    done = 0
    while some := deliver(database, lambda parcel: Result("sent"), lambda: NOW, origin=ORIGIN).sent:
        done += some
    return done


def _bare(address: str, database: Database) -> int:
    """Claim and settle by psycopg: the statements, their values as the database takes them, BEGIN and COMMIT."""
    dialect, done = database.engine.dialect, 0

    def bound(statement: Statement, **values: Any) -> tuple[str, Any]:
        compiled = statement.compiled(dialect)
        return compiled.sql, compiled.bind(values)

    with psycopg.connect(address, cursor_factory=psycopg.RawCursor) as connection, connection.cursor() as cursor:
        connection.prepare_threshold = 0
        while True:
            claimed = cursor.execute(*bound(messages.CLAIM, now=NOW, until=NOW + LEASE, limit=MESSAGES)).fetchall()
            connection.commit()
            if not claimed:
                return done
            names = [column.name for column in cursor.description or ()]
            for row in claimed:
                message = dict(zip(names, row, strict=True))
                changes = {f"new_{name}": value for name, value in _sent(message).items()}
                cursor.execute(*bound(messages.SETTLE, of=message["id"], mine=message["fence"], **changes))
                done += cursor.rowcount
                values = {"new_status": "sent", "new_reason": None, "new_settled_at": NOW}
                cursor.execute(*bound(messages.SETTLE_NOTICES, of=message["id"], was="waiting", **values))
                cursor.execute(*bound(messages.REACHED, of=message["address_id"]))
                connection.commit()


def _sent(message: Row) -> dict[str, Any]:
    told = {"fence": message["fence"], "at": instant(NOW), "result": "sent", "error": None}
    return {"status": "sent", "attempts": message["attempts"], "next_at": NOW, "tries": [told], "settled_at": NOW}


def _check(connection: psycopg.Connection[Any], done: int, count: int) -> None:
    sql = (
        "SELECT (SELECT count(*) FROM message WHERE status = 'sent' AND fence = 1 AND attempts = 1) AS messages, "
        "(SELECT count(*) FROM notice WHERE status = 'sent') AS notices"
    )
    found = connection.execute(sql).fetchone()
    if (done, found) != (count, {"messages": count, "notices": count}):
        raise AssertionError(f"{done} of {count} messages were settled, {found}")


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield the table of the page."""
    yield (
        f"The outbox, one client: {found['messages']:,} messages of one notice each, claimed {found['claimed']} at a "
        "time and settled one by one, each settlement a transaction that writes message, notice and address:"
    )
    yield ""
    own = {name: [one for one in found["slices"] if one["contestant"] == name] for name in NAMES}
    rows = [(words, text(spread_of(own[name])), _against(own[name], own["bare"])) for name, words in NAMES.items()]
    yield table(("", "messages/s", "to the bare SQL"), rows)


def _against(one: list[Raw], bare: list[Raw]) -> str:
    return text(ratios(one, bare), 2)
