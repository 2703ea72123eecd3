"""Owns the rules that hold a round's totals against its lists of actual investment: R21."""

from states.findings import Judgement, Kind
from states.rules.record import number_of, yuan
from states.rules.rule import Case, rule

OFF, REQUIRED = "off", "required"


@rule(
    "R21",
    "三(四)",
    Kind.HARD,
    zh="申报实际投入须与实际投入明细合计一致；申报{seen}元，明细合计{threshold}元。",
    en="The investment claimed is the sum of the list of actual investment; claimed {seen} yuan, "
    "the list sums to {threshold} yuan.",
)
def claim_matches_list(case: Case) -> Judgement:
    """R21: what is claimed is the sum of the round's list, where it has one or must have one."""
    kept, claimed = _list(case, "claimed"), number_of(case, _field(case, "claimed"))
    if kept is None:
        return Judgement(_may_lack(case), yuan(claimed), None)
    total = kept["total_fen"]
    return Judgement(claimed == total or _off(case), yuan(claimed), yuan(total))


@rule(
    "R21",
    "三(四)",
    Kind.HARD,
    zh="核定实际投入须与对现行明细的逐行核定合计一致；核定{seen}元，逐行核定合计{threshold}元。",
    en="The investment verified is the sum verified line by line of the present list; verified {seen} yuan, "
    "line by line {threshold} yuan.",
)
def verified_matches_list(case: Case) -> Judgement:
    """R21: what is verified is the sum of the verdicts on the present list; verdicts on an earlier one do not count."""
    claimed, verified = _list(case, "claimed"), _list(case, "verified")
    stated = number_of(case, _field(case, "verified"))
    if claimed is None:
        return Judgement(_may_lack(case), yuan(stated), None)
    if verified is None or verified["basis"] != claimed["number"]:
        return Judgement(_off(case), yuan(stated), None)
    return Judgement(stated == verified["total_fen"] or _off(case), yuan(stated), yuan(verified["total_fen"]))


def _list(case: Case, what: str) -> dict[str, int] | None:
    name = case.transition.round if case.transition else None
    return case.facts.lists.get(f"{name}_{what}")


def _field(case: Case, what: str) -> str:
    name = case.transition.round if case.transition else None
    known = case.definition.rounds.get(name or "")
    return getattr(known, what) if known else ""


def _may_lack(case: Case) -> bool:
    return case.policy.rules.R21.lists != REQUIRED


def _off(case: Case) -> bool:
    return case.policy.rules.R21.lists == OFF
