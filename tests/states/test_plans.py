"""Owns the proof that the checker finds what is wrong in a reminder plan: each fault is planted in the real one."""

from importlib.resources import files

import pytest
from cases import DEFINITION, POLICY
from planting import DEFINITION_TEXT, POLICY_TEXT, found, planted, swap

from states.checker import check_all, check_plan, check_texts
from states.library import bundled_plans
from states.reminders import ReminderPlan, read_plan

PLAN_TEXT = files("states").joinpath("reminding/gongfu-reminders-1.toml").read_text("utf-8")
SILENT_POLICY = POLICY.model_copy(
    update={"reminders": POLICY.reminders.model_copy(update={"before_working_days": (), "daily_while_overdue": False})}
)
MUTE = "opened = false, on_the_day = false"


def plan_with(*edits: tuple[str, str]) -> ReminderPlan:
    text = PLAN_TEXT
    for old, new in edits:
        text = swap(text, old, new)
    return read_plan(text)


FAULTS = [
    ("unknown_checkpoint", "series.tea_time", "by_hand = {", 'tea_time = { to = ["handler"] }\nby_hand = {'),
    ("unknown_role", "series.reward_due.to", 'reward_due = { to = ["handler"]', 'reward_due = { to = ["x"]'),
    ("unknown_role", "series.default.to", 'default = { to = ["handler"] }', 'default = { to = ["handler", "x"] }'),
    ("unknown_role", "escalate_to", "[plan]", 'escalate_to = ["x"]\n\n[plan]'),
    ("unknown_role", "series.payment_due.escalation", 'payment_due = { to = ["handler"]',
     'payment_due = { to = ["handler"], escalation = [{ after_days = 3, to = ["leader", "x"] }]'),
    ("unknown_role", "events.lapse", 'lapse = ["applicant", "city"]', 'lapse = ["applicant", "x"]'),
    ("cannot_be_told", "series.payment_due.to", 'payment_due = { to = ["handler"]', 'payment_due = { to = ["expert"]'),
    ("cannot_be_told", "events.lapse", 'lapse = ["applicant", "city"]', 'lapse = ["applicant", "system"]'),
    ("unknown_event", "events.celebrate", "[events]", '[events]\ncelebrate = ["city"]\n#'),
    ("unknown_event", "events.chase", "[events]", '[events]\nchase = ["city"]\n#'),
    ("nobody_told", "events.recommend", 'recommend = ["applicant"]\nnot', "recommend = []\nnot"),
    ("nobody_told", "series.city_cutoff", "before_working_days = [7, 3, 1], overdue = false, escalation = [] }",
     "before_working_days = [], opened = false, on_the_day = false, overdue = false }"),
    ("plan_for_another", "plan.definition", 'definition = "gongfu-pilot/1"', 'definition = "gongfu-pilot/9"'),
]  # fmt: skip


@pytest.mark.parametrize(("code", "place", "old", "new"), FAULTS, ids=[f"{row[0]} in {row[1]}" for row in FAULTS])
def test_a_planted_fault_of_a_plan_is_found_by_its_code_where_it_stands(code, place, old, new):
    assert found(check_plan(DEFINITION, [POLICY, POLICY], plan_with((old, new)))) == [(code, place)]


def test_a_group_may_stand_for_its_roles():
    plan = plan_with(('payment_due = { to = ["handler"]', 'payment_due = { to = ["province"]'))
    assert check_plan(DEFINITION, [POLICY], plan) == []


def test_a_kind_of_checkpoint_that_no_series_names_falls_to_the_default_and_nobody_is_told_where_that_is_empty():
    plan = plan_with(('default = { to = ["handler"] }', "default = {}"))
    new_kind = 'tea_time = { zh = "甲", en = "a", anchor = "entered_on" }'
    definition = planted(
        ("[checkpoints]\n", f"[checkpoints]\n{new_kind}\n"),
        ('"reward_publicity_end"]', '"reward_publicity_end", "tea_time"]'),
    )
    faults = check_plan(definition, [POLICY], plan)
    assert [(fault.code, fault.place, fault.message.en) for fault in faults] == [
        ("nobody_told", "series.default", "nobody is ever told of tea_time")
    ]
    assert check_plan(definition, [POLICY], bundled_plans()["gongfu-reminders/1"][0]) == []


def test_a_series_that_leaves_all_to_a_policy_that_says_nothing_tells_nobody():
    plan = plan_with(('payment_due = { to = ["handler"] }', f'payment_due = {{ to = ["handler"], {MUTE} }}'))
    assert check_plan(DEFINITION, [POLICY], plan) == []
    assert found(check_plan(DEFINITION, [POLICY, SILENT_POLICY], plan)) == [("nobody_told", "series.payment_due")]


def test_the_bundled_plans_are_checked_and_have_no_fault():
    report = check_all()
    assert {file: found(list(faults)) for file, faults in report.faults.items() if file.startswith("reminding/")} == {
        "reminding/gongfu-reminders-1.toml": []
    }


def test_a_plan_is_checked_with_the_definition_it_names_and_one_that_cannot_be_read_is_reported():
    report = check_texts(
        {"d.toml": DEFINITION_TEXT},
        {"p.toml": POLICY_TEXT},
        {
            "a.toml": "x = ",
            "b.toml": PLAN_TEXT,
            "c.toml": PLAN_TEXT,
            "d.toml": swap(PLAN_TEXT, 'definition = "gongfu-pilot/1"', 'definition = "gone/1"'),
            "e.toml": swap(swap(PLAN_TEXT, 'version = "1"', 'version = "2"'), "reward_due =", "tea_time ="),
        },
    )
    plans = {file: found(list(faults)) for file, faults in report.faults.items() if file.startswith("reminding/")}
    assert plans == {
        "reminding/a.toml": [("unreadable", "reminding/a.toml")],
        "reminding/b.toml": [],
        "reminding/c.toml": [("name_taken", "reminding/c.toml")],
        "reminding/d.toml": [("name_taken", "reminding/d.toml"), ("unknown_definition", "plan.definition")],
        "reminding/e.toml": [("unknown_checkpoint", "series.tea_time")],
    }
