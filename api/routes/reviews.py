"""An expert's own work: panels, the declaration, papers once it is made, and score sheets."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.dependencies import Here, IfMatch, Key, expected_version
from api.openapi import WRITES, answers, operation
from api.paneling import Declaration, Points, Submission
from api.replies import page, reply
from api.requests import StrictRoute
from api.routes.documents import hand_out
from api.routes.investments import Number, Round
from api.schemas import Code
from api.shapes.investments import ListWhole
from api.shapes.panels import PanelChanged, Papers, Review, ReviewSummary, Sheet, SheetKept
from api.shapes.parts import Listed
from api.uploads import RAW
from lifecycle.panels import conflicts, reviews, sheets
from lifecycle.panels.given import find_given_document, read_given_list

router = APIRouter(prefix="/api/v1/reviews", tags=["reviews"], route_class=StrictRoute)
READS = ("forbidden", "not-found")
REFUSED = (*READS, "not-offered", "conflict", *WRITES)


@router.get("", **operation("listReviews", "我的评审", "My panels", "forbidden", model=Listed[ReviewSummary]))
def list_mine(here: Here, request: Request) -> Response:
    """Return the panels that the caller is on, the newest first."""
    with here.reading() as tx:
        found = reviews.my_reviews(tx, here.caller)
    return page(request, found, None, "after")


@router.get("/{panel}", **operation("showReview", "评审任务", "One of my panels", *READS, model=Review))
def show(here: Here, panel: str) -> Response:
    """Return criteria and what to declare of; once declared, what is the caller's to score."""
    with here.reading() as tx:
        told = reviews.show_review(tx, here.caller, panel.lower())
    return reply(told)


@router.post(
    "/{panel}/declarations",
    **operation("declareConflicts", "申报利益冲突", "Declare conflicts", *REFUSED, model=PanelChanged),
)
def declare(here: Here, panel: str, body: Declaration, key: Key = None) -> Response:
    """Declare with which of the panel's projects one has a conflict of interest; with none, that there are none."""
    name = panel.lower()
    asked = {"declare": name, "body": body.model_dump(mode="json")}
    given = [{"project": one.project.lower(), "note": one.note} for one in body.conflicts]
    with here.acting(("panel", name), "declare", key, asked) as tx:

        def act() -> dict[str, Any]:
            return conflicts.declare(tx, here.service.log, here.caller, name, given).to_dict()

        answer, replayed = here.once(tx, key, asked, act)
    return reply(answer, replayed=replayed)


@router.get("/{panel}/projects/{project}", **operation("showPapers", "评审材料", "Papers", *READS, model=Papers))
def show_papers(here: Here, panel: str, project: str) -> Response:
    """Return the papers of a project that the caller was given."""
    with here.reading() as tx:
        told = reviews.show_papers(tx, here.caller, panel.lower(), project.lower())
    return reply(told)


@router.get(
    "/{panel}/projects/{project}/documents/{kind}/content",
    **operation(
        "readPaper",
        "下载评审材料",
        "Download one of the papers",
        *(*READS, "file-unavailable"),
        responses=answers(RAW, text=False),
    ),
)
def read_paper(here: Here, request: Request, panel: str, project: str, kind: Code) -> Response:
    """Return a document of a project that the caller was given, as a download."""
    with here.reading() as tx:
        found = find_given_document(tx, here.caller, panel.lower(), project.lower(), kind)
    return hand_out(here, request, found)


@router.get(
    "/{panel}/projects/{project}/investments/{round}",
    **operation("readInvestments", "评审实际投入明细", "A list of actual investment", *READS, model=ListWhole),
)
def read_investments(here: Here, panel: str, project: str, round: Round, number: Number = None) -> Response:
    """Return a round's list of a project that the caller was given, with what was verified of each line."""
    with here.reading() as tx:
        found = read_given_list(tx, here.caller, panel.lower(), project.lower(), round, number)
    return reply(found)


@router.get("/{panel}/sheets/{sheet}", **operation("showSheet", "评分表", "My sheet", *READS, model=Sheet))
def show_sheet(here: Here, panel: str, sheet: str) -> Response:
    """Return one of the caller's own sheets; the ETag is its version."""
    with here.reading() as tx:
        told = reviews.show_sheet(tx, here.caller, panel.lower(), sheet.lower())
    return reply(told, version=told["version"])


@router.patch("/{panel}/sheets/{sheet}", **operation("keepSheet", "暂存评分", "Keep draft", *REFUSED, model=SheetKept))
def keep(here: Here, panel: str, sheet: str, body: Points, if_match: IfMatch = None, key: Key = None) -> Response:
    """Keep one's own sheet as a draft."""
    version = expected_version(if_match, body.expected_version)
    asked = {"keep_sheet": sheet.lower(), "version": version, "body": body.model_dump(mode="json")}
    with here.acting(("panel", panel.lower()), "save_sheet", key, asked) as tx:

        def act() -> dict[str, Any]:
            log, given = here.service.log, (sheet.lower(), body.points, body.comment)
            return sheets.save_sheet(tx, log, here.caller, *given, expected_version=version).to_dict()

        answer, replayed = here.once(tx, key, asked, act)
    return reply(answer, version=answer["version"], replayed=replayed)


@router.post(
    "/{panel}/sheets/{sheet}/submissions",
    **operation("submitSheet", "提交评分", "Submit a sheet", *REFUSED, model=SheetKept),
)
def submit(here: Here, panel: str, sheet: str, body: Submission, if_match: IfMatch = None, key: Key = None) -> Response:
    """Submit one's own sheet; it is never changed after that."""
    version = expected_version(if_match, body.expected_version)
    asked = {"submit_sheet": sheet.lower(), "version": version, "body": body.model_dump(mode="json")}
    with here.acting(("panel", panel.lower()), "submit_sheet", key, asked) as tx:

        def act() -> dict[str, Any]:
            log, given = here.service.log, (sheet.lower(), body.points, body.comment)
            return sheets.submit_sheet(tx, log, here.caller, *given, expected_version=version).to_dict()

        answer, replayed = here.once(tx, key, asked, act)
    return reply(answer, version=answer["version"], replayed=replayed)
