"""Owns the rules on acceptance, rectification, lapse, extension and recovery: R21 to R23."""

from datetime import date

from states.deadlines import add_months
from states.findings import Judgement, Kind
from states.rules.record import date_of, due_on, keeps_checkpoint, number_of, yuan
from states.rules.rule import Case, rule
from states.rules.scored import judge_panels
from states.values import changed

WINDOW_ENDS = ("half_year_ends", "one_year_ends")


def _round_of(case: Case) -> str | None:
    return case.transition.round if case.transition else None


@rule(
    "R21",
    "三(四)",
    Kind.WAIVABLE,  # the windows are settings; a reopened project may have none left but by the province's leave
    zh="验收须在申请期或宽限期内申请（开始、截止、宽限期满依次为{threshold}）；办理情况：{seen}。",
    en="Acceptance is applied for within the window or its grace (opens, ends, grace ends: {threshold}); "
    "as it stands: {seen}.",
)
def window_open(case: Case) -> Judgement:
    """R21: the round's window has opened and its grace is not over. `seen`: the day, where it lies."""
    name, on = _round_of(case), case.act.on
    opens, ends = due_on(case, f"{name}_opens"), due_on(case, f"{name}_ends")
    grace_ends = due_on(case, f"{name}_grace_ends")
    if opens is None or ends is None or grace_ends is None:
        return Judgement(False, None, None)
    if on < opens:
        where = "尚未开始 not open yet"
    elif on <= ends:
        where = "申请期内 in the window"
    elif on <= grace_ends:
        where = "宽限期内 in the grace period"
    else:
        where = "已过宽限期 after the grace period"
    return Judgement(opens <= on <= grace_ends, (on, where), (opens, ends, grace_ends))


@rule(
    "R21",
    "CFG",
    Kind.HARD,
    zh="验收申请期截止日不早于开始日，且不早于办理日（开始、截止：{seen}；办理日：{threshold}）。",
    en="A window ends no earlier than it opens, and not before the day it is set (opens, ends: {seen}; set on: "
    "{threshold}).",
)
def window_in_order(case: Case) -> Judgement:
    """R21: a typed window opens before it ends, and does not end in the past."""
    name, on = _round_of(case), case.act.on
    opens, ends = date_of(case, f"{name}_opens_on"), date_of(case, f"{name}_ends_on")
    if opens is None or ends is None:
        return Judgement(False, None, on)
    return Judgement(opens <= ends and ends >= on, (opens, ends), on)


@rule(
    "R21",
    "三(四)",
    Kind.HARD,
    zh="验收须核定实施期内实际投入，核定数不超过申报数；核定{seen}元，申报{threshold}元。",
    en="Acceptance verifies the money actually invested, no more than was claimed; verified {seen} yuan, "
    "claimed {threshold} yuan.",
)
def money_verified(case: Case) -> Judgement:
    """R21: the round's investment is verified, within what was claimed, where the batch verifies it."""
    name = _round_of(case)
    verified, claimed = number_of(case, f"{name}_verified_fen"), number_of(case, f"{name}_invested_fen")
    met = verified is not None and claimed is not None and 0 <= verified <= claimed
    return Judgement(met or not case.policy.rules.R21.verify_money, yuan(verified), yuan(claimed))


@rule(
    "R21",
    "三(四)",
    Kind.HARD,
    zh="验收评价由专家组进行的，须待本次申请的评价结束，所填得分与专家组得分一致；整改后重新申请的，须重新评价。"
    "专家组得分：{threshold}；填报：{seen}。",
    en="Where a panel evaluates, it has concluded on this very application, and the score given is the panel's; a "
    "project that comes back from rectification is evaluated anew. The panel's: {threshold}; given: {seen}.",
    reads=("panels",),
)
def acceptance_evaluated(case: Case) -> Judgement:
    """R21: the round is decided on the panel's evaluation where there is one, or where the batch asks for one."""
    return judge_panels(case)


@rule(
    "R22",
    "CFG",
    Kind.HARD,
    zh="每期验收限期整改不超过{threshold}次；已整改{seen}次。",
    en="Rectification is ordered at most {threshold} time in a round; so far {seen}.",
)
def rectification_left(case: Case) -> Judgement:
    """R22: the round has a rectification left; none on record counts as none ordered."""
    name, most = _round_of(case), case.policy.rules.R22.max_times
    if name is None:
        return Judgement(False, None, most)
    times = number_of(case, f"{name}_rectifications") or 0
    return Judgement(times < most, times, most)


