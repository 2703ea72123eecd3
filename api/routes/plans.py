"""What a batch counts and reminds by: its calendar and its reminder plan, previewed and taken over; simulations."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field, StringConstraints, model_validator
from starlette.responses import Response

from api.dependencies import Here, Key, project_id
from api.openapi import WRITES, operation
from api.replies import reply
from api.requests import StrictRoute
from api.schemas import Body, Code, Day, Digest, ProjectId, Reason
from api.shapes.planning import CalendarAdopted, CalendarPreview, PlanPreview, PlanSet, PlanShown, Simulation
from lifecycle import calendars, overviews, plans
from schedules.outlooks import Shown
from schedules.scenarios import Changes
from schedules.simulator import simulate_batch, simulate_project

router = APIRouter(prefix="/api/v1", tags=["batches"], route_class=StrictRoute)
BATCH = "/batches/{batch}"
SENT = ("unsupported-media-type", "too-large")  # what a body may be refused for
Text = Annotated[str, StringConstraints(min_length=1, max_length=256 * 1024)]


class CalendarBody(Body):
    """The State Council's notice as published, a calendar file (TOML), or a table `日期,休/班`."""

    text: Text


class CalendarCommit(CalendarBody):
    """The same again, with the digest of its preview and why."""

    digest: Digest
    reason: Reason


class PlanBody(Body):
    """A reminder plan (TOML); null: the one that ships with the lifecycle."""

    text: Text | None


class PlanCommit(PlanBody):
    """The plan to set, and why."""

    reason: Reason


class SimulationBody(Body):
    """What is to be simulated: one project or a batch, from now on for so many days, with what is assumed."""

    project: ProjectId | None = None
    batch: Annotated[str, Field(max_length=64)] | None = None
    days: Annotated[int, Field(strict=True, ge=1, le=730)] = 365
    record: dict[Code, Any] = Field(default_factory=dict, max_length=50)
    published_on: Day | None = None
    extend_months: Annotated[int, Field(strict=True, ge=0, le=120)] = 0
    delay_days: Annotated[int, Field(strict=True, ge=0, le=3660)] = 0
    state: Code | None = None
    calendar: Text | None = None
    plan: Text | None = None
    details: Annotated[int, Field(strict=True, ge=0, le=50, description="of so many projects every reminder")] = 0
    after: ProjectId | None = None

    @model_validator(mode="after")
    def _one_subject(self) -> "SimulationBody":
        if (self.project is None) == (self.batch is None):
            raise ValueError("give either project or batch")
        if self.project is not None and (self.details or self.after):
            raise ValueError("details and after are of a batch: a project's are always given")
        return self

    def changes(self) -> Changes:
        """Return what is assumed."""
        names = ("record", "published_on", "extend_months", "delay_days", "state", "calendar", "plan")
        return Changes(**{name: getattr(self, name) for name in names})

    def until(self, now: datetime) -> datetime:
        """Return when the simulation ends."""
        return now.astimezone(UTC) + timedelta(days=self.days)


@router.post(
    f"{BATCH}/calendars/previews",
    **operation(
        "previewCalendar", "日历预览", "Preview a calendar", "forbidden", "not-found", *SENT, model=CalendarPreview
    ),
)
def preview_calendar(here: Here, batch: str, body: CalendarBody) -> Response:
    """Say which open checkpoints would move if the batch counted by this calendar; nothing is written."""
    with here.reading() as tx:
        row = overviews.find_batch(tx, here.caller, batch)
        found = calendars.preview_calendar(tx, here.caller, row, body.text)
    return reply(found.to_dict())


@router.post(
    f"{BATCH}/calendars",
    **operation(
        "adoptCalendar", "启用日历", "Adopt a calendar", "forbidden", "not-found", "preview-stale", *WRITES,
        model=CalendarAdopted,
    ),
)  # fmt: skip
def adopt_calendar(here: Here, batch: str, body: CalendarCommit, key: Key = None) -> Response:
    """Let the batch count by a previewed calendar: dates that move are recorded, and people are told."""
    asked = {"adopt_calendar": body.model_dump(mode="json")}
    with here.acting_on_batch(batch, "adopt_calendar", key, asked) as (tx, row):
        answer, replayed = here.once(
            tx,
            key,
            asked,
            lambda: calendars.adopt_calendar(
                tx, here.service.log, here.caller, row, body.text, body.digest, body.reason
            ).to_dict(),
        )
    return reply(answer, replayed=replayed)


@router.get(
    f"{BATCH}/reminder-plan",
    **operation("showPlan", "提醒方案", "The reminder plan", "forbidden", "not-found", model=PlanShown),
)
def show_plan(here: Here, batch: str) -> Response:
    """Return the plan that the batch's reminders follow, with its text."""
    with here.reading() as tx:
        found = plans.show_plan(tx, overviews.find_batch(tx, here.caller, batch))
    return reply(found)


@router.post(
    f"{BATCH}/reminder-plan/previews",
    **operation(
        "previewPlan", "提醒方案预览", "Preview a reminder plan", "forbidden", "not-found", *SENT, model=PlanPreview
    ),
)
def preview_plan(here: Here, batch: str, body: PlanBody) -> Response:
    """Say what is wrong with a plan, and for how many open checkpoints the next reminder would change."""
    with here.reading() as tx:
        row = overviews.find_batch(tx, here.caller, batch)
        found = plans.preview_plan(tx, here.caller, row, body.text)
    return reply(found.to_dict())


@router.put(
    f"{BATCH}/reminder-plan",
    **operation("setPlan", "启用提醒方案", "Set the reminder plan", "forbidden", "not-found", *WRITES, model=PlanSet),
)
def set_plan(here: Here, batch: str, body: PlanCommit, key: Key = None) -> Response:
    """Let all reminders of the batch follow this plan from the next sweep on."""
    asked = {"set_plan": body.model_dump(mode="json")}
    with here.acting_on_batch(batch, "set_plan", key, asked) as (tx, row):

        def act() -> dict[str, Any]:
            receipt = plans.set_plan(tx, here.service.log, here.caller, row, body.text, body.reason)
            return {"receipt": receipt.to_dict()}

        answer, replayed = here.once(tx, key, asked, act)
    return reply(answer, replayed=replayed)


@router.post(
    "/simulations",
    **operation(
        "simulate", "推演", "Simulate deadlines and reminders", "forbidden", "not-found", *SENT, model=Simulation
    ),
)
def simulate(here: Here, body: SimulationBody) -> Response:
    """Say what would fall due and who would be told, by the code that does it; nothing is written."""
    now = here.caller.now
    with here.reading() as tx:
        if body.project is not None:
            one = simulate_project(tx, here.caller, project_id(body.project), body.changes(), now, body.until(now))
            return reply({"project": one.to_dict(), "batch": None, "projects": None, "next": None})
        row = overviews.find_batch(tx, here.caller, body.batch or "")
        shown = Shown(body.details, body.after.lower() if body.after else "")
        whole = simulate_batch(tx, here.caller, row, body.changes(), now, body.until(now), shown.add)
    told = [one.to_dict() for one in shown.projects] if body.details else None
    return reply({"project": None, "batch": whole.to_dict(), "projects": told, "next": shown.next})
