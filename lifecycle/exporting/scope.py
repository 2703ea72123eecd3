"""What is taken away of the log: all of it, a batch or a project; its sealed entries, by place or stream by stream."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import sqlalchemy as sa

from lifecycle.attempts import SUBJECTS
from lifecycle.database import Transaction
from lifecycle.errors import NotFound
from lifecycle.redaction.register import STREAM as REDACTIONS
from lifecycle.requests import is_identifier
from lifecycle.seal.ends import STREAM as HEADS
from lifecycle.seal.keyring import STREAM as KEYS
from lifecycle.sets import for_both, select_many, within
from lifecycle.statements import Row, Statement
from lifecycle.tables import Batch, Disclosure, Entry, Leaf, Project, SealedStream
from states.findings import Text

_entry = Entry.__table__  # type: ignore[attr-defined]
_leaf = Leaf.__table__  # type: ignore[attr-defined]
_disclosure = Disclosure.__table__  # type: ignore[attr-defined]
_batch = Batch.__table__  # type: ignore[attr-defined]
_project = Project.__table__  # type: ignore[attr-defined]
_sealed = SealedStream.__table__  # type: ignore[attr-defined]

Kind = Literal["log", "batch", "project"]
CHUNK = 2_000  # entries at a time
STREAMS = 200  # streams whose lengths are asked for at a time

_COLUMNS = (_leaf.c.index, _leaf.c.hash, *_entry.c)
BY_INDEX = Statement(
    sa.select(*_COLUMNS)
    .join(_entry, _entry.c.id == _leaf.c.entry_id)
    .where(_leaf.c.index >= sa.bindparam("first"), _leaf.c.index < sa.bindparam("end"))
    .order_by(_leaf.c.index)
)
BY_STREAM = for_both(
    lambda d: (
        sa.select(*_COLUMNS)
        .join(_entry, _entry.c.id == _leaf.c.entry_id)
        .where(
            within(_entry.c.stream, "streams", d),
            _entry.c.seq > sa.bindparam("after"),
            _entry.c.seq <= sa.bindparam("to"),
        )
        .order_by(_entry.c.stream, _entry.c.seq)
    )
)
LENGTHS = for_both(
    lambda d: (
        sa.select(_entry.c.stream, sa.func.max(_entry.c.seq).label("length"))
        .where(within(_entry.c.stream, "streams", d))
        .group_by(_entry.c.stream)
    )
)
NEXT_STREAMS = Statement(
    sa.select(_sealed.c.stream)
    .where(_sealed.c.stream > sa.bindparam("after"), _sealed.c.stream.like(sa.bindparam("kind")))
    .order_by(_sealed.c.stream)
    .limit(sa.literal(STREAMS, sa.Integer()))
)
DISCLOSED = for_both(lambda d: sa.select(_disclosure).where(within(_disclosure.c.entry_id, "entries", d, "uuid")))
BATCH = Statement(
    sa.select(_batch.c.id, _batch.c.code).where(
        sa.or_(_batch.c.id == sa.bindparam("one", type_=_batch.c.id.type), _batch.c.code == sa.bindparam("code"))
    )
)
PROJECT = Statement(sa.select(_project.c.id, _project.c.code).where(_project.c.id == sa.bindparam("wanted")))
NOBODY = "00000000-0000-0000-0000-000000000000"


def _of_batch(table: sa.Table) -> Statement:
    return Statement(sa.select(table.c.id).where(table.c.batch_id == sa.bindparam("batch")).order_by(table.c.id))


WITH_BATCH = {kind: _of_batch(table) for kind, table in SUBJECTS.items() if "batch_id" in table.c}


class Scope(NamedTuple):
    """What a bundle is about; `streams`: None for the whole log. Keys, heads, redactions are in every bundle."""

    kind: Kind
    id: str | None = None
    code: str | None = None
    streams: Sequence[str] | None = None

    def alone(self) -> "Scope":
        """Return the scope without the log's own streams of keys and heads; the whole log is what it is."""
        if self.streams is None:
            return self
        return self._replace(streams=[name for name in self.streams if name not in (KEYS, HEADS)])


