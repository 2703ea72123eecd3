"""Lists, counts and the whole project: what each caller sees, in what order, page by page."""

import itertools
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.database import Database, Transaction
from lifecycle.errors import NotFound, Unreadable
from lifecycle.listing import SORTS, Filters, Page, count_projects, list_projects, show_project
from lifecycle.statements import Row, Statement
from states.facts import Member, UnitRole
from tests.lifecycle.builders import (
    JINAN,
    OPENED,
    QINGDAO,
    act,
    application,
    at,
    caller,
    create_projects,
    credit_code,
    drive,
    open_batch,
    read_project,
)

LATER = at(date(2024, 8, 7))
TITLES = ("智能工厂100%改造", "绿色_车间", "Ab焊接!线", "供应链协同", "质量追溯")
THIRD = Member("检测中心", credit_code(900), UnitRole.OTHER)


@pytest.fixture
def batch(database: Database, log: Log) -> Row:
    """A batch of five drafts in Jinan and two in Qingdao, of which the last is under review."""
    opened = open_batch(database, log)
    first = application(1)
    filed = [
        replace(
            application(number, title=title),
            investment_fen=100_000_000 * (number % 3 + 1),
            task_code=f"T0{number % 2 + 1}",
        )
        for number, title in enumerate(TITLES, 1)
    ]
    filed[0] = replace(filed[0], members=(*first.members, THIRD), group="海岱集团", ownership="provincial_soe")
    create_projects(database, log, opened, filed)
    rows = create_projects(database, log, opened, 2, city=QINGDAO, first=6, now=OPENED + timedelta(hours=1))
    drive(database, log, rows[1]["id"], "under_review")
    return opened


def listed(database: Database, who: Caller, filters: Filters | None = None, *arguments: Any, **options: Any) -> Page:
    with database.reading() as tx:
        return list_projects(tx, who, filters or Filters(), *arguments, **options)


def numbers(page: Page) -> list[int]:
    """Return the projects' running numbers in the order of the page."""
    return [int(item["code"][-5:]) for item in page.items]


def test_a_project_in_a_list_carries_its_labels(database: Database, log: Log, batch: Row) -> None:
    page = listed(database, caller("handler"), Filters(states=("under_review",)))
    row = read_project(database, page.items[0]["id"])
    assert page == Page(
        [
            {
                "id": row["id"],
                "code": "sd-gongfu-2024-2-00007",
                "title": "产线数字化7",
                "state": "under_review",
                "state_label": {"zh": "评审中", "en": "under review"},
                "phase": "review",
                "version": 4,
                "city": QINGDAO,
                "task_code": "T01",
                "lead_name": "服务商7",
                "lead_code": credit_code(14, QINGDAO),
                "ownership": "other",
                "investment_fen": 200_000_000,
                "entered_on": "2024-08-06",
                "changed_at": "2024-08-06T01:00:00.000000Z",
                "batch_id": batch["id"],
            }
        ],
        None,
    )


FILTERED: list[tuple[dict[str, Any], list[int]]] = [
    ({"states": ("draft", "applied")}, [1, 2, 3, 4, 5, 6]),
    ({"phase": "review"}, [7]),
    ({"phase": "review", "states": ("reviewed",)}, []),
    ({"phase": "application", "city": JINAN}, [1, 2, 3, 4, 5]),
    ({"phase": "no such phase"}, []),
    ({"city": QINGDAO}, [6, 7]),
    ({"task": "T02"}, [1, 3, 5]),
    ({"unit": THIRD.credit_code}, [1]),
    ({"unit": credit_code(9)}, [4]),
    ({"ownership": "provincial_soe"}, [1]),
    ({"group": "海岱集团"}, [1]),
    ({"text": "100%"}, [1]),
    ({"text": "%"}, [1]),
    ({"text": "_"}, [2]),
    ({"text": "!"}, [3]),
    ({"text": "aB焊"}, [3]),
    ({"text": "服务商5"}, [5]),
    ({"text": "2024-2-00006"}, [6]),
    ({"text": "' OR 1=1 --"}, []),
    ({"text": ""}, [1, 2, 3, 4, 5, 6, 7]),
    ({"city": JINAN, "task": "T02", "text": "供应链"}, []),
]


