"""Statements written once in SQLAlchemy Core, compiled once for each dialect and run on the driver itself.

The door's statements run thousands of times a second; compiled once, a call costs what the driver costs.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect

Row = dict[str, Any]
Processor = Callable[[Any], Any]


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
        self._positions: list[str] = compiled.positiontup or []
        if dialect.name == "postgresql":
            self.sql, self._positions = numbered(self.sql)
        self._constants: dict[str, Any] = {}
        self._processed: list[tuple[str, Processor]] = []
        self._names: list[str] = []
        for bind, name in compiled.bind_names.items():
            processor = bind.type.dialect_impl(dialect).bind_processor(dialect)
            if not bind.required and bind.value is not None:
                value = bind.effective_value
                self._constants[name] = processor(value) if processor else value
            else:
                self._names.append(name)
                if processor is not None:
                    self._processed.append((name, processor))
        columns = getattr(statement, "exported_columns", None)
        if columns is None:
            columns = getattr(statement, "_returning", None) or ()
        processors = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self._columns = [column.name for column in columns]
        self._converted = [
            (column.name, processor) for column, processor in zip(columns, processors, strict=True) if processor
        ]

    def bind(self, values: Mapping[str, Any]) -> Any:
        """Return the parameters for the driver.

        Raises:
            KeyError: a parameter without a value.
        """
        bound = {name: values[name] for name in self._names}
        for name, processor in self._processed:
            value = bound[name]
            if value is not None:
                bound[name] = processor(value)
        bound.update(self._constants)
        return [bound[name] for name in self._positions]

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


def join(parts: Sequence[Compiled], values: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    """Return PostgreSQL writes as one statement, and its parameters: `WITH w0 AS (…), w1 AS (…) …`."""
    shape = tuple(part.sql for part in parts)
    sql = _joined.get(shape)
    if sql is None:
        texts, first = [], 0
        for part, given in zip(parts, values, strict=True):
            texts.append(NUMBERED.sub(lambda found, first=first: f"${int(found[1]) + first}", part.sql))  # type: ignore[misc]
            first += len(given)
        head = ", ".join(f"w{number} AS ({text})" for number, text in enumerate(texts[:-1]))
        sql = _joined[shape] = f"WITH {head} {texts[-1]}"
    return sql, [value for given in values for value in given]


NAMED = re.compile(r"%\((\w+)\)s")
NUMBERED = re.compile(r"\$(\d+)")
_joined: dict[tuple[str, ...], str] = {}  # as many as there are kinds of acts
