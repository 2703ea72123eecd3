"""Exports taken by an auditor, whole, from a log that is sealed first."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from lifecycle.audit import Deed as Told
from lifecycle.audit import Log, append_to_system
from lifecycle.callers import Caller
from lifecycle.database import Database
from lifecycle.exporting.forms import record_export
from tests.lifecycle import builders
from tests.lifecycle.seal.auditors import auditor_caller
from tests.lifecycle.seal.sealers import NOW, log_signer, seal_all, terms_for

# What a reader of text, of XML, of JSON or of tables may trip over.
EVIL = (
    *("]]>", "<a b='c'>&amp;\"", "=1+1", "\t\n\r", "\x00\x08\x1f\x7f", "\ufffe\uffff"),
    *("\U0001f600", "e\u0301\u200f", "'"),
)


@dataclass
class House:
    """A database whose log is sealed and published in a folder."""

    database: Database
    log: Log
    folder: Path
    seals: int = field(default=0)

    def seal(self) -> None:
        self.seals += 1
        seal_all(
            self.database, log_signer(self.folder), terms_for(self.folder, self.log), NOW + timedelta(days=self.seals)
        )

    def take(self, form: str, *about: Any, by: Caller | None = None) -> bytes:
        """Seal, and take the log in this form: kind, name, first and last day."""
        self.seal()
        folder = terms_for(self.folder, self.log).folder
        with self.database.transaction() as tx:
            export, _ = record_export(tx, self.log, folder, by or auditor_caller(), form, *about)
        with self.database.reading() as tx:
            return b"".join(export.pieces(tx))

    def tell(self, stream: str, *texts: str) -> None:
        """Write entries whose states and overrides are these texts."""
        doer = builders.caller(now=NOW)
        kind, _, name = stream.partition("/")
        for text in texts:
            action = {"name": "tell", "from": text, "to": text, "override": [text], "rule": None, "definition": text}
            with self.database.transaction() as tx:
                append_to_system(tx, self.log, doer, Told(stream, "test.told", (kind, name, None), action=action))
