"""Lists of actual investment: kept whole, verified by line, held against the acts' totals, flagged."""

import sqlite3
from datetime import date

import psycopg
import pytest

from lifecycle.audit import Log
from lifecycle.canonical import parse_canonical
from lifecycle.database import Database
from lifecycle.errors import Conflict, Forbidden, ListRefused, NotFound, NotOffered, RulesUnmet
from lifecycle.history import project_history
from lifecycle.invoices import list_doubled
from lifecycle.replay import drift, drift_of_batch, replay
from lifecycle.statements import Row
from tests.faults.test_races import at_once
from tests.lifecycle.builders import (
    POLICY_TEXT,
    QINGDAO,
    act,
    at,
    caller,
    caller_for,
    create_projects,
    drive,
    open_batch,
    read_entries,
    read_project,
)
from tests.lifecycle.investing import CLAIM_ON, VERIFY_ON, claim, line, shown, verify

CLAIMED = {"half_year_invested_fen": 130_000_000}
VERIFIED = {"half_year_verified_fen": 120_000_000, "half_year_opinion": "通过"}


@pytest.fixture
def batch(database: Database, log: Log) -> Row:
    return open_batch(database, log)


@pytest.fixture
def project(database: Database, log: Log, batch: Row) -> Row:
    (row,) = create_projects(database, log, batch, 1)
    return drive(database, log, row["id"], "published")


def drift_of(database: Database, project: Row) -> list[str]:
    with database.reading() as tx:
        return drift(tx, project["id"])


def last_body(database: Database, project: Row) -> dict:
    return dict(parse_canonical(read_entries(database, f"project/{project['id']}")[-1]["body"]))


def test_R21_claimed_and_verified_totals_of_the_acts_must_be_the_sums_of_the_lists(
    database: Database, log: Log, project: Row
) -> None:
    name = project["id"]
    kept = claim(database, log, name, [line(1), line(2, remarks="预付款已抵扣")])
    assert (kept.number, kept.lines, kept.total_fen, kept.version) == (1, 2, 130_000_000, project["version"] + 1)
    with pytest.raises(RulesUnmet) as wrong:
        act(database, log, name, "apply_half_year", fields={"half_year_invested_fen": 130_000_001})
    assert [item.check for item in wrong.value.findings if item.blocks] == ["claim_matches_list"]
    act(database, log, name, "apply_half_year", fields=CLAIMED)
    with pytest.raises(RulesUnmet) as unverified:
        act(database, log, name, "pass_half_year")
    assert [item.check for item in unverified.value.findings if item.blocks] == ["verified_matches_list"]
    cut = {"position": 2, "verified_fen": 55_000_000, "reason": "部分付款无凭证"}
    verified = verify(database, log, name, [cut], rest_accepted=True)
    assert (verified.number, verified.total_fen) == (1, 120_000_000)
    with pytest.raises(RulesUnmet):
        act(database, log, name, "pass_half_year", fields={**VERIFIED, "half_year_verified_fen": 119_999_999})
    assert act(database, log, name, "pass_half_year").target == "half_year_accepted"
    row = read_project(database, name)
    assert {key: value["total_fen"] for key, value in row["lists"].items() if not key.endswith("_words")} == {
        "half_year_claimed": 130_000_000,
        "half_year_verified": 120_000_000,
    }
    assert drift_of(database, row) == []
    with database.reading() as tx:
        assert replay(tx, name)["lists"] == row["lists"]
    bodies = [entry["body"] for entry in read_entries(database, f"project/{name}")]
    assert [b"part" in body for body in bodies] == [False] * len(bodies)
    assert not any(text.encode() in body for body in bodies for text in ("预付款已抵扣", "部分付款无凭证"))


def test_R21_after_a_rectification_a_new_list_has_to_be_verified_anew(
    database: Database, log: Log, project: Row
) -> None:
    name = project["id"]
    claim(database, log, name, [line(1), line(2)])
    act(database, log, name, "apply_half_year")
    verify(database, log, name, [], rest_accepted=True)
    act(database, log, name, "rectify_half_year")
    again = caller_for("applicant", project, at(date(2025, 3, 25)))
    assert claim(database, log, name, [line(1), line(3)], who=again).number == 2
    act(database, log, name, "resubmit_half_year")
    with pytest.raises(RulesUnmet):
        act(
            database,
            log,
            name,
            "pass_half_year",
            on=date(2025, 4, 2),
            fields={**VERIFIED, "half_year_verified_fen": 130_000_000},
        )
    late = caller_for("handler", project, at(date(2025, 4, 1)))
    with pytest.raises(Conflict) as stale:
        verify(database, log, name, [], rest_accepted=True, who=late)
    assert dict(stale.value.details) == {"claimed": 2, "verified": 1}
    verify(database, log, name, [{"position": 1, "verified_fen": 55_000_000, "reason": "核减"}], basis=2, after=1,
           rest_accepted=True, who=late)  # fmt: skip
    act(database, log, name, "pass_half_year", on=date(2025, 4, 2))
    told = shown(database, late, name)
    assert [(one["kind"], one["number"], one["basis"]) for one in told["versions"]] == [
        ("claimed", 1, None),
        ("claimed", 2, None),
        ("verified", 1, 1),
        ("verified", 2, 2),
    ]
    assert [one["invoice_number"] for one in shown(database, late, name, number=1)["lines"]] == [
        line(1)["invoice_number"],
        line(2)["invoice_number"],
    ]
    assert drift_of(database, project) == []


