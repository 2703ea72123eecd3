"""Compound files: Word and Excel documents of the years before Office's zip packages."""

from typing import BinaryIO

import olefile

from lifecycle.files.refusals import refused

KINDS = {"worddocument": "doc", "workbook": "xls", "book": "xls"}
MACROS = {"macros", "_vba_project_cur", "_vba_project", "vba"}
LOCKED = {"encryptedpackage", "encryptioninfo"}


def compound_format(file: BinaryIO, _size: int) -> str:
    """Return whether a compound file is a doc or an xls.

    Raises:
        FileRefused: damaged, neither, locked, or with macros.
    """
    file.seek(0)
    try:
        with olefile.OleFileIO(file) as opened:
            entries = opened.listdir(streams=True, storages=True)
    except (OSError, ValueError, IndexError, RecursionError, OverflowError, MemoryError) as error:
        raise refused("damaged") from error
    names = {part.lower() for entry in entries for part in entry}
    if names & LOCKED:
        raise refused("locked")
    if names & MACROS:
        raise refused("macros")
    found = {KINDS[entry[0].lower()] for entry in entries if len(entry) == 1 and entry[0].lower() in KINDS}
    if len(found) != 1:
        raise refused("unknown")
    return found.pop()
