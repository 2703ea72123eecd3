"""A project rebuilt from its entries equals the live one, and whatever was changed behind the log's back is found."""

import ast
import re
from dataclasses import replace
from datetime import date
from typing import Any

import orjson
import pytest

from lifecycle import projects
from lifecycle.audit import Log
from lifecycle.canonical import canonical_bytes, leaf_hash, parse_canonical
from lifecycle.database import Database
from lifecycle.errors import Refusal
from lifecycle.replay import BrokenLog, Withheld, drift, drift_of_batch, replay
from lifecycle.statements import Row
from lifecycle.transition import transition_project
from tests.lifecycle.builders import (
    JINAN,
    PATHS,
    act,
    application,
    at,
    caller,
    caller_for,
    create_projects,
    credit_code,
    drive,
    force,
    open_batch,
    read_entries,
    read_project,
    request_for,
)
from tests.lifecycle.redacting import redact
from tests.lifecycle.test_database import contents

DUE = {
    "due_on": "2024-09-04",
    "computed_on": "2024-09-04",
    "provisional": False,
    "calendar": "cn-state-council/2026",
}


@pytest.fixture
def batch(database: Database, log: Log) -> Row:
    return open_batch(database, log)


@pytest.fixture
def project(database: Database, log: Log, batch: Row) -> Row:
    """A project under objection, with two refused attempts in its stream."""
    row = create_projects(database, log, batch, 1)[0]
    for event in ("publish", "close"):
        with pytest.raises(Refusal):
            act(database, log, row["id"], event, on=date(2024, 7, 2))
    return drive(database, log, row["id"], "under_objection")


def drift_of(database: Database, project: Row) -> list[str]:
    with database.reading() as tx:
        return drift(tx, project["id"])


def drift_in(database: Database, batch: Row) -> dict[str, list[str]]:
    with database.reading() as tx:
        return drift_of_batch(tx, batch["id"])


def problems_of(database: Database, project: Row) -> tuple[str, ...]:
    with database.reading() as tx, pytest.raises(BrokenLog) as raised:
        replay(tx, project["id"])
    return raised.value.problems


def test_replay_gives_back_the_whole_project(database: Database, log: Log, project: Row) -> None:
    with database.reading() as tx:
        rebuilt = replay(tx, project["id"])
    lead, landing = credit_code(2), credit_code(3)
    assert rebuilt == {
        "id": project["id"],
        **{name: project[name] for name in ("batch_id", "state", "version", "left_state")},
        **{name: project[name] for name in ("definition_hash", "policy_hash")},
        **{name: project[name] for name in ("code", "title", "city", "task_code", "ownership", "group_name")},
        **{name: project[name] for name in ("lead_code", "lead_name", "members", "investment_fen", "filed_rank")},
        **{name: project[name] for name in ("opinion", "remarks", "contact_name", "contact_phone", "pending")},
        **{name: project[name] for name in ("record", "documents", "signers", "flags", "deadlines", "responsible")},
        "lists": {},
        "indicators": None,
        "starts_on": None,
        "ends_on": None,
        "entered_on": "2024-08-14",
        "checkpoints": {"objection_finding_due/1": DUE},
        "capacities": {
            f"city_quota/{JINAN}": 1,
            f"manufacturer_projects/{landing}": 1,
            f"provider_projects/{lead}": 1,
        },
        "seq": 9,
        "head": project["head_hash"].hex(),
        "created_at": "2024-07-01T01:00:00.000000Z",
        "changed_at": "2024-08-14T01:00:00.000000Z",
    }
    assert rebuilt["record"]["objector_name"] == "李四"


def test_in_every_state_the_log_and_the_row_agree(database: Database, log: Log, batch: Row) -> None:
    rows = create_projects(database, log, batch, len(PATHS))
    driven = [drive(database, log, row["id"], state) for row, state in zip(rows, PATHS, strict=True)]
    with database.reading() as tx:
        states = {replay(tx, row["id"])["state"] for row in driven}
    assert states == set(PATHS)
    assert drift_in(database, batch) == {}


def test_overlays_two_signatures_and_amendments_replay(database: Database, log: Log, batch: Row) -> None:
    row = drive(database, log, create_projects(database, log, batch, 1)[0]["id"], "published")
    for event in ("request_change", "approve_change", "extend", "suspend", "resume", "report_progress"):
        act(database, log, row["id"], event)
    act(database, log, row["id"], "revoke", on=date(2025, 3, 1))
    assert read_project(database, row["id"])["pending"] is not None
    assert drift_of(database, row) == []
    officer = caller("handler", at(date(2025, 3, 2)))
    values: dict[str, Any] = {"title": "更名", "contact_phone": None, "remarks": "甲/乙", "ends_on": date(2026, 1, 1)}
    with database.transaction() as tx:
        projects.amend_project(tx, log, officer, row["id"], values, reason="更正")
    after = read_project(database, row["id"])
    assert (after["pending"], after["title"], after["contact_phone"]) == (None, "更名", None)
    assert drift_in(database, batch) == {}


