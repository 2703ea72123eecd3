"""The outbox: messages with every try of sending them, dead letters sent again, and those that came back."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from api.dependencies import Here, Key
from api.duties import Bounce
from api.openapi import WRITES, operation
from api.replies import page, reply
from api.requests import StrictRoute
from api.shapes.notices import Bounced, Channel, Message, MessageStatus, Requeued
from api.shapes.parts import Listed
from lifecycle import addresses, messages, outbox, overviews

router = APIRouter(prefix="/api/v1/messages", tags=["messages"], route_class=StrictRoute)
Name = Annotated[str | None, Query(max_length=64)]
REFUSED = ("forbidden", "not-found", "conflict", *WRITES)


@router.get(
    "",
    **operation("listMessages", "发信记录", "The outbox", "forbidden", "not-found", model=Listed[Message]),
)
def list_some(
    here: Here,
    request: Request,
    batch: Name = None,
    recipient: Name = None,
    status: MessageStatus | None = None,
    channel: Channel | None = None,
    after: Annotated[str | None, Query(max_length=4096)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Return messages, the newest first; dead letters are those of status `dead`."""
    with here.reading() as tx:
        # Who may read the outbox need not read the programme: whether there is such a batch is said after permission.
        row = overviews.seek_batch(tx, batch) if batch is not None else None
        filters = outbox.Filters(row["id"] if row else None, recipient.lower() if recipient else None, status, channel)
        found = outbox.list_messages(tx, here.caller, filters, after, limit)
    if batch is not None and row is None:
        raise overviews.no_batch(batch)
    return page(request, found.items, found.next, "after")


@router.post(
    "/{message}/requeues", **operation("requeueMessage", "重发", "Send a dead letter again", *REFUSED, model=Requeued)
)
def requeue(here: Here, message: str, key: Key = None) -> Response:
    """Have a dead letter sent once more, to the address that its recipient has now."""
    name = message.lower()
    asked = {"requeue": name}
    with here.acting(("message", name), "requeue", key, asked) as tx:

        def act() -> dict[str, Any]:
            receipt = messages.requeue(tx, here.service.log, here.caller, name)
            return {"message": name, "status": "waiting", "receipt": receipt.to_dict()}

        answer, replayed = here.once(tx, key, asked, act)
    return reply(answer, replayed=replayed)


@router.post(
    "/{message}/bounces", **operation("noteBounce", "登记退信", "Note that it came back", *REFUSED, model=Bounced)
)
def bounce(here: Here, message: str, body: Bounce, key: Key = None) -> Response:
    """Record that a message which was sent came back: its notices have failed, and it may be sent again."""
    name = message.lower()
    asked = {"bounce": name, "body": body.model_dump(mode="json")}
    with here.acting(("message", name), "bounce", key, asked) as tx:

        def act() -> dict[str, Any]:
            failed = addresses.note_bounce(tx, here.service.log, here.caller, name, body.reason)
            return {"message": name, "failed": failed}

        answer, replayed = here.once(tx, key, asked, act)
    return reply(answer, replayed=replayed)
