"""A restore rehearsed: a copy of a backup halts the sealer, takes what it lacks from a bundle, and holds again.

Nothing of the running house is touched: the database is a copy, and state and publication are copied too.
"""

import zipfile
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from shutil import copyfile
from typing import Any

import sqlalchemy as sa

from lifecycle.attempts import SET_HEAD, SUBJECTS
from lifecycle.audit import SET_HEAD as SET_STREAM_HEAD
from lifecycle.canonical import leaf_hash, parse_canonical
from lifecycle.database import Database, Transaction
from lifecycle.seal.examination import projections
from lifecycle.seal.halts import Halted
from lifecycle.seal.heads import parse_head
from lifecycle.seal.inspection import inspect
from lifecycle.seal.merkle import SHA256
from lifecycle.seal.notes import parse_note
from lifecycle.seal.pending import Last, Sound, Taken, settle
from lifecycle.seal.sealer import SealTerms, seal_once
from lifecycle.seal.tiles import CHECKPOINT
from lifecycle.seal.trees import frontier_of, root_of, size_of, store
from lifecycle.sets import for_both, insert_many, select_many, within
from lifecycle.signing import Signer
from lifecycle.statements import Row, Statement
from lifecycle.tables import Entry, SealedStream, StreamHead

_entry = Entry.__table__  # type: ignore[attr-defined]
_sealed = SealedStream.__table__  # type: ignore[attr-defined]
_stream_head = StreamHead.__table__  # type: ignore[attr-defined]
CHUNK = 1_000

PRESENT = for_both(lambda d: sa.select(_entry.c.id, _entry.c.leaf).where(within(_entry.c.id, "ids", d, "uuid")))
SEALED = for_both(lambda d: sa.select(_sealed.c.stream).where(within(_sealed.c.stream, "streams", d)))
ADD_STREAM_HEAD = Statement(sa.insert(_stream_head))
HEADS = {
    kind: Statement(sa.select(table.c.head_seq).where(table.c.id == sa.bindparam("wanted")))
    for kind, table in SUBJECTS.items()
}
STREAM_HEAD = Statement(sa.select(_stream_head.c.head_seq).where(_stream_head.c.stream == sa.bindparam("wanted")))


class NoSignature(Exception):
    """The sealer was about to sign: on this copy it must not come to that."""


@dataclass(frozen=True, slots=True)
class Witnessing:
    """The log's key without its private part: a drill never signs."""

    key_id: str
    public_key: bytes

    def sign(self, message: bytes) -> bytes:
        """Refuse.

        Raises:
            NoSignature: always.
        """
        raise NoSignature(f"{len(message)} bytes were to be signed")


@dataclass(slots=True)
class Drill:
    """What the drill showed."""

    restored: int  # sealed entries in the backup
    signed: int  # entries under the head signed last
    halted: str | None = None  # why the sealer halted on the copy; None: it did not, and that is wrong
    imported: int = 0
    strangers: list[str] = field(default_factory=list)  # entries of the backup that are in neither tree nor bundle
    behind: list[str] = field(default_factory=list)  # streams whose rows lag: to be rebuilt from the log
    missing: list[str] = field(default_factory=list)  # streams whose rows are not there at all: created later
    problems: list[dict[str, Any]] = field(default_factory=list)
    holds: bool = False  # the tree has the signed root again, and the sealer would go on

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


def rehearse_restore(
    database: Database, bundle: Path, terms: SealTerms, signer: Signer, folder: Path, now: datetime
) -> Drill:
    """Play a restore on `database`, a copy of a backup; `folder` takes copies of state and publication.

    Steps: the sealer halts on the copy; what is missing comes from a bundle of the whole log, entry by entry into the
    same place of the tree; the root is the signed one again; tree and entries are held against one another.

    Raises:
        Halted: the bundle does not lead to the signed head either.
        ValueError: the bundle is not of the whole log.
    """
    copied = _copied(terms, folder)
    with zipfile.ZipFile(bundle) as archive:
        head = parse_head(parse_note(archive.read(CHECKPOINT)).text)
        if "proofs.txt" in archive.namelist() or head.origin != terms.origin:
            raise ValueError("a bundle of the whole log, and of this log, is needed")
        with database.reading() as tx:
            drill = Drill(size_of(tx), head.size)
        watcher = Witnessing(signer.key_id, signer.public_key)
        try:
            seal_once(database, watcher, copied, now)
        except Halted as halted:
            drill.halted = halted.cause
        except NoSignature:
            drill.halted = None
        for lines in _lines(archive, drill.restored):
            with database.transaction() as tx:
                drill.imported += _bring_in(tx, lines)
    with database.reading() as tx:
        if root_of(tx, head.size) != head.root:
            raise Halted("forked", size=head.size)
        found = inspect(tx)
        rows = tx.driver.execute("SELECT entry_id FROM pending").fetchall()
    drill.strangers = sorted(str(row[0]) for row in rows)
    drill.problems = [problem.to_dict() for problem in found.problems]
    with database.transaction() as tx:
        _move_heads(tx, drill)
    drill.holds = not drill.problems
    return drill


