"""The acts of a project's lifecycle as a person is shown them: ready, waiting for input, blocked, or not for now."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lifecycle.transition import Loaded
from states.definition import LifecycleDefinition, Transition
from states.findings import Finding
from states.machine import Decision
from states.rules import RULES, Case

PERSON = frozenset({"permitted", "within_scope"})
INPUT = frozenset({"fields_complete", "documents_complete", "reason_given"})


def offers_of(loaded: Loaded, decisions: list[Decision]) -> dict[str, Any]:
    """Return every event of the project's lifecycle with its status, what it needs, and every finding."""
    definition, row = loaded.rules.definition, loaded.row
    state = definition.states[row["state"]]
    pending = row["pending"]
    return {
        "project": row["id"],
        "code": row["code"],
        "version": row["version"],
        "state": row["state"],
        "state_label": {"zh": state.zh, "en": state.en},
        "awaiting_second_person": pending["event"] if pending else None,
        "offers": [_offer(definition, decision) for decision in decisions],
    }


def status_of(decision: Decision) -> str:
    """Return `ready`, `needs_input`, `blocked`, `not_permitted` or `not_in_state`.

    `needs_input`: something is missing, and whatever else refuses could still change with what will be filled in.
    """
    if decision.case.transition is None:
        return "not_in_state"
    refusals = decision.refusals
    checks = {finding.check for finding in refusals}
    if checks & PERSON:
        return "not_permitted"
    if not refusals:
        return "ready"
    open_ones = all(finding.check in INPUT or _depends_on_input(decision.case, finding) for finding in refusals)
    return "needs_input" if checks & INPUT and open_ones else "blocked"


def _offer(definition: LifecycleDefinition, decision: Decision) -> dict[str, Any]:
    case = decision.case
    label = case.transition or definition.by_event[case.act.event][0]
    return {
        "event": case.act.event,
        "label": {"zh": label.zh, "en": label.en},
        "status": status_of(decision),
        "to": case.target,
        "needs": _needs(definition, case.transition) if case.transition else None,
        "findings": [finding.to_dict() for finding in decision.told],
    }


def _needs(definition: LifecycleDefinition, transition: Transition) -> dict[str, Any]:
    fields = [(name, True) for name in transition.fields] + [(name, False) for name in transition.optional]
    kinds = [(kind, True) for kind in transition.documents] + [(kind, False) for kind in transition.optional_documents]
    documents = definition.documents
    return {
        "fields": [_field(definition, name, required) for name, required in fields],
        "documents": [
            {"kind": kind, "required": required, "label": {"zh": documents[kind].zh, "en": documents[kind].en}}
            for kind, required in kinds
        ],
        "reason": transition.reason,
        "persons": transition.persons,
        "not_by": list(transition.not_by),
        "bulk": transition.bulk,
    }


def _field(definition: LifecycleDefinition, name: str, required: bool) -> dict[str, Any]:
    spec = definition.fields[name]
    return {
        "name": name,
        "required": required,
        "label": {"zh": spec.zh, "en": spec.en},
        "type": spec.type,
        "values": list(spec.values),
        "minimum": spec.minimum,
        "maximum": spec.maximum,
    }


class _Watched(dict[str, Any]):
    """A record that notes which of its names a rule reads."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.read: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.read.add(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> Any:
        self.read.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.read.add(str(key))
        return super().__contains__(key)


def _depends_on_input(case: Case, finding: Finding) -> bool:
    """Whether the rule behind a finding reads something that this act still brings."""
    transition, rule = case.transition, RULES.get(finding.check)
    if transition is None or rule is None:
        return False
    record, documents = _Watched(case.facts.record), _Watched(case.facts.documents)
    rule.evaluate(replace(case, facts=replace(case.facts, record=record, documents=documents)))
    brings = {*transition.fields, *transition.optional}
    papers = {*transition.documents, *transition.optional_documents}
    return bool(record.read & brings or documents.read & papers)