def test_acts_dated_back_replay_and_their_date_is_no_part_of_the_project(
    database: Database, log: Log, batch: Row
) -> None:
    row = drive(database, log, create_projects(database, log, batch, 1)[0]["id"], "city_recommended")
    late = caller("handler", at(date(2024, 8, 20)))
    for event, on in (("accept_filing", date(2024, 8, 6)), ("record_vetoes", date(2024, 8, 7))):
        request = replace(request_for(event, row, on), on=on, reason="补记")
        with database.transaction() as tx:
            transition_project(tx, log, late, row["id"], request)
    with database.reading() as tx:
        rebuilt = replay(tx, row["id"])
    assert rebuilt["entered_on"] == "2024-08-06"
    assert "effective_on" not in rebuilt
    assert drift_in(database, batch) == {}


def test_amended_members_move_what_the_project_holds(database: Database, log: Log, batch: Row) -> None:
    row = drive(database, log, create_projects(database, log, batch, 1)[0]["id"], "returned")
    doer = caller_for("applicant", row, at(date(2024, 7, 23)))
    lead, _ = application(1).members
    _, other = application(50).members
    with database.transaction() as tx:
        projects.amend_project(tx, log, doer, row["id"], {"members": (lead, other)})
    assert drift_in(database, batch) == {}
    act(database, log, row["id"], "withdraw", on=date(2024, 7, 24))
    assert drift_in(database, batch) == {}


def test_a_capacity_whose_key_holds_a_slash_replays(database: Database, log: Log, batch: Row) -> None:
    filed = application(1, group="海岱/集团")
    row = drive(database, log, create_projects(database, log, batch, [filed])[0]["id"], "city_recommended")
    with database.reading() as tx:
        assert replay(tx, row["id"])["capacities"]["group_tasks/海岱/集团"] == 1
    assert drift_in(database, batch) == {}


def test_a_redacted_value_is_withheld_and_the_rest_still_agrees(database: Database, log: Log, project: Row) -> None:
    last = read_entries(database, f"project/{project['id']}")[-1]
    changes = parse_canonical(last["body"])["changes"]
    index = next(index for index, change in enumerate(changes) if change["path"] == "/record/objector_name")
    path = f"/changes/{index}/new"
    redact(database, log, {last["id"]: [path]})
    with database.reading() as tx:
        assert replay(tx, project["id"])["record"]["objector_name"] == Withheld(last["id"], path)
    assert drift_of(database, project) == []


def test_a_private_value_stands_in_one_disclosure_alone(database: Database, log: Log, batch: Row) -> None:
    row = drive(database, log, create_projects(database, log, batch, 1)[0]["id"], "published")
    act(
        database, log, row["id"], "request_change", fields={"change_request": "第一次", "change_asked": {"title": "甲"}}
    )
    act(database, log, row["id"], "approve_change")
    act(
        database,
        log,
        row["id"],
        "request_change",
        fields={"change_request": "第二次", "change_asked": {"title": "乙"}},
        on=date(2024, 10, 21),
    )
    officer = caller("handler", at(date(2024, 10, 22)))
    with database.transaction() as tx:
        projects.amend_project(tx, log, officer, row["id"], {"contact_phone": "13900000000"})
    with database.transaction() as tx:
        projects.amend_project(tx, log, officer, row["id"], {"contact_phone": None})
    kept = contents(database)
    for private in ("第一次", "第二次", "13800000000", "13900000000"):
        told = [line for line in kept["disclosure"] if private in line or ascii(private)[1:-1] in line]
        assert len(told) == 1, private
    assert drift_in(database, batch) == {}


BEHIND_THE_LOG: list[tuple[str, Any, str]] = [
    ("state", "published", "state: the log says 'under_objection', the row says 'published'"),
    ("version", 99, "version: the log says 7, the row says 99"),
    ("entered_on", "2024-08-15", "entered_on: the log says '2024-08-14', the row says '2024-08-15'"),
    ("title", "换名", "title: the log says '产线数字化1', the row says '换名'"),
    ("contact_phone", "1", "contact_phone: the log says '13800000000', the row says '1'"),
    ("flags", "[]", "flags: the log says ['objection_open'], the row says []"),
    (
        "changed_at",
        "2024-08-15T01:00:00.000000Z",
        "changed_at: the log says '2024-08-14T01:00:00.000000Z', the row says",
    ),
    ("head_seq", 8, "head: the log says (9, "),
    ("ownership", "provincial_soe", f"capacities/city_quota/{JINAN}: the log says 1, the row says 0"),
    ("record", '{"rank": 2}', "record/rank: the log says 1, the row says 2"),
]


