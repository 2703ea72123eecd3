"""The stored tree: grown leaf by leaf, and read back as frontier, root, proof or tile of any size it has had.

Stored are the leaf hashes and the roots of every 256, 65,536 … leaves: the hashes of C2SP tlog-tiles. Everything
between is hashed again from at most 256 of them, so that a million leaves take 3,922 rows more and not another
million, and a root or a proof takes a few short range reads for each factor of 256.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from lifecycle.database import Transaction
from lifecycle.errors import NotFound
from lifecycle.seal.merkle import SHA256, Frontier, Grown, Place, Suite, complete
from lifecycle.seal.proofs import Span, consistency_spans, inclusion_spans
from lifecycle.sets import insert_many
from lifecycle.statements import Statement
from lifecycle.tables import Leaf, Node
from states.findings import Text

leaf = Leaf.__table__  # type: ignore[attr-defined]
node = Node.__table__  # type: ignore[attr-defined]

HEIGHT = 8  # of a tile
WIDTH = 1 << HEIGHT

LAST_LEAF = Statement(sa.select(leaf.c.index).order_by(leaf.c.index.desc()).limit(sa.literal(1, sa.Integer())))
LAST_NODE = Statement(
    sa.select(node.c.index)
    .where(node.c.suite == sa.bindparam("of"), node.c.level == 0)
    .order_by(node.c.index.desc())
    .limit(sa.literal(1, sa.Integer()))
)
LEAVES = Statement(
    sa.select(leaf.c.index, leaf.c.hash)
    .where(leaf.c.index >= sa.bindparam("first"), leaf.c.index < sa.bindparam("end"))
    .order_by(leaf.c.index)
)
NODES = Statement(
    sa.select(node.c.index, node.c.hash)
    .where(
        node.c.suite == sa.bindparam("of"),
        node.c.level == sa.bindparam("at"),
        node.c.index >= sa.bindparam("first"),
        node.c.index < sa.bindparam("end"),
    )
    .order_by(node.c.index)
)
LEAF_OF = Statement(sa.select(leaf.c.index).where(leaf.c.entry_id == sa.bindparam("wanted")))


class BrokenTree(Exception):
    """Rows of the stored tree are missing or not in sequence; only deletion by hand does that."""


@dataclass(frozen=True, slots=True)
class Inclusion:
    """The proof that an entry stands at `index` of the tree of this size."""

    index: int
    size: int
    leaf: bytes
    path: list[bytes]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values, hashes in base64."""
        return {"index": self.index, "size": self.size, "leaf": _text(self.leaf), "path": list(map(_text, self.path))}


def size_of(tx: Transaction, suite: Suite = SHA256) -> int:
    """Return the number of leaves."""
    row = tx.one(LAST_LEAF) if suite.name == SHA256.name else tx.one(LAST_NODE, of=suite.name)
    return row["index"] + 1 if row else 0


def frontier_of(tx: Transaction, suite: Suite = SHA256, size: int | None = None) -> Frontier:
    """Return the frontier of the tree as it stands, or as it was at an earlier size.

    Raises:
        BrokenTree: rows are missing.
    """
    size = size_of(tx, suite) if size is None else size
    places = complete(0, size)
    return Frontier(suite, size, _subtrees(tx, suite, places))


def root_of(tx: Transaction, size: int, suite: Suite = SHA256) -> bytes:
    """Return the root over the first `size` leaves.

    Raises:
        BrokenTree: rows are missing.
    """
    return frontier_of(tx, suite, size).root


def inclusion(tx: Transaction, entry_id: str, size: int, suite: Suite = SHA256) -> Inclusion:
    """Return the proof that an entry is in the tree of this size.

    Raises:
        NotFound: the entry is not sealed, or came later than this size, or the tree is not that large.
    """
    row = tx.one(LEAF_OF, wanted=entry_id)
    return inclusion_at(tx, row["index"] if row else size, size, suite)


def inclusion_at(tx: Transaction, index: int, size: int, suite: Suite = SHA256) -> Inclusion:
    """Return the proof that the leaf at this place is in the tree of this size.

    Raises:
        NotFound: the tree of this size has no such leaf, or is not that large.
    """
    if not 0 <= index < size <= size_of(tx, suite):
        raise NotFound(
            Text(f"该记录不在前{size}条已封存记录中", f"the entry is not among the first {size} that are sealed")
        )
    hashes = _roots(tx, suite, [Span(index, index + 1), *inclusion_spans(index, size)])
    return Inclusion(index, size, hashes[0], hashes[1:])


