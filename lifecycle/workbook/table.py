"""A table in a workbook: found by its header, its lines told from totals and notes, its faults collected."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import BinaryIO, Generic, TypeVar

from lifecycle.workbook.book import Book
from lifecycle.workbook.cells import is_blank
from lifecycle.workbook.columns import HEADER_ROWS, Column, Header, Place, find_header, no_header, squeeze
from lifecycle.workbook.package import Limits
from lifecycle.workbook.refusals import CellError, Faults, Unclean
from lifecycle.workbook.sheet import Cell, Kind, Row, too_many_rows
from lifecycle.workbook.texts import is_nothing
from states.findings import Text

R = TypeVar("R")
T = TypeVar("T")

_TOTAL = re.compile(r"(合计|总计|小计|共计|累计)([:(0-9].*)?|.{0,12}(合计|总计|小计):?", re.DOTALL)
_COUNT = re.compile("[0-9]+[个项家户]?")
_NOTE = re.compile(
    r"(((备注|说明)$)|(备注|注释?|说明|填[表报]说明|填[表报]人|制表人?|审核人?|(单位|部门)?负责人|分管领导|主管领导|联系人|联系电话"
    r"|填[表报]单位|报送单位|填[表报]日期|填[表报]时间|报送日期|日期)(\([^)]*\))?:|注[0-9]|\(盖章|单位\(盖章).*",
    re.DOTALL,
)
_BLANK = Text(
    "不能为空（合并的单元格请取消合并并逐行填写）",
    "must not be empty (unmerge merged cells and fill in every row)",
)
_FORMULA = Text(
    "单元格是公式；请复制后用“选择性粘贴—数值”替换",
    "a formula; replace it by its value («paste special — values»)",
)
_ERROR = Text("单元格是 Excel 错误值；请改正", "an error value of Excel; correct it")


@dataclass(frozen=True, slots=True)
class Table(Generic[R]):
    """What was read: all rows, or none and the errors. Lists of faults hold 200; the others are counted."""

    rows: list[R]
    errors: list[CellError]
    warnings: list[CellError]
    sheet: str
    errors_left_off: int = 0
    warnings_left_off: int = 0


@dataclass(slots=True)
class Reading:
    """A table being read: its header, and the faults found so far."""

    sheet: str
    header: Header
    day_zero: date
    body: list[Row]
    errors: Faults = field(init=False)
    warnings: Faults = field(init=False)

    def __post_init__(self) -> None:
        self.errors, self.warnings = Faults(self.sheet), Faults(self.sheet)

    def finish(self, rows: list[R]) -> Table[R]:
        """Close the table: all or nothing."""
        errors, warnings = self.errors, self.warnings
        kept = [] if errors.listed else rows
        return Table(kept, errors.listed, warnings.listed, self.sheet, errors.left_off, warnings.left_off)


@dataclass(frozen=True, slots=True)
class Line:
    """One row being read; what is wrong with its cells goes to the table's errors."""

    row: Row
    reading: Reading

    def cell(self, place: Place | None) -> Cell | None:
        """Return the cell at a place, or None where it is blank or the column missing."""
        found = self.row.cells.get(place.number) if place else None
        return None if is_blank(found) else found

    def read(
        self,
        place: Place | None,
        reader: Callable[[Cell], T],
        *,
        needed: bool = False,
        nothing: bool = False,
    ) -> T | None:
        """Read a cell, or note why it cannot be read and return None.

        `needed`: blank is an error. `nothing`: 无, / or — count as blank.
        """
        cell = self.cell(place)
        if place is None or cell is None or (nothing and cell.kind is Kind.TEXT and is_nothing(cell.text.strip())):
            if needed and place is not None:
                self.fault(place, "blank", _BLANK)
            return None
        if cell.kind in (Kind.FORMULA, Kind.ERROR):
            code, text = ("formula", _FORMULA) if cell.kind is Kind.FORMULA else ("error_value", _ERROR)
            self.fault(place, code, text)
            return None
        try:
            value = reader(cell)
        except Unclean as unclean:
            self.fault(place, unclean.code, unclean.text)
            return None
        if value == "" and needed:
            self.fault(place, "blank", _BLANK)
        return None if value == "" else value

    def readable(self, place: Place | None) -> bool:
        """Say whether the cell is blank or an ordinary one, so that what is missing was not there."""
        cell = self.cell(place)
        return cell is None or cell.kind is Kind.TEXT

    def fault(self, place: Place | None, code: str, text: Text) -> None:
        """Note an error at one of the row's cells."""
        self._note(self.reading.errors, place, code, text)

    def warn(self, place: Place | None, code: str, text: Text) -> None:
        """Note a warning at one of the row's cells."""
        self._note(self.reading.warnings, place, code, text)

    def _note(self, faults: Faults, place: Place | None, code: str, text: Text) -> None:
        cell = self.cell(place)
        letters, header = (place.letters, place.text) if place else ("", "")
        faults.add(self.row.number, letters, header, code, text, cell.text if cell else "")


