"""A batch's reminder plan: shown with its effect, refused with its faults, and followed from the next sweep on."""

from datetime import date, datetime
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from lifecycle import batches, plans
from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.canonical import parse_canonical
from lifecycle.database import Database
from lifecycle.errors import Forbidden, NotFound, Unreadable
from lifecycle.statements import Row, Statement
from lifecycle.tables import Checkpoint
from states.deadlines import state_council_calendar
from states.library import bundled_plans, bundled_policies, plan_of
from states.reminders import read_plan
from states.series import next_occasion
from tests.faults.test_races import at_once
from tests.lifecycle import builders
from tests.lifecycle.builders import OPENED, act, at, caller, read_project
from tests.lifecycle.test_database import contents
from tests.lifecycle.test_projects import drift_in, refused

_check = Checkpoint.__table__  # type: ignore[attr-defined]
NEXT_AT = Statement(
    sa.select(_check.c.status, _check.c.opened_at, _check.c.next_at).where(_check.c.batch_id == sa.bindparam("of"))
)
LOOKED_AT = Statement(sa.update(_check).values(next_at=sa.bindparam("at", type_=_check.c.next_at.type)))
NAME = "gongfu-reminders/1"
TEXT = bundled_plans()[NAME][1]
POLICY = bundled_policies()["sd-gongfu-2024-2/1"][0]
JULY = at(date(2024, 7, 16))
OFFICER = caller("handler", JULY)
WHY = "按会议纪要调整提醒方案"
EARLIER = TEXT.replace("remind_at = 09:00:00", "remind_at = 10:00:00").replace('version = "1"', 'version = "2"', 1)
OTHERS_CUTOFF = TEXT.replace(
    'city_cutoff = { to = ["applicant", "city"], before_working_days = [7, 3, 1]',
    'city_cutoff = { to = ["applicant", "city"], before_working_days = [9, 3, 1]',
)
SILENT_CUTOFF = TEXT.replace(
    'city_cutoff = { to = ["applicant", "city"], before_working_days = [7, 3, 1]',
    'city_cutoff = { to = ["applicant", "city"], before_working_days = [20], on_the_day = false',
)


@pytest.fixture
def batch(database: Database, log: Log) -> Row:
    return builders.open_batch(database, log)


@pytest.fixture
def rows(database: Database, log: Log, batch: Row) -> list[Row]:
    """Two drafts with one open checkpoint each, and an application with two."""
    made = builders.create_projects(database, log, batch, 3)
    act(database, log, made[2]["id"], "submit", on=date(2024, 7, 2))
    return made


def fresh(database: Database, batch: Row) -> Row:
    with database.reading() as tx:
        return batches.find_batch(tx, batch["id"])


def preview(database: Database, batch: Row, text: str | None, by: Caller = OFFICER) -> plans.PlanPreview:
    with database.reading() as tx:
        return plans.preview_plan(tx, by, fresh(database, batch), text)


def set_plan(database: Database, log: Log, batch: Row, text: str | None, by: Caller = OFFICER, why: str = WHY) -> Any:
    with attempt(database, log, by, ("batch", batch["id"]), "set_plan") as tx:
        return plans.set_plan(tx, log, by, batch, text, why)


def show(database: Database, batch: Row) -> dict[str, Any]:
    with database.reading() as tx:
        return plans.show_plan(tx, fresh(database, batch))


def armed(database: Database, batch: Row) -> list[Row]:
    with database.reading() as tx:
        return tx.fetch(NEXT_AT, of=batch["id"])


def look(database: Database, at: datetime | None) -> None:
    """Let every checkpoint be looked at from this instant on, or never again."""
    with database.transaction() as tx:
        tx.fetch(LOOKED_AT, at=at)


