"""The rule versions that batches and projects are pinned to: stored whole, found by hash, read once."""

import hashlib
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from lifecycle.database import Transaction
from lifecycle.errors import NotFound
from lifecycle.statements import Row, Statement
from lifecycle.tables import Rulebook
from states.deadlines import Calendar, calendar_from_toml, state_council_calendar
from states.definition import LifecycleDefinition, read_definition
from states.findings import Text
from states.library import plan_of
from states.policy import Policy, read_policy
from states.reminders import ReminderPlan, read_plan
from states.values import frozen

_table = Rulebook.__table__  # type: ignore[attr-defined]
READ = Statement(sa.select(_table.c.kind, _table.c.body).where(_table.c.hash == sa.bindparam("hash")))
FIND = Statement(sa.select(_table.c.hash).where(_table.c.hash == sa.bindparam("wanted")))
ADD = Statement(sa.insert(_table))

_READERS: dict[str, Any] = {
    "definition": read_definition,
    "policy": read_policy,
    "calendar": calendar_from_toml,
    "reminders": read_plan,
}
_read: dict[str, Any] = {}  # by hash: what a hash names never changes, so any process may keep it


@frozen
class RuleSet:
    """The versions under which one project runs; calendar and reminder plan are its batch's."""

    definition: LifecycleDefinition
    policy: Policy
    calendar: Calendar
    reminders: ReminderPlan


def pin(tx: Transaction, kind: str, name: str, text: str, now: datetime) -> str:
    """Store a rule text under its hash, once, and return the hash."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    if not tx.fetch(FIND, wanted=digest):
        tx.queue(ADD, hash=digest, kind=kind, name=name, body=text, added_at=now)
    return digest


def rules_for(
    tx: Transaction, definition: str, policy: str, calendar: str | None = None, reminders: str | None = None
) -> RuleSet:
    """Return the rules behind these hashes; what a batch has none of is what ships with the program.

    Raises:
        NotFound: a hash is not stored: the database is not whole.
    """
    held: LifecycleDefinition = _load(tx, definition)
    return RuleSet(
        held,
        _load(tx, policy),
        _load(tx, calendar) if calendar else state_council_calendar(),
        _load(tx, reminders) if reminders else plan_of(held.name),
    )


def rules_of_row(tx: Transaction, row: Row) -> RuleSet:
    """Return the rules of a row that brings all four hashes: a batch's, or a project's with two of its batch.

    Raises:
        NotFound: as `rules_for`.
    """
    return rules_for(tx, row["definition_hash"], row["policy_hash"], row["calendar_hash"], row["reminders_hash"])


def definition_for(tx: Transaction, digest: str) -> LifecycleDefinition:
    """Return the definition behind a hash.

    Raises:
        NotFound: it is not stored: the database is not whole.
    """
    found: LifecycleDefinition = _load(tx, digest)
    return found


def policy_for(tx: Transaction, digest: str) -> Policy:
    """Return the policy behind a hash.

    Raises:
        NotFound: it is not stored: the database is not whole.
    """
    found: Policy = _load(tx, digest)
    return found


def _load(tx: Transaction, digest: str) -> Any:
    found = _read.get(digest)
    if found is None:
        row = tx.one(READ, hash=digest)
        if row is None:
            raise NotFound(Text(f"规则版本{digest[:12]}不存在", f"there is no rule version {digest[:12]}"))
        found = _READERS[row["kind"]](row["body"])
        _read[digest] = found
    return found
