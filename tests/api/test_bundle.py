"""The bundle over HTTP and on the command line, and the verifier as it is handed out."""

import json
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.seal.bundle.making import verifier
from lifecycle.settings import Settings
from lifecycle.statements import Row
from tests.api.conftest import Client, problem
from tests.api.test_audit_commands import answer, home, pilot
from tests.lifecycle.builders import read_entries
from tests.lifecycle.seal.auditors import Auditor
from tests.lifecycle.seal.sealers import log_signer, seal_all, terms_for

__all__ = ["home"]
BUNDLE = "/api/v1/audit/bundle"


def test_the_auditor_takes_bundles_over_http_and_that_is_on_record(
    client: Client, projects: list[Row], batch: Row, database: Database, settings: Settings, log: Log, tmp_path: Path
) -> None:
    told = problem(client.get("auditor", BUNDLE), 409, "conflict")
    assert "尚未公布检查点" in told["message"]["zh"]
    signer, terms = log_signer(tmp_path), replace(terms_for(tmp_path, log), folder=settings.tiles)
    seal_all(database, signer, terms)
    auditor = Auditor(tmp_path / "auditor", log, signer)
    path = tmp_path / "bundle.zip"
    for params in ({}, {"scope": "batch", "name": batch["code"]}, {"scope": "project", "name": projects[0]["id"]}):
        taken = client.get("auditor", BUNDLE, params={**params, "view": "entries.csv"})
        assert (taken.status_code, taken.headers["content-type"]) == (200, "application/zip")
        assert taken.headers["pilot-receipts"] == "1"
        path.write_bytes(taken.content)
        assert auditor.verify(path).found == set()
    entries = read_entries(database, "audit")
    assert [json.loads(row["body"])["subject"]["kind"] for row in entries] == ["log", "batch", "project"]
    for who in ("handler", "unit", "security"):
        problem(client.get(who, BUNDLE), 403, "forbidden")
    problem(client.get("auditor", BUNDLE, params={"scope": "project", "name": "x"}), 404, "not-found")
    problem(client.get("auditor", BUNDLE, params={"view": "entries.pdf"}), 400, "unreadable")
    problem(client.get("auditor", BUNDLE, params={"since": "x"}), 422, "invalid")
    problem(client.get("auditor", BUNDLE, params={"scope": "all"}), 422, "invalid")


def test_a_bundle_is_taken_and_verified_on_the_command_line(home: Path) -> None:
    answer("audit", "seal", "--once")
    policy = home / "policy.json"
    policy.write_text(pilot("audit", "keys", "policy").stdout, "utf-8")
    done = answer("audit", "bundle", "--out", str(home / "log.zip"))
    assert (done["size"], done["receipt"]["stream"], (home / "log.zip").stat().st_size) == (2, "audit", done["bytes"])
    command = [sys.executable, "-c", "from api.cli import main; main()", "audit", "verify", str(home / "log.zip")]
    verified = subprocess.run([*command, "--policy", str(policy)], capture_output=True, text=True, check=False)
    assert (verified.returncode, "结论 result: 无发现 CLEAN" in verified.stdout) == (0, True), verified.stderr
    policy.write_text(json.dumps({**json.loads(policy.read_text("utf-8")), "origin": "other.invalid/log"}), "utf-8")
    assert subprocess.run([*command, "--policy", str(policy)], capture_output=True, check=False).returncode == 2
    pilot("audit", "verifier", "--out", str(home / "v.py"))
    assert (home / "v.py").read_bytes() == verifier()
    assert pilot("audit", "bundle", "--out", "x", "--batch", "a", "--project", "b").exit_code == 2
    assert answer("audit", "bundle", "--out", "x", "--as", "li", code=1)["refused"] == "forbidden"


def test_a_witness_and_a_restore_drill_on_the_command_line(home: Path) -> None:
    answer("audit", "seal", "--once")
    key = answer("audit", "keys")["keys"][0]["key"]
    mine = ["--name", "w.example", "--state", str(home / "w" / "state"), "--key", str(home / "w" / "key"), "--deliver"]
    witness = ["audit", "witness", "--folder", str(home / "tiles"), "--log-key", key, *mine]
    first = answer(*witness)
    assert (first["size"], (home / "tiles" / "cosigned" / "w_example").read_text("utf-8")) == (2, first["note"])
    policy = json.loads(pilot("audit", "keys", "policy").stdout)
    (home / "policy.json").write_text(json.dumps({**policy, "witnesses": [first["key"]], "witnesses_needed": 1}))
    with sqlite3.connect(home / "pilot.sqlite3") as source, sqlite3.connect(home / "backup") as target:
        source.backup(target)
    answer("user", "add", "wang", "--name", "王某", "--role", "handler", "--as", "an")
    answer("audit", "seal", "--once")
    answer("audit", "bundle", "--out", str(home / "log.zip"), "--view", "entries.csv")
    command = [sys.executable, "-c", "from api.cli import main; main()", "audit", "verify", str(home / "log.zip")]
    verified = subprocess.run([*command, "--policy", str(home / "policy.json")], capture_output=True, check=False)
    assert (verified.returncode, b"extends cosigned/w_example, size 2" in verified.stdout) == (0, True)
    drill = answer("audit", "restore-drill", str(home / "log.zip"), "--backup", str(home / "backup"))
    assert (drill["halted"], drill["imported"], drill["holds"]) == ("rolled-back", 1, True)
    assert pilot("audit", "restore-drill", str(home / "log.zip")).exit_code == 2
    (home / "tiles" / "tile" / "0" / "000.p" / "3").unlink()
    assert answer(*witness, code=1)["refused"] == "not-witnessed"
    assert pilot(*witness[:5], "nonsense", *mine).exit_code == 2
