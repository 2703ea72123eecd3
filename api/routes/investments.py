"""Lists of actual investment: claimed, verified, read, as workbooks; invoices that stand twice in a programme."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from api.dependencies import Here, IfMatch, Key, expected_version, project_id
from api.lists import ListBody, VerdictsBody
from api.openapi import WRITES, answers, bodies, operation
from api.problems import CREATED
from api.replies import file, page, reply
from api.requests import StrictRoute
from api.routes.imports import FORM, XLSX, Workbook
from api.schemas import Code, Digest
from api.shapes.investments import ClaimPreview, Doubled, Kept, ListWhole
from api.shapes.parts import Listed
from lifecycle import claims, investments, overviews
from lifecycle.investment_reading import read_list
from lifecycle.invoices import list_doubled

router = APIRouter(prefix="/api/v1", tags=["acceptance"], route_class=StrictRoute)
OF_ROUND = "/projects/{project}/investments/{round}"
Round = Annotated[Code, Path(description="验收期代码，如half_year / the round's code")]
Number = Annotated[int | None, Query(ge=1, le=100_000, description="明细版本，缺省为现行 / version of the list")]
REFUSED = ("forbidden", "not-found", "not-offered", "conflict", "list-refused", *WRITES)


@router.get(
    OF_ROUND,
    **operation("showInvestments", "实际投入明细", "A list of actual investment", "not-found", model=ListWhole),
)
def show(here: Here, project: str, round: Round, number: Number = None) -> Response:
    """Return a round's list with what was verified of each line and where its invoice stands twice."""
    with here.reading() as tx:
        found = read_list(tx, here.caller, project_id(project), round, number)
    return reply(found, version=found["version"])


@router.put(
    OF_ROUND,
    **operation("claimInvestments", "报送实际投入明细", "Claim a list of actual investment", *REFUSED, model=Kept),
)
def claim(
    here: Here, project: str, round: Round, body: ListBody, if_match: IfMatch = None, key: Key = None
) -> Response:
    """Keep the whole list as the round's next version; what was claimed before stays to be read."""
    version, name = expected_version(if_match, body.expected_version), project.lower()
    lines = [line.model_dump(mode="json") for line in body.lines]
    asked = {"claim_investment": name, "round": round, "version": version, "lines": lines}
    with here.acting(("project", name), "claim_investment", key, asked) as tx:

        def act() -> dict[str, Any]:
            kept = investments.claim_investment(
                tx, here.service.log, here.caller, project_id(name), round, lines, expected_version=version
            )
            return kept.to_dict()

        answer, replayed = here.once(tx, key, asked, act)
    return reply(answer, version=answer["version"], replayed=replayed)


@router.post(
    f"{OF_ROUND}/verifications",
    status_code=CREATED,
    **operation("verifyInvestments", "核定实际投入", "Verify a list of actual investment", *REFUSED, model=Kept),
)
def verify(
    here: Here, project: str, round: Round, body: VerdictsBody, if_match: IfMatch = None, key: Key = None
) -> Response:
    """Keep what was verified of each line; the second of two officers at one list is refused with what stands now."""
    version, name = expected_version(if_match, body.expected_version), project.lower()
    asked = {"verify_investment": name, "round": round, "version": version, "body": body.model_dump(mode="json")}
    with here.acting(("project", name), "verify_investment", key, asked) as tx:

        def act() -> dict[str, Any]:
            kept = investments.verify_investment(
                tx,
                here.service.log,
                here.caller,
                project_id(name),
                round,
                [verdict.model_dump() for verdict in body.lines],
                basis=body.basis,
                after=body.after,
                rest_accepted=body.rest_accepted,
                expected_version=version,
            )
            return kept.to_dict()

        answer, replayed = here.once(tx, key, asked, act)
    return reply(answer, status=CREATED, version=answer["version"], replayed=replayed)


@router.post(
    f"{OF_ROUND}/imports",
    openapi_extra=bodies((XLSX, FORM)),
    **operation(
        "previewClaim",
        "明细导入预览",
        "Preview a list as a workbook",
        *("not-found", "unsupported-media-type", "too-large"),
        model=ClaimPreview,
    ),
)
def preview(here: Here, project: str, round: Round, data: Workbook) -> Response:
    """Read a workbook and say what claiming it would do: lines, their sum, every fault with its cell, the digest."""
    with here.reading() as tx:
        found = claims.preview_claim(tx, here.caller, project_id(project), round, data)
    return reply(found.to_dict())


@router.post(
    f"{OF_ROUND}/imports/commits",
    openapi_extra=bodies((XLSX, FORM)),
    **operation(
        "commitClaim",
        "明细导入",
        "Claim a previewed workbook",
        *("preview-stale", "import-refused", *REFUSED),
        model=Kept,
    ),
)
def commit(here: Here, project: str, round: Round, digest: Digest, data: Workbook, key: Key = None) -> Response:
    """Claim the previewed workbook as the round's next version, whole or not at all."""
    name = project.lower()
    asked = {"claim_workbook": name, "round": round, "digest": digest}
    with here.acting(("project", name), "claim_investment", key, asked) as tx:

        def act() -> dict[str, Any]:
            done = claims.commit_claim(tx, here.service.log, here.caller, project_id(name), round, data, digest)
            return done.to_dict()

        answer, replayed = here.once(tx, key, asked, act)
    return reply(answer, version=answer["version"], replayed=replayed)


@router.get(
    f"{OF_ROUND}/list.xlsx",
    **operation(
        "exportInvestments", "导出明细", "The list as a workbook", "not-found", responses=answers(XLSX, text=False)
    ),
)
def export(here: Here, project: str, round: Round, number: Number = None) -> Response:
    """Return the list as a workbook that can be read in again."""
    with here.reading() as tx:
        content = claims.export_list(tx, here.caller, project_id(project), round, number)
    return file(content, XLSX, f"investment-{round}.xlsx")


@router.get(
    "/batches/{batch}/doubled-invoices",
    **operation(
        "listDoubledInvoices",
        "重复发票",
        "Invoices that stand twice",
        *("forbidden", "not-found"),
        model=Listed[Doubled],
    ),
)
def doubled(here: Here, request: Request, batch: str) -> Response:
    """Return the invoices of a batch that another project of the programme claims too, pair by pair."""
    with here.reading() as tx:
        row = overviews.find_batch(tx, here.caller, batch)
        found = list_doubled(tx, here.caller, row)
    return page(request, found, None, "after")
