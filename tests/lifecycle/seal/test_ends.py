"""The heads entry: one root over all streams as they were sealed at some size, and proofs against it."""

from base64 import b64decode
from datetime import timedelta
from pathlib import Path

from lifecycle.audit import Log
from lifecycle.canonical import parse_canonical
from lifecycle.database import Database
from lifecycle.seal.ends import ends_at, last_told, proof_of, root_over, tell_heads
from lifecycle.seal.merkle import SHA256
from lifecycle.seal.proofs import verify_inclusion
from lifecycle.seal.trees import size_of
from tests.lifecycle import builders
from tests.lifecycle.seal.sealers import NOW, log_signer, seal_all, sealed_rows, terms_for, write


def test_ends_are_those_of_any_earlier_size(database: Database, log: Log, tmp_path: Path) -> None:
    terms, signer = terms_for(tmp_path, log), log_signer(tmp_path)
    for number, stream in enumerate("abacabada"):
        write(database, log, stream, 1 + number % 2)
        seal_all(database, signer, terms)
    rows = sealed_rows(database)
    with database.reading() as tx:
        for size in range(len(rows) + 1):
            expected = {stream: (stream, seq, bytes(leaf)) for _, stream, seq, leaf, _ in rows[:size]}
            ends = ends_at(tx, size)
            assert ends == sorted(expected.values())
            for end in ends:
                proof = proof_of(ends, end.stream)
                assert proof is not None
                assert proof.end == end
                assert verify_inclusion(SHA256, end.leaf, proof.index, proof.count, proof.path, root_over(ends))
            assert proof_of(ends, "system/nobody") is None


def test_the_heads_entry_is_written_once_a_day_and_tells_the_root(database: Database, log: Log, tmp_path: Path) -> None:
    terms, signer = terms_for(tmp_path, log), log_signer(tmp_path)
    write(database, log, "a", 3)
    seal_all(database, signer, terms)
    doer = builders.caller(now=NOW)
    receipt = tell_heads(database, log, doer)
    assert receipt is not None
    evening = builders.caller(now=NOW + timedelta(hours=14, minutes=59))  # still the same day in Shanghai
    assert tell_heads(database, log, evening) is None
    assert tell_heads(database, log, builders.caller(now=NOW + timedelta(hours=15))) is not None
    with database.reading() as tx:
        assert last_told(tx, size_of(tx)) is None  # neither is sealed
    seal_all(database, signer, terms)
    with database.reading() as tx:
        row = last_told(tx, 4)
        assert row is not None
        body = parse_canonical(row["body"])
        assert (body["stream"], body["seq"], row["index"]) == ("system/heads", 1, 3)
        told = body["changes"][0]["new"]
        ends = ends_at(tx, told["size"])
        assert (told["size"], told["streams"], b64decode(told["root"])) == (3, 1, root_over(ends))
        newest = last_told(tx, 5)
        assert newest is not None
        assert newest["index"] == 4
