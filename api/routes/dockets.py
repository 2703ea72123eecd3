"""Dockets 办理清单: opened, read, edited, previewed, released, given up."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from api.dependencies import Here, IfMatch, Key, expected_version
from api.docketing import (
    AdmissionBody,
    EditBody,
    NewDocket,
    ReceiptBody,
    ReleaseBody,
    ReturnBody,
    WithdrawalBody,
)
from api.openapi import WRITES, answers, operation
from api.problems import CREATED
from api.replies import file, page, reply
from api.requests import StrictRoute
from api.routes.history import AfterSeq, HistoryLimit
from api.routes.imports import XLSX
from api.shapes.dockets import DocketPreview, DocketSummary, DocketWhole, Drafted, Released, Returned
from api.shapes.parts import Listed
from api.shapes.projects import HistoryPage
from lifecycle import overviews, trails
from lifecycle.dockets import drafting, reading, receipt, release, summaries

router = APIRouter(prefix="/api/v1", tags=["dockets"], route_class=StrictRoute)
OF_BATCH, ONE = "/batches/{batch}/dockets", "/dockets/{docket}"
CHANGES = ("forbidden", "not-found", "not-offered", "conflict", *WRITES)


@router.get(
    OF_BATCH, **operation("listDockets", "办理清单", "Dockets", "forbidden", "not-found", model=Listed[DocketSummary])
)
def list_all(
    here: Here,
    request: Request,
    batch: str,
    kind: Annotated[str | None, Query(max_length=64)] = None,
    status: Annotated[str | None, Query(max_length=16)] = None,
    after: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Return the batch's dockets, oldest first; a city sees its own."""
    with here.reading() as tx:
        row = overviews.find_batch(tx, here.caller, batch)
        found = reading.list_dockets(tx, here.caller, row, kind, status, after, limit)
    return page(request, found.items, found.next, "after")


@router.post(
    OF_BATCH,
    status_code=CREATED,
    **operation(
        "openDocket", "新建清单", "Open a docket", "forbidden", "not-found", "conflict", *WRITES, model=Drafted
    ),
)
def open_new(here: Here, batch: str, body: NewDocket, key: Key = None) -> Response:
    """Open a draft, with projects on it or without."""
    asked = {"open_docket": body.model_dump(mode="json"), "batch": batch}
    limit = here.service.settings.max_bulk
    with here.acting_on_batch(batch, "open_docket", key, asked) as (tx, row):
        answer, replayed = here.once(
            tx,
            key,
            asked,
            lambda: drafting.draft_docket(
                tx, here.service.log, here.caller, row, body.kind, body.city, body.to_edit(), limit
            ).to_dict(),
        )
    location = f"/api/v1/dockets/{answer['docket']}"
    return reply(answer, status=CREATED, version=answer["version"], replayed=replayed, location=location)


@router.get(ONE, **operation("showDocket", "清单", "One docket", "not-found", model=DocketWhole))
def show(here: Here, docket: str) -> Response:
    """Return a docket with its items in order."""
    with here.reading() as tx:
        found = reading.show_docket(tx, here.caller, docket.lower())
    return reply(found, version=found["version"])


@router.get(
    f"{ONE}/history",
    **operation("showDocketHistory", "清单办理过程", "A docket's history", "not-found", model=HistoryPage),
)
def show_history(
    here: Here, request: Request, docket: str, after_seq: AfterSeq = 0, limit: HistoryLimit = 100
) -> Response:
    """Return the entries of a docket's stream in order, each told in a sentence."""
    with here.reading() as tx:
        found = trails.docket_history(tx, here.caller, docket.lower(), after_seq, limit)
    return page(request, found.items, found.next, "after_seq")


@router.patch(ONE, **operation("editDocket", "修改清单", "Edit a draft", *CHANGES, model=Drafted))
def edit(here: Here, docket: str, body: EditBody, key: Key = None, if_match: IfMatch = None) -> Response:
    """Change a draft: header, documents, projects, their order."""
    version = expected_version(if_match, body.expected_version)
    asked = {"edit_docket": docket.lower(), "body": body.model_dump(mode="json"), "version": version}
    limit = here.service.settings.max_bulk
    return _act(
        here,
        docket,
        "edit_docket",
        key,
        asked,
        lambda tx: drafting.edit_docket(
            tx, here.service.log, here.caller, docket.lower(), body.to_edit(), limit, version
        ),
    )


@router.post(
    f"{ONE}/previews",
    **operation(
        "previewDocket", "清单预览", "Preview a docket", "forbidden", "not-found", "not-offered", model=DocketPreview
    ),
)
def preview(here: Here, docket: str) -> Response:
    """Say for each project whether its act would go through, and what the docket takes of quotas and budget."""
    with here.reading() as tx:
        found = release.preview_docket(tx, here.caller, docket.lower(), here.service.settings.max_bulk)
    return reply(found.to_dict())


