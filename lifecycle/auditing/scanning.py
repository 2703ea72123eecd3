"""The log looked through in the tree's order: a bounded stretch of it at a time, whatever is looked for.

The leaf index is order and cursor, the size asked for is the end: what is sealed meanwhile moves nothing. Columns are
compared by the database; what only a body tells is first looked for among its bytes there, then read here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

from lifecycle.attempts import SUBJECTS
from lifecycle.canonical import leaf_hash
from lifecycle.database import Transaction
from lifecycle.errors import NotFound
from lifecycle.seal.ends import PATH, STREAM
from lifecycle.seal.trees import size_of
from lifecycle.sets import for_both
from lifecycle.statements import Row, Statement
from lifecycle.tables import Disclosure, Entry, Leaf
from states.findings import Text

_entry = Entry.__table__  # type: ignore[attr-defined]
_leaf = Leaf.__table__  # type: ignore[attr-defined]
_disclosure = Disclosure.__table__  # type: ignore[attr-defined]

STRETCH = 20_000  # places of the tree that one request looks at
CHUNK = 500  # bodies held at a time
SKEW = timedelta(hours=1)  # a heads entry counts what was sealed by then, by clocks that may differ
COLUMNS = (_leaf.c.index, _leaf.c.entry_id, _leaf.c.hash, *_entry.c)
Test = Callable[[Row, Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Filters:
    """What entries must be. `batch` is an id: its own stream and those of all that belongs to it.

    `since` is the first instant and `before` the first that is too late. `needle` are octets that the body holds,
    `text` stands in the entry as it is told or in a value that opens a commitment of it, letter for letter.
    """

    stream: str | None = None
    type: str | None = None
    actor: str | None = None
    person: str | None = None  # the actor's other name: an id where `actor` is a login
    outcome: str | None = None
    action: str | None = None
    since: datetime | None = None
    before: datetime | None = None
    batch: str | None = None
    text: str | None = None
    needle: bytes | None = None
    refused: bool | None = None  # whether it came to nothing
    born: bool | None = None  # the first of a project's own stream

    @property
    def used(self) -> dict[str, Any]:
        """Return the filters in use, by name."""
        given = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: value for name, value in given.items() if value is not None}


class Found(NamedTuple):
    """What was found from the place `begin` up to `end` of the tree of this size."""

    rows: list[Row]
    begin: int
    end: int
    size: int


def size_as_asked(tx: Transaction, asked: int | None) -> int:
    """Return the size of the tree that is read: as it is now, or an earlier one.

    Raises:
        NotFound: the tree is not that large.
    """
    size = size_of(tx)
    if asked is None:
        return size
    if not 0 <= asked <= size:
        raise NotFound(
            Text(f"已封存的记录只有{size}条，没有{asked}条", f"{size} entries are sealed, and not {asked}"), size=size
        )
    return asked


def scan(
    tx: Transaction,
    filters: Filters,
    size: int,
    begin: int,
    limit: int,
    test: Test | None = None,
    *,
    ahead: Callable[[Sequence[Row]], None] | None = None,
) -> Found:
    """Return up to `limit` entries (rows of `COLUMNS`) that meet the filters and the test, in the tree's order.

    Looks at no more than `STRETCH` places of the tree, or at one whole stream that is no longer. An entry whose body is
    gone or not what was sealed is never passed over by the test: whoever reads must see it. `ahead` is shown the
    entries, some hundred at a time, before they are tested.
    """
    used = filters.used
    if not begin and filters.since is not None:
        begin = _sealed_before(tx, filters.since - SKEW)
    begin = min(begin, size)
    short = "stream" in used and _is_short(tx, used["stream"])
    last = size if short else min(size, begin + STRETCH)
    rows: list[Row] = []
    statement, values = _looking(frozenset(used), in_stream=short), parameters(used)
    at, together = begin, min(CHUNK, limit)
    while at < last:
        some = tx.fetch(statement, first=at, end=last, limit=together, **values)
        if ahead is not None:
            ahead(some)
        for row in some:
            at = row["index"] + 1
            if test is None or _passes(test, row):
                rows.append(row)
            if len(rows) == limit:
                return Found(rows, begin, at, size)
        if len(some) < together:
            break
        together = CHUNK  # what is rare lies further on
    return Found(rows, begin, last, size)


def body_of(row: Row) -> dict[str, Any] | None:
    """Return what an entry says, or None where it is gone or not what was sealed."""
    if row["body"] is None or leaf_hash(row["body"]) != row["hash"]:
        return None
    found: dict[str, Any] = orjson.loads(row["body"])
    return found


def _passes(test: Test, row: Row) -> bool:
    body = body_of(row)
    return body is None or test(row, body)


def parameters(used: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of the filters in use."""
    values = {name: value for name, value in used.items() if name not in ("text", "refused", "born")}
    if "actor" in used:
        values.setdefault("person", used["actor"])
    if "batch" in used:
        values["batch_stream"] = f"batch/{used['batch']}"
    if "text" in used:  # as JSON writes it, between its quotes
        written = orjson.dumps(used["text"])[1:-1]
        values.update(octets=written, letters=written.decode())
    return values


