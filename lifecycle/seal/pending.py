"""The queue of entries that wait to be sealed: read by queue, examined, put in the order in which they are sealed.

Never by «id greater than the last one»: transactions that commit late would be passed over. A page's bound is only a
place in this one reading, at one instant; the next reading begins at the front again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import sqlalchemy as sa

from lifecycle.canonical import ZERO_HASH
from lifecycle.database import Transaction
from lifecycle.seal.examination import Problem, Writers, examine
from lifecycle.seal.keyring import INTRODUCED, act_of, told
from lifecycle.seal.keyring import STREAM as KEYS
from lifecycle.sets import for_both, insert_many, select_many, update_many, within
from lifecycle.statements import Row, Statement
from lifecycle.tables import Entry, Leaf, Pending, SealedStream

_entry = Entry.__table__  # type: ignore[attr-defined]
_leaf = Leaf.__table__  # type: ignore[attr-defined]
_pending = Pending.__table__  # type: ignore[attr-defined]
_sealed = SealedStream.__table__  # type: ignore[attr-defined]

TOLD = 1000  # problems that one reading tells
KEPT = 4  # times the limit: entries kept in mind because their predecessor has not come yet
_FIRST = "00000000-0000-0000-0000-000000000000"

WAITING = Statement(
    sa.select(_pending.c.entry_id, _entry)
    .join(_entry, _entry.c.id == _pending.c.entry_id, isouter=True)
    .where(_pending.c.entry_id > sa.bindparam("after"))
    .order_by(_pending.c.entry_id)
    .limit(sa.bindparam("most", type_=sa.Integer()))
)
HEADS = for_both(lambda d: sa.select(_sealed).where(within(_sealed.c.stream, "streams", d)))
AT_PLACE = Statement(
    sa.select(_entry.c.id, _pending.c.entry_id)
    .join(_pending, _pending.c.entry_id == _entry.c.id, isouter=True)
    .where(_entry.c.stream == sa.bindparam("of"), _entry.c.seq == sa.bindparam("number"))
)
TAKE = for_both(lambda d: sa.delete(_pending).where(within(_pending.c.entry_id, "taken", d, "uuid")))
LOST = Statement(
    sa.select(_entry.c.id, _entry.c.stream, _entry.c.seq)
    .join(_leaf, _leaf.c.entry_id == _entry.c.id, isouter=True)
    .join(_pending, _pending.c.entry_id == _entry.c.id, isouter=True)
    .where(_leaf.c.entry_id.is_(None), _pending.c.entry_id.is_(None))
    .order_by(_entry.c.stream, _entry.c.seq)
)


class Sound(NamedTuple):
    """An entry that will be sealed."""

    id: str
    leaf: bytes


class Last(NamedTuple):
    """The last sealed entry of a stream."""

    seq: int = 0
    hash: bytes = ZERO_HASH


@dataclass(slots=True)
class Taken:
    """What one reading of the queue found: entries to seal, in order, the streams' new ends, and what is wrong."""

    sound: list[Sound] = field(default_factory=list)
    ends: dict[str, Last] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)  # streams of which nothing was sealed before
    problems: list[Problem] = field(default_factory=list)
    held: int = 0  # entries that wait behind a bad or a missing one
    cut: bool = False  # more came before their predecessors than are kept in mind: another reading will find them


def take(tx: Transaction, origin: str, writers: Writers, limit: int) -> Taken:
    """Read and examine what waits, until `limit` entries are found sound or the queue ends.

    A bad entry is told and left where it is; it holds up its own stream only, whatever else waits before or after it.
    """
    reading = _Reading(origin, writers.heeding(one.act for one in told(tx, sealed=True)), limit, Taken())
    after, whole = _FIRST, False
    while len(reading.taken.sound) < limit and not whole:
        rows = tx.fetch(WAITING, after=after, most=limit)
        whole = len(rows) < limit
        if rows:
            after = rows[-1]["entry_id"]
            reading.page(tx, rows)
    if whole:
        reading.explain(tx)
    reading.taken.held += reading.number
    reading.pardon()
    return reading.taken


Checked = tuple[Row, bool]  # an entry, and whether its writer's signature holds


