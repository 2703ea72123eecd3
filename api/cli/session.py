"""What a command works with: settings, database, log, the person it acts as, and the instant."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from api.cli.output import refusals, usage
from lifecycle import schema
from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.callers import Caller, Source
from lifecycle.database import Database, Transaction, open_database
from lifecycle.people import find_person
from lifecycle.settings import Settings
from lifecycle.signing import load_or_create_signer
from states.facts import Actor
from states.roles import actor_of

SETUP = Actor(
    "system:setup",
    "system",
    "system",
    scope="all",
    rights=frozenset({"read", "accounts", "batches", "export", "audit"}),
    auth="shell",
)


@dataclass(frozen=True, slots=True)
class Session:
    """An open database and log."""

    settings: Settings
    database: Database
    log: Log

    def caller(self, login: str | None) -> Caller:
        """Return the caller: a person by login, or the machine's own operator, who can read and set up."""
        actor = SETUP
        if login:
            with self.database.reading() as tx:
                row = find_person(tx, login)
            if not row["active"]:
                usage(f"{login}已停用", f"{login} is not active")
            actor = actor_of(row["id"], row["role"], row["city"], row["unit"], auth="shell")
        return Caller(actor, Source("cli", service="pilot"), now())


def now() -> datetime:
    """Return the instant: the command line's one clock."""
    return datetime.now(UTC)


def open_session(*, migrate: bool = False) -> Session:
    """Open what the settings name; the database must be at the newest schema, or is brought to it where `migrate`."""
    settings = Settings()
    database = open_database(settings)
    if migrate:
        schema.upgrade(database)
    elif schema.current(database) != schema.newest():
        usage("数据库结构不是最新，请先运行 pilot migrate", "the schema is not the newest: run `pilot migrate` first")
    return Session(settings, database, Log(settings.origin, load_or_create_signer(settings.writer_key)))


@dataclass(frozen=True, slots=True)
class Visit:
    """One command of one caller, as a request is one visit."""

    session: Session
    caller: Caller

    @property
    def log(self) -> Log:
        """Return the log."""
        return self.session.log

    @property
    def limit(self) -> int:
        """Return how many projects one act takes at most."""
        return self.session.settings.max_bulk

    def reading(self) -> AbstractContextManager[Transaction]:
        """Open a transaction that only reads."""
        return self.session.database.reading()

    def acting(self, subject: tuple[str, str], action: str) -> AbstractContextManager[Transaction]:
        """Open a transaction for an act; a refusal is in the log before it goes on up."""
        return attempt(self.session.database, self.log, self.caller, subject, action)


@contextmanager
def visiting(as_login: str | None, as_json: bool) -> Iterator[Visit]:
    """Open what the settings name, as a person; a refusal is told and ends the command."""
    session = open_session()
    with refusals(as_json):
        yield Visit(session, session.caller(as_login))