def test_filters_narrow_a_list_together(database: Database, log: Log, batch: Row) -> None:
    found = [
        (filters, numbers(listed(database, caller("handler"), Filters(batch=batch["id"], **filters))))
        for filters, _ in FILTERED
    ]
    assert found == FILTERED


def test_another_batch_stays_out_of_a_batchs_list(database: Database, log: Log, batch: Row) -> None:
    other = open_batch(database, log, "other")
    create_projects(database, log, other, 1, first=100)
    assert numbers(listed(database, caller("handler"), Filters(batch=other["id"]))) == [1]
    assert len(listed(database, caller("handler")).items) == 8


def test_pages_of_any_length_give_every_project_once_in_order(database: Database, log: Log, batch: Row) -> None:
    for sort, limit in itertools.product(SORTS, (1, 2, 3, 7)):
        walk_pages(database, sort, limit)


def walk_pages(database: Database, sort: str, limit: int) -> None:
    whole = listed(database, caller("handler"), None, sort, limit=200)
    assert whole.next is None
    found, after = [], None
    while True:
        page = listed(database, caller("handler"), None, sort, after, limit)
        found.extend(page.items)
        after = page.next
        if after is None:
            break
    assert found == whole.items
    assert sorted(item["id"] for item in found) == sorted({item["id"] for item in found})
    if sort not in ("title", "state"):  # texts other than codes are ordered by the database's collation
        name = sort.removeprefix("-")
        keys = [(item[name], item["id"]) for item in found]
        assert keys == sorted(keys, reverse=sort.startswith("-"))


FOREIGN = [
    "",
    "nonsense",
    "中文",
    "WyJjb2RlIiwieCIsIm5vIl0",  # ["code","x","no"]
    "WyItY29kZSIsIngiLCIwMTkwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDAiXQ",  # of the sort -code
    "WyJjb2RlIiwxLCIwMTkwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDAiXQ",  # a number for a code
    "eyJjb2RlIjoxfQ",  # {"code":1}
    "WyJjb2RlIl0",  # ["code"]
    "A" * 10_000,
]


def test_a_cursor_that_is_not_of_this_list_is_unreadable(database: Database, log: Log) -> None:
    for cursor in FOREIGN:
        with pytest.raises(Unreadable) as raised:
            listed(database, caller("handler"), None, "code", cursor)
        assert raised.value.text.zh == "翻页标记无效，或属于另一种排序；请从第一页重新开始"


UNREADABLE: list[tuple[str, int, Filters]] = [
    ("colour", 50, Filters()),
    ("id", 50, Filters()),
    ("code", 0, Filters()),
    ("code", 201, Filters()),
    ("code", True, Filters()),
    ("code", 50, Filters(batch="sd-gongfu-2024-2")),
    ("code", 50, Filters(text="a\0b")),
    ("code", 50, Filters(city="\ud800")),
    ("code", 50, Filters(states=("draft", "x" * 301))),
]


def test_a_list_that_cannot_be_asked_for_is_unreadable(database: Database, log: Log) -> None:
    for sort, limit, filters in UNREADABLE:
        with pytest.raises(Unreadable):
            listed(database, caller("handler"), filters, sort, None, limit)


REACHED: list[tuple[Caller, list[int]]] = [
    (caller("handler"), [1, 2, 3, 4, 5, 6, 7]),
    (caller("auditor"), [1, 2, 3, 4, 5, 6, 7]),
    (caller("city", city=QINGDAO), [6, 7]),
    (caller("city", city="370300"), []),
    (caller("city"), []),
    (caller("applicant", unit=credit_code(4)), [2]),
    (caller("applicant", unit=credit_code(5)), []),  # a member, and not the lead
    (caller("applicant"), []),
    (caller("expert"), []),
    (caller("system_admin"), []),
    (caller("public"), []),
]


