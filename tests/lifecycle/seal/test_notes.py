"""Signed notes and the log's checkpoints: the published examples, strict reading, and what is refused."""

import json
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.seal.heads import TreeHead, keys_of_log, open_head, origin_of, parse_head, sign_head
from lifecycle.seal.merkle import SHA256, suite_named
from lifecycle.seal.notes import (
    NOTE_LIMIT,
    PLAIN,
    TIMED,
    Note,
    NoteError,
    NoteKey,
    Signature,
    merged,
    parse_note,
    parse_vkey,
    sign_text,
    verify_note,
)
from lifecycle.signing import FileSigner, key_id

VECTORS = Path(__file__).parents[3].parent / "shared" / "vectors" / "signed-note" / "notes.json"
GIVEN: dict[str, Any] = {one["name"]: one for one in json.loads(VECTORS.read_text("utf-8"))} if VECTORS.exists() else {}
EXAMPLE = "C2SP signed-note spec example"
GO = "golang.org/x/mod note example (deterministic Ed25519 signature)"
SUMDB = "sum.golang.org real checkpoint at 35225469"
SPEC_CHECKPOINT = "torchwood/C2SP spec checkpoint (no key published with it: parse-only)"
TREE_TEXT = "tlog tree text golden"
NAME = "pilot.example/log"
NOW = datetime(2024, 7, 8, 1, 2, 3, tzinfo=UTC)
ROOT = bytes(range(32))

vectors = pytest.mark.skipif(not GIVEN, reason="the shared vectors are not beside this checkout")


def signer_of(seed: bytes) -> FileSigner:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes_raw()
    return FileSigner(key_id(public), public, private)


SIGNER, OTHER = signer_of(b"1" * 32), signer_of(b"2" * 32)
HEAD = TreeHead(NAME, 7, ROOT)
NOTE = sign_head(SIGNER, HEAD, NOW).note


@vectors
@pytest.mark.parametrize("name", [EXAMPLE, GO, SUMDB])
def test_a_published_note_holds_and_is_written_as_it_was(name: str) -> None:
    data, key = GIVEN[name]["note"].encode(), parse_vkey(GIVEN[name]["vkey"])
    note = parse_note(data)
    assert verify_note(note, [key]) == [(key, None)]
    assert (note.to_bytes(), key.vkey) == (data, GIVEN[name]["vkey"])


@vectors
def test_the_published_private_key_signs_as_published() -> None:
    case = GIVEN[GO]
    octets = b64decode(case["skey"].split("+", 4)[-1])
    assert octets[0] == PLAIN
    note = parse_note(case["note"].encode())
    assert sign_text(signer_of(octets[1:]), "PeterNeumann", note.text) == note.signatures[0]


@vectors
def test_published_checkpoints_are_read_and_written_as_they_were() -> None:
    real, spec = (parse_head(parse_note(GIVEN[name]["note"].encode()).text) for name in (SUMDB, SPEC_CHECKPOINT))
    assert (real.origin, real.size) == ("go.sum database tree", 35225469)
    assert (spec.origin, spec.size) == ("example.com/behind-the-sofa", 20852163)
    text = GIVEN[TREE_TEXT]["text"]
    golden = parse_head(text)
    assert (golden.size, golden.root) == (123456789012, SHA256.leaf(b"hello world"))
    assert golden.text == text


def test_a_head_signed_by_the_log_is_opened_with_its_key() -> None:
    opened = open_head(NOTE.to_bytes(), NAME, SIGNER.public_key)
    assert (opened.head, opened.note, opened.signed_at) == (HEAD, NOTE, NOW)
    lines = NOTE.to_bytes().decode().split("\n")
    assert lines[:5] == [NAME, "7", b64encode(ROOT).decode(), "", lines[4]]
    assert [line.startswith(f"— {NAME} ") for line in lines[4:6]] == [True, True]


def test_the_dated_signature_is_a_cosignature_by_the_specification() -> None:
    key = NoteKey(NAME, TIMED, SIGNER.public_key)
    (signature,) = [one for one in NOTE.signatures if one.key_id == key.key_id]
    seconds = int(NOW.timestamp())
    assert signature.octets[:8] == seconds.to_bytes(8, "big")
    message = f"cosignature/v1\ntime {seconds}\n{HEAD.text}".encode()
    SIGNER.private_key.public_key().verify(signature.octets[8:], message)


