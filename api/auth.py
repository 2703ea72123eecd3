"""Who calls: bearer tokens, confirmed by the database at each request. Health, feeds and public lists alone are open.

A token seen before is taken for its owner's at first. The request's first trip to the database, in the transaction
that does its work, says whether it still is; where not, nothing is read, done or answered. A token not seen before,
or with a body that is not small, is looked up before anything of the request is read.
"""

import re
from datetime import datetime

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.middlewares import header
from api.problems import EdgeProblem
from api.service import Service
from lifecycle.attempts import translated
from lifecycle.callers import Caller, Source
from lifecycle.database import Proviso
from lifecycle.errors import CallerChanged
from lifecycle.people import actor_by_token, hash_token, still_theirs
from states.facts import Actor
from states.fields import CONTROL
from states.findings import Text

OPEN = frozenset({"/healthz", "/readyz"})
FEED = re.compile(r"/api/v1/feeds/[^/]+\.ics")  # the token in the address is the credential
PUBLIC = "/api/v1/public/"  # what the notice publishes, and nothing else
BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([\x21-\x7e]{1,512})")
UA_LIMIT = 200
SMALL = 64 * 1024  # bytes of a body that may be kept, to be read again
SEEN = 4096  # tokens whose owners a process remembers


class Gate:
    """Lets signed-in callers through as `state.caller`, under `state.proviso`; answers the others with 401."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        """Wrap an application."""
        self.app = app
        self.service = service
        self.log = structlog.get_logger("pilot.http")
        self._owners: dict[str, Actor] = {}  # by the token's hash, as last confirmed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a message on with its caller."""
        if scope["type"] != "http" or _is_open(scope["path"]):
            await self.app(scope, receive, send)
            return
        given = header(scope, b"authorization")
        found = BEARER.fullmatch(given) if given else None
        if found is None:
            raise self._unknown(scope, "missing" if given is None else "malformed")
        secret, now = found[1], self.service.clock()
        token = hash_token(secret)
        owner = self._owners.get(token)
        if owner is not None and _is_small(scope):
            kept = Kept(scope, receive)
            try:
                await self._admit(owner, still_theirs(secret, owner, now), now, scope, kept.receive, send)
                return
            except CallerChanged as changed:
                owner, receive = changed.actor, kept.again(scope)
        else:
            owner = await self.service.workers.run(lambda: self._look_up(secret, now))
        self._remember(token, owner)
        if owner is None:
            raise self._unknown(scope, "unknown")
        await self._admit(owner, None, now, scope, receive, send)

    async def _admit(
        self, actor: Actor, proviso: Proviso | None, now: datetime, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Pass a message on as an actor's. No answer leaves before the proviso is met.

        Raises:
            CallerChanged: it is not. Nothing was done or answered.
        """

        async def sending(message: Message) -> None:
            if proviso is not None and not proviso.met:
                await self.service.workers.run(lambda: self._see_to(proviso))
            await send(message)

        scope["state"]["caller"] = Caller(actor, source_of(scope), now)
        scope["state"]["proviso"] = proviso
        try:
            await self.app(scope, receive, sending)
        except CallerChanged:
            del scope["state"]["caller"], scope["state"]["proviso"]
            raise

    def _look_up(self, secret: str, now: datetime) -> Actor | None:
        with translated(), self.service.database.glance() as tx:
            return actor_by_token(tx, secret, now)

    def _see_to(self, proviso: Proviso) -> None:
        with self.service.database.glance() as tx:
            proviso.settle(tx.fetch(proviso.statement, **proviso.values))

    def _remember(self, token: str, owner: Actor | None) -> None:
        self._owners.pop(token, None)
        if owner is not None:
            while len(self._owners) >= SEEN:
                del self._owners[next(iter(self._owners))]  # the one confirmed first
            self._owners[token] = owner

    def _unknown(self, scope: Scope, why: str) -> EdgeProblem:
        self.log.warning("unauthenticated", why=why, request_id=scope["state"]["request_id"])
        challenge = 'Bearer realm="pilot"' + (', error="invalid_token"' if why == "unknown" else "")
        return EdgeProblem(
            "unauthenticated",
            Text("请出示有效的访问令牌", "present a valid bearer token"),
            {"WWW-Authenticate": challenge},
        )


class Kept:
    """A request as it came in, to be handled once more from its beginning."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        """Take a request of which nothing was read yet."""
        self._scope = dict(scope)
        self._receive = receive
        self._read: list[Message] = []

    async def receive(self) -> Message:
        """Return the next message of the body, and keep it."""
        message = await self._receive()
        self._read.append(message)
        return message

    def again(self, scope: Scope) -> Receive:
        """Bring the scope back to what it was and return a way to receive all messages from the first on."""
        scope.clear()
        scope.update(self._scope)
        read = iter(self._read)

        async def receive() -> Message:
            return next(read, None) or await self._receive()

        return receive


def _is_open(path: str) -> bool:
    """Return whether everybody may ask for this address."""
    return path in OPEN or path.startswith(PUBLIC) or FEED.fullmatch(path) is not None


def _is_small(scope: Scope) -> bool:
    """Return whether a request has no body, or one of a small declared size."""
    length = header(scope, b"content-length")
    if length is None:
        return not any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])
    return len(length) < 8 and length.isdecimal() and int(length) <= SMALL


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
