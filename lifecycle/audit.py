"""Log entries: built as audit.md's *Entry* says, chained to their stream's head, signed, appended.

A stream's head lives in the row of its subject; whoever writes an entry has locked that row and stores the new head.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
import uuid_utils

from lifecycle.callers import Caller
from lifecycle.canonical import ZERO_HASH, canonical_bytes, instant, leaf_hash
from lifecycle.commitments import Disclosure, Salter, commit
from lifecycle.database import Transaction
from lifecycle.signing import Receipt, Signer, sign_receipt
from lifecycle.statements import Statement
from lifecycle.tables import Disclosure as DisclosureRow
from lifecycle.tables import Entry, PersonKey, StreamHead
from states.values import frozen

VERSION = 1

INSERT_ENTRY = Statement(sa.insert(Entry.__table__))  # type: ignore[attr-defined]
INSERT_DISCLOSURE = Statement(sa.insert(DisclosureRow.__table__))  # type: ignore[attr-defined]
# However many, one statement of one shape: each new shape would be planned anew on each connection.
INSERT_DISCLOSURES = Statement(
    sa.text(
        "INSERT INTO disclosure (entry_id, path, person, salt, value) "
        "SELECT entry_id, path, person, decode(salt, 'hex'), value FROM json_to_recordset(CAST(:given AS json)) "
        "AS given(entry_id uuid, path text, person text, salt text, value jsonb)"
    )
)


@dataclass(frozen=True, slots=True)
class Log:
    """The log that this process writes: its origin and the writer's key."""

    origin: str
    signer: Signer


class Head(NamedTuple):
    """The last entry of a stream: its number (0: none yet) and leaf hash."""

    seq: int = 0
    hash: bytes = ZERO_HASH


class Change(NamedTuple):
    """A value that changed. `person`: whose personal data or free text it is; None for what may stand in clear."""

    path: str
    old: Any
    new: Any
    person: str | None = None


@frozen
class Deed:
    """What an entry tells, before it is chained: all that differs from one entry to the next."""

    stream: str
    type: str
    subject: tuple[str, str, int | None]  # kind, id, version after
    outcome: str = "success"
    action: Mapping[str, Any] | None = None
    changes: Sequence[Change] = ()
    reason: str | None = None
    docs: Sequence[Mapping[str, Any]] = ()


class Built(NamedTuple):
    """An entry ready to be appended."""

    columns: dict[str, Any]
    disclosures: list[Disclosure]
    head: Head
    receipt: Receipt


@dataclass(slots=True)
class Keys:
    """The keys of the persons whose values an entry commits to, as read in the same transaction."""

    known: dict[str, bytes] = field(default_factory=dict)
    _salters: dict[str, Salter] = field(default_factory=dict)

    def salter(self, person: str) -> Salter:
        """Return what salts a person's values.

        Raises:
            KeyError: the key was not read or does not exist: the entry is not written (fail closed).
            ValueError: the key is not 32 bytes.
        """
        found = self._salters.get(person)
        if found is None:
            found = self._salters[person] = Salter(self.known[person])
        return found


def new_id(now: datetime) -> str:
    """Return a UUIDv7 whose time is `now`."""
    return str(uuid_utils.uuid7(nanoseconds=int(now.timestamp() * 1_000_000) * 1000))


def person_of(caller: Caller) -> str:
    """Return the name under which the caller's key is kept."""
    return f"{caller.actor.kind}/{caller.actor.id}"


@dataclass(slots=True)
class _Hider:
    """Replaces values by commitments for one entry, and keeps what opens them."""

    entry_id: str
    keys: Keys
    disclosures: list[Disclosure] = field(default_factory=list)

    def hide(self, value: Any, person: str | None, path: str) -> Any:
        """Return the value itself where it belongs to nobody or is not there, else its commitment."""
        if value is None or person is None:
            return value
        commitment, disclosure = commit(self.keys.salter(person), person, self.entry_id, path, value)
        self.disclosures.append(disclosure)
        return commitment


def build(log: Log, caller: Caller, head: Head, deed: Deed, keys: Keys) -> Built:
    """Return the entry that tells `deed`, chained to `head`, with its commitments opened in `disclosures`.

    Raises:
        NotCanonical: a value does not fit the profile or the entry is over 32 KiB.
        KeyError: the key of a person whose value must be committed is not there.
    """
    entry_id = new_id(caller.now)
    hider = _Hider(entry_id, keys)
    seq = head.seq + 1
    kind, subject, version = deed.subject
    encoded = canonical_bytes(
        {
            "v": VERSION,
            "id": entry_id,
            "log": log.origin,
            "stream": deed.stream,
            "seq": seq,
            "prev": head.hash.hex(),
            "at": instant(caller.now),
            "type": deed.type,
            "outcome": deed.outcome,
            "subject": {"kind": kind, "id": subject, "version": version},
            "action": deed.action,
            "changes": [
                {"path": change.path, "old": change.old, "new": change.new}
                if change.person is None
                else {
                    "path": change.path,
                    "old": hider.hide(change.old, change.person, f"/changes/{index}/old"),
                    "new": hider.hide(change.new, change.person, f"/changes/{index}/new"),
                }
                for index, change in enumerate(deed.changes)
            ],
            "docs": list(deed.docs),
            **_circumstances(caller, deed.reason, hider),
        }
    )
    leaf = leaf_hash(encoded)
    receipt = sign_receipt(log.signer, log.origin, deed.stream, seq, leaf)
    columns = {
        "id": entry_id,
        "stream": deed.stream,
        "seq": seq,
        "body": encoded,
        "leaf": leaf,
        "signature": receipt.signature,
        "key_id": receipt.key_id,
        "at": caller.now,
        "type": deed.type,
        "outcome": deed.outcome,
        "actor": caller.actor.id,
        "action": deed.action["name"] if deed.action else None,
    }
    return Built(columns, hider.disclosures, Head(seq, leaf), receipt)


