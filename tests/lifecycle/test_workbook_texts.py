"""Texts, codes and telephone numbers as people type them and as Excel keeps them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.workbook import Unclean, clean_code, clean_line, clean_name, clean_phone, clean_text
from lifecycle.workbook import cells as readers
from lifecycle.workbook.parts import escape, unescape
from lifecycle.workbook.sheet import Cell, Kind
from lifecycle.workbook.texts import holdable, split_units

VALID = "91370100MA00000010"
OTHER = "91370100MA00000023"
CLEANERS = [clean_text, clean_line, clean_name, clean_code, clean_phone]


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
    "written",
    [
        VALID,
        VALID.lower(),
        f" {VALID}\u3000",
        "91370100 MA00\u00a0000010",
        "９１３７０１００ＭＡ００００００１０",
        f"'{VALID}",
        f"\u200b{VALID}\ufeff",
        "91370100\nMA00000010",
    ],
)
def test_a_credit_code_is_found_under_its_dirt(written: str) -> None:
    assert readers.read_credit_code(text(written)) == VALID


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        (text("91370100MA00000011"), "credit_code"),
        (text("91370100MA0000001"), "credit_code"),
        (text("91370100MA0000001O"), "credit_code"),
        (text("无此代码"), "credit_code"),
        (number("9.13701E+17"), "code_lost_digits"),
        (number("913701000000000000"), "code_lost_digits"),
        (text("9.13701E+17"), "code_lost_digits"),
        (Cell(Kind.DATE, "45474"), "became_a_date"),
    ],
)
def test_a_wrong_credit_code_is_refused_and_a_number_is_told_apart(cell: Cell, code: str) -> None:
    assert finding(readers.read_credit_code, cell) == code


def test_task_numbers_keep_their_digits_or_are_refused() -> None:
    assert readers.read_code(text(" ｒｗ－０１ ")) == "RW-01"
    assert readers.read_code(number("12.0")) == "12"
    assert finding(readers.read_code, number("3.1")) == "code_as_number"
    assert finding(readers.read_code, number("1234567890123456")) == "code_lost_digits"
    assert finding(readers.read_code, Cell(Kind.DATE, "45293")) == "became_a_date"


def test_telephones_keep_leading_zeros_and_lose_a_decimal_point() -> None:
    assert readers.read_phone(text("0531-86000000")) == "0531-86000000"
    assert readers.read_phone(text("０５３１－８６０ 　０００００")) == "0531-860 00000"
    assert readers.read_phone(text("138 0000-0000")) == "13800000000"
    assert readers.read_phone(number("13800000000.0")) == "13800000000"
    assert readers.read_phone(number("1.38E10")) == "13800000000"
    assert finding(readers.read_phone, text("张三")) == "phone"


def test_texts_lose_what_cannot_be_seen_and_keep_what_can() -> None:
    assert clean_text("\u3000一\r\n二\x0b三\u200b\u202e（甲）\t乙\u00a0 ") == "一\n二\n三（甲） 乙"
    assert clean_line("山东\n  某某公司") == "山东某某公司"
    assert clean_line("Acme\nWorks") == "Acme Works"
    assert finding(clean_text, "响\x07铃") == "control_character"
    assert finding(clean_text, "\ud800") == "control_character"
    assert (len(clean_text("字" * 2000)), finding(clean_text, "字" * 2001)) == (2000, "too_long")
    assert finding(clean_code, "A" * 101) == "too_long"
    assert finding(clean_name, "甲公司、乙公司") == "several_units"


@settings(derandomize=True, deadline=None, max_examples=300)
@given(
    st.text(st.characters(), max_size=40),
    st.sampled_from([clean_text, clean_line, clean_name, clean_code, clean_phone]),
)
def test_what_is_clean_stays_as_it_is_and_fits_a_cell(dirty: str, clean: object) -> None:
    assert callable(clean)
    try:
        once = clean(dirty)
    except Unclean:
        return
    assert (clean(once), holdable(once)) == (once, True)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.lists(st.sampled_from(["_", "x", "X", "0041", "005F", "_x005F_", "_x0041_", "字"])).map("".join))
def test_escapes_of_the_file_format_never_change_a_text(plain: str) -> None:
    assert unescape(escape(plain)) == plain


def test_units_in_one_cell_are_paired_with_as_many_codes() -> None:
    both = [("甲公司", VALID), ("乙公司", OTHER)]
    assert split_units("甲公司、乙公司", f"{VALID}、{OTHER}") == both
    assert split_units("甲公司；\n乙公司", f"{VALID}\n{OTHER}") == both
    assert split_units("甲\n公司;乙公司", f"{VALID};{OTHER}") == both
    assert split_units("甲\n公司", VALID) == [("甲公司", VALID)]
    assert split_units(f"甲公司（{VALID}）、乙公司 {OTHER}", None) == both
    assert finding(split_units, "甲公司、乙公司", VALID) == "units_and_codes"
    assert finding(split_units, "甲公司", f"{VALID}、{OTHER}") == "units_and_codes"
    assert finding(split_units, "甲公司、乙公司", None) == "code_missing"
