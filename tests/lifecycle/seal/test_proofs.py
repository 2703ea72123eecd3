"""Inclusion and consistency proofs: the published cases, the laws, and every corruption refused."""

import json
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lifecycle.seal.merkle import SHA256
from lifecycle.seal.proofs import Span, consistency_spans, inclusion_spans, verify_consistency, verify_inclusion
from lifecycle.seal.verifier.verify_audit import consistent, included
from tests.lifecycle.seal.test_merkle import VECTORS, leaves_of, naive

FOLDER = VECTORS / "rfc6962"
DUMMY_ROOTS = "sizes-are-equal-one-and-proof-is-empty.json"  # 12 octets each: no hashes
LEAVES = leaves_of(300)

sizes = st.integers(1, len(LEAVES))
hashes = st.binary(min_size=32, max_size=32)


def cases(kind: str) -> list[Any]:
    if not FOLDER.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason="the shared vectors are not beside this checkout"))]
    paths = sorted((FOLDER / kind).rglob("*.json"))
    return [pytest.param(path, id=str(path.relative_to(FOLDER / kind))) for path in paths if path.name != DUMMY_ROOTS]


def octets(text: str | None) -> bytes:
    return b64decode(text or "")


@pytest.mark.parametrize("path", cases("inclusion"))
def test_a_published_inclusion_case_is_judged_as_published(path: Path) -> None:
    case = json.loads(path.read_text("utf-8"))
    proof = [octets(one) for one in case["proof"] or ()]
    verdict = verify_inclusion(
        SHA256, octets(case["leafHash"]), case["leafIdx"], case["treeSize"], proof, octets(case["root"])
    )
    own = included(octets(case["leafHash"]), case["leafIdx"], case["treeSize"], proof, octets(case["root"]))
    assert (verdict, own) == (not case["wantErr"],) * 2  # ours, and that of the file for auditors


@pytest.mark.parametrize("path", cases("consistency"))
def test_a_published_consistency_case_is_judged_as_published(path: Path) -> None:
    case = json.loads(path.read_text("utf-8"))
    proof = [octets(one) for one in case["proof"] or ()]
    roots = octets(case["root1"]), octets(case["root2"])
    verdict = verify_consistency(SHA256, case["size1"], case["size2"], *roots, proof)
    own = consistent(case["size1"], case["size2"], *roots, proof)
    assert (verdict, own) == (not case["wantErr"],) * 2


def hashed(spans: Sequence[Span]) -> list[bytes]:
    return [naive(SHA256, LEAVES[span.begin : span.end]) for span in spans]


def inclusion(index: int, size: int) -> tuple[bytes, int, int, list[bytes], bytes]:
    return LEAVES[index], index, size, hashed(inclusion_spans(index, size)), naive(SHA256, LEAVES[:size])


def consistency(old: int, new: int) -> tuple[int, int, bytes, bytes, list[bytes]]:
    roots = naive(SHA256, LEAVES[:old]), naive(SHA256, LEAVES[:new])
    return old, new, *roots, hashed(consistency_spans(old, new))


def test_every_leaf_of_every_small_tree_is_proven() -> None:
    for size in range(1, 34):
        assert [verify_inclusion(SHA256, *inclusion(index, size)) for index in range(size)] == [True] * size


def test_every_growth_of_small_trees_is_proven() -> None:
    for new in range(1, 34):
        proven = [verify_consistency(SHA256, *consistency(old, new)) for old in range(1, new + 1)]
        assert proven == [True] * new


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.data(), sizes)
def test_an_inclusion_proof_holds_and_is_no_longer_than_the_tree_is_high(data: st.DataObject, size: int) -> None:
    leaf, index, size, path, root = inclusion(data.draw(st.integers(0, size - 1)), size)
    assert verify_inclusion(SHA256, leaf, index, size, path, root)
    assert len(path) <= (size - 1).bit_length()


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.data(), sizes)
def test_a_consistency_proof_holds(data: st.DataObject, new: int) -> None:
    proof = consistency(data.draw(st.integers(1, new)), new)
    assert verify_consistency(SHA256, *proof)
    assert len(proof[-1]) <= (new - 1).bit_length() + 1


