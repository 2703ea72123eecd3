"""Keys introduced, retired, revoked: what the sealer then takes and refuses."""

from base64 import b64encode
from datetime import timedelta
from pathlib import Path

import pytest

from lifecycle.audit import Log
from lifecycle.callers import Caller, Source
from lifecycle.database import Database
from lifecycle.errors import Forbidden, NotFound, Unreadable
from lifecycle.seal.heads import open_head
from lifecycle.seal.keyring import told
from lifecycle.seal.merkle import SHA256, suite_named
from lifecycle.seal.rotation import NotSealedYet, hand_over, introduce, retire
from lifecycle.seal.sealer import seal_once
from lifecycle.signing import FileSigner, load_or_create_signer
from states.roles import actor_of
from tests.lifecycle import builders
from tests.lifecycle.seal.sealers import NOW, ORIGIN, assert_sound, log_signer, seal_all, terms_for, write

OFFICER = Caller(actor_of("an", "security_admin"), Source("test"), NOW)


@pytest.fixture
def second(tmp_path: Path) -> Log:
    """The log as a process with another key writes it."""
    return Log(ORIGIN, load_or_create_signer(tmp_path / "second" / "writer.key"))


def present(database: Database, log: Log, key: FileSigner, use: str = "writer") -> None:
    with database.transaction() as tx:
        introduce(tx, log, OFFICER, use, key.public_key)  # type: ignore[arg-type]


def test_what_an_introduced_key_signs_is_sealed_in_the_same_pass(
    database: Database, log: Log, second: Log, tmp_path: Path
) -> None:
    terms, signer = terms_for(tmp_path, log), log_signer(tmp_path)
    write(database, second, "a", 2)
    assert [one.code for one in seal_all(database, signer, terms).problems] == ["key"]
    present(database, log, second.signer)  # type: ignore[arg-type]
    write(database, second, "zz")  # its stream comes before and after that of the keys
    sealed = seal_all(database, signer, terms)
    assert (sealed.taken, sealed.problems, sealed.held) == (4, (), 0)
    assert assert_sound(database, terms, signer) == 4


def test_a_retired_key_counts_for_what_is_sealed_with_its_retirement_and_no_longer(
    database: Database, log: Log, second: Log, tmp_path: Path
) -> None:
    terms, signer = terms_for(tmp_path, log), log_signer(tmp_path)
    present(database, log, second.signer)  # type: ignore[arg-type]
    write(database, log, "a")
    with database.transaction() as tx:
        with pytest.raises(Unreadable, match="signs the very entry"):
            retire(tx, log, OFFICER, "writer", log.signer.public_key, "换")
        with pytest.raises(Unreadable, match="a reason"):
            retire(tx, second, OFFICER, "writer", log.signer.public_key, " ")
        with pytest.raises(Unreadable, match="32 bytes"):
            introduce(tx, second, OFFICER, "writer", b"short")
        with pytest.raises(Unreadable, match="counts already"):
            introduce(tx, second, OFFICER, "writer", second.signer.public_key)
        with pytest.raises(Forbidden):
            introduce(tx, second, builders.caller(), "writer", log.signer.public_key)
        retire(tx, second, OFFICER, "writer", log.signer.public_key, "已更换")
    write(database, log, "z")  # still on its way
    assert seal_all(database, signer, terms).problems == ()
    write(database, log, "late")
    write(database, second, "other")
    sealed = seal_all(database, signer, terms)
    assert [(one.code, one.stream, one.detail) for one in sealed.problems] == [
        ("key-ended", "system/late", log.signer.key_id)
    ]
    assert sealed.taken == 1
    with database.transaction() as tx, pytest.raises(NotFound):
        retire(tx, second, OFFICER, "writer", log.signer.public_key, "再次")
    present(database, second, log.signer)  # type: ignore[arg-type] # the way out: it counts once more
    assert seal_all(database, signer, terms).problems == ()
    assert assert_sound(database, terms, signer) == 7


def test_a_revoked_key_says_since_when(database: Database, log: Log, second: Log) -> None:
    with database.transaction() as tx:
        retire(tx, second, OFFICER, "writer", log.signer.public_key, "失窃", NOW - timedelta(days=1))
    with database.reading() as tx:
        (one,) = told(tx)
    assert (one.act.kind, one.act.since, one.index) == ("key.revoked", "2024-07-07T01:00:00.000000Z", None)
    assert b64encode(one.act.public_key) == b64encode(log.signer.public_key)


def test_the_logs_key_is_handed_over_only_where_the_signed_tree_tells_of_it(
    database: Database, log: Log, tmp_path: Path
) -> None:
    suites = (SHA256, suite_named("sm3"))
    terms, old = terms_for(tmp_path, log, suites=suites), log_signer(tmp_path)
    new = load_or_create_signer(tmp_path / "next" / "log.key")
    seal_all(database, old, terms)
    present(database, log, new, "log")
    with pytest.raises(NotSealedYet):
        hand_over(database, old, new, terms, NOW)
    seal_all(database, old, terms)
    hand_over(database, old, new, terms, NOW)
    for folder, origin in ((terms.folder, ORIGIN), (terms.folder / "sm3", f"{ORIGIN}/sm3")):
        note = (folder / "handovers" / "1").read_bytes()
        assert {open_head(note, origin, key.public_key).head.size for key in (old, new)} == {1}
    seal_all(database, old, terms)  # before the key file is replaced, the old key still goes on
    write(database, log, "a")
    for _ in range(2):
        assert seal_once(database, new, terms, NOW).problems == ()
    assert assert_sound(database, terms, new) == assert_sound(database, terms, new, suites[1]) == 2
