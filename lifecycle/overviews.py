"""What surrounds projects as people read it: batches, task lists, capacities, rule versions, and oneself."""

import re
from typing import Any

import sqlalchemy as sa

from lifecycle import batches
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import Forbidden, NotFound, Unreadable
from lifecycle.statements import Row, Statement
from lifecycle.tables import Person, Rulebook
from states.capacities import ceiling_of
from states.findings import Text

_person = Person.__table__  # type: ignore[attr-defined]
_rulebook = Rulebook.__table__  # type: ignore[attr-defined]

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
PERSON = Statement(sa.select(_person.c.login, _person.c.name).where(_person.c.id == sa.bindparam("wanted")))
VERSION = Statement(
    sa.select(_rulebook).where(_rulebook.c.hash == sa.bindparam("wanted"), _rulebook.c.kind == sa.bindparam("of_kind"))
)
VERSIONS = Statement(
    sa.select(_rulebook.c.hash, _rulebook.c.name, _rulebook.c.added_at)
    .where(_rulebook.c.kind == sa.bindparam("of_kind"))
    .order_by(_rulebook.c.name, _rulebook.c.added_at)
)


def may_read(caller: Caller) -> None:
    """Refuse a caller who reads nothing of the programme.

    Raises:
        Forbidden: so.
    """
    if "read" not in caller.actor.rights:
        raise Forbidden(Text("您的角色无权查看", "your role may not read this"))


def list_batches(tx: Transaction, caller: Caller) -> list[dict[str, Any]]:
    """Return all batches by code.

    Raises:
        Forbidden: the caller reads nothing of the programme.
    """
    may_read(caller)
    return [batches.summary(row) for row in tx.fetch(batches.ALL)]


def find_batch(tx: Transaction, caller: Caller, name: str) -> Row:
    """Return a batch's row by code or id.

    Raises:
        Forbidden: the caller reads nothing of the programme.
        NotFound: there is none.
    """
    may_read(caller)
    row = seek_batch(tx, name)
    if row is None:
        raise no_batch(name)
    return row


def seek_batch(tx: Transaction, name: str) -> Row | None:
    """Return a batch's row by code or id, or None; whether the caller may see it is not asked here."""
    row = tx.one(batches.BY_CODE, wanted=name)
    if row is None and UUID.fullmatch(name):
        row = tx.one(batches.BY_ID, wanted=name)
    return row


def no_batch(name: str) -> NotFound:
    """Return the refusal for a batch that is not there."""
    return NotFound(Text(f"没有批次{name[:64]}", f"there is no batch {name[:64]}"))


def list_tasks(tx: Transaction, caller: Caller, batch: Row) -> list[dict[str, Any]]:
    """Return the batch's task list by code.

    Raises:
        Forbidden: the caller reads nothing of the programme.
    """
    may_read(caller)
    rows = tx.fetch(batches.TASKS, batch=batch["id"])
    return [{name: row[name] for name in ("code", "title", "category")} for row in rows]


def list_capacities(tx: Transaction, caller: Caller, batch: Row, pool: str | None = None) -> list[dict[str, Any]]:
    """Return how much of the batch's capacities is held: the imported ones, or those of one pool.

    A city sees its own row of what is counted by city, and nothing else; a unit sees none.

    Raises:
        Forbidden: the caller reads nothing of the programme.
        Unreadable: there is no such pool.
    """
    may_read(caller)
    rules = batches.rules_of(tx, batch)
    known = rules.definition.capacities
    if pool is not None and (pool not in known or known[pool].pool is not None):
        raise Unreadable(Text(f"没有名为{pool[:64]}的限额", f"there is no capacity {pool[:64]}"))
    wanted = [pool] if pool else [name for name, spec in known.items() if spec.ceiling == "imported"]
    return [
        _capacity(row, known[name].zh, known[name].en, ceiling_of(rules.definition, rules.policy, name, row["ceiling"]))
        for name in wanted
        for row in tx.fetch(
            batches.CAPACITIES,
            of_scope=batch["id"] if known[name].scope == "batch" else batch["programme"],
            of_pool=name,
        )
        if caller.actor.scope == "all" or (known[name].key == "city" and caller.actor.reaches(row["key"], ()))
    ]


def _capacity(row: Row, zh: str, en: str, ceiling: int | None) -> dict[str, Any]:
    return {
        "pool": row["pool"],
        "label": {"zh": zh, "en": en},
        "key": row["key"],
        "ceiling": ceiling,
        "used": row["used"],
        "left": None if ceiling is None else ceiling - row["used"],
    }


def list_versions(tx: Transaction, kind: str) -> list[Row]:
    """Return the stored versions of a kind (`definition`, `policy`): hash, name, added_at."""
    return tx.fetch(VERSIONS, of_kind=kind)


def find_version(tx: Transaction, kind: str, digest: str) -> Row | None:
    """Return a stored version's row with its text under `body`, or None."""
    return tx.one(VERSION, wanted=digest, of_kind=kind)


def describe_caller(tx: Transaction, caller: Caller) -> dict[str, str | None]:
    """Return the caller's own login and name; None where the caller is no person of ours."""
    row = tx.one(PERSON, wanted=caller.actor.id) if UUID.fullmatch(caller.actor.id) else None
    return {"login": row["login"] if row else None, "name": row["name"] if row else None}
