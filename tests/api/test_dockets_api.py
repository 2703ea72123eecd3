"""Dockets over HTTP and on the command line: from an empty draft to the release by its digest."""

from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import TypeAdapter

from api.shapes import dockets, parts, surroundings
from lifecycle.database import Database
from lifecycle.statements import Row
from tests.api.conftest import Client, Clock, body_for, problem
from tests.api.test_cli import BATCH as CODE
from tests.api.test_cli import answer, home, pilot, staffed
from tests.lifecycle.builders import JINAN, document, read_entries, read_project
from tests.lifecycle.docketing import ATTACHED, PACKAGE

BATCH = "/api/v1/batches/sd-gongfu-2024-2/dockets"
JULY = date(2024, 7, 25)
__all__ = ["home", "staffed"]  # fixtures


@pytest.fixture
def body(client: Client, clock: Clock, projects: list[Row]) -> dict[str, Any]:
    """The package of the two applications of Jinan."""
    clock.go_to(JULY)
    for row in projects[:2]:
        done = client.post("jinan", f"/api/v1/projects/{row['id']}/transitions", body_for("submit", row, JULY))
        assert done.status_code == 200, done.text
    put = [{"project": row["id"].upper(), "fields": {"city_opinion": "同意推荐"}} for row in projects[:2]]
    documents = {kind: document() for kind in ATTACHED}
    return {"kind": "recommendation", "header": PACKAGE, "documents": documents, "put": put}


def test_a_docket_is_opened_edited_previewed_and_released(
    client: Client, body: dict[str, Any], projects: list[Row], database: Database, clock: Clock
) -> None:
    first, second = projects[0]["id"], projects[1]["id"]
    key = {"Idempotency-Key": "package-1"}
    opened = client.post("jinan", BATCH, body, headers=key)
    assert opened.status_code == 201, opened.text
    assert client.post("jinan", BATCH, body, headers=key).headers["idempotent-replayed"] == "true"
    one = opened.headers["location"]
    assert one == f"/api/v1/dockets/{opened.json()['docket']}"
    problem(client.patch("jinan", one, {"order": [second, first]}, headers={"If-Match": '"7"'}), 412, "conflict")
    edited = client.patch("jinan", one, {"order": [second, first]}, headers={"If-Match": '"1"'})
    assert (edited.headers["etag"], edited.json()["version"]) == ('"2"', 2)
    shown = client.get("jinan", one)
    assert [item["project"] for item in shown.json()["items"]] == [second, first]
    preview = client.post("jinan", f"{one}/previews")
    digest = preview.json()["digest"]
    problem(client.post("jinan", f"{one}/release", {"digest": "0" * 64}), 409, "preview-stale")
    problem(client.post("handler", f"{one}/release", {"digest": digest}), 403, "forbidden")
    released = client.post("jinan", f"{one}/release", {"digest": digest})
    assert released.status_code == 200, released.text
    assert [read_project(database, name)["record"]["rank"] for name in (second, first)] == [1, 2]
    problem(client.post("jinan", f"{one}/withdrawal", {"reason": "x"}), 409, "not-offered")
    clock.go_to(date(2024, 8, 2))
    came = {"received_on": "2024-08-02", "paper_copies": 2}
    problem(client.post("handler", f"{one}/receipt", {**came, "paper_copies": 1}), 400, "unreadable")
    received = client.post("handler", f"{one}/receipt", came)
    back = client.post("handler", f"{one}/returns", {"projects": [first], "fields": {"faults": "缺页"}})
    assert [(item["project"], item["state"]) for item in back.json()["projects"]] == [(first, "returned")], back.text
    problem(client.post("handler", f"{one}/late-admissions", {"reason": "x"}), 409, "not-offered")
    watched = client.get("jinan", "/api/v1/batches/sd-gongfu-2024-2/quota-watch")
    ledger = client.get("jinan", f"/api/v1/batches/sd-gongfu-2024-2/quotas/city_quota/{JINAN}/movements")
    assert [one["change"] for one in ledger.json()["movements"]] == [1, 1, -1]
    assert client.get("jinan", f"{one}/summary.xlsx").headers["content-type"].endswith("sheet")
    listed = client.get("jinan", f"{one}/papers/recommendation_list.xlsx", params={"seq": 1})
    assert listed.headers["content-type"].endswith("sheet") and " #1 " in listed.headers["x-log-position"]
    problem(client.get("jinan", f"{one}/papers/dossier.xlsx"), 404, "not-found")
    for shape, given in (
        (dockets.Drafted, opened),
        (dockets.Drafted, edited),
        (dockets.DocketWhole, shown),
        (dockets.DocketPreview, preview),
        (dockets.Released, released),
        (dockets.Drafted, received),
        (dockets.Returned, back),
        (parts.Listed[surroundings.Watched], watched),
        (surroundings.Movements, ledger),
        (parts.Listed[dockets.DocketSummary], client.get("handler", BATCH, params={"status": "received"})),
    ):
        TypeAdapter(shape).validate_json(given.content)
    told = client.get("handler", f"{one}/history", params={"limit": 3})
    assert client.get("handler", told.json()["next"]).json()["items"][0]["seq"] == 4
    first = client.get("jinan", f"{one}/history").json()["items"][0]
    assert "：拟办清单，列入2个项目，填写纸质材料份数" in first["sentence"]["zh"]
    outcomes = [entry["outcome"] for entry in read_entries(database, f"docket/{opened.json()['docket']}")]
    assert outcomes[:7] == ["success", "failed", "success", "failed", "denied", "success", "denied"]
    assert outcomes[7:] == ["failed", "success", "success", "denied"]


