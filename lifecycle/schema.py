"""The schema's version: bring a database to the newest, or take it back, and say where it stands."""

import sqlite3
from functools import cache
from pathlib import Path
from typing import Any, cast

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from lifecycle.database import Database
from lifecycle.tables import metadata

HERE = Path(__file__).parent / "migrations"


def _config(database: Database) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["engine"] = database.engine
    return config


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the database to a revision; the newest by default. Running it twice is harmless."""
    command.upgrade(_config(database), revision)


def downgrade(database: Database, revision: str) -> None:
    """Take the database back to a revision (`base` for nothing at all)."""
    command.downgrade(_config(database), revision)


def current(database: Database) -> str | None:
    """Return the database's revision, or None where it has no schema of ours."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


@cache
def newest() -> str | None:
    """Return the newest revision this program knows."""
    return ScriptDirectory(str(HERE)).get_current_head()


def differences(database: Database) -> list[Any]:
    """Return how the database differs from the tables the program declares; empty where it is up to date."""
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return cast(list[Any], compare_metadata(context, metadata))


def sqlite_version() -> str:
    """Return the version of the SQLite library in use."""
    return sqlite3.sqlite_version
