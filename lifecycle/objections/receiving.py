"""Objections received and completed: the door's own rules judge the form, and what is in form holds its project."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from lifecycle import audit, surroundings
from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.canonical import ZERO_HASH
from lifecycle.database import Transaction
from lifecycle.errors import Unreadable
from lifecycle.objections.register import OPEN, RECEIVED, acts_of, lock_objection, may_handle, record, table
from lifecycle.requests import Request, act_of, document_of
from lifecycle.signing import Receipt
from lifecycle.statements import Row, Statement
from lifecycle.transition import Loaded, lock_project, transition_project
from states.deadlines import Counting, DueDate, count_days
from states.definition import Transition
from states.fields import clean_known
from states.findings import Finding, Text
from states.machine import decide, prepare

LAST_NUMBER = Statement(
    sa.select(sa.func.max(table.c.number).label("number")).where(table.c.project_id == sa.bindparam("of"))
)
MADE_ON = "objected_on"
# Of the door's findings, those that speak of the officer's act and not of the objection.
OF_THE_ACT = ("offered", "permitted", "within_scope", "date_possible", "backdating_permitted", "flags_absent")


@dataclass(frozen=True, slots=True)
class Recorded:
    """An objection as it was written."""

    objection: str
    project: str
    number: int
    status: str
    counts: bool
    missing: tuple[dict[str, Any], ...]  # findings of the form that are not met
    due_on: str | None
    version: int
    receipt: Receipt

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        names = ("objection", "project", "number", "status", "counts", "due_on", "version")
        own = {name: getattr(self, name) for name in names}
        return {**own, "missing": list(self.missing), "receipt": self.receipt.to_dict()}


def receive_objection(
    tx: Transaction,
    log: Log,
    caller: Caller,
    project: str,
    fields: Mapping[str, Any],
    documents: Mapping[str, Mapping[str, Any]],
) -> Recorded:
    """Enter an objection to a project, in form or not; one that counts holds its project from now on (R19).

    Several may stand on one project; the first that counts is what the project learns of by its act.

    Raises:
        NotFound, Forbidden: no such project within reach; it is another role's to do.
        Unreadable: a field or document is not what it should be, or nothing is given.
    """
    loaded, _ = lock_project(tx, caller, project)
    may_handle(caller, loaded)
    given, named = _given(loaded, fields, documents)
    (last,) = tx.fetch(LAST_NUMBER, of=project)
    row: Row = {
        "id": audit.new_id(caller.now),
        "batch_id": loaded.row["batch_id"],
        "project_id": project,
        "number": (last["number"] or 0) + 1,
        "fields": given,
        "documents": named,
        "finding": None,
        "version": 1,
        "head_seq": 0,
        "head_hash": ZERO_HASH,
        "created_at": caller.now,
        "created_by": caller.actor.id,
        "changed_at": caller.now,
    }
    return _judged(tx, log, caller, loaded, None, row, "received")


def complete_objection(
    tx: Transaction,
    log: Log,
    caller: Caller,
    objection: str,
    fields: Mapping[str, Any],
    documents: Mapping[str, Mapping[str, Any]],
    expected_version: int | None = None,
) -> Recorded:
    """Add to an objection that was not in form, and judge its form anew; the day on which it was made stays.

    Raises:
        NotFound, Forbidden, Conflict, NotOffered: as `register.lock_objection`; it counts or is closed already.
        Unreadable: as for a new one, or another day is given.
    """
    loaded, row, _ = lock_objection(tx, caller, objection, expected_version, RECEIVED)
    given, named = _given(loaded, fields, documents)
    if given.get(MADE_ON, row["fields"].get(MADE_ON)) != row["fields"].get(MADE_ON):
        raise Unreadable(Text("补充材料不改变异议提出日期", "the day on which it was made stays"))
    after = {
        **row,
        "fields": {**row["fields"], **given},
        "documents": {**row["documents"], **named},
        "version": row["version"] + 1,
    }
    return _judged(tx, log, caller, loaded, row, after, "completed")


def _judged(
    tx: Transaction, log: Log, caller: Caller, loaded: Loaded, before: Row | None, row: Row, act: str
) -> Recorded:
    """Judge the form, let the project learn of what counts, and write the objection."""
    findings, taken = _judge(tx, caller, loaded, row)
    missing = [finding for finding in findings if finding.blocks]
    counts = not missing
    due = _due(loaded, caller) if counts else None
    row.update(
        status=OPEN if counts else RECEIVED,
        findings=[_told(finding) for finding in findings],
        due_on=due.due_on if due else None,
        provisional=bool(due and due.provisional),
    )
    if counts and loaded.row["state"] in taken.source:
        transition_project(tx, log, caller, loaded.row["id"], Request(taken.event, row["fields"], row["documents"]))
        tx.flush()
    receipt = record(tx, log, caller, loaded, before, row, act)
    on = row["due_on"].isoformat() if row["due_on"] else None
    told = tuple(finding.to_dict() for finding in missing)
    return Recorded(
        row["id"], row["project_id"], row["number"], row["status"], counts, told, on, row["version"], receipt
    )


def _judge(tx: Transaction, caller: Caller, loaded: Loaded, row: Row) -> tuple[Sequence[Finding], Transition]:
    """Return what the rules of the act say of the objection, as of a project in publicity, and the act.

    A project that is under objection already is judged as it stood before; any other state is a finding of its own.
    """
    rules, facts = loaded.rules, loaded.facts
    arrow = rules.definition.by_event[acts_of(loaded).records][0]
    if facts.state == arrow.target:
        facts = replace(facts, state=arrow.source[0], flags=facts.flags - frozenset(arrow.sets))
    act = act_of(Request(arrow.event, row["fields"], row["documents"]), caller, rules.policy.policy.zone)
    case, found, needs = prepare(rules.definition, rules.policy, rules.calendar, facts, act)
    case = surroundings.surround(tx, case, needs, loaded.scopes, False)
    decision = decide(case, facts, found)
    own = [one for one in decision.findings if one.check not in OF_THE_ACT or one.check == "offered"]
    return own, arrow


def _told(finding: Finding) -> dict[str, Any]:
    """Return a finding without what it saw: that may be the objector's own."""
    return {"check": finding.check, "rule": finding.rule, "met": finding.met}


def _due(loaded: Loaded, caller: Caller) -> DueDate:
    """Return when the finding is due: so many days from the day on which the objection counts (R19)."""
    setting, zone = loaded.rules.policy.rules.R19, loaded.rules.policy.policy.zone
    counting = Counting(setting.finding_counting)
    return count_days(caller.today(zone), setting.finding_days, counting, loaded.rules.calendar)


def _given(
    loaded: Loaded, fields: Mapping[str, Any], documents: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    known, kinds = loaded.rules.definition.taken[acts_of(loaded).records]
    given, wrong = clean_known(loaded.rules.definition, known, fields)
    wrong |= {kind: "不收此类材料 / not a document of an objection" for kind in documents if kind not in kinds}
    if wrong or not (given or documents):
        told = [f"{name[:64]}：{text}" for name, text in list(wrong.items())[:20]]
        zh = "；".join(one.partition(" / ")[0] for one in told) or "未填写任何内容"
        raise Unreadable(
            Text(f"异议填写有误：{zh}", f"cannot be taken: {'; '.join(told) or 'nothing is given'}"), wrong=told
        )
    return given, {kind: document_of(kind, value) for kind, value in documents.items()}
