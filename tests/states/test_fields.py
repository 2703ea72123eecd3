"""Owns the proof that a field is taken in one canonical spelling, or refused with what it should be."""

from datetime import UTC, date, datetime

import pytest
from cases import DEFINITION, arrow, veto_checks
from hypothesis import given, settings
from hypothesis import strategies as st

from states.definition import FieldSpec, LifecycleDefinition, Transition
from states.fields import MONEY_LIMIT, TEXT_LIMIT, FieldProblem, clean_fields, clean_text

lawful = settings(derandomize=True, deadline=None, max_examples=300)

SPECS = {
    "text": FieldSpec(zh="甲", en="a", type="text"),
    "date": FieldSpec(zh="甲", en="a", type="date"),
    "money": FieldSpec(zh="甲", en="a", type="money"),
    "integer": FieldSpec(zh="甲", en="a", type="integer"),
    "rank": FieldSpec(zh="甲", en="a", type="integer", minimum=1, maximum=999),
    "score": FieldSpec(zh="甲", en="a", type="score"),
    "boolean": FieldSpec(zh="甲", en="a", type="boolean"),
    "codes": FieldSpec(zh="甲", en="a", type="codes"),
    "kind": FieldSpec(zh="甲", en="a", type="codes", values=("person", "unit")),
    "checks": FieldSpec(zh="甲", en="a", type="checks"),
}
ALL = LifecycleDefinition.model_validate({**DEFINITION.model_dump(), "fields": SPECS})
TAKING = Transition(event="take", zh="甲", en="a", source=(), target="@same", by=(), optional=tuple(SPECS))

NOT_A_DATE = "应为日期，如2024-08-05 / must be a date like 2024-08-05"
OUT_OF_RANGE = "日期超出范围 / the date is out of range"
CONTROLS = "含有控制字符 / holds control characters"
EMPTY = "不能为空 / must not be empty"
NOT_FEN = "应为以分计的非负整数 / must be a non-negative integer of fen"
NOT_WHOLE = "应为整数 / must be an integer"
NOT_A_SCORE = '应为0至100、至多两位小数的文本，如"88.50" / must be a text from 0 to 100 with at most two decimals'
NOT_A_BOOLEAN = "应为true或false / must be true or false"
NO_CODES = "应为代码列表 / must be a list of codes"
NO_CHECKS = "应按核查项填写 / must map each item to its check"
BAD_ITEM = "核查项代码不合规 / an item's code is not valid"
BAD_CHECK = "每项应含clear、checked_on、checked_by / each item takes clear, checked_on, checked_by"
NOT_CLEAR = "a: clear应为true或false / clear must be true or false"
CHECK = {"clear": True, "checked_on": "2024-08-05", "checked_by": "经办人"}
HUGE, NAN = 10**400, float("nan")


def taken(name, value):
    return clean_fields(ALL, TAKING, {name: value})


GOOD = {
    "text": [
        ("甲", "甲"),
        ("  甲 乙\n", "甲 乙"),
        ("甲\r\n乙", "甲\n乙"),
        ("甲\n\t乙", "甲\n\t乙"),
        ("😀" * TEXT_LIMIT, "😀" * TEXT_LIMIT),
    ],
    "date": [
        ("2024-08-05", "2024-08-05"),
        (date(2024, 2, 29), "2024-02-29"),
        ("1990-01-01", "1990-01-01"),
        ("2200-12-31", "2200-12-31"),
    ],
    "money": [(0, 0), (1, 1), (MONEY_LIMIT, MONEY_LIMIT)],
    "integer": [(0, 0), (1_000_000, 1_000_000)],
    "rank": [(1, 1), (999, 999)],
    "score": [
        ("88.5", "88.50"),
        ("88.50", "88.50"),
        ("0", "0.00"),
        ("0.01", "0.01"),
        ("100", "100.00"),
        (88, "88.00"),
    ],
    "boolean": [(True, True), (False, False)],
    "codes": [
        ("a", ["a"]),
        (["b", "a", "b", " a "], ["a", "b"]),
        (("a",), ["a"]),
        (["x" * 64], ["x" * 64]),
        ([f"c{number:03}" for number in range(100)], [f"c{number:03}" for number in range(100)]),
    ],
    "kind": [("unit", ["unit"]), (["unit", "person"], ["person", "unit"])],
    "checks": [
        ({"honesty": CHECK}, {"honesty": {**CHECK, "evidence": None}}),
        ({"a": {**CHECK, "evidence": ""}}, {"a": {**CHECK, "evidence": None}}),
        ({"a": {**CHECK, "clear": False, "evidence": " 截图 "}}, {"a": {**CHECK, "clear": False, "evidence": "截图"}}),
        ({"a": {**CHECK, "checked_on": date(2024, 8, 5)}}, {"a": {**CHECK, "evidence": None}}),
    ],
}


