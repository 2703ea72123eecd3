"""Owns the question whether the panels that score projects in a state have concluded, and said what is on record."""

from states.findings import Judgement
from states.panels import times_sent_back
from states.rules.rule import Case


def judge_panels(case: Case) -> Judgement:
    """Judge every purpose whose panels score projects in this state: its result stands and is the score on record.

    A project on no panel is met unless the batch requires one; one on a panel that has not concluded never is, nor one
    that was sent back since and brought something new. `seen`
    holds what is on record and `threshold` the panel's score, both by the purpose's label.
    """
    met = True
    sent_back = times_sent_back(case.definition, case.facts.state, case.facts.record)
    stated: dict[str, str | None] = {}
    scores: dict[str, str | None] = {}
    for purpose, setting in case.policy.panels.items():
        panelled = case.facts.panels.get(purpose)
        if case.facts.state not in setting.states or (panelled is None and not setting.required):
            continue
        score = panelled.score if panelled and panelled.stands(sent_back) else None
        scores[setting.zh] = score
        stated[setting.zh] = case.facts.record.get(setting.field) if setting.field else score
        met = met and score is not None and stated[setting.zh] == score
    return Judgement(met, stated, scores)
