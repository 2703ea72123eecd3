"""Owns the proof that what every log must show can be missed: chains, rights, holdings, the lifecycle's invariants."""

from typing import Any

import orjson
import pytest

from lifecycle.canonical import canonical_bytes
from tests.lifecycle.logs import HIDDEN, Told, bodies, created, due
from tests.lifecycle.rehearsing import GIVEN_BACK, HELD, PLACE, QUOTA, UNITS, WAN, broken, broken_at

# ---- the chains ---------------------------------------------------------------------------------------------------


def test_a_missing_entry_and_a_doubled_one_are_found():
    entries = bodies(
        created("draft"), Told("submit", "applied", role="city", held=UNITS), Told("withdraw", "withdrawn")
    )
    assert ("chain_gapless", "project/p1", 3) in broken([entries[0], entries[2]])
    assert ("chain_gapless", "project/p1", 2) in broken([entries[0], entries[1], entries[1]])


def test_bytes_that_are_not_canonical_are_found():
    entries = bodies(created("draft"))
    assert broken([*entries, entries[0] + b" "]) == {("chain_gapless", "?", 0)}


def test_an_entry_whose_old_value_is_not_what_was_there_is_found():
    entries = bodies(created("draft"), Told("submit", "applied", role="city", held=UNITS, columns={"title": "b"}))
    body = orjson.loads(entries[1])
    body["changes"][0]["old"] = "another title"
    assert broken([entries[0], canonical_bytes(body)]) == {("changes_follow", "project/p1", 2)}


def test_a_private_value_is_told_once_and_not_repeated_by_the_entry_that_ends_it():
    start = created("draft", columns={"remarks": HIDDEN})
    amended = Told("amend", "draft", columns={"remarks": None})
    entries = bodies(start, amended)
    assert broken(entries) == set()
    body = orjson.loads(entries[1])
    (change,) = [change for change in body["changes"] if change["path"] == "/remarks"]
    assert (change["old"], change["new"]) == (None, None)
    change["old"] = "what it was"
    assert broken([entries[0], canonical_bytes(body)]) == {("changes_follow", "project/p1", 2)}


def test_acts_dated_back_one_after_another_are_no_flaw():
    entries = bodies(
        created("city_recommended", held=UNITS | PLACE),
        Told("accept_filing", "under_review", dated="2024-07-01", columns={"entered_on": "2024-07-01"}),
        Told("record_vetoes", "under_review", role="city", dated="2024-07-02"),
        batch=[QUOTA],
    )
    assert broken(entries) == set()


# ---- what every log must show: each check can fail ----------------------------------------------------------------


def test_a_lawful_little_log_is_clean():
    entries = bodies(
        created("draft"),
        Told("submit", "applied", role="city", held=UNITS),
        Told("recommend", "city_recommended", role="city", held=PLACE, record={"rank": 1}),
        Told("withdraw", "withdrawn", held=GIVEN_BACK),
        batch=[QUOTA],
    )
    assert broken(entries) == set()


def test_a_move_that_is_no_arrow_or_by_a_role_that_may_not_is_found():
    jump = bodies(created("draft"), Told("submit", "published", role="city", held=UNITS | PLACE))
    assert broken_at("moves_as_defined", jump) == [("project/p1", 2)]
    stranger = bodies(created("draft"), Told("submit", "applied", role="auditor", held=UNITS))
    assert broken_at("moves_as_defined", stranger) == [("project/p1", 2)]


def test_an_override_needs_the_right_and_a_reason_or_a_waiver_made_with_both():
    def waived(**changes: Any) -> list[bytes]:
        waive = Told("waive", "draft", record={"waived_rules": ["R03"]}, **{"reason": True, **changes})
        return bodies(created("draft"), waive, Told("submit", "applied", role="city", held=UNITS, override=("R03",)))

    assert broken_at("override_by_right", waived()) == []
    assert broken_at("override_by_right", waived(reason=False)) == [("project/p1", 3)]
    assert broken_at("override_by_right", waived(role="city")) == [("project/p1", 3)]
    alone = bodies(created("draft"), Told("submit", "applied", role="city", held=UNITS, override=("R03",), reason=True))
    assert broken_at("override_by_right", alone) == [("project/p1", 2)]
    by_right = Told("accept_filing", "under_review", override=("R03",), reason=True)
    held = UNITS | PLACE
    assert broken_at("override_by_right", bodies(created("city_recommended", held=held), by_right)) == []


