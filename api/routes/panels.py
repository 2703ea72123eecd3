"""Panels of experts as the province leads them: set up, given projects, scored, concluded, reopened; what they say."""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from api.dependencies import Here, IfMatch, Key, Visit, expected_version
from api.openapi import WRITES, operation
from api.paneling import (
    Assignments,
    Balance,
    Because,
    Conclusion,
    NewPanel,
    Opening,
    PanelChase,
    PanelExperts,
    PanelProjects,
    ProposalBody,
    Release,
    Reopening,
    Sitting,
)
from api.problems import CREATED
from api.replies import page, reply
from api.requests import StrictRoute
from api.routes.history import AfterSeq, HistoryLimit
from api.schemas import Body
from api.shapes.panels import PanelChanged, PanelResults, PanelSheet, PanelSummary, PanelWhole, Proposal
from api.shapes.parts import Listed
from api.shapes.projects import HistoryPage
from lifecycle import overviews, trails
from lifecycle.panels import assignments, chasing, founding, proposals, reading, rounds, sessions
from lifecycle.panels.panel import Done, may_lead, may_see, panel_of_batch

router = APIRouter(prefix="/api/v1/batches/{batch}", tags=["panels"], route_class=StrictRoute)
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
Word = Annotated[str | None, Query(max_length=100)]
READS = ("forbidden", "not-found")
REFUSED = (*READS, "not-offered", "conflict", *WRITES)
ONE = "/panels/{number}"


@router.get("/panels", **operation("listPanels", "专家组列表", "Panels", *READS, model=Listed[PanelSummary]))
def list_all(here: Here, request: Request, batch: str) -> Response:
    """Return a batch's panels by number, with how far each has come."""
    with here.reading() as tx:
        may_see(here.caller)
        found = reading.list_panels(tx, here.caller, overviews.find_batch(tx, here.caller, batch))
    return page(request, found, None, "after")


@router.post(
    "/panels",
    status_code=CREATED,
    **operation("foundPanel", "组建专家组", "Set it up", *REFUSED, model=PanelChanged),
)
def found(here: Here, batch: str, body: NewPanel, key: Key = None) -> Response:
    """Set up a panel; how it scores is the batch's setting of this moment."""
    asked = {"found_panel": batch, "body": body.model_dump(mode="json")}
    with here.acting_on_batch(batch, "found_panel", key, asked) as (tx, row):

        def act() -> dict[str, Any]:
            return founding.found_panel(
                tx, here.service.log, here.caller, row, body.purpose, body.title, body.task
            ).to_dict()

        answer, replayed = here.once(tx, key, asked, act)
    location = f"/api/v1/batches/{answer['batch']}/panels/{answer['number']}"
    return reply(answer, status=CREATED, version=answer["version"], replayed=replayed, location=location)


@router.get(ONE, **operation("showPanel", "专家组", "One panel", *READS, model=PanelWhole))
def show(here: Here, batch: str, number: Number) -> Response:
    """Return a whole panel: experts and their load, projects and who scores them, conflicts, sittings, results."""
    with here.reading() as tx:
        may_see(here.caller)
        told = reading.show_panel(tx, here.caller, overviews.find_batch(tx, here.caller, batch), number)
    return reply(told, version=told["version"])


@router.get(
    f"{ONE}/history",
    **operation("showPanelHistory", "专家组办理过程", "A panel's history", *READS, model=HistoryPage),
)
def show_history(
    here: Here, request: Request, batch: str, number: Number, after_seq: AfterSeq = 0, limit: HistoryLimit = 100
) -> Response:
    """Return the entries of a panel's stream in order, each told in a sentence."""
    with here.reading() as tx:
        may_see(here.caller)
        row = overviews.find_batch(tx, here.caller, batch)
        found = trails.panel_history(tx, here.caller, row, number, after_seq, limit)
    return page(request, found.items, found.next, "after_seq")


@router.get(f"{ONE}/sheets", **operation("listSheets", "评分表", "Score sheets", *READS, model=Listed[PanelSheet]))
def list_sheets(here: Here, request: Request, batch: str, number: Number, project: Word = None) -> Response:
    """Return the sheets of every round; points and comments of those submitted only."""
    with here.reading() as tx:
        may_see(here.caller)
        row = overviews.find_batch(tx, here.caller, batch)
        found = reading.list_sheets(tx, here.caller, row, number, project.lower() if project else None)
    return page(request, found, None, "after")


