"""Owns the proof that a whole batch can be played to its end, and that what its log must show can also be missed."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import orjson
import pytest

from lifecycle.audit import Log
from lifecycle.canonical import canonical_bytes
from lifecycle.database import Database
from lifecycle.invention.material import first_material
from lifecycle.rehearsal import Rehearsal, StoryBroken, rehearse, render
from lifecycle.rehearsal.chronicle import read_bodies, read_chronicle
from lifecycle.rehearsal.invariants import Ground
from lifecycle.rehearsal.performance import conclude
from lifecycle.rehearsal.play import play
from lifecycle.rehearsal.stage import set_stage
from lifecycle.rehearsal.verdict import check_log, labels_of
from lifecycle.rulebooks import RuleSet
from states.deadlines import state_council_calendar
from states.definition import BadDefinition
from states.library import bundled_definitions, bundled_policies, plan_of, texts
from states.story import Story, bundled_stories, read_story
from tests.lifecycle.kept import kept_database
from tests.lifecycle.logs import HIDDEN, MANUFACTURER, PROVIDER, Told, bodies, ceiling, created, due

STORY = next(iter(bundled_stories().values()))
STORY_TEXT = next(iter(texts("stories").values()))
POLICY = bundled_policies()[STORY.story.policy][0]
DEFINITION = bundled_definitions()[POLICY.policy.definition][0]
GROUND = Ground(RuleSet(DEFINITION, POLICY, state_council_calendar(), plan_of(DEFINITION.name)), STORY)
WAN = 1_000_000  # fen
UNITS = {f"provider_projects/{PROVIDER}": 1, f"manufacturer_projects/{MANUFACTURER}": 1}
PLACE = {"city_quota/370100": 1}
GIVEN_BACK = {place: -amount for place, amount in (UNITS | PLACE).items()}
QUOTA = ceiling("city_quota", "370100", 1)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def played(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, log: Log
) -> Iterator[tuple[Rehearsal, list[bytes], list[tuple[int, int]]]]:
    """The story played whole, the bodies of its log, and the progress that was told."""
    told: list[tuple[int, int]] = []
    with kept_database(request, tmp_path_factory) as database:
        rehearsal = rehearse(database, log, STORY, lambda done, of: told.append((done, of)))
        with database.reading() as tx:
            entries = read_bodies(tx)
    yield rehearsal, entries, told


def broken(entries: list[bytes], ground: Ground = GROUND) -> set[tuple[str, str, int]]:
    """Return what is broken in a log, with the entries."""
    return {flaw[:3] for flaw in check_log(read_chronicle(entries), ground)}


def broken_at(name: str, entries: list[bytes], ground: Ground = GROUND) -> list[tuple[str, int]]:
    """Return the entries that break one promise."""
    assert name in labels_of(ground)
    return [(stream, seq) for found, stream, seq in sorted(broken(entries, ground)) if found == name]


def small(story: Story, steps: int, **changes: Any) -> Story:
    """Return the story's first steps, the last of them changed."""
    kept = story.steps[:steps]
    return story.model_copy(update={"steps": (*kept[:-1], kept[-1].model_copy(update=changes))})


# ---- the rehearsal ------------------------------------------------------------------------------------------------


def test_the_rehearsal_ends_clean(played):
    rehearsal, entries, _ = played
    assert rehearsal.violations == ()
    assert len(rehearsal.checks) == 21
    assert (rehearsal.entries, rehearsal.to_dict()["clean"]) == (len(entries), True)


def test_every_project_comes_to_the_end_that_its_story_tells(played):
    rehearsal, _, _ = played
    assert dict(rehearsal.counts) == {
        "withdrawn": 4,
        "refused": 2,
        "not_recommended": 2,
        "not_selected": 2,
        "removed": 1,
        "not_rewarded": 2,
        "closed": 45,
        "acceptance_failed": 2,
        "lapsed": 2,
        "terminated": 1,
        "revoked": 1,
    }
    assert all(DEFINITION.states[state].final for state in rehearsal.counts)


def test_the_money_adds_up_to_the_fen(played):
    rehearsal, _, _ = played
    assert dict(rehearsal.money) == {
        "proposed": 3130 * WAN,
        "granted": 3080 * WAN,
        "paid": 3080 * WAN,
        "recovered": 100 * WAN,
        "left": 20 * WAN,
    }
    assert POLICY.rules.R26.budget_fen - 3080 * WAN + 100 * WAN == rehearsal.money["left"]


