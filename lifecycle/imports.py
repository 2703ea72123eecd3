"""Workbooks brought in: read, shown row by row, and entered by the digest of what was shown, all or nothing."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa

from lifecycle import sets
from lifecycle.audit import Change, Log
from lifecycle.batches import LOCK_BATCH, put_quotas, put_shortlist, put_tasks, rules_of, tell
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import Forbidden, ImportRefused, PreviewStale, Unreadable
from lifecycle.projects import create_projects
from lifecycle.sets import for_both
from lifecycle.signing import Receipt
from lifecycle.statements import Row
from lifecycle.tables import Project, Task
from lifecycle.workbook import (
    CellError,
    Limits,
    SummaryRow,
    Vocabulary,
    WorkbookRefused,
    read_quotas,
    read_shortlist,
    read_summary,
    read_tasks,
)
from states.findings import Text
from states.policy import Policy

KINDS = ("projects", "tasks", "quotas", "shortlist")
_project = Project.__table__  # type: ignore[attr-defined]
_task = Task.__table__  # type: ignore[attr-defined]
SAME_LEAD = for_both(
    lambda dialect: sa.select(_project.c.code, _project.c.title, _project.c.lead_code).where(
        _project.c.batch_id == sa.bindparam("batch"), sets.within(_project.c.lead_code, "wanted", dialect)
    )
)
LISTED = for_both(
    lambda dialect: sa.select(_task.c.code).where(
        _task.c.batch_id == sa.bindparam("batch"), sets.within(_task.c.code, "wanted", dialect)
    )
)


@dataclass(frozen=True, slots=True)
class ImportPreview:
    """What a workbook holds: its rows, every error and warning with its cell, and the digest to enter it by."""

    kind: str
    batch: str
    sheet: str
    rows: Sequence[Any]
    errors: Sequence[CellError]
    warnings: Sequence[CellError]
    errors_left_off: int
    digest: str

    @property
    def ready(self) -> bool:
        """True where the workbook can be entered."""
        return not self.errors and bool(self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the preview as JSON values."""
        return {
            "kind": self.kind,
            "batch": self.batch,
            "sheet": self.sheet,
            "ready": self.ready,
            "digest": self.digest,
            "counts": {
                "rows": len(self.rows),
                "errors": len(self.errors) + self.errors_left_off,
                "warnings": len(self.warnings),
            },
            "by_city": dict(sorted(Counter(_city(row) for row in self.rows if _city(row)).items())),
            "errors": [cell_dict(error) for error in self.errors],
            "warnings": [cell_dict(warning) for warning in self.warnings],
            "rows": [_shown(row) for row in self.rows],
        }


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import entered."""

    kind: str
    batch: str
    rows: int
    projects: tuple[tuple[str, str], ...]  # id, code
    receipt: Receipt

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as JSON values."""
        return {
            "kind": self.kind,
            "batch": self.batch,
            "rows": self.rows,
            "projects": [{"id": name, "code": code} for name, code in self.projects],
            "receipt": self.receipt.to_dict(),
        }


def preview_import(
    tx: Transaction, caller: Caller, batch: Row, kind: str, data: bytes, limits: Limits | None = None
) -> ImportPreview:
    """Read a workbook of a kind (projects, tasks, quotas, shortlist) and say what entering it would do.

    Raises:
        Forbidden: the caller may not import, or not this kind.
        Unreadable: the file cannot be taken as a workbook of this kind; the text says what to do.
    """
    _may_import(caller, kind)
    policy = rules_of(tx, batch).policy
    try:
        table = _read(kind, data, vocabulary(policy), limits or Limits())
    except WorkbookRefused as refused:
        raise Unreadable(refused.text, reason=refused.code) from refused
    errors, warnings = list(table.errors), list(table.warnings)
    if kind == "projects":
        errors += _already_there(tx, batch, table.rows, table.sheet)
        errors += _foreign(caller, table.rows, table.sheet)
        warnings += _unlisted(tx, batch, table.rows, table.sheet)
    elif not table.rows and not errors:
        raise Unreadable(Text("表中没有数据行", "the table has no rows"))
    digest = hashlib.sha256(f"{kind}\n{batch['id']}\n{batch['policy_hash']}\n".encode() + data).hexdigest()
    rows = [] if errors else table.rows
    return ImportPreview(kind, batch["id"], table.sheet, rows, errors, warnings, table.errors_left_off, digest)


def commit_import(
    tx: Transaction,
    log: Log,
    caller: Caller,
    batch: Row,
    kind: str,
    data: bytes,
    digest: str,
    limits: Limits | None = None,
) -> Imported:
    """Enter a previewed workbook: every row or none.

    Raises:
        ImportRefused: the workbook has errors; all are in the details.
        PreviewStale: the digest is not that of this file for this batch.
        Forbidden, Unreadable: as the preview.
    """
    tx.one(LOCK_BATCH, wanted=batch["id"])  # what another import enters at the same moment is seen by the preview
    preview = preview_import(tx, caller, batch, kind, data, limits)
    check_previewed(preview, digest)
    created = _enter(tx, log, caller, batch, kind, preview.rows)
    receipt = tell(
        tx,
        log,
        caller,
        batch["id"],
        "batch.imported",
        [
            Change("/import/kind", None, kind),
            Change("/import/sha256", None, hashlib.sha256(data).hexdigest()),
            Change("/import/rows", None, len(preview.rows)),
        ],
    )
    projects = tuple((row["id"], row["code"]) for row in created)
    return Imported(kind, batch["id"], len(preview.rows), projects, receipt)


