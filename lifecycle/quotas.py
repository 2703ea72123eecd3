"""Quotas as people watch them: used, exempt, left, over; and each movement of a counter, from the log."""

from collections import Counter
from typing import Any

import orjson
import sqlalchemy as sa

from lifecycle.batches import CAPACITIES, rules_of
from lifecycle.callers import Caller
from lifecycle.canonical import instant, parse_canonical
from lifecycle.database import Transaction
from lifecycle.dockets.shelf import items as _items
from lifecycle.errors import NotFound
from lifecycle.overviews import may_read
from lifecycle.rulebooks import definition_for
from lifecycle.sentences import act_label
from lifecycle.statements import Row, Statement
from lifecycle.tables import Batch, Entry, Project
from states.capacities import ceiling_of
from states.definition import LifecycleDefinition
from states.findings import Text

_project = Project.__table__  # type: ignore[attr-defined]
_entry = Entry.__table__  # type: ignore[attr-defined]
_batch = Batch.__table__  # type: ignore[attr-defined]

HOLDERS = Statement(
    sa.select(_project.c.city, _project.c.state, _project.c.definition_hash, sa.func.count().label("number"))
    .where(_project.c.batch_id == sa.bindparam("of"))
    .group_by(_project.c.city, _project.c.state, _project.c.definition_hash)
)
DRAFTED = Statement(
    sa.select(_project.c.city, sa.func.count().label("number"))
    .join(_items, _items.c.project_id == _project.c.id)
    .where(_project.c.batch_id == sa.bindparam("of"), _items.c.draft_of == sa.bindparam("of_kind"))
    .group_by(_project.c.city)
)


def _mentioning(of_one: Any) -> Statement:
    """Return the entries that speak of a place, found by its bytes: what they say of it is read from the body."""

    def build(found: Any) -> Any:
        return (
            sa.select(_entry.c.id, _entry.c.at, _entry.c.seq, _entry.c.body, _project.c.code, _project.c.title)
            .join(_project, _entry.c.stream == sa.literal("project/").concat(sa.cast(_project.c.id, sa.String)))
            .join(_batch, _batch.c.id == _project.c.batch_id)
            .where(of_one == sa.bindparam("of"), _entry.c.outcome == "success", found > 0)
            .order_by(_entry.c.at, _entry.c.seq, _entry.c.id)
        )

    wanted = sa.bindparam("wanted", type_=sa.LargeBinary)
    return Statement(
        build(sa.func.instr(_entry.c.body, wanted)),
        postgresql=build(sa.func.position(wanted.op("IN")(_entry.c.body))),
    )


MENTIONING = {"batch": _mentioning(sa.cast(_batch.c.id, sa.String)), "programme": _mentioning(_batch.c.programme)}


def watch_quotas(tx: Transaction, caller: Caller, batch: Row) -> list[dict[str, Any]]:
    """Return each city's quotas as they stand: used, exempt, on draft dockets, left, and by how much exceeded.

    `exempt` are projects that hold a place of zero size (R14); `drafted` those on a draft whose act would take one.
    A city sees its own. A constant number of reads, at one instant.

    Raises:
        Forbidden: the caller reads nothing of the programme.
    """
    may_read(caller)
    rules = rules_of(tx, batch)
    found = []
    for pool, spec in rules.definition.capacities.items():
        if spec.ceiling != "imported" or spec.key != "city":
            continue
        stored = {row["key"]: row for row in tx.fetch(CAPACITIES, of_scope=batch["id"], of_pool=pool)}
        holders = _holders(tx, batch, pool)
        drafted = _drafted(tx, rules.definition, batch, pool)
        for city, label in rules.policy.cities.items():
            row = stored.get(city, {"ceiling": None, "used": 0})
            if not caller.actor.reaches(city, ()) or not (city in stored or holders[city] or drafted[city]):
                continue
            ceiling, used = row["ceiling"], row["used"]
            found.append(
                {
                    "pool": pool,
                    "label": {"zh": spec.zh, "en": spec.en},
                    "city": city,
                    "city_label": {"zh": label.zh, "en": label.en},
                    "ceiling": ceiling,
                    "used": used,
                    "exempt": holders[city] - used,
                    "drafted": drafted[city],
                    "left": None if ceiling is None else max(0, ceiling - used),
                    "over": None if ceiling is None else max(0, used - ceiling),
                }
            )
    return found


