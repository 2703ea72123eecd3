"""Lists that the notice makes public: what the public sees of a released docket, and from which day on. No contacts."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from lifecycle.database import Transaction
from lifecycle.dockets.dates import dates_of
from lifecycle.dockets.shelf import DRAFT, READ, WITH_RULES, WITHDRAWN, table
from lifecycle.dockets.shelf import items as _items
from lifecycle.errors import NotFound
from lifecycle.requests import is_identifier
from lifecycle.rulebooks import RuleSet, rules_of_row
from lifecycle.statements import Row, Statement
from lifecycle.tables import Project, Task
from lifecycle.visibility import label_of
from states.deadlines import business_date
from states.definition import DocketSpec
from states.findings import Text

_project = Project.__table__  # type: ignore[attr-defined]
_task = Task.__table__  # type: ignore[attr-defined]
MOST = 200  # lists of a batch that are told, the newest first
OF_BATCH = Statement(
    WITH_RULES.where(table.c.batch_id == sa.bindparam("of"), table.c.released_at.is_not(None))
    .order_by(table.c.released_at.desc(), table.c.id.desc())
    .limit(MOST)
)
ROWS = Statement(
    sa.select(
        *(_project.c[name] for name in ("title", "city", "task_code", "lead_name", "members")),
        _items.c.outcome,
        _task.c.title.label("task_title"),
    )
    .select_from(_items)
    .join(_project, _project.c.id == _items.c.project_id)
    .join(_task, sa.and_(_task.c.batch_id == _project.c.batch_id, _task.c.code == _project.c.task_code), isouter=True)
    .where(_items.c.docket_id == sa.bindparam("of"))
    .order_by(_items.c.position)
)


def public_lists(tx: Transaction, batch: Row, now: datetime) -> list[dict[str, Any]]:
    """Return the batch's lists that the public may see now, the newest first, without their rows; one read."""
    told = []
    for row in tx.fetch(OF_BATCH, of=batch["id"]):
        rules = rules_of_row(tx, row)
        spec = rules.definition.dockets.get(row["kind"])
        if spec is not None and is_public(rules, spec, row, now):
            told.append(_head(rules, spec, row))
    return told


def public_list(tx: Transaction, docket: str, now: datetime) -> dict[str, Any]:
    """Return one public list with its rows: of each project the title, city, task and the units' names.

    Rows that a release left stand on no list. Two reads.

    Raises:
        NotFound: there is no such list, or it is not public, or not yet: the three look alike.
    """
    row, rules, spec = find_public(tx, docket, now)
    rows = [one for one in tx.fetch(ROWS, of=docket) if "state" in (one["outcome"] or {})]
    listed = [_row(rules, place, one) for place, one in enumerate(rows, 1)]
    return {**_head(rules, spec, row), "invented": row["invented"], "rows": listed}


def find_public(tx: Transaction, docket: str, now: datetime) -> tuple[Row, RuleSet, DocketSpec]:
    """Return a docket that is public by now, with the rules of its batch and its kind.

    Raises:
        NotFound: there is no such list, or it is not public, or not yet: the three look alike.
    """
    row = tx.one(READ, wanted=docket) if is_identifier(docket) else None
    rules = rules_of_row(tx, row) if row else None
    spec = rules.definition.dockets.get(row["kind"]) if row and rules else None
    if row is None or rules is None or spec is None or not is_public(rules, spec, row, now):
        raise NotFound(Text("没有此名单", "there is no such list"))
    return row, rules, spec


def is_public(rules: RuleSet, spec: DocketSpec, row: Row, now: datetime) -> bool:
    """Return whether a docket is public now: its kind is, it was released, and its day has come."""
    if not spec.public or row["status"] in (DRAFT, WITHDRAWN):
        return False
    begins = row["header"].get(spec.public_from) if spec.public_from else None
    return begins is None or date.fromisoformat(begins) <= business_date(now, rules.policy.policy.zone)


def _head(rules: RuleSet, spec: DocketSpec, row: Row) -> dict[str, Any]:
    fields = rules.definition.fields
    header = [(fields[name], row["header"][name]) for name in spec.public if name in row["header"]]
    return {
        "id": row["id"],
        "kind": row["kind"],
        "label": label_of(spec, row["kind"]),
        "batch": row["batch_code"],
        "number": row["number"],
        "version": row["version"],
        "released_on": business_date(row["released_at"], rules.policy.policy.zone).isoformat(),
        "header": [{"label": {"zh": field.zh, "en": field.en}, "value": str(value)} for field, value in header],
        "dates": [
            {name: one[name] for name in ("label", "due_on", "provisional")} for one in dates_of(rules, spec, row)
        ],
    }


def _row(rules: RuleSet, position: int, row: Row) -> dict[str, Any]:
    return {
        "position": position,
        "title": row["title"],
        "city": row["city"],
        "city_label": label_of(rules.policy.cities.get(row["city"]), row["city"]),
        "task": row["task_code"],
        "task_title": row["task_title"],
        "lead": row["lead_name"],
        "members": [unit["name"] for unit in row["members"] if unit["name"] != row["lead_name"]],
    }
