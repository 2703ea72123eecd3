"""What each person gets from each address: a city and a unit see their own, who reads nothing sees nothing."""

from collections.abc import Mapping

from fastapi import FastAPI

from api.openapi import describe
from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.statements import Row
from tests.api.conftest import Client, problem
from tests.api.test_imports import send, workbook
from tests.lifecycle.builders import JINAN, drive, read_entries
from tests.lifecycle.workbook_tables import HEADER, line

ALL = ("handler", "jinan", "qingdao", "unit", "stranger", "auditor", "expert", "security")
READERS = dict.fromkeys(ALL, 200) | {"expert": 403, "security": 403}
OWN = dict.fromkeys(ALL, 404) | {"handler": 200, "jinan": 200, "unit": 200, "auditor": 200}
ANYONE = dict.fromkeys(ALL, 200)
BATCH = "/api/v1/batches/{batch}"
PROJECT = "/api/v1/projects/{project}"
DOCKETS = dict.fromkeys(ALL, 404) | dict.fromkeys(("handler", "jinan", "auditor"), 200)
PANELS = dict.fromkeys(ALL, 403) | {"handler": 200, "auditor": 200}
AUDITORS = dict.fromkeys(ALL, 403) | {"auditor": 200}
REVIEWS = dict.fromkeys(ALL, 403) | {"expert": 200}
# address -> what each gets for a project of Jinan that `unit` leads
GETS: dict[str, Mapping[str, int]] = {
    "/api/v1/batches": READERS,
    BATCH: READERS,
    f"{BATCH}/tasks": READERS,
    f"{BATCH}/quotas": READERS,
    f"{BATCH}/quota-watch": READERS,
    f"{BATCH}/quotas/{{pool}}/{{key}}/movements": READERS | dict.fromkeys(("qingdao", "unit", "stranger"), 404),
    f"{BATCH}/counts": READERS,
    "/api/v1/projects": ANYONE,  # who reads nothing gets an empty list
    PROJECT: OWN,
    f"{PROJECT}/transitions": OWN,
    f"{PROJECT}/history": OWN,
    f"{PROJECT}/eligibility": OWN,
    f"{PROJECT}/checkpoints": OWN,
    f"{PROJECT}/deadlines": OWN,
    f"{PROJECT}/responsibles": OWN,
    f"{PROJECT}/chases": OWN,
    f"{PROJECT}/documents": OWN,
    f"{PROJECT}/documents/{{document}}/content": dict.fromkeys(ALL, 404),  # there is none
    f"{BATCH}/documents": READERS | {"unit": 403, "stranger": 403},
    f"{BATCH}/documents/{{document}}/content": READERS
    | dict.fromkeys(("handler", "jinan", "qingdao", "auditor"), 404)
    | {"unit": 403, "stranger": 403},
    "/api/v1/dockets/{docket}/documents": DOCKETS,
    "/api/v1/dockets/{docket}/documents/{document}/content": dict.fromkeys(ALL, 404),
    "/api/v1/dockets/{docket}/papers": DOCKETS,
    "/api/v1/dockets/{docket}/papers/{paper}.docx": dict.fromkeys(ALL, 404),
    "/api/v1/dockets/{docket}/papers/{paper}.xlsx": dict.fromkeys(ALL, 404),
    f"{PROJECT}/papers": OWN,
    f"{PROJECT}/papers/{{paper}}.docx": OWN,
    f"{BATCH}/lights": READERS,
    f"{BATCH}/dockets": READERS,
    f"{BATCH}/objections": READERS,
    "/api/v1/objections/{objection}": dict.fromkeys(ALL, 404),
    "/api/v1/objections/{objection}/history": dict.fromkeys(ALL, 404),
    "/api/v1/public/batches/{batch}/lists": ANYONE,
    "/api/v1/public/lists/{docket}": dict.fromkeys(ALL, 404),  # a draft
    "/api/v1/public/lists/{docket}/page.html": dict.fromkeys(ALL, 404),
    "/api/v1/public/lists/{docket}/list.xlsx": dict.fromkeys(ALL, 404),
    "/api/v1/public/lists/{docket}/list.docx": dict.fromkeys(ALL, 404),
    "/api/v1/dockets/{docket}/summary.xlsx": dict.fromkeys(ALL, 403)
    | {"handler": 200, "jinan": 200, "qingdao": 404, "auditor": 200},
    "/api/v1/dockets/{docket}": DOCKETS,
    "/api/v1/dockets/{docket}/history": DOCKETS,
    f"{PROJECT}/investments/{{round}}": OWN,
    f"{PROJECT}/investments/{{round}}/list.xlsx": OWN,
    f"{PROJECT}/progress-calls": OWN,
    f"{BATCH}/doubled-invoices": PANELS,
    f"{BATCH}/lapses": READERS,
    f"{BATCH}/panels": PANELS,
    f"{BATCH}/panels/{{number}}": PANELS | {"handler": 404, "auditor": 404},  # there is none
    f"{BATCH}/panels/{{number}}/history": PANELS | {"handler": 404, "auditor": 404},
    f"{BATCH}/panels/{{number}}/sheets": PANELS | {"handler": 404, "auditor": 404},
    f"{BATCH}/results/{{purpose}}": PANELS,
    "/api/v1/reviews": REVIEWS,
    "/api/v1/reviews/{panel}": REVIEWS | {"expert": 404},
    "/api/v1/reviews/{panel}/projects/{project}": REVIEWS | {"expert": 404},
    "/api/v1/reviews/{panel}/projects/{project}/documents/{kind}/content": REVIEWS | {"expert": 404},
    "/api/v1/reviews/{panel}/projects/{project}/investments/{round}": REVIEWS | {"expert": 404},
    "/api/v1/reviews/{panel}/sheets/{sheet}": REVIEWS | {"expert": 404},
    "/api/v1/audit/entries": AUDITORS,
    "/api/v1/audit/entries/{entry}": AUDITORS | {"auditor": 404},  # nothing is sealed yet
    "/api/v1/audit/checkpoint": AUDITORS | {"auditor": 404},
    "/api/v1/audit/proofs/inclusion": AUDITORS | {"auditor": 404},
    "/api/v1/audit/proofs/consistency": AUDITORS | {"auditor": 404},
    "/api/v1/audit/reports": AUDITORS,
    "/api/v1/audit/reports/{report}": AUDITORS,
    "/api/v1/audit/entries/{entry}/disclosures": dict.fromkeys(ALL, 403) | {"auditor": 404},  # there is none
    "/api/v1/audit/redactions": dict.fromkeys(ALL, 403) | {"auditor": 200, "security": 200},
    "/api/v1/audit/redactions/{redaction}": dict.fromkeys(ALL, 403) | {"auditor": 404, "security": 404},
    "/api/v1/audit/bundle": dict.fromkeys(ALL, 403) | {"auditor": 409},  # nothing is sealed yet
    "/api/v1/audit/exports/{form}": dict.fromkeys(ALL, 403) | {"auditor": 409},
    f"{BATCH}/reminder-plan": READERS,
    "/api/v1/checkpoints": ANYONE,  # as the list of projects
    "/api/v1/notices": ANYONE,  # everybody's own at least
    "/api/v1/to-dos": ANYONE,
    "/api/v1/messages": dict.fromkeys(ALL, 403) | {"handler": 200, "auditor": 200},
    "/api/v1/exports/ledger.xlsx": READERS | {"unit": 403, "stranger": 403},
    "/api/v1/definitions": ANYONE,
    "/api/v1/definitions/{name}": ANYONE,
    "/api/v1/definitions/{name}/diagram.mmd": ANYONE,
    "/api/v1/definitions/{name}/diagram.svg": ANYONE,
    "/api/v1/policies": ANYONE,
    "/api/v1/policies/{name}": ANYONE | dict.fromkeys(ALL, 404),  # named as a lifecycle here
    "/api/v1/people/me": ANYONE,
    "/api/v1/people/{login}/addresses": ANYONE,  # one's own
    "/api/v1/people/me/feeds": ANYONE,
    "/api/v1/feeds/{token}.ics": dict.fromkeys(ALL, 404),  # the token is the credential
    "/api/v1/jobs": dict.fromkeys(ALL, 403) | {"handler": 200, "auditor": 200},
    "/metrics": dict.fromkeys(ALL, 403) | {"handler": 200, "auditor": 200},
    "/api/v1/openapi.json": ANYONE,
    "/problems/{code}": ANYONE,
    "/healthz": ANYONE,
    "/readyz": ANYONE,
}
QUERY = {
    "/api/v1/exports/ledger.xlsx": "?batch=sd-gongfu-2024-2",
    "/api/v1/audit/proofs/inclusion": "?index=0",
    "/api/v1/audit/proofs/consistency": "?from=1",
}
DOCKET = {"kind": "recommendation"}
SEEN = {"handler": 3, "jinan": 2, "qingdao": 1, "unit": 1, "stranger": 0, "auditor": 3, "expert": 0, "security": 0}


