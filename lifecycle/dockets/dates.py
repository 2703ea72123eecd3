"""Dates that follow from a docket's header: as computed, and as an officer typed them; both are kept."""

from typing import Any

from lifecycle.rulebooks import RuleSet
from lifecycle.statements import Row
from lifecycle.visibility import label_of
from states.deadlines import business_date
from states.definition import DocketSpec
from states.facts import Application, Facts
from states.planning import due_date, effective_due_on

NOTHING_FILED = Application("", "", "", "", (), 0)


def dates_of(rules: RuleSet, spec: DocketSpec, row: Row) -> list[dict[str, Any]]:
    """Return the checkpoints whose anchor the header gives: `due_on` counts, `computed_on` stands beside it."""
    definition, policy = rules.definition, rules.policy
    on = business_date(row["changed_at"], policy.policy.zone)
    facts = Facts("", row["batch_id"], "", definition.definition.initial, 1, NOTHING_FILED, on, record=row["header"])
    found = []
    for kind, checkpoint in definition.checkpoints.items():
        source, _, field = checkpoint.anchor.partition(".")
        if source != "record" or field not in spec.header:
            continue
        computed = due_date(definition, policy, facts, rules.calendar, kind)
        due_on = effective_due_on(definition, policy, facts, rules.calendar, kind)
        if computed is not None and due_on is not None:
            found.append(
                {
                    "kind": kind,
                    "label": label_of(checkpoint, kind),
                    "due_on": due_on.isoformat(),
                    "computed_on": computed.due_on.isoformat(),
                    "typed": due_on != computed.due_on,
                    "provisional": computed.provisional,
                }
            )
    return found
