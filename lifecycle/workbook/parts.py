"""The parts of a workbook beside its sheets: relations, list of sheets, date formats, shared strings."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from posixpath import dirname, join, normpath

from lifecycle.workbook.markup import read_whole, walk
from lifecycle.workbook.package import Limits, Package, corrupted
from lifecycle.workbook.refusals import WorkbookRefused
from states.findings import Text

EXCEL_TEXT = 32_767  # what one cell can hold

# Built-in number formats that show a date or a time; 27-36 and 50-58 are those of Chinese Excel.
_DATE_FORMATS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_NOT_PLACEHOLDERS = re.compile(r'"[^"]*"|\\.|\[(?!h+\]|m+\]|s+\])[^\]]*\]|_.|\*.', re.IGNORECASE)
_DATE_LETTERS = re.compile("[ymdhs]", re.IGNORECASE)
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


def unescape(text: str) -> str:
    """Undo `_xHHHH_`, by which a workbook writes what XML cannot hold (ECMA-376 part 1, 22.9.2.19)."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def escape(text: str) -> str:
    """Write a literal `_xHHHH_` so that it is read back as it stands."""
    return re.sub(r"_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", text) if "_x" in text else text


@dataclass(slots=True)
class Characters:
    """Counts the text of a sheet, so that no file fills the memory with it."""

    room: int

    def take(self, text: str) -> str:
        """Pass a text on, if there is still room for it."""
        self.room -= len(text)
        if self.room < 0:
            raise WorkbookRefused(
                "too_much_text",
                Text(
                    "工作表文字过多；请只保留需要导入的表格后重新上传。",
                    "The sheet holds too much text; keep only the table to be imported and upload again.",
                ),
            )
        return text


@dataclass(slots=True)
class Relations:
    """Where the parts that a part refers to are: id → type and path."""

    base: str
    found: dict[str, tuple[str, str]] = field(default_factory=dict)

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Take one relation."""
        if tag == "Relationship" and attributes.get("TargetMode") != "External":
            path = normpath(join("/", self.base, attributes.get("Target", "")))
            kind = attributes.get("Type", "").rpartition("/")[2]
            self.found[attributes.get("Id", "")] = (kind, path.lstrip("/"))

    def end(self, tag: str) -> None:
        """Nothing ends that matters."""

    def text(self, data: str) -> None:
        """Nothing is written between the tags."""

    def of_kind(self, kind: str) -> str | None:
        """Return the path of the first part of this kind."""
        return next((path for each, path in self.found.values() if each == kind), None)


def read_relations(package: Package, part: str) -> Relations:
    """Read the relations of a part; of the package itself if `part` is empty."""
    relations = Relations(dirname(part))
    path = join(dirname(part), "_rels", f"{part.rpartition('/')[2]}.rels")
    if path in package:
        read_whole(package, path, relations)
    return relations


@dataclass(slots=True)
class Contents:
    """The workbook part: the sheets' names, states and relation ids, and which day is day zero."""

    sheets: list[tuple[str, bool, str]] = field(default_factory=list)  # name, visible, relation
    from_1904: bool = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Take a sheet's entry or the workbook's properties."""
        if tag == "sheet":
            visible = attributes.get("state", "visible") == "visible"
            self.sheets.append((attributes.get("name", ""), visible, attributes.get("id", "")))
        elif tag == "workbookPr":
            self.from_1904 = attributes.get("date1904", "0") in ("1", "true")

    def end(self, tag: str) -> None:
        """Nothing ends that matters."""

    def text(self, data: str) -> None:
        """Nothing is written between the tags."""


@dataclass(slots=True)
class DateStyles:
    """Which cell styles show their number as a date. Everything else about looks is passed over."""

    styles: set[int] = field(default_factory=set)
    _formats: set[int] = field(default_factory=lambda: set(_DATE_FORMATS))
    _in_cells: bool = False
    _count: int = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Take a number format or a cell style."""
        if tag == "numFmt":
            number = _whole(attributes.get("numFmtId", ""))
            shows_date = _DATE_LETTERS.search(_NOT_PLACEHOLDERS.sub("", attributes.get("formatCode", "")))
            (self._formats.add if shows_date else self._formats.discard)(number)
        elif tag == "cellXfs":
            self._in_cells = True
        elif tag == "xf" and self._in_cells:
            if _whole(attributes.get("numFmtId", "0")) in self._formats:
                self.styles.add(self._count)
            self._count += 1

    def end(self, tag: str) -> None:
        """Leave the list of cell styles."""
        if tag == "cellXfs":
            self._in_cells = False

    def text(self, data: str) -> None:
        """Nothing is written between the tags."""


@dataclass(slots=True)
class Strings:
    """Those of the shared strings that are asked for, reading aids (phonetic runs) left out."""

    wanted: Collection[int]
    characters: Characters
    found: dict[int, str] = field(default_factory=dict)
    _index: int = -1
    _pieces: list[str] = field(default_factory=list)
    _length: int = 0
    _taking: bool = False
    _phonetic: bool = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:  # noqa: ARG002 - strings have none
        """Begin a string, or a run of one."""
        if tag == "si":
            self._index += 1
            self._pieces, self._length = [], 0
        elif tag == "rPh":
            self._phonetic = True
        elif tag == "t":
            self._taking = self._index in self.wanted and not self._phonetic

    def end(self, tag: str) -> None:
        """Keep a string that is complete."""
        if tag == "t":
            self._taking = False
        elif tag == "rPh":
            self._phonetic = False
        elif tag == "si" and self._index in self.wanted:
            self.found[self._index] = self.characters.take(unescape("".join(self._pieces)))

    def text(self, data: str) -> None:
        """Take text, up to what a cell can hold."""
        if self._taking and self._length < EXCEL_TEXT:
            self._pieces.append(data)
            self._length += len(data)


def read_strings(package: Package, part: str | None, wanted: Collection[int], limits: Limits) -> dict[int, str]:
    """Read the shared strings with these numbers.

    Raises:
        WorkbookRefused: one is missing, or together they are longer than the limits allow.
    """
    strings = Strings(wanted, Characters(limits.max_characters))
    if wanted and part is not None:
        for _ in walk(package, part, strings):
            if len(strings.found) == len(wanted):
                break
    if len(strings.found) != len(wanted):
        raise corrupted()
    return strings.found


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
