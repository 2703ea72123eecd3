"""Answers: JSON written once, with entity tags and links; nothing is validated a second time."""

from typing import Any
from urllib.parse import quote, urlencode

import orjson
from starlette.requests import Request
from starlette.responses import Response

from api.problems import OK


def reply(
    content: Any,
    *,
    status: int = OK,
    version: int | None = None,
    replayed: bool = False,
    location: str | None = None,
    link: str | None = None,
) -> Response:
    """Return a JSON answer; `version` becomes the strong ETag, `link` the Link to the next page."""
    headers = {}
    if version is not None:
        headers["ETag"] = f'"{version}"'
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    if location:
        headers["Location"] = location
    if link:
        headers["Link"] = f'<{link}>; rel="next"'
    return Response(orjson.dumps(content), status, headers, "application/json")


def page(request: Request, items: list[dict[str, Any]], cursor: str | int | None, name: str, **more: Any) -> Response:
    """Return a page: `items`, and `next`, the address of what follows (null: no more), also as a Link header.

    `more` is what else is said of the page.
    """
    link = None
    if cursor is not None:
        kept = [(key, value) for key, value in request.query_params.multi_items() if key != name]
        link = f"{request.scope['path']}?{urlencode([*kept, (name, str(cursor))])}"
    return reply({"items": items, "next": link, **more}, link=link)


def file(content: bytes, media_type: str, name: str | None = None, headers: dict[str, str] | None = None) -> Response:
    """Return bytes of a media type; with a name they are offered as a download."""
    sent = dict(headers or {})
    if name:
        sent["Content-Disposition"] = f'attachment; filename="{name}"'
    return Response(content, OK, sent, media_type)


def disposition(name: str) -> str:
    """Return the header by which a file is saved under a name and never shown in place (RFC 6266, RFC 8187)."""
    plain = "".join(char if char.isascii() and char.isprintable() and char not in '"\\%' else "_" for char in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
