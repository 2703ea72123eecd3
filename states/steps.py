"""Owns the steps of a story as data: what is done with projects, dockets, panels, objections and lists.

A step does exactly one kind of thing. Its date, its person, its projects and its words are the same whatever it does.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from states.definition import Code, Frozen, Labelled

Values = dict[str, Any]
Names = tuple[str, ...]  # aliases or tags


class Selection(Frozen):
    """Which projects a step takes: all that meet every condition given."""

    projects: Names = ()  # empty: all
    without: Names = ()
    cities: tuple[str, ...] = ()
    states: tuple[str, ...] = ()


class Derived(Frozen):
    """A field's value that differs from project to project."""

    of: str | None = None  # a column of the project, or a path into one: record.<field>
    percent: int = 100  # of a number so found, rounded down
    cycle: tuple[Any, ...] = ()  # one after the other
    text: str | None = None  # with {code} of the project and {number} within the step


class Form(Frozen):
    """Fields and documents that several steps bring in the same way."""

    fields: Values = Field(default_factory=dict)
    each: dict[Code, Derived] = Field(default_factory=dict)
    documents: tuple[Code, ...] = ()


class CutPlan(Frozen):
    """One cut through the projects by score, as `panels.proposals.Cut` takes it."""

    event: Code
    take: int | None = None
    score: str | None = None
    numbered: Code | None = None


class DocketStep(Frozen):
    """What is done with the drafts of a kind, one after the other; one docket for each person who acts, by city.

    `propose` opens a draft with what a panel's results make of it: `undecided` are those of one score whom a cut
    would divide. `put` adds the step's projects or changes them. `try` asks what other score lines would do: `moves`.
    `allot` works rewards out: `whys` names whom each reason left without one.
    """

    kind: Code
    do: tuple[
        Literal[
            "open",
            "propose",
            "put",
            "take_off",
            "withdraw",
            "admit",
            "release",
            "receive",
            "return",
            "try",
            "allot",
        ],
        ...,
    ]
    events: dict[Code, Names] = Field(default_factory=dict)  # who asks for another act than the kind's first
    purpose: Code | None = None  # whose panels' results are the items' scores
    cuts: tuple[CutPlan, ...] = ()
    undecided: Names = ()
    copies: int = 0
    lines: dict[Code, str] = Field(default_factory=dict)
    moves: Names = ()
    whys: dict[Code, Names] = Field(default_factory=dict)


class PanelStep(Frozen):
    """What is done with the panel of a name: led by the step's person; declared and scored by its experts in turn.

    A sheet's total is the project's (`totals`, else `total`) and one of `offsets`, in the order of the experts.
    """

    name: Code
    do: tuple[Literal["found", "declare", "assign", "assign_pair", "open", "score", "sit", "conclude", "reopen"], ...]
    purpose: Code | None = None
    title: str = ""
    experts: tuple[str, ...] = ()  # parts; the first is the chair
    conflicts: dict[str, Names] = Field(default_factory=dict)  # part -> projects, as it declares
    avoided: dict[str, Names] = Field(default_factory=dict)  # part -> projects that an assignment must not give it
    pair: str = ""  # the part to whom the step's projects are given by hand
    seed: int = 0
    due_on: date | None = None
    total: Derived | None = None
    totals: dict[str, int] = Field(default_factory=dict)  # alias -> points of 100
    offsets: tuple[int, ...] = (0,)
    method: Code | None = None
    minutes: str = ""

    @property
    def parts(self) -> frozenset[str]:
        """Return every part that the step names."""
        return frozenset({*self.experts, *self.conflicts, *self.avoided, *([self.pair] if self.pair else [])})


class ObjectionStep(Frozen):
    """What is done with an objection to each of the step's projects: received, completed or decided."""

    do: Literal["receive", "complete", "decide"]
    outcome: Literal["dismissed", "rejected", "upheld"] = "rejected"
    finding: str = ""


class InvestmentStep(Frozen):
    """A list of actual investment of each of the step's projects: claimed in some lines, or verified line by line.

    Claimed: `percent` of the planned investment, in as many lines as `shares` has parts, of 100 in all. `invoice` has
    the place {code} and {number}; one without a place is the same in every project, which the register flags.
    """

    round: Code
    do: Literal["claim", "verify"]
    percent: int = 0
    shares: tuple[int, ...] = (50, 30, 20)
    invoice: str = "{code}-{number}"
    paid_on: date | None = None
    item: str = ""
    payee: str = ""
    cuts: dict[int, int] = Field(default_factory=dict)  # line -> percent verified


class Step(Form):
    """One thing done at one date, and what must come of it."""

    on: date
    hour: int = 10
    by: str
    event: str | None = None
    amend: Values = Field(default_factory=dict)  # instead of an event: what was filed is changed
    docket: DocketStep | None = None
    panel: PanelStep | None = None
    objection: ObjectionStep | None = None
    investment: InvestmentStep | None = None
    select: Selection = Selection()
    forms: tuple[str, ...] = ()
    reason: str | None = None
    override: tuple[str, ...] = ()
    bulk: bool = False
    awaiting: bool = False  # the first of two signatures
    refused_by: tuple[str, ...] = ()  # rule numbers, or names of structural checks; exactly these
    leaves: Names = ()  # who alone are refused; empty: all are
    fails: Annotated[str | None, Field(pattern=r"^[a-z-]+$")] = None  # the whole step is refused, with this code
    say: Labelled

    @property
    def does(self) -> str:
        """Return what the step does, as messages name it."""
        kinds = {"docket": self.docket, "panel": self.panel, "objection": self.objection, "investment": self.investment}
        named = next((kind for kind, given in kinds.items() if given), None)
        return self.event or named or "amend"

    @property
    def kinds(self) -> int:
        """Return how many kinds of thing the step would do; one is right."""
        every = (self.event, self.amend, self.docket, self.panel, self.objection, self.investment)
        return sum(bool(given) for given in every)


def derive(spec: Derived, project: Mapping[str, Any], number: int) -> Any:
    """Return a value for the `number`th project of a step.

    Raises:
        KeyError: the project has no such column, or nothing under the path.
    """
    if spec.text is not None:
        return spec.text.format(code=project["code"], number=number)
    if spec.cycle:
        return spec.cycle[(number - 1) % len(spec.cycle)]
    value: Any = project
    for part in (spec.of or "").split("."):
        value = value[part]
    return value if spec.percent == 100 else value * spec.percent // 100
