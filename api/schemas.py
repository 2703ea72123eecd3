"""Bodies of requests: read exactly, nothing unknown taken, every text and number within what the tables hold."""

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from lifecycle.bulk import Item
from lifecycle.errors import Unreadable
from lifecycle.requests import Request
from states.facts import Application, Member, UnitRole
from states.fields import clean_text
from states.findings import Text
from states.indicators import (
    AMOUNT,
    MOST,
    MOST_NUMBER,
    NAME_LENGTH,
    UNIT_LENGTH,
    Indicator,
    indicator_of,
    read_indicators,
)

NO_CONTROL = r"^[^\x00-\x08\x0b-\x1f\x7f]*$"
NO_BREAK = r"^[^\x00-\x1f\x7f]*$"
ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")  # ten digits alone would be read as seconds since 1970


def _iso(value: Any) -> Any:
    if value is None or isinstance(value, date) or (isinstance(value, str) and ISO.fullmatch(value)):
        return value
    raise ValueError("a date is written like 2024-08-05")


def _line(least: int, most: int) -> Any:
    return StringConstraints(strip_whitespace=True, min_length=least, max_length=most, pattern=NO_BREAK)


def _whole(least: int, most: int) -> Any:
    return Field(strict=True, ge=least, le=most)


Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
CreditCode = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{18}$")]
City = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
ProjectId = Annotated[str, StringConstraints(max_length=100)]
Day = Annotated[date, BeforeValidator(_iso), Field(ge=date(1990, 1, 1), le=date(2200, 12, 31))]
Flag = Annotated[bool, Field(strict=True)]
Title = Annotated[str, _line(1, 300)]
TaskCode = Annotated[str, _line(1, 64)]
Ownership = Annotated[str, _line(1, 64)]
GroupName = Annotated[str, _line(1, 200)]
Prose = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000, pattern=NO_CONTROL)]
Reason = Annotated[str, StringConstraints(max_length=2000, pattern=NO_CONTROL)]
Fen = Annotated[int, _whole(0, 10**15)]
Rank = Annotated[int, _whole(1, 9999)]
Version = Annotated[int, _whole(1, 2**53 - 1)]
ContactName = Annotated[str, _line(1, 100)]
ContactPhone = Annotated[str, _line(1, 40)]
Amount = Annotated[str, StringConstraints(max_length=18, pattern=AMOUNT.pattern.join(("^", "$")))]
RuleNumber = Annotated[str, StringConstraints(pattern=r"^R[0-9]{2}$")]
TomlText = Annotated[str, StringConstraints(max_length=256 * 1024)]


