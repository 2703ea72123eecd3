"""`decide`: whether an act is allowed and where it leads. Every rule is evaluated; the graph is `transitions`'."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from transitions import Machine

from states import structure
from states.calls import answered_by, calls_of
from states.capacities import claims, claims_with
from states.changes import carried_out
from states.deadlines import Calendar
from states.definition import LEFT, SAME, LifecycleDefinition, Transition
from states.facts import Act, Application, Facts, Pending
from states.fields import Cleaner, clean_fields
from states.findings import Finding
from states.planning import mark_of
from states.policy import Policy
from states.rules import RULES, Case
from states.structure import STRUCTURAL
from states.values import changed, frozen


@frozen
class After:
    """The project as the act leaves it."""

    state: str
    left_state: str | None
    entered_on: date
    record: dict[str, Any]
    documents: dict[str, Any]
    flags: frozenset[str]
    signers: dict[str, str]
    pending: Pending | None
    application: Application | None = None  # where the act amends what was filed


@frozen
class Decision:
    """What `decide` answers: the findings of every rule, and what the project becomes where none refuses."""

    case: Case
    findings: tuple[Finding, ...]
    after: After | None
    awaiting: bool = False  # allowed, and signed by the first of two persons

    @property
    def allowed(self) -> bool:
        """True where nothing refuses the act."""
        return self.after is not None

    @property
    def told(self) -> tuple[Finding, ...]:
        """Return the findings as the actor may see them: whom an act is not for sees no figures of its rules."""
        if any(finding.check in ("permitted", "within_scope") and finding.blocks for finding in self.findings):
            return tuple(finding for finding in self.findings if finding.rule == STRUCTURAL)
        return self.findings

    @property
    def refusals(self) -> tuple[Finding, ...]:
        """Return the findings that refuse the act, as the actor may see them."""
        return tuple(finding for finding in self.told if finding.blocks)

    @property
    def overridden(self) -> tuple[str, ...]:
        """Return the numbers of the rules set aside."""
        return tuple(sorted({finding.rule for finding in self.findings if finding.overridden}))


@dataclass(slots=True)
class _Walker:
    """The small object that walks the graph; the machine itself is never changed."""

    state: str
    left: str | None
    mode: str
    goal: str = ""


def prepare(
    definition: LifecycleDefinition,
    policy: Policy,
    calendar: Calendar,
    facts: Facts,
    act: Act,
    clean: Cleaner = clean_fields,
) -> tuple[Case, list[Finding], frozenset[str]]:
    """Return the case as far as the project's own row shows it, what is wrong with the request, and what else to read.

    The third value holds `room`, `task`, `shortlist`, `ranks`, `panels`, `package`, `documents`: asked of other tables.
    """
    transition = definition.find(act.event, facts.state, policy.mode)
    if transition is None:
        case = Case(definition, policy, calendar, facts, act)
        return case, [structure.offered(case)], frozenset()
    act = _second_signature(transition, facts, act)
    fields, wrong = clean(definition, transition, act.fields)
    act = changed(act, fields=fields)
    target = _target(transition, facts)
    merged = _merged(definition, facts, fields)
    changes = _changes(transition, facts, act.on, merged)
    if transition.answers:
        changes |= _answered(definition, policy, calendar, transition, facts, act)
    held = claims(definition, policy, facts, facts.state)
    known = target in definition.states
    application = _amended(transition, facts)
    wanted = claims_with(definition, policy, application, {**facts.record, **changes}, target) if known else {}
    record = {**facts.record, **merged}
    for name in transition.drops:
        if name not in merged:
            record.pop(name, None)
    read = changed(facts, application=application, record=record, documents={**facts.documents, **act.documents})
    case = Case(definition, policy, calendar, read, act, transition, target, held, wanted, changes)
    findings = [structure.offered(case), *([structure.fields_readable(wrong)] if wrong else [])]
    more = {"room"} if held != wanted else set()
    if structure.refers_to_store(policy, facts, act):
        more.add("documents")
    return case, findings, needs(transition) | more


def decide(case: Case, before: Facts, found: list[Finding]) -> Decision:
    """Return whether the act is allowed: all structural and numbered rules evaluated, soft ones overridden as asked.

    `before` is the project as it stands, `found` what `prepare` found. Pure; the graph walk is the last word.
    """
    transition = case.transition
    if transition is None:
        return Decision(case, tuple(found), None)
    rules = [RULES[name].evaluate(case) for name in transition.rules]
    findings = [*found, *structure.evaluate(case, before), *_override(case, before, rules)]
    if any(finding.blocks for finding in findings):
        return Decision(case, tuple(findings), None)
    signed = before.pending is not None and before.pending.event == case.act.event
    awaiting = transition.persons == 2 and not signed
    target = before.state
    if not awaiting:
        pinned, mode = _Pinned(case.definition), case.policy.mode
        target = _walk(pinned, case.act.event, before.state, before.left_state, mode, case.target or "")
    return Decision(case, tuple(findings), _after(case, before, target, awaiting), awaiting)


@lru_cache(maxsize=256)
def _graph(definition: "_Pinned") -> Machine:
    transitions: list[dict[str, Any]] = []
    for arrow in definition.value.transitions:
        for source in arrow.source:
            goals = {SAME: [source], LEFT: sorted(definition.value.returns_to(source))}.get(
                arrow.target, [arrow.target]
            )
            transitions.extend(
                {
                    "trigger": arrow.event,
                    "source": source,
                    "dest": goal,
                    "conditions": _condition(arrow, goal),
                }
                for goal in goals
            )
    return Machine(
        model=None,
        states=list(definition.value.states),
        transitions=transitions,
        initial=definition.value.definition.initial,
        auto_transitions=False,
        send_event=True,
        queued=False,
    )


@dataclass(frozen=True, slots=True)
class _Pinned:
    """A definition that is compared by its hash alone, so that the graph is built once for each version."""

    value: LifecycleDefinition

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Pinned) and other.value.hash == self.value.hash

    def __hash__(self) -> int:
        return hash(self.value.hash)


def _condition(arrow: Transition, goal: str) -> Any:
    def applies(event: Any) -> bool:
        walker: _Walker = event.model
        return walker.goal == goal and (not arrow.modes or walker.mode in arrow.modes)

    return applies


@lru_cache(maxsize=4096)
def _walk(definition: "_Pinned", event: str, state: str, left: str | None, mode: str, goal: str) -> str:
    """Return where the graph leads; a definition named by its hash always leads there again, so it is asked once."""
    walker = _Walker(state, left, mode, goal)
    if not _graph(definition).events[event].trigger(walker):
        raise AssertionError(f"the graph has no arrow {event} from {state} to {goal}")
    return walker.state


@lru_cache(maxsize=4096)
def _needs(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset().union(*(RULES[name].reads for name in names))


def needs(transition: Transition) -> frozenset[str]:
    """Return what the transition's rules read beside the project's own row."""
    return _needs(transition.rules)


def _amended(transition: Transition, facts: Facts) -> Application:
    """Return what was filed as the act leaves it: the change on record carried out, where the act does that."""
    change = facts.record.get(transition.amends) if transition.amends else None
    return carried_out(facts.application, change) if change else facts.application


def _target(transition: Transition, facts: Facts) -> str:
    if transition.target == SAME:
        return facts.state
    if transition.target == LEFT:
        return facts.left_state or ""
    return transition.target


def _second_signature(transition: Transition, facts: Facts, act: Act) -> Act:
    """Fill in what the first person signed where the second confirms without repeating it."""
    pending = facts.pending
    if transition.persons != 2 or pending is None or pending.event != act.event or act.fields:
        return act
    return changed(
        act,
        fields=pending.fields,
        documents=act.documents or pending.documents,
        reason=act.reason or pending.reason,
    )


def _merged(definition: LifecycleDefinition, facts: Facts, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the act's fields as they will stand on record: those that gather hold what was there too."""
    merged = dict(fields)
    for name, value in fields.items():
        before = facts.record.get(name)
        if before and definition.fields[name].gathers:
            merged[name] = {**before, **value} if isinstance(value, dict) else sorted({*before, *value})
    return merged


