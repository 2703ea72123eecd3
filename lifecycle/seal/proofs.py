"""Proofs that a leaf is in a tree, and that a tree extends another: which hashes they take, and their verification.

Exactly as RFC 9162 §2.1.3 and §2.1.4. Index and sizes are always the verifier's own, never taken from a proof.
"""

from collections.abc import Sequence
from typing import NamedTuple

from lifecycle.seal.merkle import HASH_SIZE, Suite


class Span(NamedTuple):
    """The leaves from `begin` up to `end`; a proof's hash is the root over them."""

    begin: int
    end: int


def inclusion_spans(index: int, size: int) -> list[Span]:
    """Return the subtrees whose roots prove the leaf in the tree of this size, in the proof's order.

    Raises:
        ValueError: the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    found, begin, end = [], 0, size
    while end - begin > 1:
        middle = begin + _half(end - begin)
        if index < middle:
            found.append(Span(middle, end))
            end = middle
        else:
            found.append(Span(begin, middle))
            begin = middle
    return found[::-1]


def consistency_spans(old: int, new: int) -> list[Span]:
    """Return the subtrees whose roots prove that the tree of size `new` extends that of size `old`.

    Raises:
        ValueError: `old` is nothing or greater than `new`.
    """
    if not 0 < old <= new:
        raise ValueError(f"there is no proof between trees of {old} and {new} leaves")
    found, begin, end, whole = [], 0, new, True
    while old < end:
        middle = begin + _half(end - begin)
        if old <= middle:
            found.append(Span(middle, end))
            end = middle
        else:
            found.append(Span(begin, middle))
            begin, whole = middle, False
    if not whole:
        found.append(Span(begin, end))
    return found[::-1]


def verify_inclusion(suite: Suite, leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Say whether the path proves that the leaf with this hash is at `index` of the tree (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes((leaf, root, *path)):
        return False
    fn, sn, found = index, size - 1, leaf
    for step in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            found = suite.node(step, found)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            found = suite.node(found, step)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and found == root


def verify_consistency(
    suite: Suite, old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> bool:
    """Say whether the path proves that the second tree extends the first (RFC 9162 §2.1.4.2).

    Equal sizes take equal roots and an empty path. From an empty tree nothing can be proven: False.
    """
    if not 0 < old <= new or not _are_hashes((old_root, new_root, *path)):
        return False
    if old == new:
        return not path and old_root == new_root
    if not path:
        return False
    hashes = [old_root, *path] if old & (old - 1) == 0 else list(path)
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    first = second = hashes[0]
    for step in hashes[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            first, second = suite.node(step, first), suite.node(step, second)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            second = suite.node(second, step)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and (first, second) == (old_root, new_root)


def _half(size: int) -> int:
    """Return the largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def _are_hashes(values: Sequence[object]) -> bool:
    return all(type(value) is bytes and len(value) == HASH_SIZE for value in values)
