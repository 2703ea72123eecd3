"""Bodies of requests about panels of experts and about an expert's own work."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints

from api.duties import Identifier, Login, Note
from api.schemas import NO_BREAK, Body, Code, Day, Prose, Reason, TaskCode, Version

Logins = Annotated[list[Login], Field(max_length=200)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=NO_BREAK)]
Projects = Annotated[list[Identifier], Field(min_length=1, max_length=2000)]


class NewPanel(Body):
    """A panel to set up for a batch, or for one of its tasks."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"purpose": "review", "title": "智能制造评审一组"}]})
    purpose: Code
    title: Line
    task: TaskCode | None = None


class PanelExperts(Body):
    """Experts to put on a panel, by login, and its chair (null: as it is)."""

    logins: Logins = Field(default_factory=list)
    chair: Login | None = None
    expected_version: Version | None = None


class PanelProjects(Body):
    """Projects to give a panel; null: all that stand to be scored and are on no panel of this purpose yet."""

    projects: Projects | None = None
    expected_version: Version | None = None


class Pair(Body):
    """A project and the expert who is to score it."""

    project: Identifier
    login: Login


class Assignments(Body):
    """Projects given to experts by hand."""

    pairs: Annotated[list[Pair], Field(min_length=1, max_length=2000)]
    expected_version: Version | None = None


class Balance(Body):
    """Projects given to experts evenly; the same seed gives the same. Null: one is drawn, and recorded."""

    seed: Annotated[int, Field(strict=True, ge=0, lt=2**31)] | None = None
    expected_version: Version | None = None


class Because(Body):
    """Why something is done."""

    reason: Reason | None = None


class Release(Pair):
    """A project taken back from an expert, and why."""

    reason: Reason


class Opening(Body):
    """By when sheets are to be submitted."""

    due_on: Day
    expected_version: Version | None = None


class Conclusion(Body):
    """The end of a round; a reason where sheets are missing."""

    reason: Reason | None = None
    expected_version: Version | None = None


class Reopening(Body):
    """A new round, for all of the panel's projects or for these."""

    reason: Reason
    due_on: Day
    projects: Projects | None = None
    expected_version: Version | None = None


class Sitting(Body):
    """A sitting on record; null: all projects still scored, all experts."""

    method: Code
    held_on: Day
    minutes_number: Line
    projects: Projects | None = None
    present: Logins | None = None
    minutes: dict[str, Any] | None = None
    note: Reason | None = None


class PanelChase(Body):
    """Whom to chase for missing sheets, by login; null: everybody whose are missing."""

    logins: Annotated[list[Login], Field(min_length=1, max_length=200)] | None = None
    note: Note | None = None


class DeclaredConflict(Body):
    """A project with which one has a conflict of interest, and what it is."""

    project: Identifier
    note: Note | None = None


class Declaration(Body):
    """All the projects of the panel with which one has a conflict; none: there are none."""

    conflicts: Annotated[list[DeclaredConflict], Field(max_length=2000)]


class Points(Body):
    """Points by criterion, and a comment."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"points": {"necessity": "18.5", "technology": 25}, "comment": "方案可行"}]}
    )
    points: Annotated[dict[str, Any], Field(max_length=60)]
    comment: Prose | None = None
    expected_version: Version | None = None


class Submission(Body):
    """A sheet to submit: with these points and comment, or (null) as it was kept."""

    points: Annotated[dict[str, Any], Field(max_length=60)] | None = None
    comment: Prose | None = None
    expected_version: Version | None = None


class CutBody(Body):
    """The next so many projects, or those from a score on, or (neither) the rest: one act, with what all get."""

    event: Code
    take: Annotated[int, Field(strict=True, ge=0, le=10_000)] | None = None
    score: Annotated[str, StringConstraints(max_length=6)] | None = None
    numbered: Code | None = None
    first: Annotated[int, Field(strict=True, ge=1, le=999)] = 1
    fields: dict[Code, Any] = Field(default_factory=dict, max_length=50)
    note: Reason | None = None


class ProposalBody(Body):
    """A kind of docket, and how the results are cut."""

    kind: Code
    cuts: Annotated[list[CutBody], Field(min_length=1, max_length=20)]
