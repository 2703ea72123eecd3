"""Dockets: drafted, put in order, previewed, and released through the one door as a set, or not at all."""

from collections import Counter
from datetime import date
from typing import Any

import pytest

from lifecycle.audit import Log
from lifecycle.canonical import instant, parse_canonical
from lifecycle.commitments import is_commitment
from lifecycle.database import Database
from lifecycle.dockets.edits import DraftItem, Edit
from lifecycle.dockets.reading import list_dockets
from lifecycle.errors import Conflict, Forbidden, NotFound, NotOffered, PreviewStale, Refusal, RulesUnmet, Unreadable
from lifecycle.statements import Row
from tests.faults.test_races import at_once
from tests.lifecycle import builders
from tests.lifecycle.builders import DEFINITION_TEXT, JINAN, QINGDAO, act, at, caller, document, read_project
from tests.lifecycle.docketing import (
    ATTACHED,
    CITY,
    JULY,
    PACKAGE,
    draft,
    edit,
    entries,
    package,
    preview,
    release,
    show,
    withdraw,
)
from tests.lifecycle.officers import sentences
from tests.lifecycle.test_database import contents
from tests.lifecycle.test_projects import drift_in, refused

HANDLER = caller("handler", at(date(2024, 8, 8)))
NOBODY = "0" * 8 + "-0000-7000-8000-" + "0" * 12


@pytest.fixture
def batch(database: Database, log: Log) -> Row:
    return builders.open_batch(database, log)


def filed(database: Database, log: Log, batch: Row, number: int, **options: Any) -> list[Row]:
    """Enter and submit so many applications."""
    rows = builders.create_projects(database, log, batch, number, **options)
    for row in rows:
        act(database, log, row["id"], "submit")
    return rows


def order(told: dict[str, Any]) -> list[str]:
    return [item["project"] for item in told["items"]]


def test_a_package_is_drafted_put_in_order_previewed_and_released_with_dense_ranks(
    database: Database, log: Log, batch: Row
) -> None:
    rows = filed(database, log, batch, 3)
    first, second, third = (row["id"] for row in rows)
    opened = draft(database, log, batch, "recommendation", package(rows))
    assert (opened.kind, opened.number, opened.status, opened.version) == ("recommendation", 1, "draft", 1)
    edited = edit(database, log, opened.docket, Edit(order=[third, first, second]), version=1)
    told = show(database, opened.docket)
    assert order(told) == [third, first, second]
    assert [item["rank"] for item in told["items"]] == [1, 2, 3]
    assert (told["city"], told["version"], told["header"]) == (JINAN, 2, PACKAGE)
    before = contents(database)
    shown = preview(database, opened.docket)
    assert contents(database) == before
    assert shown.ready
    rooms = shown.to_dict()["capacities"]
    assert [(room["pool"], room["change"]) for room in rooms if room["change"]] == [("city_quota", 3)]
    done = release(database, log, opened.docket, digest=shown.digest)
    assert (done.status, done.version) == ("released", edited.version + 1)
    assert done.moved == tuple((name, "city_recommended", 3) for name in (third, first, second))
    assert len(done.receipts) == 4
    assert [read_project(database, name)["record"]["rank"] for name in (third, first, second)] == [1, 2, 3]
    assert read_project(database, third)["record"]["recommendation_number"] == PACKAGE["recommendation_number"]
    after = show(database, opened.docket)
    assert [item["outcome"]["rank"] for item in after["items"]] == [1, 2, 3]
    assert drift_in(database, batch) == {}
    zh, en = sentences(database, HANDLER, rows[2])[-1]
    assert "列入市级推荐材料第1号" in zh
    assert "on recommendation package no. 1" in en


def test_the_stream_of_a_docket_tells_every_change_and_keeps_private_texts_as_commitments(
    database: Database, log: Log, batch: Row
) -> None:
    rows = filed(database, log, batch, 2)
    name = draft(database, log, batch, "recommendation", package(rows, note="请从速办理")).docket
    edit(database, log, name, Edit(remove=[rows[1]["id"]], header={"paper_copies": 3}, note=""))
    release(database, log, name)
    bodies = entries(database, name)
    assert [body["type"] for body in bodies] == ["docket.drafted", "docket.edited", "docket.released"]
    told = [{change["path"]: (change["old"], change["new"]) for change in body["changes"]} for body in bodies]
    place = f"/items/{rows[1]['id']}"
    assert told[0][f"/items/{rows[0]['id']}"][1] == {"position": 1, "event": "recommend", "documents": {}, "fields": {}}
    assert is_commitment(told[0][f"{place}/fields/city_opinion"][1])
    assert is_commitment(told[0]["/note"][1])
    assert {item["kind"] for item in bodies[0]["docs"]} == set(ATTACHED)
    assert told[1]["/header/paper_copies"] == (2, 3)
    assert told[1][place][1] is None
    assert told[1]["/note"] == (None, None)
    assert told[2]["/status"] == ("draft", "released")
    assert told[2][f"/items/{rows[0]['id']}/outcome"][1] == {"state": "city_recommended", "version": 3, "rank": 1}
    last = parse_canonical(builders.read_entries(database, f"project/{rows[0]['id']}")[-1]["body"])
    part_of = {"id": name, "kind": "recommendation", "number": 1}
    assert {"path": "/docket", "old": None, "new": part_of} in last["changes"]


