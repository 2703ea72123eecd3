"""A project's progress calls as people read them: which were answered, late or in time, and which were missed."""

from typing import Any

from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.transition import load_project
from lifecycle.visibility import label_of
from states.calls import calls_of


def list_calls(tx: Transaction, caller: Caller, project: str) -> list[dict[str, Any]]:
    """Return the project's recurring calls with their windows and how each stands today.

    Raises:
        NotFound: there is no such project within the caller's reach.
    """
    loaded = load_project(tx, caller, project)
    rules = loaded.rules
    today = caller.today(rules.policy.policy.zone)
    kinds = [kind for kind, spec in rules.definition.checkpoints.items() if spec.repeat and spec.done]
    return [
        {
            "kind": kind,
            "label": label_of(rules.definition.checkpoints[kind], kind),
            "number": call.number,
            "opens_on": call.opens_on.isoformat(),
            "due_on": call.due_on.isoformat(),
            "answered_on": call.answered_on.isoformat() if call.answered_on else None,
            "status": call.status(today),
        }
        for kind in kinds
        for call in calls_of(rules.definition, rules.policy, loaded.facts, rules.calendar, kind)
    ]