def test_a_row_changed_behind_the_logs_back_drifts(database: Database, log: Log, project: Row) -> None:
    unsaid = []
    for column, value, said in BEHIND_THE_LOG:
        force(database, (f"UPDATE project SET {column} = ? WHERE id = ?", (value, project["id"])))
        unsaid += [] if any(found.startswith(said) for found in drift_of(database, project)) else [said]
    assert unsaid == []


def test_a_project_moved_to_another_batch_behind_the_logs_back_drifts(
    database: Database, log: Log, batch: Row, project: Row
) -> None:
    other = open_batch(database, log, "next-batch")
    force(database, ("UPDATE project SET batch_id = ? WHERE id = ?", (other["id"], project["id"])))
    assert drift_of(database, project) == [
        f"batch_id: the log says '{batch['id']}', the row says '{other['id']}'",
    ]


OTHERWISE = {"due_on": "2024-09-05", "computed_on": "2024-09-03", "provisional": True, "calendar": "another"}
DUE_AT = "checkpoints/objection_finding_due/1"


def plan_of(project: Row, **changes: Any) -> dict[str, Any]:
    """Return the project's plan as the drift tells it: by id, with kind, number and due date."""
    (item,) = project["plan"]
    return {item["id"]: {"kind": "objection_finding_due", "number": 1, **DUE, **changes}}


def said(problems: list[str]) -> list[tuple[str, Any, Any]]:
    """Return what each problem is about and the two values it tells apart, whatever order their members have."""
    form = re.compile(r"(.+?): the (?:log|row) says (.+), (?:the row says|and open are) (.+)")
    found = [form.fullmatch(problem) for problem in problems]
    return [(one[1], ast.literal_eval(one[2]), ast.literal_eval(one[3])) for one in found if one]


def test_a_plan_changed_behind_the_logs_back_drifts(database: Database, log: Log, project: Row) -> None:
    changed = [plan_of(project, **{name: value}) for name, value in OTHERWISE.items()]
    for plan in ({}, *changed):
        rows = [{"id": name, **item} for name, item in plan.items()]
        force(database, ("UPDATE project SET plan = ? WHERE id = ?", (orjson.dumps(rows).decode(), project["id"])))
        found = drift_of(database, project)
        assert (said(found), len(found)) == ([("plan", plan, plan_of(project))], 1)
        assert found[0].startswith("plan: the row says {")


def test_a_checkpoint_closed_behind_the_logs_back_drifts(database: Database, log: Log, project: Row) -> None:
    force(database, ("UPDATE checkpoint SET status = 'closed' WHERE project_id = ?", (project["id"],)))
    found = drift_of(database, project)
    assert said(found) == [(DUE_AT, DUE, None), ("plan", plan_of(project), {})]
    assert len(found) == 2


def test_each_part_of_a_due_date_changed_behind_the_logs_back_drifts(
    database: Database, log: Log, project: Row
) -> None:
    of = project["id"]
    for name, value in OTHERWISE.items():
        force(database, (f"UPDATE checkpoint SET {name} = ? WHERE project_id = ?", (value, of)))
        assert said(drift_of(database, project)) == [
            (DUE_AT, DUE, {**DUE, name: value}),
            ("plan", plan_of(project), plan_of(project, **{name: value})),
        ]
        force(database, (f"UPDATE checkpoint SET {name} = ? WHERE project_id = ?", (DUE[name], of)))
    assert drift_of(database, project) == []


def test_a_counter_that_is_not_the_sum_of_its_projects_is_found(
    database: Database, log: Log, batch: Row, project: Row
) -> None:
    other = open_batch(database, log, "next-batch")
    drive(database, log, create_projects(database, log, other, 1, first=7)[0]["id"], "applied")
    assert (drift_in(database, batch), drift_in(database, other)) == ({}, {})
    force(
        database,
        ("UPDATE capacity SET used = 7 WHERE pool = ? AND key = ?", ("city_quota", JINAN)),
        ("DELETE FROM capacity WHERE pool = ? AND key = ?", ("manufacturer_projects", credit_code(15))),
    )
    programme = f"gongfu-baijing/manufacturer_projects/{credit_code(15)}: the counter says 0, the projects hold 1"
    quota = "city_quota/370100: the counter says 7, the projects hold"
    assert drift_in(database, batch) == {"capacities": [f"{batch['id']}/{quota} 1", programme]}
    assert drift_in(database, other) == {"capacities": [f"{other['id']}/{quota} 0", programme]}


