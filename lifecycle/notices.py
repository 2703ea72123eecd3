"""The ledger as people read it: what each was told or not, why, and what became of it; and everybody's to-dos 待办."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache, partial
from typing import Any

import sqlalchemy as sa

from lifecycle.callers import Caller
from lifecycle.canonical import instant
from lifecycle.database import Transaction
from lifecycle.errors import Unreadable
from lifecycle.pages import Page, check_limit, read_cursor, write_cursor
from lifecycle.recipients import in_charge, people_named, still_told
from lifecycle.requests import is_identifier
from lifecycle.rulebooks import definition_for
from lifecycle.sets import for_both, select_many, within
from lifecycle.statements import Row, Statement
from lifecycle.tables import Checkpoint, Message, Notice, Person, Project
from lifecycle.tables.notices import CHANNELS
from lifecycle.visibility import label_of, sees_deadline
from states.facts import Actor
from states.findings import Text
from states.planning import BY_HAND

_notice = Notice.__table__  # type: ignore[attr-defined]
_check = Checkpoint.__table__  # type: ignore[attr-defined]
_message = Message.__table__  # type: ignore[attr-defined]
_person = Person.__table__  # type: ignore[attr-defined]
_project = Project.__table__  # type: ignore[attr-defined]

SORT = "-created_at"
STATUSES = ("waiting", "sent", "skipped", "cancelled", "failed")
TO_DOS, DONE = 500, 50  # shown at most
UNREACHED = "ffffffff-ffff-ffff-ffff-ffffffffffff"  # the recipient of what nobody was there to be told
NOBODY = "00000000-0000-0000-0000-000000000000"
REASONS: dict[str, Text] = {
    "overtaken": Text("同一事项已有更新的提醒，不再重复发送", "a newer reminder of the same item took its place"),
    "ended": Text("事项已办结，无须提醒", "the item was done with before it was sent"),
    "superseded": Text("截止日期已调整，原提醒作废", "the date was moved, and this reminder ended with the old one"),
    "not_recipient": Text("收件人已不负责该事项", "the recipient no longer has to do with the item"),
    "no_address": Text("收件人已停用该联系方式", "the recipient has no address over this channel any more"),
    "nobody": Text("该角色名下没有可通知的人员", "nobody of that role can be told"),
    "refused": Text("对方拒收，未送达", "the other side refused it for good"),
    "exhausted": Text("多次尝试均未送达", "no attempt came through"),
    "bounced": Text("已发出，后被退回", "it was sent and came back"),
}
_SHOWN = tuple(
    _notice.c[name]
    for name in (
        *("id", "batch_id", "project_id", "checkpoint_id", "cause", "version", "occasion", "kind", "recipient", "role"),
        *("channel", "planned_at", "send_at", "late", "due_on", "rule", "status", "reason", "message_id"),
        *("created_at", "settled_at", "read_at"),
    )
)
_ABOUT = (
    *(
        _project.c[name]
        for name in ("code", "title", "city", "lead_code", "definition_hash", "responsible", "deadlines")
    ),
    _check.c.kind.label("checkpoint_kind"),
    _check.c.number,
    _check.c.status.label("checkpoint_status"),
)
_LISTED = (
    sa.select(
        *_SHOWN,
        *_ABOUT,
        _person.c.name,
        _message.c.status.label("message_status"),
        _message.c.attempts,
        _message.c.tries,
    )
    .select_from(_notice)
    .join(_person, _person.c.id == _notice.c.recipient, isouter=True)
    .join(_project, _project.c.id == _notice.c.project_id, isouter=True)
    .join(_check, _check.c.id == _notice.c.checkpoint_id, isouter=True)
    .join(_message, _message.c.id == _notice.c.message_id, isouter=True)
)
_ME = sa.bindparam("me", type_=_notice.c.recipient.type)
_PLACE = (
    sa.func.row_number()
    .over(partition_by=_notice.c.checkpoint_id, order_by=(_notice.c.planned_at.desc(), _notice.c.id.desc()))
    .label("place")
)


def _mine(which: Any) -> Any:
    """Return my newest notice of each checkpoint of which `which` holds."""
    ranked = (
        sa.select(*_SHOWN, *_ABOUT, _check.c.ended_at, _PLACE)
        .select_from(_notice)
        .join(_check, _check.c.id == _notice.c.checkpoint_id)
        .join(_project, _project.c.id == _notice.c.project_id)
        .where(_notice.c.recipient == _ME, _notice.c.channel == "inbox", _notice.c.status == "sent", which)
        .subquery("ranked")
    )
    return sa.select(ranked).where(ranked.c.place == 1), ranked.c


_open, _of_open = _mine(sa.text("checkpoint.status = 'open'"))
_done, _of_done = _mine(sa.text("checkpoint.status <> 'open'"))
OPEN = Statement(_open.order_by(_of_open.due_on, _of_open.id).limit(TO_DOS))
ENDED = Statement(_done.order_by(_of_done.ended_at.desc(), _of_done.id).limit(DONE))
READ = for_both(
    lambda dialect: (
        sa.update(_notice)
        .where(
            _notice.c.recipient == _ME,
            _notice.c.channel == "inbox",
            _notice.c.read_at.is_(None),
            within(_notice.c.id, "wanted", dialect, "uuid"),
        )
        .values(read_at=sa.bindparam("at", type_=_notice.c.read_at.type))
        .returning(_notice.c.id)
    )
)


@dataclass(frozen=True, slots=True)
class Filters:
    """What the ledger is narrowed to. Ids; `recipient` is a person's, the caller's own for `mine`."""

    batch: str | None = None
    project: str | None = None
    checkpoint: str | None = None
    recipient: str | None = None
    status: str | None = None
    channel: str | None = None
    mine: bool = False


def list_notices(tx: Transaction, caller: Caller, filters: Filters, after: str | None = None, limit: int = 50) -> Page:
    """Return the ledger within the caller's reach, the newest first, from the cursor on. One read for any page.

    Who reads all projects sees all of it, a city bureau that of its city's projects; everybody their own.

    Raises:
        Unreadable: cursor, limit or a filter is not what it should be.
    """
    check_limit(limit)
    used = _used(caller.actor, filters)
    last = read_cursor(after, SORT) if after is not None else {}
    statement = _listing(frozenset(used), onward=bool(last))
    rows = tx.fetch(statement, **used, **last, limit=limit + 1)
    more = write_cursor(SORT, rows[limit - 1]) if len(rows) > limit else None
    return Page([_item(tx, caller.actor, row) for row in rows[:limit]], more)


def to_dos(tx: Transaction, caller: Caller) -> dict[str, list[dict[str, Any]]]:
    """Return what the caller has to do (`open`, by due date) and what of it came to its end last (`done`).

    Of each checkpoint the newest notice, as long as the caller would still be told of it. Three reads.
    """
    me = _own_id(caller.actor)
    found, ended = tx.fetch(OPEN, me=me), tx.fetch(ENDED, me=me)
    people = people_named(tx, {person for row in found for person in in_charge(row)})
    still = [row for row in found if still_told(row, people)]
    return {"open": _told(tx, caller.actor, still), "done": _told(tx, caller.actor, ended)}


def mark_read(tx: Transaction, caller: Caller, notices: Iterable[str]) -> int:
    """Note that the caller has read notices in the inbox, and return how many of them were new.

    A person's own mark, which no other sees as an act: it is not in the log.
    """
    wanted = [notice for notice in notices if is_identifier(notice)]
    return len(select_many(tx, READ, "wanted", wanted, me=_own_id(caller.actor), at=caller.now))


def reason_of(code: str | None) -> dict[str, str] | None:
    """Return a reason's code with its sentence in both languages."""
    if code is None:
        return None
    text = REASONS.get(code, Text(code, code))
    return {"code": code, "zh": text.zh, "en": text.en}


