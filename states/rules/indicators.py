"""Owns the rules on a round's self-evaluation against the indicators of the application book: R21."""

from typing import Any

from states.findings import Judgement, Kind
from states.indicators import attained, unanswered
from states.rules.rule import Case, rule

OFF, REQUIRED = "off", "required"


@rule(
    "R21",
    "三(四)",
    Kind.HARD,
    zh="验收申请须对照申报书指标逐项自评；未填或无此指标：{seen}，申报书指标：{threshold}。",
    en="An application for acceptance answers every indicator of the application book, and no other; "
    "not answered or unknown: {seen}, indicators filed: {threshold}.",
)
def indicators_answered(case: Case) -> Judgement:
    """R21: every indicator is answered and none is unknown, where the batch requires it."""
    filed = case.facts.application.indicators
    missing, unknown = unanswered(filed, _answers(case))
    met = not (missing or unknown) or case.policy.rules.R21.self_evaluation != REQUIRED
    told = {name: numbers for name, numbers in (("missing", missing), ("unknown", unknown)) if numbers}
    return Judgement(met, told, [indicator.number for indicator in filed])


@rule(
    "R21",
    "三(四)",
    Kind.NOTE,
    zh="指标自评：{seen}；目标：{threshold}。",
    en="Self-evaluation against the indicators: {seen}; targets: {threshold}.",
)
def indicators_reached(case: Case) -> Judgement:
    """R21: target and achieved of each indicator, and how far that is; shown to whoever decides, refusing nothing."""
    if case.policy.rules.R21.self_evaluation == OFF:
        return Judgement(True, None, None)
    found = attained(case.facts.application.indicators, _answers(case))
    seen = {one.indicator.name: _words(one.achieved, one.percent) for one in found}
    targets = {one.indicator.name: f"{one.indicator.target}{one.indicator.unit}" for one in found}
    return Judgement(all(one.met for one in found), seen, targets)


def _answers(case: Case) -> list[dict[str, Any]]:
    known = case.definition.rounds.get(case.transition.round or "") if case.transition else None
    answers = case.facts.record.get(known.attained) if known and known.attained else None
    return answers if isinstance(answers, list) else []


def _words(achieved: str | None, percent: str | None) -> str:
    if achieved is None:
        return "未填 not answered"
    return f"{achieved}（{percent}%）" if percent is not None else achieved
