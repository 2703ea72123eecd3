"""What the unit asks for and the province decides: changes, extensions, terminations; revocation and recovery."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from lifecycle.audit import Log
from lifecycle.canonical import parse_canonical
from lifecycle.database import Database
from lifecycle.errors import NotOffered, RulesUnmet
from lifecycle.replay import drift_of_batch, replay
from lifecycle.statements import Row, Statement
from lifecycle.tables import Membership
from states.changes import member_json
from states.facts import Member, UnitRole
from tests.lifecycle.builders import (
    act,
    application,
    create_projects,
    credit_code,
    drive,
    open_batch,
    read_entries,
    read_project,
)

_membership = Membership.__table__  # type: ignore[attr-defined]
MEMBERS = Statement(
    sa.select(_membership.c.credit_code)
    .where(_membership.c.project_id == sa.bindparam("of"))
    .order_by(_membership.c.position)
)
DECIDED_ON = date(2024, 10, 20)


@pytest.fixture
def batch(database: Database, log: Log) -> Row:
    return open_batch(database, log)


@pytest.fixture
def projects(database: Database, log: Log, batch: Row) -> list[Row]:
    rows = create_projects(database, log, batch, 2)
    return [drive(database, log, row["id"], "published") for row in rows]


def ask(database: Database, log: Log, project: Row, change: dict[str, Any]) -> None:
    fields = {"change_request": "联合体调整", "change_asked": change}
    act(database, log, project["id"], "request_change", fields=fields)


def units(*members: Member) -> list[dict[str, Any]]:
    return [member_json(unit) for unit in members]


def clean(database: Database, batch: Row) -> bool:
    with database.reading() as tx:
        return drift_of_batch(tx, batch["id"]) == {}


def unmet(refused: Any) -> list[str]:
    return [item.check for item in refused.value.findings if item.blocks]


def test_R23_an_approved_change_amends_the_project_in_the_same_act_and_keeps_its_number(
    database: Database, log: Log, batch: Row, projects: list[Row]
) -> None:
    project, new = projects[0], Member("新制造厂", credit_code(901), UnitRole.LANDING, "manufacturer")
    lead = application(1).members[0]
    indicators = [
        {"number": 1, "name": "设备联网率", "unit": "%", "baseline": "60", "target": "85", "better": "higher"}
    ]
    change = {"title": "产线数字化（二期）", "investment_fen": 150_000_000, "members": units(lead, new)}
    change["indicators"] = indicators
    ask(database, log, project, change)
    asked = read_project(database, project["id"])
    assert (asked["title"], asked["flags"], asked["record"]["change_asked"]) == (
        project["title"],
        ["change_pending"],
        change,
    )
    entries = len(read_entries(database, f"project/{project['id']}"))
    act(database, log, project["id"], "approve_change")
    row = read_project(database, project["id"])
    assert len(read_entries(database, f"project/{project['id']}")) == entries + 1
    assert {name: row[name] for name in ("code", "title", "investment_fen", "members", "flags", "indicators")} == {
        "code": project["code"],
        "title": "产线数字化（二期）",
        "investment_fen": 150_000_000,
        "members": units(lead, new),
        "flags": [],
        "indicators": indicators,
    }
    assert "change_asked" not in row["record"]
    with database.reading() as tx:
        assert [item["credit_code"] for item in tx.fetch(MEMBERS, of=row["id"])] == [lead.credit_code, new.credit_code]
        held = replay(tx, row["id"])["capacities"]
    assert held[f"manufacturer_projects/{new.credit_code}"] == 1
    assert f"manufacturer_projects/{credit_code(3)}" not in held
    assert clean(database, batch)
    body = parse_canonical(read_entries(database, f"project/{row['id']}")[-1]["body"])
    assert body["action"]["name"] == "approve_change"
    assert {
        "/title",
        "/members",
        "/investment_fen",
        "/indicators",
        f"/capacities/manufacturer_projects/{new.credit_code}",
    } <= {change["path"] for change in body["changes"]}


def test_R23_a_change_is_held_against_R01_to_R07_and_only_the_soft_ones_give_way(
    database: Database, log: Log, batch: Row, projects: list[Row]
) -> None:
    project, lead = projects[0], application(1).members[0]
    taken = application(2).members[1]
    outside = replace(lead, region="110000")
    for change, check in (
        ({"investment_fen": 99_999_999}, "investment_sufficient"),
        ({"members": units(lead)}, "landing_manufacturer"),
        ({"members": units(outside, application(1).members[1])}, "one_lead_provider"),
    ):
        ask(database, log, project, change)
        with pytest.raises(RulesUnmet) as refused:
            act(database, log, project["id"], "approve_change")
        assert check in unmet(refused)
        act(database, log, project["id"], "withdraw_change")
    ask(database, log, project, {"members": units(lead, taken)})
    with pytest.raises(RulesUnmet) as refused:
        act(database, log, project["id"], "approve_change")
    assert unmet(refused) == ["manufacturer_project_count"]
    override = {"override": frozenset({"R06"}), "reason": "经厅务会研究同意"}
    act(database, log, project["id"], "approve_change", **override)
    assert [unit["credit_code"] for unit in read_project(database, project["id"])["members"]][1] == taken.credit_code
    assert clean(database, batch)


def test_R23_a_rejected_or_withdrawn_change_leaves_the_project_as_it_was_and_one_is_asked_for_at_a_time(
    database: Database, log: Log, batch: Row, projects: list[Row]
) -> None:
    project = projects[0]
    filed = ("title", "members", "investment_fen", "lead_code")
    for event in ("reject_change", "withdraw_change"):
        ask(database, log, project, {"title": "另一名称"})
        with pytest.raises(RulesUnmet):
            ask(database, log, project, {"title": "又一名称"})
        act(database, log, project["id"], event, on=DECIDED_ON)
        row = read_project(database, project["id"])
        assert {name: row[name] for name in filed} == {name: project[name] for name in filed}
        assert (row["flags"], "change_asked" in row["record"]) == ([], False)
        with pytest.raises(RulesUnmet):
            act(database, log, project["id"], "approve_change")
        project = row
    worst: list[Any] = [None, {}, [], "title", {"city": "370200"}, {"title": ""}, {"title": "x" * 301}]
    worst += [{"investment_fen": -1}, {"investment_fen": 1.5}, {"members": []}, {"members": [{"name": "甲"}]}]
    worst += [{"members": [{"name": "甲", "credit_code": credit_code(2), "role": "castle"}]}, {"members": [1] * 21}]
    worst += [{"members": [{"name": "a\x00", "credit_code": credit_code(2), "role": "lead"}]}]
    for change in worst:
        with pytest.raises(RulesUnmet):
            ask(database, log, project, change)
    assert clean(database, batch)


def test_R23_an_extension_is_asked_for_by_the_unit_on_record_and_moves_the_clocks_once_granted(
    database: Database, log: Log, projects: list[Row]
) -> None:
    name = projects[0]["id"]

    def ends() -> str:
        plan = {item["kind"]: item["due_on"] for item in read_project(database, name)["plan"]}
        return str(plan["half_year_ends"])

    before = ends()
    with pytest.raises(RulesUnmet) as late:
        act(database, log, projects[1]["id"], "request_extension", on=date(2025, 2, 20))
    assert unmet(late) == ["extension_asked_in_time"]
    act(database, log, name, "request_extension")
    row = read_project(database, name)
    assert (row["record"]["extension_asked_on"], row["flags"]) == ("2024-11-05", ["extension_pending"])
    assert ends() == before
    act(database, log, name, "reject_extension")
    assert ends() == before
    act(database, log, name, "request_extension", on=date(2024, 11, 12))
    act(database, log, name, "extend", on=date(2024, 11, 20), fields={"extension_months": 6})
    assert (before, ends()) == ("2025-03-31", "2025-10-09")
    assert read_project(database, name)["flags"] == []


def test_R23_termination_on_application_or_ex_officio_always_states_the_audited_spend(
    database: Database, log: Log, batch: Row, projects: list[Row]
) -> None:
    asked, official = projects
    act(database, log, asked["id"], "request_termination")
    act(database, log, asked["id"], "reject_termination")
    assert "termination_asked_on" not in read_project(database, asked["id"])["record"]
    act(database, log, asked["id"], "request_termination", on=date(2025, 1, 16))
    for row in (asked, official):
        with pytest.raises(RulesUnmet):
            act(database, log, row["id"], "terminate", on=date(2025, 1, 20), fields={"termination_ground": "停产"})
        act(database, log, row["id"], "terminate", on=date(2025, 1, 20))
    done = [read_project(database, row["id"]) for row in projects]
    assert [row["record"].get("termination_asked_on") for row in done] == ["2025-01-16", None]
    assert [(row["state"], row["flags"], row["record"]["spend_audited_fen"]) for row in done] == [
        ("terminated", [], 1_000_000)
    ] * 2
    assert clean(database, batch)


def test_R23_revocation_after_payment_opens_a_recovery_that_stays_due_until_all_came_back(
    database: Database, log: Log, batch: Row
) -> None:
    paid, unpaid = create_projects(database, log, batch, 2)
    drive(database, log, paid["id"], "revoked")
    drive(database, log, unpaid["id"], "published")
    for role in ("handler", "division_head"):
        act(database, log, unpaid["id"], "revoke", role=role)

    def due(project: Row) -> list[str]:
        plan = read_project(database, project["id"])["plan"]
        return [item["due_on"] for item in plan if item["kind"] == "recovery_due"]

    def recover(fen: int, day: int) -> None:
        on = date(2026, 3, day)
        act(database, log, paid["id"], "record_recovery", fields={"recovered_fen": fen, "recovered_on": str(on)}, on=on)

    assert (due(paid), due(unpaid)) == (["2026-03-10"], [])
    recover(20_000_000, 1)
    assert due(paid) == ["2026-03-10"]
    with pytest.raises(RulesUnmet):
        recover(50_000_001, 2)
    recover(50_000_000, 3)
    assert due(paid) == []
    assert clean(database, batch)
    with pytest.raises(NotOffered):
        act(database, log, paid["id"], "record_payment")
