"""Panels over HTTP: the whole course, who may what, and what an expert sees when."""

from datetime import date
from typing import Any

import pytest

from lifecycle.audit import Log
from lifecycle.callers import Caller, Source
from lifecycle.database import Database
from lifecycle.people import NewPerson, add_person, add_token
from lifecycle.statements import Row
from states.roles import actor_of
from tests.api.conftest import Client, Clock, problem
from tests.lifecycle.builders import OPENED, create_projects, drive, open_batch, read_entries
from tests.lifecycle.filed import PDF
from tests.lifecycle.panelists import FULL, THREE, points_for

BATCH = "/api/v1/batches/sd-gongfu-2024-2"
PANEL = f"{BATCH}/panels/1"
EXPERTS = ("ann", "bob", "cid")


@pytest.fixture
def projects(database: Database, log: Log, client: Client, clock: Clock) -> list[Row]:
    """Two projects under review, and three experts with tokens, on 7 August 2024."""
    batch = open_batch(database, log, policy_text=THREE)
    rows = [drive(database, log, row["id"], "under_review") for row in create_projects(database, log, batch, 2)]
    officer = Caller(actor_of("security", "security_admin"), Source("test"), OPENED)
    with database.transaction() as tx:
        for login in EXPERTS:
            add_person(tx, log, officer, NewPerson(login, f"{login}教授", "expert"))
            client.tokens[login] = add_token(tx, log, officer, login, "test")[1]
    clock.go_to(date(2024, 8, 7))
    return rows


def done(answer: Any) -> dict[str, Any]:
    assert answer.status_code in (200, 201), answer.text
    told: dict[str, Any] = answer.json()
    return told


def review_of(client: Client, who: str) -> str:
    (one,) = done(client.get(who, "/api/v1/reviews"))["items"]
    return f"/api/v1/reviews/{one['id']}"


def set_up(client: Client) -> dict[str, Any]:
    """Found a panel with everybody and everything on it; nobody has declared yet."""
    done(client.post("handler", f"{BATCH}/panels", {"purpose": "review", "title": "评审一组"}))
    done(client.post("handler", f"{PANEL}/experts", {"logins": list(EXPERTS), "chair": "ann"}))
    return done(client.post("handler", f"{PANEL}/projects", {}))


