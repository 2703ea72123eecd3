"""Many projects in one act: what the preview shows is what the commit does, as the one door would, or nothing."""

import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
import sqlalchemy as sa

from lifecycle import batches, versions
from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.bulk import BulkOutcome, Item, Preview, preview_transitions, transition_projects
from lifecycle.callers import Caller
from lifecycle.canonical import parse_canonical
from lifecycle.commitments import is_commitment
from lifecycle.database import Database, Transaction
from lifecycle.errors import NotFound, PreviewStale, Refusal, RulesUnmet, Unreadable
from lifecycle.requests import Request
from lifecycle.signing import verify_receipt
from lifecycle.statements import Row, Statement
from lifecycle.surroundings import capacity
from lifecycle.tables import Checkpoint, Disclosure
from lifecycle.transition import transition_project
from states.facts import Member, UnitRole
from tests.lifecycle import builders
from tests.lifecycle.builders import JINAN, POLICY_TEXT, QINGDAO, STEPS, act, application, at, caller, read_project
from tests.lifecycle.test_database import contents
from tests.lifecycle.test_projects import drift_in, refused

_check = Checkpoint.__table__  # type: ignore[attr-defined]
CHECKPOINTS = Statement(
    sa.select(_check)
    .where(_check.c.project_id == sa.bindparam("of"))
    .order_by(_check.c.version, _check.c.kind, _check.c.number)
)
DISCLOSURES = Statement(sa.select(Disclosure.__table__))  # type: ignore[attr-defined]
ROOMS = Statement(sa.select(capacity).order_by(capacity.c.pool, capacity.c.key))
JULY = at(STEPS["submit"].on)
CITY = caller("city", JULY, city=JINAN)
LIMIT = 50


@pytest.fixture
def batch(database: Database, log: Log) -> Row:
    return builders.open_batch(database, log)


def request_for(event: str, row: Row) -> Request:
    """Return the part of a lawful request that all projects share."""
    request = builders.request_for(event, row)
    return replace(request, fields={name: value for name, value in request.fields.items() if name != "rank"})


def preview(database: Database, doer: Caller, request: Request, items: Sequence[Item | str]) -> Preview:
    with database.reading() as tx:
        return preview_transitions(tx, doer, request, as_items(items), LIMIT)


def as_items(items: Sequence[Item | str]) -> list[Item]:
    return [Item(item) if isinstance(item, str) else item for item in items]


def commit(
    database: Database, log: Log, doer: Caller, request: Request, items: Sequence[Item | str], digest: str
) -> BulkOutcome:
    with attempt(database, log, doer, ("bulk", digest), request.event) as tx:
        return transition_projects(tx, log, doer, request, as_items(items), digest, LIMIT)


def do(database: Database, log: Log, doer: Caller, request: Request, items: Sequence[Item | str]) -> BulkOutcome:
    """Preview and commit."""
    return commit(database, log, doer, request, items, preview(database, doer, request, items).digest)


def states(database: Database, rows: Sequence[Row]) -> list[str]:
    return [read_project(database, row["id"])["state"] for row in rows]


def ids(rows: Sequence[Row]) -> list[str]:
    return [row["id"] for row in rows]


def ranked(rows: Sequence[Row]) -> list[Item]:
    return [Item(row["id"], fields={"rank": number}) for number, row in enumerate(rows, 1)]