def test_one_docket_holds_several_acts_and_each_note_is_its_acts_reason(
    database: Database, log: Log, batch: Row
) -> None:
    rows = builders.create_projects(database, log, batch, 3)
    for row in rows:
        builders.drive(database, log, row["id"], "under_review")
    passed, failed, other = (row["id"] for row in rows)
    items = [
        DraftItem(passed, fields={"review_score": "88.5"}),
        DraftItem(failed, "not_select", {"review_score": "41"}, note="得分未达入选线"),
        DraftItem(other, "not_select", {"review_score": "40"}),
    ]
    header = {"review_method": "both"}
    name = draft(database, log, batch, "review_result", Edit(header=header, put=items), HANDLER).docket
    shown = preview(database, name, HANDLER)
    assert [row["event"] for row in shown.to_dict()["rows"]] == ["pass_review", "not_select", "not_select"]
    assert [len(row.decision.refusals) for row in shown.rows.rows] == [0, 0, 1]  # the last has no reason
    told = refused(RulesUnmet, lambda: release(database, log, name, HANDLER))
    assert (told.details["blocked"], [finding.check for finding in told.findings]) == ([other], ["reason_given"])
    assert read_project(database, passed)["state"] == "under_review"
    done = release(database, log, name, HANDLER, leave_blocked=True)
    assert [(project, state) for project, state, _ in done.moved] == [(passed, "reviewed"), (failed, "not_selected")]
    assert done.left == (other,)
    assert read_project(database, failed)["record"]["review_score"] == "41.00"
    outcomes = [item["outcome"] for item in show(database, name, HANDLER)["items"]]
    assert outcomes[2] == {"blocked": ["—:reason_given"]}
    again = Edit(header=header, put=[DraftItem(other, "not_select", {"review_score": "40"}, note="得分未达入选线")])
    second = draft(database, log, batch, "review_result", again, HANDLER)  # what was left is free for another docket
    assert second.number == 2
    assert len(release(database, log, second.docket, HANDLER).moved) == 1
    assert drift_in(database, batch) == {}


def test_a_docket_without_its_documents_or_with_a_blocked_row_does_nothing(
    database: Database, log: Log, batch: Row
) -> None:
    rows = [*filed(database, log, batch, 2), *builders.create_projects(database, log, batch, 1, first=3)]
    name = draft(database, log, batch, "recommendation", package(rows, documents={})).docket
    shown = preview(database, name)
    assert (shown.ready, [finding.check for finding in shown.findings if finding.blocks]) == (
        False,
        ["docket_documents"],
    )
    assert refused(RulesUnmet, lambda: release(database, log, name)).findings[0].check == "docket_documents"
    edit(database, log, name, Edit(documents={kind: document() for kind in ATTACHED}))
    told = refused(RulesUnmet, lambda: release(database, log, name))
    assert told.details["blocked"] == [rows[2]["id"]]
    refused(Unreadable, lambda: release(database, log, name, leave_blocked=True))  # ranks would have a gap
    assert Counter(read_project(database, row["id"])["state"] for row in rows) == {"applied": 2, "draft": 1}
    assert [body["outcome"] for body in entries(database, name)] == ["success", "denied", "success", "denied", "failed"]
    empty = draft(database, log, batch, "recommendation", package([])).docket
    refused(Unreadable, lambda: preview(database, empty))
    assert drift_in(database, batch) == {}


