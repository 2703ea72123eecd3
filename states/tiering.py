"""Owns which tier a score reaches and what a reward comes to (R25 to R27), and what changes when a line is moved."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from states.findings import Text
from states.policy import Policy

VERIFIED = ("half_year_verified_fen", "one_year_verified_fen")
WHY = {
    "awarded": Text("拟奖补", "to be rewarded"),
    "unscored": Text("没有综合评价得分", "there is no overall score"),
    "below_lines": Text("得分未达最低档分数线", "the score is below the lowest line"),
    "nothing_verified": Text("没有核定投入，或核定投入的规定比例不足一个计算单位", "no investment to take a share of"),
    "over_budget": Text("按得分排序，资金总额已不足", "by rank of scores the budget is used up"),
    "tied_at_budget": Text(
        "与其他项目同分，剩余资金不足以同时安排，须由人决定",
        "tied with others, and what is left does not reach for all of them: people decide",
    ),
}


class Candidate(NamedTuple):
    """A project that may be rewarded: its overall score, and its verified investment in fen."""

    project: str
    score: Decimal | None
    verified_fen: int | None


class Terms(NamedTuple):
    """What rewards are worked out by: each tier's line and cap, the share, the unit, and the money there is (fen).

    Amounts are rounded down to whole units of `unit_fen`.
    """

    lines: Mapping[str, Decimal]
    caps: Mapping[str, int]
    share_percent: int
    unit_fen: int
    available_fen: int


class Award(NamedTuple):
    """What one project comes to. `why` is a code of `WHY`; `at_line`: the score is exactly its tier's line.

    `tied` counts the candidates with this score, this one among them.
    """

    project: str
    score: Decimal | None
    tier: str | None
    amount_fen: int
    why: str
    at_line: bool
    tied: int


class Move(NamedTuple):
    """A project that another set of terms treats differently."""

    project: str
    before: Award
    after: Award


def verified_fen(record: Mapping[str, Any]) -> int | None:
    """Return the investment verified in all, in fen: a round verifies what was invested up to it (R21)."""
    found = [value for field in VERIFIED if type(value := record.get(field)) is int]
    return max(found, default=None)


def score_of(value: Any) -> Decimal | None:
    """Return a score on record as a number, or None where it is none."""
    try:
        score = None if value is None else Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        return None
    return score if score is not None and score.is_finite() else None


def terms_of(
    policy: Policy,
    available_fen: int,
    lines: Mapping[str, Decimal] | None = None,
    share_percent: int | None = None,
) -> Terms:
    """Return the batch's own terms, with the lines and the share that are tried out in place of its own.

    Raises:
        ValueError: a line is for a tier that the batch does not have.
    """
    tiers = policy.rules.R25.tiers
    strange = sorted(set(lines or {}) - set(tiers))
    if strange:
        raise ValueError(f"no such tiers: {', '.join(strange)}")
    own = {code: Decimal(tier.score_line) for code, tier in tiers.items()}
    setting = policy.rules.R27
    return Terms(
        {**own, **(lines or {})},
        {code: tier.cap_fen for code, tier in tiers.items()},
        setting.max_share_percent if share_percent is None else share_percent,
        setting.unit_fen,
        available_fen,
    )


def tier_reached(terms: Terms, score: Decimal) -> str | None:
    """Return the tier of the highest line that the score reaches; of two equal lines the one with the higher cap."""
    reached = [(line, terms.caps[code], code) for code, line in terms.lines.items() if score >= line]
    return max(reached)[2] if reached else None


def awards(terms: Terms, candidates: Sequence[Candidate]) -> list[Award]:
    """Return what each candidate comes to, by score, the highest first, equal scores by id.

    Money goes by rank: nobody is rewarded while somebody with a higher score is left out for want of money, and of
    those with one score all or none (R25, R26).
    """
    tied = Counter(one.score for one in candidates)
    ordered = sorted(candidates, key=lambda one: (one.score is None, -(one.score or 0), one.project))
    entitled = {one.project: _entitled(terms, one, tied[one.score]) for one in ordered}
    found: list[Award] = []
    left, open_to_all = terms.available_fen, True
    for score in dict.fromkeys(one.score for one in ordered):
        group = [entitled[one.project] for one in ordered if one.score == score]
        asked = sum(award.amount_fen for award in group)
        if asked and (not open_to_all or asked > left):
            fits_some = open_to_all and len(group) > 1 and any(0 < one.amount_fen <= left for one in group)
            why = "tied_at_budget" if fits_some else "over_budget"
            open_to_all = False
            group = [one._replace(tier=None, amount_fen=0, why=why) if one.amount_fen else one for one in group]
        else:
            left -= asked
        found += group
    return found


def moves(before: Sequence[Award], after: Sequence[Award]) -> list[Move]:
    """Return who is treated differently by the second set, in its order."""
    known = {one.project: one for one in before}
    return [
        Move(one.project, known[one.project], one)
        for one in after
        if (one.tier, one.amount_fen) != (known[one.project].tier, known[one.project].amount_fen)
    ]


def _entitled(terms: Terms, one: Candidate, tied: int) -> Award:
    """Return what a candidate would come to if there were money for all."""
    if one.score is None:
        return Award(one.project, None, None, 0, "unscored", False, tied)
    tier = tier_reached(terms, one.score)
    if tier is None:
        return Award(one.project, one.score, None, 0, "below_lines", False, tied)
    at_line = one.score == terms.lines[tier]
    share = (one.verified_fen or 0) * terms.share_percent // 100
    amount = min(terms.caps[tier], share) // terms.unit_fen * terms.unit_fen
    if amount <= 0:
        return Award(one.project, one.score, None, 0, "nothing_verified", at_line, tied)
    return Award(one.project, one.score, tier, amount, "awarded", at_line, tied)
