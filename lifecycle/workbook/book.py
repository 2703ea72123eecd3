"""An opened workbook: its visible sheets, and the rows of each on demand.

Read with expat rather than through openpyxl or calamine: openpyxl builds a whole row and the whole string
table before anything can be counted (one row of a million cells, 33 KB zipped, took 470 MiB), and it fails on
style sheets that other programs write; calamine returns formulas and errors as empty cells.
"""

from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import BinaryIO, NamedTuple

from lifecycle.workbook.markup import read_whole, walk
from lifecycle.workbook.package import Limits, corrupted, open_package
from lifecycle.workbook.parts import Contents, DateStyles, read_relations, read_strings
from lifecycle.workbook.refusals import WorkbookRefused
from lifecycle.workbook.sheet import Cell, Kind, Row, RowReader, too_many_rows
from states.findings import Text

ROWS_BESIDE = 60  # titles, header, totals and notes, which do not count as rows of the table


class Sheet(NamedTuple):
    """A visible worksheet: its name and its part of the file."""

    name: str
    part: str


class Book:
    """An opened workbook: its visible sheets, and the rows of each on demand."""

    def __init__(self, data: bytes | BinaryIO, limits: Limits) -> None:
        """Open the file and read all but its sheets.

        Raises:
            WorkbookRefused: see `open_package`; or there is no visible sheet, or more than `max_sheets`.
        """
        self.limits = limits
        self._package = open_package(data, limits)
        main = read_relations(self._package, "").of_kind("officeDocument")
        if main is None:
            raise corrupted()
        contents = Contents()
        read_whole(self._package, main, contents)
        relations = read_relations(self._package, main)
        dates = DateStyles()
        if (styles := relations.of_kind("styles")) is not None:
            read_whole(self._package, styles, dates)
        self._dates = frozenset(dates.styles)
        self._strings = relations.of_kind("sharedStrings")
        # Excel's calendar has a 29 February 1900, so its day zero is two days before 1 January 1900.
        self.day_zero = date(1904, 1, 1) if contents.from_1904 else date(1899, 12, 30)
        if len(contents.sheets) > limits.max_sheets:
            raise _too_many_sheets(limits)
        self.sheets = tuple(
            Sheet(name, relations.found[relation][1])
            for name, visible, relation in contents.sheets
            if visible and relations.found.get(relation, ("", ""))[0] == "worksheet"
        )
        if not self.sheets:
            raise _no_sheets()

    def head(self, sheet: Sheet, count: int) -> list[Row]:
        """Read the first `count` rows that hold something, and nothing after them."""
        return self._resolve(list(islice(self._stream(sheet), count)))

    def rows(self, sheet: Sheet) -> list[Row]:
        """Read all rows that hold something.

        A row's number is what its cells say, and a sheet's claimed dimension is not looked at, so that empty
        space costs nothing.

        Raises:
            WorkbookRefused: more than `max_rows` and some for titles and notes; reading stops there, before
                any string is looked up.
        """
        most = self.limits.max_rows + ROWS_BESIDE
        raw = list(islice(self._stream(sheet), most + 1))
        if len(raw) > most:
            raise too_many_rows(self.limits)
        return self._resolve(raw)

    def _resolve(self, raw: list[tuple[Row, dict[int, int]]]) -> list[Row]:
        wanted = {index for _, shared in raw for index in shared.values()}
        strings = read_strings(self._package, self._strings, wanted, self.limits)
        return [
            Row(
                row.number,
                {**row.cells, **{at: Cell(Kind.TEXT, strings[index]) for at, index in shared.items()}},
            )
            for row, shared in raw
        ]

    def _stream(self, sheet: Sheet) -> Iterator[tuple[Row, dict[int, int]]]:
        reader = RowReader(self.limits, self._dates)
        for _ in walk(self._package, sheet.part, reader):
            yield from reader.ready
            reader.ready.clear()


def _too_many_sheets(limits: Limits) -> WorkbookRefused:
    most = limits.max_sheets
    return WorkbookRefused(
        "too_many_sheets",
        Text(
            f"工作簿中的工作表超过 {most} 个；请只保留需要导入的工作表后重新上传。",
            f"The workbook has more than {most} sheets; keep only the one to be imported and upload again.",
        ),
    )


def _no_sheets() -> WorkbookRefused:
    return WorkbookRefused(
        "no_sheets",
        Text(
            "工作簿中没有可见的工作表；请取消隐藏或新建工作表后重新上传。",
            "The workbook has no visible worksheet; unhide or add one and upload again.",
        ),
    )
