"""What every act must satisfy whatever its rules: the right person and state, what it needs, dates, signatures."""

import re
from collections.abc import Collection, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from states.deadlines import business_date
from states.definition import LEFT, DocketSpec, LifecycleDefinition
from states.facts import Act, Facts, Reference, Room
from states.findings import Finding, Kind, Text
from states.policy import Policy
from states.roles import role_book
from states.rules import Case

STRUCTURAL = "—"  # stands in place of a rule's number and clause
IDENTIFIER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ANOTHER = f"{STRUCTURAL}:another_person"  # how the log names it
Place = tuple[str, str]  # pool, key of a capacity

OFFERED = Text(
    "当前状态（{seen}）不能办理此项操作；可办理的状态：{threshold}",
    "not offered in the state {seen}; it is offered in {threshold}",
)
PERMITTED = Text("此项操作由{threshold}办理，您的角色为{seen}", "this act is for {threshold}; your role is {seen}")
WITHIN_SCOPE = Text("该项目不在您的管辖范围（{seen}）内", "the project lies outside your scope ({seen})")
FIELDS_READABLE = Text("填写内容有误：{seen}", "these fields cannot be taken: {seen}")
FIELDS_COMPLETE = Text("缺少必填内容：{seen}", "needed fields are missing: {seen}")
DOCUMENTS_COMPLETE = Text("缺少必备材料：{seen}", "needed documents are missing: {seen}")
DOCUMENTS_KNOWN = Text("本操作不收此类材料：{seen}", "this act takes no such documents: {seen}")
DOCUMENTS_STORED = Text(
    "所附材料须为本项目已上传的同类文件，版本和校验值一致；不符：{seen}",
    "documents refer to stored ones of this project and kind, version and hash alike; not so: {seen}",
)
REASON_GIVEN = Text("须写明理由", "a reason is needed")
FLAGS_HELD = Text("须先有：{threshold}；现有：{seen}", "needs {threshold}; there is {seen}")
FLAGS_ABSENT = Text("有未了事项，不能办理：{seen}", "cannot be done while this is so: {seen}")
ANOTHER_PERSON = Text("须由另一人办理", "another person has to do this")
DATE_POSSIBLE = Text("业务日期{seen}应在{threshold}之间", "the business date {seen} must lie within {threshold}")
BACKDATING = Text(
    "补记以前日期须有权限并写明理由（业务日期{seen}，今日{threshold}）",
    "an earlier date takes the right and a reason (dated {seen}, today {threshold})",
)
OVERRIDE_PERMITTED = Text(
    "突破原则性条款（{seen}）须由省厅人员写明理由",
    "setting {seen} aside is for the province, with a reason",
)
PENDING_SAME = Text(
    "第二人确认的内容与第一人签署的不一致", "what the second person confirms differs from what the first signed"
)
VERSION_EXPECTED = Text(
    "该项目现为第{seen}版，您所见为第{threshold}版，请刷新",
    "the project is at version {seen}, you saw {threshold}: read it again",
)
ROOM_LEFT = Text(
    "修改后超出限额：将占用{seen}，上限{threshold}",
    "the change passes a limit: it would make {seen}, ceilings {threshold}",
)
SEVERAL_AT_ONCE = Text("此项操作须逐个办理", "this act is done one project at a time")
DOCKET_DOCUMENTS = Text("清单缺少必备材料：{seen}", "the docket lacks needed documents: {seen}")
NOTHING_LEFT = Text("没有可退回的原状态", "there is no state to go back to")


def offered(case: Case) -> Finding:
    """Whether the lifecycle offers the event in the project's state."""
    sources = case.definition.offered_in.get(case.act.event, ())
    state = case.definition.states[case.facts.state]
    return _finding("offered", case.transition is not None, state.zh, sources, OFFERED)


