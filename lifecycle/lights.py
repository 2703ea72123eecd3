"""The lists behind the lights: open checkpoints within one's reach, page by page, and how many of each colour."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from lifecycle import thresholds
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.deadlines import roles_told
from lifecycle.errors import Unreadable
from lifecycle.pages import Page, check_limit, read_cursor, write_cursor
from lifecycle.requests import is_identifier
from lifecycle.responsibles import named
from lifecycle.rulebooks import rules_for
from lifecycle.sets import for_both
from lifecycle.statements import Row, Statement
from lifecycle.tables import Batch, Membership
from lifecycle.thresholds import check, date_for, project
from lifecycle.visibility import checkpoint_label, label_of, reach_of, roles_shown
from states.deadlines import Light, light
from states.facts import Actor
from states.fields import CONTROL
from states.findings import Text
from states.planning import BY_HAND

_batch = Batch.__table__  # type: ignore[attr-defined]
_membership = Membership.__table__  # type: ignore[attr-defined]

SORT = "due_at"  # the end of the due date: what the index is on; in one zone the order of the dates
LENGTH = 64
LIGHTS = tuple(colour.value for colour in Light)
_TODAY = sa.bindparam("today", type_=sa.Date())
_OPEN = sa.text("checkpoint.status = 'open'")
_CHECKED = ("id", "project_id", "batch_id", "kind", "number", "due_on", "computed_on", "due_at", "provisional")
_SHOWN = ("code", "title", "city", "lead_name", "lead_code", "state", "responsible", "deadlines")
_READ = (
    *(check.c[name] for name in _CHECKED),
    *(project.c[name] for name in (*_SHOWN, "definition_hash", "policy_hash")),
    _batch.c.reminders_hash,
)
_MARK = sa.tuple_(sa.bindparam("last", type_=check.c.due_at.type), sa.bindparam("last_id", type_=check.c.id.type))


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list of checkpoints is narrowed to. `mine`: what the caller's role is told, nobody else in charge."""

    batch: str | None = None  # id
    project: str | None = None  # id
    light: str | None = None
    kind: str | None = None
    city: str | None = None
    state: str | None = None
    provisional: bool | None = None
    mine: bool = False


def list_checkpoints(
    tx: Transaction, caller: Caller, filters: Filters, today: date, after: str | None = None, limit: int = 50
) -> Page:
    """Return the open checkpoints within the caller's reach that meet all filters, the one due first at the head.

    One statement for any page, one more for the names of persons in charge; a light asks for one more, `mine` for two.
    `today` is the business date by which lights are shown.

    Raises:
        Unreadable: cursor, limit or a filter is not what it should be.
    """
    check_limit(limit)
    used = _used(filters)
    last = read_cursor(after, SORT) if after is not None else {}
    reach = reach_of(caller.actor)
    if reach is None:
        return Page([], None)
    names, values = _asked(tx, caller, used, today)
    statement = _listing(frozenset({*names, *reach, *_shown(caller.actor)}), onward=bool(last))
    rows = tx.fetch(statement, **values, **reach, **last, limit=limit + 1)
    shown, more = rows[:limit], write_cursor(SORT, rows[limit - 1]) if len(rows) > limit else None
    people = named(tx, (person for row in shown for person in row["responsible"].values()))
    return Page([_item(tx, row, people, today) for row in shown], more)


def count_lights(tx: Transaction, caller: Caller, batch: str | None, today: date) -> dict[str, dict[str, int]]:
    """Return by city how many open checkpoints within the caller's reach are green, yellow and red.

    One statement whatever the number, and one for the versions of the policies.

    Raises:
        Unreadable: the batch is not an id.
    """
    used = _used(Filters(batch=batch))
    reach = reach_of(caller.actor)
    if reach is None:
        return {}
    bounds = thresholds.yellow_until(thresholds.policies(tx), today)
    statement = _counting(frozenset({*used, *reach, *_shown(caller.actor)}))
    found: dict[str, dict[str, int]] = {}
    for row in tx.fetch(statement, **used, **reach, today=today, bounds=thresholds.written(bounds)):
        found.setdefault(row["city"], dict.fromkeys(LIGHTS, 0))[row["light"]] = row["number"]
    return found