def test_a_head_is_refused_by_another_key_of_another_log_or_without_the_plain_signature() -> None:
    data = NOTE.to_bytes()
    for origin, signer, words in (
        (NAME, OTHER, "no signature is by a known key"),
        (f"{NAME}/sm3", SIGNER, "no signature is by a known key"),
    ):
        with pytest.raises(NoteError, match=words):
            open_head(data, origin, signer.public_key)
    dated = Note(NOTE.text, NOTE.signatures[1:])
    with pytest.raises(NoteError, match="no signature over the head itself"):
        open_head(dated.to_bytes(), NAME, SIGNER.public_key)
    foreign = Note(TreeHead("another", 7, ROOT).text, ())
    foreign = Note(foreign.text, (sign_text(SIGNER, NAME, foreign.text),))
    with pytest.raises(NoteError, match="a checkpoint of another"):
        open_head(foreign.to_bytes(), NAME, SIGNER.public_key)


def test_signatures_of_unknown_keys_are_kept_and_prove_nothing() -> None:
    witness = sign_text(OTHER, "witness.example", NOTE.text, NOW)
    note = parse_note(Note(NOTE.text, (witness, *NOTE.signatures)).to_bytes())
    assert note.signatures == (witness, *NOTE.signatures)
    assert [one.key for one in verify_note(note, keys_of_log(NAME, SIGNER.public_key))] == list(
        keys_of_log(NAME, SIGNER.public_key)
    )
    with pytest.raises(NoteError, match="no signature is by a known key"):
        verify_note(Note(NOTE.text, (witness,)), keys_of_log(NAME, SIGNER.public_key))
    assert verify_note(note, [NoteKey("witness.example", TIMED, OTHER.public_key)])[0].at == NOW


def test_a_known_keys_signature_that_does_not_hold_spoils_the_note() -> None:
    bad = NOTE.signatures[0]._replace(octets=bytes(64))
    with pytest.raises(NoteError, match="does not hold"):
        verify_note(Note(NOTE.text, (bad, *NOTE.signatures[1:])), keys_of_log(NAME, SIGNER.public_key))
    short = NOTE.signatures[1]._replace(octets=bytes(71))
    with pytest.raises(NoteError, match="malformed"):
        verify_note(Note(NOTE.text, (NOTE.signatures[0], short)), keys_of_log(NAME, SIGNER.public_key))
    late = NOTE.signatures[1]._replace(octets=b"\xff" * 72)
    with pytest.raises(NoteError, match="malformed"):
        verify_note(Note(NOTE.text, (NOTE.signatures[0], late)), keys_of_log(NAME, SIGNER.public_key))


def test_signatures_are_merged_only_over_the_same_text() -> None:
    witness = sign_text(OTHER, "witness.example", NOTE.text, NOW)
    cosigned = Note(NOTE.text, (*NOTE.signatures, witness))
    assert merged(NOTE, cosigned) == cosigned
    assert merged(cosigned, NOTE) == cosigned
    grown = sign_head(SIGNER, TreeHead(NAME, 8, ROOT), NOW).note
    assert merged(grown, cosigned) == grown


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.integers(0, len(NOTE.to_bytes()) - 1), st.integers(0, 7))
def test_a_checkpoint_with_any_bit_flipped_is_refused_or_says_the_same(at: int, bit: int) -> None:
    data = bytearray(NOTE.to_bytes())
    data[at] ^= 1 << bit
    try:
        opened = open_head(bytes(data), NAME, SIGNER.public_key)
    except NoteError:
        return
    # Only the dated signature's line can change without the note being refused: its key is then another one's.
    assert (opened.head, opened.signed_at) == (HEAD, None)
    assert at >= data.rindex("—".encode())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not ended"),
        (b"a\n", "no blank line"),
        (b"a\n\n", "no blank line"),
        (b"a\n\n\xe2\x80\x94 n AAAAAAA=", "not ended"),
        (b"a\n\n\xe2\x80\x94 n AAAAAAA=\n\n", "no blank line"),
        (b"a\xff\n\n\xe2\x80\x94 n AAAAAAA=\n", "UTF-8"),
        (b"a\r\n\n\xe2\x80\x94 n AAAAAAA=\n", "control characters"),
        (b"a\x00\n\n\xe2\x80\x94 n AAAAAAA=\n", "control characters"),
        (b"a\n\n- n AAAAAAA=\n", "a signature line is"),
        (b"a\n\n\xe2\x80\x94 n\n", "a signature line is"),
        (b"a\n\n\xe2\x80\x94  n AAAAAAA=\n", "a signature line is"),
        (b"a\n\n\xe2\x80\x94 n AAAAAAA= \n", "a signature line is"),
        (b"a\n\n\xe2\x80\x94 n AAAAAAA= more\n", "a signature line is"),
        (b"a\n\n\xe2\x80\x94 n+m AAAAAAA=\n", "neither spaces nor a plus"),
        ("a\n\n— n\u2003m AAAAAAA=\n".encode(), "neither spaces nor a plus"),
        (b"a\n\n\xe2\x80\x94  AAAAAAA=\n", "not empty"),
        (b"a\n\n\xe2\x80\x94 n AAAA*AA=\n", "not base64"),
        (b"a\n\n\xe2\x80\x94 n AAAAAAB=\n", "canonical base64"),
        (b"a\n\n\xe2\x80\x94 n AAAAAAA\n", "base64"),
        (b"a\n\n\xe2\x80\x94 n AAAAAA==\n", "key id of four"),
        (b"a\n\n" + b"\xe2\x80\x94 n AAAAAAA=\n" * 101, "101 signatures"),
        (b"a" * NOTE_LIMIT + b"\n", "octets, and the limit"),
    ],
)
def test_a_malformed_note_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(NoteError, match=words):
        parse_note(data)