def test_a_preview_shows_each_row_the_sums_by_city_and_the_capacities_and_writes_nothing(
    database: Database, log: Log, batch: Row
) -> None:
    filed = [application(1), application(2, investment_fen=1), application(3, QINGDAO)]
    rows = builders.create_projects(database, log, batch, filed)
    doer = caller("handler", at(date(2024, 7, 21)))
    request = Request("waive", {"waived_rules": ["R13"]}, reason="x")
    before = contents(database)
    told = preview(database, doer, request, ids(rows)).to_dict()
    assert (told["event"], told["batch"], told["counts"]) == ("waive", batch["id"], {"allowed": 3, "blocked": 0})
    assert told["by_city"] == {JINAN: {"allowed": 2, "blocked": 0}, QINGDAO: {"allowed": 1, "blocked": 0}}
    assert told["capacities"] == []
    told = preview(database, CITY, request_for("submit", rows[0]), ids(rows[:2])).to_dict()
    assert (told["counts"], told["by_city"]) == (
        {"allowed": 1, "blocked": 1},
        {JINAN: {"allowed": 1, "blocked": 1}},
    )
    shown = [(row["project"], row["code"], row["from"], row["to"], row["allowed"]) for row in told["rows"]]
    assert shown == [
        (rows[0]["id"], rows[0]["code"], "draft", "applied", True),
        (rows[1]["id"], rows[1]["code"], "draft", None, False),
    ]
    assert [finding["check"] for finding in told["rows"][1]["refusals"]] == ["investment_sufficient"]
    one = [(item["pool"], item["used"], item["change"], item["left"]) for item in told["capacities"]]
    assert sorted(one) == [
        ("manufacturer_projects", 0, 0, 1),
        ("manufacturer_projects", 0, 1, 0),
        ("provider_projects", 0, 0, 2),
        ("provider_projects", 0, 1, 1),
    ]
    assert contents(database) == before


def opened(body: Any, disclosed: dict[tuple[str, str], Any], entry: str, path: str = "") -> Any:
    """Return a body with the committed values in place of their commitments."""
    if is_commitment(body):
        return {"committed": disclosed[entry, path]}
    if isinstance(body, dict):
        return {name: opened(value, disclosed, entry, f"{path}/{name}") for name, value in body.items()}
    if isinstance(body, list):
        return [opened(value, disclosed, entry, f"{path}/{index}") for index, value in enumerate(body)]
    return body


def lived(database: Database, batch: Row, row: Row) -> str:
    """Return all that is kept of a project, but for what must differ in a twin: ids, hashes, names of the batch."""
    with database.reading() as tx:
        checkpoints = [{**item, "id": None} for item in tx.fetch(CHECKPOINTS, of=row["id"])]
        disclosed = {(item["entry_id"], item["path"]): item["value"] for item in tx.fetch(DISCLOSURES)}
        scopes = (batch["id"], batch["programme"])
        rooms = [
            {**item, "scope": None}
            for item in tx.fetch(ROOMS)
            if item["scope"] in scopes and (item["used"] or item["ceiling"])
        ]
    entries = [
        {**opened(parse_canonical(entry["body"]), disclosed, entry["id"]), "id": None, "prev": None}
        for entry in builders.read_entries(database, f"project/{row['id']}")
    ]
    project = {**read_project(database, row["id"]), "head_hash": None}
    project["plan"] = [{**item, "id": None} for item in project["plan"]]
    text = orjson.dumps([project, checkpoints, entries, rooms], option=orjson.OPT_SORT_KEYS, default=str).decode()
    for name in ("policy_hash", "id", "code", "programme"):
        text = text.replace(batch[name], name)
    return text.replace(row["id"], "project")


def test_a_bulk_act_leaves_what_the_one_door_would_have_left(database: Database, log: Log, batch: Row) -> None:
    policy = POLICY_TEXT.replace('programme = "gongfu-baijing"', 'programme = "twin"')
    twin = builders.open_batch(database, log, "twin", policy_text=policy)
    filed = [application(n, **({"investment_fen": 1} if n == 2 else {})) for n in range(1, 5)]
    rows, twins = (builders.create_projects(database, log, each, filed) for each in (batch, twin))
    steps = [
        (CITY, request_for("submit", rows[0]), [Item(name) for name in ids(rows)]),
        (replace(CITY, now=at(STEPS["recommend"].on)), request_for("recommend", rows[0]), ranked(rows)),
        (caller("handler", at(STEPS["accept_filing"].on)), request_for("accept_filing", rows[0]), ranked([])),
    ]
    for doer, request, given in steps:
        items = given or [Item(name) for name in ids(rows)]
        shown = preview(database, doer, request, items)
        assert [row.decision.allowed for row in shown.rows] == [True, False, True, True]
        done = commit(database, log, doer, request, items, shown.digest)
        assert (len(done.moved), done.left, len(done.receipts)) == (3, 1, 4)
        assert all(verify_receipt(receipt, log.signer.public_key) for receipt in done.receipts)
        for item, row in zip(items, twins, strict=True):
            if item.project in {name for name, _, _ in done.moved}:
                alone = replace(request, fields={**request.fields, **(item.fields or {})})
                with database.transaction() as tx:
                    transition_project(tx, log, doer, row["id"], alone)
        for row, other in zip(rows, twins, strict=True):
            assert lived(database, batch, row) == lived(database, twin, other)
    assert states(database, rows) == ["under_review", "draft", "under_review", "under_review"]
    last = parse_canonical(builders.read_entries(database, f"batch/{batch['id']}")[-1]["body"])
    told = {change["path"]: change["new"] for change in last["changes"]}
    assert (last["type"], told) == (
        "batch.bulk_transitioned",
        {"/bulk/event": "accept_filing", "/bulk/digest": shown.digest, "/bulk/moved": 3, "/bulk/left": 1},
    )
    assert (drift_in(database, batch), drift_in(database, twin)) == ({}, {})


