"""Chases of a project: what may be chased, and done."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.dependencies import Here, Key, project_id
from api.duties import ChaseBody
from api.openapi import WRITES, operation
from api.replies import reply
from api.requests import StrictRoute
from api.shapes.checkpoints import Chances, Chased
from lifecycle import chases

router = APIRouter(prefix="/api/v1/projects/{project}/chases", tags=["chases"], route_class=StrictRoute)


@router.get("", **operation("showChances", "可否催办", "Whether it may be chased", "not-found", model=Chances))
def show(here: Here, project: str) -> Response:
    """Return which checkpoints the caller may chase, how often today, and from when on."""
    with here.reading() as tx:
        found = chases.chases_left(tx, here.caller, project_id(project))
    return reply(found.to_dict())


@router.post(
    "",
    **operation(
        "chaseProject",
        "催办",
        "Chase a project",
        *("forbidden", "not-found", "not-offered", "too-soon", *WRITES),
        model=Chased,
    ),
)
def chase(here: Here, project: str, body: ChaseBody, key: Key = None) -> Response:
    """Ask those whom an open checkpoint concerns to get on with it, within the limits of the batch's plan."""
    name = project.lower()
    asked = {"chase": name, "body": body.model_dump(mode="json")}
    with here.acting(("project", name), "chase", key, asked) as tx:

        def act() -> dict[str, Any]:
            checkpoint = body.checkpoint.lower() if body.checkpoint is not None else None
            done = chases.chase(tx, here.service.log, here.caller, project_id(name), checkpoint, body.note)
            return done.to_dict()

        answer, replayed = here.once(tx, key, asked, act)
    return reply(answer, version=answer["version"], replayed=replayed)
