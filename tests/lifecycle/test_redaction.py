"""Redaction: two persons, a preview that shows no value, what goes, what stays, and a log that still holds together."""

import hashlib
import json
from base64 import b64encode
from datetime import date

import pytest

from lifecycle.audit import READ_KEY, Change, Log
from lifecycle.callers import Caller
from lifecycle.canonical import parse_canonical
from lifecycle.database import Database
from lifecycle.disclosing import disclose_entry
from lifecycle.errors import Conflict, Forbidden, NotFound, PreviewStale, Unreadable
from lifecycle.history import project_history
from lifecycle.objections import receiving
from lifecycle.people import NewPerson, add_person, tell
from lifecycle.projects import amend_project
from lifecycle.redaction.reading import list_redactions, preview_told, show_redaction
from lifecycle.redaction.register import STREAM, preview_redaction, withdraw_redaction
from lifecycle.replay import Withheld, drift, drift_of_batch, replay
from lifecycle.statements import Row
from tests.lifecycle.builders import (
    STEPS,
    act,
    at,
    caller,
    create_projects,
    document,
    drive,
    force,
    open_batch,
    read_entries,
    read_project,
)
from tests.lifecycle.redacting import ADMIN, HEAD, LATER, approve, propose, redact
from tests.lifecycle.test_database import contents

PHONE, NAME = "13800000000", "张三"
REDACTED = {"$withheld": "redacted"}
AUDITOR = caller("auditor", LATER)


@pytest.fixture
def batch(database: Database, log: Log) -> Row:
    return open_batch(database, log)


@pytest.fixture
def project(database: Database, log: Log, batch: Row) -> Row:
    return drive(database, log, create_projects(database, log, batch, 1)[0]["id"], "under_objection")


def drifting(database: Database, batch: Row) -> dict[str, list[str]]:
    with database.reading() as tx:
        return drift_of_batch(tx, batch["id"])


def created(database: Database, project: Row) -> Row:
    return read_entries(database, f"project/{project['id']}")[0]


def path_of(entry: Row, what: str) -> str:
    """Return the path of the disclosure of what an entry changed."""
    changes = parse_canonical(entry["body"])["changes"]
    return f"/changes/{next(at for at, change in enumerate(changes) if change['path'] == what)}/new"


def key_of(database: Database, person: str) -> bytes | None:
    with database.reading() as tx:
        row = tx.one(READ_KEY, wanted=person)
    return bytes(row["key"]) if row else None


def test_all_of_a_person_goes_from_the_log_and_the_live_row_by_two_persons(
    database: Database, log: Log, batch: Row, project: Row
) -> None:
    person, entry = f"contact/{project['id']}", created(database, project)
    name, preview = propose(database, log, person=person, erase=True)
    told = preview_told(preview)
    assert (told["number"], told["persons"]) == (2, {person: 2})
    assert [(one["stream"], [path["what"] for path in one["paths"]]) for one in told["entries"]] == [
        (f"project/{project['id']}", ["/contact_name", "/contact_phone"])
    ]
    assert [(one["path"], one["goes"]) for one in told["standing"]] == [
        ("/contact_name", True),
        ("/contact_phone", True),
    ]
    assert PHONE not in str(told)
    assert key_of(database, person) is not None
    with pytest.raises(Forbidden, match="another person"):
        approve(database, log, name, by=ADMIN)
    with pytest.raises(PreviewStale):
        approve(database, log, name, digest="0" * 64)
    assert approve(database, log, name) == 2
    everywhere = "".join(line for lines in contents(database).values() for line in lines)
    for value in (PHONE, NAME, ascii(NAME)[1:-1]):
        assert value not in everywhere
    assert key_of(database, person) is None
    after = read_project(database, project["id"])
    assert (after["contact_name"], after["contact_phone"]) == (None, None)
    assert (after["version"], after["opinion"]) == (project["version"] + 1, "同意推荐")
    with database.reading() as tx:
        rebuilt = replay(tx, project["id"])
        items = project_history(tx, caller("handler", LATER), project["id"]).items
        shown = show_redaction(tx, AUDITOR, name)
    assert (rebuilt["contact_name"], rebuilt["version"]) == (None, after["version"])
    shown_changes = {change["path"]: change["new"] for change in items[0]["changes"]}
    assert shown_changes["/contact_phone"] == REDACTED
    assert items[-1]["sentence"]["zh"].endswith("依批准清除个人信息")
    assert drifting(database, batch) == {}
    assert (shown["status"], shown["number"], shown["settled_by"]) == ("done", 2, "division_head")
    assert {one["entry"] for one in shown["gone"]} == {entry["id"]}
    with pytest.raises(Conflict):
        approve(database, log, name)