def test_a_caller_lists_and_counts_what_lies_within_reach(database: Database, log: Log, batch: Row) -> None:
    for who, expected in REACHED:
        assert numbers(listed(database, who)) == expected
        with database.reading() as tx:
            by_state = count_projects(tx, who, batch["id"], "state")
            by_city = count_projects(tx, who, batch["id"], "city")
        states = {"draft": [n for n in expected if n < 7], "under_review": [n for n in expected if n == 7]}
        cities = {JINAN: [n for n in expected if n < 6], QINGDAO: [n for n in expected if n > 5]}
        assert by_state == {state: len(found) for state, found in states.items() if found}
        assert by_city == {city: len(found) for city, found in cities.items() if found}


def test_projects_are_counted_by_state_or_city_of_a_batch(database: Database, log: Log, batch: Row) -> None:
    for by, batch_id in (("title", batch["id"]), ("state", "x")):
        with database.reading() as tx, pytest.raises(Unreadable):
            count_projects(tx, caller("handler"), batch_id, by)


class Counted(Transaction):
    """A transaction that counts what it reads."""

    reads = 0

    def fetch(self, statement: Statement, **values: Any) -> list[Row]:
        self.reads += 1
        return super().fetch(statement, **values)


def test_a_page_takes_one_read_however_long_it_is(database: Database, log: Log, batch: Row) -> None:
    listed(database, caller("handler"), limit=1)  # the rules are read once a process
    reads = []
    for limit in (1, 7):
        with database.reading() as tx:
            counted = Counted(tx.driver, tx.dialect, tx.wire)
            assert len(list_projects(counted, caller("handler"), Filters(), limit=limit).items) == limit
            reads.append(counted.reads)
    assert reads == [1, 1]


def test_the_province_sees_a_whole_project(database: Database, log: Log) -> None:
    batch = open_batch(database, log)
    row = drive(database, log, create_projects(database, log, batch, 1)[0]["id"], "applied")
    with database.reading() as tx:
        shown = show_project(tx, caller("handler", at(date(2024, 7, 22))), row["id"])
    lead, landing = application(1).members
    assert {name: shown[name] for name in ("members", "contact_name", "contact_phone", "opinion", "remarks")} == {
        "members": [
            {"name": lead.name, "credit_code": lead.credit_code, "role": "lead", "kind": "provider"},
            {"name": landing.name, "credit_code": landing.credit_code, "role": "landing", "kind": "manufacturer"},
        ],
        "contact_name": "张三",
        "contact_phone": "13800000000",
        "opinion": "同意推荐",
        "remarks": None,
    }
    assert (shown["record"], shown["hidden"], shown["documents"]) == (row["record"], [], row["documents"])
    assert (shown["pending"], shown["flags"], shown["version"]) == (None, [], 2)
    assert shown["definition"] == {"name": "gongfu-pilot/1", "hash": row["definition_hash"]}
    assert shown["policy"] == {"name": "sd-gongfu-2024-2/1", "hash": row["policy_hash"]}
    assert shown["created_at"] == "2024-07-01T01:00:00.000000Z"
    assert shown["checkpoints"] == [
        {
            "id": planned["id"],
            "kind": kind,
            "number": 1,
            "label": {"zh": zh, "en": en},
            "due_on": due_on,
            "computed_on": due_on,
            "provisional": False,
            "light": "yellow",
        }
        for planned, (kind, zh, en, due_on) in zip(
            row["plan"],
            (
                ("city_cutoff", "市级申报截止", "city cut-off", "2024-07-31"),
                ("package_due", "推荐材料报省截止", "package to the province", "2024-08-05"),
            ),
            strict=True,
        )
    ]


