"""A project's deadlines that officers add by hand: listed, added, moved, ended."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from api.dependencies import Here, IfMatch, Key, expected_version, project_id
from api.duties import Ending, MovedDeadline, NewDeadline
from api.openapi import WRITES, operation
from api.problems import CREATED
from api.replies import page, reply
from api.requests import StrictRoute
from api.shapes.checkpoints import Deadline
from api.shapes.parts import Listed
from lifecycle import deadlines

router = APIRouter(prefix="/api/v1/projects/{project}/deadlines", tags=["checkpoints"], route_class=StrictRoute)
Number = Annotated[int, Path(ge=1, le=deadlines.MOST)]
REFUSED = ("forbidden", "not-found", "not-offered", "conflict", *WRITES)


@router.get(
    "",
    **operation("listDeadlines", "增设期限列表", "Deadlines added by hand", "not-found", model=Listed[Deadline]),
)
def list_all(here: Here, request: Request, project: str) -> Response:
    """Return the deadlines that officers added, also those that ended, by number."""
    with here.reading() as tx:
        found = deadlines.list_deadlines(tx, here.caller, project_id(project))
    return page(request, [one.to_dict() for one in found], None, "after")


@router.post(
    "",
    status_code=CREATED,
    **operation("addDeadline", "增设期限", "Add a deadline", *REFUSED, model=Deadline),
)
def add(here: Here, project: str, body: NewDeadline, if_match: IfMatch = None, key: Key = None) -> Response:
    """Add a deadline; its checkpoint opens, with the reminders of the batch's plan, in the same act."""
    version, name = expected_version(if_match, body.expected_version), project.lower()
    asked = {"add_deadline": name, "version": version, "body": body.model_dump(mode="json")}
    with here.acting(("project", name), "add_deadline", key, asked) as tx:

        def act() -> dict[str, Any]:
            added = deadlines.add_deadline(
                tx,
                here.service.log,
                here.caller,
                project_id(name),
                body.title,
                body.due_on,
                body.to,
                body.reason,
                expected_version=version,
            )
            return added.to_dict()

        answer, replayed = here.once(tx, key, asked, act)
    return reply(answer, status=CREATED, version=answer["version"], replayed=replayed)


@router.patch("/{number}", **operation("moveDeadline", "调整期限", "Move a deadline", *REFUSED, model=Deadline))
def move(
    here: Here, project: str, number: Number, body: MovedDeadline, if_match: IfMatch = None, key: Key = None
) -> Response:
    """Give a deadline another date; the checkpoint that it had is superseded. The same date changes nothing."""
    version, name = expected_version(if_match, body.expected_version), project.lower()
    asked = {"move_deadline": name, "number": number, "version": version, "body": body.model_dump(mode="json")}
    with here.acting(("project", name), "move_deadline", key, asked) as tx:

        def act() -> dict[str, Any]:
            moved = deadlines.move_deadline(
                tx,
                here.service.log,
                here.caller,
                project_id(name),
                number,
                body.due_on,
                body.reason,
                expected_version=version,
            )
            return moved.to_dict()

        answer, replayed = here.once(tx, key, asked, act)
    return reply(answer, version=answer["version"], replayed=replayed)


@router.post("/{number}/endings", **operation("endDeadline", "了结期限", "End a deadline", *REFUSED, model=Deadline))
def end(here: Here, project: str, number: Number, body: Ending, if_match: IfMatch = None, key: Key = None) -> Response:
    """End a deadline, done or withdrawn; its checkpoint is closed and nobody is reminded of it any more."""
    version, name = expected_version(if_match, body.expected_version), project.lower()
    asked = {"end_deadline": name, "number": number, "version": version, "body": body.model_dump(mode="json")}
    with here.acting(("project", name), "end_deadline", key, asked) as tx:

        def act() -> dict[str, Any]:
            ended = deadlines.end_deadline(
                tx,
                here.service.log,
                here.caller,
                project_id(name),
                number,
                body.how,
                body.reason,
                expected_version=version,
            )
            return ended.to_dict()

        answer, replayed = here.once(tx, key, asked, act)
    return reply(answer, version=answer["version"], replayed=replayed)
