"""Lists for the public: open to everyone, cacheable, with nothing on them but what the notice publishes."""

from html import escape
from typing import Annotated, Any

from fastapi import APIRouter, Header
from starlette.requests import Request
from starlette.responses import Response

from api.openapi import answers, documented
from api.problems import NOT_MODIFIED, OK
from api.replies import disposition, reply
from api.requests import StrictRoute
from api.routes.imports import XLSX
from api.routes.papers import DOCX
from api.service import Service
from api.shapes.publicity import PublicLists, PublicListWhole
from lifecycle import publicity
from lifecycle.attempts import translated
from lifecycle.overviews import no_batch, seek_batch
from lifecycle.papers.public import write_public_list

router = APIRouter(prefix="/api/v1/public", tags=["public"], route_class=StrictRoute)
SHARED = {"Cache-Control": "public, max-age=300"}
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", max_length=4096)]
REFUSED = documented("not-found", "unreadable", "invalid", "internal", "busy", "unavailable")
PAGE = """<!doctype html>
<html lang="zh"><head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1><p>{head}</p>
<table border="1"><thead><tr>{columns}</tr></thead><tbody>
{rows}
</tbody></table></body></html>
"""


@router.get(
    "/batches/{batch}/lists",
    operation_id="listPublicLists",
    summary="公示与公布名单 / Public lists",
    response_model=PublicLists,
    responses=REFUSED,
)
def lists(request: Request, batch: str) -> Response:
    """Return the batch's lists that are public now, the newest first."""
    service: Service = request.app.state.service
    with translated(), service.database.reading() as tx:
        row = seek_batch(tx, batch)
        if row is None:
            raise no_batch(batch)
        found = publicity.public_lists(tx, row, service.clock())
    answer = reply({"items": found})
    answer.headers.update(SHARED)
    return answer


@router.get(
    "/lists/{docket}",
    operation_id="showPublicList",
    summary="名单 / A public list",
    response_model=PublicListWhole,
    responses=REFUSED,
)
def show(request: Request, docket: str, if_none_match: IfNoneMatch = None) -> Response:
    """Return a public list with its rows."""
    found = _find(request, docket)
    return _cached(found, if_none_match) or _dressed(reply(found), found)


@router.get(
    "/lists/{docket}/page.html",
    operation_id="readPublicList",
    summary="名单网页 / A public list as a page",
    responses={**REFUSED, **answers("text/html")},
)
def read(request: Request, docket: str, if_none_match: IfNoneMatch = None) -> Response:
    """Return a public list as a plain page: no script, no style from elsewhere."""
    found = _find(request, docket)
    return _cached(found, if_none_match) or _dressed(
        Response(_page(found), OK, {"Content-Security-Policy": "default-src 'none'"}, "text/html; charset=utf-8"), found
    )


@router.get(
    "/lists/{docket}/list.xlsx",
    operation_id="exportPublicList",
    summary="名单表格 / A public list as a workbook",
    responses={**REFUSED, **answers(XLSX, text=False)},
)
def export(request: Request, docket: str, if_none_match: IfNoneMatch = None) -> Response:
    """Return a public list as a workbook, made from the entry that released it."""
    return _written(request, docket, "xlsx", if_none_match)


@router.get(
    "/lists/{docket}/list.docx",
    operation_id="writePublicList",
    summary="名单文书 / A public list as a Word file",
    responses={**REFUSED, **answers(DOCX, text=False)},
)
def write(request: Request, docket: str, if_none_match: IfNoneMatch = None) -> Response:
    """Return a public list as a Word file, made from the entry that released it."""
    return _written(request, docket, "docx", if_none_match)


def _written(request: Request, docket: str, form: str, if_none_match: str | None) -> Response:
    found = _find(request, docket)
    cached = _cached(found, if_none_match)
    if cached is not None:
        return cached
    service: Service = request.app.state.service
    with translated(), service.database.reading() as tx:
        written = write_public_list(tx, service.log.origin, docket.lower(), form, service.clock())
    headers = {"Content-Disposition": disposition(written.name), "X-Log-Position": written.position.text}
    return _dressed(Response(written.content, OK, headers, {"xlsx": XLSX, "docx": DOCX}[form]), found)


def _find(request: Request, docket: str) -> dict[str, Any]:
    service: Service = request.app.state.service
    with translated(), service.database.reading() as tx:
        return publicity.public_list(tx, docket.lower(), service.clock())


def _tag(found: dict[str, Any]) -> str:
    return f'"{found["id"]}-{found["version"]}"'


def _cached(found: dict[str, Any], if_none_match: str | None) -> Response | None:
    """Return that nothing has changed, where the reader has this version already: a released list stays as it is."""
    if if_none_match is None or _tag(found) not in if_none_match:
        return None
    return Response(None, NOT_MODIFIED, {**SHARED, "ETag": _tag(found)})


def _dressed(answer: Response, found: dict[str, Any]) -> Response:
    answer.headers.update({**SHARED, "ETag": _tag(found)})
    return answer


def _page(found: dict[str, Any]) -> str:
    names = ("序号", "市", "任务编号", "项目名称", "牵头单位", "联合体其他成员")
    lines = [
        (one["position"], one["city_label"]["zh"], one["task"], one["title"], one["lead"], "、".join(one["members"]))
        for one in found["rows"]
    ]
    told = [(one["label"]["zh"], one["value"]) for one in found["header"]]
    told += [(one["label"]["zh"], one["due_on"]) for one in found["dates"]]
    told += [("说明", "演示数据，均为虚构")] if found["invented"] else []
    return PAGE.format(
        title=escape(f"{found['label']['zh']}（第{found['number']}号）"),
        head="；".join(f"{escape(name)}：{escape(value)}" for name, value in told),
        columns="".join(f"<th>{name}</th>" for name in names),
        rows="\n".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in line) + "</tr>" for line in lines),
    )
