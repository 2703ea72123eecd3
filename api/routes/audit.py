"""What auditors take away: the bundle, made while it is sent."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from api.dependencies import Here, Visit
from api.openapi import answers, operation
from api.requests import StrictRoute
from lifecycle.exporting.scope import Kind
from lifecycle.seal.bundle import Bundle, Order, make_bundle, record_bundle

router = APIRouter(prefix="/api/v1/audit", tags=["audit"], route_class=StrictRoute)
ZIP = "application/zip"


@router.get(
    "/bundle",
    **operation(
        "takeBundle",
        "导出包",
        "Take a bundle",
        "forbidden",
        "not-found",
        "conflict",
        responses=answers(ZIP, text=False),
    ),
)
def take(
    here: Here,
    scope: Annotated[Kind, Query(description="整个日志、批次或项目 / the whole log, a batch, a project")] = "log",
    name: Annotated[str | None, Query(max_length=100, description="批次代码或项目编号 / its code or id")] = None,
    since: Annotated[list[int] | None, Query(max_length=20, description="抄录过的条数 / sizes copied earlier")] = None,
    view: Annotated[list[str] | None, Query(max_length=8, description="表格 / tables, by default all")] = None,
    disclosures: Annotated[bool, Query(description="含承诺值对应的内容 / with the values of commitments")] = False,
) -> Response:
    """Return a zip that can be verified offline; that it was taken is itself an entry."""
    order = Order(scope, name, tuple(since or ()), None if view is None else tuple(view), disclosures)
    with here.acting(("audit", scope), "take_bundle") as tx:
        bundle, _ = record_bundle(tx, here.service.log, here.service.settings.tiles, here.caller, order)
    sent = {"Content-Disposition": f'attachment; filename="{bundle.name}"'}
    return StreamingResponse(_pieces(here, bundle), headers=sent, media_type=ZIP)


def _pieces(here: Visit, bundle: Bundle) -> Iterator[bytes]:
    with here.reading() as tx:
        yield from make_bundle(tx, bundle)
