"""Attempts that failed: rolled back, then recorded in a transaction of their own. The way in for every edge."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa

from lifecycle import answers, audit
from lifecycle.audit import Change, Deed, Head, Log, person_of
from lifecycle.callers import Caller
from lifecycle.canonical import NotCanonical
from lifecycle.database import Database, Transaction
from lifecycle.errors import Busy, Refusal, RulesUnmet, SamePerson, Unreadable
from lifecycle.requests import is_identifier
from lifecycle.statements import Row, Statement
from lifecycle.tables import Batch, Docket, Objection, Panel, Person, Project
from states.findings import Text
from states.structure import ANOTHER

SUBJECTS: dict[str, sa.Table] = {
    "project": Project.__table__,  # type: ignore[attr-defined]
    "batch": Batch.__table__,  # type: ignore[attr-defined]
    "docket": Docket.__table__,  # type: ignore[attr-defined]
    "objection": Objection.__table__,  # type: ignore[attr-defined]
    "panel": Panel.__table__,  # type: ignore[attr-defined]
    "user": Person.__table__,  # type: ignore[attr-defined]
}


def _lock(table: sa.Table) -> Statement:
    columns = [table.c.id, table.c.version, table.c.head_seq, table.c.head_hash]
    if "state" in table.c:
        columns += [table.c.state, table.c.definition_hash, table.c.policy_hash]
    return Statement(sa.select(*columns).where(table.c.id == sa.bindparam("wanted")).with_for_update())


def _set(table: sa.Table) -> Statement:
    return Statement(
        sa.update(table)
        .where(table.c.id == sa.bindparam("of"))
        .values(head_seq=sa.bindparam("head_seq"), head_hash=sa.bindparam("head_hash"))
    )


ELSEWHERE = ("not-found", "busy")  # told in `system/attempts`: out of reach, or the row's lock is the very trouble
LOCK_SUBJECT = {kind: _lock(table) for kind, table in SUBJECTS.items()}
SET_HEAD = {kind: _set(table) for kind, table in SUBJECTS.items()}


@contextmanager
def attempt(
    database: Database,
    log: Log,
    caller: Caller,
    subject: tuple[str, str],
    action: str,
    key: str | None = None,
    asked: dict[str, Any] | None = None,
) -> Iterator[Transaction]:
    """Open a transaction for an act on `subject` (kind, id); a refusal rolls it back, is recorded, and goes on up.

    Raises:
        Refusal: what the use case raised, after the attempt is in the log.
        Busy: a lock could not be had in time. On SQLite, where one writer holds everything, that is not in the log.
    """
    try:
        with translated(), database.transaction() as tx:
            yield tx
    except Refusal as refusal:
        if not refusal.remembered:
            with translated(), database.transaction() as tx:
                record_attempt(tx, log, caller, subject, action, refusal)
                if key is not None and isinstance(refusal, RulesUnmet):
                    answers.remember_refusal(tx, caller, key, asked or {}, refusal)
            refusal.receipts = tx.receipts
        raise


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the drivers and the log say of the request into refusals: busy, or not to be kept as it is."""
    try:
        yield
    except (
        psycopg.errors.LockNotAvailable,
        psycopg.errors.DeadlockDetected,
        psycopg.errors.SerializationFailure,
    ) as error:
        raise busy() from error
    except (psycopg.DataError, NotCanonical, OverflowError) as error:
        raise Unreadable(
            Text(
                "内容过长或含有无法保存的字符，未办理；请精简后重试",
                "too long, or with characters that cannot be kept; nothing was done: shorten it and try again",
            )
        ) from error
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise busy() from error
        raise


def busy() -> Busy:
    """Return the refusal for a lock that could not be had."""
    return Busy(Text("该事项正由他人办理，请稍后重试", "somebody else is at this very item: try again in a moment"))


def record_attempt(
    tx: Transaction, log: Log, caller: Caller, subject: tuple[str, str], action: str, refusal: Refusal
) -> None:
    """Append the failed attempt to its subject's stream, or to `system/attempts` where that row cannot be had.

    Only the stream's head moves; the subject's version stays.
    """
    kind, name = subject
    row = None
    if kind in LOCK_SUBJECT and refusal.code not in ELSEWHERE and is_identifier(name):
        row = tx.one(LOCK_SUBJECT[kind], wanted=name)
    told = _deed(refusal, kind, name, action, row)
    if row is None:
        audit.append_to_system(tx, log, caller, told)
        return
    keys = audit.keys_of(tx, person_of(caller))
    built = audit.build(log, caller, Head(row["head_seq"], row["head_hash"]), told, keys)
    audit.append(tx, built)
    tx.queue(SET_HEAD[kind], of=row["id"], head_seq=built.head.seq, head_hash=built.head.hash)


def _deed(refusal: Refusal, kind: str, name: str, action: str, row: Row | None) -> Deed:
    failing = []
    if isinstance(refusal, RulesUnmet):
        failing = [f"{item.rule}:{item.check}" for item in refusal.findings if item.blocks]
    elif isinstance(refusal, SamePerson):
        failing = [ANOTHER]
    return Deed(
        stream=f"{kind}/{name}" if row else "system/attempts",
        type=f"{kind}.attempted",
        subject=(kind, name[:100].encode("utf-8", "replace").decode(), row["version"] if row else None),
        outcome=refusal.outcome,
        action={
            "name": action[:64],
            "from": row.get("state") if row else None,
            "to": None,
            "rule": failing or None,
            "override": [],
            "definition": row.get("definition_hash") if row else None,
            "policy": row.get("policy_hash") if row else None,
        },
        changes=[Change("/problem", None, refusal.code)],
    )