def test_what_changed_after_the_preview_refuses_the_whole_commit(database: Database, log: Log, batch: Row) -> None:
    rows = builders.create_projects(database, log, batch, 3)
    for row in rows:
        builders.drive(database, log, row["id"], "applied")
    doer, request, items = replace(CITY, now=at(STEPS["recommend"].on)), request_for("recommend", rows[0]), ranked(rows)
    digest = preview(database, doer, request, items).digest
    other = replace(doer, actor=caller("city", person="other", city=JINAN).actor)
    documents = {"recommendation_document": builders.document("d2")}
    swapped = [Item(row["id"], fields={"rank": rank}) for row, rank in zip(rows, (2, 1, 3), strict=True)]
    changed: list[tuple[Caller, Request, Sequence[Item]]] = [
        (other, request, items),
        (doer, replace(request, fields={**request.fields, "paper_copies": 3}), items),
        (doer, replace(request, documents=documents), items),
        (doer, replace(request, reason="x"), items),
        (doer, request, items[:2]),
        (doer, request, items[::-1]),
        (doer, request, swapped),
        (replace(doer, now=at(date(2024, 7, 26))), request, items),
    ]

    def stale(call: Callable[[], object]) -> None:
        before = contents(database)
        refusal = refused(PreviewStale, call)
        assert (refusal.details["given"], refusal.details["present"] != digest) == (digest, True)
        after = contents(database)
        attempted = {"entry", "pending", "stream_head", "person_key"}
        assert {name for name in after if after[name] != before[name]} <= attempted
        assert states(database, rows) == ["applied"] * 3

    for who, what, which in changed:
        stale(lambda w=who, q=what, i=which: commit(database, log, w, q, i, digest))
    act(database, log, rows[2]["id"], "waive", fields={"waived_rules": ["R16"]})  # another version of one row
    stale(lambda: commit(database, log, doer, request, items, digest))
    digest = preview(database, doer, request, items).digest
    with database.transaction() as tx:
        batches.put_quotas(tx, log, caller("handler"), batch, {JINAN: 800})
    stale(lambda: commit(database, log, doer, request, items, digest))
    done = do(database, log, doer, request, items)
    assert [target for _, target, _ in done.moved] == ["city_recommended"] * 3
    stale_again = refused(PreviewStale, lambda: commit(database, log, doer, request, items, digest))
    assert stale_again.outcome == "failed"
    assert drift_in(database, batch) == {}


def test_own_fields_that_change_places_after_the_preview_refuse_the_commit(
    database: Database, log: Log, batch: Row
) -> None:
    one, two = builders.create_projects(database, log, batch, 2)
    for row in (one, two):
        builders.drive(database, log, row["id"], "under_review")
    doer, request = caller("handler", at(STEPS["pass_review"].on)), request_for("pass_review", one)
    numbered = {"review_minutes_number": "评审纪要1号"}
    digest = preview(database, doer, request, [Item(one["id"], fields=numbered), Item(two["id"])]).digest
    other = [Item(one["id"]), Item(two["id"], fields=numbered)]
    refused(PreviewStale, lambda: commit(database, log, doer, request, other, digest))
    assert states(database, [one, two]) == ["under_review"] * 2


