"""A panel's founding, its experts and its projects: who is on it and what it is given."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from lifecycle import audit, bulk, sets
from lifecycle.audit import Change, Deed, Head, Log, person_of
from lifecycle.batches import LOCK_BATCH, TASKS, rules_of
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import NotFound, NotOffered, Unreadable
from lifecycle.panels.panel import (
    EXPERTS,
    PREPARING,
    PROJECTS,
    SCORING,
    SHEETS,
    Done,
    Held,
    lock_panel,
    may_lead,
    record,
    table,
)
from lifecycle.panels.panel import expert as _expert
from lifecycle.panels.panel import project as _given
from lifecycle.people import find_person
from lifecycle.requests import is_identifier
from lifecycle.statements import Row, Statement
from lifecycle.tables import Project
from states.fields import FieldProblem, clean_text
from states.findings import Text
from states.roles import role_book

_project = Project.__table__  # type: ignore[attr-defined]

MOST_EXPERTS, MOST_PROJECTS = 200, 2000
TITLE_LENGTH = 100
ADD = Statement(sa.insert(table))
LAST_NUMBER = Statement(
    sa.select(sa.func.max(table.c.number).label("number")).where(table.c.batch_id == sa.bindparam("of"))
)
DROP_EXPERT = Statement(
    sa.delete(_expert).where(_expert.c.panel_id == sa.bindparam("of"), _expert.c.person_id == sa.bindparam("who"))
)
DROP_PROJECT = Statement(
    sa.delete(_given).where(_given.c.panel_id == sa.bindparam("of"), _given.c.project_id == sa.bindparam("which"))
)
GIVEN = sets.for_both(
    lambda d: (
        sa.select(_given.c.project_id, _given.c.panel_id, table.c.number)
        .join(table, table.c.id == _given.c.panel_id)
        .where(_given.c.purpose == sa.bindparam("purpose"), sets.within(_given.c.project_id, "wanted", d, "uuid"))
    )
)
FREE = sets.for_both(
    lambda d: (
        sa.select(_project.c.id)
        .where(
            _project.c.batch_id == sa.bindparam("of"),
            sets.within(_project.c.state, "states", d),
            sa.or_(sa.bindparam("any_task", type_=sa.Boolean()), _project.c.task_code == sa.bindparam("task")),
            ~sa.exists().where(_given.c.project_id == _project.c.id, _given.c.purpose == sa.bindparam("purpose")),
        )
        .order_by(_project.c.id)
        .limit(MOST_PROJECTS)
    )
)


def found_panel(
    tx: Transaction, log: Log, caller: Caller, batch: Row, purpose: str, title: str, task: str | None = None
) -> Done:
    """Set up a panel for a batch or one of its tasks; its stream begins with this entry.

    The setting is the batch's at this moment: what the policy says later does not change how this panel scores.

    Raises:
        Forbidden: the caller may not lead panels.
        Unreadable: the batch has no panels of this purpose, no such task, or the title is not what it should be.
    """
    may_lead(caller)
    locked = tx.one(LOCK_BATCH, wanted=batch["id"])
    assert locked is not None
    setting = rules_of(tx, locked).policy.panels.get(purpose)
    if setting is None:
        raise Unreadable(Text(f"本批次没有用途为{purpose[:64]}的专家组", f"the batch has no panels for {purpose[:64]}"))
    if task is not None and task not in {row["code"] for row in tx.fetch(TASKS, batch=batch["id"])}:
        raise Unreadable(Text(f"本批次没有任务{task[:64]}", f"the batch has no task {task[:64]}"))
    last = tx.one(LAST_NUMBER, of=batch["id"])
    panel = audit.new_id(caller.now)
    columns: dict[str, Any] = {
        "batch_id": batch["id"],
        "number": ((last or {}).get("number") or 0) + 1,
        "purpose": purpose,
        "title": _title(title),
        "task_code": task,
        "status": PREPARING,
        "setting": setting.model_dump(mode="json"),
    }
    changes = [Change(f"/{name}", None, value) for name, value in columns.items()]
    deed = Deed(f"panel/{panel}", "panel.founded", ("panel", panel, 1), changes=changes)
    built = audit.build(log, caller, Head(), deed, audit.keys_of(tx, person_of(caller)))
    row = {
        "id": panel,
        **columns,
        "seed": None,
        "due_on": None,
        "version": 1,
        "head_seq": built.head.seq,
        "head_hash": built.head.hash,
        "created_at": caller.now,
        "created_by": caller.actor.id,
        "changed_at": caller.now,
    }
    tx.queue(ADD, **row)
    audit.append(tx, built)
    return Done({**row, "batch_code": batch["code"]}, built.receipt, {})


def add_experts(
    tx: Transaction,
    log: Log,
    caller: Caller,
    panel: str,
    logins: Sequence[str],
    chair: str | None = None,
    *,
    expected_version: int | None = None,
) -> Done:
    """Put experts on a panel, and name its chair 组长; who is on it already stays.

    Raises:
        NotFound, Conflict, NotOffered: as `lock_panel`; or no such login.
        Forbidden: the caller may not lead panels.
        Unreadable: somebody is no active expert, the chair is not on the panel, or it would be too many.
    """
    may_lead(caller)
    held = lock_panel(tx, panel, (PREPARING, SCORING), expected_version)
    there = {row["login"]: row for row in tx.fetch(EXPERTS, panel=held.id)}
    new = [_an_expert(find_person(tx, login)) for login in dict.fromkeys(logins) if login not in there]
    if len(there) + len(new) > MOST_EXPERTS:
        raise Unreadable(Text(f"专家组至多{MOST_EXPERTS}人", f"a panel has at most {MOST_EXPERTS} experts"))
    ids = {row["login"]: row["person_id"] for row in there.values()} | {row["login"]: row["id"] for row in new}
    if chair is not None and chair not in ids:
        raise Unreadable(Text("组长须为本组专家", "the chair is one of the panel's experts"))
    before = next((row["person_id"] for row in there.values() if row["chair"]), None)
    after = ids[chair] if chair is not None else before
    changes = [Change("/experts", None, row["id"]) for row in new]
    if after != before:
        changes.append(Change("/chair", before, after))
        known = [row["person_id"] for row in there.values() if row["person_id"] in (before, after)]
        sets.update_many(
            tx,
            _expert,
            ["panel_id", "person_id"],
            [{"panel_id": held.id, "person_id": person, "chair": person == after} for person in known],
        )
    if not changes:
        return Done(held.row, None, {})
    rows = [
        {
            "panel_id": held.id,
            "person_id": row["id"],
            "chair": row["id"] == after,
            "declared_at": None,
            "chased_at": None,
        }
        for row in new
    ]
    sets.insert_many(tx, _expert, rows)
    return record(tx, log, caller, held, "panel.experts_added", changes, told={"added": [row["login"] for row in new]})


def remove_expert(tx: Transaction, log: Log, caller: Caller, panel: str, login: str, reason: str | None = None) -> Done:
    """Take an expert off a panel who has nothing assigned (any more); what he submitted before stays readable.

    Raises:
        NotFound, NotOffered: as `lock_panel`; or he is not on it, or has projects assigned.
        Forbidden: the caller may not lead panels.
    """
    may_lead(caller)
    held = lock_panel(tx, panel, (PREPARING, SCORING))
    person = next((row["person_id"] for row in tx.fetch(EXPERTS, panel=held.id) if row["login"] == login), None)
    if person is None:
        raise NotFound(Text("该专家不在本组", "the expert is not on the panel"))
    if any(row["person_id"] == person and row["status"] != "released" for row in tx.fetch(SHEETS, panel=held.id)):
        raise NotOffered(Text("该专家已分配项目，请先收回", "the expert has projects: release those first"), [])
    tx.queue(DROP_EXPERT, of=held.id, who=person)
    return record(tx, log, caller, held, "panel.expert_removed", [Change("/experts", person, None)], reason=reason)


def add_projects(
    tx: Transaction,
    log: Log,
    caller: Caller,
    panel: str,
    projects: Sequence[str] | None = None,
    *,
    expected_version: int | None = None,
) -> Done:
    """Give a panel projects; None: all of its batch, or of its task, that stand to be scored and are on no panel yet.

    Raises:
        NotFound, Conflict, NotOffered: as `lock_panel`; or a project is not of the batch or the task.
        Forbidden: the caller may not lead panels.
        Unreadable: no project, too many, one that does not stand to be scored, or is on a panel of this purpose.
    """
    may_lead(caller)
    held = lock_panel(tx, panel, (PREPARING, SCORING), expected_version)
    there = {row["id"] for row in tx.fetch(PROJECTS, panel=held.id)}
    wanted = _free(tx, held) if projects is None else list(dict.fromkeys(projects))
    if not wanted or len(there) + len(wanted) > MOST_PROJECTS:
        raise Unreadable(
            Text(f"请选择项目；专家组至多{MOST_PROJECTS}个", f"choose projects; a panel has at most {MOST_PROJECTS}")
        )
    found = lock_projects(tx, held, wanted)
    taken = sets.select_many(tx, GIVEN, "wanted", [row["id"] for row in found], purpose=held.row["purpose"])
    elsewhere = {row["project_id"] for row in taken if row["panel_id"] != held.id}
    if elsewhere:
        codes = "、".join(sorted(row["code"] for row in found if row["id"] in elsewhere)[:20])
        raise Unreadable(Text(f"已在其他专家组：{codes}", f"on another panel already: {codes}"))
    new = [row for row in found if row["id"] not in there]
    if not new:
        return Done(held.row, None, {"added": []})
    rows = [{"panel_id": held.id, "project_id": row["id"], "purpose": held.row["purpose"], "round": 1} for row in new]
    sets.insert_many(tx, _given, rows)
    changes = [Change("/projects", None, row["id"]) for row in new]
    return record(
        tx, log, caller, held, "panel.projects_added", changes, told={"added": sorted(row["code"] for row in new)}
    )


def remove_project(
    tx: Transaction, log: Log, caller: Caller, panel: str, project: str, reason: str | None = None
) -> Done:
    """Take a project off a panel as long as no expert has it: released sheets do not count, submitted ones do.

    Raises:
        NotFound, NotOffered: as `lock_panel`; or it is not on the panel, or experts have it.
        Forbidden: the caller may not lead panels.
    """
    may_lead(caller)
    held = lock_panel(tx, panel, (PREPARING, SCORING))
    if project not in {row["id"] for row in tx.fetch(PROJECTS, panel=held.id)}:
        raise NotFound(Text("该项目不在本组", "the project is not on the panel"))
    sheets = [row for row in tx.fetch(SHEETS, panel=held.id) if row["project_id"] == project]
    if any(row["status"] != "released" or row["submitted_at"] for row in sheets):
        raise NotOffered(Text("该项目已分配专家或已评分，不能移出", "experts have the project, or scored it"), [])
    tx.queue(DROP_PROJECT, of=held.id, which=project)
    return record(tx, log, caller, held, "panel.project_removed", [Change("/projects", project, None)], reason=reason)


def lock_projects(tx: Transaction, held: Held, wanted: Iterable[str]) -> list[Row]:
    """Return a panel's batch's projects locked by id, all of them where the panel's purpose scores projects.

    Raises:
        NotFound: one is not of the batch, or not of the panel's task.
        Unreadable: one stands in another state.
    """
    asked = list(wanted)
    rows = sets.select_many(tx, bulk.LOCK, "wanted", [name for name in asked if is_identifier(name)])
    fitting = [
        row
        for row in rows
        if row["batch_id"] == held.row["batch_id"] and held.row["task_code"] in (None, row["task_code"])
    ]
    if len(fitting) != len(asked):
        missing = sorted(name[:64] for name in set(asked) - {row["id"] for row in fitting})
        raise NotFound(
            Text(
                f"有{len(missing)}个项目不在本批次或本任务", f"{len(missing)} projects are not of the batch or the task"
            ),
            projects=missing[:20],
        )
    elsewhere = sorted(row["code"] for row in fitting if row["state"] not in held.setting.states)
    if elsewhere:
        codes = "、".join(elsewhere[:20])
        raise Unreadable(
            Text(f"当前状态不由专家组评分：{codes}", f"no panel of this purpose scores these as they stand: {codes}")
        )
    return fitting


def _free(tx: Transaction, held: Held) -> list[str]:
    row = held.row
    rows = sets.select_many(
        tx,
        FREE,
        "states",
        held.setting.states,
        of=row["batch_id"],
        any_task=row["task_code"] is None,
        task=row["task_code"] or "",
        purpose=row["purpose"],
    )
    return [found["id"] for found in rows]


def _an_expert(person: Row) -> Row:
    role = role_book().roles.get(person["role"])
    if not person["active"] or role is None or "score" not in role.rights:
        raise Unreadable(Text(f"{person['login']}不是在岗专家", f"{person['login']} is no active expert"))
    return person


def _title(title: str) -> str:
    try:
        text = clean_text(title, TITLE_LENGTH)
    except FieldProblem as problem:
        zh, _, en = str(problem).partition(" / ")
        raise Unreadable(Text(f"专家组名称{zh}", f"a panel's title {en}")) from problem
    if {"\n", "\t"} & set(text):
        raise Unreadable(Text("专家组名称须为一行", "a panel's title is one line"))
    return text
