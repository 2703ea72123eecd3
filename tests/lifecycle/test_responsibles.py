"""Persons in charge: handed over by those who may, to those who can take it, one by one or many at once."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lifecycle import responsibles
from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.commitments import is_commitment
from lifecycle.database import Database
from lifecycle.errors import Conflict, Forbidden, NotFound, PreviewStale, Refusal, Unreadable
from lifecycle.replay import drift_of_batch, replay
from lifecycle.responsibles import Assigned, Preview, assign, assign_many, people_in_charge, preview_assignments
from lifecycle.statements import Row
from tests.faults.test_races import at_once
from tests.lifecycle.builders import (
    JINAN,
    OPENED,
    QINGDAO,
    caller,
    caller_for,
    create_projects,
    drive,
    open_batch,
    read_project,
)
from tests.lifecycle.officers import Counted, announced, drift_of, last_body, officer, retire, sentences, told
from tests.lifecycle.test_database import contents

HEAD = caller("division_head")


@pytest.fixture
def batch(database: Database, log: Log) -> Row:
    return open_batch(database, log)


@pytest.fixture
def project(database: Database, log: Log, batch: Row) -> Row:
    return create_projects(database, log, batch, 1)[0]


def give(
    database: Database,
    log: Log,
    project: Row,
    login: str | None,
    by: Caller = HEAD,
    role: str = "handler",
    **options: Any,
) -> Assigned:
    with attempt(database, log, by, ("project", project["id"]), "assign") as tx:
        return assign(tx, log, by, project["id"], role, login, **options)


def outcome(job: Callable[[], object]) -> str:
    try:
        job()
    except Refusal as refusal:
        return type(refusal).__name__
    return "done"


def preview(
    database: Database, batch: Row, rows: list[Row], login: str | None, by: Caller = HEAD, role: str = "handler"
) -> Preview:
    with database.reading() as tx:
        return preview_assignments(tx, by, batch, [row["id"] for row in rows], role, login)


def give_many(
    database: Database,
    log: Log,
    batch: Row,
    rows: list[Row],
    login: str | None,
    by: Caller = HEAD,
    role: str = "handler",
    **options: Any,
) -> list[Assigned]:
    with attempt(database, log, by, ("batch", batch["id"]), "assign") as tx:
        return assign_many(tx, log, by, batch, [row["id"] for row in rows], role, login, **options)


def test_a_handover_is_one_version_one_entry_and_one_announcement(database: Database, log: Log, project: Row) -> None:
    wang = officer(database, log, "handler", "wang").actor.id
    given = give(database, log, project, "wang", note="请接办", expected_version=1)
    row, body = read_project(database, project["id"]), last_body(database, project)
    assert (row["responsible"], row["version"], row["state"], row["changed_at"]) == (
        {"handler": wang},
        2,
        "draft",
        OPENED,
    )
    assert (body["type"], body["action"]["name"], is_commitment(body["reason"])) == (
        "project.reassigned",
        "assign",
        True,
    )
    assert body["changes"] == [
        {"path": "/responsible/handler", "old": None, "new": wang},
        {"path": "/version", "old": 1, "new": 2},
    ]
    (news,) = announced(database)
    assert {name: news[name] for name in ("event", "project_id", "version", "actor", "details", "expanded_at")} == {
        "event": "assigned",
        "project_id": project["id"],
        "version": 2,
        "actor": "division_head",
        "details": {"role": "handler", "person": wang, "note": "请接办"},
        "expanded_at": None,
    }
    assert {**given.to_dict(), "receipt": None} == {
        "project": project["id"],
        "code": project["code"],
        "version": 2,
        "role": "handler",
        "before": None,
        "person": wang,
        "receipt": None,
    }
    with database.reading() as tx:
        assert replay(tx, project["id"])["responsible"] == {"handler": wang}
        assert people_in_charge(tx, HEAD, project["id"]) == {
            "handler": {"id": wang, "login": "wang", "name": "wang某", "active": True}
        }
    assert drift_of(database, project) == []


def test_given_back_it_is_everybodys_again_and_nobody_is_told(database: Database, log: Log, project: Row) -> None:
    officer(database, log, "handler", "wang")
    give(database, log, project, "wang")
    given = give(database, log, project, None)
    assert (given.person, read_project(database, project["id"])["responsible"]) == (None, {})
    assert len(announced(database)) == 1
    with database.reading() as tx:
        assert (replay(tx, project["id"])["responsible"], people_in_charge(tx, HEAD, project["id"])) == ({}, {})
    assert drift_of(database, project) == []


def test_who_is_in_charge_already_is_no_change(database: Database, log: Log, project: Row) -> None:
    officer(database, log, "handler", "wang")
    give(database, log, project, "wang")
    before = contents(database)
    same = give(database, log, project, "wang")
    assert (same.receipt, same.version, same.before == same.person) == (None, 2, True)
    assert contents(database) == before
    stood = read_project(database, project["id"])
    assert give(database, log, project, None, caller("city", city=JINAN), "city").receipt is None
    assert (read_project(database, project["id"]), len(announced(database))) == (stood, 1)


def test_who_may_hand_over_what(database: Database, log: Log, project: Row) -> None:
    people = {
        "handler": officer(database, log, "handler", "wang"),
        "division_head": officer(database, log, "division_head", "sun"),
        "leader": officer(database, log, "leader", "qian"),
        "city": officer(database, log, "city", "lu", city=JINAN),
    }
    logins = {"handler": "wang", "division_head": "sun", "leader": "qian", "city": "lu"}
    found = {}
    for mine in ("division_head", "leader", "handler", "city", "applicant", "auditor", "expert"):
        doer = caller_for(mine, project, OPENED)
        found[mine] = [outcome(lambda d=doer, r=role: give(database, log, project, logins[r], d, r)) for role in people]
    assert found == {
        "division_head": ["done", "done", "done", "Forbidden"],
        "leader": ["done", "done", "done", "Forbidden"],
        "handler": ["Forbidden"] * 4,
        "city": ["Forbidden", "Forbidden", "Forbidden", "done"],
        "applicant": ["Forbidden"] * 4,
        "auditor": ["Forbidden"] * 4,
        "expert": ["NotFound"] * 4,
    }
    assert drift_of(database, project) == []


def test_a_handler_hands_over_what_is_his_own_and_only_to_somebody(database: Database, log: Log, project: Row) -> None:
    wang, li = (officer(database, log, "handler", login) for login in ("wang", "li"))
    assert outcome(lambda: give(database, log, project, "li", wang)) == "Forbidden"  # it is everybody's
    give(database, log, project, "wang")
    assert outcome(lambda: give(database, log, project, "li", li)) == "Forbidden"
    assert outcome(lambda: give(database, log, project, None, wang)) == "Forbidden"
    assert give(database, log, project, "li", wang).person == li.actor.id
    assert outcome(lambda: give(database, log, project, "wang", wang)) == "Forbidden"
    assert drift_of(database, project) == []


def test_nobody_takes_over_who_is_not_there_not_active_of_another_role_or_of_another_city(
    database: Database, log: Log, project: Row
) -> None:
    officer(database, log, "leader", "qian")
    officer(database, log, "city", "qingdao", city=QINGDAO)
    officer(database, log, "applicant", "unit", unit=project["lead_code"])
    retire(database, officer(database, log, "handler", "gone").actor.id)
    before, city = read_project(database, project["id"]), caller("city", city=JINAN)
    refused = [
        *((HEAD, "handler", login) for login in ("nobody", "gone", "qian", "UNREADABLE login\x00", "")),
        *((city, "city", login) for login in ("qingdao", "qian", "nobody")),
        *((HEAD, role, "unit") for role in ("applicant", "expert", "auditor", "system", "nonsense")),
    ]
    for doer, role, login in refused:
        with pytest.raises(Unreadable), database.transaction() as tx:
            assign(tx, log, doer, project["id"], role, login)
    with pytest.raises(Unreadable), database.transaction() as tx:
        assign(tx, log, HEAD, project["id"], "leader", "qian", "长" * 501)
    assert read_project(database, project["id"]) == before


def test_another_citys_bureau_is_refused_and_sees_nobody(
    database: Database, log: Log, batch: Row, project: Row
) -> None:
    officer(database, log, "city", "lu", city=QINGDAO)
    stranger = caller("city", city=QINGDAO)
    jobs = [
        lambda: give(database, log, project, "lu", stranger, "city"),
        lambda: preview(database, batch, [project], "lu", stranger, "city"),
        lambda: give_many(database, log, batch, [project], "lu", stranger, "city"),
    ]
    assert [outcome(job) for job in jobs] == ["NotFound"] * 3
    with pytest.raises(NotFound), database.reading() as tx:
        people_in_charge(tx, stranger, project["id"])


def test_an_older_version_is_a_conflict_and_of_many_at_once_one_is_told_after_another(
    database: Database, log: Log, project: Row
) -> None:
    logins = [f"h{number}" for number in range(5)]
    ids = {officer(database, log, "handler", login).actor.id for login in logins}
    give(database, log, project, "h0")
    with pytest.raises(Conflict):
        give(database, log, project, "h1", expected_version=1)
    answers = at_once([lambda login=login: give(database, log, project, login) for login in logins[1:]])
    told_to = [row["details"]["person"] for row in announced(database)]
    assert (len(answers), set(told_to), len(told_to)) == (4, ids, 5)
    assert read_project(database, project["id"])["version"] == 6
    assert drift_of(database, project) == []


def test_many_are_handed_over_as_previewed(database: Database, log: Log, batch: Row) -> None:
    rows = create_projects(database, log, batch, 5)
    wang, li = (officer(database, log, "handler", login).actor.id for login in ("wang", "li"))
    give(database, log, rows[1], "wang")
    give(database, log, rows[2], "li")
    shown = preview(database, batch, rows, "wang")
    of = {row["code"][-1]: (row["before"] and row["before"]["login"], row["changes"]) for row in shown.rows}
    assert of == {
        "1": (None, True),
        "2": ("wang", False),
        "3": ("li", True),
        "4": (None, True),
        "5": (None, True),
    }
    assert shown.to_dict()["counts"] == {"changed": 4, "same": 1}
    assert shown.person == {"id": wang, "login": "wang", "name": "wang某", "active": True}
    done = give_many(database, log, batch, rows, "wang", note="统一调整", digest=shown.digest)
    assert [(item.before, item.person, item.receipt is None) for item in done] == [
        (None, wang, False),
        (wang, wang, True),
        (li, wang, False),
        (None, wang, False),
        (None, wang, False),
    ]
    assert [read_project(database, row["id"])["responsible"] for row in rows] == [{"handler": wang}] * 5
    assert Counter(item["details"]["note"] for item in announced(database)) == {None: 2, "统一调整": 4}
    with database.reading() as tx:
        assert drift_of_batch(tx, batch["id"]) == {}


def test_a_preview_that_something_has_overtaken_is_not_committed(database: Database, log: Log, batch: Row) -> None:
    rows = create_projects(database, log, batch, 2)
    officer(database, log, "handler", "wang")
    digest = preview(database, batch, rows, "wang").digest
    drive(database, log, rows[1]["id"], "applied")
    with pytest.raises(PreviewStale) as caught:
        give_many(database, log, batch, rows, "wang", digest=digest)
    assert caught.value.details == {"given": digest, "present": preview(database, batch, rows, "wang").digest}
    with pytest.raises(PreviewStale):
        give_many(database, log, batch, rows, None, digest=preview(database, batch, rows, "wang").digest)
    assert [read_project(database, row["id"])["responsible"] for row in rows] == [{}, {}]


def test_many_are_handed_over_all_or_none(database: Database, log: Log, batch: Row) -> None:
    rows = create_projects(database, log, batch, 3)
    elsewhere = create_projects(database, log, batch, 1, city=QINGDAO, first=10)[0]
    other = create_projects(database, log, open_batch(database, log, "other"), 1, first=20)[0]
    wang = officer(database, log, "handler", "wang")
    officer(database, log, "handler", "li")
    officer(database, log, "city", "lu", city=JINAN)
    give(database, log, rows[0], "wang")
    city = caller("city", city=JINAN)
    nowhere = {**rows[0], "id": "0" * 8 + "-0000-0000-0000-" + "0" * 12}
    before = contents(database)
    jobs: list[tuple[type[Refusal], Callable[[], object]]] = [
        (Forbidden, lambda: give_many(database, log, batch, rows, "li", wang)),  # two of three are not his
        (NotFound, lambda: give_many(database, log, batch, [*rows, elsewhere], "lu", city, "city")),
        (NotFound, lambda: give_many(database, log, batch, [*rows, other], "wang")),
        (NotFound, lambda: give_many(database, log, batch, [*rows, nowhere], "wang")),
        (NotFound, lambda: give_many(database, log, batch, [{"id": "x"}], "wang")),
        (Unreadable, lambda: give_many(database, log, batch, [*rows, rows[0]], "wang")),
        (Unreadable, lambda: give_many(database, log, batch, [], "wang")),
        (Unreadable, lambda: give_many(database, log, batch, rows, "nobody")),
        (Unreadable, lambda: give_many(database, log, batch, [rows[0]] * 5001, "wang")),
    ]
    for kind, job in jobs:
        with pytest.raises(kind):
            job()
    after = contents(database)
    assert {name for name in before if before[name] != after[name]} <= LOGGED
    assert [item.person for item in give_many(database, log, batch, [rows[0]], "li", wang)] != [wang.actor.id]


LOGGED = {"entry", "disclosure", "pending", "person_key", "stream_head", "batch"}  # attempts move the batch's head


def test_the_number_of_statements_does_not_depend_on_that_of_the_projects(
    database: Database, log: Log, batch: Row
) -> None:
    rows = create_projects(database, log, batch, 60)
    officer(database, log, "handler", "wang")
    officer(database, log, "handler", "li")
    sent = []
    for some, login in ((rows[:2], "wang"), (rows[2:], "wang"), (rows[:2], "li"), (rows, "li")):
        with database.transaction() as tx:
            counted = Counted(tx.driver, tx.dialect, tx.wire)
            assign_many(counted, log, HEAD, batch, [row["id"] for row in some], "handler", login)
            counted.flush()
        sent.append(counted.sent)
    assert (sent[0] - sent[1], sent[2:]) == (sent[0] - sent[1], [sent[1]] * 2)
    assert sent[0] - sent[1] in (0, 2)  # the first time the officer's key is made
    with database.reading() as tx:
        assert drift_of_batch(tx, batch["id"]) == {}


def test_the_history_tells_who_handed_over_to_whom_and_keeps_the_provinces_notes(
    database: Database, log: Log, project: Row
) -> None:
    officer(database, log, "handler", "wang")
    officer(database, log, "city", "lu", city=JINAN)
    head = officer(database, log, "division_head", "sun")
    give(database, log, project, "wang", head, note="内部安排")
    give(database, log, project, None, head)
    give(database, log, project, "lu", caller("city", city=JINAN), "city", note="本局安排")
    assert sentences(database, HEAD, project) == [
        (
            "2024-07-01 sun某（省厅处长）转办，省厅经办人：未指定 → wang某",
            "2024-07-01 sun某 (provincial division head) handed over: provincial handler: nobody named → wang某",
        ),
        (
            "2024-07-01 sun某（省厅处长）转办，省厅经办人：wang某 → 不再指定",
            "2024-07-01 sun某 (provincial division head) handed over: provincial handler: wang某 → nobody named",
        ),
        (
            "2024-07-01 city（市工信局）转办，市工信局：未指定 → lu某",
            "2024-07-01 city (city bureau) handed over: city bureau: nobody named → lu某",
        ),
    ]
    notes = {
        role: [item["reason"] for item in told(database, caller_for(role, project, OPENED), project)[1:]]
        for role in ("handler", "city", "applicant")
    }
    kept = {"$withheld": "role"}
    assert notes == {
        "handler": ["内部安排", None, "本局安排"],
        "city": [kept, None, "本局安排"],
        "applicant": [kept, None, "本局安排"],
    }


def test_a_handover_leaves_a_first_signature_and_the_dates_as_they_are(
    database: Database, log: Log, project: Row
) -> None:
    row = drive(database, log, project["id"], "applied")
    officer(database, log, "handler", "wang")
    later = replace(HEAD, now=OPENED + timedelta(days=30))
    give(database, log, project, "wang", later)
    after = read_project(database, project["id"])
    changed = {name for name in row if row[name] != after[name]}
    assert changed == {"responsible", "version", "head_seq", "head_hash", "changed_at"}
    assert responsibles.AT_ONCE >= 1000
