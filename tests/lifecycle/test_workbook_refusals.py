"""Files from strangers: what is not a workbook, what would fill the memory, and what only looks that way."""

import tracemalloc
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO

import msoffcrypto.format.ooxml
import pytest
from openpyxl import Workbook, load_workbook

from lifecycle.workbook import Limits, TaskRow, WorkbookRefused, read_tasks
from lifecycle.workbook.book import Book

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


def encrypted() -> bytes:
    file = BytesIO()
    msoffcrypto.format.ooxml.OOXMLFile(BytesIO(tasks_file())).encrypt("secret", file)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        "任务编号,任务名称\nA-1,题".encode(),
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3",
        b"<html><table><tr><td>1</td></tr></table></html>",
        b"<?xml version='1.0'?><Workbook/>",
        b"\x89PNG\r\n\x1a\n\0\0\0\0",
        rebuilt(tasks_file(), {"word/document.xml": "<w/>"}),
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512) + "WordDocument".encode("utf-16-le"),
    ],
)
def test_what_is_not_a_workbook_is_told_so(data: bytes) -> None:
    assert refusal(data) == "not_a_workbook"


def test_an_archive_of_other_files_is_not_a_workbook() -> None:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("材料.txt", "x")
    assert refusal(file.getvalue()) == "not_a_workbook"


def test_an_encrypted_workbook_asks_for_its_password_to_be_removed() -> None:
    assert refusal(encrypted()) == "encrypted"


def test_old_formats_and_macros_are_refused_in_plain_words() -> None:
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512) + "Workbook".encode("utf-16-le")
    assert refusal(old) == "old_format"
    assert refusal(rebuilt(tasks_file(), {"xl/workbook.bin": b"x"})) == "old_format"
    assert refusal(rebuilt(tasks_file(), {"xl/vbaProject.bin": b"x"})) == "macros"


def test_a_file_over_the_size_limit_is_not_read_further() -> None:
    stream = BytesIO(b"PK" + bytes(5000))
    with pytest.raises(WorkbookRefused) as caught:
        read_tasks(stream, Limits(max_bytes=1000))
    assert (caught.value.code, stream.tell()) == ("file_too_large", 1001)


def test_a_file_object_is_read_like_bytes() -> None:
    assert read_tasks(BytesIO(tasks_file())).rows == [TaskRow(2, "A-1", "题1")]


@pytest.mark.parametrize("cut", [10, 500, -30])
def test_a_damaged_zip_is_refused(cut: int) -> None:
    assert refusal(tasks_file()[:cut]) == "corrupted"


def test_a_flipped_bit_in_a_sheet_is_refused() -> None:
    data = with_sheet(HEADER)
    with zipfile.ZipFile(BytesIO(data)) as archive:
        at = archive.getinfo(SHEET).header_offset + 30 + len(SHEET) + 40
    assert refusal(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]) == "corrupted"


@pytest.mark.parametrize(
    "part", ["xl/workbook.xml", SHEET, "_rels/.rels", "xl/_rels/workbook.xml.rels", "xl/styles.xml"]
)
def test_markup_that_is_cut_off_is_refused(part: str) -> None:
    assert refusal(rebuilt(tasks_file(), {part: "<a>"})) == "corrupted"


def test_a_directory_that_promises_too_much_is_refused_before_unpacking() -> None:
    assert (
        refusal(rebuilt(tasks_file(), {"xl/media.bin": bytes(2 * MIB)}), Limits(max_unpacked=MIB))
        == "unpacks_too_large"
    )
    assert refusal(rebuilt(tasks_file(), {"xl/media.bin": bytes(12 * MIB)})) == "unpacks_too_large"


def test_a_repetitive_but_small_file_is_no_bomb() -> None:
    assert read_tasks(rebuilt(tasks_file(), {"xl/media.bin": bytes(9 * MIB)})).rows == [TaskRow(2, "A-1", "题1")]


def test_a_directory_that_lies_about_a_size_gains_nothing() -> None:
    data = bytearray(with_sheet(HEADER + f"<!--{' ' * 30 * MIB}-->"))
    with zipfile.ZipFile(BytesIO(data)) as archive:
        size = archive.getinfo(SHEET).file_size.to_bytes(4, "little")
    assert data.count(size) == 2
    with peak_below(5 * MIB):
        assert refusal(bytes(data.replace(size, (1000).to_bytes(4, "little")))) == "corrupted"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_parts_of_one_name_are_refused() -> None:
    file = BytesIO(tasks_file())
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(SHEET, "<worksheet/>")
    assert refusal(file.getvalue()) == "corrupted"


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize("doctype", [LAUGHS, OUTSIDE])
def test_entities_are_refused_before_any_is_expanded(doctype: str) -> None:
    assert refusal(with_sheet(HEADER, before=doctype)) == "unsafe_markup"


def test_bottomless_nesting_and_endless_tags_are_refused() -> None:
    assert refusal(with_sheet("<a>" * 100_000 + "</a>" * 100_000)) == "unsafe_markup"
    assert refusal(with_sheet(f"<row a='{'x' * 3 * MIB}'/>")) == "unsafe_markup"