LIGHTS = {
    date(2024, 7, 15): ["green", "green"],
    date(2024, 7, 16): ["yellow", "green"],
    date(2024, 7, 31): ["yellow", "yellow"],
    date(2024, 8, 1): ["red", "yellow"],
    date(2024, 8, 6): ["red", "red"],
}


def test_a_checkpoint_turns_yellow_within_fifteen_days_and_red_when_overdue(database: Database, log: Log) -> None:
    row = drive(database, log, create_projects(database, log, open_batch(database, log), 1)[0]["id"], "applied")
    seen = {}
    for day in LIGHTS:
        with database.reading() as tx:
            shown = show_project(tx, caller("handler", at(day)), row["id"])
        seen[day] = [item["light"] for item in shown["checkpoints"]]
    assert seen == LIGHTS


def test_the_objector_and_the_objection_material_are_hidden_from_applicant_and_city(
    database: Database, log: Log
) -> None:
    row = drive(database, log, create_projects(database, log, open_batch(database, log), 1)[0]["id"], "under_objection")
    secret = ["objector_contact", "objector_name"]
    seen = {}
    for who in (
        caller("handler", LATER),
        caller("auditor", LATER),
        caller("city", LATER, city=JINAN),
        caller("applicant", LATER, unit=row["lead_code"]),
    ):
        with database.reading() as tx:
            shown = show_project(tx, who, row["id"])
        kinds = sorted(row["documents"].keys() - shown["documents"].keys())
        seen[who.actor.role] = (shown["hidden"], sorted(row["record"].keys() - shown["record"].keys()), kinds)
    assert {*secret} < row["record"].keys()
    kept_back = (["objection_material", *secret], secret, ["objection_material"])
    assert seen == {"handler": ([], [], []), "auditor": ([], [], []), "city": kept_back, "applicant": kept_back}


def test_progress_calls_close_one_by_one_as_progress_is_reported(database: Database, log: Log) -> None:
    row = drive(database, log, create_projects(database, log, open_batch(database, log), 1)[0]["id"], "published")

    def calls() -> list[tuple[int, str]]:
        with database.reading() as tx:
            shown = show_project(tx, caller("handler", LATER), row["id"])
        return [(item["number"], item["due_on"]) for item in shown["checkpoints"] if item["kind"] == "progress_call"]

    assert calls() == [(1, "2025-02-28"), (2, "2025-09-01")]
    act(database, log, row["id"], "report_progress", on=date(2025, 2, 10))
    assert calls() == [(2, "2025-09-01")]
    for day in (date(2025, 8, 11), date(2025, 8, 12)):
        act(database, log, row["id"], "report_progress", on=day)
        assert calls() == []


def test_a_first_signature_is_for_those_who_could_sign_and_the_auditor(database: Database, log: Log) -> None:
    row = drive(database, log, create_projects(database, log, open_batch(database, log), 1)[0]["id"], "published")
    act(database, log, row["id"], "revoke")
    seen = {}
    for who in (
        caller("leader", LATER),
        caller("auditor", LATER),
        caller("city", LATER, city=JINAN),
        caller("applicant", LATER, unit=row["lead_code"]),
    ):
        with database.reading() as tx:
            shown = show_project(tx, who, row["id"])
        seen[who.actor.role] = shown["pending"]
    signed = {
        "event": "revoke",
        "actor": "handler",
        "on": "2026-02-10",
        "fields": {"revocation_finding": "材料造假"},
        "documents": {},
        "reason": "依据会议纪要办理",
    }
    assert seen == {"leader": signed, "auditor": signed, "city": None, "applicant": None}


def test_a_project_out_of_reach_is_not_found(database: Database, log: Log) -> None:
    row = create_projects(database, log, open_batch(database, log), 1)[0]
    strangers = (caller("city", city=QINGDAO), caller("applicant", unit=credit_code(3)), caller("expert"))
    for who in strangers:
        with database.reading() as tx, pytest.raises(NotFound):
            show_project(tx, who, row["id"])
