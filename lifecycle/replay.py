"""Projects rebuilt from their log entries alone, and what differs between that and the live rows."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from lifecycle.canonical import instant
from lifecycle.checkpoints import DUE, due_of
from lifecycle.database import Transaction
from lifecycle.investment_reading import faults_of_lists
from lifecycle.rulebooks import rules_of_row
from lifecycle.sets import for_both, select_many, within
from lifecycle.snapshots import NESTED, PLAIN, PRIVATE, facts_of, plain
from lifecycle.statements import Row, Statement
from lifecycle.streams import Played, Withheld, play
from lifecycle.surroundings import Scopes, capacity
from lifecycle.tables import Batch, Checkpoint, Project
from lifecycle.transition import SELECT_PROJECT
from states.capacities import Claims, claims

_check = Checkpoint.__table__  # type: ignore[attr-defined]
_project = Project.__table__  # type: ignore[attr-defined]
_batch = Batch.__table__  # type: ignore[attr-defined]

CHUNK = 200  # projects read at a time: bounds memory
_FIRST = "00000000-0000-0000-0000-000000000000"
OPEN_CHECKPOINTS = for_both(
    lambda d: sa.select(
        _check.c.project_id, _check.c.id, _check.c.kind, _check.c.number, *(_check.c[name] for name in DUE)
    ).where(within(_check.c.project_id, "projects", d, "uuid"), sa.text("status = 'open'"))
)
READ_PROJECT = Statement(SELECT_PROJECT.where(_project.c.id == sa.bindparam("wanted")))
OF_PROGRAMME = Statement(
    SELECT_PROJECT.where(_batch.c.programme == sa.bindparam("of"), _project.c.id > sa.bindparam("after"))
    .order_by(_project.c.id)
    .limit(sa.literal(CHUNK, sa.Integer()))
)
READ_BATCH = Statement(sa.select(_batch).where(_batch.c.id == sa.bindparam("wanted")))
COUNTERS = Statement(
    sa.select(capacity.c.scope, capacity.c.pool, capacity.c.key, capacity.c.used).where(
        sa.or_(capacity.c.scope == sa.bindparam("one"), capacity.c.scope == sa.bindparam("other"))
    )
)


class BrokenLog(ValueError):
    """A stream that does not hold together; `problems` names each entry and what is wrong with it."""

    def __init__(self, problems: Sequence[str]) -> None:
        """Take the problems, at least one."""
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


def replay(tx: Transaction, project: str) -> dict[str, Any]:
    """Return a project's snapshot, rebuilt from the successful entries of its stream alone, as JSON values.

    The columns by name; `record`, `documents`, `signers` whole; `checkpoints` as kind/number → due date; `capacities`
    as pool/key → what the project holds; `seq` and `head`, `created_at` and `changed_at`. A value whose disclosure was
    deleted is a `Withheld`.

    Raises:
        BrokenLog: there are no entries, the chain does not hold, a projection differs from its body, a disclosure does
            not open its commitment, or an entry's old value is not what the entries before it left.
    """
    played = next(play(tx, [project]))
    if played.problems:
        raise BrokenLog(played.problems)
    nothing: dict[str, Any] = {**dict.fromkeys((*PLAIN, *PRIVATE, "pending")), **{name: {} for name in NESTED}}
    return {
        "id": project,
        **nothing,
        **played.columns,
        "checkpoints": played.checkpoints,
        "capacities": {place: amount for place, amount in played.capacities.items() if amount},
        "seq": played.seq,
        "head": played.leaf.hex(),
        "created_at": played.created_at,
        "changed_at": played.changed_at,
    }


def drift(tx: Transaction, project: str) -> list[str]:
    """Return what differs between the log and the live row, open checkpoints and claims; empty where nothing does.

    What was withheld from the log's reader by redaction is not compared.
    """
    row = tx.one(READ_PROJECT, wanted=project)
    if row is None:
        return [f"there is no row of project {project}"]
    return next(_compared(tx, [row]))[1]


def drift_of_batch(tx: Transaction, batch: str) -> dict[str, list[str]]:
    """Return the projects of a batch that drift, by id, and the batch's or programme's counters under `capacities`.

    Reads the whole programme in chunks, for its counters are sums over all its batches; run it in `reading()`, which
    sees one instant.
    """
    found: dict[str, list[str]] = {}
    head = tx.one(READ_BATCH, wanted=batch)
    if head is None:
        return {batch: [f"there is no row of batch {batch}"]}
    sums: dict[tuple[str, str, str], int] = {}
    number, after = 0, _FIRST
    while rows := tx.fetch(OF_PROGRAMME, of=head["programme"], after=after):
        after = rows[-1]["id"]
        for row in rows:
            _add(tx, row, sums)
        own = [row for row in rows if row["batch_id"] == batch]
        number += len(own)
        found.update({row["id"]: problems for row, problems in _compared(tx, own) if problems})
    if number != head["last_number"]:
        found[batch] = [f"{head['last_number']} projects were entered, and there are {number}"]
    counters = tx.fetch(COUNTERS, one=batch, other=head["programme"])
    wrong = _counted_wrong(counters, {place: n for place, n in sums.items() if place[0] in (batch, head["programme"])})
    return {**found, "capacities": wrong} if wrong else found


def _add(tx: Transaction, row: Row, sums: dict[tuple[str, str, str], int]) -> None:
    scopes = Scopes(row["batch_id"], row["programme"])
    definition = rules_of_row(tx, row).definition
    for (pool, key), amount in _claims(tx, row).items():
        place = (scopes.of(definition, pool), pool, key)
        sums[place] = sums.get(place, 0) + amount


def _claims(tx: Transaction, row: Row) -> Claims:
    rules = rules_of_row(tx, row)
    return claims(rules.definition, rules.policy, facts_of(row), row["state"])


def _counted_wrong(counters: Sequence[Row], sums: Mapping[tuple[str, str, str], int]) -> list[str]:
    used = {(row["scope"], row["pool"], row["key"]): row["used"] for row in counters}
    places = sorted({*used, *sums})
    return [
        f"{'/'.join(place)}: the counter says {used.get(place, 0)}, the projects hold {sums.get(place, 0)}"
        for place in places
        if used.get(place, 0) != sums.get(place, 0)
    ]


def _compared(tx: Transaction, rows: Sequence[Row]) -> Iterator[tuple[Row, list[str]]]:
    ids = [row["id"] for row in rows]
    opened: dict[str, list[Row]] = {project: [] for project in ids}
    for item in select_many(tx, OPEN_CHECKPOINTS, "projects", ids):
        opened[item["project_id"]].append(item)
    for row, played in zip(rows, play(tx, ids), strict=True):
        lists = faults_of_lists(tx, row) if row["lists"] else ()
        yield row, [*played.problems, *_differences(tx, row, played), *_planned(row, played, opened[row["id"]]), *lists]


def _differences(tx: Transaction, row: Row, played: Played) -> Iterator[str]:
    for name in (*PLAIN, *PRIVATE, "pending"):
        yield from _differs(name, played.columns.get(name), plain(row[name]))
    for name in NESTED:
        told = played.columns.get(name, {})
        for key in sorted({*told, *row[name]}):
            yield from _differs(f"{name}/{key}", told.get(key), row[name].get(key))
    held = {f"{pool}/{key}": amount for (pool, key), amount in _claims(tx, row).items()}
    for place in sorted({*played.capacities, *held}):
        yield from _differs(f"capacities/{place}", played.capacities.get(place, 0), held.get(place, 0))
    yield from _differs("created_at", played.created_at, instant(row["created_at"]))
    yield from _differs("changed_at", played.changed_at, instant(row["changed_at"]))
    yield from _differs("head", (played.seq, played.leaf.hex()), (row["head_seq"], row["head_hash"].hex()))


def _planned(row: Row, played: Played, opened: Sequence[Row]) -> Iterator[str]:
    """Hold the open checkpoints against what the entries told, and the plan in the project's row against both."""
    due = {f"{item['kind']}/{item['number']}": due_of(item) for item in opened}
    for place in sorted({*played.checkpoints, *due}):
        yield from _differs(f"checkpoints/{place}", played.checkpoints.get(place), due.get(place))
    known = {item["id"]: {"kind": item["kind"], "number": item["number"], **due_of(item)} for item in opened}
    plan = {item["id"]: {name: value for name, value in item.items() if name != "id"} for item in row["plan"]}
    if known != plan:
        yield f"plan: the row says {plan}, and open are {known}"


def _differs(name: str, told: Any, live: Any) -> Iterator[str]:
    if not isinstance(told, Withheld) and told != live:
        yield f"{name}: the log says {told!r}, the row says {live!r}"


__all__ = ["BrokenLog", "Withheld", "drift", "drift_of_batch", "replay"]
