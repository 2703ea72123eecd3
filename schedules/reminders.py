"""The sweep: what falls due becomes notices, each once. What it plans, the simulator plans by the same function."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

import structlog

from lifecycle import audit, recipients, sweeps
from lifecycle.database import Transaction
from lifecycle.notices import UNREACHED
from lifecycle.recipients import Channels, Crowd, reach_of_row
from lifecycle.requests import is_identifier
from lifecycle.rulebooks import RuleSet, rules_of_row
from lifecycle.statements import Row
from schedules.rechecks import ENDED
from states.audience import Reach, Someone, audience, roles_meant
from states.deadlines import Calendar
from states.planning import BY_HAND
from states.reminders import KindOfNotice, Series, Times
from states.series import Occasion, next_occasion, occasions, send_at

EXPERT = "expert"
LIMIT = 200  # checkpoints, and announcements, in one transaction
PUT_OFF = timedelta(hours=1)  # until what could not be read is tried again
ROLE_LENGTH = 32  # of the column
CHASE, ASSIGNED = "chase", "assigned"  # the announcements that are no lifecycle's events
SHEETS = "sheets_missing"  # and the one for an expert: of his panel, and of no project


_log = structlog.get_logger("pilot.reminders")


class Due(NamedTuple):
    """A checkpoint as its reminders see it.

    `moved`: it took the place of one with another date. `to`: the roles named with a deadline added by hand; else none,
    and the plan says who is told.
    """

    id: str
    project_id: str
    batch_id: str
    kind: str
    version: int
    due_on: date
    provisional: bool
    opened_at: datetime
    moved: bool
    to: tuple[str, ...] = ()


class Told(NamedTuple):
    """Why somebody is told something, and of what."""

    batch_id: str
    project_id: str | None
    checkpoint_id: str | None
    cause: str
    version: int
    kind: KindOfNotice
    occasion: str
    planned_at: datetime
    due_on: date | None
    rule: Mapping[str, Any]


def plan_notices(
    due: Due,
    rules: RuleSet,
    reach: Reach,
    people: Iterable[Someone],
    channels: Channels,
    since: datetime,
    now: datetime,
) -> list[Row]:
    """Return the notices that a checkpoint gives rise to from `since` to `now`, all columns but `id`. Pure.

    Of several for one person and channel only the newest is told, the others are skipped: they were overtaken. What
    somebody was to be told and nobody is there to hear is recorded as skipped too.
    """
    near = list(people)
    found = [(occasion, audience(occasion.to, reach, near)) for occasion in occasions(*_series(due, rules), since, now)]
    newest = {person: occasion for occasion, told in found for person, _ in told}  # they come in order
    rows = []
    for occasion, told in found:
        why = _told(due, rules, occasion)
        for person, role in told:
            for row in _notices(why, person, role, channels, rules, now):
                rows.append(_overtaken(row, now) if newest[person] != occasion else row)
        rows += _nobody(why, occasion.to, told, rules, now)
    return rows


def plan_announced(
    row: Row,
    chased: Row | None,
    rules: RuleSet,
    people: Iterable[Someone],
    channels: Channels,
    now: datetime,
) -> list[Row]:
    """Return the notices of an announcement's row, all columns but `id`. Pure.

    A chase of what has ended meanwhile reaches nobody, and is recorded so.
    """
    plan, details, event = rules.reminders, row["details"], row["event"]
    if event == SHEETS:
        return _of_panel(row, rules, channels, now)
    only: str | None = None
    reach = reach_of_row(row)
    roles: Sequence[str] = plan.events.get(event, ())
    if event == ASSIGNED:
        roles, only = (details["role"],), details["person"]
    elif event == CHASE:
        if chased is None:
            raise ValueError("a chase names no checkpoint")
        roles = _series(due_of_row({**row, **chased}), rules)[0].to
    told = Told(
        row["batch_id"],
        row["project_id"],
        chased["id"] if chased else None,
        f"announcement/{row['id']}",
        row["version"],
        event if event in (CHASE, ASSIGNED) else "event",
        "event",
        datetime.fromisoformat(details["made_at"]) if "made_at" in details else row["at"],
        chased["due_on"] if chased else None,
        _rule(rules, event, chased["due_on"] if chased else None, chased["provisional"] if chased else False),
    )
    ended = ENDED.get(chased["status"]) if chased else None
    reached = [(person, role) for person, role in audience(roles, reach, people) if only in (None, person)]
    notices = [notice for person, role in reached for notice in _notices(told, person, role, channels, rules, now)]
    if ended:
        return [{**notice, "status": "cancelled", "reason": ended, "settled_at": now} for notice in notices]
    return [*notices, *_nobody(told, roles, reached, rules, now)]


def _of_panel(row: Row, rules: RuleSet, channels: Channels, now: datetime) -> list[Row]:
    """Return the notices of a panel's chase: for the expert alone, and of no project, so that no city reads them."""
    details = row["details"]
    due_on = date.fromisoformat(details["due_on"]) if details["due_on"] else None
    told = Told(
        row["batch_id"],
        None,
        None,
        f"announcement/{row['id']}",
        row["version"],
        "scores",
        "event",
        datetime.fromisoformat(details["made_at"]) if "made_at" in details else row["at"],
        due_on,
        _rule(rules, SHEETS, due_on, False),
    )
    return list(_notices(told, details["person"], EXPERT, channels, rules, now))