def _asked(tx: Transaction, caller: Caller, used: dict[str, Any], today: date) -> tuple[frozenset[str], dict[str, Any]]:
    """Return the names of the conditions in use, and the parameters that they take."""
    colour, mine = used.get("light"), "mine" in used
    names = frozenset(name for name in (*used, colour) if name and name != "light")
    values = {name: value for name, value in used.items() if name not in ("light", "mine")}
    if not colour and not mine:
        return names, values
    known = thresholds.policies(tx)
    if colour:
        bounds = thresholds.yellow_until(known, today)
        values |= {"today": today, **_span(colour, today, bounds)}
        if colour != Light.RED:
            values["bounds"] = thresholds.written(bounds)
    if mine:
        actor = caller.actor
        values |= {"me": actor.id, "role": actor.role}
        values["mine"] = thresholds.written(thresholds.mine_until(tx, known, actor.role, today))
    return names, values


def _span(colour: str, today: date, bounds: dict[str, date]) -> dict[str, datetime]:
    """Return between which instants the due dates of a colour end for certain, in any zone: what the index is asked."""
    begins, ends = date(1900, 1, 1), date(9000, 1, 1)
    if colour == Light.RED:
        ends = today
    elif colour == Light.YELLOW:
        begins, ends = today, max(bounds.values(), default=today)
    else:
        begins = min(bounds.values(), default=today)
    at = [datetime.combine(day, time(), UTC) for day in (begins, ends + timedelta(days=2))]
    return {"from_at": at[0], "until_at": at[1]}


def _shown(actor: Actor) -> list[str]:
    """Return the conditions that keep deadlines added by hand from those who are not to know of them."""
    return [] if actor.scope == "all" else ["shown", *(f"role/{code}" for code in roles_shown(actor))]


def _equals(column: Any, name: str) -> Callable[[str], Any]:
    return lambda _dialect: column == sa.bindparam(name, type_=column.type)


def _within_span() -> Any:
    kind = check.c.due_at.type
    return sa.and_(
        check.c.due_at >= sa.bindparam("from_at", type_=kind), check.c.due_at < sa.bindparam("until_at", type_=kind)
    )


def _bound(dialect: str) -> Any:
    return date_for("bounds", project.c.policy_hash, dialect)


def _of_unit(_dialect: str) -> Any:
    # The lead is a member too: saying so lets both databases begin with the index on members.
    own = sa.bindparam("of_unit", type_=sa.String())
    member = sa.select(_membership.c.project_id).where(_membership.c.credit_code == own)
    return sa.and_(project.c.lead_code == own, project.c.id.in_(member))


_CONDITIONS: dict[str, Callable[[str], Any]] = {
    "batch": _equals(check.c.batch_id, "batch"),
    "project": _equals(check.c.project_id, "project"),
    "kind": _equals(check.c.kind, "kind"),
    "provisional": _equals(check.c.provisional, "provisional"),
    "city": _equals(project.c.city, "city"),
    "state": _equals(project.c.state, "state"),
    "of_city": _equals(project.c.city, "of_city"),
    "of_unit": _of_unit,
    "mine": thresholds.is_mine,
    "red": lambda _dialect: sa.and_(_within_span(), check.c.due_on < _TODAY),
    "yellow": lambda dialect: sa.and_(_within_span(), check.c.due_on >= _TODAY, check.c.due_on <= _bound(dialect)),
    "green": lambda dialect: sa.and_(_within_span(), check.c.due_on >= _TODAY, check.c.due_on > _bound(dialect)),
}


