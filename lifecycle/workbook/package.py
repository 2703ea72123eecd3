"""The file as it arrives: told apart from what is not a workbook, and unpacked within limits."""

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from lifecycle.workbook.refusals import WorkbookRefused
from states.findings import Text

CHUNK = 64 * 1024
MAX_PARTS = 2_000
_MIB = 1024 * 1024
_RATIO_FROM = 10 * _MIB  # small files compress oddly well and can harm nobody
_OLE2 = bytes.fromhex("d0cf11e0a1b11ae1")
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)

_SAVE_AS = "请用 Excel 或 WPS 打开，另存为“Excel 工作簿（*.xlsx）”后重新上传"
_SAVE_AS_EN = "open it in Excel or WPS, save it as «Excel workbook (*.xlsx)» and upload that"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a file is taken. Sizes in bytes; `max_ratio` counts from 10 MiB unpacked upwards."""

    max_bytes: int = 20 * _MIB
    max_unpacked: int = 200 * _MIB
    max_ratio: int = 200
    max_rows: int = 5_000  # rows below the header that hold something
    max_columns: int = 100
    max_sheets: int = 20
    max_cells: int = 1_000_000  # of a sheet, empty but formatted ones counted
    max_elements: int = 4_000_000  # of XML in all parts read, which bounds the time taken
    max_characters: int = 10_000_000  # in all the texts of a sheet


class Package:
    """The parts of an .xlsx file, checked before any is unpacked and counted while they are."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        """Read the zip directory of `data` and hold its sizes against the limits.

        Raises:
            WorkbookRefused: the directory is damaged, or promises more than the limits allow.
        """
        try:
            self._zip = zipfile.ZipFile(BytesIO(data))
        except _BROKEN as error:
            raise corrupted() from error
        self._limits = limits
        self._elements = limits.max_elements
        self._size = len(data)
        self._parts = {part.filename.lower(): part for part in self._zip.infolist()}
        self._check_directory()

    def __contains__(self, name: str) -> bool:
        """Say whether there is such a part; names differ by more than case (ECMA-376 part 2, 6.2.2)."""
        return name.lower() in self._parts

    @property
    def names(self) -> frozenset[str]:
        """Return the parts' names, in lower case."""
        return frozenset(self._parts)

    def chunks(self, name: str) -> Iterator[bytes]:
        """Unpack one part piece by piece, whatever size its header claims.

        Raises:
            WorkbookRefused: there is no such part, it is damaged, or it unpacks to more than the limits.
        """
        part = self._parts.get(name.lower())
        if part is None:
            raise corrupted()
        unpacked = 0
        try:
            with self._zip.open(part) as stream:
                while chunk := stream.read(CHUNK):
                    unpacked += len(chunk)
                    self._check_size(unpacked)
                    yield chunk
        except _BROKEN as error:
            raise corrupted() from error

    def count_element(self) -> None:
        """Count one element of markup against the limit.

        Raises:
            WorkbookRefused: it was one too many.
        """
        self._elements -= 1
        if self._elements < 0:
            raise _bomb()

    def _check_directory(self) -> None:
        parts = self._zip.infolist()
        if len(parts) > MAX_PARTS:
            raise _bomb()
        if len(parts) != len(self._parts) or any(p.compress_type not in _COMPRESSIONS for p in parts):
            raise corrupted()
        if any(part.flag_bits & 0x1 for part in parts):
            raise _encrypted()
        self._check_size(sum(part.file_size for part in parts))

    def _check_size(self, unpacked: int) -> None:
        if unpacked > self._limits.max_unpacked:
            raise _bomb()
        if unpacked > _RATIO_FROM and unpacked > self._limits.max_ratio * self._size:
            raise _bomb()


