"""The command line, run as a person would: what it prints, what it writes, how it leaves."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from api.cli.application import app
from lifecycle.workbook import LedgerRow, Vocabulary, write_ledger
from states.library import bundled_definitions, bundled_policies
from tests.lifecycle.builders import application

RUNNER = CliRunner()
BATCH = "sd-gongfu-2024-2"


@pytest.fixture
def home(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with an empty, migrated database, named by the environment as an operator would."""
    (tmp_path / "pilot.sqlite3").write_bytes(sqlite_template.read_bytes())
    monkeypatch.setenv("PILOT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def pilot(*arguments: str) -> Result:
    return RUNNER.invoke(app, list(arguments))


def answer(*arguments: str, code: int = 0) -> Any:
    result = pilot(*arguments, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


@pytest.fixture
def staffed(home: Path) -> Path:
    """The same with a handler, a city officer, an open batch and one imported project."""
    answer("user", "add", "an", "--name", "安某", "--role", "security_admin")
    answer("user", "add", "li", "--name", "李某", "--role", "handler", "--as", "an")
    answer("user", "add", "wang", "--name", "王某", "--role", "city", "--city", "370100", "--as", "an")
    answer("batch", "open", BATCH, "--policy", "sd-gongfu-2024-2/1", "--as", "li")
    (home / "in.xlsx").write_bytes(workbook())
    answer("import", str(home / "in.xlsx"), "--batch", BATCH, "--commit", "--as", "li")
    return home


def workbook() -> bytes:
    policy = bundled_policies()["sd-gongfu-2024-2/1"][0]
    words = Vocabulary(
        {code: label.zh for code, label in policy.cities.items()},
        {code: label.zh for code, label in policy.rules.R14.ownerships.items()},
        "provider",
        "manufacturer",
    )
    filed = application(1, rank=1)
    return write_ledger([LedgerRow(filed, None, True, "", "", 1)], words)


def test_a_database_without_a_schema_is_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PILOT_DATA_DIR", str(tmp_path))
    result = pilot("projects")
    assert result.exit_code == 2
    assert "pilot migrate" in result.stderr


def test_migrate_brings_an_empty_folder_to_the_newest_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PILOT_DATA_DIR", str(tmp_path))
    assert answer("migrate") == answer("migrate")
    assert stat.S_IMODE((tmp_path / "writer.key").stat().st_mode) == 0o600


def test_an_imported_project_is_listed_shown_and_advanced(staffed: Path) -> None:
    page = answer("projects", "--batch", BATCH, "--as", "li")
    (item,) = page["items"]
    assert (item["code"], item["state"]) == (f"{BATCH}-00001", "draft")
    shown = answer("show", item["code"], "--as", "li")
    assert shown["contact_phone"] == "13800000000"
    done = answer("advance", item["code"], "withdraw", "--reason", "不再申报", "--as", "li")
    assert (done["from"], done["to"], done["version"]) == ("draft", "withdrawn", 2)
    history = answer("history", item["code"], "--as", "li")
    assert [entry["outcome"] for entry in history["items"]] == ["success", "success"]


def test_a_refusal_leaves_with_one_and_every_finding(staffed: Path) -> None:
    refused = answer("advance", f"{BATCH}-00001", "submit", "--as", "wang", code=1)
    assert refused["refused"] == "rules-unmet"
    unmet = {finding["rule"] for finding in refused["findings"] if not finding["met"]}
    assert {"R04", "R08", "R09", "R10", "R11"} <= unmet
    printed = pilot("advance", f"{BATCH}-00001", "submit", "--as", "wang")
    assert printed.exit_code == 1
    assert "二(四)" in printed.stderr


def test_a_dry_run_says_what_would_happen_and_does_nothing(staffed: Path) -> None:
    code = f"{BATCH}-00001"
    before = answer("history", code)
    found = answer("advance", code, "withdraw", "--reason", "试算", "--dry-run", "--as", "li")
    assert found["allowed"] is True
    assert answer("history", code) == before


def test_wrong_usage_leaves_with_two(staffed: Path) -> None:
    assert pilot("advance", "no-such-code", "withdraw").exit_code == 2
    assert pilot("advance", f"{BATCH}-00001", "withdraw", "--field", "noequals").exit_code == 2
    assert pilot("advance", f"{BATCH}-00001", "withdraw", "--on", "yesterday").exit_code == 2
    assert pilot("nonsense").exit_code == 2
    assert pilot("batch", "open", "x", "--policy", "none/1").exit_code == 2


def test_somebody_who_is_not_there_is_refused(staffed: Path) -> None:
    assert answer("projects", "--as", "nobody", code=1)["refused"] == "not-found"


def test_the_exported_ledger_is_previewed_as_already_there(staffed: Path) -> None:
    out = staffed / "out.xlsx"
    answer("export", str(out), "--batch", BATCH, "--as", "li")
    preview = answer("import", str(out), "--batch", BATCH, "--as", "li", code=1)
    assert [error["code"] for error in preview["errors"]] == ["already_there"]
    assert len(answer("projects", "--as", "li")["items"]) == 1


def test_a_file_that_is_no_workbook_gets_a_clear_answer(staffed: Path) -> None:
    bad = staffed / "bad.xlsx"
    bad.write_text("not a workbook", "utf-8")
    assert answer("import", str(bad), "--batch", BATCH, "--as", "li", code=1)["refused"] == "unreadable"


def test_a_token_is_shown_once_and_can_be_revoked(staffed: Path) -> None:
    made = answer("token", "add", "li", "--as", "an")
    assert made["token"].startswith("pilot_")
    assert made["token"].encode() not in (staffed / "pilot.sqlite3").read_bytes()
    assert answer("token", "revoke", made["id"], "--as", "an") == {"revoked": made["id"]}
    assert answer("token", "add", "li", "--as", "li", code=1)["refused"] == "forbidden"


def test_check_finds_the_bundled_files_sound_and_a_broken_one_not(tmp_path: Path) -> None:
    assert answer("check")["sound"] is True
    text = bundled_definitions()["gongfu-pilot/1"][1]
    broken = tmp_path / "broken.toml"
    broken.write_text(text.replace('not_by = ["propose_tier"]\n', ""), "utf-8")
    found = answer("check", str(broken), code=1)
    assert {fault["code"] for faults in found["faults"].values() for fault in faults} == {"two_persons_broken"}


def test_rehearse_ends_clean(home: Path) -> None:
    played = answer("rehearse")
    assert played["clean"] is True
    assert played["counts"]["closed"] > 0


def test_demo_installs_once_and_keeps_its_tokens_to_the_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PILOT_DATA_DIR", str(tmp_path))
    first = answer("demo")
    assert first["created"] is True
    assert stat.S_IMODE((tmp_path / "demo-tokens.txt").stat().st_mode) == 0o600
    second = answer("demo")
    assert (second["created"], second["projects"]) == (False, first["projects"])