def _where(names: frozenset[str], dialect: str) -> list[Any]:
    """Return the conditions by name; `shown` with `role/…` keeps added deadlines to those that name such a role."""
    found = [_CONDITIONS[name](dialect) for name in sorted(names) if name in _CONDITIONS]
    if "shown" in names:
        roles = [name.removeprefix("role/") for name in sorted(names) if name.startswith("role/")]
        named_ = [thresholds.names_role(sa.literal(role), dialect) for role in roles]
        found.append(sa.or_(check.c.kind != BY_HAND, *named_))
    return [_OPEN, *found]


@lru_cache(maxsize=512)
def _listing(names: frozenset[str], *, onward: bool) -> Statement:
    def build(dialect: str) -> Any:
        found = (
            sa.select(*_READ)
            .join(project, project.c.id == check.c.project_id)
            .join(_batch, _batch.c.id == check.c.batch_id)
            .where(*_where(names, dialect))
        )
        if onward:
            found = found.where(sa.tuple_(check.c.due_at, check.c.id) > _MARK)
        return found.order_by(check.c.due_at, check.c.id).limit(sa.bindparam("limit", type_=sa.Integer()))

    return for_both(build)


@lru_cache(maxsize=64)
def _counting(names: frozenset[str]) -> Statement:
    def build(dialect: str) -> Any:
        colour = sa.case(
            (check.c.due_on < _TODAY, sa.literal(Light.RED.value)),
            (check.c.due_on <= _bound(dialect), sa.literal(Light.YELLOW.value)),
            else_=sa.literal(Light.GREEN.value),
        )
        found = (
            sa.select(project.c.city, colour.label("light"))
            .select_from(check)
            .join(project, project.c.id == check.c.project_id)
            .where(*_where(names, dialect))
            .subquery()
        )
        count = sa.func.count().label("number")
        return (
            sa.select(found.c.city, found.c.light, count)
            .group_by(found.c.city, found.c.light)
            .order_by(found.c.city, found.c.light)
        )

    return for_both(build)


def _used(filters: Filters) -> dict[str, Any]:
    """Return the filters in use with their values."""
    given = {item.name: getattr(filters, item.name) for item in fields(filters)}
    used = {
        name: value for name, value in given.items() if value not in (None, "") and (name, value) != ("mine", False)
    }
    for name, value in used.items():
        if name in ("provisional", "mine"):
            good = type(value) is bool
        else:
            good = isinstance(value, str) and len(value) <= LENGTH and not CONTROL.search(value)
        if name in ("batch", "project"):
            good = good and is_identifier(value)
        if not good or (name == "light" and value not in LIGHTS):
            raise Unreadable(Text(f"筛选条件{name}无法读取", f"the filter {name} cannot be read"))
    return used


def _item(tx: Transaction, row: Row, people: dict[str, dict[str, Any]], today: date) -> dict[str, Any]:
    rules = rules_for(tx, row["definition_hash"], row["policy_hash"], None, row["reminders_hash"])
    kind, number, due_on = row["kind"], row["number"], row["due_on"]
    charged = {role: people[person] for role, person in sorted(row["responsible"].items()) if person in people}
    return {
        **{name: row[name] for name in ("id", "project_id", "batch_id", "code", "title", "city", "lead_name")},
        "lead_code": row["lead_code"],
        "state": row["state"],
        "state_label": label_of(rules.definition.states.get(row["state"]), row["state"]),
        "kind": kind,
        "number": number,
        "label": checkpoint_label(rules.definition, row["deadlines"], kind, number),
        "due_on": due_on.isoformat(),
        "computed_on": row["computed_on"].isoformat(),
        "provisional": row["provisional"],
        "light": light(due_on, today, rules.policy.reminders.yellow_within_days).value,
        "days_left": (due_on - today).days,
        "to": list(roles_told(rules, row["deadlines"], kind, number)),
        "responsible": {role: {"id": person["id"], "name": person["name"]} for role, person in charged.items()},
    }
