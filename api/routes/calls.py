"""A project's progress calls: windows, answers, what was missed."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.dependencies import Here, project_id
from api.openapi import operation
from api.replies import page
from api.requests import StrictRoute
from api.shapes.parts import Listed
from api.shapes.supervision import ProgressCall
from lifecycle.progress import list_calls

router = APIRouter(prefix="/api/v1/projects/{project}/progress-calls", tags=["acceptance"], route_class=StrictRoute)


@router.get(
    "",
    **operation("listProgressCalls", "进展报告期", "Progress calls", "not-found", model=Listed[ProgressCall]),
)
def list_all(here: Here, request: Request, project: str) -> Response:
    """Return the project's calls with how each stands: answered, late, missed, open or upcoming."""
    with here.reading() as tx:
        found = list_calls(tx, here.caller, project_id(project))
    return page(request, found, None, "after")
