"""Projects: listed, entered, shown, amended, assessed."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from api.dependencies import Here, IfMatch, Key, expected_version, project_id
from api.openapi import WRITES, operation
from api.problems import CREATED
from api.replies import page, reply
from api.requests import StrictRoute, refuse
from api.schemas import Amendment, NewProject
from api.shapes.parts import Listed
from api.shapes.projects import Amended, Created, Eligibility, ListedThen, ProjectItem, ProjectThen, ProjectWhole
from lifecycle import overviews, projects
from lifecycle.canonical import instant
from lifecycle.eligibility import assess_project
from lifecycle.listing import Filters, list_projects, show_project
from lifecycle.past import read_instant, show_project_then
from lifecycle.past_lists import SORT, list_projects_then

router = APIRouter(prefix="/api/v1/projects", tags=["projects"], route_class=StrictRoute)
Sort = Literal["code", "-code", "changed_at", "-changed_at", "title", "investment_fen", "-investment_fen", "state"]
AsOf = Annotated[
    str | None,
    Query(max_length=40, description="某一时刻（含），RFC 3339 / an instant, itself included: 2024-08-05T10:00:00Z"),
]
Word = Annotated[str | None, Query(max_length=300)]


@router.get(
    "",
    **operation(
        "listProjects",
        "项目列表",
        "List projects",
        *("forbidden", "not-found"),
        model=Listed[ProjectItem] | ListedThen,
    ),
)
def list_some(
    here: Here,
    request: Request,
    batch: Word = None,
    state: Annotated[list[str], Query(max_length=50)] = [],  # noqa: B006 - the framework copies it
    phase: Word = None,
    city: Word = None,
    task: Word = None,
    unit: Word = None,
    ownership: Word = None,
    group: Word = None,
    text: Word = None,
    sort: Sort = "code",
    after: Annotated[str | None, Query(max_length=4096)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    as_of: AsOf = None,
) -> Response:
    """Return the projects within the caller's reach that meet all filters; `after` is the last page's cursor.

    `as_of`: as they stood at that instant, itself included; of one batch, by state and city, in the order of codes.
    """
    if as_of is not None:
        others = (phase, task, unit, ownership, group, text)
        _check_past(batch, sort, *others)
        with here.reading() as tx:
            at = read_instant(as_of, here.caller.now)
            of_batch = overviews.find_batch(tx, here.caller, batch or "")["id"]
            past = list_projects_then(tx, here.caller, at, of_batch, state, city, after, limit)
        return page(request, past.items, past.next, "after", as_of=instant(at), broken=past.broken)
    with here.reading() as tx:
        of_batch = overviews.find_batch(tx, here.caller, batch)["id"] if batch is not None else None
        filters = Filters(of_batch, tuple(state), phase, city, task, unit, ownership, group, text)
        found = list_projects(tx, here.caller, filters, sort, after, limit)
    return page(request, found.items, found.next, "after")


@router.post(
    "",
    status_code=CREATED,
    **operation("createProject", "填报项目", "Enter a project", "forbidden", "not-found", *WRITES, model=Created),
)
def create(here: Here, body: NewProject, key: Key = None) -> Response:
    """Enter a project in the batch's initial state."""
    asked = {"create": body.model_dump(mode="json")}
    with here.acting_on_batch(body.batch, "create", key, asked) as (tx, batch):

        def act() -> dict[str, Any]:
            application = body.to_application()
            row = projects.create_projects(tx, here.service.log, here.caller, batch, [application])[0]
            return {name: row[name] for name in ("id", "code", "state", "version")} | {"batch": batch["code"]}

        answer, replayed = here.once(tx, key, asked, act)
    location = f"/api/v1/projects/{answer['id']}"
    return reply(answer, status=CREATED, version=answer["version"], replayed=replayed, location=location)


def _check_past(batch: str | None, sort: str, *others: str | None) -> None:
    if batch is None or sort != SORT or any(one is not None for one in others):
        refuse(
            "as_of须与batch同用，可按state、city筛选，按编号排序",
            "as_of goes with batch, may be narrowed by state and city, and is in the order of codes",
        )


@router.get(
    "/{project}",
    **operation("showProject", "项目", "One project", "not-found", "log-broken", model=ProjectWhole | ProjectThen),
)
def show(here: Here, project: str, as_of: AsOf = None) -> Response:
    """Return all of a project that the caller may see; the ETag is its version.

    `as_of`: as it stood at that instant, itself included, rebuilt from the log; without an ETag, for nobody acts on it.
    """
    with here.reading() as tx:
        if as_of is not None:
            at = read_instant(as_of, here.caller.now)
            return reply(show_project_then(tx, here.caller, project_id(project), at))
        found = show_project(tx, here.caller, project_id(project))
    return reply(found, version=found["version"])


@router.patch(
    "/{project}",
    **operation(
        "amendProject",
        "修改申报内容",
        "Amend what was filed",
        *("forbidden", "not-found", "not-offered", "conflict", *WRITES),
        model=Amended,
    ),
)
def amend(here: Here, project: str, body: Amendment, if_match: IfMatch = None, key: Key = None) -> Response:
    """Change the values that are named, in a state that lets the caller."""
    version = expected_version(if_match, body.expected_version)
    asked = {"amend": project, "version": version, "body": body.model_dump(mode="json", exclude_unset=True)}
    with here.acting(("project", project), "amend", key, asked) as tx:

        def act() -> dict[str, Any]:
            row, receipt = projects.amend_project(
                tx,
                here.service.log,
                here.caller,
                project_id(project),
                body.to_values(),
                expected_version=version,
                reason=body.reason,
            )
            told = {name: row[name] for name in ("id", "code", "state", "version")}
            return {**told, "changed": receipt is not None, "receipt": receipt.to_dict() if receipt else None}

        answer, replayed = here.once(tx, key, asked, act)
    return reply(answer, version=answer["version"], replayed=replayed)


@router.get(
    "/{project}/eligibility",
    **operation("assessProject", "申报条件", "Whether it is eligible", "not-found", model=Eligibility),
)
def assess(here: Here, project: str) -> Response:
    """Judge every rule of the application on the project as it stands; hard and soft ones unmet are counted."""
    with here.reading() as tx:
        loaded, findings = assess_project(tx, here.caller, project_id(project))
    unmet = [finding.kind.value for finding in findings if not finding.met]
    row = loaded.row
    told = {
        "project": row["id"],
        "code": row["code"],
        "version": row["version"],
        "eligible": not unmet,
        "unmet": {kind: unmet.count(kind) for kind in ("hard", "soft", "waivable")},
        "findings": [finding.to_dict() for finding in findings],
    }
    return reply(told, version=row["version"])
