"""The last signed head of the log, and proofs against it, for auditors."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.auditing import auditing
from api.dependencies import Here
from api.openapi import answers, operation
from api.problems import OK
from api.replies import reply
from api.requests import StrictRoute
from api.shapes.auditing import Consistency, Inclusion
from lifecycle.auditing.proving import last_checkpoint, prove_consistency, prove_inclusion

router = APIRouter(prefix="/api/v1/audit", tags=["audit"], route_class=StrictRoute)
NOTE = "text/plain; charset=utf-8"
Suite = Annotated[Literal["sha256", "sm3"], Query(description="哪一棵树 / which tree")]
Number = Annotated[int | None, Query(ge=0, le=2**53 - 1)]


@router.get(
    "/checkpoint",
    **operation(
        "showCheckpoint",
        "最近签署的检查点",
        "The last signed checkpoint",
        *("forbidden", "not-found", "conflict"),
        responses=answers("text/plain"),
    ),
)
def checkpoint(here: Here, suite: Suite = "sha256") -> Response:
    """Return the published signed note (C2SP tlog-checkpoint), byte for byte.

    The header Pilot-Tree-Size says how many entries are sealed by now: at least as many as the note says.
    """
    with auditing(here, "checkpoint") as tx:
        note, size = last_checkpoint(tx, here.service.settings, here.caller, suite)
    return Response(note, OK, {"Pilot-Tree-Size": str(size)}, NOTE)


@router.get(
    "/proofs/inclusion",
    **operation("proveInclusion", "包含证明", "Proof of inclusion", "forbidden", "not-found", model=Inclusion),
)
def of_inclusion(
    here: Here,
    index: Number = None,
    entry: Annotated[str | None, Query(max_length=100)] = None,
    size: Number = None,
    suite: Suite = "sha256",
) -> Response:
    """Return the path from an entry, named by place or id, to the root of a tree (default: as it is now)."""
    with auditing(here, "proofs") as tx:
        found = prove_inclusion(
            tx, here.service.settings, here.caller, index=index, entry=entry, size=size, suite=suite
        )
    return reply(found)


@router.get(
    "/proofs/consistency",
    **operation("proveConsistency", "一致性证明", "Proof of consistency", "forbidden", "not-found", model=Consistency),
)
def of_consistency(
    here: Here,
    from_: Annotated[int, Query(alias="from", ge=0, le=2**53 - 1)],
    to: Number = None,
    suite: Suite = "sha256",
) -> Response:
    """Return the proof that the tree of one size extends that of another (default of `to`: as it is now)."""
    with auditing(here, "proofs") as tx:
        found = prove_consistency(tx, here.service.settings, here.caller, from_, to, suite)
    return reply(found)
