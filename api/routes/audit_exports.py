"""The log taken away as tables or for process mining, streamed; that it was taken is itself an entry."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from api.dependencies import Here, Visit
from api.openapi import operation
from api.problems import OK
from api.requests import StrictRoute
from lifecycle.exporting.forms import FORMS, Export, record_export
from lifecycle.exporting.scope import Kind

router = APIRouter(prefix="/api/v1/audit/exports", tags=["audit"], route_class=StrictRoute)
BYTES = {"schema": {"type": "string", "format": "binary"}}
ANSWERS = {OK: {"description": "OK", "content": {form.media_type: BYTES for form in FORMS.values()}}}


@router.get(
    "/{form}",
    **operation(
        "exportLog",
        "导出留痕",
        "Export the log",
        "forbidden",
        "not-found",
        "conflict",
        responses=ANSWERS,
    ),
)
def export(
    here: Here,
    form: str,
    scope: Annotated[Kind, Query(description="整个日志、批次或项目 / the whole log, a batch, a project")] = "log",
    name: Annotated[str | None, Query(max_length=100, description="批次代码或项目编号 / its code or id")] = None,
    first_on: Annotated[date | None, Query(alias="from", description="起始日期（含） / first business day")] = None,
    last_on: Annotated[date | None, Query(alias="to", description="截止日期（含） / last business day")] = None,
) -> Response:
    """Return the log as `csv`, `jsonl`, `xlsx`, `xes` (IEEE 1849) or `ocel` (OCEL 2.0 JSON), as of the published head.

    The headers `Pilot-Tree-Size` and `Pilot-Tree-Root` tell the head: copy them and keep them apart.
    """
    tiles = here.service.settings.tiles
    with here.acting(("audit", scope), "export_log") as tx:
        made, _ = record_export(tx, here.service.log, tiles, here.caller, form, scope, name, first_on, last_on)
    sent = {
        "Content-Disposition": f'attachment; filename="{made.name}"',
        "Pilot-Tree-Size": str(made.source.head.size),
        "Pilot-Tree-Root": made.source.head.root.hex(),
    }
    return StreamingResponse(_pieces(here, made), headers=sent, media_type=made.form.media_type)


def _pieces(here: Visit, export: Export) -> Iterator[bytes]:
    with here.reading() as tx:
        yield from export.pieces(tx)
