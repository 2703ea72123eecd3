"""Panels of experts as the province leads them: set up, given projects, scored, concluded, reopened; what they say."""

from collections.abc import Callable
from typing import Annotated, Any

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
from lifecycle.database import Transaction
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
    version = expected_version(if_match, body.expected_version)

    def act(tx: Transaction, panel: str) -> Done:
        log = here.service.log
        return founding.add_experts(tx, log, here.caller, panel, body.logins, body.chair, expected_version=version)

    return _act(here, batch, number, "add_experts", body, key, act, version)


@router.post(
    f"{ONE}/experts/{{login}}/removals",
    **operation("removeExpert", "移出专家", "Remove an expert", *REFUSED, model=PanelChanged),
)
def remove_expert(here: Here, batch: str, number: Number, login: str, body: Because, key: Key = None) -> Response:
    """Take an expert off a panel who has no projects."""

    def act(tx: Transaction, panel: str) -> Done:
        return founding.remove_expert(tx, here.service.log, here.caller, panel, login, body.reason)

    return _act(here, batch, number, f"remove_expert {login}"[:64], body, key, act)


@router.post(f"{ONE}/projects", **operation("addPanelProjects", "分项目", "Add projects", *REFUSED, model=PanelChanged))
def add_projects(
    here: Here, batch: str, number: Number, body: PanelProjects, if_match: IfMatch = None, key: Key = None
) -> Response:
    """Give a panel projects; by default all that stand to be scored and are on no panel yet."""
    version = expected_version(if_match, body.expected_version)
    wanted = [name.lower() for name in body.projects] if body.projects is not None else None

    def act(tx: Transaction, panel: str) -> Done:
        return founding.add_projects(tx, here.service.log, here.caller, panel, wanted, expected_version=version)

    return _act(here, batch, number, "add_projects", body, key, act, version)


@router.post(
    f"{ONE}/projects/{{project}}/removals",
    **operation("removePanelProject", "移出项目", "Remove a project", *REFUSED, model=PanelChanged),
)
def remove_project(here: Here, batch: str, number: Number, project: str, body: Because, key: Key = None) -> Response:
    """Take a project off a panel that no expert has."""

    def act(tx: Transaction, panel: str) -> Done:
        return founding.remove_project(tx, here.service.log, here.caller, panel, project.lower(), body.reason)

    return _act(here, batch, number, f"remove_project {project}"[:64], body, key, act)


@router.post(
    f"{ONE}/assignments", **operation("assignExperts", "分配专家", "Assign by hand", *REFUSED, model=PanelChanged)
)
def assign(
    here: Here, batch: str, number: Number, body: Assignments, if_match: IfMatch = None, key: Key = None
) -> Response:
    """Give projects to experts by hand; never against a conflict."""
    version = expected_version(if_match, body.expected_version)
    pairs = [(pair.project.lower(), pair.login) for pair in body.pairs]

    def act(tx: Transaction, panel: str) -> Done:
        return assignments.assign_by_hand(tx, here.service.log, here.caller, panel, pairs, expected_version=version)

    return _act(here, batch, number, "assign_by_hand", body, key, act, version)


@router.post(
    f"{ONE}/balances", **operation("assignEvenly", "均衡分配专家", "Assign evenly", *REFUSED, model=PanelChanged)
)
def balance(
    here: Here, batch: str, number: Number, body: Balance, if_match: IfMatch = None, key: Key = None
) -> Response:
    """Give every project its experts, loads even, conflicts never; the same seed gives the same."""
    version = expected_version(if_match, body.expected_version)

    def act(tx: Transaction, panel: str) -> Done:
        return assignments.assign_balanced(
            tx, here.service.log, here.caller, panel, body.seed, expected_version=version
        )

    return _act(here, batch, number, "assign_balanced", body, key, act, version)


@router.post(f"{ONE}/releases", **operation("releaseSheet", "收回分配", "Take back", *REFUSED, model=PanelChanged))
def release(here: Here, batch: str, number: Number, body: Release, key: Key = None) -> Response:
    """Take a project back from an expert; what he wrote stays readable and counts for nothing."""

    def act(tx: Transaction, panel: str) -> Done:
        log, project = here.service.log, body.project.lower()
        return assignments.release(tx, log, here.caller, panel, project, body.login, body.reason)

    return _act(here, batch, number, "release", body, key, act)


