"""Acts on many projects: a preview with a digest, and the commit by that digest."""

from fastapi import APIRouter
from starlette.responses import Response

from api.dependencies import Here, Key, project_id
from api.openapi import WRITES, operation
from api.replies import reply
from api.requests import StrictRoute
from api.schemas import CommitBody, PreviewBody
from api.shapes.acts import BulkOutcome, BulkPreview
from lifecycle.bulk import Item, preview_transitions, transition_projects

router = APIRouter(prefix="/api/v1/transitions", tags=["bulk"], route_class=StrictRoute)


@router.post(
    "/previews",
    **operation(
        "previewTransitions",
        "批量预览",
        "Preview an act on many projects",
        *("not-found", "unsupported-media-type", "too-large"),
        model=BulkPreview,
    ),
)
def preview(here: Here, body: PreviewBody) -> Response:
    """Say for each project whether it would go through, by city, and what it takes of quotas and budget."""
    with here.reading() as tx:
        found = preview_transitions(tx, here.caller, body.to_request(), _items(body), here.service.settings.max_bulk)
    return reply(found.to_dict())


@router.post(
    "/commits",
    **operation(
        "commitTransitions",
        "批量办理",
        "Carry out a previewed act",
        *("not-found", "preview-stale", "rules-unmet", *WRITES),
        model=BulkOutcome,
    ),
)
def commit(here: Here, body: CommitBody, key: Key = None) -> Response:
    """Move the projects that the preview allowed, in one transaction; refused if anything has changed since."""
    asked_for = body.to_request()
    asked = {"digest": body.digest, "request": asked_for, "items": [item.model_dump() for item in body.items]}
    limit = here.service.settings.max_bulk
    with here.acting(("bulk", body.digest), body.event, key, asked) as tx:
        answer, replayed = here.once(
            tx,
            key,
            asked,
            lambda: transition_projects(
                tx, here.service.log, here.caller, asked_for, _items(body), body.digest, limit
            ).to_dict(),
        )
    return reply(answer, replayed=replayed)


def _items(body: PreviewBody) -> list[Item]:
    return [item.to_item(project_id(item.project)) for item in body.items]