def test_a_deleted_project_leaves_a_gap_in_its_batch(database: Database, log: Log, batch: Row) -> None:
    first, _second = create_projects(database, log, batch, 2)
    of = (first["id"],)
    force(
        database,
        ("DELETE FROM checkpoint WHERE project_id = ?", of),
        ("DELETE FROM membership WHERE project_id = ?", of),
        ("DELETE FROM project WHERE id = ?", of),
    )
    assert drift_in(database, batch) == {batch["id"]: ["2 projects were entered, and there are 1"]}
    assert drift_of(database, first) == [f"there is no row of project {first['id']}"]


def rewritten(entry: Row, **changes: Any) -> bytes:
    """Return an entry's body with other values."""
    return canonical_bytes({**parse_canonical(entry["body"]), **changes})


def test_an_entry_edited_deleted_or_inserted_breaks_the_chain(database: Database, log: Log, project: Row) -> None:
    entries = read_entries(database, f"project/{project['id']}")
    third, fourth = entries[3], entries[4]
    body = rewritten(third, type="project.amended")
    edit = ("UPDATE entry SET body = ? WHERE id = ?", (body, third["id"]))
    force(database, edit)
    assert problems_of(database, project) == (
        "entry 4 does not hold: type, leaf",
        "entry 5 does not hold: prev",
    )
    again = ("UPDATE entry SET leaf = ?, type = ? WHERE id = ?", (leaf_hash(body), "project.amended", third["id"]))
    force(database, again)
    assert problems_of(database, project) == ("entry 5 does not hold: prev",)
    force(database, ("DELETE FROM entry WHERE id = ?", (fourth["id"],)))
    assert problems_of(database, project)[0] == "entry 6 does not hold: seq (after 4), prev"


def test_a_lost_tail_and_an_emptied_stream_are_found(database: Database, log: Log, project: Row) -> None:
    last = read_entries(database, f"project/{project['id']}")[-1]
    force(database, ("DELETE FROM entry WHERE id = ?", (last["id"],)))
    with database.reading() as tx:
        assert replay(tx, project["id"])["state"] == "in_publicity"
    assert f"head: the log says (8, '{parse_canonical(last['body'])['prev']}'), the row says (9," in "".join(
        drift_of(database, project)
    )
    force(database, ("DELETE FROM entry WHERE stream = ?", (f"project/{project['id']}",)))
    assert problems_of(database, project) == ("there are no entries",)


PROJECTIONS = {"actor": "someone", "action": "reopen", "outcome": "failed", "at": "2024-07-01T00:00:00.000000Z"}


def test_a_column_edited_beside_its_body_is_found(database: Database, log: Log, project: Row) -> None:
    entries = read_entries(database, f"project/{project['id']}")
    for entry, (column, value) in zip(entries, PROJECTIONS.items(), strict=False):
        force(database, (f"UPDATE entry SET {column} = ? WHERE id = ?", (value, entry["id"])))
    assert problems_of(database, project) == tuple(
        f"entry {seq} does not hold: {column}" for seq, column in enumerate(PROJECTIONS, 1)
    )


def test_bytes_that_are_no_entry_are_named_and_the_rest_is_still_read(
    database: Database, log: Log, project: Row
) -> None:
    second, third, *_ = read_entries(database, f"project/{project['id']}")[1:]
    force(
        database,
        ("UPDATE entry SET body = ? WHERE id = ?", (b"not json", second["id"])),
        ("UPDATE entry SET body = ? WHERE id = ?", (b"{}", third["id"])),
    )
    problems = problems_of(database, project)
    assert [problem.split(":")[0] for problem in problems[:2]] == ["entry 2 cannot be read", "entry 3 cannot be read"]
    assert problems[2] == "entry 4 does not hold: seq (after 1), prev"


def test_a_swapped_disclosure_does_not_open(database: Database, log: Log, project: Row) -> None:
    last = read_entries(database, f"project/{project['id']}")[-1]
    force(database, ("UPDATE disclosure SET value = ? WHERE entry_id = ?", ('"换"', last["id"])))
    problems = problems_of(database, project)
    assert len(problems) == 3
    assert {problem.split(" in ")[1] for problem in problems} == {f"entry {last['id']} does not open its commitment"}


def test_an_entry_that_lies_about_what_was_before_is_found(database: Database, log: Log, project: Row) -> None:
    last = read_entries(database, f"project/{project['id']}")[-1]
    changes = parse_canonical(last["body"])["changes"]
    lying = [{**change, "old": "reviewed"} if change["path"] == "/state" else change for change in changes]
    body = rewritten(last, changes=lying)
    force(database, ("UPDATE entry SET body = ?, leaf = ? WHERE id = ?", (body, leaf_hash(body), last["id"])))
    assert problems_of(database, project) == ("entry 9 says that /state was 'reviewed', and it was 'in_publicity'",)
