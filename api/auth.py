"""Who calls: bearer tokens, looked up before anything of the request is read. Health and feeds alone are open."""

import re

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from api.middlewares import header
from api.problems import EdgeProblem
from api.service import Service
from lifecycle.attempts import translated
from lifecycle.callers import Caller, Source
from lifecycle.people import actor_by_token
from states.fields import CONTROL
from states.findings import Text

OPEN = frozenset({"/healthz", "/readyz"})
FEED = re.compile(r"/api/v1/feeds/[^/]+\.ics")  # the token in the address is the credential
BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([\x21-\x7e]{1,512})")
UA_LIMIT = 200


class Gate:
    """Lets signed-in callers through as `state.caller`; answers the others with 401."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        """Wrap an application."""
        self.app = app
        self.service = service
        self.log = structlog.get_logger("pilot.http")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a message on with its caller."""
        if scope["type"] == "http" and scope["path"] not in OPEN and not FEED.fullmatch(scope["path"]):
            given = header(scope, b"authorization")
            found = BEARER.fullmatch(given) if given else None
            if found is None:
                raise self._unknown(scope, "missing" if given is None else "malformed")
            caller = await run_in_threadpool(self._look_up, scope, found[1])
            if caller is None:
                raise self._unknown(scope, "unknown")
            scope["state"]["caller"] = caller
        await self.app(scope, receive, send)

    def _look_up(self, scope: Scope, secret: str) -> Caller | None:
        now = self.service.clock()
        with translated(), self.service.database.glance() as tx:
            actor = actor_by_token(tx, secret, now)
        return Caller(actor, source_of(scope), now) if actor else None

    def _unknown(self, scope: Scope, why: str) -> EdgeProblem:
        self.log.warning("unauthenticated", why=why, request_id=scope["state"]["request_id"])
        challenge = 'Bearer realm="pilot"' + (', error="invalid_token"' if why == "unknown" else "")
        return EdgeProblem(
            "unauthenticated",
            Text("请出示有效的访问令牌", "present a valid bearer token"),
            {"WWW-Authenticate": challenge},
        )


def source_of(scope: Scope) -> Source:
    """Return how the request came in. Address and browser reach the log as commitments only."""
    client = scope.get("client")
    browser = header(scope, b"user-agent")
    return Source(
        channel="api",
        request=scope["state"]["request_id"],
        ip=client[0] if client else None,
        ua=CONTROL.sub("", browser)[:UA_LIMIT] or None if browser else None,
    )
