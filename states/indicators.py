"""Indicators 绩效指标 of the application book: what they are, what a unit says it reached of them, and how far that is.

Amounts are exact decimals, written as texts: nothing of it is ever a float.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from states.values import frozen

Texts = Callable[[Any, int], str]  # the cleaner of `fields`, which reads whole values by this module

MOST, MOST_NUMBER = 20, 99
NAME_LENGTH, UNIT_LENGTH, REMARK_LENGTH = 60, 20, 300
AMOUNT = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,4})?")
NAMES = frozenset({"number", "name", "unit", "baseline", "target", "planned_on", "better"})
HIGHER, LOWER = "higher", "lower"


@frozen
class Indicator:
    """One indicator. `baseline` is where the unit starts from; `better` says which way the target lies."""

    number: int
    name: str
    unit: str
    target: str
    baseline: str | None = None
    planned_on: date | None = None
    better: str = HIGHER


class Attained(NamedTuple):
    """An indicator with what was reached of it; `percent` of the way to the target, None where that cannot be said."""

    indicator: Indicator
    achieved: str | None
    remark: str | None
    met: bool
    percent: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        own = {name: getattr(self, name) for name in ("achieved", "remark", "met", "percent")}
        return {**whole_json(self.indicator), **own}


def indicator_of(given: Mapping[str, Any]) -> Indicator:
    """Return an indicator from its JSON form. Where none is said, a target below the baseline is better the lower."""
    baseline, target, planned_on = given.get("baseline"), given["target"], given.get("planned_on")
    falls = baseline is not None and Decimal(target) < Decimal(baseline)
    return Indicator(
        given["number"],
        given["name"],
        given["unit"],
        target,
        baseline,
        date.fromisoformat(planned_on) if planned_on else None,
        given.get("better") or (LOWER if falls else HIGHER),
    )


def whole_json(indicator: Indicator) -> dict[str, Any]:
    """Return an indicator's JSON form with everything in it."""
    planned_on = indicator.planned_on
    own = {name: getattr(indicator, name) for name in ("number", "name", "unit", "baseline", "target", "better")}
    return {**own, "planned_on": planned_on.isoformat() if planned_on else None}


def indicator_json(indicator: Indicator) -> dict[str, Any]:
    """Return an indicator's JSON form as it is stored; what is not known is left out."""
    return {name: value for name, value in whole_json(indicator).items() if value is not None}


def read_indicators(value: Any, text: Texts) -> list[dict[str, Any]]:
    """Return indicators as canonical JSON, by number.

    Raises:
        ValueError: they are none, too many, a number stands twice, or a value is not what it should be.
    """
    if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= MOST:
        raise ValueError(f"指标应为1至{MOST}项 / 1 to {MOST} indicators")
    found = [indicator_json(_indicator(place, one, text)) for place, one in enumerate(value, 1)]
    if len({one["number"] for one in found}) != len(found):
        raise ValueError("指标编号重复 / a number stands twice")
    return sorted(found, key=lambda one: int(one["number"]))


def read_attainments(value: Any, text: Texts) -> list[dict[str, Any]]:
    """Return a self-evaluation as canonical JSON, by number: of each indicator what was `achieved` and a `remark`.

    Raises:
        ValueError: it answers nothing or too much, a number twice, or a value is not what it should be.
    """
    if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= MOST:
        raise ValueError(f"自评应为1至{MOST}项 / answers to 1 to {MOST} indicators")
    found = [_answer(place, one, text) for place, one in enumerate(value, 1)]
    if len({one["number"] for one in found}) != len(found):
        raise ValueError("指标编号重复 / a number stands twice")
    return sorted(found, key=lambda one: int(one["number"]))


def attained(indicators: Sequence[Indicator], answers: Sequence[Mapping[str, Any]]) -> list[Attained]:
    """Return every indicator with what was reached of it, in their order."""
    by_number = {answer["number"]: answer for answer in answers}
    return [_attained(indicator, by_number.get(indicator.number, {})) for indicator in indicators]


