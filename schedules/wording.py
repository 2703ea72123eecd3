"""What a message says: a plan's words with their places filled in, as plain text, HTML and JSON, in both languages."""

import html
import re
import string
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from schedules.invitations import Entry, calendar
from schedules.parcels import Parcel
from states.reminders import PLACES, KindOfNotice, ReminderPlan

SUBJECT_LIMIT = 150
LINE_LIMIT = 200
SMS_LIMIT = 140  # the least that a gateway takes as one message
# What may not stand in a header or a list: controls, line breaks of any kind, marks that turn the writing around.
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
_DATES = ("due_on", "old_due_on")
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_SHOWN = ("code", "title", "lead", "city", "state", "event", "checkpoint", "days", "overdue_days")


class Item(NamedTuple):
    """One notice of a message. `places` holds a text for each of `states.reminders.PLACES`.

    `uid` is `schedules.invitations.place` of its checkpoint, "" where there is none; `sequence` its version.
    `checkpoint` is the kind of checkpoint, by which a plan may have words of its own. `planned_for` is when it ought to
    have been told, as people write an instant, where it comes late. `english` are the places that the English words
    have otherwise: labels.
    """

    kind: KindOfNotice
    places: Mapping[str, str]
    uid: str = ""
    due_on: date | None = None
    sequence: int = 0
    occasion: str = ""
    provisional: bool = False
    checkpoint: str = ""
    planned_for: str = ""
    english: tuple[tuple[str, str], ...] = ()


class Sentences(NamedTuple):
    """A kind's words with the places filled in."""

    subject_zh: str
    subject_en: str
    zh: str
    en: str


class Preview(NamedTuple):
    """What a message would look like."""

    subject: str
    text: str
    html: str


def parcel(
    message_id: str,
    channel: str,
    target: str,
    secret: str | None,
    items: Sequence[Item],
    plan: ReminderPlan,
    origin: str,
    at: datetime,
) -> Parcel:
    """Return the message that tells these items (at least one): one in its own words, several as a digest.

    What is said depends on nothing but the arguments, so a message that is sent again says the same. A place that
    the words name and an item lacks stays as it is written in the plan: a fault of the words never stops a delivery.
    """
    said = _said(items, plan)
    parts = [_fill(item, plan) for item in items]
    return Parcel(
        id=message_id,
        channel=channel,
        target=target,
        secret=secret,
        subject=_subject(said),
        text=_text(channel, message_id, said, parts),
        html=_html(message_id, said, items),
        calendar=_calendar(items, plan, origin, at) if channel == "email" else None,
        data=_data(message_id, said, items, at),
        at=at,
    )


def preview(
    plan: ReminderPlan, kind: KindOfNotice, places: Mapping[str, str] | None = None, checkpoint: str = ""
) -> Preview:
    """Return what a kind's words look like; places that are not given are filled with invented ones."""
    item = Item(kind, {**SAMPLE, **(places or {})}, "", date(2025, 2, 28), checkpoint=checkpoint, english=SAMPLE_LABELS)
    items = [item, item._replace(kind="before")] if kind == "digest" else [item]
    said = _fill(item, plan)
    message = "00000000-0000-0000-0000-000000000000"
    text = _text("email", message, said, [_fill(each, plan) for each in items])
    return Preview(_subject(said), text, _html(message, said, items))


