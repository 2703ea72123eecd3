"""Deadlines that officers add by hand: opened, moved and ended on record, by those who may, for those concerned."""

import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from lifecycle import deadlines, sets
from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.commitments import is_commitment
from lifecycle.database import Database
from lifecycle.deadlines import Deadline, add_deadline, end_deadline, move_deadline
from lifecycle.errors import Conflict, Forbidden, NotFound, NotOffered, Refusal, Unreadable
from lifecycle.listing import show_project
from lifecycle.replay import drift_of_batch, replay
from lifecycle.statements import Row
from lifecycle.tables import Project
from tests.faults.test_races import at_once
from tests.lifecycle.builders import (
    JINAN,
    OPENED,
    QINGDAO,
    act,
    at,
    caller,
    caller_for,
    create_projects,
    drive,
    open_batch,
    read_entries,
    read_project,
)
from tests.lifecycle.officers import by_hand, drift_of, last_body, sentences, told
from tests.lifecycle.redacting import redact
from tests.lifecycle.test_database import contents

HANDLER = caller("handler")
CITY = caller("city", city=JINAN)
TITLE = "补充设备清单"
DUE, LATER = date(2024, 8, 20), date(2024, 9, 2)


@pytest.fixture
def batch(database: Database, log: Log) -> Row:
    return open_batch(database, log)


@pytest.fixture
def project(database: Database, log: Log, batch: Row) -> Row:
    return create_projects(database, log, batch, 1)[0]


def add(database: Database, log: Log, project: Row, by: Caller = HANDLER, **changes: Any) -> Deadline:
    asked = {"title": TITLE, "due_on": DUE, "to": ["applicant"], **changes}
    with attempt(database, log, by, ("project", project["id"]), "add_deadline") as tx:
        return add_deadline(tx, log, by, project["id"], **asked)


def move(
    database: Database, log: Log, project: Row, number: int, due_on: date, by: Caller = HANDLER, **options: Any
) -> Deadline:
    with attempt(database, log, by, ("project", project["id"]), "move_deadline") as tx:
        return move_deadline(tx, log, by, project["id"], number, due_on, **options)


def end(
    database: Database, log: Log, project: Row, number: int, how: str = "done", by: Caller = HANDLER, **options: Any
) -> Deadline:
    with attempt(database, log, by, ("project", project["id"]), "end_deadline") as tx:
        return end_deadline(tx, log, by, project["id"], number, how, **options)


def outcome(job: Callable[[], object]) -> str:
    try:
        job()
    except Refusal as refusal:
        return type(refusal).__name__
    return "done"


def test_a_deadline_opens_a_checkpoint_in_the_same_act_and_its_title_is_committed_to(
    database: Database, log: Log, project: Row
) -> None:
    added = add(database, log, project, reason="现场核查发现缺项", expected_version=1)
    row, (opened,) = read_project(database, project["id"]), by_hand(database, project)
    assert row["deadlines"] == {
        "1": {"title": TITLE, "due_on": "2024-08-20", "to": ["applicant"], "by": "handler"},
    }
    assert (opened["status"], opened["due_on"], opened["number"], opened["version"]) == ("open", DUE, 1, 2)
    assert (opened["opened_at"], opened["next_at"], opened["replaces"]) == (OPENED, OPENED, None)
    assert (row["version"], row["state"], opened["id"] in {item["id"] for item in row["plan"]}) == (2, "draft", True)
    assert {**added.to_dict(), "receipt": None} == {
        "project": project["id"],
        "code": project["code"],
        "version": 2,
        "number": 1,
        "title": TITLE,
        "due_on": "2024-08-20",
        "to": ["applicant"],
        "by": "handler",
        "ended": None,
        "checkpoint": opened["id"],
        "receipt": None,
    }
    body = last_body(database, project)
    assert (body["type"], body["action"]["name"], is_commitment(body["reason"])) == (
        "project.deadline_added",
        "add_deadline",
        True,
    )
    changes = {change["path"]: (change["old"], change["new"]) for change in body["changes"]}
    assert set(changes) == {"/deadlines/1", "/checkpoints/by_hand/1", "/version"}
    assert is_commitment(changes["/deadlines/1"][1])
    with database.reading() as tx:
        assert replay(tx, project["id"])["deadlines"] == row["deadlines"]
    assert drift_of(database, project) == []


