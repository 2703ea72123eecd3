"""Objections in publicity: received, completed, found, read."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from api.dependencies import Here, IfMatch, Key, expected_version, project_id
from api.openapi import WRITES, operation
from api.problems import CREATED
from api.replies import page, reply
from api.requests import StrictRoute
from api.routes.history import AfterSeq, HistoryLimit
from api.schemas import Body, Code, DocumentBody, Prose, Version
from api.shapes.parts import Listed
from api.shapes.projects import HistoryPage
from api.shapes.publicity import Found, Objection, Recorded
from lifecycle import overviews, trails
from lifecycle.objections import deciding, reading, receiving

router = APIRouter(prefix="/api/v1", tags=["objections"], route_class=StrictRoute)
ONE = "/objections/{objection}"
CHANGES = ("forbidden", "not-found", "not-offered", "conflict", "rules-unmet", *WRITES)


class ObjectionBody(Body):
    """What is received: the fields and papers of the act that records an objection, as far as they came."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"fields": {"objected_on": "2024-08-14", "objector_kind": "person", "objection_written": True}}
            ]
        }
    )
    fields: dict[Code, Any] = Field(default_factory=dict, max_length=100)
    documents: dict[Code, DocumentBody] = Field(default_factory=dict, max_length=50)
    expected_version: Version | None = None

    def papers(self) -> dict[str, dict[str, Any]]:
        """Return the documents as the use case takes them."""
        return {kind: document.model_dump() for kind, document in self.documents.items()}


class FindingBody(Body):
    """What was found of an objection."""

    outcome: Literal["dismissed", "rejected", "upheld"]
    finding: Prose
    expected_version: Version | None = None


@router.get(
    "/batches/{batch}/objections",
    **operation("listObjections", "异议登记", "Objections", "forbidden", "not-found", model=Listed[Objection]),
)
def list_all(
    here: Here,
    request: Request,
    batch: str,
    project: Annotated[str | None, Query(max_length=100)] = None,
    status: Annotated[str | None, Query(max_length=16)] = None,
    after: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Return the objections within the caller's reach; who made them is for the province."""
    with here.reading() as tx:
        row = overviews.find_batch(tx, here.caller, batch)
        found = reading.list_objections(tx, here.caller, row, project, status, after, limit)
    return page(request, found.items, found.next, "after")


@router.post(
    "/projects/{project}/objections",
    status_code=CREATED,
    **operation("receiveObjection", "登记异议", "Receive an objection", *CHANGES, model=Recorded),
)
def receive(here: Here, project: str, body: ObjectionBody, key: Key = None) -> Response:
    """Enter an objection, in form or not; one that counts holds its project."""
    name = project.lower()
    asked = {"receive_objection": name, "body": body.model_dump(mode="json")}
    with here.acting(("project", name), "receive_objection", key, asked) as tx:
        answer, replayed = here.once(
            tx,
            key,
            asked,
            lambda: receiving.receive_objection(
                tx, here.service.log, here.caller, project_id(name), body.fields, body.papers()
            ).to_dict(),
        )
    location = f"/api/v1/objections/{answer['objection']}"
    return reply(answer, status=CREATED, version=answer["version"], replayed=replayed, location=location)


@router.get(ONE, **operation("showObjection", "异议", "One objection", "not-found", model=Objection))
def show(here: Here, objection: str) -> Response:
    """Return an objection as the caller may see it."""
    with here.reading() as tx:
        found = reading.show_objection(tx, here.caller, objection.lower())
    return reply(found, version=found["version"])


@router.get(
    f"{ONE}/history",
    **operation("showObjectionHistory", "异议办理过程", "An objection's history", "not-found", model=HistoryPage),
)
def show_history(
    here: Here, request: Request, objection: str, after_seq: AfterSeq = 0, limit: HistoryLimit = 100
) -> Response:
    """Return the entries of an objection's stream in order; who made it is for the province."""
    with here.reading() as tx:
        found = trails.objection_history(tx, here.caller, objection.lower(), after_seq, limit)
    return page(request, found.items, found.next, "after_seq")


@router.patch(ONE, **operation("completeObjection", "补正异议", "Complete an objection", *CHANGES, model=Recorded))
def complete(here: Here, objection: str, body: ObjectionBody, key: Key = None, if_match: IfMatch = None) -> Response:
    """Add to an objection that was not in form, and judge its form anew."""
    name, version = objection.lower(), expected_version(if_match, body.expected_version)
    asked = {"complete_objection": name, "body": body.model_dump(mode="json"), "version": version}
    with here.acting(("objection", name), "complete_objection", key, asked) as tx:
        answer, replayed = here.once(
            tx,
            key,
            asked,
            lambda: receiving.complete_objection(
                tx, here.service.log, here.caller, name, body.fields, body.papers(), version
            ).to_dict(),
        )
    return reply(answer, version=answer["version"], replayed=replayed)


@router.post(f"{ONE}/finding", **operation("decideObjection", "异议结论", "Decide an objection", *CHANGES, model=Found))
def decide(here: Here, objection: str, body: FindingBody, key: Key = None, if_match: IfMatch = None) -> Response:
    """Record what was found; the project goes on, or out, once nothing that counts is undecided."""
    name, version = objection.lower(), expected_version(if_match, body.expected_version)
    asked = {"decide_objection": name, "body": body.model_dump(mode="json"), "version": version}
    with here.acting(("objection", name), "decide_objection", key, asked) as tx:
        answer, replayed = here.once(
            tx,
            key,
            asked,
            lambda: deciding.decide_objection(
                tx, here.service.log, here.caller, name, body.outcome, body.finding, version
            ).to_dict(),
        )
    return reply(answer, version=answer["version"], replayed=replayed)