def looked_at_from(due: Due, rules: RuleSet, next_at: datetime) -> datetime:
    """Return from when on a checkpoint's occasions are to be told, given the instant kept with it.

    The sweep keeps the opening or an occasion there. Anything else means that the series is not what it was then (plan
    or calendar changed), or that it could not be read: then it is gone through from the opening on, and the notices'
    key keeps out what was told already.
    """
    if next_at == due.opened_at or occasions(*_series(due, rules), next_at, next_at):
        return next_at
    return due.opened_at


def queue_due(tx: Transaction, now: datetime, limit: int = LIMIT) -> int:
    """Turn what is due by now into notices and return how many rows were handled; 0: there are none left.

    Takes checkpoints and announcements, up to `limit` of each. Effects: notices, when each checkpoint is to be looked
    at next, announcements marked. The number of statements does not depend on that of the rows. What cannot be read
    is left for an hour later and never stops the others.
    """
    due = sweeps.due_checkpoints(tx, now, limit)
    announced = sweeps.due_announcements(tx, now, limit)
    if not due and not announced:
        return 0
    due, announced = sweeps.with_projects(tx, due, announced)
    chased = sweeps.checkpoints_named(tx, _chased(announced))
    crowd = recipients.crowd_around(tx, map(reach_of_row, (*due, *announced)))
    told_by_name = [row["details"]["person"] for row in announced if row["event"] == SHEETS]
    addresses = recipients.addresses_of(tx, [*crowd.ids, *told_by_name])
    channels = recipients.channels_of(addresses.values())
    looked_at = {row["id"]: _tried(partial(_look_at, tx, row, crowd, channels, now), row, now) for row in due}
    told = {
        row["id"]: _tried(partial(_tell, tx, row, chased.get(_checkpoint_of(row)), crowd, channels, now), row, now)
        for row in announced
    }
    planned = [notice for found in (*looked_at.values(), *told.values()) if found for notice in found.notices]
    sweeps.add_notices(tx, [{"id": audit.new_id(now), **notice} for notice in planned])
    sweeps.move_on(tx, [(name, found.next_at if found else _put_off(now)) for name, found in looked_at.items()])
    sweeps.mark_expanded(tx, [name for name, found in told.items() if found], now)
    sweeps.put_off(tx, [row for row in announced if not told[row["id"]]], _put_off(now))
    return len(due) + len(announced)


class _Planned(NamedTuple):
    """The notices of one row, and when it is to be looked at next."""

    notices: list[Row]
    next_at: datetime | None = None


def _tried(plan: Callable[[], _Planned], row: Row, now: datetime) -> _Planned | None:
    """Plan one row, or None where it cannot be: whatever is wrong with it is its own affair."""
    try:
        return plan()
    except Exception:
        _log.exception("not_planned", id=row["id"], project=row["project_id"], again_at=_put_off(now).isoformat())
        return None


def _look_at(tx: Transaction, row: Row, crowd: Crowd, channels: Channels, now: datetime) -> _Planned:
    rules = rules_of_row(tx, row)
    due = due_of_row(row)
    reach = reach_of_row(row)
    since = looked_at_from(due, rules, row["next_at"])
    following = next_occasion(*_series(due, rules), now)
    notices = plan_notices(due, rules, reach, crowd.near(reach), channels, since, now)
    return _Planned(notices, following.at if following else None)


