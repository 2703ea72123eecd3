"""Which expert scores which project: by hand, balanced by a seed, or taken back. Never against a conflict."""

import secrets
from collections.abc import Sequence
from typing import Any

from lifecycle import audit, sets
from lifecycle.audit import Change, Log
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import NotFound, NotOffered, Unreadable
from lifecycle.panels.conflicts import Grounds, grounds_of
from lifecycle.panels.panel import (
    EXPERTS,
    PREPARING,
    SCORING,
    SHEETS,
    Done,
    Held,
    lock_panel,
    may_lead,
    open_projects,
    record,
)
from lifecycle.panels.panel import sheet as _sheet
from lifecycle.statements import Row
from states.assigning import Pair, balanced
from states.conflicts import GROUNDS
from states.findings import Text

SEEDS = 2**31


def assign_by_hand(
    tx: Transaction,
    log: Log,
    caller: Caller,
    panel: str,
    pairs: Sequence[tuple[str, str]],
    *,
    expected_version: int | None = None,
) -> Done:
    """Give projects of the panel to its experts, as (project id, login); what is assigned already stays.

    Raises:
        NotFound, Conflict, NotOffered: as `lock_panel`; or an expert is not on the panel, or a project is not, or its
            round has its result.
        Forbidden: the caller may not lead panels.
        Unreadable: an expert has not declared or has a conflict with the project.
    """
    may_lead(caller)
    held = lock_panel(tx, panel, (PREPARING, SCORING), expected_version)
    experts = {row["login"]: row for row in tx.fetch(EXPERTS, panel=held.id)}
    projects = open_projects(tx, held.id)
    if not pairs or any(project not in projects or login not in experts for project, login in pairs):
        raise NotFound(Text("项目或专家不在本组，或项目已有结果", "not on the panel, or the project has its result"))
    wanted = [(project, experts[login]["person_id"]) for project, login in dict.fromkeys(pairs)]
    grounds = grounds_of(tx, held.id, experts.values(), projects.values())
    _check(wanted, {row["person_id"]: row for row in experts.values()}, projects, grounds)
    return _assign(tx, log, caller, held, wanted, projects, {})


def assign_balanced(
    tx: Transaction,
    log: Log,
    caller: Caller,
    panel: str,
    seed: int | None = None,
    *,
    expected_version: int | None = None,
) -> Done:
    """Give every project that is still scored its experts: as many as the setting says, loads even, conflicts never.

    What is assigned already stays and counts. The seed orders equals and is recorded; where none is given one is
    drawn. The same panel and seed give the same assignment.

    Raises:
        NotFound, Conflict, NotOffered: as `lock_panel`; or there is no such assignment, with `short` (projects that
            lack experts) or `uneven` (experts whose load cannot be even) in the details.
        Forbidden: the caller may not lead panels.
        Unreadable: an expert has not declared yet, or the seed is not what it should be.
    """
    may_lead(caller)
    held = lock_panel(tx, panel, (PREPARING, SCORING), expected_version)
    if seed is not None and not (type(seed) is int and 0 <= seed < SEEDS):
        raise Unreadable(Text("随机种子应为0至2147483647的整数", "a seed is an integer from 0 to 2147483647"))
    seed = secrets.randbelow(SEEDS) if seed is None else seed
    experts = [row for row in tx.fetch(EXPERTS, panel=held.id) if row["active"]]
    silent = [row["login"] for row in experts if row["declared_at"] is None]
    if silent:
        raise _undeclared(silent)
    projects = open_projects(tx, held.id)
    grounds = grounds_of(tx, held.id, experts, projects.values())
    sheets = [row for row in tx.fetch(SHEETS, panel=held.id) if row["round"] == projects_round(projects, row)]
    standing = frozenset(_pair(row) for row in sheets if row["status"] != "released")
    taken_back = frozenset(_pair(row) for row in sheets if row["status"] == "released")
    found = balanced(
        list(projects),
        [row["person_id"] for row in experts],
        held.setting.experts,
        frozenset(grounds) | taken_back,
        seed,
        standing,
    )
    if not found.possible:
        raise _impossible(found.short, found.uneven, projects, experts)
    return _assign(tx, log, caller, held, found.pairs, projects, {"seed": seed})