def unanswered(indicators: Sequence[Indicator], answers: Sequence[Mapping[str, Any]]) -> tuple[list[int], list[int]]:
    """Return the numbers that nothing was said of, and those that no indicator has."""
    numbers = {indicator.number for indicator in indicators}
    answered = {int(answer["number"]) for answer in answers}
    return sorted(numbers - answered), sorted(answered - numbers)


def _attained(indicator: Indicator, answer: Mapping[str, Any]) -> Attained:
    achieved, remark = answer.get("achieved"), answer.get("remark")
    if achieved is None:
        return Attained(indicator, None, remark, False, None)
    reached, target = Decimal(achieved), Decimal(indicator.target)
    met = reached >= target if indicator.better == HIGHER else reached <= target
    return Attained(indicator, achieved, remark, met, _percent(indicator, Fraction(reached), Fraction(target)))


def _percent(indicator: Indicator, reached: Fraction, target: Fraction) -> str | None:
    """Return how much of the way from the baseline to the target was gone, rounded half up to two places.

    Without a baseline: what was reached as a share of the target, or for what is to fall, the target as a share of it.
    """
    if indicator.baseline is not None:
        start = Fraction(Decimal(indicator.baseline))
        part, whole = reached - start, target - start
    elif indicator.better == HIGHER:
        part, whole = reached, target
    else:
        part, whole = target, reached
    if not whole:
        return None
    hundredths = part / whole * 10_000
    return format(Decimal((2 * hundredths + 1).__floor__() // 2).scaleb(-2), "f")


def _indicator(place: int, given: Any, text: Texts) -> Indicator:
    if not isinstance(given, Mapping) or set(given) - NAMES:
        raise _wrong(place, "填写有误", "it cannot be taken")
    better, baseline = given.get("better"), given.get("baseline")
    if better not in (None, HIGHER, LOWER):
        raise _wrong(place, "better应为higher或lower", "better is higher or lower")
    return indicator_of(
        {
            "number": _number(place, given.get("number")),
            "name": _text(place, text, given.get("name"), NAME_LENGTH),
            "unit": _text(place, text, given.get("unit"), UNIT_LENGTH),
            "target": _amount(place, given.get("target")),
            "baseline": None if baseline is None else _amount(place, baseline),
            "planned_on": _day(place, given.get("planned_on")),
            "better": better,
        }
    )


def _answer(place: int, given: Any, text: Texts) -> dict[str, Any]:
    if not isinstance(given, Mapping) or set(given) - {"number", "achieved", "remark"}:
        raise _wrong(place, "应含number、achieved、remark", "it takes number, achieved and a remark")
    remark = given.get("remark")
    return {
        "number": _number(place, given.get("number")),
        "achieved": _amount(place, given.get("achieved")),
        **({} if remark in (None, "") else {"remark": _text(place, text, remark, REMARK_LENGTH)}),
    }


def _number(place: int, value: Any) -> int:
    if type(value) is not int or not 1 <= value <= MOST_NUMBER:
        raise _wrong(place, f"编号应为1至{MOST_NUMBER}", f"its number is from 1 to {MOST_NUMBER}")
    return value


def _text(place: int, text: Texts, value: Any, limit: int) -> str:
    try:
        return text(value, limit)
    except ValueError as problem:
        zh, _, en = str(problem).partition(" / ")
        raise _wrong(place, zh, en) from problem


def _amount(place: int, value: Any) -> str:
    written = str(value) if type(value) is int else value
    if not (isinstance(written, str) and AMOUNT.fullmatch(written)):
        raise _wrong(
            place, '数值应为至多四位小数的文本，如"12.5"', 'an amount is a text with at most four decimals, like "12.5"'
        )
    plain = format(Decimal(written), "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain == "-0" else plain


def _day(place: int, value: Any) -> str | None:
    if value is None or type(value) is date:
        return value.isoformat() if value else None
    try:
        read = date.fromisoformat(value)
    except (TypeError, ValueError):
        read = None
    if read is None or read.isoformat() != value or not 1990 <= read.year <= 2200:
        raise _wrong(place, "日期应如2025-08-31", "a date like 2025-08-31")
    return read.isoformat()


def _wrong(place: int, zh: str, en: str) -> ValueError:
    return ValueError(f"第{place}项指标{zh} / indicator {place}: {en}")