@rule(
    "R22",
    "CFG",
    Kind.HARD,
    zh="整改结果须于整改截止日{threshold}（含当日）前提交；提交日：{seen}。",
    en="The result of rectification is submitted by its deadline, {threshold}, that day included; submitted on {seen}.",
)
def within_rectification(case: Case) -> Judgement:
    """R22: the project comes back by the rectification deadline."""
    due = due_on(case, "rectification_due")
    if due is None:
        return Judgement(False, None, None)
    return Judgement(case.act.on <= due, case.act.on, due)


@rule(
    "R22",
    "CFG",
    Kind.HARD,
    zh="整改截止日{threshold}过后仍未提交整改结果的，方可认定不通过；办理日：{seen}。",
    en="A project that does not come back from rectification fails only after its deadline, "
    "{threshold}; done on {seen}.",
)
def rectification_over(case: Case) -> Judgement:
    """R22: the rectification deadline has fully passed."""
    due = due_on(case, "rectification_due")
    return Judgement(due is not None and case.act.on > due, case.act.on, due)


@rule(
    "R22",
    "CFG",
    Kind.HARD,
    zh="宽限期满日{threshold}过后仍未申请验收的，方可确认逾期；办理日：{seen}。",
    en="A lapse is confirmed only after the window and its grace have ended, on {threshold}; asked for on {seen}.",
)
def window_and_grace_over(case: Case) -> Judgement:
    """R22: the last day of grace has fully passed."""
    grace_ends = due_on(case, f"{_round_of(case)}_grace_ends")
    if grace_ends is None:
        return Judgement(False, None, None)
    return Judgement(case.act.on > grace_ends, case.act.on, grace_ends)


@rule(
    "R23",
    "CFG",
    Kind.HARD,
    zh="延期不超过{threshold}次；已准予延期{seen}次。",
    en="A project is extended at most {threshold} time; so far {seen}.",
)
def extension_left(case: Case) -> Judgement:
    """R23: an extension is left; none on record counts as none granted."""
    times, most = number_of(case, "extensions") or 0, case.policy.rules.R23.max_extensions
    return Judgement(times < most, times, most)


@rule(
    "R23",
    "CFG",
    Kind.HARD,
    zh="延期不超过{threshold}个月；拟延期{seen}个月。",
    en="An extension is at most {threshold} months; asked for: {seen}.",
)
def extension_within_limit(case: Case) -> Judgement:
    """R23: the extension is at least a month and not too long."""
    months, most = number_of(case, "extension_months"), case.policy.rules.R23.max_extension_months
    return Judgement(months is not None and 1 <= months <= most, months, most)


@rule(
    "R23",
    "CFG",
    Kind.HARD,
    zh="延期须在验收申请截止日前提前申请（提前月数、截止日：{threshold}）；申请日：{seen}。",
    en="An extension is asked for so many months before the acceptance window ends "
    "(months, end: {threshold}); asked for on {seen}.",
)
def extension_asked_in_time(case: Case) -> Judgement:
    """R23: the extension was asked for early enough before the next window's end, as it stood before."""
    stamped = case.transition is not None and "extension_asked_on" in case.transition.stamps
    asked_on = case.act.on if stamped else date_of(case, "extension_asked_on")
    ahead = case.policy.rules.R23.ask_ahead_months
    if asked_on is None:
        return Judgement(False, None, ahead)
    ends_on = _next_window_end(case, asked_on)
    if ends_on is None:
        return Judgement(False, None, ahead)
    earliest = add_months(asked_on, ahead, case.calendar, roll=False).due_on
    return Judgement(earliest <= ends_on, asked_on, (ahead, ends_on))


def _next_window_end(case: Case, asked_on: date) -> date | None:
    record = {name: value for name, value in case.facts.record.items() if name != "extension_months"}
    before = changed(case, facts=changed(case.facts, record=record))
    kept = [due_on(before, kind) for kind in WINDOW_ENDS if keeps_checkpoint(before, kind)]
    ends = sorted(day for day in kept if day is not None)
    return next((day for day in ends if day >= asked_on), ends[-1] if ends else None)


@rule(
    "R23",
    "CFG",
    Kind.HARD,
    zh="累计追回金额不超过已拨付金额；累计追回{seen}元，已拨付{threshold}元。",
    en="What is recovered in all does not exceed what was paid; recovered {seen} yuan, paid {threshold} yuan.",
)
def recovery_within_payment(case: Case) -> Judgement:
    """R23: no more comes back than was paid; the amount on record is the sum of all recoveries."""
    recovered, paid = number_of(case, "recovered_fen"), number_of(case, "paid_fen")
    met = recovered is not None and paid is not None and 0 <= recovered <= paid
    return Judgement(met, yuan(recovered), yuan(paid))