def test_a_release_is_refused_where_anything_changed_after_the_preview(
    database: Database, log: Log, batch: Row
) -> None:
    rows = filed(database, log, batch, 2)
    name = draft(database, log, batch, "recommendation", package(rows)).docket
    digest = preview(database, name).digest
    edit(database, log, name, Edit(note="x"))
    refused(PreviewStale, lambda: release(database, log, name, digest=digest))
    digest = preview(database, name).digest
    act(database, log, rows[0]["id"], "record_vetoes")
    refused(PreviewStale, lambda: release(database, log, name, digest=digest))
    other = caller("city", JULY, city=JINAN, person="another")
    refused(PreviewStale, lambda: release(database, log, name, other, digest=preview(database, name).digest))
    assert len(release(database, log, name).moved) == 2
    for call in (
        lambda: release(database, log, name, digest=digest),
        lambda: edit(database, log, name, Edit(note="y")),
        lambda: withdraw(database, log, name),
        lambda: preview(database, name),
    ):
        assert refused(NotOffered, call).details["status"] == "released"


def test_a_project_is_in_one_draft_of_a_kind_at_most(database: Database, log: Log, batch: Row) -> None:
    rows = filed(database, log, batch, 2)
    first = draft(database, log, batch, "recommendation", package(rows)).docket
    told = refused(Conflict, lambda: draft(database, log, batch, "recommendation", package(rows[:1])))
    assert told.details["dockets"] == [first]
    refused(Unreadable, lambda: withdraw(database, log, first, reason=" "))
    assert withdraw(database, log, first).status == "withdrawn"
    assert draft(database, log, batch, "recommendation", package(rows)).number == 2
    one = Edit(put=[DraftItem(rows[0]["id"])])
    answers = at_once([lambda: draft(database, log, batch, "filing", one, HANDLER)] * 6)
    assert Counter(type(answer).__name__ for answer in answers) == {"Drafted": 1, "Conflict": 5}


def test_what_cannot_be_on_a_docket_is_refused_and_nothing_is_kept(database: Database, log: Log, batch: Row) -> None:
    (row,) = filed(database, log, batch, 1)
    (far,) = builders.create_projects(database, log, batch, 1, first=9, city=QINGDAO)
    item, before = DraftItem(row["id"]), len(contents(database)["docket"])
    wrong: list[tuple[type[Refusal], str, Edit]] = [
        (NotFound, "nothing", Edit()),
        (NotFound, "recommendation", Edit(put=[DraftItem(far["id"])])),
        (NotFound, "recommendation", Edit(put=[DraftItem(NOBODY)])),
        (NotFound, "recommendation", Edit(put=[DraftItem("x'--")])),
        (NotFound, "recommendation", Edit(remove=[row["id"]])),
        (Unreadable, "recommendation", Edit(put=[item, item])),
        (Unreadable, "recommendation", Edit(put=[item], order=[])),
        (Unreadable, "recommendation", Edit(put=[item], order=[row["id"], row["id"]])),
        (Unreadable, "recommendation", Edit(put=[DraftItem(row["id"], "publish")])),
        (Unreadable, "recommendation", Edit(put=[DraftItem(row["id"], fields={"rank": 1})])),  # the order gives it
        (Unreadable, "recommendation", Edit(put=[DraftItem(row["id"], fields={"city_opinion": "a\x00b"})])),
        (Unreadable, "recommendation", Edit(put=[DraftItem(row["id"], documents={"audit_report": document()})])),
        (Unreadable, "recommendation", Edit(header={"publication_number": "x"})),
        (Unreadable, "recommendation", Edit(header={"recommendation_on": "2024-13-01"})),
        (Unreadable, "recommendation", Edit(documents={"recommendation_document": {"id": "x"}})),
        (Unreadable, "recommendation", Edit(documents={"audit_report": document()})),
        (Unreadable, "recommendation", Edit(note="字" * 2001)),
        (Forbidden, "publication", Edit()),
    ]
    for kind, docket, change in wrong:
        refused(kind, lambda docket=docket, change=change: draft(database, log, batch, docket, change))  # type: ignore[misc]
    refused(Forbidden, lambda: draft(database, log, batch, "recommendation", Edit(), city=QINGDAO))
    refused(Forbidden, lambda: draft(database, log, batch, "recommendation", Edit(), HANDLER, JINAN))
    refused(Unreadable, lambda: draft(database, log, batch, "recommendation", Edit(), HANDLER, "110000"))
    assert len(contents(database)["docket"]) == before
    name = draft(database, log, batch, "recommendation", Edit()).docket
    refused(Conflict, lambda: edit(database, log, name, Edit(note="x"), version=7))