def test_places_of_the_quota_are_handed_out_in_the_order_asked(database: Database, log: Log) -> None:
    batch = builders.open_batch(database, log, quotas={JINAN: 2})
    rows = builders.create_projects(database, log, batch, 4)
    for row in rows:
        builders.drive(database, log, row["id"], "applied")
    doer, request = replace(CITY, now=at(STEPS["recommend"].on)), request_for("recommend", rows[0])
    items = ranked(rows)[::-1]
    shown = preview(database, doer, request, items)
    assert [row.decision.allowed for row in shown.rows] == [True, True, False, False]
    assert shown.to_dict()["capacities"][0] | {"key": None} == {
        **{"pool": "city_quota", "key": None, "ceiling": 2, "used": 0, "change": 2, "left": 0}
    }
    blocked = [[finding.check for finding in row.decision.refusals] for row in shown.rows[2:]]
    assert blocked == [["within_city_quota"]] * 2
    commit(database, log, doer, request, items, shown.digest)
    assert states(database, rows) == ["applied", "applied", "city_recommended", "city_recommended"]
    refused(RulesUnmet, lambda: do(database, log, doer, request, items[2:]))
    assert drift_in(database, batch) == {}


def test_a_rank_given_twice_goes_to_the_first(database: Database, log: Log, batch: Row) -> None:
    rows = builders.create_projects(database, log, batch, 2)
    for row in rows:
        builders.drive(database, log, row["id"], "applied")
    doer, request = replace(CITY, now=at(STEPS["recommend"].on)), request_for("recommend", rows[0])
    do(database, log, doer, request, [Item(row["id"], fields={"rank": 7}) for row in rows])
    assert states(database, rows) == ["city_recommended", "applied"]


def test_each_row_is_held_against_the_ceilings_of_its_own_version(database: Database, log: Log, batch: Row) -> None:
    lead = Member("服务商", builders.credit_code(500), UnitRole.LEAD, "provider")
    filed = [replace(application(n), members=(lead, application(n).members[1])) for n in (1, 2, 3)]
    old = builders.create_projects(database, log, batch, filed[:2])
    with database.transaction() as tx:
        text = POLICY_TEXT.replace("max_projects = 2", "max_projects = 3")
        pair = versions.add_version(tx, caller("handler"), builders.DEFINITION_TEXT, text)
    with database.transaction() as tx:
        versions.repin_batch(tx, log, caller("leader"), batch, *pair, "x")
    with database.reading() as tx:
        repinned = batches.find_batch(tx, batch["id"])
    (new,) = builders.create_projects(database, log, repinned, filed[2:])
    request = request_for("submit", new)
    for rows in ([new, *old], [*old, new]):
        shown = preview(database, CITY, request, ids(rows))
        alone = [row["id"] != rows[2]["id"] or row["id"] == new["id"] for row in rows]  # as the door, one by one
        assert [row.decision.allowed for row in shown.rows] == alone


def test_what_cannot_be_one_bulk_act_is_refused(database: Database, log: Log, batch: Row) -> None:
    rows = builders.create_projects(database, log, batch, 2)
    twin = builders.open_batch(database, log, "twin")
    (other,) = builders.create_projects(database, log, twin, 1, first=9)
    (far,) = builders.create_projects(database, log, batch, 1, city=QINGDAO, first=20)
    request = request_for("submit", rows[0])
    nowhere = "00000000-0000-0000-0000-000000000000"
    wrong: list[tuple[type[Refusal], list[str]]] = [
        (Unreadable, []),
        (Unreadable, [rows[0]["id"], rows[0]["id"]]),
        (Unreadable, [nowhere] * (LIMIT + 1)),
        (Unreadable, [rows[0]["id"], other["id"]]),
        (NotFound, [rows[0]["id"], far["id"]]),
        (NotFound, [rows[0]["id"], nowhere]),
        (NotFound, ["nonsense"]),
    ]
    for kind, names in wrong:
        told = refused(kind, lambda n=names: preview(database, CITY, request, n))
        again = refused(kind, lambda n=names: commit(database, log, CITY, request, n, "0" * 64))
        assert told.to_dict() == again.to_dict()
    assert states(database, [*rows, other, far]) == ["draft"] * 4