class Body(BaseModel):
    """Base of all bodies: unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class MemberBody(Body):
    """One unit of a consortium."""

    name: Annotated[str, _line(1, 200)]
    credit_code: CreditCode
    role: UnitRole
    kind: Code = "other"
    region: City | None = None
    group: GroupName | None = None
    affiliates: Annotated[list[CreditCode], Field(max_length=50)] = []

    def to_member(self) -> Member:
        """Return the unit as the rules read it."""
        return Member(**{**dict(self), "affiliates": tuple(self.affiliates)})


Members = Annotated[list[MemberBody], Field(max_length=20)]


class IndicatorBody(Body):
    """One indicator of the application book. Amounts are decimal texts."""

    number: Annotated[int, _whole(1, MOST_NUMBER)]
    name: Annotated[str, _line(1, NAME_LENGTH)]
    unit: Annotated[str, _line(1, UNIT_LENGTH)]
    target: Amount
    baseline: Amount | None = None
    planned_on: Day | None = None
    better: Literal["higher", "lower"] | None = None


Indicators = Annotated[list[IndicatorBody], Field(max_length=MOST)]


def _indicators(bodies: list[IndicatorBody]) -> tuple[Indicator, ...]:
    """Return indicators as they are filed: by number, amounts in their shortest form."""
    if not bodies:
        return ()
    try:
        kept = read_indicators([body.model_dump(mode="json") for body in bodies], clean_text)
    except ValueError as problem:
        zh, _, en = str(problem).partition(" / ")
        raise Unreadable(Text(zh, en or zh)) from problem
    return tuple(indicator_of(one) for one in kept)


class NewProject(Body):
    """An application filed in a batch. Money is integer fen (分)."""

    batch: Annotated[str, Field(max_length=64)]
    title: Title
    task_code: TaskCode
    city: City
    ownership: Ownership
    members: Members
    investment_fen: Fen
    starts_on: Day | None = None
    ends_on: Day | None = None
    group: GroupName | None = None
    rank: Rank | None = None
    opinion: Prose | None = None
    remarks: Prose | None = None
    contact_name: ContactName | None = None
    contact_phone: ContactPhone | None = None
    indicators: Indicators = []

    def to_application(self) -> Application:
        """Return what is filed."""
        values = {name: value for name, value in dict(self).items() if name != "batch"}
        members = tuple(unit.to_member() for unit in self.members)
        return Application(**{**values, "members": members, "indicators": _indicators(self.indicators)})


class Amendment(Body):
    """What changes in a filed application: only what is named; null empties what may be empty."""

    title: Title = ""
    task_code: TaskCode = ""
    city: City = ""
    ownership: Ownership = ""
    members: Members = []
    investment_fen: Fen = 0
    starts_on: Day | None = None
    ends_on: Day | None = None
    group: GroupName | None = None
    rank: Rank | None = None
    opinion: Prose | None = None
    remarks: Prose | None = None
    contact_name: ContactName | None = None
    contact_phone: ContactPhone | None = None
    indicators: Indicators = []
    reason: Reason | None = None
    expected_version: Version | None = None

    def to_values(self) -> dict[str, Any]:
        """Return the values that were named."""
        named = self.model_fields_set - {"reason", "expected_version"}
        values = {name: getattr(self, name) for name in sorted(named)}
        if "members" in values:
            values["members"] = tuple(unit.to_member() for unit in self.members)
        if "indicators" in values:
            values["indicators"] = _indicators(self.indicators)
        return values


class DocumentBody(Body):
    """A stored document that an act brings."""

    id: Annotated[str, _line(1, 100)]
    sha256: Digest
    size: Annotated[int, _whole(1, 2**40 - 1)]
    version: Annotated[int, _whole(1, 10**6 - 1)] = 1


class ActBody(Body):
    """An act and what it brings. `fields` are those that GET …/transitions names."""

    event: Code
    fields: Annotated[dict[Code, Any], Field(max_length=100)] = {}
    documents: Annotated[dict[Code, DocumentBody], Field(max_length=50)] = {}
    reason: Reason | None = None
    override: Annotated[list[RuleNumber], Field(max_length=30)] = []
    effective_on: Day | None = None

    def to_request(self, expected_version: int | None = None) -> Request:
        """Return the request that the door takes."""
        return Request(
            self.event,
            self.fields,
            {kind: document.model_dump() for kind, document in self.documents.items()},
            self.reason,
            frozenset(self.override),
            self.effective_on,
            expected_version,
        )


class TransitionBody(ActBody):
    """An act on one project."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "event": "withdraw",
                    "reason": "联合体成员需要调整",
                    "expected_version": 2,
                }
            ]
        }
    )
    expected_version: Version | None = None
    dry_run: Flag = False


class ItemBody(Body):
    """One project of a bulk act, with fields of its own beside the common ones."""

    project: ProjectId
    expected_version: Version | None = None
    fields: Annotated[dict[Code, Any], Field(max_length=100)] = {}

    def to_item(self, project: str) -> Item:
        """Return the item under the project's stored id."""
        return Item(project, self.expected_version, self.fields)


class PreviewBody(ActBody):
    """An act on many projects of one batch."""

    items: list[ItemBody]


class CommitBody(PreviewBody):
    """The same act again, with the digest of its preview."""

    digest: Digest


class NewBatch(Body):
    """A batch to open, pinned to a lifecycle and a policy: bundled ones by name, or TOML texts."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"code": "sd-gongfu-2024-2", "definition": "gongfu-pilot/1", "policy": "sd-gongfu-2024-2/1"},
            ]
        }
    )
    code: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,64}$")]
    title: Annotated[str, _line(1, 200)] | None = None
    invented: Flag = False
    definition: Annotated[str, Field(max_length=120)] | None = None
    definition_toml: TomlText | None = None
    policy: Annotated[str, Field(max_length=120)] | None = None
    policy_toml: TomlText | None = None

    @model_validator(mode="after")
    def _one_of_each(self) -> "NewBatch":
        for name in ("definition", "policy"):
            if (getattr(self, name) is None) == (getattr(self, f"{name}_toml") is None):
                raise ValueError(f"give either {name} or {name}_toml")
        return self


Language = Literal["zh", "en"]