def test_every_address_answers_each_person_within_their_reach(
    client: Client, app: FastAPI, projects: list[Row]
) -> None:
    paths = describe(app)["paths"]
    assert set(GETS) == {path for path, methods in paths.items() if "get" in methods}
    names = {
        "{batch}": "sd-gongfu-2024-2",
        "{project}": projects[0]["id"],
        "{docket}": client.post("jinan", "/api/v1/batches/sd-gongfu-2024-2/dockets", DOCKET).json()["docket"],
        "{objection}": "018f0000-0000-7000-8000-000000000000",
        "{round}": "half_year",
        "{number}": "1",
        "{purpose}": "review",
        "{panel}": "018f0000-0000-7000-8000-000000000000",
        "{sheet}": "018f0000-0000-7000-8000-000000000000",
        "{pool}": "city_quota",
        "{key}": JINAN,
        "{name}": "gongfu-pilot/1",
        "{kind}": "half_year_report",
        "{paper}": "dossier",
        "{document}": "018f0000-0000-7000-8000-000000000000",
        "{code}": "busy",
        "{entry}": "0",
        "{redaction}": "018f0000-0000-7000-8000-000000000000",
        "{report}": "counts",
        "{login}": "me",
        "{form}": "xes",
        "{token}": "pilotcal_nobody",
    }
    for path, expected in GETS.items():
        address = path + QUERY.get(path, "")
        for name, value in names.items():
            address = address.replace(name, value)
        assert {who: client.get(who, address).status_code for who in ALL} == expected, path


