"""Acts on one project: what is offered, tried, and done."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.dependencies import Here, IfMatch, Key, expected_version, project_id
from api.offers import offers_of
from api.openapi import WRITES, operation
from api.replies import reply
from api.requests import StrictRoute
from api.schemas import TransitionBody
from api.shapes.acts import DryRun, Offers, Outcome
from lifecycle.answers import Remembered
from lifecycle.requests import Request
from lifecycle.transition import offered_transitions, transition_project, try_transition
from states.machine import Decision

router = APIRouter(prefix="/api/v1/projects/{project}/transitions", tags=["transitions"], route_class=StrictRoute)


@router.get("", **operation("listTransitions", "可办事项", "What is offered to me now", "not-found", model=Offers))
def list_offers(here: Here, project: str) -> Response:
    """Return every act of the lifecycle: whether it is offered now, what it needs, and every finding."""
    with here.reading() as tx:
        loaded, decisions = offered_transitions(tx, here.caller, project_id(project))
    return reply(offers_of(loaded, decisions), version=loaded.row["version"])


@router.post(
    "",
    **operation(
        "transitionProject",
        "办理",
        "Carry out an act",
        *("forbidden", "not-found", "not-offered", "conflict", "rules-unmet", *WRITES),
        model=Outcome | DryRun,
    ),
)
def transition(here: Here, project: str, body: TransitionBody, if_match: IfMatch = None, key: Key = None) -> Response:
    """Carry out one act, or with `dry_run` say what would come of it: 200 with every finding, nothing written."""
    asked_for = body.to_request(expected_version(if_match, body.expected_version))
    if body.dry_run:
        return _try(here, project, asked_for)
    name = project.lower()
    asked = {"project": name, "request": asked_for}
    with here.acting(("project", name), body.event, key, asked) as tx:
        outcome = transition_project(tx, here.service.log, here.caller, project_id(name), asked_for, key)
    told = outcome.to_dict()
    return reply(told, version=told["version"], replayed=isinstance(outcome, Remembered))


def _try(here: Here, project: str, asked_for: Request) -> Response:
    with here.reading() as tx:
        decision = try_transition(tx, here.caller, project_id(project), asked_for)
    return reply(_dry(decision), version=decision.case.facts.version)


def _dry(decision: Decision) -> dict[str, Any]:
    facts = decision.case.facts
    return {
        "dry_run": True,
        "allowed": decision.allowed,
        "project": facts.project,
        "event": decision.case.act.event,
        "version": facts.version,
        "from": facts.state,
        "to": decision.after.state if decision.after else None,
        "awaiting_second_person": decision.awaiting,
        "overridden": list(decision.overridden),
        "findings": [finding.to_dict() for finding in decision.told],
    }
