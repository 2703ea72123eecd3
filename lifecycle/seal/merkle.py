"""Merkle trees as RFC 6962 §2.1 has them: hashes of leaves, nodes and of nothing, and the frontier by which one grows.

Pure: no input or output. Stored trees are in `trees`, proofs in `proofs`.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

HASH_SIZE = 32  # of every suite


class SuiteMissing(Exception):
    """This machine's cryptographic library does not offer the hash that a suite needs."""


@dataclass(frozen=True, slots=True)
class Suite:
    """A hash function in its three uses. Trees of different suites are never mixed."""

    name: str
    new: Callable[[bytes], Any]

    @property
    def empty(self) -> bytes:
        """Return the root of the tree without leaves."""
        return bytes(self.new(b"").digest())

    def leaf(self, body: bytes) -> bytes:
        """Return the hash of a leaf."""
        return bytes(self.new(b"\x00" + body).digest())

    def node(self, left: bytes, right: bytes) -> bytes:
        """Return the hash of an inner node."""
        return bytes(self.new(b"\x01" + left + right).digest())

    def pairs(self, hashes: Sequence[bytes]) -> list[bytes]:
        """Return the nodes above neighbours; one that is left over at the end is left out."""
        new = self.new
        return [new(b"\x01" + left + right).digest() for left, right in zip(hashes[0::2], hashes[1::2], strict=False)]

    def folded(self, hashes: Sequence[bytes]) -> bytes:
        """Return the root over complete subtrees, given largest first; of none, the empty tree's."""
        if not hashes:
            return self.empty
        root = hashes[-1]
        for left in reversed(hashes[:-1]):
            root = self.node(left, root)
        return root


SHA256 = Suite("sha256", hashlib.sha256)


def suite_named(name: str) -> Suite:
    """Return the suite `sha256` or `sm3` (GB/T 32905).

    Raises:
        SuiteMissing: the library under this Python has no SM3.
        ValueError: there is no suite of this name.
    """
    if name == SHA256.name:
        return SHA256
    if name != "sm3":
        raise ValueError(f"there is no suite {name}: there are sha256 and sm3")
    try:
        hashlib.new("sm3", b"")
    except ValueError:
        raise SuiteMissing(
            "this Python's OpenSSL offers no SM3: use one built with it, or take sm3 out of PILOT_SUITES"
        ) from None
    return Suite("sm3", lambda data: hashlib.new("sm3", data))


class Place(NamedTuple):
    """A complete subtree: of 2^height leaves, the number-th such from the left."""

    height: int
    number: int


def complete(begin: int, end: int) -> list[Place]:
    """Return the complete subtrees of the leaves from `begin` up to `end`, largest first.

    `begin` must be a multiple of the largest power of two not above the number of leaves, as it is for every subtree
    that RFC 6962 speaks of.
    """
    found = []
    while begin < end:
        height = (end - begin).bit_length() - 1
        found.append(Place(height, begin >> height))
        begin += 1 << height
    return found


class Grown(NamedTuple):
    """The subtrees of one height that were completed, from the index `first` on."""

    height: int
    first: int
    hashes: list[bytes]


class Frontier:
    """What a tree needs to grow: the roots of its complete subtrees, from which its own root follows."""

    def __init__(self, suite: Suite, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        """Begin with nothing, or with the subtrees of `complete(0, size)` in that order."""
        self.suite = suite
        self.size = size
        self._peaks = {place.height: peak for place, peak in zip(complete(0, size), peaks, strict=True)}

    @property
    def root(self) -> bytes:
        """Return the root of the tree as it stands."""
        return self.suite.folded([self._peaks[place.height] for place in complete(0, self.size)])

    def extend(self, leaves: Sequence[bytes]) -> list[Grown]:
        """Append leaf hashes; return what was completed at each height, the leaves themselves first."""
        grown, carried, height = [], list(leaves), 0
        while carried:
            grown.append(Grown(height, self.size >> height, carried))
            row = [self._peaks.pop(height), *carried] if height in self._peaks else carried
            if len(row) % 2:
                self._peaks[height] = row[-1]
            carried = self.suite.pairs(row)
            height += 1
        self.size += len(leaves)
        return grown