def test_every_event_occurs(played):
    rehearsal, _, _ = played
    assert set(DEFINITION.by_event) - set(rehearsal.acts) == set()
    done = ("withdraw", "return_for_correction", "refuse", "waive", "reopen", "revoke", "record_recovery", "lapse")
    assert [rehearsal.acts[event] for event in done] == [4, 3, 2, 8, 2, 2, 2, 2]
    assert [rehearsal.acts[event] for event in ("submit", "recommend", "publish", "close")] == [63, 59, 53, 46]
    late = ("record_vetoes", "disqualify", "fail_half_year", "fail_one_year", "terminate", "record_payment")
    assert [rehearsal.acts[event] for event in late] == [1, 1, 1, 1, 1, 43]


def test_every_refusal_of_the_story_was_met(played):
    rehearsal, _, _ = played
    assert dict(rehearsal.refusals) == {
        "R03": 1, "R05": 1, "R06": 2, "R07": 1, "R09": 2, "R10": 1, "R12": 1, "R13": 1, "R14": 1, "R15": 1,
        "R16": 5, "R17": 1, "R18": 2, "R19": 2, "R21": 4, "R22": 5, "R23": 3, "R25": 2, "R26": 3, "R27": 3,
        "another_person": 3, "documents_complete": 1, "flags_absent": 2, "offered": 2, "permitted": 1,
    }  # fmt: skip


def test_rewards_of_every_tier_are_closed_and_the_refused_attempts_are_in_the_log(played):
    rehearsal, entries, _ = played
    chronicle = read_chronicle(entries)
    ends = [end for end in chronicle.ends.values() if end.state == "closed"]
    assert {end.record["tier"][0] for end in ends} == {"first", "second", "third"}
    denied = [scene for scene in chronicle.by_time if scene.body["outcome"] == "denied"]
    # One attempt told of two findings, and the row that a bulk act left behind was never attempted.
    assert len(denied) == sum(rehearsal.refusals.values()) - 2 == 49


def test_a_rule_waived_on_record_is_set_aside_later_without_another_word(played):
    _, entries, _ = played
    aside = Counter(
        (scene.name, rule, scene.body["reason"] is None)
        for _, scene in read_chronicle(entries).acts()
        for rule in scene.overridden
    )
    assert aside == {("submit", "R03", True): 1, ("submit", "R05", True): 1, ("recommend", "R13", True): 1,
                     ("recommend", "R16", True): 5, ("accept_filing", "R03", True): 1}  # fmt: skip


def test_a_payment_on_record_is_not_repeated_when_the_project_is_closed(played):
    _, entries, _ = played
    repeated = Counter(
        any(change["path"] == "/record/paid_fen" for change in scene.body["changes"])
        for _, scene in read_chronicle(entries).acts()
        if scene.name == "close"
    )
    assert repeated == {False: 43, True: 3}


def test_time_is_the_story_s_own_and_every_stream_runs_forward(played):
    _, entries, _ = played
    instants = [scene.body["at"] for scene in read_chronicle(entries).by_time]
    assert (instants[0][:10], instants[-1][:10]) == ("2024-07-08", "2026-05-20")


def test_progress_is_told_after_every_step(played):
    _, _, told = played
    assert told == [(number, len(STORY.steps)) for number in range(1, len(STORY.steps) + 1)]


def test_the_story_is_told_by_date_in_chinese_and_in_english(played):
    rehearsal, _, _ = played
    chinese, english = render(rehearsal), render(rehearsal, "en")
    assert chinese.startswith("2024年度第二批试点全过程演练（演示数据，单位、名额和任务均为虚构）\n")
    assert "2024-08-01  省厅处长　准予例外　青岛6。省厅写明理由，准予超名额推荐\n" in chinese
    assert "2024-07-30  市工信局（15家）　市级推荐　48项；未予办理：青岛6（R13）。" in chinese
    assert "2026-03-10  省厅经办人　撤销　未予办理：济南1。同一人不得再次确认\n" in chinese
    assert "  结题归档  45\n" in chinese and "  批准奖补  3,080\n" in chinese
    assert chinese.endswith(f"核对无误：留痕{rehearsal.entries}条，21项全部符合。\n")
    assert english.endswith(f"Clean: {rehearsal.entries} entries, all 21 checks hold.\n")
    days = re.findall(r"^(\d{4}-\d\d-\d\d)  ", chinese, re.MULTILINE)
    assert days == sorted(days) and len(days) == len(STORY.steps)


# ---- a story must come out as it says -----------------------------------------------------------------------------


def test_a_step_that_is_refused_by_another_rule_breaks_the_story(database: Database, log: Log):
    stage = set_stage(database, log, small(STORY, 2, refused_by=("R07",)), first_material())
    with pytest.raises(StoryBroken, match=r"expected \['济南5'\] refused by \['R07'\].*R03"):
        play(stage)


