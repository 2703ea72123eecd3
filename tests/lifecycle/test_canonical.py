"""The canonical profile: equal to RFC 8785 inside it, and closed to everything outside."""

import enum
import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.canonical import ZERO_HASH, NotCanonical, canonical_bytes, instant, leaf_hash, parse_canonical

VECTORS = Path(__file__).parents[2].parent / "shared" / "vectors" / "rfc8785" / "testdata"
BIGGEST = 2**53 - 1

keys = st.from_regex(r"[a-z$][a-z0-9_]{0,12}", fullmatch=True)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-BIGGEST, BIGGEST),
    st.text(st.characters(codec="utf-8"), max_size=30),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=25,
)


class Outcome(enum.StrEnum):
    DENIED = "denied"
    # No test writes this one as a plain key, so that no order of tests makes it a known key.
    UNWRITTEN = "never_written_plainly"


def refusal(value: object) -> str:
    with pytest.raises(NotCanonical) as caught:
        canonical_bytes(value)
    return str(caught.value)


def reading_refusal(data: bytes) -> str:
    with pytest.raises(NotCanonical) as caught:
        parse_canonical(data)
    return str(caught.value)


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


@settings(derandomize=True, deadline=None, max_examples=300)
@given(values)
def test_any_value_of_the_profile_has_the_bytes_of_the_reference_implementation(value: Any) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(value)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(values)
def test_what_was_written_reads_back_the_same(value: Any) -> None:
    assert parse_canonical(canonical_bytes(value)) == value


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.dictionaries(keys, scalars, max_size=8), st.randoms(use_true_random=False))
def test_the_order_in_which_keys_were_put_in_changes_nothing(value: dict[str, Any], random: Any) -> None:
    shuffled = list(value.items())
    random.shuffle(shuffled)
    assert canonical_bytes(dict(shuffled)) == canonical_bytes(value)


def test_every_character_is_escaped_as_the_reference_implementation_escapes_it() -> None:
    text = "".join(chr(n) for n in range(0x110000) if not 0xD800 <= n < 0xE000)
    assert canonical_bytes(text, limit=10**7) == rfc8785.dumps(text)


def test_controls_are_escaped_shortly_and_all_other_characters_stand_raw() -> None:
    text = '\x00\x08\t\n\x0b\x0c\r\x1f"\\/\x7f\u2028é中😀'
    expected = '"\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f\\"\\\\/\x7f\u2028é中😀"'
    assert canonical_bytes(text) == expected.encode()


def test_strings_are_kept_as_given_and_not_normalised() -> None:
    assert canonical_bytes(["A\u030a", "Å"]) == '["A\u030a","Å"]'.encode()


def test_a_tuple_is_written_as_a_list() -> None:
    assert canonical_bytes({"docs": ({"id": "d1"}, ())}) == b'{"docs":[{"id":"d1"},[]]}'


@pytest.mark.parametrize("name", ["arrays", "french", "structures", "unicode", "values", "weird"])
def test_every_string_of_a_published_vector_has_its_published_bytes(name: str) -> None:
    """Each vector as a whole has keys or numbers that the profile refuses; its strings are within it."""
    if not VECTORS.is_dir():
        pytest.skip("the public RFC 8785 vectors are not beside the repository (shared/vectors)")
    given_value = json.loads((VECTORS / "input" / f"{name}.json").read_bytes())
    published = (VECTORS / "output" / f"{name}.json").read_bytes()
    assert rfc8785.dumps(given_value) == published
    missing = [text for text in strings_in(given_value) if canonical_bytes(text) not in published]
    assert missing == []
    with pytest.raises(NotCanonical):
        canonical_bytes(given_value)
    with pytest.raises(NotCanonical):
        parse_canonical(published)


@pytest.mark.parametrize("name", ["arrays", "french", "structures", "unicode", "values", "weird"])
def test_a_published_vector_brought_into_the_profile_keeps_the_reference_bytes(name: str) -> None:
    if not VECTORS.is_dir():
        pytest.skip("the public RFC 8785 vectors are not beside the repository (shared/vectors)")
    value = into_profile(json.loads((VECTORS / "input" / f"{name}.json").read_bytes()))
    assert canonical_bytes(value) == rfc8785.dumps(value)


def strings_in(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in [key, *strings_in(item)]]
    if isinstance(value, list):
        return [text for item in value for text in strings_in(item)]
    return [value] if isinstance(value, str) else []


def into_profile(value: Any) -> Any:
    """Spell the foreign keys in hex, keeping each as a value, and the fractions as text."""
    if isinstance(value, dict):
        return {f"k{key.encode().hex()}": [key, into_profile(item)] for key, item in value.items()}
    if isinstance(value, list):
        return [into_profile(item) for item in value]
    return repr(value) if isinstance(value, float) else value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            {"a": [1, {"b": 0.5}]},
            "$.a[1].b: a float; write whole units as an integer, or a decimal as a string",
        ),
        (1.0, "$: a float; write whole units as an integer, or a decimal as a string"),
        (float("nan"), "$: a float; write whole units as an integer, or a decimal as a string"),
        ({"n": 2**53}, "$.n: an integer beyond ±(2^53 - 1); write it as a string"),
        ([-(2**53)], "$[0]: an integer beyond ±(2^53 - 1); write it as a string"),
        ({"a": {"B": 1}}, "$.a: the key 'B' does not match ^[a-z$][a-z0-9_]*$"),
        ({"": 1}, "$: the key '' does not match ^[a-z$][a-z0-9_]*$"),
        ({"a\n": 1}, "$: the key 'a\\n' does not match ^[a-z$][a-z0-9_]*$"),
        ({"1a": 1}, "$: the key '1a' does not match ^[a-z$][a-z0-9_]*$"),
        ({"é": 1}, "$: the key '\\xe9' does not match ^[a-z$][a-z0-9_]*$"),
        ({"\ud800": 1}, "$: the key '\\ud800' does not match ^[a-z$][a-z0-9_]*$"),
        ({1: 1}, "$: a key of type int; keys are strings"),
        ({"a": ["x", "\ud800"]}, "$.a[1]: a lone surrogate, which is not valid Unicode"),
        ("x\udfff", "$: a lone surrogate, which is not valid Unicode"),
        ({"outcome": Outcome.DENIED}, "$.outcome: Outcome is not a JSON type of the profile"),
        ([datetime(2026, 1, 1, tzinfo=UTC)], "$[0]: datetime is not a JSON type of the profile"),
        ({"a": b"x"}, "$.a: bytes is not a JSON type of the profile"),
        ({"a": {1}}, "$.a: set is not a JSON type of the profile"),
        ({Outcome.UNWRITTEN: 1}, "$: a key of type Outcome; keys are strings"),
        ("x" * 32767, "$: 32769 bytes, and the limit is 32768"),
    ],
)
def test_a_value_outside_the_profile_is_refused_with_its_place_and_the_reason(value: object, message: str) -> None:
    assert refusal(value) == message