def open_package(data: bytes | BinaryIO, limits: Limits) -> Package:
    """Take a file's bytes, or a binary file object, and open the .xlsx package in it.

    No more than `max_bytes` + 1 are read from a file object. Workbooks with macros are refused: nothing here
    would run them, but the file is stored and other people will open it.

    Raises:
        WorkbookRefused: too large, not a workbook, encrypted, .xls, .xlsb, with macros, damaged, or a bomb.
    """
    if not isinstance(data, bytes):
        data = data.read(limits.max_bytes + 1)
    if len(data) > limits.max_bytes:
        size = limits.max_bytes // _MIB
        raise WorkbookRefused(
            "file_too_large",
            Text(
                f"文件超过 {size} MiB；请删去图片和无关工作表后重新上传。",
                f"The file is larger than {size} MiB; remove pictures and unneeded sheets and upload again.",
            ),
        )
    if data.startswith(_OLE2):
        raise _compound(data)
    if not data.startswith(b"PK"):
        raise _not_a_workbook(_kind(data))
    package = Package(data, limits)
    _check_kind(package)
    return package


def corrupted() -> WorkbookRefused:
    """Return the refusal of a damaged file."""
    return WorkbookRefused(
        "corrupted",
        Text(f"文件已损坏或不完整；{_SAVE_AS}。", f"The file is damaged or incomplete; {_SAVE_AS_EN}."),
    )


def _check_kind(package: Package) -> None:
    names = package.names
    if any(name.endswith("vbaproject.bin") for name in names):
        raise WorkbookRefused(
            "macros",
            Text(f"文件带有宏；{_SAVE_AS}。", f"The file carries macros; {_SAVE_AS_EN}."),
        )
    if any(name.endswith("workbook.bin") for name in names):
        raise WorkbookRefused(
            "old_format",
            Text(
                f"不支持 .xlsb 二进制格式；{_SAVE_AS}。",
                f"The binary format .xlsb is not read; {_SAVE_AS_EN}.",
            ),
        )
    if "[content_types].xml" not in names:
        raise _not_a_workbook(Text("压缩文件或其他文档", "an archive or another kind of document"))
    if any(name.startswith(("word/", "ppt/")) for name in names):
        raise _not_a_workbook(Text("Word 或 PowerPoint 文档", "a Word or PowerPoint document"))


def _compound(data: bytes) -> WorkbookRefused:
    if "EncryptedPackage".encode("utf-16-le") in data:
        return _encrypted()
    if any(name.encode("utf-16-le") in data for name in ("Workbook", "Book\0")):
        return WorkbookRefused(
            "old_format",
            Text(f"不支持 .xls 旧格式；{_SAVE_AS}。", f"The old format .xls is not read; {_SAVE_AS_EN}."),
        )
    return _not_a_workbook(Text("旧版 Office 文档", "an old Office document"))


def _kind(data: bytes) -> Text:
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(b"%pdf"):
        return Text("PDF 文件", "a PDF file")
    if head.startswith((b"<!doctype html", b"<html", b"<table", b"<head")):
        return Text("网页（HTML）文件", "a web page (HTML)")
    if head.startswith(b"<?xml"):
        return Text("XML 文件", "an XML file")
    if not head:
        return Text("空文件", "an empty file")
    return Text("其他类型的文件", "another kind of file") if b"\0" in head else Text("文本或 CSV 文件", "text or CSV")


def _not_a_workbook(found: Text) -> WorkbookRefused:
    return WorkbookRefused(
        "not_a_workbook",
        Text(
            f"这不是 Excel 工作簿，而是{found.zh}；请将表格另存为“Excel 工作簿（*.xlsx）”后重新上传。",
            f"This is not an Excel workbook but {found.en}; "
            "save the table as «Excel workbook (*.xlsx)» and upload that.",
        ),
    )


def _encrypted() -> WorkbookRefused:
    return WorkbookRefused(
        "encrypted",
        Text(
            "文件已加密；请取消打开密码后重新上传。",
            "The file is encrypted; remove its opening password and upload it again.",
        ),
    )


def _bomb() -> WorkbookRefused:
    return WorkbookRefused(
        "unpacks_too_large",
        Text(
            "文件解压后过大；请把有内容的单元格复制到新的工作簿中，保存后重新上传。",
            "The file unpacks to far too much; copy the cells that hold something into a new workbook, "
            "save it and upload that.",
        ),
    )