def _answered(
    definition: LifecycleDefinition,
    policy: Policy,
    calendar: Calendar,
    transition: Transition,
    facts: Facts,
    act: Act,
) -> dict[str, Any]:
    """Return the calls that the act leaves answered, the one that it answers marked with its day, late or not (R20)."""
    found: dict[str, Any] = {}
    for name, kind in transition.answers.items():
        call = answered_by(calls_of(definition, policy, facts, calendar, kind), act.fields.get("call_number"))
        if call is not None:
            mark = {"on": act.on.isoformat(), "late": act.on > call.due_on}
            found[name] = {**(facts.record.get(name) or {}), mark_of(call.number): mark}
    return found


def _changes(transition: Transition, facts: Facts, on: date, merged: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the act changes on record: None takes a field off."""
    changes: dict[str, Any] = {name: None for name in transition.drops if name in facts.record}
    for name, since in transition.elapsed.items():
        start = facts.record.get(since)
        days = (on - date.fromisoformat(start)).days if start else 0
        changes[name] = int(facts.record.get(name) or 0) + max(0, days)
    for name, source in transition.copies.items():
        changes[name] = int(facts.record.get(source) or 0)
    for name in transition.counts:
        changes[name] = int(facts.record.get(name) or 0) + 1
    for name in transition.stamps:
        changes[name] = on.isoformat()
    changes.update(merged)
    return changes


def _after(case: Case, before: Facts, target: str, awaiting: bool) -> After:
    transition, act = case.transition, case.act
    assert transition is not None
    if awaiting:
        pending = Pending(act.event, act.actor.id, act.on.isoformat(), act.fields, act.documents, act.reason)
        return After(
            before.state,
            before.left_state,
            before.entered_on,
            dict(before.record),
            dict(before.documents),
            before.flags,
            dict(before.signers),
            pending,
        )
    record = {**before.record, **case.changes}
    moves = target != before.state
    signers = dict(before.signers)
    if act.event in case.definition.watched:
        signers[act.event] = act.actor.id
    return After(
        state=target,
        left_state=before.state if moves else before.left_state,
        entered_on=act.on if moves else before.entered_on,
        record={name: value for name, value in record.items() if value is not None},
        documents={**before.documents, **act.documents},
        flags=(before.flags - frozenset(transition.clears)) | frozenset(transition.sets),
        signers=signers,
        pending=None,
        application=case.facts.application if transition.amends else None,
    )


def _override(case: Case, before: Facts, findings: list[Finding]) -> list[Finding]:
    """Mark the unmet soft findings that the actor, or an earlier waiver on record, sets aside."""
    waived = frozenset(before.record.get("waived_rules") or ())
    may = "override" in case.act.actor.rights and bool(case.act.reason)
    asked = case.act.override if may else frozenset()
    return [
        finding._replace(overridden=True)
        if not finding.met and finding.overridable and finding.rule in (asked | waived)
        else finding
        for finding in findings
    ]