def test_acts_that_take_a_look_at_each_project_are_blocked_in_bulk(database: Database, log: Log, batch: Row) -> None:
    rows = builders.create_projects(database, log, batch, 2)
    for row in rows:
        builders.drive(database, log, row["id"], "in_publicity")
    doer, request = caller("handler", at(STEPS["object"].on)), request_for("object", rows[0])
    shown = preview(database, doer, request, ids(rows))
    assert [[finding.check for finding in row.decision.refusals] for row in shown.rows] == [["several_at_once"]] * 2
    refused(RulesUnmet, lambda: commit(database, log, doer, request, ids(rows), shown.digest))
    assert states(database, rows) == ["in_publicity"] * 2


def test_a_row_seen_at_another_version_is_blocked_and_the_others_go(database: Database, log: Log, batch: Row) -> None:
    rows = builders.create_projects(database, log, batch, 2)
    act(database, log, rows[1]["id"], "waive", on=STEPS["submit"].on)
    items = [Item(row["id"], expected_version=1) for row in rows]
    done = do(database, log, CITY, request_for("submit", rows[0]), items)
    assert (len(done.moved), done.left, states(database, rows)) == (1, 1, ["applied", "draft"])


def test_a_failure_in_the_last_row_leaves_nothing(database: Database, log: Log, batch: Row) -> None:
    rows = sorted(builders.create_projects(database, log, batch, 4), key=lambda row: row["id"])
    request = request_for("submit", rows[0])
    digest = preview(database, CITY, request, ids(rows)).digest
    with database.transaction() as tx:  # somebody has written an entry where the last row's would stand
        tx.execute_driver(
            "INSERT INTO entry SELECT '00000000-0000-0000-0000-000000000001', stream, 2, body, leaf, signature, "
            f"key_id, at, type, outcome, actor, action FROM entry WHERE stream = 'project/{rows[-1]['id']}'"
        )
    before = contents(database)
    with pytest.raises((psycopg.Error, sqlite3.Error)):
        commit(database, log, CITY, request, ids(rows), digest)
    assert contents(database) == before
    refused(Unreadable, lambda: commit(database, log, CITY, replace(request, reason="长" * 2001), ids(rows), digest))
    assert states(database, rows) == ["draft"] * 4


def statements(tx: Transaction, folder: Path, job: Callable[[], object]) -> Counter[str]:
    """Count what is sent to the server while the job runs (on SQLite, where each row is a statement: the reads)."""
    seen: Counter[str] = Counter()
    if not tx.is_postgres:
        tx.driver.set_trace_callback(lambda sql: seen.update([sql.split()[0]] if sql.startswith("SELECT") else []))
        job()
        tx.driver.set_trace_callback(None)
        return seen
    with (folder / "trace").open("w+") as file:
        tx.driver.pgconn.trace(file.fileno())
        job()
        tx.driver.pgconn.untrace()
        file.seek(0)
        return Counter(re.findall(r"^\S+ \S+\tF\t\d+\t(Query|Execute)\b", file.read(), re.MULTILINE))


def test_the_number_of_statements_does_not_grow_with_the_number_of_rows(
    database: Database, log: Log, batch: Row, tmp_path: Path
) -> None:
    rows = builders.create_projects(database, log, batch, 24)
    request = request_for("submit", rows[0])
    do(database, log, CITY, request, ids(rows[:2]))  # keys made, rules read
    counts = []
    for some in (rows[2:4], rows[4:]):
        digest = preview(database, CITY, request, ids(some)).digest
        with database.transaction() as tx:
            items = as_items(ids(some))
            counts.append(
                statements(
                    tx,
                    tmp_path,
                    lambda i=items, d=digest, t=tx: transition_projects(t, log, CITY, request, i, d, LIMIT),
                )
            )
    assert counts[0] == counts[1]
    assert 5 <= sum(counts[0].values()) <= 25
    assert states(database, rows) == ["applied"] * 24
