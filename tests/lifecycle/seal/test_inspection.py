"""The sealed tree held against the entries: each change by hand in the database is found and named."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.seal.inspection import inspect
from lifecycle.seal.merkle import SHA256, suite_named
from tests.lifecycle.seal.sealers import damage, log_signer, published, seal_all, terms_for, write

SM3 = suite_named("sm3")
ENTRIES = 260  # a full tile and a partial one
CHANGES: dict[str, tuple[str, Sequence[Any], list[str]]] = {
    "edit a sealed body": ("UPDATE entry SET body = ? WHERE seq = 7", [b"{}"], ["sealed-changed 7"]),
    "edit a leaf": ('UPDATE leaf SET hash = ? WHERE "index" = 6', [bytes(32)], ["sealed-changed 7", "tree sha256 1 0"]),
    "edit a tile's root": (
        "UPDATE node SET hash = ? WHERE suite = 'sha256' AND level = 1",
        [bytes(32)],
        ["tree sha256 1 0"],
    ),
    "edit a leaf of the second suite": (
        "UPDATE node SET hash = ? WHERE suite = 'sm3' AND level = 0 AND \"index\" = 6",
        [bytes(32)],
        ["tree sm3 0 6", "tree sm3 1 0"],
    ),
    "delete a sealed entry": ("DELETE FROM entry WHERE seq = 7", [], ["sealed-gone 6"]),
    "delete a leaf": ('DELETE FROM leaf WHERE "index" = 6', [], ["tree", "unqueued 7", "tree"]),
    "insert an entry unseen": (
        "INSERT INTO entry SELECT ?, stream, 999, body, leaf, signature, key_id, at, type, outcome, actor, action "
        "FROM entry WHERE seq = 7",
        ["01907c3e-0000-7000-8000-000000000000"],
        ["unqueued 999"],
    ),
}


def told(problems: Sequence[Any]) -> list[str]:
    """Return each problem's code with the entry's number, or where in the tree it is."""
    return [
        " ".join(
            str(part)
            for part in (one.code, one.seq if one.code != "tree" and one.seq else one.detail.replace(" level", ""))
            if "missing" not in str(part) and "every" not in str(part)
        )
        for one in problems
    ]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_by_hand_is_found(database: Database, log: Log, tmp_path: Path, change: str) -> None:
    write(database, log, "a", ENTRIES)
    signer, terms = log_signer(tmp_path), terms_for(tmp_path, log, suites=(SHA256, SM3))
    seal_all(database, signer, terms)
    with database.reading() as tx:
        for suite, name in ((SHA256, ""), (SM3, "sm3")):
            head = published(terms, signer, name).head
            assert inspect(tx, suite) == (head.size, head.root, []) == (ENTRIES, head.root, [])
    sql, values, wanted = CHANGES[change]
    damage(database, (sql, values), ("DELETE FROM pending", ()))
    with database.reading() as tx:
        found = [*inspect(tx).problems, *(one for one in inspect(tx, SM3).problems if one.code == "tree")]
    assert told(found) == wanted
