"""Parameters of statements: how a value travels, as the driver takes it or as PostgreSQL itself reads it.

psycopg looks every value's type up anew, and numbers of different sizes made plans of their own. A column's type is
known when the statement is compiled, and so is how its values are written.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson
import psycopg
import sqlalchemy as sa
from psycopg.adapt import PyFormat, Transformer

from lifecycle.tables.types import Identifier, Json, UTCDateTime, aware

ANY = 0  # the server finds the type out
TEXT, OCTETS = 0, 1  # how the value is written


@dataclass(frozen=True, slots=True)
class Parameter:
    """One place of a statement: the value's name, or None and the constant that stands there."""

    name: str | None
    constant: Any
    process: Callable[[Any], Any] | None  # for the driver
    encode: Callable[[Any], Any]  # for the wire
    type: int = ANY
    format: int = TEXT

    def bound(self, values: Mapping[str, Any]) -> Any:
        """Return the value as the driver takes it."""
        value = self.constant if self.name is None else values[self.name]
        return value if value is None or self.process is None else self.process(value)


def parameter_of(name: str, bind: Any, dialect: Any) -> Parameter:
    """Return how a bound parameter of a compiled statement travels."""
    constant = bind.effective_value if not bind.required and bind.value is not None else None
    process = bind.type.dialect_impl(dialect).bind_processor(dialect)
    encode, kind, form = next((how for known, how in WAYS if isinstance(bind.type, known)), (guessed, ANY, TEXT))
    return Parameter(name if constant is None else None, constant, process, encode, kind, form)


def guessed(value: Any) -> bytes | tuple[bytes | None, int]:
    """Return a value whose column is not known: a text's octets; of others, such as lists, with the type's number too.

    Octets are written here: psycopg, with no connection to ask, would write them as servers of long ago read them.

    Raises:
        TypeError: a list of octets.
    """
    if isinstance(value, str):
        return text(value)
    if isinstance(value, bytes):
        return b"\\x" + value.hex().encode(), 17
    if isinstance(value, list) and any(isinstance(item, bytes) for item in value):
        raise TypeError("a list of octets has no column that would tell how it is written")
    dumper = Transformer().get_dumper(value, PyFormat.TEXT)
    octets = dumper.dump(value)
    return None if octets is None else bytes(octets), dumper.oid


def text(value: str) -> bytes:
    """Return a text's octets.

    Raises:
        psycopg.DataError: it holds NUL, at which PostgreSQL would end it.
    """
    octets = value.encode()
    if b"\0" in octets:
        raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return octets


def _number(value: int) -> bytes:
    return str(value).encode()


def _day(value: date) -> bytes:
    return value.isoformat().encode()


def _instant(value: Any) -> bytes:
    return str(aware(value)).encode()


def _flag(value: bool) -> bytes:
    return b"t" if value else b"f"


# By column type: how it is written, the type's number in PostgreSQL, the format.
WAYS: tuple[tuple[Any, tuple[Callable[[Any], bytes], int, int]], ...] = (
    (Json, (orjson.dumps, ANY, TEXT)),
    (UTCDateTime, (_instant, 1184, TEXT)),
    ((Identifier, sa.String), (text, ANY, TEXT)),
    (sa.Boolean, (_flag, 16, TEXT)),
    (sa.Integer, (_number, 20, TEXT)),
    (sa.Date, (_day, 1082, TEXT)),
    (sa.LargeBinary, (bytes, 17, OCTETS)),
)
