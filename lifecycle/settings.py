"""The program's settings, from the environment (`PILOT_…`) or a `.env` file; nothing else configures it."""

from functools import cached_property
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where the database and the keys are, and how much one process may take."""

    model_config = SettingsConfigDict(env_prefix="PILOT_", env_file=".env", extra="ignore", frozen=True)

    data_dir: Path = Path("data")
    database_url: str | None = None  # default: SQLite in data_dir; PostgreSQL: postgresql+psycopg://…
    origin: str = "pilot.invalid/log"  # the log's name; set once, before the first entry
    writer_key_file: Path | None = None  # default: data_dir/writer.key
    pool_size: int = 40  # at least the number of worker threads
    lock_timeout_ms: int = 10_000
    host: str = "127.0.0.1"
    port: int = 8000
    max_upload_bytes: int = 20 * 1024 * 1024
    max_body_bytes: int = 4 * 1024 * 1024
    max_bulk: int = 20_000
    log_level: str = "INFO"

    @cached_property
    def url(self) -> str:
        """Return the database's address, SQLAlchemy form."""
        return self.database_url or f"sqlite:///{self.data_dir / 'pilot.sqlite3'}"

    @cached_property
    def writer_key(self) -> Path:
        """Return where the writer's private key lies."""
        return self.writer_key_file or self.data_dir / "writer.key"