def _equals(column: Any, name: str) -> Any:
    return column == sa.bindparam(name, type_=column.type)


def _holds(dialect: str, name: str) -> Any:
    """Return the condition «the body holds these octets»."""
    octets = sa.bindparam(name, type_=sa.LargeBinary())
    if dialect == "postgresql":
        return sa.func.pg_catalog.position(_entry.c.body, octets) > 0
    return sa.func.instr(_entry.c.body, octets) > 0


def _tells(dialect: str) -> Any:
    """Return the condition «the text stands in the body or in a value behind one of its commitments»."""
    letters, value = sa.bindparam("letters", type_=sa.String()), sa.type_coerce(_disclosure.c.value, sa.String())
    if dialect == "postgresql":
        inside = sa.func.strpos(sa.cast(_disclosure.c.value, sa.Text()), letters) > 0
    else:
        inside = sa.func.instr(value, letters) > 0
    opened = sa.select(sa.literal(1, sa.Integer())).where(_disclosure.c.entry_id == _entry.c.id, inside)
    return sa.or_(_holds(dialect, "octets"), sa.exists(opened))


def _of_batch(_dialect: str) -> Any:
    own = sa.select(sa.cast(sa.bindparam("batch_stream", type_=sa.String()), sa.String()))
    others = [
        sa.select(sa.literal(f"{kind}/") + sa.cast(table.c.id, sa.String)).where(
            table.c.batch_id == sa.bindparam("batch", type_=table.c.batch_id.type)
        )
        for kind, table in SUBJECTS.items()
        if "batch_id" in table.c
    ]
    return _entry.c.stream.in_(sa.union_all(own, *others))


_CONDITIONS: dict[str, Callable[[str], Any]] = {
    **{name: lambda _dialect, n=name: _equals(_entry.c[n], n) for name in ("stream", "type", "outcome", "action")},  # type: ignore[misc]
    "actor": lambda _dialect: sa.or_(*(_equals(_entry.c.actor, name) for name in ("actor", "person"))),
    "since": lambda _dialect: _entry.c.at >= sa.bindparam("since", type_=_entry.c.at.type),
    "before": lambda _dialect: _entry.c.at < sa.bindparam("before", type_=_entry.c.at.type),
    "batch": _of_batch,
    "text": _tells,
    "needle": lambda dialect: _holds(dialect, "needle"),
    "refused": lambda _dialect: _entry.c.outcome != "success",
    "born": lambda _dialect: sa.and_(_entry.c.seq == 1, _entry.c.stream.like("project/%")),
}


def conditions(names: frozenset[str], dialect: str) -> list[Any]:
    """Return the conditions of these filters."""
    return [_CONDITIONS[name](dialect) for name in sorted(names - {"person"})]


@lru_cache(maxsize=512)
def _looking(names: frozenset[str], *, in_stream: bool) -> Statement:
    """Return the statement that reads entries from `first` up to `end`.

    The outer join shows an entry that was taken away; a stream's order is the tree's, and begins with its own index.
    """

    def build(dialect: str) -> Any:
        source = _leaf.join(_entry, _entry.c.id == _leaf.c.entry_id, isouter=not in_stream)
        place = (_leaf.c.index >= sa.bindparam("first"), _leaf.c.index < sa.bindparam("end"))
        found = sa.select(*COLUMNS).select_from(source).where(*place, *conditions(names, dialect))
        return found.order_by(_entry.c.seq if in_stream else _leaf.c.index).limit(
            sa.bindparam("limit", type_=sa.Integer())
        )

    return for_both(build)


_LONGEST = Statement(
    sa.select(_entry.c.seq)
    .where(_entry.c.stream == sa.bindparam("of"))
    .order_by(_entry.c.seq.desc())
    .limit(sa.literal(1, sa.Integer()))
)
_TOLD = Statement(
    sa.select(_entry.c.body, _leaf.c.hash)
    .join(_leaf, _leaf.c.entry_id == _entry.c.id)
    .where(_entry.c.stream == STREAM, _entry.c.at <= sa.bindparam("at", type_=_entry.c.at.type))
    .order_by(_entry.c.seq.desc())
    .limit(sa.literal(1, sa.Integer()))
)


def _is_short(tx: Transaction, stream: str) -> bool:
    row = tx.one(_LONGEST, of=stream)
    return row is None or row["seq"] <= STRETCH


def _sealed_before(tx: Transaction, at: datetime) -> int:
    """Return how many entries were surely sealed, hence written, before this instant, by the last heads entry."""
    row = tx.one(_TOLD, at=at)
    body = body_of(row) if row else None
    told = next((change["new"] for change in body["changes"] if change["path"] == PATH), None) if body else None
    return int(told["size"]) if told else 0
