"""The ledger 台账 written as a workbook: the summary table's columns, so that it can be read in again."""

import sqlalchemy as sa

from lifecycle.batches import TASKS, rules_of
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import Forbidden
from lifecycle.imports import vocabulary
from lifecycle.rulebooks import rules_for
from lifecycle.snapshots import application_of
from lifecycle.statements import Row, Statement
from lifecycle.tables import Project
from lifecycle.transition import within_reach
from lifecycle.workbook import LedgerRow, write_ledger
from states.findings import Text

_project = Project.__table__  # type: ignore[attr-defined]
OF_BATCH = Statement(sa.select(_project).where(_project.c.batch_id == sa.bindparam("batch")).order_by(_project.c.code))
OF_CITY = Statement(
    sa.select(_project)
    .where(_project.c.batch_id == sa.bindparam("batch"), _project.c.city == sa.bindparam("of_city"))
    .order_by(_project.c.code)
)
INVENTED = "本表为演示数据：单位、名额和任务均为虚构。"


def export_ledger(tx: Transaction, caller: Caller, batch: Row, state: str | None = None) -> bytes:
    """Return the batch's ledger as an .xlsx file: the projects within the caller's reach, by project number.

    Raises:
        Forbidden: the caller may not export.
    """
    may_export(caller)
    policy = rules_of(tx, batch).policy
    titles = {row["code"]: row["title"] for row in tx.fetch(TASKS, batch=batch["id"])}
    if caller.actor.scope == "city":
        found = tx.fetch(OF_CITY, batch=batch["id"], of_city=caller.actor.city)
    else:
        found = tx.fetch(OF_BATCH, batch=batch["id"])
    rows = [
        ledger_row(tx, row, titles, policy.rules.R14.exempt)
        for row in found
        if within_reach(caller, row) and state in (None, row["state"])
    ]
    note = INVENTED if batch["invented"] else None
    return write_ledger(rows, vocabulary(policy), note, title=batch["title"])


def may_export(caller: Caller) -> None:
    """Refuse a caller who may not take tables of projects away.

    Raises:
        Forbidden: always for such a caller.
    """
    if "export" not in caller.actor.rights:
        raise Forbidden(Text("您无权导出台账", "you may not export the ledger"))


def ledger_row(tx: Transaction, row: Row, titles: dict[str, str], exempt: tuple[str, ...]) -> LedgerRow:
    """Return a project's row as the ledger's line; `titles` are the tasks', `exempt` uses no quota (R14)."""
    definition = rules_for(tx, row["definition_hash"], row["policy_hash"]).definition
    return LedgerRow(
        application=application_of(row),
        task_title=titles.get(row["task_code"]),
        uses_quota=row["ownership"] not in exempt,
        code=row["code"],
        state_label=definition.states[row["state"]].zh,
        version=row["version"],
    )
