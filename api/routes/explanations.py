"""What explains the API: its description, and a page for each problem."""

from pathlib import Path

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.openapi import answers, document, operation
from api.problems import STATUS, title_of
from api.replies import file
from api.requests import StrictRoute
from lifecycle.errors import NotFound
from states.findings import Text

router = APIRouter(tags=["service"], route_class=StrictRoute)
PAGES = Path(__file__).parents[2] / "docs" / "problems"
MARKDOWN = "text/markdown"


@router.get(
    "/api/v1/openapi.json",
    **operation("describeApi", "接口说明", "This description", responses=answers("application/json")),
)
def describe(request: Request) -> Response:
    """Return the OpenAPI document."""
    return file(document(request.app), "application/json")


@router.get(
    "/problems/{code}",
    **operation("explainProblem", "问题说明", "What a problem means", "not-found", responses=answers(MARKDOWN)),
)
def explain(code: str) -> Response:
    """Return a problem's page: what happened, why, what to do."""
    if code not in STATUS:
        raise NotFound(Text("没有此问题类型", "there is no such type of problem"))
    page = PAGES / f"{code}.md"
    title = title_of(code)
    # Installed without its docs the program still names the problem.
    text = page.read_text("utf-8") if page.is_file() else f"# {title.zh} / {title.en}\n"
    return file(text.encode(), f"{MARKDOWN}; charset=utf-8")
