"""What may be filed at all: an application is whole enough to be kept, whoever enters it and by whatever way.

Whether it is *eligible* is for the rules; here only what no ledger could hold is refused.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from datetime import date
from typing import Any

from lifecycle.errors import Unreadable
from states.facts import Application, Member
from states.fields import CONTROL, MONEY_LIMIT, clean_text
from states.findings import Text
from states.indicators import Indicator, indicator_json, read_indicators
from states.policy import Policy

LENGTHS = {
    "title": 300,
    "task_code": 64,
    "group": 200,
    "opinion": 2000,
    "remarks": 2000,
    "contact_name": 100,
    "contact_phone": 40,
}
NEEDED = ("title", "task_code")
MOST_MEMBERS = 20
CREDIT_CODE = re.compile(r"[0-9A-Z]{18}")
NAMES = frozenset(item.name for item in fields(Application))


def amended(application: Application, values: Mapping[str, Any]) -> Application:
    """Return the application with these values in place of its own.

    Raises:
        Unreadable: a name is no part of an application.
    """
    strange = sorted(set(values) - NAMES)
    if strange:
        raise Unreadable(
            Text(f"申报内容没有这些项：{'、'.join(strange)}", f"an application has no {', '.join(strange)}")
        )
    return replace(application, **values)


def check_application(policy: Policy, application: Application) -> None:
    """Refuse an application that cannot be kept.

    Raises:
        Unreadable: texts empty, too long or with control characters, an unknown city or ownership, money or rank out of
            range, too many members or one without name or code, indicators that are none; all of it is named.
    """
    problems = [
        *_texts(application),
        *_choices(policy, application),
        *_members(application.members),
        *_indicators(application.indicators),
    ]
    if problems:
        zh, en = (";".join(texts) for texts in zip(*problems, strict=True))
        raise Unreadable(Text(zh.replace(";", "；"), en.replace(";", "; ")))


def _texts(application: Application) -> Iterator[Text]:
    for name, most in LENGTHS.items():
        value = getattr(application, name)
        if value is None and name not in NEEDED:
            continue
        if not isinstance(value, str) or not value.strip():
            yield Text(f"{name}不能为空", f"{name} must not be empty")
        elif len(value) > most:
            yield Text(f"{name}不得超过{most}字", f"{name} has at most {most} characters")
        elif CONTROL.search(value):
            yield Text(f"{name}含有控制字符", f"{name} holds control characters")


def _choices(policy: Policy, application: Application) -> Iterator[Text]:
    if application.city not in policy.cities:
        yield Text(f"没有城市代码{str(application.city)[:16]}", "the city is not one of the batch's")
    if application.ownership not in policy.rules.R14.ownerships:
        yield Text(f"没有企业性质{str(application.ownership)[:64]}", "the ownership is not one of the batch's")
    if type(application.investment_fen) is not int or not 0 <= application.investment_fen <= MONEY_LIMIT:
        yield Text("预期投入应为以分计的非负整数", "the planned investment is a non-negative integer of fen")
    days = [day for day in (application.starts_on, application.ends_on) if day is not None]
    if any(type(day) is not date or not 1990 <= day.year <= 2200 for day in days) or days != sorted(days):
        yield Text("实施起止日期不合规", "the dates of start and end cannot be kept")
    rank = application.rank
    if rank is not None and (type(rank) is not int or not 1 <= rank <= 9999):
        yield Text("排序应为1至9999的整数", "a rank is an integer from 1 to 9999")


def _indicators(indicators: tuple[Indicator, ...]) -> Iterator[Text]:
    given = [indicator_json(one) for one in indicators]
    try:
        kept = read_indicators(given, clean_text) if given else []
    except ValueError as problem:  # a field's problem is one too
        zh, _, en = str(problem).partition(" / ")
        yield Text(f"绩效指标：{zh}", f"indicators: {en or zh}")
    else:
        if kept != given:
            yield Text("绩效指标须按编号排列、写成最简形式", "indicators come by their numbers, in their shortest form")


def _members(members: tuple[Member, ...]) -> Iterator[Text]:
    if len(members) > MOST_MEMBERS:
        yield Text(f"成员不得超过{MOST_MEMBERS}家", f"at most {MOST_MEMBERS} members")
    for number, unit in enumerate(members, 1):
        if not unit.name.strip() or len(unit.name) > 200 or CONTROL.search(unit.name):
            yield Text(f"第{number}家成员的名称不合规", f"member {number}: the name cannot be kept")
        parts = [part for part in (unit.kind, unit.region, unit.group) if part is not None]
        if any(not part.strip() or len(part) > 200 or CONTROL.search(part) for part in parts):
            yield Text(
                f"第{number}家成员的类型、登记地或集团不合规", f"member {number}: kind, region or group cannot be kept"
            )
        codes = [code for code in unit.affiliates if isinstance(code, str) and CREDIT_CODE.fullmatch(code)]
        if len(unit.affiliates) > 50 or len(codes) != len(unit.affiliates):
            yield Text(f"第{number}家成员的关联单位代码不合规", f"member {number}: affiliates' codes cannot be kept")
        if not CREDIT_CODE.fullmatch(unit.credit_code):
            yield Text(
                f"第{number}家成员的统一社会信用代码应为18位大写字母和数字",
                f"member {number}: a credit code has 18 digits and capital letters",
            )