def test_a_moved_deadline_supersedes_its_checkpoint_and_the_same_date_changes_nothing(
    database: Database, log: Log, project: Row
) -> None:
    add(database, log, project)
    moved = move(database, log, project, 1, LATER)
    before = contents(database)
    same = move(database, log, project, 1, LATER)
    assert (same.receipt, same.version, contents(database)) == (None, 3, before)
    old, new = by_hand(database, project)
    assert [(row["status"], row["reason"], row["version"]) for row in (old, new)] == [
        ("superseded", "move_deadline", 2),
        ("open", "move_deadline", 3),
    ]
    assert (new["replaces"], new["due_on"], moved.checkpoint) == (old["id"], LATER, new["id"])
    assert drift_of(database, project) == []


@pytest.mark.parametrize("how", ["done", "withdrawn"])
def test_an_ended_deadline_closes_its_checkpoint_and_its_number_is_never_used_again(
    database: Database, log: Log, project: Row, how: str
) -> None:
    add(database, log, project)
    ended = end(database, log, project, 1, how)
    assert (ended.ended, ended.checkpoint) == (how, None)
    assert add(database, log, project).number == 2
    assert [(row["number"], row["status"]) for row in by_hand(database, project)] == [(1, "closed"), (2, "open")]
    assert outcome(lambda: end(database, log, project, 1)) == "NotFound"
    assert outcome(lambda: move(database, log, project, 1, LATER)) == "NotFound"
    assert outcome(lambda: end(database, log, project, 3)) == "NotFound"
    with database.reading() as tx:
        listed = deadlines.list_deadlines(tx, HANDLER, project["id"])
    assert [(one.number, one.title, one.ended) for one in listed] == [(1, TITLE, how), (2, TITLE, None)]
    assert drift_of(database, project) == []


def test_a_suspended_project_keeps_its_deadline_where_its_other_dates_stop(
    database: Database, log: Log, project: Row
) -> None:
    drive(database, log, project["id"], "published")
    add(database, log, project, caller("handler", at(date(2024, 9, 2))), due_on=date(2025, 1, 3))
    kinds = {item["kind"] for item in read_project(database, project["id"])["plan"]}
    act(database, log, project["id"], "suspend")
    (kept,) = by_hand(database, project)
    stopped = {item["kind"] for item in read_project(database, project["id"])["plan"]}
    assert (kept["status"], stopped < kinds, "by_hand" in stopped) == ("open", True, True)
    act(database, log, project["id"], "resume")
    assert by_hand(database, project) == [kept]
    assert drift_of(database, project) == []


def test_a_project_at_its_end_has_no_deadlines_and_one_that_is_reopened_has_its_own_again(
    database: Database, log: Log, project: Row
) -> None:
    add(database, log, project)
    add(database, log, project, title="第二项")
    end(database, log, project, 2)
    drive(database, log, project["id"], "refused")
    jobs = (
        lambda: add(database, log, project),
        lambda: move(database, log, project, 1, LATER),
        lambda: end(database, log, project, 1),
    )
    assert [outcome(job) for job in jobs] == ["NotOffered"] * 3
    act(database, log, project["id"], "reopen", on=date(2024, 7, 23))
    act(database, log, project["id"], "reopen", on=date(2024, 7, 24), role="division_head")
    found = [(row["number"], row["status"], row["due_on"]) for row in by_hand(database, project)]
    assert found == [(1, "closed", DUE), (1, "open", DUE), (2, "closed", DUE)]
    assert drift_of(database, project) == []


