"""Workbook files made by hand, part by part, to be what no spreadsheet program would write."""

import tracemalloc
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO

import pytest
from openpyxl import Workbook

from lifecycle.workbook import Limits, WorkbookRefused, read_tasks

MIB = 1024 * 1024
SHEET = "xl/worksheets/sheet1.xml"
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
HEADER = '<row r="1"><c t="inlineStr"><is><t>任务编号</t></is></c><c t="inlineStr"><is><t>任务名称</t></is></c></row>'
LINE = '<c t="inlineStr"><is><t>A-{0}</t></is></c><c t="inlineStr"><is><t>题{0}</t></is></c>'


def tasks_file() -> bytes:
    book = Workbook()
    book.worksheets[0].append(["任务编号", "任务名称"])
    book.worksheets[0].append(["A-1", "题1"])
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def rebuilt(data: bytes, parts: Mapping[str, str | bytes]) -> bytes:
    """Return the package with these parts replaced or added."""
    file = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        kept = {name: old.read(name) for name in old.namelist()}
        for name, content in {**kept, **parts}.items():
            new.writestr(name, content)
    return file.getvalue()


def with_sheet(rows: str, before: str = "", dimension: str = "A1:B2") -> bytes:
    markup = f'<worksheet xmlns="{MAIN}"><dimension ref="{dimension}"/><sheetData>{rows}</sheetData></worksheet>'
    return rebuilt(tasks_file(), {SHEET: before + markup})


def with_strings(rows: str, strings: str) -> bytes:
    relations = (
        f'<Relationships><Relationship Id="rId1" Type="{RELATION}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId9" Type="{RELATION}/sharedStrings" Target="/xl/sharedStrings.xml"/></Relationships>'
    )
    parts = {"xl/_rels/workbook.xml.rels": relations, "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{strings}</sst>'}
    return rebuilt(with_sheet(rows), parts)


@contextmanager
def peak_below(most: int) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < most


def refusal(data: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(WorkbookRefused) as caught:
        read_tasks(data, limits)
    assert caught.value.text.zh.endswith("。")
    assert caught.value.text.en.endswith(".")
    return caught.value.code
