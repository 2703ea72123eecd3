"""What stands in a paper's places: taken from a project, or a docket's item, as it was at the position."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from lifecycle.papers.amounts import in_capitals, in_words, with_unit
from lifecycle.papers.positions import Past, is_withheld
from states.definition import FieldSpec, Labelled
from states.facts import UnitRole
from states.papers import PLACE
from states.policy import Policy

NOTHING = "—"
WITHHELD = "（已删除）"
KEPT_BACK = "（不公开）"


@dataclass(frozen=True, slots=True)
class Source:
    """What a paper is filled from. `hidden`: fields kept from the reader; `more`: what the paper itself adds."""

    past: Past
    on: date
    hidden: frozenset[str] = frozenset()
    header: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def policy(self) -> Policy:
        """Return the policy that the project was under."""
        return self.past.rules.policy

    def fill(self, text: str) -> str:
        """Return a text with its places filled; what is not known shows as a dash."""
        return PLACE.sub(lambda found: self.value(found[1]), text)

    def value(self, place: str) -> str:
        """Return what stands in one place."""
        head, _, name = place.partition(".")
        if head == "record":
            return self.field(name, self.past.record(name))
        if head == "header":
            return self.field(name, self.header.get(name, self.past.record(name)))
        if head == "capital":
            value = self.money(f"record.{name}")
            return NOTHING if value is None else in_capitals(value)
        if head == "checkpoints":
            return _day(self.past.due_on(name))
        return self.more.get(place) or _PLAIN[place](self)

    def money(self, place: str) -> int | None:
        """Return an amount in fen, `investment` or `record.FIELD`; None where there is none to be seen."""
        name = place.partition(".")[2]
        value = self.past.record(name) if name else self.past.columns.get("investment_fen")
        return value if type(value) is int and name not in self.hidden else None

    def field(self, name: str, value: Any) -> str:
        """Return a field's value as people read it."""
        if name in self.hidden:
            return KEPT_BACK
        if value is None:
            return NOTHING
        if is_withheld(value):
            return WITHHELD
        return show(self.policy, self.past.rules.definition.fields[name], value)

    def column(self, name: str) -> str:
        """Return a column of what was filed as text."""
        value = self.past.columns.get(name)
        return WITHHELD if is_withheld(value) else str(value) if value else NOTHING

    def units(self, *roles: UnitRole) -> str:
        """Return the units in these roles by name."""
        found = [unit["name"] for unit in self.past.columns["members"] if UnitRole(unit["role"]) in roles]
        return "、".join(found) or NOTHING

    def codes(self, role: UnitRole) -> str:
        """Return the credit codes of the units in a role."""
        found = [unit["credit_code"] for unit in self.past.columns["members"] if UnitRole(unit["role"]) is role]
        return "、".join(found) or NOTHING


def show(policy: Policy, spec: FieldSpec, value: Any) -> str:
    """Return a value of a field by its type: money in 万元, dates and yes or no in words, codes by their labels."""
    if spec.type == "money":
        return with_unit(value)
    if spec.type == "date":
        return _day(value)
    if spec.type == "boolean":
        return "是" if value else "否"
    if spec.type == "codes":
        return "、".join(_label(policy, code) for code in value)
    if spec.type in ("checks", "attainments"):
        return f"{len(value)}项"
    return str(value)


def _label(policy: Policy, code: str) -> str:
    """Return the label of a code that the policy lists, wherever it does."""
    rules = policy.rules
    listed: Sequence[Mapping[str, Labelled]] = (
        *(rules.R25.tiers, rules.R17.methods, rules.R19.kinds, rules.R14.ownerships, rules.R09.items, rules.R04.points),
    )
    return next((known[code].zh for known in listed if code in known), code)


def tier_cap(source: Source) -> str:
    """Return the cap of the tier on record, wherever a field holds a tier's code."""
    tiers = source.policy.rules.R25.tiers
    for value in (source.past.columns.get("record") or {}).values():
        for code in value if isinstance(value, list) else ():
            if code in tiers:
                return with_unit(tiers[code].cap_fen)
    return NOTHING


def _day(value: Any) -> str:
    return in_words(date.fromisoformat(value)) if isinstance(value, str) else NOTHING


def _city(source: Source) -> str:
    code = source.past.columns["city"]
    known = source.policy.cities.get(code)
    return known.zh if known else str(code)


def _ownership(source: Source) -> str:
    return _label(source.policy, source.past.columns["ownership"])


def _state(source: Source) -> str:
    return source.past.rules.definition.states[source.past.columns["state"]].zh


_PLAIN: dict[str, Callable[[Source], str]] = {
    "code": lambda s: s.column("code"),
    "title": lambda s: s.column("title"),
    "city": _city,
    "task_code": lambda s: s.column("task_code"),
    "ownership": _ownership,
    "group": lambda s: s.column("group_name"),
    "lead": lambda s: s.column("lead_name"),
    "lead_code": lambda s: s.column("lead_code"),
    "landing": lambda s: s.units(UnitRole.LANDING),
    "landing_codes": lambda s: s.codes(UnitRole.LANDING),
    "others": lambda s: s.units(UnitRole.OTHER),
    "units": lambda s: s.units(*UnitRole),
    "investment": lambda s: with_unit(s.past.columns["investment_fen"]),
    "starts_on": lambda s: _day(s.past.columns.get("starts_on")),
    "ends_on": lambda s: _day(s.past.columns.get("ends_on")),
    "opinion": lambda s: s.column("opinion"),
    "contact": lambda s: s.column("contact_name"),
    "phone": lambda s: s.column("contact_phone"),
    "remarks": lambda s: s.column("remarks"),
    "state": _state,
    "programme": lambda s: s.policy.policy.zh,
    "issuer": lambda s: s.policy.papers.issuer,
    "on": lambda s: in_words(s.on),
    "year": lambda s: str(s.on.year),
    "tier_cap": tier_cap,
    **dict.fromkeys(("rank", "number", "count", "docket_number", "docket_city", "act"), lambda _: NOTHING),
}
