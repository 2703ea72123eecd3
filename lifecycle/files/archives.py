"""Zip archives as files come in: packages of Office, OFD, plain ones. Their directory is read, nothing is unpacked."""

import re
import zlib
from collections.abc import Sequence
from typing import BinaryIO
from zipfile import BadZipFile, ZipFile, ZipInfo

from lifecycle.files.refusals import refused

END = b"PK\x05\x06"
END_SIZE = 22
MOST_MEMBERS = 10_000
MOST_UNPACKED = 2 * 1024**3
MOST_RATIO = 200  # of a member's size to what it takes; deflate reaches 1032
SMALL = 1024 * 1024  # members up to this size may be as regular as they like
MOST_TYPES = 1024 * 1024
LOCKED = 0x1
TYPES = "[Content_Types].xml"
MAIN = {
    b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml": "docx",
    b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml": "xlsx",
}
MACROS = re.compile(rb"macroenabled|vbaproject|activex", re.IGNORECASE)
PROGRAMS = re.compile(
    r"vbaproject\.bin$|\.(exe|dll|com|scr|bat|cmd|ps1|vbs|vbe|js|jse|wsf|hta|jar|msi|lnk|cpl|apk|sh|docm|xlsm|pptm|"
    r"html?|xhtml|svg|mht)$",
    re.IGNORECASE,
)


def archive_format(file: BinaryIO, size: int) -> str:
    """Return whether an archive is a docx, xlsx, ofd or plain zip.

    Raises:
        FileRefused: damaged, something before or behind it, locked, macros or programs, too much in it, bad paths.
    """
    try:
        with ZipFile(file) as archive:
            members = archive.infolist()
            _whole(archive, members, size)
            _bearable(members, size)
            names = {member.filename for member in members}
            if TYPES in names:
                return _office(_read(archive, TYPES), names)
    except (BadZipFile, NotImplementedError, EOFError, zlib.error, ValueError, UnicodeError, OverflowError) as error:
        raise refused("damaged") from error
    if any(PROGRAMS.search(name) for name in names):
        raise refused("macros")
    return "ofd" if "OFD.xml" in names else "zip"


def _whole(archive: ZipFile, members: Sequence[ZipInfo], size: int) -> None:
    """Refuse an archive with anything before its first member or behind its end."""
    if archive.comment or not members or min(member.header_offset for member in members):
        raise refused("ambiguous" if members else "damaged")
    file = archive.fp
    assert file is not None
    file.seek(size - END_SIZE)
    if file.read(len(END)) != END:
        raise refused("ambiguous")
    # Members that share their bytes unpack to more than any directory would own up to.
    if sum(member.compress_size for member in members) > size:
        raise refused("explodes")
    if len({member.filename for member in members}) != len(members):
        raise refused("ambiguous")


def _bearable(members: Sequence[ZipInfo], size: int) -> None:
    if any(member.flag_bits & LOCKED for member in members):
        raise refused("locked")
    unpacked = sum(member.file_size for member in members)
    swollen = any(member.file_size > max(SMALL, MOST_RATIO * member.compress_size) for member in members)
    if len(members) > MOST_MEMBERS or unpacked > MOST_UNPACKED or swollen or unpacked > max(SMALL, MOST_RATIO * size):
        raise refused("explodes")
    for member in members:
        parts = member.filename.replace("\\", "/").split("/")
        if member.filename.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]:
            raise refused("paths")


def _office(types: bytes, names: set[str]) -> str:
    """Return which Office package this is, by the type that its main part declares."""
    if MACROS.search(types) or any(PROGRAMS.search(name) for name in names):
        raise refused("macros")
    found = {code for declared, code in MAIN.items() if b'"' + declared + b'"' in types}
    if len(found) != 1:
        raise refused("unknown")
    code = found.pop()
    folder = {"docx": "word/", "xlsx": "xl/"}[code]
    if not any(name.startswith(folder) for name in names):
        raise refused("damaged")
    return code


def _read(archive: ZipFile, name: str) -> bytes:
    """Return a member, which must not be larger than it says, nor large."""
    with archive.open(name) as member:
        data = member.read(MOST_TYPES + 1)
    if len(data) > MOST_TYPES:
        raise refused("explodes")
    return data
