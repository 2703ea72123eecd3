"""How many entries there are of each kind and outcome, with the first and the last of each."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from lifecycle.auditing.entries import Listed
from lifecycle.auditing.kinds import OUTCOMES, kind_label
from lifecycle.auditing.scanning import Filters, conditions, parameters
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.sets import for_both
from lifecycle.statements import Row, Statement
from lifecycle.tables import Entry, Leaf

_entry = Entry.__table__  # type: ignore[attr-defined]
_leaf = Leaf.__table__  # type: ignore[attr-defined]
ENDS = ("first", "last")
COUNTED = 200_000  # places of the tree that one request counts: the database does it by itself
IDS = Statement(sa.select(_leaf.c.entry_id).where(_leaf.c.index == sa.bindparam("place")))


def counted(tx: Transaction, _caller: Caller, filters: Filters, size: int, begin: int, _limit: int) -> Listed:
    """Return the counts over a stretch of the tree; whoever reads several adds them up."""
    begin = min(begin, size)
    end = min(size, begin + COUNTED)
    used = filters.used
    rows = tx.fetch(_counting(frozenset(used)), first=begin, end=end, **parameters(used))
    return Listed([_line(tx, row) for row in rows], begin, end, size)


def added(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines of several stretches, in their order, added up."""
    sums: dict[tuple[str, str], dict[str, Any]] = {}
    for line in lines:
        key = (line["type"], line["outcome"])
        known = sums.get(key)
        sums[key] = {**known, "number": known["number"] + line["number"], "last": line["last"]} if known else line
    return [sums[key] for key in sorted(sums)]


@lru_cache(maxsize=64)
def _counting(names: frozenset[str]) -> Statement:
    place = _leaf.c.index

    def build(dialect: str) -> Any:
        return (
            sa.select(
                _entry.c.type,
                _entry.c.outcome,
                sa.func.count().label("number"),
                sa.func.min(place).label("first"),
                sa.func.max(place).label("last"),
            )
            .select_from(_leaf.join(_entry, _entry.c.id == _leaf.c.entry_id))
            .where(place >= sa.bindparam("first"), place < sa.bindparam("end"), *conditions(names, dialect))
            .group_by(_entry.c.type, _entry.c.outcome)
            .order_by(_entry.c.type, _entry.c.outcome)
        )

    return for_both(build)


def _line(tx: Transaction, row: Row) -> dict[str, Any]:
    kind, outcome = row["type"], row["outcome"]
    ends = {name: {"index": row[name], "id": tx.fetch(IDS, place=row[name])[0]["entry_id"]} for name in ENDS}
    labels = {"type_label": kind_label(kind)._asdict(), "outcome_label": OUTCOMES[outcome]._asdict()}
    return {"type": kind, "outcome": outcome, **labels, "number": row["number"], **ends}
