"""The person who calls."""

from fastapi import APIRouter
from starlette.responses import Response

from api.dependencies import Here
from api.openapi import operation
from api.replies import reply
from api.requests import StrictRoute
from api.shapes.surroundings import Me
from lifecycle.overviews import describe_caller
from states.roles import role_book

router = APIRouter(prefix="/api/v1/people", tags=["people"], route_class=StrictRoute)


@router.get("/me", **operation("whoAmI", "本人", "Who I am", model=Me))
def show_me(here: Here) -> Response:
    """Return the caller: role, scope, and what the role may do beside the acts of a lifecycle."""
    actor = here.caller.actor
    with here.reading() as tx:
        named = describe_caller(tx, here.caller)
    label = role_book().roles[actor.role].label
    told = {
        "id": actor.id,
        **named,
        "role": actor.role,
        "role_label": label._asdict(),
        "city": actor.city,
        "unit": actor.unit,
        "scope": actor.scope,
        "rights": sorted(actor.rights),
    }
    return reply(told)
