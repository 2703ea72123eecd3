"""Signed notes (C2SP signed-note): text, blank line, signature lines; and the keys that sign and verify them.

Two kinds of Ed25519 signature: over the text itself (0x01), and over the text with the time of signing before it, as
witnesses give it (0x04, C2SP tlog-cosignature).
"""

import binascii
import hashlib
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from lifecycle.signing import Signer

PLAIN, TIMED = 0x01, 0x04
ID_SIZE = 4
KEY_SIZE = 32
SIGNATURE_SIZE = 64
TIME_SIZE = 8
NOTE_LIMIT = 64 * 1024
SIGNATURES_LIMIT = 100
LAST_TIME = int(datetime.max.replace(tzinfo=UTC).timestamp())


class NoteError(ValueError):
    """A note, a key or a signature is not what it should be; the message says what is wrong."""


class Signature(NamedTuple):
    """One signature line: who signed by name and key id, and the octets after the key id."""

    name: str
    key_id: bytes
    octets: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A text and the signatures under it, those of unknown keys too."""

    text: str
    signatures: tuple[Signature, ...]

    def to_bytes(self) -> bytes:
        """Return the note as it is written."""
        lines = [f"— {one.name} {b64encode(one.key_id + one.octets).decode('ascii')}\n" for one in self.signatures]
        return f"{self.text}\n{''.join(lines)}".encode()


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A public key under a name, for one kind of signature."""

    name: str
    kind: int
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """Return the first four octets of the hash that names the key."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public_key).digest()[:ID_SIZE]

    @property
    def vkey(self) -> str:
        """Return the key in one line, as verifiers take it: name+id+base64."""
        encoded = b64encode(bytes([self.kind]) + self.public_key).decode("ascii")
        return f"{self.name}+{self.key_id.hex()}+{encoded}"


class Verified(NamedTuple):
    """A signature that holds: whose, and when it was made where its kind tells."""

    key: NoteKey
    at: datetime | None


def parse_note(data: bytes) -> Note:
    """Read a signed note strictly; nothing is verified yet.

    Raises:
        NoteError: it is not UTF-8, has control characters, no blank line before signatures, or a malformed one.
    """
    if len(data) > NOTE_LIMIT:
        raise NoteError(f"a note of {len(data)} octets, and the limit is {NOTE_LIMIT}")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError:
        raise NoteError("a note is UTF-8, and this is not") from None
    check_text(whole)
    text, blank, lines = whole.rpartition("\n\n")
    if not blank or not lines:
        raise NoteError("there is no blank line with signatures after it")
    signatures = lines[:-1].split("\n")
    if len(signatures) > SIGNATURES_LIMIT:
        raise NoteError(f"{len(signatures)} signatures, and the limit is {SIGNATURES_LIMIT}")
    return Note(text + "\n", tuple(map(_signature, signatures)))


def parse_vkey(line: str) -> NoteKey:
    """Read a verifier's key: name+id+base64.

    Raises:
        NoteError: it is malformed, of an unknown kind, or its id is not the key's.
    """
    parts = line.split("+", 2)
    if len(parts) != 3:
        raise NoteError("a verifier's key is name+id+base64")
    octets = strict_base64(parts[2])
    if len(octets) != 1 + KEY_SIZE or octets[0] not in (PLAIN, TIMED):
        raise NoteError("not an Ed25519 key of a kind known here")
    key = NoteKey(check_name(parts[0]), octets[0], octets[1:])
    if key.key_id.hex() != parts[1]:
        raise NoteError(f"the id should be {key.key_id.hex()}")
    return key


def verify_note(note: Note, keys: Sequence[NoteKey]) -> list[Verified]:
    """Return the signatures made by these keys, in the note's order, a key's first only; those of others are ignored.

    Raises:
        NoteError: none is by any of them, or one claims to be and is not.
    """
    known = {(key.name, key.key_id): key for key in keys}
    found: dict[NoteKey, Verified] = {}
    for one in note.signatures:
        key = known.get((one.name, one.key_id))
        if key is not None and key not in found:
            found[key] = Verified(key, _check(note.text, one, key))
    if not found:
        raise NoteError("no signature is by a known key")
    return list(found.values())


def sign_text(signer: Signer, name: str, text: str, at: datetime | None = None) -> Signature:
    """Sign a note's text; with the time of signing where `at` is given.

    Raises:
        NoteError: the text or the name cannot stand in a note.
    """
    check_text(text)
    key = NoteKey(check_name(name), PLAIN if at is None else TIMED, signer.public_key)
    if at is None:
        return Signature(name, key.key_id, signer.sign(text.encode()))
    seconds = int(at.timestamp())
    signed = signer.sign(_timed(seconds, text))
    return Signature(name, key.key_id, seconds.to_bytes(TIME_SIZE, "big") + signed)


def merged(note: Note, other: Note) -> Note:
    """Return the note with the other's signatures by keys that have not signed it; of another text, as it was."""
    if note.text != other.text:
        return note
    known = {(one.name, one.key_id) for one in note.signatures}
    added = tuple(one for one in other.signatures if (one.name, one.key_id) not in known)
    return Note(note.text, note.signatures + added)


def check_name(name: str) -> str:
    """Return a key's name.

    Raises:
        NoteError: it is empty, or has white space, control characters or a plus.
    """
    if not name or "+" in name or any(char.isspace() or char < " " for char in name):
        raise NoteError("a key's name is not empty and has neither spaces nor a plus")
    return name


def check_text(text: str) -> None:
    """Refuse what no note may hold.

    Raises:
        NoteError: the text does not end with a newline, has other control characters or lone surrogates.
    """
    if not text.endswith("\n"):
        raise NoteError("the last line is not ended")
    if any(char < " " and char != "\n" for char in text) or any("\ud800" <= char <= "\udfff" for char in text):
        raise NoteError("control characters other than a newline")


def strict_base64(text: str) -> bytes:
    """Decode base64 in its one canonical spelling.

    Raises:
        NoteError: any other spelling.
    """
    try:
        octets = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError("not base64") from None
    if b64encode(octets).decode("ascii") != text:
        raise NoteError("not the canonical base64")
    return octets


def _signature(line: str) -> Signature:
    dash, name, encoded = (*line.split(" "), "", "")[:3]
    if dash != "—" or line != f"— {name} {encoded}":
        raise NoteError("a signature line is: em dash, space, name, space, base64")
    octets = strict_base64(encoded)
    if len(octets) <= ID_SIZE:
        raise NoteError("a signature has a key id of four octets and more")
    return Signature(check_name(name), octets[:ID_SIZE], octets[ID_SIZE:])


def _check(text: str, one: Signature, key: NoteKey) -> datetime | None:
    """Return when a known key signed (None: not told), or refuse."""
    time = one.octets[:TIME_SIZE] if key.kind == TIMED else b""
    seconds = int.from_bytes(time, "big")
    if len(one.octets) != len(time) + SIGNATURE_SIZE or seconds > LAST_TIME:
        raise NoteError(f"the signature of {key.name} is malformed")
    message = _timed(seconds, text) if key.kind == TIMED else text.encode()
    try:
        Ed25519PublicKey.from_public_bytes(key.public_key).verify(one.octets[len(time) :], message)
    except InvalidSignature:
        raise NoteError(f"the signature of {key.name} does not hold") from None
    return datetime.fromtimestamp(seconds, UTC) if key.kind == TIMED else None


def _timed(seconds: int, text: str) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()
