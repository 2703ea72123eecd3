"""Lifecycles and policies: those that ship with the program and those that batches are pinned to; their diagrams."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from api.dependencies import Here
from api.openapi import answers, operation
from api.replies import file, page, reply
from api.requests import StrictRoute
from api.schemas import Language
from api.shapes.parts import Listed
from api.shapes.surroundings import Version, VersionWhole
from lifecycle import overviews
from lifecycle.database import Transaction
from lifecycle.errors import NotFound, Unreadable
from states.definition import LifecycleDefinition, read_definition
from states.diagram import mermaid, svg
from states.findings import Text
from states.library import bundled_definitions, bundled_policies
from states.policy import Policy, read_policy

router = APIRouter(prefix="/api/v1", tags=["definitions"], route_class=StrictRoute)
SVG = "image/svg+xml"
SVG_POLICY = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}


@router.get("/definitions", **operation("listDefinitions", "流程列表", "Lifecycles", model=Listed[Version]))
def list_definitions(here: Here, request: Request) -> Response:
    """Return the lifecycles that ship with the program and those that batches have used."""
    with here.reading() as tx:
        stored = overviews.list_versions(tx, "definition")
    return page(request, _versions(bundled_definitions(), stored), None, "after")


@router.get("/policies", **operation("listPolicies", "政策列表", "Policies", model=Listed[Version]))
def list_policies(here: Here, request: Request) -> Response:
    """Return the policies that ship with the program and those that batches have used."""
    with here.reading() as tx:
        stored = overviews.list_versions(tx, "policy")
    return page(request, _versions(bundled_policies(), stored), None, "after")


@router.get(
    "/definitions/{name:path}/diagram.mmd",
    **operation(
        "showDiagramSource", "流程图（Mermaid）", "Diagram, Mermaid", "not-found", responses=answers("text/plain")
    ),
)
def show_mermaid(here: Here, name: str, lang: Language = "zh") -> Response:
    """Return the lifecycle as Mermaid text."""
    with here.reading() as tx:
        definition, _ = _definition(tx, name)
    return file(mermaid(definition, lang).encode(), "text/plain; charset=utf-8")


@router.get(
    "/definitions/{name:path}/diagram.svg",
    **operation("showDiagram", "流程图（SVG）", "Diagram, SVG", "not-found", responses=answers(SVG)),
)
def show_svg(here: Here, name: str, lang: Language = "zh", current: str | None = None) -> Response:
    """Return the lifecycle as a picture, with one state marked where `current` names it."""
    with here.reading() as tx:
        definition, _ = _definition(tx, name)
    if current is not None and current not in definition.states:
        raise Unreadable(Text(f"没有状态{current[:64]}", f"there is no state {current[:64]}"))
    return file(svg(definition, lang, current).encode(), SVG, headers=SVG_POLICY)


@router.get(
    "/definitions/{name:path}", **operation("showDefinition", "流程", "One lifecycle", "not-found", model=VersionWhole)
)
def show_definition(here: Here, name: str) -> Response:
    """Return a lifecycle by hash, or a bundled one by name."""
    with here.reading() as tx:
        definition, text = _definition(tx, name)
        stored = overviews.find_version(tx, "definition", definition.hash) is not None
    bundled = {known.hash for known, _ in bundled_definitions().values()}
    return reply(_whole("definition", definition.name, definition, text, definition.hash in bundled, stored))


@router.get("/policies/{name:path}", **operation("showPolicy", "政策", "One policy", "not-found", model=VersionWhole))
def show_policy(here: Here, name: str) -> Response:
    """Return a policy by hash, or a bundled one by name."""
    bundled = {policy.hash: (policy, text) for policy, text in bundled_policies().values()}
    with here.reading() as tx:
        named = bundled_policies().get(name) or bundled.get(name)
        row = overviews.find_version(tx, "policy", named[0].hash if named else name)
    if named is None and row is None:
        raise _nothing(name)
    policy, text = named or (read_policy(row["body"]), row["body"])  # type: ignore[index]
    return reply(_whole("policy", policy.name, policy, text, policy.hash in bundled, row is not None))


def _definition(tx: Transaction, name: str) -> tuple[LifecycleDefinition, str]:
    for known, (definition, text) in bundled_definitions().items():
        if name in (known, definition.hash):
            return definition, text
    row = overviews.find_version(tx, "definition", name)
    if row is None:
        raise _nothing(name)
    return read_definition(row["body"]), row["body"]


def _nothing(name: str) -> NotFound:
    return NotFound(Text(f"没有“{name[:80]}”", f"there is nothing named {name[:80]}"))


def _versions(bundled: Mapping[str, Any], stored: list[dict[str, Any]]) -> list[dict[str, Any]]:
    kept = {row["hash"]: row["name"] for row in stored}
    shipped = {item.hash: name for name, (item, _) in bundled.items()}
    return [
        {"name": name, "hash": digest, "bundled": digest in shipped, "stored": digest in kept}
        for digest, name in sorted({**kept, **shipped}.items(), key=lambda item: (item[1], item[0]))
    ]


def _whole(
    kind: str, name: str, content: LifecycleDefinition | Policy, text: str, bundled: bool, stored: bool
) -> dict[str, Any]:
    read: BaseModel = content
    return {
        "kind": kind,
        "name": name,
        "hash": content.hash,
        "bundled": bundled,
        "stored": stored,
        "content": read.model_dump(mode="json", exclude={"hash"}),
        "toml": text,
    }