@pytest.mark.parametrize(("name", "value", "kept"), [(name, *row) for name, rows in GOOD.items() for row in rows])
def test_a_good_value_is_kept_in_its_canonical_spelling(name, value, kept):
    assert taken(name, value) == ({name: kept}, {})


BAD = {
    "text": [
        ("", EMPTY),
        (" \n ", EMPTY),
        ("甲\x00", CONTROLS),
        ("甲\x00乙", CONTROLS),
        ("甲\x7f乙", CONTROLS),
        ("甲\r乙", CONTROLS),
        ("甲\ud800", CONTROLS),
        ("\udfff", CONTROLS),
        ("甲" * (TEXT_LIMIT + 1), f"不得超过{TEXT_LIMIT}字 / at most {TEXT_LIMIT} characters"),
        *[(value, "应为文本 / must be a text") for value in (1, True, NAN, HUGE, b"a", ["a"], {"a": "b"})],
    ],
    "date": [
        ("1989-12-31", OUT_OF_RANGE),
        ("2201-01-01", OUT_OF_RANGE),
        (date.max, OUT_OF_RANGE),
        *[(value, NOT_A_DATE) for value in ("", "2024-02-30", "2024-8-5", " 2024-08-05", "2024-08-05\n")],
        *[(value, NOT_A_DATE) for value in ("20240805", "2024-W32-1", "2024-W32", "2024-08-05T00:00")],
        *[(value, NOT_A_DATE) for value in ("2024-08-05\x00", "\ud800", 20240805, True, NAN, HUGE, [2024])],
        ("２０２４-08-05", NOT_A_DATE),
        (datetime(2024, 8, 5, tzinfo=UTC), NOT_A_DATE),
    ],
    "money": [
        *[(value, NOT_FEN) for value in (-1, MONEY_LIMIT + 1, HUGE, -HUGE, True, False)],
        *[(value, NOT_FEN) for value in (1.0, 0.1, NAN, float("inf"), "1", "\x00", [1])],
    ],
    "integer": [
        *[(value, NOT_WHOLE) for value in (True, False, 1.0, NAN, "1", [1])],
        *[(value, "应在0至1000000之间 / must be between 0 and 1000000") for value in (-1, 1_000_001, HUGE)],
    ],
    "rank": [(value, "应在1至999之间 / must be between 1 and 999") for value in (0, 1000, -HUGE)],
    "score": [
        *[(value, NOT_A_SCORE) for value in ("88.555", "100.01", "100.001", "-0.01", "-0",
            "1_0", "１０", "1e1", "1e9", "1e-3", "1E-99999999")],
        *[(value, NOT_A_SCORE) for value in ("NaN", "sNaN", "Infinity", "-inf", "", "88,5", "88\x00", "\ud800")],
        *[(value, NOT_A_SCORE) for value in (88.5, NAN, float("inf"), True, False, -1, 101, HUGE, ["88"], {"a": 1})],
        ("1e9999999999999999999", NOT_A_SCORE),
        ("9" * 5000, NOT_A_SCORE),
        ("0." + "0" * 5000 + "1", NOT_A_SCORE),
    ],
    "boolean": [(value, NOT_A_BOOLEAN) for value in (0, 1, "true", "", NAN, [True])],
    "codes": [
        *[(value, NO_CODES) for value in ([], {}, {"a": 1}, {"a"}, 1, True, NAN, [1], [True], [["a"]], ["a", None])],
        ("", EMPTY),
        (["a", " "], EMPTY),
        (["a\x00"], CONTROLS),
        (["\ud800"], CONTROLS),
        (["x" * 65], "不得超过64字 / at most 64 characters"),
        ([f"c{number}" for number in range(101)], "过多 / too many"),
    ],
    "kind": [(value, "只能取person、unit / must be among these") for value in ("crowd", ["person", "crowd"], "Person")],
    "checks": [
        *[(value, NO_CHECKS) for value in ({}, [], "a", 1, True, NAN, {f"c{number}": CHECK for number in range(101)})],
        *[({item: CHECK}, BAD_ITEM) for item in ("A", "", "1a", "a-b", "a\n", "a\x00", "\ud800", "甲", "x" * 65, 1)],
        *[({"a": check}, BAD_CHECK) for check in (1, "clear", [CHECK], {**CHECK, "more": 1})],
        *[({"a": {**CHECK, "clear": clear}}, NOT_CLEAR) for clear in (1, 0, "true", None)],
        ({"a": {}}, NOT_CLEAR),
        ({"a": {**CHECK, "checked_on": "20240805"}}, NOT_A_DATE),
        ({"a": {"clear": True, "checked_by": "甲"}}, NOT_A_DATE),
        ({"a": {**CHECK, "checked_by": None}}, "应为文本 / must be a text"),
        ({"a": {**CHECK, "checked_by": "甲" * 101}}, "不得超过100字 / at most 100 characters"),
        ({"a": {**CHECK, "evidence": "\x00"}}, CONTROLS),
        ({"a": {**CHECK, "evidence": " "}}, EMPTY),
        *[({"a": {**CHECK, "evidence": value}}, "应为文本 / must be a text") for value in (0, False, [])],
        ({"a": {**CHECK, "evidence": "甲" * 401}}, "不得超过400字 / at most 400 characters"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [(name, *row) for name, rows in BAD.items() for row in rows],
    ids=[f"{name} {number}" for name, rows in BAD.items() for number in range(len(rows))],
)
def test_a_bad_value_is_refused_with_what_it_should_be(name, value, message):
    assert taken(name, value) == ({}, {name: message})


def test_a_field_of_another_act_is_named_and_the_others_are_kept():
    given_fields = {"rank": 3, "granted_on": "2024-08-05", "nonsense" * 20: 1, "city_opinion": "同意"}
    strange = "本操作没有此字段 / not a field of this act"
    assert clean_fields(DEFINITION, arrow("recommend"), given_fields) == (
        {"rank": 3, "city_opinion": "同意"},
        {"granted_on": strange, ("nonsense" * 20)[:64]: strange},
    )


def test_a_field_without_a_value_is_passed_over_and_an_optional_one_is_taken():
    given_fields = {"publication_number": None, "veto_checks": veto_checks(date(2024, 8, 31))}
    assert clean_fields(DEFINITION, arrow("publish"), given_fields) == (
        {"veto_checks": veto_checks(date(2024, 8, 31))},
        {},
    )


def test_a_field_that_the_machine_stamps_cannot_be_given():
    assert clean_fields(DEFINITION, arrow("publish"), {"published_on": "2024-08-31"}) == (
        {},
        {"published_on": "本操作没有此字段 / not a field of this act"},
    )


def test_a_text_may_have_a_limit_of_its_own():
    assert clean_text(" 甲乙 ", 2) == "甲乙"
    with pytest.raises(FieldProblem, match="at most 2 characters"):
        clean_text("甲乙丙", 2)


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None, categories=None), max_size=20)
    | st.dates()
    | st.decimals(0, 100, places=2).map(str),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "clear", "", "\x00"]), inner),
    max_leaves=6,
)
goods = st.sampled_from([(name, value) for name, rows in GOOD.items() for value, _ in rows])


@lawful
@given(st.tuples(st.sampled_from(sorted(SPECS)), anything) | goods)
def test_a_value_is_either_kept_or_refused_and_what_was_kept_is_kept_the_same_again(named):
    name, value = named
    kept, wrong = taken(name, value)
    assert len(kept) + len(wrong) == (value is not None)
    assert clean_fields(ALL, TAKING, kept) == (kept, {})
