"""A sealer in a process of its own, that can be killed: from outside, or by itself at a given step of its pass.

Steps are what reaches the disk or the database, before and after: each signature, fsync and rename, each commit.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from lifecycle.audit import Log
from lifecycle.database import Database, Transaction, open_database
from lifecycle.settings import Settings
from lifecycle.signing import FileSigner, Signer
from tests.lifecycle.seal.sealers import NOW, log_signer, seal_all, terms_for


@dataclass
class Steps:
    """Counts steps down; the process is killed at the last."""

    left: int

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*arguments: Any, **options: Any) -> Any:
            self.step()
            found = function(*arguments, **options)
            self.step()
            return found

        return stepped


class MortalDatabase(Database):
    """A database whose transactions have a step before and after the commit."""

    def __init__(self, database: Database, steps: Steps) -> None:
        super().__init__(database.engine, database.pool)
        self.steps = steps

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with super().transaction() as tx:
            yield tx
            tx.flush()
            self.steps.step()
        self.steps.step()


@dataclass
class MortalSigner:
    """A signer that has a step before and after each signature."""

    signer: FileSigner
    steps: Steps

    @property
    def key_id(self) -> str:
        return self.signer.key_id

    @property
    def public_key(self) -> bytes:
        return self.signer.public_key

    def sign(self, message: bytes) -> bytes:
        signed: bytes = self.steps.around(self.signer.sign)(message)
        return signed


def run(settings: Settings, folder: Path, writer: Signer, limit: int, last_step: int, ready: Event) -> None:
    """Seal everything, or as far as the step that kills (0: none)."""
    steps = Steps(last_step)
    os.fsync = steps.around(os.fsync)
    os.replace = steps.around(os.replace)
    database = MortalDatabase(open_database(settings), steps)
    terms = terms_for(folder, Log(settings.origin, writer), limit=limit)
    signer = MortalSigner(log_signer(folder), steps)
    ready.set()
    seal_all(database, signer, terms, NOW)
    database.close()


def context() -> ForkServerContext:
    """Return the way processes are made: forked from a server that has imported everything."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(["__main__", __name__])
    return made


def start(
    settings: Settings, folder: Path, log: Log, limit: int, last_step: int = 0
) -> tuple[ForkServerProcess, Event]:
    """Start a sealer; the event tells when it begins to work."""
    made = context()
    ready = made.Event()
    assert isinstance(log.signer, FileSigner)
    writer = PublicSigner(log.signer.key_id, log.signer.public_key)
    process = made.Process(target=run, args=(settings, folder, writer, limit, last_step, ready))
    process.start()
    return process, ready


@dataclass(frozen=True)
class PublicSigner:
    """The writer as the sealer knows it: without the private key."""

    key_id: str
    public_key: bytes

    def sign(self, message: bytes) -> bytes:
        raise AssertionError("the sealer does not have the writer's key")
