"""The panel as a subject: found, locked, who may lead or see it, and each change of it told in its own stream."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from lifecycle import audit
from lifecycle.audit import Change, Deed, Head, Log, person_of
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import Conflict, Forbidden, NotFound, NotOffered
from lifecycle.requests import is_identifier
from lifecycle.signing import Receipt
from lifecycle.statements import Row, Statement
from lifecycle.tables import (
    Batch,
    Panel,
    PanelConflict,
    PanelExpert,
    PanelProject,
    PanelResult,
    PanelSession,
    Person,
    Project,
    ScoreSheet,
)
from states.findings import Text
from states.panels import PanelSetting

table = Panel.__table__  # type: ignore[attr-defined]
expert = PanelExpert.__table__  # type: ignore[attr-defined]
project = PanelProject.__table__  # type: ignore[attr-defined]
conflict = PanelConflict.__table__  # type: ignore[attr-defined]
sheet = ScoreSheet.__table__  # type: ignore[attr-defined]
session = PanelSession.__table__  # type: ignore[attr-defined]
result = PanelResult.__table__  # type: ignore[attr-defined]
_batch = Batch.__table__  # type: ignore[attr-defined]
_person = Person.__table__  # type: ignore[attr-defined]
_project = Project.__table__  # type: ignore[attr-defined]

TOLD_AT_ONCE = 40  # changes in one entry: with ids in each they stay well below what an entry may hold
PREPARING, SCORING, CONCLUDED = "preparing", "scoring", "concluded"
STATUSES = {
    PREPARING: Text("筹备中", "in preparation"),
    SCORING: Text("评分中", "scoring"),
    CONCLUDED: Text("已结束", "concluded"),
}
_OF_PANEL = sa.bindparam("panel", type_=table.c.id.type)
_WHOLE = sa.select(table, _batch.c.code.label("batch_code")).join(_batch, _batch.c.id == table.c.batch_id)
BY_ID = Statement(_WHOLE.where(table.c.id == sa.bindparam("wanted")))
BY_NUMBER = Statement(_WHOLE.where(table.c.batch_id == sa.bindparam("of"), table.c.number == sa.bindparam("wanted")))
LOCK = Statement(_WHOLE.where(table.c.id == sa.bindparam("wanted")).with_for_update(of=table))
_WRITTEN = ("status", "seed", "due_on", "version", "head_seq", "head_hash", "changed_at")
WRITE = Statement(
    sa.update(table)
    .where(table.c.id == sa.bindparam("of"))
    .values({name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in _WRITTEN})
)
EXPERTS = Statement(
    sa.select(
        expert,
        *(_person.c[name] for name in ("login", "name", "role", "unit", "group_name", "active")),
    )
    .join(_person, _person.c.id == expert.c.person_id)
    .where(expert.c.panel_id == _OF_PANEL)
    .order_by(_person.c.login)
)
_FILED = (
    *("id", "batch_id", "code", "title", "city", "state", "version", "task_code", "ownership", "group_name"),
    *("lead_code", "lead_name", "members", "investment_fen", "starts_on", "ends_on", "filed_rank", "opinion"),
    *("remarks", "contact_name", "contact_phone", "indicators", "documents", "definition_hash", "policy_hash"),
)
PROJECTS = Statement(
    sa.select(*(_project.c[name] for name in _FILED), project.c.round)
    .join(_project, _project.c.id == project.c.project_id)
    .where(project.c.panel_id == _OF_PANEL)
    .order_by(_project.c.code)
)
CONFLICTS = Statement(sa.select(conflict).where(conflict.c.panel_id == _OF_PANEL))
SHEETS = Statement(
    sa.select(sheet, _person.c.login, _person.c.name)
    .join(_person, _person.c.id == sheet.c.person_id)
    .where(sheet.c.panel_id == _OF_PANEL)
    .order_by(sheet.c.round, _person.c.login, sheet.c.project_id)
)
SESSIONS = Statement(sa.select(session).where(session.c.panel_id == _OF_PANEL).order_by(session.c.number))
RESULTS = Statement(
    sa.select(result).where(result.c.panel_id == _OF_PANEL).order_by(result.c.round, result.c.project_id)
)


@dataclass(frozen=True, slots=True)
class Held:
    """A panel with its row locked, and the setting that it works by."""

    row: Row
    setting: PanelSetting

    @property
    def id(self) -> str:
        """Return the panel's id."""
        return str(self.row["id"])


@dataclass(frozen=True, slots=True)
class Done:
    """A panel as an act left it; no receipt: nothing changed. `told` is what else there is to say, as JSON values."""

    row: Row
    receipt: Receipt | None
    told: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            **summary(self.row),
            **self.told,
            "receipt": self.receipt.to_dict() if self.receipt else None,
        }


def summary(row: Row) -> dict[str, Any]:
    """Return what names a panel and how it stands, as JSON values."""
    names = ("id", "number", "purpose", "title", "task_code", "status", "version")
    due_on, status = row["due_on"], STATUSES[row["status"]]
    setting = row["setting"]
    return {
        **{name: row[name] for name in names},
        "batch": row["batch_code"],
        "purpose_label": {"zh": setting["zh"], "en": setting["en"]},
        "status_label": status._asdict(),
        "due_on": due_on.isoformat() if due_on else None,
    }


