"""Personal data: disclosed to auditors on record, and taken back for good by two persons."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from api.dependencies import Here, Key
from api.openapi import WRITES, operation
from api.problems import CREATED
from api.replies import page, reply
from api.requests import StrictRoute
from api.shapes.parts import Listed
from api.shapes.redactions import (
    ApprovalBody,
    Approved,
    Disclosed,
    ProposalBody,
    Proposed,
    RedactionItem,
    RedactionPreview,
    RedactionWhole,
    SelectionBody,
    WithdrawalBody,
    Withdrawn,
)
from lifecycle import disclosing
from lifecycle.redaction import reading, register

router = APIRouter(prefix="/api/v1/audit", tags=["audit"], route_class=StrictRoute)
LIST, ONE = "/redactions", "/redactions/{redaction}"
SETTLING = ("forbidden", "not-found", "conflict", *WRITES)


@router.get(
    "/entries/{entry}/disclosures",
    **operation("discloseEntry", "披露记录内容", "Disclose an entry", "forbidden", "not-found", model=Disclosed),
)
def disclose(here: Here, entry: str) -> Response:
    """Return what opens the commitments of an entry, with salts; that it was given is itself an entry."""
    with here.acting(("audit", "entry"), "disclose") as tx:
        found, _ = disclosing.disclose_entry(tx, here.service.log, here.caller, entry.lower())
    return reply(found)


@router.get(
    LIST, **operation("listRedactions", "隐去记录", "List redactions", "forbidden", model=Listed[RedactionItem])
)
def list_all(
    here: Here,
    request: Request,
    after: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Return all redactions, the newest first."""
    with here.reading() as tx:
        found = reading.list_redactions(tx, here.caller, after, limit)
    return page(request, found.items, found.next, "after")


@router.post(
    f"{LIST}/preview",
    **operation("previewRedaction", "预览隐去", "Preview a redaction", "forbidden", *WRITES, model=RedactionPreview),
)
def preview(here: Here, body: SelectionBody) -> Response:
    """Return what a redaction would take, and which live places hold the same values; nothing is written."""
    with here.reading() as tx:
        found = register.preview_redaction(tx, here.caller, body.named(), body.person, body.erase)
    return reply(reading.preview_told(found))


@router.post(
    LIST,
    status_code=CREATED,
    **operation("proposeRedaction", "提出隐去", "Propose a redaction", "forbidden", *WRITES, model=Proposed),
)
def propose(here: Here, body: ProposalBody, key: Key = None) -> Response:
    """Propose a redaction; another person approves it."""
    asked = {"propose_redaction": body.model_dump(mode="json")}
    with here.acting(("redaction", "new"), "propose_redaction", key, asked) as tx:

        def act() -> dict[str, Any]:
            name, found, receipt = register.propose_redaction(
                tx, here.service.log, here.caller, body.named(), body.person, body.reason, erase_too=body.erase
            )
            return {"redaction": name, "preview": reading.preview_told(found), "receipt": receipt.to_dict()}

        answer, replayed = here.once(tx, key, asked, act)
    location = f"/api/v1/audit/redactions/{answer['redaction']}"
    return reply(answer, status=CREATED, replayed=replayed, location=location)


@router.get(
    ONE, **operation("showRedaction", "隐去申请", "One redaction", "forbidden", "not-found", model=RedactionWhole)
)
def show(here: Here, redaction: str) -> Response:
    """Return a redaction with what it would take now, or what went by it."""
    with here.reading() as tx:
        return reply(reading.show_redaction(tx, here.caller, redaction.lower()))


@router.post(
    f"{ONE}/approval",
    **operation("approveRedaction", "批准隐去", "Approve a redaction", *SETTLING, "preview-stale", model=Approved),
)
def approve(here: Here, redaction: str, body: ApprovalBody, key: Key = None) -> Response:
    """Carry out what another person proposed, as it was seen in the preview of this digest. It cannot be undone."""
    name = redaction.lower()
    asked = {"approve_redaction": name, "digest": body.digest}
    with here.acting(("redaction", name), "approve_redaction", key, asked) as tx:

        def act() -> dict[str, Any]:
            number, receipt = register.approve_redaction(tx, here.service.log, here.caller, name, body.digest)
            return {"redaction": name, "number": number, "receipt": receipt.to_dict()}

        answer, replayed = here.once(tx, key, asked, act)
    return reply(answer, replayed=replayed)


@router.post(
    f"{ONE}/withdrawal",
    **operation("withdrawRedaction", "撤回隐去申请", "Withdraw a redaction", *SETTLING, model=Withdrawn),
)
def withdraw(here: Here, redaction: str, body: WithdrawalBody, key: Key = None) -> Response:
    """Withdraw a proposal; nothing goes."""
    name = redaction.lower()
    asked = {"withdraw_redaction": name, "body": body.model_dump(mode="json")}
    with here.acting(("redaction", name), "withdraw_redaction", key, asked) as tx:

        def act() -> dict[str, Any]:
            receipt = register.withdraw_redaction(tx, here.service.log, here.caller, name, body.reason)
            return {"redaction": name, "receipt": receipt.to_dict()}

        answer, replayed = here.once(tx, key, asked, act)
    return reply(answer, replayed=replayed)
