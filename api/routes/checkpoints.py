"""Checkpoints: those that are open with their lights, the lights counted, and all of one project."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from api.dependencies import Here, project_id
from api.openapi import operation
from api.replies import page, reply
from api.requests import StrictRoute
from api.shapes.checkpoints import CheckpointItem, Colour, Lights, ProjectCheckpoint, Status
from api.shapes.parts import Listed
from lifecycle import overviews
from lifecycle.business_days import today_of
from lifecycle.lights import LIGHTS, Filters, count_lights, list_checkpoints
from lifecycle.timelines import project_checkpoints

router = APIRouter(prefix="/api/v1", tags=["checkpoints"], route_class=StrictRoute)
Word = Annotated[str | None, Query(max_length=64)]


@router.get(
    "/checkpoints",
    **operation(
        "listCheckpoints",
        "期限与亮灯",
        "Open checkpoints and their lights",
        *("forbidden", "not-found"),
        model=Listed[CheckpointItem],
    ),
)
def list_open(
    here: Here,
    request: Request,
    batch: Word = None,
    project: Word = None,
    light: Colour | None = None,
    kind: Word = None,
    city: Word = None,
    state: Word = None,
    provisional: bool | None = None,
    mine: Annotated[bool, Query(description="仅本人应办的 / only what is for me to see to")] = False,
    after: Annotated[str | None, Query(max_length=4096)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Return the open checkpoints within the caller's reach that meet all filters, the one due first at the head."""
    with here.reading() as tx:
        row = overviews.find_batch(tx, here.caller, batch) if batch is not None else None
        filters = Filters(
            row["id"] if row else None,
            project_id(project) if project is not None else None,
            light,
            kind,
            city,
            state,
            provisional,
            mine,
        )
        found = list_checkpoints(tx, here.caller, filters, today_of(tx, here.caller, row), after, limit)
    return page(request, found.items, found.next, "after")


@router.get(
    "/batches/{batch}/lights",
    **operation("countLights", "亮灯统计", "Lights by city", "forbidden", "not-found", model=Lights),
)
def count(here: Here, batch: str) -> Response:
    """Return how many open checkpoints of the batch within the caller's reach are green, yellow and red, by city."""
    with here.reading() as tx:
        row = overviews.find_batch(tx, here.caller, batch)
        today = today_of(tx, here.caller, row)
        found = count_lights(tx, here.caller, row["id"], today)
    total = {colour: sum(city[colour] for city in found.values()) for colour in LIGHTS}
    return reply({"batch": row["code"], "on": today.isoformat(), "by_city": found, "total": total})


@router.get(
    "/projects/{project}/checkpoints",
    **operation(
        "listProjectCheckpoints",
        "项目期限",
        "All checkpoints of a project",
        "not-found",
        model=Listed[ProjectCheckpoint],
    ),
)
def list_of_project(here: Here, request: Request, project: str, status: Status | None = None) -> Response:
    """Return a project's checkpoints by due date: open, closed, and superseded by another date."""
    with here.reading() as tx:
        found = project_checkpoints(tx, here.caller, project_id(project), status)
    return page(request, found, None, "after")
