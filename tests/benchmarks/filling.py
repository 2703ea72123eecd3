"""A database with a million projects and ten million entries, made by plain INSERT … SELECT from two real projects.

Every row is one that the door itself wrote, with ids, codes and units of its own; triggers, keys and indexes work as
always. Bodies of entries are cut to 700 octets, so a filled stream's bytes do not hash to its leaves: acts chain on to
the heads, and what they add is checked as everywhere.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg

from .acts import CYCLE, Subject
from .contest import Say
from .invariants import connect
from .server import Server
from .worker import Client
from .world import CITIES, World, opened

STREAM = 10  # entries of a project, at least
BODY = 700
BATCHES = 500
CHUNK = 5000  # projects of one statement
# 48 bits of time and the row's number, then bits that differ from row to row: in order, as UUIDv7 are.
STAMP = "lpad(to_hex(1721000000000 + i), 12, '0') || '70008'"
PROJECT = f"({STAMP} || substr(md5('p' || i), 1, 15))::uuid"
BATCH = "('0190b0000000' || '70008' || lpad(to_hex(mod(i, {0})), 15, '0'))::uuid"
LEAD, LANDING = "lpad(i::text, 17, '0') || 'L'", "lpad(i::text, 17, '0') || 'M'"
UNIT = f"CASE t.position WHEN 0 THEN {LEAD} ELSE {LANDING} END"
CONTACT = f"'contact/' || {PROJECT}"
CITY = f"(ARRAY[{', '.join(repr(city) for city in CITIES)}])[mod(i, {len(CITIES)}) + 1]"


def row_id(of: str) -> str:
    """Return the id of the copy number i of a row."""
    return f"({STAMP} || substr(md5({of}::text || i), 1, 15))::uuid"


def fill(server: Server, name: str, folder: Path, projects: int, say: Say) -> dict[str, Any]:
    """Make the database with that many projects beside the two real ones; return how long it took and its sizes."""
    server.create(name)
    with opened(folder, server.url(name)) as (database, log):
        pair = World(database, log).pool("bench-seed", 2)
        _lengthen(database, log, pair)
    began = time.perf_counter()
    with connect(server.address(name)) as connection:
        batches = min(BATCHES, max(1, projects // 10))
        seeds = [_seed(connection, subject) for subject in pair]
        batch = {"id": BATCH.format(batches), "code": "'bench-fill-' || i"}
        _do(connection, copied(connection, "batch", batch), seeds[0], 1, batches)
        for low in range(1, projects + 1, CHUNK):
            high = min(projects, low + CHUNK - 1)
            for parity, seed in enumerate(seeds):
                for sql in _statements(connection, seed, batches):
                    _do(connection, f"{sql} AND mod(i, 2) = {parity}", seed, low, high)
            connection.execute("DELETE FROM pending")  # as the sealer would have
            if low // CHUNK % 20 == 0:
                say(f"  filled {high:,} of {projects:,} projects in {time.perf_counter() - began:,.0f} s")
        _capacities(connection, projects, batches)
        connection.execute("VACUUM ANALYZE")
        return {"seconds": round(time.perf_counter() - began), **sizes(connection)}


def sample(connection: psycopg.Connection[Any], projects: int, wanted: int) -> list[Subject]:
    """Return filled projects, spread over the whole table."""
    rows = connection.execute(
        f"SELECT id, city, lead_code FROM project JOIN generate_series(1, %s, %s) AS i ON id = {PROJECT} ORDER BY i",
        (projects, max(1, projects // wanted) | 1),  # odd: both kinds of seed
    )
    return [Subject(row["id"], row["city"], row["lead_code"], 1) for row in rows]


def sizes(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    """Return the numbers of rows (as the statistics have them) and the size of the database in bytes."""
    rows = connection.execute(
        "SELECT relname, reltuples::bigint AS n FROM pg_class WHERE relname IN "
        "('project', 'entry', 'checkpoint', 'disclosure', 'capacity') AND relkind = 'r'"
    )
    counted = {row["relname"]: max(0, row["n"]) for row in rows}
    size = connection.execute("SELECT pg_database_size(current_database()) AS n").fetchone()
    return {"rows": counted, "bytes": size["n"] if size else 0}


def _lengthen(database: Any, log: Any, pair: Sequence[Subject]) -> None:
    """Cycle the two projects until their streams are long enough, one in publicity, one under an objection."""
    client = Client(database, log, list(pair), 1, time.time())
    for subject, state in zip(pair, ("in_publicity", "under_objection"), strict=True):
        seq = 0
        while seq < STREAM:
            outcome = client.act(CYCLE[state], subject)
            state, seq = client.act(CYCLE[outcome.target], subject).target, outcome.version + 1  # noqa: PLW2901


def _seed(connection: psycopg.Connection[Any], subject: Subject) -> Mapping[str, Any]:
    row = connection.execute(
        "SELECT p.id, p.batch_id AS batch, p.lead_code AS lead, m.credit_code AS landing, c.id AS checkpoint "
        "FROM project p JOIN membership m ON m.project_id = p.id AND m.position = 1 "
        "JOIN checkpoint c ON c.project_id = p.id AND c.status = 'open' WHERE p.id = %s",
        (subject.id,),
    ).fetchone()
    assert row
    return {**row, "stream": f"project/{row['id']}", "contact": f"contact/{row['id']}"}


def _statements(connection: psycopg.Connection[Any], seed: Mapping[str, Any], batches: int) -> list[str]:
    batch = BATCH.format(batches)
    project = {
        "id": PROJECT,
        "batch_id": batch,
        "code": "'bench-' || lpad(i::text, 8, '0')",
        "city": CITY,
        "lead_code": LEAD,
        "members": f"replace(replace(t.members::text, %(lead)s, {LEAD}), %(landing)s, {LANDING})::jsonb",
        "plan": f"replace(t.plan::text, %(checkpoint)s, {row_id('%(checkpoint)s')}::text)::jsonb",
    }
    stream = f"'project/' || {PROJECT}"
    entry = {"id": row_id("t.id"), "stream": stream, "body": f"substr(t.body, 1, {BODY})"}
    disclosures = copied(connection, "disclosure", {"entry_id": row_id("t.entry_id")})
    return [
        f"{copied(connection, 'project', project)} AND t.id = %(id)s",
        f"{copied(connection, 'membership', {'project_id': PROJECT, 'credit_code': UNIT})} AND t.project_id = %(id)s",
        f"{copied(connection, 'checkpoint', {'id': row_id('t.id'), 'project_id': PROJECT, 'batch_id': batch})} "
        "AND t.project_id = %(id)s",
        f"{copied(connection, 'person_key', {'person': CONTACT})} AND t.person = %(contact)s",
        f"{copied(connection, 'entry', entry)} AND t.stream = %(stream)s",
        f"{disclosures} AND t.path = '/source/ip' AND t.entry_id IN (SELECT id FROM entry WHERE stream = %(stream)s)",
    ]


def copied(connection: psycopg.Connection[Any], table: str, own: Mapping[str, str]) -> str:
    """Return INSERT … SELECT of every column of the seed's rows, with expressions of their own for some."""
    rows = connection.execute(
        "SELECT column_name AS name FROM information_schema.columns WHERE table_name = %s AND table_schema = 'public' "
        "ORDER BY ordinal_position",
        (table,),
    )
    names = [row["name"] for row in rows]
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(own.get(name, f't."{name}"') for name in names)
    which = " AND t.id = %(batch)s" if table == "batch" else ""
    return (
        f'INSERT INTO "{table}" ({columns}) SELECT {values} '
        f'FROM "{table}" t, generate_series(%(low)s::bigint, %(high)s::bigint) AS i WHERE true{which}'
    )


def _capacities(connection: psycopg.Connection[Any], projects: int, batches: int) -> None:
    """Count what the filled projects hold, as the door would have."""
    batch = BATCH.format(batches)
    numbers = f"generate_series(1, {projects}) AS i"
    into = "INSERT INTO capacity (scope, pool, key, ceiling, used)"
    for sql in (
        f"{into} SELECT {batch}::text, 'provider_projects', {LEAD}, NULL, 1 FROM {numbers}",
        f"{into} SELECT programme, 'manufacturer_projects', {LANDING}, NULL, 1 FROM {numbers}, "
        "(SELECT programme FROM batch LIMIT 1) AS b",
        f"{into} SELECT {batch}::text, 'city_quota', {CITY}, 1000000, count(*) FROM {numbers} GROUP BY 1, 3",
    ):
        connection.execute(sql)  # type: ignore[arg-type]


def _do(connection: psycopg.Connection[Any], sql: str, seed: Mapping[str, Any], low: int, high: int) -> None:
    connection.execute(sql, {**seed, "low": low, "high": high})  # type: ignore[arg-type]
