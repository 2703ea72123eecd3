"""The description: valid, complete, stable, and true of the answers."""

import re
from datetime import date
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.openapi.models import OpenAPI
from pydantic import BaseModel, TypeAdapter

from api.app import create_app
from api.openapi import ALWAYS, describe
from api.problems import STATUS
from api.shapes import acts, exchanges, parts, surroundings
from api.shapes import projects as filing
from lifecycle.audit import Log
from lifecycle.database import open_database
from lifecycle.settings import Settings
from lifecycle.statements import Row
from tests.api.conftest import Client, Clock, body_for
from tests.api.test_imports import send, workbook
from tests.api.test_projects import filed
from tests.lifecycle.workbook_tables import HEADER, line

OPERATIONS = {
    "listReports", "runReport",
    "takeBundle", "discloseEntry", "listRedactions", "showRedaction", "previewRedaction", "proposeRedaction",
    "approveRedaction", "withdrawRedaction",
    "exportLog", "listEntries", "showEntry", "showCheckpoint", "proveInclusion", "proveConsistency",
    "listBatches", "openBatch", "showBatch", "listTasks", "listQuotas", "countProjects",
    "listProjects", "createProject", "showProject", "amendProject", "assessProject",
    "listTransitions", "transitionProject", "previewTransitions", "commitTransitions", "showHistory",
    "listDockets", "openDocket", "showDocket", "editDocket", "previewDocket", "releaseDocket", "withdrawDocket",
    "admitDocket", "receiveDocket", "returnDocket", "exportDocket", "watchQuotas", "listMovements",
    "tryAwards", "allotAwards", "listObjections",
    "receiveObjection", "showObjection", "completeObjection", "decideObjection",
    "listPublicLists", "showPublicList", "readPublicList", "exportPublicList", "writePublicList",
    "previewImport", "commitImport", "exportLedger",
    "storeDocument", "listDocuments", "readDocument", "storeBatchDocument", "listBatchDocuments", "readBatchDocument",
    "listPapers", "writePaper", "listDocketPapers", "writeDocketPaper", "exportDocketPaper",
    "storeDocketDocument", "listDocketDocuments", "readDocketDocument",
    "listCheckpoints", "countLights", "listProjectCheckpoints",
    "listDeadlines", "addDeadline", "moveDeadline", "endDeadline",
    "showResponsibles", "assignProject", "previewAssignments", "commitAssignments", "showChances", "chaseProject",
    "listAddresses", "addAddress", "chooseDigest", "endAddress", "listFeeds", "addFeed", "revokeFeed", "readFeed",
    "listJobs", "readMetrics", "previewCalendar", "adoptCalendar", "showPlan", "previewPlan", "previewWords", "setPlan",
    "simulate", "sendTest",
    "showInvestments", "claimInvestments", "verifyInvestments", "previewClaim", "commitClaim", "exportInvestments",
    "listDoubledInvoices", "listLapses", "listProgressCalls",
    "listNotices", "listToDos", "markRead", "listMessages", "requeueMessage", "noteBounce",
    "listDefinitions", "showDefinition", "showDiagram", "showDiagramSource", "listPolicies", "showPolicy",
    "listPanels", "foundPanel", "showPanel", "listSheets", "listResults", "addExperts", "removeExpert",
    "addPanelProjects", "removePanelProject", "assignExperts", "assignEvenly", "releaseSheet", "openScoring",
    "recordSession", "chaseSheets", "concludePanel", "reopenPanel", "proposeDecisions",
    "listReviews", "showReview", "declareConflicts", "showPapers", "showSheet", "keepSheet", "submitSheet",
    "readPaper", "readInvestments", "showDocketHistory", "showPanelHistory", "showObjectionHistory",
    "whoAmI", "describeApi", "explainProblem", "isAlive", "isReady",
}  # fmt: skip
OPEN = {
    *("isAlive", "isReady", "readFeed", "listPublicLists", "showPublicList", "readPublicList"),
    *("exportPublicList", "writePublicList"),
}


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory, log: Log) -> dict[str, Any]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("described"))
    return describe(create_app(settings, open_database(settings), log))


def operations(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = [one for path in described["paths"].values() for one in path.values()]
    assert len({one["operationId"] for one in found}) == len(found)
    return {one["operationId"]: one for one in found}


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for item in value.values() for found in references(item)]
    return [found for item in value for found in references(item)] if isinstance(value, list) else []


