"""What every HTTP message passes through, as pure ASGI: request id, access log, headers, faults, size of bodies."""

import re
import time
import traceback
from typing import Any
from uuid import uuid4

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import STATUS, EdgeProblem, answer_to
from lifecycle.receipts import line_of
from lifecycle.settings import Settings
from states.findings import Text

REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
CARRIED = 4  # receipts in headers: proxies keep little room for them
WORKBOOKS = re.compile(r"/api/v1/imports/")
FILES = re.compile(r"/api/v1/(projects|dockets|batches)/[^/]+/documents")
ENVELOPE = 64 * 1024  # what a form adds to the one file in it
SECURITY = {
    b"x-content-type-options": b"nosniff",
    b"cache-control": b"no-store",
    b"x-frame-options": b"DENY",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"referrer-policy": b"no-referrer",
}


def header(scope: Scope, name: bytes) -> str | None:
    """Return a header's value where it is given exactly once."""
    found = [value for known, value in scope["headers"] if known == name]
    return found[0].decode("latin-1") if len(found) == 1 else None


class RequestIds:
    """Takes a valid X-Request-ID or makes one, and sends it back."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a message on under its id."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = header(scope, b"x-request-id")
        name = given if given and REQUEST_ID.fullmatch(given) else str(uuid4())
        scope.setdefault("state", {})["request_id"] = name

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", name.encode())]
            await send(message)

        await self.app(scope, receive, sending)


class AccessLog:
    """Writes one line a request: method, path template, status, ms, request id, actor; no personal data."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self.app = app
        self.log = structlog.get_logger("pilot.http")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a message on and log how it was answered."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        status: list[int] = []

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                status.append(message["status"])
            await send(message)

        try:
            await self.app(scope, receive, sending)
        finally:
            route, state = scope.get("route"), scope["state"]
            caller = state.get("caller")
            self.log.info(
                "request",
                method=scope["method"],
                path=getattr(route, "path", None),
                status=status[0] if status else None,
                ms=round((time.perf_counter() - began) * 1000, 2),
                request_id=state["request_id"],
                actor=caller.actor.id if caller else None,
            )


class SecurityHeaders:
    """Adds to every answer the headers that it does not set itself."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a message on."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                known = {name.lower() for name, _ in headers}
                headers += [item for item in SECURITY.items() if item[0] not in known]
                message["headers"] = headers
            await send(message)

        await self.app(scope, receive, sending)


class Receipts:
    """Adds to an answer the receipts of what the request wrote, a header each; more than a few are in the body."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a message on."""

        async def sending(message: Message) -> None:
            receipts = scope["state"].get("receipts") if message["type"] == "http.response.start" else None
            if receipts:
                lines = [(b"pilot-receipt", line_of(receipt)[:-1]) for receipt in receipts[:CARRIED]]
                count = (b"pilot-receipts", str(len(receipts)).encode())
                message["headers"] = [*message.get("headers", ()), count, *lines]
            await send(message)

        await self.app(scope, receive, sending if scope["type"] == "http" else send)


class Faults:
    """Answers with a problem whatever was raised and not answered yet; faults of ours are logged."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self.app = app
        self.log = structlog.get_logger("pilot.http")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a message on and catch what comes back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except Exception as error:
            response = answer_to(scope, error)
            if response.status_code >= STATUS["internal"]:
                self.log.error("fault", request_id=scope["state"]["request_id"], **told(error))
            if started:
                raise
            await response(scope, receive, send)


def told(error: Exception) -> dict[str, Any]:
    """Return what the log may know of an error: kind, SQLSTATE and places. Messages can quote data and stay out."""
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "error": f"{type(error).__module__}.{type(error).__qualname__}",
        "sqlstate": getattr(getattr(error, "orig", None) or error, "sqlstate", None),
        "trace": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-12:]],
    }


class BodyLimit:
    """Refuses a body that is larger than the settings allow, as soon as that is known."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        """Wrap an application."""
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a message on, its body counted while it streams."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self._limit(scope["path"])
        declared = header(scope, b"content-length") or "0"
        if not declared.isdecimal() or len(declared) > 18 or int(declared) > limit:
            raise _too_large(limit)
        received = 0

        async def receiving() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _too_large(limit)
            return message

        await self.app(scope, receiving, send)

    def _limit(self, path: str) -> int:
        if FILES.fullmatch(path):
            return self.settings.max_file_bytes + ENVELOPE
        return self.settings.max_upload_bytes if WORKBOOKS.match(path) else self.settings.max_body_bytes


def _too_large(limit: int) -> EdgeProblem:
    return EdgeProblem(
        "too-large",
        Text(f"请求内容不得超过{limit}字节", f"a body here has at most {limit} bytes"),
        {"Connection": "close"},
        limit=limit,
    )
