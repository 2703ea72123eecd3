"""The auditor's working set: each report finds what happened, leads to its entries, and is one in any stretches."""

import ast
import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.auditing import scanning
from lifecycle.auditing.calendars import STANDARD, why_outside
from lifecycle.auditing.counts import added
from lifecycle.auditing.entries import show_entry
from lifecycle.auditing.kinds import KINDS
from lifecycle.auditing.reports import REPORTS, run_report
from lifecycle.database import Database
from lifecycle.errors import Forbidden, NotFound, SamePerson, Unreadable
from lifecycle.redaction.register import approve_redaction
from lifecycle.settings import Settings
from lifecycle.statements import Row
from tests.lifecycle.audited import DOUBTED, SUNDAY_NIGHT, Audited, eventful, seal
from tests.lifecycle.builders import at, caller, drive
from tests.lifecycle.redacting import ADMIN, propose

AUDITOR = caller("auditor", at(date(2026, 3, 1)))
Line = dict[str, Any]


@pytest.fixture
def audited(database: Database, settings: Settings, log: Log, tmp_path: Path) -> Audited:
    told = eventful(database, log)
    seal(database, settings, log, tmp_path)
    return told


def report(database: Database, name: str, limit: int = 200, **asked: Any) -> list[Line]:
    """Return all lines of a report, read in pages, each in a transaction of its own."""
    lines: list[Line] = []
    size, begin = asked.pop("size", None), 0
    while True:
        with database.reading() as tx:
            page = run_report(tx, AUDITOR, name, size=size, begin=begin, limit=limit, **asked)
        lines += page.items
        if page.next is None:
            return added(lines) if name == "counts" else lines
        assert page.next > begin
        size, begin = page.size, page.next


def followed(database: Database, line: Line) -> Line:
    """Return the entry to which a line leads, the same by place and by id."""
    with database.reading() as tx:
        entry = show_entry(tx, AUDITOR, str(line["index"]))
        assert show_entry(tx, AUDITOR, line["id"]) == entry
    return entry


def of(project: Row, lines: list[Line]) -> list[Line]:
    return [line for line in lines if line["subject"]["id"] == project["id"]]


def test_what_was_set_aside_is_told_with_clause_and_reason(database: Database, audited: Audited) -> None:
    (line,) = report(database, "overrides")
    assert line["more"]["rules"] == [{"rule": "R03", "clauses": ["二(一)"]}]
    entry = followed(database, line)
    assert (entry["action"], entry["entry"]["action"]["override"]) == ("submit", ["R03"])
    assert (line["subject"]["code"], line["sentence"]) == (audited.waived["code"], entry["sentence"])


def test_attempts_that_came_to_nothing_are_told_with_what_refused_them(database: Database, audited: Audited) -> None:
    lines = report(database, "denied")
    told = [(line["action"], [item["rule"] for item in line["more"]["refused_by"]]) for line in lines]
    assert sorted(told) == [("revoke", ["—"]), ("submit", ["R03"])]
    assert [line["more"]["problem"] for line in lines] == ["rules-unmet"] * 2
    assert [followed(database, line)["outcome"] for line in lines] == ["denied"] * 2


def test_a_second_signature_by_the_first_signer_is_told(database: Database, audited: Audited) -> None:
    (line,) = report(database, "second_signatures")
    assert (line["subject"]["id"], line["actor"]["id"], line["action"]) == (audited.revoked["id"], "handler", "revoke")
    assert line["more"]["refused_by"][0]["label"]["zh"] == "须由另一人办理"
    followed(database, line)


def test_a_redaction_that_its_proposer_would_approve_is_told_too(
    database: Database, settings: Settings, log: Log, audited: Audited, tmp_path: Path
) -> None:
    name, _ = propose(database, log, person=f"contact/{audited.back['id']}")
    with pytest.raises(SamePerson), attempt(database, log, ADMIN, ("redaction", name), "approve_redaction") as tx:
        approve_redaction(tx, log, ADMIN, name, "0" * 64)
    seal(database, settings, log, tmp_path)
    told = [(line["actor"]["id"], line["action"]) for line in report(database, "second_signatures")]
    assert told == [("handler", "revoke"), ("security_admin", "approve_redaction")]


