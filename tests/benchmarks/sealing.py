"""Sealing a backlog: entries a second, against hashing the same bytes and nothing else, on both databases."""

import hashlib
import resource
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from lifecycle import schema
from lifecycle.audit import Built, Change, Deed, Head, Keys, Log, build
from lifecycle.callers import Caller, Source
from lifecycle.database import Database, open_database
from lifecycle.seal.examination import Writers
from lifecycle.seal.inspection import inspect
from lifecycle.seal.sealer import SealTerms, seal_once
from lifecycle.seal.trees import inclusion
from lifecycle.sets import insert_many
from lifecycle.settings import Settings
from lifecycle.signing import load_or_create_signer
from lifecycle.tables import Entry

from .acts import caller, instant
from .contest import Say
from .figures import table
from .server import Server
from .world import FILED_ON, ORIGIN

QUICK = 100_000
FULL = 1_000_000
STREAM = 10  # entries of a stream, as a project has
CHANGES = 14  # so that a body is about as long as an act's: 2 KB
CHUNK = 10_000
PROOFS = 200
_entry = Entry.__table__  # type: ignore[attr-defined]


def run(server: Server, folder: Path, entries: int, say: Say) -> dict[str, Any]:
    """Write the backlog, seal it, inspect it; PostgreSQL first, then SQLite."""
    server.create("bench_seal")
    urls = {"postgresql": server.url("bench_seal"), "sqlite": f"sqlite:///{folder / 'seal.sqlite3'}"}
    found = [_measured(name, folder / f"seal-{name}", url, entries, say) for name, url in urls.items()]
    server.drop("bench_seal")
    return {"entries": entries, "seal": found}


def _measured(name: str, folder: Path, url: str, entries: int, say: Say) -> dict[str, Any]:
    settings = Settings(data_dir=folder, database_url=url, origin=ORIGIN)
    log, signer = Log(ORIGIN, load_or_create_signer(settings.writer_key)), load_or_create_signer(settings.log_key)
    terms = SealTerms(ORIGIN, Writers([log.signer.public_key]), settings.seal_state, settings.tiles)
    now = instant(FILED_ON, 0)
    with closing(open_database(settings)) as database:
        schema.upgrade(database)
        say(f"seal: {name}: writing {entries:,} entries")
        bare = _write(database, log, entries)
        began, processor = time.perf_counter(), time.process_time()
        passes, more = 0, True
        while more:
            sealed = seal_once(database, signer, terms, now)
            passes, more = passes + 1, sealed.more
        seconds, spent = time.perf_counter() - began, time.process_time() - processor
        if (sealed.size, sealed.problems) != (entries, ()):
            raise AssertionError(f"{sealed.size} of {entries} are sealed, {len(sealed.problems)} problems")
        one = {
            **{"database": name, "passes": passes, "seconds": seconds, "cpu_seconds": spent, **bare},
            **{"ratio": seconds / bare["hashing"], "rate": entries / seconds},
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            **_looked(database, entries),
        }
    say(
        f"seal: {name}: {entries:,} entries in {seconds:.1f} s ({one['rate']:,.0f}/s, {spent:.1f} s of processor), "
        f"hashing alone {bare['hashing']:.2f} s: {one['ratio']:.0f} times; with one signature each "
        f"{bare['hashing'] + bare['verifying']:.1f} s; inspected in {one['inspected']:.1f} s; "
        f"a proof {one['proof_us']:,.0f} µs; peak {one['peak_mib']:,.0f} MiB"
    )
    return one


def _write(database: Database, log: Log, entries: int) -> dict[str, float]:
    """Write entries, interleaved over their streams, and return what hashing and verifying them alone takes."""
    hashing, verifying, octets = 0.0, 0.0, 0
    heads: dict[int, Head] = {}
    streams = max(1, entries // STREAM)
    public = Ed25519PublicKey.from_public_bytes(log.signer.public_key)
    message = bytes(200)
    signature = log.signer.sign(message)
    for first in range(0, entries, CHUNK):
        made = list(_entries(log, heads, streams, first, min(entries, first + CHUNK)))
        with database.transaction() as tx:
            insert_many(tx, _entry, [one.columns for one in made])
        bodies = [b"\x00" + one.columns["body"] for one in made]
        octets += sum(map(len, bodies)) - len(bodies)
        began = time.perf_counter()
        for body in bodies:
            hashlib.sha256(body).digest()
        hashing += time.perf_counter() - began
    began = time.perf_counter()
    for _ in range(1000):
        public.verify(signature, message)
    verifying = (time.perf_counter() - began) * entries / 1000
    return {"hashing": hashing, "verifying": verifying, "octets": octets / entries}


def _entries(log: Log, heads: dict[int, Head], streams: int, first: int, end: int) -> Iterator[Built]:
    for number in range(first, end):
        of = number % streams
        doer = _doer(number)
        changes = [Change(f"/record/field_{n}", None, f"第{number}号记录的内容{n}" * 2) for n in range(CHANGES)]
        deed = Deed(f"project/{of:012}", "project.transitioned", ("project", f"{of}", number), changes=changes)
        built = build(log, doer, heads.get(of, Head()), deed, Keys())
        heads[of] = built.head
        yield built


def _doer(number: int) -> Caller:
    me = caller("handler", instant(FILED_ON, 0))
    return Caller(me.actor, Source("bench"), me.now + timedelta(milliseconds=number))


def _looked(database: Database, entries: int) -> dict[str, float]:
    """Return how long the whole tree takes to inspect, and one proof of inclusion to make."""
    with database.reading() as tx:
        began = time.perf_counter()
        if inspect(tx).problems:
            raise AssertionError("the sealed tree does not hold")
        inspected = time.perf_counter() - began
        rows = tx.driver.execute(f'SELECT entry_id FROM leaf WHERE "index" % {max(1, entries // PROOFS)} = 0')
        ids = [row[0] for row in rows.fetchall()]
        began = time.perf_counter()
        for entry in ids:
            inclusion(tx, entry, entries)
    return {"inspected": inspected, "proof_us": (time.perf_counter() - began) / len(ids) * 1e6}


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield the part of the page."""
    yield "## Sealing"
    yield ""
    yield (
        f"A backlog of {found['entries']:,} entries of {found['seal'][0]['octets']:,.0f} octets, {STREAM} to a stream: "
        "each read, hashed, compared with its columns and its predecessor, its signature verified; leaves and tiles "
        "stored, each pass signed and published with fsync. Inspection reads and hashes all of it again."
    )
    yield ""
    rows: Sequence[Sequence[object]] = [
        (
            *(one["database"], f"{one['seconds']:,.1f}", f"{one['rate']:,.0f}", f"{one['hashing']:,.2f}"),
            *(f"{one['ratio']:,.0f}", f"{one['seconds'] / (one['hashing'] + one['verifying']):,.2f}"),
            *(f"{one['inspected']:,.1f}", f"{one['proof_us']:,.0f}", f"{one['peak_mib']:,.0f}"),
        )
        for one in found["seal"]
    ]
    yield table(
        (
            *("", "s", "entries/s", "hashing alone, s", "times that", "times hashing and verifying on one core"),
            *("inspection, s", "µs a proof", "peak MiB of the process"),
        ),
        rows,
    )
