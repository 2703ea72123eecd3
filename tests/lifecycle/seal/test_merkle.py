"""Merkle trees: the published values, and the frontier against the RFC's own recursive definition."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.canonical import leaf_hash
from lifecycle.seal.merkle import SHA256, Frontier, Place, Suite, SuiteMissing, complete, suite_named

VECTORS = Path(__file__).parents[3].parent / "shared" / "vectors"
GOLDEN = VECTORS / "rfc6962" / "golden_tree.json"
EMPTY_ROOT = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
SM3_ABC = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"

needs_golden = pytest.mark.skipif(not GOLDEN.exists(), reason="the shared vectors are not beside this checkout")


def naive(suite: Suite, leaves: Sequence[bytes]) -> bytes:
    """Return MTH as RFC 6962 §2.1 defines it, over leaf hashes."""
    if not leaves:
        return suite.empty
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return suite.node(naive(suite, leaves[:half]), naive(suite, leaves[half:]))


def leaves_of(number: int, suite: Suite = SHA256) -> list[bytes]:
    return [suite.leaf(b"%d" % one) for one in range(number)]


@needs_golden
def test_the_golden_tree_has_its_published_nodes_and_roots() -> None:
    golden = json.loads(GOLDEN.read_text("utf-8"))
    inputs = [bytes.fromhex(one) for one in golden["leaf_inputs_hex"]]
    hashes = [SHA256.leaf(one) for one in inputs]
    grown = Frontier(SHA256).extend(hashes)
    assert [[one.hex() for one in level.hashes] for level in grown] == golden["node_hashes_hex_by_level"]
    roots = []
    for size in range(len(hashes) + 1):
        frontier = Frontier(SHA256)
        frontier.extend(hashes[:size])
        roots.append(frontier.root.hex())
    assert roots == golden["root_hashes_hex_by_size"]


@needs_golden
def test_the_hasher_has_its_published_values() -> None:
    cases = {case["op"] + case.get("in_ascii", ""): case["want"] for case in json.loads(GOLDEN.read_text())["hasher"]}
    assert cases == {
        "empty": SHA256.empty.hex(),
        "leaf": SHA256.leaf(b"").hex(),
        "leafL123456": SHA256.leaf(b"L123456").hex(),
        "node": SHA256.node(b"N123", b"N456").hex(),
    }


def test_nothing_hashes_to_the_hash_of_nothing() -> None:
    assert Frontier(SHA256).root.hex() == SHA256.empty.hex() == EMPTY_ROOT


def test_the_logs_leaf_hash_is_the_trees() -> None:
    assert leaf_hash(b"{}") == SHA256.leaf(b"{}")


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.lists(st.integers(0, 40), max_size=8))
def test_a_frontier_grown_in_any_portions_has_the_root_of_the_definition(portions: list[int]) -> None:
    leaves, frontier, given = leaves_of(sum(portions)), Frontier(SHA256), 0
    for portion in portions:
        frontier.extend(leaves[given : given + portion])
        given += portion
        assert (frontier.size, frontier.root) == (given, naive(SHA256, leaves[:given]))


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.integers(0, 150), st.integers(0, 150))
def test_growth_tells_every_complete_subtree_once_at_its_place(before: int, more: int) -> None:
    leaves, frontier = leaves_of(before + more), Frontier(SHA256)
    frontier.extend(leaves[:before])
    told = {
        (part.height, part.first + number): digest
        for part in frontier.extend(leaves[before:])
        for number, digest in enumerate(part.hashes)
    }
    wanted = {
        (height, number): naive(SHA256, leaves[number << height : (number + 1) << height])
        for height in range(9)
        for number in range(before >> height, (before + more) >> height)
    }
    assert told == wanted


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.integers(0, 300), st.integers(0, 60))
def test_a_frontier_made_from_its_peaks_grows_as_the_one_they_come_from(size: int, more: int) -> None:
    leaves = leaves_of(size + more)
    peaks = [naive(SHA256, leaves[n << h : (n + 1) << h]) for h, n in complete(0, size)]
    frontier = Frontier(SHA256, size, peaks)
    frontier.extend(leaves[size:])
    assert frontier.root == naive(SHA256, leaves)


def test_a_frontier_does_not_take_too_few_peaks() -> None:
    with pytest.raises(ValueError, match="zip"):
        Frontier(SHA256, 3, [SHA256.empty])


def test_complete_subtrees_are_named_largest_first() -> None:
    assert complete(0, 7) == [Place(2, 0), Place(1, 2), Place(0, 6)]
    assert complete(4, 7) == [Place(1, 2), Place(0, 6)]
    assert complete(0, 0) == []


def test_sm3_is_another_tree_over_the_same_leaves() -> None:
    sm3 = suite_named("sm3")
    assert sm3.new(b"abc").hexdigest() == SM3_ABC
    leaves, frontier = leaves_of(77, sm3), Frontier(sm3)
    frontier.extend(leaves)
    assert frontier.root == naive(sm3, leaves) != naive(SHA256, leaves_of(77))


@pytest.mark.skipif(not VECTORS.exists(), reason="the shared vectors are not beside this checkout")
def test_sm3_has_its_published_values() -> None:
    lines = (VECTORS / "sm3" / "oscca.txt").read_text("utf-8").splitlines()
    fields = [line.split(" = ") for line in lines if " = " in line]
    cases = list(zip(fields[0::3], fields[1::3], fields[2::3], strict=True))
    assert len(cases) > 3
    for length, message, digest in cases:
        data = bytes.fromhex(message[1])[: int(length[1]) // 8]
        assert suite_named("sm3").new(data).hexdigest() == digest[1]


def test_a_library_without_sm3_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    real = hashlib.new

    def without(name: str, data: bytes = b"") -> object:
        if name == "sm3":
            raise ValueError("unsupported hash type sm3")
        return real(name, data)

    monkeypatch.setattr(hashlib, "new", without)
    with pytest.raises(SuiteMissing, match="PILOT_SUITES"):
        suite_named("sm3")


def test_an_unknown_suite_is_refused() -> None:
    assert suite_named("sha256") is SHA256
    with pytest.raises(ValueError, match="no suite md5"):
        suite_named("md5")