@dataclass(slots=True)
class _Reading:
    origin: str
    writers: Writers
    limit: int
    taken: Taken
    lasts: dict[str, Last] = field(default_factory=dict)
    blocked: set[str] = field(default_factory=set)
    early: dict[str, list[Checked]] = field(default_factory=dict)  # by stream, entries seen before their predecessor
    number: int = 0  # of the early ones
    introduced: set[str] = field(default_factory=set)  # keys that entries of this reading introduce

    def page(self, tx: Transaction, rows: Sequence[Row]) -> None:
        """Go through a page, stream by stream."""
        gone = [row["entry_id"] for row in rows if row["id"] is None]
        for entry in gone:
            self._tell(Problem("entry-gone", entry))
        found = [row for row in rows if row["id"] is not None]
        streams = {row["stream"] for row in found}
        self._read_lasts(tx, streams)
        checked = list(zip(found, self.writers.all_signed(self.origin, found), strict=True))
        for stream in streams & self.early.keys():
            again = self.early.pop(stream)
            self.number -= len(again)
            checked += again
        for row, signed in sorted(checked, key=_order):
            if len(self.taken.sound) == self.limit:
                return
            self._entry(row, signed)

    def explain(self, tx: Transaction) -> None:
        """Say why entries were left: the whole queue was seen, so what did not come before them is not in it."""
        for stream, rows in self.early.items():
            last, row = self.lasts[stream], min((row for row, _ in rows), key=lambda one: one["seq"])
            before = tx.one(AT_PLACE, of=stream, number=last.seq + 1)
            if before is None:
                self._tell(Problem("gap", row["id"], stream, row["seq"]))
            elif before["entry_id"] is None:
                self._tell(Problem("lost", before["id"], stream, last.seq + 1))

    def pardon(self) -> None:
        """Leave to the next reading what is signed with a key that this one introduces."""
        told = self.taken.problems
        self.taken.problems = [
            one for one in told if one.code not in ("key", "key-ended") or one.detail not in self.introduced
        ]
        self.taken.cut = self.taken.cut or len(self.taken.problems) < len(told)

    def _read_lasts(self, tx: Transaction, streams: set[str]) -> None:
        wanted = sorted(streams - self.lasts.keys())
        known = {row["stream"]: Last(row["seq"], row["hash"]) for row in select_many(tx, HEADS, "streams", wanted)}
        self.taken.begun.update(stream for stream in wanted if stream not in known)
        self.lasts.update({stream: known.get(stream, Last()) for stream in wanted})

    def _entry(self, row: Row, signed: bool) -> None:
        stream, last = row["stream"], self.lasts[row["stream"]]
        if stream in self.blocked:
            self.taken.held += 1
            return
        if row["seq"] > last.seq + 1:
            self._early(stream, row, signed)
            return
        if not signed and row["key_id"] in self.introduced:  # not known yet when the page was verified
            signed = self.writers.signed(self.origin, row)
        body = examine(self.origin, row, self.writers, signed)
        if isinstance(body, Problem):
            self._block(body)
        elif row["seq"] <= last.seq:
            self._block(Problem("seq", row["id"], stream, row["seq"]))
        elif body.get("prev") != last.hash.hex():
            self._block(Problem("prev", row["id"], stream, row["seq"]))
        else:
            self.taken.sound.append(Sound(row["id"], row["leaf"]))
            self.lasts[stream] = self.taken.ends[stream] = Last(row["seq"], row["leaf"])
            act = act_of(body) if stream == KEYS else None
            if act is not None:
                self.writers.heed(act)
                if act.kind == INTRODUCED:
                    self.introduced.add(act.key_id)

    def _early(self, stream: str, row: Row, signed: bool) -> None:
        if self.number < KEPT * self.limit or stream not in self.early:
            self.early.setdefault(stream, []).append((row, signed))
            self.number += 1
        else:
            self.taken.cut = True

    def _block(self, problem: Problem) -> None:
        assert problem.stream is not None
        self.blocked.add(problem.stream)
        self._tell(problem)

    def _tell(self, problem: Problem) -> None:
        if len(self.taken.problems) < TOLD:
            self.taken.problems.append(problem)


def _order(one: Checked) -> tuple[bool, str, int]:
    """Return what a page is sorted by: key acts come last, so that what a retired key signed before is in by then."""
    return one[0]["stream"] == KEYS, one[0]["stream"], one[0]["seq"]


def settle(tx: Transaction, taken: Taken) -> None:
    """Take the sealed entries out of the queue and move their streams' ends."""
    select_many(tx, TAKE, "taken", [one.id for one in taken.sound])
    rows = [{"stream": stream, "seq": last.seq, "hash": last.hash} for stream, last in taken.ends.items()]
    insert_many(tx, _sealed, [row for row in rows if row["stream"] in taken.begun])
    update_many(tx, _sealed, ("stream",), [row for row in rows if row["stream"] not in taken.begun])


def lost(tx: Transaction) -> list[Problem]:
    """Return the entries that are neither sealed nor pending, so somebody emptied the queue. Reads all entries."""
    return [Problem("unqueued", row["id"], row["stream"], row["seq"]) for row in tx.fetch(LOST)]


def requeue(tx: Transaction, problems: Iterable[Problem]) -> None:
    """Put lost entries back into the queue."""
    insert_many(tx, _pending, [{"entry_id": one.entry} for one in problems if one.code == "unqueued"])
