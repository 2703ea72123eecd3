"""Files that would fill the memory or keep the processor busy: bombs, lies, endless rows."""

import zipfile
from io import BytesIO

import pytest

from lifecycle.workbook import Limits, TaskRow, WorkbookRefused, read_tasks
from tests.lifecycle.workbook_packages import (
    HEADER,
    LINE,
    MIB,
    SHEET,
    peak_below,
    rebuilt,
    refusal,
    tasks_file,
    with_sheet,
    with_strings,
)


def test_a_file_over_the_size_limit_is_not_read_further() -> None:
    stream = BytesIO(b"PK" + bytes(5000))
    with pytest.raises(WorkbookRefused) as caught:
        read_tasks(stream, Limits(max_bytes=1000))
    assert (caught.value.code, stream.tell()) == ("file_too_large", 1001)


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


def test_a_hundred_thousand_rows_are_refused_in_little_memory() -> None:
    strings = "".join(f"<si><t>题目很长很长很长{n}</t></si>" for n in range(200_000))
    lines = (f'<c t="s"><v>{2 * n}</v></c><c t="s"><v>{2 * n + 1}</v></c>' for n in range(100_000))
    data = with_strings(HEADER + "".join(f"<row>{line}</row>" for line in lines), strings)
    with peak_below(20 * MIB):
        assert refusal(data) == "too_many_rows"


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


def test_an_archive_of_thousands_of_parts_is_refused() -> None:
    parts = {f"xl/media/{number}": b"" for number in range(2_000)}
    assert refusal(rebuilt(tasks_file(), parts)) == "unpacks_too_large"


def test_markup_without_end_is_refused() -> None:
    assert refusal(with_sheet(HEADER + "<a/>" * 5_000), Limits(max_elements=5_000)) == "unpacks_too_large"


def test_a_sheet_of_endless_text_is_refused() -> None:
    lines = "".join(f"<row>{LINE.format('字' * 1000)}</row>" for _ in range(20))
    assert refusal(with_sheet(HEADER + lines), Limits(max_characters=10_000)) == "too_much_text"