def test_waivers_add_up_and_each_stays_good():
    first = Told("waive", "draft", record={"waived_rules": ["R03"]}, reason=True)
    second = Told("waive", "draft", record={"waived_rules": ["R03", "R05"]}, reason=True)
    both = Told("submit", "applied", role="city", held=UNITS, override=("R03", "R05"))
    assert broken_at("override_by_right", bodies(created("draft"), first, second, both)) == []
    assert broken_at("override_by_right", bodies(created("draft"), first, both)) == [("project/p1", 3)]


def test_capacities_that_do_not_follow_from_the_state_are_found():
    entries = bodies(created("draft"), Told("submit", "applied", role="city", held={**UNITS, **PLACE}))
    assert broken(entries) == {("holdings_as_told", "project/p1", 2), ("quota_never_exceeded", "project/p1", 2)}


# ---- the lifecycle's invariants -----------------------------------------------------------------------------------

REWARD = {"tier": ["third"], "reward_fen": 30 * WAN}
BUDGET = {"budget/batch": 30 * WAN}
PROPOSE = Told("propose_tier", "tier_proposed", by="a", record=REWARD, held=BUDGET)


def test_a_reward_without_both_acceptances_is_found():
    name = "reward_after_both_acceptances"
    both = (
        created("half_year_evaluation", held=HELD),
        Told("pass_half_year", "half_year_accepted"),
        Told("apply_one_year", "one_year_evaluation", role="applicant"),
        Told("pass_one_year", "one_year_accepted"),
    )
    assert broken(bodies(*both, PROPOSE, batch=[QUOTA])) == set()
    entries = bodies(created("one_year_accepted", held=HELD), PROPOSE, batch=[QUOTA])
    assert broken(entries) == {(name, "project/p1", 2)}


def test_a_publication_with_an_open_objection_is_found():
    open_until = {"publicity_end/1": due("2024-07-01")}
    publish = Told("publish", "published", columns={"entered_on": "2024-07-09"})
    entries = bodies(
        created("in_publicity", held=HELD, checkpoints=open_until, columns={"flags": ["objection_open"]}), publish
    )
    assert broken_at("no_publication_with_open_objection", entries) == [("project/p1", 2)]
    entries = bodies(created("in_publicity", held=HELD, checkpoints=open_until), publish)
    assert broken_at("no_publication_with_open_objection", entries) == []


def test_a_publication_without_publicity_is_found():
    entries = bodies(created("reviewed", held=HELD), Told("publish", "published"), batch=[QUOTA])
    assert broken_at("publication_after_publicity", entries) == [("project/p1", 2)]


def test_a_reward_granted_by_its_proposer_is_found():
    start = created("one_year_accepted", held=HELD)
    same = bodies(start, PROPOSE, Told("grant_reward", "rewarded", by="a"))
    assert broken_at("grant_by_another_person", same) == [("project/p1", 3)]
    other = bodies(start, PROPOSE, Told("grant_reward", "rewarded", by="b"))
    assert broken_at("grant_by_another_person", other) == []
    unproposed = bodies(created("tier_proposed", held=HELD | BUDGET, record=REWARD), Told("grant_reward", "rewarded"))
    assert broken_at("grant_by_another_person", unproposed) == [("project/p1", 2)]


@pytest.mark.parametrize(
    ("name", "event", "start", "goal", "columns"),
    [
        ("revocation_by_two", "revoke", "published", "revoked", {}),
        ("reopening_by_two", "reopen", "lapsed", "published", {"left_state": "published"}),
    ],
)
def test_an_act_of_two_persons_done_by_one_is_found(name, event, start, goal, columns):
    begun = created(start, held=HELD, columns=columns)
    first = Told(event, start, by="a", signed=True, columns={"pending": HIDDEN})
    alone = bodies(begun, Told(event, goal, by="a"), batch=[QUOTA])
    assert broken_at(name, alone) == [("project/p1", 2)]
    same = bodies(begun, first, Told(event, goal, by="a"), batch=[QUOTA])
    assert broken_at(name, same) == [("project/p1", 3)]
    both = bodies(begun, first, Told(event, goal, by="b"), batch=[QUOTA])
    assert broken_at(name, both) == []
    between = Told("report_progress", start, role="applicant")
    assert broken_at(name, bodies(begun, first, between, Told(event, goal, by="b"))) == [("project/p1", 4)]


def test_a_reward_that_holds_no_budget_and_a_recommendation_that_holds_no_place_are_found():
    unfunded = bodies(created("one_year_accepted", held=HELD), Told("propose_tier", "tier_proposed", record=REWARD))
    assert broken_at("rewards_hold_budget", unfunded) == [("project/p1", 2)]
    unplaced = bodies(created("applied", held=UNITS), Told("recommend", "city_recommended", role="city"))
    assert broken_at("recommended_holds_quota", unplaced) == [("project/p1", 2)]
