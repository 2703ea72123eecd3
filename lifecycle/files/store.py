"""The file store: any filesystem that fsspec knows, in which a file's name is the SHA-256 of its content.

A file appears under its name whole or not at all. Nothing here runs inside a database transaction.
"""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast
from uuid import uuid4

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from lifecycle.errors import FileUnavailable
from lifecycle.files.drafts import Draft
from lifecycle.seal.durable import make_folder, sync_folder
from lifecycle.settings import Settings
from states.findings import Text

NAME = re.compile(r"[0-9a-f]{64}")
INCOMING = "incoming"
CHUNK = 1024 * 1024
IN_MEMORY = 1024 * 1024  # a file up to this size is checked in memory, a larger one on the disk


class Held(NamedTuple):
    """What lies in the store under a name, and since when."""

    name: str  # the SHA-256, or what else somebody put there
    path: str
    since: datetime


class FileStore:
    """Files by their SHA-256, in folders of the first two and the next two hex digits."""

    def __init__(self, filesystem: Any, root: str, folder: Path) -> None:
        """Take an fsspec filesystem, the folder in it, and the folder on this machine for what is on its way in."""
        self.filesystem = filesystem
        self.root = root.rstrip("/")
        self.incoming = folder

    @property
    def is_local(self) -> bool:
        """Return whether the store is a folder of this machine."""
        return isinstance(self.filesystem, LocalFileSystem)

    def keep(self, draft: Draft) -> None:
        """Put a received file under its name; the same content takes the place of itself.

        On this machine: fsync, rename, fsync of the folder. Elsewhere: copied to a temporary name, then moved, which an
        object store does whole or not at all.

        Raises:
            FileUnavailable: the store cannot be written.
        """
        place = self._place(draft.sha256)
        try:
            draft.settle()
            if self.is_local:
                make_folder(Path(place).parent)
                draft.path.replace(place)
                sync_folder(Path(place).parent)
                return
            passing = f"{self.root}/{INCOMING}/{uuid4()}"
            self.filesystem.makedirs(f"{self.root}/{INCOMING}", exist_ok=True)
            draft.file.seek(0)
            with self.filesystem.open(passing, "wb") as there:
                shutil.copyfileobj(draft.file, there, CHUNK)
            self.filesystem.makedirs(place.rpartition("/")[0], exist_ok=True)
            self.filesystem.mv(passing, place)
        except OSError as error:
            raise unavailable() from error

    @contextmanager
    def fetch(self, sha256: str, size: int) -> Iterator[BinaryIO]:
        """Lend a file's content, after all of it has been held against its name and size.

        What is lent is a copy of this process: what happens to the store meanwhile does not matter.

        Raises:
            FileUnavailable: the file is not there, cannot be read, or is not what its name says.
        """
        digest, read = hashlib.sha256(), 0
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as copy:
            try:
                with self.filesystem.open(self._place(sha256), "rb") as file:
                    while data := file.read(CHUNK):
                        digest.update(data)
                        read += len(data)
                        copy.write(data)
            except OSError as error:
                raise unavailable() from error
            if digest.hexdigest() != sha256 or read != size:
                raise unavailable()
            copy.seek(0)
            yield cast(BinaryIO, copy)

    def held(self) -> list[Held]:
        """Return all that lies in the store, also what was left half-way or is on its way in at this moment."""
        self.filesystem.invalidate_cache()
        found = self.filesystem.find(self.root) if self.filesystem.exists(self.root) else []
        dated = ((path, self._since(path)) for path in sorted(found))
        return [Held(path.rpartition("/")[2], path, since) for path, since in dated if since]

    def remove(self, path: str) -> None:
        """Remove what lies at a path that `held` gave; what is gone already is no fault."""
        if self.filesystem.exists(path):
            self.filesystem.rm_file(path)

    def place_of(self, sha256: str) -> str:
        """Return the path under which `held` would show a file."""
        return self._place(sha256)

    def _since(self, path: str) -> datetime | None:
        try:
            found = self.filesystem.modified(path)
        except FileNotFoundError:  # it was given its name, or given up, since the list was read
            return None
        return cast(datetime, found).astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)

    def _place(self, sha256: str) -> str:
        if not NAME.fullmatch(sha256):
            raise ValueError("a stored file is named by its SHA-256 in hex")
        return f"{self.root}/{sha256[:2]}/{sha256[2:4]}/{sha256}"


def open_store(settings: Settings) -> FileStore:
    """Return the file store that the settings name; nothing is made before the first file comes.

    Raises:
        FileUnavailable: there is no such kind of store, or its package is not installed.
    """
    try:
        filesystem, root = url_to_fs(settings.files, **settings.files_options)
    except (ImportError, ValueError) as error:
        kind = settings.files.partition(":")[0][:32]
        raise FileUnavailable(
            Text(
                f"文件存储类型“{kind}”不可用，须另行安装组件（S3：pilot[s3]）",
                f"files of the kind {kind!r} take a package of their own (S3: pilot[s3])",
            )
        ) from error
    local = isinstance(filesystem, LocalFileSystem)
    folder = Path(root) / INCOMING if local else settings.data_dir / INCOMING
    return FileStore(filesystem, root, folder)


def unavailable() -> FileUnavailable:
    """Return the refusal for a file that the store does not give back as it was given."""
    return FileUnavailable(
        Text(
            "文件存储暂不可用，或文件与登记的校验值不符；请联系管理员",
            "the file store cannot be reached, or the file is not what was registered: tell the administrator",
        )
    )
