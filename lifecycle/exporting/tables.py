"""The entries as tables for people: CSV, XLSX and JSON lines, each row with its place in the tree and its leaf hash.

The columns that the database keeps for search are taken as they are stored: where one was changed there, the verifier
finds that the row is not what the entry says.
"""

import csv
import io
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import orjson
from openpyxl import Workbook

from lifecycle.canonical import instant
from lifecycle.database import Transaction
from lifecycle.exporting.sources import Source
from lifecycle.statements import Row

Record = list[Any]  # one value for each column, in their order
PIECE = 64 * 1024
SHEET = 1_048_576  # rows, the headers among them: the most that a sheet holds


class Column(NamedTuple):
    """A column of the tables: its code, its name for people, what it holds, and how it follows from an entry."""

    code: str
    zh: str
    told: str
    of: Callable[[Row, dict[str, Any]], Any]


COLUMNS = (
    Column("index", "封存序号", "place in the tree, from 0", lambda row, _: row["index"]),
    Column("leaf", "记录哈希", "hash of the entry, hex: H(0x00 | entry)", lambda row, _: row["leaf"].hex()),
    Column("id", "记录编号", "UUIDv7 of the entry", lambda row, _: row["id"]),
    Column("stream", "留痕", "whose entries these are: project/…, batch/…, system/…", lambda row, _: row["stream"]),
    Column("seq", "留痕内序号", "number in its stream, from 1", lambda row, _: row["seq"]),
    Column("at", "时间（UTC）", "when it was done, RFC 3339 in UTC", lambda row, _: instant(row["at"])),
    Column("type", "类型", "kind of entry", lambda row, _: row["type"]),
    Column("outcome", "结果", "success, denied, failed", lambda row, _: row["outcome"]),
    Column("actor", "办理人", "id of the person or system that did it", lambda row, _: row["actor"]),
    Column("role", "角色", "role in which it was done", lambda _, body: body["actor"]["role"]),
    Column("org", "单位或城市", "city code or credit code", lambda _, body: body["actor"]["org"]),
    Column("on_behalf_of", "代办", "for whom it was done", lambda _, body: body["actor"]["on_behalf_of"]),
    Column("channel", "途径", "api, cli, schedule", lambda _, body: body["source"]["channel"]),
    Column("request", "请求编号", "id of the request", lambda _, body: body["source"]["request"]),
    Column("subject", "对象", "what it is about: kind/id", lambda _, body: "{kind}/{id}".format(**body["subject"])),
    Column("version", "版本", "version of the object afterwards", lambda _, body: body["subject"]["version"]),
    Column("action", "操作", "code of the act", lambda row, _: row["action"]),
    Column("from", "原状态", "state before", lambda _, body: _action(body, "from")),
    Column("to", "新状态", "state after", lambda _, body: _action(body, "to")),
    Column("override", "突破的规则", "soft rules set aside", lambda _, body: _overrides(body)),
    Column("changes", "变动项", "paths of what changed", lambda _, body: _joined(c["path"] for c in body["changes"])),
    Column("docs", "文件数", "documents it refers to", lambda _, body: len(body["docs"])),
)  # fmt: skip
UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def records(rows: Iterable[Row]) -> Iterator[Record]:
    """Yield the rows of the tables."""
    for row in rows:
        body = orjson.loads(row["body"])
        yield [column.of(row, body) for column in COLUMNS]


def cell(value: Any) -> str:
    """Return a value as a cell that no spreadsheet takes for a formula, and without what it cannot show."""
    text = "" if value is None else UNPRINTABLE.sub("\ufffd", str(value))
    return f"'{text}" if text.startswith(FORMULA) else text


def as_csv(tx: Transaction, source: Source) -> Iterator[bytes]:
    """Yield the table as CSV (RFC 4180, UTF-8 with its mark, so that Excel reads the Chinese)."""
    text = io.StringIO()
    csv.writer(text).writerow(_headers())
    yield b"\xef\xbb\xbf" + text.getvalue().encode()
    for some in _some(source.entries(tx)):
        text = io.StringIO()
        csv.writer(text).writerows([cell(value) for value in row] for row in some)
        yield text.getvalue().encode()


def as_jsonl(tx: Transaction, source: Source) -> Iterator[bytes]:
    """Yield the table as JSON lines, values as they are."""
    names = [column.code for column in COLUMNS]
    for some in _some(source.entries(tx)):
        yield b"".join(
            orjson.dumps(dict(zip(names, row, strict=True)), option=orjson.OPT_SORT_KEYS) + b"\n" for row in some
        )


def as_xlsx(tx: Transaction, source: Source) -> Iterator[bytes]:
    """Yield the table as a workbook, made in a temporary file; what one sheet does not hold goes on in the next."""
    book = Workbook(write_only=True)
    sheet = None
    for number, row in enumerate(records(source.entries(tx))):
        if sheet is None or number % (SHEET - 1) == 0:
            sheet = _sheet(book)
        sheet.append([cell(value) for value in row])
    if sheet is None:
        _sheet(book)
    with tempfile.TemporaryFile() as file:
        book.save(file)
        file.seek(0)
        while piece := file.read(PIECE):
            yield piece


def _sheet(book: Workbook) -> Any:
    sheet = book.create_sheet(f"记录 entries{f' {len(book.worksheets) + 1}' if book.worksheets else ''}")
    sheet.append(_headers())
    return sheet


def _headers() -> list[str]:
    return [f"{column.zh} {column.code}" for column in COLUMNS]


def _some(rows: Iterable[Row]) -> Iterator[list[Record]]:
    held: list[Record] = []
    for row in records(rows):
        held.append(row)
        if len(held) == 500:
            yield held
            held = []
    yield held


def _action(body: dict[str, Any], name: str) -> Any:
    return body["action"].get(name) if body["action"] else None


def _overrides(body: dict[str, Any]) -> str | None:
    return _joined(_action(body, "override") or ())


def _joined(parts: Iterable[str]) -> str | None:
    return " ".join(parts) or None