def test_the_entries_name_every_disclosure_in_the_form_that_the_verifier_reads(
    database: Database, log: Log, batch: Row
) -> None:
    rows = create_projects(database, log, batch, 60)
    entries = {created(database, row)["id"]: None for row in rows}
    redact(database, log, entries)
    bodies = [parse_canonical(entry["body"]) for entry in read_entries(database, STREAM)]
    assert [body["type"] for body in bodies] == ["redaction.proposed", *["disclosure.redacted"] * 2]
    named = [change["old"] for body in bodies[1:] for change in body["changes"] if change["path"] == "/disclosure"]
    assert len(named) == 180
    assert {one["entry"] for one in named} == set(entries)
    told = {change["path"]: change["new"] or change["old"] for change in bodies[1]["changes"][100:]}
    assert told["/redaction/proposed_by"] == "security_admin"
    assert bodies[1]["actor"]["id"] == "division_head"
    assert drifting(database, batch) == {}
    with database.reading() as tx:
        assert list_redactions(tx, AUDITOR).items[0]["number"] == 180


def test_chosen_values_go_from_the_log_alone_and_their_salts_cannot_be_computed_again(
    database: Database, log: Log, batch: Row, project: Row
) -> None:
    person, entry = f"contact/{project['id']}", created(database, project)
    path, key = path_of(entry, "/contact_phone"), key_of(database, f"contact/{project['id']}")
    _, preview = propose(database, log, {entry["id"]: [path]})
    assert [(one.path, one.erasable) for one in preview.standing] == [("/contact_phone", True)]
    redact(database, log, {entry["id"]: [path]})
    assert read_project(database, project["id"])["contact_phone"] == PHONE
    with database.reading() as tx:
        rebuilt = replay(tx, project["id"])
    assert (rebuilt["contact_phone"], rebuilt["contact_name"]) == (Withheld(entry["id"], path), NAME)
    assert drifting(database, batch) == {}
    assert key_of(database, person) not in (None, key)


def test_a_missing_disclosure_without_a_redaction_is_found(database: Database, log: Log, project: Row) -> None:
    entry = created(database, project)
    path = path_of(entry, "/opinion")
    force(database, ("DELETE FROM disclosure WHERE entry_id = ? AND path = ?", (entry["id"], path)))
    with database.reading() as tx:
        assert drift(tx, project["id"]) == [f"{path} of entry {entry['id']}: not disclosed, and not redacted"]


def test_an_objector_goes_from_the_objection_and_from_the_project_that_learnt_of_it(
    database: Database, log: Log, batch: Row
) -> None:
    row = drive(database, log, create_projects(database, log, batch, 1)[0]["id"], "in_publicity")
    officer, fields = caller("handler", at(date(2024, 8, 14))), {**STEPS["object"].fields, "objected_on": "2024-08-14"}
    with database.transaction() as tx:
        made = receiving.receive_objection(
            tx, log, officer, row["id"], fields, {"objection_material": document("m")}
        ).to_dict()
    learnt = read_entries(database, f"project/{row['id']}")[-1]
    paths = [path_of(learnt, f"/record/{name}") for name in ("objector_name", "objector_contact")]
    redact(database, log, {learnt["id"]: paths}, f"objector/{made['objection']}", erase=True)
    kept = contents(database)
    for table in ("objection", "project", "disclosure"):
        assert [line for line in kept[table] if "李四" in line or ascii("李四")[1:-1] in line] == []
    assert "objector_name" not in read_project(database, row["id"])["record"]
    assert drifting(database, batch) == {}
    last = read_entries(database, f"objection/{made['objection']}")[-1]
    assert last["type"] == "objection.redacted"


def test_a_proposal_is_withdrawn_or_settled_once(database: Database, log: Log, project: Row) -> None:
    name, _ = propose(database, log, person=f"contact/{project['id']}")
    with database.transaction() as tx:
        withdraw_redaction(tx, log, HEAD, name, "申请人撤回")
    with pytest.raises(Conflict):
        approve(database, log, name)
    with database.transaction() as tx, pytest.raises(Conflict):
        withdraw_redaction(tx, log, HEAD, name, None)
    types = [parse_canonical(entry["body"])["type"] for entry in read_entries(database, STREAM)]
    assert types == ["redaction.proposed", "redaction.withdrawn"]
    first, second = (propose(database, log, person=f"contact/{project['id']}")[0] for _ in range(2))
    approve(database, log, first)
    with pytest.raises(Conflict, match="nothing of it is left"):
        approve(database, log, second)
    for missing in ("x", name[:-1] + ("0" if name[-1] != "0" else "1")):
        with pytest.raises(NotFound):
            approve(database, log, missing, digest="0" * 64)


