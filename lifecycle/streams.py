"""Projects' streams played from the first entry on: the chain verified, commitments opened, the snapshot rebuilt."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import takewhile
from typing import Any, NamedTuple

import sqlalchemy as sa

from lifecycle.canonical import ZERO_HASH, NotCanonical, instant, leaf_hash, parse_canonical
from lifecycle.commitments import Disclosure, commitments_in, is_commitment, opens
from lifecycle.database import Transaction
from lifecycle.sets import for_both, select_many, within
from lifecycle.snapshots import ABOUT_ACT, NESTED
from lifecycle.statements import Row
from lifecycle.tables import Disclosure as DisclosureRow
from lifecycle.tables import Entry

_entry = Entry.__table__  # type: ignore[attr-defined]
_disclosure = DisclosureRow.__table__  # type: ignore[attr-defined]

ENTRIES = for_both(
    lambda d: sa.select(_entry).where(within(_entry.c.stream, "streams", d)).order_by(_entry.c.stream, _entry.c.seq)
)
DISCLOSURES = for_both(
    lambda d: (
        sa.select(_disclosure)
        .join(_entry, _entry.c.id == _disclosure.c.entry_id)
        .where(within(_entry.c.stream, "streams", d))
    )
)


class Withheld(NamedTuple):
    """The place of a value whose disclosure is not there: the log still holds its commitment."""

    entry: str
    path: str


@dataclass(slots=True)
class Played:
    """A stream played to its end: the project as its entries tell it, the head, and what does not hold together."""

    columns: dict[str, Any] = field(default_factory=dict)
    checkpoints: dict[str, Any] = field(default_factory=dict)  # kind/number -> due date
    capacities: dict[str, int] = field(default_factory=dict)  # pool/key -> what the project holds
    seq: int = 0
    leaf: bytes = ZERO_HASH
    created_at: str | None = None
    changed_at: str | None = None
    private: set[str] = field(default_factory=set)  # paths whose values the log holds as commitments
    problems: list[str] = field(default_factory=list)
    ended: bool = True  # no entry of the stream follows
    unopened: list[Withheld] = field(default_factory=list)  # commitments of any entry whose disclosures are not there


Opener = Mapping[tuple[str, str], Disclosure]


class Cut(NamedTuple):
    """How far a stream is played: to an entry's number, a version of its subject, or an instant that is not in it."""

    seq: int | None = None
    version: int | None = None
    before: datetime | None = None

    def takes(self, entry: Row) -> bool:
        """Return whether an entry still belongs to what is played; a version is told by the entry's body."""
        if self.seq is not None:
            return bool(entry["seq"] <= self.seq)
        if self.version is not None:
            return bool(parse_canonical(entry["body"])["subject"]["version"] <= self.version)
        return self.before is None or bool(entry["at"] < self.before)


WHOLE = Cut()


def bounded(rows: Sequence[Row], most: int) -> Sequence[Row]:
    """Return as many of the projects' rows as have no more entries together than `most`, and one at least."""
    total = 0
    for number, row in enumerate(rows):
        total += row["head_seq"]
        if total > most and number:
            return rows[:number]
    return rows


def play(tx: Transaction, projects: Sequence[str], cuts: Mapping[str, Cut] | None = None) -> Iterator[Played]:
    """Play the streams of these projects and return them in the order asked; two reads for all.

    `cuts` says of a project how far: nothing that came later is in what is returned.
    """
    streams = [f"project/{project}" for project in projects]
    entries: dict[str, list[Row]] = {stream: [] for stream in streams}
    for row in select_many(tx, ENTRIES, "streams", streams):
        entries[row["stream"]].append(row)
    disclosures = {
        (row["entry_id"], row["path"]): Disclosure(**row) for row in select_many(tx, DISCLOSURES, "streams", streams)
    }
    found = cuts or {}
    played = ((entries[f"project/{project}"], found.get(project, WHOLE)) for project in projects)
    return (_cut(rows, cut, disclosures) for rows, cut in played)


