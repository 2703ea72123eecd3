"""One batch's rule version: every number, date, list and length of R01–R27, read from TOML and named by hash."""

import hashlib
import tomllib
from datetime import date, time
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationError, model_validator

from states.deadlines import Counting
from states.definition import BadDefinition, Code, Format, Frozen, Labelled, describe
from states.panels import PanelSetting
from states.papers import Papers

Fen = Annotated[int, Field(ge=0)]
Days = Annotated[int, Field(ge=1, le=3660)]
Months = Annotated[int, Field(ge=1, le=600)]


class Lead(Frozen):
    """R01: who leads, and how many manufacturers land the scenario."""

    lead_kind: str
    landing_kind: str
    province_prefix: str
    min_landing_units: int


class MaxMembers(Frozen):
    """R03."""

    max_members: int


class Agreement(Frozen):
    """R04: the points an agreement must cover, by code."""

    points: dict[str, Labelled]


class MaxProjects(Frozen):
    """R05: how many projects of the batch a provider may join."""

    max_projects: int
    kind: str


class OneProject(Frozen):
    """R06: how many projects of the programme a manufacturer may join; whether an earlier shortlist bars it."""

    max_projects: int
    kind: str
    bar_shortlisted: bool


class Investment(Frozen):
    """R07: the least planned investment, in fen."""

    minimum_fen: Fen


class Vetoes(Frozen):
    """R09: the veto items, and for how many calendar days a check stays good."""

    items: dict[str, Labelled]
    fresh_days: Days


class Quota(Frozen):
    """R13: whether ranks must be unique within a city."""

    unique_ranks: bool


class Exemption(Frozen):
    """R14: the kinds of ownership, which of them use no quota, and which need the provincial company's letter."""

    ownerships: dict[str, Labelled]
    exempt: tuple[str, ...]
    letter_document: str
    letter_for: tuple[str, ...]


class GroupTasks(Frozen):
    """R15: tasks one group may take across cities."""

    max_tasks: int


class Package(Frozen):
    """R12, R16: the cities' own cut-off, the province's, and what the package must hold.

    `receipt`: whether a filing waits until its package was received and its paper counted: where it came with one, or
    always; `off`: it does not.
    """

    city_cutoff_on: date
    package_due_on: date
    paper_copies: int
    receipt: Literal["off", "where_packaged", "required"] = "off"


class Review(Frozen):
    """R17: the ways a review may be held, and which kind of stored document the minutes of a sitting are, if any."""

    methods: dict[str, Labelled]
    minutes_document: Code | None = None


class Length(Frozen):
    """A length in days and the way it is counted."""

    days: Days
    counting: Counting


class Objection(Frozen):
    """R19: the objector's kinds, and the time for a finding."""

    kinds: dict[str, Labelled]
    finding_days: Days
    finding_counting: Counting


class FormItem(Labelled):
    """One item of a form: its type, and whether a report may lack it."""

    type: Literal["text", "integer", "money", "date", "boolean"]
    needed: bool = True


class Supervision(Frozen):
    """R20: progress calls, how long before its date each opens, and the form that a report fills in."""

    call_months: Months
    calls: int
    window_days: Days
    form: dict[str, FormItem]


class Acceptance(Frozen):
    """R21: the two rounds and their windows, counted from publication; money verified by lists of actual investment.

    `lists`: totals are held against the list where the round has one, or must have one; `off`: totals alone count.
    `self_evaluation` against the indicators filed: `shown` to whoever decides, or `required` of the application.
    """

    mode: str
    half_year_months: Months
    one_year_months: Months
    window_days: Days
    window_counting: Counting
    grace_days: Days
    grace_counting: Counting
    verify_money: bool
    lists: Literal["off", "where_kept", "required"]
    self_evaluation: Literal["off", "shown", "required"] = "off"
    categories: dict[str, Labelled]


class Rectification(Frozen):
    """R22."""

    months: Months
    max_times: int


class Changes(Frozen):
    """R23: extension once, how long and how early it must be asked for; when money to be recovered falls due."""

    max_extensions: int
    max_extension_months: Months
    ask_ahead_months: Months
    recovery_months: Months


class Tier(Labelled):
    """R25: a reward tier, its cap in fen and the score it starts at."""

    cap_fen: Fen
    score_line: int


