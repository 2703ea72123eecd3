"""Asks acts of projects: by default every rule of the arrow is met, and one change spoils it."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from cases import (
    CALENDAR,
    DEFINITION,
    DOCUMENT,
    EVENT_FIELDS,
    EVENT_ON,
    LEAD,
    POLICY,
    RECORD,
    WINDOWS,
    act,
    arrow,
    case,
    veto_checks,
)

from states.definition import LEFT, LifecycleDefinition, Transition
from states.facts import Act, Facts
from states.machine import After, Decision, decide, prepare
from states.policy import Policy
from states.roles import actor_of

MODES = {"sequential": POLICY, "windows": WINDOWS}
HANDLER = actor_of("甲", "handler")
HEAD = actor_of("乙", "division_head")
CITY = actor_of("市", "city", city="370100")
APPLICANT = actor_of("企", "applicant", unit=LEAD.credit_code)
VALUES = {"text": "内容", "date": "2025-03-01", "money": 1, "integer": 1, "change": {"title": "更名"}}
OTHER_DAY = date(2025, 3, 3)  # for events that no rule binds to a day


def values_of(names: tuple[str, ...], event: str, on: date) -> dict[str, Any]:
    known = {**RECORD, "veto_checks": veto_checks(on), **EVENT_FIELDS.get(event, {})}
    return {name: known.get(name, VALUES.get(DEFINITION.fields[name].type)) for name in names}


@dataclass(frozen=True)
class Asked:
    """An act asked of a project, in one mode: by default allowed, for every rule of its arrow is met."""

    before: Facts
    act: Act
    policy: Policy = POLICY

    def but(self, **changes: Any) -> "Asked":
        return replace(self, act=replace(self.act, **changes))

    def given(self, **changes: Any) -> "Asked":
        return replace(self, before=replace(self.before, **changes))

    def decided(self, definition: LifecycleDefinition = DEFINITION) -> Decision:
        judged, found, _ = prepare(definition, self.policy, CALENDAR, self.before, self.act)
        return decide(judged, self.before, found)

    @property
    def refused_for(self) -> list[str]:
        return [finding.check for finding in self.decided().refusals]

    @property
    def after(self) -> After:
        decision = self.decided()
        assert decision.after is not None, decision.refusals
        return decision.after

    def seen(self, check: str) -> Any:
        [finding] = [finding for finding in self.decided().findings if finding.check == check]
        return finding.seen


def asked(event: str, state: str | None = None, policy: Policy = POLICY, on: date | None = None, **found: Any) -> Asked:
    taken, day = arrow(event, policy.mode, state), on or EVENT_ON.get(event, OTHER_DAY)
    state = state or taken.source[0]
    returns = min(DEFINITION.returns_to(state), default=None) if taken.target == LEFT else None
    before = case(
        event, day, policy=policy, state=state, **{"flags": frozenset(taken.requires), "left_state": returns, **found}
    ).facts
    actor = HANDLER if "province" in taken.by else CITY if "city" in taken.by else APPLICANT
    documents = dict.fromkeys(taken.documents, DOCUMENT)
    fields = values_of(taken.fields, event, day)
    reason = "理由" if taken.reason else None
    return Asked(before, act(event, day, actor=actor, fields=fields, documents=documents, reason=reason), policy)


ARROWS = [
    (found, source, mode)
    for found in DEFINITION.transitions
    for source in found.source
    for mode in (found.modes or MODES)
]
ARROW_NAMES = [f"{found.event} {source} {mode}" for found, source, mode in ARROWS]


def of_arrow(found: Transition, source: str, mode: str) -> Asked:
    return asked(found.event, source, MODES[mode])