@router.post(
    f"{ONE}/release",
    **operation(
        "releaseDocket", "清单发出", "Release a docket", *CHANGES, "preview-stale", "rules-unmet", model=Released
    ),
)
def release_one(here: Here, docket: str, body: ReleaseBody, key: Key = None) -> Response:
    """Carry out a previewed docket in one transaction; refused if anything has changed since."""
    asked = {"release_docket": docket.lower(), "body": body.model_dump(mode="json")}
    limit = here.service.settings.max_bulk
    return _act(
        here,
        docket,
        "release_docket",
        key,
        asked,
        lambda tx: release.release_docket(
            tx,
            here.service.log,
            here.caller,
            docket.lower(),
            body.digest,
            limit,
            leave_blocked=body.leave_blocked,
        ),
    )


@router.post(
    f"{ONE}/withdrawal", **operation("withdrawDocket", "撤销拟办清单", "Give up a draft", *CHANGES, model=Drafted)
)
def withdraw(here: Here, docket: str, body: WithdrawalBody, key: Key = None, if_match: IfMatch = None) -> Response:
    """Give up a draft; its projects are free for another."""
    version = expected_version(if_match, body.expected_version)
    asked = {"withdraw_docket": docket.lower(), "body": body.model_dump(mode="json"), "version": version}
    return _act(
        here,
        docket,
        "withdraw_docket",
        key,
        asked,
        lambda tx: drafting.withdraw_docket(tx, here.service.log, here.caller, docket.lower(), body.reason, version),
    )


@router.post(
    f"{ONE}/late-admissions",
    **operation("admitDocket", "准予逾期报送", "Let a draft come late", *CHANGES, "rules-unmet", model=Returned),
)
def admit(here: Here, docket: str, body: AdmissionBody, key: Key = None) -> Response:
    """Let a draft, with the projects now on it, come after its date."""
    asked = {"admit_docket": docket.lower(), "body": body.model_dump(mode="json")}
    limit = here.service.settings.max_bulk
    return _act(
        here,
        docket,
        "admit_docket",
        key,
        asked,
        lambda tx: receipt.admit_late(tx, here.service.log, here.caller, docket.lower(), body.reason, limit),
    )


@router.post(f"{ONE}/receipt", **operation("receiveDocket", "接收清单", "Receive a docket", *CHANGES, model=Drafted))
def receive(here: Here, docket: str, body: ReceiptBody, key: Key = None, if_match: IfMatch = None) -> Response:
    """Record that a released docket has come, and count its paper."""
    version = expected_version(if_match, body.expected_version)
    asked = {"receive_docket": docket.lower(), "body": body.model_dump(mode="json"), "version": version}
    return _act(
        here,
        docket,
        "receive_docket",
        key,
        asked,
        lambda tx: receipt.receive_docket(
            tx,
            here.service.log,
            here.caller,
            docket.lower(),
            body.received_on,
            body.paper_copies,
            body.reason,
            version,
        ),
    )


@router.post(
    f"{ONE}/returns",
    **operation("returnDocket", "退回清单", "Return a docket", *CHANGES, "rules-unmet", model=Returned),
)
def give_back(here: Here, docket: str, body: ReturnBody, key: Key = None) -> Response:
    """Give a docket back, whole or some of its projects."""
    asked = {"return_docket": docket.lower(), "body": body.model_dump(mode="json")}
    projects = None if body.projects is None else [project.lower() for project in body.projects]
    limit = here.service.settings.max_bulk
    return _act(
        here,
        docket,
        "return_docket",
        key,
        asked,
        lambda tx: receipt.return_docket(
            tx,
            here.service.log,
            here.caller,
            docket.lower(),
            body.fields,
            limit,
            projects=projects,
            reason=body.reason,
        ),
    )


@router.get(
    f"{ONE}/summary.xlsx",
    **operation(
        "exportDocket",
        "清单汇总表",
        "A docket's summary table",
        "forbidden",
        "not-found",
        responses=answers(XLSX, text=False),
    ),
)
def export(here: Here, docket: str) -> Response:
    """Return the docket's projects as a summary table: in its order, with its ranks and opinions."""
    with here.reading() as tx:
        content = summaries.export_docket(tx, here.caller, docket.lower())
    return file(content, XLSX, f"docket-{docket.lower()}.xlsx")


def _act(here: Here, docket: str, action: str, key: str | None, asked: dict[str, Any], act: Any) -> Response:
    with here.acting(("docket", docket.lower()), action, key, asked) as tx:
        answer, replayed = here.once(tx, key, asked, lambda: act(tx).to_dict())
    return reply(answer, version=answer["version"], replayed=replayed)
