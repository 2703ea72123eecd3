"""What the log must withstand, attack by attack, and which defence catches it. docs/audit.md has the table."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lifecycle.audit import Change, Deed, Log, append_to_system
from lifecycle.canonical import canonical_bytes, leaf_hash, parse_canonical
from lifecycle.database import Database
from lifecycle.seal.witness import NotWitnessed
from lifecycle.settings import Settings
from lifecycle.signing import load_or_create_signer, sign_receipt
from tests.lifecycle import builders
from tests.lifecycle.seal.scenes import NOW, ORIGIN, Scene
from tests.lifecycle.seal.sealers import damage, write


@pytest.fixture
def scene(settings: Settings, database: Database, log: Log, tmp_path: Path) -> Iterator[Scene]:
    made = Scene(settings, database, log, tmp_path)
    assert (made.sealer(), made.inspected()) == ("", set())
    assert made.verified().code == 0
    yield made


def test_edit_a_sealed_body(scene: Scene) -> None:
    assert scene.attack("UPDATE entry SET body = ? WHERE stream = 'system/a' AND seq = 2", _other_body(scene))
    assert scene.sealer() == ""  # it never looks back
    assert scene.inspected() == {"sealed-changed"}
    assert scene.verified().found == {"signature", "chain", "tree", "table"}


def _other_body(scene: Scene) -> bytes:
    (row,) = [one for one in scene.entries() if (one["stream"], one["seq"]) == ("system/a", 2)]
    return canonical_bytes({**parse_canonical(bytes(row["body"])), "type": "system.other"})


def test_edit_only_a_search_column(scene: Scene) -> None:
    assert scene.attack("UPDATE entry SET actor = 'nobody' WHERE stream = 'system/a' AND seq = 2")
    assert scene.inspected() == {"columns"}
    assert scene.verified().found == {"table"}


def test_delete(scene: Scene) -> None:
    assert scene.attack("DELETE FROM entry WHERE stream = 'system/a' AND seq = 2")
    assert scene.inspected() == {"sealed-gone"}
    assert {"order", "tree"} <= scene.verified().found


def test_reorder(scene: Scene) -> None:
    first, second = [row["index"] for row in scene.entries() if row["stream"] == "system/b"][:2]
    steps = ((first, 10_000), (second, first), (10_000, second))
    assert scene.attack('UPDATE leaf SET "index" = ? WHERE "index" = ?', *reversed(steps[0]))
    damage(scene.database, *(('UPDATE leaf SET "index" = ? WHERE "index" = ?', [to, at]) for at, to in steps[1:]))
    assert scene.sealer() == "halts: forked"
    assert scene.verified().found == {"order", "tree"}


def test_truncate_the_tail(scene: Scene) -> None:
    ends, size = scene.ends()
    scene.cut_back([end for end in ends if end.stream != "system/b"], size - 3)
    assert scene.sealer() == "halts: rolled-back"
    assert scene.verified().found == {"tree"}


def test_insert_a_forged_entry(scene: Scene) -> None:
    """The administrator has the database and no key."""
    thief = Log(ORIGIN, load_or_create_signer(scene.folder / "thief.key"))
    write(scene.database, thief, "b")
    assert scene.sealer() == "key"
    damage(scene.database, ("UPDATE entry SET key_id = ? WHERE seq = 4", [scene.log.signer.key_id]))
    assert scene.sealer() == "signature"
    assert scene.verified().code == 0  # it never came into the tree


def test_edit_and_recompute_all_chains(scene: Scene) -> None:
    scene.rewrite(0, lambda body: body["source"].update(channel="cli"), signed=False)
    assert scene.sealer() == "halts: forked"
    assert {"signature", "tree"} <= scene.verified().found


def test_swap_a_disclosed_value(scene: Scene) -> None:
    assert scene.verified(disclosures=True).code == 0
    damage(scene.database, ("UPDATE disclosure SET value = ?", ['"x"']))
    assert scene.verified(disclosures=True).found == {"disclosure"}


def test_swap_a_document(scene: Scene) -> None:
    folder = scene.folder / "auditor" / "documents"
    folder.mkdir()
    scene.auditor.policy["documents"] = "documents"
    content = b"%PDF the book as it was filed"
    told = {"id": "book-1", "sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "version": 1}
    deed = Deed("system/files", "system.filed", ("system", "files", None), docs=[told])
    with scene.database.transaction() as tx:
        append_to_system(tx, scene.log, builders.caller(now=NOW), deed)
    scene.seal()
    (folder / "book-1-1.pdf").write_bytes(content)
    assert scene.verified().found == set()
    (folder / "book-1-1.pdf").write_bytes(content + b" ")
    verified = scene.verified()
    assert verified.found == {"document"}
    assert "system/files 1" in verified.text


def test_roll_back_to_an_older_signed_checkpoint(scene: Scene) -> None:
    """Database, state and publication all brought back together: only what lies elsewhere shows it."""
    ends, size = scene.ends()
    kept = scene.folder / "kept"
    shutil.copytree(scene.terms.folder, kept / "published")
    shutil.copyfile(scene.terms.state, kept / "state")
    write(scene.database, scene.log, "c", 2)
    scene.seal()
    scene.keep_receipts()
    scene.witness()
    scene.remember()
    cosigned = scene.terms.folder / "cosigned"
    shutil.copytree(cosigned, kept / "published" / "cosigned")
    scene.cut_back(ends, size)
    shutil.rmtree(scene.terms.folder)
    shutil.copytree(kept / "published", scene.terms.folder)
    shutil.copyfile(kept / "state", scene.terms.state)
    assert scene.sealer() == ""
    policy = dict(scene.auditor.policy)
    bare = {name: policy[name] for name in ("origin", "log_keys", "writer_keys")}
    for name, found in (("remembered", "rolled-back"), ("receipts", "receipt"), ("witnesses", "rolled-back")):
        scene.auditor.policy = {**bare, name: policy[name]}
        assert scene.verified().found == {found}, name
    with pytest.raises(NotWitnessed, match="older"):
        scene.witness()
    shutil.rmtree(scene.terms.folder / "cosigned")  # what the witness signed is taken away too: then it is missing
    scene.auditor.policy = {**bare, "witnesses": policy["witnesses"], "witnesses_needed": 1}
    assert scene.verified().found == {"witness"}
    scene.auditor.policy = bare
    assert scene.verified().code == 0  # without any of them this attack passes, and the verifier says so
    assert "a rollback may pass" in scene.verified().text


def test_key_holder_rewrites(scene: Scene) -> None:
    scene.remember()
    scene.witness()
    kept = (scene.terms.folder / "cosigned" / "witness_example_a").read_bytes()
    policy = dict(scene.auditor.policy)
    newest = scene.head().size - 3  # not covered by a heads entry, which the attacker would only have to rewrite too
    scene.rewrite(newest, lambda body: body["source"].update(channel="cli"), signed=True)
    scene.seal_anew()
    assert scene.sealer() == ""
    bare = {name: policy[name] for name in ("origin", "log_keys", "writer_keys")}
    scene.auditor.policy = bare
    assert scene.verified().code == 0
    scene.auditor.policy = {**bare, "witnesses": policy["witnesses"], "witnesses_needed": 1}
    assert "witness" in scene.verified().found
    with pytest.raises(NotWitnessed, match="does not extend"):
        scene.witness()
    (scene.terms.folder / "cosigned").mkdir()
    (scene.terms.folder / "cosigned" / "witness_example_a").write_bytes(kept)
    assert "forked" in scene.verified().found
    scene.auditor.policy = {**bare, "remembered": policy["remembered"]}
    assert "forked" in scene.verified().found


def test_key_holder_drops_the_newest(scene: Scene) -> None:
    """Sealed, never shown to anybody, and taken out again by whoever can sign."""
    ends, size = scene.ends()
    write(scene.database, scene.log, "c", 2)
    scene.seal()
    scene.keep_receipts()
    scene.cut_back(ends, size)
    scene.seal_anew()
    assert scene.sealer() == ""
    assert scene.verified().found == {"receipt"}
    del scene.auditor.policy["receipts"]
    assert scene.verified().code == 0


def test_lawful_redaction_verifies(scene: Scene) -> None:
    with scene.database.reading() as tx:
        entry, path = tx.driver.execute("SELECT entry_id, path FROM disclosure ORDER BY entry_id, path").fetchone()
    damage(scene.database, ("DELETE FROM disclosure WHERE entry_id = ? AND path = ?", [entry, path]))
    verified = scene.verified(disclosures=True)
    assert verified.found == {"disclosure"}
    assert str(entry) in verified.text
    change = Change("/disclosure", {"entry": str(entry), "path": path}, None)
    deed = Deed("system/redactions", "disclosure.redacted", ("disclosure", str(entry), None), changes=[change])
    with scene.database.transaction() as tx:
        append_to_system(tx, scene.log, builders.caller(now=NOW), deed)
    scene.seal()
    again = scene.verified(disclosures=True)
    assert (again.code, "lawfully redacted: 1" in again.text) == (0, True)


def test_restored_backup_halts_the_sealer(scene: Scene) -> None:
    ends, size = scene.ends()
    write(scene.database, scene.log, "c", 2)
    scene.seal()
    scene.cut_back(ends, size)
    assert scene.sealer() == "halts: rolled-back"
    write(scene.database, scene.log, "d", 5)  # work goes on, and the tree would soon be larger than it was
    assert scene.sealer() == "halts: rolled-back"


def test_edit_before_sealing(scene: Scene) -> None:
    write(scene.database, scene.log, "c", 2)
    (row,) = [one for one in scene.entries() if (one["stream"], one["seq"]) == ("system/c", 2)]
    raw = canonical_bytes({**parse_canonical(bytes(row["body"])), "outcome": "failed"})
    assert scene.attack("UPDATE entry SET body = ?, outcome = 'failed' WHERE id = ?", raw, row["id"])
    assert scene.sealer() == "leaf"
    damage(scene.database, ("UPDATE entry SET leaf = ? WHERE id = ?", [leaf_hash(raw), row["id"]]))
    assert scene.sealer() == "signature"
    forged = sign_receipt(load_or_create_signer(scene.folder / "thief.key"), ORIGIN, "system/c", 2, leaf_hash(raw))
    damage(scene.database, ("UPDATE entry SET signature = ? WHERE id = ?", [forged.signature, row["id"]]))
    assert scene.sealer() == "signature"


def test_delete_a_pending_row(scene: Scene) -> None:
    write(scene.database, scene.log, "c", 1)
    damage(scene.database, ("DELETE FROM pending", []))
    assert scene.sealer() == "unqueued"


def test_delete_an_unsealed_tail_and_roll_the_head_back(scene: Scene) -> None:
    ends, size = scene.ends()
    write(scene.database, scene.log, "b", 2)
    scene.keep_receipts()
    scene.cut_back(ends, size)
    write(scene.database, scene.log, "b", 1)  # the stream goes on with the number that was given before
    assert scene.sealer() == ""
    verified = scene.verified()
    assert verified.found == {"receipt"}
    assert "its receipt promises another content" in verified.text
    assert "acknowledged by the writer, and not in this bundle" in verified.text