def test_a_batch_follows_the_plan_that_ships_until_one_is_set(
    database: Database, log: Log, batch: Row, rows: list[Row]
) -> None:
    bundled = {"batch": batch["id"], "name": NAME, "hash": read_plan(TEXT).hash, "bundled": True, "text": TEXT}
    assert show(database, batch) == bundled
    receipt = set_plan(database, log, batch, EARLIER)
    own = read_plan(EARLIER)
    assert show(database, batch) == {
        "batch": batch["id"],
        "name": "gongfu-reminders/2",
        "hash": own.hash,
        "bundled": False,
        "text": EARLIER,
    }
    row = fresh(database, batch)
    assert (row["reminders_hash"], row["head_hash"]) == (own.hash, receipt.leaf)
    with database.reading() as tx:
        assert batches.rules_of(tx, row).reminders == own
    entry = parse_canonical(builders.read_entries(database, f"batch/{batch['id']}")[-1]["body"])
    assert (entry["type"], list(entry["reason"])) == ("batch.plan_set", ["$c"])
    assert entry["changes"] == [
        {"path": "/reminders_hash", "old": None, "new": own.hash},
        {"path": "/plan", "old": NAME, "new": "gongfu-reminders/2"},
    ]
    set_plan(database, log, batch, None)
    assert show(database, batch) == bundled
    assert drift_in(database, batch) == {}


@pytest.mark.parametrize("looked_at", [None, at(date(2024, 7, 22)), at(date(2024, 7, 15))])
def test_a_new_plan_has_every_open_checkpoint_looked_at_anew(
    database: Database, log: Log, batch: Row, rows: list[Row], looked_at: datetime | None
) -> None:
    other = builders.open_batch(database, log, "another")
    builders.create_projects(database, log, other, 1, first=9)
    look(database, looked_at)
    versions = [read_project(database, row["id"])["version"] for row in rows]
    set_plan(database, log, batch, EARLIER)
    found = armed(database, batch)
    assert len(found) == 4
    assert [row["next_at"] for row in found] == [row["opened_at"] for row in found]
    assert all(row["next_at"] <= JULY for row in found)
    assert [row["next_at"] for row in armed(database, other)] == [looked_at]
    assert [read_project(database, row["id"])["version"] for row in rows] == versions


def test_checkpoints_that_ended_are_left_as_they_are(database: Database, log: Log, batch: Row, rows: list[Row]) -> None:
    act(database, log, rows[0]["id"], "withdraw", on=date(2024, 7, 3))
    look(database, None)
    set_plan(database, log, batch, EARLIER)
    assert {(row["status"], row["next_at"] is None) for row in armed(database, batch)} == {
        ("closed", True),
        ("open", False),
    }


def test_a_preview_counts_the_checkpoints_whose_next_reminder_changes_and_writes_nothing(
    database: Database, log: Log, batch: Row, rows: list[Row]
) -> None:
    before = contents(database)
    told = preview(database, batch, EARLIER).to_dict()
    assert contents(database) == before
    assert told == {
        "batch": batch["id"],
        "name": "gongfu-reminders/2",
        "hash": read_plan(EARLIER).hash,
        "present": NAME,
        "ready": True,
        "faults": [],
        "effect": {
            "checkpoints": 4,
            "changed": 4,
            "begun": 0,
            "ended": 0,
            "by_kind": {"city_cutoff": 3, "package_due": 1},
        },
    }
    assert orjson.loads(orjson.dumps(told)) == told
    effects = [preview(database, batch, text).effect for text in (TEXT, None, OTHERS_CUTOFF, SILENT_CUTOFF)]
    assert [(effect.changed, effect.begun, effect.ended) for effect in effects if effect] == [
        (0, 0, 0),
        (0, 0, 0),
        (3, 0, 0),
        (3, 0, 3),
    ]
    look(database, None)
    set_plan(database, log, batch, SILENT_CUTOFF)
    back = preview(database, batch, None).effect
    assert back is not None
    assert (back.changed, back.begun, back.ended) == (3, 3, 0)


