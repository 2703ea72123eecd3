"""Owns the proof that the generated page of reminders says what the plan says."""

from api.documentation import reminders_page
from states.library import bundled_definitions, bundled_plans, bundled_policies
from states.reminders import read_plan

DEFINITION = bundled_definitions()["gongfu-pilot/1"][0]
POLICY = bundled_policies()["sd-gongfu-2024-2/1"][0]
PLAN_TEXT = bundled_plans()["gongfu-reminders/1"][1]


def row(page: str, code: str) -> list[str]:
    line = next(line for line in page.splitlines() if line.startswith(f"| `{code}`"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_page_of_a_plan_says_who_is_told_of_which_checkpoint_and_act_and_when() -> None:
    more = 'before_calendar_days = [60], escalation = [{ after_days = 5, to = ["province"] }], overdue_days = 10'
    plan = read_plan(
        PLAN_TEXT.replace('reward_due = { to = ["handler"] }', f'reward_due = {{ to = ["handler"], {more} }}')
    )
    page = reminders_page(plan, POLICY, DEFINITION)
    assert row(page, "reward_due")[3:] == [
        "省厅经办人",
        "■",
        "30、15、7、3、1 个工作日 working days；60 日 calendar days",
        "■",
        "每个工作日，至第 10 日 daily",
        "5 日后 days after：省厅经办人、省厅处长、厅领导",
    ]
    assert row(page, "city_cutoff")[6:] == ["■", "—", "—"]
    assert row(page, "recommend") == ["`recommend`", "市级推荐", "recommend", "申报单位"]
    codes = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    assert codes == [*DEFINITION.checkpoints, "by_hand", *plan.events]
