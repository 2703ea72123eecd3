"""Commitments: how personal data and free text are bound into the audit log without standing in it.

The leaf holds a salted hash, a side table the value and its salt. Deleting that row (or the person's key and
that row) takes the value back for good, and the log still verifies.
"""

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any, TypeGuard

from lifecycle.canonical import NotCanonical, canonical_bytes
from states.values import frozen

DOMAIN = "pilot-audit/disclosure/v1"
KEY_SIZE = 32
SALT_SIZE = 32
BLOCK_SIZE = 64  # of SHA-256
INNER, OUTER = (bytes(octet ^ pad for octet in range(256)) for pad in (0x36, 0x5C))  # the pads of RFC 2104

# Base64 of exactly 32 bytes, with the unused bits of the last letter zero: one spelling for each hash.
_COMMITTED = re.compile(r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=")


@frozen
class Disclosure:
    """What opens one commitment; salt and value stay out of `repr`, which ends up in logs."""

    entry_id: str
    path: str
    person: str
    salt: bytes = field(repr=False)
    value: Any = field(repr=False)


class Salter:
    """A person's key, made ready to salt that person's values: HMAC-SHA-256 (RFC 2104) with its two pads taken in.

    OpenSSL's own looks the algorithm up and takes the key in for every salt, at five times the price.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        """Take the person's own 32 bytes.

        Raises:
            ValueError: the key is not 32 bytes.
        """
        if len(key) != KEY_SIZE:
            raise ValueError(f"a person's key is {KEY_SIZE} bytes, and this one is {len(key)}")
        padded = key.ljust(BLOCK_SIZE, b"\0")
        self._inner = hashlib.sha256(padded.translate(INNER))
        self._outer = hashlib.sha256(padded.translate(OUTER))

    def salt(self, entry_id: str, path: str) -> bytes:
        """Return the salt of a value at a path of an entry.

        Raises:
            ValueError: the entry id contains NUL (the salt's separator).
        """
        if "\0" in entry_id:
            raise ValueError("an entry id cannot contain NUL: it separates id and path in the salt")
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(f"{entry_id}\0{path}".encode())
        outer.update(inner.digest())
        return outer.digest()


def commit(salter: Salter, person: str, entry_id: str, path: str, value: Any) -> tuple[dict[str, str], Disclosure]:
    """Hide a JSON value behind a commitment, and return it with the disclosure that opens it.

    The salt comes of the person's own key. Without it nobody can guess a short value such as a telephone number
    by trying them all, and the salts of one person can be computed again from that key alone.

    Raises:
        ValueError: the entry id contains NUL.
        NotCanonical: the value lies outside the canonical profile.
    """
    salt = salter.salt(entry_id, path)
    return {"$c": _committed(entry_id, path, salt, value)}, Disclosure(entry_id, path, person, salt, value)


def opens(commitment: Mapping[str, Any], disclosure: Disclosure) -> bool:
    """Say whether the disclosure opens the commitment; a malformed one of either opens nothing."""
    if not is_commitment(commitment) or len(disclosure.salt) != SALT_SIZE:
        return False
    try:
        expected = _committed(disclosure.entry_id, disclosure.path, disclosure.salt, disclosure.value)
    except NotCanonical:
        return False
    return hmac.compare_digest(expected, commitment["$c"])


def is_commitment(value: object) -> TypeGuard[Mapping[str, str]]:
    """Say whether a JSON value has a commitment's exact shape: one member `$c`, base64 of 32 bytes."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return False
    committed = value.get("$c")
    return isinstance(committed, str) and _COMMITTED.fullmatch(committed) is not None


def commitments_in(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the commitments of a body with their places (RFC 6901)."""
    if is_commitment(value):
        yield path, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from commitments_in(item, f"{path}/{name}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from commitments_in(item, f"{path}/{number}")


def _committed(entry_id: str, path: str, salt: bytes, value: Any) -> str:
    # Entry id and path are inside the hash, so that a disclosure cannot be moved to another field or entry.
    body = canonical_bytes([DOMAIN, entry_id, path, salt.hex(), value])
    return b64encode(hashlib.sha256(b"\x02" + body).digest()).decode("ascii")