def corrupted(data: st.DataObject, path: list[bytes]) -> list[bytes]:
    """Return the path with one thing wrong."""
    at = data.draw(st.integers(0, max(0, len(path) - 1)))
    ways = ["insert", "append"]
    ways += ["flip", "drop", "double", "short", "long", "swap"] if path else []
    way = data.draw(st.sampled_from(ways))
    bit = data.draw(st.integers(0, 255))
    made = {
        "insert": lambda: [*path[:at], data.draw(hashes), *path[at:]],
        "append": lambda: [*path, data.draw(hashes)],
        "flip": lambda: [*path[:at], flipped(path[at], bit), *path[at + 1 :]],
        "drop": lambda: [*path[:at], *path[at + 1 :]],
        "double": lambda: [*path[: at + 1], *path[at:]],
        "short": lambda: [*path[:at], path[at][:31], *path[at + 1 :]],
        "long": lambda: [*path[:at], path[at] + b"\0", *path[at + 1 :]],
        "swap": lambda: [*path[:at], *path[at + 1 :], path[at]],
    }[way]()
    assume(made != path)
    return made


def flipped(digest: bytes, bit: int) -> bytes:
    return (int.from_bytes(digest, "big") ^ (1 << bit)).to_bytes(32, "big")


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.data(), sizes)
def test_a_corrupted_inclusion_path_is_refused(data: st.DataObject, size: int) -> None:
    leaf, index, size, path, root = inclusion(data.draw(st.integers(0, size - 1)), size)
    assert not verify_inclusion(SHA256, leaf, index, size, corrupted(data, path), root)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.data(), sizes)
def test_a_corrupted_consistency_path_is_refused(data: st.DataObject, new: int) -> None:
    old, new, first, second, path = consistency(data.draw(st.integers(1, new)), new)
    assert not verify_consistency(SHA256, old, new, first, second, corrupted(data, path))


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.data(), sizes)
def test_another_leaf_index_or_root_is_refused(data: st.DataObject, size: int) -> None:
    leaf, index, size, path, root = inclusion(data.draw(st.integers(0, size - 1)), size)
    other = data.draw(st.integers(-1, size + 1).filter(lambda one: one != index))
    assert not verify_inclusion(SHA256, leaf, other, size, path, root)
    assert not verify_inclusion(SHA256, data.draw(hashes), index, size, path, root)
    assert not verify_inclusion(SHA256, leaf, index, size, path, data.draw(hashes))


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.data(), sizes)
def test_other_roots_are_refused(data: st.DataObject, new: int) -> None:
    old, new, first, second, path = consistency(data.draw(st.integers(1, new)), new)
    other = data.draw(hashes)
    assert not verify_consistency(SHA256, old, new, other, second, path)
    assert not verify_consistency(SHA256, old, new, first, other, path)
    if first != second:
        assert not verify_consistency(SHA256, old, new, second, first, path)


def test_equal_trees_take_an_empty_proof_and_equal_roots() -> None:
    root = naive(SHA256, LEAVES[:5])
    assert verify_consistency(SHA256, 5, 5, root, root, [])
    assert not verify_consistency(SHA256, 5, 5, root, SHA256.empty, [])
    assert not verify_consistency(SHA256, 5, 5, root, root, [root])


def test_nothing_is_proven_from_an_empty_tree() -> None:
    root = naive(SHA256, LEAVES[:5])
    assert not verify_consistency(SHA256, 0, 5, SHA256.empty, root, [])
    assert not verify_consistency(SHA256, 0, 0, SHA256.empty, SHA256.empty, [])
    with pytest.raises(ValueError, match="no proof between"):
        consistency_spans(0, 5)


def test_an_index_outside_the_tree_has_no_proof() -> None:
    for index, size in ((5, 5), (-1, 5), (0, 0)):
        with pytest.raises(ValueError, match="has no leaf"):
            inclusion_spans(index, size)


def test_what_is_no_hash_is_refused_even_where_it_would_hash_right() -> None:
    leaf = LEAVES[0]
    assert verify_inclusion(SHA256, leaf, 0, 1, [], leaf)
    assert not verify_inclusion(SHA256, leaf[:31], 0, 1, [], leaf[:31])
    assert not verify_consistency(SHA256, 1, 1, b"dummy", b"dummy", [])
