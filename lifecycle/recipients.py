"""Who can be told and over which channels: active people and their addresses, read for many projects at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from lifecycle.database import Transaction
from lifecycle.requests import is_identifier
from lifecycle.sets import for_both, select_many, within
from lifecycle.statements import Row
from lifecycle.tables import Address, Person
from states.audience import Reach, Someone, audience, may_be_told
from states.roles import role_book

_person = Person.__table__  # type: ignore[attr-defined]
_address = Address.__table__  # type: ignore[attr-defined]

_PERSON = (_person.c.id, _person.c.name, _person.c.role, _person.c.city, _person.c.unit, _person.c.active)
# One list of role codes, city codes and credit codes: they look so different that none is taken for another.
AROUND = for_both(
    lambda dialect: sa.select(*_PERSON).where(
        _person.c.active.is_(True),
        sa.or_(*(within(_person.c[name], "wanted", dialect) for name in ("role", "city", "unit"))),
    )
)
NAMED = for_both(lambda dialect: sa.select(*_PERSON).where(within(_person.c.id, "wanted", dialect, "uuid")))
ADDRESSES = for_both(
    lambda dialect: sa.select(_address).where(
        sa.text("active"), within(_address.c.person_id, "wanted", dialect, "uuid")
    )
)

Channels = Mapping[str, Mapping[str, bool]]  # person id -> channel -> whether that address has the digest choice


@dataclass(frozen=True, slots=True)
class Crowd:
    """Active people, found by the role, city or unit through which they reach a project."""

    everywhere: Sequence[Someone]
    by_place: Mapping[str, Sequence[Someone]]

    @property
    def ids(self) -> list[str]:
        """Return everybody's id, sorted."""
        return sorted({person.id for some in (self.everywhere, *self.by_place.values()) for person in some})

    def near(self, reach: Reach) -> list[Someone]:
        """Return those of them who could reach a project."""
        return [*self.everywhere, *self.by_place.get(reach.city, ()), *self.by_place.get(reach.lead_code, ())]


def reach_of_row(row: Row) -> Reach:
    """Return the reach of a row that brings a project's city, lead and persons in charge."""
    return Reach(row["city"], row["lead_code"], row["responsible"] or {})


def crowd_around(tx: Transaction, reaches: Iterable[Reach]) -> Crowd:
    """Return the active people who may be told of these projects: one read."""
    roles = [code for code, role in role_book().roles.items() if role.scope == "all" and may_be_told(code)]
    places = {place for reach in reaches for place in (reach.city, reach.lead_code) if place}
    everywhere: list[Someone] = []
    by_place: dict[str, list[Someone]] = {}
    for row in select_many(tx, AROUND, "wanted", [*roles, *sorted(places)]):
        person, role = someone(row), role_book().roles.get(row["role"])
        if role is None:
            continue
        if role.scope == "all":
            everywhere.append(person)
        elif role.scope in ("city", "unit") and row[role.scope]:
            by_place.setdefault(row[role.scope], []).append(person)
    return Crowd(everywhere, by_place)


def people_named(tx: Transaction, ids: Iterable[str]) -> dict[str, Row]:
    """Return id -> person, active or not, of those that are people of ours: one read."""
    wanted = sorted({person for person in ids if is_identifier(person)})
    return {row["id"]: row for row in select_many(tx, NAMED, "wanted", wanted)}


def addresses_of(tx: Transaction, people: Iterable[str]) -> dict[tuple[str, str], Row]:
    """Return (person, channel) -> the active address: one read."""
    return {(row["person_id"], row["channel"]): row for row in select_many(tx, ADDRESSES, "wanted", people)}


def channels_of(addresses: Iterable[Row]) -> Channels:
    """Return on which channels people are reached beside their inbox."""
    found: dict[str, dict[str, bool]] = {}
    for row in addresses:
        found.setdefault(row["person_id"], {})[row["channel"]] = row["digest"]
    return found


def someone(row: Row) -> Someone:
    """Return a person's row as the rules read it."""
    return Someone(row["id"], row["role"], row["city"], row["unit"])


def in_charge(row: Row) -> set[str]:
    """Return who decides whether a row's recipient is told: the recipient, and the project's persons in charge."""
    return {row["recipient"], *(row["responsible"] or {}).values()}


def still_told(row: Row, people: Mapping[str, Row]) -> bool:
    """Tell whether the recipient of a notice's row, with its project's columns, would be told of the project now.

    `people` holds everybody of `in_charge`. What belongs to no project is for its recipient, as long as active.
    """
    recipient = people.get(row["recipient"])
    if recipient is None or not recipient["active"]:
        return False
    if row["project_id"] is None:
        return True
    known = [someone(people[person]) for person in sorted(in_charge(row)) if _is_active(people.get(person))]
    told: list[Any] = audience([row["role"]], reach_of_row(row), known)
    return any(person == row["recipient"] for person, _ in told)


def _is_active(person: Row | None) -> bool:
    return person is not None and bool(person["active"])
