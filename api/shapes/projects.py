"""Shapes of projects and their history."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from api.shapes.parts import Finding, Label, Listed, Receipt, Shape


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
    """A project whole; `hidden` names the fields of the record that the caller may not see.

    `undelivered` are the newest reminders that failed, came back, or had nobody to go to.
    """

    members: list[dict[str, Any]]
    group_name: str | None
    starts_on: str | None
    ends_on: str | None
    filed_rank: int | None
    indicators: list[dict[str, Any]] | None
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
    undelivered: list[dict[str, Any]]
    definition: dict[str, str]
    policy: dict[str, str]


class RebuiltFrom(Shape):
    """The last entry that counted: its stream, its number there, its leaf hash."""

    stream: str
    seq: int
    leaf: str


class ProjectThen(ProjectItem):
    """A project whole as of an instant, rebuilt from the log; a value redacted since reads `{"$withheld": "redacted"}`.

    There are no undelivered reminders, and checkpoints have no ids: of these the log says nothing.
    """

    members: list[dict[str, Any]]
    group_name: str | None
    starts_on: str | None
    ends_on: str | None
    filed_rank: int | None
    indicators: list[dict[str, Any]] | None
    left_state: str | None
    documents: dict[str, Any]
    flags: list[str]
    signers: dict[str, str]
    opinion: Any
    remarks: Any
    contact_name: Any
    contact_phone: Any
    created_at: str
    record: dict[str, Any]
    hidden: list[str]
    pending: dict[str, Any] | None
    checkpoints: list[dict[str, Any]]
    definition: dict[str, str]
    policy: dict[str, str]
    as_of: str
    rebuilt_from: RebuiltFrom


class BrokenStream(Shape):
    """A project whose entries do not hold together: nothing is said of its past."""

    id: str
    code: str


class ListedThen(Listed[ProjectItem]):
    """A page of projects as of an instant; a narrowed page may be short and still have a next one."""

    as_of: str
    broken: list[BrokenStream]


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


class Eligibility(Shape):
    """The rules of the application, judged on the project as it stands."""

    project: str
    code: str
    version: int
    eligible: bool
    unmet: dict[str, int]
    findings: list[Finding]


class HistoryItem(BaseModel):
    """An entry of the log, told in a sentence."""

    model_config = ConfigDict(extra="allow")


class HistoryPage(BaseModel):
    """A page of a project's history."""

    items: list[HistoryItem]
    next: str | None
