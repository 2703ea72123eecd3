"""Bodies of requests about dockets 办理清单."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from api.schemas import Body, City, Code, Day, Digest, DocumentBody, Flag, ProjectId, Reason, Version
from lifecycle.dockets.edits import DraftItem, Edit

MANY = 20_000


class DocketItemBody(Body):
    """A project to put on a docket; `event` null: the kind's first act. `note` is the act's reason too."""

    project: ProjectId
    event: Code | None = None
    fields: dict[Code, Any] = Field(default_factory=dict, max_length=100)
    documents: dict[Code, DocumentBody] = Field(default_factory=dict, max_length=50)
    note: Reason | None = None

    def to_item(self) -> DraftItem:
        """Return the item as a draft takes it."""
        documents = {kind: document.model_dump() for kind, document in self.documents.items()}
        return DraftItem(self.project.lower(), self.event, self.fields, documents, self.note)


class EditBody(Body):
    """What changes in a draft: what is named is replaced, null takes it off; `order` names all projects."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"header": {"recommendation_number": "济工信〔2024〕1号"}, "expected_version": 1}]
        }
    )
    header: dict[Code, Any] = Field(default_factory=dict, max_length=100)
    documents: dict[Code, DocumentBody | None] = Field(default_factory=dict, max_length=50)
    note: Reason | None = None
    put: list[DocketItemBody] = Field(default_factory=list, max_length=MANY)
    remove: list[ProjectId] = Field(default_factory=list, max_length=MANY)
    order: list[ProjectId] | None = Field(default=None, max_length=MANY)
    expected_version: Version | None = None

    def to_edit(self) -> Edit:
        """Return the edit as the use case takes it."""
        documents = {kind: one.model_dump() if one else None for kind, one in self.documents.items()}
        order = None if self.order is None else [project.lower() for project in self.order]
        put = [item.to_item() for item in self.put]
        return Edit(self.header, documents, self.note, put, [project.lower() for project in self.remove], order)


class NewDocket(EditBody):
    """A draft to open, with what is on it already; a city bureau need not name its city."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"kind": "recommendation", "header": {"recommendation_number": "济工信〔2024〕1号"}}]
        }
    )
    kind: Code
    city: City | None = None
    expected_version: None = None


class ReleaseBody(Body):
    """The digest of the preview; `leave_blocked`: projects that rules refuse stay as they are."""

    digest: Digest
    leave_blocked: Flag = False


class WithdrawalBody(Body):
    """Why a draft is given up."""

    reason: Reason
    expected_version: Version | None = None


class ReceiptBody(Body):
    """That a docket has come: on which day, in how many paper copies; a reason where it came after its date."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"received_on": "2024-08-02", "paper_copies": 2}]})
    received_on: Day
    paper_copies: Annotated[int, Field(strict=True, ge=0, le=999)]
    reason: Reason | None = None
    expected_version: Version | None = None


class ReturnBody(Body):
    """What goes back (null: all of it), with the fields of the act by which it does."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"fields": {"faults": "汇总表缺少盖章"}}]})
    projects: list[ProjectId] | None = Field(default=None, max_length=MANY)
    fields: dict[Code, Any] = Field(default_factory=dict, max_length=100)
    reason: Reason | None = None


class AdmissionBody(Body):
    """Why a draft may come after its date."""

    reason: Reason
