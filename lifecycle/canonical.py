"""Canonical bytes: the one spelling in which the audit log stores, hashes and signs a JSON value."""

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from types import NoneType
from typing import Any

import orjson

SIZE_LIMIT = 32 * 1024
DEPTH_LIMIT = 32
INTEGER_LIMIT = 2**53 - 1
ZERO_HASH = bytes(32)

JsonPath = tuple[str | int, ...]

_KEY = re.compile(r"[a-z$][a-z0-9_]*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ALWAYS_FINE = frozenset({str, bool, NoneType})

# The same few dozen keys come by millions of times, and a set answers faster than the pattern. It is
# bounded because a reader of foreign bytes must not be made to remember every key that it was ever shown.
_KNOWN_KEYS: set[str] = set()
_KNOWN_KEYS_LIMIT = 4096
_KNOWN_KEY_LENGTH = 64


class NotCanonical(ValueError):
    """Outside the canonical profile; the message names the JSON path and the reason."""


def canonical_bytes(value: object, limit: int = SIZE_LIMIT) -> bytes:
    """Encode a JSON value in the canonical profile, a subset of RFC 8785.

    Takes dict, list, tuple, str, bool, None and int of exactly these types: a subclass (an enum member, say)
    may print differently from what it holds. A tuple is written as a list, so that frozen data needs no copy;
    it reads back as a list. Strings are written as given, never normalised. The message of a refusal
    tells places, keys and types, never values, since messages reach logs and values may be personal data.

    Raises:
        NotCanonical: a float or another foreign type, an integer beyond ±(2^53 - 1), a key that does not
            match `^[a-z$][a-z0-9_]*$`, a lone surrogate, nesting beyond 32, or more than `limit` bytes.
    """
    if not _plain(value, DEPTH_LIMIT):
        _check(value, ())
    try:
        body = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        # orjson looks at every character anyway: searching for surrogates beforehand would be done twice.
        raise _explained(value, error) from error
    if len(body) > limit:
        raise _refusal((), f"{len(body)} bytes, and the limit is {limit}")
    return body


def parse_canonical(data: bytes, limit: int = SIZE_LIMIT) -> Any:
    """Read canonical bytes strictly: what comes back encodes to exactly `data`.

    This one comparison refuses repeated keys, another order of keys, white space, needless escapes and `-0`.

    Raises:
        NotCanonical: `data` is not JSON, is outside the profile, or is not in its canonical spelling.
    """
    # Before parsing, so that a hostile file cannot make the reader build something huge.
    if len(data) > limit:
        raise _refusal((), f"{len(data)} bytes, and the limit is {limit}")
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise _refusal((), f"not JSON: {error}") from error
    body = canonical_bytes(value, limit)
    if body != data:
        at = next((n for n, pair in enumerate(zip(body, data, strict=False)) if pair[0] != pair[1]), len(body))
        reason = "a repeated key, another order of keys, white space or another spelling"
        raise _refusal((), f"not the canonical bytes from byte {at} on: {reason}")
    return value


def instant(at: datetime) -> str:
    """Write an instant as RFC 3339 in UTC with six decimals and `Z`.

    Raises:
        ValueError: `at` is naive.
    """
    if at.utcoffset() is None:
        raise ValueError("an instant needs its time zone, and this one has none")
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def leaf_hash(body: bytes) -> bytes:
    """Hash an entry's canonical bytes as a leaf of the Merkle tree (RFC 6962 §2.1)."""
    return hashlib.sha256(b"\x00" + body).digest()


def _plain(value: Any, depth: int) -> bool:
    """Return whether a value surely fits the profile, by keys seen before; `_check` looks closely and says why not."""
    kind = type(value)
    if kind is dict:
        if not depth or not _KNOWN_KEYS.issuperset(value):
            return False
        items = value.values()
    elif kind is list or kind is tuple:
        if not depth:
            return False
        items = value
    else:
        return kind in _ALWAYS_FINE or (kind is int and -INTEGER_LIMIT <= value <= INTEGER_LIMIT)
    for item in items:  # noqa: SIM110 – a generator for `all` costs more than most of what it walks
        if type(item) not in _ALWAYS_FINE and not _plain(item, depth - 1):
            return False
    return True


def _check(value: object, path: JsonPath) -> None:
    """Refuse what the profile does not have; the length of the path serves as the depth."""
    if type(value) is dict:
        _check_depth(path)
        for key, item in value.items():
            if key not in _KNOWN_KEYS:
                _check_key(key, path)
            # Most members are plain: passing them over here saves a call and a path for each.
            if type(item) not in _ALWAYS_FINE:
                _check(item, (*path, key))
    elif type(value) is list or type(value) is tuple:
        _check_depth(path)
        for index, item in enumerate(value):
            if type(item) not in _ALWAYS_FINE:
                _check(item, (*path, index))
    elif type(value) is int:
        if not -INTEGER_LIMIT <= value <= INTEGER_LIMIT:
            raise _refusal(path, "an integer beyond ±(2^53 - 1); write it as a string")
    elif type(value) is float:
        raise _refusal(path, "a float; write whole units as an integer, or a decimal as a string")
    elif type(value) not in _ALWAYS_FINE:
        raise _refusal(path, f"{type(value).__name__} is not a JSON type of the profile")


def _check_depth(path: JsonPath) -> None:
    if len(path) >= DEPTH_LIMIT:
        raise _refusal(path, f"nested deeper than {DEPTH_LIMIT}")


def _check_key(key: object, path: JsonPath) -> None:
    if type(key) is not str:
        raise _refusal(path, f"a key of type {type(key).__name__}; keys are strings")
    # fullmatch, because `$` at a pattern's end would let a trailing newline through.
    if _KEY.fullmatch(key) is None:
        raise _refusal(path, f"the key {key[:_KNOWN_KEY_LENGTH]!a} does not match ^[a-z$][a-z0-9_]*$")
    if len(_KNOWN_KEYS) < _KNOWN_KEYS_LIMIT and len(key) <= _KNOWN_KEY_LENGTH:
        _KNOWN_KEYS.add(key)


def _explained(value: object, error: TypeError) -> NotCanonical:
    """Find the place that made the encoder refuse, once it has refused."""
    for path, text in _strings(value, ()):
        if _SURROGATE.search(text):
            return _refusal(path, "a lone surrogate, which is not valid Unicode")
    return _refusal((), f"cannot be encoded: {error}")


def _strings(value: object, path: JsonPath) -> Iterator[tuple[JsonPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _strings(item, (*path, index))


def _refusal(path: JsonPath, reason: str) -> NotCanonical:
    place = "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return NotCanonical(f"{place}: {reason}")
