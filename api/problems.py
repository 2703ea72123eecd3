"""Problems by RFC 9457: how every refusal, fault and wrong request is answered. The only place with status codes.

One shape: `type`, `title`, `status`, `detail`, `instance`, `request_id`, `message` {zh, en}, then what the problem
brings of its own (`findings`, `errors`, `winner` …). `title` and `detail` are one text, Chinese first, ` / `, English.
"""

import sqlite3
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson
import psycopg
import sqlalchemy as sa
from fastapi.exceptions import HTTPException, RequestValidationError
from starlette.exceptions import HTTPException as RoutingException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from lifecycle.errors import Conflict, Refusal, TooSoon
from states.findings import Text

OK = 200
CREATED = 201
PARTIAL = 206
NOT_MODIFIED = 304
MEDIA_TYPE = "application/problem+json"
LISTED = 50  # faults of a body that one answer names

STATUS: dict[str, int] = {
    "unreadable": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not-found": 404,
    "method-not-allowed": 405,
    "conflict": 409,  # 412 where the version came from If-Match
    "not-offered": 409,
    "preview-stale": 409,
    "too-large": 413,
    "unsupported-media-type": 415,
    "idempotency-key-reused": 422,
    "file-refused": 422,
    "import-refused": 422,
    "list-refused": 422,
    "invalid": 422,
    "rules-unmet": 422,
    "too-soon": 429,
    "internal": 500,
    "log-broken": 500,
    "busy": 503,
    "file-unavailable": 503,
    "not-ready": 503,
    "unavailable": 503,
}
PRECONDITION_FAILED = 412
RETRY_AFTER = {"busy": "1", "file-unavailable": "30", "not-ready": "5", "unavailable": "5"}  # seconds
EDGE_TITLES: dict[str, Text] = {
    "unauthenticated": Text("须先登录", "Sign in first"),
    "method-not-allowed": Text("此地址不支持该方法", "Method not allowed"),
    "unsupported-media-type": Text("不支持的内容类型", "Unsupported media type"),
    "invalid": Text("填写内容有误", "Not valid"),
    "internal": Text("系统内部错误", "Internal error"),
    "not-ready": Text("服务尚未就绪", "Not ready"),
    "unavailable": Text("数据库暂不可用", "Database not available"),
}
_TEXTS: dict[str, Text] = {
    "not-found": Text("没有此地址", "there is nothing at this address"),
    "method-not-allowed": Text("此地址不支持该方法", "this address does not take this method"),
    "too-large": Text("请求内容超过限额", "the body is larger than allowed"),
    "unreadable": Text("请求内容无法读取", "the request cannot be read"),
    "internal": Text("系统出错；请凭请求编号联系管理员", "something failed in the service: report the request id"),
    "unavailable": Text("数据库暂不可用；请稍后用原键重试", "no database now: try again with the same key"),
    "busy": Text("同一事项正在办理，请稍后重试", "the same thing is being done at this moment: try again"),
}


class EdgeProblem(HTTPException):
    """A request that does not get as far as a use case; `code` names its page."""

    def __init__(self, code: str, text: Text, headers: Mapping[str, str] | None = None, **details: Any) -> None:
        """Take what to tell the person, headers, and details as JSON values."""
        super().__init__(STATUS[code], text.en, dict(headers or {}))
        self.code = code
        self.text = text
        self.details = details


def refusals() -> dict[str, type[Refusal]]:
    """Return the refusals of the use cases by their code."""
    found: dict[str, type[Refusal]] = {}
    waiting = list(Refusal.__subclasses__())
    while waiting:
        kind = waiting.pop(0)
        found.setdefault(kind.code, kind)
        waiting.extend(kind.__subclasses__())
    return found


def title_of(code: str) -> Text:
    """Return a problem's title."""
    return EDGE_TITLES[code] if code in EDGE_TITLES else refusals()[code].title


