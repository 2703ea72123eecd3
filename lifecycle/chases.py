"""Chases 催办: who is asked, on record, to get on with an open checkpoint; how often that may be done."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from lifecycle import announcements, audit
from lifecycle.attempts import SET_HEAD
from lifecycle.audit import Change, Deed, Head, Log, person_of
from lifecycle.callers import Caller
from lifecycle.canonical import instant
from lifecycle.database import Transaction
from lifecycle.deadlines import roles_told
from lifecycle.errors import Forbidden, NotFound, NotOffered, TooSoon
from lifecycle.projects import plain_action
from lifecycle.requests import note_of
from lifecycle.signing import Receipt
from lifecycle.statements import Row, Statement
from lifecycle.transition import Loaded, load_project, lock_project
from lifecycle.visibility import checkpoint_label
from states.deadlines import end_of_day
from states.findings import Text
from states.roles import role_book

_told = announcements.table

EVENT = "chase"
NOTE_LENGTH = 500
CITY, APPLICANT = "city", "applicant"
ONE_DAY = timedelta(days=1)
LAST = Statement(
    sa.select(_told.c.at)
    .where(_told.c.project_id == sa.bindparam("of"), _told.c.event == EVENT)
    .order_by(_told.c.at.desc())
    .limit(1)
)
TODAY = Statement(
    sa.select(sa.func.count().label("number")).where(
        _told.c.actor == sa.bindparam("by"),
        _told.c.event == EVENT,
        _told.c.at >= sa.bindparam("since", type_=_told.c.at.type),
    )
)
# Everybody who writes has a key, whether a person with a row or not: locked, it lets an officer's chases come one by
# one, so that two at once, on two projects, do not both take the last of the day. Always after the project's row.
LOCK_OFFICER = Statement(
    sa.select(audit.person_key.c.person).where(audit.person_key.c.person == sa.bindparam("me")).with_for_update()
)


@dataclass(frozen=True, slots=True)
class Chased:
    """What was chased, whom it concerns, and how many chases the officer has left today."""

    project: str
    code: str
    version: int
    announcement: str
    checkpoint: str
    kind: str
    number: int
    label: dict[str, str]
    due_on: str
    to: tuple[str, ...]
    left_today: int
    receipt: Receipt

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        names = ("project", "code", "version", "announcement", "checkpoint", "kind", "number", "label", "due_on")
        own = {name: getattr(self, name) for name in names}
        return {**own, "to": list(self.to), "left_today": self.left_today, "receipt": self.receipt.to_dict()}


@dataclass(frozen=True, slots=True)
class Chances:
    """What a menu says of chasing a project: which checkpoints the caller may chase, and since when how many times."""

    checkpoints: tuple[Row, ...]  # id, kind, number, label, due_on; the one due first leads
    left_today: int
    again_at: datetime | None  # None: now, as far as the project's last chase is concerned

    @property
    def possible(self) -> bool:
        """Return whether a chase would go through at this instant."""
        return bool(self.checkpoints) and self.left_today > 0 and self.again_at is None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "possible": self.possible,
            "checkpoints": list(self.checkpoints),
            "left_today": self.left_today,
            "again_at": instant(self.again_at) if self.again_at else None,
        }


def chase(
    tx: Transaction, log: Log, caller: Caller, project: str, checkpoint: str | None = None, note: str | None = None
) -> Chased:
    """Ask those whom an open checkpoint concerns to get on with it; by default the one due first.

    For the province, and for a city bureau where the checkpoint concerns its applicants. The plan's limits hold: one
    chase a project every so many hours, so many a business day for one officer; both are counted under locks. Effects,
    in order: log entry, announcement. The project's version stays; the note enters the log as a commitment.

    Raises:
        NotFound: no such project within the caller's reach, or no such open checkpoint.
        Forbidden: the caller's role may not chase, or not this checkpoint.
        NotOffered: nothing is open that the caller could chase.
        TooSoon: a limit was reached; `again_at` in the details says when it is possible again.
        Unreadable: the note is not what it should be.
    """
    loaded, keys = lock_project(tx, caller, project)
    item = _chosen(caller, loaded, checkpoint)
    text = note_of(note, NOTE_LENGTH)
    tx.fetch(LOCK_OFFICER, me=person_of(caller))
    left = _left_within_limits(tx, caller, loaded)
    row = loaded.row
    told = {name: item[name] for name in ("kind", "number", "due_on")}
    deed = Deed(
        f"project/{project}",
        "project.chased",
        ("project", project, row["version"]),
        action=plain_action(EVENT, row),
        changes=[Change("/chased", None, {"checkpoint": item["id"], **told})],
        reason=text,
    )
    built = audit.build(log, caller, Head(row["head_seq"], row["head_hash"]), deed, keys)
    details = {"checkpoint": item["id"], "note": text}
    announced = announcements.announcement(caller, row, row["version"], EVENT, details)
    tx.queue(SET_HEAD["project"], of=project, head_seq=built.head.seq, head_hash=built.head.hash)
    audit.append(tx, built)
    announcements.write(tx, announced)
    return Chased(
        project,
        row["code"],
        row["version"],
        announced["id"],
        item["id"],
        item["kind"],
        item["number"],
        _label(loaded, item),
        item["due_on"],
        _roles(loaded, item),
        left - 1,
        built.receipt,
    )


def chases_left(tx: Transaction, caller: Caller, project: str) -> Chances:
    """Return what the caller may chase of a project, and when; for those who may not, no checkpoints at all.

    Raises:
        NotFound: there is no such project within the caller's reach.
    """
    loaded = load_project(tx, caller, project)
    if not _may_chase(caller):
        return Chances((), 0, None)
    items = tuple(
        {**{name: item[name] for name in ("id", "kind", "number", "due_on")}, "label": _label(loaded, item)}
        for item in _for_caller(caller, loaded)
    )
    limits = loaded.rules.reminders.limits
    left = max(0, limits.chases_a_day - _number_today(tx, caller, loaded))
    return Chances(items, left, _again_at(tx, caller, loaded))


def _may_chase(caller: Caller) -> bool:
    return caller.actor.role in (*role_book().groups["province"], CITY)


def _for_caller(caller: Caller, loaded: Loaded) -> list[Row]:
    """Return the open checkpoints that the caller may chase, the one due first at the head."""
    plan = sorted(loaded.row["plan"], key=lambda item: (item["due_on"], item["kind"], item["number"]))
    return [item for item in plan if caller.actor.role != CITY or APPLICANT in _roles(loaded, item)]


def _chosen(caller: Caller, loaded: Loaded, checkpoint: str | None) -> Row:
    if not _may_chase(caller):
        raise Forbidden(Text("催办由省厅或市工信局办理", "chasing is for the province and the city bureau"))
    found = _for_caller(caller, loaded)
    if checkpoint is None:
        if not found:
            raise NotOffered(Text("该项目没有可由您催办的事项", "nothing is open that you could chase"), [])
        return found[0]
    item = next((item for item in found if item["id"] == checkpoint), None)
    if item is None and caller.actor.role == CITY and _concerns_others(loaded, checkpoint):
        raise Forbidden(Text("市工信局只能催办申报单位的事项", "a city bureau chases what concerns its applicants"))
    if item is None:
        raise NotFound(Text("没有此项期限，或已了结", "there is no such checkpoint, or it is closed"))
    return item


def _concerns_others(loaded: Loaded, checkpoint: str) -> bool:
    return any(item["id"] == checkpoint for item in loaded.row["plan"])


def _left_within_limits(tx: Transaction, caller: Caller, loaded: Loaded) -> int:
    """Return how many chases the officer has left today, this one counted, with project and officer locked."""
    limits, zone = loaded.rules.reminders.limits, loaded.rules.policy.policy.zone
    again_at = _again_at(tx, caller, loaded)
    if again_at is not None:
        hours = limits.chase_every_hours
        raise _too_soon(
            caller,
            again_at,
            zone,
            Text(f"同一项目{hours}小时内只催办一次", f"a project is chased once in {hours} hours"),
            limit=hours,
            per="project",
        )
    number = _number_today(tx, caller, loaded)
    if number >= limits.chases_a_day:
        raise _too_soon(
            caller,
            end_of_day(caller.today(zone), zone),
            zone,
            Text(f"每人每日至多催办{limits.chases_a_day}次", f"one officer chases {limits.chases_a_day} times a day"),
            limit=limits.chases_a_day,
            per="officer",
        )
    return limits.chases_a_day - number


def _again_at(tx: Transaction, caller: Caller, loaded: Loaded) -> datetime | None:
    """Return when the project may be chased again, or None where it may be now."""
    last = tx.one(LAST, of=loaded.row["id"])
    if last is None:
        return None
    again: datetime = last["at"] + timedelta(hours=loaded.rules.reminders.limits.chase_every_hours)
    return again if again > caller.now else None


def _number_today(tx: Transaction, caller: Caller, loaded: Loaded) -> int:
    zone = loaded.rules.policy.policy.zone
    found = tx.one(TODAY, by=caller.actor.id, since=end_of_day(caller.today(zone) - ONE_DAY, zone))
    return int(found["number"]) if found else 0


def _too_soon(caller: Caller, again_at: datetime, zone: str, text: Text, **details: Any) -> TooSoon:
    seconds = -(-(again_at - caller.now) // timedelta(seconds=1))  # upwards: not a moment too early
    at = again_at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
    return TooSoon(
        Text(f"{text.zh}；{at}起可再次催办", f"{text.en}; it is possible again from {at} on"),
        again_at=instant(again_at),
        retry_after=max(1, seconds),
        **details,
    )


def _roles(loaded: Loaded, item: Row) -> tuple[str, ...]:
    return roles_told(loaded.rules, loaded.row["deadlines"], item["kind"], item["number"])


def _label(loaded: Loaded, item: Row) -> dict[str, str]:
    return checkpoint_label(loaded.rules.definition, loaded.row["deadlines"], item["kind"], item["number"])
