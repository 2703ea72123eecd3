"""What a simulation reads: projects as they stand, their open checkpoints, and who would be told over which channels.

Whatever the number of projects in a chunk, each of these is one statement; nothing is locked and nothing written.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import sqlalchemy as sa

from lifecycle import recipients
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.recipients import Channels, Crowd, reach_of_row
from lifecycle.sets import for_both, select_many, within
from lifecycle.statements import Row, Statement
from lifecycle.sweeps import KEY
from lifecycle.tables import Checkpoint, Notice, Project
from lifecycle.transition import SELECT_PROJECT
from lifecycle.visibility import reach_of

_check = Checkpoint.__table__  # type: ignore[attr-defined]
_notice = Notice.__table__  # type: ignore[attr-defined]
_project = Project.__table__  # type: ignore[attr-defined]

Key = tuple[str, int, str, str, str]  # of a notice: `sweeps.KEY`
CHUNK = 200  # projects at a time: bounds memory
_FIRST = "00000000-0000-0000-0000-000000000000"
_REACH = {"of_city": _project.c.city, "of_unit": _project.c.lead_code}
OPEN = for_both(
    lambda dialect: (
        sa.select(_check)
        .where(sa.text("checkpoint.status = 'open'"), within(_check.c.project_id, "wanted", dialect, "uuid"))
        .order_by(_check.c.due_on, _check.c.kind, _check.c.number)
    )
)
TOLD = for_both(
    lambda dialect: sa.select(*(_notice.c[name] for name in KEY)).where(
        within(_notice.c.project_id, "wanted", dialect, "uuid")
    )
)
WAITING = for_both(
    lambda dialect: (
        sa.select(_notice)
        .where(sa.text("notice.status = 'waiting'"), within(_notice.c.project_id, "wanted", dialect, "uuid"))
        .order_by(_notice.c.planned_at, _notice.c.id)
    )
)


@dataclass(frozen=True, slots=True)
class Prospects:
    """What there is of some projects, and who may be told of them; `names` of people are by id, `told` are keys."""

    checkpoints: Mapping[str, Sequence[Row]]  # by project
    waiting: Mapping[str, Sequence[Row]]
    told: Collection[Key]
    crowd: Crowd
    channels: Channels
    names: Mapping[str, str]


def projects_of(tx: Transaction, caller: Caller, batch: str) -> Iterator[list[Row]]:
    """Yield a batch's projects within the caller's reach by id, each with its batch's versions, chunk by chunk."""
    reach = reach_of(caller.actor)
    if reach is None:
        return
    statement, after = _chunk(frozenset(reach)), _FIRST
    while rows := tx.fetch(statement, batch=batch, after=after, **reach):
        yield rows
        after = rows[-1]["id"]


def prospects_of(
    tx: Transaction, projects: Sequence[Row], *, with_told: bool, names: Mapping[str, str] | None = None
) -> Prospects:
    """Return what there is of these projects; names that are known already are not read again. Six reads at most.

    The keys of what was told are many, so they are read only where asked for.
    """
    ids = [row["id"] for row in projects]
    crowd = recipients.crowd_around(tx, map(reach_of_row, projects))
    known = dict(names or {})
    strange = [person for person in crowd.ids if person not in known]
    if strange:
        known |= {person: row["name"] for person, row in recipients.people_named(tx, strange).items()}
    return Prospects(
        _by_project(select_many(tx, OPEN, "wanted", ids)),
        _by_project(select_many(tx, WAITING, "wanted", ids)),
        _keys(select_many(tx, TOLD, "wanted", ids)) if with_told else (),
        crowd,
        recipients.channels_of(recipients.addresses_of(tx, crowd.ids).values()),
        known,
    )


def _by_project(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["project_id"], []).append(row)
    return found


def _keys(rows: Iterable[Row]) -> set[Key]:
    return {(row["cause"], row["version"], row["occasion"], row["recipient"], row["channel"]) for row in rows}


@lru_cache(maxsize=4)
def _chunk(reach: frozenset[str]) -> Statement:
    own = (_REACH[name] == sa.bindparam(name) for name in sorted(reach))
    return Statement(
        SELECT_PROJECT.where(
            _project.c.batch_id == sa.bindparam("batch"),
            _project.c.id > sa.bindparam("after", type_=_project.c.id.type),
            *own,
        )
        .order_by(_project.c.id)
        .limit(sa.literal(CHUNK, sa.Integer()))
    )
