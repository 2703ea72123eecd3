"""Calendar feeds: made and revoked by their owner, read by calendar programs through the token in the address."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Header, Path
from pydantic import Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from api.dependencies import Here
from api.openapi import WRITES, answers, operation
from api.problems import CREATED, NOT_MODIFIED
from api.replies import reply
from api.requests import StrictRoute
from api.schemas import NO_BREAK, Body
from api.service import Service
from api.shapes.ways import Done, FeedMade, Feeds
from lifecycle import feeds
from lifecycle.attempts import translated
from lifecycle.errors import NotFound
from schedules.invitations import feed
from states.findings import Text

router = APIRouter(prefix="/api/v1", tags=["people"], route_class=StrictRoute)
CALENDAR = "text/calendar"
PRIVATE = {"Cache-Control": "private, max-age=900"}


class NewFeedBody(Body):
    """A feed to make: of what the caller is reminded of, or of a batch's dates."""

    label: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=NO_BREAK)]
    batch: Annotated[str, Field(max_length=64)] | None = None


@router.get("/people/me/feeds", **operation("listFeeds", "日历订阅", "Calendar feeds", "not-found", model=Feeds))
def list_mine(here: Here) -> Response:
    """Return the caller's feeds that are not revoked."""
    with here.reading() as tx:
        return reply({"items": feeds.list_feeds(tx, here.caller)})


@router.post(
    "/people/me/feeds",
    **operation(
        "addFeed", "建立订阅", "Make a feed", "forbidden", "not-found", *WRITES, model=FeedMade, status_code=CREATED
    ),
)
def add(here: Here, body: NewFeedBody) -> Response:
    """Make a feed; the address that it answers with is shown this once."""
    with here.acting(("user", here.caller.actor.id), "add_feed") as tx:
        made = feeds.add_feed(tx, here.service.log, here.caller, body.label, body.batch)
    return reply({"id": made.id, "path": f"/api/v1/feeds/{made.secret}.ics"}, status=CREATED)


@router.delete(
    "/people/me/feeds/{feed}", **operation("revokeFeed", "撤销订阅", "Revoke a feed", "not-found", model=Done)
)
def revoke(here: Here, feed: Annotated[str, Path(max_length=100)]) -> Response:
    """Revoke a feed; its address is dead from the next request on."""
    with here.acting(("user", here.caller.actor.id), "revoke_feed") as tx:
        feeds.revoke_feed(tx, here.service.log, here.caller, feed.lower())
    return reply({"done": True})


@router.get(
    "/feeds/{token}.ics",
    **operation("readFeed", "订阅内容", "A feed's calendar", "not-found", responses=answers(CALENDAR)),
)
def read(
    request: Request,
    token: Annotated[str, Path(max_length=200)],
    if_none_match: Annotated[str | None, Header(alias="If-None-Match", max_length=4096)] = None,
) -> Response:
    """Return the calendar behind a token; one that is unknown and one that was revoked look alike."""
    service: Service = request.app.state.service
    with translated(), service.database.reading() as tx:
        content = feeds.read_feed(tx, token, service.clock())
    if content is None:
        raise NotFound(Text("没有此日历订阅", "there is no such calendar feed"))
    octets = feed(content, service.settings.origin)
    tag = f'"{hashlib.sha256(octets).hexdigest()[:32]}"'
    headers = {**PRIVATE, "ETag": tag}
    if if_none_match is not None and tag in if_none_match:
        return Response(None, NOT_MODIFIED, headers)
    return Response(octets, headers=headers, media_type=f"{CALENDAR}; charset=utf-8")