def test_a_panel_runs_its_whole_course_over_http(client: Client, projects: list[Row]) -> None:
    founded = client.post("handler", f"{BATCH}/panels", {"purpose": "review", "title": "评审一组"})
    assert (founded.status_code, founded.headers["location"], founded.headers["etag"]) == (201, PANEL, '"1"')
    done(client.post("handler", f"{PANEL}/experts", {"logins": list(EXPERTS), "chair": "ann"}))
    given = done(client.post("handler", f"{PANEL}/projects", {}))
    assert (given["added"], given["version"]) == ([row["code"] for row in projects], 3)
    stale = client.post("handler", f"{PANEL}/balances", {}, headers={"If-Match": '"1"'})
    problem(stale, 412, "conflict")
    for login in EXPERTS:
        home = review_of(client, login)
        assert done(client.get(login, home))["sheets"] == []
        done(client.post(login, f"{home}/declarations", {"conflicts": []}))
    even = done(client.post("handler", f"{PANEL}/balances", {"seed": 7}))
    assert (even["assigned"], even["seed"]) == (6, 7)
    done(client.post("handler", f"{PANEL}/openings", {"due_on": "2024-08-12"}))
    for login, total in zip(EXPERTS, (70, 80, 90), strict=True):
        home = review_of(client, login)
        for sheet in done(client.get(login, home))["sheets"]:
            papers = done(client.get(login, f"{home}/projects/{sheet['project']}"))
            assert papers["sheets"][0]["id"] == sheet["id"]
            path = f"{home}/sheets/{sheet['id']}"
            kept = client.patch(login, path, {"points": points_for(total), "comment": "可行"})
            assert (kept.status_code, kept.headers["etag"], kept.json()["status"]) == (200, '"2"', "draft")
            sent = done(client.post(login, f"{path}/submissions", {}, headers={"If-Match": '"2"'}))
            assert (sent["total"], sent["status"], sent["comment"]) == (f"{total}.00", "submitted", "可行")
            assert done(client.get(login, path))["version"] == 3
    sat = {"method": "material", "held_on": "2024-08-07", "minutes_number": "评审纪要1号"}
    assert done(client.post("head", f"{PANEL}/sessions", sat))["session"] == 1
    ended = done(client.post("head", f"{PANEL}/conclusions", {}))
    assert (ended["status"], ended["concluded"]) == ("concluded", 2)
    found = done(client.get("auditor", f"{BATCH}/results/review"))
    assert [(one["rank"], one["tied"], one["score"], one["spread"]) for one in found["results"]] == [
        (1, 2, "80.00", "20.00")
    ] * 2
    whole = done(client.get("auditor", PANEL))
    assert [one["login"] for one in whole["projects"][0]["result"]["trimmed"]] == ["ann", "cid"]
    assert {one["total"] for one in done(client.get("auditor", f"{PANEL}/sheets"))["items"]} == {
        *("70.00", "80.00", "90.00")
    }
    halved = {"kind": "review_result", "cuts": [{"event": "pass_review", "take": 1}, {"event": "not_select"}]}
    proposal = done(client.post("handler", f"{BATCH}/results/review/proposals", halved))
    assert (proposal["put"], len(proposal["undecided"])) == ([], 2)  # one score: nobody is passed by chance
    whole_list = {**halved, "cuts": [{"event": "pass_review", "score": "80"}, {"event": "not_select"}]}
    proposal = done(client.post("handler", f"{BATCH}/results/review/proposals", whole_list))
    assert [(one["event"], one["fields"]) for one in proposal["put"]] == [
        ("pass_review", {"review_score": "80.00"})
    ] * 2
    drafted = {"kind": "review_result", "put": proposal["put"], "header": {"review_method": "material"}}
    docket = done(client.post("handler", f"{BATCH}/dockets", drafted))["docket"]
    assert done(client.post("handler", f"/api/v1/dockets/{docket}/previews"))["ready"]
    problem(client.post("jinan", f"{BATCH}/results/review/proposals", halved), 403, "forbidden")
    again = done(client.post("head", f"{PANEL}/reopenings", {"reason": "复核", "due_on": "2024-08-12"}))
    assert (again["status"], len(again["reopened"])) == ("scoring", 2)
    assert not done(client.post("handler", f"/api/v1/dockets/{docket}/previews"))["ready"]  # their results are history
    (listed,) = done(client.get("handler", f"{BATCH}/panels"))["items"]
    assert (listed["sheets"], listed["declared"]) == ({"assigned": 6, "draft": 0, "submitted": 0}, 3)


def test_the_minutes_of_a_sitting_are_a_stored_document_of_the_batch(client: Client, projects: list[Row]) -> None:
    set_up(client)
    raw = {"Content-Type": "application/octet-stream"}
    path = f"{BATCH}/documents"

    def stored(kind: str, who: str = "handler") -> dict[str, Any]:
        asked = {"kind": kind, "name": "纪要.pdf"}
        return done(client.post(who, path, content=PDF, headers=raw, params=asked))["reference"]

    minutes, other, citys = stored("sitting_minutes"), stored("summary_table"), stored("group_letter", "jinan")
    sat = {"method": "defence", "held_on": "2024-08-07", "minutes_number": "评审纪要1号", "present": None}
    for wrong in (other, citys, {**minutes, "version": 2}, {**minutes, "size": 1}, {**minutes, "sha256": "0" * 64}):
        problem(client.post("handler", f"{PANEL}/sessions", {**sat, "minutes": wrong}), 400, "unreadable")
    assert done(client.post("handler", f"{PANEL}/sessions", {**sat, "minutes": minutes}))["session"] == 1
    (session,) = done(client.get("auditor", PANEL))["sessions"]
    assert session["minutes"] == minutes
    assert client.get("auditor", f"{path}/{minutes['id']}/content").content == PDF
    problem(client.get("jinan", f"{path}/{minutes['id']}/content"), 404, "not-found")
    assert [one["kind"] for one in done(client.get("jinan", path))["items"]] == ["group_letter"]
    drafted = {"kind": "review_result", "documents": {"sitting_minutes": minutes}}
    docket = done(client.post("handler", f"{BATCH}/dockets", drafted))["docket"]
    assert done(client.get("handler", f"/api/v1/dockets/{docket}"))["documents"] == {"sitting_minutes": minutes}