def may_lead(caller: Caller) -> None:
    """Refuse a caller who may not set up and lead panels.

    Raises:
        Forbidden: so.
    """
    if "panels" not in caller.actor.rights:
        raise Forbidden(Text("专家组由省厅组织", "panels are for the province to lead"))


def may_see(caller: Caller) -> None:
    """Refuse a caller who may not know of panels: only who reads the whole programme may, never those it scores.

    Raises:
        Forbidden: so.
    """
    if caller.actor.scope != "all" or "read" not in caller.actor.rights:
        raise Forbidden(Text("专家组及评分仅供省厅和审计查看", "panels and scores are for province and auditor alone"))


def nowhere() -> NotFound:
    """Return the answer for a panel that is not there or not the caller's: the two look alike."""
    return NotFound(Text("没有此专家组", "there is no such panel"))


def find_panel(tx: Transaction, panel: str) -> Row:
    """Return a panel's row by id, unlocked.

    Raises:
        NotFound: there is none.
    """
    row = tx.one(BY_ID, wanted=panel) if is_identifier(panel) else None
    if row is None:
        raise nowhere()
    return row


def panel_of_batch(tx: Transaction, batch: Row, number: int) -> Row:
    """Return a batch's panel by its number, unlocked.

    Raises:
        NotFound: there is none.
    """
    row = tx.one(BY_NUMBER, of=batch["id"], wanted=number) if 0 < number < 2**31 else None
    if row is None:
        raise nowhere()
    return row


def lock_panel(
    tx: Transaction, panel: str, statuses: Sequence[str] = tuple(STATUSES), expected_version: int | None = None
) -> Held:
    """Return a panel with its row locked: whoever changes anything of it, sheets too, comes one by one.

    Raises:
        NotFound: there is none.
        Conflict: the expected version is not the present one.
        NotOffered: it stands in none of these statuses.
    """
    row = tx.one(LOCK, wanted=panel) if is_identifier(panel) else None
    if row is None:
        raise nowhere()
    if expected_version is not None and expected_version != row["version"]:
        raise Conflict(
            Text(
                f"该专家组现为第{row['version']}版，请刷新后再办",
                f"the panel is at version {row['version']} now: read it again",
            ),
            expected_version=expected_version,
            version=row["version"],
        )
    if row["status"] not in statuses:
        zh, en = STATUSES[row["status"]]
        raise NotOffered(Text(f"专家组“{zh}”，不能办理此项", f"not offered while the panel is {en}"), [])
    return Held(row, PanelSetting.model_validate(row["setting"]))


def open_projects(tx: Transaction, panel: str) -> dict[str, Row]:
    """Return a panel's projects by id whose present round has no result yet: those that are still scored."""
    concluded = {(row["project_id"], row["round"]) for row in tx.fetch(RESULTS, panel=panel)}
    rows = tx.fetch(PROJECTS, panel=panel)
    return {row["id"]: row for row in rows if (row["id"], row["round"]) not in concluded}


def record(
    tx: Transaction,
    log: Log,
    caller: Caller,
    held: Held,
    kind: str,
    changes: Sequence[Change],
    *,
    reason: str | None = None,
    docs: Sequence[Mapping[str, Any]] = (),
    moves: bool = True,
    told: Mapping[str, Any] | None = None,
    **columns: Any,
) -> Done:
    """Queue a panel's new columns and the entries that tell what changed; many changes make several entries.

    `moves`: the version goes up, which an expert's own sheets leave alone. The reason enters the log as a commitment.
    """
    row, keys = held.row, audit.keys_of(tx, person_of(caller))
    version = row["version"] + moves
    all_changes = [
        *changes,
        *(Change(f"/{name}", _plain(row[name]), _plain(value)) for name, value in columns.items()),
        *([Change("/version", row["version"], version)] if moves else []),
    ]
    head = Head(row["head_seq"], row["head_hash"])
    receipt = None
    for first in range(0, len(all_changes), TOLD_AT_ONCE):
        deed = Deed(
            f"panel/{held.id}",
            kind,
            ("panel", held.id, version),
            action={
                "name": kind.partition(".")[2],
                "from": row["status"],
                "to": columns.get("status", row["status"]),
                "rule": None,
                "override": [],
                "definition": None,
                "policy": None,
            },
            changes=all_changes[first : first + TOLD_AT_ONCE],
            reason=reason,
            docs=docs,
        )
        built = audit.build(log, caller, head, deed, keys)
        audit.append(tx, built)
        head, receipt = built.head, built.receipt
    written = {
        **{name: row[name] for name in _WRITTEN},
        **columns,
        "version": version,
        "head_seq": head.seq,
        "head_hash": head.hash,
        "changed_at": caller.now,
    }
    tx.queue(WRITE, of=held.id, **{f"new_{name}": value for name, value in written.items()})
    return Done({**row, **written}, receipt, told or {})


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
