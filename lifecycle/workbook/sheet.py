"""A sheet's rows, read as a stream and within limits, each cell as it stands in the file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from lifecycle.workbook.package import Limits, corrupted
from lifecycle.workbook.parts import EXCEL_TEXT, Characters, unescape
from lifecycle.workbook.refusals import WorkbookRefused
from states.findings import Text

MAX_ROW, MAX_COLUMN = 1_048_576, 16_384
_REFERENCE = re.compile(r"([A-Za-z]{1,3})[0-9]{0,7}")


class Kind(StrEnum):
    """What a cell holds."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"  # a number under a date format, or a date in ISO 8601
    TRUTH = "truth"
    FORMULA = "formula"
    ERROR = "error"


class Cell(NamedTuple):
    """One cell: its kind, and its content in the file's own spelling, so that no digit is lost."""

    kind: Kind
    text: str


class Row(NamedTuple):
    """A row that holds something: its number as Excel counts, and its cells by column number from 1."""

    number: int
    cells: dict[int, Cell]


def column_number(letters: str) -> int:
    """Turn a column's letters into its number, A being 1."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def column_letters(number: int) -> str:
    """Turn a column's number into its letters."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


@dataclass(slots=True)
class RowReader:
    """Builds rows out of a sheet's markup; shared strings still as their numbers."""

    limits: Limits
    dates: frozenset[int]
    ready: list[tuple[Row, dict[int, int]]] = field(default_factory=list)  # with column -> shared string
    characters: Characters = field(init=False)
    _row: int = 0
    _column: int = 0
    _count: int = 0
    _cells: dict[int, Cell] = field(default_factory=dict)
    _shared: dict[int, int] = field(default_factory=dict)
    _kind: str = "n"
    _style: int = 0
    _formula: bool = False
    _in_cell: bool = False
    _taking: bool = False
    _phonetic: bool = False
    _pieces: list[str] = field(default_factory=list)
    _length: int = 0

    def __post_init__(self) -> None:
        self.characters = Characters(self.limits.max_characters)

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Begin a row, a cell or a cell's content."""
        if tag == "c":
            self._begin_cell(attributes)
        elif tag == "v" or (tag == "t" and not self._phonetic):
            self._taking = self._in_cell and not self._formula  # a formula's last result is not wanted
        elif tag == "row":
            self._begin_row(attributes)
        elif tag == "f" and self._in_cell:
            self._formula = self._taking = True
        elif tag == "rPh":
            self._phonetic = True

    def end(self, tag: str) -> None:
        """End a row, a cell or a cell's content."""
        if tag == "c":
            self._end_cell()
        elif tag in ("v", "t", "f"):
            self._taking = False
        elif tag == "rPh":
            self._phonetic = False
        elif tag == "row" and (self._cells or self._shared):
            self.ready.append((Row(self._row, self._cells), self._shared))

    def text(self, data: str) -> None:
        """Take a cell's text, up to what a cell can hold."""
        if self._taking and self._length < EXCEL_TEXT:
            self._pieces.append(data)
            self._length += len(data)

    def _begin_row(self, attributes: Mapping[str, str]) -> None:
        number = _position(attributes.get("r"), self._row + 1, MAX_ROW)
        if number <= self._row:
            raise corrupted()
        self._row, self._column = number, 0
        self._cells, self._shared = {}, {}

    def _begin_cell(self, attributes: Mapping[str, str]) -> None:
        self._count += 1
        if self._count > self.limits.max_cells:
            raise _too_many_cells(self.limits)
        self._column = _column(attributes.get("r"), self._column + 1)
        self._kind = attributes.get("t", "n")
        self._style = _position(attributes.get("s"), 0, 1_000_000)
        self._formula, self._in_cell = False, True
        self._pieces, self._length = [], 0

    def _end_cell(self) -> None:
        self._in_cell = False
        text = "".join(self._pieces)
        if not text and not self._formula:
            return
        if self._column > self.limits.max_columns:
            raise _too_many_columns(self._row, self._column, self.limits)
        if self._column in self._cells or self._column in self._shared:
            raise corrupted()
        if self._kind == "s" and not self._formula:
            self._shared[self._column] = _position(text, -1, 10**9)
        else:
            shown = f"={text}" if self._formula else unescape(text)
            self._cells[self._column] = Cell(self._sort(), self.characters.take(shown))

    def _sort(self) -> Kind:
        if self._formula:
            return Kind.FORMULA
        if self._kind == "n":
            return Kind.DATE if self._style in self.dates else Kind.NUMBER
        kinds = {"b": Kind.TRUTH, "e": Kind.ERROR, "d": Kind.DATE}
        return kinds.get(self._kind, Kind.TEXT)


def _position(text: str | None, absent: int, most: int) -> int:
    if text is None:
        return absent
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= most):
        raise corrupted()
    return int(text)


def _column(reference: str | None, absent: int) -> int:
    if reference is None:
        return absent
    found = _REFERENCE.fullmatch(reference)
    number = column_number(found[1]) if found else MAX_COLUMN + 1
    if number > MAX_COLUMN:
        raise corrupted()
    return number


def _too_many_columns(row: int, column: int, limits: Limits) -> WorkbookRefused:
    at = f"{column_letters(column)}{row}"
    most = limits.max_columns
    return WorkbookRefused(
        "too_many_columns",
        Text(
            f"单元格 {at} 在第 {most} 列之后仍有内容；请删去右侧多余内容后重新上传。",
            f"Cell {at} lies beyond column {most}; delete what is to the right of the table and upload again.",
        ),
    )


def _too_many_cells(limits: Limits) -> WorkbookRefused:
    return WorkbookRefused(
        "too_many_cells",
        Text(
            f"工作表单元格超过 {limits.max_cells} 个（含仅设格式的空单元格）；"
            "请只把有内容的行列复制到新工作簿后重新上传。",
            f"The sheet has more than {limits.max_cells} cells, formatted empty ones counted; "
            "copy the rows and columns that hold something into a new workbook and upload that.",
        ),
    )


def too_many_rows(limits: Limits) -> WorkbookRefused:
    """Return the refusal of a table that is too long."""
    most = limits.max_rows
    return WorkbookRefused(
        "too_many_rows",
        Text(
            f"数据超过 {most} 行；请拆分为多个文件，或删去无关的行后重新上传。",
            f"There are more than {most} rows; split the file or delete rows that do not belong, and upload again.",
        ),
    )
