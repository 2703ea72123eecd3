"""Shapes of panels: listed, whole, changed; their results; and an expert's own work."""

from typing import Any, Literal

from api.shapes.parts import Label, Receipt, Shape

Status = Literal["preparing", "scoring", "concluded"]
SheetStatus = Literal["assigned", "draft", "submitted", "released"]


class PanelNamed(Shape):
    """What names a panel and how it stands."""

    id: str
    batch: str
    number: int
    purpose: str
    purpose_label: Label
    title: str
    task_code: str | None
    status: Status
    status_label: Label
    version: int
    due_on: str | None


class SheetCounts(Shape):
    """How many sheets of the present round there are of each status."""

    assigned: int
    draft: int
    submitted: int


class PanelSummary(PanelNamed):
    """A panel in a list, with how far it has come."""

    experts: int
    declared: int
    projects: int
    sheets: SheetCounts


class Expert(Shape):
    """An expert by name."""

    login: str
    name: str


class PanelExpert(Expert):
    """An expert on a panel, with what he carries in the present round."""

    unit: str | None
    group: str | None
    chair: bool
    active: bool
    declared_at: str | None
    chased_at: str | None
    load: int
    submitted: int


class Ground(Label):
    """Why an expert may not score a project."""

    code: str


class ProjectConflict(Expert):
    """An expert who may not score the project."""

    grounds: list[Ground]


class Scorer(Expert):
    """Who scores a project, and how far."""

    sheet: str
    status: SheetStatus
    total: str | None


class Outcome(Shape):
    """What a project's sheets came to; `wide`: they lie further apart than the setting finds usual."""

    score: str
    sheets: int
    low: str
    high: str
    spread: str
    wide: bool
    concluded_at: str


class PanelOutcome(Outcome):
    """The same, with whose totals were trimmed."""

    trimmed: list[Expert]


class PanelProject(Shape):
    """A project on a panel; a result only where its round has one."""

    project: str
    code: str
    title: str
    city: str
    state: str
    task_code: str
    lead_name: str
    round: int
    scored_by: list[Scorer]
    conflicts: list[ProjectConflict]
    result: PanelOutcome | None


class Session(Shape):
    """A sitting on record."""

    number: int
    method: str
    held_on: str
    minutes_number: str
    minutes: dict[str, Any] | None
    projects: list[dict[str, Any]]
    present: list[Expert]
    note: str | None
    recorded_at: str


class PanelWhole(PanelNamed):
    """A whole panel."""

    setting: dict[str, Any]
    seed: int | None
    experts: list[PanelExpert]
    projects: list[PanelProject]
    sessions: list[Session]


class PanelChanged(PanelNamed):
    """A panel as an act left it, with what the act did; no receipt: nothing changed."""

    receipt: Receipt | None
    added: list[str] | None = None
    assigned: int | None = None
    seed: int | None = None
    session: int | None = None
    conflicts: int | None = None
    released: list[str] | None = None
    concluded: int | None = None
    left_out: int | None = None
    reopened: list[str] | None = None
    chased: list[dict[str, Any]] | None = None


class Sheet(Shape):
    """A score sheet of one's own."""

    id: str
    project_id: str
    round: int
    status: SheetStatus
    points: dict[str, str]
    comment: str | None
    total: str | None
    version: int
    changed_at: str
    submitted_at: str | None


class SheetKept(Sheet):
    """A sheet as its expert left it."""

    receipt: Receipt | None


class PanelSheet(Sheet):
    """A sheet as province and auditor read it; `counts`: it is part of the present round's result."""

    expert: Expert
    counts: bool


class ResultNamed(Shape):
    """A project that panels of a purpose have."""

    project: str
    code: str
    title: str
    city: str
    state: str
    lead_name: str
    version: int
    round: int
    panel: int


class Ranked(ResultNamed, Outcome):
    """A project with its result; `pending`: it is not decided yet, and `fields` is what the act has to state."""

    rank: int
    tied: int
    pending: bool
    fields: dict[str, str]


class PanelResults(Shape):
    """What the panels of a purpose say: ranked across them, then those without a result."""

    batch: str
    purpose: str
    results: list[Ranked]
    unconcluded: list[ResultNamed]


class ProposalItem(Shape):
    """A project as a docket's draft takes it."""

    project: str
    event: str
    fields: dict[str, Any]
    note: str = ""


class Proposal(Shape):
    """What a docket could ask for; `undecided`: of one score, and a cut or their numbers would divide them."""

    batch: str
    purpose: str
    kind: str
    put: list[ProposalItem]
    undecided: list[Ranked]
    left: list[Ranked]
    unconcluded: list[ResultNamed]


class ReviewSummary(PanelNamed):
    """A panel that the caller is on."""

    chair: bool
    declared_at: str | None


class ReviewCriterion(Label):
    """What points are given for."""

    code: str
    maximum: int
    weight: int


class ReviewProject(Shape):
    """As much of a project as it takes to know a conflict."""

    project: str
    code: str
    title: str
    units: list[str]
    conflicts: list[Ground]


class ReviewSheet(Shape):
    """A sheet of the caller's; `due`: of the present round."""

    id: str
    project: str
    code: str
    title: str
    round: int
    status: SheetStatus
    total: str | None
    version: int
    due: bool


class Review(ReviewSummary):
    """A panel as one of its experts sees it."""

    criteria: list[ReviewCriterion]
    projects: list[ReviewProject]
    sheets: list[ReviewSheet]


class ListSum(Shape):
    """One list of actual investment in all."""

    number: int
    lines: int
    total_fen: int


class RoundLists(Shape):
    """What a round claims and what was verified of it, by `claimed` and `verified`."""

    label: Label
    lists: dict[str, ListSum]


class Reached(Shape):
    """An indicator with what was reached of it; `percent` of the way from the baseline to the target."""

    number: int
    name: str
    unit: str
    baseline: str | None
    target: str
    better: str
    planned_on: str | None
    achieved: str | None
    remark: str | None
    met: bool
    percent: str | None


class Papers(Shape):
    """What an expert reads of a project that he was given."""

    project: str
    code: str
    title: str
    city: str
    city_label: Label
    state: str
    task_code: str
    ownership: str
    group_name: str | None
    investment_fen: int
    starts_on: str | None
    ends_on: str | None
    members: list[dict[str, Any]]
    record: dict[str, Any]
    documents: dict[str, dict[str, Any]]
    investments: dict[str, RoundLists]
    indicators: list[dict[str, Any]]
    self_evaluation: dict[str, list[Reached]]
    sheets: list[Sheet]
