"""What tests of the seal need: terms, entries that cost little, the tree held against the entries, damage by hand."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lifecycle.audit import Deed, Log, append_to_system
from lifecycle.canonical import leaf_hash
from lifecycle.database import Database
from lifecycle.seal.examination import Writers
from lifecycle.seal.heads import SignedHead, open_head
from lifecycle.seal.merkle import SHA256, Frontier, Suite
from lifecycle.seal.sealer import Sealed, SealTerms, seal_once
from lifecycle.signing import FileSigner, load_or_create_signer
from tests.lifecycle import builders

NOW = datetime(2024, 7, 8, 1, tzinfo=UTC)
ORIGIN = "test.invalid/log"
TABLES = ("entry", "leaf", "node")


def terms_for(folder: Path, log: Log, **changes: Any) -> SealTerms:
    """Return terms whose state and publication lie in this folder."""
    terms = SealTerms(
        ORIGIN, Writers([log.signer.public_key]), folder / "state" / "sealed.checkpoint", folder / "published"
    )
    return replace(terms, **changes)


def log_signer(folder: Path) -> FileSigner:
    """Return the log's own key, the same at each call."""
    return load_or_create_signer(folder / "keys" / "log.key")


def write(database: Database, log: Log, stream: str, number: int = 1, now: datetime = NOW) -> None:
    """Append entries to a stream of the system's, in one transaction."""
    doer = builders.caller(now=now)
    with database.transaction() as tx:
        for _ in range(number):
            append_to_system(tx, log, doer, Deed(f"system/{stream}", "system.noted", ("system", stream, None)))
            tx.flush()


def seal_all(database: Database, signer: FileSigner, terms: SealTerms, now: datetime = NOW) -> Sealed:
    """Run passes until there is nothing to do; the last one's answer, with the entries of all counted."""
    taken = 0
    while True:
        sealed = seal_once(database, signer, terms, now)
        taken += sealed.taken
        if not sealed.more:
            return replace(sealed, taken=taken)


def sealed_rows(database: Database) -> list[tuple[int, str, int, bytes, bytes]]:
    """Return index, stream, seq, leaf hash and body of what is sealed, in the order of the tree."""
    sql = (
        'SELECT leaf."index", entry.stream, entry.seq, leaf.hash, entry.body FROM leaf '
        'JOIN entry ON entry.id = leaf.entry_id ORDER BY leaf."index"'
    )
    with database.reading() as tx:
        return [tuple(row) for row in tx.driver.execute(sql).fetchall()]


def count(database: Database, table: str) -> int:
    """Return the number of rows."""
    with database.reading() as tx:
        return int(tx.driver.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def published(terms: SealTerms, signer: FileSigner, suite: str = "") -> SignedHead:
    """Return the published checkpoint, its signature verified."""
    origin = f"{terms.origin}/{suite}" if suite else terms.origin
    return open_head((terms.folder / suite / "checkpoint").read_bytes(), origin, signer.public_key)


def assert_sound(database: Database, terms: SealTerms, signer: FileSigner, suite: Suite = SHA256) -> int:
    """Hold what is sealed, signed and published against the entries: gapless, in order, one root; return the size."""
    rows = sealed_rows(database)
    assert [row[0] for row in rows] == list(range(len(rows)))
    streams: dict[str, int] = {}
    for _, stream, seq, leaf, body in rows:
        assert seq == streams.get(stream, 0) + 1
        assert leaf == leaf_hash(body)
        streams[stream] = seq
    frontier = Frontier(suite)
    frontier.extend([suite.leaf(row[4]) for row in rows])
    head = published(terms, signer, "" if suite is SHA256 else suite.name).head
    assert (head.size, head.root) == (len(rows), frontier.root)
    return len(rows)


def damage(database: Database, *statements: tuple[str, Sequence[Any]]) -> None:
    """Run statements (`?` for parameters) as an administrator who has put the append-only triggers out of action."""
    with database.transaction() as tx:
        for table in TABLES:
            if tx.is_postgres:
                tx.execute_driver(f"ALTER TABLE {table} DISABLE TRIGGER {table}_no_change")
            else:
                for name in ("update", "delete", "replace"):
                    tx.execute_driver(f"DROP TRIGGER IF EXISTS {table}_no_{name}")
        for sql, values in statements:
            tx.execute_driver(sql.replace("?", "%s") if tx.is_postgres else sql, values)
