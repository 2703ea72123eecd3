"""A lifecycle as data: states, transitions, fields, documents, checkpoints; frozen, read from TOML, named by hash."""

import hashlib
import tomllib
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
SAME = "@same"  # the act leaves the state as it is
Format = Literal["pdf", "ofd", "docx", "xlsx", "doc", "xls", "jpg", "png", "zip"]  # told by a file's content
LEFT = "@left"  # the act returns to the state the project left


class BadDefinition(ValueError):
    """A definition or policy file cannot be read; the message names the place and what is wrong there."""


class Frozen(BaseModel):
    """Base of all data read from TOML: unknown keys are refused, values never change."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Labelled(Frozen):
    """Something people see: a Chinese label and an English one beside it."""

    zh: str
    en: str


class State(Labelled):
    """A state: its phase, whether it ends the life, what capacities it holds and which checkpoints it keeps."""

    phase: Code
    final: bool = False
    holds: tuple[Code, ...] = ()
    checkpoints: tuple[Code, ...] = ()
    mode_checkpoints: dict[Code, tuple[Code, ...]] = Field(default_factory=dict)  # further ones, by mode
    amendable_by: tuple[Code, ...] = ()


class FieldSpec(Labelled):
    """A field that acts put on record. Money is integer fen; a score is a decimal in a string."""

    type: Literal[
        "text",
        "date",
        "money",
        "integer",
        "score",
        "boolean",
        "codes",
        "checks",
        "change",
        "answers",
        "calls",
        "attainments",
    ]
    gathers: bool = False  # a new value is added to what is on record (codes, checks) instead of replacing it
    sensitive: bool = False  # personal data or free text: enters the log as a commitment only
    hidden_from: tuple[Code, ...] = ()
    values: tuple[str, ...] = ()  # for codes: what may be chosen; empty: anything; for a change: what may be asked for
    minimum: int | None = None
    maximum: int | None = None


class DocumentSpec(Labelled):
    """A kind of document, the roles from which even its existence is kept, and the formats it may have."""

    hidden_from: tuple[Code, ...] = ()
    formats: tuple[Format, ...] = ()  # empty: whatever the policy takes


class CheckpointSpec(Labelled):
    """When a checkpoint falls due: an anchor date, then months, then days; amounts are settings of the policy."""

    anchor: str = ""  # entered_on | record.<field> | policy.<Rxx.setting>
    after: Code | None = None  # another checkpoint whose due date is the anchor
    months: str | None = None
    days: str | None = None
    counting: str | None = None
    typed: Code | None = None  # a field in which an officer may state the date himself
    typed_after_days: Code | None = None  # integer field: days suspended before it was typed, which do not move it
    typed_after_months: Code | None = None  # the same of months extended
    shifts: bool = False  # moved by extension and suspension
    stood: Code | None = None  # integer field: the days of suspension that move it, where those are not all there were
    repeat: str | None = None  # setting: how many times `months` recurs
    done: Code | None = None  # calls field: those of the recurring ones that were answered
    owed: Code | None = None  # kept only while this measure of the project is more than zero
    rolls: bool = True


class CapacitySpec(Labelled):
    """Something limited that states hold: a quota, a group's tasks, the budget."""

    scope: Literal["batch", "programme"]
    key: Code  # function in states/capacities.py that names the keys
    measure: Code  # function in states/capacities.py that says how much
    ceiling: str  # imported | a setting of the policy
    pool: Code | None = None  # the capacity it draws from, where that is not its own


class Flag(Labelled):
    """Something that is so until an act ends it. A flag that pauses stops the clocks that can be moved."""

    pauses: bool = False


