"""One batch's reminder plan: who is told of which deadline, when, how often and in what words. Read from TOML.

A plan belongs to the batch, not to the project: a change of it is recorded and holds for all running projects at once.
What it does not say about offsets, the batch's policy says (`[reminders]` there).
"""

import hashlib
import string
import tomllib
from datetime import time
from typing import Annotated, Literal, get_args

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from states.definition import BadDefinition, Code, Frozen, Labelled, describe
from states.policy import Days, Policy

# What a text may name. A batch's people write these texts, so nothing in them is ever evaluated.
PLACES = frozenset(
    {
        *("recipient", "role", "actor", "note", "count", "batch"),
        *("code", "title", "lead", "city", "state", "event"),
        *("checkpoint", "due_on", "old_due_on", "provisional", "days", "overdue_days"),
    }
)
KindOfNotice = Literal[
    "opened", "moved", "before", "due", "late", "escalated", "event", "chase", "assigned", "scores", "digest", "test"
]
KINDS: tuple[KindOfNotice, ...] = get_args(KindOfNotice)
Roles = tuple[Code, ...]
Offset = Annotated[int, Field(ge=1, le=400)]


class Escalation(Frozen):
    """So many calendar days after the due date these roles are told too, once."""

    after_days: Days
    to: Roles = Field(min_length=1)


class Series(Frozen):
    """The reminders of one kind of checkpoint. None: as the policy says."""

    to: Roles = ()
    opened: bool = True  # told at once that there is something to do, or that its date moved
    before_working_days: tuple[Offset, ...] | None = None
    before_calendar_days: tuple[Offset, ...] = ()
    on_the_day: bool = True
    overdue: bool | None = None  # on every working day after the due date, until it is done
    overdue_days: Offset = 60  # and no longer than so many calendar days
    escalation: tuple[Escalation, ...] | None = None


class Times(Frozen):
    """Times of day in the policy's zone. Nothing leaves the house outside `opens`–`closes`, or on a rest day."""

    remind_at: time = time(9, 0)
    digest_at: time = time(9, 30)
    opens: time = time(8, 30)
    closes: time = time(18, 0)
    working_days_only: bool = True

    @model_validator(mode="after")
    def _in_order(self) -> "Times":
        if any(clock.tzinfo for clock in (self.remind_at, self.digest_at, self.opens, self.closes)):
            raise ValueError("times of day are the policy's zone's own: write 09:00:00, without a zone")
        if not self.opens <= self.remind_at < self.closes or not self.opens <= self.digest_at < self.closes:
            raise ValueError("remind_at and digest_at lie between opens and closes")
        return self


class Limits(Frozen):
    """What spares people a storm."""

    late_after_minutes: Annotated[int, Field(ge=1, le=10_080)] = 60  # a notice queued later than this is marked late
    messages_at_once: Annotated[int, Field(ge=1, le=1000)] = 5  # more for one person at once become one message
    chase_every_hours: Annotated[int, Field(ge=1, le=720)] = 24  # the same project is chased at most so often
    chases_a_day: Annotated[int, Field(ge=1, le=10_000)] = 50  # by one officer


class Words(Frozen):
    """A notice's subject and text, Chinese and English, with places like `${title}`."""

    subject_zh: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    subject_en: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    zh: Annotated[str, StringConstraints(min_length=1, max_length=4000)]
    en: Annotated[str, StringConstraints(min_length=1, max_length=4000)]

    @field_validator("*")
    @classmethod
    def _known_places(cls, text: str) -> str:
        template = string.Template(text)
        if not template.is_valid():
            raise ValueError("a lone $: write $$ for the sign, ${title} for a place")
        strange = set(template.get_identifiers()) - PLACES
        if strange:
            raise ValueError(f"unknown places {', '.join(sorted(strange))}; known are {', '.join(sorted(PLACES))}")
        return text


class PlanHeader(Labelled):
    """The plan's own name, and the definition it goes with."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$")]
    version: Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)*$")]
    definition: str


class ReminderPlan(Frozen):
    """A whole plan. `hash` is the SHA-256 of its text."""

    plan: PlanHeader
    times: Times = Times()
    limits: Limits = Limits()
    escalate_to: Annotated[Roles, Field(min_length=1)] = ("division_head",)
    series: dict[Code, Series]  # by kind of checkpoint; `default` for those not named, `by_hand` for added ones
    events: dict[Code, Roles] = Field(default_factory=dict)  # event -> the roles told that it happened
    words: dict[KindOfNotice, Words]
    words_for: dict[Code, dict[KindOfNotice, Words]] = Field(default_factory=dict)  # by kind of checkpoint, first
    hash: str = ""

    @property
    def name(self) -> str:
        """Return `name/version`."""
        return f"{self.plan.name}/{self.plan.version}"

    @model_validator(mode="after")
    def _whole(self) -> "ReminderPlan":
        missing = set(KINDS) - set(self.words)
        if missing:
            raise ValueError(f"words are missing for {', '.join(sorted(missing))}")
        if "default" not in self.series:
            raise ValueError("series.default is missing")
        return self

    def worded(self, kind: KindOfNotice, checkpoint: str) -> Words:
        """Return the words of a kind of notice: those for its kind of checkpoint ("": it has none) go first."""
        return self.words_for.get(checkpoint, {}).get(kind) or self.words[kind]

    def series_for(self, kind: str, policy: Policy) -> Series:
        """Return the series of a kind of checkpoint with what the policy says filled in; nothing in it is None."""
        given = self.series.get(kind, self.series["default"])
        settings = policy.reminders
        steps = given.escalation
        if steps is None:
            steps = (Escalation(after_days=settings.escalate_after_days, to=self.escalate_to),)
        before, daily = given.before_working_days, given.overdue
        return given.model_copy(
            update={
                "before_working_days": settings.before_working_days if before is None else before,
                "overdue": settings.daily_while_overdue if daily is None else daily,
                "escalation": steps,
                "to": given.to or self.series["default"].to,
            }
        )


def read_plan(text: str) -> ReminderPlan:
    """Read a reminder plan from TOML text.

    Raises:
        BadDefinition: the text is not TOML, a key is unknown or missing, or a text names an unknown place.
    """
    try:
        data = tomllib.loads(text)
        return ReminderPlan.model_validate({**data, "hash": hashlib.sha256(text.encode()).hexdigest()})
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadDefinition(f"not TOML: {error}") from error
    except ValidationError as error:
        raise BadDefinition(describe(error)) from error
    except ValueError as error:  # a number too long to be read
        raise BadDefinition(f"not TOML: {error}") from error
