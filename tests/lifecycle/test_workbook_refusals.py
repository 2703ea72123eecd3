"""Files that are not what they should be: other formats, encrypted, damaged, without the table looked for."""

import zipfile
from io import BytesIO

import msoffcrypto.format.ooxml
import pytest
from openpyxl import Workbook, load_workbook

from lifecycle.workbook import TaskRow, WorkbookRefused, read_tasks
from lifecycle.workbook.book import Book
from lifecycle.workbook.package import Limits
from tests.lifecycle.workbook_packages import (
    HEADER,
    MAIN,
    SHEET,
    rebuilt,
    refusal,
    tasks_file,
    with_sheet,
    with_strings,
)


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


@pytest.mark.parametrize("encoding", ["gbk", "nonsense", "utf-16"])
def test_an_encoding_that_xml_readers_lack_or_that_is_not_there_is_refused(encoding: str) -> None:
    assert refusal(with_sheet(HEADER, before=f'<?xml version="1.0" encoding="{encoding}"?>')) == "corrupted"


def test_a_missing_part_an_odd_compression_and_a_zip_password_are_refused() -> None:
    with zipfile.ZipFile(BytesIO(tasks_file())) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    without, squeezed, locked = BytesIO(), BytesIO(), bytearray(tasks_file())
    with zipfile.ZipFile(without, "w") as archive:
        for name in parts.keys() - {SHEET}:
            archive.writestr(name, parts[name])
    with zipfile.ZipFile(squeezed, "w", zipfile.ZIP_BZIP2) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    codes = [refusal(data) for data in (without.getvalue(), squeezed.getvalue(), bytes(locked))]
    assert codes == ["corrupted", "corrupted", "encrypted"]


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


def test_shared_strings_are_joined_from_runs_and_read_without_their_reading_aids() -> None:
    strings = (
        "<si><r><t>题</t></r><r><rPr><b/></rPr><t>目_x000D_甲</t></r><rPh sb='0' eb='1'><t>ti</t></rPh></si>"
        "<si><t>unused</t></si><si><t>A-1</t></si>"
    )
    data = with_strings(HEADER + '<row><c t="s"><v>2</v></c><c t="s"><v>0</v></c></row>', strings)
    assert read_tasks(data).rows == [TaskRow(2, "A-1", "题目甲")]


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
