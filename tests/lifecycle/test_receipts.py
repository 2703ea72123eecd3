"""The receipts file: what was committed is in it, and nothing else; torn lines, moved files and full disks."""

import os
import threading
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from lifecycle.attempts import attempt
from lifecycle.audit import Deed, Log, append_to_system
from lifecycle.database import Database, open_database
from lifecycle.errors import Forbidden
from lifecycle.receipts import ReceiptsFile, line_of
from lifecycle.settings import Settings
from lifecycle.signing import Receipt, sign_receipt, verify_receipt
from states.findings import Text
from tests.lifecycle import builders
from tests.lifecycle.seal.sealers import ORIGIN, write


def kept(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def receipts_of(log: Log, number: int) -> list[Receipt]:
    return [sign_receipt(log.signer, ORIGIN, "system/a", seq, bytes([seq % 256]) * 32) for seq in range(1, number + 1)]


def test_every_committed_entry_has_its_receipt_in_the_file(database: Database, settings: Settings, log: Log) -> None:
    write(database, log, "a", 3)
    batch = builders.open_batch(database, log)
    builders.create_projects(database, log, batch, 2)
    with database.reading() as tx:
        rows = tx.driver.execute("SELECT stream, seq, leaf FROM entry").fetchall()
    lines = kept(settings.receipts)
    assert {(line["stream"], line["seq"], b64decode(line["leaf"])) for line in lines} == {
        (stream, seq, bytes(leaf)) for stream, seq, leaf in rows
    }
    assert len(lines) == len(rows) > 6
    for line in lines:
        octets = {name: b64decode(line[name]) for name in ("leaf", "signature")}
        assert verify_receipt(Receipt(**{**line, **octets}), log.signer.public_key)


def test_what_is_rolled_back_leaves_no_receipt_and_a_refusal_leaves_its_own(
    database: Database, settings: Settings, log: Log
) -> None:
    doer = builders.caller()
    with (
        pytest.raises(Forbidden) as refused,
        attempt(database, log, doer, ("system", "people"), "add_person") as tx,
    ):
        append_to_system(tx, log, doer, Deed("system/never", "system.noted", ("system", "never", None)))
        raise Forbidden(Text("不可", "no"))
    assert [line["stream"] for line in kept(settings.receipts)] == ["system/attempts"]
    assert [receipt.to_dict() for receipt in refused.value.receipts] == kept(settings.receipts)


@pytest.mark.parametrize("each", [False, True])
def test_lines_of_many_threads_and_two_processes_stay_whole(tmp_path: Path, log: Log, each: bool) -> None:
    given = receipts_of(log, 40)
    files = [ReceiptsFile(tmp_path / "deep" / "receipts.jsonl", each=each) for _ in range(2)]  # a process each
    threads = [threading.Thread(target=lambda f=file: [f.keep([one]) for one in given]) for file in files * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for file in files:
        file.close()
    lines = (tmp_path / "deep" / "receipts.jsonl").read_bytes().splitlines(keepends=True)
    assert sorted(lines) == sorted(line_of(one) for one in given for _ in range(6))


def test_a_receipt_is_on_the_disk_before_the_answer_or_soon_after(
    tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    done = threading.Event()

    def fdatasync(file: int) -> None:
        synced.append(os.fstat(file).st_size)
        done.set()

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    monkeypatch.setattr("lifecycle.receipts.WITHIN", 0.01)
    one = receipts_of(log, 1)
    size = len(line_of(one[0]))
    at_once = ReceiptsFile(tmp_path / "each", each=True)
    for _ in range(2):
        at_once.keep(one)
    assert synced == [size, 2 * size]
    synced.clear()
    done.clear()
    later = ReceiptsFile(tmp_path / "second")
    later.keep(one * 2)
    assert done.wait(10)
    assert synced == [2 * size]
    for file in (at_once, later):
        file.close()


def _full(whole: Callable[[int, bytes], int]) -> Callable[[int, bytes], int]:
    """Return a write that takes half a line the first time, and then says that the disk is full."""
    calls: list[int] = []

    def write_some(file: int, data: bytes) -> int:
        calls.append(len(data))
        if len(calls) == 1:
            return whole(file, data[:100])
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        return whole(file, data)

    return write_some


def test_a_full_disk_undoes_no_act_is_told_and_spoils_no_later_line(
    settings: Settings, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = open_database(settings)
    assert database.receipts is not None
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", _full(os.write))
        write(database, log, "a")
        assert database.receipts.fault == "OSError: No space left on device"
    write(database, log, "b")
    assert database.receipts.fault is None
    torn, whole = settings.receipts.read_bytes().splitlines()
    assert (len(torn), orjson.loads(whole)["stream"]) == (100, "system/b")
    with database.reading() as tx:
        assert tx.driver.execute("SELECT count(*) FROM entry").fetchone()[0] == 2
    database.close()


def test_a_file_that_was_moved_away_is_left_and_a_new_one_begun(tmp_path: Path, log: Log) -> None:
    first, second = receipts_of(log, 2)
    file = ReceiptsFile(tmp_path / "receipts.jsonl")
    file.keep([first])
    file.path.rename(tmp_path / "receipts.2024-07.jsonl")
    file.keep([second])
    file.close()
    file.keep([replace(second, seq=3)])  # closed, it opens again
    file.close()
    assert [line["seq"] for line in kept(tmp_path / "receipts.2024-07.jsonl")] == [1]
    assert [line["seq"] for line in kept(file.path)] == [2, 3]