class Transition(Labelled):
    """One arrow: who may take it, what it needs, what it leaves on record."""

    event: Code
    source: tuple[Code, ...]
    target: str
    by: tuple[Code, ...]
    rules: tuple[Code, ...] = ()
    fields: tuple[Code, ...] = ()
    optional: tuple[Code, ...] = ()
    documents: tuple[Code, ...] = ()
    optional_documents: tuple[Code, ...] = ()
    fresh: tuple[Code, ...] = ()  # of the documents, those that must come with this very act
    reason: bool = False
    persons: Literal[1, 2] = 1
    not_by: tuple[Code, ...] = ()  # events whose doer may not do this one
    requires: tuple[Code, ...] = ()
    forbids: tuple[Code, ...] = ()
    sets: tuple[Code, ...] = ()
    clears: tuple[Code, ...] = ()
    stamps: tuple[Code, ...] = ()  # date fields that take the business date
    counts: tuple[Code, ...] = ()  # integer fields that grow by one
    answers: dict[Code, Code] = Field(default_factory=dict)  # calls field: which recurring checkpoint the act answers
    copies: dict[Code, Code] = Field(default_factory=dict)  # integer field = what that integer field holds now
    elapsed: dict[Code, Code] = Field(default_factory=dict)  # integer field += days since that date field
    drops: tuple[Code, ...] = ()  # fields taken off the record: approvals that no longer hold
    amends: Code | None = None  # a change on record that the act carries out on what was filed
    round: Code | None = None
    modes: tuple[Code, ...] = ()  # acceptance modes in which the arrow exists; empty: all
    bulk: bool = True


class ObjectionActs(Frozen):
    """The acts by which a project learns of objections to it."""

    records: Code  # of the first that counts
    rejects: Code  # that the last one is rejected
    upholds: Code


class LateAct(Frozen):
    """What lets a docket come after its date: an act on each of its projects, with what that puts on record."""

    event: Code
    fields: dict[Code, tuple[str, ...]] = Field(default_factory=dict)


class Awards(Frozen):
    """How a docket's items are worked out from scores (`states/tiering.py`): the fields, and what draws on which money.

    An item that is rewarded asks for the kind's first act with these fields, another one for `otherwise`.
    """

    score: Code
    tier: Code
    amount: Code
    otherwise: Code
    capacity: Code  # the money there is, one pool for the whole batch


class DocketSpec(Labelled):
    """A kind of docket 办理清单: projects of one batch that are listed, decided and released together."""

    per: Literal["city", "batch"]  # one city's projects, or any of the batch
    by: tuple[Code, ...]  # who drafts and releases it
    events: Annotated[
        tuple[Code, ...], Field(min_length=1)
    ]  # what an item may ask for; the first where it says nothing
    header: tuple[Code, ...] = ()  # fields given once for all items
    documents: tuple[Code, ...] = ()  # documents given once, without which it is not released
    optional_documents: tuple[Code, ...] = ()
    ranked: Code | None = None  # the field that takes the dense order 1…n
    received_by: tuple[Code, ...] = ()  # another party that receives what is released
    returns: Code | None = None  # the act by which that party gives it back
    public: tuple[Code, ...] = ()  # header fields that the public sees, once it is released; empty: it is not public
    public_from: Code | None = None  # the one that says from which day on
    due: str | None = None  # setting: the date by which that party must have it
    late: LateAct | None = None  # how that party lets it come later
    awards: Awards | None = None  # its items can be worked out from scores
    persons: Literal[1, 2] = 1  # how many it takes to release it


class Round(Labelled):
    """An acceptance round: the fields that hold what the unit claims to have invested and what was verified of it.

    `attained`: the field with what the unit says it reached of its indicators.
    """

    claimed: Code
    verified: Code
    attained: Code | None = None


class Invariant(Labelled):
    """A property no path may break; `pilot check` proves it by walking every path."""

    name: Code
    kind: Literal["visited_before", "never_with_flag", "two_persons", "must_hold"]
    states: tuple[Code, ...] = ()
    visited: tuple[Code, ...] = ()
    flag: Code | None = None
    event: Code | None = None
    other: Code | None = None
    capacity: Code | None = None
    modes: tuple[Code, ...] = ()


