"""A sheet being written: title, unit, header of two rows, lines and a note, dressed for print."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from io import BytesIO
from itertools import groupby
from typing import NamedTuple

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter

from lifecycle.workbook.parts import EXCEL_TEXT, escape
from lifecycle.workbook.refusals import WorkbookRefused
from lifecycle.workbook.texts import holdable
from states.findings import Text

Value = str | int | Decimal | date | None

TEXT, WHOLE, MONEY, DAY = "@", "0", "#,##0.00####", "yyyy-mm-dd"

_EXACT_DIGITS = 15  # of a number in Excel
_EDGE = Side(style="thin", color="999999")
_GRID = Border(left=_EDGE, right=_EDGE, top=_EDGE, bottom=_EDGE)
_CENTRE = Alignment(horizontal="center", vertical="center", wrap_text=True)
_WRAP = Alignment(vertical="center", wrap_text=True)
_RIGHT = Alignment(horizontal="right", vertical="center")
_SHADE = PatternFill("solid", fgColor="E8EEF4")


class Field(NamedTuple):
    """A column to write: its heading, what stands below it if it is shared, its width and number format."""

    heading: str
    below: str | None
    width: int
    number_format: str = TEXT


class Page:
    """One sheet of a new workbook, written from the top down."""

    def __init__(self, name: str, title: str, fields: Sequence[Field], unit: str | None = None, keep: int = 0) -> None:
        """Write the title, the unit and the header to a sheet `name`; the first `keep` columns stay in view."""
        self._book = Workbook()
        self._book.properties.creator = None
        self._sheet = self._book.worksheets[0]
        self._sheet.title = name
        self._fields = fields
        self._row = 0
        self._spread(title, Font(bold=True, size=16), _CENTRE)
        if unit:
            self._spread(f"单位：{unit}", Font(), _RIGHT)
        self._head()
        self._sheet.freeze_panes = f"{get_column_letter(keep + 1)}{self._row + 1}"
        self._sheet.page_setup.orientation = "landscape"
        self._sheet.page_setup.fitToHeight = 0
        self._sheet.sheet_properties.pageSetUpPr.fitToPage = True  # type: ignore[union-attr]

    def add(self, values: Sequence[Value]) -> None:
        """Write one line, a value for each field.

        Raises:
            WorkbookRefused: a text holds what no cell can hold.
        """
        self._row += 1
        for column, (field, value) in enumerate(zip(self._fields, values, strict=True), start=1):
            cell = self._cell(column)
            cell.border, cell.alignment, cell.number_format = _GRID, _WRAP, field.number_format
            self._put(cell, value)

    def close(self, note: str | None = None) -> bytes:
        """Write a note below the lines, if there is one, and return the file."""
        if note:
            self._row += 1
            self._spread(note if note.startswith(("注：", "注:")) else f"注：{note}", Font(), _WRAP)
        file = BytesIO()
        self._book.save(file)
        return file.getvalue()

    def _head(self) -> None:
        top = self._row + 1
        two_rows = any(field.below for field in self._fields)
        self._row += 2 if two_rows else 1
        for column, field in enumerate(self._fields, start=1):
            self._sheet.column_dimensions[get_column_letter(column)].width = field.width
            for row, text in ((top, field.heading), (self._row, field.below))[: 2 if two_rows else 1]:
                cell = self._cell(column, row)
                cell.border, cell.alignment, cell.font, cell.fill = _GRID, _CENTRE, Font(bold=True), _SHADE
                self._put(cell, text)
        for first, last in self._spans():
            if self._fields[first - 1].below:
                for beside in range(first + 1, last + 1):
                    self._cell(beside, top).value = None
                self._sheet.merge_cells(None, top, first, top, last)
            elif two_rows:
                self._sheet.merge_cells(None, top, first, self._row, last)
        self._sheet.print_title_rows = f"{top}:{self._row}"

    def _spans(self) -> Iterator[tuple[int, int]]:
        """Yield the first and last column of each heading; only headings with something below are shared."""
        first = 1
        for _, group in groupby(enumerate(self._fields), lambda at: at[1].heading if at[1].below else at[0]):
            last = first + len(list(group)) - 1
            yield first, last
            first = last + 1

    def _spread(self, text: str, font: Font, alignment: Alignment) -> None:
        self._row += 1
        cell = self._cell(1)
        cell.font, cell.alignment = font, alignment
        self._put(cell, text)
        self._sheet.merge_cells(None, self._row, 1, self._row, len(self._fields))

    def _cell(self, column: int, row: int | None = None) -> Cell:
        cell = self._sheet.cell(row or self._row, column)
        assert isinstance(cell, Cell)
        return cell

    def _put(self, cell: Cell, value: Value) -> None:
        if isinstance(value, Decimal) and len(value.as_tuple().digits) > _EXACT_DIGITS:
            value = f"{value:f}"
        if not isinstance(value, str):
            cell.value = value
            return
        if not holdable(value) or len(value) > EXCEL_TEXT:
            raise _unwritable(cell)
        # Whatever it begins with, a text stays a text: no formula, and no apostrophe for people to delete.
        cell.value = escape(value)
        cell.data_type = "s"
        cell.quotePrefix = value.startswith(("=", "+", "-", "@"))


def _unwritable(cell: Cell) -> WorkbookRefused:
    at = cell.coordinate
    return WorkbookRefused(
        "unwritable",
        Text(
            f"写入 {at} 的文字含控制字符或超过 {EXCEL_TEXT} 字，Excel 无法保存；请先更正该项目的文字。",
            f"The text for {at} holds control characters or more than {EXCEL_TEXT} letters, which Excel cannot "
            "keep; correct the project's text first.",
        ),
    )
