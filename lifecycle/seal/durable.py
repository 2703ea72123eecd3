"""Files that appear under their name whole or not at all, and are on the disk when the call returns."""

import os
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Write a file in place of what is there; missing folders are made. A crash leaves the old file or the new one.

    One writer at a time: the draft beside it always has the same name, so that crashes leave no litter.
    """
    make_folder(path.parent)
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, each on the disk before the next."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(exist_ok=True)
        sync_folder(one.parent)


def sync_folder(folder: Path) -> None:
    """Force a folder's names to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