def one_line(text: str, limit: int = LINE_LIMIT) -> str:
    """Return a text fit for a header: no line breaks or controls, at most so many characters."""
    line = " ".join(_BREAKS.sub(" ", text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _said(items: Sequence[Item], plan: ReminderPlan) -> Sentences:
    if len(items) == 1:
        return _fill(items[0], plan)
    first = items[0].places
    shared = {name: first[name] for name in first if all(item.places.get(name) == first[name] for item in items)}
    places = {**dict.fromkeys(PLACES, ""), **shared, "count": str(len(items))}
    english = tuple((name, text) for name, text in items[0].english if name in shared)
    return _fill(Item("digest", places, english=english), plan)


def _fill(item: Item, plan: ReminderPlan) -> Sentences:
    words = plan.worded(item.kind, item.checkpoint)
    places = {name: _CONTROL.sub(" ", value) for name, value in item.places.items()}
    english = {**places, **dict(item.english)}
    chinese = {**places, **{name: _in_chinese(places[name]) for name in _DATES if name in places}}
    subject_zh, zh = (string.Template(text).safe_substitute(chinese).strip() for text in (words.subject_zh, words.zh))
    subject_en, en = (string.Template(text).safe_substitute(english).strip() for text in (words.subject_en, words.en))
    if item.planned_for:
        subject_zh, subject_en = f"【补发】{subject_zh}", f"Sent late: {subject_en}"
        day, _, clock = item.planned_for.partition(" ")
        zh = f"{zh}\n（本提醒原定{_in_chinese(day)}{clock}发出，因故延误，现予补发。）"
        en = f"{en}\n(This reminder was planned for {item.planned_for} and is sent late.)"
    return Sentences(one_line(subject_zh), one_line(subject_en), zh, en)


def _in_chinese(day: str) -> str:
    """Return an ISO date as it stands in a Chinese document; anything else as it is."""
    found = _ISO.fullmatch(day)
    return f"{found[1]}年{int(found[2])}月{int(found[3])}日" if found else day


def _subject(said: Sentences) -> str:
    """Return the Chinese subject, with the English one behind it where there is room."""
    both = f"{said.subject_zh} | {said.subject_en}"
    return both if len(both) <= SUBJECT_LIMIT else one_line(said.subject_zh, SUBJECT_LIMIT)


def _text(channel: str, message_id: str, said: Sentences, parts: Sequence[Sentences]) -> str:
    """Return the plain text. Its last line is the number by which a repetition is known; SMS has the subject only."""
    number = f"编号 {message_id}"
    if channel == "sms":
        return f"{one_line(said.subject_zh, SMS_LIMIT - 1 - len(number))}\n{number}"
    listed_zh = [f"{place}. {part.subject_zh}" for place, part in enumerate(parts, 1)] if len(parts) > 1 else []
    listed_en = [f"{place}. {part.subject_en}" for place, part in enumerate(parts, 1)] if len(parts) > 1 else []
    head = [said.subject_zh] if channel == "chat" else []  # robots show no subject
    return "\n\n".join([*head, "\n".join([said.zh, *listed_zh]), "\n".join([said.en, *listed_en]), number])


_CELL = "border:1px solid #999999;padding:6px 10px;text-align:left;vertical-align:top;"
_FONT = "font-family:'Microsoft YaHei','SimSun',Arial,sans-serif;font-size:14px;line-height:1.6;color:#222222;"
_COLUMNS = (("事项", "Item"), ("项目", "Project"), ("牵头单位", "Lead"), ("截止日期", "Due"))


def _html(message_id: str, said: Sentences, items: Sequence[Item]) -> str:
    """Return the message as HTML of tables and inline styles only, which is what Outlook and WPS show faithfully."""
    head = "".join(
        f'<th style="{_CELL}background-color:#f0f0f0;">{zh}<br><span style="color:#666666;">{en}</span></th>'
        for zh, en in _COLUMNS
    )
    rows = "".join(
        "<tr>" + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in _cells(item)) + "</tr>" for item in items
    )
    return (
        '<!DOCTYPE html><html lang="zh-CN"><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8">'
        f'<title>{html.escape(said.subject_zh)}</title></head><body style="{_FONT}">'
        f'<p style="{_FONT}">{_lines(said.zh)}</p>'
        f'<table border="0" cellpadding="0" cellspacing="0" style="border-collapse:collapse;{_FONT}">'
        f"<tr>{head}</tr>{rows}</table>"
        f'<p style="{_FONT}color:#666666;" lang="en">{_lines(said.en)}</p>'
        f'<p style="font-size:12px;color:#999999;">编号 {html.escape(message_id)}</p></body></html>'
    )


def _cells(item: Item) -> list[str]:
    """Return what a row of the table says of an item, escaped: what to do, of which project, whose, by when."""
    places = item.places
    project = " ".join(part for part in (places.get("code", ""), places.get("title", "")) if part)
    due = places.get("due_on", "") + places.get("provisional", "")
    what = places.get("checkpoint") or places.get("event") or ""
    return [html.escape(_CONTROL.sub(" ", cell)) or "&nbsp;" for cell in (what, project, places.get("lead", ""), due)]


def _lines(text: str) -> str:
    return html.escape(text).replace("\n", "<br>")


def _data(message_id: str, said: Sentences, items: Sequence[Item], at: datetime) -> dict[str, Any]:
    """Return what a webhook gets: `type`, `timestamp` and `data`, as Standard Webhooks recommends."""
    stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    listed = [
        {
            "kind": item.kind,
            "occasion": item.occasion,
            "checkpoint_uid": item.uid or None,
            "due_on": item.due_on.isoformat() if item.due_on else None,
            "provisional": item.provisional,
            "late": bool(item.planned_for),
            **{name: item.places.get(name, "") for name in _SHOWN},
        }
        for item in items
    ]
    return {
        "type": "reminder.digest" if len(items) > 1 else f"reminder.{items[0].kind}",
        "timestamp": stamp,
        "data": {"id": message_id, "subject": {"zh": said.subject_zh, "en": said.subject_en}, "items": listed},
    }


def _calendar(items: Sequence[Item], plan: ReminderPlan, origin: str, at: datetime) -> bytes | None:
    """Return the dates still ahead as a calendar file; of one checkpoint told twice, its later version only."""
    newest: dict[str, Entry] = {}
    for item in items:
        if not item.uid or item.due_on is None or item.due_on < at.date():
            continue
        if item.uid in newest and newest[item.uid].sequence >= item.sequence:
            continue
        said = _fill(item, plan)
        places = item.places
        newest[item.uid] = Entry(
            uid=item.uid,
            sequence=item.sequence,
            due_on=item.due_on,
            summary=f"{places.get('checkpoint', '')}：{places.get('title', '')}",
            description=f"{said.zh}\n\n{said.en}",
            changed_at=at,
            provisional=item.provisional,
        )
    return calendar(newest.values(), origin) if newest else None


SAMPLE: Mapping[str, str] = {
    "recipient": "张三",
    "role": "省厅经办人",
    "actor": "李四",
    "note": "请尽快办理。",
    "count": "2",
    "batch": "示例批次",
    "code": "示例-00001",
    "title": "示例项目",
    "lead": "示例单位",
    "city": "济南",
    "state": "已公布（实施中）",
    "event": "公布",
    "checkpoint": "半年期验收截止",
    "due_on": "2025-02-28",
    "old_due_on": "2025-02-20",
    "provisional": "（暂定）",
    "days": "7",
    "overdue_days": "3",
}
SAMPLE_LABELS = (
    *(("city", "Jinan"), ("state", "published, under way"), ("event", "publication")),
    *(("checkpoint", "half-year window ends"), ("provisional", " (provisional)")),
)
