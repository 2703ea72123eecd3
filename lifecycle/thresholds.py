"""Until which date an open checkpoint is not red, yellow or somebody's: per version of the rules, and as SQL.

Projects of one list run under different policies and plans. Each statement is handed one JSON map of dates, so that it
stays one statement of one shape however many versions there are.
"""

from datetime import date, timedelta
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from lifecycle import batches
from lifecycle.database import Transaction
from lifecycle.rulebooks import policy_for, rules_of_row
from lifecycle.statements import Statement
from lifecycle.tables import Checkpoint, Person, Project, Rulebook
from states.audience import roles_meant
from states.planning import BY_HAND
from states.policy import Policy
from states.reminders import ReminderPlan, Series
from states.roles import role_book

check = Checkpoint.__table__  # type: ignore[attr-defined]
project = Project.__table__  # type: ignore[attr-defined]
_person = Person.__table__  # type: ignore[attr-defined]
_rulebook = Rulebook.__table__  # type: ignore[attr-defined]

POLICIES = Statement(sa.select(_rulebook.c.hash).where(_rulebook.c.kind == "policy"))
ALWAYS, NEVER = "9999-12-31", "0001-01-01"
BY_POLICY = "policy"  # in the place of a date: as the project's own policy says
OTHERS = "*"  # the kinds that a plan does not name


def policies(tx: Transaction) -> dict[str, Policy]:
    """Return all stored policies by hash: one read, texts once a process."""
    return {row["hash"]: policy_for(tx, row["hash"]) for row in tx.fetch(POLICIES)}


def yellow_until(known: dict[str, Policy], today: date) -> dict[str, date]:
    """Return by policy the last due date that is yellow today."""
    return {digest: today + timedelta(days=policy.reminders.yellow_within_days) for digest, policy in known.items()}


def mine_until(tx: Transaction, known: dict[str, Policy], role: str, today: date) -> dict[str, str]:
    """Return by batch/kind the last due date of what a role has to see to today, and by policy what `BY_POLICY` means.

    A series that tells the role tells it always; one that is escalated to it, once it is overdue for so many days.
    """
    found = {
        digest: _days_before(today, policy.reminders.escalate_after_days).isoformat()
        for digest, policy in known.items()
    }
    for batch in tx.fetch(batches.ALL):
        plan = rules_of_row(tx, batch).reminders
        series = {**plan.series, BY_HAND: plan.series.get(BY_HAND, plan.series["default"])}
        for kind, one in series.items():
            name = OTHERS if kind == "default" else kind
            # Whom a deadline added by hand tells is said with it, not by its series.
            told = () if kind == BY_HAND else one.to or plan.series["default"].to
            found[f"{batch['id']}/{name}"] = ALWAYS if role in roles_meant(told) else _escalated(plan, one, role, today)
    return found


def _escalated(plan: ReminderPlan, series: Series, role: str, today: date) -> str:
    if series.escalation is None:
        return BY_POLICY if role in roles_meant(plan.escalate_to) else NEVER
    days = [step.after_days for step in series.escalation if role in roles_meant(step.to)]
    return _days_before(today, min(days)).isoformat() if days else NEVER


def _days_before(today: date, days: int) -> date:
    return today - timedelta(days=days)


def written(dates: dict[str, Any]) -> str:
    """Return a map of dates as the parameter that `date_for` looks into."""
    return orjson.dumps(dates).decode()


def date_for(name: str, key: Any, dialect: str) -> Any:
    """Return the date that the JSON map in parameter `name` has under a key, NULL where it has none."""
    found = text_for(name, key, dialect)
    return sa.cast(found, sa.Date()) if dialect == "postgresql" else found


def text_for(name: str, key: Any, dialect: str) -> Any:
    """Return what the JSON map in parameter `name` has under a key."""
    given = sa.bindparam(name, type_=sa.types.NullType())
    if dialect == "postgresql":
        return sa.func.jsonb_extract_path_text(sa.cast(given, postgresql.JSONB()), key)
    return sa.func.json_extract(given, _path(key))


def is_mine(dialect: str) -> Any:
    """Return the condition «for the caller»: parameters `mine` (of `mine_until`), `role`, `me`.

    His role is told, or the checkpoint is escalated to it, and nobody else is in charge. Who is in charge but no
    longer active, of that role and within reach, is passed over, as when people are told.
    """
    role = sa.bindparam("role", type_=sa.String())
    place = sa.cast(check.c.batch_id, sa.Text()) + "/"
    pair = sa.func.coalesce(text_for("mine", place + check.c.kind, dialect), text_for("mine", place + OTHERS, dialect))
    until: Any = sa.case((pair == BY_POLICY, text_for("mine", project.c.policy_hash, dialect)), else_=pair)
    if dialect == "postgresql":
        until = sa.cast(until, sa.Date())
    return sa.and_(sa.or_(check.c.due_on <= until, names_role(role, dialect)), ~_another_in_charge(role, dialect))


def _another_in_charge(role: Any, dialect: str) -> Any:
    charged: Any
    if dialect == "postgresql":
        charged = sa.cast(sa.func.jsonb_extract_path_text(project.c.responsible, role), postgresql.UUID(as_uuid=False))
    else:
        charged = sa.func.json_extract(project.c.responsible, _path(role))
    bound = [code for code, entry in role_book().roles.items() if entry.scope == "city"]
    return sa.exists().where(
        _person.c.id == charged,
        _person.c.active.is_(True),
        _person.c.role == role,
        sa.cast(_person.c.id, sa.Text()) != sa.bindparam("me", type_=sa.String()),
        sa.or_(_person.c.role.not_in([sa.literal(code) for code in bound]), _person.c.city == project.c.city),
    )


def names_role(role: Any, dialect: str) -> Any:
    """Return the condition «added by hand, and this role is named with it»."""
    number = sa.cast(check.c.number, sa.Text())
    told: Any
    if dialect == "postgresql":
        told = sa.func.jsonb_exists(sa.func.jsonb_extract_path(project.c.deadlines, number, "to"), role)
    else:
        named = sa.func.json_each(project.c.deadlines, sa.literal('$."') + number + sa.literal('".to')).table_valued(
            "value"
        )
        told = sa.exists(
            sa.select(sa.literal(1)).select_from(named).where(named.c.value == role).correlate(project, check)
        )
    return sa.and_(check.c.kind == BY_HAND, told)


def _path(key: Any) -> Any:
    return sa.literal('$."') + key + sa.literal('"')
