"""Columns, and the header that says where they stand: one row or two, below whatever titles there are."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from lifecycle.workbook.cells import is_blank
from lifecycle.workbook.refusals import WorkbookRefused
from lifecycle.workbook.sheet import Kind, Row, column_letters
from states.findings import Text

HEADING_LENGTH = 200  # a longer text is no heading, and need not be searched for one
HEADER_ROWS = 30  # how far down a header is looked for, blank rows not counted

_BRACKETED = re.compile(r"[(\[【「{][^)\]】」}]*[)\]】」}]")
_MARKS = re.compile(r"[()\[\]【】「」{}*★☆※#:]")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its key, the title that the notice gives it, and a pattern for how people write that title.

    `needed`: the table is refused without it. `names`: it says what the row is about, so that a row without
    any such cell may be a total or a note. `repeats`: there may be several.
    """

    key: str
    title: str
    pattern: str
    needed: bool = False
    names: bool = False
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a column stands, and the header text found there."""

    number: int
    text: str

    @property
    def letters(self) -> str:
        """Return the column's letters."""
        return column_letters(self.number)


@dataclass(frozen=True, slots=True)
class Header:
    """The header found: its last row, each column's places from left to right, and the texts above it."""

    row: int
    places: dict[str, list[Place]]
    unknown: list[Place]
    above: list[str] = field(default_factory=list)

    def first(self, key: str) -> Place | None:
        """Return a column's leftmost place, or None where the table has no such column."""
        places = self.places.get(key)
        return places[0] if places else None

    @property
    def recognised(self) -> int:
        """Return how many header cells were understood."""
        return sum(len(places) for places in self.places.values())


def squeeze(text: str) -> str:
    """Bring a header or label to its bare words: half-width, no blanks, line breaks or invisible letters."""
    plain = unicodedata.normalize("NFKC", text).replace("其它", "其他")
    return "".join(x for x in plain if not x.isspace() and unicodedata.category(x) not in ("Cf", "Cc"))


def find_header(rows: Sequence[Row], columns: Sequence[Column]) -> Header | None:
    """Find the header among a sheet's first rows; None where too little of one can be recognised.

    Two rows are read as one header where that explains more cells: 牵头单位 over 名称 and 代码. Which upper
    cell reaches over a lower one is seen from the blanks beside it, so merged or not makes no difference.
    """
    best: Header | None = None
    for index, row in enumerate(rows[:HEADER_ROWS]):
        candidates = [_match(_texts(row), {}, row.number, columns)]
        if index + 1 < len(rows) and rows[index + 1].number == row.number + 1:
            below = rows[index + 1]
            candidates.append(_match(_texts(row), _texts(below), below.number, columns))
        for header in candidates:
            if best is None or header.recognised > best.recognised:
                best = header
    needed = [column.key for column in columns if column.needed]
    if best is None or sum(key in best.places for key in needed) < max(2, (len(needed) + 1) // 2):
        return None
    for row in rows:
        if row.number <= best.row:
            best.above.extend(_texts(row).values())
    return best


def no_header(columns: Sequence[Column]) -> WorkbookRefused:
    """Return the refusal of a workbook in which no sheet has the header looked for."""
    titles = "、".join(column.title for column in columns if column.needed)
    return WorkbookRefused(
        "no_header",
        Text(
            f"没有找到表头；请确认某个可见工作表的表头中有这些列：{titles}。",
            f"No header was found; make sure that a visible sheet has a header with these columns: {titles}.",
        ),
    )


def _match(upper: dict[int, str], lower: dict[int, str], row: int, columns: Sequence[Column]) -> Header:
    header = Header(row, {}, [])
    group = ""
    for number in sorted(upper.keys() | lower.keys()):
        over, under = upper.get(number, ""), lower.get(number, "")
        group = over or group
        column = _recognise(group if under else over, under, columns)
        place = Place(number, f"{group} {under}" if under and column else under or over)
        if column is None:
            header.unknown.append(place)
        else:
            header.places.setdefault(column.key, []).append(place)
    return header


def _recognise(over: str, under: str, columns: Sequence[Column]) -> Column | None:
    if not under:
        return _find(over, columns)
    column = _find(over + under, columns)
    if column is None and (column := _find(under, columns)) is not None and column.key == "code" and over:
        return None  # a code under a heading that is not understood could be anybody's
    return column


def _find(text: str, columns: Sequence[Column]) -> Column | None:
    spellings = (_MARKS.sub("", squeeze(text)), _MARKS.sub("", _BRACKETED.sub("", squeeze(text))))
    for spelling in spellings:
        for column in columns:
            if re.fullmatch(column.pattern, spelling):
                return column
    return None


def _texts(row: Row) -> dict[int, str]:
    return {
        number: " ".join(cell.text[:HEADING_LENGTH].split())
        for number, cell in sorted(row.cells.items())
        if not is_blank(cell) and cell.kind is not Kind.FORMULA
    }
