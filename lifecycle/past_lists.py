"""A batch's projects as they stood at an instant, page by page, each rebuilt from its log entries alone.

Which projects there are, and who reaches them, is asked of the rows of today; what is said of them comes from the log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.listing import CONDITIONS
from lifecycle.pages import Page, check_limit, read_cursor, write_cursor
from lifecycle.past import cut_at, is_broken, item_then, rules_then
from lifecycle.sets import for_both
from lifecycle.statements import Statement
from lifecycle.streams import Played, bounded, play
from lifecycle.tables import Project
from lifecycle.visibility import reach_of

_project = Project.__table__  # type: ignore[attr-defined]

LOOKED_AT = 200  # projects that one page looks at where it is narrowed
ENTRIES = 20_000  # of all streams that one page reads: bounds memory, whatever is in a stream
SORT = "code"


@dataclass(frozen=True, slots=True)
class PastPage(Page):
    """Some projects in the order of their codes; `broken` are those whose entries do not hold together."""

    broken: list[dict[str, str]]


@lru_cache(maxsize=16)
def _candidates(names: frozenset[str], *, onward: bool) -> Statement:
    place = sa.tuple_(_project.c.code, _project.c.id)
    mark = sa.tuple_(
        sa.bindparam("last", type_=_project.c.code.type), sa.bindparam("last_id", type_=_project.c.id.type)
    )

    def build(dialect: str) -> Any:
        found = sa.select(*(_project.c[name] for name in ("id", "code", "head_seq", "head_hash")))
        found = found.where(*(CONDITIONS[name](dialect) for name in sorted(names)))
        found = found.where(_project.c.created_at <= sa.bindparam("at", type_=_project.c.created_at.type))
        if onward:
            found = found.where(place > mark)
        return found.order_by(_project.c.code, _project.c.id).limit(sa.bindparam("limit", type_=sa.Integer()))

    return for_both(build)


def list_projects_then(
    tx: Transaction,
    caller: Caller,
    at: datetime,
    batch: str,
    states: Sequence[str] = (),
    city: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> PastPage:
    """Return a batch's projects (by its id) as of an instant, in the order of their codes, from the cursor on.

    `states` and `city` narrow the list to where projects stood then. Three reads for any page: it looks at no more
    projects than `LOOKED_AT`, or than their streams have `ENTRIES`, so a narrowed page may be short, or empty, and
    still name a next one. Codes never change, so pages neither repeat nor leave out a project.

    Raises:
        Unreadable: cursor or limit is not what it should be.
    """
    check_limit(limit)
    last = read_cursor(after, SORT) if after is not None else {}
    reach = reach_of(caller.actor)
    if reach is None:
        return PastPage([], None, [])
    statement = _candidates(frozenset({"batch", *reach}), onward=bool(last))
    wide = LOOKED_AT if states or city else limit
    found = tx.fetch(statement, batch=batch, at=at, limit=wide + 1, **reach, **last)
    rows = bounded(found[:wide], ENTRIES)
    streams = play(tx, [row["id"] for row in rows], dict.fromkeys((row["id"] for row in rows), cut_at(at)))
    items, broken, seen = list[dict[str, Any]](), list[dict[str, str]](), 0
    for row, played in zip(rows, streams, strict=True):
        seen += 1
        if is_broken(played, row):
            broken.append({"id": row["id"], "code": row["code"]})
        elif _wanted(played, states, city):
            items.append(item_then(row["id"], played, rules_then(tx, played)))
        if len(items) == limit:
            break
    more = write_cursor(SORT, rows[seen - 1]) if seen < len(found) else None
    return PastPage(items, more, broken)


def _wanted(played: Played, states: Sequence[str], city: str | None) -> bool:
    columns = played.columns
    return (not states or columns.get("state") in states) and city in (None, columns.get("city"))
