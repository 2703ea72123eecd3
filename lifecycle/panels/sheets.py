"""Score sheets: kept as drafts by their expert, submitted once, and never changed after that."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from lifecycle.audit import Change, Log, person_of
from lifecycle.callers import Caller
from lifecycle.canonical import instant
from lifecycle.database import Transaction
from lifecycle.errors import Conflict, Forbidden, NotFound, NotOffered, Unreadable
from lifecycle.panels.conflicts import grounds_of, on_panel
from lifecycle.panels.panel import SCORING, Held, lock_panel, open_projects, record
from lifecycle.panels.panel import sheet as _sheet
from lifecycle.requests import is_identifier, note_of
from lifecycle.signing import Receipt
from lifecycle.statements import Row, Statement
from states.findings import Text
from states.panels import read_points, total_of

COMMENT_LENGTH = 4000
OF_ID = Statement(sa.select(_sheet).where(_sheet.c.id == sa.bindparam("wanted")))
_WRITTEN = ("status", "points", "comment", "total", "version", "changed_at", "submitted_at")
WRITE = Statement(
    sa.update(_sheet)
    .where(_sheet.c.id == sa.bindparam("of"))
    .values({name: sa.bindparam(f"new_{name}", type_=_sheet.c[name].type) for name in _WRITTEN})
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A sheet as an act of its expert left it."""

    row: Row
    receipt: Receipt | None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**told(self.row), "receipt": self.receipt.to_dict() if self.receipt else None}


def told(row: Row) -> dict[str, Any]:
    """Return a whole sheet as JSON values."""
    names = ("id", "project_id", "round", "status", "points", "comment", "total", "version")
    submitted = row["submitted_at"]
    return {
        **{name: row[name] for name in names},
        "changed_at": instant(row["changed_at"]),
        "submitted_at": instant(submitted) if submitted else None,
    }


def save_sheet(
    tx: Transaction,
    log: Log,
    caller: Caller,
    sheet: str,
    points: Mapping[str, Any],
    comment: str | None = None,
    *,
    expected_version: int | None = None,
) -> Kept:
    """Keep one's own sheet as a draft: the points given so far, out of each criterion's maximum, and a comment.

    The comment enters the log as a commitment.

    Raises:
        NotFound: the caller has no such sheet.
        Conflict: the expected version is not the present one: it was changed elsewhere.
        Forbidden: a conflict of interest has come up, or none was declared yet.
        NotOffered: the panel does not score now, or the sheet is submitted or released.
        Unreadable: points or comment are not what they should be; the details name each criterion.
    """
    held, row = _own_sheet(tx, caller, sheet, expected_version)
    read = _read(held, points, whole=False)
    return _keep(tx, log, caller, held, row, {"points": read, "comment": _comment(comment), "status": "draft"})


def submit_sheet(
    tx: Transaction,
    log: Log,
    caller: Caller,
    sheet: str,
    points: Mapping[str, Any] | None = None,
    comment: str | None = None,
    *,
    expected_version: int | None = None,
) -> Kept:
    """Submit one's own sheet, with these points and comment or as it was kept; it is never changed after that.

    Raises:
        NotFound, Conflict, Forbidden, NotOffered: as `save_sheet`.
        Unreadable: as `save_sheet`, or a criterion has no points.
    """
    held, row = _own_sheet(tx, caller, sheet, expected_version)
    read = _read(held, row["points"] if points is None else points, whole=True)
    columns = {
        "points": read,
        "comment": row["comment"] if points is None and comment is None else _comment(comment),
        "total": format(total_of(held.setting, read), "f"),
        "status": "submitted",
        "submitted_at": caller.now,
    }
    return _keep(tx, log, caller, held, row, columns)


def _own_sheet(tx: Transaction, caller: Caller, sheet: str, expected: int | None) -> tuple[Held, Row]:
    """Return the caller's sheet, its panel locked first: reopening and submitting come one after the other."""
    row = tx.one(OF_ID, wanted=sheet) if is_identifier(sheet) else None
    me = caller.actor.id
    if row is None or row["person_id"] != me or "score" not in caller.actor.rights:
        raise NotFound(Text("没有此评分表", "there is no such sheet of yours"))
    held = lock_panel(tx, row["panel_id"], (SCORING,))
    row = tx.one(OF_ID, wanted=sheet)
    assert row is not None
    expert, project = on_panel(tx, held.id, me), open_projects(tx, held.id).get(row["project_id"])
    if row["status"] not in ("assigned", "draft") or project is None or project["round"] != row["round"]:
        raise NotOffered(
            Text(
                "评分表已提交、已收回或本轮已结束，不能修改", "the sheet is submitted or released, or its round is over"
            ),
            [],
            status=row["status"],
        )
    if expected is not None and expected != row["version"]:
        raise Conflict(
            Text(
                f"评分表现为第{row['version']}版，请刷新后再填",
                f"the sheet is at version {row['version']} now: read it again",
            ),
            expected_version=expected,
            version=row["version"],
        )
    may_score(tx, held, expert, project)
    return held, row


def may_score(tx: Transaction, held: Held, expert: Row | None, project: Row) -> None:
    """Refuse an expert who has not declared, or who has a conflict with the project as both stand now.

    Raises:
        Forbidden: so.
    """
    if expert is None or expert["declared_at"] is None:
        raise Forbidden(Text("请先申报利益冲突", "declare your conflicts of interest first"))
    if grounds_of(tx, held.id, [expert], [project]):
        raise Forbidden(Text("您应回避此项目", "you have a conflict of interest with this project"))


def _keep(tx: Transaction, log: Log, caller: Caller, held: Held, row: Row, columns: dict[str, Any]) -> Kept:
    values = {**{name: row[name] for name in _WRITTEN}, **columns}
    values |= {"version": row["version"] + 1, "changed_at": caller.now}
    changes = [Change("/sheet", None, row["id"])]
    for name in ("status", "points", "total"):
        if values[name] != row[name]:
            changes.append(Change(f"/sheet/{name}", row[name], values[name]))
    if values["comment"] != row["comment"]:
        changes.append(Change("/sheet/comment", None, values["comment"], person_of(caller)))
    changes.append(Change("/sheet/version", row["version"], values["version"]))
    kind = "panel.sheet_submitted" if values["status"] == "submitted" else "panel.sheet_kept"
    tx.queue(WRITE, of=row["id"], **{f"new_{name}": value for name, value in values.items()})
    done = record(tx, log, caller, held, kind, changes, moves=False)
    return Kept({**row, **values}, done.receipt)


def _read(held: Held, points: Mapping[str, Any], *, whole: bool) -> dict[str, str]:
    read, wrong = read_points(held.setting, points, whole=whole)
    if wrong:
        zh = "；".join(f"{name}：{text.partition(' / ')[0]}" for name, text in wrong.items())
        en = "; ".join(f"{name}: {text.partition(' / ')[2]}" for name, text in wrong.items())
        raise Unreadable(Text(f"评分有误：{zh}", f"these points cannot be taken: {en}"), criteria=wrong)
    return read


def _comment(comment: str | None) -> str | None:
    return note_of(comment, COMMENT_LENGTH)
