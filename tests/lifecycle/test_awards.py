"""Rewards of a draft: worked out from scores, other lines tried out, filled in; publicity, then granted by another."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.database import Database
from lifecycle.dockets.awards import Trial, allot, try_awards
from lifecycle.dockets.drafting import Drafted
from lifecycle.dockets.edits import DraftItem, Edit
from lifecycle.errors import Forbidden, NotOffered, RulesUnmet, Unreadable
from lifecycle.statements import Row
from tests.lifecycle import builders
from tests.lifecycle.builders import POLICY_TEXT, at, caller, drive, read_project
from tests.lifecycle.docketing import draft, preview, release, show
from tests.lifecycle.test_database import contents
from tests.lifecycle.test_projects import drift_in, refused

YUAN = 100
PROPOSER = caller("handler", at(date(2025, 10, 20)), person="proposer")
BUDGET = "budget_fen = 3_000_000_000"
SHORT = POLICY_TEXT.replace(BUDGET, "budget_fen = 150_000_000")  # 1,500,000 yuan for what would take 1,800,000
SCORES = ("95", "90", "80", "75", None, "60")


@pytest.fixture
def batch(database: Database, log: Log) -> Row:
    assert SHORT != POLICY_TEXT
    return builders.open_batch(database, log, policy_text=SHORT)


@pytest.fixture
def accepted(database: Database, log: Log, batch: Row) -> list[Row]:
    """Projects accepted at one year with 2,000,000 yuan verified: a share of 600,000 each."""
    rows = builders.create_projects(database, log, batch, len(SCORES))
    return [drive(database, log, row["id"], "one_year_accepted") for row in rows]


@pytest.fixture
def proposal(database: Database, log: Log, batch: Row, accepted: list[Row]) -> str:
    put = [
        DraftItem(row["id"], fields={"evaluation_score": score} if score else {})
        for row, score in zip(accepted, SCORES, strict=True)
    ]
    return draft(database, log, batch, "reward_proposal", Edit(put=put), PROPOSER).docket


def trial(database: Database, docket: str, by: Caller = PROPOSER, share: int | None = None, **lines: str) -> Any:
    with database.reading() as tx:
        return try_awards(tx, by, docket, Trial({tier: Decimal(line) for tier, line in lines.items()}, share))


def filled(database: Database, log: Log, docket: str, by: Caller = PROPOSER) -> tuple[Drafted, dict[str, Any]]:
    with attempt(database, log, by, ("docket", docket), "allot") as tx:
        return allot(tx, log, by, docket, 500)


def told(reckoning: dict[str, Any]) -> list[tuple[str, str | None, int, str, bool]]:
    return [
        (one["code"][-1], one["tier"], one["amount_fen"] // YUAN, one["why"], one["at_line"])
        for one in reckoning["awards"]
    ]


def test_what_other_terms_would_make_of_a_draft_is_told_and_nothing_is_written(
    database: Database, proposal: str
) -> None:
    before = contents(database)
    found = trial(database, proposal, first="96", share=20)
    assert told(found["own"]) == [
        ("1", "first", 600_000, "awarded", False),
        ("2", "first", 600_000, "awarded", True),
        ("3", None, 0, "over_budget", True),
        ("4", None, 0, "over_budget", False),
        ("6", None, 0, "below_lines", False),
        ("5", None, 0, "unscored", False),
    ]
    assert told(found["tried"])[:4] == [
        ("1", "second", 400_000, "awarded", False),
        ("2", "second", 400_000, "awarded", False),
        ("3", "second", 400_000, "awarded", True),
        ("4", "third", 300_000, "awarded", False),
    ]
    assert [(move["code"][-1], move["from"], move["to"]["tier"]) for move in found["moves"]] == [
        ("1", {"tier": "first", "amount_fen": 600_000 * YUAN}, "second"),
        ("2", {"tier": "first", "amount_fen": 600_000 * YUAN}, "second"),
        ("3", {"tier": None, "amount_fen": 0}, "second"),
        ("4", {"tier": None, "amount_fen": 0}, "third"),
    ]
    money = (found["own"]["cost_fen"], found["own"]["left_fen"], found["costs_more_fen"], found["available_fen"])
    assert money == tuple(yuan * YUAN for yuan in (1_200_000, 300_000, 300_000, 1_500_000))
    assert found["own"]["tiers"]["first"]["projects"] == 2
    assert contents(database) == before


def test_a_draft_is_filled_in_released_put_in_publicity_and_granted_by_another_person(
    database: Database, log: Log, batch: Row, accepted: list[Row], proposal: str
) -> None:
    filled(database, log, proposal)
    asked = {
        item["project"]: (item["event"], item["fields"].get("tier"))
        for item in show(database, proposal, PROPOSER)["items"]
    }
    assert [asked[row["id"]] for row in accepted] == [
        ("propose_tier", ["first"]),
        ("propose_tier", ["first"]),
        ("decline_reward", None),
        ("decline_reward", None),
        ("propose_tier", None),  # without a score people decide
        ("decline_reward", None),
    ]
    seen = preview(database, proposal, PROPOSER)
    assert [row.decision.allowed for row in seen.rows.rows] == [True, True, True, True, False, True]
    release(database, log, proposal, PROPOSER, leave_blocked=True)
    states = [read_project(database, row["id"])["state"] for row in accepted]
    assert states == ["tier_proposed", "tier_proposed", *["not_rewarded"] * 2, "one_year_accepted", "not_rewarded"]

    header = {"reward_publicity_number": "公示〔2025〕8号", "reward_publicity_starts_on": "2025-10-21"}
    put = [DraftItem(row["id"]) for row in accepted[:2]]
    listed = draft(database, log, batch, "reward_publicity", Edit(header=header, put=put), PROPOSER).docket
    release(database, log, listed, PROPOSER)
    early, head = (caller("division_head", at(day), person="head") for day in (date(2025, 10, 27), date(2025, 10, 28)))
    checks = [
        DraftItem(row["id"], fields={"veto_checks": builders.veto_checks(date(2025, 10, 27))}) for row in accepted[:2]
    ]
    grant = draft(database, log, batch, "reward_grant", Edit(header={"grant_number": "9号"}, put=checks), early).docket
    blocked = refused(RulesUnmet, lambda: release(database, log, grant, early))
    assert {finding.check for finding in blocked.findings} == {"reward_publicity_over"}
    same = caller("handler", head.now, person="proposer")
    blocked = refused(RulesUnmet, lambda: release(database, log, grant, same))
    assert {finding.check for finding in blocked.findings} == {"another_person"}
    release(database, log, grant, head)
    assert [read_project(database, row["id"])["state"] for row in accepted[:2]] == ["rewarded"] * 2
    assert drift_in(database, batch) == {}


def test_money_that_others_hold_is_not_given_twice(
    database: Database, log: Log, batch: Row, accepted: list[Row], proposal: str
) -> None:
    builders.act(database, log, accepted[4]["id"], "propose_tier")
    found = trial(database, proposal)
    assert found["available_fen"] == 1_000_000 * YUAN
    assert told(found["own"])[:2] == [("1", "first", 600_000, "awarded", False), ("2", None, 0, "over_budget", True)]


def test_what_cannot_be_worked_out_is_refused(
    database: Database, log: Log, batch: Row, accepted: list[Row], proposal: str
) -> None:
    for lines in ({"fourth": "50"}, {"first": "101"}, {"first": "NaN"}):
        refused(Unreadable, lambda lines=lines: trial(database, proposal, **lines))
    refused(Unreadable, lambda: trial(database, proposal, share=101))
    other = draft(database, log, batch, "publication", Edit(), PROPOSER).docket
    refused(NotOffered, lambda: trial(database, other))
    refused(NotOffered, lambda: filled(database, log, other))
    empty = draft(database, log, batch, "reward_proposal", Edit(), PROPOSER).docket
    refused(Unreadable, lambda: trial(database, empty))
    auditor = caller("auditor", PROPOSER.now)
    refused(Forbidden, lambda: trial(database, proposal, auditor))
    refused(Forbidden, lambda: filled(database, log, proposal, auditor))
