"""A rule: its number, clause, weight and sentences beside the function that judges it; and the register of all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from states.facts import Act, Facts
from states.findings import Finding, Judgement, Kind, Text
from states.values import frozen

if TYPE_CHECKING:
    from states.deadlines import Calendar
    from states.definition import LifecycleDefinition, Transition
    from states.policy import Policy


@frozen
class Case:
    """All a rule may look at. `facts` already hold the act's own fields and documents."""

    definition: "LifecycleDefinition"
    policy: "Policy"
    calendar: "Calendar"
    facts: Facts
    act: Act
    transition: "Transition | None" = None
    target: str | None = None
    held: Mapping[tuple[str, str], int] = field(default_factory=dict)  # (pool, key) -> amount the project holds now
    wanted: Mapping[tuple[str, str], int] = field(default_factory=dict)  # the same, as the act would leave it
    changes: Mapping[str, Any] = field(default_factory=dict)  # what the act changes on record; None takes a field off


Judge = Callable[[Case], Judgement]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule function with what an officer must be told about it."""

    check: str
    rule: str
    clause: str
    kind: Kind
    text: Text
    judge: Judge
    reads: frozenset[str]

    def evaluate(self, case: Case) -> Finding:
        """Judge the case and return the finding; `{seen}` and `{threshold}` are filled in only when it is shown."""
        met, seen, threshold = self.judge(case)
        return Finding(self.rule, self.check, self.clause, self.kind, met, seen, threshold, self.text)


RULES: dict[str, Rule] = {}


def rule(
    number: str, clause: str, kind: Kind, zh: str, en: str, reads: tuple[str, ...] = ()
) -> Callable[[Judge], Judge]:
    """Register the decorated function as the check named like it, serving rule `number` of `clause`.

    `clause` is the notice's own number, or `CFG` where the notice is silent and the batch's setting decides.
    `reads` names what the rule needs beside the project's own row: `room`, `task`, `shortlist`, `ranks`, `reserves`,
    `panels`, `objections`, `package`.
    """

    def register(judge: Judge) -> Judge:
        name = judge.__name__
        if name in RULES:
            raise ValueError(f"two rules are named {name}")
        RULES[name] = Rule(name, number, clause, kind, Text(zh, en), judge, frozenset(reads))
        return judge

    return register
