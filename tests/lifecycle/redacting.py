"""Redactions as two lawful persons carry them out."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.database import Database
from lifecycle.redaction.register import Preview, approve_redaction, find_redaction, preview_of, propose_redaction
from tests.lifecycle.builders import caller

LATER = datetime(2026, 7, 1, tzinfo=UTC)
ADMIN, HEAD = caller("security_admin", LATER), caller("division_head", LATER)
REASON = "本人申请删除"
Named = Mapping[str, Sequence[str] | None]


def propose(
    database: Database,
    log: Log,
    entries: Named | None = None,
    person: str | None = None,
    *,
    erase: bool = False,
    by: Caller = ADMIN,
) -> tuple[str, Preview]:
    """Propose a redaction and return its id and what it would take."""
    with database.transaction() as tx:
        return propose_redaction(tx, log, by, entries or {}, person, REASON, erase_too=erase)[:2]


def approve(database: Database, log: Log, redaction: str, by: Caller = HEAD, digest: str | None = None) -> int:
    """Approve a redaction, by default as it stands, and return how many disclosures went."""
    with database.transaction() as tx:
        seen = digest or preview_of(tx, find_redaction(tx, redaction)).digest
        return approve_redaction(tx, log, by, redaction, seen)[0]


def redact(
    database: Database, log: Log, entries: Named | None = None, person: str | None = None, *, erase: bool = False
) -> str:
    """Have two persons redact, and return the redaction's id."""
    name, _ = propose(database, log, entries, person, erase=erase)
    approve(database, log, name)
    return name