class Header(Labelled):
    """The definition's own name and version."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$")]
    version: Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)*$")]
    initial: Code
    modes: tuple[Code, ...] = ("sequential",)


class LifecycleDefinition(Frozen):
    """A whole lifecycle. `hash` is the SHA-256 of the file's bytes: it names the version a project is pinned to."""

    definition: Header
    phases: dict[Code, Labelled]
    states: dict[Code, State]
    fields: dict[Code, FieldSpec] = Field(default_factory=dict)
    documents: dict[Code, DocumentSpec] = Field(default_factory=dict)
    checkpoints: dict[Code, CheckpointSpec] = Field(default_factory=dict)
    capacities: dict[Code, CapacitySpec] = Field(default_factory=dict)
    flags: dict[Code, Flag] = Field(default_factory=dict)
    rounds: dict[Code, Round] = Field(default_factory=dict)
    transitions: tuple[Transition, ...]
    dockets: dict[Code, DocketSpec] = Field(default_factory=dict)
    objections: ObjectionActs | None = None
    invariants: tuple[Invariant, ...] = ()
    hash: str = ""

    @property
    def name(self) -> str:
        """Return `name/version`."""
        return f"{self.definition.name}/{self.definition.version}"

    @cached_property
    def by_event(self) -> dict[str, tuple[Transition, ...]]:
        """Return the transitions of each event, in the file's order."""
        events: dict[str, list[Transition]] = {}
        for transition in self.transitions:
            events.setdefault(transition.event, []).append(transition)
        return {event: tuple(found) for event, found in events.items()}

    @cached_property
    def taken(self) -> dict[str, tuple[frozenset[str], frozenset[str]]]:
        """Return the fields and the documents that each event takes, by whichever of its arrows."""
        return {
            event: (
                frozenset(name for arrow in arrows for name in (*arrow.fields, *arrow.optional)),
                frozenset(kind for arrow in arrows for kind in (*arrow.documents, *arrow.optional_documents)),
            )
            for event, arrows in self.by_event.items()
        }

    @cached_property
    def offered_in(self) -> dict[str, tuple[str, ...]]:
        """Return the labels of the states in which each event is offered, in the file's order."""
        return {
            event: tuple(self.states[source].zh for transition in found for source in transition.source)
            for event, found in self.by_event.items()
        }

    @cached_property
    def by_source(self) -> dict[tuple[str, str], tuple[Transition, ...]]:
        """Return the transitions of each event out of each state, in the file's order."""
        return {
            (event, state): tuple(transition for transition in found if state in transition.source)
            for event, found in self.by_event.items()
            for state in self.states
        }

    @cached_property
    def counted_out(self) -> dict[str, tuple[str, ...]]:
        """Return the fields in which arrows that lead out of each state count how often they were taken, by state."""
        return {
            state: tuple(
                name
                for arrow in self.transitions
                if state in arrow.source and arrow.target != SAME
                for name in arrow.counts
            )
            for state in self.states
        }

    @cached_property
    def watched(self) -> frozenset[str]:
        """Return the events whose doer must be remembered because another person has to do a later one."""
        return frozenset(event for transition in self.transitions for event in transition.not_by)

    def find(self, event: str, state: str, mode: str) -> Transition | None:
        """Return the transition of this event out of this state in this mode, or None where there is none."""
        for transition in self.by_source.get((event, state), ()):
            if not transition.modes or mode in transition.modes:
                return transition
        return None

    def round_arrows(self, name: str, field: str, mode: str) -> list[Transition]:
        """Return the transitions of a round in a mode that bring this field: its applications, or its approvals."""
        return [
            transition
            for transition in self.transitions
            if transition.round == name
            and field in transition.fields
            and (not transition.modes or mode in transition.modes)
        ]

    def returns_to(self, state: str) -> frozenset[str]:
        """Return the states from which an arrow (not a return) leads into `state`: where `@left` may go."""
        return frozenset(
            source for transition in self.transitions if transition.target == state for source in transition.source
        )


def read_definition(text: str) -> LifecycleDefinition:
    """Read a definition from TOML text.

    Raises:
        BadDefinition: the text is not TOML, a key is unknown or missing, or a value has the wrong type.
    """
    try:
        data = tomllib.loads(text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        return LifecycleDefinition.model_validate({**data, "hash": digest})
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadDefinition(f"not TOML: {error}") from error
    except ValidationError as error:
        raise BadDefinition(describe(error)) from error
    except ValueError as error:  # a number too long to be read
        raise BadDefinition(f"not TOML: {error}") from error


def describe(error: ValidationError) -> str:
    """Return a validation error as lines `place: what is wrong`."""
    return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
