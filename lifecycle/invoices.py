"""Invoices in the present lists of a programme: where a number stands twice, across projects, rounds and batches."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from lifecycle import sets
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import Forbidden
from lifecycle.statements import Row, Statement
from lifecycle.tables import ClaimedInvoice, Project
from lifecycle.transition import within_reach
from states.findings import Text
from states.investment import invoice_key

_invoice = ClaimedInvoice.__table__  # type: ignore[attr-defined]
_project = Project.__table__  # type: ignore[attr-defined]
_twin, _other = _invoice.alias("twin"), _project.alias("other")

MOST = 500  # places that the list of a batch names
SAME_LIST, EARLIER, ELSEWHERE = "same_list", "same_project", "other_project"
FORGET = Statement(
    sa.delete(_invoice).where(_invoice.c.project_id == sa.bindparam("of"), _invoice.c.round == sa.bindparam("of_round"))
)
_SAME = sa.and_(_twin.c.programme == _invoice.c.programme, _twin.c.invoice == _invoice.c.invoice)
_PAIRS = (
    sa.select(
        _invoice.c.invoice,
        _invoice.c.project_id,
        _invoice.c.round,
        _invoice.c.position,
        _twin.c.project_id.label("twin_project"),
        _twin.c.round.label("twin_round"),
        _twin.c.position.label("twin_position"),
        *(_other.c[name] for name in ("code", "title", "city", "lead_code")),
    )
    .select_from(_invoice.join(_twin, _SAME).join(_other, _other.c.id == _twin.c.project_id))
    .order_by(_invoice.c.position, _other.c.code, _twin.c.round, _twin.c.position)
)
TWINS = Statement(
    _PAIRS.where(
        _invoice.c.project_id == sa.bindparam("of"),
        _invoice.c.round == sa.bindparam("of_round"),
        sa.or_(
            _twin.c.project_id != _invoice.c.project_id,
            _twin.c.round != _invoice.c.round,
            _twin.c.position != _invoice.c.position,
        ),
    )
)
_mine = _project.alias("mine")
OF_BATCH = Statement(
    _PAIRS.add_columns(_mine.c.code.label("own_code"), _mine.c.title.label("own_title"))
    .join(_mine, _mine.c.id == _invoice.c.project_id)
    .where(_mine.c.batch_id == sa.bindparam("batch"), _twin.c.project_id != _invoice.c.project_id)
    .order_by(None)
    .order_by(_invoice.c.invoice, _mine.c.code, _invoice.c.round, _invoice.c.position, _other.c.code)
    .limit(sa.literal(MOST + 1, sa.Integer()))
)


def put_invoices(tx: Transaction, project: Row, name: str, numbers: Sequence[str]) -> None:
    """Put the invoices of a project's present list for a round in place of those of the list before."""
    tx.queue(FORGET, of=project["id"], of_round=name)
    tx.flush()
    rows = [
        {
            "project_id": project["id"],
            "round": name,
            "position": at,
            "programme": project["programme"],
            "invoice": invoice_key(number),
        }
        for at, number in enumerate(numbers, 1)
    ]
    sets.insert_many(tx, _invoice, rows)


def twins_of(tx: Transaction, project: str, name: str) -> list[Row]:
    """Return every other place at which an invoice of a project's present list for a round stands, by line."""
    return tx.fetch(TWINS, of=project, of_round=name)


def seen_elsewhere(tx: Transaction, project: Row, name: str) -> set[int]:
    """Return the lines whose invoice another project claims too: accepting one of them needs a reason."""
    rows = twins_of(tx, project["id"], name)
    return {row["position"] for row in rows if row["twin_project"] != project["id"]}


def flags_for(caller: Caller, project: str, rows: Sequence[Row]) -> dict[int, list[dict[str, Any]]]:
    """Return twins by line as the caller may see them: which other project it is only for who reaches that one."""
    flags: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        own = row["twin_project"] == project
        kind = ELSEWHERE if not own else SAME_LIST if row["twin_round"] == row["round"] else EARLIER
        seen = own or within_reach(caller, row)
        flag = {
            "kind": kind,
            "project": row["code"] if seen else None,
            "round": row["twin_round"] if seen else None,
            "line": row["twin_position"] if seen else None,
        }
        found = flags.setdefault(row["position"], [])
        if flag not in found:
            found.append(flag)
    return flags


def list_doubled(tx: Transaction, caller: Caller, batch: Row) -> list[dict[str, Any]]:
    """Return the invoices of a batch that another project of the programme claims too, pair by pair, at most 500.

    Raises:
        Forbidden: the caller does not see all projects.
    """
    if caller.actor.scope != "all" or "read" not in caller.actor.rights:
        raise Forbidden(Text("重复发票由省厅和审计查看", "invoices that stand twice are for the province and auditors"))
    return [
        {
            "invoice": row["invoice"],
            "here": {"project": row["own_code"], "round": row["round"], "line": row["position"]},
            "there": {"project": row["code"], "round": row["twin_round"], "line": row["twin_position"]},
        }
        for row in tx.fetch(OF_BATCH, batch=batch["id"])[:MOST]
    ]
