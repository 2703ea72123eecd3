"""A database that several tests of one module read, because filling it takes seconds: once for each kind."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lifecycle.database import Database, open_database
from lifecycle.settings import Settings
from tests.conftest import fresh_postgres


@contextmanager
def kept_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Yield an empty, migrated database of the kind that the fixture's parameter names."""
    folder = tmp_path_factory.mktemp("kept")
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        (folder / "pilot.sqlite3").write_bytes(template.read_bytes())
        database = open_database(Settings(data_dir=folder, origin="test.invalid/log"))
        yield database
        database.close()
        return
    server, name = request.getfixturevalue("postgres_server"), request.getfixturevalue("postgres_template")
    with fresh_postgres(server, name) as url:
        database = open_database(Settings(data_dir=folder, database_url=url, origin="test.invalid/log"))
        yield database
        database.close()
