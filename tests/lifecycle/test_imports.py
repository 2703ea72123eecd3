"""Workbooks brought in: shown first, then entered whole by the digest of what was shown, or not at all."""

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from lifecycle import batches
from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.canonical import parse_canonical
from lifecycle.database import Database
from lifecycle.errors import Forbidden, ImportRefused, PreviewStale, Refusal, RulesUnmet, Unreadable
from lifecycle.exports import export_ledger
from lifecycle.imports import Imported, ImportPreview, commit_import, preview_import, vocabulary
from lifecycle.replay import drift_of_batch
from lifecycle.signing import verify_receipt
from lifecycle.snapshots import application_of
from lifecycle.statements import Row
from lifecycle.workbook import (
    LedgerRow,
    QuotaRow,
    ShortlistRow,
    TaskRow,
    read_summary,
    write_ledger,
    write_quotas,
    write_shortlist,
    write_tasks,
)
from states.facts import Application, Member, UnitRole
from states.policy import read_policy
from tests.lifecycle import builders
from tests.lifecycle.builders import JINAN, QINGDAO, application, caller, credit_code
from tests.lifecycle.test_database import contents
from tests.lifecycle.test_projects import refused

WORDS = vocabulary(read_policy(builders.POLICY_TEXT))
HANDLER = caller("handler")
FILED = [
    application(
        1,
        rank=1,
        starts_on=date(2024, 7, 1),
        ends_on=date(2025, 6, 30),
        remarks="=1+1",
        members=(*application(1).members, Member("参与单位", credit_code(70), UnitRole.OTHER)),
    ),
    application(2, QINGDAO, rank=2, ownership="provincial_soe", group="某集团", investment_fen=123_456_700),
    application(3, rank=2, opinion=None, contact_name=None, contact_phone=None),
]


@pytest.fixture
def batch(database: Database, log: Log) -> Row:
    return builders.open_batch(database, log)


def summary(applications: Sequence[Application]) -> bytes:
    """Return a summary table with these projects."""
    return write_ledger([LedgerRow(item, None, None, "", "", 1) for item in applications], WORDS)


def preview(database: Database, batch: Row, data: bytes, kind: str = "projects", by: Caller = HANDLER) -> ImportPreview:
    with database.reading() as tx:
        return preview_import(tx, by, batch, kind, data)


def commit(
    database: Database, log: Log, batch: Row, data: bytes, digest: str, kind: str = "projects", by: Caller = HANDLER
) -> Imported:
    with attempt(database, log, by, ("batch", batch["id"]), f"import_{kind}") as tx:
        return commit_import(tx, log, by, batch, kind, data, digest)


def bring_in(database: Database, log: Log, batch: Row, data: bytes, kind: str = "projects") -> Imported:
    return commit(database, log, batch, data, preview(database, batch, data, kind).digest, kind)


def filed_in(database: Database, imported: Imported) -> list[Application]:
    return [application_of(builders.read_project(database, name)) for name, _ in imported.projects]


def errors(shown: ImportPreview) -> list[tuple[str, int, str, str]]:
    return [(error.sheet, error.row, error.header, error.code) for error in shown.errors]


def last_entry(database: Database, batch: Row) -> Any:
    return parse_canonical(builders.read_entries(database, f"batch/{batch['id']}")[-1]["body"])


def test_a_summary_table_is_shown_and_then_entered_by_its_digest(database: Database, log: Log, batch: Row) -> None:
    data = summary(FILED)
    before = contents(database)
    told = preview(database, batch, data).to_dict()
    assert contents(database) == before
    assert (told["kind"], told["sheet"], told["ready"], told["by_city"]) == (
        "projects",
        "汇总表",
        True,
        {JINAN: 2, QINGDAO: 1},
    )
    assert told["counts"] == {"rows": 3, "errors": 0, "warnings": 0}
    assert [row["title"] for row in told["rows"]] == [item.title for item in FILED]
    imported = commit(database, log, batch, data, told["digest"])
    assert (imported.rows, [code for _, code in imported.projects]) == (
        3,
        [f"sd-gongfu-2024-2-{number:05d}" for number in (1, 2, 3)],
    )
    assert filed_in(database, imported) == FILED
    entry = last_entry(database, batch)
    assert (entry["type"], {change["path"]: change["new"] for change in entry["changes"]}) == (
        "batch.imported",
        {"/import/kind": "projects", "/import/sha256": hashlib.sha256(data).hexdigest(), "/import/rows": 3},
    )
    assert (imported.receipt.stream, imported.receipt.seq) == (f"batch/{batch['id']}", entry["seq"])
    assert verify_receipt(imported.receipt, log.signer.public_key)
    with database.reading() as tx:
        assert drift_of_batch(tx, batch["id"]) == {}


