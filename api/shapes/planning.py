"""Shapes of calendars and reminder plans of a batch, and of simulations."""

from typing import Any

from api.shapes.parts import Label, Receipt, Shape


class CalendarPreview(Shape):
    """What a calendar would change; committed by its digest."""

    batch: str
    present: dict[str, Any]
    calendar: dict[str, Any]
    days: list[dict[str, Any]]
    warnings: list[Label]
    counts: dict[str, int]
    rows: list[dict[str, Any]]
    digest: str


class CalendarAdopted(Shape):
    """What adopting a calendar did."""

    batch: str
    calendar: str
    hash: str
    counts: dict[str, int]
    receipt: Receipt


class PlanShown(Shape):
    """A batch's reminder plan with its text; `bundled`: it is the one that ships."""

    batch: str
    name: str
    hash: str
    bundled: bool
    text: str


class PlanPreview(Shape):
    """What is wrong with a plan, and what setting it would do."""

    batch: str
    name: str | None
    hash: str | None
    present: str
    ready: bool
    faults: list[dict[str, Any]]
    effect: dict[str, Any] | None


class PlanSet(Shape):
    """The plan is set."""

    receipt: Receipt


class WordsShown(Shape):
    """What a notice would look like as a mail."""

    subject: str
    text: str
    html: str


class TrialMade(Shape):
    """A test under way: its id, and by channel the notice that carries it in the ledger."""

    id: str
    notices: dict[str, str]


class Simulation(Shape):
    """What would fall due and who would be told: of one project with every reminder, or of a batch in sums.

    `projects` are some of the batch's, each with every reminder; `next` is where their next page begins.
    """

    project: dict[str, Any] | None = None
    batch: dict[str, Any] | None = None
    projects: list[dict[str, Any]] | None = None
    next: str | None = None
