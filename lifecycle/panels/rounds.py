"""A panel's rounds: scoring opened, concluded into results, and reopened, which makes those results history."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from lifecycle import sets
from lifecycle.audit import Change, Log
from lifecycle.batches import BY_ID as BATCH
from lifecycle.batches import rules_of
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import NotOffered, Unreadable
from lifecycle.panels.assignments import new_sheet
from lifecycle.panels.conflicts import grounds_of
from lifecycle.panels.founding import lock_projects
from lifecycle.panels.panel import (
    CONCLUDED,
    EXPERTS,
    PREPARING,
    PROJECTS,
    SCORING,
    SESSIONS,
    SHEETS,
    Done,
    Held,
    lock_panel,
    may_lead,
    open_projects,
    record,
)
from lifecycle.panels.panel import project as _given
from lifecycle.panels.panel import result as _result
from lifecycle.panels.panel import sheet as _sheet
from lifecycle.requests import note_of
from lifecycle.rulebooks import definition_for
from lifecycle.statements import Row
from lifecycle.tables import Project
from states.findings import Text
from states.panels import Result, result_of, times_sent_back

_project = Project.__table__  # type: ignore[attr-defined]

YEARS_AHEAD = 2
RECORDS = sets.for_both(
    lambda dialect: sa.select(*(_project.c[name] for name in ("id", "state", "record", "definition_hash"))).where(
        sets.within(_project.c.id, "wanted", dialect, "uuid")
    )
)


def open_scoring(
    tx: Transaction, log: Log, caller: Caller, panel: str, due_on: date, *, expected_version: int | None = None
) -> Done:
    """Let the experts score: sheets are due by the end of a day.

    Raises:
        NotFound, Conflict, NotOffered: as `lock_panel`; or a project has too few experts for a result.
        Forbidden: the caller may not lead panels.
        Unreadable: the date is not one from today on, within two years.
    """
    may_lead(caller)
    held = lock_panel(tx, panel, (PREPARING,), expected_version)
    day = _due_on(tx, caller, held, due_on)
    projects, sheets = open_projects(tx, held.id), _in_round(tx, held)
    few = [row["code"] for row in projects.values() if len(sheets.get(row["id"], ())) < held.setting.sheets]
    if few or not projects:
        raise NotOffered(
            Text(
                f"评分专家不足{held.setting.sheets}人：{'、'.join(few[:20]) or '尚无项目'}",
                f"fewer than {held.setting.sheets} experts: {', '.join(few[:20]) or 'there are no projects'}",
            ),
            [],
            projects=few,
        )
    return record(tx, log, caller, held, "panel.scoring_opened", [], status=SCORING, due_on=day)


def missing_sheets(tx: Transaction, panel: str) -> list[Row]:
    """Return the sheets of the present round that are not submitted yet, by expert."""
    projects = open_projects(tx, panel)
    return [
        {**row, "code": projects[row["project_id"]]["code"], "title": projects[row["project_id"]]["title"]}
        for row in tx.fetch(SHEETS, panel=panel)
        if row["status"] in ("assigned", "draft")
        and row["project_id"] in projects
        and row["round"] == projects[row["project_id"]]["round"]
    ]


def conclude(
    tx: Transaction,
    log: Log,
    caller: Caller,
    panel: str,
    reason: str | None = None,
    *,
    expected_version: int | None = None,
) -> Done:
    """Work out the result of every project still scored, and end the round: all or none.

    Sheets that are still missing beyond those needed are left out, and that takes a reason. Every project must have
    been before a sitting on record in this round.

    Raises:
        NotFound, Conflict, NotOffered: as `lock_panel`; or a project has too few sheets, or was before no sitting: the
            details name them.
        Forbidden: the caller may not lead panels.
        Unreadable: sheets are missing and no reason is given.
    """
    may_lead(caller)
    held = lock_panel(tx, panel, (SCORING,), expected_version)
    projects, sheets = open_projects(tx, held.id), _in_round(tx, held)
    _sat(tx, held, projects)
    results: dict[str, Result] = {}
    few: dict[str, int] = {}
    for name, row in projects.items():
        totals = {
            sheet["person_id"]: Decimal(sheet["total"])
            for sheet in sheets.get(name, ())
            if sheet["status"] == "submitted"
        }
        found = result_of(held.setting, totals)
        if found is None:
            few[row["code"]] = held.setting.sheets - len(totals)
        else:
            results[name] = found
    if few:
        codes = "、".join(list(few)[:20])
        raise NotOffered(
            Text(f"评分表不足，不能形成结果：{codes}", f"too few sheets for a result: {codes}"), [], missing=few
        )
    text = note_of(reason)
    left_out = missing_sheets(tx, held.id)
    if left_out and text is None:
        raise Unreadable(
            Text(
                f"尚缺{len(left_out)}份评分表，须写明不再等候的理由",
                f"{len(left_out)} sheets are missing: a reason is needed for not waiting",
            )
        )
    sent_back = _sent_back(tx, list(results))
    rows = [_row(held, projects[name], found, caller, sent_back[name]) for name, found in results.items()]
    sets.insert_many(tx, _result, rows)
    names = ("project_id", "round", "score", "sheets", "low", "high", "spread", "trimmed", "wide", "sent_back")
    changes = [Change("/results", None, {name: row[name] for name in names}) for row in rows]
    changes += [Change("/left_out", row["id"], None) for row in left_out]
    told = {"concluded": len(rows), "left_out": len(left_out)}
    return record(tx, log, caller, held, "panel.concluded", changes, reason=text, status=CONCLUDED, told=told)


def reopen(
    tx: Transaction,
    log: Log,
    caller: Caller,
    panel: str,
    reason: str,
    due_on: date,
    projects: Sequence[str] | None = None,
    *,
    expected_version: int | None = None,
) -> Done:
    """Begin a new round for projects of a concluded panel (None: all of it); their results no longer stand.

    The old sheets and results stay readable. The same experts get new sheets, but for those with a conflict since. The
    projects are locked, so that none is decided on a result that is being taken away; one that was decided already
    must first be brought back by an act of its own.

    Raises:
        NotFound, Conflict, NotOffered: as `lock_panel`.
        Forbidden: the caller may not lead panels.
        Unreadable: no reason, an impossible date, or a project that no longer stands to be scored.
    """
    may_lead(caller)
    held = lock_panel(tx, panel, (CONCLUDED,), expected_version)
    text = note_of(reason)
    if text is None:
        raise Unreadable(Text("须写明理由", "a reason is needed"))
    day = _due_on(tx, caller, held, due_on)
    given = {row["id"]: row for row in tx.fetch(PROJECTS, panel=held.id)}
    chosen = list(given) if projects is None else list(dict.fromkeys(projects))
    if not chosen or not set(chosen) <= set(given):
        raise Unreadable(Text("只能重新评审本组项目", "only the panel's own projects can be reopened"))
    lock_projects(tx, held, chosen)
    grounds = grounds_of(tx, held.id, tx.fetch(EXPERTS, panel=held.id), given.values())
    present, changes, new = {row["person_id"] for row in tx.fetch(EXPERTS, panel=held.id)}, [], []
    former = _in_round(tx, held)
    for name in chosen:
        number = given[name]["round"] + 1
        changes.append(Change("/rounds", None, {"project": name, "round": number}))
        for sheet in former.get(name, ()):
            if sheet["person_id"] in present and (name, sheet["person_id"]) not in grounds:
                new.append(new_sheet(caller, held.id, name, sheet["person_id"], number))
    rounds = [{"panel_id": held.id, "project_id": name, "round": given[name]["round"] + 1} for name in chosen]
    sets.update_many(tx, _given, ["panel_id", "project_id"], rounds)
    sets.insert_many(tx, _sheet, new)
    changes += [
        Change("/sheets", None, {"id": row["id"], "project": row["project_id"], "expert": row["person_id"]})
        for row in new
    ]
    told = {"reopened": [given[name]["code"] for name in chosen]}
    return record(tx, log, caller, held, "panel.reopened", changes, reason=text, status=SCORING, due_on=day, told=told)


def _in_round(tx: Transaction, held: Held) -> dict[str, list[Row]]:
    """Return the sheets, none released, of each project's present round."""
    rounds = {row["id"]: row["round"] for row in tx.fetch(PROJECTS, panel=held.id)}
    found: dict[str, list[Row]] = {}
    for row in tx.fetch(SHEETS, panel=held.id):
        if row["status"] != "released" and rounds.get(row["project_id"]) == row["round"]:
            found.setdefault(row["project_id"], []).append(row)
    return found


