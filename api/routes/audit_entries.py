"""The log's entries for auditors: listed with filters, as of a size of the tree, and one by one."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from api.auditing import Place, Since, Size, Until, auditing, before, since, stretch
from api.dependencies import Here
from api.openapi import operation
from api.replies import reply
from api.requests import StrictRoute
from api.shapes.auditing import Entry, EntryPage
from lifecycle import overviews
from lifecycle.auditing.entries import list_entries, show_entry
from lifecycle.auditing.scanning import Filters

router = APIRouter(prefix="/api/v1/audit/entries", tags=["audit"], route_class=StrictRoute)
Word = Annotated[str | None, Query(max_length=120)]


@router.get(
    "",
    **operation("listEntries", "留痕记录", "Entries of the log", "forbidden", "not-found", model=EntryPage),
)
def list_some(
    here: Here,
    request: Request,
    stream: Annotated[str | None, Query(max_length=120, description="project/…、batch/…、system/…、audit")] = None,
    kind: Annotated[str | None, Query(alias="type", max_length=64, description="记录类型 / kind of entry")] = None,
    actor: Annotated[str | None, Query(max_length=120, description="编号或登录名 / id or login")] = None,
    outcome: Literal["success", "denied", "failed"] | None = None,
    override: Annotated[bool, Query(description="仅准予例外的 / only acts that set rules aside")] = False,
    action: Annotated[str | None, Query(max_length=64, description="操作代码 / code of the act")] = None,
    batch: Word = None,
    from_: Since = None,
    to: Until = None,
    text: Annotated[str | None, Query(min_length=1, max_length=300, description="含此文字 / holds this text")] = None,
    as_of_size: Size = None,
    from_index: Place = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Return sealed entries that meet all filters, in the tree's order, each with what verifies it.

    One request looks at a bounded stretch of the tree: go on with `next` until it is null, even past empty pages.
    """
    with auditing(here, "entries") as tx:
        of_batch = overviews.find_batch(tx, here.caller, batch)["id"] if batch is not None else None
        filters = Filters(
            stream=stream,
            type=kind,
            actor=actor,
            outcome=outcome,
            action=action,
            since=since(from_),
            before=before(to),
            batch=of_batch,
            text=text,
        )
        found = list_entries(
            tx, here.caller, filters, override=override, size=as_of_size, begin=from_index, limit=limit
        )
    return stretch(request, found)


@router.get(
    "/{entry}",
    **operation("showEntry", "一条留痕记录", "One entry", "forbidden", "not-found", model=Entry),
)
def show(here: Here, entry: str) -> Response:
    """Return an entry by its id or its place in the tree."""
    with auditing(here, "entries") as tx:
        found = show_entry(tx, here.caller, entry)
    return reply(found)
