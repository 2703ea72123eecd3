"""What cannot be filed: all of an application's problems are named, on entry as on amendment, and nothing is kept."""

from dataclasses import fields, replace
from typing import Any

import pytest

from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.batches import find_batch
from lifecycle.callers import Caller
from lifecycle.canonical import parse_canonical
from lifecycle.database import Database
from lifecycle.errors import Unreadable
from lifecycle.filing import LENGTHS, NAMES, NEEDED
from lifecycle.projects import amend_project, create_projects
from lifecycle.replay import drift_of_batch
from lifecycle.statements import Row
from states.facts import Application, Member, UnitRole
from states.indicators import Indicator
from tests.lifecycle import builders
from tests.lifecycle.builders import application, caller, credit_code, open_batch, read_entries, read_project

LEAD, LANDING = application(1).members
ODD = [("a\x00b", "含有控制字符"), ("a\x1fb", "含有控制字符"), ("a\x7fb", "含有控制字符"), ("\ud800", "含有控制字符")]
EMPTY = [("", "不能为空"), (" \t\n", "不能为空"), ("　", "不能为空"), (5, "不能为空"), (["文"], "不能为空")]
ENGLISH = {"不能为空": "must not be empty", "含有控制字符": "holds control characters"}
CODES = [
    "",
    "91370100MA0000002",
    "91370100ma00000021",
    "91370100MA000000212",
    "９１370100MA0000002",
    "91370100MA000000-2",
]
CODE = (
    "第2家成员的统一社会信用代码应为18位大写字母和数字",
    "member 2: a credit code has 18 digits and capital letters",
)
NAME = ("第1家成员的名称不合规", "member 1: the name cannot be kept")
MONEY = ("预期投入应为以分计的非负整数", "the planned investment is a non-negative integer of fen")
RANK = ("排序应为1至9999的整数", "a rank is an integer from 1 to 9999")
ORDER = ("绩效指标须按编号排列、写成最简形式", "indicators come by their numbers, in their shortest form")
AMOUNT = ('数值应为至多四位小数的文本，如"12.5"', 'an amount is a text with at most four decimals, like "12.5"')
INDICATORS: list[tuple[tuple[Any, ...], str, str]] = [
    ((1, "联网率", "%", 9.5), *AMOUNT),
    ((1, "联网率", "%", "九十"), *AMOUNT),
    ((0, "联网率", "%", "90"), "编号应为1至99", "its number is from 1 to 99"),
    ((1, "", "%", "90"), "不能为空", "must not be empty"),
    ((1, "联网率", "百" * 21, "90"), "不得超过20字", "at most 20 characters"),
]
Bad = tuple[dict[str, Any], str, str]


def bad_texts() -> list[Bad]:
    """Return each text of an application spoiled in each way; what is needed may not be left out either."""
    found: list[Bad] = []
    for name, most in LENGTHS.items():
        found += [({name: value}, f"{name}{why}", f"{name} {ENGLISH[why]}") for value, why in [*EMPTY, *ODD]]
        found.append(({name: "字" * (most + 1)}, f"{name}不得超过{most}字", f"{name} has at most {most} characters"))
    return found + [({name: None}, f"{name}不能为空", f"{name} must not be empty") for name in NEEDED]


def with_members(*members: Member) -> dict[str, Any]:
    return {"members": members}


BAD: list[Bad] = [
    *bad_texts(),
    ({"city": "110100"}, "没有城市代码110100", "the city is not one of the batch's"),
    ({"city": "X" * 40}, "没有城市代码XXXXXXXXXXXXXXXX", "the city is not one of the batch's"),
    ({"city": ""}, "没有城市代码", "the city is not one of the batch's"),
    ({"ownership": "private"}, "没有企业性质private", "the ownership is not one of the batch's"),
    ({"ownership": None}, "没有企业性质None", "the ownership is not one of the batch's"),
    *(({"investment_fen": value}, *MONEY) for value in (-1, 10**15 + 1, 2**63, 1.5, 1.0, True, "1", None)),
    *(({"rank": value}, *RANK) for value in (0, -1, 10_000, True, 1.0, "1")),
    (with_members(*[LEAD, LANDING] * 11), "成员不得超过20家", "at most 20 members"),
    *((with_members(replace(LEAD, name=name), LANDING), *NAME) for name in ("", " ", "名" * 201, "a\x00b", "\ud800")),
    *((with_members(LEAD, replace(LANDING, credit_code=code)), *CODE) for code in CODES),
    *(
        ({"indicators": (Indicator(*given),)}, f"绩效指标：第1项指标{zh}", f"indicators: indicator 1: {en}")
        for given, zh, en in INDICATORS
    ),
    ({"indicators": (Indicator(2, "甲", "%", "1"), Indicator(1, "乙", "%", "1"))}, *ORDER),
    *(({"indicators": (Indicator(1, "甲", "%", target),)}, *ORDER) for target in ("9.50", "09", 9)),
]


@pytest.fixture
def batch(database: Database, log: Log) -> Row:
    return open_batch(database, log)


@pytest.fixture
def project(database: Database, log: Log, batch: Row) -> Row:
    return builders.create_projects(database, log, batch, 1)[0]


def create(database: Database, log: Log, batch: Row, *filed: Application, by: Caller | None = None) -> list[Row]:
    doer = by or caller("handler")
    with attempt(database, log, doer, ("batch", batch["id"]), "create") as tx:
        return create_projects(tx, log, doer, batch, filed)


def amend(database: Database, log: Log, project: Row, **values: Any) -> Row:
    doer = caller("handler")
    with attempt(database, log, doer, ("project", project["id"]), "amend") as tx:
        return amend_project(tx, log, doer, project["id"], values)[0]