def test_tasks_quotas_and_shortlists_are_entered_the_same_way(database: Database, log: Log, batch: Row) -> None:
    tables = {
        "tasks": write_tasks([TaskRow(0, "T01", "新名", "甲类"), TaskRow(0, "T09", "新任务")]),
        "quotas": write_quotas([QuotaRow(0, JINAN, 7), QuotaRow(0, "370300", 0)], WORDS),
        "shortlist": write_shortlist([ShortlistRow(0, "甲公司", credit_code(3), "第一批", "某项目")]),
    }
    for kind, data in tables.items():
        shown = preview(database, batch, data, kind)
        assert (shown.ready, shown.errors, shown.warnings) == (True, [], [])
        imported = commit(database, log, batch, data, shown.digest, kind)
        assert (imported.kind, imported.projects) == (kind, ())
        entry = last_entry(database, batch)
        assert {change["path"]: change["new"] for change in entry["changes"]} == {
            "/import/kind": kind,
            "/import/sha256": hashlib.sha256(data).hexdigest(),
            "/import/rows": len(shown.rows),
        }
    with database.reading() as tx:
        tasks = [(row["code"], row["title"], row["category"]) for row in tx.fetch(batches.TASKS, batch=batch["id"])]
        pool = {"of_scope": batch["id"], "of_pool": "city_quota"}
        quotas = {row["key"]: (row["ceiling"], row["used"]) for row in tx.fetch(batches.CAPACITIES, **pool)}
    assert tasks == [
        ("T01", "新名", "甲类"),
        ("T02", "任务T02", None),
        ("T03", "任务T03", None),
        ("T09", "新任务", None),
    ]
    assert quotas == {JINAN: (7, 0), QINGDAO: (900, 0), "370300": (0, 0)}
    (row,) = builders.create_projects(database, log, batch, [application(1)])  # its manufacturer is on the shortlist
    unmet: Any = refused(RulesUnmet, lambda: builders.act(database, log, row["id"], "submit"))
    assert [finding.check for finding in unmet.findings if finding.blocks] == ["not_shortlisted_before"]


def test_with_one_error_nothing_is_entered_and_each_error_names_its_cell(
    database: Database, log: Log, batch: Row
) -> None:
    lead = replace(FILED[0].members[0], credit_code="91370100MA00000000")
    broken = [replace(FILED[0], members=(lead, *FILED[0].members[1:])), replace(FILED[1], city="济宁市区"), FILED[2]]
    data = summary(broken)
    shown = preview(database, batch, data)
    assert (shown.ready, list(shown.rows)) == (False, [])
    assert errors(shown) == [
        ("汇总表", 5, "牵头单位 统一社会信用代码", "credit_code"),
        ("汇总表", 6, "市", "unknown_city"),
    ]
    before = contents(database)
    refusal = refused(ImportRefused, lambda: commit(database, log, batch, data, shown.digest))
    assert refusal.details["errors"] == shown.to_dict()["errors"]
    assert refusal.details["counts"] == {"rows": 0, "errors": 2, "warnings": 0}
    after = contents(database)
    assert {name for name in after if after[name] != before[name]} == {"entry", "pending", "batch"}  # the attempt
    entry = last_entry(database, batch)
    assert (entry["type"], entry["outcome"], entry["changes"][0]["new"]) == (
        "batch.attempted",
        "failed",
        "import-refused",
    )


def test_the_digest_is_of_this_file_for_this_batch_and_kind(database: Database, log: Log, batch: Row) -> None:
    data, other = summary(FILED), summary(FILED[:2])
    twin = builders.open_batch(database, log, "twin")
    digest = preview(database, batch, data).digest
    assert preview(database, batch, data).digest == digest
    assert digest not in {preview(database, batch, other).digest, preview(database, twin, data).digest}
    for where, what in ((batch, other), (twin, data)):
        refused(PreviewStale, lambda w=where, d=what: commit(database, log, w, d, digest))
    refused(PreviewStale, lambda: commit(database, log, batch, data, "0" * 64))
    with database.reading() as tx:
        assert [row["last_number"] for row in tx.fetch(batches.ALL)] == [0, 0]


def test_what_the_ledger_has_already_is_an_error_at_its_row(database: Database, log: Log, batch: Row) -> None:
    bring_in(database, log, batch, summary(FILED[:2]))
    data = summary(FILED)
    shown = preview(database, batch, data)
    assert errors(shown) == [("汇总表", row, "项目名称", "already_there") for row in (5, 6)]
    assert "sd-gongfu-2024-2-00001" in shown.errors[0].message.zh
    refused(ImportRefused, lambda: commit(database, log, batch, data, shown.digest))
    assert preview(database, builders.open_batch(database, log, "twin"), data).ready
    assert bring_in(database, log, batch, summary(FILED[2:])).projects[0][1] == "sd-gongfu-2024-2-00003"


