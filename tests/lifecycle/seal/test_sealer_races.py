"""Twelve writers, a tenth of their transactions rolled back, a sealer meanwhile: nothing lost, nothing out of order."""

import random
import sqlite3
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from lifecycle.audit import Deed, Log, append_to_system
from lifecycle.database import Database
from lifecycle.seal.heads import TreeHead
from lifecycle.seal.merkle import SHA256
from lifecycle.seal.proofs import verify_consistency
from lifecycle.seal.sealer import seal_once
from lifecycle.seal.state import SealerBusy
from lifecycle.seal.trees import consistency
from tests.lifecycle import builders
from tests.lifecycle.seal.sealers import (
    NOW,
    assert_sound,
    count,
    log_signer,
    published,
    seal_all,
    sealed_rows,
    terms_for,
    write,
)

WRITERS = 12
ACTS, FULL = 25, 200  # transactions of each writer; of each in the campaign
ROLLED_BACK = 0.1
STREAMS = 5  # fewer than writers, so that they wait for one another
SEED = 20240708


class RolledBack(Exception):
    """Raised in a transaction to end it."""


def writer(database: Database, log: Log, number: int, kept: Counter[str], acts: int = ACTS) -> None:
    """Write transactions of one to three entries; their ids are of instants that go to and fro.

    Between entries and before the end is a random delay: transactions end in another order than they began, and entries
    that were written early appear late.
    """
    chance = random.Random(SEED + number)
    for _ in range(acts):
        streams = sorted(chance.sample(range(STREAMS), chance.randint(1, 3)))
        doer = builders.caller(now=NOW + timedelta(milliseconds=chance.randint(-5000, 5000)))
        try:
            with database.transaction() as tx:
                for stream in streams:
                    name = f"s{stream}"
                    append_to_system(tx, log, doer, Deed(f"system/{name}", "system.noted", ("system", name, None)))
                    tx.flush()
                    time.sleep(chance.random() / 1000)
                time.sleep(chance.random() / 500)
                if chance.random() < ROLLED_BACK:
                    raise RolledBack
        except RolledBack:
            kept["rolled back"] += 1
            continue
        except sqlite3.OperationalError:  # SQLite's one place was not had in time; nothing was begun
            kept["turned away"] += 1
            continue
        kept.update(f"system/s{stream}" for stream in streams)


@pytest.mark.campaign
def test_nothing_is_lost_while_many_write_and_one_seals(
    database: Database, log: Log, tmp_path: Path, campaign: bool
) -> None:
    """Three hundred transactions; two thousand four hundred in the campaign."""
    acts = FULL if campaign else ACTS
    terms, signer = terms_for(tmp_path, log, limit=40), log_signer(tmp_path)
    write(database, log, "s0")  # and the person's key is there: two who make it at once would wait crosswise
    counts = [Counter({"system/s0": 1}), *(Counter[str]() for _ in range(1, WRITERS))]
    threads = [
        threading.Thread(target=writer, args=(database, log, number, counts[number], acts)) for number in range(WRITERS)
    ]
    heads: list[TreeHead] = []
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        try:
            sealed = seal_once(database, signer, terms, NOW)
        except sqlite3.OperationalError:  # the same; the sealer that runs for good tries again too
            continue
        assert sealed.problems == ()
        heads.append(published(terms, signer).head)
    for thread in threads:
        thread.join()
    assert seal_all(database, signer, terms).problems == ()
    heads.append(published(terms, signer).head)

    written: Counter[str] = sum(counts, Counter())
    share = written.pop("rolled back") / (WRITERS * acts - written.pop("turned away", 0))
    assert ROLLED_BACK / 2 < share < ROLLED_BACK * 2
    assert len(written) == STREAMS
    assert len({head.size for head in heads}) > 3  # sealed while they wrote
    assert assert_sound(database, terms, signer) == written.total()
    assert Counter(row[1] for row in sealed_rows(database)) == written
    assert (count(database, "entry"), count(database, "pending")) == (written.total(), 0)
    last = heads[-1]
    with database.reading() as tx:
        rows = tx.driver.execute('SELECT entry_id FROM leaf ORDER BY "index"').fetchall()
        assert [row[0] for row in rows] != sorted(row[0] for row in rows)  # no order of ids would have found them all
        for head in {head for head in heads if head.size}:
            path = consistency(tx, head.size, last.size)
            assert verify_consistency(SHA256, head.size, last.size, head.root, last.root, path)


def test_several_sealers_at_once_make_one_tree(database: Database, log: Log, tmp_path: Path) -> None:
    """Each has a state of its own, as on machines of their own: the database alone keeps them apart."""
    signer, places = log_signer(tmp_path), [terms_for(tmp_path / str(number), log, limit=16) for number in range(4)]
    for terms in places:
        seal_once(database, signer, terms, NOW)  # before the first entry is sealed
    for number in range(WRITERS):
        writer(database, log, number, Counter(), acts=8)
    entries = count(database, "entry")
    faults: list[Exception] = []

    def sealer(number: int) -> None:
        while count(database, "pending"):
            try:
                seal_once(database, signer, places[number], NOW)
            except SealerBusy:
                continue
            except Exception as error:
                faults.append(error)
                raise

    threads = [threading.Thread(target=sealer, args=(number,)) for number in range(len(places))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    for terms in places:
        seal_all(database, signer, terms)
        assert assert_sound(database, terms, signer) == entries
