"""Projects as people read them: lists, counts, and one project whole, each within the caller's reach."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from lifecycle.callers import Caller
from lifecycle.canonical import instant
from lifecycle.database import Transaction
from lifecycle.errors import Unreadable
from lifecycle.pages import SORTS, Page, check_limit, check_sort, read_cursor, write_cursor
from lifecycle.requests import is_identifier
from lifecycle.rulebooks import rules_for
from lifecycle.sets import for_both, select_many, within
from lifecycle.snapshots import PRIVATE, plain
from lifecycle.statements import Row, Statement
from lifecycle.tables import Checkpoint, Membership, Project, Rulebook
from lifecycle.transition import Loaded, load_project
from lifecycle.undelivered import undelivered
from lifecycle.visibility import (
    checkpoint_label,
    hidden_documents,
    hidden_fields,
    label_of,
    pending_for,
    reach_of,
    sees_deadline,
)
from states.deadlines import light
from states.definition import LifecycleDefinition
from states.fields import CONTROL
from states.findings import Text
from states.planning import BY_HAND

_project = Project.__table__  # type: ignore[attr-defined]
_membership = Membership.__table__  # type: ignore[attr-defined]
_rulebook = Rulebook.__table__  # type: ignore[attr-defined]
_check = Checkpoint.__table__  # type: ignore[attr-defined]

COUNTED = ("state", "city")
FILTER_LENGTH = 300
SHOWN = ("id", "code", "title", "state", "version", "city", "task_code", "lead_name", "lead_code", "ownership")
_READ = (*SHOWN, "investment_fen", "entered_on", "changed_at", "batch_id", "definition_hash", "policy_hash")
WHOLE = ("members", "group_name", "starts_on", "ends_on", "filed_rank", "indicators", "left_state", "flags", "signers")
_VERSIONS = Statement(
    sa.select(_rulebook.c.hash, _rulebook.c.kind).where(
        sa.or_(_rulebook.c.kind == "definition", _rulebook.c.kind == "policy")
    )
)

_OPEN_CHECKPOINTS = Statement(
    sa.select(
        *(_check.c[name] for name in ("id", "kind", "number", "due_on", "computed_on", "provisional")),
    )
    .where(_check.c.project_id == sa.bindparam("of"), sa.text("status = 'open'"))
    .order_by(_check.c.due_on, _check.c.kind, _check.c.number)
)


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to. `unit` is the credit code of any member; `text` a part of title, code or lead."""

    batch: str | None = None  # id
    states: tuple[str, ...] = ()
    phase: str | None = None
    city: str | None = None
    task: str | None = None
    unit: str | None = None
    ownership: str | None = None
    group: str | None = None
    text: str | None = None


def list_projects(
    tx: Transaction, caller: Caller, filters: Filters, sort: str = "code", after: str | None = None, limit: int = 50
) -> Page:
    """Return the projects within the caller's reach that meet all filters, from the cursor on.

    One statement for any page, two where a phase is asked for; versions of rules are read once a process.

    Raises:
        Unreadable: sort, cursor, limit or a filter is not what it should be.
    """
    check_sort(sort)
    check_limit(limit)
    used = _used(filters)
    last = read_cursor(after, sort) if after is not None else {}
    reach = reach_of(caller.actor)
    if reach is None:
        return Page([], None)
    states = _states_of_phase(tx, filters) if filters.phase else filters.states
    values = {name: value for name, value in used.items() if name != "states"}
    statement = _listing(frozenset({*used, *reach}), sort, onward=bool(last))
    rows = select_many(tx, statement, "states", states, **values, **reach, **last, limit=limit + 1)
    more = write_cursor(sort, rows[limit - 1]) if len(rows) > limit else None
    pinned = [rules_for(tx, row["definition_hash"], row["policy_hash"]) for row in rows[:limit]]
    return Page([item_of(row, rules.definition) for row, rules in zip(rows, pinned, strict=False)], more)


