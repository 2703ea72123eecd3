"""Sealing, verifying and exporting a backlog, against hashing the same bytes and nothing else, on both databases."""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from lifecycle import schema
from lifecycle.audit import Log
from lifecycle.callers import Caller, Source
from lifecycle.database import Database, open_database
from lifecycle.exporting.forms import FORMS
from lifecycle.seal.bundle import Order, make_bundle
from lifecycle.seal.bundle.making import prepare, verifier
from lifecycle.seal.examination import Writers
from lifecycle.seal.heads import keys_of_log
from lifecycle.seal.inspection import inspect
from lifecycle.seal.sealer import SealTerms, seal_once
from lifecycle.seal.trees import inclusion
from lifecycle.settings import Settings
from lifecycle.signing import FileSigner, load_or_create_signer, public_key_text
from states.roles import actor_of

from .acts import instant
from .contest import Say
from .exporting import taken
from .figures import table
from .filling_log import STREAM, fill
from .server import Server
from .world import FILED_ON, ORIGIN

QUICK = (1_000, 10_000)
FULL = (10_000, 100_000, 1_000_000)  # each ten times the one before: linear or not
PROOFS = 200
# Between us and the verifier, for the peak of a process counts what its parent held at the fork: this one holds little.
WATCHED = """import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:])
_, status, usage = os.wait4(process.pid, 0)
process.returncode = os.waitstatus_to_exitcode(status)
print("peak in KiB", usage.ru_maxrss)
sys.exit(process.returncode)
"""


def run(
    server: Server, folder: Path, sizes: Sequence[int], say: Say, forms: Sequence[str] = tuple(FORMS)
) -> dict[str, Any]:
    """Write a backlog of each size, seal, inspect and verify it; export the longest. PostgreSQL first, then SQLite."""
    found = []
    for size in sizes:
        server.create("bench_seal")
        urls = {"postgresql": server.url("bench_seal"), "sqlite": f"sqlite:///{folder / f'seal-{size}.sqlite3'}"}
        for name, url in urls.items():
            found.append(_measured(name, folder / f"seal-{name}-{size}", url, size, say))
            if size == max(sizes):
                found[-1]["exports"] = _exported(name, folder, url, size, forms, say)
        server.drop("bench_seal")
    return {"entries": max(sizes), "seal": found}


def _measured(name: str, folder: Path, url: str, entries: int, say: Say) -> dict[str, Any]:
    settings = Settings(data_dir=folder, database_url=url, origin=ORIGIN)
    log, signer = Log(ORIGIN, load_or_create_signer(settings.writer_key)), load_or_create_signer(settings.log_key)
    terms = SealTerms(ORIGIN, Writers([log.signer.public_key]), settings.seal_state, settings.tiles)
    now = instant(FILED_ON, 0)
    with closing(open_database(settings)) as database:
        schema.upgrade(database)
        say(f"seal: {name}: writing {entries:,} entries")
        began = time.perf_counter()
        bare = fill(database, ORIGIN, settings.writer_key, entries)
        say(f"seal: {name}: written in {time.perf_counter() - began:.0f} s")
        began, processor = time.perf_counter(), time.process_time()
        passes, more = 0, True
        while more:
            sealed = seal_once(database, signer, terms, now)
            passes, more = passes + 1, sealed.more
        seconds, spent = time.perf_counter() - began, time.process_time() - processor
        if (sealed.size, sealed.problems) != (entries, ()):
            raise AssertionError(f"{sealed.size} of {entries} are sealed, {len(sealed.problems)} problems")
        one = {
            **{
                "database": name,
                "entries": entries,
                "passes": passes,
                "seconds": seconds,
                "cpu_seconds": spent,
                **bare,
            },
            **{"ratio": seconds / bare["hashing"], "rate": entries / seconds},
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            **_looked(database, entries),
            **_checked(database, settings, log, signer, folder),
        }
    say(
        f"seal: {name}: {entries:,} entries in {seconds:.1f} s ({one['rate']:,.0f}/s, {spent:.1f} s of processor), "
        f"hashing alone {bare['hashing']:.2f} s: {one['ratio']:.0f} times; with one signature each "
        f"{bare['hashing'] + bare['verifying']:.1f} s; inspected in {one['inspected']:.1f} s; "
        f"a proof {one['proof_us']:,.0f} µs; peak {one['peak_mib']:,.0f} MiB; bundle {one['bundle']:.1f} s, "
        f"{one['bundle_mb']:,.0f} MB; verified by the auditor's file in {one['verified']:.1f} s without signatures "
        f"({one['verified'] / bare['hashing']:.0f} times hashing alone), {one['verified_all']:.1f} s with them, peak "
        f"{one['verifier_mib']:,.0f} MiB"
    )
    return one