def _tell(tx: Transaction, row: Row, chased: Row | None, crowd: Crowd, channels: Channels, now: datetime) -> _Planned:
    rules = rules_of_row(tx, row)
    return _Planned(plan_announced(row, chased, rules, crowd.near(reach_of_row(row)), channels, now))


def due_of_row(row: Row) -> Due:
    """Return a checkpoint's row, with its project's columns, as its reminders see it."""
    by_hand = row["deadlines"].get(str(row["number"])) if row["kind"] == BY_HAND else None
    return Due(
        row["id"],
        row["project_id"],
        row["batch_id"],
        row["kind"],
        row["version"],
        row["due_on"],
        row["provisional"],
        row["opened_at"],
        row["replaces"] is not None,
        tuple(by_hand["to"]) if by_hand else (),
    )


def _series(due: Due, rules: RuleSet) -> tuple[Series, Times, date, datetime, bool, Calendar, str]:
    """Return what `states.series` asks about a checkpoint, up to its zone."""
    plan, policy = rules.reminders, rules.policy
    series = plan.series_for(due.kind, policy)
    if due.to:
        series = series.model_copy(update={"to": due.to})
    return series, plan.times, due.due_on, due.opened_at, due.moved, rules.calendar, policy.policy.zone


def _told(due: Due, rules: RuleSet, occasion: Occasion) -> Told:
    return Told(
        due.batch_id,
        due.project_id,
        due.id,
        f"checkpoint/{due.id}",
        due.version,
        occasion.kind,
        occasion.code,
        occasion.at,
        due.due_on,
        _rule(rules, due.kind, due.due_on, due.provisional),
    )


def _rule(rules: RuleSet, series: str, due_on: date | None, provisional: bool) -> dict[str, Any]:
    return {
        "plan": rules.reminders.name,
        "plan_hash": rules.reminders.hash,
        "series": series,
        "calendar": rules.calendar.version,
        "provisional": provisional,
        "due_on": due_on.isoformat() if due_on else None,
    }


def _notices(told: Told, person: str, role: str, channels: Channels, rules: RuleSet, now: datetime) -> Iterator[Row]:
    """Yield a person's notices: the inbox, where it is told as soon as it is written, and the channels outside."""
    plan, zone = rules.reminders, rules.policy.policy.zone
    late = now - told.planned_at > timedelta(minutes=plan.limits.late_after_minutes)
    ways: list[tuple[str, bool | None]] = [("inbox", None), *sorted(channels.get(person, {}).items())]
    for channel, digest in ways:
        inside = digest is None
        leaves = send_at(plan.times, rules.calendar, zone, told.planned_at, bool(digest))
        yield {
            **told._asdict(),
            "recipient": person,
            "role": role,
            "channel": channel,
            "send_at": told.planned_at if inside else leaves,
            "late": late,
            "status": "sent" if inside else "waiting",
            "reason": None,
            "message_id": None,
            "created_at": now,
            "settled_at": now if inside else None,
            "read_at": None,
        }


def _nobody(
    told: Told, names: Iterable[str], reached: Iterable[tuple[str, str]], rules: RuleSet, now: datetime
) -> Iterator[Row]:
    """Yield what goes into the ledger where one of the roles or groups named has nobody who could be told."""
    there = {role for _, role in reached}
    missing = [name for name in dict.fromkeys(names) if there.isdisjoint(roles_meant([name]))]
    if missing:
        row = next(_notices(told, UNREACHED, ",".join(missing)[:ROLE_LENGTH], {}, rules, now))
        yield {**row, "status": "skipped", "reason": "nobody"}


def _overtaken(notice: Row, now: datetime) -> Row:
    return {**notice, "status": "skipped", "reason": "overtaken", "settled_at": now}


def _chased(announced: Iterable[Row]) -> list[str]:
    return sorted({checkpoint for row in announced if (checkpoint := _checkpoint_of(row))})


def _checkpoint_of(row: Row) -> str:
    found = row["details"].get("checkpoint") if row["event"] == CHASE else None
    return found if isinstance(found, str) and is_identifier(found) else ""


def _put_off(now: datetime) -> datetime:
    """Return when to try again: no whole second, so that no occasion is taken for it."""
    return (now + PUT_OFF).replace(microsecond=1)
