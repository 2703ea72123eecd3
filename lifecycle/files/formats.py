"""What a file is, told by its content alone: an allow-list of formats, each with all that must hold of it.

A file that could be read as two things at once, that holds macros, is locked, or unpacks to far more than it is, is
refused. Names and declared types are not looked at.
"""

import os
from collections.abc import Callable
from typing import BinaryIO

from lifecycle.errors import FileRefused
from lifecycle.files.archives import END, archive_format
from lifecycle.files.compounds import compound_format
from lifecycle.files.refusals import refused

MEDIA_TYPES = {
    "pdf": "application/pdf",
    "ofd": "application/ofd",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "jpg": "image/jpeg",
    "png": "image/png",
    "zip": "application/zip",
}
TAIL = 66_000  # an archive's end lies within its last 65,557 bytes
HEAD = 1024
PNG = b"\x89PNG\r\n\x1a\n"
MARKUP = (b"<html", b"<svg", b"<script", b"<!doctype", b"<?php")


def recognise(file: BinaryIO) -> str:
    """Return the format of a file by its code; the file is read where it must be, not whole.

    Raises:
        FileRefused: empty, none of the formats, damaged, ambiguous, locked, with macros, or an archive that explodes.
    """
    size = file.seek(0, os.SEEK_END)
    if not size:
        raise refused("empty")
    file.seek(0)
    head = file.read(HEAD)
    for start, check in _CHECKS.items():
        if head.startswith(start):
            found = check(file, size)
            if not start.startswith(b"PK") and END in _tail(file, size):
                raise refused("ambiguous")
            return found
    raise refused("unknown")


def _tail(file: BinaryIO, size: int) -> bytes:
    file.seek(max(0, size - TAIL))
    return file.read(TAIL)


def _pdf(file: BinaryIO, size: int) -> str:
    if b"%%EOF" not in _tail(file, size)[-2048:]:
        raise refused("damaged")
    file.seek(0)
    if any(mark in file.read(HEAD).lower() for mark in MARKUP):
        raise refused("ambiguous")
    return "pdf"


def _jpeg(file: BinaryIO, size: int) -> str:
    file.seek(0)
    if b"\xff\xd9" not in _tail(file, size):
        raise refused("damaged")
    file.seek(0)
    if any(mark in file.read(HEAD).lower() for mark in MARKUP):
        raise refused("ambiguous")
    return "jpg"


def _png(file: BinaryIO, size: int) -> str:
    """Walk the chunks: IHDR first, IEND last, and nothing after it."""
    at, kind = len(PNG), b""
    while at < size and kind != b"IEND":
        file.seek(at)
        length, kind = int.from_bytes(file.read(4)), file.read(4)
        if at == len(PNG) and kind != b"IHDR":
            raise refused("damaged")
        at += length + 12
    if kind != b"IEND" or at > size:
        raise refused("damaged")
    if at < size:
        raise refused("ambiguous")
    return "png"


_CHECKS: dict[bytes, Callable[[BinaryIO, int], str]] = {
    b"%PDF-": _pdf,
    b"PK\x03\x04": archive_format,
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": compound_format,
    b"\xff\xd8\xff": _jpeg,
    PNG: _png,
}

__all__ = ["MEDIA_TYPES", "FileRefused", "recognise"]