def vocabulary(policy: Policy) -> Vocabulary:
    """Return the words of a batch's policy that a workbook may use."""
    return Vocabulary(
        cities={code: label.zh for code, label in policy.cities.items()},
        ownerships={code: label.zh for code, label in policy.rules.R14.ownerships.items()},
        lead_kind=policy.rules.R01.lead_kind,
        landing_kind=policy.rules.R01.landing_kind,
        exempt=frozenset(policy.rules.R14.exempt),
    )


class Previewed(Protocol):
    """A workbook as a preview shows it."""

    @property
    def digest(self) -> str:
        """Return what to bring it in by."""

    @property
    def ready(self) -> bool:
        """Return whether it can be brought in."""

    def to_dict(self) -> dict[str, Any]:
        """Return the preview as JSON values."""


def check_previewed(preview: Previewed, digest: str) -> None:
    """Let nothing in but the file that was previewed, and that without a fault.

    Raises:
        PreviewStale: the digest is another file's, or another place's.
        ImportRefused: the workbook has faults; all are in the details.
    """
    if preview.digest != digest:
        raise PreviewStale(
            Text("文件与预览的不一致，请重新预览", "this is not the file that was previewed: preview it again"),
            given=digest[:64],
            present=preview.digest,
        )
    if not preview.ready:
        shown = preview.to_dict()
        raise ImportRefused(
            Text(
                f"表中有{shown['counts']['errors']}处错误，未导入任何数据",
                f"{shown['counts']['errors']} errors; nothing was imported",
            ),
            errors=shown["errors"],
            counts=shown["counts"],
        )


def cell_dict(error: CellError) -> dict[str, Any]:
    """Return a fault at a cell as JSON values."""
    return {
        "sheet": error.sheet,
        "row": error.row,
        "column": error.column,
        "header": error.header,
        "code": error.code,
        "message": {"zh": error.message.zh, "en": error.message.en},
        "value": error.value,
    }


def _read(kind: str, data: bytes, words: Vocabulary, limits: Limits) -> Any:
    if kind == "projects":
        return read_summary(data, words, limits)
    if kind == "tasks":
        return read_tasks(data, limits)
    if kind == "quotas":
        return read_quotas(data, words, limits)
    return read_shortlist(data, limits)


def _enter(tx: Transaction, log: Log, caller: Caller, batch: Row, kind: str, rows: Sequence[Any]) -> list[Row]:
    if kind == "projects":
        return create_projects(tx, log, caller, batch, [row.application for row in rows])
    if kind == "tasks":
        tasks = [{"code": row.code, "title": row.title, "category": row.category} for row in rows]
        put_tasks(tx, log, caller, batch, tasks)
    elif kind == "quotas":
        put_quotas(tx, log, caller, batch, {row.city: row.quota for row in rows})
    else:
        units = [{"credit_code": row.credit_code, "unit": row.name, "batch_label": row.batch} for row in rows]
        put_shortlist(tx, log, caller, batch, units)
    return []


def _already_there(tx: Transaction, batch: Row, rows: Sequence[SummaryRow], sheet: str) -> list[CellError]:
    leads = {_lead(row) for row in rows}
    found = sets.select_many(tx, SAME_LEAD, "wanted", leads, batch=batch["id"])
    there = {(item["lead_code"], item["title"]): item["code"] for item in found}
    return [
        CellError(
            sheet,
            row.row,
            "",
            "项目名称",
            "already_there",
            Text(f"台账中已有同名项目{code}", f"the ledger has this project already: {code}"),
            row.application.title[:80],
        )
        for row in rows
        if (code := there.get((_lead(row), row.application.title)))
    ]


def _foreign(caller: Caller, rows: Sequence[SummaryRow], sheet: str) -> list[CellError]:
    text = Text("不是本市（本单位）的项目，不能导入", "not a project of your own city or unit")
    return [
        CellError(sheet, row.row, "", "市", "out_of_scope", text, row.application.city)
        for row in rows
        if not caller.actor.reaches(row.application.city, (_lead(row),))
    ]


def _unlisted(tx: Transaction, batch: Row, rows: Sequence[SummaryRow], sheet: str) -> list[CellError]:
    asked = {row.application.task_code for row in rows}
    found = {item["code"] for item in sets.select_many(tx, LISTED, "wanted", asked, batch=batch["id"])}
    text = Text("任务编号不在榜单中，提交申报时将不予通过", "not on the task list: submission will be refused")
    return [
        CellError(sheet, row.row, "", "任务编号", "task_unlisted", text, row.application.task_code)
        for row in rows
        if row.application.task_code not in found
    ]


def _lead(row: SummaryRow) -> str:
    lead = row.application.lead
    return lead.credit_code if lead else ""


def _city(row: Any) -> str | None:
    return row.application.city if isinstance(row, SummaryRow) else None


def _shown(row: Any) -> dict[str, Any]:
    if not isinstance(row, SummaryRow):
        return {name: getattr(row, name) for name in type(row).__slots__}
    application = row.application
    lead = application.lead
    return {
        "row": row.row,
        "city": application.city,
        "rank": application.rank,
        "task_code": application.task_code,
        "title": application.title,
        "lead": lead.name if lead else None,
        "lead_code": lead.credit_code if lead else None,
        "members": len(application.members),
        "investment_fen": application.investment_fen,
    }


def _may_import(caller: Caller, kind: str) -> None:
    if kind not in KINDS:
        raise Unreadable(Text(f"导入类型应为{'、'.join(KINDS)}之一", f"the kind is one of {', '.join(KINDS)}"))
    right = "import" if kind == "projects" else "batches"
    if right not in caller.actor.rights:
        raise Forbidden(Text("您无权导入此类表格", "you may not import this kind of table"))
