"""Owns the rules on who applies together: R01 to R06."""

from functools import lru_cache
from itertools import combinations

from stdnum.cn import uscc
from stdnum.exceptions import ValidationError

from states.facts import Member, UnitRole
from states.findings import Judgement, Kind
from states.rules.room import judge_room
from states.rules.rule import Case, rule

AGREEMENT = "consortium_agreement"


@rule(
    "R01",
    "二(一)",
    Kind.HARD,
    zh="联合体须有且仅有一家牵头单位，为省内登记的数字化转型服务商（要求：{threshold}）；现牵头单位：{seen}。",
    en="The consortium has exactly one lead unit, a digital-transformation service provider registered in "
    "the province (required: {threshold}); lead units named: {seen}.",
)
def one_lead_provider(case: Case) -> Judgement:
    """R01: exactly one lead unit, a provider registered in the province."""
    setting = case.policy.rules.R01
    leads = [unit for unit in case.facts.application.members if unit.role is UnitRole.LEAD]
    met = (
        len(leads) == 1
        and leads[0].kind == setting.lead_kind
        and leads[0].registered_in.startswith(setting.province_prefix)
    )
    seen = [f"{unit.name}（{unit.kind}，{unit.registered_in}）" for unit in leads]
    return Judgement(met, seen, (setting.lead_kind, setting.province_prefix))


@rule(
    "R01",
    "二(一)",
    Kind.HARD,
    zh="联合体须有制造业企业作为场景落地单位，至少{threshold}家；现有{seen}家。",
    en="At least {threshold} manufacturer must be a scenario-landing unit; the consortium has {seen}.",
)
def landing_manufacturer(case: Case) -> Judgement:
    """R01: enough manufacturers as scenario-landing units."""
    setting = case.policy.rules.R01
    found = 0
    for unit in case.facts.application.members:
        if unit.role is UnitRole.LANDING and unit.kind == setting.landing_kind:
            found += 1
    return Judgement(found >= setting.min_landing_units, found, setting.min_landing_units)


@lru_cache(maxsize=65_536)
def _valid_code(code: str) -> bool:
    # The check forgives blanks and small letters; the counters would take such a code for another unit.
    try:
        return str(uscc.validate(code)) == code
    except ValidationError:
        return False


@rule(
    "R02",
    "二(一)",
    Kind.HARD,
    zh="成员单位的统一社会信用代码须符合GB 32100（18位，校验码正确）；不符合的：{seen}。请按营业执照更正。",
    en="Every member's unified social credit code must satisfy GB 32100 (18 characters, check character "
    "right); not so: {seen}. Correct them from the business licence.",
)
def credit_codes_valid(case: Case) -> Judgement:
    """R02: every credit code is a valid one."""
    units = case.facts.application.members
    bad = {unit.credit_code: unit.name for unit in units if not _valid_code(unit.credit_code)}
    return Judgement(not bad, bad, None)


@rule(
    "R02",
    "二(一)",
    Kind.HARD,
    zh="联合体成员不得为同一单位；重复出现的统一社会信用代码：{seen}。",
    en="The members must be different units; credit codes that occur more than once: {seen}.",
)
def members_distinct(case: Case) -> Judgement:
    """R02: no unit is a member twice."""
    once: set[str] = set()
    again: dict[str, str] = {}
    for unit in case.facts.application.members:
        if unit.credit_code in once:
            again[unit.credit_code] = unit.name
        once.add(unit.credit_code)
    return Judgement(not again, again, None)


@rule(
    "R02",
    "二(一)",
    Kind.HARD,
    zh="联合体成员之间不得存在关联关系（同属一个集团，或经申报、核查认定为关联单位）；存在关联的：{seen}。",
    en="No two members may be affiliated (of one group, or linked by declaration or an officer's finding); "
    "affiliated: {seen}.",
)
def members_unaffiliated(case: Case) -> Judgement:
    """R02: no two members belong to one group or name one another. The project's group is the lead's."""
    application = case.facts.application
    linked = []
    for one, other in combinations(application.members, 2):
        if one.credit_code == other.credit_code:
            continue
        group = _group_of(one, application.group)
        if (
            (group and group == _group_of(other, application.group))
            or other.credit_code in one.affiliates
            or one.credit_code in other.affiliates
        ):
            linked.append(f"{one.name}—{other.name}")
    return Judgement(not linked, linked, None)


