"""The sealer: what it takes in and in which order, what it refuses, what it signs, when it halts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lifecycle.audit import Log
from lifecycle.canonical import ZERO_HASH, canonical_bytes, leaf_hash, parse_canonical
from lifecycle.database import Database
from lifecycle.errors import NotFound
from lifecycle.seal.examination import Writers
from lifecycle.seal.halts import Halted
from lifecycle.seal.heads import sign_head
from lifecycle.seal.merkle import SHA256, suite_named
from lifecycle.seal.notes import Note, sign_text
from lifecycle.seal.pending import lost, requeue
from lifecycle.seal.proofs import verify_consistency, verify_inclusion
from lifecycle.seal.sealer import Sealed, SealTerms, seal_once, terms_of
from lifecycle.seal.state import SealerBusy, checkpoint_now, only_sealer
from lifecycle.seal.trees import consistency, inclusion
from lifecycle.settings import Settings
from lifecycle.signing import FileSigner, load_or_create_signer, sign_receipt
from tests.lifecycle import builders
from tests.lifecycle.seal.sealers import (
    NOW,
    ORIGIN,
    assert_sound,
    count,
    damage,
    log_signer,
    published,
    seal_all,
    sealed_rows,
    terms_for,
    write,
)


@dataclass
class House:
    """A database with its log, and a sealer of its own."""

    database: Database
    log: Log
    signer: FileSigner
    terms: SealTerms

    def seal(self, days: int = 0) -> Sealed:
        return seal_all(self.database, self.signer, self.terms, NOW + timedelta(days=days))

    def write(self, stream: str, number: int = 1) -> None:
        write(self.database, self.log, stream, number)

    def damage(self, sql: str, *values: Any) -> None:
        damage(self.database, (sql, values))

    def halts(self) -> str:
        """Return why the sealer halts, having made sure that it seals and signs nothing."""
        before = (count(self.database, "leaf"), self.terms.state.exists() and self.terms.state.read_bytes())
        with pytest.raises(Halted) as caught:
            seal_once(self.database, self.signer, self.terms, NOW + timedelta(days=9))
        after = (count(self.database, "leaf"), self.terms.state.exists() and self.terms.state.read_bytes())
        assert after == before
        assert caught.value.text.zh.startswith("封存已停止")
        return caught.value.cause


@pytest.fixture
def house(database: Database, log: Log, tmp_path: Path) -> House:
    return House(database, log, log_signer(tmp_path), terms_for(tmp_path, log))


def codes(sealed: Sealed) -> list[tuple[str, str | None, int | None]]:
    return [(problem.code, problem.stream, problem.seq) for problem in sealed.problems]


def test_an_empty_log_is_signed_and_published(house: House) -> None:
    sealed = house.seal()
    assert sealed == Sealed(0, SHA256.empty, 0, signed=())
    assert published(house.terms, house.signer).head[:3] == (ORIGIN, 0, SHA256.empty)


def test_what_acts_wrote_is_sealed_signed_and_published(house: House) -> None:
    batch = builders.open_batch(house.database, house.log)
    (row,) = builders.create_projects(house.database, house.log, batch, 1)
    builders.drive(house.database, house.log, row["id"], "city_recommended")
    entries = count(house.database, "entry")
    sealed = house.seal()
    assert (sealed.taken, sealed.problems, sealed.signed) == (entries, (), (ORIGIN,))
    assert (count(house.database, "pending"), sealed.size) == (0, entries)
    assert assert_sound(house.database, house.terms, house.signer) == entries
    state = checkpoint_now(house.terms.state, ORIGIN, house.signer.public_key)
    assert state == published(house.terms, house.signer)


def test_entries_are_sealed_by_stream_and_number_whatever_the_order_of_their_ids(house: House) -> None:
    for minutes in (9, 5, 1):  # ids follow the time: the stream's first entry has the greatest
        write(house.database, house.log, "b", 1, NOW + timedelta(minutes=minutes))
        write(house.database, house.log, "a", 1, NOW + timedelta(minutes=minutes))
    house.terms = terms_for(house.terms.folder.parent, house.log, limit=2)
    house.seal()
    assert assert_sound(house.database, house.terms, house.signer) == 6


def test_passes_are_bounded_and_go_on_where_the_last_one_ended(house: House) -> None:
    house.write("a", 25)
    house.terms = terms_for(house.terms.folder.parent, house.log, limit=10)
    passes = [seal_once(house.database, house.signer, house.terms, NOW) for _ in range(4)]
    assert [(one.taken, one.size, one.more) for one in passes] == [
        (10, 10, True),
        (10, 20, True),
        (5, 25, False),
        (0, 25, False),
    ]
    assert assert_sound(house.database, house.terms, house.signer) == 25


def test_every_signed_tree_extends_the_ones_before_and_proves_its_entries(house: House) -> None:
    heads = []
    for number in range(1, 6):
        house.write(f"s{number % 2}", number)
        house.seal()
        heads.append(published(house.terms, house.signer).head)
    ids = [row["id"] for stream in ("system/s0", "system/s1") for row in builders.read_entries(house.database, stream)]
    newest = heads[-1]
    with house.database.reading() as tx:
        for old in heads:
            path = consistency(tx, old.size, newest.size)
            assert verify_consistency(SHA256, old.size, newest.size, old.root, newest.root, path)
        proofs = [inclusion(tx, entry, newest.size) for entry in ids]
        with pytest.raises(NotFound):
            inclusion(tx, ids[-1], heads[0].size)
    assert sorted(proof.index for proof in proofs) == list(range(15))
    assert all(verify_inclusion(SHA256, one.leaf, one.index, one.size, one.path, newest.root) for one in proofs)


def test_an_idle_log_is_signed_once_a_day(house: House) -> None:
    house.write("a")
    house.seal()
    signed = [house.seal(day).signed for day in (0, 1, 1, 2)]
    assert signed == [(), (ORIGIN,), (), (ORIGIN,)]
    assert published(house.terms, house.signer).signed_at == NOW + timedelta(days=2)
    assert published(house.terms, house.signer).head.size == 1


def test_a_witnesss_signature_stays_on_the_checkpoint_until_the_tree_grows(house: House, tmp_path: Path) -> None:
    house.write("a")
    house.seal()
    witness = load_or_create_signer(tmp_path / "witness.key")
    head = published(house.terms, house.signer)
    cosigned = Note(head.note.text, (*head.note.signatures, sign_text(witness, "witness.example", head.head.text, NOW)))
    (house.terms.folder / "checkpoint").write_bytes(cosigned.to_bytes())
    for days in (0, 1):
        house.seal(days)
        assert [one.name for one in published(house.terms, house.signer).note.signatures] == [
            ORIGIN,
            ORIGIN,
            "witness.example",
        ]
    house.write("a")
    house.seal(1)
    assert [one.name for one in published(house.terms, house.signer).note.signatures] == [ORIGIN, ORIGIN]


def rewritten(row: dict[str, Any], log: Log, changes: dict[str, Any]) -> tuple[bytes, bytes, bytes]:
    """Return an entry's body with other values, its leaf hash, and the writer's signature over it."""
    body = canonical_bytes({**parse_canonical(row["body"]), **changes})
    return body, leaf_hash(body), sign_receipt(log.signer, ORIGIN, row["stream"], row["seq"], leaf_hash(body)).signature


EDITS: dict[str, tuple[str, str, Sequence[Any]]] = {
    "leaf": ("the body", "UPDATE entry SET body = ? WHERE seq = 2 AND stream = 'system/a'", [b"{}"]),
    "columns": ("a search column", "UPDATE entry SET type = ? WHERE seq = 2 AND stream = 'system/a'", ["x"]),
    "signature": ("the signature", "UPDATE entry SET signature = ? WHERE seq = 2 AND stream = 'system/a'", [bytes(64)]),
    "key": ("the key's name", "UPDATE entry SET key_id = ? WHERE seq = 2 AND stream = 'system/a'", ["0" * 16]),
}


@pytest.mark.parametrize("code", EDITS)
def test_an_edit_before_sealing_is_found_and_holds_up_only_its_stream(house: House, code: str) -> None:
    house.write("a", 4)
    house.write("b", 3)
    _, sql, values = EDITS[code]
    house.damage(sql, *values)
    sealed = house.seal()
    assert codes(sealed) == [(code, "system/a", 2)]
    assert (sealed.taken, sealed.held, count(house.database, "pending")) == (4, 2, 3)
    house.write("b", 2)
    again = house.seal()
    assert (again.taken, codes(again)) == (2, codes(sealed))
    assert assert_sound(house.database, house.terms, house.signer) == 6


def test_an_edited_body_with_its_hash_recomputed_is_found_by_the_signature(house: House) -> None:
    house.write("a", 2)
    row = builders.read_entries(house.database, "system/a")[1]
    body, leaf, _ = rewritten(row, house.log, {"docs": [{"id": "d"}]})
    house.damage("UPDATE entry SET body = ?, leaf = ? WHERE id = ?", body, leaf, row["id"])
    assert codes(house.seal()) == [("signature", "system/a", 2)]


REWRITES: dict[str, dict[str, Any]] = {
    "log": {"log": "another.invalid/log"},
    "prev": {"prev": ZERO_HASH.hex()},
    "columns": {"seq": True},
    "body": {"actor": None},
}


@pytest.mark.parametrize("code", REWRITES)
def test_even_the_writers_own_key_does_not_get_a_wrong_entry_sealed(house: House, code: str) -> None:
    house.write("a", 2)
    row = builders.read_entries(house.database, "system/a")[-1]
    made = rewritten(row, house.log, REWRITES[code])
    house.damage("UPDATE entry SET body = ?, leaf = ?, signature = ? WHERE id = ?", *made, row["id"])
    assert codes(house.seal()) == [(code, "system/a", 2)]


def test_a_body_in_another_spelling_is_not_sealed(house: House) -> None:
    house.write("a")
    (row,) = builders.read_entries(house.database, "system/a")
    body = row["body"].replace(b'"v":1', b'"v": 1')
    signature = sign_receipt(house.log.signer, ORIGIN, "system/a", 1, leaf_hash(body)).signature
    house.damage("UPDATE entry SET body = ?, leaf = ?, signature = ?", body, leaf_hash(body), signature)
    assert codes(house.seal()) == [("body", "system/a", 1)]


def test_an_entry_deleted_before_sealing_leaves_a_gap_that_is_found(house: House) -> None:
    house.write("a", 4)
    row = builders.read_entries(house.database, "system/a")[1]
    house.damage("DELETE FROM entry WHERE id = ?", row["id"])
    sealed = house.seal()
    assert codes(sealed) == [("entry-gone", None, None), ("gap", "system/a", 3)]
    assert sealed.problems[0].entry == row["id"]
    assert (sealed.taken, sealed.held) == (1, 2)


def test_a_deleted_pending_row_is_found_at_once_by_what_follows_it_and_by_a_sweep(house: House) -> None:
    house.write("a", 3)
    house.write("b")
    _, second, _ = builders.read_entries(house.database, "system/a")
    (other,) = builders.read_entries(house.database, "system/b")
    house.damage("DELETE FROM pending WHERE entry_id = ?", second["id"])
    house.damage("DELETE FROM pending WHERE entry_id = ?", other["id"])
    sealed = house.seal()
    assert [(one.code, one.entry) for one in sealed.problems] == [("lost", second["id"])]
    assert sealed.taken == 1
    with house.database.reading() as tx:
        found = lost(tx)
    assert [(one.code, one.stream, one.seq) for one in found] == [
        ("unqueued", "system/a", 2),
        ("unqueued", "system/b", 1),
    ]
    with house.database.transaction() as tx:
        requeue(tx, found)
    assert (house.seal().taken, house.seal().problems) == (3, ())
    assert assert_sound(house.database, house.terms, house.signer) == 4


def test_a_sealed_entry_put_into_the_queue_again_is_not_sealed_twice(house: House) -> None:
    house.write("a", 2)
    house.seal()
    house.damage("INSERT INTO pending SELECT id FROM entry WHERE seq = 2")
    sealed = house.seal()
    assert (sealed.taken, sealed.size, codes(sealed)) == (0, 2, [("seq", "system/a", 2)])


def test_a_forged_entry_in_a_sealed_ones_place_is_not_sealed(house: House) -> None:
    house.write("a", 2)
    house.seal()
    row = builders.read_entries(house.database, "system/a")[1]
    house.damage("DELETE FROM entry WHERE id = ?", row["id"])
    house.write("b")
    other = builders.read_entries(house.database, "system/b")[0]
    body, leaf, signature = rewritten({**row, "id": other["id"]}, house.log, {"id": other["id"]})
    house.damage(
        "UPDATE entry SET stream = 'system/a', seq = 2, body = ?, leaf = ?, signature = ? WHERE id = ?",
        *(body, leaf, signature, other["id"]),
    )
    assert codes(house.seal()) == [("seq", "system/a", 2)]


def test_a_writer_of_another_machine_is_known_by_its_public_key(house: House, tmp_path: Path) -> None:
    other = Log(ORIGIN, load_or_create_signer(tmp_path / "other.key"))
    write(house.database, other, "a")
    assert codes(house.seal()) == [("key", "system/a", 1)]
    keys = [house.log.signer.public_key, other.signer.public_key]
    house.terms = terms_for(tmp_path, house.log, writers=Writers(keys))
    assert (house.seal().size, house.seal().problems) == (1, ())


def test_a_restored_backup_halts_the_sealer(house: House) -> None:
    house.write("a", 3)
    house.seal()
    house.damage('DELETE FROM leaf WHERE "index" = 2')
    house.damage("DELETE FROM entry WHERE seq = 3")
    assert house.halts() == "rolled-back"
    house.write("b", 2)  # life goes on in the restored database; nothing of it is sealed
    assert house.halts() == "rolled-back"


def test_entries_sealed_after_a_backup_was_restored_are_a_fork_and_halt_the_sealer(house: House) -> None:
    house.write("a", 3)
    house.seal()
    kept = house.terms.state.read_bytes()
    house.damage('DELETE FROM leaf WHERE "index" = 2')
    house.terms.state.unlink()
    (house.terms.folder / "checkpoint").unlink()
    house.damage("DELETE FROM leaf")
    house.damage("DELETE FROM sealed_stream")
    house.damage("DELETE FROM pending")
    house.write("b", 5)
    house.damage("DELETE FROM pending WHERE entry_id IN (SELECT id FROM entry WHERE stream = 'system/a')")
    for folder in sorted(house.terms.folder.glob("tile/*"), reverse=True):
        for file in folder.rglob("*.p/*"):
            file.unlink()
    house.seal()
    house.terms.state.write_bytes(kept)
    (house.terms.folder / "checkpoint").unlink()
    assert house.halts() == "forked"


def test_an_edited_leaf_halts_the_sealer(house: House) -> None:
    house.write("a", 3)
    house.seal()
    house.damage('UPDATE leaf SET hash = ? WHERE "index" = 1', bytes(32))
    assert house.halts() == "forked"


def test_a_missing_leaf_halts_the_sealer(house: House) -> None:
    house.write("a", 3)
    house.seal()
    house.damage('DELETE FROM leaf WHERE "index" = 1')
    assert house.halts() == "tree-broken"


def test_a_lost_state_file_halts_the_sealer_and_the_published_checkpoint_takes_its_place(house: House) -> None:
    house.write("a", 3)
    house.seal()
    house.terms.state.unlink()
    assert house.halts() == "state-missing"
    house.terms.state.write_bytes((house.terms.folder / "checkpoint").read_bytes())
    house.write("a")
    assert house.seal().size == 4


def test_a_wiped_database_beside_a_published_checkpoint_halts_the_sealer(house: House) -> None:
    house.write("a")
    house.seal()
    house.terms.state.unlink()
    house.damage("DELETE FROM leaf")
    assert house.halts() == "state-missing"


def test_a_state_file_older_than_what_was_published_halts_the_sealer(house: House) -> None:
    house.write("a")
    house.seal()
    older = house.terms.state.read_bytes()
    house.write("a")
    house.seal()
    house.terms.state.write_bytes(older)
    assert house.halts() == "state-older"


@pytest.mark.parametrize("content", [b"", b"7\n", "another log", "another key"])
def test_a_state_file_that_is_not_ours_halts_the_sealer(house: House, tmp_path: Path, content: Any) -> None:
    house.write("a")
    house.seal()
    head = published(house.terms, house.signer).head
    other = load_or_create_signer(tmp_path / "other.key")
    made = {
        "another log": sign_head(house.signer, head._replace(origin="another"), NOW).note.to_bytes(),
        "another key": sign_head(other, head, NOW).note.to_bytes(),
    }
    house.terms.state.write_bytes(made[content] if isinstance(content, str) else content)
    assert house.halts() == "state-unreadable"


def test_a_folder_with_anothers_checkpoint_is_not_written(house: House) -> None:
    house.terms.folder.mkdir()
    (house.terms.folder / "checkpoint").write_text("not ours")
    assert house.halts() == "published-unreadable"
    assert (house.terms.folder / "checkpoint").read_text() == "not ours"


def test_a_published_tile_that_was_changed_halts_the_sealer(house: House) -> None:
    house.write("a", 2)
    house.seal()
    (house.terms.folder / "checkpoint").unlink()  # so that all is published again
    (house.terms.folder / "tile/0/000.p/2").write_bytes(bytes(64))
    with pytest.raises(Halted, match="publishing has halted") as caught:
        house.seal()
    assert caught.value.cause == "published-differs"
    assert not (house.terms.folder / "checkpoint").exists()


def test_there_is_one_sealer(house: House) -> None:
    house.write("a")
    with only_sealer(house.terms.state), pytest.raises(SealerBusy):
        house.seal()
    assert house.seal().size == 1


def test_a_sealer_on_another_machine_is_noticed(house: House) -> None:
    if not house.database.is_postgres:
        return  # a SQLite file has no other machine
    house.write("a")
    with house.database.transaction() as tx:
        tx.execute_driver("SELECT pg_advisory_xact_lock(%s)", [0x70696C6F74])
        with pytest.raises(SealerBusy):
            house.seal()
    assert house.seal().size == 1


def test_the_second_suite_follows_the_first_and_catches_up_when_it_is_switched_on_late(
    house: House, tmp_path: Path
) -> None:
    sm3 = suite_named("sm3")
    house.write("a", 20)
    house.seal()
    house.terms = terms_for(tmp_path, house.log, suites=(SHA256, sm3), limit=7)
    house.write("b", 3)
    sealed = house.seal()
    assert (sealed.size, sealed.problems, sealed.more) == (23, (), False)
    assert assert_sound(house.database, house.terms, house.signer) == 23
    assert assert_sound(house.database, house.terms, house.signer, sm3) == 23
    assert published(house.terms, house.signer, "sm3").head.origin == f"{ORIGIN}/sm3"
    first = sealed_rows(house.database)[0]
    with house.database.reading() as tx:
        entry = tx.driver.execute('SELECT entry_id FROM leaf WHERE "index" = 0').fetchone()[0]
        proof = inclusion(tx, entry, 23, sm3)
    root = published(house.terms, house.signer, "sm3").head.root
    assert verify_inclusion(sm3, sm3.leaf(first[4]), 0, 23, proof.path, root)


def test_a_sealed_entry_that_was_changed_is_found_when_the_second_suite_comes_to_it(
    house: House, tmp_path: Path
) -> None:
    house.write("a", 4)
    house.seal()
    house.damage("UPDATE entry SET body = ? WHERE seq = 3", b"{}")
    house.damage("DELETE FROM entry WHERE seq = 4")
    house.terms = terms_for(tmp_path, house.log, suites=(SHA256, suite_named("sm3")))
    sealed = house.seal()
    assert codes(sealed) == [("sealed-changed", "system/a", 3)]
    assert published(house.terms, house.signer, "sm3").head.size == 2


def test_the_settings_give_the_terms(tmp_path: Path) -> None:
    own = load_or_create_signer(tmp_path / "writer.key")
    settings = Settings(data_dir=tmp_path, origin=ORIGIN, suites=("sm3",))
    terms = terms_of(settings)
    assert [suite.name for suite in terms.suites] == ["sha256", "sm3"]
    assert list(terms.writers.public_keys.values()) == [own.public_key]
    assert (terms.state, terms.folder) == (tmp_path / "sealed.checkpoint", tmp_path / "tiles")


def test_a_problem_is_told_in_both_languages(house: House) -> None:
    house.write("a")
    house.damage("UPDATE entry SET type = 'x', actor = 'y'")
    (problem,) = house.seal().to_dict()["problems"]
    assert problem["message"] == {
        "zh": "system/a 1: 检索列与记录内容不一致 (type, actor)",
        "en": "system/a 1: the search columns differ from the body (type, actor)",
    }
