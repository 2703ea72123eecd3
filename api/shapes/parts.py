"""What many shapes are made of."""

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    """Base of all shapes: tests find a name that is not described."""

    model_config = ConfigDict(extra="forbid")


class Label(Shape):
    """A text in both languages."""

    zh: str
    en: str


class Problem(BaseModel):
    """A problem by RFC 9457. What it brings of its own stands beside these names."""

    model_config = ConfigDict(extra="allow")
    type: str = Field(examples=["/problems/rules-unmet"])
    title: str
    status: int
    detail: str
    instance: str
    request_id: str | None
    message: Label


class Finding(Shape):
    """One rule judged on one case."""

    rule: str
    check: str
    clause: str
    kind: Literal["hard", "soft", "waivable", "note"]
    met: bool
    overridden: bool
    overridable: bool
    seen: Any
    threshold: Any
    message: Label


class Receipt(Shape):
    """The log's signed promise that the act is recorded."""

    origin: str
    stream: str
    seq: int
    leaf: str
    signature: str
    key_id: str


Item = TypeVar("Item", bound=Shape)


class Listed(BaseModel, Generic[Item]):
    """A page; `next` is the address of what follows (null: there is no more)."""

    model_config = ConfigDict(extra="forbid")
    items: list[Item]
    next: str | None