def test_a_workbook_needs_a_visible_sheet_and_not_too_many() -> None:
    none = f'<workbook xmlns="{MAIN}"><sheets/></workbook>'
    assert refusal(rebuilt(tasks_file(), {"xl/workbook.xml": none})) == "no_sheets"
    book = load_workbook(BytesIO(tasks_file()))
    for _ in range(20):
        book.create_sheet()
    file = BytesIO()
    book.save(file)
    assert refusal(file.getvalue()) == "too_many_sheets"


def test_hidden_sheets_are_not_looked_at() -> None:
    book = load_workbook(BytesIO(tasks_file()))
    book.create_sheet("说明")
    book.worksheets[0].sheet_state = "hidden"
    file = BytesIO()
    book.save(file)
    assert refusal(file.getvalue()) == "no_header"


def test_a_hundred_thousand_rows_are_refused_in_little_memory() -> None:
    strings = "".join(f"<si><t>题目很长很长很长{n}</t></si>" for n in range(200_000))
    lines = (f'<c t="s"><v>{2 * n}</v></c><c t="s"><v>{2 * n + 1}</v></c>' for n in range(100_000))
    data = with_strings(HEADER + "".join(f"<row>{line}</row>" for line in lines), strings)
    with peak_below(20 * MIB):
        assert refusal(data) == "too_many_rows"


def test_shared_strings_are_joined_from_runs_and_read_without_their_reading_aids() -> None:
    strings = (
        "<si><r><t>题</t></r><r><rPr><b/></rPr><t>目_x000D_甲</t></r><rPh sb='0' eb='1'><t>ti</t></rPh></si>"
        "<si><t>unused</t></si><si><t>A-1</t></si>"
    )
    data = with_strings(HEADER + '<row><c t="s"><v>2</v></c><c t="s"><v>0</v></c></row>', strings)
    assert read_tasks(data).rows == [TaskRow(2, "A-1", "题目甲")]


def test_the_limit_of_rows_is_exact() -> None:
    lines = "".join(f"<row>{LINE.format(n)}</row>" for n in range(50))
    assert len(read_tasks(with_sheet(HEADER + lines), Limits(max_rows=50)).rows) == 50
    assert refusal(with_sheet(HEADER + lines), Limits(max_rows=49)) == "too_many_rows"


def test_empty_space_costs_nothing() -> None:
    far = HEADER + f'<row r="1048576">{LINE.format(1)}</row>'
    table = read_tasks(with_sheet(far, dimension="A1:XFD1048576"))
    assert table.rows == [TaskRow(1_048_576, "A-1", "题1")]
    formatted = HEADER + f'<row r="2">{LINE.format(1)}<c r="XFD2" s="1"/></row>' + "<row/>" * 50_000
    assert read_tasks(with_sheet(formatted)).rows == [TaskRow(2, "A-1", "题1")]


def test_one_endless_row_is_refused_in_little_memory() -> None:
    data = with_sheet(f"<row>{'<c><v>1</v></c>' * 600_000}</row>")
    with peak_below(20 * MIB):
        assert refusal(data) == "too_many_columns"
    assert refusal(with_sheet("<row><c/><c/><c/></row>"), Limits(max_cells=2)) == "too_many_cells"


def test_a_sheet_of_endless_text_is_refused() -> None:
    lines = "".join(f"<row>{LINE.format('字' * 1000)}</row>" for _ in range(20))
    assert refusal(with_sheet(HEADER + lines), Limits(max_characters=10_000)) == "too_much_text"


@pytest.mark.parametrize("rows", ['<row r="0"/>', '<row r="2"/><row r="2"/>', '<row r="1048577"/>', '<row r="x"/>'])
def test_impossible_rows_are_refused(rows: str) -> None:
    assert refusal(with_sheet(rows)) == "corrupted"


@pytest.mark.parametrize(
    "cell", ['<c r="XFE1"/>', '<c r="A1"><v>1</v></c><c r="A1"><v>2</v></c>', '<c t="s"><v>9</v></c>']
)
def test_impossible_cells_are_refused(cell: str) -> None:
    assert refusal(with_sheet(f"<row>{cell}</row>")) == "corrupted"


def test_a_style_sheet_that_other_readers_fail_on_does_no_harm() -> None:
    styles = f'<styleSheet xmlns="{MAIN}"><fills><fill/></fills><cellXfs><xf numFmtId="14"/></cellXfs></styleSheet>'
    book = Book(rebuilt(tasks_file(), {"xl/styles.xml": styles}), Limits())
    assert [row.number for row in book.rows(book.sheets[0])] == [1, 2]


def test_a_workbook_without_the_header_is_told_which_columns_are_looked_for() -> None:
    book = Workbook()
    book.worksheets[0].append(["姓名", "电话"])
    file = BytesIO()
    book.save(file)
    with pytest.raises(WorkbookRefused) as caught:
        read_tasks(file.getvalue())
    assert caught.value.code == "no_header"
    assert caught.value.text.zh == "没有找到表头；请确认某个可见工作表的表头中有这些列：任务编号、任务名称。"
