"""The plain snapshot that rules read: the project as it stands, the room left, who acts and what is asked."""

from collections.abc import Mapping
from dataclasses import field
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from states.panels import Panelled

from states.indicators import Indicator
from states.values import changed, frozen


class UnitRole(StrEnum):
    """A unit's place in a consortium."""

    LEAD = "lead"
    LANDING = "landing"
    OTHER = "other"


@frozen
class Member:
    """One unit of a consortium. `kind` is `provider`, `manufacturer` or `other`; `region` a GB/T 2260 code."""

    name: str
    credit_code: str
    role: UnitRole
    kind: str = "other"
    region: str | None = None
    group: str | None = None
    affiliates: tuple[str, ...] = ()  # credit codes of units it is affiliated with, declared or flagged

    @property
    def registered_in(self) -> str:
        """Return the declared region, else the registration division inside the credit code (GB 32100, 3–8)."""
        return self.region or self.credit_code[2:8]


@frozen
class Application:
    """What the applicant filed. Money in fen; dates are business dates."""

    title: str
    task_code: str
    city: str
    ownership: str
    members: tuple[Member, ...]
    investment_fen: int
    starts_on: date | None = None
    ends_on: date | None = None
    group: str | None = None
    rank: int | None = None
    opinion: str | None = None
    remarks: str | None = None
    contact_name: str | None = None
    contact_phone: str | None = None
    indicators: tuple[Indicator, ...] = ()

    @property
    def lead(self) -> Member | None:
        """Return the first lead unit, or None where the application names none."""
        return next((unit for unit in self.members if unit.role is UnitRole.LEAD), None)


class Room(NamedTuple):
    """A capacity's row: what others and this project hold of it together, and its ceiling (None: not set)."""

    used: int
    ceiling: int | None


class Package(NamedTuple):
    """The docket by which a project came to the party that receives it, and the paper counted there, once it is."""

    number: int
    received_on: str | None
    paper_copies: int | None


class Reference(NamedTuple):
    """A version of a document as an act refers to it."""

    kind: str
    id: str
    version: int
    sha256: str
    size: int


class Pending(NamedTuple):
    """The first of two signatures under an act that asks for two persons, with all that was signed."""

    event: str
    actor: str
    on: str
    fields: Mapping[str, Any]
    documents: Mapping[str, Mapping[str, Any]]
    reason: str | None


@frozen
class Facts:
    """A project at one version, with the surroundings its rules ask about."""

    project: str
    batch: str
    code: str
    state: str
    version: int
    application: Application
    entered_on: date
    left_state: str | None = None
    record: Mapping[str, Any] = field(default_factory=dict)  # what earlier acts put on record
    documents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # kind -> id, sha256, size, version
    flags: frozenset[str] = frozenset()
    lists: Mapping[str, Any] = field(default_factory=dict)  # <round>_claimed, <round>_verified -> numbers and totals
    deadlines: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # number -> one added by hand
    signers: Mapping[str, str] = field(default_factory=dict)  # event -> id of the person who did it last
    pending: Pending | None = None
    room: Mapping[tuple[str, str], Room] = field(default_factory=dict)  # (capacity, key) -> room
    task_listed: bool = True
    shortlisted_before: frozenset[str] = frozenset()  # credit codes on an earlier batch's shortlist
    ranks_taken: frozenset[int] = frozenset()
    reserves_taken: frozenset[int] = frozenset()  # ranks on the batch's reserve list
    objections_open: int = 0  # registered ones that count and are undecided
    panels: Mapping[str, "Panelled"] = field(default_factory=dict)  # purpose -> what the panel it was given to says
    package: Package | None = None  # the docket that brought it where it stands, if one did
    invented: bool = False  # of a demonstration: its documents are invented too
    stored: frozenset[Reference] | None = None  # stored documents that the act may refer to; None: not asked

    def with_record(self, record: Mapping[str, Any], documents: Mapping[str, Mapping[str, Any]]) -> "Facts":
        """Return the facts as they would be with these fields and documents on record too."""
        if not record and not documents:
            return self
        return changed(self, record={**self.record, **record}, documents={**self.documents, **documents})


@frozen
class Actor:
    """Who acts. `scope` says what of the programme the role reaches: all, city, unit, assigned, public or none."""

    id: str
    role: str
    kind: str = "user"
    city: str | None = None
    unit: str | None = None  # unified social credit code
    scope: str = "none"
    rights: frozenset[str] = frozenset()
    auth: str = "token"
    session: str | None = None
    on_behalf_of: str | None = None

    def reaches(self, city: str, units: tuple[str, ...]) -> bool:
        """Return whether a project of this city and these units lies within the actor's scope."""
        if self.scope == "all":
            return True
        if self.scope == "city":
            return self.city is not None and self.city == city
        return self.scope == "unit" and self.unit is not None and self.unit in units


@frozen
class Act:
    """What is asked of a project. `on` is the business date; `now` the instant it is asked (aware UTC)."""

    event: str
    actor: Actor
    on: date
    now: datetime
    fields: Mapping[str, Any] = field(default_factory=dict)
    documents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    reason: str | None = None
    override: frozenset[str] = frozenset()  # rules the actor sets aside, by id
