"""Statements written once in SQLAlchemy Core, compiled once for each dialect and run on the driver itself.

The door's statements run thousands of times a second; compiled once, a call costs what the driver costs.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect

from lifecycle.parameters import TEXT, guessed, parameter_of
from lifecycle.wire import Sent

Row = dict[str, Any]


class Statement:
    """A Core statement. `forms` gives another statement for a dialect that needs one."""

    def __init__(self, statement: sa.ClauseElement, **forms: sa.ClauseElement) -> None:
        """Take the statement, and by dialect name the ones to use instead."""
        self._statement = statement
        self._forms = forms
        self._compiled: dict[str, Compiled] = {}

    def compiled(self, dialect: Any) -> "Compiled":
        """Return the statement as this dialect's driver takes it."""
        found = self._compiled.get(dialect.name)
        if found is None:
            found = Compiled(self._forms.get(dialect.name, self._statement), dialect)
            self._compiled[dialect.name] = found
        return found


class Compiled:
    """SQL text for one driver, with the conversions of its parameters and columns."""

    def __init__(self, statement: sa.ClauseElement, dialect: DefaultDialect) -> None:
        """Compile the statement; literal values stay parameters with their value."""
        compiled: Any = statement.compile(dialect=dialect)
        self.sql = str(compiled)
        positions: list[str] = compiled.positiontup or []
        self._wired = dialect.name == "postgresql"
        if self._wired:
            self.sql, positions = numbered(self.sql)
        binds = {name: bind for bind, name in compiled.bind_names.items()}
        self._parameters = [parameter_of(name, binds[name], dialect) for name in positions]
        self._ways = [(one.name, one.constant, one.encode) for one in self._parameters]
        self._guessed = any(one.encode is guessed for one in self._parameters)
        self._types = tuple(one.type for one in self._parameters)
        formats = tuple(one.format for one in self._parameters)
        self._formats = formats if any(formats) else None
        columns = getattr(statement, "exported_columns", None)
        if columns is None:
            columns = getattr(statement, "_returning", None) or ()
        processors = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self._columns = [column.name for column in columns]
        self._converted = [
            (column.name, processor) for column, processor in zip(columns, processors, strict=True) if processor
        ]

    def bind(self, values: Mapping[str, Any]) -> list[Any]:
        """Return the parameters for the driver.

        Raises:
            KeyError: a parameter without a value.
        """
        return [one.bound(values) for one in self._parameters]

    def filled(self, values: Mapping[str, Any]) -> Sent:
        """Return the statement with its parameters, ready to be sent.

        Raises:
            KeyError: a parameter without a value.
            psycopg.DataError: a text holds NUL.
        """
        if not self._wired:
            return Sent(self.sql, self.bind(values))
        given = [
            None if (value := constant if name is None else values[name]) is None else encode(value)
            for name, constant, encode in self._ways
        ]
        types = self._types
        for place, octets in enumerate(given) if self._guessed else ():
            if type(octets) is tuple:  # of a type that only the value tells
                given[place], kind = octets
                types = (*types[:place], kind, *types[place + 1 :])
        return Sent(self.sql, given, types, self._formats)

    def rows(self, found: Sequence[Any]) -> list[Row]:
        """Return the driver's rows as dictionaries of Python values."""
        if not self._columns:
            return []
        rows = [dict(zip(self._columns, row, strict=True)) for row in found]
        for name, processor in self._converted:
            for row in rows:
                if row[name] is not None:
                    row[name] = processor(row[name])
        return rows


def unforeseen(parameter: sa.BindParameter[Any]) -> sa.ScalarSelect[Any]:
    """Return a parameter whose value PostgreSQL does not plan by: a bound of what is due, walked along an index.

    Foreseeing how few rows are due it reads them by bitmap and sorts them. A bitmap never marks the dead entries that
    each sweep leaves before the bound, so every tick read all of them again: twice the cost behind a million rows.
    """
    return sa.select(parameter).scalar_subquery()


def numbered(sql: str) -> tuple[str, list[str]]:
    """Return SQL with the server's own `$1…` in place of `%(name)s`, and the names in order.

    psycopg parses its own placeholders anew at each execution of a long statement, which cost 0.3 ms an act.
    """
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        if found[1] not in names:
            names.append(found[1])
        return f"${names.index(found[1]) + 1}"

    return NAMED.sub(number, sql).replace("%%", "%"), names


def join(parts: Sequence[Sent]) -> Sent:
    """Return PostgreSQL writes as one statement: `WITH w0 AS (…), w1 AS (…) …`."""
    shape = tuple((part.sql, part.types) for part in parts)
    known = _joined.get(shape)
    if known is None:
        known = _joined[shape] = _join(parts)
    sql, types, formats = known
    return Sent(sql, [value for part in parts for value in part.values], types, formats)


def _join(parts: Sequence[Sent]) -> tuple[str, tuple[int, ...], tuple[int, ...]]:
    texts, first = [], 0
    for part in parts:
        texts.append(NUMBERED.sub(lambda found, first=first: f"${int(found[1]) + first}", part.sql))  # type: ignore[misc]
        first += len(part.values)
    head = ", ".join(f"w{number} AS ({text})" for number, text in enumerate(texts[:-1]))
    formats = tuple(form for part in parts for form in part.formats or (TEXT,) * len(part.values))
    return f"WITH {head} {texts[-1]}", tuple(kind for part in parts for kind in part.types), formats


NAMED = re.compile(r"%\((\w+)\)s")
NUMBERED = re.compile(r"\$(\d+)")
# As many as there are kinds of acts.
_joined: dict[tuple[tuple[str, tuple[int, ...]], ...], tuple[str, tuple[int, ...], tuple[int, ...]]] = {}
