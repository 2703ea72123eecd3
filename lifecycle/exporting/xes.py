"""The log as XES (IEEE 1849): one trace a project, with the standard extensions and our own attributes.

Written by hand, an event at a time. The order of elements is the standard's: extensions, globals, classifiers,
attributes of the log, traces; the keys of attributes are XML names, their values text of XML 1.0.
"""

import re
from collections.abc import Iterator

from lifecycle.database import Transaction
from lifecycle.exporting.events import ATTRIBUTES, Event, Labels, attributes, events
from lifecycle.exporting.facts import facts_of
from lifecycle.exporting.sources import Source
from lifecycle.statements import Row

KIND = "project/"
PREFIX, URI = "pilot", "urn:gongfu-pilot:xes:audit:1"
STANDARD = (
    ("Concept", "concept", "http://www.xes-standard.org/concept.xesext"),
    ("Time", "time", "http://www.xes-standard.org/time.xesext"),
    ("Organizational", "org", "http://www.xes-standard.org/org.xesext"),
    ("Lifecycle", "lifecycle", "http://www.xes-standard.org/lifecycle.xesext"),
    ("Identity", "identity", "http://www.xes-standard.org/identity.xesext"),
)
# The standard's lifecycle model: what was refused or failed was begun and came to nothing.
TRANSITIONS = {"success": "complete", "denied": "ate_abort", "failed": "ate_abort"}
GLOBAL = ("index", "leaf", "type", "outcome")  # what every event has
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKUP = re.compile("[&<>\"'\t\n\r]")


def as_xes(tx: Transaction, source: Source) -> Iterator[bytes]:
    """Yield the projects' entries as XES, project by project."""
    yield "".join(_head(source)).encode()
    labels, current = Labels(tx), None
    for rows in source.by_stream(tx, KIND):
        facts = facts_of(tx, dict.fromkeys(row["stream"] for row in rows))
        parts: list[str] = []
        for event in events(rows, labels):
            if event.row["stream"] != current:
                parts.append("</trace>\n<trace>" if current else "<trace>")
                current = event.row["stream"]
                parts += _of_trace(current, facts.get(current, {}))
            parts += _of_event(event)
        yield "".join(parts).encode()
    yield b"</trace>\n</log>\n" if current else b"</log>\n"


def attribute(kind: str, key: str, value: object) -> str:
    """Return an attribute as an element; what XML cannot hold becomes U+FFFD."""
    return f'<{kind} key="{key}" value="{quoted(str(value))}"/>'


def quoted(text: str) -> str:
    """Return text as it stands in an attribute of XML, so that a reader gets back every character of it."""
    plain = _UNPRINTABLE.sub("\ufffd", text)
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", plain)


def _head(source: Source) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield '<log xes.version="1849.2023" xes.features="" xmlns="http://www.xes-standard.org/">\n'
    for name, prefix, uri in (*STANDARD, ("Pilot", PREFIX, URI)):
        yield f'<extension name="{name}" prefix="{prefix}" uri="{uri}"/>\n'
    yield '<global scope="trace">' + attribute("string", "concept:name", "") + "</global>\n"
    yield '<global scope="event">' + attribute("string", "concept:name", "")
    yield attribute("date", "time:timestamp", "1970-01-01T00:00:00Z")
    yield attribute("string", "lifecycle:transition", "complete") + attribute("string", "org:resource", "")
    kinds = {one.code: one.kind for one in ATTRIBUTES}
    for code in GLOBAL:
        yield attribute(kinds[code], f"{PREFIX}:{code}", 0 if kinds[code] == "int" else "")
    yield "</global>\n"
    yield '<classifier name="Activity" scope="event" keys="concept:name lifecycle:transition"/>\n'
    yield f'<classifier name="Outcome" scope="event" keys="concept:name {PREFIX}:outcome"/>\n'
    yield attribute("string", "concept:name", source.head.origin) + attribute("string", "lifecycle:model", "standard")
    yield attribute("string", f"{PREFIX}:scope", source.scope.code or source.scope.kind)
    yield attribute("int", f"{PREFIX}:size", source.head.size)
    yield attribute("string", f"{PREFIX}:root", source.head.root.hex())
    yield attribute("date", f"{PREFIX}:made_at", source.made_at) + "\n"


def _of_trace(stream: str, row: Row) -> Iterator[str]:
    name = stream.removeprefix(KIND)
    yield attribute("string", "concept:name", row.get("code") or name) + attribute("id", "identity:id", name)
    if row:
        yield attribute("string", f"{PREFIX}:city", row["city"]) + attribute("id", f"{PREFIX}:batch", row["batch_id"])
    yield "\n"


def _of_event(event: Event) -> Iterator[str]:
    body, actor = event.body, event.body["actor"]
    yield "<event>" + attribute("string", "concept:name", event.activity)
    yield attribute("date", "time:timestamp", body["at"])
    yield attribute("string", "lifecycle:transition", TRANSITIONS.get(body["outcome"], "unknown"))
    yield attribute("id", "identity:id", body["id"]) + attribute("string", "org:resource", actor["id"])
    for key, value in (("org:role", actor["role"]), ("org:group", actor["org"])):
        if value:
            yield attribute("string", key, value)
    for one, value in attributes(event):
        yield attribute(one.kind, f"{PREFIX}:{one.code}", value)
    yield "</event>\n"