def fields_readable(wrong: Mapping[str, str]) -> Finding:
    """The fields that could not be read, with what each should be."""
    return _finding("fields_readable", False, dict(wrong), None, FIELDS_READABLE)


def version_expected(seen: int, expected: int) -> Finding:
    """Whether the project still stands at the version that the caller saw."""
    return _finding("version_expected", seen == expected, seen, expected, VERSION_EXPECTED)


def room_left(more: Mapping[Place, int], room: Mapping[Place, Room]) -> Finding:
    """Whether the capacities of which a change takes more have room for it."""
    totals = {f"{pool} {key}": room[pool, key].used + amount for (pool, key), amount in more.items() if amount > 0}
    ceilings = {f"{pool} {key}": room[pool, key].ceiling for (pool, key), amount in more.items() if amount > 0}
    met = all(ceiling is not None and totals[name] <= ceiling for name, ceiling in ceilings.items())
    return _finding("room_left", met, totals, ceilings, ROOM_LEFT)


def several_at_once(case: Case) -> Finding:
    """Whether the act may be done to many projects at once."""
    return _finding("several_at_once", case.transition is None or case.transition.bulk, None, None, SEVERAL_AT_ONCE)


def refers_to_store(policy: Policy, facts: Facts, act: Act) -> bool:
    """Return whether the act's documents have to be looked up among the stored ones.

    Where the policy lets references name what lies elsewhere, one with the id of a stored document still has to be so.
    """
    if not act.documents:
        return False
    asked = policy.documents.stored and not facts.invented
    return asked or any(IDENTIFIER.fullmatch(reference.get("id", "")) for reference in act.documents.values())


def another_person(same: bool) -> Finding:
    """Whether somebody else does it than who signed it."""
    return _finding("another_person", not same, None, None, ANOTHER_PERSON)


def docket_documents(definition: LifecycleDefinition, spec: DocketSpec, given: Collection[str]) -> Finding:
    """Whether a docket has the documents without which it is not released."""
    missing = [definition.documents[kind].zh for kind in spec.documents if kind not in given]
    return _finding("docket_documents", not missing, missing, None, DOCKET_DOCUMENTS)


def documents_stored(
    definition: LifecycleDefinition, given: Mapping[str, Mapping[str, Any]], stored: Collection[Reference]
) -> Finding:
    """Whether documents that are referred to are stored ones of that kind."""
    labels = definition.documents
    unknown = [kind for kind, reference in given.items() if Reference(kind, **reference) not in stored]
    seen = [labels[kind].zh if kind in labels else kind for kind in unknown]
    return _finding("documents_stored", not unknown, seen, None, DOCUMENTS_STORED)


def evaluate(case: Case, before: Facts) -> list[Finding]:
    """Return the structural findings of a case whose event is offered; only those that apply."""
    return [
        *_who(case),
        *_needs(case),
        *_flags(case, before),
        *_persons(case, before),
        *_dates(case, before),
    ]


def _who(case: Case) -> list[Finding]:
    transition, actor = case.transition, case.act.actor
    assert transition is not None
    roles = role_book().roles
    allowed, labels = _allowed(transition.by)
    lead = case.facts.application.lead
    within = actor.reaches(case.facts.application.city, (lead.credit_code,) if lead else ())
    role = roles[actor.role].label.zh if actor.role in roles else actor.role
    findings = [
        _finding("permitted", actor.role in allowed, role, labels, PERMITTED),
        _finding("within_scope", within, actor.city or actor.unit or actor.scope, None, WITHIN_SCOPE),
    ]
    if case.act.override:
        may = "override" in actor.rights and bool(case.act.reason)
        findings.append(_finding("override_permitted", may, sorted(case.act.override), None, OVERRIDE_PERMITTED))
    return findings