def _circumstances(caller: Caller, reason: str | None, hider: _Hider) -> dict[str, Any]:
    """Return who did it, how the request came in, and why."""
    actor, source, me = caller.actor, caller.source, person_of(caller)
    return {
        "actor": {
            "kind": actor.kind,
            "id": actor.id,
            "role": actor.role,
            "org": actor.city or actor.unit,
            "on_behalf_of": actor.on_behalf_of,
            "auth": actor.auth,
            "session": actor.session,
        },
        "source": {
            "channel": source.channel,
            "request": source.request,
            "service": source.service,
            "ip": hider.hide(source.ip, me, "/source/ip"),
            "ua": hider.hide(source.ua, me, "/source/ua"),
        },
        "reason": hider.hide(reason, me, "/reason"),
    }


def append(tx: Transaction, built: Built) -> None:
    """Queue the entry and its disclosures; a trigger puts it among those the sealer has still to take."""
    tx.receipts.append(built.receipt)
    tx.queue(INSERT_ENTRY, **built.columns)
    if tx.is_postgres and built.disclosures:
        rows = [{**disclosure_columns(item), "salt": item.salt.hex()} for item in built.disclosures]
        tx.queue(INSERT_DISCLOSURES, given=orjson.dumps(rows).decode())
        return
    for item in built.disclosures:
        tx.queue(INSERT_DISCLOSURE, **disclosure_columns(item))


def disclosure_columns(item: Disclosure) -> dict[str, Any]:
    """Return a disclosure as a row."""
    return {
        "entry_id": item.entry_id,
        "path": item.path,
        "person": item.person,
        "salt": item.salt,
        "value": item.value,
    }


person_key = PersonKey.__table__  # type: ignore[attr-defined]
READ_KEY = Statement(sa.select(person_key.c.key).where(person_key.c.person == sa.bindparam("wanted")))
ADD_KEY = Statement(sa.text("INSERT INTO person_key (person, key) VALUES (:person, :key) ON CONFLICT DO NOTHING"))

_head = StreamHead.__table__  # type: ignore[attr-defined]
_LOCK_HEAD = (
    "INSERT INTO stream_head (stream, head_seq, head_hash) VALUES ({0}, 0, {1}) "
    "ON CONFLICT (stream) DO UPDATE SET head_seq = stream_head.head_seq RETURNING head_seq, head_hash"
)
READ_HEAD = Statement(sa.select(_head.c.head_seq, _head.c.head_hash).where(_head.c.stream == sa.bindparam("stream")))
SET_HEAD = Statement(
    sa.update(_head)
    .where(_head.c.stream == sa.bindparam("of"))
    .values(head_seq=sa.bindparam("seq"), head_hash=sa.bindparam("hash"))
)


def keys_of(tx: Transaction, *persons: str) -> Keys:
    """Return the persons' keys, making those that are not there yet."""
    known = {}
    for person in dict.fromkeys(persons):
        row = tx.one(READ_KEY, wanted=person)
        known[person] = row["key"] if row else make_key(tx, person)
    return Keys(known)


def make_key(tx: Transaction, person: str) -> bytes:
    """Make a person's key, or return the one that somebody else made first."""
    tx.fetch(ADD_KEY, person=person, key=secrets.token_bytes(32))
    row = tx.one(READ_KEY, wanted=person)
    assert row is not None
    return bytes(row["key"])


def append_to_system(tx: Transaction, log: Log, caller: Caller, deed: Deed) -> Receipt:
    """Append to a stream that has no subject row (`system/…`, `audit`); its head is locked until the end."""
    head = lock_stream(tx, deed.stream)
    built = build(log, caller, head, deed, keys_of(tx, person_of(caller)))
    append(tx, built)
    tx.queue(SET_HEAD, of=deed.stream, seq=built.head.seq, hash=built.head.hash)
    return built.receipt


def lock_stream(tx: Transaction, stream: str) -> Head:
    """Lock the head of a stream that has no subject row, making it if need be, and return it."""
    mark = ("%s", "%s") if tx.is_postgres else ("?", "?")
    tx.execute_driver(_LOCK_HEAD.format(*mark), (stream, ZERO_HASH))
    row = tx.one(READ_HEAD, stream=stream)
    assert row is not None
    return Head(row["head_seq"], row["head_hash"])