def _equals(name: str) -> Any:
    return _notice.c[name] == sa.bindparam(name, type_=_notice.c[name].type)


_CONDITIONS: Mapping[str, Callable[[], Any]] = {
    **{
        name: partial(_equals, name)
        for name in ("batch_id", "project_id", "checkpoint_id", "recipient", "status", "channel")
    },
    "me": lambda: _notice.c.recipient == _ME,
    "of_city": lambda: sa.or_(
        _project.c.city == sa.bindparam("of_city", type_=_project.c.city.type),
        _notice.c.recipient == sa.bindparam("myself", type_=_notice.c.recipient.type),
    ),
    "myself": sa.true,
}


@lru_cache(maxsize=256)
def _listing(names: frozenset[str], *, onward: bool) -> Statement:
    found = _LISTED.where(*(_CONDITIONS[name]() for name in sorted(names)))
    if onward:
        mark = sa.tuple_(
            sa.bindparam("last", type_=_notice.c.created_at.type), sa.bindparam("last_id", type_=_notice.c.id.type)
        )
        found = found.where(sa.tuple_(_notice.c.created_at, _notice.c.id) < mark)
    found = found.order_by(_notice.c.created_at.desc(), _notice.c.id.desc())
    return Statement(found.limit(sa.bindparam("limit", type_=sa.Integer())))


