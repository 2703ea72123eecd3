"""What one running process works with: settings, database, log and clock."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from api.workers import Workers
from lifecycle.audit import Log
from lifecycle.database import Database, open_database
from lifecycle.files.store import FileStore, open_store
from lifecycle.settings import Settings
from lifecycle.signing import load_or_create_signer

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Service:
    """Made once; every request finds it under `app.state.service`. `clock` returns the aware UTC instant."""

    settings: Settings
    database: Database
    log: Log
    clock: Clock
    files: FileStore
    key_file: Path | None  # where the writer's key was read from; None: the log was handed in
    owns_database: bool  # whether to close it at the end
    workers: Workers  # as many as the pool has connections


def open_service(settings: Settings, database: Database | None, log: Log | None, clock: Clock | None) -> Service:
    """Return the service; what is not handed in is opened as the settings say."""
    return Service(
        settings,
        database or open_database(settings),
        log or Log(settings.origin, load_or_create_signer(settings.writer_key)),
        clock or utc_now,
        open_store(settings),
        None if log else settings.writer_key,
        database is None,
        Workers(settings.pool_size),
    )


def utc_now() -> datetime:
    """Return the present instant: the one place where time enters the program that serves."""
    return datetime.now(UTC)
