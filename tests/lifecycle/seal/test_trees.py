"""The stored tree, on both databases: frontier, root, proofs and tiles of any size, against the definition."""

from pathlib import Path

import pytest

from lifecycle.audit import new_id
from lifecycle.database import Database
from lifecycle.errors import NotFound
from lifecycle.seal.merkle import SHA256, Frontier, Suite, suite_named
from lifecycle.seal.proofs import verify_consistency, verify_inclusion
from lifecycle.seal.tiles import CHECKPOINT, PublishedDiffers, Tile, publish, tiles_between
from lifecycle.seal.trees import BrokenTree, consistency, frontier_of, inclusion, root_of, size_of, store, tile
from tests.lifecycle.builders import OPENED
from tests.lifecycle.seal.test_merkle import leaves_of, naive

LARGE = 256 * 256 + 300  # full tiles at level 0 and 1, partial ones at 0, 1 and 2
IDS = [new_id(OPENED) for _ in range(LARGE)]
SUITES = [SHA256, suite_named("sm3")]


def fill(database: Database, size: int, suite: Suite = SHA256, portion: int = 5000) -> list[bytes]:
    leaves = leaves_of(size, suite)
    for at in range(0, size, portion):
        with database.transaction() as tx:
            frontier = frontier_of(tx, suite)
            store(tx, suite, frontier.extend(leaves[at : at + portion]), IDS[at : min(size, at + portion)])
    return leaves


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_every_size_of_a_small_tree_has_its_root(database: Database, suite: Suite) -> None:
    leaves = fill(database, 40, suite, portion=7)
    with database.reading() as tx:
        assert size_of(tx, suite) == 40
        assert [root_of(tx, size, suite) for size in range(41)] == [naive(suite, leaves[:size]) for size in range(41)]


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_proofs_of_a_large_tree_hold_at_every_edge_of_its_tiles(database: Database, suite: Suite) -> None:
    leaves = fill(database, LARGE, suite)
    if suite is not SHA256:
        with database.transaction() as tx:  # the places in the tree are SHA-256's
            store(tx, SHA256, Frontier(SHA256).extend(leaves_of(LARGE)), IDS)
    sizes = [1, 2, 255, 256, 257, 511, 512, 40_000, 65_535, 65_536, 65_537, 65_792, LARGE - 1, LARGE]
    roots = {size: naive(suite, leaves[:size]) for size in sizes}
    with database.reading() as tx:
        assert {size: root_of(tx, size, suite) for size in sizes} == roots
        for size in sizes:
            for index in {0, size // 2, size - 1, min(size - 1, 65_535)}:
                proof = inclusion(tx, IDS[index], size, suite)
                assert (proof.index, proof.size, proof.leaf) == (index, size, leaves[index])
                assert verify_inclusion(suite, proof.leaf, index, size, proof.path, roots[size])
            for old in (one for one in sizes if one <= size):
                path = consistency(tx, old, size, suite)
                assert verify_consistency(suite, old, size, roots[old], roots[size], path)


def test_there_are_no_proofs_of_what_is_not_in_the_tree(database: Database) -> None:
    fill(database, 5)
    with database.reading() as tx:
        for entry, size in ((new_id(OPENED), 5), (IDS[3], 3), (IDS[3], 6)):
            with pytest.raises(NotFound):
                inclusion(tx, entry, size)
        for old, new in ((0, 5), (4, 3), (4, 6)):
            with pytest.raises(NotFound):
                consistency(tx, old, new)


def test_a_proof_is_told_as_json_values(database: Database) -> None:
    leaves = fill(database, 2)
    with database.reading() as tx:
        told = inclusion(tx, IDS[0], 2).to_dict()
    assert (told["index"], told["size"], [len(one) for one in told["path"]]) == (0, 2, [44])
    assert told["leaf"] != told["path"][0] and len(leaves) == 2


def test_missing_rows_are_noticed(database: Database) -> None:
    with database.transaction() as tx:
        frontier = Frontier(SHA256, 1, [SHA256.empty])  # as though the first leaf had been there
        store(tx, SHA256, frontier.extend(leaves_of(2)), IDS[:2])
    with database.reading() as tx, pytest.raises(BrokenTree, match="level 0 has not every hash from 0 up to 3"):
        root_of(tx, 3)


def test_the_tiles_of_a_tree_are_those_of_the_specification() -> None:
    tiles = tiles_between(0, 70_000)
    full = [tile for tile in tiles if tile.width == 256]
    assert len([one for one in full if one.level == 0]) == 273
    assert [one for one in full if one.level > 0] == [Tile(1, 0)]
    assert [one for one in tiles if one.width < 256] == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert tiles_between(0, 256) == [Tile(0, 0), Tile(1, 0, 1)]
    assert tiles_between(70_000, 70_000) == tiles_between(0, 0) == []
    assert tiles_between(255, 257) == [Tile(0, 0), Tile(0, 1, 1), Tile(1, 0, 1)]


def test_a_tiles_path_is_that_of_the_specification() -> None:
    assert Tile(0, 1_234_067).path == "tile/0/x001/x234/067"
    assert Tile(1, 17, 5).path == "tile/1/017.p/5"
    assert Tile(2, 1000).path == "tile/2/x001/000"


def test_a_tree_published_in_portions_is_the_one_published_at_once(database: Database, tmp_path: Path) -> None:
    leaves = fill(database, 700)
    with database.reading() as tx:
        size = 0
        for grown in (0, 3, 255, 256, 300, 511, 700):
            publish(tmp_path / "a", size, grown, b"%d" % grown, lambda one: tile(tx, SHA256, *one))
            size = grown
        publish(tmp_path / "b", 0, 700, b"700", lambda one: tile(tx, SHA256, *one))
    at_once = {
        path.relative_to(tmp_path / "b"): path.read_bytes() for path in (tmp_path / "b").rglob("*") if path.is_file()
    }
    assert set(map(str, at_once)) == {CHECKPOINT, "tile/0/000", "tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2"}
    assert {name: (tmp_path / "a" / name).read_bytes() for name in at_once} == at_once
    assert b"".join(at_once[Path(name)] for name in ("tile/0/000", "tile/0/001", "tile/0/002.p/188")) == b"".join(
        leaves
    )
    partial = {str(path.relative_to(tmp_path / "a")) for path in (tmp_path / "a").rglob("*.p/*")}
    assert partial == {"tile/0/002.p/188", "tile/1/000.p/1", "tile/1/000.p/2"}


def test_a_published_tile_is_never_overwritten_with_another(tmp_path: Path) -> None:
    publish(tmp_path, 0, 1, b"1", lambda one: b"a" * 32)
    publish(tmp_path, 0, 1, b"1", lambda one: b"a" * 32)
    with pytest.raises(PublishedDiffers, match=r"tile/0/000\.p/1"):
        publish(tmp_path, 0, 1, b"1", lambda one: b"b" * 32)
