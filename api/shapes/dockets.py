"""Shapes of dockets 办理清单: listed, whole, drafted, previewed, released."""

from typing import Any, Literal

from api.shapes.acts import BulkPreview, Moved
from api.shapes.parts import Finding, Label, Receipt, Shape

Status = Literal["draft", "released", "received", "returned", "withdrawn"]


class DocketSummary(Shape):
    """A docket in a list; `city` is null where it is the whole batch's."""

    id: str
    batch: str
    kind: str
    label: Label
    city: str | None
    number: int
    status: Status
    status_label: Label
    version: int
    projects: int
    created_by: str
    created_at: str
    changed_at: str
    released_at: str | None


class DocketItem(Shape):
    """A project on a docket: what is asked, what came of it (`outcome`), and where the project stands now."""

    project: str
    position: int
    code: str
    title: str
    city: str
    lead_name: str
    state: str
    state_label: Label
    version: int
    event: str
    event_label: Label
    rank: int | None
    fields: dict[str, Any]
    documents: dict[str, Any]
    note: str | None
    outcome: dict[str, Any] | None


class DocketDate(Shape):
    """A date that follows from the header; `due_on` counts, and is typed where it is not the computed one."""

    kind: str
    label: Label
    due_on: str
    computed_on: str
    typed: bool
    provisional: bool


class DocketWhole(DocketSummary):
    """A docket with everything on it."""

    receipt: dict[str, Any] | None
    signed: dict[str, str] | None
    dates: list[DocketDate]
    note: str | None
    header: dict[str, Any]
    documents: dict[str, Any]
    items: list[DocketItem]


class Drafted(Shape):
    """A docket as it was written."""

    docket: str
    kind: str
    number: int
    status: Status
    version: int
    receipt: Receipt


class DocketPreview(BulkPreview):
    """What releasing the draft would do; `findings` are the docket's own, `digest` releases exactly this."""

    docket: str
    kind: str
    number: int
    version: int
    ready: bool
    findings: list[Finding]


class Released(Shape):
    """What a release did; `left` were blocked and stay as they were."""

    docket: str
    kind: str
    number: int
    status: Status
    version: int
    moved: list[Moved]
    left: list[str]
    receipts: list[Receipt]
    awaiting_second_person: bool


class Returned(Drafted):
    """A docket after an act of the party that receives it, and the projects that it did something to."""

    projects: list[Moved]