def scope_of(tx: Transaction, kind: Kind, name: str | None) -> Scope:
    """Return the scope: the log, a batch by code or id with all that belongs to it, or a project by id.

    Raises:
        NotFound: there is no such batch or project.
    """
    if kind == "log":
        return Scope("log")
    asked = name or ""
    if kind == "batch":
        row = tx.one(BATCH, one=asked if is_identifier(asked) else NOBODY, code=asked)
    else:
        row = tx.one(PROJECT, wanted=asked) if is_identifier(asked) else None
    if row is None:
        raise NotFound(Text("没有此批次或项目", "there is no such batch or project"))
    own = [f"{kind}/{row['id']}"]
    if kind == "batch":
        for subject, statement in WITH_BATCH.items():
            own += [f"{subject}/{found['id']}" for found in tx.fetch(statement, batch=row["id"])]
    return Scope(kind, row["id"], row["code"], (KEYS, HEADS, REDACTIONS, *own))


def entries_of(tx: Transaction, scope: Scope, size: int) -> Iterator[list[Row]]:
    """Yield the sealed entries of a scope in the tree of this size, some thousand at a time.

    Of the whole log by their place in the tree; otherwise stream by stream, those of keys and heads first.
    """
    if scope.streams is not None:
        yield from entries_by_stream(tx, scope, size)
        return
    for first in range(0, size, CHUNK):
        yield tx.fetch(BY_INDEX, first=first, end=min(size, first + CHUNK))


def entries_by_stream(tx: Transaction, scope: Scope, size: int, kind: str = "") -> Iterator[list[Row]]:
    """Yield the sealed entries of a scope stream by stream, some thousand at a time, however long a stream is.

    `kind` chooses streams by how their names begin, such as `project/`.
    """
    for some in _streams(tx, scope, kind):
        lengths = {row["stream"]: row["length"] for row in select_many(tx, LENGTHS, "streams", some)}
        for together in _together([name for name in some if name in lengths], lengths):
            for after in range(0, max(lengths[name] for name in together), CHUNK):
                rows = select_many(tx, BY_STREAM, "streams", together, after=after, to=after + CHUNK)
                yield [row for row in rows if row["index"] < size]


def number_of(tx: Transaction, scope: Scope, size: int) -> int:
    """Return how many entries a scope has; of a part, those not sealed yet are counted too."""
    if scope.streams is None:
        return size
    return sum(row["length"] for some in _streams(tx, scope, "") for row in select_many(tx, LENGTHS, "streams", some))


def _streams(tx: Transaction, scope: Scope, kind: str) -> Iterator[Sequence[str]]:
    if scope.streams is not None:
        names = [name for name in scope.streams if name.startswith(kind)]
        yield from (names[at : at + STREAMS] for at in range(0, len(names), STREAMS))
        return
    found = [row["stream"] for row in tx.fetch(NEXT_STREAMS, after="", kind=f"{kind}%")]
    while found:
        yield found
        found = [row["stream"] for row in tx.fetch(NEXT_STREAMS, after=found[-1], kind=f"{kind}%")]


def _together(streams: Sequence[str], lengths: Mapping[str, int]) -> Iterator[list[str]]:
    """Yield streams that are read at once: so many that they come to no more than `CHUNK` entries, or one long one."""
    held: list[str] = []
    number = 0
    for name in streams:
        if held and number + lengths[name] > CHUNK:
            yield held
            held, number = [], 0
        held.append(name)
        number += lengths[name]
    if held:
        yield held


def disclosures_of(tx: Transaction, rows: Sequence[Row]) -> list[Row]:
    """Return the disclosures of these entries, in the entries' order."""
    order = {row["id"]: number for number, row in enumerate(rows)}
    found = select_many(tx, DISCLOSED, "entries", list(order))
    return sorted(found, key=lambda row: (order[row["entry_id"]], row["path"]))
