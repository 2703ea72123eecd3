"""A batch's calendar changes: what is shown is what is done, dates that move are armed anew, all others stay."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from lifecycle import batches, calendars
from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.calendar_changes import Adopted, Preview
from lifecycle.callers import Caller, Source
from lifecycle.canonical import parse_canonical
from lifecycle.database import Database
from lifecycle.deadlines import add_deadline
from lifecycle.history import project_history
from lifecycle.people import NewPerson, add_person
from lifecycle.rulebooks import pin
from lifecycle.snapshots import facts_of
from lifecycle.statements import Row, Statement
from lifecycle.tables import Batch, Checkpoint, Notice
from schedules.reminders import queue_due
from states.deadlines import Calendar, Counting, add_months, calendar_from_toml, count_days, state_council_calendar
from states.definition import read_definition
from states.planning import planned
from states.policy import read_policy
from states.roles import actor_of
from tests.lifecycle import builders
from tests.lifecycle.builders import DEFINITION_TEXT, OPENED, POLICY_TEXT, act, at, caller, read_project
from tests.lifecycle.test_database import contents
from tests.lifecycle.test_projects import drift_in

_check = Checkpoint.__table__  # type: ignore[attr-defined]
_batch = Batch.__table__  # type: ignore[attr-defined]
_notice = Notice.__table__  # type: ignore[attr-defined]
CHECKPOINTS = Statement(
    sa.select(_check)
    .where(_check.c.project_id == sa.bindparam("of"))
    .order_by(_check.c.kind, _check.c.number, _check.c.version)
)
NOTICES = Statement(
    # What nobody is there to be told is in the ledger too.
    sa.select(_notice).where(_notice.c.status != "skipped").order_by(_notice.c.created_at, _notice.c.id)
)
PRETEND = Statement(
    sa.update(_batch)
    .where(_batch.c.id == sa.bindparam("of"))
    .values(calendar_hash=sa.bindparam("calendar"), calendar_applied=sa.bindparam("applied"))
)
BASE = state_council_calendar()
NEXT = BASE.last_year + 1  # the first year that is not announced yet, whichever release is installed
ANCHOR = date(NEXT, 3, 1)
FIVE_ON = count_days(ANCHOR, 5, Counting.WORKING_DAYS, BASE).due_on
RULE = 'anchor = "policy.R16.city_cutoff_on"'
# A draft's date is counted in working days from a day of the year that is not announced.
COUNTED = DEFINITION_TEXT.replace(RULE, f'{RULE}, days = "correction.days", counting = "correction.counting"')
LATER_POLICY = POLICY_TEXT.replace("city_cutoff_on = 2024-07-31", f"city_cutoff_on = {ANCHOR}")
NOTICE_AT = at(date(BASE.last_year, 11, 10))
OFFICER = caller("handler", NOTICE_AT)
SCHEDULER = Caller(actor_of("system:scheduler", "system"), Source("schedule"), NOTICE_AT + timedelta(hours=1))
WHY = "国务院办公厅已印发下一年度放假安排"
AUGUST = date(2024, 8, 14)


def holidays(year: int, *more: date) -> list[date]:
    return sorted({*(date(year, *day) for day in ((1, 1), (5, 1), (10, 1), (10, 2), (10, 3))), *more})


def notice(year: int = NEXT, *more: date, name: str | None = None, work: Sequence[date] = ()) -> str:
    """Return a calendar file for a year: the fixed holidays and these further rest days."""
    listed = [day.isoformat() for day in holidays(year, *more)]
    worked = [day.isoformat() for day in work]
    called = name or f"{year}-{len(listed)}"
    return (
        f'name = "{called}"\nsource = "国办发明电"\nyears = [{year}]\nrest_days = {listed}\nworking_days = {worked}\n'
    )


def amended(*days: date, name: str = "amended") -> str:
    """Return a calendar file that gives free days of 2024, a year long announced."""
    rest = [day.isoformat() for day in days]
    return f'name = "{name}"\nsource = "鲁政办"\nyears = [2024]\nrest_days = {rest}\n'


@pytest.fixture
def batch(database: Database, log: Log) -> Row:
    """A batch whose drafts have a date in the year that is not announced."""
    with database.transaction() as tx:
        batches.open_batch(tx, log, caller("handler"), "drafts", COUNTED, LATER_POLICY)
    return read_batch(database, "drafts")


def read_batch(database: Database, name: str) -> Row:
    with database.reading() as tx:
        return batches.find_batch(tx, name)


def preview(database: Database, batch: Row, text: str, by: Caller = OFFICER) -> Preview:
    with database.reading() as tx:
        return calendars.preview_calendar(tx, by, batches.find_batch(tx, batch["id"]), text)


def commit(
    database: Database, log: Log, batch: Row, text: str, digest: str, by: Caller = OFFICER, why: str = WHY
) -> Adopted:
    with attempt(database, log, by, ("batch", batch["id"]), "adopt_calendar") as tx:
        return calendars.adopt_calendar(tx, log, by, batch, text, digest, why)


def adopt(database: Database, log: Log, batch: Row, text: str) -> Adopted:
    return commit(database, log, batch, text, preview(database, batch, text).digest)


def apply(database: Database, log: Log, by: Caller = SCHEDULER, batch: str | None = None) -> int:
    with database.transaction() as tx:
        return calendars.apply_due(tx, log, by, batch)


def pretend(database: Database, batch: Row, text: str, applied: str | None = None) -> None:
    """Let another calendar be in force without anybody having planned by it, as a new release of the package does."""
    with database.transaction() as tx:
        tx.queue(PRETEND, of=batch["id"], calendar=pin(tx, "calendar", "x", text, OPENED), applied=applied)


def checkpoints_of(database: Database, project: str) -> list[Row]:
    with database.reading() as tx:
        return tx.fetch(CHECKPOINTS, of=project)


def opened(database: Database, project: str) -> dict[str, Row]:
    return {f"{r['kind']}/{r['number']}": r for r in checkpoints_of(database, project) if r["status"] == "open"}


def due(rows: dict[str, Row]) -> dict[str, tuple[date, bool]]:
    return {place: (row["due_on"], row["provisional"]) for place, row in rows.items()}


def expected(
    row: Row, calendar: Calendar, definition: str = DEFINITION_TEXT, policy: str = POLICY_TEXT
) -> dict[str, Any]:
    found = planned(read_definition(definition), read_policy(policy), facts_of(row), calendar)
    return {f"{item.kind}/{item.number}": (item.due_on, item.provisional) for item in found}


def entries_of(database: Database, project: str) -> list[dict[str, Any]]:
    return [parse_canonical(row["body"]) for row in builders.read_entries(database, f"project/{project}")]


def batch_entry(database: Database, batch: Row) -> dict[str, Any]:
    return parse_canonical(builders.read_entries(database, f"batch/{batch['id']}")[-1]["body"])  # type: ignore[no-any-return]


def test_provisional_dates_become_firm_in_their_place_and_the_log_tells_so(
    database: Database, log: Log, batch: Row
) -> None:
    (row,) = builders.create_projects(database, log, batch, 1)
    (before,) = opened(database, row["id"]).values()
    assert (before["due_on"], before["provisional"]) == (FIVE_ON, True)
    told = preview(database, batch, notice())
    assert told.counts.to_dict() == {"projects": 1, "checkpoints": 1, "moved": 0, "confirmed": 1, "unsettled": 0}
    done = commit(database, log, batch, notice(), told.digest)
    (after,) = opened(database, row["id"]).values()
    version = f"{BASE.version}+{NEXT}-5"
    assert after == {**before, "provisional": False, "calendar": version}
    entry = entries_of(database, row["id"])[-1]
    assert (entry["type"], entry["action"]["name"], entry["subject"]["version"]) == (
        "project.replanned",
        "new_calendar",
        2,
    )
    parts = {"due_on": FIVE_ON.isoformat(), "computed_on": FIVE_ON.isoformat()}
    assert entry["changes"] == [
        {"path": "/version", "old": 1, "new": 2},
        {
            "path": "/checkpoints/city_cutoff/1",
            "old": {**parts, "provisional": True, "calendar": BASE.version},
            "new": {**parts, "provisional": False, "calendar": version},
        },
    ]
    changed = {change["path"]: (change["old"], change["new"]) for change in batch_entry(database, batch)["changes"]}
    assert changed == {
        "/calendar_hash": (None, done.hash),
        "/calendar": (BASE.version, version),
        "/digest": (None, told.digest),
        **{f"/replanned/{name}": (None, number) for name, number in told.counts.to_dict().items()},
    }
    assert (read_batch(database, "drafts")["calendar_hash"], done.calendar) == (done.hash, version)
    assert drift_in(database, batch) == {}


def test_a_date_that_moves_is_superseded_and_armed_anew(database: Database, log: Log, batch: Row) -> None:
    (row,) = builders.create_projects(database, log, batch, 1)
    (old,) = opened(database, row["id"]).values()
    with database.transaction() as tx:  # a sweep has looked at it: its next reminder lies ahead
        tx.fetch(
            Statement(sa.update(_check).values(next_at=sa.bindparam("at", type_=_check.c.next_at.type))), at=NOTICE_AT
        )
    text = notice(NEXT, FIVE_ON)
    adopt(database, log, batch, text)
    ended, new = checkpoints_of(database, row["id"])
    assert ended == {
        **old,
        "status": "superseded",
        "reason": "new_calendar",
        "ended_at": NOTICE_AT,
        "next_at": NOTICE_AT,
    }
    assert (new["status"], new["replaces"], new["version"], new["reason"]) == ("open", old["id"], 2, "new_calendar")
    assert (new["opened_at"], new["next_at"], new["provisional"]) == (NOTICE_AT, NOTICE_AT, False)
    after = read_project(database, row["id"])
    assert due({"city_cutoff/1": new}) == expected(after, calendar_from_toml(text), COUNTED, LATER_POLICY)
    assert new["due_on"] > FIVE_ON
    assert after["plan"] == [
        {
            "id": new["id"],
            "kind": "city_cutoff",
            "number": 1,
            "due_on": new["due_on"].isoformat(),
            "computed_on": new["due_on"].isoformat(),
            "provisional": False,
            "calendar": new["calendar"],
        }
    ]
    assert drift_in(database, batch) == {}


def test_people_are_told_of_a_date_that_moved_and_not_of_one_that_became_firm(
    database: Database, log: Log, batch: Row
) -> None:
    admin = caller("security_admin")
    with database.transaction() as tx:
        add_person(tx, log, admin, NewPerson("jinan", "李四", "city", city=builders.JINAN))
    (row,) = builders.create_projects(database, log, batch, 1)
    told = []
    for number, text in enumerate((None, notice(), notice(NEXT, FIVE_ON), notice(NEXT, FIVE_ON, date(NEXT, 7, 1)))):
        now = NOTICE_AT + timedelta(days=number)
        if text:
            officer = caller("handler", now)
            digest = preview(database, batch, text, officer).digest
            commit(database, log, batch, text, digest, officer)
        with database.transaction() as tx:
            queue_due(tx, now + timedelta(hours=1))
        with database.reading() as tx:
            found = tx.fetch(NOTICES)
        told.append([(notice["kind"], notice["due_on"]) for notice in found])
    (new,) = opened(database, row["id"]).values()
    first = ("opened", FIVE_ON)
    assert told == [[first], [first], [first, ("moved", new["due_on"])], [first, ("moved", new["due_on"])]]


def test_what_a_calendar_does_not_change_keeps_its_rows_version_and_stream(database: Database, log: Log) -> None:
    months = 12 * (NEXT - 2024) - 6
    policy = POLICY_TEXT.replace("half_year_months = 6", f"half_year_months = {months}")
    batch = builders.open_batch(database, log, policy_text=policy)
    moving, standing, draft = builders.create_projects(database, log, batch, 3)
    builders.drive(database, log, moving["id"], "published")
    builders.drive(database, log, standing["id"], "in_publicity")
    before = {
        row["id"]: (read_project(database, row["id"]), checkpoints_of(database, row["id"])) for row in (standing, draft)
    }
    old = opened(database, moving["id"])
    opens = add_months(builders.STEPS["publish"].on, months, BASE).due_on
    text = notice(NEXT, opens)
    told = preview(database, batch, text).to_dict()
    assert {row["project"] for row in told["rows"]} == {moving["id"]}
    adopt(database, log, batch, text)
    for project, was in before.items():
        assert (read_project(database, project), checkpoints_of(database, project)) == was
    after, new = read_project(database, moving["id"]), opened(database, moving["id"])
    assert due(new) == expected(after, calendar_from_toml(text), policy=policy)
    same = {place for place, row in old.items() if new[place]["id"] == row["id"]}
    assert same == {place for place, row in old.items() if new[place]["due_on"] == row["due_on"]}
    assert {"progress_call/1", "progress_call/2"} <= same != set(old)
    assert {place: row for place, row in new.items() if place.startswith("progress")} == {
        place: row for place, row in old.items() if place.startswith("progress")
    }
    shown = {f"{row['kind']}/{row['number']}": (row["moved"], row["to"]["provisional"]) for row in told["rows"]}
    assert shown == {place: (place not in same, False) for place in old if not place.startswith("progress")}
    assert drift_in(database, batch) == {}


def test_typed_dates_deadlines_by_hand_and_stopped_clocks_stay(database: Database, log: Log) -> None:
    batch = builders.open_batch(database, log)
    typed, by_hand, stopped, going = builders.create_projects(database, log, batch, 4)
    for row in (typed, by_hand, going):
        builders.drive(database, log, row["id"], "reviewed")
    stated = dict(builders.STEPS["start_publicity"].fields) | {
        "publicity_starts_on": "2024-08-12",
        "publicity_ends_on": "2024-08-20",
    }
    act(database, log, typed["id"], "start_publicity", fields=stated, reason="逢会议顺延")
    for row in (by_hand, going):
        act(database, log, row["id"], "start_publicity")
    builders.drive(database, log, stopped["id"], "published")
    act(database, log, stopped["id"], "suspend", on=date(2024, 9, 2))
    officer = caller("handler", at(AUGUST))
    with database.transaction() as tx:
        add_deadline(tx, log, officer, by_hand["id"], "补交材料", date(2024, 8, 30), ["handler"])
    before = {row["id"]: opened(database, row["id"]) for row in (typed, by_hand, stopped, going)}
    at_rest = read_project(database, stopped["id"])
    adopt(database, log, batch, amended(date(2024, 8, 15), date(2024, 8, 30)))
    calendar = calendar_from_toml(amended(date(2024, 8, 15), date(2024, 8, 30)))
    after = {name: opened(database, name) for name in before}
    for name, rows in after.items():
        assert due(rows) == expected(read_project(database, name), calendar)
    kept = after[typed["id"]]["publicity_end/1"]
    assert kept == {
        **before[typed["id"]]["publicity_end/1"],
        "computed_on": date(2024, 8, 19),
        "calendar": calendar.version,
        "next_at": kept["opened_at"],
    }
    assert after[by_hand["id"]]["by_hand/1"]["id"] == before[by_hand["id"]]["by_hand/1"]["id"]
    assert after[going["id"]]["publicity_end/1"]["due_on"] == date(2024, 8, 19)
    assert (after[stopped["id"]], read_project(database, stopped["id"])) == (before[stopped["id"]], at_rest)
    act(database, log, stopped["id"], "resume", on=date(2024, 12, 2))
    assert due(opened(database, stopped["id"])) == expected(read_project(database, stopped["id"]), calendar)
    assert drift_in(database, batch) == {}


def test_a_preview_shows_days_warnings_and_rows_and_writes_nothing(database: Database, log: Log, batch: Row) -> None:
    (row,) = builders.create_projects(database, log, batch, 1)
    before = contents(database)
    sunday = next(day for day in (date(NEXT, 3, n) for n in range(10, 17)) if day.weekday() == 6)
    told = preview(database, batch, notice(NEXT, FIVE_ON, work=[sunday])).to_dict()
    assert contents(database) == before
    weekdays = [day for day in holidays(NEXT, FIVE_ON) if day.weekday() < 5]
    assert told["days"] == [
        {"date": day.isoformat(), "worked": day == sunday, "announced": False} for day in sorted([*weekdays, sunday])
    ]
    assert (told["present"]["version"], told["calendar"]["years"]) == (BASE.version, [NEXT])
    assert [text["zh"] for text in told["warnings"]] == [
        f"{NEXT}年扣除调休上班后共放假{len(weekdays) - 1}天，现行规定为13天，请与通知核对"
    ]
    (shown,) = told["rows"]
    assert (shown["project"], shown["code"], shown["moved"]) == (row["id"], row["code"], True)
    assert (shown["kind"], shown["number"]) == ("city_cutoff", 1)
    assert (shown["from"]["due_on"], shown["from"]["provisional"], shown["to"]["provisional"]) == (
        FIVE_ON.isoformat(),
        True,
        False,
    )
    assert shown["label"] == {"zh": "市级申报截止", "en": "city cut-off"}
    assert orjson.loads(orjson.dumps(told)) == told


def test_the_scheduler_applies_a_calendar_that_came_into_force_by_itself(
    database: Database, log: Log, batch: Row
) -> None:
    rows = builders.create_projects(database, log, batch, 3)
    assert apply(database, log) == 1  # never gone over before: nothing changes
    applied = read_batch(database, "drafts")["calendar_applied"]
    assert [read_project(database, row["id"])["version"] for row in rows] == [1, 1, 1]
    assert apply(database, log) == 0
    text = notice(NEXT, FIVE_ON)
    pretend(database, batch, text, applied)
    assert apply(database, log) == 1
    for row in rows:
        after = read_project(database, row["id"])
        assert due(opened(database, row["id"])) == expected(after, calendar_from_toml(text), COUNTED, LATER_POLICY)
        entry = entries_of(database, row["id"])[-1]
        assert (entry["type"], entry["actor"]["id"], entry["reason"]) == ("project.replanned", "system:scheduler", None)
    told = batch_entry(database, batch)
    assert (told["type"], told["actor"]["kind"]) == ("batch.calendar_applied", "system")
    changes = {change["path"]: (change["old"], change["new"]) for change in told["changes"]}
    assert (changes["/calendar_applied"][0], changes["/replanned/moved"]) == (applied, (None, 3))
    with database.reading() as tx:
        history = project_history(tx, OFFICER, rows[0]["id"])
    assert history.items[-1]["sentence"]["zh"] == f"{SCHEDULER.now.date()} 系统按新的日历重新计算期限"
    assert apply(database, log) == 0
    assert drift_in(database, batch) == {}


def test_a_batch_gone_over_by_a_later_release_is_left_alone_by_an_older_one(
    database: Database, log: Log, batch: Row
) -> None:
    builders.create_projects(database, log, batch, 1)
    apply(database, log)
    edition = read_batch(database, "drafts")["calendar_applied"]
    version, _, release = edition.partition(" ")
    assert version == BASE.version
    major = int(release.split(".")[0])
    for applied, due_again in (
        (f"{BASE.version}+x {major + 1}.0", False),
        (f"cn-state-council/9999 {release}.1", False),
        (f"cn-state-council/2020 {major - 1}.99.99", True),
        (f"cn-state-council/2020 {release}", True),
        (BASE.version, True),
        (edition, False),
        (None, True),
    ):
        pretend(database, batch, amended(AUGUST, name="x"), applied)
        with database.transaction() as tx:
            tx.queue(PRETEND, of=batch["id"], calendar=None, applied=applied)
        with database.reading() as tx:
            assert calendars.due_batches(tx) == ([batch["id"]] if due_again else [])
