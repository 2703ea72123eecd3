"""Shapes of answers, for the API's description; answers are written as they are, and tests hold them against these."""

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    """Base of all shapes: tests find a name that is not described."""

    model_config = ConfigDict(extra="forbid")


Item = TypeVar("Item", bound=Shape)


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
    kind: Literal["hard", "soft", "waivable"]
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


class CheckpointChange(Shape):
    """A due date set, moved or ended by an act."""

    path: str
    old: Any
    new: Any


class Outcome(Shape):
    """What an act did."""

    project: str
    code: str
    event: str
    from_: str = Field(alias="from")
    to: str
    version: int
    awaiting_second_person: bool
    overridden: list[str]
    findings: list[Finding]
    checkpoints: list[CheckpointChange]
    receipt: Receipt | None


class DryRun(Shape):
    """What the door would decide; nothing was written."""

    dry_run: Literal[True]
    allowed: bool
    project: str
    event: str
    version: int
    from_: str = Field(alias="from")
    to: str | None
    awaiting_second_person: bool
    overridden: list[str]
    findings: list[Finding]


class NeededField(Shape):
    """A field that an act takes. Money is integer fen; a score is a text."""

    name: str
    required: bool
    label: Label
    type: Literal["text", "date", "money", "integer", "score", "boolean", "codes", "checks"]
    values: list[str]
    minimum: int | None
    maximum: int | None


class NeededDocument(Shape):
    """A document that an act takes."""

    kind: str
    required: bool
    label: Label


class Needs(Shape):
    """What an act takes; `not_by` names acts whose doer may not do this one."""

    fields: list[NeededField]
    documents: list[NeededDocument]
    reason: bool
    persons: int
    not_by: list[str]
    bulk: bool


class Offer(Shape):
    """One act of the lifecycle as it stands for the caller now."""

    event: str
    label: Label
    status: Literal["ready", "needs_input", "blocked", "not_permitted", "not_in_state"]
    to: str | None
    needs: Needs | None
    findings: list[Finding]


class Offers(Shape):
    """All acts of a project's lifecycle."""

    project: str
    code: str
    version: int
    state: str
    state_label: Label
    awaiting_second_person: str | None
    offers: list[Offer]


class Eligibility(Shape):
    """The rules of the application, judged on the project as it stands."""

    project: str
    code: str
    version: int
    eligible: bool
    unmet: dict[str, int]
    findings: list[Finding]


class ProjectItem(Shape):
    """A project in a list."""

    id: str
    code: str
    title: str
    state: str
    state_label: Label
    phase: str | None
    version: int
    city: str
    task_code: str
    lead_name: str
    lead_code: str
    ownership: str
    investment_fen: int
    entered_on: str
    changed_at: str
    batch_id: str


class ProjectWhole(ProjectItem):
    """A project whole; `hidden` names the fields of the record that the caller may not see."""

    members: list[dict[str, Any]]
    group_name: str | None
    starts_on: str | None
    ends_on: str | None
    filed_rank: int | None
    left_state: str | None
    documents: dict[str, Any]
    flags: list[str]
    signers: dict[str, str]
    opinion: str | None
    remarks: str | None
    contact_name: str | None
    contact_phone: str | None
    created_at: str
    record: dict[str, Any]
    hidden: list[str]
    pending: dict[str, Any] | None
    checkpoints: list[dict[str, Any]]
    definition: dict[str, str]
    policy: dict[str, str]


class Created(Shape):
    """A project entered."""

    id: str
    code: str
    batch: str
    state: str
    version: int


class Amended(Shape):
    """A project amended; without a change there is no receipt."""

    id: str
    code: str
    state: str
    version: int
    changed: bool
    receipt: Receipt | None


class Batch(Shape):
    """A batch and the versions that its new projects begin with."""

    id: str
    code: str
    title: str
    programme: str
    definition_hash: str
    policy_hash: str
    invented: bool
    version: int
    created_at: str


class Task(Shape):
    """A task of the task list."""

    code: str
    title: str
    category: str | None


class Capacity(Shape):
    """How much of something limited is held. Money in fen."""

    pool: str
    label: Label
    key: str
    ceiling: int | None
    used: int
    left: int | None


class Counts(Shape):
    """How many projects within the caller's reach there are."""

    batch: str
    by: Literal["state", "city"]
    counts: dict[str, int]
    total: int


class HistoryItem(BaseModel):
    """An entry of the log, told in a sentence."""

    model_config = ConfigDict(extra="allow")


class Listed(BaseModel, Generic[Item]):
    """A page; `next` is the address of what follows (null: there is no more)."""

    model_config = ConfigDict(extra="forbid")
    items: list[Item]
    next: str | None


class HistoryPage(BaseModel):
    """A page of a project's history."""

    items: list[HistoryItem]
    next: str | None


class Me(Shape):
    """Who calls."""

    id: str
    login: str | None
    name: str | None
    role: str
    role_label: Label
    city: str | None
    unit: str | None
    scope: str
    rights: list[str]


class Version(Shape):
    """A version of a lifecycle or policy that can be used or is in use."""

    name: str
    hash: str
    bundled: bool
    stored: bool


class VersionWhole(Version):
    """A version with its content: read (`content`) and as the text whose SHA-256 is the hash (`toml`)."""

    kind: Literal["definition", "policy"]
    content: dict[str, Any]
    toml: str
