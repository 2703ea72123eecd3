"""Notices: the ledger of what people were told or not and why, and everybody's own to-dos."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from api.dependencies import Here, Key
from api.duties import Readings
from api.openapi import WRITES, operation
from api.replies import page, reply
from api.requests import StrictRoute
from api.shapes.notices import Channel, Notice, NoticeStatus, Read, ToDos
from api.shapes.parts import Listed
from lifecycle import notices, overviews

router = APIRouter(prefix="/api/v1", tags=["notices"], route_class=StrictRoute)
Name = Annotated[str | None, Query(max_length=64)]


@router.get(
    "/notices",
    **operation("listNotices", "提醒台账", "The ledger of reminders", "forbidden", "not-found", model=Listed[Notice]),
)
def list_some(
    here: Here,
    request: Request,
    batch: Name = None,
    project: Name = None,
    checkpoint: Name = None,
    recipient: Name = None,
    status: NoticeStatus | None = None,
    channel: Channel | None = None,
    mine: Annotated[bool, Query(description="仅发给本人的 / only what I was told")] = False,
    after: Annotated[str | None, Query(max_length=4096)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Return the ledger within the caller's reach, the newest first: each reminder, why, and what became of it."""
    with here.reading() as tx:
        of_batch = overviews.find_batch(tx, here.caller, batch)["id"] if batch is not None else None
        filters = notices.Filters(
            of_batch, _lower(project), _lower(checkpoint), _lower(recipient), status, channel, mine
        )
        found = notices.list_notices(tx, here.caller, filters, after, limit)
    return page(request, found.items, found.next, "after")


@router.get("/to-dos", **operation("listToDos", "待办与已办", "To do and done", model=ToDos))
def list_to_dos(here: Here) -> Response:
    """Return what the caller has to see to, by due date, and what of it came to its end last."""
    with here.reading() as tx:
        found = notices.to_dos(tx, here.caller)
    return reply(found)


@router.post("/notices/readings", **operation("markRead", "标记已读", "Mark as read", *WRITES, model=Read))
def mark_read(here: Here, body: Readings, key: Key = None) -> Response:
    """Note that the caller has read notices of the inbox; those of others, and those read before, are passed over."""
    asked = {"mark_read": body.model_dump(mode="json")}
    names = [name.lower() for name in body.notices]
    with here.acting(("user", here.caller.actor.id), "mark_read", key, asked) as tx:
        answer, replayed = here.once(
            tx, key, asked, lambda: {"read": notices.mark_read(tx, here.caller, dict.fromkeys(names))}
        )
    return reply(answer, replayed=replayed)


def _lower(name: str | None) -> str | None:
    """Return an id in the form in which it is stored."""
    return name.lower() if name is not None else None
