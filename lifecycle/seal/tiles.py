"""The published tree: a folder in C2SP tlog-tiles' layout that any web server can offer; the checkpoint comes last."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from lifecycle.seal.durable import write_whole
from lifecycle.seal.trees import HEIGHT, WIDTH

CHECKPOINT = "checkpoint"
HANDOVERS = "handovers"  # checkpoints signed by the old and the next key of the log
COSIGNED = "cosigned"  # checkpoints with the signatures of witnesses, one file each


class PublishedDiffers(Exception):
    """A tile that was published earlier is not what the database now says; neither is overwritten."""


class Tile(NamedTuple):
    """Some hashes of one level: the number-th such from the left, 256 wide or, at the right edge, less."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Return where it lies, below the folder."""
        groups = [f"{self.number % 1000:03}"]
        rest = self.number // 1000
        while rest:
            groups.append(f"x{rest % 1000:03}")
            rest //= 1000
        part = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{self.level}/{'/'.join(reversed(groups))}{part}"


def tiles_between(old: int, new: int) -> list[Tile]:
    """Return the tiles that a tree of size `new` has and one of size `old` had not."""
    found, level = [], 0
    while new >> level * HEIGHT:
        before, now = old >> level * HEIGHT, new >> level * HEIGHT
        if now > before:
            last = (now - 1) // WIDTH
            found += [Tile(level, number) for number in range(before // WIDTH, last)]
            found.append(Tile(level, last, now - last * WIDTH))
        level += 1
    return found


def publish(folder: Path, old: int, new: int, checkpoint: bytes, read: Callable[[Tile], bytes]) -> None:
    """Write what a tree grew by since it was published last, and then its checkpoint.

    Partial tiles are removed once the full one is there. Interrupted, it is done again from the same `old`.

    Raises:
        PublishedDiffers: a tile is there already, and is another one.
        OSError: the folder cannot be written.
    """
    tiles = tiles_between(old, new)
    for tile in tiles:
        path, hashes = folder / tile.path, read(tile)
        if not path.exists():
            write_whole(path, hashes)
        elif path.read_bytes() != hashes:
            raise PublishedDiffers(tile.path)
    write_whole(folder / CHECKPOINT, checkpoint)
    for tile in tiles:
        if tile.width == WIDTH:
            shutil.rmtree(folder / f"{tile.path}.p", ignore_errors=True)
