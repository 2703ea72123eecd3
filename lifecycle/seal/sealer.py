"""The sealer: takes pending entries into the tree, signs its head, publishes it. Run every second, by one process.

Examined at one instant and without a lock, written in one transaction, signed only where the new tree provably extends
what was signed last, kept on the disk, and only then published. Whatever step a crash falls on, the next pass goes on.
"""

import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from lifecycle.database import Database, Transaction
from lifecycle.seal.examination import Problem, Writers
from lifecycle.seal.heads import SignedHead, origin_of
from lifecycle.seal.inspection import SEALED, altered
from lifecycle.seal.merkle import SHA256, Frontier, Suite, suite_named
from lifecycle.seal.pending import Taken, settle, take
from lifecycle.seal.signing import Signing
from lifecycle.seal.state import SealerBusy, only_sealer, state_file
from lifecycle.seal.trees import frontier_of, size_of, store
from lifecycle.settings import Settings
from lifecycle.signing import Signer, load_signer
from lifecycle.statements import Statement

LIMIT = 4096  # entries of one pass
LOCK = 0x70696C6F74  # any number, as long as it is always the same
EARLIER = re.compile(r"\.[0-9a-f]{16}")  # of a key file that was replaced: its key id
TRY_LOCK = Statement(sa.select(sa.func.pg_try_advisory_xact_lock(sa.literal(LOCK, sa.BigInteger())).label("got")))


@dataclass(frozen=True, slots=True)
class SealTerms:
    """What a sealer works with, beside database and key."""

    origin: str
    writers: Writers
    state: Path
    folder: Path  # where checkpoints and tiles are published; another suite's in a folder of its own below
    suites: tuple[Suite, ...] = (SHA256,)  # SHA-256 first: the others follow it
    limit: int = LIMIT


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a pass did: the tree as signed, entries taken in, what is wrong, and whether more can be done at once."""

    size: int
    root: bytes
    taken: int
    problems: tuple[Problem, ...] = ()
    held: int = 0  # entries that wait behind a bad or a missing one
    signed: tuple[str, ...] = ()  # origins of the trees whose head was signed anew
    more: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        rest = {name: getattr(self, name) for name in ("size", "taken", "held", "more")}
        problems = [problem.to_dict() for problem in self.problems]
        return {**rest, "root": self.root.hex(), "signed": list(self.signed), "problems": problems}


def terms_of(settings: Settings) -> SealTerms:
    """Return the terms that the settings give; this machine's writer is known by its key file, if it has one.

    So are the writer's earlier keys, as long as their files lie beside it; the log says which of them count no longer.

    Raises:
        SuiteMissing: a suite is asked for that this machine does not have.
        KeyFileError: the writer's key file cannot be trusted.
        ValueError: a public key is none.
    """
    keys = [b64decode(key, validate=True) for key in settings.writer_keys]
    own = settings.writer_key
    earlier = sorted(path for path in own.parent.glob(f"{own.name}.*") if EARLIER.fullmatch(path.suffix))
    keys += [load_signer(path).public_key for path in (own, *earlier) if path.exists()]
    suites = tuple(suite_named(name) for name in dict.fromkeys((SHA256.name, *settings.suites)))
    return SealTerms(settings.origin, Writers(keys), settings.seal_state, settings.tiles, suites)


def seal_once(database: Database, signer: Signer, terms: SealTerms, now: datetime) -> Sealed:
    """Run one pass: take in what is sound, sign what grew, publish what was signed.

    Raises:
        Halted: the database does not extend the last signed checkpoint, the state file is missing or older than what
            was published, or a published tile differs: nothing is sealed or signed until somebody has looked.
        SealerBusy: another sealer is at work.
        OSError: the state file or the folder cannot be written; the next pass goes on from there.
    """
    with only_sealer(terms.state):
        trees = trees_of(signer, terms)
        kept = [tree.last(database, now) for tree in trees]
        taken = _take_in(database, terms, trees[0], kept[0])
        problems, more = list(taken.problems), len(taken.sound) == terms.limit or bool(taken.cut and taken.sound)
        for tree, last in zip(trees[1:], kept[1:], strict=True):
            broken, behind = _follow(database, terms, tree, last)
            problems += broken
            more = more or behind
        with database.reading() as tx:
            heads = [tree.sign(tx, last, now) for tree, last in zip(trees, kept, strict=True)]
            for tree, head in zip(trees, heads, strict=True):
                tree.publish(tx, head)
    signed = tuple(head.head.origin for head, last in zip(heads, kept, strict=True) if head is not last)
    main = heads[0].head
    return Sealed(main.size, main.root, len(taken.sound), tuple(problems), taken.held, signed, more)


def seal_all(database: Database, signer: Signer, terms: SealTerms, clock: Callable[[], datetime]) -> Sealed:
    """Run passes until nothing sound is left to take in, and return what all of them did.

    Raises:
        Halted, SealerBusy, OSError: as `seal_once`.
    """
    taken, signed, sealed = 0, set[str](), None
    while sealed is None or sealed.more:
        sealed = seal_once(database, signer, terms, clock())
        taken += sealed.taken
        signed.update(sealed.signed)
    return replace(sealed, taken=taken, signed=tuple(sorted(signed)))


def trees_of(signer: Signer, terms: SealTerms) -> list[Signing]:
    """Return the trees that a sealer signs, SHA-256's first."""
    return [_signing(signer, terms, suite) for suite in terms.suites]


def _signing(signer: Signer, terms: SealTerms, suite: Suite) -> Signing:
    folder = terms.folder if suite.name == SHA256.name else terms.folder / suite.name
    return Signing(suite, origin_of(terms.origin, suite), signer, state_file(terms.state, suite), folder)


def _take_in(database: Database, terms: SealTerms, tree: Signing, last: SignedHead) -> Taken:
    """Append what is sound in the queue to the tree and commit."""
    with database.reading() as tx:
        frontier = tree.extending(tx, last)
        taken = take(tx, terms.origin, terms.writers, terms.limit)
    if taken.sound:
        with database.transaction() as tx:
            _alone(tx, frontier)
            grown = frontier.extend([one.leaf for one in taken.sound])
            store(tx, tree.suite, grown, [one.id for one in taken.sound])
            settle(tx, taken)
    return taken


def _follow(database: Database, terms: SealTerms, tree: Signing, last: SignedHead) -> tuple[list[Problem], bool]:
    """Append to another suite's tree what SHA-256's has; return what is wrong, and whether it is still behind."""
    problems, leaves = [], []
    with database.reading() as tx:
        frontier = tree.extending(tx, last)
        size = size_of(tx)
        for row in tx.fetch(SEALED, first=frontier.size, end=min(size, frontier.size + terms.limit)):
            found = altered(row)
            if found:
                problems.append(found)
                break
            leaves.append(tree.suite.leaf(row["body"]))
    if leaves:
        with database.transaction() as tx:
            _alone(tx, frontier)
            store(tx, tree.suite, frontier.extend(leaves))
    return problems, not problems and frontier.size < size


def _alone(tx: Transaction, frontier: Frontier) -> None:
    """Be the only sealer until the end of the transaction, on a tree that is still the one that was read.

    Raises:
        SealerBusy: another one, on another machine, is at work or has just been.
    """
    if tx.is_postgres:
        row = tx.one(TRY_LOCK)
        if row is None or not row["got"]:
            raise SealerBusy("another sealer holds the database's lock")
    if frontier_of(tx, frontier.suite).root != frontier.root:
        raise SealerBusy("another sealer has just been at work")