def test_a_list_with_a_fault_is_not_kept_at_all_and_the_attempt_is_told(
    database: Database, log: Log, project: Row
) -> None:
    before = read_project(database, project["id"])
    with pytest.raises(ListRefused) as refused:
        claim(database, log, project["id"], [line(1), line(2, paid_on="2024-08-30"), line(3, claimed_fen=-1)])
    assert [(one["row"], one["column"]) for one in refused.value.details["errors"]] == [(3, "claimed_fen")]
    with pytest.raises(ListRefused) as refused:
        claim(database, log, project["id"], [line(1), line(2, paid_on="2024-08-30", contract_on=None)])
    assert [(one["row"], one["code"]) for one in refused.value.details["errors"]] == [(2, "outside_period")]
    row = read_project(database, project["id"])
    assert (row["version"], row["lists"], row["head_seq"]) == (before["version"], {}, before["head_seq"] + 2)
    assert last_body(database, project)["outcome"] == "failed"


def test_who_may_claim_and_verify_and_when_is_what_the_acts_of_the_round_say(
    database: Database, log: Log, project: Row
) -> None:
    name, day = project["id"], at(CLAIM_ON)
    for role in ("city", "handler", "auditor"):
        with pytest.raises(Forbidden):
            claim(database, log, name, [line(1)], who=caller_for(role, project, day))
    with pytest.raises(NotFound):
        claim(database, log, name, [line(1)], who=caller("applicant", day, unit="91370100MA00000000"))
    for unknown in ("castle", "one_year/../x"):
        with pytest.raises(NotFound):
            claim(database, log, name, [line(1)], unknown)
    with pytest.raises(NotOffered):
        claim(database, log, name, [line(1)], "one_year")
    with pytest.raises(NotOffered):
        verify(database, log, name, [])
    claim(database, log, name, [line(1), line(2)])
    act(database, log, name, "apply_half_year")
    with pytest.raises(NotOffered):
        claim(database, log, name, [line(1)])
    with pytest.raises(Forbidden):
        verify(database, log, name, [], rest_accepted=True, who=caller_for("applicant", project, at(VERIFY_ON)))
    act(database, log, name, "suspend", on=date(2025, 3, 12))
    with pytest.raises(NotOffered):
        verify(database, log, name, [], rest_accepted=True)


def test_R21_the_same_invoice_anywhere_in_the_programme_is_flagged_and_accepted_only_with_a_reason(
    database: Database, log: Log, batch: Row, project: Row
) -> None:
    (other,) = create_projects(database, log, batch, 1, first=5, city=QINGDAO)
    drive(database, log, other["id"], "published")
    claim(
        database,
        log,
        project["id"],
        [line(1), line(2, 30_000_000, invoice_fen=65_000_000), line(2, 35_000_000, invoice_fen=65_000_000)],
    )
    claim(database, log, other["id"], [line(7), line(8, invoice_number=" ２４３７２００００００００００００００１ ")])
    handler, unit = (caller_for(role, project, at(VERIFY_ON)) for role in ("handler", "applicant"))
    told = shown(database, handler, project["id"])
    there = {"kind": "other_project", "project": other["code"], "round": "half_year", "line": 2}
    own = {"kind": "same_list", "project": project["code"], "round": "half_year"}
    assert [one["flags"] for one in told["lines"]] == [[there], [{**own, "line": 3}], [{**own, "line": 2}]]
    seen = shown(database, unit, project["id"])
    assert seen["lines"][0]["flags"] == [{"kind": "other_project", "project": None, "round": None, "line": None}]
    act(database, log, project["id"], "apply_half_year")
    with pytest.raises(ListRefused) as refused:
        verify(database, log, project["id"], [], rest_accepted=True)
    assert [(one["row"], one["code"]) for one in refused.value.details["errors"]] == [(1, "not_verified")]
    reasoned = {"position": 1, "verified_fen": 65_000_000, "reason": "已核对发票原件"}
    verify(database, log, project["id"], [reasoned], rest_accepted=True)
    with database.reading() as tx:
        doubled = list_doubled(tx, handler, batch)
        with pytest.raises(Forbidden):
            list_doubled(tx, caller_for("city", project, at(VERIFY_ON)), batch)
    assert [(one["here"]["project"], one["there"]["project"]) for one in doubled] == [
        (project["code"], other["code"]),
        (other["code"], project["code"]),
    ]
    again = caller_for("applicant", other, at(VERIFY_ON))
    claim(database, log, other["id"], [line(7), line(9)], who=again)
    assert shown(database, handler, project["id"])["flagged"] == 2  # its own two lines of one invoice