def _used(actor: Actor, filters: Filters) -> dict[str, Any]:
    """Return the conditions in use with their values: what was asked, and the caller's reach."""
    columns = {"batch": "batch_id", "project": "project_id", "checkpoint": "checkpoint_id"}
    used: dict[str, Any] = {}
    for item in fields(filters):
        value = getattr(filters, item.name)
        if item.name == "mine" or value in (None, ""):
            continue
        known = {"status": STATUSES, "channel": CHANNELS}.get(item.name)
        if not isinstance(value, str) or not (value in known if known else is_identifier(value)):
            raise Unreadable(Text(f"筛选条件{item.name}无法读取", f"the filter {item.name} cannot be read"))
        used[columns.get(item.name, item.name)] = value
    if actor.scope == "city" and actor.city and "read" in actor.rights and not filters.mine:
        return {**used, "of_city": actor.city, "myself": _own_id(actor)}
    if actor.scope == "all" and "read" in actor.rights and not filters.mine:
        return used
    return {**used, "me": _own_id(actor)}


def _own_id(actor: Actor) -> str:
    return actor.id if is_identifier(actor.id) else NOBODY


def _told(tx: Transaction, actor: Actor, rows: Iterable[Row]) -> list[dict[str, Any]]:
    return [{**_about(tx, actor, row), **_times(row), **_plain(row)} for row in rows]


def _item(tx: Transaction, actor: Actor, row: Row) -> dict[str, Any]:
    message = {"id": row["message_id"], "status": row["message_status"], "attempts": row["attempts"]}
    return {
        **_plain(row),
        **_about(tx, actor, row),
        **_times(row),
        "cause": row["cause"],
        "version": row["version"],
        "rule": row["rule"],
        "recipient": {"id": row["recipient"], "name": row["name"], "role": row["role"]},
        "channel": row["channel"],
        "message": {**message, "tries": row["tries"]} if row["message_id"] else None,
    }


def _plain(row: Row) -> dict[str, Any]:
    names = ("id", "batch_id", "occasion", "kind", "late", "status")
    return {**{name: row[name] for name in names}, "reason": reason_of(row["reason"])}


def _times(row: Row) -> dict[str, Any]:
    names = ("planned_at", "send_at", "created_at", "settled_at", "read_at")
    return {name: instant(row[name]) if row[name] else None for name in names}


def _about(tx: Transaction, actor: Actor, row: Row) -> dict[str, Any]:
    """Return the project and the checkpoint that a notice is of."""
    project = {"id": row["project_id"], "code": row["code"], "title": row["title"]}
    checkpoint = None
    if row["checkpoint_id"]:
        checkpoint = {
            "id": row["checkpoint_id"],
            "kind": row["checkpoint_kind"],
            "number": row["number"],
            "label": _label(tx, actor, row),
            "due_on": row["due_on"].isoformat() if row["due_on"] else None,
            "status": row["checkpoint_status"],
        }
    return {"project": project if row["project_id"] else None, "checkpoint": checkpoint}


def _label(tx: Transaction, actor: Actor, row: Row) -> dict[str, str]:
    kind = row["checkpoint_kind"]
    deadline = row["deadlines"].get(str(row["number"])) if kind == BY_HAND else None
    if deadline and (row["recipient"] == actor.id or sees_deadline(actor, deadline)):
        return {"zh": deadline["title"], "en": deadline["title"]}
    if kind == BY_HAND:
        return {"zh": "增设期限", "en": "deadline added by hand"}
    return label_of(definition_for(tx, row["definition_hash"]).checkpoints.get(kind), kind)
