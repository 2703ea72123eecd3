"""Requests read strictly: one JSON value in UTF-8, known query parameters, headers that the route honours."""

import json
import math
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, NoReturn, cast

from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from api.binding import Binding, is_plain
from api.problems import EdgeProblem
from api.service import Service
from states.fields import CONTROL
from states.findings import Text

DEPTH = 32
LONG = 64 * 1024  # bytes from which a body is parsed outside the event loop
LARGEST = 2**53 - 1  # beyond this JSON readers disagree, and the log's entries take none
Handler = Callable[[Request], Coroutine[Any, Any, Response]]
HONOURED = ("if-match", "idempotency-key")


def refuse(zh: str, en: str) -> NoReturn:
    """Refuse a request that cannot be read.

    Raises:
        EdgeProblem: always.
    """
    raise EdgeProblem("unreadable", Text(zh, en))


def parse_json(body: bytes) -> Any:
    """Return the JSON value that a body holds.

    Raises:
        EdgeProblem: not UTF-8 or not JSON, a name twice, too deep, a number too large, or NUL or half a character.
    """
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_object, parse_constant=_constant)
    except UnicodeDecodeError:
        refuse("内容不是UTF-8编码", "the body is not UTF-8")
    except RecursionError:
        refuse(f"嵌套不得超过{DEPTH}层", f"nested deeper than {DEPTH}")
    except ValueError:
        refuse("内容不是有效的JSON", "the body is not JSON")
    _check(value, 1)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        refuse("同一名称出现了两次", "a name is given twice in one object")
    return found


def _constant(name: str) -> NoReturn:
    refuse(f"{name}不是JSON数值", f"{name} is not a JSON number")


def _check(value: Any, depth: int) -> None:
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, (int, float)):
        if not math.isfinite(value) or abs(value) > LARGEST:
            refuse("数值过大", f"a number lies outside ±{LARGEST}")
    elif isinstance(value, (dict, list)):
        if depth > DEPTH:
            refuse(f"嵌套不得超过{DEPTH}层", f"nested deeper than {DEPTH}")
        if isinstance(value, dict):
            for name in value:
                _check_text(name)
            value = value.values()
        for item in value:
            _check(item, depth + 1)


def _check_text(text: str) -> None:
    if "\x00" in text or not (text.isascii() or _whole(text)):
        refuse("文本含有空字符或不完整字符", "a text holds NUL or half a character")


def _whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class StrictRequest(Request):
    """A request whose JSON body is read by `parse_json`."""

    async def json(self) -> Any:
        """Return the body's value."""
        if not hasattr(self, "_json"):
            body = await self.body()
            self._json = await run_in_threadpool(parse_json, body) if len(body) > LONG else parse_json(body)
        return self._json


class StrictRoute(APIRoute):
    """A route that refuses what it would otherwise pass over in silence; where it is plain, it runs in one thread."""

    def get_route_handler(self) -> Handler:
        """Return our handler, or the framework's, behind the checks."""
        handler = in_one_thread(Binding(self.dependant)) if is_plain(self.dependant) else super().get_route_handler()
        flat = [self.dependant, *self.dependant.dependencies]
        queries = {param.alias: param for part in flat for param in part.query_params}
        known = frozenset(queries)
        many = frozenset(name for name, param in queries.items() if "list" in str(param.field_info.annotation))
        honoured = frozenset(param.alias.lower() for part in flat for param in part.header_params)
        reads_json = self.body_field is not None

        async def handle(request: Request) -> Response:
            check_query(request, known, many)
            if request.method != "GET":
                check_headers(request, honoured)
            if reads_json:
                check_json(request)
            return await handler(StrictRequest(request.scope, request.receive))

        return handle


def in_one_thread(binding: Binding) -> Handler:
    """Return a handler that reads the body and does all else in one thread: parsing, the function, its answer."""

    async def handle(request: Request) -> Response:
        body = None
        if binding.body is not None:
            try:
                octets = await request.body()
            except ClientDisconnect:
                refuse("请求内容不完整", "the body has not come to its end")
            body = partial(parse_json, octets) if octets else None
        provided = await binding.provide(request)

        def serve() -> Any:
            return binding.call(**binding.fill(request, provided, body))

        if binding.runs_in_loop:
            return cast(Response, await serve())
        service: Service = request.app.state.service
        return cast(Response, await service.workers.run(serve))

    return handle


def check_query(request: Request, known: frozenset[str], many: frozenset[str]) -> None:
    """Refuse query parameters that the route does not know, given twice, or with control characters.

    Raises:
        EdgeProblem: so.
    """
    seen: set[str] = set()
    for name, value in request.query_params.multi_items():
        shown = CONTROL.sub("", name)[:64]
        if name not in known:
            refuse(f"没有查询参数“{shown}”", f"there is no query parameter {shown!r}")
        if name in seen and name not in many:
            refuse(f"查询参数“{shown}”出现了两次", f"the query parameter {shown!r} is given twice")
        if CONTROL.search(value):
            refuse(f"查询参数“{shown}”含有控制字符", f"the query parameter {shown!r} holds control characters")
        seen.add(name)
    if any(isinstance(value, str) and CONTROL.search(value) for value in request.path_params.values()):
        raise EdgeProblem("not-found", Text("没有此地址", "there is nothing at this address"))


def check_headers(request: Request, honoured: frozenset[str]) -> None:
    """Refuse If-Match and Idempotency-Key where they would have no effect, or where they are given twice.

    Raises:
        EdgeProblem: so.
    """
    for name in HONOURED:
        given = request.headers.getlist(name)
        if given and name not in honoured:
            refuse(f"此操作不支持{name}请求头", f"this operation does not honour the header {name}")
        if len(given) > 1:
            refuse(f"请求头{name}出现了两次", f"the header {name} is given twice")


def check_json(request: Request) -> None:
    """Refuse a body that is not declared as JSON.

    Raises:
        EdgeProblem: so.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise EdgeProblem(
            "unsupported-media-type",
            Text("内容类型应为application/json", "send the body as application/json"),
            accepted=["application/json"],
        )
