"""What the door leaves behind over a whole life: entries without personal data, commitments that open, checkpoints."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from lifecycle.audit import Log
from lifecycle.callers import Source
from lifecycle.canonical import parse_canonical
from lifecycle.commitments import Disclosure, is_commitment, opens
from lifecycle.database import Database
from lifecycle.errors import RulesUnmet, Unreadable
from lifecycle.replay import drift
from lifecycle.requests import Request
from lifecycle.snapshots import plain
from lifecycle.statements import Row, Statement
from lifecycle.tables import Checkpoint
from lifecycle.tables import Disclosure as DisclosureRow
from tests.lifecycle import builders
from tests.lifecycle.builders import PATHS, POINTS, REASON, STEPS, act, at, read_entries, read_project
from tests.lifecycle.test_database import contents
from tests.lifecycle.test_transition import door, refused

CLIENT = Source("api", "req-1", "web", "203.0.113.9", "Firefox/128")
Life = list[tuple[str, date | None]]
CORRECTED: Life = [
    *(("submit", None), ("return_for_correction", None), ("submit", date(2024, 7, 23))),
    *(("return_for_correction", date(2024, 7, 24)), ("submit", date(2024, 7, 25)), ("recommend", None)),
]
LIFE = CORRECTED + [(event, None) for event in (*PATHS["in_publicity"][2:], "object", "reject_objection")]
LIFE += [(event, None) for event in PATHS["closed"][len(PATHS["in_publicity"]) :]]

_check = Checkpoint.__table__  # type: ignore[attr-defined]
CHECKPOINTS = Statement(
    sa.select(_check)
    .where(_check.c.project_id == sa.bindparam("of"))
    .order_by(_check.c.version, _check.c.kind, _check.c.number)
)
DISCLOSURES = Statement(sa.select(DisclosureRow.__table__))  # type: ignore[attr-defined]


@pytest.fixture
def project(database: Database, log: Log) -> Row:
    return builders.create_projects(database, log, builders.open_batch(database, log), 1)[0]


def live(database: Database, log: Log, project: str, life: Sequence[tuple[str, date | None]]) -> None:
    """Do these acts over the network, with a refused attempt before each."""
    for event, on in life:
        row, day = read_project(database, project), on or STEPS[event].on
        doer = replace(builders.caller_for(STEPS[event].role, row, at(day)), source=CLIENT)
        refused(RulesUnmet, lambda d=doer, e=event: door(database, log, d, project, Request(e, reason=REASON)))
        request = builders.request_for(event, row, day)
        door(database, log, doer, project, replace(request, reason=request.reason or REASON))


def committed(value: Any, path: str = "") -> list[tuple[str, Any]]:
    """Return the commitments in a body with their places."""
    if is_commitment(value):
        return [(path, value)]
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in inner for found in committed(item, f"{path}/{key}")]


def checkpoints(database: Database, project: str) -> list[Row]:
    with database.reading() as tx:
        return tx.fetch(CHECKPOINTS, of=project)


def test_no_entry_of_a_whole_life_holds_personal_data_and_every_commitment_opens(
    database: Database, log: Log, project: Row
) -> None:
    live(database, log, project["id"], LIFE)
    assert read_project(database, project["id"])["state"] == "closed"
    entries = read_entries(database, f"project/{project['id']}")
    assert len(entries) == 1 + 2 * len(LIFE)
    with database.reading() as tx:
        disclosures = {(row["entry_id"], row["path"]): Disclosure(**row) for row in tx.fetch(DISCLOSURES)}
    secrets = ["张三", "13800000000", "李四", "0531-12345678", "设备并非新购", "经核查不成立", "协议缺少知识产权条款"]
    secrets += ["同意推荐", "通过", REASON, "203.0.113.9", "Firefox/128"]
    told = {}
    for entry in entries:
        assert [secret for secret in secrets if secret.encode() in entry["body"]] == []
        body = parse_canonical(entry["body"])
        assert [is_commitment(body["source"][name]) for name in ("ip", "ua")] == [entry["seq"] > 1] * 2
        for path, commitment in committed(body):
            disclosure = disclosures[entry["id"], path]
            assert opens(commitment, disclosure)
            assert not opens(commitment, replace(disclosure, value="x"))
            told[entry["id"], path] = str(disclosure.value)
    assert set(told) == {place for place in disclosures if place[0] in {entry["id"] for entry in entries}}
    assert [secret for secret in secrets if secret not in told.values()] == []


def test_the_name_of_who_checked_the_vetoes_is_in_no_entry(database: Database, log: Log, project: Row) -> None:
    live(database, log, project["id"], LIFE[:1])
    entries = read_entries(database, f"project/{project['id']}")
    assert ["核查人".encode() in entry["body"] for entry in entries] == [False] * 3


def test_the_open_rows_are_the_plan_after_every_act_of_a_life(database: Database, log: Log, project: Row) -> None:
    for event, on in LIFE:
        act(database, log, project["id"], event, on=on)
        row = read_project(database, project["id"])
        opened = [item for item in checkpoints(database, project["id"]) if item["status"] == "open"]
        known = {item["id"]: item for item in opened}
        assert set(known) == {item["id"] for item in row["plan"]}
        for item in row["plan"]:
            assert item == {name: plain(known[item["id"]][name]) for name in item}
            assert {"kind", "number", "due_on", "provisional"} <= set(item)
    assert row["plan"] == []
    with database.reading() as tx:
        assert drift(tx, project["id"]) == []


def test_a_checkpoint_armed_again_is_a_new_row_of_a_new_version(database: Database, log: Log, project: Row) -> None:
    for event, on in LIFE[:11]:
        act(database, log, project["id"], event, on=on)
    rows = checkpoints(database, project["id"])
    assert len({row["id"] for row in rows}) == len(rows)
    told = [(row["kind"], row["version"], row["status"], row["reason"], row["due_on"]) for row in rows]
    cutoff, package = date(2024, 7, 31), date(2024, 8, 5)
    assert told == [
        ("city_cutoff", 1, "closed", "return_for_correction", cutoff),
        ("package_due", 2, "closed", "return_for_correction", package),
        ("correction_due", 3, "closed", "submit", date(2024, 7, 29)),
        ("city_cutoff", 4, "closed", "return_for_correction", cutoff),
        ("package_due", 4, "closed", "return_for_correction", package),
        ("correction_due", 5, "closed", "submit", date(2024, 7, 31)),
        ("city_cutoff", 6, "closed", "recommend", cutoff),
        ("package_due", 6, "closed", "accept_filing", package),
        ("publicity_end", 10, "closed", "object", date(2024, 8, 16)),
        ("objection_finding_due", 11, "closed", "reject_objection", date(2024, 9, 4)),
        ("publicity_end", 12, "open", "reject_objection", date(2024, 8, 16)),
    ]
    assert [row["ended_at"] is None for row in rows] == [row["status"] == "open" for row in rows]


def test_an_act_whose_entry_would_pass_32_kib_is_refused_and_writes_nothing(
    database: Database, log: Log, project: Row
) -> None:
    def points(letter: str) -> dict[str, Any]:
        return {**STEPS["submit"].fields, "agreement_points": [*POINTS, *(f"{n:02}{letter * 62}" for n in range(94))]}

    vetoes = {"veto_checks": builders.veto_checks(date(2024, 7, 20))}
    act(database, log, project["id"], "submit", fields={**points("甲"), **vetoes})
    act(database, log, project["id"], "return_for_correction")
    before = contents(database)
    with pytest.raises(Unreadable):
        act(database, log, project["id"], "submit", on=date(2024, 7, 23), fields={**points("乙"), **vetoes})
    kept = {"entry", "pending", "project"}  # where the failed attempt and the stream's head are
    assert {name: rows for name, rows in contents(database).items() if name not in kept} == {
        name: rows for name, rows in before.items() if name not in kept
    }
    last = parse_canonical(read_entries(database, f"project/{project['id']}")[-1]["body"])
    assert (last["outcome"], last["changes"][0]["new"], last["subject"]["version"]) == ("failed", "unreadable", 3)
    assert read_project(database, project["id"])["version"] == 3