def test_a_city_sees_its_own_dockets_and_those_who_read_nothing_none(database: Database, log: Log, batch: Row) -> None:
    (row,) = filed(database, log, batch, 1)
    name = draft(database, log, batch, "recommendation", package([row])).docket
    draft(database, log, batch, "publication", Edit(), HANDLER)
    other, unit = caller("city", JULY, city=QINGDAO), caller("applicant", JULY, unit=row["lead_code"])

    def listed(by: Any, **options: Any) -> list[str]:
        with database.reading() as tx:
            return [one["kind"] for one in list_dockets(tx, by, batch, **options).items]

    assert (listed(HANDLER), listed(CITY), listed(other), listed(unit)) == (
        ["recommendation", "publication"],
        ["recommendation"],
        [],
        [],
    )
    assert listed(HANDLER, kind="publication", status="draft") == ["publication"]
    assert listed(HANDLER, status="released") == []
    with database.reading() as tx:
        first = list_dockets(tx, HANDLER, batch, limit=1)
        assert len(list_dockets(tx, HANDLER, batch, after=first.next).items) == 1
    refused(Forbidden, lambda: listed(caller("expert", JULY)))
    for options in ({"kind": "x"}, {"status": "x"}, {"after": "x"}, {"limit": 0}):
        refused(Unreadable, lambda options=options: listed(HANDLER, **options))  # type: ignore[misc]
    for by in (other, unit, caller("expert", JULY)):
        refused(NotFound, lambda by=by: show(database, name, by))  # type: ignore[misc]
        refused(NotFound, lambda by=by: edit(database, log, name, Edit(note="x"), by))  # type: ignore[misc]
    refused(Forbidden, lambda: edit(database, log, name, Edit(note="x"), HANDLER))
    refused(NotFound, lambda: show(database, "x"))
    told = [body for body in entries(database, name) if body["outcome"] != "success"]
    assert [(body["type"], body["outcome"]) for body in told] == [("docket.attempted", "denied")]


def test_a_long_docket_is_told_in_as_many_entries_as_the_log_asks_for(database: Database, log: Log, batch: Row) -> None:
    rows = builders.create_projects(database, log, batch, 250)
    items = [DraftItem(row["id"], fields={"city_opinion": "同意推荐" * 20}, note="说明") for row in rows]
    name = draft(database, log, batch, "recommendation", Edit(put=items)).docket
    edit(database, log, name, Edit(order=[row["id"] for row in reversed(rows)]))
    bodies = entries(database, name)
    assert Counter(body["type"] for body in bodies)["docket.drafted"] > 2
    places = {change["path"] for body in bodies for change in body["changes"]}
    assert {f"/items/{row['id']}" for row in rows} <= places
    assert {body["subject"]["version"] for body in bodies} == {1, 2}
    assert order(show(database, name)) == [row["id"] for row in reversed(rows)]


TWO = DEFINITION_TEXT.replace('en = "publicity list"\n', 'en = "publicity list"\npersons = 2\n')


def test_a_docket_that_takes_two_persons_is_signed_by_one_and_released_by_another_as_it_was_signed(
    database: Database, log: Log
) -> None:
    batch = builders.open_batch(database, log, definition_text=TWO)
    made = builders.create_projects(database, log, batch, 2)
    rows = [builders.drive(database, log, row["id"], "reviewed") for row in made]
    day = at(date(2024, 8, 12))
    first, second, third = (caller("handler", day, person=name) for name in ("甲", "乙", "丙"))
    header = {"publicity_number": "公示〔2024〕1号", "publicity_starts_on": "2024-08-12"}
    change = Edit(header=header, put=[DraftItem(row["id"]) for row in rows])
    name = draft(database, log, batch, "publicity_list", change, first).docket
    signed = release(database, log, name, first)
    assert (signed.awaiting, signed.moved, signed.status, signed.version) == (True, (), "draft", 1)
    assert show(database, name, second)["signed"] == {"by": "甲", "at": instant(day)}
    told = refused(RulesUnmet, lambda: release(database, log, name, first))
    assert [finding.check for finding in told.findings] == ["another_person"]
    edit(database, log, name, Edit(header={"publicity_number": "公示〔2024〕2号"}), second)
    assert release(database, log, name, second).awaiting  # it is another docket than the one that was signed
    builders.act(database, log, rows[0]["id"], "record_vetoes", on=date(2024, 8, 12))
    assert release(database, log, name, first).awaiting  # so it is where a project has moved on
    done = release(database, log, name, third)
    assert (done.awaiting, len(done.moved), done.status) == (False, 2, "released")
    assert {read_project(database, row["id"])["state"] for row in rows} == {"in_publicity"}
    assert [body["action"]["name"] for body in entries(database, name)] == [
        *("drafted", "signed", "release_docket", "edited", "signed", "signed", "released"),
    ]
    assert drift_in(database, batch) == {}
