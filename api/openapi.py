"""The API's description: what each operation answers and refuses, its security, its words in both languages."""

from functools import cache
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.problems import MEDIA_TYPE, OK, STATUS, title_of
from api.shapes.parts import Problem

ALWAYS = ("unreadable", "unauthenticated", "invalid", "internal", "busy", "unavailable")
WRITES = ("unsupported-media-type", "too-large", "idempotency-key-reused")
TAGS = {
    "batches": ("批次", "Batches"),
    "projects": ("项目", "Projects"),
    "transitions": ("办理", "Acts"),
    "bulk": ("批量办理", "Bulk acts"),
    "dockets": ("办理清单", "Dockets"),
    "objections": ("异议", "Objections"),
    "public": ("公开名单", "Public lists"),
    "history": ("留痕", "History"),
    "checkpoints": ("期限", "Checkpoints and deadlines"),
    "responsibles": ("承办人", "Persons in charge"),
    "chases": ("催办", "Chases"),
    "notices": ("提醒与待办", "Reminders and to-dos"),
    "messages": ("发信", "Messages"),
    "documents": ("材料", "Documents"),
    "audit": ("审计", "Audit"),
    "acceptance": ("实施与验收", "Implementation and acceptance"),
    "exchange": ("导入导出", "Imports and exports"),
    "panels": ("专家组", "Panels of experts"),
    "reviews": ("专家评审", "An expert's own work"),
    "definitions": ("流程与政策", "Lifecycles and policies"),
    "people": ("人员", "People"),
    "service": ("服务", "Service"),
}
OPEN_PATHS = frozenset({"/healthz", "/readyz", "/api/v1/feeds/{token}.ics"})
DESCRIPTION = (
    "试点项目全过程管理接口。请求以UTF-8 JSON书写，未知的字段和参数一律拒绝；金额为整数分，日期为YYYY-MM-DD，"
    "时刻为UTC。错误一律为application/problem+json，说明见/problems/{code}。\n\n"
    "The API of the pilot programme. Bodies are JSON in UTF-8, unknown names and parameters are refused; money is "
    "integer fen, dates are YYYY-MM-DD, instants UTC. Every error is application/problem+json, explained at "
    "/problems/{code}."
)


def operation(name: str, zh: str, en: str, *codes: str, model: Any = None, **more: Any) -> dict[str, Any]:
    """Return a route's own part of the description: stable id, summary, answer's shape, and every problem it knows."""
    responses = {**documented(*ALWAYS, *codes), **more.pop("responses", {})}
    return {"operation_id": name, "summary": f"{zh} / {en}", "response_model": model, "responses": responses, **more}


def documented(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Return the responses that these problems are, grouped by status."""
    found: dict[int | str, dict[str, Any]] = {}
    for code in sorted(set(codes), key=lambda name: (STATUS[name], name)):
        title = title_of(code)
        told = found.setdefault(STATUS[code], {"description": "", "content": {MEDIA_TYPE: {"examples": {}}}})
        told["description"] += f"{'; ' if told['description'] else ''}{title.zh} / {title.en} (`{code}`)"
        content = told["content"][MEDIA_TYPE]
        content["schema"] = {"$ref": "#/components/schemas/Problem"}
        content["examples"][code] = {
            "value": {
                "type": f"/problems/{code}",
                "title": f"{title.zh} / {title.en}",
                "status": STATUS[code],
                "detail": f"{title.zh} / {title.en}",
                "instance": "/api/v1/…",
                "request_id": "0d2f0b9e-3f0c-4b43-9e43-6b8f2f3b7c11",
                "message": {"zh": title.zh, "en": title.en},
            }
        }
    return found


def bodies(media_types: tuple[str, ...]) -> dict[str, Any]:
    """Return the description of a body that is bytes of one of these media types."""
    schema = {"type": "string", "format": "binary"}
    content: dict[str, Any] = {kind: {"schema": schema} for kind in media_types}
    if "multipart/form-data" in content:
        part = {"type": "object", "properties": {"file": schema}, "required": ["file"]}
        content["multipart/form-data"] = {"schema": part}
    return {"requestBody": {"required": True, "content": content}}


def answers(media_type: str, text: bool = True) -> dict[int | str, dict[str, Any]]:
    """Return the description of an answer that is not JSON."""
    schema = {"type": "string"} if text else {"type": "string", "format": "binary"}
    return {OK: {"description": "OK", "content": {media_type: {"schema": schema}}}}


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of an application."""
    found = get_openapi(
        title="工赋百景试点管理 / Gongfu Baijing pilots",
        version="1",
        summary=None,
        description=DESCRIPTION,
        routes=app.routes,
        tags=[{"name": name, "description": f"{zh} / {en}"} for name, (zh, en) in TAGS.items()],
    )
    components = found.setdefault("components", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas = components.setdefault("schemas", {})
    schemas.update(problem.pop("$defs", {}))
    schemas["Problem"] = problem
    components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    found["security"] = [{"bearer": []}]
    opened = [path for path in found["paths"] if path in OPEN_PATHS or path.startswith("/api/v1/public/")]
    for path in opened:
        for item in found["paths"][path].values():
            item["security"] = []
    return found


@cache
def document(app: FastAPI) -> bytes:
    """Return the OpenAPI document as JSON, made once an application."""
    return orjson.dumps(describe(app))