def test_a_step_that_is_allowed_against_the_story_breaks_it(database: Database, log: Log):
    stage = set_stage(database, log, small(STORY, 1, refused_by=("R13",), leaves=("济南1",)), first_material())
    with pytest.raises(StoryBroken, match=r"not refused: \['济南1'\]"):
        play(stage)


def test_a_refusal_that_the_story_does_not_know_breaks_it(database: Database, log: Log):
    stage = set_stage(database, log, small(STORY, 2, refused_by=()), first_material())
    with pytest.raises(StoryBroken, match="原则上不超过3家"):
        play(stage)


def test_a_step_without_projects_breaks_the_story_unless_projects_were_left_behind(database: Database, log: Log):
    nobody = STORY.steps[0].select.model_copy(update={"states": ("closed",)})
    stage = set_stage(database, log, small(STORY, 1, select=nobody), first_material())
    with pytest.raises(StoryBroken, match="no project is selected"):
        play(stage)
    assert play(stage, last_days={"济南1": date(2024, 7, 15)}) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('by = "city"\nevent = "submit"', 'by = "nobody"\nevent = "submit"', "there is no part nobody"),
        ('forms = ["filing", "vetoes"]', 'forms = ["nothing"]', "there is no form nothing"),
        ('event = "submit"', 'occurrence = "submit"', "Extra inputs are not permitted"),
        ("on = 2024-07-17", "on = 2024-07-15", "earlier than the step before it"),
        ('event = "submit"', 'event = "submit"\namend = { rank = 1 }', "either an event or what to amend"),
        ('refused_by = ["R03"]', 'leaves = ["济南5"]', "say by which rules"),
        ('by = "handler-1"\n\n[parts]', 'by = "nobody"\n\n[parts]', "story.by: there is no part nobody"),
        ("[story]", "[story", "not TOML"),
    ],
)
def test_a_story_that_does_not_hold_together_is_refused_with_the_place(old: str, new: str, message: str):
    assert old in STORY_TEXT
    with pytest.raises(BadDefinition, match=re.escape(message)):
        read_story(STORY_TEXT.replace(old, new, 1))


# ---- the chains ---------------------------------------------------------------------------------------------------


def test_a_changed_entry_is_found_by_the_one_after_it(played):
    _, entries, _ = played
    bodies_of = [orjson.loads(data) for data in entries]
    longer = {body["stream"] for body in bodies_of if body["stream"].startswith("project/") and body["seq"] == 4}
    at = next(number for number, body in enumerate(bodies_of) if body["stream"] in longer and body["seq"] == 3)
    body = bodies_of[at]
    body["at"] = f"{body['at'][:-2]}9Z"
    found = broken([*entries[:at], canonical_bytes(body), *entries[at + 1 :]])
    assert found == {("chain_gapless", body["stream"], 4)}


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


def test_a_live_row_that_the_log_does_not_tell_of_is_found(database: Database, log: Log):
    stage = set_stage(database, log, small(STORY, 1), first_material())
    assert conclude(stage, []).violations == ()
    with database.transaction() as tx:
        tx.execute_driver(f"UPDATE project SET title = 'x' WHERE code = '{STORY.story.batch}-00001'")
    violations = conclude(stage, []).violations
    assert [flaw.name for flaw in violations] == ["replay_equals_tables"]
    assert violations[0].what.startswith("title: ")


# ---- what every log must show: each check can fail ----------------------------------------------------------------


