"""Owns the rules on review, publicity and objection: R17 to R19."""

from states.findings import Judgement, Kind
from states.planning import due_date
from states.rules.record import code_of, date_of, due_on, number_of
from states.rules.rule import Case, rule
from states.rules.scored import judge_panels

PUBLICITY = "publicity_end"
MATERIAL = "objection_material"
KIND_NEEDS = {"person": "objector_contact", "unit": "objection_stamped"}  # R19: what else each kind must give


@rule(
    "R17",
    "三(三)",
    Kind.HARD,
    zh="评审须按规定方式（{threshold}）进行，并登记得分或评审纪要编号后方可定论；现登记：{seen}。",
    en="The review is held in one of the batch's ways ({threshold}) and closed with a score or the number of "
    "its minutes; on record: {seen}.",
)
def review_closed(case: Case) -> Judgement:
    """R17: one known way of review, and a score or minutes."""
    record, methods = case.facts.record, case.policy.rules.R17.methods
    method = code_of(case, "review_method")
    score, minutes = record.get("review_score"), record.get("review_minutes_number")
    if method is None and not score and not minutes:
        return Judgement(False, None, list(methods))
    return Judgement(method in methods and bool(score or minutes), [method, score, minutes], list(methods))


@rule(
    "R17",
    "三(三)",
    Kind.HARD,
    zh="专家组评审已结束的，所登记得分须与专家组得分一致；未结束的，不得定论。专家组得分：{threshold}；登记：{seen}。",
    en="While a panel has not concluded nothing is decided; once it has, the score on record is the panel's. "
    "The panel's: {threshold}; on record: {seen}.",
    reads=("panels",),
)
def panel_concluded(case: Case) -> Judgement:
    """R17: a project that was given to a panel is decided on its result, once that stands."""
    return judge_panels(case)


@rule(
    "R17",
    "CFG",
    Kind.HARD,
    zh="备选顺序自1起且在本批次内不重复；本项目：{seen}，已用：{threshold}。",
    en="Ranks on the reserve list count from 1, none twice in the batch; this one: {seen}, already taken: {threshold}.",
    reads=("reserves",),
)
def reserve_rank_free(case: Case) -> Judgement:
    """R17: no other reserve of the batch has the rank."""
    rank, taken = number_of(case, "reserve_rank"), case.facts.reserves_taken
    return Judgement(rank is not None and rank >= 1 and rank not in taken, rank, taken)


@rule(
    "R18",
    "三(三)",
    Kind.HARD,
    zh="公示开始日不早于办理日，截止日不早于规定时长的期满日（依次：{threshold}）；现定起止：{seen}。",
    en="Publicity starts no earlier than the day it is ordered and ends no earlier than its full length "
    "({threshold}); set to: {seen}.",
)
def publicity_long_enough(case: Case) -> Judgement:
    """R18: publicity is not dated back, and an end typed by an officer does not cut it short."""
    return judge_length(case, PUBLICITY, "publicity_starts_on", "publicity_ends_on")


def judge_length(case: Case, checkpoint: str, starts: str, ends: str) -> Judgement:
    """Judge a publicity period by the fields that state it: from the day of the act on, for its full length."""
    starts_on = date_of(case, starts)
    computed = None
    if starts_on is not None and checkpoint in case.definition.checkpoints:
        computed = due_date(case.definition, case.policy, case.facts, case.calendar, checkpoint)
    if starts_on is None or computed is None:
        return Judgement(False, None, None)
    ends_on = date_of(case, ends) or computed.due_on
    met = starts_on >= case.act.on and ends_on >= computed.due_on
    return Judgement(met, (starts_on, ends_on), (case.act.on, computed.due_on))


@rule(
    "R18",
    "CFG",
    Kind.HARD,
    zh="自定公示截止日（{seen}）与推算日（{threshold}）不同的，须写明理由。",
    en="An end of publicity typed by an officer ({seen}) that is not the computed one ({threshold}) takes a reason.",
)
def typed_end_reasoned(case: Case) -> Judgement:
    """R18: an officer's own end of publicity stands beside the computed one, with a reason."""
    typed, computed = date_of(case, "publicity_ends_on"), None
    if PUBLICITY in case.definition.checkpoints:
        computed = due_date(case.definition, case.policy, case.facts, case.calendar, PUBLICITY)
    end = computed.due_on if computed else None
    return Judgement(typed in (None, end) or bool(case.act.reason), typed, end)


@rule(
    "R19",
    "CFG",
    Kind.HARD,
    zh="登记在册的异议须逐件核查结论；尚未结论：{seen}件。",
    en="Registered objections are decided one by one; still undecided: {seen}.",
    reads=("objections",),
)
def objections_decided(case: Case) -> Judgement:
    """R19: no registered objection that counts is undecided; the finding on the last moves the project."""
    undecided = case.facts.objections_open
    return Judgement(undecided == 0, undecided, 0)


@rule(
    "R19",
    "CFG",
    Kind.HARD,
    zh="异议须在公示期内（起止：{threshold}）提出；提出日：{seen}。",
    en="An objection counts if made within the publicity period ({threshold}); made on {seen}.",
)
def objection_in_period(case: Case) -> Judgement:
    """R19: the objection was made on a day of the publicity period, and not after the act that records it."""
    objected_on, starts_on = date_of(case, "objected_on"), date_of(case, "publicity_starts_on")
    ends_on = due_on(case, PUBLICITY)
    if starts_on is None or ends_on is None:
        return Judgement(False, None, None)
    met = objected_on is not None and starts_on <= objected_on <= min(ends_on, case.act.on)
    return Judgement(met, objected_on, (starts_on, ends_on))


@rule(
    "R19",
    "CFG",
    Kind.HARD,
    zh="异议须书面提出并附证据材料，个人须署真实姓名和联系方式，单位须加盖公章；尚缺：{seen}。",
    en="An objection is made in writing with evidence; a person gives real name and contact, a unit its "
    "stamp; missing: {seen}.",
)
def objection_in_form(case: Case) -> Judgement:
    """R19: the objection is in writing, with evidence, under a name. `seen` is what is missing."""
    record = case.facts.record
    kind = code_of(case, "objector_kind")
    missing = [] if record.get("objection_written") is True else ["objection_written"]
    if kind not in case.policy.rules.R19.kinds:
        missing.append("objector_kind")
    if not record.get("objector_name"):
        missing.append("objector_name")
    need = KIND_NEEDS.get(kind) if kind else None
    if need and not record.get(need):
        missing.append(need)
    if MATERIAL not in case.facts.documents:
        missing.append(MATERIAL)
    if not missing:
        return Judgement(True, {}, None)
    labels = {**case.definition.fields, **case.definition.documents}
    return Judgement(False, {code: labels[code].zh if code in labels else code for code in missing}, None)


@rule(
    "R18",
    "三(三)",
    Kind.HARD,
    zh="公示期满（截止日{threshold}全天结束）后方可公布；办理日：{seen}。",
    en="Publication waits until the publicity period is over (its last day, {threshold}, has ended); "
    "asked for on {seen}.",
)
def publicity_over(case: Case) -> Judgement:
    """R18: the last day of the publicity period has fully passed."""
    ends_on = due_on(case, PUBLICITY)
    if ends_on is None:
        return Judgement(False, None, None)
    return Judgement(case.act.on > ends_on, case.act.on, ends_on)
