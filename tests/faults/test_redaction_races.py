"""Redactions and other acts at the same moment: each disclosure goes once, and log and rows agree whoever is first."""

from datetime import date

from lifecycle.audit import Log
from lifecycle.canonical import parse_canonical
from lifecycle.database import Database
from lifecycle.errors import Conflict, PreviewStale
from lifecycle.projects import amend_project
from lifecycle.redaction.register import STREAM
from lifecycle.replay import drift_of_batch
from tests.faults.test_races import at_once
from tests.lifecycle.builders import at, caller, create_projects, drive, open_batch, read_entries
from tests.lifecycle.redacting import LATER, approve, propose

PHONES = ("13911110000", "13922220000", "13933330000")


def test_two_approvals_and_amendments_at_once_leave_one_redaction_and_no_drift(database: Database, log: Log) -> None:
    batch = open_batch(database, log)
    row = drive(database, log, create_projects(database, log, batch, 1)[0]["id"], "returned")
    name, preview = propose(database, log, person=f"contact/{row['id']}", erase=True)
    heads = [caller("division_head", LATER, person=f"head{number}") for number in range(2)]

    def amend(phone: str) -> None:
        with database.transaction() as tx:
            amend_project(tx, log, caller("handler", at(date(2024, 7, 23))), row["id"], {"contact_phone": phone})

    approvals = [lambda who=who: approve(database, log, name, who, preview.digest) for who in heads]
    answers = at_once([*approvals, *(lambda phone=phone: amend(phone) for phone in PHONES)])
    approved, amended = answers[:2], answers[2:]
    assert amended == [None] * len(PHONES)
    done = [answer for answer in approved if answer == 2]
    refused = [answer for answer in approved if isinstance(answer, Conflict | PreviewStale)]
    assert (len(done) <= 1, len(done) + len(refused)) == (True, 2), approved
    types = [parse_canonical(entry["body"])["type"] for entry in read_entries(database, STREAM)]
    assert types.count("disclosure.redacted") == len(done)
    with database.reading() as tx:
        assert drift_of_batch(tx, batch["id"]) == {}
