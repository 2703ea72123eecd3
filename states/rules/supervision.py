"""Owns the rules on dynamic supervision: R20."""

from datetime import date
from typing import Any

from states.calls import answered_by, calls_of
from states.findings import Judgement, Kind
from states.policy import FormItem
from states.rules.record import read_date
from states.rules.rule import Case, rule

CALL = "progress_call"


@rule(
    "R20",
    "三(四)",
    Kind.HARD,
    zh="所报进展须对应尚未报送的进展报告期；报告期：{seen}，尚未报送：{threshold}。",
    en="A report that names a call names one that nothing came for yet; named: {seen}, waiting: {threshold}.",
)
def call_waits(case: Case) -> Judgement:
    """R20: the call that a report names exists and was not answered; one that names none is always taken."""
    named = case.act.fields.get("call_number")
    calls = calls_of(case.definition, case.policy, case.facts, case.calendar, CALL)
    waiting = [call.number for call in calls if call.answered_on is None]
    return Judgement(named is None or answered_by(calls, named) is not None, named, waiting)


@rule(
    "R20",
    "三(四)",
    Kind.HARD,
    zh="进展报告须按本批次表单填写；有误或缺少：{seen}。",
    en="A progress report is filled in by the batch's form; wrong or missing: {seen}.",
)
def form_filled(case: Case) -> Judgement:
    """R20: every needed item of the batch's form is there, each of its type, and nothing else."""
    form, given = case.policy.rules.R20.form, case.act.fields.get("progress_form") or {}
    wrong = {name: item.zh for name, item in form.items() if not _fits(item, given.get(name))}
    wrong |= {name: name for name in given if name not in form}
    return Judgement(not wrong, wrong, None)


@rule(
    "R20",
    "三(四)",
    Kind.NOTE,
    zh="动态监督：未报送的进展报告期{seen}（截至{threshold}）。",
    en="Dynamic supervision: progress calls that nothing came for: {seen} (by {threshold}).",
)
def calls_answered(case: Case) -> Judgement:
    """R20: whether every call due by now was answered; shown at acceptance, never refusing it."""
    on = case.act.on
    calls = calls_of(case.definition, case.policy, case.facts, case.calendar, CALL)
    missed = [call.number for call in calls if call.status(on) == "missed"]
    return Judgement(not missed, missed, on)


def _fits(item: FormItem, value: Any) -> bool:
    if value is None:
        return not item.needed
    if item.type == "date":
        return isinstance(value, str) and isinstance(read_date(value), date)
    if item.type in ("integer", "money"):
        return type(value) is int and value >= 0
    return isinstance(value, {"text": str, "boolean": bool}[item.type])
