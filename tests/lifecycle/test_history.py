"""A project's history: sentences an official reads, and what each reader may see of an entry."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from lifecycle import people, projects
from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.canonical import parse_canonical
from lifecycle.commitments import is_commitment
from lifecycle.database import Database
from lifecycle.errors import NotFound, Refusal, Unreadable
from lifecycle.history import project_history
from lifecycle.pages import Page
from lifecycle.requests import Request
from lifecycle.statements import Row
from lifecycle.transition import transition_project
from states.facts import UnitRole
from tests.lifecycle.builders import (
    JINAN,
    QINGDAO,
    REASON,
    VETO_ITEMS,
    act,
    application,
    at,
    caller,
    caller_for,
    create_projects,
    document,
    drive,
    force,
    open_batch,
    read_entries,
    read_project,
    request_for,
)

LATER = at(date(2026, 3, 1))
PROVINCE = caller("handler", LATER)
AUDITOR = caller("auditor", LATER)
CITY = caller("city", LATER, city=JINAN)


@pytest.fixture
def project(database: Database, log: Log) -> Row:
    return create_projects(database, log, open_batch(database, log), 1)[0]


def applicant(row: Row) -> Caller:
    return caller_for("applicant", row, LATER)


def history(database: Database, who: Caller, project: Row, *arguments: Any) -> Page:
    with database.reading() as tx:
        return project_history(tx, who, project["id"], *arguments)


def sentences(page: Page, language: str = "zh") -> list[str]:
    return [item["sentence"][language] for item in page.items]


def changes(item: dict[str, Any], path: str) -> list[tuple[Any, Any]]:
    return [(change["old"], change["new"]) for change in item["changes"] if change["path"] == path]


def try_act(database: Database, log: Log, project: Row, event: str, **options: Any) -> None:
    with pytest.raises(Refusal):
        act(database, log, project["id"], event, **options)


def test_each_entry_is_told_in_a_sentence_with_the_officials_name(database: Database, log: Log, project: Row) -> None:
    with database.transaction() as tx:
        new = people.NewPerson("wang", "王某", "handler")
        wang = people.add_person(tx, log, caller("security_admin"), new)
    drive(database, log, project["id"], "city_recommended")
    act(database, log, project["id"], "accept_filing", person=wang)
    act(database, log, project["id"], "record_vetoes", role="handler", person=wang, on=date(2024, 8, 7))
    page = history(database, PROVINCE, project)
    assert sentences(page) == [
        "2024-07-01 handler（省厅经办人）填报项目：填报中",
        "2024-07-20 applicant（申报单位）办理“提交申报”：填报中 → 已申报",
        "2024-07-25 city（市工信局）办理“市级推荐”：已申报 → 市级已推荐",
        "2024-08-06 王某（省厅经办人）办理“省级受理”：市级已推荐 → 评审中",
        "2024-08-07 王某（省厅经办人）办理“登记否决项核查”，状态仍为评审中",
    ]
    assert sentences(page, "en")[-2:] == [
        "2024-08-06 王某 (provincial handler): accept the filing: recommended by the city → under review",
        "2024-08-07 王某 (provincial handler): record veto checks; the state stays under review",
    ]
    assert page.items[3]["actor"] == {"kind": "user", "id": wang, "role": "handler", "name": "王某"}


def test_signatures_reopenings_and_amendments_have_their_own_sentences(
    database: Database, log: Log, project: Row
) -> None:
    doer = caller_for("applicant", project, at(date(2024, 7, 5)))
    with database.transaction() as tx:
        projects.amend_project(tx, log, doer, project["id"], {"title": "新名称", "contact_phone": "13900000000"})
    drive(database, log, project["id"], "refused")
    act(database, log, project["id"], "reopen", on=date(2024, 7, 23))
    act(database, log, project["id"], "reopen", on=date(2024, 7, 24), role="division_head")
    assert sentences(history(database, PROVINCE, project))[1:] == [
        "2024-07-05 applicant（申报单位）修改申报内容：项目名称、联系电话",
        "2024-07-20 applicant（申报单位）办理“提交申报”：填报中 → 已申报",
        "2024-07-22 city（市工信局）办理“不予受理”：已申报 → 不予受理",
        "2024-07-23 handler（省厅经办人）签署“重新启动”，待另一人确认，状态仍为不予受理",
        "2024-07-24 division_head（省厅处长）办理“重新启动”：不予受理 → 已申报",
    ]


def test_a_rule_set_aside_and_an_earlier_business_date_are_said(database: Database, log: Log) -> None:
    batch = open_batch(database, log)
    others = (replace(application(n).members[1], role=UnitRole.OTHER, kind="other") for n in (8, 9))
    members = (*application(1).members, *others)
    row = create_projects(database, log, batch, [application(1, members=members)])[0]
    act(database, log, row["id"], "waive", on=date(2024, 7, 10), fields={"waived_rules": ["R03"]})
    drive(database, log, row["id"], "city_recommended")
    request = Request("return_for_correction", {"faults": "缺页"}, reason="补记", on=date(2024, 8, 1))
    with database.transaction() as tx:
        transition_project(tx, log, PROVINCE, row["id"], request)
    told = sentences(history(database, PROVINCE, row))
    assert told[2] == "2024-07-20 applicant（申报单位）办理“提交申报”：填报中 → 已申报，准予例外：R03"
    assert told[4] == "2026-03-01 handler（省厅经办人）办理“退回补正”：市级已推荐 → 退回补正（业务日期2024-08-01）"


def test_an_attempt_says_who_tried_what_and_which_rules_refused(database: Database, log: Log, project: Row) -> None:
    try_act(database, log, project, "publish")
    try_act(database, log, project, "submit", role="handler", fields={}, documents={})
    try_act(database, log, project, "submit", expected_version=7)
    try_act(database, log, project, "submit", fields={}, documents={})
    page = history(database, PROVINCE, project)
    assert [sentence.split("：")[0] for sentence in sentences(page)[1:]] == [
        "2024-08-31 handler（省厅经办人）申请办理“公布”，未予办理",
        "2024-07-20 handler（省厅经办人）申请办理“提交申报”，未予办理",
        "2024-07-20 applicant（申报单位）办理“提交申报”未成",
        "2024-07-20 applicant（申报单位）申请办理“提交申报”，未予办理",
    ]
    assert sentences(page)[1].endswith("：当前状态不可办理")
    assert sentences(page)[3].endswith("：已被他人先行办理")
    # Whom an act is not for is refused by who he is and what he lacks, never by the figures of its rules.
    stranger = page.items[2]["refused_by"]
    assert [item["check"] for item in stranger] == ["permitted", "fields_complete", "documents_complete"]
    assert stranger[0] == {
        "rule": "—",
        "check": "permitted",
        "clause": None,
        "label": {"zh": "角色无权办理", "en": "not for this role"},
    }
    refused = page.items[4]["refused_by"]
    assert refused[-1] == {
        "rule": "R11",
        "check": "applicant_attested",
        "clause": "三(一)",
        "label": {"zh": "R11（三(一)）", "en": "R11 (三(一))"},
    }
    assert [item["check"] for item in refused] == [
        "fields_complete",
        "documents_complete",
        "agreement_complete",
        "no_prior_provincial_funding",
        "vetoes_clear",
        "applicant_attested",
    ]
    assert [item["outcome"] for item in page.items] == ["success", "denied", "denied", "failed", "denied"]


def test_attempts_are_for_those_who_see_all_projects(database: Database, log: Log, project: Row) -> None:
    try_act(database, log, project, "publish")
    drive(database, log, project["id"], "applied")
    seen = {
        who.actor.role: [item["seq"] for item in history(database, who, project).items]
        for who in (PROVINCE, AUDITOR, CITY, applicant(project))
    }
    assert seen == {"handler": [1, 2, 3], "auditor": [1, 2, 3], "city": [1, 3], "applicant": [1, 3]}


def test_commitments_are_opened_and_the_objector_stays_hidden(database: Database, log: Log, project: Row) -> None:
    drive(database, log, project["id"], "under_objection")
    seen = {}
    for who in (PROVINCE, AUDITOR, CITY, applicant(project)):
        first, *_, last = history(database, who, project).items
        seen[who.actor.role] = (
            changes(first, "/contact_phone"),
            changes(last, "/record/objector_name"),
            changes(last, "/record/objection_ground"),
        )
    phone, ground = [(None, "13800000000")], [(None, "设备并非新购")]
    hidden = [(None, {"$withheld": "role"})]
    assert seen == {
        "handler": (phone, [(None, "李四")], ground),
        "auditor": (phone, [(None, "李四")], ground),
        "city": (phone, hidden, ground),
        "applicant": (phone, hidden, ground),
    }


def test_objection_material_is_left_out_for_applicant_and_city(database: Database, log: Log, project: Row) -> None:
    drive(database, log, project["id"], "under_objection")
    material = document("objection_material")
    seen = {}
    for who in (PROVINCE, AUDITOR, CITY, applicant(project)):
        items = history(database, who, project).items
        told = [kind["kind"] for item in items for kind in item["docs"]]
        assert told[:4] == ["application_book_pdf", "application_book_word", "consortium_agreement",
                            "recommendation_document"]  # fmt: skip
        seen[who.actor.role] = (told[4:], changes(items[-1], "/documents/objection_material"))
    hidden: Any = ([], [(None, {"$withheld": "role"})])
    shown = (["objection_material"], [(None, material)])
    assert seen == {"handler": shown, "auditor": shown, "city": hidden, "applicant": hidden}


def test_veto_checks_are_committed_to_and_add_up(database: Database, log: Log, project: Row) -> None:
    fields = {"veto_checks": {VETO_ITEMS[0]: {"clear": False, "checked_on": "2024-07-20", "checked_by": "甲"}}}
    drive(database, log, project["id"], "applied")
    act(database, log, project["id"], "record_vetoes", fields=fields)
    body = parse_canonical(read_entries(database, f"project/{project['id']}")[-1]["body"])
    (hidden,) = [change for change in body["changes"] if change["path"] == "/record/veto_checks"]
    assert hidden["old"] is None and is_commitment(hidden["new"])
    told = [changes(item, "/record/veto_checks") for item in history(database, PROVINCE, project).items]
    assert [len(found) for found in told] == [0, 1, 1]
    first, second = (found[0] for found in told if found)
    failed = {"clear": False, "checked_on": "2024-07-20", "checked_by": "甲", "evidence": None}
    assert set(first[1]) == set(VETO_ITEMS)
    assert (first[0], second) == (None, (None, {**first[1], VETO_ITEMS[0]: failed}))


def test_a_back_dated_act_tells_the_date_that_counts(database: Database, log: Log, project: Row) -> None:
    drive(database, log, project["id"], "city_recommended")
    late = caller("handler", at(date(2024, 8, 20)))
    for event, on in (("accept_filing", date(2024, 8, 6)), ("record_vetoes", date(2024, 8, 7)), ("pass_review", None)):
        request = replace(request_for(event, project, on), on=on, reason="补记")
        with database.transaction() as tx:
            transition_project(tx, log, late, project["id"], request)
    for who in (PROVINCE, CITY, applicant(project)):
        told = history(database, who, project).items[-3:]
        assert [item["at"][:10] for item in told] == ["2024-08-20"] * 3
        assert [changes(item, "/effective_on") for item in told] == [
            [(None, "2024-08-06")],
            [(None, "2024-08-07")],
            [],
        ]
        assert [changes(item, "/entered_on") for item in told] == [
            [("2024-07-25", "2024-08-06")],
            [],
            [("2024-08-06", "2024-08-20")],
        ]
    assert sentences(history(database, PROVINCE, project))[-3].endswith("市级已推荐 → 评审中（业务日期2024-08-06）")


def test_a_reason_is_shown_to_whoever_reaches_the_project(database: Database, log: Log, project: Row) -> None:
    drive(database, log, project["id"], "refused")
    reasons = [history(database, who, project).items[-1]["reason"] for who in (PROVINCE, CITY, applicant(project))]
    assert reasons == ["不符合申报条件"] * 3


def test_what_a_first_person_signed_is_for_those_who_could_sign(database: Database, log: Log, project: Row) -> None:
    drive(database, log, project["id"], "published")
    act(database, log, project["id"], "revoke")
    seen = {}
    for who in (PROVINCE, AUDITOR, CITY, applicant(project)):
        last = history(database, who, project).items[-1]
        seen[who.actor.role] = (last["reason"], changes(last, "/pending")[0][1])
    signed = {
        "event": "revoke",
        "actor": "handler",
        "on": "2026-02-10",
        "fields": {"revocation_finding": "材料造假"},
        "documents": {},
        "reason": REASON,
    }
    kept = {"$withheld": "role"}
    assert seen == {
        "handler": (REASON, signed),
        "auditor": (REASON, signed),
        "city": (kept, kept),
        "applicant": (kept, kept),
    }


def test_a_deleted_disclosure_reads_redacted_and_a_swapped_one_says_so(
    database: Database, log: Log, project: Row
) -> None:
    first = read_entries(database, f"project/{project['id']}")[0]
    paths = [change["path"] for change in history(database, PROVINCE, project).items[0]["changes"]]
    name, phone = (f"/changes/{paths.index(path)}/new" for path in ("/contact_name", "/contact_phone"))
    force(
        database,
        ("DELETE FROM disclosure WHERE entry_id = ? AND path = ?", (first["id"], name)),
        ("UPDATE disclosure SET value = ? WHERE entry_id = ? AND path = ?", ('"13911111111"', first["id"], phone)),
    )
    item = history(database, PROVINCE, project).items[0]
    assert changes(item, "/contact_name") == [(None, {"$withheld": "redacted"})]
    assert changes(item, "/contact_phone") == [(None, {"$withheld": "disclosure_does_not_open"})]
    assert item["leaf"] == first["leaf"].hex()


def test_pages_go_on_after_a_seq(database: Database, log: Log, project: Row) -> None:
    drive(database, log, project["id"], "under_review")
    first = history(database, PROVINCE, project, 0, 3)
    second = history(database, PROVINCE, project, int(first.next or 0), 3)
    assert ([item["seq"] for item in first.items], first.next) == ([1, 2, 3], "3")
    assert ([item["seq"] for item in second.items], second.next) == ([4], None)
    with pytest.raises(Unreadable):
        history(database, PROVINCE, project, 0, 0)


def test_history_out_of_reach_is_not_found(database: Database, log: Log, project: Row) -> None:
    for who in (caller("city", city=QINGDAO), caller("applicant"), caller("expert"), caller("public")):
        with pytest.raises(NotFound):
            history(database, who, project)


def test_history_tells_the_version_that_stands_in_the_row(database: Database, log: Log, project: Row) -> None:
    drive(database, log, project["id"], "closed")
    page = history(database, PROVINCE, project)
    versions = [change[1] for item in page.items for change in changes(item, "/version")]
    assert versions == list(range(1, read_project(database, project["id"])["version"] + 1))
