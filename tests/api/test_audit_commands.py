"""The seal on the command line: sealing, the checkpoint to copy, the keys, and how it leaves when all is not well."""

import hashlib
import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from api.cli.application import app
from lifecycle.seal.heads import open_head
from lifecycle.seal.notes import PLAIN, NoteError, parse_vkey

RUNNER = CliRunner()
ORIGIN = "pilot.invalid/log"


@pytest.fixture
def home(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder whose log has a few entries."""
    (tmp_path / "pilot.sqlite3").write_bytes(sqlite_template.read_bytes())
    monkeypatch.setenv("PILOT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "400")
    answer("user", "add", "an", "--name", "安某", "--role", "security_admin")
    answer("user", "add", "li", "--name", "李某", "--role", "handler", "--as", "an")
    return tmp_path


def pilot(*arguments: str) -> Result:
    return RUNNER.invoke(app, list(arguments))


def answer(*arguments: str, code: int = 0) -> Any:
    result = pilot(*arguments, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def tamper(home: Path, sql: str) -> None:
    with sqlite3.connect(home / "pilot.sqlite3") as connection:
        for table in ("entry", "leaf"):
            for name in ("update", "delete", "replace"):
                connection.execute(f"DROP TRIGGER IF EXISTS {table}_no_{name}")
        connection.execute(sql)
    connection.close()


def test_the_log_is_sealed_and_its_checkpoint_printed_as_it_is_published(home: Path) -> None:
    sealed = answer("audit", "seal", "--once")
    assert (sealed["size"], sealed["taken"], sealed["problems"], sealed["signed"]) == (2, 2, [], [ORIGIN])
    assert stat.S_IMODE((home / "log.key").stat().st_mode) == 0o600
    printed = pilot("audit", "checkpoint").stdout
    assert printed.encode() == (home / "tiles" / "checkpoint").read_bytes()
    told = answer("audit", "checkpoint")
    assert (told["origin"], told["size"], told["root"]) == (ORIGIN, 2, sealed["root"])
    assert "已封存 sealed: 2" in pilot("audit", "seal", "--once").stdout


def test_the_printed_keys_verify_the_checkpoint(home: Path) -> None:
    answer("audit", "seal", "--once")
    told = answer("audit", "keys")["keys"]
    assert [one["use"] for one in told] == ["log", "log-dated", "writer"]
    key = parse_vkey(told[0]["key"])
    assert (key.name, key.kind) == (ORIGIN, PLAIN)
    assert open_head((home / "tiles" / "checkpoint").read_bytes(), ORIGIN, key.public_key).head.size == 2


def test_a_writer_key_is_replaced_and_the_old_one_retired(home: Path) -> None:
    old = answer("audit", "seal", "--once") and answer("audit", "keys")["keys"][-1]["key"].split(" ")[1]
    assert "重启" in pilot("audit", "keys", "rotate-writer", "--as", "an").stdout
    assert sorted(stat.S_IMODE(path.stat().st_mode) for path in home.glob("writer.key*")) == [0o600] * 2
    answer("user", "add", "wang", "--name", "王某", "--role", "handler", "--as", "an")  # by the new key
    assert answer("audit", "seal", "--once")["problems"] == []
    answer("audit", "keys", "retire", old, "--reason", "已更换", "--as", "an")
    assert answer("audit", "keys", "retire", old, "--reason", "再次", "--as", "an", code=1)["refused"] == "not-found"
    assert answer("audit", "keys", "introduce", old, "--as", "li", code=1)["refused"] == "forbidden"
    told = answer("audit", "keys")
    assert [one["kind"] for one in told["acts"]] == ["key.introduced", "key.retired"]
    assert old not in [one["key"].split(" ")[-1] for one in told["keys"]]
    assert json.loads(pilot("audit", "keys", "policy").stdout)["writer_keys"] == [told["keys"][-1]["key"].split(" ")[1]]


def test_the_logs_key_is_replaced_and_both_sign_the_tree_between(home: Path) -> None:
    answer("audit", "seal", "--once")
    old = parse_vkey(answer("audit", "keys")["keys"][0]["key"])
    answer("audit", "keys", "rotate-log", "--as", "an")
    new = parse_vkey(answer("audit", "keys")["keys"][0]["key"])
    assert new.key_id != old.key_id
    handover = (home / "tiles" / "handovers" / "3").read_bytes()
    assert [open_head(handover, ORIGIN, key.public_key).head.size for key in (old, new)] == [3, 3]
    answer("user", "add", "wang", "--name", "王某", "--role", "handler", "--as", "an")
    assert answer("audit", "seal", "--once")["size"] == 4
    published = (home / "tiles" / "checkpoint").read_bytes()
    assert open_head(published, ORIGIN, new.public_key).head.size == 4
    with pytest.raises(NoteError):
        open_head(published, ORIGIN, old.public_key)


def test_the_days_heads_entry_is_written_once(home: Path) -> None:
    answer("audit", "seal", "--once")
    assert answer("audit", "heads")["receipt"]["stream"] == "system/heads"
    assert answer("audit", "heads")["receipt"] is None
    assert answer("audit", "heads", "--again")["receipt"]["seq"] == 2


def test_before_the_first_pass_there_is_neither_key_nor_checkpoint(home: Path) -> None:
    for command in ("keys", "checkpoint"):
        result = pilot("audit", command)
        assert (result.exit_code, "没有日志密钥" in result.stderr) == (2, True)


def test_a_suite_that_is_not_switched_on_has_no_checkpoint(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer("audit", "seal", "--once")
    assert pilot("audit", "checkpoint", "--suite", "sm3").exit_code == 2
    monkeypatch.setenv("PILOT_SUITES", '["sha256", "sm3"]')
    assert answer("audit", "checkpoint", "--suite", "sm3", code=1)["refused"] == "refused"
    assert answer("audit", "seal", "--once")["signed"] == [f"{ORIGIN}/sm3"]
    assert answer("audit", "checkpoint", "--suite", "sm3")["origin"] == f"{ORIGIN}/sm3"


def test_a_bad_entry_is_told_and_leaves_with_one(home: Path) -> None:
    tamper(home, "UPDATE entry SET type = 'x' WHERE rowid = 1")
    sealed = answer("audit", "seal", "--once", code=1)
    assert [one["code"] for one in sealed["problems"]] == ["columns"]
    assert "[columns]" in pilot("audit", "seal", "--once").stdout


def test_a_halt_says_what_to_do_and_leaves_with_one(home: Path) -> None:
    answer("audit", "seal", "--once")
    tamper(home, "DELETE FROM leaf")
    assert answer("audit", "seal", "--once", code=1)["refused"] == "rolled-back"
    assert "备份" in pilot("audit", "seal", "--once").stderr


def test_inspection_finds_what_was_changed_and_puts_back_what_was_lost(home: Path) -> None:
    tamper(home, "DELETE FROM pending")
    assert [one["code"] for one in answer("audit", "inspect", code=1)["problems"]] == ["unqueued"] * 2
    answer("audit", "inspect", "--requeue", code=1)
    assert answer("audit", "seal", "--once")["size"] == 2
    assert answer("audit", "inspect")["problems"] == []
    tamper(home, "UPDATE entry SET body = x'7b7d' WHERE rowid = 1")
    result = pilot("audit", "inspect")
    assert (result.exit_code, "[sealed-changed]" in result.stdout) == (1, True)


def test_a_running_sealer_seals_and_ends_when_it_is_told_to(home: Path) -> None:
    command = [sys.executable, "-c", "from api.cli import main; main()", "audit", "seal", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=dict(os.environ), text=True) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        answer("user", "add", "wang", "--name", "王某", "--role", "handler", "--as", "an")
        second = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    assert (first["size"], second["size"]) == (2, 3)


def test_where_sm3_is_missing_a_sealer_that_is_to_use_it_does_not_start(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = hashlib.new

    def without_sm3(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "sm3":
            raise ValueError("unsupported hash type sm3")
        return new(name, *arguments, **options)

    monkeypatch.setattr(hashlib, "new", without_sm3)
    monkeypatch.setenv("PILOT_SUITES", '["sha256", "sm3"]')
    result = pilot("audit", "seal", "--once")
    assert (result.exit_code, "take sm3 out of PILOT_SUITES" in result.stderr) == (2, True)
    assert list(home.glob("tiles")) == []
    monkeypatch.setenv("PILOT_SUITES", '["sha256"]')
    assert answer("audit", "seal", "--once")["signed"] == [ORIGIN]
