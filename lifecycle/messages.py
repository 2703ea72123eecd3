"""The outbox: notices put into messages, messages claimed under a lease, settled by whoever holds it, requeued."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from lifecycle import audit
from lifecycle.audit import Change, Deed, Log
from lifecycle.callers import Caller
from lifecycle.canonical import instant
from lifecycle.database import Transaction
from lifecycle.errors import Conflict, Forbidden, NotFound
from lifecycle.requests import is_identifier
from lifecycle.sets import for_both, insert_many, select_many, update_many, within
from lifecycle.signing import Receipt
from lifecycle.statements import Row, Statement, unforeseen
from lifecycle.tables import Address, Announcement, Batch, Checkpoint, Message, Notice, Person, Project
from states.findings import Text

table = Message.__table__  # type: ignore[attr-defined]
_notice = Notice.__table__  # type: ignore[attr-defined]
_address = Address.__table__  # type: ignore[attr-defined]
_check = Checkpoint.__table__  # type: ignore[attr-defined]
_announcement = Announcement.__table__  # type: ignore[attr-defined]
_project = Project.__table__  # type: ignore[attr-defined]
_batch = Batch.__table__  # type: ignore[attr-defined]
_person = Person.__table__  # type: ignore[attr-defined]
_old = _check.alias("old")
_newer = _notice.alias("newer")

STREAM = "system/delivery"
ERROR_LENGTH = 300
REQUEUED = "requeued"  # among the tries: where the attempts are counted anew
_NOW = sa.bindparam("now", type_=_notice.c.send_at.type)
_LIMIT = sa.bindparam("limit", type_=sa.Integer())

_UNCARRIED = sa.and_(
    sa.text("notice.status = 'waiting'"), _notice.c.message_id.is_(None), _notice.c.send_at <= unforeseen(_NOW)
)
# A notice that may leave has given way where a newer one of the same series may leave to the same person and channel.
_OVERTAKEN = (
    sa.select(sa.literal_column("1"))
    .where(
        *(_newer.c[name] == _notice.c[name] for name in ("cause", "version", "recipient", "channel")),
        _newer.c.planned_at > _notice.c.planned_at,
        _newer.c.send_at <= _NOW,
        sa.text("newer.status IN ('waiting','sent')"),
    )
    .correlate(_notice)
    .exists()
)
_WHOLE = (
    sa.select(
        _notice,
        _OVERTAKEN.label("overtaken"),
        _check.c.status.label("checkpoint_status"),
        _check.c.kind.label("checkpoint_kind"),
        _check.c.number,
        _check.c.provisional,
        _old.c.due_on.label("old_due_on"),
        *(_project.c[name] for name in ("code", "title", "lead_name", "lead_code", "city", "state")),
        _project.c.responsible,
        _project.c.deadlines,
        _batch.c.title.label("batch_title"),
        sa.func.coalesce(_project.c.definition_hash, _batch.c.definition_hash).label("definition_hash"),
        sa.func.coalesce(_project.c.policy_hash, _batch.c.policy_hash).label("policy_hash"),
        _batch.c.calendar_hash,
        _batch.c.reminders_hash,
    )
    .select_from(_notice)
    .join(_batch, _batch.c.id == _notice.c.batch_id)
    .join(_project, _project.c.id == _notice.c.project_id, isouter=True)
    .join(_check, _check.c.id == _notice.c.checkpoint_id, isouter=True)
    .join(_old, _old.c.id == _check.c.replaces, isouter=True)
)
# Whoever composes for a person holds that person's row meanwhile: what waits for one and the same is never divided.
IN_LINE = Statement(
    sa.select(_person.c.id)
    .where(
        _person.c.id.in_(
            sa.select(
                sa.select(_notice.c.recipient)
                .where(_UNCARRIED)
                .order_by(_notice.c.send_at, _notice.c.id)
                .limit(_LIMIT)
                .subquery("first")
                .c.recipient
            )
        )
    )
    .order_by(_person.c.id)
    .with_for_update(key_share=True, skip_locked=True)
)
WAITING = for_both(
    lambda dialect: (
        _WHOLE.where(_UNCARRIED, within(_notice.c.recipient, "wanted", dialect, "uuid"))
        .order_by(_notice.c.send_at, _notice.c.id)
        .with_for_update(of=_notice)
    )
)
CARRIED = for_both(
    lambda dialect: _WHOLE.where(
        sa.text("notice.status = 'waiting'"), within(_notice.c.message_id, "wanted", dialect, "uuid")
    ).order_by(_notice.c.planned_at, _notice.c.id)
)
ANNOUNCEMENTS = for_both(
    lambda dialect: sa.select(_announcement).where(within(_announcement.c.id, "wanted", dialect, "uuid"))
)
# MATERIALIZED: whatever the plan, the rows are picked and locked once.
_DUE = (
    sa.select(table.c.id)
    .where(sa.text("message.status IN ('waiting','sending')"), table.c.next_at <= unforeseen(_NOW))
    .order_by(table.c.next_at, table.c.id)
    .limit(_LIMIT)
    .with_for_update(skip_locked=True)
    .cte("due")
    .prefix_with("MATERIALIZED", dialect="postgresql")
)
CLAIM = Statement(
    sa.update(table)
    .where(table.c.id == _DUE.c.id)
    .values(
        status="sending",
        attempts=table.c.attempts + 1,
        fence=table.c.fence + 1,
        next_at=sa.bindparam("until", type_=table.c.next_at.type),
    )
    .returning(*table.c)
)
SETTLE = Statement(
    sa.update(table)
    .where(
        table.c.id == sa.bindparam("of"),
        table.c.fence == sa.bindparam("mine", type_=sa.BigInteger()),
        table.c.status == "sending",
    )
    .values(
        {
            name: sa.bindparam(f"new_{name}", type_=table.c[name].type)
            for name in ("status", "attempts", "next_at", "tries", "settled_at")
        }
    )
    .returning(table.c.id)
)
SETTLE_NOTICES = Statement(
    sa.update(_notice)
    .where(_notice.c.message_id == sa.bindparam("of"), _notice.c.status == sa.bindparam("was"))
    .values(
        {name: sa.bindparam(f"new_{name}", type_=_notice.c[name].type) for name in ("status", "reason", "settled_at")}
    )
)
REACHED = Statement(
    sa.update(_address).where(_address.c.id == sa.bindparam("of")).values(failures=0, last_error=sa.null())
)
NOT_REACHED = Statement(
    sa.update(_address)
    .where(_address.c.id == sa.bindparam("of"))
    .values(failures=_address.c.failures + 1, last_error=sa.bindparam("error"))
)
LOCK = Statement(sa.select(table).where(table.c.id == sa.bindparam("wanted")).with_for_update())
REQUEUE = Statement(
    sa.update(table)
    .where(table.c.id == sa.bindparam("of"))
    .values(
        status="waiting",
        attempts=0,
        next_at=sa.bindparam("at", type_=table.c.next_at.type),
        tries=sa.bindparam("new_tries", type_=table.c.tries.type),
        settled_at=sa.null(),
    )
)


def waiting_notices(tx: Transaction, now: datetime, limit: int) -> list[Row]:
    """Return and lock all the notices that may leave by now, of the people whose wait is longest: whole, or not at all.

    Each row brings what it takes to judge it again and to word it. `limit` counts the notices that name those people.
    """
    people = [row["id"] for row in tx.fetch(IN_LINE, now=now, limit=limit)]
    return select_many(tx, WAITING, "wanted", people, now=now) if people else []


def carried_notices(tx: Transaction, messages: Iterable[str], now: datetime) -> list[Row]:
    """Return the notices that these messages still have to tell, as `waiting_notices` does, unlocked."""
    return select_many(tx, CARRIED, "wanted", messages, now=now)


def announcements_named(tx: Transaction, ids: Iterable[str]) -> dict[str, Row]:
    """Return id -> announcement."""
    return {row["id"]: row for row in select_many(tx, ANNOUNCEMENTS, "wanted", ids)}


def add_messages(tx: Transaction, rows: Sequence[Row], carried: Mapping[str, str]) -> None:
    """Enter messages; `carried` names the message of each notice that one of them tells."""
    insert_many(tx, table, rows)
    update_many(tx, _notice, ["id"], [{"id": notice, "message_id": message} for notice, message in carried.items()])


def end_notices(tx: Transaction, ended: Mapping[str, tuple[str, str]], now: datetime) -> None:
    """Write notices that will not be told: id -> (`cancelled` or `skipped`, reason)."""
    rows = [
        {"id": notice, "status": status, "reason": reason, "settled_at": now}
        for notice, (status, reason) in ended.items()
    ]
    update_many(tx, _notice, ["id"], rows)


def delay_notices(tx: Transaction, notices: Iterable[str], until: datetime) -> None:
    """Have notices wait until an instant."""
    update_many(tx, _notice, ["id"], [{"id": notice, "send_at": until} for notice in notices])


def claim(tx: Transaction, now: datetime, until: datetime, limit: int) -> list[Row]:
    """Take up to `limit` messages that are due for oneself until an instant, and return their rows as taken.

    A message whose lease has run out is due again. What another is just claiming is passed over.
    """
    return sorted(tx.fetch(CLAIM, now=now, until=until, limit=limit), key=lambda row: str(row["id"]))


def change_messages(tx: Transaction, rows: Sequence[Row]) -> None:
    """Write messages just claimed in this transaction that are not to be sent now; all rows have the same names."""
    update_many(tx, table, ["id"], rows)


def settle(tx: Transaction, message: Row, changes: Mapping[str, Any]) -> bool:
    """Write what became of a claimed message, and return whether it was still ours; if not, nothing is written."""
    values = {f"new_{name}": value for name, value in changes.items()}
    return bool(tx.fetch(SETTLE, of=message["id"], mine=message["fence"], **values))


def settle_notices(tx: Transaction, message: str, status: str, reason: str | None, now: datetime) -> None:
    """Queue what became of the notices that a settled message told."""
    values = {"new_status": status, "new_reason": reason, "new_settled_at": now}
    tx.queue(SETTLE_NOTICES, of=message, was="waiting", **values)


def note_address(tx: Transaction, address: str, error: str | None) -> None:
    """Queue whether an address was reached: failures in a row are counted, a success ends them."""
    if error is None:
        tx.queue(REACHED, of=address)
    else:
        tx.queue(NOT_REACHED, of=address, error=error[:ERROR_LENGTH])


def requeue(tx: Transaction, log: Log, caller: Caller, message: str) -> Receipt:
    """Send a dead letter once more, to the address its recipient has now; recorded in `system/delivery`.

    Effects: message and its failed notices wait again, with all attempts before them; what was tried stays on record.

    Raises:
        Forbidden: the caller manages neither batches nor the system.
        NotFound: there is no such message.
        Conflict: it is no dead letter (any more).
    """
    if not caller.actor.rights & {"batches", "system"}:
        raise Forbidden(Text("须由省厅人员或系统管理员办理", "this is for the province's staff or the administrator"))
    row = tx.one(LOCK, wanted=message) if is_identifier(message) else None
    if row is None:
        raise NotFound(Text("没有此消息", "there is no such message"))
    if row["status"] != "dead":
        raise Conflict(
            Text("该消息不在未送达之列，无须重发", "this message is no dead letter: there is nothing to send again"),
            status=row["status"],
        )
    tries = [*row["tries"], {"fence": row["fence"], "at": instant(caller.now), "result": REQUEUED, "error": None}]
    tx.queue(REQUEUE, of=message, at=caller.now, new_tries=tries)
    values = {"new_status": "waiting", "new_reason": None, "new_settled_at": None}
    tx.queue(SETTLE_NOTICES, of=message, was="failed", **values)
    changes = [Change("/status", "dead", "waiting"), Change("/attempts", row["attempts"], 0)]
    deed = Deed(STREAM, "message.requeued", ("message", message, row["fence"]), changes=changes)
    return audit.append_to_system(tx, log, caller, deed)
