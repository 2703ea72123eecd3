"""Shapes of rewards worked out from scores: under the batch's terms, under others, and who moves."""

from pydantic import Field

from api.shapes.dockets import Drafted
from api.shapes.parts import Label, Shape


class Award(Shape):
    """What one project comes to; `at_line`: its score is exactly the tier's line; `tied`: how many have this score."""

    project: str
    code: str
    title: str
    city: str
    score: str | None
    verified_fen: int | None
    tier: str | None
    amount_fen: int
    why: str
    message: Label
    at_line: bool
    tied: int


class TierCount(Label):
    """A tier with its cap, and how many projects come to it."""

    cap_fen: int
    projects: int


class Reckoning(Shape):
    """What all projects of a draft come to under some terms, the highest score first."""

    lines: dict[str, str]
    share_percent: int
    cost_fen: int
    left_fen: int
    tiers: dict[str, TierCount]
    awards: list[Award]


class Part(Shape):
    """A tier and an amount; none: not rewarded."""

    tier: str | None
    amount_fen: int


class Moved(Shape):
    """A project that the terms tried out treat differently."""

    project: str
    code: str
    before: Part = Field(alias="from")
    after: Part = Field(alias="to")


class Tried(Shape):
    """The batch's own terms beside those tried out; nothing was written."""

    docket: str
    version: int
    available_fen: int
    own: Reckoning
    tried: Reckoning
    moves: list[Moved]
    costs_more_fen: int


class Allotted(Drafted):
    """The draft as it was written, and the reckoning."""

    reckoning: Reckoning
