"""Fills a log with entries of a usual size, built in as many processes as there are cores and inserted by one."""

import hashlib
import os
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from lifecycle.audit import Change, Deed, Head, Keys, Log, build
from lifecycle.callers import Caller, Source
from lifecycle.database import Database
from lifecycle.sets import insert_many
from lifecycle.signing import load_or_create_signer
from lifecycle.tables import Entry

from .acts import caller, instant
from .world import FILED_ON

STREAM = 10  # entries of a stream, as a project has
CHANGES = 14  # so that a body is about as long as an act's: 2 KB
CHUNK = 5_000  # entries built and inserted at once, of streams of their own
_entry = Entry.__table__  # type: ignore[attr-defined]


def fill(database: Database, origin: str, key: Path, entries: int) -> dict[str, float]:
    """Insert entries; return what hashing them, and verifying a signature each, takes (s); their mean octets."""
    hashing, octets = 0.0, 0
    for rows in _built(origin, key, entries):
        with database.transaction() as tx:
            insert_many(tx, _entry, rows)
        bodies = [b"\x00" + row["body"] for row in rows]
        octets += sum(map(len, bodies)) - len(bodies)
        began = time.perf_counter()
        for body in bodies:
            hashlib.sha256(body).digest()
        hashing += time.perf_counter() - began
    return {"hashing": hashing, "verifying": _verifying(key) * entries, "octets": octets / entries}


def chunk(origin: str, key: Path, first: int, end: int) -> list[dict[str, Any]]:
    """Return the columns of so many entries, interleaved over their streams."""
    log, heads = Log(origin, load_or_create_signer(key)), dict[int, Head]()
    streams, rows = max(1, (end - first) // STREAM), []
    for number in range(first, end):
        of = first + number % streams
        changes = [Change(f"/record/field_{n}", None, f"第{number}号记录的内容{n}" * 2) for n in range(CHANGES)]
        deed = Deed(f"project/{of:012}", "project.transitioned", ("project", f"{of:012}", number), changes=changes)
        built = build(log, _doer(number), heads.get(of, Head()), deed, Keys())
        heads[of] = built.head
        rows.append(built.columns)
    return rows


def _built(origin: str, key: Path, entries: int) -> Iterator[list[dict[str, Any]]]:
    parts = [(first, min(entries, first + CHUNK)) for first in range(0, entries, CHUNK)]
    load_or_create_signer(key)  # made once, before others look for it
    if len(parts) <= 2:
        yield from (chunk(origin, key, *part) for part in parts)
        return
    workers = os.cpu_count() or 1
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        waiting: deque[Future[list[dict[str, Any]]]] = deque()
        for part in parts:
            waiting.append(pool.submit(chunk, origin, key, *part))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _doer(number: int) -> Caller:
    me = caller("handler", instant(FILED_ON, 0))
    return Caller(me.actor, Source("bench"), me.now + timedelta(milliseconds=number))


def _verifying(key: Path) -> float:
    signer, message = load_or_create_signer(key), bytes(200)
    public, signature = Ed25519PublicKey.from_public_bytes(signer.public_key), signer.sign(message)
    began = time.perf_counter()
    for _ in range(1000):
        public.verify(signature, message)
    return (time.perf_counter() - began) / 1000