@router.post(f"{ONE}/openings", **operation("openScoring", "开始评分", "Open scoring", *REFUSED, model=PanelChanged))
def open_scoring(
    here: Here, batch: str, number: Number, body: Opening, if_match: IfMatch = None, key: Key = None
) -> Response:
    """Let the experts score until a day."""
    version = expected_version(if_match, body.expected_version)

    def act(tx: Transaction, panel: str) -> Done:
        return rounds.open_scoring(tx, here.service.log, here.caller, panel, body.due_on, expected_version=version)

    return _act(here, batch, number, "open_scoring", body, key, act, version)


@router.post(
    f"{ONE}/sessions", **operation("recordSession", "登记评审会", "Record a sitting", *REFUSED, model=PanelChanged)
)
def record_session(here: Here, batch: str, number: Number, body: Sitting, key: Key = None) -> Response:
    """Put a sitting on record: way, day, minutes, projects, who was there."""
    given = body.model_dump()
    more = {name: given[name] for name in ("present", "minutes", "note")}
    projects = [name.lower() for name in body.projects] if body.projects is not None else None

    def act(tx: Transaction, panel: str) -> Done:
        log, about = here.service.log, (body.method, body.held_on, body.minutes_number)
        return sessions.record_session(tx, log, here.caller, panel, *about, projects=projects, **more)

    return _act(here, batch, number, "record_session", body, key, act)


@router.post(
    f"{ONE}/chases", **operation("chaseSheets", "催办评分", "Chase sheets", *REFUSED, "too-soon", model=PanelChanged)
)
def chase(here: Here, batch: str, number: Number, body: PanelChase, key: Key = None) -> Response:
    """Ask experts whose sheets are missing to get on with them."""

    def act(tx: Transaction, panel: str) -> Done:
        return chasing.chase_sheets(tx, here.service.log, here.caller, panel, body.logins, body.note)

    return _act(here, batch, number, "chase_sheets", body, key, act)


@router.post(
    f"{ONE}/conclusions", **operation("concludePanel", "结束评分", "Conclude a round", *REFUSED, model=PanelChanged)
)
def conclude(
    here: Here, batch: str, number: Number, body: Conclusion, if_match: IfMatch = None, key: Key = None
) -> Response:
    """Work out every result and end the round."""
    version = expected_version(if_match, body.expected_version)

    def act(tx: Transaction, panel: str) -> Done:
        return rounds.conclude(tx, here.service.log, here.caller, panel, body.reason, expected_version=version)

    return _act(here, batch, number, "conclude", body, key, act, version)


@router.post(
    f"{ONE}/reopenings", **operation("reopenPanel", "重新评审", "Begin a new round", *REFUSED, model=PanelChanged)
)
def reopen(
    here: Here, batch: str, number: Number, body: Reopening, if_match: IfMatch = None, key: Key = None
) -> Response:
    """Begin a new round; the results of those projects stand no more, the old sheets stay readable."""
    version = expected_version(if_match, body.expected_version)
    projects = [name.lower() for name in body.projects] if body.projects is not None else None

    def act(tx: Transaction, panel: str) -> Done:
        log, given = here.service.log, (body.reason, body.due_on, projects)
        return rounds.reopen(tx, log, here.caller, panel, *given, expected_version=version)

    return _act(here, batch, number, "reopen", body, key, act, version)


def _act(
    here: Visit,
    batch: str,
    number: int,
    action: str,
    body: Body,
    key: str | None,
    act: Callable[[Transaction, str], Done],
    version: int | None = None,
) -> Response:
    """Do an act on a batch's panel by number; who may not lead panels does not learn which there are."""
    asked = {"panel": [batch, number], "action": action, "version": version, "body": body.model_dump(mode="json")}
    panel = f"{batch}/{number}"
    if "panels" in here.caller.actor.rights:
        with here.reading() as tx:
            row = overviews.seek_batch(tx, batch)
            panel = panel_of_batch(tx, row, number)["id"] if row else panel
    with here.acting(("panel", panel), action.partition(" ")[0], key, asked) as tx:
        may_lead(here.caller)
        answer, replayed = here.once(tx, key, asked, lambda: act(tx, panel).to_dict())
    return reply(answer, version=answer["version"], replayed=replayed)
