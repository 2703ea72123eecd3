"""Shape of a proposed lapse."""

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
