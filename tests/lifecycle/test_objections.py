"""Publicity and objections (R18, R19): dates computed and typed, objections in form or not, one project held alone."""

from collections import Counter
from datetime import date, datetime
from io import BytesIO
from typing import Any

import pytest
from openpyxl import load_workbook

from lifecycle import publicity
from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.batches import find_batch
from lifecycle.callers import Caller
from lifecycle.canonical import parse_canonical
from lifecycle.database import Database
from lifecycle.dockets.edits import DraftItem, Edit
from lifecycle.errors import Conflict, Forbidden, NotFound, NotOffered, RulesUnmet, Unreadable
from lifecycle.objections import deciding, reading, receiving
from lifecycle.papers.public import write_public_list
from lifecycle.statements import Row
from tests.faults.test_races import at_once
from tests.lifecycle import builders
from tests.lifecycle.builders import JINAN, QINGDAO, STEPS, act, at, caller, document, read_project, veto_checks
from tests.lifecycle.docketing import draft, edit, preview, release, show
from tests.lifecycle.officers import told
from tests.lifecycle.test_projects import drift_in, refused

LISTED, MADE, PUBLISHED = date(2024, 8, 12), date(2024, 8, 14), date(2024, 8, 31)
HANDLER, OFFICER = caller("handler", at(LISTED)), caller("handler", at(MADE))
HEADER = {"publicity_number": "公示〔2024〕1号", "publicity_starts_on": "2024-08-12"}
PERSON = {**STEPS["object"].fields, "objected_on": MADE.isoformat()}
PAPERS = {"objection_material": document("o1")}


@pytest.fixture
def rows(database: Database, log: Log) -> list[Row]:
    """Three projects that passed review."""
    batch = builders.open_batch(database, log)
    made = builders.create_projects(database, log, batch, 3)
    return [builders.drive(database, log, row["id"], "reviewed") for row in made]


@pytest.fixture
def batch(database: Database, rows: list[Row]) -> Row:
    with database.reading() as tx:
        return find_batch(tx, rows[0]["batch_id"])


def announce(database: Database, log: Log, batch: Row, rows: list[Row], **header: Any) -> str:
    change = Edit(header={**HEADER, **header}, put=[DraftItem(row["id"]) for row in rows])
    name = draft(database, log, batch, "publicity_list", change, HANDLER).docket
    release(database, log, name, HANDLER)
    return name


def receive(database: Database, log: Log, row: Row, fields: Any, papers: Any = None, by: Caller = OFFICER) -> Any:
    with attempt(database, log, by, ("project", row["id"]), "receive_objection") as tx:
        return receiving.receive_objection(tx, log, by, row["id"], fields, PAPERS if papers is None else papers)


def complete(database: Database, log: Log, name: str, fields: Any, papers: Any, version: int | None = None) -> Any:
    with attempt(database, log, OFFICER, ("objection", name), "complete_objection") as tx:
        return receiving.complete_objection(tx, log, OFFICER, name, fields, papers, version)


def decide(database: Database, log: Log, name: str, outcome: Any, finding: str = "经核查", by: Caller = OFFICER) -> Any:
    with attempt(database, log, by, ("objection", name), "decide_objection") as tx:
        return deciding.decide_objection(tx, log, by, name, outcome, finding)


def listed(database: Database, batch: Row, by: Caller, **options: Any) -> list[dict[str, Any]]:
    with database.reading() as tx:
        return reading.list_objections(tx, by, batch, **options).items


def public(database: Database, name: str, now: datetime) -> dict[str, Any]:
    with database.reading() as tx:
        return publicity.public_list(tx, name, now)


def state(database: Database, row: Row) -> str:
    return str(read_project(database, row["id"])["state"])


def test_the_end_of_publicity_is_computed_and_another_one_takes_a_reason(
    database: Database, log: Log, batch: Row, rows: list[Row]
) -> None:
    header = {**HEADER, "publicity_ends_on": "2024-08-20"}
    name = draft(
        database, log, batch, "publicity_list", Edit(header=header, put=[DraftItem(rows[0]["id"])]), HANDLER
    ).docket
    (day,) = show(database, name, HANDLER)["dates"]
    assert (day["kind"], day["due_on"], day["computed_on"], day["typed"]) == (
        "publicity_end",
        "2024-08-20",
        "2024-08-16",  # five working days, the first one counted
        True,
    )
    (row,) = preview(database, name, HANDLER).rows.rows
    assert [finding.check for finding in row.decision.refusals] == ["typed_end_reasoned"]
    edit(database, log, name, Edit(note="适逢会议，延长公示"), HANDLER)
    release(database, log, name, HANDLER)
    (open_one,) = [one for one in read_project(database, rows[0]["id"])["plan"] if one["kind"] == "publicity_end"]
    assert (open_one["due_on"], open_one["computed_on"]) == ("2024-08-20", "2024-08-16")
    assert announce(database, log, batch, rows[1:2])  # the computed end needs none