def test_who_may_add_a_deadline(database: Database, log: Log, project: Row) -> None:
    found = {}
    for role in ("handler", "division_head", "leader", "city", "applicant", "auditor", "expert", "public"):
        doer = caller_for(role, project, OPENED)
        found[role] = outcome(lambda d=doer: add(database, log, project, d))
    assert found == {
        **dict.fromkeys(("handler", "division_head", "leader", "city"), "done"),
        **dict.fromkeys(("applicant", "auditor"), "Forbidden"),
        **dict.fromkeys(("expert", "public"), "NotFound"),
    }
    assert drift_of(database, project) == []


def test_another_citys_bureau_is_refused_and_sees_nothing(database: Database, log: Log, project: Row) -> None:
    add(database, log, project)
    stranger = caller("city", city=QINGDAO)
    jobs: list[Callable[[], object]] = [
        lambda: add(database, log, project, stranger),
        lambda: move(database, log, project, 1, LATER, stranger),
        lambda: end(database, log, project, 1, "done", stranger),
    ]
    assert [outcome(job) for job in jobs] == ["NotFound"] * 3
    with pytest.raises(NotFound), database.reading() as tx:
        deadlines.list_deadlines(tx, stranger, project["id"])
    assert read_project(database, project["id"])["version"] == 2


def test_a_city_bureau_sets_its_own_deadlines_and_lifts_none_of_the_provinces(
    database: Database, log: Log, project: Row
) -> None:
    refused = [outcome(lambda to=to: add(database, log, project, CITY, to=to)) for to in (["handler"], ["province"])]
    assert refused == ["Forbidden", "Forbidden"]
    assert add(database, log, project, CITY, to=["applicant", "city"]).by == "city"
    add(database, log, project, to=["city"])
    add(database, log, project, to=["handler"])
    assert outcome(lambda: move(database, log, project, 2, LATER, CITY)) == "Forbidden"
    assert outcome(lambda: end(database, log, project, 2, "withdrawn", CITY)) == "Forbidden"
    assert outcome(lambda: end(database, log, project, 3, "done", CITY)) == "NotFound"  # it does not know of it
    assert move(database, log, project, 1, LATER, CITY).due_on == LATER.isoformat()
    assert end(database, log, project, 1, "done", CITY).ended == "done"
    assert end(database, log, project, 2).ended == "done"
    assert drift_of(database, project) == []


WRONG: list[dict[str, Any]] = [
    *({"title": title} for title in ("", "  ", "长" * 101, "甲\x00", "甲\n乙", "甲\t乙", "甲\u2028" + "\ud800", 7)),
    *({"due_on": on} for on in (date(2024, 6, 30), date(2035, 1, 1), date.max, OPENED, "2024-08-20", None)),
    *({"to": to} for to in ([], ["nobody"], ["expert"], ["system"], ["public"], ["handler", 7], ["security_admin"])),
    {"reason": "长" * 2001},
    {"reason": "甲\x07"},
]


@pytest.mark.parametrize("changes", WRONG, ids=range(len(WRONG)))
def test_what_cannot_be_kept_is_refused_and_nothing_is_written(
    database: Database, log: Log, project: Row, changes: dict[str, Any]
) -> None:
    before = read_project(database, project["id"])
    with pytest.raises(Unreadable), database.transaction() as tx:
        add_deadline(tx, log, HANDLER, project["id"], **{"title": TITLE, "due_on": DUE, "to": ["applicant"], **changes})
    assert (read_project(database, project["id"]), by_hand(database, project)) == (before, [])


def test_groups_stand_for_their_roles_and_today_is_a_possible_date(database: Database, log: Log, project: Row) -> None:
    added = add(database, log, project, title=f" {TITLE} ", due_on=OPENED.date(), to=["province", "applicant"])
    assert (added.title, added.to) == (TITLE, ("handler", "division_head", "leader", "applicant"))
    assert add(database, log, project, title="长" * 100, due_on=date(2034, 12, 31), to=["auditor"]).number == 2


