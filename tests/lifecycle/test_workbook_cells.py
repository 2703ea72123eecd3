"""Amounts, dates, numbers and choices as people type them and as Excel keeps them."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.workbook import Unclean, Vocabulary
from lifecycle.workbook import cells as readers
from lifecycle.workbook.choices import city_reader, ownership_reader, read_yes_no
from lifecycle.workbook.dates import Edge
from lifecycle.workbook.money import MAX_FEN, parse_amount, to_wan
from lifecycle.workbook.sheet import Cell, Kind, column_letters, column_number

SINCE_1900 = date(1899, 12, 30)
WORDS = Vocabulary(
    {"370100": "济南", "370200": "青岛"}, {"soe": "省属国企", "central": "中央驻鲁", "other": "其他"}, "p", "m"
)


def text(content: str) -> Cell:
    return Cell(Kind.TEXT, content)


def number(content: str) -> Cell:
    return Cell(Kind.NUMBER, content)


def finding(reader: object, *values: object) -> str:
    assert callable(reader)
    with pytest.raises(Unclean) as caught:
        reader(*values)
    return caught.value.code


@pytest.mark.parametrize(
    ("cell", "fen"),
    [
        (number("1200"), 1_200_000_000),
        (number("1234.5600000000001"), 1_234_560_000),
        (number("1.2E3"), 1_200_000_000),
        (number("0"), 0),
        (text("1,200.5"), 1_200_500_000),
        (text("１２００"), 1_200_000_000),
        (text("1 200 万元"), 1_200_000_000),
        (text("500万"), 500_000_000),
        (text("1.2亿元"), 12_000_000_000),
        (text("￥3,000,000.01元"), 300_000_001),
        (text("0.000001"), 1),
    ],
)
def test_amounts_become_fen_exactly(cell: Cell, fen: int) -> None:
    assert readers.amount_reader("万元")(cell)[0] == fen


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        (text("约500"), "not_an_amount"),
        (text("1,2"), "not_an_amount"),
        (text("500-600"), "not_an_amount"),
        (number("-1"), "negative"),
        (text("－5万元"), "negative"),
        (text("1.234元"), "finer_than_fen"),
        (number("0.0000001"), "finer_than_fen"),
        (text("1." + "0" * 40 + "1"), "finer_than_fen"),
        (text("9" * 400), "amount_range"),
        (number("1E300"), "amount_range"),
        (Cell(Kind.DATE, "45474"), "became_a_date"),
        (Cell(Kind.TRUTH, "1"), "not_text"),
    ],
)
def test_what_is_no_amount_is_refused(cell: Cell, code: str) -> None:
    assert finding(readers.amount_reader("万元"), cell) == code


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.integers(0, MAX_FEN))
def test_fen_written_in_wan_are_the_same_fen(fen: int) -> None:
    assert parse_amount(f"{to_wan(fen):f}", "万元") == (fen, "万元")


@pytest.mark.parametrize(
    "cell",
    [
        *map(text, ["2024-07-01", "2024/7/1", "2024年7月1日", "2024.7", "20240701", "２０２４年７月", "2024—07—01"]),
        *map(text, ["2024-07-01 00:00:00", "2024-7-1 10:30", "2024-07-01T00:00:00Z", " 2024 年 7 月 1 日 ", "45474"]),
        *map(number, ["45474", "45474.5", "20240701", "202407", "2024.7"]),
        *(Cell(Kind.DATE, content) for content in ("45474", "45474.99", "2024-07-01T00:00:00")),
    ],
)
def test_a_first_of_july_is_recognised(cell: Cell) -> None:
    assert readers.date_reader(SINCE_1900, Edge.START)(cell) == date(2024, 7, 1)


def test_a_month_alone_ends_on_its_last_day_and_macs_count_from_1904() -> None:
    assert readers.date_reader(SINCE_1900, Edge.END)(text("2024.2")) == date(2024, 2, 29)
    assert readers.date_reader(date(1904, 1, 1), Edge.START)(number("44012")) == date(2024, 7, 1)


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        (text("明年"), "not_a_date"),
        (text("24.7"), "not_a_date"),
        (text("2024"), "not_a_date"),
        (text("2024-13-01"), "no_such_day"),
        (text("2023-02-29"), "no_such_day"),
        (text("1824-07-01"), "no_such_day"),
        (number("2024.1"), "ambiguous_month"),
        (number("3"), "no_such_day"),
        (number("2024"), "no_such_day"),
        (Cell(Kind.DATE, "2958466"), "no_such_day"),
        (Cell(Kind.DATE, "-1"), "no_such_day"),
    ],
)
def test_what_is_no_date_is_refused(cell: Cell, code: str) -> None:
    assert finding(readers.date_reader(SINCE_1900, Edge.START), cell) == code


@pytest.mark.parametrize(
    "written",
    [
        "2024.07-2025.06",
        "2024年7月至2025年6月",
        "2024-07-01-2025-06-30",
        "2024-07-2025-06",
        "2024/7/1～2025/6/30",
        "2024年7月1日——2025年6月30日",
        "2024年7月1日起至2025年6月30日止",
        "20240701-20250630",
    ],
)
def test_a_period_in_one_cell_has_a_first_and_a_last_day(written: str) -> None:
    assert readers.read_period(text(written)) == (date(2024, 7, 1), date(2025, 6, 30))


def test_a_single_date_is_no_period() -> None:
    assert finding(readers.read_period, text("2024.7")) == "not_a_range"
    assert finding(readers.read_period, Cell(Kind.DATE, "45474")) == "not_a_range"


def test_cities_and_ownerships_are_known_by_name_or_code() -> None:
    read_city, read_ownership = city_reader(WORDS), ownership_reader(WORDS)
    names = ["济南", "济南市", "济 南 市", "370100", "３７０１００", "山东省济南市"]
    assert [read_city(text(name)) for name in names] == ["370100"] * 6
    assert read_city(number("370100")) == "370100"
    assert finding(read_city, text("郑州")) == "unknown_city"
    kinds = ["省属国企", "省属国有企业", "中央驻鲁企业", "其它", "central"]
    assert [read_ownership(text(kind)) for kind in kinds] == ["soe", "soe", "central", "other", "central"]
    assert finding(read_ownership, text("民营")) == "unknown_ownership"


def test_yes_and_no_are_ticks_and_crosses_too() -> None:
    assert [read_yes_no(text(each)) for each in ["是", "√", "✓", "y", "占用"]] == [True] * 5
    assert [read_yes_no(text(each)) for each in ["否", "×", "✗", "N", "不占用"]] == [False] * 5
    assert (read_yes_no(Cell(Kind.TRUTH, "1")), read_yes_no(number("0"))) == (True, False)
    assert finding(read_yes_no, text("也许")) == "not_yes_no"


def test_whole_numbers_and_ranks() -> None:
    assert [readers.read_whole(cell) for cell in (number("5.0"), text("５ 个"), number("0"))] == [5, 5, 0]
    codes = [finding(readers.read_whole, cell) for cell in (number("1.5"), number("-1"), text("五"))]
    assert (codes, finding(readers.read_rank, number("0"))) == (["not_whole"] * 3, "rank")


def test_column_letters_and_numbers_are_each_others_inverse() -> None:
    assert [column_number(column_letters(n)) for n in (1, 26, 27, 702, 703, 16384)] == [1, 26, 27, 702, 703, 16384]
    assert column_letters(16384) == "XFD"
