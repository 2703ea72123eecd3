"""Objections as people read them: whole for those who see all projects, the objector masked for everybody else."""

from typing import Any

import sqlalchemy as sa

from lifecycle.callers import Caller
from lifecycle.canonical import instant
from lifecycle.database import Transaction
from lifecycle.errors import Unreadable
from lifecycle.objections.register import DISMISSED, RECEIVED, STATUS, nowhere, table
from lifecycle.overviews import may_read
from lifecycle.pages import Page, check_limit
from lifecycle.requests import is_identifier
from lifecycle.statements import Row, Statement
from lifecycle.tables import Project
from states.findings import Text

_project = Project.__table__  # type: ignore[attr-defined]
FIRST = "00000000-0000-0000-0000-000000000000"
KIND, MADE_ON, GROUND = "objector_kind", "objected_on", "objection_ground"
_WHOLE = sa.select(
    table,
    *(_project.c[name] for name in ("code", "title", "city", "lead_code", "state", "definition_hash", "policy_hash")),
).join(_project, _project.c.id == table.c.project_id)
ONE = Statement(_WHOLE.where(table.c.id == sa.bindparam("wanted")))
LIST = Statement(
    _WHOLE.where(
        table.c.batch_id == sa.bindparam("of"),
        table.c.id > sa.bindparam("after"),
        sa.or_(sa.bindparam("all_projects", type_=sa.Boolean), table.c.project_id == sa.bindparam("of_project")),
        sa.or_(sa.bindparam("any_status", type_=sa.Boolean), table.c.status == sa.bindparam("of_status")),
        sa.or_(sa.bindparam("any_city", type_=sa.Boolean), _project.c.city == sa.bindparam("of_city")),
        sa.or_(sa.bindparam("any_unit", type_=sa.Boolean), _project.c.lead_code == sa.bindparam("of_unit")),
    )
    .order_by(table.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


def list_objections(
    tx: Transaction,
    caller: Caller,
    batch: Row,
    project: str | None = None,
    status: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Page:
    """Return the objections within the caller's reach, first received first; one read.

    Raises:
        Forbidden: the caller reads nothing of the programme.
        Unreadable: status, limit or the place to go on after is none.
    """
    may_read(caller)
    check_limit(limit)
    actor = caller.actor
    if status is not None and status not in STATUS:
        raise Unreadable(Text(f"状态应为{'、'.join(STATUS)}之一", f"the status is one of {', '.join(STATUS)}"))
    if any(one is not None and not is_identifier(one) for one in (after, project)):
        raise Unreadable(Text("翻页标记或项目编号无效", "the cursor or the project is not valid"))
    rows = tx.fetch(
        LIST,
        of=batch["id"],
        after=after or FIRST,
        all_projects=project is None,
        of_project=project or FIRST,
        any_status=status is None,
        of_status=status or "",
        any_city=actor.scope != "city",
        of_city=actor.city or "",
        any_unit=actor.scope != "unit",
        of_unit=actor.unit or "",
        limit=limit + 1,
    )
    return Page([_shown(caller, row) for row in rows[:limit]], rows[limit - 1]["id"] if len(rows) > limit else None)


def show_objection(tx: Transaction, caller: Caller, objection: str) -> dict[str, Any]:
    """Return an objection as the caller may see it.

    Raises:
        NotFound: there is none on a project within the caller's reach.
    """
    return _shown(caller, find_objection(tx, caller, objection))


def find_objection(tx: Transaction, caller: Caller, objection: str) -> Row:
    """Return an objection's row with what is asked of its project.

    Raises:
        NotFound: there is none on a project within the caller's reach.
    """
    row = tx.one(ONE, wanted=objection) if is_identifier(objection) else None
    reached = row is not None and caller.actor.reaches(row["city"], (row["lead_code"],))
    if row is None or not reached or "read" not in caller.actor.rights:
        raise nowhere()
    return row


def unmasked(row: Row) -> frozenset[str]:
    """Return the paths of an objection's stream that a masked reader sees."""
    counted = row["status"] not in (RECEIVED, DISMISSED)
    fields = (KIND, MADE_ON, *((GROUND,) if counted else ()))
    return frozenset(
        ("/number", "/status", "/due_on", *(("/finding",) if counted else ()), *(f"/fields/{f}" for f in fields))
    )


def _shown(caller: Caller, row: Row) -> dict[str, Any]:
    """Return an objection; who made it, and by what papers, is for those who see all projects.

    Its ground is not told before it counts: one that is not in form is nobody's to answer.
    """
    fields, whole = row["fields"], caller.actor.scope == "all"
    counted = row["status"] not in (RECEIVED, DISMISSED)
    status = STATUS[row["status"]]
    masked = {name: fields.get(name) for name in (KIND, MADE_ON, *((GROUND,) if counted else ()))}
    return {
        **{name: row[name] for name in ("id", "number", "status", "version", "code", "title", "city", "state")},
        "project": row["project_id"],
        "status_label": {"zh": status.zh, "en": status.en},
        "counts": counted,
        "masked": not whole,
        "fields": fields if whole else {name: value for name, value in masked.items() if value is not None},
        "documents": row["documents"] if whole else {},
        "findings": row["findings"] if whole else [],
        "due_on": row["due_on"].isoformat() if row["due_on"] else None,
        "provisional": row["provisional"],
        "finding": row["finding"] if whole or counted else None,
        "created_at": instant(row["created_at"]),
        "changed_at": instant(row["changed_at"]),
    }