def _holders(tx: Transaction, batch: Row, pool: str) -> Counter[str]:
    """Return how many projects of each city hold a place, whatever its size."""
    counted: Counter[str] = Counter()
    for row in tx.fetch(HOLDERS, of=batch["id"]):
        definition = definition_for(tx, row["definition_hash"])
        holds = definition.states[row["state"]].holds
        if any((definition.capacities[name].pool or name) == pool for name in holds):
            counted[row["city"]] += row["number"]
    return counted


def _drafted(tx: Transaction, definition: LifecycleDefinition, batch: Row, pool: str) -> Counter[str]:
    """Return how many projects of each city are on a draft that would take a place of the pool."""
    counted: Counter[str] = Counter()
    for kind, spec in definition.dockets.items():
        arrows = [arrow for event in spec.events for arrow in definition.by_event[event]]
        taking = [
            arrow
            for arrow in arrows
            if arrow.target in definition.states
            and pool in definition.states[arrow.target].holds
            and not any(pool in definition.states[source].holds for source in arrow.source)
        ]
        for row in tx.fetch(DRAFTED, of=batch["id"], of_kind=kind) if taking else ():
            counted[row["city"]] += row["number"]
    return counted


def read_movements(tx: Transaction, caller: Caller, batch: Row, pool: str, key: str) -> dict[str, Any]:
    """Return every movement of one counter, from the log, with its running sum; the last must be what the counter says.

    For those who see all projects, and for a city of what is counted under its own code. The entries are found by
    the place's bytes in the batch's (or programme's) streams: as long as the log, as few as the movements.

    Raises:
        Forbidden: the caller reads nothing of the programme.
        NotFound: there is no such counter, or it is not the caller's to see.
    """
    may_read(caller)
    rules = rules_of(tx, batch)
    spec = rules.definition.capacities.get(pool)
    own = spec is not None and spec.key == "city" and caller.actor.scope == "city" and caller.actor.reaches(key, ())
    if spec is None or spec.pool is not None or not (caller.actor.scope == "all" or own):
        raise NotFound(Text("没有此项限额", "there is no such capacity"))
    scope = batch["id"] if spec.scope == "batch" else batch["programme"]
    path = f"/capacities/{pool}/{key}"
    rows = tx.fetch(MENTIONING[spec.scope], of=scope, wanted=orjson.dumps(path))
    movements: list[dict[str, Any]] = []
    held = 0
    for row in rows:
        body = parse_canonical(row["body"])
        for change in body["changes"]:
            if change["path"] == path:
                held += change["new"]
                movements.append(_movement(tx, row, body, change["new"], held))
    stored = {row["key"]: row for row in tx.fetch(CAPACITIES, of_scope=scope, of_pool=pool)}
    room = stored.get(key, {"ceiling": None, "used": 0})
    return {
        "pool": pool,
        "label": {"zh": spec.zh, "en": spec.en},
        "key": key,
        "ceiling": ceiling_of(rules.definition, rules.policy, pool, room["ceiling"]),
        "used": room["used"],
        "sum": held,
        "adds_up": held == room["used"],
        "movements": movements,
    }


def _movement(tx: Transaction, row: Row, body: dict[str, Any], amount: int, held: int) -> dict[str, Any]:
    action = body["action"]
    label = act_label(definition_for(tx, action["definition"]), action["name"])
    docket = next((change["new"] for change in body["changes"] if change["path"] == "/docket"), None)
    return {
        "at": instant(row["at"]),
        "project": body["subject"]["id"],
        "code": row["code"],
        "title": row["title"],
        "seq": row["seq"],
        "event": action["name"],
        "event_label": {"zh": label.zh, "en": label.en},
        "docket": docket,
        "actor": body["actor"]["id"],
        "change": amount,
        "held": held,
    }
