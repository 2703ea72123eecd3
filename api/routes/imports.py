"""Workbooks in and out: preview, commit by digest, the ledger."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from api.dependencies import Here, Key
from api.openapi import WRITES, answers, bodies, operation
from api.problems import EdgeProblem
from api.replies import file, reply
from api.requests import StrictRoute
from api.schemas import Digest
from api.shapes.exchanges import Imported, ImportPreview
from lifecycle import overviews
from lifecycle.exports import export_ledger
from lifecycle.imports import commit_import, preview_import
from states.findings import Text

router = APIRouter(prefix="/api/v1", tags=["exchange"], route_class=StrictRoute)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORM = "multipart/form-data"
Kind = Literal["projects", "tasks", "quotas", "shortlist"]
BatchName = Annotated[str, Query(max_length=64, description="批次代码 / the batch's code or id")]


async def upload(request: Request) -> bytes:
    """Return the workbook of a request: the body itself, or the one file of a form.

    Raises:
        EdgeProblem: neither.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == XLSX:
        return await request.body()
    if kind != FORM:
        raise EdgeProblem(
            "unsupported-media-type",
            Text("请上传xlsx文件，或用表单字段file上传", "send an .xlsx body, or a form with the file under `file`"),
            accepted=[XLSX, FORM],
        )
    async with request.form(max_files=1, max_fields=4) as form:
        found = form.get("file")
        if not isinstance(found, UploadFile):
            raise EdgeProblem("unreadable", Text("表单中没有文件字段file", "the form has no file under `file`"))
        return await found.read()


Workbook = Annotated[bytes, Depends(upload)]


@router.post(
    "/imports/{kind}",
    openapi_extra=bodies((XLSX, FORM)),
    **operation(
        "previewImport",
        "导入预览",
        "Preview an import",
        *("forbidden", "not-found", "unsupported-media-type", "too-large"),
        model=ImportPreview,
    ),
)
def preview(here: Here, kind: Kind, batch: BatchName, data: Workbook) -> Response:
    """Read a workbook and say what entering it would do: rows, every error with its cell, and the digest."""
    with here.reading() as tx:
        row = overviews.find_batch(tx, here.caller, batch)
        found = preview_import(tx, here.caller, row, kind, data)
    return reply(found.to_dict())


@router.post(
    "/imports/{kind}/commits",
    openapi_extra=bodies((XLSX, FORM)),
    **operation(
        "commitImport",
        "导入",
        "Enter a previewed workbook",
        *("forbidden", "not-found", "preview-stale", "import-refused", *WRITES),
        model=Imported,
    ),
)
def commit(here: Here, kind: Kind, batch: BatchName, digest: Digest, data: Workbook, key: Key = None) -> Response:
    """Enter every row of the previewed workbook, or none."""
    asked = {"import": kind, "batch": batch, "digest": digest}
    with here.acting_on_batch(batch, f"import_{kind}", key, asked) as (tx, row):
        answer, replayed = here.once(
            tx,
            key,
            asked,
            lambda: commit_import(tx, here.service.log, here.caller, row, kind, data, digest).to_dict(),
        )
    return reply(answer, replayed=replayed)


@router.get(
    "/exports/ledger.xlsx",
    **operation(
        "exportLedger", "导出台账", "The ledger", "forbidden", "not-found", responses=answers(XLSX, text=False)
    ),
)
def export(here: Here, batch: BatchName, state: Annotated[str | None, Query(max_length=64)] = None) -> Response:
    """Return the batch's ledger as a workbook that can be imported again."""
    with here.reading() as tx:
        row = overviews.find_batch(tx, here.caller, batch)
        content = export_ledger(tx, here.caller, row, state)
    return file(content, XLSX, f"ledger-{row['code']}.xlsx")
