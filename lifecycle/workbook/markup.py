"""XML that a stranger wrote, read piece by piece: no document type, no entities, no bottomless nesting."""

from collections.abc import Iterator, Mapping
from typing import Protocol
from xml.parsers import expat

from lifecycle.workbook.package import Package, corrupted
from lifecycle.workbook.refusals import WorkbookRefused
from states.findings import Text

MAX_DEPTH = 64
# expat reads an unfinished tag or comment again from its start with every piece: quadratic, so it is bounded.
MAX_TOKEN = 1024 * 1024


class Reader(Protocol):
    """What takes the events of one part. Tags and attributes come as local names, prefixes left off."""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Take an element's beginning."""

    def end(self, tag: str) -> None:
        """Take an element's end."""

    def text(self, data: str) -> None:
        """Take a piece of character data."""


def walk(package: Package, part: str, reader: Reader) -> Iterator[None]:
    """Feed one part to `reader`, pausing after each piece so that the caller may take what is ready, or stop.

    Raises:
        WorkbookRefused: the part is damaged, or holds what no spreadsheet program writes.
    """
    parser = _parser(package, reader)
    fed = 0
    try:
        for chunk in package.chunks(part):
            parser.Parse(chunk, False)
            fed += len(chunk)
            if fed - parser.CurrentByteIndex > MAX_TOKEN:
                raise _unsafe()
            yield
        parser.Parse(b"", True)
    except (expat.ExpatError, LookupError, ValueError) as error:  # the latter two for an encoding it lacks
        raise corrupted() from error
    yield


def read_whole(package: Package, part: str, reader: Reader) -> None:
    """Feed one part to `reader` from beginning to end."""
    for _ in walk(package, part, reader):
        pass


def _parser(package: Package, reader: Reader) -> expat.XMLParserType:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        package.count_element()
        if depth > MAX_DEPTH:
            raise _unsafe()
        reader.start(_local(name), {_local(key): value for key, value in attributes.items()})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        reader.end(_local(name))

    def doctype(*_: object) -> None:
        raise _unsafe()

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = doctype
    return parser


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _unsafe() -> WorkbookRefused:
    return WorkbookRefused(
        "unsafe_markup",
        Text(
            "文件内部结构异常，已拒绝读取；请用 Excel 或 WPS 新建工作簿，复制内容后重新上传。",
            "The file is built in a way no spreadsheet program builds it, and was not read; "
            "copy its contents into a new workbook and upload that.",
        ),
    )
