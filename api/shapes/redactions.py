"""Shapes of redactions and of disclosures to auditors."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints

from api.schemas import Body, Digest, Flag, Reason
from api.shapes.parts import Receipt, Shape

EntryId = Annotated[str, StringConstraints(max_length=36)]
Path = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class ChosenBody(Body):
    """An entry, and which of its disclosures; without paths, all of them."""

    entry: EntryId
    paths: Annotated[list[Path], Field(min_length=1, max_length=100)] | None = None


class SelectionBody(Body):
    """What is to go: disclosures of entries, all of a person, or both; `erase`: from the live rows too."""

    entries: Annotated[list[ChosenBody], Field(default_factory=list, max_length=1000)]
    person: Annotated[str, StringConstraints(max_length=120)] | None = None
    erase: Flag = False

    def named(self) -> dict[str, list[str] | None]:
        """Return the entries with their paths."""
        return {one.entry.lower(): one.paths for one in self.entries}


class ProposalBody(SelectionBody):
    """A redaction proposed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "person": "contact/0190d2f0-b9e3-7c4b-9e43-6b8f2f3b7c11",
                    "erase": True,
                    "reason": "联系人本人申请删除其个人信息",
                }
            ]
        }
    )
    reason: Reason


class ApprovalBody(Body):
    """The digest of the preview that was seen."""

    digest: Digest


class WithdrawalBody(Body):
    """Why a proposal is withdrawn."""

    reason: Reason | None = None


class RedactionPreview(Shape):
    """What would go, by entry and path, and which live places hold the same values (`goes`: they are emptied)."""

    person: str | None
    erase: bool
    number: int
    persons: dict[str, int]
    entries_number: int
    entries: list[dict[str, Any]]
    standing_number: int
    standing: list[dict[str, Any]]
    digest: str


class RedactionItem(Shape):
    """A redaction in a list; `number`: of disclosures that went."""

    id: str
    status: str
    person: str | None
    erase: bool
    reason: str
    proposed_by: str
    proposed_at: str
    settled_by: str | None
    settled_at: str | None
    number: int | None


class RedactionWhole(RedactionItem):
    """A redaction with what it would take, or what went by it (the first 200)."""

    preview: RedactionPreview | None
    gone: list[dict[str, str]]


class Proposed(Shape):
    """A redaction proposed: its id and what it would take."""

    redaction: str
    preview: RedactionPreview
    receipt: Receipt


class Approved(Shape):
    """A redaction carried out."""

    redaction: str
    number: int
    receipt: Receipt


class Withdrawn(Shape):
    """A proposal withdrawn."""

    redaction: str
    receipt: Receipt


class Disclosed(Shape):
    """An entry's bytes, and what opens its commitments by `formula`; `withheld`: what is not there, and why."""

    entry: str
    stream: str
    seq: int
    leaf: str
    body: str
    formula: str
    disclosures: list[dict[str, Any]]
    withheld: list[dict[str, Any]]
