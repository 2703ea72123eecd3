"""The list of a paper as a workbook: the same columns, rows and sums, and the position it was made from."""

from collections.abc import Sequence
from decimal import Decimal
from xml.sax.saxutils import escape

from lifecycle.canonical import instant
from lifecycle.papers.amounts import WAN
from lifecycle.papers.positions import Position
from lifecycle.papers.sameness import same_bytes
from lifecycle.papers.values import Source
from lifecycle.workbook.page import MONEY, TEXT, Field, Page, Value
from states.papers import Column

MILLIMETRES = 2  # to a character of a column's width
CORE = "docProps/core.xml"
NAMESPACES = (
    'xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)


def set_list(
    name: str,
    title: str,
    columns: Sequence[Column],
    sources: Sequence[Source],
    position: Position,
    note: str | None = None,
) -> bytes:
    """Return an .xlsx file of these columns; amounts are numbers in 万元 and summed at the foot.

    Raises:
        WorkbookRefused: a text holds what no cell can hold.
    """
    fields = [
        Field(column.zh, None, max(8, column.width // MILLIMETRES), MONEY if column.money else TEXT)
        for column in columns
    ]
    page = Page(name, title, fields, keep=1)
    for source in sources:
        page.add([_value(column, source) for column in columns])
    money = [index for index, column in enumerate(columns) if column.money]
    if money:
        foot: list[Value] = [None] * len(columns)
        foot[next(index for index in range(len(columns)) if index not in money)] = "合计"
        for index in money:
            foot[index] = _wan(sum(source.money(columns[index].money) or 0 for source in sources))
        page.add(foot)
    told = [*([note] if note else []), f"据留痕生成 {position.text}"]
    return same_bytes(page.close("；".join(told)), {CORE: _properties(title, position)})


def _value(column: Column, source: Source) -> Value:
    if not column.money:
        return source.fill(column.text)
    amount = source.money(column.money)
    return None if amount is None else _wan(amount)


def _wan(fen: int) -> Decimal:
    return Decimal(fen) / WAN


def _properties(title: str, position: Position) -> bytes:
    at = f'<dcterms:%s xsi:type="dcterms:W3CDTF">{instant(position.at)[:19]}Z</dcterms:%s>'
    told = (
        f"<dc:title>{escape(title)}</dc:title><dc:creator>{escape(position.origin)}</dc:creator>"
        f"<dc:identifier>{escape(position.text)}</dc:identifier>"
        f"{at % (('created',) * 2)}{at % (('modified',) * 2)}"
    )
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    return f"{head}\n<cp:coreProperties {NAMESPACES}>{told}</cp:coreProperties>".encode()
