"""Which keys count: those that the settings name, and what entries of `system/keys` say of them, in their order."""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import sqlalchemy as sa

from lifecycle.canonical import parse_canonical
from lifecycle.database import Transaction
from lifecycle.signing import RAW_KEY_SIZE, key_id
from lifecycle.statements import Statement
from lifecycle.tables import Entry, Leaf

_entry = Entry.__table__  # type: ignore[attr-defined]
_leaf = Leaf.__table__  # type: ignore[attr-defined]

STREAM = "system/keys"
INTRODUCED, RETIRED, REVOKED = "key.introduced", "key.retired", "key.revoked"
Use = Literal["writer", "log"]
USES: tuple[Use, ...] = get_args(Use)
PATH = re.compile(r"/keys/(writer|log)/([0-9a-f]{16})")

ACTS = Statement(
    sa.select(_entry.c.id, _entry.c.body, _entry.c.at, _leaf.c.index)
    .join(_leaf, _leaf.c.entry_id == _entry.c.id, isouter=True)
    .where(_entry.c.stream == STREAM)
    .order_by(_entry.c.seq)
)


class KeyAct(NamedTuple):
    """What an entry says of a key: it is introduced, retired, or revoked (`since`: not to be trusted from then on)."""

    kind: str
    use: Use
    key_id: str
    public_key: bytes
    since: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A key act in the log: its entry, when, and its place in the tree (None: not sealed yet)."""

    act: KeyAct
    entry: str
    at: str
    index: int | None


def path_of(use: Use, public_key: bytes) -> str:
    """Return the path under which entries tell of a key."""
    return f"/keys/{use}/{key_id(public_key)}"


def act_of(body: Mapping[str, Any]) -> KeyAct | None:
    """Return what an entry's body says of a key, or None where it says nothing, or nothing that holds together."""
    if body["stream"] != STREAM or body["type"] not in (INTRODUCED, RETIRED, REVOKED) or body["outcome"] != "success":
        return None
    changes = {change["path"]: change for change in body["changes"]}
    found = next(filter(None, map(PATH.fullmatch, changes)), None)
    if found is None:
        return None
    told = changes[found[0]]["new" if body["type"] == INTRODUCED else "old"]
    try:
        public_key = b64decode(told, validate=True)
    except (NotBase64, TypeError, ValueError):
        return None
    if len(public_key) != RAW_KEY_SIZE or key_id(public_key) != found[2]:
        return None
    since = changes.get("/compromised_since", {"new": None})["new"]
    return KeyAct(body["type"], "log" if found[1] == "log" else "writer", found[2], public_key, since)


def told(tx: Transaction, *, sealed: bool = False) -> list[Told]:
    """Return the key acts of the log in their order; only those in the tree where `sealed`."""
    found = []
    for row in tx.fetch(ACTS):
        body = parse_canonical(row["body"])
        act = act_of(body)
        if act is not None and (row["index"] is not None or not sealed):
            found.append(Told(act, row["id"], body["at"], row["index"]))
    return found


def standing(acts: list[Told], use: Use) -> dict[str, Told]:
    """Return the last act on each key of a use, by key id."""
    return {one.act.key_id: one for one in acts if one.act.use == use}
