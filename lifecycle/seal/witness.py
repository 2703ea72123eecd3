"""A witness: remembers the last tree head it signed, and signs another only where it extends that one.

It needs the published folder and the log's public key: no database, no settings of ours. Run it elsewhere.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from lifecycle.seal.durable import write_whole
from lifecycle.seal.heads import TreeHead, parse_head
from lifecycle.seal.merkle import SHA256
from lifecycle.seal.notes import TIMED, Note, NoteError, NoteKey, parse_note, sign_text, verify_note
from lifecycle.seal.paths import published
from lifecycle.seal.proofs import verify_consistency
from lifecycle.seal.tiles import CHECKPOINT, COSIGNED
from lifecycle.seal.trees import BrokenTree
from lifecycle.signing import Signer
from states.findings import Text


class NotWitnessed(Exception):
    """The witness does not sign: the head does not extend the one it signed last, or cannot be checked."""

    def __init__(self, text: Text) -> None:
        """Take what to tell people."""
        super().__init__(text.en)
        self.text = text


def cosign(
    folder: Path, log_keys: Sequence[NoteKey], state: Path, signer: Signer, name: str, now: datetime
) -> tuple[TreeHead, Note]:
    """Check the published head against the last one, remember it, and return it with the witness's signature.

    The signature is a C2SP cosignature/v1: over the time and the head. It is on the disk before it is given out.

    Raises:
        NotWitnessed: the head is not signed by the log, is older, or is of another tree than the one remembered.
        FileNotFoundError: nothing is published there.
    """
    note, head = _opened((folder / CHECKPOINT).read_bytes(), log_keys, "checkpoint")
    try:
        hashes = published(folder, SHA256, head.size)
        if hashes.root() != head.root:
            raise _no("公布的哈希与检查点的根不符", "the published tiles do not have the root of the checkpoint")
        if state.exists():
            mine = NoteKey(name, TIMED, signer.public_key)
            _, last = _opened(state.read_bytes(), [mine], "state")
            if last.origin != head.origin or head.size < last.size:
                raise _no(
                    f"检查点（{head.size}条）早于曾见证的检查点（{last.size}条）",
                    f"the checkpoint of size {head.size} is older than the one signed before, of size {last.size}",
                )
            path = hashes.consistency(last.size) if last.size else []
            if last.size and not verify_consistency(SHA256, last.size, head.size, last.root, head.root, path):
                raise _no(
                    f"检查点不是曾见证的检查点（{last.size}条）的延续",
                    f"the checkpoint does not extend the one signed before, of size {last.size}",
                )
    except BrokenTree as error:
        raise _no("公布的哈希不完整", f"the published tiles are not complete: {error}") from None
    signed = Note(note.text, (*note.signatures, sign_text(signer, name, note.text, now)))
    write_whole(state, signed.to_bytes())
    return head, signed


def deliver(folder: Path, name: str, note: Note) -> Path:
    """Put a cosigned head where bundles take it from; the log's own checkpoint is not touched."""
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "-_") else "_" for char in name)
    path = folder / COSIGNED / plain
    write_whole(path, note.to_bytes())
    return path


def _opened(data: bytes, keys: Sequence[NoteKey], what: str) -> tuple[Note, TreeHead]:
    try:
        note = parse_note(data)
        verify_note(note, keys)
        return note, parse_head(note.text)
    except NoteError as error:
        raise _no(f"无法信任{what}", f"the {what} cannot be trusted: {error}") from None


def _no(zh: str, en: str) -> NotWitnessed:
    return NotWitnessed(Text(f"未见证：{zh}", f"not signed: {en}"))
