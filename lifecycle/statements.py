"""Statements written once in SQLAlchemy Core, compiled once for each dialect and run on the driver itself.

The door's statements run thousands of times a second; compiled once, a call costs what the driver costs.
"""

from collections.abc import Callable, Mapping
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
        self._positions: list[str] | None = compiled.positiontup
        self._binds: list[tuple[str, Any, Processor | None]] = []
        for bind, name in compiled.bind_names.items():
            processor = bind.type.dialect_impl(dialect).bind_processor(dialect)
            self._binds.append((name, bind, processor))
        columns = getattr(statement, "exported_columns", None)
        if columns is None:
            columns = getattr(statement, "_returning", None) or ()
        self._columns: list[tuple[str, Processor | None]] = [
            (column.name, column.type.dialect_impl(dialect).result_processor(dialect, None)) for column in columns
        ]

    def bind(self, values: Mapping[str, Any]) -> Any:
        """Return the parameters for the driver.

        Raises:
            KeyError: a parameter without a value.
        """
        bound = {}
        for name, bind, processor in self._binds:
            value = values[name] if bind.required or name in values else bind.effective_value
            bound[name] = processor(value) if processor is not None and value is not None else value
        if self._positions is None:
            return bound
        return [bound[name] for name in self._positions]

    def rows(self, cursor: Any) -> list[Row]:
        """Return the cursor's rows as dictionaries of Python values."""
        if not self._columns:
            return []
        return [
            {
                name: value if process is None or value is None else process(value)
                for (name, process), value in zip(self._columns, row, strict=True)
            }
            for row in cursor.fetchall()
        ]
