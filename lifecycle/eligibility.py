"""Whether a project is eligible: the rules of the application judged on it as it stands, whatever its state."""

from lifecycle import surroundings
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.requests import Request, act_of
from lifecycle.transition import Loaded, load_project
from states.capacities import claims
from states.eligibility import assess
from states.findings import Finding
from states.rules import Case
from states.values import changed

NEEDS = frozenset({"task", "shortlist", "ranks"})


def assess_project(tx: Transaction, caller: Caller, project: str) -> tuple[Loaded, list[Finding]]:
    """Return the project and a finding for every rule of its application, met or not; writes and locks nothing.

    Raises:
        NotFound: there is no such project within the caller's reach.
    """
    loaded = load_project(tx, caller, project)
    rules, facts = loaded.rules, loaded.facts
    act = act_of(Request("assess"), caller, rules.policy.policy.zone)
    case = Case(rules.definition, rules.policy, rules.calendar, facts, act)
    facts = surroundings.surround(tx, case, NEEDS, loaded.scopes, lock=False).facts
    held = (claims(rules.definition, rules.policy, facts, state) for state in rules.definition.states)
    places = sorted({place for found in held for place in found})
    room = surroundings.rooms(tx, rules.definition, rules.policy, loaded.scopes, places, lock=False)
    facts = changed(facts, room=room)
    return loaded, assess(rules.definition, rules.policy, rules.calendar, facts, act)
