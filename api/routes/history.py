"""A project's history."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from api.dependencies import Here, project_id
from api.openapi import operation
from api.replies import page
from api.requests import StrictRoute
from api.shapes.projects import HistoryPage
from lifecycle.history import project_history

router = APIRouter(prefix="/api/v1/projects/{project}/history", tags=["history"], route_class=StrictRoute)
AfterSeq = Annotated[int, Query(ge=0, le=2**53 - 1)]
HistoryLimit = Annotated[int, Query(ge=1, le=200)]


@router.get("", **operation("showHistory", "办理过程", "The project's history", "not-found", model=HistoryPage))
def show(
    here: Here,
    request: Request,
    project: str,
    after_seq: AfterSeq = 0,
    limit: HistoryLimit = 100,
) -> Response:
    """Return the log's entries of a project in order, as far as the caller may see them."""
    with here.reading() as tx:
        found = project_history(tx, here.caller, project_id(project), after_seq, limit)
    return page(request, found.items, found.next, "after_seq")