def test_pages_of_dockets_follow_one_another_and_others_see_none(client: Client, projects: list[Row]) -> None:
    for _ in range(3):
        assert client.post("jinan", BATCH, {"kind": "recommendation"}).status_code == 201
    first = client.get("jinan", BATCH, params={"limit": 2}).json()
    rest = client.get("jinan", first["next"]).json()
    assert sorted(one["number"] for one in (*first["items"], *rest["items"])) == [1, 2, 3]
    assert rest["next"] is None
    one = f"/api/v1/dockets/{rest['items'][0]['id']}"
    for who in ("qingdao", "unit", "expert", "security"):
        problem(client.get(who, one), 404, "not-found")
        problem(client.patch(who, one, {"note": "x"}), 404, "not-found")
    assert client.get("qingdao", BATCH).json()["items"] == client.get("unit", BATCH).json()["items"] == []
    problem(client.get("jinan", BATCH, params={"kind": "x"}), 400, "unreadable")
    problem(client.get("jinan", "/api/v1/dockets/x"), 404, "not-found")
    problem(client.post("jinan", BATCH, {"kind": "publication"}), 403, "forbidden")
    problem(client.post("jinan", BATCH, {"kind": "nothing"}), 404, "not-found")
    problem(client.post("jinan", BATCH, {"kind": "recommendation", "put": "x"}), 422, "invalid")
    done = client.post("jinan", f"{one}/withdrawal", {"reason": "重新组织"})
    assert (done.json()["status"], done.headers["etag"]) == ("withdrawn", '"2"')


def test_the_command_line_drafts_from_a_file_and_releases(staffed: Path) -> None:
    (project,) = answer("projects")["items"]
    put = [{"project": project["id"], "fields": {"city_opinion": "同意推荐"}}]
    whole = {
        "kind": "recommendation",
        "header": PACKAGE,
        "documents": {kind: document() for kind in ATTACHED},
        "put": put,
    }
    file = staffed / "package.json"
    file.write_bytes(orjson.dumps({**whole, "strange": 1}))
    assert pilot("dockets", "draft", str(file), "--batch", CODE, "--as", "wang").exit_code == 2
    file.write_bytes(orjson.dumps(whole))
    name = answer("dockets", "draft", str(file), "--batch", CODE, "--as", "wang")["docket"]
    file.write_bytes(orjson.dumps({"header": {"paper_copies": 1}}))
    assert answer("dockets", "edit", name, str(file), "--as", "wang")["version"] == 2
    assert answer("dockets", "list", "--batch", CODE, "--as", "wang")["items"][0]["projects"] == 1
    assert answer("dockets", "show", name, "--as", "wang")["header"]["paper_copies"] == 1
    assert "市级推荐材料 第1号 拟办 第2版" in pilot("dockets", "show", name).stdout
    preview = answer("dockets", "preview", name, "--as", "wang")
    assert preview["counts"] == {"allowed": 0, "blocked": 1}  # still a draft itself
    assert preview["digest"] in pilot("dockets", "preview", name, "--as", "wang").stdout
    release = ("dockets", "release", name, "--digest", preview["digest"])
    assert answer(*release, "--as", "wang", code=1)["refused"] == "rules-unmet"
    assert answer("dockets", "admit", name, "--reason", "系统故障", "--as", "li")["projects"][0]["state"] == "draft"
    assert answer("dockets", "receive", name, "--on", "2024-08-02", "--copies", "2", "--as", "li", code=1)["refused"]
    file.write_bytes(orjson.dumps({"fields": {"faults": "缺页"}}))
    assert answer("dockets", "return", name, "--file", str(file), "--as", "li", code=1)["refused"] == "not-offered"
    sheet = answer("papers", "write", "recommendation_list", "--docket", name, "--sheet",
                   "--to", str(staffed / "list.xlsx"), "--as", "wang")  # fmt: skip
    assert (staffed / "list.xlsx").stat().st_size == sheet["bytes"] and sheet["position"]["stream"] == f"docket/{name}"
    assert answer("papers", "public", name, "--form", "xlsx", code=1)["refused"] == "not-found"  # a draft
    assert pilot("papers", "write", "dossier", "--docket", name, "--sheet", "--as", "wang").exit_code == 1
    assert pilot("papers", "write", "dossier", f"{CODE}-00001", "--sheet", "--as", "wang").exit_code == 2
    assert answer("dockets", "export", name, str(staffed / "out.xlsx"), "--as", "wang")["bytes"] > 1000
    (watched,) = answer("batch", "quotas", "--batch", CODE)
    assert (watched["city"], watched["used"], watched["drafted"]) == ("370100", 0, 1)
    assert answer("batch", "quotas", "--batch", CODE, "--ledger", "city_quota/370100")["movements"] == []
    assert answer("dockets", "withdraw", name, "--reason", "重新组织", "--as", "wang")["status"] == "withdrawn"
    told = [one["sentence"]["zh"] for one in answer("dockets", "history", name, "--as", "wang")["items"]]
    assert [one.partition("：")[2].partition("，")[0] for one in told] == [
        "拟办清单",
        "修改清单",
        "准予逾期报送",
        "撤销清单",
    ]
    assert "申请办理“发出清单”，未予办理" in pilot("dockets", "history", name, "--as", "li").stdout