def count_projects(tx: Transaction, caller: Caller, batch: str, by: str) -> dict[str, int]:
    """Return how many of a batch's projects within the caller's reach there are, by `state` or `city`.

    Raises:
        Unreadable: `by` is neither, or the batch is not an id.
    """
    if by not in COUNTED:
        raise Unreadable(Text("只能按state或city统计", "projects are counted by state or city"))
    used, reach = _used(Filters(batch=batch)), reach_of(caller.actor)
    if reach is None:
        return {}
    rows = tx.fetch(_counting(frozenset({*used, *reach}), by), **used, **reach)
    return {row[by]: row["number"] for row in rows}


def show_project(tx: Transaction, caller: Caller, project: str) -> dict[str, Any]:
    """Return all of a project that the caller may see, as JSON values; `hidden` names the fields left out.

    Contact, opinion and remarks are for whoever reaches the project at all: the province, its city, its own unit.

    Raises:
        NotFound: there is none within the caller's reach.
    """
    loaded = load_project(tx, caller, project)
    row, rules, actor = loaded.row, loaded.rules, caller.actor
    unseen = hidden_fields(actor, rules.definition)
    kept_back = hidden_documents(actor, rules.definition)
    opened = tx.fetch(_OPEN_CHECKPOINTS, of=project)
    return {
        **item_of(row, rules.definition),
        **{name: plain(row[name]) for name in (*WHOLE, *PRIVATE)},
        "created_at": instant(row["created_at"]),
        "record": {name: value for name, value in row["record"].items() if name not in unseen},
        "documents": {kind: value for kind, value in row["documents"].items() if kind not in kept_back},
        "hidden": sorted((unseen & row["record"].keys()) | (kept_back & row["documents"].keys())),
        "pending": pending_for(actor, rules.definition, row["pending"]),
        "checkpoints": _checkpoints(loaded, caller, opened),
        "undelivered": undelivered(tx, actor, project),
        "definition": {"name": rules.definition.name, "hash": row["definition_hash"]},
        "policy": {"name": rules.policy.name, "hash": row["policy_hash"]},
    }


def _equals(column: Any, name: str) -> Callable[[str], Any]:
    return lambda _dialect: column == sa.bindparam(name, type_=column.type)


def _with_member(name: str) -> Any:
    found = sa.select(_membership.c.project_id).where(_membership.c.credit_code == sa.bindparam(name))
    return _project.c.id.in_(found)


def _contains(_dialect: str) -> Any:
    pattern = sa.bindparam("text", type_=sa.String())
    return sa.or_(*(_project.c[name].ilike(pattern, escape="!") for name in ("title", "code", "lead_name")))


# A definition says which states a phase has, so a phase is looked for as pairs of definition and state.
_STATE_OF_VERSION = _project.c.definition_hash + "/" + _project.c.state
CONDITIONS: dict[str, Callable[[str], Any]] = {
    "batch": _equals(_project.c.batch_id, "batch"),
    "states": lambda dialect: within(_project.c.state, "states", dialect),
    "phase": lambda dialect: within(_STATE_OF_VERSION, "states", dialect),
    "city": _equals(_project.c.city, "city"),
    "task": _equals(_project.c.task_code, "task"),
    "unit": lambda _dialect: _with_member("unit"),
    "ownership": _equals(_project.c.ownership, "ownership"),
    "group": _equals(_project.c.group_name, "group"),
    "text": _contains,
    "of_city": _equals(_project.c.city, "of_city"),
    # The lead is a member too: saying so lets both databases begin with the index on members.
    "of_unit": lambda _dialect: sa.and_(_project.c.lead_code == sa.bindparam("of_unit"), _with_member("of_unit")),
}


