"""Writes and reads of many rows in one statement: COPY and unnest on PostgreSQL, executemany on SQLite."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from lifecycle.database import Transaction
from lifecycle.statements import Row, Statement


def insert_many(tx: Transaction, table: sa.Table, rows: Sequence[Row]) -> None:
    """Insert rows that all have the same keys."""
    if not rows:
        return
    names = tuple(rows[0])
    processors = _binders(table, names, tx.dialect)
    values = (
        tuple(_bound(row[name], process) for name, process in zip(names, processors, strict=True)) for row in rows
    )
    columns = ", ".join(f'"{name}"' for name in names)
    if tx.is_postgres:
        with tx.copy(f'COPY "{table.name}" ({columns}) FROM STDIN') as copy:
            for row in values:
                copy.write_row(row)
    else:
        marks = ", ".join("?" * len(names))
        tx.execute_many(f'INSERT INTO "{table.name}" ({columns}) VALUES ({marks})', list(values))


def update_many(tx: Transaction, table: sa.Table, keys: Sequence[str], rows: Sequence[Row]) -> None:
    """Update rows found by `keys`; all rows have the same names, those not in `keys` are written."""
    if not rows:
        return
    written = tuple(name for name in rows[0] if name not in keys)
    names = (*written, *keys)
    if tx.is_postgres:
        # One JSON text for all rows: escaping arrays of JSON element by element cost a third of a bulk act.
        columns = ", ".join(f'"{name}" {_json_type(table, name)}' for name in names)
        settings = ", ".join(f'"{name}" = {_from_json(table, name)}' for name in written)
        where = " AND ".join(f't."{name}" = {_from_json(table, name)}' for name in keys)
        given = f"json_to_recordset(%s::json) AS given ({columns})"
        tx.execute_driver(
            f'UPDATE "{table.name}" t SET {settings} FROM {given} WHERE {where}',
            [orjson.dumps([{name: row[name] for name in names} for row in rows], default=bytes.hex).decode()],
        )
        return
    processors = _binders(table, names, tx.dialect)
    settings = ", ".join(f'"{name}" = ?' for name in written)
    where = " AND ".join(f'"{name}" = ?' for name in keys)
    values = [
        tuple(_bound(row[name], process) for name, process in zip(names, processors, strict=True)) for row in rows
    ]
    tx.execute_many(f'UPDATE "{table.name}" SET {settings} WHERE {where}', values)


def add_many(tx: Transaction, table: sa.Table, keys: Sequence[str], column: str, rows: Sequence[Row]) -> None:
    """Add to a counter in rows found by `keys`."""
    if not rows:
        return
    names = (column, *keys)
    columns = [[row[name] for row in rows] for name in names]
    if tx.is_postgres:
        where = " AND ".join(f't."{name}" = given."{name}"' for name in keys)
        tx.execute_driver(
            f'UPDATE "{table.name}" t SET "{column}" = t."{column}" + given."{column}" '
            f"FROM unnest({_arrays(table, names)}) AS given ({', '.join(_quoted(names))}) WHERE {where}",
            columns,
        )
    else:
        where = " AND ".join(f'"{name}" = ?' for name in keys)
        tx.execute_many(
            f'UPDATE "{table.name}" SET "{column}" = "{column}" + ? WHERE {where}', list(zip(*columns, strict=True))
        )


def ensure_many(tx: Transaction, table: sa.Table, rows: Sequence[Row]) -> None:
    """Insert the rows that are not there yet; the others stay as they are."""
    if not rows:
        return
    names = tuple(rows[0])
    quoted = ", ".join(_quoted(names))
    if tx.is_postgres:
        tx.execute_driver(
            f'INSERT INTO "{table.name}" ({quoted}) SELECT {quoted} '
            f"FROM unnest({_arrays(table, names)}) AS given ({quoted}) ON CONFLICT DO NOTHING",
            [[row[name] for row in rows] for name in names],
        )
    else:
        marks = ", ".join("?" * len(names))
        tx.execute_many(
            f'INSERT INTO "{table.name}" ({quoted}) VALUES ({marks}) ON CONFLICT DO NOTHING',
            [tuple(row[name] for name in names) for row in rows],
        )


def select_many(tx: Transaction, statement: Statement, column: str, wanted: Iterable[str], **others: Any) -> list[Row]:
    """Run a statement whose list parameter is `column`: an array on PostgreSQL, a JSON list on SQLite."""
    values: Any = list(wanted)
    if not tx.is_postgres:
        values = orjson.dumps(values).decode()
    return tx.fetch(statement, **{column: values}, **others)


def for_both(build: Callable[[str], sa.ClauseElement]) -> Statement:
    """Return a statement built once for each dialect by name."""
    return Statement(build("sqlite"), postgresql=build("postgresql"))


def within(column: Any, name: str, dialect: str, kind: str = "text") -> Any:
    """Return the condition «column is among the list parameter `name`» for a dialect."""
    parameter = sa.bindparam(name, type_=sa.types.NullType())
    if dialect == "postgresql":
        return column == sa.func.any(sa.cast(parameter, sa.ARRAY(_SQL_TYPES[kind])))
    listed = sa.func.json_each(parameter).table_valued("value")
    return column.in_(sa.select(listed.c.value))


_SQL_TYPES: dict[str, Any] = {"text": sa.Text(), "uuid": postgresql.UUID(as_uuid=False)}


def _bound(value: Any, process: Any) -> Any:
    return process(value) if process is not None and value is not None else value


@lru_cache(maxsize=256)
def _processors(table: sa.Table, names: tuple[str, ...], dialect: Any) -> tuple[Any, ...]:
    return tuple(table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names)


def _binders(table: sa.Table, names: tuple[str, ...], dialect: Any) -> tuple[Any, ...]:
    return _processors(table, names, dialect)


def _type(table: sa.Table, name: str) -> str:
    return table.c[name].type.compile(postgresql.dialect())  # type: ignore[no-untyped-call]


def _json_type(table: sa.Table, name: str) -> str:
    kind = _type(table, name)
    return "text" if kind == "BYTEA" else kind


def _from_json(table: sa.Table, name: str) -> str:
    return f"decode(given.\"{name}\", 'hex')" if _type(table, name) == "BYTEA" else f'given."{name}"'


def _arrays(table: sa.Table, names: Sequence[str]) -> str:
    return ", ".join(f"%s::{_type(table, name)}[]" for name in names)


def _quoted(names: Sequence[str]) -> list[str]:
    return [f'"{name}"' for name in names]
