"""Words looked at before they are used, and a test over one's own addresses."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field, StringConstraints
from starlette.responses import Response

from api.dependencies import Here, Key
from api.openapi import WRITES, operation
from api.problems import CREATED
from api.replies import reply
from api.requests import StrictRoute
from api.schemas import NO_CONTROL, Body, Code
from api.shapes.planning import TrialMade, WordsShown
from lifecycle import overviews, trials
from lifecycle.batches import rules_of
from schedules.scenarios import read_reminders
from schedules.wording import preview
from states.reminders import KindOfNotice

router = APIRouter(prefix="/api/v1", route_class=StrictRoute)
Place = Annotated[str, StringConstraints(max_length=500, pattern=NO_CONTROL)]


class WordsBody(Body):
    """Words to look at: a kind of notice (and of checkpoint), of the batch's plan or of one not set yet."""

    kind: KindOfNotice
    checkpoint: Code | None = None
    places: dict[Code, Place] = Field(default_factory=dict, max_length=30)
    text: Annotated[str, StringConstraints(min_length=1, max_length=256 * 1024)] | None = None


class TrialBody(Body):
    """In the words of which batch the test is to be sent."""

    batch: Annotated[str, Field(max_length=64)]


@router.post(
    "/batches/{batch}/reminder-plan/words",
    tags=["batches"],
    **operation(
        "previewWords",
        "提醒文字预览",
        "Preview a plan's words",
        *("forbidden", "not-found", "unsupported-media-type", "too-large"),
        model=WordsShown,
    ),
)
def show_words(here: Here, batch: str, body: WordsBody) -> Response:
    """Return what a notice would look like as a mail, places filled with samples; nothing is written or sent."""
    with here.reading() as tx:
        plan = rules_of(tx, overviews.find_batch(tx, here.caller, batch)).reminders
    shown = preview(read_reminders(body.text) if body.text else plan, body.kind, body.places, body.checkpoint or "")
    return reply(shown._asdict())


@router.post(
    "/people/me/tests",
    tags=["people"],
    **operation(
        "sendTest",
        "测试提醒渠道",
        "Test one's own addresses",
        *("forbidden", "not-found", "too-soon", *WRITES),
        model=TrialMade,
        status_code=CREATED,
    ),
)
def send_test(here: Here, body: TrialBody, key: Key = None) -> Response:
    """Send the caller a test over each of their addresses; the clock carries it out, at any time of day."""
    asked = {"test": body.model_dump(mode="json")}
    with here.acting(("user", here.caller.actor.id), "send_test", key, asked) as tx:

        def act() -> dict[str, Any]:
            batch = overviews.find_batch(tx, here.caller, body.batch)
            return trials.send_test(tx, here.service.log, here.caller, batch).to_dict()

        answer, replayed = here.once(tx, key, asked, act)
    return reply(answer, status=CREATED, replayed=replayed)
