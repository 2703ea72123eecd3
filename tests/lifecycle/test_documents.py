"""Documents: recorded in the subject's stream, in versions, within scopes; acts refer to stored ones and no others."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from lifecycle import bulk
from lifecycle.audit import Log
from lifecycle.bulk import Item
from lifecycle.callers import Caller
from lifecycle.database import Database
from lifecycle.documents import sweep as sweeping
from lifecycle.documents.keeping import Asked, announce, store_document
from lifecycle.documents.reading import download_name, find_document, list_documents
from lifecycle.errors import Busy, FileRefused, FileTooLarge, Forbidden, NotFound, Refusal, RulesUnmet, Unreadable
from lifecycle.files.drafts import receiving
from lifecycle.files.store import FileStore, open_store
from lifecycle.settings import Settings
from lifecycle.statements import Row
from tests.lifecycle import builders
from tests.lifecycle.builders import (
    JINAN,
    OPENED,
    QINGDAO,
    STEPS,
    STORING_POLICY_TEXT,
    act,
    at,
    caller,
    caller_for,
    create_projects,
    credit_code,
    document,
    read_entries,
    read_project,
    request_for,
)
from tests.lifecycle.filed import PDF, bring, word
from tests.lifecycle.officers import drift_of, last_body, told

BOOK = "application_book_pdf"


class House:
    """A batch whose acts refer to stored documents, its first project, and its file store."""

    def __init__(self, database: Database, log: Log, settings: Settings) -> None:
        self.database, self.log, self.settings = database, log, settings
        self.store: FileStore = open_store(settings)
        self.batch = builders.open_batch(database, log, policy_text=STORING_POLICY_TEXT)
        self.projects = create_projects(database, log, self.batch, 2)
        self.project = self.projects[0]
        self.applicant = caller_for("applicant", self.project, OPENED)

    def bring(
        self, who: Caller | None = None, kind: str = BOOK, name: str = "申报书.pdf", content: bytes = PDF, **more: Any
    ) -> dict[str, Any]:
        subject = more.pop("subject", ("project", self.project["id"]))
        asked = Asked(subject, kind, name, more.pop("replaces", None))
        return bring(self.database, self.log, self.store, self.settings, who or self.applicant, asked, content)

    def listed(self, who: Caller, subject: tuple[str, str] | None = None, **more: Any) -> list[dict[str, Any]]:
        with self.database.reading() as tx:
            return list_documents(tx, who, subject or ("project", self.project["id"]), **more)


@pytest.fixture
def house(database: Database, log: Log, settings: Settings) -> House:
    return House(database, log, settings)


def test_an_upload_is_a_recorded_act_of_the_project_and_leaves_its_version(house: House) -> None:
    kept = house.bring()
    row, body = read_project(house.database, house.project["id"]), last_body(house.database, house.project)
    assert (row["version"], row["head_seq"]) == (house.project["version"], house.project["head_seq"] + 1)
    assert body["type"] == "project.document_stored"
    first, second = body["changes"]
    assert first["new"] == {
        "id": kept["id"],
        "version": 1,
        "kind": BOOK,
        "stage": "application",
        "sha256": kept["sha256"],
        "size": len(PDF),
        "format": "pdf",
    }
    assert (second["path"], set(second["new"])) == ("/document_name", {"$c"})
    assert body["docs"] == [{"kind": BOOK, **kept["reference"]}]
    assert drift_of(house.database, house.project) == []
    sentence = told(house.database, caller("handler"), house.project)[-1]["sentence"]
    assert "上传材料：申报书（PDF盖章版）" in sentence["zh"]
    assert sentence["en"].endswith("brought in: application book, stamped PDF")


def test_versions_count_up_and_other_documents_of_the_kind_stand_beside(house: House) -> None:
    first = house.bring()
    second = house.bring(content=PDF + b"%%EOF", name="改.pdf", replaces=first["id"])
    other = house.bring(content=PDF + b"\n%%EOF")
    assert [(one["id"], one["version"]) for one in (first, second, other)] == [
        (first["id"], 1),
        (first["id"], 2),
        (other["id"], 1),
    ]
    newest = {(one["id"], one["version"]) for one in house.listed(house.applicant)}
    assert newest == {(first["id"], 2), (other["id"], 1)}
    assert len(house.listed(house.applicant, versions=True)) == 3
    with house.database.reading() as tx:
        old = find_document(tx, house.applicant, ("project", house.project["id"]), first["id"], 1)
    assert (old["sha256"], old["name"]) == (first["sha256"], "申报书.pdf")
    with pytest.raises(NotFound):
        house.bring(kind="consortium_agreement", replaces=first["id"])


def test_versions_brought_in_at_once_are_all_kept_one_after_the_other(house: House) -> None:
    first = house.bring()
    with ThreadPoolExecutor(4) as threads:
        done = list(
            threads.map(lambda n: house.bring(content=PDF + bytes([10] * n), replaces=first["id"]), range(1, 9))
        )
    assert sorted(one["version"] for one in done) == list(range(2, 10))
    listed = house.listed(house.applicant, versions=True)
    assert [one["version"] for one in listed] == list(range(1, 10))
    assert drift_of(house.database, house.project) == []


def test_the_same_content_of_many_documents_lies_in_the_store_once(house: House) -> None:
    one, other = house.bring(), house.bring(kind="consortium_agreement")
    assert (one["sha256"], len(house.store.held())) == (other["sha256"], 1)


@pytest.mark.parametrize(
    ("kind", "content", "why"),
    [(BOOK, word(), "format"), ("application_book_word", PDF, "format"), (BOOK, b"<html>", "unknown")],
)
def test_a_file_that_is_not_what_its_kind_asks_for_is_refused_on_record(
    house: House, kind: str, content: bytes, why: str
) -> None:
    with pytest.raises(FileRefused) as refused:
        house.bring(kind=kind, content=content, name="申报书.pdf")
    assert refused.value.details["why"] == why
    body = last_body(house.database, house.project)
    assert (body["type"], body["outcome"]) == ("project.attempted", "failed")
    assert (house.listed(house.applicant), house.store.held()) == ([], [])


def test_the_batch_says_how_large_a_file_may_be(database: Database, log: Log, settings: Settings) -> None:
    text = STORING_POLICY_TEXT.replace("max_bytes = 104_857_600", f"max_bytes = {len(PDF)}")
    batch = builders.open_batch(database, log, policy_text=text)
    (row,) = create_projects(database, log, batch, 1)
    who, asked = caller_for("applicant", row, OPENED), Asked(("project", row["id"]), BOOK, "a.pdf")
    store = open_store(settings)
    bring(database, log, store, settings, who, asked)
    with pytest.raises(FileTooLarge):
        bring(database, log, store, settings, who, asked, PDF + b"\n")


@pytest.mark.parametrize("name", ["", "  ", "a" * 201, "a\x00b.pdf", "申报\u202efdp.exe", "a\nb.pdf", "/", "\ud800"])
def test_a_name_that_cannot_be_read_is_refused(house: House, name: str) -> None:
    with pytest.raises(Refusal):
        house.bring(name=name)
    assert house.listed(house.applicant) == []


def test_folders_are_taken_off_a_name_and_a_download_ends_as_its_content_does(house: House) -> None:
    assert house.bring(name="C:\\我的文档\\申报书.PDF")["name"] == "申报书.PDF"
    assert download_name({"name": "申报书.exe", "format": "pdf"}) == "申报书.exe.pdf"
    assert download_name({"name": "照片.JPEG", "format": "jpg"}) == "照片.JPEG"


def test_each_brings_and_sees_within_reach_and_hidden_kinds_are_not_there(house: House) -> None:
    project, hidden = house.project, "objection_material"
    city = caller_for("city", project, OPENED)
    others = [caller("applicant", unit=credit_code(999)), caller("city", city=QINGDAO), caller("expert")]
    for stranger in others:
        with pytest.raises(NotFound):
            house.bring(stranger)
    for who, kind in [(caller("auditor"), BOOK), (caller("leader"), BOOK), (city, "payment_voucher")]:
        with pytest.raises(Refusal):
            house.bring(who, kind)
    for who in (house.applicant, city):
        with pytest.raises(Unreadable):
            house.bring(who, hidden)
    kept, secret = house.bring(), house.bring(caller("handler"), hidden)
    assert [one["kind"] for one in house.listed(caller("handler"))] == [BOOK, hidden]
    for who in (house.applicant, city):
        assert [one["id"] for one in house.listed(who)] == [kept["id"]]
        assert hidden not in str(told(house.database, who, project))
        with house.database.reading() as tx, pytest.raises(NotFound):
            find_document(tx, who, ("project", project["id"]), secret["id"])
    assert hidden in str(told(house.database, caller("auditor"), project))


def test_a_batchs_documents_are_the_provinces_and_each_citys_own(house: House) -> None:
    batch, kind = ("batch", house.batch["code"]), "recommendation_document"
    jinan, qingdao = (caller("city", city=city) for city in (JINAN, QINGDAO))
    own = house.bring(jinan, kind, subject=batch)
    with pytest.raises(NotFound):
        house.bring(qingdao, kind, subject=batch, replaces=own["id"])
    with pytest.raises(Forbidden):
        house.bring(house.applicant, kind, subject=batch)
    assert [one["id"] for one in house.listed(jinan, batch)] == [own["id"]]
    assert house.listed(qingdao, batch) == []
    assert [one["id"] for one in house.listed(caller("auditor"), batch)] == [own["id"]]
    assert read_entries(house.database, f"batch/{house.batch['id']}")[-1]["type"] == "batch.document_stored"


def _submitted(house: House, **documents: dict[str, Any]) -> list[str]:
    """Try to submit with these documents, and return the checks that refuse."""
    request = request_for("submit", house.project)
    who = caller_for("applicant", house.project, at(STEPS["submit"].on))
    with house.database.reading() as tx:
        decision = builders.transition.try_transition(
            tx, who, house.project["id"], builders.replace(request, documents=documents)
        )
    return [finding.check for finding in decision.refusals]


def test_an_act_refers_to_stored_documents_of_the_project_and_kind(house: House) -> None:
    book, text = house.bring()["reference"], house.bring(kind="application_book_word", content=word())["reference"]
    signed = house.bring(kind="consortium_agreement")["reference"]
    good = {BOOK: book, "application_book_word": text, "consortium_agreement": signed}
    assert _submitted(house, **good) == []
    elsewhere = house.bring(caller("handler"), subject=("project", house.projects[1]["id"]))["reference"]
    wrong = [
        document(),
        {**book, "id": str(uuid4())},
        {**book, "version": 2},
        {**book, "sha256": "0" * 64},
        {**book, "size": book["size"] + 1},
        signed,  # of another kind
        elsewhere,
    ]
    for reference in wrong:
        assert _submitted(house, **{**good, BOOK: reference}) == ["documents_stored"], reference
    outcome = act(house.database, house.log, house.project["id"], "submit", documents=good)
    assert outcome.target == "applied"
    assert read_project(house.database, house.project["id"])["documents"][BOOK] == book


def test_many_at_once_refer_to_a_document_of_their_city(house: House) -> None:
    kind, rows = "recommendation_document", house.projects
    for row in rows:
        own = {
            name: house.bring(caller("handler"), name, content=content, subject=("project", row["id"]))["reference"]
            for name, content in ((BOOK, PDF), ("application_book_word", word()), ("consortium_agreement", PDF))
        }
        act(house.database, house.log, row["id"], "submit", documents=own)
    jinan, qingdao = (caller("city", at(STEPS["recommend"].on), city=city) for city in (JINAN, QINGDAO))
    batch = ("batch", house.batch["code"])
    letters = {who: house.bring(who, kind, subject=batch)["reference"] for who in (jinan, qingdao)}
    items = [Item(row["id"], fields={"rank": number}) for number, row in enumerate(rows, 1)]

    def preview(reference: dict[str, Any]) -> list[list[str]]:
        request = builders.replace(request_for("recommend", rows[0]), documents={kind: reference})
        with house.database.reading() as tx:
            found = bulk.preview_transitions(tx, jinan, request, items, 10)
        return [[finding.check for finding in row.decision.refusals] for row in found.rows]

    assert preview(letters[jinan]) == [[], []]
    assert preview(letters[qingdao]) == preview(document()) == [["documents_stored"], ["documents_stored"]]


def test_where_references_may_name_what_lies_elsewhere_a_stored_id_must_still_be_right(
    database: Database, log: Log
) -> None:
    batch = builders.open_batch(database, log)
    (row,) = create_projects(database, log, batch, 1)
    documents = {**request_for("submit", row).documents, BOOK: {**document(), "id": str(uuid4())}}
    with pytest.raises(RulesUnmet, match="stored"):
        act(database, log, row["id"], "submit", documents=documents)
    act(database, log, row["id"], "submit")


def _sweeper(days: int) -> Caller:
    return caller("system_admin", builders.timedelta(days=days) + OPENED)


def test_a_sweep_shows_first_and_takes_what_belongs_to_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = house.bring()
    asked = Asked(("project", house.project["id"]), BOOK, "b.pdf")
    with receiving(house.store.incoming, 100_000) as draft:  # killed before the document was registered
        draft.write(PDF + b"\n")
        with house.database.transaction() as tx:
            announce(tx, house.applicant, house.settings, asked, draft)
        house.store.keep(draft)
    stray, half = Path(house.store.root) / "notes.txt", house.store.incoming / "left-behind"
    unknown = Path(house.store.place_of("f" * 64))
    unknown.parent.mkdir(parents=True)
    for path in (stray, half, unknown):
        path.write_bytes(b"x")
    with house.database.reading() as tx, pytest.raises(Forbidden):
        sweeping.may_sweep(house.applicant)
    # Files carry the machine's own time, documents that of the batch: look at both from far ahead.
    far = _sweeper(365 * 100)
    shown = sweeping.find_orphans(house.database, house.store, far)
    assert sorted((one.why, one.sha256) for one in shown.orphans if one.sha256) == [
        ("unknown", "f" * 64),
        ("unused", draft.sha256),
    ]
    assert sorted(one.why for one in shown.orphans) == ["half", "stray", "unknown", "unused"]
    assert sweeping.find_orphans(house.database, house.store, _sweeper(0)).orphans == []
    assert sweeping.sweep(house.database, house.store, house.log, far).orphans == shown.orphans
    assert [held.name for held in house.store.held()] == [kept["sha256"]]
    assert sweeping.find_orphans(house.database, house.store, far).to_dict() == {
        "files": 1,
        "orphans": [],
        "missing": [],
    }
    assert read_entries(house.database, "system/files")[-1]["type"] == "system.files_swept"
    house.store.remove(house.store.place_of(kept["sha256"]))
    assert sweeping.find_orphans(house.database, house.store, far).missing == [kept["sha256"]]


def test_a_sweep_killed_half_way_holds_the_upload_off_and_the_next_one_ends_it(house: House) -> None:
    asked = Asked(("project", house.project["id"]), BOOK, "b.pdf")
    far = _sweeper(2)
    with receiving(house.store.incoming, 100_000) as draft:
        draft.write(PDF)
        with house.database.transaction() as tx:
            announce(tx, house.applicant, house.settings, asked, draft)
        house.store.keep(draft)
        (orphan,) = sweeping.find_orphans(house.database, house.store, far).orphans
        assert sweeping._mark(house.database, far, orphan)
        with house.database.transaction() as tx, pytest.raises(Busy):
            store_document(tx, house.log, house.applicant, asked, draft.sha256)
    with pytest.raises(Busy):
        house.bring()
    sweeping.sweep(house.database, house.store, house.log, far)
    assert house.store.held() == []
    assert house.bring()["version"] == 1


def test_a_file_that_found_its_document_meanwhile_is_not_swept(house: House) -> None:
    asked = Asked(("project", house.project["id"]), BOOK, "b.pdf")
    far = _sweeper(2)
    with receiving(house.store.incoming, 100_000) as draft:
        draft.write(PDF)
        with house.database.transaction() as tx:
            announce(tx, house.applicant, house.settings, asked, draft)
        house.store.keep(draft)
        (orphan,) = sweeping.find_orphans(house.database, house.store, far).orphans
        with house.database.transaction() as tx:
            store_document(tx, house.log, house.applicant, asked, draft.sha256)
    assert not sweeping._mark(house.database, far, orphan)


def test_a_document_is_never_changed_nor_taken_away(house: House) -> None:
    house.bring()
    for statement in ("UPDATE document SET name = 'x'", "DELETE FROM document"):
        with pytest.raises(Exception, match="append-only"), house.database.transaction() as tx:
            tx.execute_driver(statement)


def test_the_rows_of_a_project_that_has_ended_are_added_to_by_the_province_alone(house: House) -> None:
    ended: Row = house.project
    act(house.database, house.log, ended["id"], "withdraw")
    with pytest.raises(Forbidden):
        house.bring()
    assert house.bring(caller("handler"))["version"] == 1
