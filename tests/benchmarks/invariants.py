"""What must hold after every slice: no lost act, streams gapless and chained, counters equal to their sums."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import dict_row
from psycopg.types.string import TextLoader

from lifecycle.canonical import leaf_hash
from lifecycle.signing import Receipt, load_signer, verify_receipt
from lifecycle.snapshots import facts_of
from states.capacities import claims
from states.deadlines import state_council_calendar
from states.library import bundled_definitions, bundled_policies
from states.planning import planned

from .acts import Subject
from .world import ORIGIN

SIGNATURES_CHECKED = 50


class Broken(AssertionError):
    """An invariant does not hold; the figures of the slice are worth nothing."""


class Head(NamedTuple):
    """Where a project stood before the slice."""

    version: int
    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Before:
    """What a slice starts from."""

    heads: Mapping[str, Head]
    pending: int
    capacities: tuple[int, int]  # rows, sum


def connect(address: str) -> psycopg.Connection[Any]:
    """Open a connection whose rows are dictionaries and whose uuids are text."""
    connection = psycopg.connect(address, autocommit=True, row_factory=dict_row)
    connection.adapters.register_loader("uuid", TextLoader)
    return connection


def look(connection: psycopg.Connection[Any], subjects: Sequence[Subject]) -> Before:
    """Remember where the projects stand."""
    rows = connection.execute(
        "SELECT id, version, head_seq, head_hash FROM project WHERE id = ANY(%s::uuid[])",
        ([one.id for one in subjects],),
    )
    heads = {row["id"]: Head(row["version"], row["head_seq"], row["head_hash"]) for row in rows}
    return Before(heads, _count(connection, "pending"), _capacities(connection))


def check(
    connection: psycopg.Connection[Any],
    before: Before,
    acts: int,
    folder: Path,
    *,
    others: int = 0,
    capacities: str = "equal",
) -> int:
    """Return how many entries were checked. `others`: entries in other streams, such as the batch's on a bulk act.

    `capacities`: `equal` where every counter must be the sum over all projects of the database, `same` where the acts
    leave them alone and the database is too large to add up.

    Raises:
        Broken: something does not hold.
    """
    rows = connection.execute(
        "SELECT * FROM project WHERE id = ANY(%s::uuid[]) ORDER BY id", (list(before.heads),)
    ).fetchall()
    moved = sum(row["version"] - before.heads[row["id"]].version for row in rows)
    _equal("acts done and versions gone up", acts, moved)
    entries = _entries(connection, before)
    _equal("acts done and entries added", acts, sum(map(len, entries.values())))
    _equal("entries written and entries pending", acts + others, _count(connection, "pending") - before.pending)
    public = load_signer(folder / "writer.key").public_key
    for row in rows:
        _check_stream(row, before.heads[row["id"]], entries.get(f"project/{row['id']}", []))
    flat = [entry for stream in entries.values() for entry in stream]
    for entry in flat[:: max(1, len(flat) // SIGNATURES_CHECKED)]:
        receipt = Receipt(ORIGIN, entry["stream"], entry["seq"], entry["leaf"], entry["signature"], entry["key_id"])
        if not verify_receipt(receipt, public):
            raise Broken(f"the signature of {entry['stream']} {entry['seq']} does not verify")
    _check_checkpoints(connection, [row for row in rows if f"project/{row['id']}" in entries])
    if capacities == "equal":
        _check_capacities(connection)
    else:
        _equal("capacities before and after", before.capacities, _capacities(connection))
    return len(flat)


def _entries(connection: psycopg.Connection[Any], before: Before) -> dict[str, list[dict[str, Any]]]:
    rows = connection.execute(
        "SELECT e.stream, e.seq, e.body, e.leaf, e.signature, e.key_id FROM entry e "
        "JOIN unnest(%s::text[], %s::bigint[]) AS b (stream, seq) ON e.stream = b.stream AND e.seq > b.seq "
        "ORDER BY e.stream, e.seq",
        ([f"project/{name}" for name in before.heads], [head.seq for head in before.heads.values()]),
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["stream"], []).append(row)
    return found


def _check_stream(row: Mapping[str, Any], head: Head, entries: Sequence[Mapping[str, Any]]) -> None:
    seq, leaf, version = head.seq, head.hash, head.version
    for entry in entries:
        body = json.loads(entry["body"])
        seq, version = seq + 1, version + 1
        told = (body["stream"], body["seq"], body["prev"], body["subject"]["version"])
        _equal(f"entry {seq} and its place", (entry["stream"], seq, leaf.hex(), version), told)
        _equal(f"{entry['stream']}: number of the entry", seq, entry["seq"])
        leaf = hashlib.sha256(b"\x00" + entry["body"]).digest()
        if leaf != entry["leaf"] or leaf != leaf_hash(entry["body"]):
            raise Broken(f"{entry['stream']} {seq}: the leaf is not the body's")
    told = (row["version"], row["head_seq"], row["head_hash"])
    _equal(f"project {row['id']} and the head of its stream", (version, seq, leaf), told)


def _check_checkpoints(connection: psycopg.Connection[Any], rows: Sequence[Mapping[str, Any]]) -> None:
    definition, policy, calendar = _rules()
    wanted = {
        (row["id"], item.kind, item.number, item.due_on)
        for row in rows
        for item in planned(definition, policy, facts_of(row), calendar)
    }
    found = connection.execute(
        "SELECT id, project_id, kind, number, due_on FROM checkpoint "
        "WHERE status = 'open' AND project_id = ANY(%s::uuid[])",
        ([row["id"] for row in rows],),
    ).fetchall()
    held = [(row["project_id"], row["kind"], row["number"], row["due_on"]) for row in found]
    _equal("open checkpoints, each once", len(set(held)), len(held))
    if set(held) != wanted:
        raise Broken(f"checkpoints differ from the plan: {sorted(set(held) ^ wanted, key=str)[:4]}")
    noted = sorted(item["id"] for row in rows for item in row["plan"])
    _equal("open checkpoints and those noted in the projects", noted, sorted(row["id"] for row in found))


def _check_capacities(connection: psycopg.Connection[Any]) -> None:
    definition, policy, _ = _rules()
    sums: Counter[tuple[str, str, str]] = Counter()
    with connection.transaction(), connection.cursor("projects") as cursor:
        for row in cursor.execute("SELECT * FROM project"):
            for (pool, key), amount in claims(definition, policy, facts_of(row), row["state"]).items():
                batchwise = definition.capacities[pool].scope == "batch"
                sums[row["batch_id"] if batchwise else policy.policy.programme, pool, key] += amount
    stored = {
        (row["scope"], row["pool"], row["key"]): row["used"] for row in connection.execute("SELECT * FROM capacity")
    }
    for place in {*stored, *sums}:
        _equal(f"capacity {place}", sums[place], stored.get(place, 0))


def _rules() -> tuple[Any, Any, Any]:
    definition, policy = bundled_definitions()["gongfu-pilot/1"][0], bundled_policies()["sd-gongfu-2024-2/1"][0]
    return definition, policy, state_council_calendar()


def _capacities(connection: psycopg.Connection[Any]) -> tuple[int, int]:
    row = connection.execute("SELECT count(*) AS n, coalesce(sum(used), 0)::bigint AS total FROM capacity").fetchone()
    assert row
    return row["n"], row["total"]


def _count(connection: psycopg.Connection[Any], table: str) -> int:
    row = connection.execute(f"SELECT count(*) AS n FROM {table}").fetchone()  # type: ignore[arg-type]
    assert row
    return int(row["n"])


def _equal(what: str, wanted: object, found: object) -> None:
    if wanted != found:
        raise Broken(f"{what}: {wanted!r} and {found!r}")
