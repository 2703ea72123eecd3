"""Acceptance over HTTP, whole ways: application, panel, verified list, docket, release; rectified, failed, undone."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from io import BytesIO
from typing import Any

import pytest
from docx import Document
from pydantic import TypeAdapter

from api.shapes.panels import Papers as PapersShape
from lifecycle.audit import Log
from lifecycle.callers import Caller, Source
from lifecycle.database import Database
from lifecycle.panels.founding import add_experts, add_projects, found_panel
from lifecycle.people import NewPerson, add_person, add_token
from lifecycle.replay import drift_of_batch
from lifecycle.statements import Row
from states.roles import actor_of
from tests.api.conftest import Client, Clock, problem
from tests.lifecycle.builders import (
    OPENED,
    POLICY_TEXT,
    application,
    caller,
    create_projects,
    document,
    drive,
    open_batch,
    read_entries,
    read_project,
)
from tests.lifecycle.filed import PDF
from tests.lifecycle.investing import CLAIM_ON, VERIFY_ON, line

REQUIRED = POLICY_TEXT.replace('self_evaluation = "shown"', 'self_evaluation = "required"')
BATCH = "/api/v1/batches/sd-gongfu-2024-2"
PANEL = f"{BATCH}/panels/1"
EXPERTS = ("ann", "bob", "cid")
REPORT = "half_year_report"
RAW = {"Content-Type": "application/octet-stream"}
MOST = {"goals": 50, "investment": 30, "management": 20}
PASS = {"event": "pass_half_year", "fields": {"half_year_opinion": "达到验收要求"}, "score": "75"}
RECTIFY = {"event": "rectify_half_year", "fields": {"rectification_list": "补齐设备到货凭证"}, "score": "60"}
FAIL = {"event": "fail_half_year", "fields": {"half_year_opinion": "目标任务未完成"}, "note": "评价得分低于合格线"}


@dataclass
class Stage:
    """Two published projects, the first led by `unit`, and three experts with tokens."""

    client: Client
    clock: Clock
    database: Database
    projects: list[Row]

    def done(self, answer: Any) -> dict[str, Any]:
        assert answer.status_code in (200, 201), answer.text
        told: dict[str, Any] = answer.json()
        return told

    def post(self, who: str, path: str, body: Any) -> dict[str, Any]:
        return self.done(self.client.post(who, path, body))

    def act(self, who: str, place: int, event: str, **body: Any) -> Any:
        return self.client.post(
            who, f"/api/v1/projects/{self.projects[place]['id']}/transitions", {"event": event, **body}
        )

    def list_path(self, place: int) -> str:
        return f"/api/v1/projects/{self.projects[place]['id']}/investments/half_year"

    def apply(self, place: int, who: str, event: str = "apply_half_year") -> None:
        lines = {"lines": [line(10 * place + 1), line(10 * place + 2)]}
        self.done(self.client.request(who, "PUT", self.list_path(place), json=lines))
        path = f"/api/v1/projects/{self.projects[place]['id']}/documents"
        documents = {}
        for kind in (REPORT, "investment_proofs"):
            asked = {"params": {"kind": kind, "name": "材料.pdf"}, "headers": RAW}
            documents[kind] = self.done(self.client.post(who, path, content=PDF, **asked))["reference"]
        self.done(self.act(who, place, event, fields={"half_year_invested_fen": 130_000_000}, documents=documents))

    def verify(self, place: int, after: int = 0, basis: int = 1) -> None:
        cut = {"position": 1, "verified_fen": 55_000_000, "reason": "发票日期早于合同"}
        body = {"basis": basis, "after": after, "lines": [cut], "rest_accepted": True}
        self.post("handler", f"{self.list_path(place)}/verifications", body)

    def found(self) -> None:
        self.post("handler", f"{BATCH}/panels", {"purpose": "half_year", "title": "半年期验收一组"})
        self.post("handler", f"{PANEL}/experts", {"logins": list(EXPERTS), "chair": "ann"})
        self.post("handler", f"{PANEL}/projects", {})

    def home(self, login: str) -> str:
        (one,) = self.done(self.client.get(login, "/api/v1/reviews"))["items"]
        return f"/api/v1/reviews/{one['id']}"

    def score(self, totals: Mapping[str, int]) -> None:
        """Let every expert submit what he has: each project, by id, gets its total from all."""
        for login in EXPERTS:
            home = self.home(login)
            for sheet in self.done(self.client.get(login, home))["sheets"]:
                if sheet["status"] == "assigned":
                    points = points_for(totals[sheet["project"]])
                    self.post(login, f"{home}/sheets/{sheet['id']}/submissions", {"points": points})

    def evaluate(self, *totals: int) -> None:
        """Run a founded panel to its end with these totals for the projects in their order."""
        for login in EXPERTS:
            self.post(login, f"{self.home(login)}/declarations", {"conflicts": []})
        self.post("handler", f"{PANEL}/balances", {"seed": 3})
        self.post("handler", f"{PANEL}/openings", {"due_on": "2025-12-31"})
        self.conclude(*totals)

    def conclude(self, *totals: int) -> None:
        named = dict(zip((row["id"] for row in self.projects), totals, strict=False))
        self.score(named)
        sat = {"method": "defence", "held_on": self.clock.now.date().isoformat(), "minutes_number": "验收纪要1号"}
        self.post("handler", f"{PANEL}/sessions", sat)
        self.post("head", f"{PANEL}/conclusions", {})

    def proposed(self, *cuts: Any) -> dict[str, Any]:
        body = {"kind": "half_year_result", "cuts": list(cuts)}
        return self.post("handler", f"{BATCH}/results/half_year/proposals", body)

    def draft(self, put: list[dict[str, Any]]) -> str:
        opened = self.post("handler", f"{BATCH}/dockets", {"kind": "half_year_result", "put": put})
        return f"/api/v1/dockets/{opened['docket']}"

    def preview(self, docket: str) -> dict[str, Any]:
        return self.done(self.client.post("handler", f"{docket}/previews"))

    def release(self, docket: str) -> dict[str, Any]:
        return self.post("handler", f"{docket}/release", {"digest": self.preview(docket)["digest"]})

    def states(self) -> list[str]:
        return [read_project(self.database, row["id"])["state"] for row in self.projects]


def points_for(total: int) -> dict[str, Any]:
    left, points = total, {}
    for name, most in MOST.items():
        points[name] = min(left, most)
        left -= points[name]
    return points


def refusals(preview: Mapping[str, Any]) -> set[str]:
    return {found["check"] for row in preview["rows"] for found in row["refusals"]}


@pytest.fixture
def stage(database: Database, log: Log, client: Client, clock: Clock) -> Stage:
    rows = create_projects(database, log, open_batch(database, log), 2)
    rows = [drive(database, log, row["id"], "published") for row in rows]
    officer = Caller(actor_of("security", "security_admin"), Source("test"), OPENED)
    with database.transaction() as tx:
        add_person(tx, log, officer, NewPerson("second", "第二单位", "applicant", unit=rows[1]["lead_code"]))
        client.tokens["second"] = add_token(tx, log, officer, "second", "test")[1]
        for login in EXPERTS:
            add_person(tx, log, officer, NewPerson(login, f"{login}教授", "expert"))
            client.tokens[login] = add_token(tx, log, officer, login, "test")[1]
    clock.go_to(CLAIM_ON)
    found = Stage(client, clock, database, rows)
    found.apply(0, "unit")
    found.apply(1, "second")
    clock.go_to(VERIFY_ON)
    return found


def test_a_half_years_results_go_from_applications_through_panel_and_docket_to_their_release(
    stage: Stage, client: Client, database: Database
) -> None:
    stage.found()
    first, second = (row["id"] for row in stage.projects)
    home = stage.home("ann")
    papers = f"{home}/projects/{first}"
    unread = (papers, f"{papers}/investments/half_year", f"{papers}/documents/{REPORT}/content")
    for path in unread:
        problem(client.get("ann", path), 403, "forbidden")  # not before conflicts are declared
    told = problem(
        stage.act("handler", 0, "rectify_half_year", fields={"rectification_list": "补充"}), 422, "rules-unmet"
    )
    assert [one["check"] for one in told["findings"] if not one["met"]] == ["acceptance_evaluated"]
    stage.verify(0)
    stage.post("ann", f"{home}/declarations", {"conflicts": [{"project": second, "note": "曾任顾问"}]})
    for path in unread:
        problem(client.get("ann", path), 404, "not-found")  # not before the project is his
    stage.post("handler", f"{PANEL}/assignments", {"pairs": [{"project": first, "login": "ann"}]})
    shown = stage.done(client.get("ann", papers))
    assert shown["investments"]["half_year"]["lists"] == {
        "claimed": {"number": 1, "lines": 2, "total_fen": 130_000_000},
        "verified": {"number": 1, "lines": 2, "total_fen": 120_000_000},
    }
    listed = stage.done(client.get("ann", f"{papers}/investments/half_year"))
    assert [(one["verified_fen"], one["reason"]) for one in listed["lines"]] == [
        (55_000_000, "发票日期早于合同"),
        (65_000_000, None),
    ]
    assert client.get("ann", f"{papers}/documents/{REPORT}/content").content == PDF
    problem(client.get("ann", f"{papers}/documents/application_book_pdf/content"), 404, "not-found")  # lies elsewhere
    other = papers.replace(first, second)
    for path in (other, f"{other}/investments/half_year", f"{other}/documents/{REPORT}/content"):
        problem(client.get("ann", path), 404, "not-found")
    problem(client.get("expert", f"{papers}/investments/half_year"), 404, "not-found")
    problem(client.get("unit", f"{papers}/investments/half_year"), 403, "forbidden")


def test_one_release_passes_some_and_sends_others_back_and_a_reopened_evaluation_undoes_what_was_pending(
    stage: Stage, client: Client, database: Database
) -> None:
    stage.found()
    stage.evaluate(82, 65)
    stage.verify(0)
    found = stage.proposed(PASS, RECTIFY, FAIL)
    put = found["put"]
    assert [(one["event"], one["fields"]) for one in put] == [
        ("pass_half_year", {"half_year_score": "82.00", "half_year_verified_fen": 120_000_000, **PASS["fields"]}),
        ("rectify_half_year", {"half_year_score": "65.00", **RECTIFY["fields"]}),
    ]
    docket = stage.draft(put)
    assert stage.preview(docket)["ready"]
    problem(
        client.post("handler", f"{BATCH}/results/half_year/proposals",
                    {"kind": "half_year_result", "cuts": [{**PASS, "fields": {"tier": ["first"]}}]}),
        400,
        "unreadable",
    )  # fmt: skip
    stage.post("head", f"{PANEL}/reopenings", {"reason": "评分依据有误", "due_on": "2025-12-31"})
    assert refusals(stage.preview(docket)) == {"acceptance_evaluated"}
    assert stage.proposed(PASS)["put"] == []
    stage.conclude(90, 65)
    assert refusals(stage.preview(docket)) == {"acceptance_evaluated"}  # the first one's score is another now
    stage.done(client.patch("handler", docket, {"put": stage.proposed(PASS, RECTIFY)["put"]}))
    released = stage.release(docket)
    assert len(released["moved"]) == 2
    assert stage.states() == ["half_year_accepted", "half_year_rectification"]
    record = read_project(database, stage.projects[0]["id"])["record"]
    assert (record["half_year_score"], record["half_year_verified_fen"]) == ("90.00", 120_000_000)
    with database.reading() as tx:
        assert drift_of_batch(tx, stage.projects[0]["batch_id"]) == {}


def test_nothing_passes_whose_list_is_not_verified_line_by_line(stage: Stage) -> None:
    stage.found()
    stage.evaluate(82, 82)
    stage.verify(0)
    put = stage.proposed(PASS)["put"]
    by_project = {one["project"]: one["fields"] for one in put}
    unverified = stage.projects[1]["id"]
    assert "half_year_verified_fen" not in by_project[unverified]
    for one in put:
        one["fields"]["half_year_verified_fen"] = 120_000_000
    docket = stage.draft(put)
    preview = stage.preview(docket)
    assert refusals(preview) == {"verified_matches_list"}
    problem(stage.client.post("handler", f"{docket}/release", {"digest": preview["digest"]}), 422, "rules-unmet")
    assert stage.states() == ["half_year_evaluation"] * 2
    stage.verify(1)
    stage.release(docket)
    assert stage.states() == ["half_year_accepted"] * 2


def test_a_project_is_sent_back_once_evaluated_anew_when_it_comes_again_and_not_sent_back_twice(
    stage: Stage, client: Client, clock: Clock, database: Database
) -> None:
    stage.found()
    stage.evaluate(65, 66)
    stage.release(stage.draft(stage.proposed(RECTIFY)["put"]))
    assert stage.states() == ["half_year_rectification"] * 2
    clock.go_to(date(2025, 3, 16))
    stage.apply(0, "unit", "resubmit_half_year")
    row = read_project(database, stage.projects[0]["id"])
    assert "half_year_score" not in row["record"]
    found = stage.proposed(PASS, RECTIFY)
    assert (found["put"], [one["code"] for one in found["unconcluded"]]) == ([], [row["code"]])
    opinion = {"half_year_verified_fen": 130_000_000, "half_year_opinion": "通过"}
    for score in ({}, {"half_year_score": "65.00"}):  # what was made of the first application is not of this one
        told = problem(stage.act("handler", 0, "pass_half_year", fields={**opinion, **score}), 422, "rules-unmet")
        assert "acceptance_evaluated" in {one["check"] for one in told["findings"] if not one["met"]}
    stage.post(
        "head", f"{PANEL}/reopenings", {"reason": "整改后重新评价", "due_on": "2025-12-31", "projects": [row["id"]]}
    )
    stage.conclude(80)
    again = stage.draft(stage.proposed(RECTIFY | {"score": "75"})["put"])
    assert refusals(stage.preview(again)) == {"rectification_left"}
    stage.post("handler", f"{again}/withdrawal", {"reason": "已整改一次"})
    stage.verify(0, basis=2)
    stage.release(stage.draft(stage.proposed(PASS)["put"]))
    record = read_project(database, row["id"])["record"]
    assert (stage.states()[0], record["half_year_score"], record["half_year_rectifications"]) == (
        *("half_year_accepted", "80.00"),
        1,
    )
    results = stage.done(client.get("auditor", f"{BATCH}/results/half_year"))
    assert [(one["code"], one["pending"]) for one in results["results"]] == [
        (row["code"], False),
        (stage.projects[1]["code"], False),
    ]


def test_undoing_a_failure_is_a_new_act_nothing_is_edited_and_the_history_reads_as_what_happened(
    stage: Stage, client: Client, clock: Clock, database: Database
) -> None:
    stage.found()
    stage.evaluate(40, 41)
    docket = stage.draft(stage.proposed(FAIL)["put"])
    stage.release(docket)
    assert stage.states() == ["acceptance_failed"] * 2
    path = f"/api/v1/projects/{stage.projects[0]['id']}/history"
    before = stage.done(client.get("handler", path))["items"]
    shown = stage.done(client.get("handler", docket))
    clock.go_to(date(2025, 3, 20))
    for who in ("handler", "head"):
        stage.done(stage.act(who, 0, "reopen", reason="复核发现评分录入有误"))
    assert stage.states() == ["half_year_evaluation", "acceptance_failed"]
    reopened = {"reason": "重新评价", "due_on": "2025-12-31", "projects": [stage.projects[0]["id"]]}
    stage.post("head", f"{PANEL}/reopenings", reopened)
    stage.conclude(88)
    stage.verify(0)
    stage.release(stage.draft(stage.proposed(PASS)["put"]))
    assert stage.states() == ["half_year_accepted", "acceptance_failed"]
    after = stage.done(client.get("handler", path))["items"]
    assert after[: len(before)] == before
    assert [one["sentence"]["zh"] for one in after[len(before) - 1 :]] == [
        "2025-03-15 省厅经办（省厅经办人）办理“半年期验收不通过”：半年期验收中 → 验收不通过，列入半年期验收结果第1号",
        "2025-03-20 省厅经办（省厅经办人）签署“重新启动”，待另一人确认，状态仍为验收不通过",
        "2025-03-20 省厅处长（省厅处长）办理“重新启动”：验收不通过 → 半年期验收中",
        "2025-03-20 省厅经办（省厅经办人）逐行核定半年期验收实际投入明细（第1版，2行）",
        "2025-03-20 省厅经办（省厅经办人）办理“半年期验收通过”：半年期验收中 → 半年期验收通过，列入半年期验收结果第2号",
    ]
    now = stage.done(client.get("handler", docket))  # the release stays what it was; where the projects stand moves on
    assert [one["outcome"] for one in now["items"]] == [one["outcome"] for one in shown["items"]]
    with database.reading() as tx:
        assert drift_of_batch(tx, stage.projects[0]["batch_id"]) == {}


INDICATORS = [
    {"number": 1, "name": "设备联网率", "unit": "%", "baseline": "60", "target": "90", "planned_on": "2025-08-31"},
    {"number": 2, "name": "不良品率", "unit": "%", "baseline": "4", "target": "2.5"},
]


def test_the_unit_answers_every_indicator_of_its_book_and_experts_and_papers_show_what_was_reached(
    stage: Stage, client: Client, clock: Clock, database: Database, log: Log
) -> None:
    strict = open_batch(database, log, "strict", policy_text=REQUIRED, now=OPENED)
    (row,) = create_projects(database, log, strict, [replace(application(50), indicators=())])
    clock.go_to(OPENED.date())
    path = f"/api/v1/projects/{row['id']}"
    problem(client.patch("handler", path, {"indicators": [{**INDICATORS[0], "target": "九十"}]}), 422, "invalid")
    problem(client.patch("handler", path, {"indicators": [INDICATORS[0]] * 2}), 400, "unreadable")
    stage.done(client.patch("handler", path, {"indicators": INDICATORS[::-1]}))
    assert [one["number"] for one in stage.done(client.get("handler", path))["indicators"]] == [1, 2]
    drive(database, log, row["id"], "published")
    with database.transaction() as tx:
        officer = Caller(actor_of("security", "security_admin"), Source("test"), OPENED)
        add_person(tx, log, officer, NewPerson("third", "第三单位", "applicant", unit=row["lead_code"]))
        client.tokens["third"] = add_token(tx, log, officer, "third", "test")[1]
    clock.go_to(CLAIM_ON)
    body = {"event": "apply_half_year", "documents": {kind: document(kind) for kind in (REPORT, "investment_proofs")}}
    answers = [{"number": 1, "achieved": "75", "remark": "二期设备未到货"}, {"number": 2, "achieved": "2.50"}]
    for given, numbers in (
        (None, {"missing": [1, 2]}),
        (answers[:1], {"missing": [2]}),
        ([*answers, {"number": 9, "achieved": "1"}], {"unknown": [9]}),
    ):
        fields = {"half_year_invested_fen": 1, **({"half_year_self_evaluation": given} if given else {})}
        told = problem(client.post("third", f"{path}/transitions", {**body, "fields": fields}), 422, "rules-unmet")
        assert [
            (one["check"], one["seen"]) for one in told["findings"] if not (one["met"] or one["kind"] == "note")
        ] == [("indicators_answered", numbers)]
    wrong = {"half_year_invested_fen": 1, "half_year_self_evaluation": [{"number": 1, "achieved": 7.5}]}
    told = problem(client.post("third", f"{path}/transitions", {**body, "fields": wrong}), 422, "rules-unmet")
    assert "fields_readable" in {one["check"] for one in told["findings"]}
    fields = {"half_year_invested_fen": 1, "half_year_self_evaluation": answers}
    done = stage.done(client.post("third", f"{path}/transitions", {**body, "fields": fields}))
    (note,) = [one for one in done["findings"] if one["check"] == "indicators_reached"]
    assert (note["kind"], note["met"], note["seen"], note["threshold"]) == (
        *("note", False),
        {"设备联网率": "75（50.00%）", "不良品率": "2.5（100.00%）"},
        {"设备联网率": "90%", "不良品率": "2.5%"},
    )
    entry = read_entries(database, f"project/{row['id']}")[-1]["body"].decode()
    assert "二期设备未到货" not in entry
    (amended,) = [one for one in read_entries(database, f"project/{row['id']}") if one["type"] == "project.amended"]
    assert "设备联网率" in amended["body"].decode()
    with database.transaction() as tx:
        panel = found_panel(tx, log, caller("handler", clock.now), strict, "half_year", "验收组").row["id"]
        add_experts(tx, log, caller("handler", clock.now), panel, ["ann"])
        add_projects(tx, log, caller("handler", clock.now), panel)
    home = f"/api/v1/reviews/{panel}"
    stage.post("ann", f"{home}/declarations", {"conflicts": []})
    pair = {"pairs": [{"project": row["id"], "login": "ann"}]}
    stage.post("handler", "/api/v1/batches/strict/panels/1/assignments", pair)
    papers = stage.done(client.get("ann", f"{home}/projects/{row['id']}"))
    TypeAdapter(PapersShape).validate_python(papers)
    assert [(one["name"], one["achieved"], one["percent"]) for one in papers["self_evaluation"]["half_year"]] == [
        ("设备联网率", "75", "50.00"),
        ("不良品率", "2.5", "100.00"),
    ]
    for kind in ("dossier", "acceptance_form"):
        made = client.get("handler", f"{path}/papers/{kind}.docx")
        assert made.status_code == 200, made.text
        words = "\n".join(
            cell.text for table in Document(BytesIO(made.content)).tables for line in table.rows for cell in line.cells
        )
        assert {"设备联网率（二期设备未到货）", "未完成（50.00%）", "完成（100.00%）"} <= set(words.split("\n")), kind
    with database.reading() as tx:
        assert drift_of_batch(tx, strict["id"]) == {}