def test_the_document_is_valid_and_its_references_lead_somewhere(described: dict[str, Any]) -> None:
    OpenAPI.model_validate(described)
    schemas = described["components"]["schemas"]
    wanted = {name.removeprefix("#/components/schemas/") for name in references(described)}
    assert wanted <= set(schemas)
    assert "HTTPValidationError" not in schemas
    assert described["components"]["securitySchemes"] == {"bearer": {"type": "http", "scheme": "bearer"}}


def test_operations_have_stable_names_and_summaries_in_both_languages(described: dict[str, Any]) -> None:
    found = operations(described)
    assert set(found) == OPERATIONS
    for name, one in found.items():
        assert re.fullmatch(r".*[\u4e00-\u9fff].* / [A-Z].+", one["summary"]), name
        assert len(one["tags"]) == 1
        assert one.get("security") == ([] if name in OPEN else None)


def test_every_operation_documents_its_problems(described: dict[str, Any]) -> None:
    for name, one in operations(described).items():
        codes = set()
        for status, told in one["responses"].items():
            for code in told["content"].get("application/problem+json", {}).get("examples", {}):
                assert STATUS[code] == int(status)
                codes.add(code)
        assert codes >= (set() if name in OPEN else set(ALWAYS)), name
        if "requestBody" in one:
            assert {"unsupported-media-type"} <= codes, name
    found = operations(described)
    assert set(found["transitionProject"]["responses"]) >= {"200", "403", "404", "409", "422", "503"}
    assert found["createProject"]["responses"].keys() & {"200", "201"} == {"201"}


def test_the_main_acts_have_examples(described: dict[str, Any]) -> None:
    assert described["components"]["schemas"]["TransitionBody"]["examples"]
    assert described["components"]["schemas"]["NewBatch"]["examples"]


def test_the_document_is_served(client: Client, app: FastAPI) -> None:
    assert client.get("expert", "/api/v1/openapi.json").json()["openapi"] == describe(app)["openapi"]


def test_answers_have_the_shapes_that_are_described(client: Client, projects: list[Row], clock: Clock) -> None:
    clock.go_to(date(2024, 7, 20))
    row, other = projects[0], projects[1]
    path, july = f"/api/v1/projects/{row['id']}", clock.now.date()
    data = workbook(HEADER, line(任务编号="T01"))
    shown = send(client, "jinan", "/api/v1/imports/projects", data)
    bulk = {**body_for("submit", other, july), "items": [{"project": other["id"]}]}
    previewed = client.post("jinan", "/api/v1/transitions/previews", bulk)
    digests = {"file": shown.json()["digest"], "bulk": previewed.json()["digest"]}
    batch = "/api/v1/batches/sd-gongfu-2024-2"
    answers: list[tuple[Any, Any]] = [
        (parts.Listed[surroundings.Batch], client.get("handler", "/api/v1/batches")),
        (surroundings.Batch, client.get("handler", batch)),
        (parts.Listed[surroundings.Task], client.get("handler", f"{batch}/tasks")),
        (parts.Listed[surroundings.Capacity], client.get("handler", f"{batch}/quotas")),
        (surroundings.Counts, client.get("handler", f"{batch}/counts")),
        (filing.Created, client.post("handler", "/api/v1/projects", filed(8))),
        (parts.Listed[filing.ProjectItem], client.get("handler", "/api/v1/projects")),
        (filing.ProjectWhole, client.get("handler", path)),
        (acts.Offers, client.get("handler", f"{path}/transitions")),
        (filing.Eligibility, client.get("handler", f"{path}/eligibility")),
        (filing.HistoryPage, client.get("handler", f"{path}/history")),
        (filing.Amended, client.patch("unit", path, {"title": "新名称"})),
        (acts.DryRun, client.post("unit", f"{path}/transitions", body_for("submit", row, july, dry_run=True))),
        (acts.Outcome, client.post("unit", f"{path}/transitions", body_for("submit", row, july))),
        (acts.BulkPreview, previewed),
        (
            acts.BulkOutcome,
            client.post("jinan", "/api/v1/transitions/commits", {**bulk, "digest": digests["bulk"]}),
        ),
        (exchanges.ImportPreview, shown),
        (
            exchanges.Imported,
            send(client, "jinan", "/api/v1/imports/projects/commits", data, digest=digests["file"]),
        ),
        (parts.Listed[surroundings.Version], client.get("handler", "/api/v1/definitions")),
        (surroundings.VersionWhole, client.get("handler", "/api/v1/policies/sd-gongfu-2024-2/1")),
        (surroundings.Me, client.get("jinan", "/api/v1/people/me")),
        (parts.Problem, client.get("jinan", "/nowhere")),
    ]
    for shape, answer in answers:
        checked = TypeAdapter(shape).validate_json(answer.content)
        assert isinstance(checked, BaseModel)
