"""The program's settings, from the environment (`PILOT_…`) or a `.env` file; nothing else configures it."""

from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

# Kinds of chat robots and SMS gateways, by the scheme of their apprise URL. Each has one fixed address at its provider
# and answers a refusal as one; a kind whose URL names a host would let a person send us anywhere.
CHATS = ("wecombot", "dingtalk", "feishu", "lark")
GATEWAYS = ("sns", "twilio", "plivo", "sinch", "msgbird", "bulksms", "telnyx")


class Settings(BaseSettings):
    """Where the database and the keys are, and how much one process may take."""

    model_config = SettingsConfigDict(env_prefix="PILOT_", env_file=".env", extra="ignore", frozen=True)

    data_dir: Path = Path("data")
    database_url: str | None = None  # default: SQLite in data_dir; PostgreSQL: postgresql+psycopg://…
    origin: str = "pilot.invalid/log"  # the log's name; set once, before the first entry
    writer_key_file: Path | None = None  # default: data_dir/writer.key
    writer_keys: tuple[str, ...] = ()  # public keys (base64) of other writers whose entries the sealer takes
    log_key_file: Path | None = None  # default: data_dir/log.key; only the sealer has it
    seal_state_file: Path | None = None  # default: data_dir/sealed.checkpoint; back it up apart from the database
    tiles_dir: Path | None = None  # default: data_dir/tiles; what is published
    suites: tuple[Literal["sha256", "sm3"], ...] = ("sha256",)  # sha256 is always among them
    receipts_file: Path | None = None  # default: data_dir/receipts.jsonl; keep it from the database's administrator
    receipts_sync: Literal["second", "each"] = "second"  # on the disk within a second, or before the answer
    files_url: str | None = None  # where files are stored, any fsspec URL: s3://bucket/folder; default: data_dir/files
    files_options: dict[str, Any] = {}  # what that filesystem wants beside its URL
    pool_size: int = 40  # as many threads serve requests
    lock_timeout_ms: int = 10_000
    host: str = "127.0.0.1"
    port: int = 8000
    max_upload_bytes: int = 20 * 1024 * 1024
    max_body_bytes: int = 4 * 1024 * 1024
    max_file_bytes: int = 200 * 1024 * 1024  # of one stored file; a batch may ask for less
    max_bulk: int = 20_000
    log_level: str = "INFO"
    scheduler: bool | None = None  # whether `pilot serve` runs the clock too; None: on SQLite it does
    sealer: bool | None = None  # whether a clock inside the server seals the log too; None: on SQLite it does

    smtp_host: str | None = None  # None: mail is not configured, and messages by mail fail at once
    smtp_port: int = 587
    smtp_security: Literal["none", "starttls", "tls"] = "starttls"
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    mail_from: str | None = None  # an address, or a name with one: 试点管理 <pilot@example.gov.cn>
    send_timeout_s: float = 10  # for each step of talking to a mail server, a robot or a webhook
    chat_kinds: tuple[str, ...] = CHATS
    sms_kinds: tuple[str, ...] = GATEWAYS
    chat_hosts: dict[str, str] = {}  # kind of robot -> the host of one's own installation: {"wecombot": "https://…"}
    webhook_private: bool = False  # whether webhooks may go to plain http and to addresses inside the house

    @cached_property
    def url(self) -> str:
        """Return the database's address, SQLAlchemy form."""
        return self.database_url or f"sqlite:///{self.data_dir / 'pilot.sqlite3'}"

    @cached_property
    def writer_key(self) -> Path:
        """Return where the writer's private key lies."""
        return self.writer_key_file or self.data_dir / "writer.key"

    @cached_property
    def log_key(self) -> Path:
        """Return where the log's private key lies."""
        return self.log_key_file or self.data_dir / "log.key"

    @cached_property
    def seal_state(self) -> Path:
        """Return where the sealer keeps the last checkpoint that it signed."""
        return self.seal_state_file or self.data_dir / "sealed.checkpoint"

    @cached_property
    def tiles(self) -> Path:
        """Return the folder in which checkpoints and tiles are published."""
        return self.tiles_dir or self.data_dir / "tiles"

    @cached_property
    def receipts(self) -> Path:
        """Return the file to which this machine's processes append the receipts of what they committed."""
        return self.receipts_file or self.data_dir / "receipts.jsonl"

    @cached_property
    def files(self) -> str:
        """Return the address of the file store, fsspec form."""
        return self.files_url or str((self.data_dir / "files").absolute())