def open_table(data: bytes | BinaryIO, columns: Sequence[Column], limits: Limits) -> Reading:
    """Open a workbook and find the first visible sheet with a header of these columns.

    Missing and doubled columns are errors of the table; unknown ones, and further sheets that would do too,
    are warnings.

    Raises:
        WorkbookRefused: the file cannot be read, no sheet has the header, or the sheet has too many rows.
    """
    book = Book(data, limits)
    found: Reading | None = None
    for sheet in book.sheets:
        header = find_header(book.head(sheet, HEADER_ROWS + 1), columns)
        if header is None:
            continue
        if found is None:
            body = [row for row in book.rows(sheet) if row.number > header.row and _holds_something(row)]
            found = Reading(sheet.name, header, book.day_zero, body)
        else:
            text = Text(f"另有工作表“{sheet.name}”未读取", f"the sheet «{sheet.name}» was not read")
            found.warnings.add(header.row, "", "", "sheet_not_read", text)
    if found is None:
        raise no_header(columns)
    _check_columns(found, columns)
    return found


def read_lines(reading: Reading, columns: Sequence[Column], limits: Limits) -> Iterator[Line]:
    """Yield the table's lines: blank rows and totals left out, notes at the foot as well.

    A row below the notes that looks like a line is an error: something would be lost otherwise.

    Raises:
        WorkbookRefused: more lines than the limits allow.
    """
    needed = [place for column in columns if column.needed and (place := reading.header.first(column.key))]
    naming = {place.number for column in columns if column.names and (place := reading.header.first(column.key))}
    known = {place.number for places in reading.header.places.values() for place in places}
    known |= {place.number for place in reading.header.unknown}
    in_notes, count = False, 0
    for row in reading.body:
        line = Line(row, reading)
        first = min(number for number, cell in row.cells.items() if not is_blank(cell))
        label = squeeze(row.cells[first].text)
        named = any(_says_something(line.cell(Place(number, ""))) for number in naming - {first})
        if not named and _TOTAL.fullmatch(label):
            continue
        if not named and _NOTE.fullmatch(label):
            in_notes = True
        elif not in_notes:
            count += 1
            if count > limits.max_rows:
                raise too_many_rows(limits)
            _warn_strays(line, known)
            yield line
        elif sum(_says_something(line.cell(place)) for place in needed) >= 2:
            text = Text("表尾说明之后还有数据行；请移到说明之前", "a line below the notes; move it above them")
            line.fault(None, "line_below_notes", text)


def check_unique(seen: dict[object, int], key: object, line: Line, place: Place | None, what: Text) -> None:
    """Note an error at `place` if an earlier row has the same key; `seen` remembers key and row."""
    first = seen.setdefault(key, line.row.number)
    if first != line.row.number:
        here = line.row.number
        text = Text(f"第 {first} 行与第 {here} 行{what.zh}", f"rows {first} and {here} {what.en}")
        line.fault(place, "duplicate", text)


def _check_columns(reading: Reading, columns: Sequence[Column]) -> None:
    header = reading.header
    for column in columns:
        places = header.places.get(column.key, [])
        if column.needed and not places:
            text = Text(f"缺少列“{column.title}”", f"the column «{column.title}» is missing")
            reading.errors.add(header.row, "", column.title, "missing_column", text)
        for place in places[1:] if not column.repeats else ():
            text = Text(f"“{column.title}”列重复", f"the column «{column.title}» appears twice")
            reading.errors.add(header.row, place.letters, place.text, "doubled_column", text)
    for place in header.unknown:
        text = Text("未识别的列，未读取", "an unknown column; it was not read")
        reading.warnings.add(header.row, place.letters, place.text, "unknown_column", text)


def _holds_something(row: Row) -> bool:
    return not all(is_blank(cell) for cell in row.cells.values())


def _says_something(cell: Cell | None) -> bool:
    """Say whether a cell is neither blank, nor a count (12项), nor a caption such as 联系电话：."""
    text = squeeze(cell.text) if cell else ""
    return bool(text) and not _COUNT.fullmatch(text) and not _NOTE.fullmatch(text)


def _warn_strays(line: Line, known: set[int]) -> None:
    """Warn once of each column that has contents but no header."""
    for number in sorted(line.row.cells.keys() - known):
        if line.cell(Place(number, "")) is not None:
            known.add(number)
            text = Text("该列有内容但没有表头，未读取", "the column has contents but no header; it was not read")
            line.warn(Place(number, ""), "column_without_header", text)