class Tiers(Frozen):
    """R25."""

    tiers: dict[str, Tier]


class Budget(Frozen):
    """R26: the batch's budget in fen."""

    budget_fen: Fen


class RewardShare(Frozen):
    """R27: the share of verified investment a reward may reach, in percent; when decision and payment fall due.

    `unit_fen`: amounts worked out are whole units of it. `publicity_days`: how long proposals stand in publicity
    before they are granted; 0: they do not.
    """

    max_share_percent: Annotated[int, Field(ge=0, le=100)]
    decision_months: Months
    payment_months: Months
    unit_fen: Annotated[Fen, Field(ge=1)] = 1
    publicity_days: Days = 0
    publicity_counting: Counting = Counting.WORKING_DAYS_FROM_FIRST


class Rules(Frozen):
    """The settings of each numbered rule; a rule without a setting has none to give."""

    R01: Lead
    R03: MaxMembers
    R04: Agreement
    R05: MaxProjects
    R06: OneProject
    R07: Investment
    R09: Vetoes
    R13: Quota
    R14: Exemption
    R15: GroupTasks
    R16: Package
    R17: Review
    R18: Length
    R19: Objection
    R20: Supervision
    R21: Acceptance
    R22: Rectification
    R23: Changes
    R25: Tiers
    R26: Budget
    R27: RewardShare
    correction: Length


class Reminders(Frozen):
    """When people are told: working days before, and the escalation after a deadline."""

    before_working_days: tuple[Days, ...]
    daily_while_overdue: bool
    escalate_after_days: Days
    yellow_within_days: Days


class Documents(Frozen):
    """What files are taken, and whether acts must refer to stored ones: otherwise a reference may name what lies
    elsewhere."""

    stored: bool = False
    formats: tuple[Format, ...] = ("pdf", "ofd", "docx", "xlsx", "jpg", "png", "zip")
    max_bytes: Annotated[int, Field(ge=1)] = 100 * 1024 * 1024


class Hours(Frozen):
    """When offices work, in the policy's zone (CFG): acts of officers outside them are listed for the auditor."""

    opens: time = time(8, 30)
    closes: time = time(17, 30)

    @model_validator(mode="after")
    def _in_order(self) -> "Hours":
        if self.opens.tzinfo or self.closes.tzinfo or self.opens >= self.closes:
            raise ValueError("hours are the policy's zone's own, without a zone, and open before they close")
        return self


class PolicyHeader(Labelled):
    """The policy's own name, the programme and batch it governs, and the definition it goes with."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$")]
    version: str
    programme: str
    definition: str
    zone: str
    source: str


class Policy(Frozen):
    """All settings of one batch. `hash` is the SHA-256 of the file's bytes."""

    policy: PolicyHeader
    cities: dict[Annotated[str, StringConstraints(pattern=r"^\d{6}$")], Labelled]
    rules: Rules
    reminders: Reminders
    panels: dict[Code, PanelSetting] = Field(default_factory=dict)  # by purpose
    documents: Documents = Documents()
    hours: Hours = Hours()
    papers: Papers = Papers()
    hash: str = ""

    @property
    def name(self) -> str:
        """Return `name/version`."""
        return f"{self.policy.name}/{self.policy.version}"

    @property
    def mode(self) -> str:
        """Return the acceptance mode."""
        return self.rules.R21.mode

    def setting(self, path: str) -> Any:
        """Return the setting named `Rxx.name`.

        Raises:
            KeyError: there is no such setting.
        """
        try:
            return self._settings[path]
        except KeyError:
            raise KeyError(f"the policy has no setting {path}") from None

    @cached_property
    def _settings(self) -> dict[str, Any]:
        return {f"{section}.{name}": value for section, holder in self.rules for name, value in holder}


def read_policy(text: str) -> Policy:
    """Read a policy from TOML text.

    Raises:
        BadDefinition: the text is not TOML, a setting is unknown, missing or of the wrong type.
    """
    try:
        data = tomllib.loads(text)
        return Policy.model_validate({**data, "hash": hashlib.sha256(text.encode()).hexdigest()})
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadDefinition(f"not TOML: {error}") from error
    except ValidationError as error:
        raise BadDefinition(describe(error)) from error
    except ValueError as error:  # a number too long to be read
        raise BadDefinition(f"not TOML: {error}") from error
