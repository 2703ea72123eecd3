"""The sealer killed with kill -9, at every step of its pass and at random moments: it recovers, no fork, no gap."""

import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lifecycle.audit import Log
from lifecycle.database import Database, open_database
from lifecycle.seal.halts import Halted
from lifecycle.seal.heads import TreeHead, open_head
from lifecycle.seal.merkle import SHA256
from lifecycle.seal.proofs import verify_consistency
from lifecycle.seal.sealer import Sealed
from lifecycle.seal.state import SealerBusy, checkpoint_now
from lifecycle.seal.tiles import tiles_between
from lifecycle.seal.trees import consistency, size_of
from lifecycle.settings import Settings
from tests.faults.sealer_process import start
from tests.lifecycle.seal.sealers import assert_sound, count, log_signer, seal_all, terms_for, write

LIMIT = 8  # entries of a pass: several passes each time
SEED = 20240708
# Before and after: the commit, two signatures; fsync, rename and fsync of the folder for state, tile and checkpoint.
STEPS = 2 * (1 + 2 + 3 * 3)


@dataclass
class Watch:
    """What was ever signed or published must be extended by everything that comes later."""

    settings: Settings
    database: Database
    log: Log
    folder: Path
    seen: set[TreeHead] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.signer = log_signer(self.folder)
        self.terms = terms_for(self.folder, self.log, limit=LIMIT)

    def write(self, number: int) -> None:
        for stream in ("a", "b"):
            write(self.database, self.log, stream, number)

    def look(self) -> None:
        """Remember the heads there are, and hold them against the database and the published tiles."""
        state = checkpoint_now(self.terms.state, self.terms.origin, self.signer.public_key)
        path = self.terms.folder / "checkpoint"
        if path.exists():
            head = open_head(path.read_bytes(), self.terms.origin, self.signer.public_key).head
            assert state is not None and head.size <= state.head.size
            tiles = [self.terms.folder / tile.path for tile in tiles_between(0, head.size)]
            assert [tile for tile in tiles if not tile.exists() and not full(tile).exists()] == []
            self.seen.add(head)
        if state is not None:
            self.seen.add(state.head)
        with self.database.reading() as tx:
            assert size_of(tx) >= max((head.size for head in self.seen), default=0)

    def recover(self) -> Sealed:
        """Seal the rest, as the next sealer would; a killed one's lock in PostgreSQL falls a moment later."""
        while True:
            try:
                return seal_all(self.database, self.signer, self.terms)
            except SealerBusy:
                continue

    def assert_one_tree(self) -> None:
        """Everything is sealed, once and in order, and extends every head that was ever seen."""
        entries = count(self.database, "entry")
        assert assert_sound(self.database, self.terms, self.signer) == entries
        assert count(self.database, "pending") == 0
        newest = open_head((self.terms.folder / "checkpoint").read_bytes(), self.terms.origin, self.signer.public_key)
        with self.database.reading() as tx:
            for head in self.seen:
                if head.size:
                    path = consistency(tx, head.size, newest.head.size)
                    roots = head.root, newest.head.root
                    assert verify_consistency(SHA256, head.size, newest.head.size, *roots, path)


def full(partial: Path) -> Path:
    """Return the full tile that may have taken a partial one's place."""
    return Path(str(partial.parent).removesuffix(".p"))


@pytest.fixture
def watch(settings: Settings, log: Log, tmp_path: Path) -> Iterator[Watch]:
    database = open_database(settings)
    yield Watch(settings, database, log, tmp_path)
    database.close()


@pytest.mark.campaign
@pytest.mark.parametrize("round_", range(5))
def test_killed_at_every_step_of_a_pass_the_sealer_recovers(watch: Watch, campaign: bool, round_: int) -> None:
    """Once at each step; five times over, more than a hundred kills, in the campaign."""
    if round_ and not campaign:
        pytest.skip("the further rounds are the campaign's")
    watch.recover()  # the empty tree is signed, which is another test's
    steps, killed = 0, True
    while killed:
        steps += 1
        watch.write(2)
        process, _ = start(watch.settings, watch.folder, watch.log, LIMIT, last_step=steps)
        process.join()
        killed = process.exitcode == -signal.SIGKILL
        assert killed or process.exitcode == 0
        watch.look()
        assert watch.recover().problems == ()
        watch.assert_one_tree()
    assert steps == STEPS + 1, "the last one got through the whole pass"


def test_killed_at_every_step_before_its_very_first_commit_the_sealer_recovers(
    database: Database, settings: Settings, log: Log, tmp_path: Path
) -> None:
    """The key is made and the empty tree signed: each step of it in a folder of its own."""
    write(database, log, "a", 3)
    folders: list[Path] = []
    while count(database, "leaf") == 0:
        folders.append(tmp_path / f"{len(folders) + 1}")
        process, _ = start(settings, folders[-1], log, LIMIT, last_step=len(folders))
        process.join()
        assert process.exitcode == -signal.SIGKILL
    begun = [terms_for(folder, log).state.exists() for folder in folders]
    assert begun == sorted(begun)  # from some step on the state is there
    assert (begun[0], begun[-1], len(begun) > 12) == (False, True, True)
    for folder, ready in zip(folders, begun, strict=True):
        terms, signer = terms_for(folder, log), log_signer(folder)
        if ready:
            assert seal_all(database, signer, terms).problems == ()
            assert assert_sound(database, terms, signer) == 3
        else:  # something is sealed by now, and this one had not begun
            with pytest.raises(Halted, match="is missing"):
                seal_all(database, signer, terms)


@pytest.mark.campaign
def test_killed_at_random_moments_the_sealer_recovers(watch: Watch, campaign: bool) -> None:
    chance, kills, longest = random.Random(SEED), 0, 0.03
    print(f"seed {SEED}")
    while kills < (100 if campaign else 20):
        watch.write(LIMIT)
        process, ready = start(watch.settings, watch.folder, watch.log, LIMIT)
        ready.wait()
        time.sleep(chance.random() * longest)
        if process.is_alive() and process.pid is not None:
            os.kill(process.pid, signal.SIGKILL)
        process.join()
        if process.exitcode == -signal.SIGKILL:
            kills += 1
            longest *= 1.1  # as late as can be, but before it is done
        else:
            assert process.exitcode == 0
            longest *= 0.7
        watch.look()
    assert watch.recover().problems == ()
    watch.look()
    watch.assert_one_tree()
