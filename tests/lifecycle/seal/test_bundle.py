"""Bundles of the log, a batch, a project: what is in them, what the verifier says, and what spoils them."""

import csv
import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from lifecycle.audit import Deed, Log, append_to_system
from lifecycle.callers import Caller, Source
from lifecycle.database import Database
from lifecycle.errors import Conflict, Forbidden, NotFound, Unreadable
from lifecycle.exporting.tables import COLUMNS, cell
from lifecycle.seal.bundle import Order, record_bundle
from lifecycle.seal.bundle.making import verifier
from lifecycle.seal.ends import tell_heads
from lifecycle.seal.merkle import SHA256, suite_named
from lifecycle.seal.rotation import hand_over, introduce, retire
from lifecycle.signing import load_or_create_signer
from states.roles import actor_of
from tests.lifecycle import builders
from tests.lifecycle.seal.auditors import Auditor, auditor_caller, take
from tests.lifecycle.seal.sealers import NOW, ORIGIN, log_signer, published, seal_all, terms_for, write

ALL = {"README.md", "DICTIONARY.md", "verify_audit.py", "manifest.json", "checkpoint", "keys.txt", "entries.txt",
       "documents.csv", "views/entries.csv", "views/entries.jsonl", "views/entries.xlsx"}  # fmt: skip
PART = ALL | {"proofs.txt", "consistency.json", "heads.json"}


