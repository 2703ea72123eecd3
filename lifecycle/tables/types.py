"""Column types that mean the same on SQLite and PostgreSQL: instants in UTC, identifiers, JSON, octets."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import SQLModel

# Set before the first table is declared: names of constraints must not depend on the database.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UTCDateTime(TypeDecorator[datetime]):
    """An aware instant, stored as UTC: timestamptz, or sortable text with six decimals and `Z` on SQLite."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> TypeEngine[Any]:
        """Choose the column type."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(sa.DateTime(timezone=True))  # type: ignore[no-any-return]
        return dialect.type_descriptor(sa.String(27))  # type: ignore[no-any-return]

    def bind_processor(self, dialect: Any) -> Callable[[Any], Any]:
        """Refuse naive values; write UTC."""
        if dialect.name == "postgresql":
            return aware
        return lambda value: None if value is None else aware(value).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def result_processor(self, dialect: Any, coltype: object) -> Callable[[Any], Any]:
        """Read aware UTC values."""
        if dialect.name == "postgresql":
            return lambda value: None if value is None else value.astimezone(UTC)
        return lambda value: None if value is None else datetime.fromisoformat(value)


def aware(value: datetime) -> datetime:
    """Return an instant in UTC.

    Raises:
        ValueError: it has no time zone.
    """
    if value.tzinfo is None:
        raise ValueError("an instant without a time zone cannot be stored")
    return value.astimezone(UTC)


class Json(TypeDecorator[Any]):
    """A JSON value: jsonb, or text on SQLite."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> TypeEngine[Any]:
        """Choose the column type."""
        kind = postgresql.JSONB() if dialect.name == "postgresql" else sa.Text()
        return dialect.type_descriptor(kind)  # type: ignore[no-any-return]

    def bind_processor(self, dialect: Any) -> Callable[[Any], Any]:
        """Write compact JSON."""
        return lambda value: None if value is None else orjson.dumps(value).decode()

    def result_processor(self, dialect: Any, coltype: object) -> Callable[[Any], Any]:
        """Read the value."""
        return lambda value: None if value is None else orjson.loads(value)


class Identifier(TypeDecorator[str]):
    """A UUID, in Python always its text of 36 characters."""

    impl = sa.String(36)
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> TypeEngine[Any]:
        """Choose the column type."""
        kind = postgresql.UUID(as_uuid=False) if dialect.name == "postgresql" else sa.String(36)
        return dialect.type_descriptor(kind)  # type: ignore[no-any-return]

    def bind_processor(self, dialect: Any) -> None:
        """Pass the text as it is."""

    def result_processor(self, dialect: Any, coltype: object) -> None:
        """Pass the text as it is (the PostgreSQL connection loads uuid as text)."""


def column(kind: Any, *arguments: Any, **options: Any) -> Any:
    """Return a column that is NOT NULL unless said otherwise, for `Field(sa_column=…)`."""
    options.setdefault("nullable", False)
    return sa.Column(kind, *arguments, **options)
