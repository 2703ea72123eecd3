"""Owns the proof of R21 that totals are the sums of lists, on both sides and by the batch's choice of strictness."""

import pytest
from cases import POLICY, case, judge, policy_with

from states.findings import Judgement

OFF, WHERE_KEPT, REQUIRED = (policy_with("R21", lists=choice) for choice in ("off", "where_kept", "required"))
ROUNDS = pytest.mark.parametrize("name", ["half_year", "one_year"])
SUM, MORE = 100_000_000, 100_000_001


def asked(act, name, claimed=None, verified=None, policy=POLICY, **record):
    kept = {f"{name}_claimed": claimed, f"{name}_verified": verified}
    lists = {key: {"lines": 1, "sha256": "0" * 64, **told} for key, told in kept.items() if told}
    return case(f"{act}_{name}", policy=policy, lists=lists, record={f"{name}_{key}": v for key, v in record.items()})


@ROUNDS
def test_R21_a_claim_that_is_the_lists_sum_is_met_and_a_fen_more_is_not(name):
    rule, kept = "claim_matches_list", {"number": 1, "total_fen": SUM}
    same, more = (asked("apply", name, kept, invested_fen=fen) for fen in (SUM, MORE))
    assert judge(rule, same) == Judgement(True, "1,000,000", "1,000,000")
    assert judge(rule, more) == Judgement(False, "1,000,000.01", "1,000,000")
    off = asked("apply", name, kept, policy=OFF, invested_fen=MORE)
    assert judge(rule, off) == Judgement(True, "1,000,000.01", "1,000,000")


@ROUNDS
@pytest.mark.parametrize(("policy", "met"), [(OFF, True), (WHERE_KEPT, True), (REQUIRED, False)])
def test_R21_a_round_without_a_list_is_met_unless_the_batch_requires_one(name, policy, met):
    claimed, verified = (asked(act, name, policy=policy) for act in ("apply", "pass"))
    told = {"half_year": ("1,300,000", "1,200,000"), "one_year": ("2,200,000", "2,000,000")}[name]
    assert judge("claim_matches_list", claimed) == Judgement(met, told[0], None)
    assert judge("verified_matches_list", verified) == Judgement(met, told[1], None)


@ROUNDS
def test_R21_what_is_verified_line_by_line_is_met_and_another_sum_none_or_an_older_lists_is_not(name):
    rule, claimed = "verified_matches_list", {"number": 2, "total_fen": MORE}
    for verdicts, fen, met, threshold in (
        ({"basis": 2, "total_fen": SUM}, SUM, True, "1,000,000"),
        ({"basis": 2, "total_fen": SUM}, MORE, False, "1,000,000"),
        ({"basis": 1, "total_fen": SUM}, SUM, False, None),
        (None, SUM, False, None),
    ):
        judged = asked("pass", name, claimed, verdicts, verified_fen=fen)
        assert judge(rule, judged) == Judgement(met, "1,000,000.01" if fen == MORE else "1,000,000", threshold)
        off = asked("pass", name, claimed, verdicts, policy=OFF, verified_fen=fen)
        assert judge(rule, off).met is True