def rewritten(bundle: Path, to: Path, **members: bytes | None) -> Path:
    """Return a bundle with other contents under some names (None: without it); `__` stands for a slash."""
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(to, "w") as new:
        changed = {name.replace("__", "/").replace("_DOT_", "."): content for name, content in members.items()}
        for name in old.namelist():
            content = changed.get(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return to


def test_the_log_a_batch_and_a_project_verify_in_a_bare_interpreter(
    database: Database, log: Log, tmp_path: Path
) -> None:
    sm3 = suite_named("sm3")
    terms, signer = terms_for(tmp_path, log, suites=(SHA256, sm3)), log_signer(tmp_path)
    batch = builders.open_batch(database, log)
    rows = builders.create_projects(database, log, batch, 3)
    builders.drive(database, log, rows[0]["id"], "city_recommended")
    write(database, log, "other", 2)
    seal_all(database, signer, terms)
    old = published(terms, signer).head
    tell_heads(database, log, builders.caller(now=NOW))
    seal_all(database, signer, terms)
    auditor = Auditor(tmp_path / "auditor", log, signer)
    auditor.policy["remembered"] = [{"size": old.size, "root": old.root.hex()}]
    orders: list[tuple[dict[str, Any], set[str], int]] = [
        ({}, ALL | {"checkpoint.sm3"}, old.size + 1),
        ({"kind": "batch", "name": batch["code"], "since": (old.size,)}, PART | {"checkpoint.sm3"}, old.size + 1 - 2),
        ({"kind": "project", "name": rows[0]["id"], "since": (old.size,), "disclosures": True},
         PART | {"checkpoint.sm3", "disclosures.jsonl"}, 4),
    ]  # fmt: skip
    for order, names, number in orders:
        bundle = take(database, log, terms, tmp_path / "bundle.zip", **order)
        with zipfile.ZipFile(bundle) as archive:
            assert set(archive.namelist()) == names
            assert archive.read("verify_audit.py") == verifier()
        whole = "kind" not in order
        for openssl in (False, True):
            verified = auditor.verify(bundle, openssl=openssl)
            assert (verified.code, verified.found) == (0 if whole else 2, set()), verified.text
            assert f"entries: {number}；" in verified.text
            assert f"extends remembered, size {old.size}" in verified.text
            assert ("sm3：仅整库导出可核" in verified.text) != whole  # the second tree is over the whole log only
    assert seal_all(database, signer, terms).taken == 3  # that bundles were taken is in the log


def test_a_part_with_an_old_heads_entry_or_without_its_project_is_not_clean(
    database: Database, log: Log, tmp_path: Path
) -> None:
    terms, signer = terms_for(tmp_path, log), log_signer(tmp_path)
    (row,) = builders.create_projects(database, log, builders.open_batch(database, log), 1)
    seal_all(database, signer, terms)
    tell_heads(database, log, builders.caller(now=NOW))
    seal_all(database, signer, terms, NOW + timedelta(days=4))
    auditor = Auditor(tmp_path / "auditor", log, signer)
    bundle = take(database, log, terms, tmp_path / "a.zip", kind="project", name=row["id"], views=())
    verified = auditor.verify(bundle)
    assert (verified.code, "the heads entry is old" in verified.text) == (2, True)
    nothing = rewritten(bundle, tmp_path / "b.zip", entries_DOT_txt=b"", proofs_DOT_txt=b"", heads_DOT_json=b"{}")
    assert auditor.verify(nothing).found == {"bundle"}


def test_without_a_consistency_proof_a_part_says_that_it_is_not_checked(
    database: Database, log: Log, tmp_path: Path
) -> None:
    terms, signer = terms_for(tmp_path, log), log_signer(tmp_path)
    (row,) = builders.create_projects(database, log, builders.open_batch(database, log), 1)
    seal_all(database, signer, terms)
    old = published(terms, signer).head
    write(database, log, "a")
    seal_all(database, signer, terms)
    auditor = Auditor(tmp_path / "auditor", log, signer)
    auditor.policy["remembered"] = [{"size": old.size, "root": old.root.hex()}]
    verified = auditor.verify(take(database, log, terms, tmp_path / "bundle.zip", kind="project", name=row["id"]))
    assert (verified.code, "ask for it with --since" in verified.text) == (2, True)
    assert "没有末条汇总" in verified.text


def test_a_projects_missing_tail_shows_by_the_heads_entry(database: Database, log: Log, tmp_path: Path) -> None:
    terms, signer = terms_for(tmp_path, log), log_signer(tmp_path)
    (row,) = builders.create_projects(database, log, builders.open_batch(database, log), 1)
    builders.drive(database, log, row["id"], "applied")
    seal_all(database, signer, terms)
    tell_heads(database, log, builders.caller(now=NOW))
    seal_all(database, signer, terms)
    auditor = Auditor(tmp_path / "auditor", log, signer)
    bundle = take(database, log, terms, tmp_path / "a.zip", kind="project", name=row["id"], views=())
    assert auditor.verify(bundle).code == 0
    with zipfile.ZipFile(bundle) as archive:
        entries, proofs = (archive.read(name).splitlines(keepends=True) for name in ("entries.txt", "proofs.txt"))
    for stream, left in ((b'"stream":"project/', {"heads"}), (b'"stream":"system/heads', set[str]())):
        last = max(number for number, line in enumerate(entries) if stream in line)
        short = rewritten(
            bundle,
            tmp_path / "b.zip",
            entries_DOT_txt=b"".join(entries[:last] + entries[last + 1 :]),
            proofs_DOT_txt=b"".join(proofs[:last] + proofs[last + 1 :]),
        )
        verified = auditor.verify(short)
        assert (verified.code, verified.found) == (1 if left else 2, left), verified.text


def test_what_a_key_signed_after_its_end_or_before_its_time_is_found(
    database: Database, log: Log, tmp_path: Path
) -> None:
    terms, signer = terms_for(tmp_path, log), log_signer(tmp_path)
    second = Log(ORIGIN, load_or_create_signer(tmp_path / "second.key"))
    officer = Caller(actor_of("an", "security_admin"), Source("test"), NOW)
    write(database, log, "a", 2)
    seal_all(database, signer, terms)
    with database.transaction() as tx:
        introduce(tx, log, officer, "writer", second.signer.public_key)
    write(database, second, "b")
    seal_all(database, signer, terms)
    with database.transaction() as tx:
        retire(tx, second, officer, "writer", log.signer.public_key, "失窃", NOW)
    seal_all(database, signer, terms)
    following = load_or_create_signer(tmp_path / "next.key")
    with database.transaction() as tx:
        introduce(tx, second, officer, "log", following.public_key)
    seal_all(database, signer, terms)
    hand_over(database, signer, following, terms, NOW)
    write(database, second, "b")
    seal_all(database, following, terms)
    auditor = Auditor(tmp_path / "auditor", log, signer)  # knows the first keys, and is led to the others
    bundle = take(database, second, terms, tmp_path / "a.zip", views=())
    verified = auditor.verify(bundle)
    # What the stolen key signed from that instant on is not vouched for: all three entries.
    assert (verified.code, verified.found) == (2, set()), verified.text
    assert "3条由其后吊销的密钥" in verified.text
    without = rewritten(bundle, tmp_path / "b.zip", keys_DOT_txt=b"")
    assert {"checkpoint", "bundle"} <= auditor.verify(without).found
    with zipfile.ZipFile(bundle) as archive:
        told = archive.read("keys.txt")
        forged = rewritten(
            bundle, tmp_path / "b.zip", keys_DOT_txt=told.replace(b'"channel":"test"', b'"channel":"else"', 1)
        )
        assert auditor.verify(forged).found == {"bundle"}  # told beforehand, and not what the log says at that place
        handover = next(name for name in archive.namelist() if name.startswith("handovers/"))
    assert auditor.verify(rewritten(bundle, tmp_path / "c.zip", **{handover.replace("/", "__"): None})).found == {
        "checkpoint"
    }
    foreign = Log(ORIGIN, load_or_create_signer(tmp_path / "third.key"))
    assert Auditor(tmp_path / "other", foreign, signer).verify(bundle).found == {"key"}


def test_a_spoiled_bundle_is_never_clean(database: Database, log: Log, tmp_path: Path) -> None:
    terms, signer = terms_for(tmp_path, log), log_signer(tmp_path)
    write(database, log, "a", 3)
    seal_all(database, signer, terms)
    auditor = Auditor(tmp_path / "auditor", log, signer)
    bundle = take(database, log, terms, tmp_path / "a.zip")
    assert auditor.verify(bundle).code == 0
    with zipfile.ZipFile(bundle) as archive:
        entries, table = archive.read("entries.txt"), archive.read("views/entries.csv")
        lines = entries.splitlines(keepends=True)
    spoiled: dict[str, tuple[dict[str, bytes | None], set[str]]] = {
        "an entry twice": ({"entries_DOT_txt": entries + lines[-1]}, {"order", "tree", "table"}),
        "an entry less": ({"entries_DOT_txt": b"".join(lines[:-1])}, {"tree", "table"}),
        "another order": ({"entries_DOT_txt": b"".join(reversed(lines))}, {"order", "tree", "table"}),
        "no entry": ({"entries_DOT_txt": lines[0] + b"x\ty\n" + lines[2]}, {"leaf", "order", "tree", "table"}),
        "nested too deep": (
            {"entries_DOT_txt": lines[0] + b"1\tk\ts\t" + b"[" * 60_000 + b"\n" + lines[2]},
            {"leaf", "order", "tree", "table"},
        ),
        "other spelling": ({"entries_DOT_txt": entries.replace(b'"docs":[]', b'"docs": []')}, {"leaf", "tree"}),
        "an escape too many": (
            {"entries_DOT_txt": entries.replace(b'"test"', b'"te\\u0073t"')},
            {"leaf", "tree", "signature"},
        ),
        "a number's other spelling": (
            {"entries_DOT_txt": entries.replace(b'"seq":2', b'"seq":2.0')},
            {"tree", "signature"},
        ),
        "an order of keys that came before in another shape": (
            {"entries_DOT_txt": lines[0] + lines[1].replace(b'{"id":"a","kind":', b'{"kind":"a","id":') + lines[2]},
            {"leaf", "tree"},
        ),
        "a name twice": (
            {"entries_DOT_txt": entries.replace(b'"v":1}', b'"v":2,"v":1}')},
            {"leaf", "tree", "signature"},
        ),
        "a table's row": ({"views__entries_DOT_csv": table.replace(b"success", b"denied", 1)}, {"table"}),
        "a table's end": ({"views__entries_DOT_csv": table + table.splitlines(keepends=True)[-1]}, {"table"}),
        "another index": ({"entries_DOT_txt": entries.replace(b"0\t", b"7\t", 1)}, {"order", "table"}),
    }  # fmt: skip
    for name, (members, found) in spoiled.items():
        verified = auditor.verify(rewritten(bundle, tmp_path / "b.zip", **members))
        assert (verified.code, found - verified.found) == (1, set()), (name, verified.text)
    for name in ("checkpoint", "manifest.json"):
        verified = auditor.verify(rewritten(bundle, tmp_path / "b.zip", **{name.replace(".", "_DOT_"): None}))
        assert verified.code == 2
    long = rewritten(bundle, tmp_path / "b.zip", views__entries_DOT_csv=table + b'"' + b"x" * 200_000 + b'"')
    assert auditor.verify(long).code == 2  # a cell that no reader takes: nothing is found, and nothing is vouched for
    (tmp_path / "cut.zip").write_bytes(bundle.read_bytes()[:-200])
    assert auditor.verify(tmp_path / "cut.zip").code == 2
    sampled = auditor.verify(bundle, "--signatures", "1")
    assert (sampled.code, "writers' signatures of 2 entries" in sampled.text) == (2, True)
    with zipfile.ZipFile(bundle, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("entries.txt", entries)
    assert auditor.verify(bundle).found == {"bundle"}


def test_no_cell_of_a_table_is_a_formula(database: Database, log: Log, tmp_path: Path) -> None:
    terms, signer = terms_for(tmp_path, log), log_signer(tmp_path)
    evil = ["=1+1", "+1", "-1", "@SUM(A1)", "＝1", "\t=1", "\x0b", 'a,"b"\n', "普通"]
    doer = builders.caller(now=NOW)
    with database.transaction() as tx:
        for number, text in enumerate(evil):
            action = {"name": "x", "from": text, "to": None, "override": []}
            append_to_system(
                tx, log, doer, Deed(f"system/e{number}", "system.noted", ("system", "e", None), action=action)
            )
            tx.flush()
    seal_all(database, signer, terms)
    bundle = take(database, log, terms, tmp_path / "a.zip")
    verified = Auditor(tmp_path / "auditor", log, signer).verify(bundle)
    assert (verified.code, verified.text.count("views/entries.")) == (0, 3), verified.text
    expected = ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "'＝1", "\ufffd=1", "\ufffd", 'a,"b"\ufffd', "普通"]
    assert [cell(text) for text in evil] == expected
    place = [column.code for column in COLUMNS].index("from")
    with zipfile.ZipFile(bundle) as archive:
        rows = list(csv.reader(io.StringIO(archive.read("views/entries.csv").decode("utf-8-sig"))))
        assert [row[place] for row in rows[1:]] == expected
        assert rows[0][place] == "原状态 from"
        lines = archive.read("views/entries.jsonl").splitlines()
        assert [json.loads(line)["from"] for line in lines] == evil
        sheet = load_workbook(io.BytesIO(archive.read("views/entries.xlsx"))).active
        assert sheet is not None
        assert [row[place].value for row in list(sheet.rows)[1:]] == expected
        assert {row[place].data_type for row in list(sheet.rows)[1:]} == {"s"}
        dictionary = archive.read("DICTIONARY.md").decode()
        assert [f"`{column.code}`" in dictionary for column in COLUMNS] == [True] * len(COLUMNS)
        assert published(terms, signer).head.root.hex() in archive.read("README.md").decode()


def test_who_may_take_what(database: Database, log: Log, tmp_path: Path) -> None:
    terms, signer = terms_for(tmp_path, log), log_signer(tmp_path)
    write(database, log, "a")
    me = auditor_caller()
    with database.transaction() as tx:
        with pytest.raises(Conflict, match="no checkpoint is published"):
            record_bundle(tx, log, terms.folder, me, Order())
        with pytest.raises(Forbidden):
            record_bundle(tx, log, terms.folder, builders.caller(), Order())
    seal_all(database, signer, terms)
    with database.transaction() as tx:
        for kind in ("batch", "project"):
            with pytest.raises(NotFound):
                record_bundle(tx, log, terms.folder, me, Order(kind, "nothing"))  # type: ignore[arg-type]
        with pytest.raises(Unreadable, match="no table"):
            record_bundle(tx, log, terms.folder, me, Order(views=("entries.pdf",)))
    other = terms_for(tmp_path / "elsewhere", log)
    with database.transaction() as tx:
        (other.folder).mkdir(parents=True)
        (other.folder / "checkpoint").write_bytes(
            (terms.folder / "checkpoint").read_bytes().replace(b"\n1\n", b"\n2\n")
        )
        with pytest.raises(Conflict, match="not of this database"):
            record_bundle(tx, log, other.folder, me, Order())
