"""Batches: opened with pinned rules; their task list, quotas and earlier shortlists, brought in whole."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from lifecycle import audit
from lifecycle.attempts import LOCK_SUBJECT, SET_HEAD
from lifecycle.audit import Change, Deed, Head, Log, person_of
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import Forbidden, NotFound, Unreadable
from lifecycle.requests import is_identifier
from lifecycle.rulebooks import RuleSet, pin, rules_of_row
from lifecycle.signing import Receipt
from lifecycle.statements import Row, Statement
from lifecycle.tables import Batch, Capacity, Shortlisted, Task
from states.definition import LifecycleDefinition, read_definition
from states.findings import Text
from states.policy import Policy, read_policy

table = Batch.__table__  # type: ignore[attr-defined]
_task = Task.__table__  # type: ignore[attr-defined]
_capacity = Capacity.__table__  # type: ignore[attr-defined]
_shortlisted = Shortlisted.__table__  # type: ignore[attr-defined]

ADD = Statement(sa.insert(table))
BY_CODE = Statement(sa.select(table).where(table.c.code == sa.bindparam("wanted")))
BY_ID = Statement(sa.select(table).where(table.c.id == sa.bindparam("wanted")))
ALL = Statement(sa.select(table).order_by(table.c.code))
LOCK_BATCH = Statement(sa.select(table).where(table.c.id == sa.bindparam("wanted")).with_for_update())
TASKS = Statement(sa.select(_task).where(_task.c.batch_id == sa.bindparam("batch")).order_by(_task.c.code))
CAPACITIES = Statement(
    sa.select(_capacity)
    .where(_capacity.c.scope == sa.bindparam("of_scope"), _capacity.c.pool == sa.bindparam("of_pool"))
    .order_by(_capacity.c.key)
)
PUT_TASK = Statement(
    sa.text(
        "INSERT INTO task (batch_id, code, title, category) VALUES (:batch, :code, :title, :category) "
        "ON CONFLICT (batch_id, code) DO UPDATE SET title = excluded.title, category = excluded.category"
    )
)
PUT_CEILING = Statement(
    sa.text(
        "INSERT INTO capacity (scope, pool, key, ceiling, used) VALUES (:scope, :pool, :key, :ceiling, 0) "
        "ON CONFLICT (scope, pool, key) DO UPDATE SET ceiling = excluded.ceiling"
    )
)
PUT_SHORTLISTED = Statement(
    sa.text(
        "INSERT INTO shortlisted (programme, credit_code, unit, batch_label) "
        "VALUES (:programme, :credit_code, :unit, :batch_label) "
        "ON CONFLICT (programme, credit_code) DO UPDATE SET unit = excluded.unit, batch_label = excluded.batch_label"
    )
)
TOUCH = Statement(
    sa.update(table)
    .where(table.c.id == sa.bindparam("of"))
    .values(version=sa.bindparam("version"), last_number=sa.bindparam("last_number"))
)


def open_batch(
    tx: Transaction,
    log: Log,
    caller: Caller,
    code: str,
    definition_text: str,
    policy_text: str,
    *,
    title: str | None = None,
    invented: bool = False,
) -> str:
    """Open a batch pinned to these rule texts and return its id; its stream begins with this entry.

    Raises:
        Forbidden: the caller may not open batches.
        Unreadable: the code is taken or not 1–64 of a–z, 0–9 and `-`, or the policy is for another definition.
        BadDefinition: a text cannot be read.
    """
    may_manage(caller)
    definition, policy = read_definition(definition_text), read_policy(policy_text)
    _check_new(tx, code, definition, policy)
    batch = audit.new_id(caller.now)
    columns = {
        "code": code,
        "title": title or policy.policy.zh,
        "programme": policy.policy.programme,
        "invented": invented,
        "definition_hash": pin(tx, "definition", definition.name, definition_text, caller.now),
        "policy_hash": pin(tx, "policy", policy.name, policy_text, caller.now),
    }
    changes = [Change(f"/{name}", None, value) for name, value in columns.items()]
    deed = Deed(f"batch/{batch}", "batch.opened", ("batch", batch, 1), changes=changes)
    built = audit.build(log, caller, Head(), deed, audit.keys_of(tx, person_of(caller)))
    tx.queue(
        ADD,
        id=batch,
        calendar_hash=None,
        calendar_applied=None,
        reminders_hash=None,
        last_number=0,
        version=1,
        head_seq=built.head.seq,
        head_hash=built.head.hash,
        created_at=caller.now,
        **columns,
    )
    audit.append(tx, built)
    return batch


def _check_new(tx: Transaction, code: str, definition: LifecycleDefinition, policy: Policy) -> None:
    problem = None
    if policy.policy.definition != definition.name:
        problem = Text(
            f"该政策适用于{policy.policy.definition}，不适用于{definition.name}",
            f"the policy goes with {policy.policy.definition}, not with {definition.name}",
        )
    elif not code or len(code) > 64 or set(code) - set("abcdefghijklmnopqrstuvwxyz0123456789-"):
        problem = Text("批次代码应为1至64个小写字母、数字或-", "a batch code has 1 to 64 of a-z, 0-9 and -")
    elif tx.one(BY_CODE, wanted=code):
        problem = Text(f"批次代码{code}已存在", f"the batch code {code} is taken")
    if problem:
        raise Unreadable(problem)


def find_batch(tx: Transaction, name: str) -> Row:
    """Return a batch's row by code or id.

    Raises:
        NotFound: there is none.
    """
    row = tx.one(BY_CODE, wanted=name) if "\x00" not in name else None
    if row is None and is_identifier(name):
        row = tx.one(BY_ID, wanted=name)
    if row is None:
        raise NotFound(Text(f"没有批次{name[:64]}", f"there is no batch {name[:64]}"))
    return row


def rules_of(tx: Transaction, batch: Row) -> RuleSet:
    """Return the rules that the batch's new projects begin with."""
    return rules_of_row(tx, batch)


