"""Rewards of a draft: worked out from scores, with other score lines tried out, written into it."""

from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import ConfigDict, Field
from starlette.responses import Response

from api.dependencies import Here, IfMatch, Key, expected_version
from api.openapi import WRITES, operation
from api.replies import reply
from api.requests import StrictRoute
from api.schemas import Body, Code, Version
from api.shapes.awards import Allotted, Tried
from lifecycle.dockets.awards import Trial, allot, try_awards

router = APIRouter(prefix="/api/v1/dockets/{docket}", tags=["dockets"], route_class=StrictRoute)
Number = Annotated[str, Field(pattern=r"^[0-9]{1,3}(\.[0-9]{1,2})?$")]


class TrialBody(Body):
    """Terms to try out: score lines by tier and the share of verified investment; what is not named stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"lines": {"first": "92.00"}, "share_percent": 25}]})
    lines: Annotated[dict[Code, Number], Field(max_length=20)] = Field(default_factory=dict)
    share_percent: Annotated[int, Field(ge=0, le=100)] | None = None


class AllotmentBody(Body):
    """The version of the draft that was looked at."""

    expected_version: Version | None = None


@router.post(
    "/trials",
    **operation(
        "tryAwards",
        "奖补测算",
        "Try out terms",
        *("forbidden", "not-found", "not-offered", "unsupported-media-type", "too-large"),
        model=Tried,
    ),
)
def try_out(here: Here, docket: str, body: TrialBody) -> Response:
    """Say what each project comes to under the batch's terms and under others, who moves and what it costs."""
    trial = Trial({code: Decimal(line) for code, line in body.lines.items()}, body.share_percent)
    with here.reading() as tx:
        found = try_awards(tx, here.caller, docket.lower(), trial)
    return reply(found)


@router.post(
    "/allotments",
    **operation(
        "allotAwards",
        "按得分拟定奖补",
        "Fill in rewards",
        *("forbidden", "not-found", "not-offered", "conflict", *WRITES),
        model=Allotted,
    ),
)
def fill_in(here: Here, docket: str, body: AllotmentBody, key: Key = None, if_match: IfMatch = None) -> Response:
    """Write tiers and amounts under the batch's terms into the draft; where people must decide it stays as it is."""
    version = expected_version(if_match, body.expected_version)
    asked = {"allot": docket.lower(), "version": version}
    with here.acting(("docket", docket.lower()), "allot", key, asked) as tx:

        def act() -> dict[str, Any]:
            limit = here.service.settings.max_bulk
            done, reckoning = allot(tx, here.service.log, here.caller, docket.lower(), limit, version)
            return {**done.to_dict(), "reckoning": reckoning}

        answer, replayed = here.once(tx, key, asked, act)
    return reply(answer, version=answer["version"], replayed=replayed)
