"""Histories of dockets, panels and objections: sentences as an official writes, and nothing that is kept back."""

from datetime import date
from typing import Any

import pytest

from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.database import Database
from lifecycle.errors import Forbidden, NotFound, RulesUnmet, Unreadable
from lifecycle.history import KEPT
from lifecycle.panels import rounds, sheets
from lifecycle.trails import docket_history, objection_history, panel_history
from tests.lifecycle.builders import JINAN, QINGDAO, act, at, caller, create_projects, drive, open_batch
from tests.lifecycle.docketing import CITY, JULY, draft, edit, give_back, package, receive, release
from tests.lifecycle.panelists import AUDITOR, HANDLER, POINTS, new_panel
from tests.lifecycle.test_objections import MADE, PERSON, announce, complete, decide
from tests.lifecycle.test_objections import receive as object_to
from tests.lifecycle.test_projects import refused

OFFICER = caller("handler", at(date(2024, 8, 2)))


def words(page: Any) -> list[str]:
    return [item["sentence"]["zh"].partition(" ")[2] for item in page.items]


def test_a_dockets_history_reads_as_what_happened_to_it(database: Database, log: Log) -> None:
    batch = open_batch(database, log)
    rows = create_projects(database, log, batch, 3)
    for row in rows[:2]:
        act(database, log, row["id"], "submit")
    name = draft(database, log, batch, "recommendation", package(rows, header={}, documents={})).docket
    refused(RulesUnmet, lambda: release(database, log, name))
    edit(database, log, name, package([], remove=[rows[2]["id"]]))
    release(database, log, name)
    receive(database, log, name, OFFICER, date(2024, 8, 2))
    give_back(database, log, name, OFFICER, projects=[rows[0]["id"]])

    def told(by: Caller, **options: Any) -> Any:
        with database.reading() as tx:
            return docket_history(tx, by, name, **options)

    city, province = "city（市工信局）", "handler（省厅经办人）"
    done = [
        f"{city}：拟办清单，列入3个项目",
        f"{city}：修改清单，移出1个项目，填写纸质材料份数、推荐文件文号、推荐文件日期、推荐文件、推荐材料（PDF盖章版）、"
        "推荐材料（Word版）、项目汇总表",
        f"{city}：发出清单，办理2个项目",
        f"{province}：接收清单，2024-08-02收到，纸质材料2份",
        f"{province}：退回清单，退回1个项目",
    ]
    assert words(told(CITY)) == done
    whole = told(OFFICER)
    assert words(whole)[2:] == done[1:]
    assert words(whole)[1].startswith(f"{city}申请办理“发出清单”，未予办理：")
    assert [item["seq"] for item in whole.items] == [1, 2, 3, 4, 5, 6]
    opinion = next(change for change in whole.items[0]["changes"] if change["path"].endswith("/fields/city_opinion"))
    assert opinion["new"] == "同意推荐"  # a commitment in the log, opened for who reads the docket
    first = told(OFFICER, limit=4)
    rest = told(OFFICER, after_seq=int(first.next))
    assert ([*first.items, *rest.items], rest.next) == (whole.items, None)
    for by in (caller("city", JULY, city=QINGDAO), caller("applicant", JULY, unit=rows[0]["lead_code"])):
        refused(NotFound, lambda by=by: told(by))  # type: ignore[misc]
    refused(Unreadable, lambda: told(OFFICER, limit=0))


