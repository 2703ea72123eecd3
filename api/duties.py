"""Bodies of requests about what people have to see to: deadlines, persons in charge, chases, notices, messages."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from api.schemas import NO_BREAK, NO_CONTROL, Body, Code, Day, Digest, ProjectId, Reason, Version

Login = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NO_BREAK)]
Note = Annotated[str, StringConstraints(max_length=500, pattern=NO_CONTROL)]
Identifier = Annotated[str, StringConstraints(max_length=100)]


class NewDeadline(Body):
    """A deadline to add to a project; `to` names the roles, or groups of them, to be reminded."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"title": "补充设备清单", "due_on": "2024-08-20", "to": ["applicant"], "reason": "现场核查发现缺项"}
            ]
        }
    )
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=NO_BREAK)]
    due_on: Day
    to: Annotated[list[Code], Field(min_length=1, max_length=20)]
    reason: Reason | None = None
    expected_version: Version | None = None


class MovedDeadline(Body):
    """Another date for a deadline."""

    due_on: Day
    reason: Reason | None = None
    expected_version: Version | None = None


class Ending(Body):
    """How a deadline ends."""

    how: Literal["done", "withdrawn"]
    reason: Reason | None = None
    expected_version: Version | None = None


class InCharge(Body):
    """Who is to be in charge in a role, by login; null: all of that role again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"login": "li", "note": "原经办人借调"}]})
    login: Login | None
    note: Note | None = None
    expected_version: Version | None = None


class Handover(Body):
    """Projects of one batch to hand over in a role, to a person by login; null: to all of that role again."""

    batch: Annotated[str, Field(max_length=64)]
    projects: list[ProjectId]
    role: Code
    login: Login | None

    def ids(self) -> list[str]:
        """Return the projects' ids in the form in which they are stored."""
        return [project.lower() for project in self.projects]


class HandoverCommit(Handover):
    """The same again, with the digest of its preview."""

    digest: Digest
    note: Note | None = None


class ChaseBody(Body):
    """What is chased: an open checkpoint by id (null: the one due first), with a note to those concerned."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "请尽快报送半年期验收材料"}]})
    checkpoint: Identifier | None = None
    note: Note | None = None


class Readings(Body):
    """Notices of the inbox that the caller has read."""

    notices: Annotated[list[Identifier], Field(min_length=1, max_length=500)]


class Bounce(Body):
    """Why a message came back, as the other side said it."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=NO_CONTROL)]