def release(tx: Transaction, log: Log, caller: Caller, panel: str, project: str, login: str, reason: str) -> Done:
    """Take a project back from an expert; what he wrote or submitted stays readable and counts for nothing.

    Raises:
        NotFound, NotOffered: as `lock_panel`; or the expert does not have the project in this round.
        Forbidden: the caller may not lead panels.
        Unreadable: no reason is given.
    """
    may_lead(caller)
    if not reason or not reason.strip():
        raise Unreadable(Text("须写明理由", "a reason is needed"))
    held = lock_panel(tx, panel, (PREPARING, SCORING))
    projects = open_projects(tx, held.id)
    row = next(
        (
            row
            for row in tx.fetch(SHEETS, panel=held.id)
            if (row["project_id"], row["login"]) == (project, login)
            and row["round"] == projects_round(projects, row)
            and row["status"] != "released"
        ),
        None,
    )
    if row is None:
        raise NotFound(Text("该专家没有分配此项目", "the expert does not have this project"))
    released = {"id": row["id"], "status": "released", "version": row["version"] + 1, "changed_at": caller.now}
    sets.update_many(tx, _sheet, ["id"], [released])
    changes = [Change("/sheets", {"id": row["id"], "status": row["status"]}, None)]
    return record(tx, log, caller, held, "panel.released", changes, reason=reason.strip())


def projects_round(projects: dict[str, Row], sheet: Row) -> int | None:
    """Return the round in which a sheet's project stands, or None where it is on the panel no more."""
    given = projects.get(sheet["project_id"])
    return given["round"] if given else None


def new_sheet(caller: Caller, panel: str, project: str, person: str, number: int) -> Row:
    """Return an empty sheet of a round."""
    return {
        "id": audit.new_id(caller.now),
        "panel_id": panel,
        "project_id": project,
        "person_id": person,
        "round": number,
        "status": "assigned",
        "points": {},
        "comment": None,
        "total": None,
        "version": 1,
        "assigned_at": caller.now,
        "changed_at": caller.now,
        "submitted_at": None,
    }


def _assign(
    tx: Transaction,
    log: Log,
    caller: Caller,
    held: Held,
    wanted: Sequence[Pair],
    projects: dict[str, Row],
    columns: dict[str, Any],
) -> Done:
    present = {(*_pair(row), row["round"]): row for row in tx.fetch(SHEETS, panel=held.id)}
    new, again, changes = [], [], []
    for project, person in wanted:
        number = projects[project]["round"]
        row = present.get((project, person, number))
        if row is None:
            row = new_sheet(caller, held.id, project, person, number)
            new.append(row)
        elif row["status"] == "released" and row["submitted_at"] is None:
            emptied: Row = {"status": "assigned", "points": {}, "comment": None, "changed_at": caller.now}
            again.append({"id": row["id"], **emptied, "version": row["version"] + 1})
        elif row["status"] == "released":
            raise Unreadable(Text("已提交后收回的，不再分配", "whose submitted sheet was released is not asked again"))
        else:
            continue
        changes.append(
            Change("/sheets", None, {"id": row["id"], "project": project, "expert": person, "round": number})
        )
    if not changes:
        return Done(held.row, None, {"assigned": 0, **columns})
    sets.insert_many(tx, _sheet, new)
    sets.update_many(tx, _sheet, ["id"], again)
    told = {"assigned": len(changes), **columns}
    return record(tx, log, caller, held, "panel.assigned", changes, told=told, **columns)


def _check(wanted: Sequence[Pair], experts: dict[str, Row], projects: dict[str, Row], grounds: Grounds) -> None:
    silent = sorted({experts[person]["login"] for _, person in wanted if experts[person]["declared_at"] is None})
    if silent:
        raise _undeclared(silent)
    barred = [pair for pair in wanted if pair in grounds]
    if barred:
        words = []
        for project, person in barred[:20]:
            who, codes = f"{projects[project]['code']} {experts[person]['login']}", grounds[project, person]
            zh, en = ("、".join(GROUNDS[code].zh for code in codes), ", ".join(GROUNDS[code].en for code in codes))
            words.append(Text(f"{who}：{zh}", f"{who}: {en}"))
        raise Unreadable(
            Text(f"应当回避：{'；'.join(word.zh for word in words)}", f"conflicts: {'; '.join(w.en for w in words)}")
        )


def _undeclared(logins: Sequence[str]) -> Unreadable:
    names = "、".join(logins[:20])
    return Unreadable(Text(f"尚未申报利益冲突：{names}", f"no declaration of conflicts yet: {names}"))


def _impossible(short: Any, uneven: Sequence[str], projects: dict[str, Row], experts: Sequence[Row]) -> NotOffered:
    lacking = {projects[project]["code"]: number for project, number in short.items()}
    names = [row["login"] for row in experts if row["person_id"] in set(uneven)]
    if lacking:
        text = Text(
            f"可用专家不足：{'、'.join(list(lacking)[:20])}；请增补专家",
            f"too few experts without a conflict for {', '.join(list(lacking)[:20])}: add experts",
        )
    else:
        text = Text(
            f"工作量无法均衡：{'、'.join(names[:20])}；请增补或移出专家，或手工分配",
            f"loads cannot be even because of {', '.join(names[:20])}: add or remove experts, or assign by hand",
        )
    return NotOffered(text, [], short=lacking, uneven=names)


def _pair(row: Row) -> Pair:
    return row["project_id"], row["person_id"]