@lru_cache(maxsize=1024)
def _allowed(by: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the roles that these names stand for, and their labels in order."""
    book = role_book()
    allowed = book.expand(by)
    return allowed, tuple(book.roles[code].label.zh for code in sorted(allowed))


def _needs(case: Case) -> list[Finding]:
    transition, act = case.transition, case.act
    assert transition is not None
    labels = case.definition
    missing = [labels.fields[name].zh for name in transition.fields if name not in act.fields]
    absent = [
        labels.documents[kind].zh
        for kind in transition.documents
        if kind not in (act.documents if kind in transition.fresh else case.facts.documents)
    ]
    known = {*transition.documents, *transition.optional_documents}
    strange = [kind for kind in act.documents if kind not in known]
    findings = []
    if transition.fields:
        findings.append(_finding("fields_complete", not missing, missing, None, FIELDS_COMPLETE))
    if transition.documents:
        findings.append(_finding("documents_complete", not absent, absent, None, DOCUMENTS_COMPLETE))
    if case.facts.stored is not None:
        findings.append(documents_stored(labels, act.documents, case.facts.stored))
    if strange:
        findings.append(_finding("documents_known", False, strange, sorted(known), DOCUMENTS_KNOWN))
    if transition.reason:
        findings.append(_finding("reason_given", bool(act.reason), None, None, REASON_GIVEN))
    return findings


def _flags(case: Case, before: Facts) -> list[Finding]:
    transition, names = case.transition, case.definition.flags
    assert transition is not None
    findings = []
    if transition.requires:
        held = before.flags.issuperset(transition.requires)
        wanted = [names[flag].zh for flag in transition.requires]
        seen = [names[flag].zh for flag in sorted(before.flags)]
        findings.append(_finding("flags_held", held, seen, wanted, FLAGS_HELD))
    if transition.forbids:
        seen = [names[flag].zh for flag in transition.forbids if flag in before.flags]
        findings.append(_finding("flags_absent", not seen, seen, None, FLAGS_ABSENT))
    return findings


def _persons(case: Case, before: Facts) -> list[Finding]:
    transition, act, pending = case.transition, case.act, before.pending
    assert transition is not None
    findings = []
    if transition.not_by:
        same = any(before.signers.get(event) == act.actor.id for event in transition.not_by)
        findings.append(_finding("another_person", not same, None, None, ANOTHER_PERSON))
    if transition.persons == 2 and pending is not None and pending.event == act.event:
        another = pending.actor != act.actor.id
        findings.append(_finding("another_person", another, None, None, ANOTHER_PERSON))
        same_text = (dict(pending.fields), dict(pending.documents), pending.reason) == (
            dict(act.fields),
            dict(act.documents),
            act.reason,
        )
        findings.append(_finding("same_as_signed", same_text, None, None, PENDING_SAME))
    if transition.target == LEFT:
        possible = before.left_state in case.definition.returns_to(before.state)
        findings.append(_finding("state_to_return_to", possible, before.left_state, None, NOTHING_LEFT))
    return findings


def _dates(case: Case, before: Facts) -> list[Finding]:
    act, transition = case.act, case.transition
    assert transition is not None
    today = business_date(act.now, case.policy.policy.zone)
    earliest, pending = before.entered_on, before.pending
    if pending is not None and pending.event == act.event:  # nothing is confirmed before it was signed
        earliest = max(earliest, date.fromisoformat(pending.on))
    for since in transition.elapsed.values():  # nor ended before it began
        if start := before.record.get(since):
            earliest = max(earliest, date.fromisoformat(start))
    possible = earliest <= act.on <= today
    findings = [_finding("date_possible", possible, act.on, [earliest, today], DATE_POSSIBLE)]
    if act.on < today:
        may = "backdate" in act.actor.rights and bool(act.reason)
        findings.append(_finding("backdating_permitted", may, act.on, today, BACKDATING))
    return findings


def _finding(check: str, met: bool, seen: object, threshold: object, text: Text) -> Finding:
    return Finding(STRUCTURAL, check, STRUCTURAL, Kind.HARD, met, seen, threshold, text)
