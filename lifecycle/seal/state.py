"""The sealer's own memory, outside the database: the last checkpoint it signed, one file for each tree.

A file holds exactly the signed note, so that a copy of the published checkpoint can take its place when it was lost.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lifecycle.seal.durable import make_folder, write_whole
from lifecycle.seal.halts import Halted
from lifecycle.seal.heads import SignedHead, open_head
from lifecycle.seal.merkle import SHA256, Suite
from lifecycle.seal.notes import NoteError


class SealerBusy(Exception):
    """Another sealer is at work on this log; there is only ever one."""


def state_file(path: Path, suite: Suite) -> Path:
    """Return the file of a suite's tree."""
    return path if suite.name == SHA256.name else path.with_name(f"{path.name}.{suite.name}")


def checkpoint_now(path: Path, origin: str, public_key: bytes) -> SignedHead | None:
    """Return the last checkpoint that was signed, or None before the first.

    Raises:
        Halted: the file cannot be read as a checkpoint of this log, signed by this key.
    """
    try:
        return open_head(path.read_bytes(), origin, public_key)
    except FileNotFoundError:
        return None
    except NoteError as error:
        raise Halted("state-unreadable", file=path, error=error) from None


def remember(path: Path, signed: SignedHead) -> None:
    """Keep what was signed; it is on the disk when this returns, and only then may it be published."""
    write_whole(path, signed.note.to_bytes())


@contextmanager
def only_sealer(path: Path) -> Iterator[None]:
    """Hold the lock beside the state file; it falls with the process.

    Raises:
        SealerBusy: another process holds it.
    """
    make_folder(path.parent)
    with path.with_name(f"{path.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SealerBusy(f"another sealer holds {path}.lock") from None
        yield