def test_an_objection_that_counts_holds_its_project_only_and_the_others_are_published(
    database: Database, log: Log, batch: Row, rows: list[Row]
) -> None:
    announce(database, log, batch, rows)
    done = receive(database, log, rows[0], PERSON)
    assert (done.counts, done.status, done.number, done.due_on) == (True, "open", 1, "2024-09-04")
    states = [state(database, row) for row in rows]
    assert states == ["under_objection", "in_publicity", "in_publicity"]
    later = caller("handler", at(PUBLISHED))
    checks = {"veto_checks": veto_checks(PUBLISHED)}
    change = Edit(
        header={"publication_number": "鲁工信〔2024〕9号"}, put=[DraftItem(row["id"], fields=checks) for row in rows]
    )
    name = draft(database, log, batch, "publication", change, later).docket
    refused(RulesUnmet, lambda: release(database, log, name, later))
    out = release(database, log, name, later, leave_blocked=True)
    assert (len(out.moved), out.left) == (2, (rows[0]["id"],))
    told_list = public(database, name, at(PUBLISHED))
    assert [one["title"] for one in told_list["rows"]] == [row["title"] for row in rows[1:]]
    with database.reading() as tx:
        written = write_public_list(tx, "test.invalid/log", name, "xlsx", at(PUBLISHED))
    sheet = load_workbook(BytesIO(written.content)).active
    cells = [cell for line in sheet.iter_rows(values_only=True) for cell in line if cell is not None]
    assert {rows[1]["title"], rows[1]["lead_name"]} <= set(cells)
    assert rows[0]["title"] not in cells
    assert drift_in(database, batch) == {}


def test_an_objection_not_in_form_is_received_does_not_hold_and_counts_once_completed(
    database: Database, log: Log, batch: Row, rows: list[Row]
) -> None:
    announce(database, log, batch, rows)
    partial = {name: PERSON[name] for name in ("objected_on", "objection_written", "objection_ground")}
    done = receive(database, log, rows[0], partial, {})
    missing = {one["check"] for one in done.missing}
    assert (done.counts, done.due_on) == (False, None)
    assert missing == {"fields_complete", "documents_complete", "objection_in_form"}
    assert state(database, rows[0]) == "in_publicity"
    refused(NotOffered, lambda: decide(database, log, done.objection, "upheld"))
    refused(Unreadable, lambda: complete(database, log, done.objection, {"objected_on": "2024-08-13"}, {}))
    refused(Conflict, lambda: complete(database, log, done.objection, {"objector_kind": "person"}, {}, 9))
    whole = {name: PERSON[name] for name in ("objector_kind", "objector_name", "objector_contact")}
    again = complete(database, log, done.objection, whole, PAPERS, 1)
    assert (again.counts, again.version, state(database, rows[0])) == (True, 2, "under_objection")
    unit = {**PERSON, "objector_kind": "unit", "objector_name": "某公司"}
    assert not receive(database, log, rows[1], unit).counts  # no stamp
    late = receive(database, log, rows[2], {**PERSON, "objected_on": "2024-08-11"})
    assert {one["check"] for one in late.missing} == {"objection_in_period"}
    closed = decide(database, log, late.objection, "dismissed", "不在公示期内")
    assert (closed.status, closed.state) == ("dismissed", "in_publicity")
    for fields, papers in (({}, {}), ({"tier": "x"}, {}), ({"objected_on": "x"}, {}), (PERSON, {"audit_report": {}})):
        refused(Unreadable, lambda f=fields, p=papers: receive(database, log, rows[1], f, p))  # type: ignore[misc]


