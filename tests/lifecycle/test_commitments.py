"""Commitments: personal data bound into the log without standing in it."""

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from dataclasses import replace
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.canonical import NotCanonical, canonical_bytes
from lifecycle.commitments import Disclosure, Salter, commit, is_commitment, opens

KEY = bytes(range(32))
ENTRY = "01907c3e-0000-7000-8000-000000000001"
PATH = "/reason"
VALUE = "材料齐全，同意"

values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53 - 1), 2**53 - 1),
    st.text(st.characters(codec="utf-8"), max_size=40),
    st.dictionaries(st.sampled_from(["name", "phone", "address"]), st.text(st.characters(codec="utf-8"))),
)


def test_the_commitment_is_the_hash_that_the_design_names() -> None:
    commitment, disclosure = commit(Salter(KEY), "person-7", ENTRY, PATH, VALUE)
    salt = hmac.new(KEY, ENTRY.encode() + b"\x00" + PATH.encode(), hashlib.sha256).digest()
    body = rfc8785.dumps(["pilot-audit/disclosure/v1", ENTRY, PATH, salt.hex(), VALUE])
    assert commitment == {"$c": b64encode(hashlib.sha256(b"\x02" + body).digest()).decode()}
    assert disclosure == Disclosure(ENTRY, PATH, "person-7", salt, VALUE)


def test_a_known_commitment_stays_the_same_for_ever() -> None:
    assert commit(Salter(KEY), "person-7", ENTRY, PATH, VALUE)[0] == {
        "$c": "VJBE1OdLqyG+2AN3rpKHuY19b1Cg7mrwsJrWNRMa844="
    }


@settings(derandomize=True, deadline=None, max_examples=300)
@given(values)
def test_a_disclosure_opens_its_own_commitment(value: Any) -> None:
    commitment, disclosure = commit(Salter(KEY), "person-7", ENTRY, PATH, value)
    assert (is_commitment(commitment), opens(commitment, disclosure)) == (True, True)


def test_a_commitment_goes_through_the_canonical_bytes_and_back() -> None:
    commitment, disclosure = commit(Salter(KEY), "person-7", ENTRY, PATH, VALUE)
    body = canonical_bytes({"reason": commitment})
    assert VALUE.encode() not in body
    assert opens(json.loads(body)["reason"], disclosure)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(values, values)
def test_a_swapped_value_does_not_open_the_commitment(value: Any, other: Any) -> None:
    commitment, disclosure = commit(Salter(KEY), "person-7", ENTRY, PATH, value)
    swapped = replace(disclosure, value=other)
    assert opens(commitment, swapped) == (canonical_bytes(value) == canonical_bytes(other))


@pytest.mark.parametrize(
    "change",
    [
        {"entry_id": "01907c3e-0000-7000-8000-000000000002"},
        {"path": "/subject/name"},
        {"salt": bytes(32)},
        {"salt": b""},
        {"salt": bytes(33)},
        {"value": VALUE + " "},
        {"value": None},
        {"value": 0.5},
        {"value": "\ud800"},
        {"entry_id": "\ud800"},
    ],
)
def test_a_changed_disclosure_opens_nothing(change: dict[str, Any]) -> None:
    commitment, disclosure = commit(Salter(KEY), "person-7", ENTRY, PATH, VALUE)
    assert opens(commitment, replace(disclosure, **change)) is False


def test_a_commitment_with_one_bit_changed_is_not_opened() -> None:
    commitment, disclosure = commit(Salter(KEY), "person-7", ENTRY, PATH, VALUE)
    hashed = b64decode(commitment["$c"])
    flipped = [bytes([*hashed[:n], hashed[n] ^ 1, *hashed[n + 1 :]]) for n in range(32)]
    assert [opens({"$c": b64encode(other).decode()}, disclosure) for other in flipped] == [False] * 32


def test_another_key_entry_or_path_gives_another_salt_and_another_commitment() -> None:
    made = [
        commit(Salter(KEY), "person-7", ENTRY, PATH, VALUE),
        commit(Salter(bytes(32)), "person-7", ENTRY, PATH, VALUE),
        commit(Salter(KEY), "person-7", ENTRY + "0", PATH, VALUE),
        commit(Salter(KEY), "person-7", ENTRY, "0" + PATH, VALUE),
    ]
    assert len({disclosure.salt for _, disclosure in made}) == 4
    assert len({commitment["$c"] for commitment, _ in made}) == 4


@pytest.mark.parametrize("size", [0, 16, 31, 33, 64])
def test_a_key_that_is_not_thirty_two_bytes_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"a person's key is 32 bytes, and this one is {size}"):
        commit(Salter(bytes(size)), "person-7", ENTRY, PATH, VALUE)


def test_an_entry_id_with_the_separator_inside_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot contain NUL"):
        commit(Salter(KEY), "person-7", "a\0b", PATH, VALUE)


def test_a_value_outside_the_profile_is_refused() -> None:
    with pytest.raises(NotCanonical, match="a float"):
        commit(Salter(KEY), "person-7", ENTRY, PATH, {"share": 0.5})


@pytest.mark.parametrize(
    "value",
    [
        None,
        "A" * 43 + "=",
        {},
        {"$c": None},
        {"$c": ""},
        {"$c": "A" * 43},
        {"$c": "A" * 44},
        {"$c": "A" * 42 + "B="},
        {"$c": "A" * 43 + "=\n"},
        {"$c": "_" * 42 + "A="},
        {"$c": "é" * 42 + "A="},
        {"c": "A" * 43 + "="},
        {"$c": "A" * 43 + "=", "value": 1},
    ],
)
def test_what_has_not_the_exact_shape_is_no_commitment_and_is_not_opened(value: Any) -> None:
    disclosure = commit(Salter(KEY), "person-7", ENTRY, PATH, VALUE)[1]
    assert (is_commitment(value), opens(value, disclosure)) == (False, False)


def test_a_disclosure_does_not_print_its_salt_or_its_value() -> None:
    disclosure = commit(Salter(KEY), "person-7", ENTRY, PATH, VALUE)[1]
    assert repr(disclosure) == f"Disclosure(entry_id='{ENTRY}', path='/reason', person='person-7')"