def consistency(tx: Transaction, old: int, new: int, suite: Suite = SHA256) -> list[bytes]:
    """Return the proof that the tree of size `new` extends that of size `old`; empty where they are equal.

    Raises:
        NotFound: there were no such two trees, in this order; from the empty one there is no proof.
    """
    if not 0 < old <= new <= size_of(tx, suite):
        raise NotFound(Text(f"没有从{old}条到{new}条的一致性证明", f"there is no proof between sizes {old} and {new}"))
    return _roots(tx, suite, consistency_spans(old, new))


def tile(tx: Transaction, suite: Suite, level: int, number: int, width: int) -> bytes:
    """Return a tile's hashes, one after the other.

    Raises:
        BrokenTree: the tree has not so many there.
    """
    first = number * WIDTH
    return b"".join(hashes_at(tx, suite, level, first, first + width))


def hashes_at(tx: Transaction, suite: Suite, level: int, first: int, end: int) -> list[bytes]:
    """Return the stored hashes of a level, from the index `first` up to `end`.

    Raises:
        BrokenTree: they are not all there.
    """
    if level == 0 and suite.name == SHA256.name:
        rows = tx.fetch(LEAVES, first=first, end=end)
    else:
        rows = tx.fetch(NODES, of=suite.name, at=level, first=first, end=end)
    if [row["index"] for row in rows] != list(range(first, end)):
        raise BrokenTree(f"{suite.name}: level {level} has not every hash from {first} up to {end}")
    return [row["hash"] for row in rows]


def store(tx: Transaction, suite: Suite, grown: Sequence[Grown], entries: Sequence[str] = ()) -> None:
    """Append what a frontier's growth completed; the entries are those of the leaves, for SHA-256 only."""
    for height, first, hashes in grown:
        level = height // HEIGHT
        if height == 0 and suite.name == SHA256.name:
            rows: list[dict[str, Any]] = [
                {"index": first + number, "entry_id": entry, "hash": digest}
                for number, (entry, digest) in enumerate(zip(entries, hashes, strict=True))
            ]
            insert_many(tx, leaf, rows)
        elif height % HEIGHT == 0:
            rows = [
                {"suite": suite.name, "level": level, "index": first + number, "hash": digest}
                for number, digest in enumerate(hashes)
            ]
            insert_many(tx, node, rows)


def _roots(tx: Transaction, suite: Suite, spans: Sequence[Span]) -> list[bytes]:
    """Return the roots over spans of leaves."""
    parts = [complete(*span) for span in spans]
    flat = [place for places in parts for place in places]
    known = dict(zip(flat, _subtrees(tx, suite, flat), strict=True))
    return [suite.folded([known[place] for place in places]) for places in parts]


def _subtrees(tx: Transaction, suite: Suite, places: Sequence[Place]) -> list[bytes]:
    """Return the roots of complete subtrees; one range read for each tile that they lie in."""
    wanted: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for place in places:
        level, first, end = _stored(place)
        wanted.setdefault((level, first // WIDTH), []).append((first, end))
    rows: dict[tuple[int, int], bytes] = {}
    for (level, _), ranges in wanted.items():
        first, end = min(one for one, _ in ranges), max(one for _, one in ranges)
        found = hashes_at(tx, suite, level, first, end)
        rows.update({(level, first + number): digest for number, digest in enumerate(found)})
    return [_hashed(suite, (rows[level, at] for at in range(first, end))) for level, first, end in map(_stored, places)]


def _stored(place: Place) -> tuple[int, int, int]:
    """Return the stored hashes from which a subtree's root follows: their level, the first index and the end."""
    level, rest = divmod(place.height, HEIGHT)
    return level, place.number << rest, (place.number + 1) << rest


def _hashed(suite: Suite, hashes: Iterable[bytes]) -> bytes:
    """Return the root over a power of two of neighbours."""
    row = list(hashes)
    while len(row) > 1:
        row = suite.pairs(row)
    return row[0]


def _text(digest: bytes) -> str:
    return b64encode(digest).decode("ascii")