def test_a_panels_history_is_the_provinces_and_keeps_drafts_of_sheets_to_their_experts(
    database: Database, log: Log
) -> None:
    panel = new_panel(database, log, 1)
    panel.declare_all(ann=[])
    panel.assign()
    panel.do(rounds.open_scoring, date(2024, 8, 12))
    (row,) = panel.projects
    panel.sheet_act(sheets.save_sheet, "ann", panel.sheet_of("ann", row), POINTS, "尚待核实")
    panel.score(row, {"ann": 80, "bob": 85, "cid": 90})
    panel.sit()
    panel.do(rounds.conclude)
    with database.reading() as tx:
        page = panel_history(tx, AUDITOR, panel.batch, 1)
        refused(Forbidden, lambda: panel_history(tx, caller("city", at(date(2024, 8, 8)), city=JINAN), panel.batch, 1))
        refused(NotFound, lambda: panel_history(tx, HANDLER, panel.batch, 2))
    assert [one.partition("：")[2] for one in words(page)] == [
        "组建专家组",
        "聘请专家，3名",
        "交付项目，1个",
        *["利益关系申报，无应回避项目"] * 3,
        "分配项目，3份评分表",
        "开始评分，截止2024-08-12",
        "暂存评分表",
        "提交评分表，总分80.00",
        "提交评分表，总分85.00",
        "提交评分表，总分90.00",
        "登记评审会，2024-08-07，评审纪要〔2024〕1号",
        "评分结束，1个项目形成结果",
    ]
    assert words(page)[8].startswith("ann教授（专家）")
    kept, sent = (page.items[place]["changes"] for place in (8, 9))
    assert [change["new"] for change in kept if change["path"] in ("/sheet/points", "/sheet/comment")] == [KEPT, KEPT]
    assert "尚待核实" not in str(page.items[8])
    assert next(change["new"] for change in sent if change["path"] == "/sheet/total") == "80.00"


def test_an_objections_history_masks_who_made_it_from_the_city_and_the_unit(database: Database, log: Log) -> None:
    batch = open_batch(database, log)
    rows = [drive(database, log, row["id"], "reviewed") for row in create_projects(database, log, batch, 1)]
    announce(database, log, batch, rows)
    secret = {**PERSON, "objector_name": "举报人甲", "objector_contact": "13911112222", "objection_ground": "设备旧货"}
    name = object_to(
        database, log, rows[0], {key: value for key, value in secret.items() if key != "objector_kind"}
    ).objection
    city = caller("city", at(MADE), city=JINAN)
    unit = caller("applicant", at(MADE), unit=rows[0]["lead_code"])

    def told(by: Caller) -> Any:
        with database.reading() as tx:
            return objection_history(tx, by, name)

    assert "设备旧货" not in str(told(unit).items)  # it does not count yet: nobody's to answer
    complete(database, log, name, {"objector_kind": "person"}, {})
    decide(database, log, name, "rejected", "经核查不成立")
    whole = told(OFFICER)
    assert [one.partition("：")[2] for one in words(whole)] == [
        "收到异议，已收到，形式要件不全",
        "补正异议，核查中",
        "异议不成立",
    ]
    assert "举报人甲" in str(whole.items)
    for by in (city, unit):
        page = told(by)
        assert words(page) == words(whole)
        assert not any(word in str(page.items) for word in ("举报人甲", "13911112222", "objection_material"))
        assert {"设备旧货", "经核查不成立"} <= {
            change["new"] for item in page.items for change in item["changes"] if isinstance(change["new"], str)
        }
        assert all((item["reason"], item["docs"]) == (None, []) for item in page.items)
    refused(NotFound, lambda: told(caller("city", at(MADE), city=QINGDAO)))


def test_a_refused_finding_is_told_to_the_province_alone(database: Database, log: Log) -> None:
    batch = open_batch(database, log)
    rows = [drive(database, log, row["id"], "reviewed") for row in create_projects(database, log, batch, 1)]
    announce(database, log, batch, rows)
    name = object_to(database, log, rows[0], PERSON).objection
    city = caller("city", at(MADE), city=JINAN)
    with pytest.raises(Forbidden):
        decide(database, log, name, "rejected", by=city)
    with database.reading() as tx:
        assert words(objection_history(tx, OFFICER, name))[-1].startswith(
            "city（市工信局）申请办理“认定异议”，未予办理："
        )
        assert len(objection_history(tx, city, name).items) == 1
