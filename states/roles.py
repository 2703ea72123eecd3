"""The roles of the house: their labels, their reach and their rights, read from `roles.toml`."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from states.facts import Actor
from states.findings import Text

SCOPES = frozenset({"all", "city", "unit", "assigned", "public", "none"})


@dataclass(frozen=True, slots=True)
class Role:
    """A role: what it reaches (`scope`) and what it may do beside the acts of a lifecycle (`rights`)."""

    code: str
    label: Text
    scope: str
    rights: frozenset[str]


@dataclass(frozen=True, slots=True)
class RoleBook:
    """All roles, and the groups that definitions may name in their place."""

    roles: dict[str, Role]
    groups: dict[str, tuple[str, ...]]

    def expand(self, names: tuple[str, ...]) -> frozenset[str]:
        """Return the role codes that these roles and groups stand for; an unknown name stands for itself."""
        return frozenset(code for name in names for code in self.groups.get(name, (name,)))


@cache
def role_book() -> RoleBook:
    """Read the bundled roles."""
    data = tomllib.loads(files("states").joinpath("roles.toml").read_text("utf-8"))
    roles = {
        code: Role(code, Text(entry["zh"], entry["en"]), entry["scope"], frozenset(entry["rights"]))
        for code, entry in data["roles"].items()
    }
    strange = {role.scope for role in roles.values()} - SCOPES
    if strange:
        raise ValueError(f"roles.toml names unknown scopes: {sorted(strange)}")
    return RoleBook(roles, {name: tuple(members) for name, members in data["groups"].items()})


def actor_of(person: str, role: str, city: str | None = None, unit: str | None = None, *, auth: str = "token") -> Actor:
    """Return the actor for a person in a role, with the role's scope and rights.

    Raises:
        KeyError: the role is not in the book.
    """
    entry = role_book().roles[role]
    kind = "system" if role == "system" else "user"
    return Actor(person, role, kind, city, unit, entry.scope, entry.rights, auth)
