"""The door's own statements as a pgbench script: in the same order, of the same sizes, on random projects."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .capture import Captured

PARAMETER = re.compile(r"%\((\w+)\)s")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# A project's id is made from its number, so that pgbench can name a random one.
PROJECT = "('00000000-0000-7000-8000-' || lpad(:n::text, 12, '0'))::uuid"
# Ids of new rows: 48 bits of the transaction's time, then random ones, in order as UUIDv7 are.
NEW_ID = (
    "(lpad(to_hex((extract(epoch from now()) * 1000)::bigint), 12, '0') || '7{0:03d}80008' "
    "|| lpad(to_hex(:r::bigint), 11, '0'))::uuid"
)


@dataclass(frozen=True, slots=True)
class Script:
    """A pgbench script and the values of its variables (`-D name=value`)."""

    text: str
    values: dict[str, str]
    statements: float  # of one act, on average, with BEGIN and COMMIT


def write_script(acts: Sequence[Captured], subject: str, stripe: int) -> Script:
    """Return a script that carries out one of two acts: which one, the project's version says (even or odd).

    `acts` are the two as captured on the project `subject`; `stripe` is the number of projects that each client has.
    """
    even, odd = sorted(acts, key=lambda act: act.before % 2)
    if (even.before % 2, odd.before % 2) != (0, 1) or "version" not in even.sent[0].first:
        raise ValueError("two acts, captured one after the other, that begin with the read of the project's version")
    values: dict[str, str] = {}
    branches = [_Branch(act, subject, values, letter) for act, letter in ((even, "a"), (odd, "b"))]
    lines = [
        f"\\set n :client_id * {stripe} + random(1, {stripe})",
        "\\set r random(0, 17592186044415)",
        "BEGIN;",
        branches[0].statement(0),
        "\\if :first_version % 2 = 1",
        *(branches[1].statement(place) for place in range(1, len(odd.sent))),
        "\\else",
        *(branches[0].statement(place) for place in range(1, len(even.sent))),
        "\\endif",
        "COMMIT;",
    ]
    return Script("\n".join(lines) + "\n", values, 2 + (len(even.sent) + len(odd.sent)) / 2)


class _Branch:
    """One of the two acts. What its reads bring and its writes need becomes variables, by `\\gset`."""

    def __init__(self, act: Captured, subject: str, values: dict[str, str], letter: str) -> None:
        self.act, self.subject, self.values, self.letter = act, subject, values, letter
        self.new: dict[str, str] = {}
        self.known = {subject: ":first_id"}  # an id that a read brings -> where it is found
        for place, one in enumerate(act.sent):
            for column, value in one.first.items():
                for found, path in _ids(value):
                    variable = f":{self._prefix(place)}{column}"
                    where = f"({variable}::jsonb #>> '{{{path}}}')" if path else variable
                    self.known.setdefault(found, where)

    def statement(self, place: int) -> str:
        """Return a statement in pgbench's spelling, on one line."""
        one = self.act.sent[place]
        text = PARAMETER.sub(lambda match: self._value(place, match[1], one.values[match[1]]), one.sql)
        text = " ".join(text.replace("%%", "%").split())
        return f"{text} \\gset {self._prefix(place)}" if one.first else f"{text};"

    def _prefix(self, place: int) -> str:
        return "first_" if place == 0 else f"{self.letter}{place}_"  # the first read is common to both acts

    def _value(self, place: int, name: str, value: str | None) -> str:
        if value is None:
            return "NULL"
        if place == 0 and value == self.subject:
            return PROJECT
        if place > 0 and value == str(self.act.before + 1):  # the version, or the number in the stream: one up
            return "(:first_version::bigint + 1)"  # no attempt was refused, so both are the same
        if UUID.fullmatch(value):
            return f"{self._id(value)}::uuid"
        variable = f"{self.letter}{place}_{name}"
        self.values[variable] = value
        text = f":{variable}"
        for found in dict.fromkeys(UUID.findall(value)):  # ids inside a stream's name, a JSON value, an array
            text = f"replace({text}::text, '{found}', {self._id(found)}::text)"
        return text

    def _id(self, value: str) -> str:
        """Return where the id comes from: a read, or else it is new."""
        if value in self.known:
            return self.known[value]
        return self.new.setdefault(value, NEW_ID.format(len(self.new)))


def _ids(value: str | None) -> Iterator[tuple[str, str]]:
    """Yield the ids in a column, each with its path where the column is JSON."""
    if value is None:
        return
    if UUID.fullmatch(value):
        yield value, ""
    elif value[0] in "[{":
        yield from _ids_within(json.loads(value), ())


def _ids_within(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(value, str) and UUID.fullmatch(value):
        yield value, ",".join(path)
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in children:
        yield from _ids_within(item, (*path, str(key)))
