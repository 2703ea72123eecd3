"""A project's timeline: all its checkpoints, open and ended, with what opened or ended each of them."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa

from lifecycle.callers import Caller
from lifecycle.canonical import instant
from lifecycle.checkpoints import table
from lifecycle.database import Transaction
from lifecycle.deadlines import roles_told
from lifecycle.statements import Row, Statement
from lifecycle.transition import Loaded, load_project
from lifecycle.visibility import checkpoint_label, label_of, sees_deadline
from states.deadlines import light
from states.findings import Text
from states.planning import BY_HAND

OPEN = "open"
STATUSES = (OPEN, "closed", "superseded")
CAUSES = {  # acts of ours, which no lifecycle names
    "created": Text("填报", "entered"),
    "add_deadline": Text("增设期限", "deadline added"),
    "move_deadline": Text("调整期限", "deadline moved"),
    "end_deadline": Text("了结期限", "deadline ended"),
    "move_version": Text("转入新版规则", "moved to another version of the rules"),
    "new_calendar": Text("采用新的日历", "a new calendar"),
}
CHECKPOINTS = Statement(
    sa.select(table)
    .where(table.c.project_id == sa.bindparam("of"))
    .order_by(table.c.due_on, table.c.kind, table.c.number, table.c.opened_at, table.c.id)
)


def project_checkpoints(
    tx: Transaction, caller: Caller, project: str, status: str | None = None
) -> list[dict[str, Any]]:
    """Return a project's checkpoints by due date as JSON values, of one status where that is named. Two reads.

    Deadlines added by hand are left out where the caller is not to know of them. Lights are of the caller's today.

    Raises:
        NotFound: there is no such project within the caller's reach.
    """
    loaded = load_project(tx, caller, project)
    added = loaded.row["deadlines"]
    hidden = {int(number) for number, one in added.items() if not sees_deadline(caller.actor, one)}
    today = caller.today(loaded.rules.policy.policy.zone)
    return [
        _item(loaded, added, row, today)
        for row in tx.fetch(CHECKPOINTS, of=project)
        if status in (None, row["status"]) and not (row["kind"] == BY_HAND and row["number"] in hidden)
    ]


def _item(loaded: Loaded, added: Mapping[str, Any], row: Row, today: date) -> dict[str, Any]:
    definition, policy = loaded.rules.definition, loaded.rules.policy
    due_on, is_open = row["due_on"], row["status"] == OPEN
    return {
        **{name: row[name] for name in ("id", "kind", "number", "version", "status", "provisional", "calendar")},
        "label": checkpoint_label(definition, added, row["kind"], row["number"]),
        "due_on": due_on.isoformat(),
        "computed_on": row["computed_on"].isoformat(),
        "light": light(due_on, today, policy.reminders.yellow_within_days).value if is_open else None,
        "days_left": (due_on - today).days if is_open else None,
        "to": list(roles_told(loaded.rules, added, row["kind"], row["number"])),
        "reason": {"code": row["reason"], **_words(loaded, row["reason"])} if row["reason"] else None,
        "replaces": row["replaces"],
        "opened_at": instant(row["opened_at"]),
        "ended_at": instant(row["ended_at"]) if row["ended_at"] else None,
    }


def _words(loaded: Loaded, reason: str) -> dict[str, str]:
    """Return how the act that opened or ended a checkpoint is called."""
    arrows = loaded.rules.definition.by_event.get(reason)
    return CAUSES[reason]._asdict() if reason in CAUSES else label_of(arrows[0] if arrows else None, reason)