def _group_of(unit: Member, group_of_lead: str | None) -> str | None:
    return unit.group or (group_of_lead if unit.role is UnitRole.LEAD else None)


@rule(
    "R03",
    "二(一)",
    Kind.SOFT,
    zh="联合体成员（含牵头单位）原则上不超过{threshold}家；现有{seen}家。确需超过的，由省厅书面说明理由后准予例外。",
    en="In principle a consortium has at most {threshold} members, the lead counted; this one has {seen}. "
    "The province may allow more with a written reason.",
)
def member_count(case: Case) -> Judgement:
    """R03: not too many members, the lead counted."""
    found, most = len(case.facts.application.members), case.policy.rules.R03.max_members
    return Judgement(found <= most, found, most)


@rule(
    "R04",
    "二(一)",
    Kind.HARD,
    zh="须附已签订的联合体协议，并载明{threshold}项要点；尚缺：{seen}。请补充后再提交。",
    en="A signed consortium agreement covering {threshold} points is required; missing: {seen}. "
    "Complete it, then submit.",
)
def agreement_complete(case: Case) -> Judgement:
    """R04: the agreement is there and covers every point. `seen` is what is missing, code to label."""
    points = case.policy.rules.R04.points
    covered = case.facts.record.get("agreement_points") or ()
    missing = {code: label.zh for code, label in points.items() if code not in covered}
    if AGREEMENT not in case.facts.documents:
        document = case.definition.documents.get(AGREEMENT)
        missing[AGREEMENT] = document.zh if document else AGREEMENT
    return Judgement(not missing, missing, len(points))


@rule(
    "R05",
    "二(二)",
    Kind.SOFT,
    zh="数字化转型服务商在本批次原则上参与不超过{threshold}个项目；含本项目在内的参与数：{seen}。",
    en="In principle a service provider takes part in at most {threshold} projects of the batch; "
    "with this one it would be: {seen}.",
    reads=("room",),
)
def provider_project_count(case: Case) -> Judgement:
    """R05: no provider is in too many projects of the batch."""
    return judge_room(case, "provider_projects", case.policy.rules.R05.max_projects, needed=False)


@rule(
    "R06",
    "二(二)",
    Kind.SOFT,
    zh="制造业企业原则上参与不超过{threshold}个项目；含本项目在内的参与数：{seen}。",
    en="In principle a manufacturer takes part in at most {threshold} project of the programme; "
    "with this one it would be: {seen}.",
    reads=("room",),
)
def manufacturer_project_count(case: Case) -> Judgement:
    """R06: no manufacturer is in too many projects of the programme."""
    return judge_room(case, "manufacturer_projects", case.policy.rules.R06.max_projects, needed=False)


@rule(
    "R06",
    "二(二)",
    Kind.SOFT,
    zh="此前批次已入围的制造业企业原则上不再申报；已入围的：{seen}。",
    en="In principle a manufacturer shortlisted in an earlier batch does not apply again; shortlisted: {seen}.",
    reads=("shortlist",),
)
def not_shortlisted_before(case: Case) -> Judgement:
    """R06: no manufacturer was shortlisted before; providers are not barred (R05)."""
    setting, shortlist = case.policy.rules.R06, case.facts.shortlisted_before
    if not (setting.bar_shortlisted and shortlist):
        return Judgement(True, {}, setting.bar_shortlisted)
    barred = {
        unit.credit_code: unit.name
        for unit in case.facts.application.members
        if unit.kind == setting.kind and unit.credit_code in shortlist
    }
    return Judgement(not barred, barred, True)