def test_the_unit_reads_what_was_verified_with_the_decision_and_not_before(
    database: Database, log: Log, project: Row
) -> None:
    name, unit = project["id"], caller_for("applicant", project, at(VERIFY_ON))
    claim(database, log, name, [line(1), line(2)])
    act(database, log, name, "apply_half_year")
    verify(database, log, name, [{"position": 1, "verified_fen": 55_000_000, "reason": "核减"}], rest_accepted=True)
    told = shown(database, unit, name)
    assert (told["verified_fen"], {one["verified_fen"] for one in told["lines"]}) == (None, {None})
    assert [one["kind"] for one in told["versions"]] == ["claimed"]
    with database.reading() as tx:
        items = project_history(tx, unit, name).items
    changes = {change["path"]: change["new"] for change in items[-1]["changes"]}
    assert changes["/lists/half_year_verified"] == changes["/lists/half_year_verified_words"] == {"$withheld": "role"}
    assert items[-1]["sentence"]["zh"].endswith("逐行核定半年期验收实际投入明细")
    assert items[-3]["sentence"]["zh"].endswith("报送半年期验收实际投入明细（第1版，2行）")
    act(database, log, name, "pass_half_year")
    assert shown(database, unit, name)["verified_fen"] == 120_000_000


def test_two_officers_who_verify_one_list_at_once_do_not_replace_each_other(
    database: Database, log: Log, batch: Row, project: Row
) -> None:
    name = project["id"]
    claim(database, log, name, [line(number, 13_000_000) for number in range(1, 11)])
    act(database, log, name, "apply_half_year")

    def officer(number: int):
        who = caller_for("handler", project, at(VERIFY_ON), f"h{number}")
        cut = {"position": number, "verified_fen": number, "reason": "核减"}
        return lambda: verify(database, log, name, [cut], rest_accepted=True, who=who)

    answers = at_once([officer(number) for number in range(1, 9)])
    assert sorted(type(answer).__name__ for answer in answers) == ["Conflict"] * 7 + ["Kept"]
    (kept,) = (answer for answer in answers if not isinstance(answer, Conflict))
    row = read_project(database, name)
    assert row["lists"]["half_year_verified"]["total_fen"] == kept.total_fen  # type: ignore[attr-defined]
    with database.reading() as tx:
        assert drift_of_batch(tx, batch["id"]) == {}


def test_where_the_batch_requires_lists_totals_alone_do_not_do_and_where_they_are_off_they_alone_count(
    database: Database, log: Log
) -> None:
    strict, loose = (POLICY_TEXT.replace('lists = "where_kept"', f'lists = "{how}"') for how in ("required", "off"))
    for number, (code, text) in enumerate((("strict", strict), ("loose", loose)), 1):
        batch = open_batch(database, log, code, policy_text=text)
        (row,) = create_projects(database, log, batch, 1, first=20 * number)
        drive(database, log, row["id"], "published")
        if code == "strict":
            with pytest.raises(RulesUnmet):
                act(database, log, row["id"], "apply_half_year")
        claim(database, log, row["id"], [line(number, 1_000_000)])
        fields = {"half_year_invested_fen": 1_000_000 if code == "strict" else 130_000_000}
        assert act(database, log, row["id"], "apply_half_year", fields=fields).target == "half_year_evaluation"


def test_a_list_changed_behind_the_back_of_the_log_shows_as_drift(database: Database, log: Log, project: Row) -> None:
    claim(database, log, project["id"], [line(1), line(2)])
    assert drift_of(database, project) == []
    with pytest.raises((psycopg.Error, sqlite3.Error)), database.transaction() as tx:
        tx.execute_driver("UPDATE investment_line SET claimed_fen = 1")
    with database.transaction() as tx:
        if tx.is_postgres:
            tx.execute_driver("ALTER TABLE investment_line DISABLE TRIGGER ALL")
        else:
            tx.execute_driver("DROP TRIGGER investment_line_no_update")
        tx.execute_driver("UPDATE investment_line SET claimed_fen = 1 WHERE position = 2")
    assert drift_of(database, project) == ["lists/half_year_claimed: version 1 does not hold what it was kept with"]


def test_one_year_lists_carry_the_half_years_on(database: Database, log: Log, project: Row) -> None:
    name = project["id"]
    claim(database, log, name, [line(1), line(2)])
    act(database, log, name, "apply_half_year")
    verify(database, log, name, [{"position": 1, "verified_fen": 55_000_000, "reason": "核减"}], rest_accepted=True)
    act(database, log, name, "pass_half_year")
    unit = caller_for("applicant", project, at(date(2025, 9, 10)))
    more = [line(1), line(2), line(3, 90_000_000, paid_on="2025-08-01")]
    assert claim(database, log, name, more, "one_year", who=unit).total_fen == 220_000_000
    told = shown(database, unit, name, "one_year")
    assert [[flag["kind"] for flag in one["flags"]] for one in told["lines"]] == [
        ["same_project"],
        ["same_project"],
        [],
    ]
    act(database, log, name, "apply_one_year")