def test_blank_lines_belong_to_the_text_and_many_signatures_are_taken() -> None:
    signature = Signature("n", b"1234", b"5")
    note = Note("one\n\n\nthree\n\n", (signature,) * 100)
    assert parse_note(note.to_bytes()) == note


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{NAME}\n7\n", "three lines"),
        (f"{NAME}\n7\n{b64encode(ROOT).decode()}\n\n", "three lines"),
        (f"\n7\n{b64encode(ROOT).decode()}\n", "three lines"),
        (f"{NAME}\n7\n{b64encode(ROOT).decode()}", "not ended"),
        (f"{NAME}\n07\n{b64encode(ROOT).decode()}\n", "tree size"),
        (f"{NAME}\n-7\n{b64encode(ROOT).decode()}\n", "tree size"),
        (f"{NAME}\n+7\n{b64encode(ROOT).decode()}\n", "tree size"),
        (f"{NAME}\n 7\n{b64encode(ROOT).decode()}\n", "tree size"),
        (f"{NAME}\n７\n{b64encode(ROOT).decode()}\n", "tree size"),
        (f"{NAME}\n{2**63}\n{b64encode(ROOT).decode()}\n", "tree size"),
        (f"{NAME}\n7\n{b64encode(ROOT[:31]).decode()}\n", "a root is 32 octets"),
        (f"{NAME}\n7\n{b64encode(ROOT).decode()[:-1]}\n", "base64"),
    ],
)
def test_a_malformed_checkpoint_is_refused(text: str, words: str) -> None:
    with pytest.raises(NoteError, match=words):
        parse_head(text)


def test_extension_lines_are_kept() -> None:
    head = TreeHead(NAME, 0, SHA256.empty, ("one", "two"))
    assert parse_head(head.text) == head


def test_a_key_in_one_line_is_read_back_and_a_wrong_one_is_refused() -> None:
    key = NoteKey(NAME, TIMED, SIGNER.public_key)
    assert parse_vkey(key.vkey) == key
    name, _, encoded = key.vkey.split("+", 2)
    ecdsa = b64encode(b"\x02" + SIGNER.public_key).decode()
    for line, words in (
        ("", "name[+]id[+]base64"),
        (f"{name}+00000000+{encoded}", "the id should be"),
        (f"{name}+{key.key_id.hex()}+{ecdsa}", "of a kind known here"),
        (f"{name}+{key.key_id.hex()}+{encoded[:-4]}", "of a kind known here"),
        (f"a b+{key.key_id.hex()}+{encoded}", "neither spaces"),
    ):
        with pytest.raises(NoteError, match=words):
            parse_vkey(line)


def test_what_cannot_stand_in_a_note_is_not_signed() -> None:
    for name, text in (("a b", "x\n"), ("n", "x"), ("n", "x\t\n"), ("n", "\ud800\n")):
        with pytest.raises(NoteError):
            sign_text(SIGNER, name, text)


def test_the_second_suites_tree_has_an_origin_of_its_own() -> None:
    assert (origin_of(NAME, SHA256), origin_of(NAME, suite_named("sm3"))) == (NAME, f"{NAME}/sm3")
