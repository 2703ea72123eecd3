"""Projects rebuilt from their log entries alone, and what differs between that and the live rows."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

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
from lifecycle.tables import Batch, Checkpoint, Project, Redacted
from lifecycle.transition import SELECT_PROJECT
from states.capacities import Claims, claims

_check = Checkpoint.__table__  # type: ignore[attr-defined]
_project = Project.__table__  # type: ignore[attr-defined]
_batch = Batch.__table__  # type: ignore[attr-defined]
_redacted = Redacted.__table__  # type: ignore[attr-defined]

CHUNK = 200  # projects read at a time: bounds memory
FIRST = "00000000-0000-0000-0000-000000000000"
OPEN_CHECKPOINTS = for_both(
    lambda d: sa.select(
        _check.c.project_id, _check.c.id, _check.c.kind, _check.c.number, *(_check.c[name] for name in DUE)
    ).where(within(_check.c.project_id, "projects", d, "uuid"), sa.text("status = 'open'"))
)
READ_PROJECT = Statement(SELECT_PROJECT.where(_project.c.id == sa.bindparam("wanted")))
_NEXT = (
    SELECT_PROJECT.where(_project.c.id > sa.bindparam("after"))
    .order_by(_project.c.id)
    .limit(sa.literal(CHUNK, sa.Integer()))
)
AFTER = Statement(_NEXT)
OF_BATCH = Statement(_NEXT.where(_project.c.batch_id == sa.bindparam("of")))
OF_PROGRAMME = Statement(_NEXT.where(_batch.c.programme == sa.bindparam("of")))
REDACTED = for_both(
    lambda d: sa.select(_redacted.c.entry_id, _redacted.c.path).where(
        within(_redacted.c.entry_id, "entries", d, "uuid")
    )
)
BATCHES = Statement(
    sa.select(_batch.c.id, _batch.c.last_number).where(_batch.c.programme == sa.bindparam("of")).order_by(_batch.c.id)
)
READ_BATCH = Statement(sa.select(_batch).where(_batch.c.id == sa.bindparam("wanted")))
COUNTERS = for_both(
    lambda d: sa.select(capacity.c.scope, capacity.c.pool, capacity.c.key, capacity.c.used).where(
        within(capacity.c.scope, "scopes", d)
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

    A value whose disclosure went by a redaction is not compared; one that is gone otherwise is a difference.
    """
    row = tx.one(READ_PROJECT, wanted=project)
    if row is None:
        return [f"there is no row of project {project}"]
    return next(compared(tx, [row]))[1]


def drift_of_batch(tx: Transaction, batch: str) -> dict[str, list[str]]:
    """Return the projects of a batch that drift, by id, and the batch's or programme's counters under `capacities`.

    Reads the whole programme in chunks, for its counters are sums over all its batches; run it in `reading()`, which
    sees one instant.
    """
    found: dict[str, list[str]] = {}
    head = tx.one(READ_BATCH, wanted=batch)
    if head is None:
        return {batch: [f"there is no row of batch {batch}"]}
    after = FIRST
    while rows := tx.fetch(OF_BATCH, of=batch, after=after):
        after = rows[-1]["id"]
        found.update({row["id"]: problems for row, problems in compared(tx, rows) if problems})
    counted = miscounted(tx, head["programme"])
    if batch in counted.numbers:
        found[batch] = counted.numbers[batch]
    wrong = [text for scope, text in counted.capacities if scope in (batch, head["programme"])]
    return {**found, "capacities": wrong} if wrong else found


class Miscounted(NamedTuple):
    """What of a programme is not what its projects add up to."""

    numbers: dict[str, list[str]]  # by batch: of projects that were entered
    capacities: list[tuple[str, str]]  # scope, and what is wrong there


def miscounted(tx: Transaction, programme: str) -> Miscounted:
    """Return what a programme's projects hold and how many they are, where its counters say otherwise.

    Reads the rows of its projects in chunks and no entries; run it in `reading()`, which sees one instant.
    """
    sums: dict[tuple[str, str, str], int] = {}
    entered: dict[str, int] = {}
    after = FIRST
    while rows := tx.fetch(OF_PROGRAMME, of=programme, after=after):
        after = rows[-1]["id"]
        for row in rows:
            _add(tx, row, sums)
            entered[row["batch_id"]] = entered.get(row["batch_id"], 0) + 1
    batches = tx.fetch(BATCHES, of=programme)
    numbers = {
        row["id"]: [f"{row['last_number']} projects were entered, and there are {entered.get(row['id'], 0)}"]
        for row in batches
        if row["last_number"] != entered.get(row["id"], 0)
    }
    counters = select_many(tx, COUNTERS, "scopes", [programme, *(row["id"] for row in batches)])
    return Miscounted(numbers, _counted_wrong(counters, sums))


def _add(tx: Transaction, row: Row, sums: dict[tuple[str, str, str], int]) -> None:
    scopes = Scopes(row["batch_id"], row["programme"])
    definition = rules_of_row(tx, row).definition
    for (pool, key), amount in _claims(tx, row).items():
        place = (scopes.of(definition, pool), pool, key)
        sums[place] = sums.get(place, 0) + amount


def _claims(tx: Transaction, row: Row) -> Claims:
    rules = rules_of_row(tx, row)
    return claims(rules.definition, rules.policy, facts_of(row), row["state"])


def _counted_wrong(counters: Sequence[Row], sums: Mapping[tuple[str, str, str], int]) -> list[tuple[str, str]]:
    used = {(row["scope"], row["pool"], row["key"]): row["used"] for row in counters}
    places = sorted({*used, *sums})
    return [
        (place[0], f"{'/'.join(place)}: the counter says {used.get(place, 0)}, the projects hold {sums.get(place, 0)}")
        for place in places
        if used.get(place, 0) != sums.get(place, 0)
    ]


def compared(tx: Transaction, rows: Sequence[Row]) -> Iterator[tuple[Row, list[str]]]:
    """Yield each of these projects' rows with what differs between it and its entries."""
    ids = [row["id"] for row in rows]
    opened: dict[str, list[Row]] = {project: [] for project in ids}
    for item in select_many(tx, OPEN_CHECKPOINTS, "projects", ids):
        opened[item["project_id"]].append(item)
    streams = list(play(tx, ids))
    lawful = lawfully_gone(tx, {place.entry for played in streams for place in played.unopened})
    for row, played in zip(rows, streams, strict=True):
        lists = faults_of_lists(tx, row) if row["lists"] else ()
        gone = [f"{at.path} of entry {at.entry}: not disclosed, and not redacted" for at in played.unopened
                if at not in lawful]  # fmt: skip
        planned = _planned(row, played, opened[row["id"]])
        yield row, [*played.problems, *gone, *_differences(tx, row, played), *planned, *lists]


def lawfully_gone(tx: Transaction, entries: Collection[str]) -> set[Withheld]:
    """Return the places of these entries whose disclosures went by a redaction."""
    rows = select_many(tx, REDACTED, "entries", sorted(entries)) if entries else []
    return {Withheld(row["entry_id"], row["path"]) for row in rows}


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