def _copied(terms: SealTerms, folder: Path) -> SealTerms:
    """Return terms with copies of what the sealer remembers and has published, SHA-256's only."""
    copies = replace(terms, state=folder / "sealed.checkpoint", folder=folder / "published", suites=(SHA256,))
    (folder / "published").mkdir(parents=True)
    for source, target in ((terms.state, copies.state), (terms.folder / CHECKPOINT, copies.folder / CHECKPOINT)):
        copyfile(source, target)
    return copies


def _lines(archive: zipfile.ZipFile, first: int) -> Iterator[list[bytes]]:
    """Yield the bundle's entries from a place in the tree on, some at a time."""
    held: list[bytes] = []
    with archive.open("entries.txt") as member:
        for line in member:
            if int(line.partition(b"\t")[0]) >= first:
                held.append(line.rstrip(b"\n"))
            if len(held) == CHUNK:
                yield held
                held = []
    if held:
        yield held


def _bring_in(tx: Transaction, lines: list[bytes]) -> int:
    """Append entries that the backup lacks, and all of them to the tree, in the bundle's order."""
    rows = [_row(line) for line in lines]
    present = {row["id"]: row["leaf"] for row in select_many(tx, PRESENT, "ids", [row["id"] for row in rows])}
    fresh = [row for row in rows if row["id"] not in present]
    insert_many(tx, _entry, fresh)
    frontier = frontier_of(tx)
    grown = frontier.extend([row["leaf"] for row in rows])
    store(tx, SHA256, grown, [row["id"] for row in rows])
    streams = {row["stream"] for row in rows}
    begun = streams - {row["stream"] for row in select_many(tx, SEALED, "streams", sorted(streams))}
    taken = Taken([Sound(row["id"], row["leaf"]) for row in rows], begun=begun)
    taken.ends = {row["stream"]: Last(row["seq"], row["leaf"]) for row in rows}
    settle(tx, taken)
    return len(fresh)


def _row(line: bytes) -> Row:
    """Return an entry's row from its line in the bundle."""
    _, key_id, signature, raw = line.split(b"\t", 3)
    body = parse_canonical(raw)
    return {
        **projections(body),
        "at": datetime.fromisoformat(body["at"]),
        "body": raw,
        "leaf": leaf_hash(raw),
        "signature": b64decode(signature),
        "key_id": key_id.decode(),
    }


def _move_heads(tx: Transaction, drill: Drill) -> None:
    """Move the heads of streams that lag to their last sealed entry, so that the next act continues it."""
    for row in tx.fetch(Statement(sa.select(_sealed))):
        kind, _, name = row["stream"].partition("/")
        own = tx.one(HEADS[kind], wanted=name) if kind in HEADS else tx.one(STREAM_HEAD, wanted=row["stream"])
        if own is None and kind in HEADS:
            drill.missing.append(row["stream"])
        elif own is None:
            tx.queue(ADD_STREAM_HEAD, stream=row["stream"], head_seq=row["seq"], head_hash=row["hash"])
        elif own["head_seq"] < row["seq"] and kind in HEADS:
            drill.behind.append(row["stream"])
            tx.queue(SET_HEAD[kind], of=name, head_seq=row["seq"], head_hash=row["hash"])
        elif own["head_seq"] < row["seq"]:
            tx.queue(SET_STREAM_HEAD, of=row["stream"], seq=row["seq"], hash=row["hash"])
