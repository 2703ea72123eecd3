"""Missing sheets chased 催办: a recorded act, told to the expert through the outbox, no oftener than the plan says."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from lifecycle import announcements
from lifecycle.audit import Change, Log, person_of
from lifecycle.batches import BY_ID as BATCH
from lifecycle.batches import rules_of
from lifecycle.callers import Caller
from lifecycle.canonical import instant
from lifecycle.database import Transaction
from lifecycle.errors import NotOffered, TooSoon
from lifecycle.panels.panel import EXPERTS, PROJECTS, SCORING, Done, lock_panel, may_lead, record
from lifecycle.panels.panel import expert as _expert
from lifecycle.panels.rounds import missing_sheets
from lifecycle.requests import note_of
from lifecycle.sets import update_many
from states.findings import Text

EVENT = "sheets_missing"
NOTE_LENGTH = 500
SECOND = timedelta(seconds=1)


def chase_sheets(
    tx: Transaction,
    log: Log,
    caller: Caller,
    panel: str,
    logins: Sequence[str] | None = None,
    note: str | None = None,
) -> Done:
    """Ask experts whose sheets are missing to get on with them (None: all who may be asked again by now).

    Effects, in order: when each was asked, announcements, log entry. The note enters the log as a commitment.

    Raises:
        NotFound, NotOffered: as `lock_panel`; or nothing is missing of those named.
        Forbidden: the caller may not lead panels.
        TooSoon: everybody was asked within the plan's hours; `again_at` says when the first may be asked again.
        Unreadable: the note is not what it should be.
    """
    may_lead(caller)
    held = lock_panel(tx, panel, (SCORING,))
    text = note_of(note, NOTE_LENGTH)
    experts = {row["person_id"]: row for row in tx.fetch(EXPERTS, panel=held.id)}
    wanted = set(logins) if logins is not None else None
    missing: dict[str, list[str]] = {}
    for sheet in missing_sheets(tx, held.id):
        row = experts.get(sheet["person_id"])
        if row is not None and row["active"] and (wanted is None or row["login"] in wanted):
            missing.setdefault(row["person_id"], []).append(sheet["project_id"])
    if not missing:
        raise NotOffered(Text("没有可催办的评分表", "no sheet is missing that could be chased"), [])
    batch = tx.one(BATCH, wanted=held.row["batch_id"])
    assert batch is not None
    rules = rules_of(tx, batch)
    every = timedelta(hours=rules.reminders.limits.chase_every_hours)
    again = {person: experts[person]["chased_at"] + every for person in missing if experts[person]["chased_at"]}
    now_possible = sorted(person for person in missing if again.get(person, caller.now) <= caller.now)
    if not now_possible:
        raise _too_soon(caller, min(again.values()), rules.policy.policy.zone, every)
    versions = {row["id"]: row for row in tx.fetch(PROJECTS, panel=held.id)}
    due_on = held.row["due_on"]
    told = {"panel": held.id, "title": held.row["title"], "number": held.row["number"], "note": text}
    told |= {"due_on": due_on.isoformat() if due_on else ""}
    for person in now_possible:
        first = versions[min(missing[person])]
        details = {**told, "person": person, "count": len(missing[person])}
        announcements.write(tx, announcements.announcement(caller, first, first["version"], EVENT, details))
    tx.flush()
    rows = [{"panel_id": held.id, "person_id": person, "chased_at": caller.now} for person in now_possible]
    update_many(tx, _expert, ["panel_id", "person_id"], rows)
    changes = [Change("/chased", None, {"expert": person, "missing": len(missing[person])}) for person in now_possible]
    if text:
        changes.append(Change("/chased/note", None, text, person_of(caller)))
    chased = [{"login": experts[person]["login"], "missing": len(missing[person])} for person in now_possible]
    return record(tx, log, caller, held, "panel.chased", changes, moves=False, told={"chased": chased})


def _too_soon(caller: Caller, again_at: datetime, zone: str, every: timedelta) -> TooSoon:
    hours = every // timedelta(hours=1)
    at = again_at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
    return TooSoon(
        Text(
            f"同一专家{hours}小时内只催办一次；{at}起可再次催办",
            f"an expert is chased once in {hours} hours; it is possible again from {at} on",
        ),
        again_at=instant(again_at),
        retry_after=max(1, -(-(again_at - caller.now) // SECOND)),
        limit=hours,
        per="expert",
    )
