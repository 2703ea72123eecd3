"""Dynamic supervision over HTTP and on the command line: progress calls, forms with needed items, lapses confirmed."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from api.cli.session import open_session
from api.shapes.parts import Listed
from api.shapes.supervision import Lapse, ProgressCall
from lifecycle import people
from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.people import NewPerson
from lifecycle.statements import Row
from tests.api.conftest import Client, Clock, problem
from tests.api.test_cli import answer, home, pilot
from tests.lifecycle.builders import POLICY_TEXT, act, caller, create_projects, drive, open_batch

BATCH = "/api/v1/batches/sd-gongfu-2024-2"
NEEDED = POLICY_TEXT.replace(
    'milestone = { zh = "阶段目标完成情况", en = "milestones reached", type = "text", needed = false }',
    'milestone = { zh = "阶段目标完成情况", en = "milestones reached", type = "text" }',
)
__all__ = ["home"]  # a fixture


@pytest.fixture
def published(database: Database, log: Log) -> list[Row]:
    """Two published projects of a batch whose form has an item that no report may lack; `unit` leads the first."""
    rows = create_projects(database, log, open_batch(database, log, policy_text=NEEDED), 2)
    return [drive(database, log, row["id"], "published") for row in rows]


def calls(client: Client, who: str, project: Row) -> list[tuple[int, str, str | None, str]]:
    told = client.get(who, f"/api/v1/projects/{project['id']}/progress-calls")
    listed = TypeAdapter(Listed[ProgressCall]).validate_json(told.content)
    return [(one.number, one.due_on, one.answered_on, one.status) for one in listed.items]


def test_R20_a_call_is_answered_by_the_batchs_form_late_ones_are_marked_and_missed_ones_shown(
    client: Client, clock: Clock, published: list[Row]
) -> None:
    first, second = published
    path = f"/api/v1/projects/{first['id']}/transitions"
    clock.go_to(date(2025, 2, 10))
    assert calls(client, "unit", first) == [(1, "2025-02-28", None, "open"), (2, "2025-09-01", None, "upcoming")]
    report: dict[str, Any] = {"event": "report_progress", "fields": {"progress_report": "设备到货", "call_number": 1}}
    wrong: list[Any] = [None, {"invested_fen": 1}, {"milestone": "安装", "castle": "x"}, {"milestone": 7}]
    for form in wrong:
        fields = {**report["fields"], **({"progress_form": form} if form else {})}
        told = problem(client.post("unit", path, {**report, "fields": fields}), 422, "rules-unmet")
        assert [one["check"] for one in told["findings"] if not one["met"]] == ["form_filled"]
    problem(client.post("jinan", path, report), 403, "forbidden")
    clock.go_to(date(2025, 3, 3))
    fields = {**report["fields"], "progress_form": {"milestone": "产线安装完成", "invested_fen": 90_000_000}}
    assert client.post("unit", path, {**report, "fields": fields}).status_code == 200
    told = problem(client.post("unit", path, {**report, "fields": fields}), 422, "rules-unmet")
    assert [one["check"] for one in told["findings"] if not one["met"]] == ["call_waits"]
    for who in ("unit", "jinan", "handler", "auditor"):
        assert calls(client, who, first)[0] == (1, "2025-02-28", "2025-03-03", "late")
    assert calls(client, "handler", second)[0] == (1, "2025-02-28", None, "missed")
    for who in ("stranger", "qingdao", "expert", "security"):
        problem(client.get(who, f"/api/v1/projects/{first['id']}/progress-calls"), 404, "not-found")


def test_R22_a_lapse_is_listed_with_the_act_that_confirms_it_and_only_a_person_of_the_province_does(
    client: Client, clock: Clock, published: list[Row], database: Database, log: Log
) -> None:
    first, second = published
    act(database, log, second["id"], "apply_half_year")
    clock.go_to(date(2025, 4, 22))
    assert client.get("handler", f"{BATCH}/lapses").json()["items"] == []
    path = f"/api/v1/projects/{first['id']}/transitions"
    body = {"event": "lapse", "reason": "宽限期满未申请验收"}
    told = problem(client.post("handler", path, body), 422, "rules-unmet")
    assert [one["check"] for one in told["findings"] if not one["met"]] == ["window_and_grace_over"]
    clock.go_to(date(2025, 4, 24))
    for who, codes in (
        ("handler", [first["code"]]),
        ("jinan", [first["code"]]),
        ("qingdao", []),
        ("unit", [first["code"]]),
    ):
        listed = TypeAdapter(Listed[Lapse]).validate_json(client.get(who, f"{BATCH}/lapses").content)
        assert [(one.code, one.event, one.days_over) for one in listed.items] == [(code, "lapse", 2) for code in codes]
    problem(client.get("expert", f"{BATCH}/lapses"), 403, "forbidden")
    problem(client.post("jinan", path, body), 403, "forbidden")
    problem(client.post("handler", path, {"event": "lapse"}), 422, "rules-unmet")
    assert client.post("handler", path, body).json()["to"] == "lapsed"
    assert client.get("handler", f"{BATCH}/lapses").json()["items"] == []


def test_the_command_line_lists_calls_and_lapses(home: Path) -> None:
    answer("migrate")
    session = open_session()
    database, log = session.database, session.log
    (row,) = create_projects(database, log, open_batch(database, log), 1)
    drive(database, log, row["id"], "published")
    with database.transaction() as tx:
        people.add_person(tx, log, caller("security_admin"), NewPerson("zhang", "张", "handler"))
    assert [one["status"] for one in answer("calls", row["code"], "--as", "zhang")] == ["missed", "missed"]
    assert "2025-02-28" in pilot("calls", row["code"], "--as", "zhang").stdout
    (lapse,) = answer("lapses", "sd-gongfu-2024-2", "--as", "zhang")
    assert (lapse["code"], lapse["grace_ended_on"], lapse["event"]) == (row["code"], "2025-04-22", "lapse")
    assert "2025-04-22" in pilot("lapses", "sd-gongfu-2024-2", "--as", "zhang").stdout
    assert answer("lapses", "nothing", "--as", "zhang", code=1)["refused"] == "not-found"
    database.close()