def test_a_city_brings_in_its_own_rows_only(database: Database, log: Log, batch: Row) -> None:
    city = caller("city", city=JINAN)
    data, own, tasks = summary(FILED), summary([FILED[0], FILED[2]]), write_tasks([TaskRow(0, "T09", "新任务")])
    shown = preview(database, batch, data, by=city)
    assert errors(shown) == [("汇总表", 6, "市", "out_of_scope")]
    refused(ImportRefused, lambda: commit(database, log, batch, data, shown.digest, by=city))
    digest = preview(database, batch, own, by=city).digest
    assert filed_in(database, commit(database, log, batch, own, digest, by=city)) == [FILED[0], FILED[2]]
    for kind in ("tasks", "quotas", "shortlist"):
        refused(Forbidden, lambda k=kind: preview(database, batch, tasks, k, city))
    for role in ("applicant", "leader", "auditor", "expert", "public"):
        refused(Forbidden, lambda r=role: preview(database, batch, own, by=caller(r, unit=credit_code(2))))


def test_a_task_that_is_not_on_the_list_is_a_warning(database: Database, log: Log, batch: Row) -> None:
    data = summary([FILED[0], replace(FILED[2], task_code="T77")])
    shown = preview(database, batch, data)
    assert [(item.row, item.header, item.code, item.value) for item in shown.warnings] == [
        (6, "任务编号", "task_unlisted", "T77")
    ]
    assert (shown.ready, commit(database, log, batch, data, shown.digest).rows) == (True, 2)


def test_the_exported_ledger_comes_in_again_without_loss(database: Database, log: Log, batch: Row) -> None:
    first = bring_in(database, log, batch, summary(FILED))
    builders.act(
        database,
        log,
        first.projects[0][0],
        "submit",
        fields={**builders.STEPS["submit"].fields, "veto_checks": builders.veto_checks(date(2024, 7, 20))},
    )
    with database.reading() as tx:
        data = export_ledger(tx, HANDLER, batch)
    twin = builders.open_batch(database, log, "twin")
    shown = preview(database, twin, data)
    assert (shown.errors, shown.warnings) == ([], [])
    again = commit(database, log, twin, data, shown.digest)
    assert filed_in(database, again) == FILED == filed_in(database, first)
    with database.reading() as tx:
        once_more = export_ledger(tx, HANDLER, twin)
    assert [row.application for row in read_summary(once_more, WORDS).rows] == FILED


def test_a_city_takes_out_its_own_projects_and_a_state_those_in_it(database: Database, log: Log, batch: Row) -> None:
    imported = bring_in(database, log, batch, summary(FILED))
    builders.drive(database, log, imported.projects[2][0], "withdrawn")

    def exported(by: Caller, state: str | None = None) -> list[str]:
        with database.reading() as tx:
            return [row.application.title for row in read_summary(export_ledger(tx, by, batch, state), WORDS).rows]

    titles = [item.title for item in FILED]
    assert exported(caller("auditor")) == titles
    assert exported(caller("city", city=QINGDAO)) == [titles[1]]
    assert exported(HANDLER, "withdrawn") == [titles[2]]
    for role in ("applicant", "expert", "public"):
        with pytest.raises(Forbidden), database.reading() as tx:
            export_ledger(tx, caller(role, unit=credit_code(2)), batch)


def test_what_is_no_workbook_of_the_kind_is_unreadable(database: Database, log: Log, batch: Row) -> None:
    good = summary(FILED)
    tables: list[tuple[str, bytes]] = [
        *(("projects", data) for data in (b"", b"PK\x03\x04", good[: len(good) // 2], "市,任务编号\n".encode())),
        *(("tasks", data) for data in (good[:-50], write_tasks([]))),
        ("quotas", write_tasks([TaskRow(0, "T01", "任务")])),
        ("colours", good),
    ]
    before = contents(database)
    for kind, data in tables:
        refused(Unreadable, lambda k=kind, d=data: preview(database, batch, d, k))
    assert contents(database) == before


def test_of_two_imports_of_the_same_file_at_once_one_wins(database: Database, log: Log, batch: Row) -> None:
    data = summary(FILED)
    digest = preview(database, batch, data).digest
    outcome: list[object] = []

    def second() -> None:
        try:
            outcome.append(commit(database, log, batch, data, digest))
        except Refusal as refusal:
            outcome.append(refusal)

    thread = threading.Thread(target=second)
    with database.transaction() as tx:
        first = commit_import(tx, log, HANDLER, batch, "projects", data, digest)
        thread.start()
        wait_until(lambda: not database.is_postgres or waits_for_a_lock(database))
    thread.join()
    assert [type(item) for item in outcome] == [ImportRefused]
    assert filed_in(database, first) == FILED
    with database.reading() as reader:
        assert batches.find_batch(reader, batch["id"])["last_number"] == len(FILED)


def wait_until(met: Callable[[], bool]) -> None:
    for _ in range(500):
        if met():
            return
        time.sleep(0.01)
    raise AssertionError("it never came")


def waits_for_a_lock(database: Database) -> bool:
    with database.reading() as tx:
        row = tx.driver.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
    return bool(row[0])
