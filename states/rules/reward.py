"""Owns the rules on the reward: R24 to R27."""

from states.findings import Judgement, Kind
from states.policy import Tier
from states.rules.publicity import judge_length
from states.rules.record import code_of, date_of, due_on, number_of, yuan
from states.rules.room import judge_room
from states.rules.rule import Case, rule
from states.rules.scored import judge_panels
from states.tiering import score_of, verified_fen

PUBLICITY = "reward_publicity_end"


def _verified_fen(case: Case) -> int | None:
    return verified_fen(case.facts.record)


def _tier_of(case: Case) -> Tier | None:
    code = code_of(case, "tier")
    return case.policy.rules.R25.tiers.get(code) if code else None


@rule(
    "R24",
    "三(五)",
    Kind.HARD,
    zh="先试点、再验收、后奖补；验收通过日期和核定投入（元）：{seen}。未验收的不得奖补。",
    en="Pilot first, accept next, reward last; accepted on, and yuan verified: {seen}. No reward before acceptance.",
)
def accepted_first(case: Case) -> Judgement:
    """R24: the project was accepted and its investment verified in at least one round."""
    accepted_on, verified = date_of(case, "accepted_on"), _verified_fen(case)
    if accepted_on is None and verified is None:
        return Judgement(False, None, None)
    return Judgement(accepted_on is not None and verified is not None, (accepted_on, yuan(verified)), None)


@rule(
    "R25",
    "三(五)",
    Kind.HARD,
    zh="奖补金额须大于零且不超过所定档次上限{threshold}元；拟奖补{seen}元。未定档次的，请先定档。",
    en="The reward is more than zero and at most the tier's cap of {threshold} yuan; proposed: {seen} yuan. "
    "Where no cap shows, set the tier first.",
)
def amount_within_cap(case: Case) -> Judgement:
    """R25: one known tier, and an amount within its cap."""
    tier, amount = _tier_of(case), number_of(case, "reward_fen")
    met = tier is not None and amount is not None and 0 < amount <= tier.cap_fen
    return Judgement(met, yuan(amount), yuan(tier.cap_fen) if tier else None)


@rule(
    "R25",
    "三(五)",
    Kind.HARD,
    zh="综合评价由专家组进行的，所填得分须与专家组得分一致；未结束的，不得提出奖补。专家组得分：{threshold}；填报：{seen}。",
    en="Where a panel makes the overall evaluation it has concluded, and the score given is the panel's. "
    "The panel's: {threshold}; given: {seen}.",
    reads=("panels",),
)
def evaluation_concluded(case: Case) -> Judgement:
    """R25: the overall evaluation is the panel's where there is one."""
    return judge_panels(case)


@rule(
    "R27",
    "CFG",
    Kind.HARD,
    zh="综合评价得分须达到所定档次的分数线{threshold}分；得分：{seen}。",
    en="The overall evaluation reaches the tier's score line of {threshold}; score: {seen}.",
)
def score_reaches_line(case: Case) -> Judgement:
    """R27: the score reaches the line of the tier."""
    tier, score = _tier_of(case), case.facts.record.get("evaluation_score")
    line, value = tier.score_line if tier else None, score_of(score)
    return Judgement(value is not None and line is not None and value >= line, score, line)


@rule(
    "R27",
    "CFG",
    Kind.HARD,
    zh="奖补金额不超过核定投入的规定比例，即{threshold}元；拟奖补{seen}元。",
    en="The reward stays within the batch's share of the verified investment, {threshold} yuan; proposed: {seen} yuan.",
)
def within_verified_share(case: Case) -> Judgement:
    """R27: the amount is within its share of the investment verified in all."""
    amount, verified = number_of(case, "reward_fen"), _verified_fen(case)
    if verified is None:
        return Judgement(False, yuan(amount), None)
    most = verified * case.policy.rules.R27.max_share_percent // 100
    return Judgement(amount is not None and amount <= most, yuan(amount), yuan(most))


@rule(
    "R26",
    "fund rules art. 2",
    Kind.HARD,
    zh="本批次奖补资金实行总额控制，不超过{threshold}元；含本项目在内合计{seen}元。",
    en="The batch's rewards stay within {threshold} yuan in all; with this one they would be {seen} yuan.",
    reads=("room",),
)
def within_budget(case: Case) -> Judgement:
    """R26: all rewards together stay within the batch's budget."""
    met, totals, ceiling = judge_room(case, "budget", case.policy.rules.R26.budget_fen)
    total = max(totals.values()) if totals else None
    return Judgement(met, yuan(total), yuan(ceiling))


@rule(
    "R25",
    "三(五)",
    Kind.HARD,
    zh="一次性拨付，金额与批准数一致，拨付日在批准日至办理日之间（依次：{threshold}）；登记的金额和日期：{seen}。",
    en="Paid once, as granted, between the grant and today (yuan, from, to: {threshold}); "
    "recorded yuan and date: {seen}.",
)
def paid_as_granted(case: Case) -> Judgement:
    """R25: what was paid is what was granted, not before the grant and not in the future."""
    paid, granted = number_of(case, "paid_fen"), number_of(case, "reward_fen")
    paid_on, granted_on = date_of(case, "paid_on"), date_of(case, "granted_on")
    threshold = (yuan(granted), granted_on, case.act.on)
    if paid is None or paid_on is None:
        return Judgement(False, None, threshold)
    met = paid == granted and granted_on is not None and granted_on <= paid_on <= case.act.on
    return Judgement(met, (yuan(paid), paid_on), threshold)


@rule(
    "R27",
    "CFG",
    Kind.HARD,
    zh="拟奖补名单公示开始日不早于办理日，截止日不早于规定时长的期满日（依次：{threshold}）；现定起止：{seen}。",
    en="Publicity of a proposed reward starts no earlier than the day it is ordered and ends no earlier than its full "
    "length ({threshold}); set to: {seen}.",
)
def reward_publicity_long_enough(case: Case) -> Judgement:
    """R27: publicity of the proposal is not dated back, and an end typed by an officer does not cut it short."""
    return judge_length(case, PUBLICITY, "reward_publicity_starts_on", "reward_publicity_ends_on")


@rule(
    "R27",
    "CFG",
    Kind.HARD,
    zh="拟奖补名单须经公示，公示期满（截止日：{threshold}）后方可批准；办理日：{seen}。",
    en="A proposed reward is granted after its publicity has ended ({threshold}); asked for on {seen}.",
)
def reward_publicity_over(case: Case) -> Judgement:
    """R27: the proposal's publicity has fully passed, where the batch asks for one."""
    if not case.policy.rules.R27.publicity_days:
        return Judgement(True, case.act.on, None)
    ends_on = due_on(case, PUBLICITY) if date_of(case, "reward_publicity_starts_on") else None
    return Judgement(ends_on is not None and case.act.on > ends_on, case.act.on, ends_on)