@router.get(
    "/results/{purpose}", **operation("listResults", "评审结果", "Results of panels", *READS, model=PanelResults)
)
def list_results(here: Here, batch: str, purpose: str) -> Response:
    """Return what the panels of a purpose say of the batch's projects, ranked, ties shown."""
    with here.reading() as tx:
        may_see(here.caller)
        told = reading.list_results(tx, here.caller, overviews.find_batch(tx, here.caller, batch), purpose)
    return reply(told)


@router.post(
    "/results/{purpose}/proposals",
    **operation(
        "proposeDecisions",
        "拟定结论",
        "Propose decisions",
        *READS,
        "unsupported-media-type",
        "too-large",
        model=Proposal,
    ),
)
def propose(here: Here, batch: str, purpose: str, body: ProposalBody) -> Response:
    """Return what a docket could ask for, by score; projects of one score are never divided. Writes nothing."""
    cuts = [proposals.Cut(**cut.model_dump()) for cut in body.cuts]
    with here.reading() as tx:
        may_see(here.caller)
        row = overviews.find_batch(tx, here.caller, batch)
        told = proposals.propose(tx, here.caller, row, purpose, body.kind, cuts)
    return reply(told)


@router.post(f"{ONE}/experts", **operation("addExperts", "增加专家", "Add experts", *REFUSED, model=PanelChanged))
def add_experts(
    here: Here, batch: str, number: Number, body: PanelExperts, if_match: IfMatch = None, key: Key = None
) -> Response:
    """Put experts on a panel, and name its chair."""
    return _act(
        At(here, batch, number, key, if_match), "add_experts", body, founding.add_experts, body.logins, body.chair
    )


@router.post(
    f"{ONE}/experts/{{login}}/removals",
    **operation("removeExpert", "移出专家", "Remove an expert", *REFUSED, model=PanelChanged),
)
def remove_expert(here: Here, batch: str, number: Number, login: str, body: Because, key: Key = None) -> Response:
    """Take an expert off a panel who has no projects."""
    return _act(
        At(here, batch, number, key), f"remove_expert {login}"[:64], body, founding.remove_expert, login, body.reason
    )


@router.post(f"{ONE}/projects", **operation("addPanelProjects", "分项目", "Add projects", *REFUSED, model=PanelChanged))
def add_projects(
    here: Here, batch: str, number: Number, body: PanelProjects, if_match: IfMatch = None, key: Key = None
) -> Response:
    """Give a panel projects; by default all that stand to be scored and are on no panel yet."""
    wanted = [name.lower() for name in body.projects] if body.projects is not None else None
    return _act(At(here, batch, number, key, if_match), "add_projects", body, founding.add_projects, wanted)


@router.post(
    f"{ONE}/projects/{{project}}/removals",
    **operation("removePanelProject", "移出项目", "Remove a project", *REFUSED, model=PanelChanged),
)
def remove_project(here: Here, batch: str, number: Number, project: str, body: Because, key: Key = None) -> Response:
    """Take a project off a panel that no expert has."""
    return _act(
        At(here, batch, number, key),
        f"remove_project {project}"[:64],
        body,
        founding.remove_project,
        project.lower(),
        body.reason,
    )


@router.post(
    f"{ONE}/assignments", **operation("assignExperts", "分配专家", "Assign by hand", *REFUSED, model=PanelChanged)
)
def assign(
    here: Here, batch: str, number: Number, body: Assignments, if_match: IfMatch = None, key: Key = None
) -> Response:
    """Give projects to experts by hand; never against a conflict."""
    pairs = [(pair.project.lower(), pair.login) for pair in body.pairs]
    return _act(At(here, batch, number, key, if_match), "assign_by_hand", body, assignments.assign_by_hand, pairs)


@router.post(
    f"{ONE}/balances", **operation("assignEvenly", "均衡分配专家", "Assign evenly", *REFUSED, model=PanelChanged)
)
def balance(
    here: Here, batch: str, number: Number, body: Balance, if_match: IfMatch = None, key: Key = None
) -> Response:
    """Give every project its experts, loads even, conflicts never; the same seed gives the same."""
    return _act(At(here, batch, number, key, if_match), "assign_balanced", body, assignments.assign_balanced, body.seed)