def test_of_several_objections_the_last_finding_moves_the_project_and_one_upheld_settles_the_rest(
    database: Database, log: Log, batch: Row, rows: list[Row]
) -> None:
    announce(database, log, batch, rows)
    answers = at_once([lambda: receive(database, log, rows[0], PERSON)] * 4)
    assert sorted(one.number for one in answers) == [1, 2, 3, 4]  # type: ignore[attr-defined]
    assert all(one.counts for one in answers)  # type: ignore[attr-defined]
    names = [one.objection for one in answers]  # type: ignore[attr-defined]
    fields = {"objection_finding": "不成立"}
    refused(RulesUnmet, lambda: act(database, log, rows[0]["id"], "reject_objection", fields=fields))
    for name in names[:3]:
        assert decide(database, log, name, "rejected").state == "under_objection"
    last = decide(database, log, names[3], "rejected")
    assert (last.state, last.waiting) == ("in_publicity", 0)
    refused(NotOffered, lambda: decide(database, log, names[3], "upheld"))
    first, second = receive(database, log, rows[1], PERSON), receive(database, log, rows[1], PERSON)
    out = decide(database, log, second.objection, "upheld")
    assert (out.state, out.settled) == ("removed", (first.objection,))
    shown = listed(database, batch, OFFICER, project=rows[1]["id"])
    statuses = {one["id"]: one["status"] for one in shown}
    assert statuses == {first.objection: "settled", second.objection: "upheld"}
    stream = [
        parse_canonical(entry["body"]) for entry in builders.read_entries(database, f"objection/{first.objection}")
    ]
    assert [(body["type"], body["action"]["to"]) for body in stream] == [
        ("objection.received", "open"),
        ("objection.settled", "settled"),
    ]
    assert drift_in(database, batch) == {}


def test_who_objects_is_masked_for_the_city_and_the_applicant_in_every_view(
    database: Database, log: Log, batch: Row, rows: list[Row]
) -> None:
    announce(database, log, batch, rows)
    secret = {**PERSON, "objector_name": "举报人甲", "objector_contact": "13911112222"}
    name = receive(database, log, rows[0], secret).objection
    city = caller("city", at(MADE), city=JINAN)
    unit = caller("applicant", at(MADE), unit=rows[0]["lead_code"])
    for by in (city, unit):
        with database.reading() as tx:
            one = reading.show_objection(tx, by, name)
        views = [one, listed(database, batch, by), told(database, by, rows[0])]
        assert not any(word in str(views) for word in ("举报人甲", "13911112222", "o1"))
        assert (one["masked"], one["fields"]["objector_kind"], one["documents"]) == (True, ["person"], {})
        refused(Forbidden, lambda by=by: receive(database, log, rows[0], PERSON, by=by))  # type: ignore[misc]
        refused(Forbidden, lambda by=by: decide(database, log, name, "rejected", by=by))  # type: ignore[misc]
    assert listed(database, batch, OFFICER)[0]["fields"]["objector_name"] == "举报人甲"
    assert listed(database, batch, caller("city", at(MADE), city=QINGDAO)) == []
    with database.reading() as tx:
        refused(NotFound, lambda: reading.show_objection(tx, caller("city", at(MADE), city=QINGDAO), name))
        refused(NotFound, lambda: reading.show_objection(tx, OFFICER, "x"))
    body = builders.read_entries(database, f"objection/{name}")[0]["body"]
    assert "举报人甲".encode() not in body
    assert b"13911112222" not in body
    assert Counter(one["counts"] for one in listed(database, batch, OFFICER, status="open")) == {True: 1}
    refused(Unreadable, lambda: listed(database, batch, OFFICER, status="x"))


def test_a_reserve_that_fills_a_gap_gets_a_list_of_its_own_and_the_public_sees_each_from_its_day(
    database: Database, log: Log, batch: Row, rows: list[Row]
) -> None:
    ahead = announce(database, log, batch, rows[:2], publicity_starts_on="2024-08-13")
    refused(NotFound, lambda: public(database, ahead, at(LISTED)))
    shown = public(database, ahead, at(date(2024, 8, 13)))
    assert [one["position"] for one in shown["rows"]] == [1, 2]
    assert set(shown["rows"][0]) == {
        *("position", "title", "city", "city_label", "task", "task_title", "lead", "members"),
    }
    assert "13800000000" not in str(shown)
    decide(database, log, receive(database, log, rows[0], PERSON).objection, "upheld")
    later = caller("handler", at(date(2024, 8, 20)))
    change = Edit(
        header={"publicity_number": "公示〔2024〕2号", "publicity_starts_on": "2024-08-20"},
        put=[DraftItem(rows[2]["id"])],
    )
    second = draft(database, log, batch, "publicity_list", change, later).docket
    release(database, log, second, later)
    with database.reading() as tx:
        found = publicity.public_lists(tx, batch, later.now)
    assert [(one["number"], one["dates"][0]["due_on"]) for one in found] == [(2, "2024-08-26"), (1, "2024-08-19")]
    assert public(database, ahead, later.now) == shown  # what was published is not edited
    refused(NotFound, lambda: public(database, rows[0]["id"], later.now))
