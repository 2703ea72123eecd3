"""Many proofs over one tree: its subtrees read tile by tile, from the database or a published folder, and kept."""

from collections.abc import Callable
from pathlib import Path

from lifecycle.database import Transaction
from lifecycle.seal.merkle import HASH_SIZE, Place, Suite, complete
from lifecycle.seal.proofs import Span, consistency_spans, inclusion_spans
from lifecycle.seal.tiles import Tile
from lifecycle.seal.trees import HEIGHT, WIDTH, BrokenTree, tile

REMEMBERED = 100_000  # subtrees; then they are read again

Read = Callable[[Tile], bytes]


class Hashes:
    """The roots of a tree's subtrees. The tree has one size, and what is read must not change meanwhile."""

    def __init__(self, suite: Suite, size: int, read: Read) -> None:
        """Take what reads a tile (`width`: as wide as it is in the tree of this size)."""
        self.suite = suite
        self.size = size
        self._read = read
        self._known: dict[Place, bytes] = {}
        self._tiles: dict[int, tuple[int, bytes]] = {}  # by level, the one read last

    def root(self, size: int | None = None) -> bytes:
        """Return the root over the first `size` leaves, by default all.

        Raises:
            BrokenTree: what was read is not as wide as the tree says.
        """
        return self._span(Span(0, self.size if size is None else size))

    def inclusion(self, index: int) -> list[bytes]:
        """Return the proof that a leaf is in the tree.

        Raises:
            BrokenTree: as `root`.
            ValueError: the tree has no such leaf.
        """
        return [self._span(span) for span in inclusion_spans(index, self.size)]

    def consistency(self, old: int) -> list[bytes]:
        """Return the proof that the tree extends that of an earlier size.

        Raises:
            BrokenTree: as `root`.
            ValueError: the tree was never of that size, or empty then.
        """
        return [self._span(span) for span in consistency_spans(old, self.size)]

    def _span(self, span: Span) -> bytes:
        return self.suite.folded([self._subtree(place) for place in complete(*span)])

    def _subtree(self, place: Place) -> bytes:
        if place.height % HEIGHT == 0:
            return self._stored(place.height // HEIGHT, place.number)
        known = self._known.get(place)
        if known is None:
            below = (Place(place.height - 1, 2 * place.number + side) for side in (0, 1))
            known = self.suite.node(*map(self._subtree, below))
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[place] = known
        return known

    def _stored(self, level: int, index: int) -> bytes:
        number, within = divmod(index, WIDTH)
        held = self._tiles.get(level)
        if held is None or held[0] != number:
            width = min(WIDTH, (self.size >> level * HEIGHT) - number * WIDTH)
            octets = self._read(Tile(level, number, width))
            if len(octets) != width * HASH_SIZE:
                raise BrokenTree(f"{self.suite.name}: tile {number} of level {level} is not {width} hashes")
            held = self._tiles[level] = (number, octets)
        return held[1][within * HASH_SIZE : (within + 1) * HASH_SIZE]


def stored(tx: Transaction, suite: Suite, size: int) -> Hashes:
    """Return the stored tree as it was at a size."""
    return Hashes(suite, size, lambda one: tile(tx, suite, *one))


def published(folder: Path, suite: Suite, size: int) -> Hashes:
    """Return the tree as it is published in a folder, of the size that its checkpoint says or an earlier one."""

    def read(one: Tile) -> bytes:
        full = folder / one._replace(width=WIDTH).path
        found = next((path for path in (folder / one.path, full) if path.exists()), None)
        if found is None:  # of an earlier size: a wider one begins with it
            parts = full.with_name(f"{full.name}.p")
            wider = [path for path in parts.glob("*") if path.name.isdecimal() and int(path.name) > one.width]
            found = min(wider, key=lambda path: int(path.name), default=None)
        if found is None:
            raise BrokenTree(f"the tile {one.path} is not published")
        return found.read_bytes()[: one.width * HASH_SIZE]

    return Hashes(suite, size, read)