def test_acts_dated_back_are_told_with_days_and_reason(database: Database, audited: Audited) -> None:
    (line,) = report(database, "backdated")
    assert line["subject"]["id"] == audited.dated["id"]
    assert line["more"] == {"effective_on": "2024-08-06", "days_back": 5, "reason": "依据会议纪要办理"}
    followed(database, line)


def test_what_officers_did_on_rest_days_and_outside_the_hours_is_told(database: Database, audited: Audited) -> None:
    lines = report(database, "out_of_hours")
    assert {line["actor"]["role"] for line in lines} <= {"handler", "division_head", "leader", "city"}
    (night,) = of(audited.dated, lines)
    assert night["more"] == {
        **{"why": "rest_day", "local": "2024-08-11T22:30:00+08:00", "calendar": "cn-state-council/2026"},
        **{"opens": "08:30", "closes": "17:30"},
    }
    assert datetime.fromisoformat(night["at"]) == SUNDAY_NIGHT
    published = [line["local"] for line in of(audited.revoked, lines)]
    assert published == ["2024-08-31 09:00:00"]  # a Saturday; the unit's own Saturday in July is not an office's
    followed(database, night)


def test_a_make_up_day_is_worked_and_hours_are_the_policys() -> None:
    zone = STANDARD.zone
    made_up = datetime(2024, 2, 4, 9, tzinfo=zone)  # a Sunday, worked for Spring Festival
    assert [
        why_outside(STANDARD, made_up.replace(hour=hour, minute=minute))
        for hour, minute in ((8, 29), (8, 30), (17, 29), (17, 30))
    ] == ["before_opening", None, None, "after_closing"]
    assert why_outside(STANDARD, made_up.replace(day=12)) == "rest_day"


def test_what_the_system_did_is_told(database: Database, audited: Audited) -> None:
    (line,) = report(database, "system")
    assert (line["type"], line["actor"]["id"], line["actor"]["role_label"]["zh"]) == (
        "log.heads",
        "system:clock",
        "系统",
    )
    assert line["sentence"]["zh"] == "2024-08-12 系统：当日各留痕末条"


