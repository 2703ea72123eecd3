"""The sealed tree held against the entries, from the first to the last: what the sealer itself never looks at again.

This finds what was changed in the database by hand. It is no substitute for the auditor's own verifier, which trusts
neither this program nor this database.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from lifecycle.canonical import leaf_hash, parse_canonical
from lifecycle.database import Transaction
from lifecycle.seal.examination import Problem, strayed
from lifecycle.seal.merkle import SHA256, Frontier, Suite
from lifecycle.seal.pending import lost
from lifecycle.seal.trees import HEIGHT, BrokenTree, hashes_at, size_of
from lifecycle.statements import Row, Statement
from lifecycle.tables import Entry, Leaf

_entry = Entry.__table__  # type: ignore[attr-defined]
_leaf = Leaf.__table__  # type: ignore[attr-defined]

CHUNK = 4096
SEALED = Statement(
    sa.select(_leaf.c.index, _leaf.c.entry_id, _leaf.c.hash, *_entry.c)
    .join(_entry, _entry.c.id == _leaf.c.entry_id, isouter=True)
    .where(_leaf.c.index >= sa.bindparam("first"), _leaf.c.index < sa.bindparam("end"))
    .order_by(_leaf.c.index)
)


class Inspected(NamedTuple):
    """A tree computed anew from its leaves, and what does not agree with it."""

    size: int
    root: bytes
    problems: list[Problem]


def altered(row: Row) -> Problem | None:
    """Return what is wrong with a sealed entry (a row of `SEALED`): it is gone, or not what was sealed."""
    if row["body"] is None:
        return Problem("sealed-gone", row["entry_id"], detail=f"{row['index']}")
    if leaf_hash(row["body"]) != row["hash"]:
        return Problem("sealed-changed", row["entry_id"], row["stream"], row["seq"], f"{row['index']}")
    wrong = strayed(row, parse_canonical(row["body"]))
    return Problem("columns", row["entry_id"], row["stream"], row["seq"], ", ".join(wrong)) if wrong else None


def inspect(tx: Transaction, suite: Suite = SHA256) -> Inspected:
    """Read a tree and its entries whole; time and work are proportional to their number, memory is not."""
    size, frontier = size_of(tx, suite), Frontier(suite)
    problems: list[Problem] = []
    try:
        for first in range(0, size, CHUNK):
            end = min(size, first + CHUNK)
            rows = tx.fetch(SEALED, first=first, end=end)
            leaves = hashes_at(tx, suite, 0, first, end)
            if len(rows) != len(leaves):
                raise BrokenTree(f"leaves are missing between {first} and {end}")
            problems += _entries(suite, rows, leaves)
            problems += _nodes(tx, frontier, leaves)
    except BrokenTree as error:
        problems.append(Problem("tree", detail=str(error)))
    if suite.name == SHA256.name:
        problems += lost(tx)
    return Inspected(frontier.size, frontier.root, problems)


def _entries(suite: Suite, rows: Sequence[Row], leaves: Sequence[bytes]) -> Iterator[Problem]:
    for row, leaf in zip(rows, leaves, strict=True):
        found = altered(row)
        if found:
            yield found
        elif suite.name != SHA256.name and suite.leaf(row["body"]) != leaf:
            yield Problem("tree", row["entry_id"], row["stream"], row["seq"], f"{suite.name} level 0 {row['index']}")


def _nodes(tx: Transaction, frontier: Frontier, leaves: Sequence[bytes]) -> Iterator[Problem]:
    for part in frontier.extend(leaves):
        level, between = divmod(part.height, HEIGHT)
        if level and not between:
            stored = hashes_at(tx, frontier.suite, level, part.first, part.first + len(part.hashes))
            for number, (told, kept) in enumerate(zip(part.hashes, stored, strict=True)):
                if told != kept:
                    yield Problem("tree", detail=f"{frontier.suite.name} level {level} {part.first + number}")
