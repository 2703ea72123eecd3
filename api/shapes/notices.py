"""Shapes of notices and messages: the ledger, to-dos, the outbox."""

from typing import Any, Literal

from api.shapes.checkpoints import Status
from api.shapes.parts import Label, Receipt, Shape

NoticeStatus = Literal["waiting", "sent", "skipped", "cancelled", "failed"]
MessageStatus = Literal["waiting", "sending", "sent", "dead", "cancelled"]
Channel = Literal["inbox", "email", "chat", "sms", "webhook"]


class Reason(Label):
    """Why a notice was not sent."""

    code: str


class About(Shape):
    """The project that a notice is of."""

    id: str
    code: str
    title: str


class Dated(Shape):
    """The checkpoint that a notice is of, with the date of which it tells."""

    id: str
    kind: str
    number: int
    label: Label
    due_on: str | None
    status: Status


class ToDo(Shape):
    """The newest notice of something that the caller has, or had, to see to."""

    id: str
    batch_id: str
    occasion: str
    kind: str
    late: bool
    status: NoticeStatus
    reason: Reason | None
    project: About | None
    checkpoint: Dated | None
    planned_at: str
    send_at: str
    created_at: str
    settled_at: str | None
    read_at: str | None


class ToDos(Shape):
    """To do by due date, and done: the newest first."""

    open: list[ToDo]
    done: list[ToDo]


class Recipient(Shape):
    """Who was told, in which role."""

    id: str
    name: str | None
    role: str


class Carrier(Shape):
    """The message that carries a notice outside, with every try of sending it."""

    id: str
    status: MessageStatus
    attempts: int
    tries: list[dict[str, Any]]


class Notice(ToDo):
    """A row of the ledger: what was told to whom over which channel, by which rule, and what became of it."""

    cause: str
    version: int
    rule: dict[str, Any]
    recipient: Recipient
    channel: Channel
    message: Carrier | None


class Read(Shape):
    """How many notices were read only now."""

    read: int


class Addressee(Shape):
    """To whom a message goes."""

    id: str
    name: str | None


class Message(Shape):
    """A message of the outbox; `notices` is how many it carries."""

    id: str
    batch_id: str
    channel: Channel
    status: MessageStatus
    attempts: int
    tries: list[dict[str, Any]]
    notices: int
    recipient: Addressee
    next_at: str | None
    created_at: str
    settled_at: str | None


class Requeued(Shape):
    """A dead letter that waits to be sent again."""

    message: str
    status: Literal["waiting"]
    receipt: Receipt


class Bounced(Shape):
    """A message that came back, and how many notices failed by it (0: that was known)."""

    message: str
    failed: int
