"""Owns what panels of experts score by: criteria as batch data, points read, sheets totalled, results, ranks with ties.

All sums are exact decimals. A sheet's total is rounded once, half up, to two places: it is what the expert signs; a
result is the mean of such totals, rounded the same way, so that everybody can work it out again on paper.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, NamedTuple

from pydantic import Field, model_validator

from states.definition import Code, Labelled, LifecycleDefinition
from states.fields import POINTS, TWO_PLACES

WHOLE = 100  # what all weights together come to, in percent


class Criterion(Labelled):
    """What points are given for: the most that may be given, and the weight of it in percent."""

    maximum: Annotated[int, Field(ge=1, le=1000)]
    weight: Annotated[int, Field(ge=1, le=WHOLE)]


class PanelSetting(Labelled):
    """How the panels of one purpose work.

    `states`: where a project must stand to be scored. `field`: the field of acts out of these states that takes the
    result. `required`: no such act without a result. `experts` a project is given to, `sheets` without which there is
    no result, `trim` sheets taken off at each end, `wide_from` the spread from which experts are said to disagree.
    """

    states: Annotated[tuple[Code, ...], Field(min_length=1)]
    field: Code | None = None
    required: bool = False
    experts: Annotated[int, Field(ge=1, le=50)]
    sheets: Annotated[int, Field(ge=1, le=50)]
    trim: Annotated[int, Field(ge=0, le=10)] = 0
    wide_from: Annotated[int, Field(ge=1, le=WHOLE)] = WHOLE
    criteria: Annotated[dict[Code, Criterion], Field(min_length=1, max_length=30)]

    @model_validator(mode="after")
    def _possible(self) -> "PanelSetting":
        if sum(criterion.weight for criterion in self.criteria.values()) != WHOLE:
            raise ValueError("the weights of the criteria come to 100")
        if not 2 * self.trim < self.sheets <= self.experts:
            raise ValueError("sheets are more than what is trimmed at both ends, and no more than experts")
        return self


class Panelled(NamedTuple):
    """What a panel says of a project it was given: whether its round is concluded, and the score if so.

    `sent_back`: how often the project had been sent back when it was scored.
    """

    concluded: bool
    score: str | None
    sent_back: int = 0

    def stands(self, sent_back: int) -> bool:
        """Return whether the score is that of what the unit last brought: a project sent back since is scored anew."""
        return self.concluded and self.sent_back == sent_back


class Result(NamedTuple):
    """What the sheets of one project come to. `trimmed`: the experts whose totals were taken off, low and high."""

    score: Decimal
    sheets: int
    low: Decimal
    high: Decimal
    trimmed: tuple[str, ...]
    wide: bool

    @property
    def spread(self) -> Decimal:
        """Return how far the highest total lies above the lowest, trimmed ones too."""
        return self.high - self.low


@dataclass(frozen=True, slots=True)
class Placed:
    """A project's rank by score, 1 the highest; those with the same score share it, and the next ranks are left out."""

    project: str
    score: Decimal
    rank: int
    tied: int  # how many share the rank, this one counted


def times_sent_back(definition: LifecycleDefinition, state: str, record: Mapping[str, Any]) -> int:
    """Return how often a project was sent out of a state to come back to it, as far as its record counts that."""
    return sum(int(record.get(name) or 0) for name in definition.counted_out.get(state, ()))


def read_points(
    setting: PanelSetting, given: Mapping[str, Any], *, whole: bool
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the points as decimal texts with two places, and what is wrong with the others by criterion.

    `whole`: every criterion must have its points. None takes a criterion's points back.
    """
    points: dict[str, str] = {}
    wrong = {str(name)[:64]: "没有此评分项 / no such criterion" for name in given if name not in setting.criteria}
    for name, criterion in setting.criteria.items():
        value = given.get(name)
        if value is None:
            if whole:
                wrong[name] = f"{criterion.zh}未评分 / no points are given for {criterion.en}"
            continue
        text = str(value) if type(value) is int else value
        if isinstance(text, str) and POINTS.fullmatch(text) and Decimal(text) <= criterion.maximum:
            points[name] = format(Decimal(text).quantize(TWO_PLACES), "f")
        else:
            wrong[name] = (
                f"应为0至{criterion.maximum}、至多两位小数 / from 0 to {criterion.maximum}, at most two decimals"
            )
    return points, wrong


def total_of(setting: PanelSetting, points: Mapping[str, str]) -> Decimal:
    """Return a whole sheet's total out of 100: each criterion's share of its maximum, by weight."""
    return _rounded(
        sum(
            (
                Fraction(Decimal(points[name])) * criterion.weight / criterion.maximum
                for name, criterion in setting.criteria.items()
            ),
            Fraction(),
        )
    )


def result_of(setting: PanelSetting, totals: Mapping[str, Decimal]) -> Result | None:
    """Return the result of a project's submitted totals by expert, or None where there are too few of them."""
    if len(totals) < setting.sheets:
        return None
    ordered = sorted(totals.items(), key=lambda item: (item[1], item[0]))
    counted = ordered[setting.trim : len(ordered) - setting.trim]
    left_out = (*ordered[: setting.trim], *ordered[len(ordered) - setting.trim :])
    low, high = ordered[0][1], ordered[-1][1]
    return Result(
        _rounded(sum((Fraction(total) for _, total in counted), Fraction()) / len(counted)),
        len(ordered),
        low,
        high,
        tuple(expert for expert, _ in left_out),
        high - low >= setting.wide_from,
    )


def placed(scores: Mapping[str, Decimal]) -> list[Placed]:
    """Return projects by score, the highest first, equal scores by id under one rank: a tie is shown, never broken."""
    sharing = Counter(scores.values())
    found: list[Placed] = []
    for number, (project, score) in enumerate(sorted(scores.items(), key=lambda item: (-item[1], item[0])), 1):
        same = bool(found) and found[-1].score == score
        found.append(Placed(project, score, found[-1].rank if same else number, sharing[score]))
    return found


def _rounded(value: Fraction) -> Decimal:
    hundredths = value * 100
    whole, rest = divmod(hundredths.numerator, hundredths.denominator)
    return Decimal(whole + (2 * rest >= hundredths.denominator)).scaleb(-2)
