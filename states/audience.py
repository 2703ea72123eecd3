"""Owns who is told: which people of the roles that a reminder plan names, for one project."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from states.roles import actor_of, role_book


class Reach(NamedTuple):
    """What of a project decides who is told: its city, its lead unit's code, and the persons in charge by role."""

    city: str
    lead_code: str
    responsible: Mapping[str, str]


class Someone(NamedTuple):
    """An active person in a role; city and unit where the role's scope asks for them."""

    id: str
    role: str
    city: str | None
    unit: str | None


def audience(roles: Iterable[str], reach: Reach, people: Iterable[Someone]) -> list[tuple[str, str]]:
    """Return (person id, role) of those who are told of a project, sorted; each person once, in the first role named.

    A role stands for its people who may read the project; where it has a person in charge of the project who still is
    one of them, for that person alone. A group stands for its roles.
    """
    wanted = roles_meant(roles)
    there: dict[str, set[str]] = {role: set() for role in wanted}
    for person in people:
        if person.role in there and _reads(person, reach):
            there[person.role].add(person.id)
    told: dict[str, str] = {}
    for role, found in there.items():
        charged = reach.responsible.get(role)
        for person_id in {charged} if charged in found else found:
            told.setdefault(person_id, role)
    return sorted(told.items())


def roles_meant(names: Iterable[str]) -> tuple[str, ...]:
    """Return the roles that these roles and groups stand for, each once, in the order named."""
    book = role_book()
    return tuple(dict.fromkeys(role for name in names for role in book.groups.get(name, (name,))))


def may_be_told(role: str) -> bool:
    """Tell whether a role has people who may read projects; an unknown one has none."""
    entry = role_book().roles.get(role)
    if entry is None or role == "system":  # nobody sits behind the system's acts
        return False
    return "read" in entry.rights and entry.scope in ("all", "city", "unit")


def _reads(person: Someone, reach: Reach) -> bool:
    return may_be_told(person.role) and actor_of(*person).reaches(reach.city, (reach.lead_code,))
