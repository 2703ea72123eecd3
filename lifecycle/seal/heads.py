"""Heads of the log's tree: origin, size and root as a C2SP tlog-checkpoint, signed by the log's key.

Called heads here because in this programme a checkpoint is a date that a project must keep.
"""

import re
from base64 import b64encode
from datetime import datetime
from typing import NamedTuple

from lifecycle.seal.merkle import HASH_SIZE, SHA256, Suite
from lifecycle.seal.notes import (
    PLAIN,
    TIMED,
    Note,
    NoteError,
    NoteKey,
    parse_note,
    sign_text,
    strict_base64,
    verify_note,
)
from lifecycle.signing import Signer

SIZE_LIMIT = 2**63 - 1
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class TreeHead(NamedTuple):
    """What a checkpoint says: which log, how many leaves, and the root over them."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Return the text that is signed."""
        lines = (self.origin, str(self.size), b64encode(self.root).decode("ascii"), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


class SignedHead(NamedTuple):
    """A head whose signature by the log's key was verified, the note that carries it, and when it was signed."""

    head: TreeHead
    note: Note
    signed_at: datetime | None


def origin_of(origin: str, suite: Suite) -> str:
    """Return the origin of a suite's tree: the log's own, or with the suite's name after it."""
    return origin if suite.name == SHA256.name else f"{origin}/{suite.name}"


def keys_of_log(origin: str, public_key: bytes) -> tuple[NoteKey, NoteKey]:
    """Return the log's keys: for the signature over the head, and for the dated one beside it."""
    return NoteKey(origin, PLAIN, public_key), NoteKey(origin, TIMED, public_key)


def parse_head(text: str) -> TreeHead:
    """Read a checkpoint's text strictly.

    Raises:
        NoteError: fewer than three lines, an empty one, a size with leading zeros, or a root of another length.
    """
    if not text.endswith("\n"):
        raise NoteError("the last line is not ended")
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise NoteError("a checkpoint has at least three lines, none of them empty")
    origin, size, root, *extensions = lines
    if not _SIZE.fullmatch(size) or int(size) > SIZE_LIMIT:
        raise NoteError("the tree size is a decimal number without leading zeros, below 2^63")
    octets = strict_base64(root)
    if len(octets) != HASH_SIZE:
        raise NoteError(f"a root is {HASH_SIZE} octets, and this one is {len(octets)}")
    return TreeHead(origin, int(size), octets, tuple(extensions))


def sign_head(signer: Signer, head: TreeHead, at: datetime) -> SignedHead:
    """Sign a head twice with the log's key: as it is, and with the time, so that a day's idle log shows its day."""
    signatures = (sign_text(signer, head.origin, head.text), sign_text(signer, head.origin, head.text, at))
    return SignedHead(head, Note(head.text, signatures), at)


def open_head(data: bytes, origin: str, public_key: bytes) -> SignedHead:
    """Read a signed checkpoint of this log.

    Raises:
        NoteError: it is malformed, of another log, or not signed by this key.
    """
    note = parse_note(data)
    signed, dated = keys_of_log(origin, public_key)
    verified = verify_note(note, (signed, dated))
    if signed not in {one.key for one in verified}:
        raise NoteError("no signature over the head itself")
    head = parse_head(note.text)
    if head.origin != origin:
        raise NoteError(f"this is a checkpoint of {head.origin}, not of {origin}")
    return SignedHead(head, note, next((one.at for one in verified if one.key == dated), None))