def test_there_is_an_end_to_how_many_a_project_may_have(database: Database, log: Log, project: Row) -> None:
    ended = {"title": TITLE, "due_on": "2024-08-20", "to": ["city"], "by": "handler", "ended": "done"}
    with database.transaction() as tx:
        kept = {"id": project["id"], "deadlines": {str(number): ended for number in range(1, deadlines.MOST)}}
        sets.update_many(tx, Project.__table__, ["id"], [kept])  # type: ignore[attr-defined]
    assert add(database, log, project).number == deadlines.MOST
    assert outcome(lambda: add(database, log, project)) == "Unreadable"


def test_an_older_version_is_a_conflict_and_of_many_at_once_each_has_its_own_number(
    database: Database, log: Log, project: Row
) -> None:
    add(database, log, project)
    for job in (
        lambda: add(database, log, project, expected_version=1),
        lambda: move(database, log, project, 1, LATER, expected_version=1),
        lambda: end(database, log, project, 1, expected_version=1),
    ):
        with pytest.raises(Conflict):
            job()
    answers = at_once([lambda: add(database, log, project) for _ in range(6)])
    assert sorted(answer.number for answer in answers if isinstance(answer, Deadline)) == [2, 3, 4, 5, 6, 7]
    assert drift_of(database, project) == []


def test_whatever_is_done_in_whatever_order_the_log_tells_the_row_and_the_rows_that_are_open(
    database: Database, log: Log, batch: Row, project: Row
) -> None:
    dice, model = random.Random(20240820), dict[int, str | None]()
    for _ in range(40):
        number = dice.randint(1, len(model) + 1)
        due_on = DUE + timedelta(days=dice.randint(0, 3))
        deed = dice.choice(("add", "move", "done", "withdrawn"))
        open_now = number in model and model[number] is not None
        if deed == "add":
            model[add(database, log, project, due_on=due_on).number] = due_on.isoformat()
            continue
        if deed == "move":
            answer = outcome(lambda n=number, on=due_on: move(database, log, project, n, on))
            model.update({number: due_on.isoformat()} if open_now else {})
        else:
            answer = outcome(lambda n=number, how=deed: end(database, log, project, n, how))
            model.update({number: None} if open_now else {})
        assert answer == ("done" if open_now else "NotFound")
    assert sorted(model) == list(range(1, len(model) + 1))
    standing = {
        row["number"]: row["due_on"].isoformat() for row in by_hand(database, project) if row["status"] == "open"
    }
    assert standing == {number: on for number, on in model.items() if on}
    with database.reading() as tx:
        assert drift_of_batch(tx, batch["id"]) == {}


def test_the_history_tells_of_deadlines_in_both_languages(database: Database, log: Log, project: Row) -> None:
    add(database, log, project, reason="现场核查发现缺项")
    move(database, log, project, 1, LATER)
    end(database, log, project, 1, "done")
    add(database, log, project, title="第二项")
    end(database, log, project, 2, "withdrawn")
    assert sentences(database, HANDLER, project) == [
        (
            "2024-07-01 handler（省厅经办人）增设期限“补充设备清单”（2024-08-20）",
            "2024-07-01 handler (provincial handler) added the deadline “补充设备清单” (2024-08-20)",
        ),
        (
            "2024-07-01 handler（省厅经办人）调整期限“补充设备清单”（2024-09-02）",
            "2024-07-01 handler (provincial handler) moved the deadline “补充设备清单” (2024-09-02)",
        ),
        (
            "2024-07-01 handler（省厅经办人）办结期限“补充设备清单”（2024-09-02）",
            "2024-07-01 handler (provincial handler) closed the deadline “补充设备清单” (2024-09-02)",
        ),
        (
            "2024-07-01 handler（省厅经办人）增设期限“第二项”（2024-08-20）",
            "2024-07-01 handler (provincial handler) added the deadline “第二项” (2024-08-20)",
        ),
        (
            "2024-07-01 handler（省厅经办人）撤销期限“第二项”（2024-08-20）",
            "2024-07-01 handler (provincial handler) withdrew the deadline “第二项” (2024-08-20)",
        ),
    ]
    refused = outcome(lambda: add(database, log, project, caller_for("applicant", project, OPENED)))
    assert (refused, sentences(database, HANDLER, project)[-1]) == (
        "Forbidden",
        (
            "2024-07-01 applicant（申报单位）申请办理“增设期限”，未予办理：无权办理",
            "2024-07-01 applicant (applicant) asked for: add a deadline; refused: Not permitted",
        ),
    )


