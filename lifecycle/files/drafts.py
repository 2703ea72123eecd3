"""A file on its way in: written to a temporary name on this machine, hashed and counted as it comes."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from lifecycle.errors import FileTooLarge
from lifecycle.seal.durable import make_folder
from states.findings import Text


class Draft:
    """A file that is being received. Nothing of it is believed yet, and nothing refers to it."""

    def __init__(self, path: Path, file: BinaryIO, limit: int) -> None:
        """Take the temporary file, open for writing and reading, and the most bytes it may get."""
        self.path = path
        self.file = file
        self.limit = limit
        self.size = 0
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of what has come so far, in hex."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        """Take what comes next.

        Raises:
            FileTooLarge: the file passes its limit.
        """
        self.size += len(data)
        if self.size > self.limit:
            raise too_large(self.limit)
        self._hash.update(data)
        self.file.write(data)

    def take(self, chunks: Iterable[bytes]) -> None:
        """Take all that comes.

        Raises:
            FileTooLarge: as `write`.
        """
        for data in chunks:
            self.write(data)

    def settle(self) -> None:
        """Force the file to the disk."""
        self.file.flush()
        os.fsync(self.file.fileno())


@contextmanager
def receiving(folder: Path, limit: int) -> Iterator[Draft]:
    """Open a draft in a folder for as long as the block lasts; what has not been given a name by then is removed."""
    make_folder(folder)
    path = folder / str(uuid4())
    try:
        with path.open("x+b") as file:
            yield Draft(path, file, limit)
    finally:
        path.unlink(missing_ok=True)


def too_large(limit: int) -> FileTooLarge:
    """Return the refusal for a file of more than so many bytes."""
    return FileTooLarge(
        Text(f"文件不得超过{limit}字节", f"a file here has at most {limit} bytes"),
        limit=limit,
    )
