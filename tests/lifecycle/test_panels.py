"""Panels from their founding to their results: conflicts first, balanced assignment, sheets once, ties shown."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import orjson
import pytest

from lifecycle.audit import Log
from lifecycle.commitments import is_commitment
from lifecycle.database import Database
from lifecycle.dockets.drafting import draft_docket, edit_docket
from lifecycle.dockets.edits import DraftItem, Edit
from lifecycle.dockets.release import preview_docket, release_docket
from lifecycle.errors import Conflict, Forbidden, NotFound, NotOffered, Refusal, RulesUnmet, Unreadable
from lifecycle.panels import assignments, conflicts, founding, reading, reviews, rounds, sessions, sheets
from lifecycle.panels.proposals import Cut, propose
from lifecycle.replay import drift_of_batch
from tests.faults.test_races import at_once
from tests.lifecycle.builders import QINGDAO, act, caller, create_projects, credit_code, drive, read_project
from tests.lifecycle.panelists import AUDITOR, DUE, FULL, HANDLER, NOW, POINTS, Panel, new_expert, new_panel


@pytest.fixture
def panel(database: Database, log: Log) -> Panel:
    return new_panel(database, log)


def said(job: Any) -> str:
    """Return the code of the refusal that a job meets."""
    with pytest.raises(Refusal) as caught:
        job()
    return caught.value.code


def test_a_panel_goes_from_its_founding_to_ranked_results_and_its_stream_tells_all_of_it(panel: Panel) -> None:
    first, second = panel.projects
    panel.scoring()
    panel.score(first, {"ann": 70, "bob": 84, "cid": 95})
    panel.score(second, {"ann": 84, "bob": 80, "cid": 99})
    panel.sit(note="无异议")
    done = panel.do(rounds.conclude)
    assert (done.row["status"], done.told) == ("concluded", {"concluded": 2, "left_out": 0})
    found = panel.results()
    assert [(row["project"], row["rank"], row["tied"], row["score"]) for row in found["results"]] == [
        (row["id"], 1, 2, "84.00") for row in sorted(panel.projects, key=lambda row: row["id"])
    ]  # a tie is shown and not broken
    by_project = {row["project"]: row for row in found["results"]}
    assert {name: by_project[first["id"]][name] for name in ("low", "high", "spread", "wide", "sheets", "fields")} == {
        "low": "70.00",
        "high": "95.00",
        "spread": "25.00",
        "wide": True,
        "sheets": 3,
        "fields": {"review_score": "84.00"},
    }
    assert found["unconcluded"] == []
    shown = panel.shown(AUDITOR)
    assert [one["login"] for one in shown["projects"][0]["result"]["trimmed"]] == ["ann", "cid"]
    assert [body["type"] for body in panel.bodies()] == [
        *("panel.founded", "panel.experts_added", "panel.projects_added"),
        *["panel.declared"] * 3,
        *("panel.assigned", "panel.scoring_opened"),
        *["panel.sheet_submitted"] * 6,
        *("panel.session_recorded", "panel.concluded"),
    ]
    assert [body["seq"] for body in panel.bodies()] == list(range(1, 17))


def test_the_result_is_what_the_projects_act_has_to_state(panel: Panel) -> None:
    database, log, (first, second) = panel.database, panel.log, panel.projects

    def decide(event: str, score: str, row: Any = first) -> str:
        fields = {"review_method": "both", "review_score": score}
        try:
            act(database, log, row["id"], event, fields=fields)
        except RulesUnmet as refusal:
            return ",".join(sorted(finding.check for finding in refusal.findings if finding.blocks))
        return "done"

    panel.scoring()
    assert decide("pass_review", "85.00") == decide("not_select", "85.00") == "panel_concluded"  # still scoring
    for row in panel.projects:
        panel.score(row, {"ann": 80, "bob": 85, "cid": 90})
    panel.sit()
    panel.do(rounds.conclude)
    assert [decide("pass_review", score) for score in ("88.50", "85.00")] == ["panel_concluded", "done"]
    assert decide("not_select", "85", second) == "done"
    with database.reading() as tx:
        listed = reading.list_results(tx, HANDLER, panel.batch, "review")["results"]
    assert [row["pending"] for row in listed] == [False, False]


def test_before_declaring_an_expert_sees_titles_and_units_and_after_it_the_papers_of_what_is_his(panel: Panel) -> None:
    first, second = panel.projects
    before = panel.review("ann")
    assert [(row["title"], row["units"]) for row in before["projects"]] == [
        ("产线数字化1", ["服务商1", "制造厂1"]),
        ("产线数字化2", ["服务商2", "制造厂2"]),
    ]
    assert (before["declared_at"], before["sheets"]) == (None, [])
    assert said(lambda: panel.do(assignments.assign_by_hand, [(first["id"], "ann")])) == "unreadable"
    assert said(lambda: panel.papers("ann", first)) == "forbidden"
    panel.do(conflicts.declare, [{"project": second["id"], "note": "曾任该企业顾问"}], by=panel.people["ann"])
    assert said(lambda: panel.papers("ann", first)) == "not-found"  # not his yet
    panel.do(assignments.assign_by_hand, [(first["id"], "ann")])
    found = panel.papers("ann", first)
    assert (found["title"], [unit["name"] for unit in found["members"]]) == ("产线数字化1", ["服务商1", "制造厂1"])
    assert sorted(found["documents"]) == [
        *("application_book_pdf", "application_book_word", "consortium_agreement", "recommendation_document"),
    ]
    hidden = {"contact_name", "contact_phone", "opinion", "city_opinion", "rank", "veto_checks", "review_score"}
    assert hidden & (set(found) | set(found["record"])) == set()
    assert said(lambda: panel.papers("ann", second)) == "not-found"
    assert said(lambda: panel.papers("bob", first)) == "forbidden"
    conflict = panel.shown()["projects"][1]["conflicts"]
    assert [(one["login"], [ground["code"] for ground in one["grounds"]]) for one in conflict] == [
        ("ann", ["declared"])
    ]
    note = next(change for body in panel.bodies() for change in body["changes"] if change["path"] == "/conflicts/note")
    assert is_commitment(note["new"])


def test_units_groups_and_affiliates_bar_an_expert_whether_he_declares_it_or_not(database: Database, log: Log) -> None:
    panel = new_panel(database, log, 3, ())
    lead, landing = (panel.projects[0]["members"][place]["credit_code"] for place in (0, 1))
    affiliate = credit_code(77)
    about = {
        "lea": {"unit": lead},
        "mem": {"unit": landing},
        "grp": {"unit": credit_code(78), "group": "鲁能集团"},
        "aff": {"unit": affiliate},
        "fre": {},
    }
    panel.people = {login: new_expert(database, log, login, **more) for login, more in about.items()}
    panel.do(founding.add_experts, list(about), "fre")
    members = [{**unit} for unit in panel.projects[1]["members"]]
    with database.transaction() as tx:
        mark = "%s" if tx.is_postgres else "?"
        members[1]["affiliates"] = [affiliate]
        tx.execute_driver(
            f"UPDATE project SET group_name = {mark}, members = {mark} WHERE id = {mark}",
            ["鲁能集团", orjson.dumps(members).decode(), panel.projects[1]["id"]],
        )
    panel.declare_all()
    barred = {
        (place, one["login"]): [ground["code"] for ground in one["grounds"]]
        for place, row in enumerate(panel.shown()["projects"])
        for one in row["conflicts"]
    }
    assert barred == {
        (0, "lea"): ["same_unit"],
        (0, "mem"): ["member"],
        (1, "grp"): ["same_group"],
        (1, "aff"): ["affiliated"],
    }
    for place, login in barred:
        pair = (panel.projects[place]["id"], login)
        assert said(lambda pair=pair: panel.do(assignments.assign_by_hand, [pair])) == "unreadable"
    done = panel.do(assignments.assign_balanced, 5)
    assert done.told == {"assigned": 9, "seed": 5}
    pairs = {(row["project_id"], row["login"]) for row in panel.sheets()}
    assert not pairs & {(panel.projects[place]["id"], login) for place, login in barred}
    assert sorted(Counter(login for _, login in pairs).values()) == [1, 2, 2, 2, 2]
    assert [one["login"] for one in panel.shown()["experts"] if one["chair"]] == ["fre"]


def test_a_balanced_assignment_keeps_what_is_assigned_and_the_same_seed_says_the_same(
    database: Database, log: Log
) -> None:
    panel = new_panel(database, log, 4, ("ann", "bob", "cid", "dan"))
    assert said(lambda: panel.do(assignments.assign_balanced, 1)) == "unreadable"  # nobody has declared
    panel.declare_all(dan=[{"project": panel.projects[0]["id"]}])
    panel.do(assignments.assign_by_hand, [(panel.projects[1]["id"], "dan")])
    first = panel.do(assignments.assign_balanced, 42)
    assert (first.told, first.row["seed"]) == ({"assigned": 11, "seed": 42}, 42)
    pairs = {(row["project_id"], row["login"]) for row in panel.sheets()}
    assert Counter(project for project, _ in pairs) == {row["id"]: 3 for row in panel.projects}
    assert set(Counter(login for _, login in pairs).values()) == {3}
    assert (panel.projects[0]["id"], "dan") not in pairs
    again = panel.do(assignments.assign_balanced, 42)
    assert (again.told["assigned"], again.receipt) == (0, None)
    for project in sorted(project for project, login in pairs if login == "ann"):
        panel.do(assignments.release, project, "ann", "出差")
    with pytest.raises(NotOffered) as caught:
        panel.do(assignments.assign_balanced, 42)
    # Whom a project was taken from is not given it again, so the one that dan may not score lacks an expert now.
    assert (caught.value.details["short"], caught.value.details["uneven"]) == ({panel.projects[0]["code"]: 1}, [])


def test_conflicts_that_come_to_light_take_the_draft_back_and_a_submitted_sheet_is_the_provinces_affair(
    panel: Panel,
) -> None:
    first, second = panel.projects
    panel.scoring()
    ann = panel.people["ann"]
    panel.sheet_act(sheets.save_sheet, "ann", panel.sheet_of("ann", first), {"necessity": 3})
    panel.score(second, {"ann": 80})
    assert said(lambda: panel.do(conflicts.declare, [{"project": second["id"]}], by=ann)) == "not-offered"
    done = panel.do(conflicts.declare, [{"project": first["id"]}], by=ann)
    assert done.told == {"conflicts": 1, "released": [first["id"]]}
    assert (
        said(lambda: panel.sheet_act(sheets.submit_sheet, "ann", panel.sheet_of("ann", first), FULL)) == "not-offered"
    )
    panel.do(assignments.release, second["id"], "ann", "事后申报回避")
    assert Counter(row["status"] for row in panel.sheets()) == {"released": 2, "assigned": 4}
    submitted = next(row for row in panel.sheets() if row["submitted_at"])
    assert (submitted["status"], submitted["total"]) == ("released", "80.00")
    with panel.database.reading() as tx:
        listed = reading.list_sheets(tx, AUDITOR, panel.batch, 1)
    assert {(one["expert"]["login"], one["status"], one["total"], one["counts"]) for one in listed} == {
        ("ann", "released", "80.00", False),
        ("ann", "released", None, False),
        ("bob", "assigned", None, False),
        ("cid", "assigned", None, False),
    }


def test_a_member_who_joins_later_bars_the_expert_from_then_on(database: Database, log: Log) -> None:
    batch_panel = new_panel(database, log, 1, ("bob", "cid"))
    batch_panel.people["ann"] = new_expert(database, log, "ann", unit=credit_code(500))
    batch_panel.do(founding.add_experts, ["ann"])
    batch_panel.scoring()
    (row,) = batch_panel.projects
    sheet = batch_panel.sheet_of("ann", row)
    assert batch_panel.papers("ann", row)["sheets"][0]["id"] == sheet
    with database.transaction() as tx:
        mark = "%s" if tx.is_postgres else "?"
        tx.execute_driver(
            f"UPDATE project SET group_name = '新集团' WHERE id = {mark}",
            [row["id"]],
        )
        tx.execute_driver(f"UPDATE person SET group_name = '新集团' WHERE login = {mark}", ["ann"])
    assert said(lambda: batch_panel.papers("ann", row)) == "forbidden"
    assert said(lambda: batch_panel.sheet_act(sheets.submit_sheet, "ann", sheet, FULL)) == "forbidden"


def test_a_sheet_is_kept_as_often_as_one_likes_submitted_once_and_never_changed_after(panel: Panel) -> None:
    first = panel.projects[0]
    panel.declare_all()
    panel.assign()
    sheet = panel.sheet_of("ann", first)
    assert said(lambda: panel.sheet_act(sheets.save_sheet, "ann", sheet, POINTS)) == "not-offered"  # not open yet
    panel.do(rounds.open_scoring, DUE)
    kept = panel.sheet_act(sheets.save_sheet, "ann", sheet, {"necessity": "18"}, "初评")
    assert (kept.row["status"], kept.row["version"], kept.row["total"]) == ("draft", 2, None)
    with pytest.raises(Conflict):
        panel.sheet_act(sheets.save_sheet, "ann", sheet, POINTS, expected_version=1)
    with pytest.raises(Unreadable) as caught:
        panel.sheet_act(sheets.submit_sheet, "ann", sheet)
    assert sorted(caught.value.details["criteria"]) == ["benefit", "capability", "funding", "technology"]
    with pytest.raises(Unreadable) as caught:
        panel.sheet_act(sheets.save_sheet, "ann", sheet, {"necessity": "20.5", "luck": 1})
    assert sorted(caught.value.details["criteria"]) == ["luck", "necessity"]
    done = panel.sheet_act(sheets.submit_sheet, "ann", sheet, POINTS, "方案可行", expected_version=2)
    assert (done.row["status"], done.row["total"], done.row["comment"]) == ("submitted", "82.50", "方案可行")
    for act_again in (sheets.save_sheet, sheets.submit_sheet):
        assert said(lambda again=act_again: panel.sheet_act(again, "ann", sheet, FULL)) == "not-offered"
    for login in ("bob", "cid"):
        assert said(lambda login=login: panel.sheet_act(sheets.save_sheet, login, sheet, FULL)) == "not-found"
    comments = [
        change["new"] for body in panel.bodies() for change in body["changes"] if change["path"] == "/sheet/comment"
    ]
    assert [is_commitment(value) for value in comments] == [True, True]
    with pytest.raises(Exception, match="never changed"), panel.database.transaction() as tx:
        tx.execute_driver("UPDATE score_sheet SET total = '99.00' WHERE submitted_at IS NOT NULL")
    with pytest.raises(Exception, match="never changed"), panel.database.transaction() as tx:
        tx.execute_driver("DELETE FROM score_sheet")


def test_nothing_is_concluded_before_enough_sheets_a_sitting_and_for_what_is_missing_a_reason(
    database: Database, log: Log
) -> None:
    panel = new_panel(database, log, 1, ("ann", "bob", "cid", "dan"))
    (row,) = panel.projects
    panel.declare_all()
    panel.assign(("ann", "bob"))
    assert said(lambda: panel.do(rounds.open_scoring, DUE)) == "not-offered"
    panel.assign()
    for day in (date(2024, 8, 6), date(2027, 1, 1)):
        assert said(lambda day=day: panel.do(rounds.open_scoring, day)) == "unreadable"
    panel.do(rounds.open_scoring, DUE)
    panel.score(row, {"ann": 80, "bob": 82})
    panel.sit()
    with pytest.raises(NotOffered) as caught:
        panel.do(rounds.conclude)
    assert caught.value.details["missing"] == {row["code"]: 1}
    panel.score(row, {"cid": 84})
    assert said(lambda: panel.do(rounds.conclude)) == "unreadable"  # dan's is missing, and nobody says why not to wait
    done = panel.do(rounds.conclude, "丹专家因病不能评分")
    assert (done.told["left_out"], panel.results()["results"][0]["score"]) == (1, "82.00")
    last = panel.bodies()[-1]
    assert (last["type"], is_commitment(last["reason"])) == ("panel.concluded", True)
    assert said(lambda: panel.sheet_act(sheets.submit_sheet, "dan", panel.sheet_of("dan", row), FULL)) == "not-offered"


def test_without_a_sitting_in_the_round_nothing_is_concluded(panel: Panel) -> None:
    panel.scoring()
    for row in panel.projects:
        panel.score(row, {"ann": 80, "bob": 80, "cid": 80})
    panel.sit(projects=[panel.projects[0]["id"]], present=["ann"])
    with pytest.raises(NotOffered) as caught:
        panel.do(rounds.conclude)
    assert caught.value.details["projects"] == [panel.projects[1]["code"]]
    late = date(2024, 8, 8)
    wrong: list[Any] = [
        ("lottery", NOW.date(), "1号", {}),
        ("material", late, "1号", {}),
        ("material", NOW.date(), " ", {}),
        ("material", NOW.date(), "1号", {"projects": []}),
        ("material", NOW.date(), "1号", {"projects": ["x"]}),
        ("material", NOW.date(), "1号", {"present": ["dan"]}),
        ("material", NOW.date(), "1号", {"minutes": {"id": "m"}}),
        ("material", NOW.date(), "1号", {"note": "甲\x00"}),
    ]
    for method, day, number, more in wrong:
        job = lambda m=method, d=day, n=number, more=more: panel.do(sessions.record_session, m, d, n, **more)  # noqa: E731
        assert said(job) == "unreadable"
    assert [row["number"] for row in panel.shown()["sessions"]] == [1]


def test_reopening_begins_a_new_round_and_the_old_sheets_stay_readable(panel: Panel) -> None:
    first, second = panel.projects
    panel.concluded()
    later = replace(HANDLER, now=NOW + timedelta(hours=1))
    assert said(lambda: panel.do(rounds.reopen, "", DUE)) == "unreadable"
    done = panel.do(rounds.reopen, "专家评分明显失当", DUE, [first["id"]], by=later)
    assert (done.row["status"], done.told) == ("scoring", {"reopened": [first["code"]]})
    found = panel.results()
    assert [row["project"] for row in found["results"]] == [second["id"]]
    assert [row["project"] for row in found["unconcluded"]] == [first["id"]]
    with pytest.raises(RulesUnmet):
        act(
            panel.database,
            panel.log,
            first["id"],
            "pass_review",
            fields={"review_method": "both", "review_score": "85"},
        )
    old = panel.sheet_of("ann", first)
    assert said(lambda: panel.sheet_act(sheets.submit_sheet, "ann", old, FULL)) == "not-offered"
    with panel.database.reading() as tx:
        assert reviews.show_sheet(tx, panel.people["ann"], panel.id, old)["total"] == "80.00"
    panel.score(first, {"ann": 60, "bob": 62, "cid": 64}, number=2)
    assert said(lambda: panel.do(rounds.conclude)) == "not-offered"  # a new round needs a sitting of its own
    panel.sit()
    panel.do(rounds.conclude)
    assert [(row["project"], row["score"]) for row in panel.results()["results"]] == [
        (second["id"], "85.00"),
        (first["id"], "62.00"),
    ]
    with panel.database.reading() as tx:
        totals = Counter(
            (one["round"], one["counts"]) for one in reading.list_sheets(tx, AUDITOR, panel.batch, 1, first["id"])
        )
    assert totals == {(1, False): 3, (2, True): 3}


def test_what_was_decided_is_not_reopened_under_its_feet(panel: Panel) -> None:
    panel.concluded()
    fields = {"review_method": "both", "review_score": "85.00"}
    act(panel.database, panel.log, panel.projects[0]["id"], "pass_review", fields=fields)
    assert said(lambda: panel.do(rounds.reopen, "复核", DUE)) == "unreadable"
    panel.do(rounds.reopen, "复核", DUE, [panel.projects[1]["id"]])


def test_projects_are_given_to_one_panel_of_a_purpose_and_only_as_they_stand_to_be_scored(panel: Panel) -> None:
    database, log = panel.database, panel.log
    draft, elsewhere = (create_projects(database, log, panel.batch, 1, first=number)[0] for number in (11, 12))
    ready = drive(database, log, elsewhere["id"], "under_review")
    with database.transaction() as tx:
        other = founding.found_panel(tx, log, HANDLER, panel.batch, "review", "评审二组", "T02").row
    assert (other["number"], other["task_code"]) == (2, "T02")
    second = replace(panel, id=other["id"])
    assert said(lambda: second.do(founding.add_projects, [ready["id"]])) == "not-found"  # of another task
    assert said(lambda: second.do(founding.add_projects)) == "unreadable"  # none is left for its task
    assert said(lambda: panel.do(founding.add_projects, [draft["id"]])) == "unreadable"
    assert panel.do(founding.add_projects).told == {"added": [ready["code"]]}
    with database.transaction() as tx:
        third = founding.found_panel(tx, log, HANDLER, panel.batch, "review", "评审三组").row
    other_panel = replace(panel, id=third["id"])
    assert said(lambda: other_panel.do(founding.add_projects, [ready["id"]])) == "unreadable"
    panel.do(founding.remove_project, ready["id"], "改由三组评审")
    assert other_panel.do(founding.add_projects, [ready["id"]]).told == {"added": [ready["code"]]}
    for purpose, title, task in (
        ("lottery", "组", None),
        ("review", " ", None),
        ("review", "组", "T99"),
        ("review", "甲\n乙", None),
    ):
        with pytest.raises(Unreadable), database.transaction() as tx:
            founding.found_panel(tx, log, HANDLER, panel.batch, purpose, title, task)
    with database.reading() as tx:
        listed = reading.list_panels(tx, AUDITOR, panel.batch)
    assert [(row["number"], row["experts"], row["projects"]) for row in listed] == [(1, 3, 2), (2, 0, 0), (3, 0, 1)]


def test_who_is_no_active_expert_is_not_put_on_a_panel_and_who_has_projects_is_not_taken_off(panel: Panel) -> None:
    with pytest.raises(NotFound):
        panel.do(founding.add_experts, ["nobody"])
    new_expert(panel.database, panel.log, "eve")
    assert said(lambda: panel.do(founding.add_experts, [], "eve")) == "unreadable"  # no chair from outside
    assert panel.do(founding.add_experts, ["ann"]).receipt is None
    panel.do(founding.add_experts, ["eve"], "eve")
    panel.do(founding.add_experts, [], "ann")
    assert [one["login"] for one in panel.shown()["experts"] if one["chair"]] == ["ann"]
    panel.declare_all()
    panel.assign(["ann"])
    assert said(lambda: panel.do(founding.remove_expert, "ann")) == "not-offered"
    assert said(lambda: panel.do(founding.remove_project, panel.projects[0]["id"])) == "not-offered"
    panel.do(founding.remove_expert, "eve", "另有任务")
    assert [one["login"] for one in panel.shown()["experts"]] == ["ann", "bob", "cid"]


def test_city_applicant_and_experts_elsewhere_learn_nothing_and_only_the_province_leads(panel: Panel) -> None:
    panel.scoring()
    row = panel.projects[0]
    strangers = [
        caller("city", NOW, city=row["city"]),
        caller("city", NOW, city=QINGDAO),
        caller("applicant", NOW, unit=row["lead_code"]),
        panel.people["ann"],
        caller("public", NOW),
        caller("system_admin", NOW),
    ]
    for who in strangers:
        with pytest.raises(Forbidden):
            panel.shown(who)
        with pytest.raises(Forbidden):
            panel.results(who)
        with panel.database.reading() as tx, pytest.raises(Forbidden):
            reading.list_panels(tx, who, panel.batch)
    leading: list[Any] = [
        (founding.add_experts, ["ann"]),
        (founding.add_projects,),
        (assignments.assign_balanced, 1),
        (assignments.release, row["id"], "ann", "理由"),
        (rounds.conclude, "理由"),
        (sessions.record_session, "material", NOW.date(), "1号"),
    ]
    for who in (*strangers, AUDITOR, caller("leader", NOW)):
        for leading_act, *given in leading:
            with pytest.raises(Forbidden):
                panel.do(leading_act, *given, by=who)
        if "score" not in who.actor.rights:
            with panel.database.reading() as tx, pytest.raises(Forbidden):
                reviews.show_review(tx, who, panel.id)
    outsider = new_expert(panel.database, panel.log, "out")
    with panel.database.reading() as tx, pytest.raises(NotFound):
        reviews.show_review(tx, outsider, panel.id)
    with pytest.raises(NotFound):
        panel.do(conflicts.declare, [], by=outsider)
    assert panel.shown(AUDITOR)["number"] == 1
    draft = panel.sheet_of("ann", row)
    panel.sheet_act(sheets.save_sheet, "ann", draft, POINTS, "未定")
    with panel.database.reading() as tx:
        (kept,) = [one for one in reading.list_sheets(tx, HANDLER, panel.batch, 1) if one["id"] == draft]
    assert (kept["status"], kept["points"], kept["comment"], kept["total"]) == ("draft", {}, None, None)


def test_review_results_come_out_as_a_set_with_a_reserve_list_that_fills_gaps(database: Database, log: Log) -> None:
    panel = new_panel(database, log, 4).scoring()
    for row, total in zip(panel.projects, (90, 80, 70, 60), strict=True):
        panel.score(row, dict.fromkeys(panel.people, total))
    panel.sit()
    panel.do(rounds.conclude)
    scores = {one["project"]: one["fields"] for one in panel.results()["results"]}
    events = ("pass_review", "put_in_reserve", "put_in_reserve", "not_select")
    ranks = (None, 1, 1, None)

    def items(ranks: Any) -> tuple[DraftItem, ...]:
        return tuple(
            DraftItem(row["id"], event, scores[row["id"]] | ({"reserve_rank": rank} if rank else {}), {}, "评审结果")
            for row, event, rank in zip(panel.projects, events, ranks, strict=True)
        )

    header = {"review_method": "material", "review_minutes_number": "评审纪要〔2024〕1号"}
    with database.transaction() as tx:
        docket = draft_docket(
            tx, log, HANDLER, panel.batch, "review_result", None, Edit(header=header, put=items(ranks)), 100
        ).docket
    with database.reading() as tx:
        found = preview_docket(tx, HANDLER, docket, 100)
    blocked = [finding.check for row in found.rows.rows for finding in row.decision.refusals]
    assert (found.ready, blocked) == (False, ["reserve_rank_free"])  # the second of one rank, in the same list
    with database.transaction() as tx:
        edit_docket(tx, log, HANDLER, docket, Edit(put=items((None, 1, 2, None))), 100)
    with database.reading() as tx:
        digest = preview_docket(tx, HANDLER, docket, 100).digest
    with database.transaction() as tx:
        release_docket(tx, log, HANDLER, docket, digest, 100)
    rows = [read_project(database, row["id"]) for row in panel.projects]
    assert [row["state"] for row in rows] == ["reviewed", "under_review", "under_review", "not_selected"]
    assert [(row["flags"], row["record"].get("reserve_rank")) for row in rows] == [
        ([], None),
        (["reserve"], 1),
        (["reserve"], 2),
        ([], None),
    ]
    act(database, log, rows[1]["id"], "pass_review", fields={**header, **scores[rows[1]["id"]]})
    risen = read_project(database, rows[1]["id"])
    assert (risen["state"], risen["flags"], "reserve_rank" in risen["record"]) == ("reviewed", [], False)
    act(database, log, rows[2]["id"], "take_off_reserve", reason="不再递补")
    assert read_project(database, rows[2]["id"])["flags"] == []
    with database.reading() as tx:
        assert drift_of_batch(tx, panel.batch["id"]) == {}


def test_decisions_are_proposed_by_score_and_a_tie_at_a_cut_is_left_to_a_person(database: Database, log: Log) -> None:
    panel = new_panel(database, log, 5).scoring()
    for row, total in zip(panel.projects, (90, 80, 80, 70, 60), strict=True):
        panel.score(row, dict.fromkeys(panel.people, total))
    panel.sit()
    panel.do(rounds.conclude)
    place = {row["id"]: number for number, row in enumerate(panel.projects)}

    def proposed(*cuts: Cut) -> tuple[dict[int, tuple[str, Any]], list[int], list[int]]:
        with database.reading() as tx:
            found = propose(tx, HANDLER, panel.batch, "review", "review_result", cuts)
        put = {place[one["project"]]: (one["event"], one["fields"].get("reserve_rank")) for one in found["put"]}
        return put, *(sorted(place[one["project"]] for one in found[name]) for name in ("undecided", "left"))

    reserve = {"numbered": "reserve_rank"}
    assert proposed(Cut("pass_review", 3), Cut("put_in_reserve", 1, **reserve), Cut("not_select")) == (
        {**dict.fromkeys((0, 1, 2), ("pass_review", None)), 3: ("put_in_reserve", 1), 4: ("not_select", None)},
        [],
        [],
    )
    # The second place is divided: both are left to a person, and the first stays first.
    assert proposed(Cut("pass_review", 2), Cut("not_select", score="75")) == (
        {0: ("pass_review", None)},
        [1, 2],
        [3, 4],
    )
    assert proposed(Cut("pass_review", 1), Cut("put_in_reserve", **reserve, first=4)) == (
        {0: ("pass_review", None), 3: ("put_in_reserve", 6), 4: ("put_in_reserve", 7)},
        [1, 2],  # of one score, and their numbers would put one before the other
        [],
    )
    wrong = [Cut("submit"), Cut("pass_review", 1, "80"), Cut("pass_review", score="x"), Cut("not_select", **reserve)]
    for cut in wrong:
        with pytest.raises(Unreadable):
            proposed(cut)


def test_two_officers_at_once_never_give_out_a_rank_of_the_reserve_list_twice(database: Database, log: Log) -> None:
    panel = new_panel(database, log, 4, ())
    for row in panel.projects:
        panel.do(founding.remove_project, row["id"])
    fields = {"review_method": "both", "review_score": "70", "reserve_rank": 1}
    answers = at_once(
        [lambda row=row: act(database, log, row["id"], "put_in_reserve", fields=fields) for row in panel.projects]
    )
    assert Counter(type(answer).__name__ for answer in answers) == {"Outcome": 1, "RulesUnmet": 3}
