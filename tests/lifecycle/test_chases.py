"""Chases: on record, to those whom an open checkpoint concerns, by those who may, and no oftener than the plan says."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.chases import Chances, Chased, chase, chases_left
from lifecycle.commitments import is_commitment
from lifecycle.database import Database
from lifecycle.deadlines import add_deadline
from lifecycle.errors import Conflict, NotFound, Refusal, TooSoon, Unreadable
from lifecycle.projects import amend_project
from lifecycle.rehearsal.chronicle import read_bodies, read_chronicle
from lifecycle.replay import drift_of_batch, replay
from lifecycle.statements import Row
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
    read_project,
)
from tests.lifecycle.officers import announced, drift_of, last_body, limit_chases, sentences, told

NOW = at(date(2024, 7, 26))
HANDLER = caller("handler", NOW)
CITY = caller("city", NOW, city=JINAN)
HOUR = timedelta(hours=1)


@pytest.fixture
def batch(database: Database, log: Log) -> Row:
    return open_batch(database, log)


@pytest.fixture
def project(database: Database, log: Log, batch: Row) -> Row:
    """A project that was applied for: the city's own package is due on 5 August, after the city's cut-off."""
    return drive(database, log, create_projects(database, log, batch, 1)[0]["id"], "applied")


def hurry(
    database: Database,
    log: Log,
    project: Row,
    by: Caller = HANDLER,
    checkpoint: str | None = None,
    note: str | None = None,
) -> Chased:
    with attempt(database, log, by, ("project", project["id"]), "chase") as tx:
        return chase(tx, log, by, project["id"], checkpoint, note)


def left(database: Database, project: Row, by: Caller = HANDLER) -> Chances:
    with database.reading() as tx:
        return chases_left(tx, by, project["id"])


def outcome(job: Callable[[], object]) -> str:
    try:
        job()
    except Refusal as refusal:
        return type(refusal).__name__
    return "done"


def plan_of(project: Row) -> dict[str, str]:
    return {item["kind"]: item["id"] for item in project["plan"]}


def added(database: Database, log: Log, project: Row, title: str, due_on: date, to: list[str]) -> str:
    with database.transaction() as tx:
        opened = add_deadline(tx, log, replace(HANDLER, now=OPENED), project["id"], title, due_on, to).checkpoint
    assert opened is not None
    return opened


def test_a_chase_is_one_entry_and_one_announcement_and_the_projects_version_stays(
    database: Database, log: Log, project: Row
) -> None:
    cutoff = plan_of(project)["city_cutoff"]
    chased = hurry(database, log, project, note="请于本周内办结")
    row, body = read_project(database, project["id"]), last_body(database, project)
    assert row == {**project, "head_seq": project["head_seq"] + 1, "head_hash": row["head_hash"]}
    assert (body["type"], body["action"]["name"], body["subject"]["version"], is_commitment(body["reason"])) == (
        "project.chased",
        "chase",
        project["version"],
        True,
    )
    item = {"checkpoint": cutoff, "kind": "city_cutoff", "number": 1, "due_on": "2024-07-31"}
    assert body["changes"] == [{"path": "/chased", "old": None, "new": item}]
    (news,) = announced(database)
    assert {name: news[name] for name in ("id", "event", "version", "actor", "details", "at", "expanded_at")} == {
        "id": chased.announcement,
        "event": "chase",
        "version": project["version"],
        "actor": "handler",
        "details": {"checkpoint": cutoff, "note": "请于本周内办结"},
        "at": NOW,
        "expanded_at": None,
    }
    assert {**chased.to_dict(), "receipt": None} == {
        "project": project["id"],
        "code": project["code"],
        "version": project["version"],
        "announcement": news["id"],
        "checkpoint": cutoff,
        "kind": "city_cutoff",
        "number": 1,
        "label": {"zh": "市级申报截止", "en": "city cut-off"},
        "due_on": "2024-07-31",
        "to": ["applicant", "city"],
        "left_today": 49,
        "receipt": None,
    }
    assert drift_of(database, project) == []


def test_chases_leave_replay_chronicle_and_the_winner_of_a_version_alone(
    database: Database, log: Log, batch: Row
) -> None:
    draft = create_projects(database, log, batch, 1)[0]
    doer = caller_for("applicant", draft, OPENED)
    with database.transaction() as tx:
        amend_project(tx, log, doer, draft["id"], {"title": "新名"})
    with database.reading() as tx:
        before = replay(tx, draft["id"])
    hurry(database, log, draft)
    hurry(database, log, draft, replace(HANDLER, now=NOW + 48 * HOUR))
    with pytest.raises(Conflict) as caught, database.transaction() as tx:
        amend_project(tx, log, doer, draft["id"], {"title": "又一名"}, expected_version=1)
    assert caught.value.details["winner"]["action"] == "amend"
    with database.reading() as tx:
        after = replay(tx, draft["id"])
        assert {name for name in after if after[name] != before[name]} == {"seq", "head"}
        assert read_chronicle(read_bodies(tx)).flaws == []
        assert drift_of_batch(tx, batch["id"]) == {}


def test_the_checkpoint_due_first_is_chased_unless_another_is_named(database: Database, log: Log, project: Row) -> None:
    first = added(database, log, project, "补材料", date(2024, 7, 30), ["applicant"])
    assert hurry(database, log, project).checkpoint == first
    later = replace(HANDLER, now=NOW + 24 * HOUR)
    package = plan_of(project)["package_due"]
    assert hurry(database, log, project, later, package).kind == "package_due"
    for name in ("nonsense", "0" * 8 + "-0000-0000-0000-" + "0" * 12):
        assert outcome(lambda n=name: hurry(database, log, project, replace(HANDLER, now=NOW + 50 * HOUR), n)) == (
            "NotFound"
        )


def test_what_has_ended_is_not_chased(database: Database, log: Log, batch: Row, project: Row) -> None:
    cutoff = plan_of(project)["city_cutoff"]
    ended = drive(database, log, create_projects(database, log, batch, 1, first=5)[0]["id"], "refused")
    assert outcome(lambda: hurry(database, log, ended)) == "NotOffered"
    assert outcome(lambda: hurry(database, log, ended, checkpoint=cutoff)) == "NotFound"  # another project's
    act(database, log, project["id"], "recommend")
    assert outcome(lambda: hurry(database, log, project, checkpoint=cutoff)) == "NotFound"  # it is closed by now
    assert (left(database, ended).checkpoints, left(database, ended).possible) == ((), False)
    assert chases(database) == []


def chases(database: Database) -> list[Row]:
    return [row for row in announced(database) if row["event"] == "chase"]


def test_who_may_chase(database: Database, log: Log, batch: Row) -> None:
    found = {}
    roles = ("handler", "division_head", "leader", "city", "applicant", "auditor", "expert")
    for number, role in enumerate(roles, 1):
        row = create_projects(database, log, batch, 1, first=number)[0]
        doer = caller_for(role, row, NOW)
        seen = "NotFound" if role == "expert" else left(database, row, doer).possible
        found[role] = (outcome(lambda r=row, d=doer: hurry(database, log, r, d)), seen)
    assert found == {
        **dict.fromkeys(("handler", "division_head", "leader", "city"), ("done", True)),
        **dict.fromkeys(("applicant", "auditor"), ("Forbidden", False)),
        "expert": ("NotFound", "NotFound"),
    }


def test_a_city_bureau_chases_its_applicants_and_nobody_above_it(database: Database, log: Log, project: Row) -> None:
    internal = added(database, log, project, "核查", date(2024, 7, 27), ["handler"])
    seen = left(database, project, CITY)
    assert [item["kind"] for item in seen.checkpoints] == ["city_cutoff"]
    for checkpoint in (internal, plan_of(project)["package_due"]):
        assert outcome(lambda c=checkpoint: hurry(database, log, project, CITY, c)) == "Forbidden"
    assert hurry(database, log, project, CITY).kind == "city_cutoff"
    assert drift_of(database, project) == []


def test_another_citys_bureau_is_refused_and_sees_nothing(database: Database, log: Log, project: Row) -> None:
    stranger = caller("city", NOW, city=QINGDAO)
    assert outcome(lambda: hurry(database, log, project, stranger)) == "NotFound"
    with pytest.raises(NotFound):
        left(database, project, stranger)
    assert chases(database) == []


def test_a_project_is_chased_again_when_the_plans_hours_are_over_and_not_a_moment_earlier(
    database: Database, log: Log, batch: Row, project: Row
) -> None:
    limit_chases(database, batch, every_hours=20)
    hurry(database, log, project)
    for role, wait in (("handler", HOUR), ("leader", 20 * HOUR - timedelta(microseconds=1))):
        doer = caller(role, NOW + wait)
        with pytest.raises(TooSoon) as caught:
            hurry(database, log, project, doer)
        again = (caught.value.details["again_at"], caught.value.details["retry_after"])
        seconds = {"handler": 19 * 3600, "leader": 1}[role]
        assert again == ("2024-07-26T21:00:00.000000Z", seconds)
        assert caught.value.details["per"] == "project"
        assert caught.value.text.zh == "同一项目20小时内只催办一次；2024-07-27 05:00起可再次催办"
        assert left(database, project, doer).again_at == NOW + 20 * HOUR
    assert hurry(database, log, project, replace(HANDLER, now=NOW + 20 * HOUR)).left_today == 49
    assert len(chases(database)) == 2


def test_an_officer_chases_so_many_times_a_business_day_and_begins_anew_at_midnight_in_the_policys_zone(
    database: Database, log: Log, batch: Row
) -> None:
    limit_chases(database, batch, a_day=2)
    rows = create_projects(database, log, batch, 5)
    evening = datetime(2024, 7, 26, 15, 59, 59, tzinfo=UTC)  # one second before midnight in Shanghai
    wang, li = (caller("handler", evening, person=name) for name in ("wang", "li"))
    assert [hurry(database, log, row, wang).left_today for row in rows[:2]] == [1, 0]
    with pytest.raises(TooSoon) as caught:
        hurry(database, log, rows[2], wang)
    details = {name: caught.value.details[name] for name in ("again_at", "retry_after", "limit", "per")}
    assert details == {"again_at": "2024-07-26T16:00:00.000000Z", "retry_after": 1, "limit": 2, "per": "officer"}
    assert (left(database, rows[2], wang).left_today, left(database, rows[2], wang).possible) == (0, False)
    assert hurry(database, log, rows[2], li).left_today == 1  # the limit is each officer's own
    tomorrow = replace(wang, now=evening + timedelta(seconds=1))
    assert (left(database, rows[3], tomorrow).left_today, left(database, rows[3], tomorrow).possible) == (2, True)
    assert hurry(database, log, rows[3], tomorrow).left_today == 1


def test_of_two_officers_at_once_one_chases(database: Database, log: Log, project: Row) -> None:
    doers = [caller("handler", NOW, person=f"p{number}") for number in range(8)]
    answers = at_once([lambda d=doer: hurry(database, log, project, d) for doer in doers])
    assert Counter(type(answer).__name__ for answer in answers) == {"Chased": 1, "TooSoon": 7}
    assert len(chases(database)) == 1
    assert drift_of(database, project) == []


def test_one_officer_at_once_on_many_projects_keeps_to_the_days_number(
    database: Database, log: Log, batch: Row
) -> None:
    limit_chases(database, batch, a_day=3)
    rows = create_projects(database, log, batch, 8)
    answers = at_once([lambda r=row: hurry(database, log, r) for row in rows])
    assert Counter(type(answer).__name__ for answer in answers) == {"Chased": 3, "TooSoon": 5}
    assert len(chases(database)) == 3
    assert left(database, rows[0]).left_today == 0
    with database.reading() as tx:
        assert drift_of_batch(tx, batch["id"]) == {}


def test_a_menu_says_what_may_be_chased_and_when(database: Database, log: Log, project: Row) -> None:
    first = added(database, log, project, "补材料", date(2024, 7, 30), ["applicant"])
    assert left(database, project).to_dict() == {
        "possible": True,
        "checkpoints": [
            {"id": first, "kind": "by_hand", "number": 1, "due_on": "2024-07-30",
             "label": {"zh": "补材料", "en": "补材料"}},
            {"id": plan_of(project)["city_cutoff"], "kind": "city_cutoff", "number": 1, "due_on": "2024-07-31",
             "label": {"zh": "市级申报截止", "en": "city cut-off"}},
            {"id": plan_of(project)["package_due"], "kind": "package_due", "number": 1, "due_on": "2024-08-05",
             "label": {"zh": "推荐材料报省截止", "en": "package to the province"}},
        ],
        "left_today": 50,
        "again_at": None,
    }  # fmt: skip
    hurry(database, log, project)
    after = left(database, project)
    assert (after.possible, after.left_today, after.to_dict()["again_at"]) == (
        False,
        49,
        "2024-07-27T01:00:00.000000Z",
    )


def test_a_note_that_cannot_be_kept_is_refused_before_anything_is_counted(
    database: Database, log: Log, project: Row
) -> None:
    notes: list[Any] = ["长" * 501, "甲\x00", "\ud800", 7]
    for note in notes:
        with pytest.raises(Unreadable), database.transaction() as tx:
            chase(tx, log, HANDLER, project["id"], None, note)
    assert hurry(database, log, project, note="  ").left_today == 49
    assert chases(database)[0]["details"]["note"] is None


def test_the_history_tells_of_chases_in_both_languages_and_keeps_internal_ones(
    database: Database, log: Log, project: Row
) -> None:
    hurry(database, log, project, note="请抓紧")
    added(database, log, project, "核实举报", date(2024, 7, 28), ["handler"])
    later = replace(HANDLER, now=NOW + 24 * HOUR)
    hurry(database, log, project, later, note="请核实")
    with pytest.raises(TooSoon):
        hurry(database, log, project, later)
    found = sentences(database, HANDLER, project)
    assert [found[1], *found[3:]] == [
        (
            "2024-07-26 handler（省厅经办人）催办：市级申报截止（2024-07-31）",
            "2024-07-26 handler (provincial handler) chased: city cut-off (2024-07-31)",
        ),
        (
            "2024-07-27 handler（省厅经办人）催办：核实举报（2024-07-28）",
            "2024-07-27 handler (provincial handler) chased: 核实举报 (2024-07-28)",
        ),
        (
            "2024-07-27 handler（省厅经办人）申请办理“催办”，未予办理：未到可再次办理的时间",
            "2024-07-27 handler (provincial handler) asked for: chase; refused: Too soon to do this again",
        ),
    ]
    applicant = caller_for("applicant", project, later.now)
    seen = [(item["sentence"]["zh"], item["reason"]) for item in told(database, applicant, project)[2:]]
    assert [seen[0], seen[2]] == [
        ("2024-07-26 handler（省厅经办人）催办：市级申报截止（2024-07-31）", "请抓紧"),
        ("2024-07-27 handler（省厅经办人）催办：增设期限（2024-07-28）", {"$withheld": "role"}),
    ]
