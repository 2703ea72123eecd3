"""What a caller asks of a project: the event with its fields, documents, reason and date, and on what version."""

import re
from collections.abc import Mapping
from dataclasses import field
from datetime import date
from typing import Any

from lifecycle.callers import Caller
from lifecycle.errors import Unreadable
from states.facts import Act
from states.fields import CONTROL, FieldProblem, clean_text
from states.findings import Text
from states.structure import IDENTIFIER
from states.values import frozen

SHA256 = re.compile(r"[0-9a-f]{64}")
REASON_LIMIT = 2000


@frozen
class Request:
    """One act asked for. `on` is the business date (None: today); `expected_version` guards against lost updates."""

    event: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    documents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    reason: str | None = None
    override: frozenset[str] = frozenset()
    on: date | None = None
    expected_version: int | None = None


def note_of(text: str | None, limit: int = REASON_LIMIT) -> str | None:
    """Return a reason or note without surrounding blanks; None where there is none.

    Raises:
        Unreadable: it is no text, too long, or holds control characters.
    """
    if text is None or text == "":
        return None
    try:
        return clean_text(text, limit) if not isinstance(text, str) or text.strip() else None
    except FieldProblem as problem:
        zh, _, en = str(problem).partition(" / ")
        raise Unreadable(Text(f"理由或说明{zh}", f"a reason or note {en}")) from problem


def is_identifier(name: str) -> bool:
    """Return whether a name can be an id at all: a lower-case UUID."""
    return IDENTIFIER.fullmatch(name) is not None


def act_of(request: Request, caller: Caller, zone: str) -> Act:
    """Return the act that the rules judge.

    Raises:
        Unreadable: the reason or a document reference is not what it should be.
    """
    reason = (request.reason or "").strip() or None
    if reason and (len(reason) > REASON_LIMIT or CONTROL.search(reason)):
        raise Unreadable(
            Text(
                f"理由不得超过{REASON_LIMIT}字，且不得含控制字符",
                f"a reason has at most {REASON_LIMIT} characters and no control characters",
            )
        )
    documents = {kind: document_of(kind, value) for kind, value in request.documents.items()}
    return Act(
        event=request.event,
        actor=caller.actor,
        on=request.on or caller.today(zone),
        now=caller.now,
        fields=request.fields,
        documents=documents,
        reason=reason,
        override=request.override,
    )


def document_of(kind: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document reference: id, sha256 (hex), size in bytes, version.

    Raises:
        Unreadable: the reference lacks a part or a part is not what it should be.
    """
    known = {
        "id": value.get("id"),
        "sha256": value.get("sha256"),
        "size": value.get("size"),
        "version": value.get("version", 1),
    }
    good = (
        isinstance(known["id"], str)
        and 0 < len(known["id"]) <= 100
        and not CONTROL.search(known["id"])
        and isinstance(known["sha256"], str)
        and SHA256.fullmatch(known["sha256"]) is not None
        and type(known["size"]) is int
        and 0 < known["size"] < 2**40
        and type(known["version"]) is int
        and 0 < known["version"] < 10**6
        and not set(value) - set(known)
    )
    if not good:
        raise Unreadable(
            Text(
                f"材料{kind[:64]}应写明id、sha256（64位小写十六进制）、size（字节）",
                f"document {kind[:64]}: give id, sha256 (64 lower-case hex digits), size (bytes)",
            )
        )
    return known
