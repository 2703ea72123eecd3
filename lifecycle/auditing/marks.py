"""Reports that mark single entries: what was set aside, refused, dated back, done out of hours or by the system."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from lifecycle.auditing.calendars import Rosters
from lifecycle.auditing.entries import OVERRIDE, Listed, sets_aside
from lifecycle.auditing.scanning import Filters, body_of, scan
from lifecycle.auditing.telling import Told, tell_entries
from lifecycle.business_days import ZONE
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.sentences import refused_by
from lifecycle.statements import Row
from states.deadlines import business_date
from states.findings import Text
from states.roles import role_book
from states.rules import RULES
from states.structure import ANOTHER

SHOWN = (
    *("index", "id", "leaf", "stream", "seq", "at", "local", "type", "type_label", "outcome", "outcome_label"),
    *("actor", "subject", "action", "action_label", "sentence", "problem"),
)
DATED = "/effective_on"
OFFICES = frozenset({"all", "city", "none"})  # scopes of the roles that are an office's: neither units nor experts

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Mark:
    """What marks an entry: what the database can look for, the test of its body, and what the line tells beside it."""

    name: str
    title: Text
    told: Text
    test: Callable[[Rosters, Row, Body], bool]
    more: Callable[[Rosters, Row, Body, Told], dict[str, Any]]
    filters: Mapping[str, Any]
    by_calendar: bool = False


def marked(mark: Mark) -> Callable[[Transaction, Caller, Filters, int, int, int], Listed]:
    """Return the function that reads a stretch of a mark's report."""

    def run(tx: Transaction, _caller: Caller, filters: Filters, size: int, begin: int, limit: int) -> Listed:
        rosters, asked = Rosters(tx), replace(filters, **mark.filters)

        def test(row: Row, body: Body) -> bool:
            return mark.test(rosters, row, body)

        found = scan(tx, asked, size, begin, limit, test, ahead=rosters.learn if mark.by_calendar else None)
        every = tell_entries(tx, found.rows)
        items = [_line(mark, rosters, row, told) for row, told in zip(found.rows, every, strict=True)]
        return Listed(items, found.begin, found.end, found.size)

    return run


def _line(mark: Mark, rosters: Rosters, row: Row, told: Told) -> Told:
    body = body_of(row)
    more = mark.more(rosters, row, body, told) if body is not None else {}
    return {**{name: told[name] for name in SHOWN}, "more": more}


def _always(_rosters: Rosters, _row: Row, _body: Body) -> bool:
    return True


def _nothing(_rosters: Rosters, _row: Row, _body: Body, _told: Told) -> dict[str, Any]:
    return {}


def _overrides(_rosters: Rosters, row: Row, body: Body) -> bool:
    return sets_aside(row, body)


def _set_aside(_rosters: Rosters, _row: Row, body: Body, told: Told) -> dict[str, Any]:
    rules = body["action"]["override"]
    clauses = {number: sorted({one.clause for one in RULES.values() if one.rule == number}) for number in rules}
    return {"rules": [{"rule": number, "clauses": clauses[number]} for number in rules], "reason": _reason(body, told)}


def _refusal(_rosters: Rosters, _row: Row, body: Body, _told: Told) -> dict[str, Any]:
    problem = next((change["new"] for change in body["changes"] if change["path"] == "/problem"), None)
    return {"problem": problem, "refused_by": refused_by(body["action"] or {})}


def _by_the_same(_rosters: Rosters, _row: Row, body: Body) -> bool:
    return bool(body["action"]) and ANOTHER in (body["action"].get("rule") or ())


def _dated(body: Body) -> str | None:
    return next((change["new"] for change in body["changes"] if change["path"] == DATED), None)


def _is_dated_back(_rosters: Rosters, row: Row, body: Body) -> bool:
    on = _dated(body)
    return on is not None and on < business_date(row["at"], ZONE).isoformat()


def _dated_back(_rosters: Rosters, row: Row, body: Body, told: Told) -> dict[str, Any]:
    on, today = date.fromisoformat(_dated(body) or ""), business_date(row["at"], ZONE)
    return {"effective_on": on.isoformat(), "days_back": (today - on).days, "reason": _reason(body, told)}


def _out_of_hours(rosters: Rosters, row: Row, body: Body) -> bool:
    if rosters.outside(row) is None or body["actor"]["kind"] == "system":
        return False
    role = role_book().roles.get(body["actor"]["role"])
    return role is None or role.scope in OFFICES


def _when(rosters: Rosters, row: Row, _body: Body, _told: Told) -> dict[str, Any]:
    outside = rosters.outside(row)
    return outside.to_dict() if outside else {}


def _by_system(_rosters: Rosters, _row: Row, body: Body) -> bool:
    return bool(body["actor"]["kind"] == "system")


def _reason(body: Body, told: Told) -> Any:
    return told["opened"].get("/reason", body["reason"])


MARKS: Sequence[Mark] = (
    Mark(
        "overrides",
        Text("准予例外", "rules set aside"),
        Text("每次突破原则性条款的办理，附规则、条款和理由", "every act that set rules aside: which, and why"),
        _overrides,
        _set_aside,
        {"needle": OVERRIDE},
    ),
    Mark(
        "denied",
        Text("未予办理和未办成的申请", "attempts that came to nothing"),
        Text("每次被拒绝或失败的申请，附所据规则", "every attempt that was refused or failed, and by what"),
        _always,
        _refusal,
        {"refused": True},
    ),
    Mark(
        "second_signatures",
        Text("自行复核被阻止", "self-approvals avoided"),
        Text("须由另一人办理而由同一人申请、被拒绝的", "attempts of one person to do what takes another"),
        _by_the_same,
        _refusal,
        {"refused": True, "needle": f'"{ANOTHER}"'.encode()},
    ),
    Mark(
        "backdated",
        Text("补记以前日期", "dated back"),
        Text("业务日期早于办理当日的，附天数和理由", "acts dated before the day on which they were done"),
        _is_dated_back,
        _dated_back,
        {"needle": f'"path":"{DATED}"'.encode()},
    ),
    Mark(
        "out_of_hours",
        Text("非工作时间办理", "out of hours"),
        Text(
            "工作人员在休息日（按批次日历）或工作时间（政策hours）之外办成的",
            "what officers did on rest days of the batch's calendar, or outside the policy's hours",
        ),
        _out_of_hours,
        _when,
        {"outcome": "success"},
        by_calendar=True,
    ),
    Mark(
        "system",
        Text("系统自动办理", "by the system"),
        Text("由系统而非人员办理的", "what the system did and no person"),
        _by_system,
        _nothing,
        {"needle": b'"kind":"system"'},
    ),
)