@lru_cache(maxsize=512)
def _listing(names: frozenset[str], sort: str, *, onward: bool) -> Statement:
    column, falls = _project.c[sort.removeprefix("-")], sort.startswith("-")
    place = sa.tuple_(column, _project.c.id)
    mark = sa.tuple_(sa.bindparam("last", type_=column.type), sa.bindparam("last_id", type_=_project.c.id.type))

    def build(dialect: str) -> Any:
        found = sa.select(*(_project.c[name] for name in _READ))
        found = found.where(*(CONDITIONS[name](dialect) for name in sorted(names)))
        if onward:
            found = found.where(place < mark if falls else place > mark)
        order = (column.desc(), _project.c.id.desc()) if falls else (column, _project.c.id)
        return found.order_by(*order).limit(sa.bindparam("limit", type_=sa.Integer()))

    return for_both(build)


@lru_cache(maxsize=64)
def _counting(names: frozenset[str], by: str) -> Statement:
    column = _project.c[by]
    return for_both(
        lambda dialect: (
            sa.select(column, sa.func.count().label("number"))
            .where(*(CONDITIONS[name](dialect) for name in sorted(names)))
            .group_by(column)
            .order_by(column)
        )
    )


def _used(filters: Filters) -> dict[str, Any]:
    """Return the filters in use with their values; under a phase the states are part of it."""
    given = {item.name: getattr(filters, item.name) for item in fields(filters)}
    used = {name: value for name, value in given.items() if value not in (None, (), "")}
    for name, value in used.items():
        texts = value if name == "states" else (value,)
        good = all(isinstance(text, str) and len(text) <= FILTER_LENGTH and not CONTROL.search(text) for text in texts)
        if not good or (name == "batch" and not is_identifier(value)):
            raise Unreadable(Text(f"筛选条件{name}无法读取", f"the filter {name} cannot be read"))
    if "text" in used:
        used["text"] = "%" + re.sub(r"([!%_])", r"!\1", used["text"]) + "%"
    if "phase" in used:
        used.pop("states", None)
    return used


def _states_of_phase(tx: Transaction, filters: Filters) -> list[str]:
    rows = tx.fetch(_VERSIONS)
    policy = next((row["hash"] for row in rows if row["kind"] == "policy"), "")
    versions = [row["hash"] for row in rows if row["kind"] == "definition"]
    return [
        f"{digest}/{code}"
        for digest in versions
        for code, state in rules_for(tx, digest, policy).definition.states.items()
        if state.phase == filters.phase and (not filters.states or code in filters.states)
    ]


def item_of(row: Mapping[str, Any], definition: LifecycleDefinition) -> dict[str, Any]:
    """Return a project as an item of a list, with labels of its own version of the lifecycle."""
    state = definition.states.get(row["state"])
    return {
        **{name: row[name] for name in SHOWN},
        "state_label": label_of(state, row["state"]),
        "phase": state.phase if state else None,
        "investment_fen": row["investment_fen"],
        "entered_on": row["entered_on"].isoformat(),
        "changed_at": instant(row["changed_at"]),
        "batch_id": row["batch_id"],
    }


def _checkpoints(loaded: Loaded, caller: Caller, opened: Sequence[Row]) -> list[dict[str, Any]]:
    policy, added = loaded.rules.policy, loaded.row["deadlines"]
    hidden = {int(number) for number, one in added.items() if not sees_deadline(caller.actor, one)}
    today, near = caller.today(policy.policy.zone), policy.reminders.yellow_within_days
    return [
        {
            "id": row["id"],
            "kind": row["kind"],
            "number": row["number"],
            "label": checkpoint_label(loaded.rules.definition, added, row["kind"], row["number"]),
            "due_on": row["due_on"].isoformat(),
            "computed_on": row["computed_on"].isoformat(),
            "provisional": row["provisional"],
            "light": light(row["due_on"], today, near).value,
        }
        for row in opened
        if row["kind"] != BY_HAND or row["number"] not in hidden
    ]


__all__ = ["COUNTED", "SORTS", "Filters", "Page", "count_projects", "list_projects", "show_project"]
