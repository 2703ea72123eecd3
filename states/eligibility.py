"""Owns the assessment of an application: every rule it must meet, judged at once, before anyone files it."""

from states.capacities import claims
from states.deadlines import Calendar
from states.definition import LEFT, SAME, LifecycleDefinition, Transition
from states.facts import Act, Facts
from states.findings import Finding
from states.policy import Policy
from states.rules import RULES, Case


def assess(
    definition: LifecycleDefinition, policy: Policy, calendar: Calendar, facts: Facts, act: Act
) -> list[Finding]:
    """Return a finding for every rule of the application, in the definition's order, none twice.

    The rules of the application are those named by the arrows that leave the definition's initial state for
    another one, in the policy's mode. They are judged whatever state the project is in, each against the room
    it would hold in its arrow's target; the act's own fields and documents count as on record.

    Raises:
        KeyError: the definition names a rule that is not registered, or the facts a state it does not have.
    """
    held = claims(definition, policy, facts, facts.state)
    merged = facts.with_record(act.fields, act.documents)
    findings: dict[str, Finding] = {}
    for transition in _leaving(definition, policy.mode):
        wanted = claims(definition, policy, merged, transition.target)
        case = Case(definition, policy, calendar, merged, act, transition, transition.target, held, wanted)
        for name in transition.rules:
            if name not in findings:
                findings[name] = RULES[name].evaluate(case)
    return list(findings.values())


def _leaving(definition: LifecycleDefinition, mode: str) -> list[Transition]:
    initial = definition.definition.initial
    return [
        transition
        for transition in definition.transitions
        if initial in transition.source
        and transition.target not in (SAME, LEFT, initial)
        and transition.rules
        and (not transition.modes or mode in transition.modes)
    ]