def _sat(tx: Transaction, held: Held, projects: Mapping[str, Row]) -> None:
    seen = {(item["project"], item["round"]) for row in tx.fetch(SESSIONS, panel=held.id) for item in row["projects"]}
    unseen = [row["code"] for name, row in projects.items() if (name, row["round"]) not in seen]
    if unseen:
        codes = "、".join(unseen[:20])
        raise NotOffered(Text(f"未登记评审会：{codes}", f"before no sitting on record: {codes}"), [], projects=unseen)


def _sent_back(tx: Transaction, projects: Sequence[str]) -> dict[str, int]:
    """Return how often each project has been sent back; none is while it is scored, for its decision waits for that."""
    return {
        row["id"]: times_sent_back(definition_for(tx, row["definition_hash"]), row["state"], row["record"])
        for row in sets.select_many(tx, RECORDS, "wanted", projects)
    }


def _row(held: Held, project: Row, found: Result, caller: Caller, sent_back: int) -> dict[str, Any]:
    return {
        "panel_id": held.id,
        "project_id": project["id"],
        "round": project["round"],
        "score": format(found.score, "f"),
        "sheets": found.sheets,
        "low": format(found.low, "f"),
        "high": format(found.high, "f"),
        "spread": format(found.spread, "f"),
        "trimmed": list(found.trimmed),
        "wide": found.wide,
        "sent_back": sent_back,
        "concluded_at": caller.now,
    }


def _due_on(tx: Transaction, caller: Caller, held: Held, due_on: date) -> date:
    batch = tx.one(BATCH, wanted=held.row["batch_id"])
    assert batch is not None
    today = caller.today(rules_of(tx, batch).policy.policy.zone)
    if type(due_on) is not date or not today <= due_on or due_on.year > today.year + YEARS_AHEAD:
        raise Unreadable(
            Text(
                f"评分截止日应为今日起{YEARS_AHEAD}年内的日期",
                "sheets are due on a date from today on, within two years",
            )
        )
    return due_on
