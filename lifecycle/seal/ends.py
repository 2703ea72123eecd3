"""The day's heads entry: one root over the last sealed entry of every stream, so that a missing tail shows.

A project's own bundle holds nothing of other streams; a proof against this root shows how far its stream went that day.
"""

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from lifecycle.audit import Change, Deed, Log, append_to_system, lock_stream
from lifecycle.callers import Caller
from lifecycle.canonical import canonical_bytes, parse_canonical
from lifecycle.database import Database, Transaction
from lifecycle.seal.merkle import SHA256, Frontier
from lifecycle.seal.proofs import inclusion_spans
from lifecycle.seal.trees import size_of
from lifecycle.signing import Receipt
from lifecycle.statements import Row, Statement
from lifecycle.tables import Entry, Leaf, SealedStream
from states.deadlines import business_date

_entry = Entry.__table__  # type: ignore[attr-defined]
_leaf = Leaf.__table__  # type: ignore[attr-defined]
_sealed = SealedStream.__table__  # type: ignore[attr-defined]

STREAM, TYPE, PATH = "system/heads", "log.heads", "/heads"
ZONE = "Asia/Shanghai"

ENDS = Statement(sa.select(_sealed))
_since = (
    sa.select(_entry.c.stream, sa.func.min(_entry.c.seq).label("seq"))
    .join(_leaf, _leaf.c.entry_id == _entry.c.id)
    .where(_leaf.c.index >= sa.bindparam("size"))
    .group_by(_entry.c.stream)
    .subquery()
)
SINCE = Statement(
    sa.select(_entry.c.stream, _entry.c.seq, _entry.c.body).join(
        _since, sa.and_(_entry.c.stream == _since.c.stream, _entry.c.seq == _since.c.seq)
    )
)
LAST = Statement(sa.select(_entry.c.at).where(_entry.c.stream == STREAM, _entry.c.seq == sa.bindparam("number")))
TOLD = Statement(
    sa.select(_entry.c.id, _entry.c.body, _leaf.c.index)
    .join(_leaf, _leaf.c.entry_id == _entry.c.id)
    .where(_entry.c.stream == STREAM, _leaf.c.index < sa.bindparam("size"))
    .order_by(_entry.c.seq.desc())
    .limit(sa.literal(1, sa.Integer()))
)


class End(NamedTuple):
    """A stream's last entry in the tree of some size."""

    stream: str
    seq: int
    hash: bytes

    @property
    def leaf(self) -> bytes:
        """Return the hash of this end as a leaf of the tree over all ends."""
        return SHA256.leaf(canonical_bytes([self.stream, self.seq, self.hash.hex()]))


@dataclass(frozen=True, slots=True)
class EndProof:
    """The proof that a stream ended so, against the root that a heads entry tells."""

    end: End
    index: int
    count: int
    path: list[bytes]


def ends_at(tx: Transaction, size: int) -> list[End]:
    """Return every stream's last entry among the first `size` leaves, by the streams' names."""
    ends = {row["stream"]: End(row["stream"], row["seq"], row["hash"]) for row in tx.fetch(ENDS)}
    for row in tx.fetch(SINCE, size=size):
        if row["seq"] == 1:
            del ends[row["stream"]]
        else:
            before = bytes.fromhex(parse_canonical(row["body"])["prev"])
            ends[row["stream"]] = End(row["stream"], row["seq"] - 1, before)
    return sorted(ends.values())


def root_over(ends: list[End]) -> bytes:
    """Return the root of the tree over these ends."""
    frontier = Frontier(SHA256)
    frontier.extend([end.leaf for end in ends])
    return frontier.root


def proof_of(ends: list[End], stream: str) -> EndProof | None:
    """Return the proof for one stream, or None where it had no entry yet."""
    index = next((number for number, end in enumerate(ends) if end.stream == stream), None)
    if index is None:
        return None
    path = [root_over(ends[begin:end]) for begin, end in inclusion_spans(index, len(ends))]
    return EndProof(ends[index], index, len(ends), path)


def last_told(tx: Transaction, size: int) -> Row | None:
    """Return the newest heads entry in the tree of this size (`id`, `body`, `index`)."""
    return tx.one(TOLD, size=size)


def tell_heads(database: Database, log: Log, caller: Caller, *, again: bool = False) -> Receipt | None:
    """Append the day's heads entry; None where today's is there already, unless another is wanted."""
    with database.reading() as tx:
        size = size_of(tx)
        ends = ends_at(tx, size)
    heads = {"size": size, "streams": len(ends), "root": b64encode(root_over(ends)).decode("ascii")}
    with database.transaction() as tx:
        head = lock_stream(tx, STREAM)
        row = tx.one(LAST, number=head.seq) if head.seq else None
        if row is not None and not again and _day(row["at"]) >= _day(caller.now):
            return None
        deed = Deed(STREAM, TYPE, ("system", "heads", None), changes=[Change(PATH, None, heads)])
        return append_to_system(tx, log, caller, deed)


def _day(at: datetime) -> str:
    return business_date(at, ZONE).isoformat()
