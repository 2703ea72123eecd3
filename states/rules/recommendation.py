"""Owns the rules on the city's recommendation: R13 to R16, the waiver, the reopened project's room."""

from states.findings import Judgement, Kind
from states.rules.record import number_of
from states.rules.room import judge_room
from states.rules.rule import RULES, Case, rule


@rule(
    "R13",
    "三(二)",
    Kind.WAIVABLE,
    zh="各市须在推荐名额内推荐；推荐后占用：{seen}，名额：{threshold}。名额表未导入的，请先导入；超出名额的，仅省厅可准予例外。",
    en="A city recommends within its quota; with this project it would use {seen} of {threshold}. "
    "Where no quota shows, import the quota table first; the province alone may allow more.",
    reads=("room",),
)
def within_city_quota(case: Case) -> Judgement:
    """R13: the recommendation stays within the city's quota; exempt ownership (R14) takes no place."""
    return judge_room(case, "city_quota")


@rule(
    "R13",
    "三(二)",
    Kind.HARD,
    zh="推荐项目须排序，序号自1起且在本市内不重复；本项目序号：{seen}，已用序号：{threshold}。",
    en="Recommended projects are ranked from 1, no rank twice within the city; this rank: {seen}, "
    "already taken: {threshold}.",
    reads=("ranks",),
)
def rank_free(case: Case) -> Judgement:
    """R13: the rank is a positive number that no other project of the city has."""
    rank = number_of(case, "rank")
    taken = case.facts.ranks_taken if case.policy.rules.R13.unique_ranks else frozenset[int]()
    return Judgement(rank is not None and rank >= 1 and rank not in taken, rank, taken)


@rule(
    "R14",
    "三(二)",
    Kind.HARD,
    zh="省属企业的子企业申报，须附省属企业推荐函；本项目须附：{threshold}，已附：{seen}。",
    en="A subsidiary of a provincial company needs that company's letter; needed here: {threshold}, attached: {seen}.",
)
def company_letter(case: Case) -> Judgement:
    """R14: the provincial company's letter is there where a subsidiary's ownership asks for one.

    A company that is its own group, by name, is the parent itself; a lead that names no group counts as a subsidiary.
    """
    setting, application = case.policy.rules.R14, case.facts.application
    parent = application.lead is not None and application.lead.name == application.group
    needed = application.ownership in setting.letter_for and not parent
    attached = setting.letter_document in case.facts.documents
    return Judgement(attached or not needed, attached, needed)


@rule(
    "R15",
    "三(二)",
    Kind.HARD,
    zh="同一集团在全省揭榜任务合计不超过{threshold}项；含本项目在内：{seen}。",
    en="One group takes at most {threshold} tasks in all, across cities; with this one it would be: {seen}.",
    reads=("room",),
)
def within_group_limit(case: Case) -> Judgement:
    """R15: the group does not take too many tasks; a lead of no group counts nowhere."""
    return judge_room(case, "group_tasks", case.policy.rules.R15.max_tasks, needed=False)


@rule(
    "R16",
    "三(二)",
    Kind.WAIVABLE,
    zh="推荐材料须于{threshold}（含当日）前报省；报送日：{seen}。逾期的，仅省厅可说明理由后接收。",
    en="The package reaches the province by {threshold}, that day included; sent on {seen}. "
    "The province alone may accept it late, with a reason.",
)
def package_in_time(case: Case) -> Judgement:
    """R16: the package is with the province by the batch's date."""
    due = case.policy.rules.R16.package_due_on
    return Judgement(case.act.on <= due, case.act.on, due)


@rule(
    "R16",
    "三(二)",
    Kind.HARD,
    zh="纸质材料须一式{threshold}份；现为{seen}份。",
    en="{threshold} paper copies are required; there are {seen}.",
)
def paper_copies_sufficient(case: Case) -> Judgement:
    """R16: enough paper copies."""
    copies, least = number_of(case, "paper_copies"), case.policy.rules.R16.paper_copies
    return Judgement(copies is not None and copies >= least, copies, least)


@rule(
    "R16",
    "三(二)",
    Kind.HARD,
    zh="报省材料须经形式审查合格方可受理；审查合格：{seen}。不合格的，退回补正。",
    en="A filing is accepted once it passes the formal check; passed: {seen}. "
    "Return it for correction where it does not.",
)
def formal_check_passed(case: Case) -> Judgement:
    """R16: the province finds what was filed complete and in form."""
    passed = case.facts.record.get("formal_check")
    return Judgement(passed is True, passed, True)


@rule(
    "R16",
    "三(二)",
    Kind.HARD,
    zh="推荐材料须经省厅接收并点收纸质材料（一式{threshold}份）后方可受理；推荐材料：{seen}。尚未接收的，请先办理接收。",
    en="A filing is accepted once its package was received and the paper counted ({threshold} copies); the package: "
    "{seen}. Receive the package first.",
    reads=("package",),
)
def package_received(case: Case) -> Judgement:
    """R16: the package that brought the project was received, paper and all, as strictly as the batch asks."""
    setting, package = case.policy.rules.R16, case.facts.package
    if package is None:
        return Judgement(setting.receipt != "required", None, setting.paper_copies)
    if package.received_on is None:
        seen: tuple[object, ...] = (f"第{package.number}号 no. {package.number}", "尚未接收 not received")
        return Judgement(setting.receipt == "off", seen, setting.paper_copies)
    counted = package.paper_copies or 0
    seen = (f"第{package.number}号 no. {package.number}", package.received_on, f"{counted}份 copies")
    return Judgement(counted >= setting.paper_copies or setting.receipt == "off", seen, setting.paper_copies)


@rule(
    "R13",
    "三(二)",
    Kind.HARD,
    zh="重新启动的项目须有可占用的名额、任务数和资金；恢复后占用：{seen}，上限：{threshold}。",
    en="A reopened project needs room in the quota, the task counts and the budget; it would make {seen}, "
    "ceilings {threshold}.",
    reads=("room",),
)
def room_to_return(case: Case) -> Judgement:
    """R13, R15, R26: there is room for what a reopened project would hold beyond what it holds now."""
    totals: dict[str, int | None] = {}
    ceilings: dict[str, int | None] = {}
    met = True
    for place, wanted in case.wanted.items():
        held = case.held.get(place, 0)
        if wanted <= held:
            continue
        room, name = case.facts.room.get(place), f"{place[0]} {place[1]}"
        ceilings[name] = room.ceiling if room else None
        totals[name] = room.used - held + wanted if room else None
        met = met and room is not None and room.ceiling is not None and room.used - held + wanted <= room.ceiling
    return Judgement(met, totals, ceilings)


@rule(
    "R13",
    "三(二)",
    Kind.HARD,
    zh="准予例外仅限“原则上”条款和通知授权省厅决定的条款（{threshold}）；本次所列：{seen}。",
    en="Only rules that bind in principle, or that the notice leaves to the province, may be waived "
    "({threshold}); named here: {seen}.",
)
def rules_may_be_waived(case: Case) -> Judgement:
    """R03, R05, R06, R13, R16: at least one rule is named, and each may be set aside."""
    named = case.facts.record.get("waived_rules") or None
    allowed = sorted({entry.rule for entry in RULES.values() if entry.kind in (Kind.SOFT, Kind.WAIVABLE)})
    return Judgement(named is not None and all(code in allowed for code in named), named, allowed)
