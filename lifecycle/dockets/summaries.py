"""A docket's projects as a summary table 汇总表 in Excel: in the docket's order, with its ranks and opinions."""

from dataclasses import replace

import sqlalchemy as sa

from lifecycle.batches import TASKS
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.dockets.reading import rank_of
from lifecycle.dockets.release import ranks_of
from lifecycle.dockets.shelf import DRAFT, find_docket
from lifecycle.exports import INVENTED, ledger_row, may_export
from lifecycle.imports import vocabulary
from lifecycle.sets import for_both, select_many, within
from lifecycle.tables import Project
from lifecycle.workbook import write_ledger

_project = Project.__table__  # type: ignore[attr-defined]
PROJECTS = for_both(lambda d: sa.select(_project).where(within(_project.c.id, "wanted", d, "uuid")))
OPINION = "city_opinion"


def export_docket(tx: Transaction, caller: Caller, docket: str) -> bytes:
    """Return the docket as an .xlsx file that can be read in again.

    Raises:
        NotFound: there is none within the caller's reach.
        Forbidden: the caller may not export.
    """
    may_export(caller)
    held = find_docket(tx, caller, docket)
    policy, row = held.rules.policy, held.row
    titles = {task["code"]: task["title"] for task in tx.fetch(TASKS, batch=row["batch_id"])}
    found = {one["id"]: one for one in select_many(tx, PROJECTS, "wanted", [item["project_id"] for item in held.items])}
    ranks = ranks_of(tx, held) if row["status"] == DRAFT else {}
    rows = []
    for item in held.items:
        told = ledger_row(tx, found[item["project_id"]], titles, policy.rules.R14.exempt)
        opinion = item["fields"].get(OPINION, told.application.opinion)
        filed = replace(told.application, rank=rank_of(item, ranks), opinion=opinion)
        rows.append(replace(told, application=filed))
    note = INVENTED if row["invented"] else None
    title = f"{held.spec.zh}（第{row['number']}号）项目汇总表"
    return write_ledger(rows, vocabulary(policy), note, title=title)