def test_the_effect_is_what_the_series_say_of_each_checkpoint(
    database: Database, log: Log, batch: Row, rows: list[Row]
) -> None:
    old, new = plan_of("gongfu-pilot/1"), read_plan(OTHERS_CUTOFF)
    changed = 0
    for row in (read_project(database, row["id"]) for row in rows):
        for item in row["plan"]:
            at_old, at_new = (
                next_occasion(
                    plan.series_for(item["kind"], POLICY),
                    plan.times,
                    date.fromisoformat(item["due_on"]),
                    OPENED,
                    False,
                    state_council_calendar(),
                    "Asia/Shanghai",
                    JULY,
                )
                for plan in (old, new)
            )
            changed += (at_old and at_old.at) != (at_new and at_new.at)
    effect = preview(database, batch, OTHERS_CUTOFF).effect
    assert effect is not None
    assert effect.changed == changed == 3


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        (
            TEXT.replace('definition = "gongfu-pilot/1"', 'definition = "gongfu-pilot/9"'),
            "plan_for_another",
            "plan.definition",
        ),
        (TEXT.replace("package_due = {", "parcel_due = {"), "unknown_checkpoint", "series.parcel_due"),
        (TEXT.replace("publish = [", "publishing = ["), "unknown_event", "events.publishing"),
        (
            TEXT.replace('default = { to = ["handler"] }', 'default = { to = ["clerk"] }'),
            "unknown_role",
            "series.default.to",
        ),
        (TEXT.replace('to = ["handler"]', "to = []"), "nobody_told", "series.publicity_end"),
        (TEXT.replace("[words.test]", "[words.tests]"), "unreadable", "plan"),
        (TEXT.replace("${title}", "${phone}"), "unreadable", "plan"),
        (TEXT.replace("remind_at = 09:00:00", "remind_at = 23:00:00"), "unreadable", "plan"),
        (TEXT + "\n[limits]\n", "unreadable", "plan"),
        ("", "unreadable", "plan"),
        ("\ud800", "unreadable", "plan"),
        ("\x00", "unreadable", "plan"),
        ("#" * 200_001, "unreadable", "plan"),
    ],
)
def test_a_plan_with_faults_is_shown_with_them_and_never_set(
    database: Database, log: Log, batch: Row, rows: list[Row], text: str, code: str, place: str
) -> None:
    assert text != TEXT
    shown = preview(database, batch, text)
    found = [(fault.code, fault.place) for fault in shown.faults]
    assert (shown.ready, shown.effect is None) == (False, code == "unreadable")
    before = fresh(database, batch)["reminders_hash"], armed(database, batch)
    unread = refused(Unreadable, lambda: set_plan(database, log, batch, text))
    assert [(fault["code"], fault["place"]) for fault in unread.details["faults"]] == found
    assert (code, place) in found
    assert orjson.loads(orjson.dumps(shown.to_dict())) == shown.to_dict()
    assert (fresh(database, batch)["reminders_hash"], armed(database, batch)) == before


def test_a_plan_is_set_by_the_province_with_a_reason_and_only_where_it_changes_something(
    database: Database, log: Log, batch: Row, rows: list[Row]
) -> None:
    for role in ("applicant", "city", "leader", "auditor", "system_admin", "system"):
        doer = caller(role, JULY, city=builders.JINAN, unit=builders.credit_code(2))
        refused(Forbidden, lambda d=doer: preview(database, batch, EARLIER, d))
        refused(Forbidden, lambda d=doer: set_plan(database, log, batch, EARLIER, d))
    for why in ("", " \n", "长" * 2001, "a\x07"):
        refused(Unreadable, lambda w=why: set_plan(database, log, batch, EARLIER, why=w))
    nowhere = {**batch, "id": "00000000-0000-0000-0000-000000000000"}
    refused(NotFound, lambda: set_plan(database, log, nowhere, EARLIER))
    refused(Unreadable, lambda: set_plan(database, log, batch, None))
    set_plan(database, log, batch, EARLIER)
    refused(Unreadable, lambda: set_plan(database, log, batch, EARLIER))


def test_a_plan_and_acts_at_once_wait_for_one_another(
    database: Database, log: Log, batch: Row, rows: list[Row]
) -> None:
    def withdraw(row: Row) -> Any:
        return lambda: act(database, log, row["id"], "withdraw", on=date(2024, 7, 17))

    answers = at_once([lambda: set_plan(database, log, batch, EARLIER), *map(withdraw, rows)])
    assert [type(answer).__name__ for answer in answers] == ["Receipt", "Outcome", "Outcome", "Outcome"]
    assert {row["status"] for row in armed(database, batch)} == {"closed"}
    assert drift_in(database, batch) == {}