def test_a_lawful_little_log_is_clean():
    entries = bodies(
        created("draft"),
        Told("submit", "applied", role="city", held=UNITS),
        Told("recommend", "city_recommended", role="city", held=PLACE),
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
HELD = UNITS | PLACE
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


# ---- the story's promises -----------------------------------------------------------------------------------------


def other_units(number: int) -> dict[str, Any]:
    """Return columns of a project of the same city whose units are its own."""
    first = created("draft").columns["members"]
    members = [{**unit, "credit_code": f"{unit['credit_code'][:-1]}{number}"} for unit in first]
    return {"members": members, "lead_code": members[0]["credit_code"]}


def units_of(number: int) -> dict[str, int]:
    return {f"{place[:-1]}{number}": 1 for place in UNITS}


def recommended(number: int, **changes: Any) -> list[Told]:
    """Return a project with units of its own that takes a place of its city's quota."""
    project = f"p{number}"
    begun = created("applied", project=project, held=units_of(number), columns=other_units(number), minute=0)
    return [begun, Told("recommend", "city_recommended", role="city", project=project, held=PLACE, **changes)]


def test_a_city_over_its_quota_is_found_unless_the_rule_was_set_aside():
    name = "quota_never_exceeded"
    over = bodies(*recommended(1, minute=5), *recommended(2, minute=6), batch=[QUOTA])
    assert broken_at(name, over) == [("project/p2", 2)]
    aside = bodies(*recommended(1, minute=5), *recommended(2, minute=6, override=("R13",)), batch=[QUOTA])
    assert broken_at(name, aside) == []
    another_rule = bodies(*recommended(1, minute=5), *recommended(2, minute=6, override=("R16",)), batch=[QUOTA])
    assert broken_at(name, another_rule) == [("project/p2", 2)]


def test_what_was_set_aside_counts_last_in_one_act_on_many_projects():
    together = bodies(*recommended(1, minute=5, override=("R13",)), *recommended(2, minute=5), batch=[QUOTA])
    assert broken_at("quota_never_exceeded", together) == []


def test_a_place_given_back_may_be_taken_again_but_not_before():
    first, second = recommended(1, minute=5), recommended(2, minute=7)
    back = {place: -amount for place, amount in (units_of(1) | PLACE).items()}
    leave = Told("withdraw", "withdrawn", project="p1", minute=6, held=back)
    assert broken(bodies(*first, leave, *second, batch=[QUOTA])) == set()
    late = Told("withdraw", "withdrawn", project="p1", minute=8, held=back)
    assert broken_at("quota_never_exceeded", bodies(*first, late, *second, batch=[QUOTA])) == [("project/p2", 2)]


def test_a_recommendation_without_any_quota_brought_in_is_found():
    assert broken_at("quota_never_exceeded", bodies(*recommended(1, minute=5))) == [("project/p1", 2)]


def test_a_group_a_provider_and_a_manufacturer_over_their_limits_are_found():
    group = [
        created("city_recommended", project=f"p{number}", held=PLACE | units_of(number) | {"group_tasks/g": 1},
                columns={**other_units(number), "group_name": "g"}, minute=number)
        for number in range(1, 7)
    ]  # fmt: skip
    assert broken_at("group_never_over_its_limit", bodies(*group)) == [("project/p6", 1)]
    assert broken_at("group_never_over_its_limit", bodies(*group[:5])) == []
    twins = [created("applied", project=f"p{number}", held=UNITS, minute=number) for number in range(1, 4)]
    assert broken_at("provider_never_over_its_limit", bodies(*twins)) == [("project/p3", 1)]
    assert broken_at("manufacturer_never_over_its_limit", bodies(*twins[:2])) == [("project/p2", 1)]


def test_a_budget_that_is_exceeded_by_one_fen_is_found():
    limit = POLICY.rules.R26.budget_fen
    first = created("one_year_accepted", held=units_of(1), columns=other_units(1), minute=0)

    def proposed(fen: int) -> list[bytes]:
        record = {"tier": ["first"], "reward_fen": fen}
        return bodies(first, Told("propose_tier", "tier_proposed", record=record, held={"budget/batch": fen}))

    assert broken_at("budget_never_exceeded", proposed(limit)) == []
    assert broken_at("budget_never_exceeded", proposed(limit + 1)) == [("project/p1", 2)]


def test_a_publication_on_the_last_day_of_publicity_is_found():
    def published(on: str) -> list[bytes]:
        start = created("in_publicity", held=HELD, checkpoints={"publicity_end/1": due("2024-07-12")})
        end = {"publicity_end/1": None}
        return bodies(start, Told("publish", "published", columns={"entered_on": on}, checkpoints=end))

    name = "published_after_publicity_end"
    assert broken_at(name, published("2024-07-12")) == [("project/p1", 2)]
    assert broken_at(name, published("2024-07-13")) == []
    never = bodies(created("in_publicity", held=HELD), Told("publish", "published"))
    assert broken_at(name, never) == [("project/p1", 2)]


def test_a_reward_above_its_tier_s_cap_is_found():
    def proposed(tier: str, fen: int) -> list[bytes]:
        record = {"tier": [tier], "reward_fen": fen}
        told = Told("propose_tier", "tier_proposed", record=record, held={"budget/batch": fen})
        return bodies(created("one_year_accepted", held=HELD), told)

    name = "rewards_within_caps"
    assert broken_at(name, proposed("third", 30 * WAN)) == []
    assert broken_at(name, proposed("third", 30 * WAN + 1)) == [("project/p1", 2)]
    assert broken_at(name, proposed("fourth", 1)) == [("project/p1", 2)]
