"""Recommendation packages (R13–R16): quotas and groups under fifty officers at once, receipt, lateness, giving back."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from io import BytesIO
from typing import Any

from openpyxl import load_workbook

from lifecycle import batches, quotas
from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.database import Database
from lifecycle.dockets.edits import DraftItem, Edit
from lifecycle.dockets.summaries import export_docket
from lifecycle.errors import Forbidden, NotFound, NotOffered, PreviewStale, RulesUnmet, Unreadable
from lifecycle.statements import Row
from tests.faults.test_races import at_once
from tests.lifecycle import builders
from tests.lifecycle.builders import (
    JINAN,
    QINGDAO,
    STORING_POLICY_TEXT,
    act,
    application,
    at,
    caller,
    read_project,
    veto_checks,
)
from tests.lifecycle.docketing import (
    CITY,
    JULY,
    admit,
    draft,
    edit,
    entries,
    give_back,
    package,
    preview,
    receive,
    release,
    show,
)
from tests.lifecycle.officers import sentences
from tests.lifecycle.test_projects import drift_in, refused

AUGUST = at(date(2024, 8, 2))
HANDLER = caller("handler", AUGUST)


def filed(database: Database, log: Log, batch: Row, number: int, **options: Any) -> list[Row]:
    """Enter and submit so many applications, or those given."""
    rows = builders.create_projects(database, log, batch, number, **options)
    for row in rows:
        act(database, log, row["id"], "submit")
    return rows


def watched(database: Database, batch: Row, by: Caller = HANDLER) -> list[dict[str, Any]]:
    with database.reading() as tx:
        return quotas.watch_quotas(tx, by, batch)


def movements(database: Database, batch: Row, pool: str, key: str, by: Caller = HANDLER) -> dict[str, Any]:
    with database.reading() as tx:
        return quotas.read_movements(tx, by, batch, pool, key)


def ranks(database: Database, rows: Sequence[Row]) -> list[int]:
    records = (read_project(database, row["id"])["record"] for row in rows)
    return sorted(record["rank"] for record in records if "rank" in record)


def releasing(database: Database, log: Log, docket: str, by: Caller) -> Callable[[], object]:
    """Return what an officer does who previews again for as long as others are first."""

    def job() -> object:
        while True:
            try:
                return release(database, log, docket, by)
            except PreviewStale:
                continue

    return job


def test_of_fifty_officers_who_send_packages_at_once_as_many_get_through_as_the_quota_holds(
    database: Database, log: Log
) -> None:
    quota, officers = 7, 50
    batch = builders.open_batch(database, log, quotas={JINAN: quota, QINGDAO: 1})
    rows = filed(database, log, batch, officers)
    jobs = []
    for number, row in enumerate(rows):
        officer = caller("city", JULY, city=JINAN, person=f"c{number}")
        docket = draft(database, log, batch, "recommendation", package([row]), officer).docket
        jobs.append(releasing(database, log, docket, officer))
    kinds = Counter(type(answer).__name__ for answer in at_once(jobs))
    assert kinds == {"Released": quota, "RulesUnmet": officers - quota}
    assert ranks(database, rows) == list(range(1, quota + 1))  # dense and unique, whoever came first
    ledger = movements(database, batch, "city_quota", JINAN)
    assert (ledger["sum"], ledger["used"], ledger["adds_up"]) == (quota, quota, True)
    assert [one["held"] for one in ledger["movements"]] == list(range(1, quota + 1))
    assert {one["event"] for one in ledger["movements"]} == {"recommend"}
    (jinan, _) = watched(database, batch)
    assert [jinan[name] for name in ("ceiling", "used", "left", "over", "exempt", "drafted")] == [7, 7, 0, 0, 0, 43]
    assert drift_in(database, batch) == {}


def test_of_fifty_officers_of_two_cities_at_once_as_many_get_a_groups_tasks_through_as_its_limit_holds(
    database: Database, log: Log
) -> None:
    batch = builders.open_batch(database, log)
    limit, cities = 5, (JINAN, QINGDAO)
    group = [application(number, cities[number % 2], group="海岱集团") for number in range(1, 51)]
    rows = builders.create_projects(database, log, batch, group)
    jobs = []
    for number, row in enumerate(rows):
        act(database, log, row["id"], "submit")
        officer = caller("city", JULY, city=row["city"], person=f"c{number}")
        docket = draft(database, log, batch, "recommendation", package([row]), officer).docket
        jobs.append(releasing(database, log, docket, officer))
    answers = at_once(jobs)
    assert Counter(type(answer).__name__ for answer in answers) == {"Released": limit, "RulesUnmet": 45}
    checks = {finding.check for one in answers if isinstance(one, RulesUnmet) for finding in one.findings}
    assert checks == {"within_group_limit"}
    ledger = movements(database, batch, "group_tasks", "海岱集团")
    assert (ledger["ceiling"], ledger["sum"], ledger["adds_up"]) == (limit, limit, True)
    for city in cities:
        mine = ranks(database, [row for row in rows if row["city"] == city])
        assert mine == list(range(1, len(mine) + 1))
    assert drift_in(database, batch) == {}


def test_a_package_over_the_quota_is_refused_whole_and_exempt_units_take_no_place(database: Database, log: Log) -> None:
    batch = builders.open_batch(database, log, quotas={JINAN: 2})
    central = application(9, ownership="central_in_shandong")
    rows = [*filed(database, log, batch, 3), *builders.create_projects(database, log, batch, [central])]
    act(database, log, rows[3]["id"], "submit")
    name = draft(database, log, batch, "recommendation", package(rows)).docket
    told = refused(RulesUnmet, lambda: release(database, log, name))
    assert [finding.check for finding in told.findings] == ["within_city_quota"]
    assert told.details["blocked"] == [rows[2]["id"]]
    edit(database, log, name, package([rows[3]], remove=[rows[2]["id"]]))
    release(database, log, name)
    (one,) = watched(database, batch)
    assert [one[name] for name in ("used", "exempt", "left", "over", "drafted")] == [2, 1, 0, 0, 0]
    with database.transaction() as tx:
        batches.put_quotas(tx, log, HANDLER, batch, {JINAN: 1})
    (one,) = watched(database, batch, CITY)
    assert [one[name] for name in ("ceiling", "used", "left", "over")] == [1, 2, 0, 1]
    assert watched(database, batch, caller("city", JULY, city=QINGDAO)) == []
    refused(NotFound, lambda: movements(database, batch, "city_quota", JINAN, caller("city", JULY, city=QINGDAO)))
    refused(NotFound, lambda: movements(database, batch, "group_tasks", "x", CITY))
    refused(NotFound, lambda: movements(database, batch, "paid_budget", "batch"))
    refused(Forbidden, lambda: watched(database, batch, caller("expert", JULY)))
    assert movements(database, batch, "city_quota", QINGDAO)["movements"] == []


def test_what_comes_back_gives_its_place_back_and_returns_with_the_rank_that_is_free(
    database: Database, log: Log
) -> None:
    batch = builders.open_batch(database, log, quotas={JINAN: 3})
    rows = filed(database, log, batch, 3)
    first, second, third = (row["id"] for row in rows)
    name = draft(database, log, batch, "recommendation", package(rows)).docket
    release(database, log, name)
    before = builders.read_entries(database, f"project/{second}")
    done = give_back(database, log, name, HANDLER, projects=[second])
    assert (done.docket.status, done.projects) == ("released", ((second, "returned", 4),))
    refused(NotFound, lambda: give_back(database, log, name, HANDLER, projects=[second]))
    assert [one["held"] for one in movements(database, batch, "city_quota", JINAN)["movements"]] == [1, 2, 3, 2]
    act(database, log, second, "submit", on=date(2024, 8, 2))
    late = caller("city", AUGUST, city=JINAN)
    again = draft(database, log, batch, "recommendation", package([rows[1]]), late)
    assert [item["rank"] for item in show(database, again.docket)["items"]] == [2]  # the list has no gap
    release(database, log, again.docket, late)
    ledger = movements(database, batch, "city_quota", JINAN)
    assert ([one["change"] for one in ledger["movements"]], ledger["adds_up"]) == ([1, 1, 1, -1, 1], True)
    assert [one["docket"]["number"] for one in ledger["movements"]] == [1, 1, 1, 1, 2]
    assert builders.read_entries(database, f"project/{second}")[: len(before)] == before  # undo edits nothing
    events = ["create", "submit", "recommend", "return_for_correction", "submit", "recommend"]
    assert [row["action"] for row in builders.read_entries(database, f"project/{second}")] == events
    whole = give_back(database, log, name, HANDLER, fields={"faults": "推荐文件缺页"})
    assert (whole.docket.status, [project for project, _, _ in whole.projects]) == ("returned", [first, third])
    refused(NotOffered, lambda: give_back(database, log, name, HANDLER))
    (one,) = watched(database, batch)
    assert (one["used"], one["left"]) == (1, 2)
    assert [body["type"] for body in entries(database, name)][-2:] == ["docket.returned", "docket.attempted"]
    assert "列入市级推荐材料第1号" in sentences(database, HANDLER, rows[0])[-1][0]
    assert drift_in(database, batch) == {}


def test_a_return_that_one_project_refuses_gives_nothing_back(database: Database, log: Log) -> None:
    batch = builders.open_batch(database, log)
    rows = filed(database, log, batch, 2)
    name = draft(database, log, batch, "recommendation", package(rows)).docket
    release(database, log, name)
    receive(database, log, name, HANDLER, date(2024, 8, 2))
    act(database, log, rows[0]["id"], "accept_filing")
    after = caller("handler", at(date(2024, 8, 7)))
    both = [row["id"] for row in rows]
    told = refused(RulesUnmet, lambda: give_back(database, log, name, after, projects=both))
    assert told.details["blocked"] == [rows[0]["id"]]
    assert read_project(database, rows[1]["id"])["state"] == "city_recommended"
    refused(RulesUnmet, lambda: give_back(database, log, name, after, {"correction_due_on": "2024-08-20"}))  # no faults
    refused(Forbidden, lambda: give_back(database, log, name, CITY))
    done = give_back(database, log, name, after)  # whole: what stands where the release left it
    assert ([project for project, _, _ in done.projects], done.docket.status) == ([rows[1]["id"]], "received")


def test_a_package_is_received_once_its_paper_is_counted_and_late_only_with_a_reason(
    database: Database, log: Log
) -> None:
    batch = builders.open_batch(database, log)
    (row,) = filed(database, log, batch, 1)
    name = draft(database, log, batch, "recommendation", package([row])).docket
    refused(NotOffered, lambda: receive(database, log, name, HANDLER, date(2024, 8, 2)))
    release(database, log, name)
    told = refused(RulesUnmet, lambda: act(database, log, row["id"], "accept_filing"))
    assert [(one.check, one.seen) for one in told.findings if one.blocks] == [
        ("package_received", ("第1号 no. 1", "尚未接收 not received"))
    ]
    officer = caller("handler", at(date(2024, 8, 8)))
    for on, copies in ((date(2024, 7, 24), 2), (date(2024, 8, 9), 2), (date(2024, 8, 2), 1), (date(2024, 8, 6), 2)):
        refused(Unreadable, lambda on=on, copies=copies: receive(database, log, name, officer, on, copies))  # type: ignore[misc]
    refused(Forbidden, lambda: receive(database, log, name, CITY, date(2024, 7, 25)))
    done = receive(database, log, name, officer, date(2024, 8, 6), reason="快递延误", expected_version=2)
    assert (done.status, done.version) == ("received", 3)
    receipt = {"received_on": "2024-08-06", "paper_copies": 2, "due_on": "2024-08-05", "late": True, "by": "handler"}
    assert show(database, name)["receipt"] == receipt
    last = entries(database, name)[-1]
    assert {"path": "/receipt", "old": None, "new": receipt} in last["changes"]
    assert last["reason"] is not None
    refused(NotOffered, lambda: receive(database, log, name, officer, date(2024, 8, 6), reason="x"))
    filing = draft(
        database,
        log,
        batch,
        "filing",
        Edit(
            header={"formal_check": True},
            put=[DraftItem(row["id"], fields={"veto_checks": veto_checks(date(2024, 8, 8))})],
        ),
        officer,
    ).docket
    assert preview(database, filing, officer).ready
    assert give_back(database, log, name, officer).docket.status == "returned"
    # It comes again without a package, which this batch lets be.
    for event in ("submit", "waive", "recommend", "accept_filing"):
        act(database, log, row["id"], event, on=date(2024, 8, 8))
    assert read_project(database, row["id"])["state"] == "under_review"


def test_a_package_that_is_late_goes_through_once_the_province_admits_it_with_a_reason(
    database: Database, log: Log
) -> None:
    batch = builders.open_batch(database, log)
    rows = filed(database, log, batch, 2)
    late = caller("city", at(date(2024, 8, 7)), city=JINAN)
    officer = caller("handler", at(date(2024, 8, 7)))
    name = draft(database, log, batch, "recommendation", package(rows[:1]), late).docket
    told = refused(RulesUnmet, lambda: release(database, log, name, late))
    assert [finding.check for finding in told.findings] == ["package_in_time"]
    refused(Forbidden, lambda: admit(database, log, name, late))
    refused(Unreadable, lambda: admit(database, log, name, officer, " "))
    done = admit(database, log, name, officer)
    assert [project for project, _, _ in done.projects] == [rows[0]["id"]]
    assert read_project(database, rows[0]["id"])["record"]["waived_rules"] == ["R16"]
    edit(database, log, name, package([rows[1]]), late)
    told = refused(RulesUnmet, lambda: release(database, log, name, late))
    assert told.details["blocked"] == [rows[1]["id"]]  # put on afterwards: not admitted by it
    admit(database, log, name, officer)
    assert len(release(database, log, name, late).moved) == 2
    assert [body["action"]["name"] for body in entries(database, name)].count("admitted") == 2
    other = draft(database, log, batch, "publication", package([], header={}, documents={}), officer).docket
    refused(Forbidden, lambda: admit(database, log, other, officer))


def test_the_summary_table_holds_the_projects_in_the_order_of_the_list(database: Database, log: Log) -> None:
    batch = builders.open_batch(database, log)
    rows = filed(database, log, batch, 2)
    name = draft(database, log, batch, "recommendation", package(rows, order=[rows[1]["id"], rows[0]["id"]])).docket
    with database.reading() as tx:
        sheet = load_workbook(BytesIO(export_docket(tx, CITY, name))).active
    values = [[cell for cell in row if cell is not None] for row in sheet.iter_rows(values_only=True)]
    told = [(row[0], row[4]) for row in values if row and row[0] in (1, 2)]
    assert told == [(1, rows[1]["title"]), (2, rows[0]["title"])]
    with database.reading() as tx:
        refused(Forbidden, lambda: export_docket(tx, caller("applicant", JULY, unit="x"), name))
        refused(NotFound, lambda: export_docket(tx, caller("city", JULY, city=QINGDAO), name))


def test_documents_of_a_docket_must_be_stored_where_the_batch_says_so(database: Database, log: Log) -> None:
    batch = builders.open_batch(database, log, policy_text=STORING_POLICY_TEXT)
    (row,) = builders.create_projects(database, log, batch, 1)
    name = draft(database, log, batch, "recommendation", package([row])).docket
    told = refused(RulesUnmet, lambda: release(database, log, name))
    assert [finding.check for finding in told.findings] == ["documents_stored"]
