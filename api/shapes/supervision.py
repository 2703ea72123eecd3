"""Shapes of dynamic supervision: progress calls and proposed lapses."""

from api.shapes.parts import Label, Shape


class Lapse(Shape):
    """A project past a round's grace, and the act by which a person confirms that it lapsed."""

    project: str
    code: str
    title: str
    city: str
    lead_name: str
    version: int
    state: str
    state_label: Label
    event: str
    grace_ended_on: str
    days_over: int
    provisional: bool


class ProgressCall(Shape):
    """A progress call; `status`: answered, late (came after its day), missed, open or upcoming."""

    kind: str
    label: Label
    number: int
    opens_on: str
    due_on: str
    answered_on: str | None
    status: str
