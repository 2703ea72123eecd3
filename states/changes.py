"""What a change request asks: other members, investment, indicators or title; read, and laid over what was filed."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from states.facts import Application, Member, UnitRole
from states.indicators import indicator_of, read_indicators

# The cleaners of `fields` are handed in: that module reads a whole change by this one.
Texts = Callable[[Any, int], str]
Amounts = Callable[[Any], int]

MOST_MEMBERS, MOST_AFFILIATES = 20, 50
CREDIT_CODE, REGION = re.compile(r"[0-9A-Z]{18}"), re.compile(r"[0-9]{6}")
UNIT = frozenset({"name", "credit_code", "role", "kind", "region", "group", "affiliates"})


def read_change(value: Any, known: Sequence[str], text: Texts, amount: Amounts) -> dict[str, Any]:
    """Return a change as canonical JSON: of title, investment, members and indicators, those that are others.

    Raises:
        ValueError: it changes nothing, something that cannot be asked for, or a value is not what it should be.
    """
    if not isinstance(value, Mapping) or not value or set(value) - set(known):
        raise ValueError(f"可变更：{'、'.join(known)} / what may be changed: {', '.join(known)}")
    change: dict[str, Any] = {}
    if "title" in value:
        change["title"] = text(value["title"], 300)
    if "investment_fen" in value:
        change["investment_fen"] = amount(value["investment_fen"])
    if "members" in value:
        units = value["members"]
        if not isinstance(units, (list, tuple)) or not 1 <= len(units) <= MOST_MEMBERS:
            raise ValueError(f"成员应为1至{MOST_MEMBERS}家 / 1 to {MOST_MEMBERS} members")
        change["members"] = [_unit(number, unit, text) for number, unit in enumerate(units, 1)]
    if "indicators" in value:
        change["indicators"] = read_indicators(value["indicators"], text)
    return change


def carried_out(application: Application, change: Mapping[str, Any]) -> Application:
    """Return the application as a change would have it."""
    values = {name: value for name, value in change.items() if name not in ("members", "indicators")}
    if "indicators" in change:
        values["indicators"] = tuple(indicator_of(one) for one in change["indicators"])
    if "members" in change:
        values["members"] = tuple(member_of(unit) for unit in change["members"])
    return replace(application, **values)


def member_of(unit: Mapping[str, Any]) -> Member:
    """Return a unit from its JSON form."""
    return Member(
        unit["name"],
        unit["credit_code"],
        UnitRole(unit["role"]),
        unit.get("kind", "other"),
        unit.get("region"),
        unit.get("group"),
        tuple(unit.get("affiliates") or ()),
    )


def member_json(unit: Member) -> dict[str, Any]:
    """Return a unit's JSON form; what is not known is left out."""
    known = {
        "name": unit.name,
        "credit_code": unit.credit_code,
        "role": unit.role.value,
        "kind": unit.kind,
        "region": unit.region,
        "group": unit.group,
        "affiliates": list(unit.affiliates),
    }
    return {name: value for name, value in known.items() if value}


def _unit(number: int, unit: Any, text: Texts) -> dict[str, Any]:
    wrong = ValueError(f"第{number}家成员填写有误 / member {number} cannot be taken")
    if not isinstance(unit, Mapping) or set(unit) - UNIT or unit.get("role") not in set(UnitRole):
        raise wrong
    codes = [unit.get("credit_code"), *(unit.get("affiliates") or ())]
    if len(codes) > MOST_AFFILIATES or not all(isinstance(code, str) and CREDIT_CODE.fullmatch(code) for code in codes):
        raise wrong
    region = unit.get("region")
    if region is not None and not (isinstance(region, str) and REGION.fullmatch(region)):
        raise wrong
    texts = {name: text(unit[name], 200) for name in ("name", "kind", "group") if unit.get(name) is not None}
    if "name" not in texts:
        raise wrong
    return member_json(member_of({**unit, **texts}))