def test_lists_and_counts_hold_what_each_reaches(client: Client, projects: list[Row]) -> None:
    listed = {who: len(client.get(who, "/api/v1/projects").json()["items"]) for who in ALL}
    assert listed == SEEN
    counted = {who: client.get(who, "/api/v1/batches/sd-gongfu-2024-2/counts").json().get("total") for who in ALL}
    assert counted == SEEN | {"expert": None, "security": None}
    foreign = client.get("jinan", "/api/v1/projects?city=370200").json()
    assert foreign["items"] == []


def test_acts_outside_ones_reach_look_like_nothing_there_and_are_logged(
    client: Client, projects: list[Row], database: Database
) -> None:
    path = f"/api/v1/projects/{projects[0]['id']}"
    absent = "/api/v1/projects/018f0000-0000-7000-8000-000000000000"
    for who in ("qingdao", "stranger", "expert", "security"):
        there = problem(client.post(who, f"{path}/transitions", {"event": "submit"}), 404, "not-found")
        nowhere = problem(client.post(who, f"{absent}/transitions", {"event": "submit"}), 404, "not-found")
        assert (there["message"], there["title"]) == (nowhere["message"], nowhere["title"])
        problem(client.patch(who, path, {"title": "x"}), 404, "not-found")
        problem(client.post(who, f"{path}/transitions", {"event": "submit", "dry_run": True}), 404, "not-found")
        body = {"event": "submit", "items": [{"project": projects[0]["id"]}]}
        problem(client.post(who, "/api/v1/transitions/previews", body), 404, "not-found")
    assert len(read_entries(database, "system/attempts")) == 12
    assert len(read_entries(database, f"project/{projects[0]['id']}")) == 1


def test_a_city_imports_its_own_projects_only(client: Client, batch: Row) -> None:
    data = workbook(HEADER, line(任务编号="T01"))
    preview = send(client, "qingdao", "/api/v1/imports/projects", data).json()
    assert (preview["ready"], preview["errors"][0]["code"]) == (False, "out_of_scope")


def test_an_objector_is_hidden_from_city_and_applicant(
    client: Client, projects: list[Row], database: Database, log: Log
) -> None:
    row = drive(database, log, projects[0]["id"], "under_objection")
    for path in ("", "/history", "/transitions"):
        address = f"/api/v1/projects/{row['id']}{path}"
        for who in ("jinan", "unit"):
            assert "李四" not in client.get(who, address).text, (who, path)
            assert "0531-12345678" not in client.get(who, address).text, (who, path)
    assert "李四" in client.get("handler", f"/api/v1/projects/{row['id']}").text
