"""Sittings of a panel 评审会: by material or on-site defence, the day, the projects, who was there, the minutes."""

from collections.abc import Container, Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from lifecycle.audit import Change, Log, person_of
from lifecycle.batches import BY_ID as BATCH
from lifecycle.batches import rules_of
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.documents.references import of_batch, stored_documents
from lifecycle.errors import Unreadable
from lifecycle.panels.panel import (
    EXPERTS,
    PREPARING,
    SCORING,
    SESSIONS,
    Done,
    lock_panel,
    may_lead,
    open_projects,
    record,
)
from lifecycle.panels.panel import session as _session
from lifecycle.requests import document_of, is_identifier, note_of
from lifecycle.statements import Row, Statement
from states.facts import Reference
from states.fields import FieldProblem, clean_text
from states.findings import Text
from states.policy import Policy

MINUTES_LENGTH = 100
MINUTES = "minutes"
ADD = Statement(sa.insert(_session))


def record_session(
    tx: Transaction,
    log: Log,
    caller: Caller,
    panel: str,
    method: str,
    held_on: date,
    minutes_number: str,
    *,
    projects: Sequence[str] | None = None,
    present: Sequence[str] | None = None,
    minutes: Mapping[str, Any] | None = None,
    note: str | None = None,
) -> Done:
    """Put a sitting on record: its way, day and minutes; all projects still scored and all experts by default.

    `minutes` refers to the document, a stored one of the batch where its policy asks for those; `present` names experts
    by login. The note enters the log as a commitment. What was recorded wrongly is told in another record; none is
    ever changed.

    Raises:
        NotFound, NotOffered: as `lock_panel`.
        Forbidden: the caller may not lead panels.
        Unreadable: the batch knows no such way, the day is to come, a project or expert is not on the
            panel, or the minutes or the note are not what they should be.
    """
    may_lead(caller)
    held = lock_panel(tx, panel, (PREPARING, SCORING))
    batch = tx.one(BATCH, wanted=held.row["batch_id"])
    assert batch is not None
    policy = rules_of(tx, batch).policy
    kind = policy.rules.R17.minutes_document or MINUTES
    experts = {row["login"]: row["person_id"] for row in tx.fetch(EXPERTS, panel=held.id)}
    given = open_projects(tx, held.id)
    chosen, there = (
        list(given) if projects is None else list(projects),
        list(experts) if present is None else list(present),
    )
    if method not in policy.rules.R17.methods:
        raise Unreadable(Text(f"没有此评审方式：{method[:64]}", f"the batch knows no such way: {method[:64]}"))
    if type(held_on) is not date or held_on > caller.today(policy.policy.zone):
        raise Unreadable(Text("会议日期不得晚于今日", "a sitting on record is not one to come"))
    _some_of(chosen, given, Text("会议项目须为本组正在评分的项目", "a sitting is of projects the panel scores"))
    _some_of(there, experts, Text("到会专家须为本组专家", "who was there is on the panel"))
    row: Row = {
        "panel_id": held.id,
        "number": len(tx.fetch(SESSIONS, panel=held.id)) + 1,
        "method": method,
        "held_on": held_on,
        "minutes_number": _minutes_number(minutes_number),
        "minutes": _minutes(tx, policy, batch, kind, minutes) if minutes is not None else None,
        "projects": [{"project": name, "round": given[name]["round"]} for name in sorted(chosen)],
        "present": sorted(experts[login] for login in there),
        "note": note_of(note),
        "recorded_at": caller.now,
    }
    tx.queue(ADD, **row)
    changes = _changes(caller, row)
    docs = [{"kind": kind, **row["minutes"]}] if row["minutes"] else []
    return record(tx, log, caller, held, "panel.session_recorded", changes, docs=docs, told={"session": row["number"]})


def _minutes(tx: Transaction, policy: Policy, batch: Row, kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the reference to the minutes: of a stored document where the batch keeps its documents here.

    As with an act's documents, one that names what lies elsewhere is taken where the policy lets that be.
    """
    reference = document_of(kind, given)
    asked = policy.documents.stored and not batch["invented"]
    if kind != MINUTES and (asked or is_identifier(reference["id"])):
        stored = of_batch(stored_documents(tx, batch["id"], [reference["id"]]), "")
        if Reference(kind, **reference) not in stored:
            raise Unreadable(
                Text(
                    "会议纪要须为本批次已上传的同类文件，版本和校验值一致",
                    "the minutes are a stored document of the batch and of that kind, version and hash alike",
                )
            )
    return reference


def _some_of(chosen: Sequence[str], known: Container[str], text: Text) -> None:
    if not chosen or len(set(chosen)) != len(chosen) or not all(name in known for name in chosen):
        raise Unreadable(text)


def _changes(caller: Caller, row: Row) -> list[Change]:
    about = {"number": row["number"], "method": row["method"], "held_on": row["held_on"].isoformat()}
    projects = [item["project"] for item in row["projects"]]
    return [
        Change("/sessions", None, {**about, "minutes": row["minutes_number"], "present": row["present"]}),
        *(Change("/sessions/projects", None, projects[at : at + 10]) for at in range(0, len(projects), 10)),
        *([Change("/sessions/note", None, row["note"], person_of(caller))] if row["note"] else []),
    ]


def _minutes_number(text: str) -> str:
    try:
        return clean_text(text, MINUTES_LENGTH)
    except FieldProblem as problem:
        zh, _, en = str(problem).partition(" / ")
        raise Unreadable(Text(f"纪要编号{zh}", f"the number of the minutes {en}")) from problem
