"""Lapses 逾期 that the system proposes: projects past a round's grace. A person confirms each; none is automatic."""

from datetime import date
from typing import Any

import sqlalchemy as sa

from lifecycle import sets
from lifecycle.batches import rules_of
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.overviews import may_read
from lifecycle.rulebooks import rules_of_row
from lifecycle.sets import for_both
from lifecycle.statements import Row
from lifecycle.tables import Checkpoint, Project
from lifecycle.transition import within_reach
from states.definition import LifecycleDefinition

_check = Checkpoint.__table__  # type: ignore[attr-defined]
_project = Project.__table__  # type: ignore[attr-defined]

GRACE_OVER = "window_and_grace_over"  # the rule by which a definition says that an act confirms a lapse (R22)
PAST = for_both(
    lambda dialect: (
        sa.select(
            _check.c.kind,
            _check.c.due_on,
            _check.c.provisional,
            *(
                _project.c[name]
                for name in ("id", "code", "title", "city", "lead_name", "lead_code", "state", "version")
            ),
            _project.c.definition_hash,
            _project.c.policy_hash,
        )
        .join(_project, _project.c.id == _check.c.project_id)
        .where(
            _check.c.batch_id == sa.bindparam("batch"),
            sets.within(_check.c.kind, "kinds", dialect),
            _check.c.due_on < sa.bindparam("today", type_=sa.Date()),
            sa.text("status = 'open'"),
        )
        .order_by(_check.c.due_on, _project.c.code)
    )
)


def list_overdue(tx: Transaction, caller: Caller, batch: Row) -> list[dict[str, Any]]:
    """Return the projects within reach whose round's grace has ended without an application, the oldest first.

    A suspended project's clock stands still and is not among them. `event` is the act by which a person confirms.

    Raises:
        Forbidden: the caller reads nothing of the programme.
    """
    may_read(caller)
    rules = rules_of(tx, batch)
    today = caller.today(rules.policy.policy.zone)
    kinds = {f"{arrow.round}_grace_ends" for arrow in rules.definition.transitions if GRACE_OVER in arrow.rules}
    rows = sets.select_many(tx, PAST, "kinds", kinds, batch=batch["id"], today=today)
    found = []
    for row in rows:
        own = rules_of_row(
            tx, {**row, "calendar_hash": batch["calendar_hash"], "reminders_hash": batch["reminders_hash"]}
        )
        event = _confirming(own.definition, row["state"], own.policy.mode, row["kind"])
        if event is not None and within_reach(caller, row):
            found.append(_shown(own.definition, row, event, today))
    return found


def _confirming(definition: LifecycleDefinition, state: str, mode: str, kind: str) -> str | None:
    """Return the act that confirms a lapse of this round from this state, or None where there is none."""
    for arrow in definition.transitions:
        fits = GRACE_OVER in arrow.rules and state in arrow.source and (not arrow.modes or mode in arrow.modes)
        if fits and kind == f"{arrow.round}_grace_ends":
            return arrow.event
    return None


def _shown(definition: LifecycleDefinition, row: Row, event: str, today: date) -> dict[str, Any]:
    due: date = row["due_on"]
    state = definition.states[row["state"]]
    return {
        "project": row["id"],
        "code": row["code"],
        "title": row["title"],
        "city": row["city"],
        "lead_name": row["lead_name"],
        "version": row["version"],
        "state": row["state"],
        "state_label": {"zh": state.zh, "en": state.en},
        "event": event,
        "grace_ended_on": due.isoformat(),
        "days_over": (today - due).days,
        "provisional": row["provisional"],
    }