def test_a_key_is_honoured_and_a_refused_attempt_is_in_the_panels_stream(
    client: Client, projects: list[Row], database: Database
) -> None:
    founded = set_up(client)
    key = {"Idempotency-Key": "p-1"}
    body = {"logins": ["ann", "expert"]}
    first = client.post("handler", f"{PANEL}/experts", body, headers=key)
    again = client.post("handler", f"{PANEL}/experts", body, headers=key)
    assert (first.json(), again.headers["idempotent-replayed"]) == (again.json(), "true")
    problem(client.post("handler", f"{PANEL}/openings", {"due_on": "2024-08-12"}), 409, "not-offered")
    last = read_entries(database, f"panel/{founded['id']}")[-1]
    assert (last["type"], last["outcome"], last["action"]) == ("panel.attempted", "denied", "open_scoring")


def test_who_is_not_of_the_province_learns_nothing_of_panels(client: Client, projects: list[Row]) -> None:
    set_up(client)
    acts: list[tuple[str, dict[str, Any]]] = [
        (f"{BATCH}/panels", {"purpose": "review", "title": "组"}),
        (f"{PANEL}/experts", {"logins": ["ann"]}),
        (f"{PANEL}/projects", {}),
        (f"{PANEL}/balances", {}),
        (f"{PANEL}/conclusions", {}),
        (f"{PANEL}/chases", {}),
    ]
    for who in ("jinan", "unit", "stranger", "security", "ann", "auditor"):
        for path, body in acts:
            problem(client.post(who, path, body), 403, "forbidden")
        if who != "auditor":
            for path in (f"{BATCH}/panels", PANEL, f"{BATCH}/panels/99", f"{PANEL}/sheets", f"{BATCH}/results/review"):
                problem(client.get(who, path), 403, "forbidden")
    for who in ("jinan", "unit", "handler", "auditor"):
        problem(client.get(who, "/api/v1/reviews"), 403, "forbidden")
    assert done(client.get("expert", "/api/v1/reviews"))["items"] == []
    home = review_of(client, "ann")
    problem(client.get("expert", home), 404, "not-found")
    problem(client.get("ann", f"{home}/projects/{projects[0]['id']}"), 403, "forbidden")
    for number in (99, 2):
        problem(client.get("handler", f"{BATCH}/panels/{number}"), 404, "not-found")
        problem(client.post("handler", f"{BATCH}/panels/{number}/balances", {}), 404, "not-found")
    told = client.get("unit", f"/api/v1/projects/{projects[0]['id']}/history").text
    assert "panel" not in told
    assert "专家" not in told


def test_points_that_cannot_be_taken_are_named_and_nothing_is_kept(client: Client, projects: list[Row]) -> None:
    set_up(client)
    for login in EXPERTS:
        done(client.post(login, f"{review_of(client, login)}/declarations", {"conflicts": []}))
    done(client.post("handler", f"{PANEL}/balances", {"seed": 1}))
    done(client.post("handler", f"{PANEL}/openings", {"due_on": "2024-08-12"}))
    home = review_of(client, "ann")
    sheet = done(client.get("ann", home))["sheets"][0]["id"]
    path = f"{home}/sheets/{sheet}"
    for points in ({"necessity": 21}, {"necessity": -1}, {"necessity": 1.5}, {"necessity": "一"}, {"luck": 1}):
        told = problem(client.patch("ann", path, {"points": points}), 400, "unreadable")
        assert list(told["criteria"]) == list(points)
    problem(client.post("ann", f"{path}/submissions", {"points": {**FULL, "funding": None}}), 400, "unreadable")
    problem(client.patch("ann", path, {"points": [], "x": 1}), 422, "invalid")
    problem(client.patch("bob", path.replace(sheet, "x"), {"points": {}}), 404, "not-found")
    assert done(client.get("ann", path))["version"] == 1
