"""Calendar files (iCalendar, RFC 5545): due dates as all-day entries that keep their identity when they move.

A checkpoint's place, its project, kind and number, is what a calendar knows as one entry; each version of it replaces
the one before by a higher SEQUENCE.
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from icalendar import Calendar, Event

from lifecycle.feeds import Dated, FeedContent
from states.findings import Text

PRODUCT = "-//pilot//reminders 1//ZH"
REFRESH = timedelta(hours=6)  # how often a calendar program should ask again
# RFC 5545 has no controls in a text, and some programs end a line at each of these.
_UNFIT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


class Entry(NamedTuple):
    """One due date. `uid` is a place; `changed_at` when this version of it came about (aware UTC)."""

    uid: str
    sequence: int
    due_on: date
    summary: str
    description: str
    changed_at: datetime
    provisional: bool = False
    cancelled: bool = False


def place(project: str, kind: str, number: int) -> str:
    """Return the identity of a checkpoint's place; all its versions share it."""
    return f"{project}-{kind}-{number}"


def domain(origin: str) -> str:
    """Return the host part of the log's name: what stands behind the @ in mail and calendars."""
    return origin.partition("/")[0]


def feed(content: FeedContent, origin: str) -> bytes:
    """Return a calendar feed's content as the file that calendar programs subscribe to."""
    return calendar((_entry(item) for item in content.dates), origin, content.name)


def calendar(entries: Iterable[Entry], origin: str, name: Text | None = None) -> bytes:
    """Return a calendar file of these entries, to be attached or, with a name, to be subscribed to.

    The same entries give the same octets: nothing in it depends on when it is made.
    """
    made = Calendar()
    made.add("PRODID", PRODUCT)
    made.add("VERSION", "2.0")
    made.add("CALSCALE", "GREGORIAN")
    made.add("METHOD", "PUBLISH")
    if name is not None:
        made.add("NAME", name.zh)
        made.add("X-WR-CALNAME", name.zh)
        made.add("X-WR-CALDESC", name.en)
        made.add("REFRESH-INTERVAL", REFRESH, parameters={"VALUE": "DURATION"})
        made.add("X-PUBLISHED-TTL", f"PT{REFRESH // timedelta(hours=1)}H")
    for entry in entries:
        made.add_component(_event(entry, origin))
    return bytes(made.to_ical())


def _entry(item: Dated) -> Entry:
    mark = Text("（暂定）", " (provisional)") if item.provisional else Text("", "")
    description = (
        f"项目：{item.code} {item.title}\n牵头单位：{item.lead}\n截止日期：{item.due_on.isoformat()}{mark.zh}\n\n"
        f"{item.label.en}: {item.code}, due on {item.due_on.isoformat()}{mark.en}"
    )
    return Entry(
        uid=place(item.project_id, item.kind, item.number),
        # The act that ended it came after its version, and whatever opens it again comes after that act.
        sequence=item.version + 1 if item.cancelled else item.version,
        due_on=item.due_on,
        summary=f"{item.label.zh}：{item.title}",
        description=description,
        changed_at=item.changed_at,
        provisional=item.provisional,
        cancelled=item.cancelled,
    )


def _event(entry: Entry, origin: str) -> Event:
    event = Event()
    event.add("UID", f"{entry.uid}@{domain(origin)}")
    changed = entry.changed_at.astimezone(UTC).replace(microsecond=0)
    event.add("DTSTAMP", changed)
    event.add("LAST-MODIFIED", changed)
    event.add("SEQUENCE", entry.sequence)
    event.add("DTSTART", entry.due_on)
    event.add("DTEND", entry.due_on + timedelta(days=1))
    mark = "（暂定）" if entry.provisional else ""
    event.add("SUMMARY", _UNFIT.sub(" ", f"{entry.summary}{mark}"))
    event.add("DESCRIPTION", _UNFIT.sub(" ", entry.description))
    event.add("STATUS", _status(entry))
    event.add("TRANSP", "TRANSPARENT")  # a date to keep does not make the day a busy one
    event.add("X-MICROSOFT-CDO-ALLDAYEVENT", "TRUE")
    return event


def _status(entry: Entry) -> str:
    if entry.cancelled:
        return "CANCELLED"
    return "TENTATIVE" if entry.provisional else "CONFIRMED"