def test_what_has_changed_since_the_preview_is_not_approved(database: Database, log: Log, batch: Row) -> None:
    row = drive(database, log, create_projects(database, log, batch, 1)[0]["id"], "returned")
    name, preview = propose(database, log, person=f"contact/{row['id']}", erase=True)
    officer = caller("handler", at(date(2024, 7, 23)))
    with database.transaction() as tx:
        amend_project(tx, log, officer, row["id"], {"contact_phone": "13911112222"})
    with pytest.raises(PreviewStale):
        approve(database, log, name, digest=preview.digest)
    assert approve(database, log, name) == 3
    assert drifting(database, batch) == {}
    with database.transaction() as tx:  # and life goes on, under a new key
        amend_project(tx, log, officer, row["id"], {"contact_phone": "13933334444"})
    assert key_of(database, f"contact/{row['id']}") is not None
    assert drifting(database, batch) == {}


def test_who_may_not_redact_and_what_cannot_be_redacted_is_refused(database: Database, log: Log, project: Row) -> None:
    contact = f"contact/{project['id']}"
    for who in ("handler", "auditor", "leader", "city", "applicant", "system_admin"):
        with database.reading() as tx, pytest.raises(Forbidden):
            preview_redaction(tx, caller(who, LATER), {}, contact, erase_too=False)
    with pytest.raises(Forbidden, match="his own"):
        propose(database, log, person="user/security_admin")
    act(database, log, project["id"], "reject_objection", role="division_head", reason="甲")
    name, _ = propose(database, log, person="user/division_head")
    with pytest.raises(Forbidden, match="his own"):
        approve(database, log, name, by=HEAD)
    entry = created(database, project)
    bad: list[tuple[dict[str, list[str] | None], str | None]] = [
        ({}, None),
        ({"x": None}, None),
        ({entry["id"]: ["/changes/0/new"]}, None),
        ({entry["id"][:-4] + "0000": None}, None),
        ({}, "no person"),
        ({}, "user/nobody"),
    ]
    for entries, person in bad:
        with pytest.raises(Unreadable):
            propose(database, log, entries, person)
    for reader in ("handler", "city"):
        with database.reading() as tx, pytest.raises(Forbidden):
            list_redactions(tx, caller(reader, LATER))


def given(database: Database, log: Log, entry: str, by: Caller = AUDITOR) -> dict[str, object]:
    with database.transaction() as tx:
        return disclose_entry(tx, log, by, entry)[0]


def test_an_auditor_is_given_what_opens_each_commitment_and_that_is_on_record(
    database: Database, log: Log, project: Row
) -> None:
    entry = created(database, project)
    told = given(database, log, entry["id"])
    body = json.loads(str(told["body"]))
    assert hashlib.sha256(b"\x00" + str(told["body"]).encode()).hexdigest() == told["leaf"]
    values = {}
    for one in told["disclosures"]:  # type: ignore[attr-defined]
        text = json.dumps(
            ["pilot-audit/disclosure/v1", entry["id"], one["path"], one["salt"], one["value"]],
            ensure_ascii=False,
            separators=(",", ":"),
        )
        digest = b64encode(hashlib.sha256(b"\x02" + text.encode()).digest()).decode()
        _, _, number, side = one["path"].split("/")
        assert body["changes"][int(number)][side] == {"$c": digest} == {"$c": one["commitment"]}
        assert one["opens"] is True
        values[body["changes"][int(number)]["path"]] = one["value"]
    assert values == {"/opinion": "同意推荐", "/contact_name": NAME, "/contact_phone": PHONE}
    name = redact(database, log, {entry["id"]: [path_of(entry, "/contact_phone")]})
    again = given(database, log, entry["id"])
    assert [(one["redaction"], one["path"]) for one in again["withheld"]] == [  # type: ignore[attr-defined]
        (name, path_of(entry, "/contact_phone"))
    ]
    recorded = [parse_canonical(one["body"]) for one in read_entries(database, "audit")]
    assert [(one["type"], one["subject"]["id"], one["changes"][1]["new"]) for one in recorded] == [
        ("audit.disclosed", entry["id"], 3),
        ("audit.disclosed", entry["id"], 2),
    ]
    assert PHONE not in str(recorded)
    with pytest.raises(Forbidden):
        given(database, log, entry["id"], HEAD)
    for nowhere in ("x", entry["id"][:-4] + "0000"):
        with pytest.raises(NotFound):
            given(database, log, nowhere)


def test_the_name_of_a_person_stays_in_the_register_and_the_preview_says_so(
    database: Database, log: Log, batch: Row
) -> None:
    with database.transaction() as tx:
        person = add_person(tx, log, ADMIN, NewPerson("li", "李某", "handler"))
    with database.transaction() as tx:
        tell(tx, log, ADMIN, person, "user.address_added", [Change("/address", None, "x@y", f"user/{person}")])
    _, preview = propose(database, log, person=f"user/{person}", erase=True)
    assert [(one.kind, one.path, one.erasable) for one in preview.standing] == [("user", "/name", False)]
    redact(database, log, person=f"user/{person}")
    assert contents(database)["disclosure"] == [line for line in contents(database)["disclosure"] if "李某" not in line]
    assert [line for line in contents(database)["person"] if "李某" in line]
