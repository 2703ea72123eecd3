"""Owns papers 公文 as a batch's data: which there are, where they belong, their words, forms, lists and boxes to sign.

A text names what it takes from the log by places in braces: `{title}`, `{record.FIELD}`, `{capital.FIELD}` (money in
capitals), `{checkpoints.KIND}`, `{header.FIELD}` of a docket. What is a place is told here; what stands there, by the
position in the log.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from states.definition import Code, Frozen, Labelled, LifecycleDefinition

PLACE = re.compile(r"\{([a-z_]+(?:\.[a-z0-9_]+)?)\}")
PLAIN = frozenset(
    {
        *(
            "code",
            "title",
            "city",
            "task_code",
            "ownership",
            "group",
            "lead",
            "lead_code",
            "landing",
            "others",
            "units",
        ),
        *("investment", "starts_on", "ends_on", "opinion", "contact", "phone", "state", "remarks", "landing_codes"),
        *("programme", "issuer", "on", "year", "rank", "number", "count", "docket_number", "docket_city", "tier_cap"),
        "act",
    }
)
OPEN = frozenset({  # what stands on a list that the notice makes public
    *("title", "city", "task_code", "lead", "landing", "others", "units", "number", "count", "act"),
    *("programme", "issuer", "on", "year", "docket_number"),
})  # fmt: skip
KINDS = {"record": "field", "capital": "field", "header": "field", "checkpoints": "checkpoint"}
Lists = Literal[
    "facts", "members", "indicators", "record", "money", "vetoes", "checkpoints", "documents", "timeline", "attempts"
]


class Column(Labelled):
    """A column of a list of projects: a text with places, or an amount that is summed at the foot, in 万元."""

    text: str = ""
    money: str = ""  # `investment` or `record.FIELD`
    width: Annotated[int, Field(ge=5, le=200)]  # millimetres


class Part(Frozen):
    """One part of a paper; what is not given is not there. Headings are numbered as they come."""

    heading: str = ""
    text: tuple[str, ...] = ()
    form: tuple[tuple[str, ...], ...] = ()  # rows of labels and values by turns
    list: Lists | None = None
    columns: tuple[Column, ...] = ()  # of the docket's projects
    sign: tuple[str, ...] = ()  # boxes for an opinion, a signature and a date


class Paper(Labelled):
    """A paper that is made from a position in the log: of a project's stream, or of a docket's.

    `events`: of a docket's items, those that ask for these acts; empty: all. `states`: where a project must stand at
    that position; empty: anywhere. `by`: the roles that may have it; empty: all who reach the subject. `public`: it is
    the docket's list as everybody may have it once it is public.
    """

    dockets: tuple[Code, ...] = ()  # kinds of dockets it is a paper of; empty: of a project
    events: tuple[Code, ...] = ()
    states: tuple[Code, ...] = ()
    by: tuple[Code, ...] = ()
    number: str = ""
    title: str
    to: str = ""
    landscape: bool = False
    issued: bool = True  # ends with issuer and date
    public: bool = False
    parts: Annotated[tuple[Part, ...], Field(min_length=1)]

    def texts(self) -> Iterator[str]:
        """Yield every text that may hold places."""
        yield from (self.number, self.title, self.to)
        for part in self.parts:
            yield from (part.heading, *part.text)
            yield from (cell for row in part.form for cell in row)
            yield from (column.text for column in part.columns)
            yield from ("{" + column.money + "}" for column in part.columns if column.money)


class Papers(Frozen):
    """The papers of a batch, and who issues them."""

    issuer: str = ""
    kinds: dict[Code, Paper] = Field(default_factory=dict)


def places(text: str) -> list[str]:
    """Return the places that a text names."""
    return PLACE.findall(text)


def strange_places(definition: LifecycleDefinition, paper: Paper) -> Iterator[tuple[str, str]]:
    """Yield (kind, name) of every place of a paper that nothing can stand in: `field`, `checkpoint` or `place`."""
    known = {"field": frozenset(definition.fields), "checkpoint": frozenset(definition.checkpoints)}
    for text in paper.texts():
        if {"{", "}"} & set(PLACE.sub("", text)):
            yield "place", text
        for place in places(text):
            head, _, name = place.partition(".")
            if place not in PLAIN and head not in KINDS:
                yield "place", place
            elif head in KINDS and name not in known[KINDS[head]]:
                yield KINDS[head], name


def private_places(definition: LifecycleDefinition, paper: Paper) -> Iterator[str]:
    """Yield every place of a public paper that is not for everybody on one of its dockets.

    Open are what `OPEN` names, the header fields that the docket makes public, and the dates reckoned from those.
    """
    for docket in (definition.dockets[name] for name in paper.dockets if name in definition.dockets):
        shown = {f"record.{field}" for field in docket.public}
        for place in dict.fromkeys(place for text in paper.texts() for place in places(text)):
            head, _, name = place.partition(".")
            checkpoint = definition.checkpoints.get(name) if head == "checkpoints" else None
            reckoned = checkpoint is not None and checkpoint.anchor in shown
            if place not in OPEN and not reckoned and not (head == "header" and f"record.{name}" in shown):
                yield place