def test_a_key_that_only_equals_a_known_one_is_refused() -> None:
    canonical_bytes({"denied": 1})
    assert refusal({Outcome.DENIED: 1}) == "$: cannot be encoded: Dict key must be str"


def test_integers_at_the_edge_of_the_profile_pass() -> None:
    assert canonical_bytes([BIGGEST, -BIGGEST]) == b"[9007199254740991,-9007199254740991]"


def test_a_body_of_exactly_the_limit_passes() -> None:
    assert len(canonical_bytes("x" * 32766)) == 32768


def test_nesting_passes_to_thirty_two_and_is_refused_beyond() -> None:
    assert canonical_bytes(nested(32)) == b"[" * 32 + b"]" * 32
    assert refusal(nested(33)) == "$" + "[0]" * 32 + ": nested deeper than 32"


def test_a_value_that_contains_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    assert refusal(value) == "$" + "[0]" * 32 + ": nested deeper than 32"


@pytest.mark.parametrize(
    ("data", "at"),
    [
        (b'{"a":1,"a":2}', 5),
        (b'{"a":1,"a":1}', 6),
        (b'{"a":{"b":1,"b":1}}', 11),
        (b'{"b":1,"a":2}', 2),
        (b'{"a": 1}', 5),
        (b'{"a":1}\n', 7),
        (b'"\\u0041"', 1),
        (b'"\\/"', 1),
        (b'"\\u000A"', 2),
        (b'"\\u001F"', 6),
        (b"-0", 0),
    ],
)
def test_another_spelling_of_the_same_value_is_refused(data: bytes, at: int) -> None:
    reason = "a repeated key, another order of keys, white space or another spelling"
    assert reading_refusal(data) == f"$: not the canonical bytes from byte {at} on: {reason}"


@pytest.mark.parametrize("data", [b"[1.0]", b"[1e2]", b"[1E2]", b"[100000000000000000000]"])
def test_a_number_that_is_no_integer_of_the_profile_is_refused_when_read(data: bytes) -> None:
    assert reading_refusal(data) == "$[0]: a float; write whole units as an integer, or a decimal as a string"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"a":1}x',
        b"NaN",
        b"01",
        b"'a'",
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\\ud800"',
        b"\xef\xbb\xbf{}",
    ],
)
def test_what_is_not_json_is_refused_when_read(data: bytes) -> None:
    assert reading_refusal(data).startswith("$: not JSON: ")


def test_bytes_beyond_the_limit_are_refused_before_they_are_read() -> None:
    assert reading_refusal(b"[" * 32769) == "$: 32769 bytes, and the limit is 32768"


def test_deep_nesting_is_refused_when_read() -> None:
    assert reading_refusal(b"[" * 33 + b"]" * 33) == "$" + "[0]" * 32 + ": nested deeper than 32"
    assert reading_refusal(b"[" * 9000 + b"]" * 9000).startswith("$: not JSON: ")


@settings(derandomize=True, deadline=None, max_examples=300)
@given(values, st.data())
def test_changed_bytes_are_refused_or_say_something_else(value: Any, data: st.DataObject) -> None:
    body = bytearray(canonical_bytes(value))
    body[data.draw(st.integers(0, len(body) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        read = parse_canonical(bytes(body))
    except NotCanonical:
        return
    assert canonical_bytes(read) == bytes(body)


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (datetime(2026, 3, 1, 8, 0, tzinfo=UTC), "2026-03-01T08:00:00.000000Z"),
        (
            datetime(2026, 3, 1, 8, 0, 0, 7, tzinfo=timezone(timedelta(hours=8))),
            "2026-03-01T00:00:00.000007Z",
        ),
        (datetime(999, 1, 1, tzinfo=UTC), "0999-01-01T00:00:00.000000Z"),
    ],
)
def test_an_instant_is_written_in_utc_with_six_decimals(at: datetime, text: str) -> None:
    assert instant(at) == text


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="needs its time zone"):
        instant(datetime(2026, 3, 1))  # noqa: DTZ001 - the refusal of it is what is tested


def test_a_leaf_is_hashed_behind_a_zero_byte() -> None:
    # The RFC 6962 leaf of an empty body is a published figure.
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert leaf_hash(b'{"a":1}') == hashlib.sha256(b'\x00{"a":1}').digest()


def test_the_first_previous_hash_is_thirty_two_zero_bytes() -> None:
    assert ZERO_HASH.hex() == "00" * 32
