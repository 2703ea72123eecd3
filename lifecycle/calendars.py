"""A batch's calendar: previewed, adopted, and applied to its projects wherever the one in force has changed.

Locks are taken in the order of a bulk act: projects by id, then the batch. That two do not replan a batch at once is
held by a lock of its own, so that it need not wait for an act that still wants the batch's row.
"""

import hashlib
import re
from functools import cache
from importlib.metadata import version

import sqlalchemy as sa

from lifecycle import audit
from lifecycle.audit import Change, Log, person_of
from lifecycle.batches import BY_ID, may_manage, tell
from lifecycle.batches import table as _batch
from lifecycle.calendar_changes import Adopted, Counts, Move, Preview, Shown, moves_of
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import NotFound, PreviewStale, Unreadable
from lifecycle.replanning import replanned, write_many
from lifecycle.requests import note_of
from lifecycle.rulebooks import pin, rules_of_row
from lifecycle.statements import Row, Statement
from lifecycle.sweeps import look_again
from lifecycle.tables import Rulebook
from states.deadlines import Calendar
from states.findings import Text
from states.holidays import Arrangement, BadHolidays, read_arrangement

_rulebook = Rulebook.__table__  # type: ignore[attr-defined]
_KEY = sa.func.hashtextextended(sa.bindparam("of", type_=sa.Text()), sa.literal(0, sa.BigInteger()))
_ALONE = sa.select(sa.literal(True).label("mine"))  # on SQLite whoever writes is alone anyway
CLAIM = Statement(_ALONE, postgresql=sa.select(sa.func.pg_try_advisory_xact_lock(_KEY).label("mine")))
WAIT = Statement(_ALONE, postgresql=sa.select(sa.cast(sa.func.pg_advisory_xact_lock(_KEY), sa.Text()).label("mine")))
STATES = Statement(sa.select(_batch).order_by(_batch.c.id))
SET_CALENDAR = Statement(
    sa.update(_batch)
    .where(_batch.c.id == sa.bindparam("of"))
    .values(calendar_hash=sa.bindparam("calendar"), calendar_applied=sa.bindparam("applied"))
)
SAME_NAME = Statement(
    sa.select(_rulebook.c.hash).where(
        _rulebook.c.kind == "calendar",
        _rulebook.c.name == sa.bindparam("named"),
        _rulebook.c.hash != sa.bindparam("mine"),
    )
)
PACKAGE = "chinesecalendar"


def preview_calendar(tx: Transaction, caller: Caller, batch: Row, text: str) -> Preview:
    """Return what would change if the batch counted by this calendar; writes and locks nothing.

    `text` is a calendar file or a table, as `states.holidays` reads them.

    Raises:
        Forbidden: the caller may not manage batches.
        Unreadable: the text cannot be taken; the details name every fault with its place.
    """
    may_manage(caller)
    present, arrangement = _read(tx, batch, text)
    shown = Shown.of(caller, batch, arrangement)
    moves: list[Move] = []
    for changed in replanned(tx, batch["id"], arrangement.calendar, caller.now, lock=False):
        for item in changed:
            shown.add(item)
            moves.extend(moves_of(item))
    return Preview(batch["id"], present, arrangement, tuple(moves), shown.counts, shown.digest)


def adopt_calendar(
    tx: Transaction, log: Log, caller: Caller, batch: Row, text: str, digest: str, reason: str
) -> Adopted:
    """Let the batch count by a previewed calendar, and plan all its projects anew.

    Effects, in order: the changed projects with their checkpoints and entries; the calendar pinned; what reminds looked
    at anew; the batch's entry. The scheduler goes over the batch once more (`apply_due`), for an act that waited for a
    project's lock meanwhile had already read which calendar the batch has.

    Raises:
        PreviewStale: anything the preview showed has changed since; look at a new preview.
        Forbidden, Unreadable: as the preview; or there is no reason.
        NotFound: the batch is not there any more.
    """
    may_manage(caller)
    why = note_of(reason)
    if why is None:
        raise Unreadable(Text("须写明理由", "a reason is needed"))
    tx.one(WAIT, of=_lock_name(batch["id"]))
    row = tx.one(BY_ID, wanted=batch["id"])
    if row is None:
        raise NotFound(Text("没有此批次", "there is no such batch"))
    present, arrangement = _read(tx, row, text)
    shown = Shown.of(caller, row, arrangement)
    _replan(tx, log, caller, row, arrangement.calendar, why, shown)
    if shown.digest != digest:
        raise PreviewStale(
            Text(
                "预览之后情况有变，日历未采用；请重新预览后再提交",
                "something changed after the preview; the calendar was not adopted: preview again and commit that",
            ),
            given=digest[:64],
            present=shown.digest,
        )
    look_again(tx, batch=row["id"])
    calendar = arrangement.calendar
    pinned = pin(tx, "calendar", calendar.version, arrangement.text, caller.now)
    tx.queue(SET_CALENDAR, of=row["id"], calendar=pinned, applied=calendar.version)
    changes = [
        Change("/calendar_hash", row["calendar_hash"], pinned),
        Change("/calendar", present.version, calendar.version),
        Change("/digest", None, digest),
        *_counted(shown.counts),
    ]
    receipt = tell(tx, log, caller, row["id"], "batch.calendar_adopted", changes, why)
    return Adopted(row["id"], calendar.version, pinned, shown.counts, receipt)


