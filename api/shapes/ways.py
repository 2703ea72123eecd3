"""Shapes of the ways to people: addresses, calendar feeds, and the clock's jobs."""

from typing import Literal

from api.shapes.parts import Shape

Outside = Literal["email", "chat", "sms", "webhook"]


class AddressShape(Shape):
    """Where a person is reached over a channel."""

    id: str
    channel: Outside
    target: str
    digest: bool
    failures: int
    last_error: str | None
    created_at: str


class Addresses(Shape):
    """A person's addresses, at most one for each channel."""

    items: list[AddressShape]


class AddressMade(Shape):
    """An address just entered; `secret` is a webhook's, shown now and never again."""

    id: str
    channel: Outside
    target: str
    digest: bool
    secret: str | None


class FeedShape(Shape):
    """A calendar feed, without its token."""

    id: str
    label: str
    batch_id: str | None
    created_at: str


class Feeds(Shape):
    """The caller's feeds."""

    items: list[FeedShape]


class FeedMade(Shape):
    """A feed just made: its address holds the token, shown now and never again."""

    id: str
    path: str


class Done(Shape):
    """It is done."""

    done: bool


class JobShape(Shape):
    """A job of the clock, whichever process ran it last."""

    name: str
    every_seconds: int
    runs: int
    failures: int
    last_error: str | None
    last_ms: int | None
    started_at: str | None
    succeeded_at: str | None
    failed_at: str | None
    late: bool


class WaitingShape(Shape):
    """How many of a kind wait, and since when the oldest does."""

    number: int
    oldest: str | None


class Jobs(Shape):
    """The clock's jobs, and what waits for them."""

    jobs: list[JobShape]
    waiting: dict[str, WaitingShape]
