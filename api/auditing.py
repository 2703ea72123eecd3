"""What routes about the log share: the way in for auditors, instants in a query, and pages of a stretch of the tree."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query
from pydantic import BeforeValidator
from starlette.requests import Request
from starlette.responses import Response

from api.dependencies import Visit
from api.replies import reply
from lifecycle.auditing.entries import Listed
from lifecycle.auditing.reach import require_audit
from lifecycle.business_days import ZONE
from lifecycle.database import Transaction
from states.deadlines import end_of_day

EARLIEST, LATEST = 1990, 2200
DAY = len("2024-08-05")
PLACE, SIZE = "from_index", "as_of_size"


@contextmanager
def auditing(here: Visit, what: str) -> Iterator[Transaction]:
    """Open a transaction in which an auditor reads; the attempt of anybody else is in the log before it is refused.

    Raises:
        Forbidden: the caller may not audit.
    """
    if "audit" not in here.caller.actor.rights:
        with here.acting(("audit", what), "read_log"):
            require_audit(here.caller)
    with here.reading() as tx:
        yield tx


def moment(value: Any) -> Any:
    """Return a day or an instant with its zone, from a text; anything else is refused.

    Raises:
        ValueError: it is neither, or lies outside the years that people mean.
    """
    if not isinstance(value, str):
        return value
    found: date | datetime | None
    try:
        found = date.fromisoformat(value) if len(value) == DAY else datetime.fromisoformat(value)
    except ValueError:
        found = None
    aware = not isinstance(found, datetime) or found.utcoffset() is not None
    if found is None or not aware or not EARLIEST <= found.year <= LATEST:
        raise ValueError("a day is written like 2024-08-05, an instant like 2024-08-05T01:00:00Z (in a URL + is %2B)")
    return found


def since(given: date | datetime | None) -> datetime | None:
    """Return the first instant: of a day its beginning in the programme's zone."""
    if given is None or isinstance(given, datetime):
        return given
    return end_of_day(given - timedelta(days=1), ZONE)


def before(given: date | datetime | None) -> datetime | None:
    """Return the first instant that is too late: of a day its end in the programme's zone."""
    return given if given is None or isinstance(given, datetime) else end_of_day(given, ZONE)


Since = Annotated[
    datetime | date | None,
    BeforeValidator(moment),
    Query(alias="from", description="起：日期或带时区的时刻 / from this day or instant on"),
]
Until = Annotated[
    datetime | date | None,
    BeforeValidator(moment),
    Query(alias="to", description="止：日期（含当日）或时刻（不含） / to this day, included, or instant, not included"),
]
Size = Annotated[
    int | None,
    Query(alias=SIZE, ge=0, le=2**53 - 1, description="截至封存条数，默认现有 / as of this size of the tree"),
]
Place = Annotated[
    int,
    Query(alias=PLACE, ge=0, le=2**53 - 1, description="从此封存序号起 / from this place in the tree on"),
]


def stretch(request: Request, found: Listed, **more: Any) -> Response:
    """Return a page of the log: the size that it holds for, the stretch looked at, and the address of what follows."""
    link = None
    if found.next is not None:
        kept = [pair for pair in request.query_params.multi_items() if pair[0] not in (PLACE, SIZE)]
        link = f"{request.scope['path']}?{urlencode([*kept, (SIZE, str(found.size)), (PLACE, str(found.next))])}"
    told = {"size": found.size, "examined_from": found.begin, "examined_to": found.end}
    return reply({**more, **told, "items": found.items, "next": link}, link=link)