def due_batches(tx: Transaction) -> list[str]:
    """Return the batches whose projects have still to be planned by the calendar now in force for them, by id."""
    return [row["id"] for row in tx.fetch(STATES) if _is_due(tx, row)]


def apply_due(tx: Transaction, log: Log, caller: Caller, batch: str | None = None) -> int:
    """Plan the projects of one batch by the calendar now in force for it; return how many batches were done, 0 or 1.

    Takes this batch, or the first that is due and that no other process is at; call it, each time in a transaction of
    its own, until it returns 0. A batch is due when it was last gone over with another release of the State Council's
    calendars or with another calendar of its own, or never. A process with an older release leaves it alone.
    """
    for name in [batch] if batch else due_batches(tx):
        claimed = tx.one(CLAIM, of=_lock_name(name))
        row = tx.one(BY_ID, wanted=name) if claimed and claimed["mine"] else None
        if row is not None and _is_due(tx, row):  # read again: another process may have been at it
            _apply(tx, log, caller, row)
            return 1
    return 0


def _apply(tx: Transaction, log: Log, caller: Caller, row: Row) -> None:
    calendar, shown = rules_of_row(tx, row).calendar, Shown()
    _replan(tx, log, caller, row, calendar, None, shown)
    if shown.counts.projects or row["calendar_applied"] is not None:
        look_again(tx, batch=row["id"])
    edition = _edition(calendar)
    tx.queue(SET_CALENDAR, of=row["id"], calendar=row["calendar_hash"], applied=edition)
    changes = [Change("/calendar_applied", row["calendar_applied"], edition), *_counted(shown.counts)]
    tell(tx, log, caller, row["id"], "batch.calendar_applied", changes)


def _replan(
    tx: Transaction, log: Log, caller: Caller, batch: Row, calendar: Calendar, reason: str | None, shown: Shown
) -> None:
    keys = audit.keys_of(tx, person_of(caller))
    for changed in replanned(tx, batch["id"], calendar, caller.now, lock=True):
        for item in changed:
            shown.add(item)
        write_many(tx, log, caller, changed, reason, keys)


def _read(tx: Transaction, batch: Row, text: str) -> tuple[Calendar, Arrangement]:
    """Return the batch's present calendar, and the one that the text makes."""
    present = rules_of_row(tx, batch).calendar
    try:
        arrangement = read_arrangement(text, present)
    except BadHolidays as bad:
        faults = [fault.to_dict() for fault in bad.faults]
        zh = "；".join(f"{fault.place.zh}：{fault.message.zh}" for fault in bad.faults)
        raise Unreadable(Text(f"日历无法采用。{zh}", f"the calendar cannot be taken: {bad}"), faults=faults) from bad
    digest = hashlib.sha256(arrangement.text.encode()).hexdigest()
    if digest == batch["calendar_hash"]:
        raise Unreadable(Text("本批次已在使用这份日历", "the batch already counts by this calendar"))
    if tx.one(SAME_NAME, named=arrangement.calendar.version, mine=digest):
        name = arrangement.calendar.version
        raise Unreadable(
            Text(f"名称{name}已用于另一份日历，请换一个名称", f"another calendar is called {name}: choose another name")
        )
    return present, arrangement


def _counted(counts: Counts) -> list[Change]:
    return [Change(f"/replanned/{name}", None, number) for name, number in counts.to_dict().items()]


def _is_due(tx: Transaction, batch: Row) -> bool:
    applied, edition = batch["calendar_applied"], _edition(rules_of_row(tx, batch).calendar)
    return applied is None or (applied != edition and _release_of(applied) <= _release_of(edition))


def _edition(calendar: Calendar) -> str:
    """Return a calendar's version with the release that its base came in: a later release may correct a year."""
    return f"{calendar.version} {_release()}"


@cache
def _release() -> str:
    return version(PACKAGE)


def _release_of(edition: str) -> tuple[int, ...]:
    """Return the release in an edition as numbers that can be compared; nothing where it names none."""
    return tuple(int(number) for number in re.findall(r"\d+", edition.partition(" ")[2]))


def _lock_name(batch: str) -> str:
    return f"calendar/{batch}"
