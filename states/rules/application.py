"""Owns the rules on what is applied for and how it is filed: R07 to R12, and the correction in time."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from states.findings import Judgement, Kind
from states.rules.record import due_on, keeps_checkpoint, read_date, yuan
from states.rules.rule import Case, rule

CORRECTION = "correction_due"


@rule(
    "R07",
    "二(三)",
    Kind.HARD,
    zh="项目预期投入不低于{threshold}元；申报投入为{seen}元。",
    en="The planned investment must be at least {threshold} yuan; the application states {seen} yuan.",
)
def investment_sufficient(case: Case) -> Judgement:
    """R07: the planned investment reaches the least amount."""
    planned, least = case.facts.application.investment_fen, case.policy.rules.R07.minimum_fen
    return Judgement(planned >= least, yuan(planned), yuan(least))


@rule(
    "R08",
    "二(三)",
    Kind.HARD,
    zh="项目此前不得获得过省级财政资金支持；申报单位声明未获支持：{seen}。",
    en="The project must not have had provincial fiscal funding before; "
    "the applicant declares that it had none: {seen}.",
)
def no_prior_provincial_funding(case: Case) -> Judgement:
    """R08: the applicant declares that the project had no provincial funding."""
    declared = case.facts.record.get("no_prior_funding")
    return Judgement(declared is True, declared, True)


@rule(
    "R09",
    "二(四)",
    Kind.HARD,
    zh="各申报否决项须经核查无问题，且核查距办理日不超过{threshold}天；不符合的：{seen}。请重新核查并登记。",
    en="Every veto item must be checked and clear, the check no more than {threshold} days old; not so: "
    "{seen}. Check again and record the result.",
)
def vetoes_clear(case: Case) -> Judgement:
    """R09: every veto item of the batch has a clear and recent check. `seen` says of the others why not."""
    setting, on = case.policy.rules.R09, case.act.on
    checks = case.facts.record.get("veto_checks") or {}
    offending = {}
    for item, label in setting.items.items():
        why = _fault_of(checks.get(item), on, setting.fresh_days)
        if why:
            offending[item] = f"{label.zh}：{why}"
    return Judgement(not offending, offending, setting.fresh_days)


def _fault_of(check: Mapping[str, Any] | None, on: date, fresh_days: int) -> str | None:
    checked_on = read_date(check.get("checked_on")) if check else None
    if check is None or checked_on is None:
        return "未核查 not checked"
    if check.get("clear") is not True:
        return "核查未通过 not clear"
    age = (on - checked_on).days
    if age < 0:
        return f"核查日期晚于办理日 dated after the act ({checked_on})"
    return f"核查已失效 out of date ({checked_on})" if age > fresh_days else None


@rule(
    "R10",
    "三(一)",
    Kind.HARD,
    zh="申报的任务须在本批次榜单内；申报任务编号：{seen}。",
    en="The task must be on the batch's task list; task applied for: {seen}.",
    reads=("task",),
)
def task_on_the_list(case: Case) -> Judgement:
    """R10: the task applied for exists."""
    code = case.facts.application.task_code or None
    return Judgement(code is not None and case.facts.task_listed, code, None)


@rule(
    "R11",
    "三(一)",
    Kind.HARD,
    zh="申报单位须承诺申报材料真实、完整；已承诺：{seen}。",
    en="The applicant must attest that the material is true and complete; attested: {seen}.",
)
def applicant_attested(case: Case) -> Judgement:
    """R11: the applicant attests truth and completeness."""
    attested = case.facts.record.get("attested")
    return Judgement(attested is True, attested, True)


@rule(
    "R12",
    "三(一)",
    Kind.HARD,
    zh="须向牵头单位登记地的市工业和信息化局申报；牵头单位登记地：{seen}，受理市：{threshold}。",
    en="The application is filed with the bureau of the city where the lead unit is registered; "
    "lead registered in {seen}, filed with {threshold}.",
)
def filed_with_city_of_lead(case: Case) -> Judgement:
    """R12: the city is the lead's; a lead registered with the province files with any, no region declared."""
    application = case.facts.application
    lead, city = application.lead, application.city
    if lead is None:
        return Judgement(False, None, city)
    place = lead.registered_in
    provincial = lead.region is None and place == f"{case.policy.rules.R01.province_prefix}0000"
    # A division code names the city in its first four digits (GB/T 2260).
    return Judgement(provincial or (len(place) == 6 and place[:4] == city[:4]), place, city)


@rule(
    "R10",
    "CFG",
    Kind.HARD,
    zh="退回补正的项目须在补正截止日{threshold}（含当日）前重新提交；提交日：{seen}。",
    en="A returned project is submitted again by the correction deadline, {threshold}, that day included; "
    "submitted on {seen}.",
)
def correction_in_time(case: Case) -> Judgement:
    """A returned project comes back by its correction deadline; one that was not returned has none (CFG)."""
    if not keeps_checkpoint(case, CORRECTION):
        return Judgement(True, case.act.on, None)
    due = due_on(case, CORRECTION)
    if due is None:
        return Judgement(False, None, None)
    return Judgement(case.act.on <= due, case.act.on, due)


@rule(
    "R09",
    "二(四)",
    Kind.HARD,
    zh="取消资格须有未通过的申报否决项；未通过：{seen}。",
    en="A project is disqualified for a veto item that is not clear; not clear: {seen}.",
)
def veto_found(case: Case) -> Judgement:
    """R09: at least one veto item of the batch was checked and is not clear."""
    checks = case.facts.record.get("veto_checks") or {}
    items = case.policy.rules.R09.items
    found = {name: label.zh for name, label in items.items() if checks.get(name, {}).get("clear") is False}
    return Judgement(bool(found), found, None)
