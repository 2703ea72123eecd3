"""Shapes of the log as auditors read it."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.shapes.parts import Label, Shape


class Actor(BaseModel):
    """Who did it; of an entry that was tampered with only the id is told."""

    model_config = ConfigDict(extra="forbid")
    id: str | None
    kind: str | None = None
    role: str | None = None
    role_label: Label | None = None
    org: str | None = None
    on_behalf_of: str | None = None
    name: str | None = None


class Subject(Shape):
    """What an entry is about; of a project with its code."""

    kind: str
    id: str
    version: int | None
    code: str | None


class Wrong(Shape):
    """What does not hold of an entry: it was taken away or changed since it was sealed."""

    code: str
    entry: str | None
    stream: str | None
    seq: int | None
    detail: str
    message: Label


class Entry(Shape):
    """An entry. `entry` is its body as signed: its canonical bytes hash to `leaf` (RFC 6962), `opened` its commitments.

    `index` is its place in the tree (null: not sealed yet), `local` the instant by the clocks of Shanghai.
    """

    index: int | None
    leaf: str = Field(description="hex")
    id: str
    stream: str | None
    seq: int | None
    at: str | None
    local: str | None
    type: str | None
    type_label: Label
    outcome: Literal["success", "denied", "failed"] | None
    outcome_label: Label
    actor: Actor
    subject: Subject | None
    action: str | None
    action_label: Label | None
    sentence: Label | None
    entry: dict[str, Any] | None
    opened: dict[str, Any] = Field(description='{"$withheld": …} where the value was redacted or does not fit')
    signature: str | None = Field(description="base64, Ed25519 by the writer")
    key_id: str | None
    problem: Wrong | None


class EntryPage(Shape):
    """Entries in the tree's order; hold on to `size`: with it, what is sealed meanwhile moves no page.

    `next` is the address to go on at, even where this stretch (`examined_from` up to `examined_to`) had nothing.
    """

    size: int
    examined_from: int
    examined_to: int
    items: list[Entry]
    next: str | None


class Inclusion(Shape):
    """RFC 9162 §4.11; hashes in base64. Hold it against a root that was signed, not against `root_hash`."""

    origin: str
    suite: str
    tree_size: int
    leaf_index: int
    leaf_hash: str
    inclusion_path: list[str]
    root_hash: str


class Consistency(Shape):
    """RFC 9162 §4.11; hashes in base64."""

    origin: str
    suite: str
    tree_size_1: int
    tree_size_2: int
    consistency_path: list[str]
    root_hash_1: str
    root_hash_2: str


class Report(Shape):
    """A report, and what a line of it tells."""

    name: str
    title: Label
    told: Label


class ReportPage(BaseModel):
    """A stretch of a report. Lines of `counts` are sums over it, those of `deadlines` stays of whole projects."""

    model_config = ConfigDict(extra="forbid")
    report: str
    title: Label
    size: int
    examined_from: int
    examined_to: int
    items: list[dict[str, Any]]
    next: str | None
