"""Pages of a list by keyset: in what orders, and the cursor that says where the next page begins."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from lifecycle.canonical import instant
from lifecycle.errors import Unreadable
from lifecycle.requests import is_identifier
from lifecycle.statements import Row
from states.findings import Text

LIMIT = 200
CURSOR_LENGTH = 4096
SORTS = ("code", "-code", "changed_at", "-changed_at", "title", "investment_fen", "-investment_fen", "state")


@dataclass(frozen=True, slots=True)
class Page:
    """Some items in order, and the cursor of those that follow (None: there are no more)."""

    items: list[dict[str, Any]]
    next: str | None


def check_limit(limit: int) -> None:
    """Refuse a page that is empty or too long.

    Raises:
        Unreadable: the limit is not 1 to 200.
    """
    if type(limit) is not int or not 1 <= limit <= LIMIT:
        raise Unreadable(Text(f"每页条数应为1至{LIMIT}", f"a page has 1 to {LIMIT} items"))


def check_sort(sort: str) -> None:
    """Refuse an order that lists do not have.

    Raises:
        Unreadable: always for such an order.
    """
    if sort not in SORTS:
        raise Unreadable(Text(f"排序应为{'、'.join(SORTS)}之一", f"the sort is one of {', '.join(SORTS)}"))


def write_cursor(sort: str, row: Row) -> str:
    """Return the cursor of the rows that follow this one in this order."""
    last = row[sort.removeprefix("-")]
    value = instant(last) if isinstance(last, datetime) else last
    return urlsafe_b64encode(orjson.dumps([sort, value, row["id"]])).decode().rstrip("=")


def read_cursor(cursor: str, sort: str) -> dict[str, Any]:
    """Return the place that a cursor names, as the parameters `last` and `last_id`.

    Raises:
        Unreadable: the cursor is none of ours, or belongs to another order.
    """
    try:
        padded = cursor[:CURSOR_LENGTH].encode("ascii") + b"=" * (-len(cursor) % 4)
        given, value, row_id = orjson.loads(urlsafe_b64decode(padded))
        good = given == sort and is_identifier(row_id)
        last = _place(sort.removeprefix("-"), value)
    except (ValueError, TypeError, OverflowError):
        good, last = False, None
    if not good or last is None:
        raise Unreadable(
            Text(
                "翻页标记无效，或属于另一种排序；请从第一页重新开始",
                "the cursor is not valid, or belongs to another sort: begin again with the first page",
            )
        )
    return {"last": last, "last_id": row_id}


def _place(name: str, value: Any) -> Any:
    """Return a cursor's value as the column holds it, or None where the column cannot hold it."""
    if name == "investment_fen":
        return value if type(value) is int and abs(value) < 2**63 else None
    if not isinstance(value, str) or "\0" in value:
        return None
    if name.endswith("_at"):
        at = datetime.fromisoformat(value)
        return at if at.tzinfo is not None and 1900 < at.year < 3000 else None
    return value