def answer(
    scope: Scope,
    code: str,
    text: Text,
    details: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    status: int | None = None,
    title: Text | None = None,
) -> Response:
    """Return the response that tells a problem."""
    status = status or STATUS[code]
    named = title or title_of(code)
    told = {
        "type": f"/problems/{code}",
        "title": f"{named.zh} / {named.en}",
        "status": status,
        "detail": f"{text.zh} / {text.en}",
        "instance": quote(scope["path"], safe="/:@!$&'()*+,;=~-._"),
        "request_id": scope.get("state", {}).get("request_id"),
        "message": {"zh": text.zh, "en": text.en},
    }
    own = {name: value for name, value in (details or {}).items() if name not in told}
    body = orjson.dumps({**told, **own}, default=str)
    sent = dict(headers or {})
    if code in RETRY_AFTER:
        sent["Retry-After"] = RETRY_AFTER[code]
    return Response(body, status, sent, MEDIA_TYPE)


def answer_to(scope: Scope, error: Exception) -> Response:
    """Return the response to whatever was raised; what nobody foresaw is an internal error."""
    if isinstance(error, Refusal) and error.code in STATUS:
        return _answer_refusal(scope, error)
    if isinstance(error, EdgeProblem):
        return answer(scope, error.code, error.text, error.details, error.headers)
    if isinstance(error, RequestValidationError):
        return _answer_invalid(scope, error)
    if isinstance(error, RoutingException):
        code = _code_of(error.status_code)
        return answer(scope, code, _TEXTS[code], headers=error.headers)
    code = fault_of(error)
    return answer(scope, code, _TEXTS[code])


def fault_of(error: Exception) -> str:
    """Return the code of a failure beneath us: what the database could not do, or our own mistake."""
    original = getattr(error, "orig", None) or error
    if isinstance(error, sa.exc.TimeoutError) or _taken(original):
        return "busy"
    unreachable = isinstance(original, (psycopg.OperationalError, psycopg.InterfaceError, sqlite3.OperationalError))
    return "unavailable" if unreachable or type(original) is sqlite3.DatabaseError else "internal"


def _taken(error: BaseException) -> bool:
    """Whether another request was first with the same unique value: nothing was done, a second try sees it."""
    return isinstance(error, psycopg.errors.UniqueViolation) or (
        isinstance(error, sqlite3.IntegrityError) and "UNIQUE" in str(error)
    )


def _answer_refusal(scope: Scope, refusal: Refusal) -> Response:
    named = {name for name, _ in scope["headers"]}
    failed = isinstance(refusal, Conflict) and b"if-match" in named
    headers = {"Idempotent-Replayed": "true"} if refusal.remembered else {}
    if isinstance(refusal, TooSoon) and not refusal.remembered:
        headers["Retry-After"] = str(refusal.details["retry_after"])
    return answer(
        scope,
        refusal.code,
        refusal.text,
        refusal.details,
        headers,
        PRECONDITION_FAILED if failed else None,
        refusal.title,
    )


def _answer_invalid(scope: Scope, error: RequestValidationError) -> Response:
    found = error.errors()
    listed = [
        {
            "at": ".".join(str(part)[:100] for part in item["loc"])[:300],
            "code": item["type"],
            "message": item["msg"][:300],
        }
        for item in found[:LISTED]
    ]
    places = "、".join(dict.fromkeys(item["at"] for item in listed[:5]))
    text = Text(f"有{len(found)}处填写有误：{places}", f"{len(found)} values are not what they should be: {places}")
    return answer(scope, "invalid", text, {"errors": listed})


def _code_of(status: int) -> str:
    """Return the code for what the framework itself refuses."""
    for code in ("not-found", "method-not-allowed", "too-large"):
        if STATUS[code] == status:
            return code
    return "unreadable" if status < STATUS["internal"] else "internal"


async def respond(request: Request, error: Exception) -> Response:
    """Answer an exception (handler for the framework)."""
    return answer_to(request.scope, error)