def test_counts_are_those_of_the_log_with_the_first_and_last_of_each(
    database: Database, audited: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = report(database, "counts")
    with database.reading() as tx:
        rows = tx.driver.execute(
            'SELECT type, outcome, count(*), min("index"), max("index") FROM leaf JOIN entry ON id = entry_id '
            "GROUP BY type, outcome ORDER BY type, outcome"
        ).fetchall()
    assert [
        (line["type"], line["outcome"], line["number"], line["first"]["index"], line["last"]["index"]) for line in lines
    ] == [tuple(row) for row in rows]
    for line in lines:
        entry = followed(database, line["last"])
        assert (entry["type"], entry["outcome"]) == (line["type"], line["outcome"])
    monkeypatch.setattr("lifecycle.auditing.counts.COUNTED", 5)
    assert report(database, "counts") == lines


def test_stays_are_told_with_their_deadlines(database: Database, audited: Audited) -> None:
    lines = report(database, "deadlines")
    own = [line for line in lines if line["project"] == audited.back["id"]]
    assert [(line["state"], line["days"]) for line in own] == [
        ("draft", 19),
        ("applied", 2),
        ("returned", 4),
        ("applied", (date(2026, 3, 1) - date(2024, 7, 26)).days),
    ]
    verdicts = [[(one["kind"], one["verdict"], one["days_late"]) for one in line["deadlines"]] for line in own]
    assert verdicts == [
        [],
        [("city_cutoff", "met", 0), ("package_due", "met", 0)],
        [("correction_due", "met", 0)],
        [
            ("city_cutoff", "overdue", (date(2026, 3, 1) - date(2024, 7, 31)).days),
            ("package_due", "overdue", (date(2026, 3, 1) - date(2024, 8, 5)).days),
        ],
    ]
    returned = own[2]
    assert returned["deadlines"][0]["ended"]["action_label"]["zh"] == returned["left"]["action_label"]["zh"]
    assert followed(database, returned["deadlines"][0]["ended"])["action"] == "submit"
    assert followed(database, returned["entered"])["entry"]["action"]["to"] == "returned"
    night = next(
        line for line in lines if line["project"] == audited.dated["id"] and line["state"] == "city_recommended"
    )
    (package,) = night["deadlines"]
    assert (package["verdict"], package["days_late"], package["ended"]["on"]) == ("late", 1, "2024-08-06")
    assert package["ended"]["recorded_on"] == "2024-08-11"  # the entry says both
    assert [line["left"] for line in lines if line["state"] == "revoked"] == [None]
    assert {line["project"] for line in lines} == {row["id"] for row in audited.projects}


def test_reports_are_of_a_batch_and_of_a_time_where_that_is_asked(database: Database, audited: Audited) -> None:
    elsewhere = audited.other["batch_id"]
    assert {line["project"] for line in report(database, "deadlines", batch=elsewhere)} == {audited.other["id"]}
    assert report(database, "overrides", batch=elsewhere) == []
    own = report(database, "counts", batch=audited.batch["id"])
    every = report(database, "counts")
    assert {line["type"] for line in every} - {line["type"] for line in own} == {"log.heads"}
    then = at(date(2026, 1, 1))
    assert [line["action"] for line in report(database, "denied", since=then)] == ["revoke"]
    assert [line["action"] for line in report(database, "denied", before=then)] == ["submit"]
    ended = report(database, "deadlines", before=at(date(2024, 7, 25)), batch=audited.batch["id"])
    (open_one,) = [line for line in ended if line["project"] == audited.back["id"] and line["left"] is None]
    assert (open_one["state"], open_one["days"]) == ("returned", 3)
    assert [(one["kind"], one["verdict"]) for one in open_one["deadlines"]] == [("correction_due", "open")]
    later = report(database, "deadlines", since=at(DOUBTED), batch=audited.batch["id"])
    assert {line["state"] for line in later if line["project"] == audited.revoked["id"]} == {"published", "revoked"}


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_a_report_in_short_stretches_is_the_whole_and_what_is_sealed_meanwhile_moves_nothing(
    name: str,
    database: Database,
    settings: Settings,
    log: Log,
    audited: Audited,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = report(database, name)
    with database.reading() as tx:
        size = run_report(tx, AUDITOR, name).size
    drive(database, log, audited.other["id"], "applied")
    seal(database, settings, log, tmp_path)
    monkeypatch.setattr(scanning, "CHUNK", 3)
    monkeypatch.setattr(scanning, "STRETCH", 7)
    assert report(database, name, limit=2, size=size) == whole


def test_every_kind_of_entry_that_is_written_has_words() -> None:
    subjects = "project|batch|docket|objection|panel|user|message|key|audit|log|system"
    kind = re.compile(rf"({subjects})\.[a-z_]+(?<!_)(?<!\.id)")
    parts = Path(scanning.__file__).parents[1]
    places = [path for path in parts.rglob("*.py") if not {"migrations", "tables", "verifier"} & set(path.parts)]
    found = {
        node.value
        for path in places
        if path.name not in ("sentences.py", "settings.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and kind.fullmatch(node.value)
    }
    assert len(found) > 50
    assert found - KINDS.keys() == set()


def test_reports_are_for_auditors_and_ask_for_what_there_is(database: Database, audited: Audited) -> None:
    with database.reading() as tx:
        for role in ("handler", "leader", "city", "expert", "security_admin", "system_admin"):
            with pytest.raises(Forbidden):
                run_report(tx, caller(role, city="370100"), "counts")
        with pytest.raises(NotFound):
            run_report(tx, AUDITOR, "x" * 1000)
        with pytest.raises(NotFound):
            run_report(tx, AUDITOR, "counts", size=10**6)
        for limit in (0, 201):
            with pytest.raises(Unreadable):
                run_report(tx, AUDITOR, "counts", limit=limit)
