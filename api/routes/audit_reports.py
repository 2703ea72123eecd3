"""The auditor's working set: reports over the log, each line with the way back to its entries."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from api.auditing import Place, Since, Size, Until, auditing, before, since, stretch
from api.dependencies import Here
from api.openapi import operation
from api.replies import reply
from api.requests import StrictRoute
from api.shapes.auditing import Report, ReportPage
from api.shapes.parts import Listed
from lifecycle import overviews
from lifecycle.auditing.reports import REPORTS, run_report

router = APIRouter(prefix="/api/v1/audit/reports", tags=["audit"], route_class=StrictRoute)


@router.get(
    "",
    **operation("listReports", "审计报表", "Reports for auditors", "forbidden", model=Listed[Report]),
)
def list_all(here: Here) -> Response:
    """Return the reports there are."""
    with auditing(here, "reports"):
        items = [report.to_dict() for report in REPORTS.values()]
    return reply({"items": items, "next": None})


@router.get(
    "/{report}",
    **operation("runReport", "运行审计报表", "Run a report", "forbidden", "not-found", model=ReportPage),
)
def run(
    here: Here,
    request: Request,
    report: str,
    from_: Since = None,
    to: Until = None,
    batch: Annotated[str | None, Query(max_length=64, description="批次 / of one batch, by code or id")] = None,
    as_of_size: Size = None,
    from_index: Place = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Return a stretch of a report; go on with `next` until it is null, and add up the counts of the stretches.

    Every line names its entries by place in the tree and id (GET /audit/entries/…).
    """
    with auditing(here, "reports") as tx:
        of_batch = overviews.find_batch(tx, here.caller, batch)["id"] if batch is not None else None
        found = run_report(
            tx,
            here.caller,
            report,
            since=since(from_),
            before=before(to),
            batch=of_batch,
            size=as_of_size,
            begin=from_index,
            limit=limit,
        )
    known = REPORTS[report]
    return stretch(request, found, report=known.name, title=known.title._asdict())