@router.post(f"{ONE}/releases", **operation("releaseSheet", "收回分配", "Take back", *REFUSED, model=PanelChanged))
def release(here: Here, batch: str, number: Number, body: Release, key: Key = None) -> Response:
    """Take a project back from an expert; what he wrote stays readable and counts for nothing."""
    return _act(
        At(here, batch, number, key),
        "release",
        body,
        assignments.release,
        body.project.lower(),
        body.login,
        body.reason,
    )


@router.post(f"{ONE}/openings", **operation("openScoring", "开始评分", "Open scoring", *REFUSED, model=PanelChanged))
def open_scoring(
    here: Here, batch: str, number: Number, body: Opening, if_match: IfMatch = None, key: Key = None
) -> Response:
    """Let the experts score until a day."""
    return _act(At(here, batch, number, key, if_match), "open_scoring", body, rounds.open_scoring, body.due_on)


@router.post(
    f"{ONE}/sessions", **operation("recordSession", "登记评审会", "Record a sitting", *REFUSED, model=PanelChanged)
)
def record_session(here: Here, batch: str, number: Number, body: Sitting, key: Key = None) -> Response:
    """Put a sitting on record: way, day, minutes, projects, who was there."""
    given = body.model_dump()
    more = {name: given[name] for name in ("present", "minutes", "note")}
    projects = [name.lower() for name in body.projects] if body.projects is not None else None
    return _act(
        At(here, batch, number, key),
        "record_session",
        body,
        sessions.record_session,
        body.method,
        body.held_on,
        body.minutes_number,
        projects=projects,
        **more,
    )


@router.post(
    f"{ONE}/chases", **operation("chaseSheets", "催办评分", "Chase sheets", *REFUSED, "too-soon", model=PanelChanged)
)
def chase(here: Here, batch: str, number: Number, body: PanelChase, key: Key = None) -> Response:
    """Ask experts whose sheets are missing to get on with them."""
    return _act(At(here, batch, number, key), "chase_sheets", body, chasing.chase_sheets, body.logins, body.note)


@router.post(
    f"{ONE}/conclusions", **operation("concludePanel", "结束评分", "Conclude a round", *REFUSED, model=PanelChanged)
)
def conclude(
    here: Here, batch: str, number: Number, body: Conclusion, if_match: IfMatch = None, key: Key = None
) -> Response:
    """Work out every result and end the round."""
    return _act(At(here, batch, number, key, if_match), "conclude", body, rounds.conclude, body.reason)


@router.post(
    f"{ONE}/reopenings", **operation("reopenPanel", "重新评审", "Begin a new round", *REFUSED, model=PanelChanged)
)
def reopen(
    here: Here, batch: str, number: Number, body: Reopening, if_match: IfMatch = None, key: Key = None
) -> Response:
    """Begin a new round; the results of those projects stand no more, the old sheets stay readable."""
    projects = [name.lower() for name in body.projects] if body.projects is not None else None
    return _act(
        At(here, batch, number, key, if_match), "reopen", body, rounds.reopen, body.reason, body.due_on, projects
    )


class At(NamedTuple):
    """Which panel an act is asked of, in which visit, and the headers that guard it."""

    here: Visit
    batch: str
    number: int
    key: str | None
    if_match: str | None = None


def _act(at: At, action: str, body: Body, act: Callable[..., Done], *given: Any, **named: Any) -> Response:
    """Do `act(tx, log, caller, panel, *given, **named)`, at the version that the caller saw where the body can say it.

    Who may not lead panels does not learn which there are.
    """
    here, version = at.here, None
    if "expected_version" in type(body).model_fields:
        version = expected_version(at.if_match, getattr(body, "expected_version", None))
        named["expected_version"] = version
    asked = {"panel": [at.batch, at.number], "action": action, "version": version, "body": body.model_dump(mode="json")}
    panel = f"{at.batch}/{at.number}"
    if "panels" in here.caller.actor.rights:
        with here.reading() as tx:
            row = overviews.seek_batch(tx, at.batch)
            panel = panel_of_batch(tx, row, at.number)["id"] if row else panel
    with here.acting(("panel", panel), action.partition(" ")[0], at.key, asked) as tx:
        may_lead(here.caller)
        log, caller = here.service.log, here.caller
        answer, replayed = here.once(tx, at.key, asked, lambda: act(tx, log, caller, panel, *given, **named).to_dict())
    return reply(answer, version=answer["version"], replayed=replayed)