def _exported(name: str, folder: Path, url: str, entries: int, forms: Sequence[str], say: Say) -> list[dict[str, Any]]:
    found = []
    for form in forms:
        (one,) = taken(url, folder, form, entries)
        say(
            f"seal: {name}: {entries:,} entries as {form} in {one['seconds']:.1f} s, {one['octets'] / 1e6:,.0f} MB, "
            f"peak {one['peak']:,.0f} MiB ({one['before']:,.0f} before)"
        )
        found.append(one)
    return found


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


def _checked(database: Database, settings: Settings, log: Log, signer: FileSigner, folder: Path) -> dict[str, float]:
    """Take a bundle of the whole log without tables and let the auditor's file verify it, in a process of its own."""
    path, program, policy = folder / "log.zip", folder / "verify_audit.py", folder / "policy.json"
    auditor = Caller(actor_of("auditor", "auditor"), Source("bench"), instant(FILED_ON, 0))
    began = time.perf_counter()
    with database.reading() as tx, path.open("wb") as file:
        file.writelines(make_bundle(tx, prepare(tx, ORIGIN, settings.tiles, auditor, Order(views=()))))
    bundle = time.perf_counter() - began
    program.write_bytes(verifier())
    keys = {"log_keys": [key.vkey for key in keys_of_log(ORIGIN, signer.public_key)]}
    policy.write_text(json.dumps({"origin": ORIGIN, **keys, "writer_keys": [public_key_text(log.signer)]}), "utf-8")
    seconds, peak = [], 0.0
    for signatures, code in (("none", 2), ("all", 0)):  # 2: it says that it did not check them
        command = [sys.executable, program, path, "--policy", policy, "--signatures", signatures]
        began = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", WATCHED, *command], capture_output=True, text=True, check=False)
        seconds.append(time.perf_counter() - began)
        if done.returncode != code:
            raise AssertionError(done.stdout[-2000:] + done.stderr[-2000:])
        peak = max(peak, int(done.stdout.rpartition(" ")[2]) / 1024)
    octets = path.stat().st_size
    path.unlink()
    told = {"verified": seconds[0], "verified_all": seconds[1], "verifier_mib": peak}
    return {"bundle": bundle, "bundle_mb": octets / 1e6, **told}


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield the part of the page."""
    yield "## Sealing"
    yield ""
    yield (
        f"Backlogs of up to {found['entries']:,} entries of {found['seal'][0]['octets']:,.0f} octets, {STREAM} to a "
        "stream: each read, hashed, compared with its columns and its predecessor, its signature verified; leaves and "
        "tiles stored, each pass signed and published with fsync. Inspection reads and hashes all of it again. "
        "The verifier is the auditor's one file, on a bundle of the whole log without tables. Ratios are to hashing "
        "the same bytes and nothing else; where work is linear, they do not change with the number of entries."
    )
    yield ""
    rows: Sequence[Sequence[object]] = [
        (
            *(one["database"], f"{one['entries']:,}", f"{one['seconds']:,.1f}", f"{one['rate']:,.0f}"),
            *(f"{one['hashing']:,.2f}", f"{one['ratio']:,.0f}"),
            f"{one['seconds'] / (one['hashing'] + one['verifying']):,.2f}",
            *(f"{one['inspected']:,.1f}", f"{one['proof_us']:,.0f}", f"{one['peak_mib']:,.0f}"),
            *(f"{one['bundle']:,.1f}", f"{one['verified']:,.1f}", f"{one['verified'] / one['hashing']:,.0f}"),
            *(f"{one['verified_all']:,.1f}", f"{one['verifier_mib']:,.0f}"),
        )
        for one in found["seal"]
    ]
    yield table(
        (
            *("", "entries", "sealed, s", "entries/s", "hashing alone, s", "times that"),
            *("times hashing and verifying on one core", "inspection, s", "µs a proof", "peak MiB of the process"),
            *("bundle, s", "verified without signatures, s", "times hashing alone", "with signatures, s"),
            "peak MiB of the verifier",
        ),
        rows,
    )
    yield ""
    yield "Exports of the longest, each in a process of its own:"
    yield ""
    yield table(
        ("", "form", "s", "MB", "peak MiB", "of these before it began"),
        [
            (
                *(one["database"], export["form"], f"{export['seconds']:,.1f}", f"{export['octets'] / 1e6:,.0f}"),
                *(f"{export['peak']:,.0f}", f"{export['before']:,.0f}"),
            )
            for one in found["seal"]
            for export in one.get("exports", ())
        ],
    )