def shown(database: Database, who: Caller, project: Row) -> list[tuple[str, str]]:
    with database.reading() as tx:
        found = show_project(tx, who, project["id"])["checkpoints"]
    return [(item["label"]["zh"], item["due_on"]) for item in found if item["kind"] == "by_hand"]


def test_a_deadline_is_called_by_its_title_and_hidden_from_those_it_does_not_concern(
    database: Database, log: Log, project: Row
) -> None:
    add(database, log, project, title="核实举报", to=["handler"], reason="有举报")
    add(database, log, project, title="市局核查", to=["city"], reason="请核")
    add(database, log, project, title="补材料", to=["applicant"], reason="缺页")
    found = {}
    for role in ("handler", "auditor", "city", "applicant"):
        who = caller_for(role, project, OPENED)
        entries = told(database, who, project)[1:]
        titles = [
            (change["new"] or {}).get("title") for item in entries for change in item["changes"]
            if change["path"].startswith("/deadlines/")
        ]  # fmt: skip
        with database.reading() as tx:
            listed = [one.title for one in deadlines.list_deadlines(tx, who, project["id"])]
        assert [title for title in titles if title] == listed == [title for title, _ in shown(database, who, project)]
        found[role] = (listed, [item["reason"] for item in entries])
    kept, all_three = {"$withheld": "role"}, ["核实举报", "市局核查", "补材料"]
    assert found == {
        "handler": (all_three, ["有举报", "请核", "缺页"]),
        "auditor": (all_three, ["有举报", "请核", "缺页"]),
        "city": (["市局核查", "补材料"], [kept, "请核", "缺页"]),
        "applicant": (["补材料"], [kept, kept, "缺页"]),
    }
    applicant = sentences(database, caller_for("applicant", project, OPENED), project)
    assert applicant[0] == (
        "2024-07-01 handler（省厅经办人）增设期限（内容不公开）",
        "2024-07-01 handler (provincial handler) added the deadline (not shown)",
    )


def test_a_redacted_title_is_withheld_and_the_log_still_agrees(database: Database, log: Log, project: Row) -> None:
    add(database, log, project, reason="涉及个人")
    (entry,) = [
        row for row in read_entries(database, f"project/{project['id']}") if row["type"].endswith("deadline_added")
    ]
    redact(database, log, {entry["id"]: None})
    (item,) = told(database, caller_for("applicant", project, OPENED), project)[1:]
    redacted = {"$withheld": "redacted"}
    assert [change["new"] for change in item["changes"] if change["path"] == "/deadlines/1"] == [redacted]
    assert (item["reason"], item["sentence"]["zh"]) == (
        {"$withheld": "role"},
        "2024-07-01 handler（省厅经办人）增设期限（内容不公开）",
    )
    assert told(database, HANDLER, project)[1]["reason"] == redacted
    assert drift_of(database, project) == []


def test_refusals_that_are_raised_here_are_the_ones_the_edges_know(database: Database, log: Log, project: Row) -> None:
    with pytest.raises(Unreadable), database.transaction() as tx:
        end_deadline(tx, log, HANDLER, project["id"], 1, "forgotten")
    with pytest.raises(Forbidden):
        add(database, log, project, caller("auditor"))
    drive(database, log, project["id"], "withdrawn")
    with pytest.raises(NotOffered):
        add(database, log, project)