def _cut(rows: Sequence[Row], cut: Cut, disclosures: Opener) -> Played:
    """Play the rows that the cut takes. Where an instant cuts, the next row must continue them: none is missing."""
    taken = list(takewhile(cut.takes, rows))
    played = _play(taken, disclosures)
    played.ended = len(taken) == len(rows)
    if cut.before is not None and taken and not played.ended:
        after = rows[len(taken)]
        try:
            body = parse_canonical(after["body"])
            if (body["seq"], body["prev"]) != (played.seq + 1, played.leaf.hex()):
                played.problems.append(f"entry {after['seq']} does not continue the one before it")
        except (NotCanonical, KeyError, TypeError, ValueError) as error:
            played.problems.append(f"entry {after['seq']} cannot be read: {type(error).__name__}: {error}")
    return played


def _play(entries: Sequence[Row], disclosures: Opener) -> Played:
    played = Played()
    if not entries:
        played.problems.append("there are no entries")
    for entry in entries:
        try:
            body = parse_canonical(entry["body"])
            chain(played, entry, body)
            places = ((body["id"], path) for path, _ in commitments_in(body))
            played.unopened += [Withheld(*place) for place in places if place not in disclosures]
            if body["outcome"] == "success":
                _apply(played, body, disclosures)
        except (NotCanonical, KeyError, TypeError, ValueError) as error:
            played.problems.append(f"entry {entry['seq']} cannot be read: {type(error).__name__}: {error}")
    return played


def chain(played: Played, entry: Row, body: Mapping[str, Any]) -> None:
    """Hold an entry against the one before it, and its columns against its body."""
    leaf = leaf_hash(entry["body"])
    action = body["action"]
    projections = {
        **{name: body[name] for name in ("id", "stream", "seq", "type", "outcome", "at")},
        "actor": body["actor"]["id"],
        "action": action["name"] if action else None,
        "leaf": leaf,
    }
    stored = {**entry, "at": instant(entry["at"])}
    wrong = [name for name, value in projections.items() if stored[name] != value]
    if body["seq"] != played.seq + 1:
        wrong.append(f"seq (after {played.seq})")
    if body["prev"] != played.leaf.hex():
        wrong.append("prev")
    if wrong:
        played.problems.append(f"entry {entry['seq']} does not hold: {', '.join(wrong)}")
    played.seq, played.leaf = body["seq"], leaf


def _apply(played: Played, body: Mapping[str, Any], disclosures: Opener) -> None:
    if played.created_at is None:
        played.created_at = body["at"]
    for index, change in enumerate(body["changes"]):
        path = change["path"]
        old, new = (
            opened(played, body["id"], change[side], f"/changes/{index}/{side}", disclosures) for side in ("old", "new")
        )
        _, head, *rest = path.split("/", 3)  # a capacity's key may itself hold a slash
        if head in ABOUT_ACT:  # the act's own date, say; the project's is told by entered_on and the record
            continue
        if head == "capacities":
            place = "/".join(rest)
            played.capacities[place] = played.capacities.get(place, 0) + new
            continue
        held = played.checkpoints if head == "checkpoints" else played.columns
        name = "/".join(rest) if rest else head
        if head in NESTED:
            held = played.columns.setdefault(head, {})
        before = held.get(name)
        if is_commitment(change["new"]):
            played.private.add(path)
        if before != old and path not in played.private:  # a private value is told once, where it is set
            played.problems.append(f"entry {body['seq']} says that {path} was {old!r}, and it was {before!r}")
        if new is None and (rest or head == "checkpoints"):
            held.pop(name, None)
        else:
            held[name] = new
        if path == "/version":
            played.changed_at = body["at"]


def opened(played: Played, entry: str, value: Any, path: str, disclosures: Opener) -> Any:
    """Return a value of an entry in clear, `Withheld` where its disclosure is gone; one that opens nothing is noted."""
    if not is_commitment(value):
        return value
    disclosure = disclosures.get((entry, path))
    if disclosure is None:
        return Withheld(entry, path)
    if not opens(value, disclosure):
        played.problems.append(f"the disclosure of {path} in entry {entry} does not open its commitment")
    return disclosure.value