def put_tasks(tx: Transaction, log: Log, caller: Caller, batch: Row, tasks: Sequence[Mapping[str, Any]]) -> None:
    """Enter or correct tasks of the task list: `code`, `title`, `category`."""
    may_manage(caller)
    for item in tasks:
        tx.queue(PUT_TASK, batch=batch["id"], **item)
    tell(tx, log, caller, batch["id"], "batch.tasks_put", [Change("/tasks", None, len(tasks))])


def put_quotas(tx: Transaction, log: Log, caller: Caller, batch: Row, quotas: Mapping[str, int]) -> None:
    """Set the cities' quotas (city code → places); what is already used stays counted.

    A quota below what a city has used is kept as set: nothing more can be recommended until places are given back.
    """
    may_manage(caller)
    rules = rules_of(tx, batch)
    pools = [name for name, spec in rules.definition.capacities.items() if spec.ceiling == "imported"]
    changes = []
    for pool in pools:
        before = {row["key"]: row["ceiling"] for row in tx.fetch(CAPACITIES, of_scope=batch["id"], of_pool=pool)}
        for city, places in sorted(quotas.items()):
            tx.queue(PUT_CEILING, scope=batch["id"], pool=pool, key=city, ceiling=places)
            changes.append(Change(f"/ceilings/{pool}/{city}", before.get(city), places))
    tell(tx, log, caller, batch["id"], "batch.quotas_put", changes)


def put_shortlist(tx: Transaction, log: Log, caller: Caller, batch: Row, units: Sequence[Mapping[str, Any]]) -> None:
    """Enter units shortlisted in an earlier batch of the programme (R06)."""
    may_manage(caller)
    for item in units:
        tx.queue(PUT_SHORTLISTED, programme=batch["programme"], **item)
    tell(tx, log, caller, batch["id"], "batch.shortlist_put", [Change("/shortlisted", None, len(units))])


def tell(
    tx: Transaction,
    log: Log,
    caller: Caller,
    batch: str,
    kind: str,
    changes: Sequence[Change],
    reason: str | None = None,
) -> Receipt:
    """Append an entry to the batch's stream; its row is locked."""
    row = tx.one(LOCK_SUBJECT["batch"], wanted=batch)
    assert row is not None
    deed = Deed(f"batch/{batch}", kind, ("batch", batch, row["version"]), changes=changes, reason=reason)
    head = Head(row["head_seq"], row["head_hash"])
    built = audit.build(log, caller, head, deed, audit.keys_of(tx, person_of(caller)))
    audit.append(tx, built)
    tx.queue(SET_HEAD["batch"], of=batch, head_seq=built.head.seq, head_hash=built.head.hash)
    return built.receipt


def may_manage(caller: Caller) -> None:
    """Refuse a caller without the right to manage batches.

    Raises:
        Forbidden: always for such a caller.
    """
    if "batches" not in caller.actor.rights:
        raise Forbidden(Text("须由省厅人员办理", "this is for the province's staff"))


def summary(row: Row) -> dict[str, Any]:
    """Return a batch as JSON values."""
    names = ("id", "code", "title", "programme", "definition_hash", "policy_hash", "invented", "version")
    created: datetime = row["created_at"]
    return {**{name: row[name] for name in names}, "created_at": created.isoformat()}
