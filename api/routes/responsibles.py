"""Persons in charge of projects: shown, one project handed over, and many after a preview."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.dependencies import Here, IfMatch, Key, expected_version, project_id
from api.duties import Handover, HandoverCommit, InCharge
from api.openapi import WRITES, operation
from api.replies import reply
from api.requests import StrictRoute
from api.shapes.checkpoints import Assigned, HandedOver, HandoverPreview, Responsibles
from lifecycle import overviews, responsibles

router = APIRouter(prefix="/api/v1", tags=["responsibles"], route_class=StrictRoute)


@router.get(
    "/projects/{project}/responsibles",
    **operation("showResponsibles", "承办人", "Who is in charge", "not-found", model=Responsibles),
)
def show(here: Here, project: str) -> Response:
    """Return the persons in charge of a project by role."""
    name = project_id(project)
    with here.reading() as tx:
        found = responsibles.people_in_charge(tx, here.caller, name)
    return reply({"project": name, "responsible": found})


@router.put(
    "/projects/{project}/responsibles/{role}",
    **operation(
        "assignProject",
        "转办",
        "Hand a project over",
        *("forbidden", "not-found", "conflict", *WRITES),
        model=Assigned,
    ),
)
def assign(here: Here, project: str, role: str, body: InCharge, if_match: IfMatch = None, key: Key = None) -> Response:
    """Put a person in charge of a project in a role, or with null give it back to all of that role."""
    version, name = expected_version(if_match, body.expected_version), project.lower()
    asked = {"assign": name, "role": role, "version": version, "body": body.model_dump(mode="json")}
    with here.acting(("project", name), "assign", key, asked) as tx:

        def act() -> dict[str, Any]:
            assigned = responsibles.assign(
                tx,
                here.service.log,
                here.caller,
                project_id(name),
                role,
                body.login,
                body.note,
                expected_version=version,
            )
            return assigned.to_dict()

        answer, replayed = here.once(tx, key, asked, act)
    return reply(answer, version=answer["version"], replayed=replayed)


@router.post(
    "/responsibles/previews",
    **operation(
        "previewAssignments",
        "批量转办预览",
        "Preview a handover of many projects",
        *("forbidden", "not-found", "unsupported-media-type", "too-large"),
        model=HandoverPreview,
    ),
)
def preview(here: Here, body: Handover) -> Response:
    """Say of each project who is in charge now and whether that would change."""
    with here.reading() as tx:
        batch = overviews.find_batch(tx, here.caller, body.batch)
        found = responsibles.preview_assignments(tx, here.caller, batch, body.ids(), body.role, body.login)
    return reply(found.to_dict())


@router.post(
    "/responsibles/commits",
    **operation(
        "commitAssignments",
        "批量转办",
        "Carry out a previewed handover",
        *("forbidden", "not-found", "preview-stale", *WRITES),
        model=HandedOver,
    ),
)
def commit(here: Here, body: HandoverCommit, key: Key = None) -> Response:
    """Hand over all the projects that the preview showed, or none where anything has changed since."""
    asked = {"assign_many": body.model_dump(mode="json")}
    with here.acting_on_batch(body.batch, "assign_many", key, asked) as (tx, batch):

        def act() -> dict[str, Any]:
            done = responsibles.assign_many(
                tx,
                here.service.log,
                here.caller,
                batch,
                body.ids(),
                body.role,
                body.login,
                body.note,
                digest=body.digest,
            )
            changed = sum(one.receipt is not None for one in done)
            return {
                "batch": batch["id"],
                "role": body.role,
                "counts": {"changed": changed, "same": len(done) - changed},
                "assigned": [one.to_dict() for one in done],
            }

        answer, replayed = here.once(tx, key, asked, act)
    return reply(answer, replayed=replayed)
