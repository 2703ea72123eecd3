"""Papers 公文 of projects and dockets as Word files, made from a position in its log."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from api.dependencies import Here, project_id
from api.openapi import answers, operation
from api.replies import disposition, file, page
from api.requests import StrictRoute
from api.shapes.documents import PaperOffered
from api.shapes.parts import Listed
from lifecycle.files.formats import MEDIA_TYPES
from lifecycle.papers.dockets import docket_papers, write_docket_paper, write_docket_sheet
from lifecycle.papers.writing import Written, offered_papers, write_project_paper

router = APIRouter(prefix="/api/v1", tags=["documents"], route_class=StrictRoute)
DOCX, XLSX = MEDIA_TYPES["docx"], MEDIA_TYPES["xlsx"]
Seq = Annotated[
    int | None, Query(ge=1, le=2**53 - 1, description="留痕序号；默认最新 / entry to make it from; the last by default")
]


@router.get(
    "/projects/{project}/papers",
    **operation("listPapers", "可生成的文书", "Papers of a project", "not-found", model=Listed[PaperOffered]),
)
def list_all(here: Here, request: Request, project: str) -> Response:
    """Return the papers that the caller may have of the project, each with whether its present state offers it."""
    with here.reading() as tx:
        found = offered_papers(tx, here.caller, project_id(project))
    return page(request, found, None, "after")


@router.get(
    "/projects/{project}/papers/{paper}.docx",
    **operation(
        "writePaper",
        "生成文书",
        "Write a paper of a project",
        *("forbidden", "not-found", "not-offered"),
        responses=answers(DOCX, text=False),
    ),
)
def write(here: Here, project: str, paper: str, seq: Seq = None) -> Response:
    """Return the paper as it follows from an entry of the project's log; the same entry gives the same bytes."""
    with here.reading() as tx:
        written = write_project_paper(tx, here.caller, here.service.log.origin, project_id(project), paper, seq)
    return answer(written)


@router.get(
    "/dockets/{docket}/papers",
    **operation("listDocketPapers", "清单可生成的文书", "Papers of a docket", "not-found", model=Listed[PaperOffered]),
)
def list_of_docket(here: Here, request: Request, docket: str) -> Response:
    """Return the papers that the caller may have of the docket."""
    with here.reading() as tx:
        found = docket_papers(tx, here.caller, docket.lower())
    return page(request, found, None, "after")


@router.get(
    "/dockets/{docket}/papers/{paper}.docx",
    **operation(
        "writeDocketPaper",
        "生成清单文书",
        "Write a paper of a docket",
        *("forbidden", "not-found"),
        responses=answers(DOCX, text=False),
    ),
)
def write_of_docket(here: Here, docket: str, paper: str, seq: Seq = None) -> Response:
    """Return the paper as it follows from an entry of the docket's log, with its projects as they stood then."""
    with here.reading() as tx:
        written = write_docket_paper(tx, here.caller, here.service.log.origin, docket.lower(), paper, seq)
    return answer(written)


@router.get(
    "/dockets/{docket}/papers/{paper}.xlsx",
    **operation(
        "exportDocketPaper",
        "清单文书的名单表格",
        "The list of a docket's paper as a workbook",
        *("forbidden", "not-found"),
        responses=answers(XLSX, text=False),
    ),
)
def export_of_docket(here: Here, docket: str, paper: str, seq: Seq = None) -> Response:
    """Return the list of the paper as a workbook, from the same entry and with the same rows and sums."""
    with here.reading() as tx:
        written = write_docket_sheet(tx, here.caller, here.service.log.origin, docket.lower(), paper, seq)
    return answer(written, XLSX)


def answer(written: Written, media_type: str = DOCX) -> Response:
    """Return what was written as a download that names its position."""
    headers = {"Content-Disposition": disposition(written.name), "X-Log-Position": written.position.text}
    return file(written.content, media_type, headers=headers)
