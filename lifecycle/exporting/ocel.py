"""The log as OCEL 2.0 in JSON: every entry an event, related to each object that it has to do with.

Two passes: by stream for the objects, whose state changes with time, and in the export's order for the events. In
memory are the names of objects without a stream of their own, and 16 bytes for each object told. Values of attributes
are strings, as the standard's schema has them; which type they are of is declared.
"""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import groupby
from typing import Any

import orjson

from lifecycle.database import Transaction
from lifecycle.exporting.events import ATTRIBUTES, Event, Labels, attributes, events
from lifecycle.exporting.facts import TOLD, facts_of, owners_of, told_of
from lifecycle.exporting.sources import Source
from lifecycle.statements import Row

TYPES = {"int": "integer", "string": "string"}
ALWAYS = "1970-01-01T00:00:00Z"  # the standard's instant of what was never otherwise
SOME = 500


class _Object:
    """What is gathered of an object while its stream is read."""

    def __init__(self, name: str, row: Row | None) -> None:
        self.name, self.row = name, row or {}
        self.states: list[tuple[str, str]] = []  # since when, in which state
        self.is_named = False  # streams such as `system/attempts` tell of others only

    def heed(self, event: Event, names: Iterable[str]) -> None:
        self.is_named |= self.name in names
        state = event.action.get("to") if event.body["outcome"] == "success" else None
        if state and event.subject.name == self.name and state != (self.states[-1][1] if self.states else None):
            self.states.append((event.body["at"], state))

    def to_dict(self) -> dict[str, Any]:
        told = [{"name": name, "time": ALWAYS, "value": str(value)} for name, value in told_of(self.row).items()]
        told += [{"name": "state", "time": at, "value": state} for at, state in self.states]
        owners = [{"objectId": name, "qualifier": kind} for kind, name in owners_of(self.row)]
        return {"id": self.name, "type": kind_of(self.name), "attributes": told, "relationships": owners}


class _Told:
    """Which objects were told already, which are still to be, and which kinds there are."""

    def __init__(self) -> None:
        self.kinds: set[str] = set()
        self._told: set[bytes] = set()
        self._others: set[str] = set()

    def tell(self, one: dict[str, Any]) -> dict[str, Any]:
        self._told.add(_digest(one["id"]))
        self.kinds.add(one["type"])
        self._others.discard(one["id"])
        self.note(owner["objectId"] for owner in one["relationships"])
        return one

    def note(self, names: Iterable[str]) -> None:
        self._others.update(name for name in names if _digest(name) not in self._told)

    def others(self) -> list[str]:
        """Return the objects named and not told yet, by name."""
        return sorted(self._others)


def as_ocel(tx: Transaction, source: Source) -> Iterator[bytes]:
    """Yield the entries as OCEL 2.0."""
    labels, told, types = Labels(tx), _Told(), set[str]()
    yield b'{"objects":['
    yield from _listed(_objects(tx, source, labels, told))
    yield b'],\n"events":['
    yield from _listed(_event(event, types) for event in events(source.entries(tx), labels))
    kinds = [{"name": kind, "attributes": _declared(dict.fromkeys((*TOLD, "state"), "string"))}
             for kind in sorted(told.kinds)]  # fmt: skip
    own = _declared({one.code: TYPES[one.kind] for one in ATTRIBUTES})
    yield b'],\n"objectTypes":' + orjson.dumps(kinds)
    yield b',\n"eventTypes":' + orjson.dumps([{"name": name, "attributes": own} for name in sorted(types)]) + b"}\n"


def kind_of(name: str) -> str:
    """Return the type of an object by its name."""
    return name.partition("/")[0]


def _objects(tx: Transaction, source: Source, labels: Labels, told: _Told) -> Iterator[dict[str, Any]]:
    current: _Object | None = None
    for rows in source.by_stream(tx):
        facts = facts_of(tx, dict.fromkeys(row["stream"] for row in rows))
        for stream, some in groupby(events(rows, labels), lambda event: event.row["stream"]):
            if current is None or current.name != stream:
                if current and current.is_named:
                    yield told.tell(current.to_dict())
                current = _Object(stream, facts.get(stream))
            for event in some:
                names = {one.name for one in event.relations()}
                current.heed(event, names)
                told.note(names - {stream})
    if current and current.is_named:
        yield told.tell(current.to_dict())
    while others := told.others():  # their owners may be new ones
        for at in range(0, len(others), SOME):
            facts = facts_of(tx, others[at : at + SOME])
            yield from (told.tell(_Object(name, facts.get(name)).to_dict()) for name in others[at : at + SOME])


def _event(event: Event, types: set[str]) -> dict[str, Any]:
    outcome = event.body["outcome"]
    kind = event.activity if outcome == "success" else f"{event.activity}:{outcome}"
    types.add(kind)
    return {
        "id": event.body["id"],
        "type": kind,
        "time": event.body["at"],
        "attributes": [{"name": one.code, "value": str(value)} for one, value in attributes(event)],
        "relationships": [{"objectId": one.name, "qualifier": one.qualifier} for one in event.relations()],
    }


def _declared(kinds: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in kinds.items()]


def _listed(items: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    """Yield items as members of a JSON list, some hundred at a time."""
    held, begun = [], False
    for item in items:
        held.append(orjson.dumps(item))
        if len(held) == SOME:
            yield (b",\n" if begun else b"\n") + b",\n".join(held)
            held, begun = [], True
    if held:
        yield (b",\n" if begun else b"\n") + b",\n".join(held)


def _digest(name: str) -> bytes:
    return blake2b(name.encode(), digest_size=16).digest()
