"""What leaves the house: one message ready for its channel, and what became of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message to one address. `id` is the same however often it is sent: by it a receiver can tell a repetition.

    `text` is plain text with Chinese first; `html` the same for mail. `calendar` is an iCalendar file (RFC 5545) to be
    attached. `data` is what a webhook gets as JSON.
    """

    id: str
    channel: str
    target: str
    secret: str | None
    subject: str
    text: str
    html: str
    calendar: bytes | None
    data: Mapping[str, Any] = field(default_factory=dict)
    at: datetime | None = None  # when it is sent; aware UTC


class Result(NamedTuple):
    """What became of a parcel: `sent`, worth another try `later`, or `never` (a bounce); `error` in a few words."""

    outcome: Literal["sent", "later", "never"]
    error: str | None = None


Sender = Callable[[Parcel], Result]
