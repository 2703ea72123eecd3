"""The job that holds the log against the live rows: in steps, each alarm on record once, its end too."""

from datetime import UTC, datetime
from typing import Any

import pytest

from lifecycle import jobs
from lifecycle.audit import Log
from lifecycle.canonical import parse_canonical
from lifecycle.database import Database
from lifecycle.drifting import JOB, STREAM, count_drifting, list_drift, places_of, watch_drift
from lifecycle.errors import Forbidden
from lifecycle.statements import Row
from tests.lifecycle.builders import JINAN, caller, create_projects, drive, force, open_batch, read_entries

NOW = datetime(2024, 9, 1, tzinfo=UTC)


@pytest.fixture
def batch(database: Database, log: Log) -> Row:
    with database.transaction() as tx:
        jobs.enter_job(tx, JOB, 300)
    return open_batch(database, log)


@pytest.fixture
def projects(database: Database, log: Log, batch: Row) -> list[Row]:
    rows = create_projects(database, log, batch, 5)
    return [drive(database, log, rows[0]["id"], "under_objection"), *rows[1:]]


def cursor(database: Database) -> dict[str, str] | None:
    with database.reading() as tx:
        return jobs.read_cursor(tx, JOB)


def passed(database: Database, log: Log) -> int:
    """Take steps until all has been looked at once; return how many drift."""
    drifting = 0
    for _ in range(20):
        drifting += watch_drift(database, log, caller("system", NOW))
        if cursor(database) == {"stage": "project", "after": "00000000-0000-0000-0000-000000000000"}:
            return drifting
    raise AssertionError("it never comes round")


def alarms(database: Database) -> list[tuple[str, str, Any]]:
    bodies = [parse_canonical(entry["body"]) for entry in read_entries(database, STREAM)]
    return [(body["type"], "{kind}/{id}".format(**body["subject"]), body["changes"][0]["new"]) for body in bodies]


def known(database: Database) -> int:
    with database.reading() as tx:
        return count_drifting(tx)


def test_a_column_changed_behind_the_doors_back_is_found_named_and_told_once(
    database: Database, log: Log, batch: Row, projects: list[Row]
) -> None:
    assert (passed(database, log), alarms(database), known(database)) == (0, [], 0)
    first, second = projects[:2]
    force(
        database,
        ("UPDATE project SET contact_phone = '13999999999', title = '换名' WHERE id = ?", (first["id"],)),
        ("UPDATE project SET state = 'published' WHERE id = ?", (second["id"],)),
    )
    assert passed(database, log) >= 2
    found = {subject: (kind, places) for kind, subject, places in alarms(database)}
    assert found[f"project/{first['id']}"] == ("log.drifted", ["title", "contact_phone"])
    assert found[f"project/{second['id']}"][1][0] == "state"
    assert known(database) == len(found)
    before = alarms(database)
    assert passed(database, log) == len(found)
    assert alarms(database) == before
    assert "13999999999" not in str(before)
    force(database, ("UPDATE project SET state = ? WHERE id = ?", (second["state"], second["id"])))
    passed(database, log)
    ended = [subject for kind, subject, _ in alarms(database) if kind == "log.drift_ended"]
    assert f"project/{second['id']}" in ended
    assert known(database) == 1
    with database.reading() as tx:
        told = list_drift(tx, caller("auditor", NOW), batch["id"])
        assert told[first["id"]][0].startswith("title: the log says")
        with pytest.raises(Forbidden):
            list_drift(tx, caller("handler", NOW))


def test_counters_and_missing_projects_are_found_too(
    database: Database, log: Log, batch: Row, projects: list[Row]
) -> None:
    force(
        database,
        ("UPDATE capacity SET used = 7 WHERE pool = ? AND key = ?", ("city_quota", JINAN)),
        ("UPDATE batch SET last_number = 9 WHERE id = ?", (batch["id"],)),
    )
    assert passed(database, log) == 1
    programme = f"programme/{batch['programme']}"
    places = [f"{batch['id']}/city_quota/{JINAN}", f"batch/{batch['id']}"]
    assert alarms(database) == [("log.drifted", programme, places)]


def test_steps_are_bounded_and_go_on_where_the_last_one_ended(
    database: Database, log: Log, batch: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lifecycle.drifting.ENTRIES", 2)
    ids = sorted(row["id"] for row in create_projects(database, log, batch, 5))  # an entry each
    seen = []
    for _ in range(3):
        watch_drift(database, log, caller("system", NOW))
        seen.append(cursor(database))
    assert [place["after"] for place in seen if place] == [ids[1], ids[3], ids[4]]


def test_places_are_named_without_their_values() -> None:
    problems = [
        "contact_phone: the log says '1', the row says '2'",
        "entry 5 says that /contact_name was '张三', and it was '李四'",
        "there are no entries",
    ]
    assert places_of(problems) == ["contact_phone", "entry 5", "there are no entries"]
    assert len(places_of(f"place{number}: x" for number in range(200))) == 51
