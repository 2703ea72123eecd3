"""The last signed head and proofs against it, as auditors fetch them one by one instead of in a bundle."""

from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lifecycle.auditing.reach import require_audit
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import Conflict, NotFound, Unreadable
from lifecycle.requests import is_identifier
from lifecycle.seal.heads import origin_of, parse_head
from lifecycle.seal.merkle import SHA256, Suite, suite_named
from lifecycle.seal.notes import NoteError, parse_note
from lifecycle.seal.tiles import CHECKPOINT
from lifecycle.seal.trees import consistency, inclusion, inclusion_at, root_of, size_of
from lifecycle.settings import Settings
from states.findings import Text


def last_checkpoint(tx: Transaction, settings: Settings, caller: Caller, suite: str = SHA256.name) -> tuple[bytes, int]:
    """Return the published note exactly as it was signed, and how many entries the database has sealed by now.

    Raises:
        Forbidden: the caller may not audit.
        NotFound: nothing was published yet, or the suite is not switched on.
        Conflict: what is published is not a checkpoint of this log.
    """
    require_audit(caller)
    found = _suite(settings, suite)
    folder: Path = settings.tiles if found.name == SHA256.name else settings.tiles / found.name
    try:
        data = (folder / CHECKPOINT).read_bytes()
        origin = parse_head(parse_note(data).text).origin
    except FileNotFoundError:
        raise NotFound(Text("尚未公布检查点，请先运行封存", "nothing is published yet: run the sealer")) from None
    except NoteError:
        origin = ""
    if origin != origin_of(settings.origin, found):
        raise Conflict(Text("已公布的检查点不属于本日志", "the published checkpoint is not of this log"))
    return data, size_of(tx, found)


def prove_inclusion(
    tx: Transaction,
    settings: Settings,
    caller: Caller,
    *,
    index: int | None = None,
    entry: str | None = None,
    size: int | None = None,
    suite: str = SHA256.name,
) -> dict[str, Any]:
    """Return the proof that an entry is in the tree of a size (default: as it is now), named as RFC 9162 §4.11 does.

    Hashes are in base64. `root_hash` is for convenience: hold the proof against a root that was signed or remembered.

    Raises:
        Forbidden: the caller may not audit.
        Unreadable: not exactly one of place and id is given.
        NotFound: the entry is not in a tree of this size, or the tree is not that large.
    """
    require_audit(caller)
    found = _suite(settings, suite)
    if (index is None) == (entry is None):
        raise Unreadable(Text("请给出封存序号或记录编号之一", "give either the place in the tree or the entry's id"))
    asked = size_of(tx, found) if size is None else size
    if entry is None:
        proof = inclusion_at(tx, index or 0, asked, found)
    else:
        name = entry.lower()
        proof = inclusion(tx, name, asked, found) if is_identifier(name) else inclusion_at(tx, asked, asked, found)
    return {
        **_named(settings, found),
        "tree_size": asked,
        "leaf_index": proof.index,
        "leaf_hash": _text(proof.leaf),
        "inclusion_path": _texts(proof.path),
        "root_hash": _text(root_of(tx, asked, found)),
    }


def prove_consistency(
    tx: Transaction, settings: Settings, caller: Caller, old: int, new: int | None = None, suite: str = SHA256.name
) -> dict[str, Any]:
    """Return the proof that the tree of one size extends that of another, named as RFC 9162 §4.11 does.

    Raises:
        Forbidden: the caller may not audit.
        NotFound: there were no two such trees; from the empty one nothing can be proven.
    """
    require_audit(caller)
    found = _suite(settings, suite)
    asked = size_of(tx, found) if new is None else new
    path = consistency(tx, old, asked, found)
    return {
        **_named(settings, found),
        "tree_size_1": old,
        "tree_size_2": asked,
        "consistency_path": _texts(path),
        "root_hash_1": _text(root_of(tx, old, found)),
        "root_hash_2": _text(root_of(tx, asked, found)),
    }


def _suite(settings: Settings, name: str) -> Suite:
    if name != SHA256.name and name not in settings.suites:
        raise NotFound(Text(f"未启用{name}树", f"the tree of {name} is not switched on"))
    return suite_named(name)


def _named(settings: Settings, suite: Suite) -> dict[str, str]:
    return {"origin": origin_of(settings.origin, suite), "suite": suite.name}


def _text(digest: bytes) -> str:
    return b64encode(digest).decode("ascii")


def _texts(path: Sequence[bytes]) -> list[str]:
    return [_text(digest) for digest in path]