def outcomes(database: Database, stream: str) -> list[tuple[str, str, Any]]:
    """Return each entry's type and outcome, and the problem where one is told."""
    bodies = [parse_canonical(entry["body"]) for entry in read_entries(database, stream)]
    return [
        (body["type"], body["outcome"], next((c["new"] for c in body["changes"] if c["path"] == "/problem"), None))
        for body in bodies
    ]


def unmoved(row: Row) -> Row:
    """Return a row without the head of its stream, which every recorded attempt moves."""
    return {name: value for name, value in row.items() if not name.startswith("head_")}


def test_every_text_and_choice_of_an_application_is_spoiled_here() -> None:
    spoiled = {name for values, _, _ in BAD for name in values}
    assert {item.name for item in fields(Application)} - spoiled == {"starts_on", "ends_on"}
    assert {item.name for item in fields(Application)} == NAMES
    assert len(BAD) > 90


def test_an_application_that_cannot_be_kept_is_not_entered(database: Database, log: Log, batch: Row) -> None:
    told = []
    for values, *_ in BAD:
        with pytest.raises(Unreadable) as raised:
            create(database, log, batch, application(1), replace(application(2), **values), application(3))
        told.append((values, *raised.value.text))
    assert told == BAD
    with database.reading() as tx:
        after = find_batch(tx, batch["code"])
        assert drift_of_batch(tx, batch["id"]) == {}
    assert unmoved(after) == unmoved(batch)
    begun = batch["head_seq"]
    assert outcomes(database, f"batch/{batch['id']}")[begun:] == [("batch.attempted", "failed", "unreadable")] * len(
        BAD
    )
    assert [row["code"][-5:] for row in create(database, log, batch, application(1))] == ["00001"]


def test_an_amendment_that_cannot_be_kept_changes_nothing(database: Database, log: Log, project: Row) -> None:
    told = []
    for values, *_ in BAD:
        with pytest.raises(Unreadable) as raised:
            amend(database, log, project, **values)
        told.append((values, *raised.value.text))
    assert told == BAD
    assert unmoved(read_project(database, project["id"])) == unmoved(project)
    assert outcomes(database, f"project/{project['id']}")[1:] == [("project.attempted", "failed", "unreadable")] * len(
        BAD
    )
    assert amend(database, log, project, title="更名")["version"] == project["version"] + 1
    with database.reading() as tx:
        assert drift_of_batch(tx, project["batch_id"]) == {}


def test_all_problems_of_an_application_are_named_together(
    database: Database, log: Log, batch: Row, project: Row
) -> None:
    wrong = {
        **dict.fromkeys(LENGTHS, ""),
        "city": "110100",
        "ownership": "private",
        "investment_fen": -1,
        "rank": 0,
        "members": (replace(LEAD, name=" "), replace(LANDING, credit_code="x"), *[LANDING] * 19),
    }
    zh = [*(f"{name}不能为空" for name in LENGTHS), "没有城市代码110100", "没有企业性质private"]
    zh += [MONEY[0], RANK[0], "成员不得超过20家", NAME[0], CODE[0]]
    en = [*(f"{name} must not be empty" for name in LENGTHS), "the city is not one of the batch's"]
    en += ["the ownership is not one of the batch's", MONEY[1], RANK[1], "at most 20 members", NAME[1], CODE[1]]
    for refused in (
        lambda: create(database, log, batch, replace(application(2), **wrong)),
        lambda: amend(database, log, project, **wrong),
    ):
        with pytest.raises(Unreadable) as raised:
            refused()
        assert raised.value.text == ("；".join(zh), "; ".join(en))


def test_what_is_no_part_of_an_application_is_named(database: Database, log: Log, project: Row) -> None:
    strange = {"state": "published", "colour": "red", "title": "更名", "version": 9, "batch_id": project["batch_id"]}
    with pytest.raises(Unreadable) as raised:
        amend(database, log, project, **strange)
    assert raised.value.text == (
        "申报内容没有这些项：batch_id、colour、state、version",
        "an application has no batch_id, colour, state, version",
    )
    assert unmoved(read_project(database, project["id"])) == unmoved(project)


def test_whoever_enters_it_a_bad_application_is_refused(database: Database, log: Log, batch: Row) -> None:
    bad = application(1, title="")
    doers = [caller("city", city=bad.city), caller("applicant", unit=LEAD.credit_code), caller("division_head")]
    for doer in doers:
        with pytest.raises(Unreadable, match="title must not be empty"):
            create(database, log, batch, bad, by=doer)


def test_the_longest_and_largest_that_may_be_filed_is_kept_whole(database: Database, log: Log, batch: Row) -> None:
    members = [replace(LEAD, name="名" * 200), LANDING]
    members += [Member(f"单位{n}", credit_code(100 + n), UnitRole.OTHER) for n in range(18)]
    least = application(
        1, investment_fen=0, rank=1, group=None, opinion=None, remarks=None, contact_name=None, contact_phone=None
    )
    most = application(
        1,
        **{name: "字" * length for name, length in LENGTHS.items()},
        investment_fen=10**15,
        rank=9999,
        members=tuple(members),
    )
    first, second = create(database, log, batch, least, replace(most, members=tuple(members)))
    assert amend(database, log, first, **{item.name: getattr(most, item.name) for item in fields(most)})["version"] == 2
    kept = [read_project(database, row["id"]) for row in (first, second)]
    for row in kept:
        assert (row["title"], row["opinion"], row["contact_phone"]) == ("字" * 300, "字" * 2000, "字" * 40)
        assert (row["investment_fen"], row["filed_rank"], len(row["members"])) == (10**15, 9999, 20)
    with database.reading() as tx:
        assert drift_of_batch(tx, batch["id"]) == {}
