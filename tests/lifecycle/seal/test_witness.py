"""A witness signs what extends what it signed, from the published folder alone."""

from datetime import timedelta
from pathlib import Path

import pytest

from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.seal.heads import parse_head
from lifecycle.seal.merkle import SHA256
from lifecycle.seal.notes import PLAIN, TIMED, NoteKey, parse_note, verify_note
from lifecycle.seal.paths import published as published_hashes
from lifecycle.seal.paths import stored
from lifecycle.seal.proofs import verify_consistency, verify_inclusion
from lifecycle.seal.witness import NotWitnessed, cosign, deliver
from lifecycle.signing import FileSigner, load_or_create_signer
from tests.lifecycle.seal.sealers import NOW, ORIGIN, damage, log_signer, seal_all, sealed_rows, terms_for, write

NAME = "witness.example/第一"


def test_a_witness_follows_the_tree_and_its_signature_holds(database: Database, log: Log, tmp_path: Path) -> None:
    terms, signer, own = terms_for(tmp_path, log), log_signer(tmp_path), load_or_create_signer(tmp_path / "w" / "key")
    keys = [NoteKey(ORIGIN, PLAIN, signer.public_key)]
    mine = NoteKey(NAME, TIMED, own.public_key)
    seal_all(database, signer, terms)
    for number in (0, 1, 255, 1, 300):  # within a tile, its end, the next
        if number:
            write(database, log, "a", number)
            seal_all(database, signer, terms)
        head, note = cosign(terms.folder, keys, tmp_path / "w" / "state", own, NAME, NOW + timedelta(seconds=number))
        (verified,) = verify_note(parse_note(note.to_bytes()), [mine])
        assert (verified.at, parse_head(note.text)) == (NOW + timedelta(seconds=number), head)
    assert head.size == 557
    path = deliver(terms.folder, NAME, note)
    assert (path.name, path.read_bytes()) == ("witness_example___", note.to_bytes())


def test_hashes_of_the_folder_and_of_the_database_give_the_same_proofs(
    database: Database, log: Log, tmp_path: Path
) -> None:
    terms, signer = terms_for(tmp_path, log), log_signer(tmp_path)
    write(database, log, "a", 600)
    seal_all(database, signer, terms)
    leaves = [bytes(row[3]) for row in sealed_rows(database)]
    with database.reading() as tx:
        both = (stored(tx, SHA256, 600), published_hashes(terms.folder, SHA256, 600))
        root = both[0].root()
        for hashes in both:
            assert hashes.root() == root
            for index in (0, 1, 255, 256, 511, 512, 599):
                assert verify_inclusion(SHA256, leaves[index], index, 600, hashes.inclusion(index), root)
            for old in (1, 255, 256, 257, 511, 599):
                assert verify_consistency(SHA256, old, 600, hashes.root(old), root, hashes.consistency(old))
    assert published_hashes(terms.folder, SHA256, 300).root() == both[1].root(300)  # as it was, from wider tiles


def test_a_witness_refuses_what_does_not_extend_what_it_signed(database: Database, log: Log, tmp_path: Path) -> None:
    terms, signer, own = terms_for(tmp_path, log), log_signer(tmp_path), load_or_create_signer(tmp_path / "w" / "key")
    write(database, log, "a", 3)
    seal_all(database, signer, terms)
    keys, state = [NoteKey(ORIGIN, PLAIN, signer.public_key)], tmp_path / "w" / "state"

    def refused(match: str, key: FileSigner = own) -> None:
        before = state.read_bytes() if state.exists() else None
        with pytest.raises(NotWitnessed, match=match) as caught:
            cosign(terms.folder, keys, state, key, NAME, NOW)
        assert caught.value.text.zh.startswith("未见证")
        assert (state.read_bytes() if state.exists() else None) == before

    with pytest.raises(NotWitnessed, match="cannot be trusted"):
        cosign(terms.folder, [NoteKey(ORIGIN, PLAIN, own.public_key)], state, own, NAME, NOW)
    cosign(terms.folder, keys, state, own, NAME, NOW)
    refused("the state cannot be trusted", load_or_create_signer(tmp_path / "other"))
    note = (terms.folder / "checkpoint").read_bytes()
    tile = next((terms.folder / "tile" / "0").rglob("3"))
    hashes = tile.read_bytes()
    tile.write_bytes(hashes[::-1])
    refused("do not have the root")
    tile.unlink()
    refused("not complete")
    tile.write_bytes(hashes)
    (terms.folder / "checkpoint").write_bytes(note[:-5])
    refused("cannot be trusted")
    (terms.folder / "checkpoint").write_bytes(note)
    damage(database, ('UPDATE leaf SET hash = ? WHERE "index" = 1', [bytes(32)]))
    for path in (terms.state, terms.folder / "checkpoint"):
        path.unlink()
    damage(database, ("DELETE FROM leaf", []), ("DELETE FROM sealed_stream", []))
    write(database, log, "b", 5)
    seal_all(database, signer, terms_for(tmp_path / "anew", log))
    terms = terms_for(tmp_path / "anew", log)
    refused("does not extend")
