"""Lapses that the system proposes; confirming one is an act like any other."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.dependencies import Here
from api.openapi import operation
from api.replies import page
from api.requests import StrictRoute
from api.shapes.parts import Listed
from api.shapes.supervision import Lapse
from lifecycle import overviews
from lifecycle.lapses import list_overdue

router = APIRouter(prefix="/api/v1/batches/{batch}/lapses", tags=["acceptance"], route_class=StrictRoute)


@router.get(
    "",
    **operation(
        "listLapses", "拟确认逾期", "Lapses the system proposes", "forbidden", "not-found", model=Listed[Lapse]
    ),
)
def list_all(here: Here, request: Request, batch: str) -> Response:
    """Return the projects past a round's grace, the oldest first; none lapses until a person confirms it."""
    with here.reading() as tx:
        found = list_overdue(tx, here.caller, overviews.find_batch(tx, here.caller, batch))
    return page(request, found, None, "after")
