"""Exports of the log over HTTP and on the command line, each on record."""

import json
from dataclasses import replace
from pathlib import Path

from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.exporting.forms import FORMS
from lifecycle.settings import Settings
from lifecycle.statements import Row
from tests.api.conftest import Client, problem
from tests.api.test_audit_commands import answer, home, pilot
from tests.lifecycle.builders import read_entries
from tests.lifecycle.seal.sealers import log_signer, published, seal_all, terms_for

__all__ = ["home"]
EXPORTS = "/api/v1/audit/exports"


def test_the_auditor_takes_every_form_over_http_and_that_is_on_record(
    client: Client, projects: list[Row], batch: Row, database: Database, settings: Settings, log: Log, tmp_path: Path
) -> None:
    signer, terms = log_signer(tmp_path), replace(terms_for(tmp_path, log), folder=settings.tiles)
    seal_all(database, signer, terms)
    head = published(terms, signer).head
    for name, form in FORMS.items():
        taken = client.get("auditor", f"{EXPORTS}/{name}", params={"scope": "batch", "name": batch["code"]})
        assert (taken.status_code, taken.headers["content-type"]) == (200, form.media_type)
        assert taken.headers["pilot-tree-root"] == head.root.hex()
        assert taken.headers["content-disposition"].endswith(f'-{head.size}.{form.suffix}"')
        assert taken.headers["pilot-receipts"] == "1"
        assert projects[0]["id"].encode() in taken.content or name == "xlsx"
    days = client.get("auditor", f"{EXPORTS}/jsonl", params={"from": "2024-07-01", "to": "2024-06-30"})
    problem(days, 400, "unreadable")
    problem(client.get("auditor", f"{EXPORTS}/jsonl", params={"to": "9999-12-31"}), 400, "unreadable")
    assert client.get("auditor", f"{EXPORTS}/jsonl", params={"from": "2999-01-01"}).content == b""
    told = [json.loads(row["body"]) for row in read_entries(database, "audit")]
    assert [one["changes"][0]["new"] for one in told if one["outcome"] == "success"] == [*FORMS, "jsonl"]
    problem(client.get("auditor", f"{EXPORTS}/pdf"), 400, "unreadable")
    problem(client.get("auditor", f"{EXPORTS}/csv", params={"scope": "project", "name": "x"}), 404, "not-found")
    problem(client.get("auditor", f"{EXPORTS}/csv", params={"from": "x"}), 422, "invalid")
    problem(client.get("handler", f"{EXPORTS}/csv"), 403, "forbidden")


def test_the_log_is_exported_on_the_command_line(home: Path) -> None:
    sealed = answer("audit", "seal", "--once")
    done = answer("audit", "export", "jsonl", "--output", str(home / "log.jsonl"))
    lines = (home / "log.jsonl").read_bytes()
    assert (done["size"], done["root"], done["bytes"]) == (2, sealed["root"], len(lines))
    assert [json.loads(line)["type"] for line in lines.splitlines()] == ["user.created"] * 2
    assert done["receipt"]["stream"] == "audit"
    assert sealed["root"] in pilot("audit", "export", "xes", "--output", str(home / "log.xes")).stdout
    assert answer("audit", "export", "pdf", "--output", "x", code=1)["refused"] == "unreadable"
    assert answer("audit", "export", "csv", "--output", "x", "--as", "li", code=1)["refused"] == "forbidden"
    for wrong in (("--batch", "a", "--project", "b"), ("--from", "x")):
        assert pilot("audit", "export", "csv", "--output", "x", *wrong).exit_code == 2
    assert sorted(path.name for path in home.glob("log.*")) == ["log.jsonl", "log.key", "log.xes"]
