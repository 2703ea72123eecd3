"""Our own rule that nothing the programme asks goes unproved: rules on both sides, settings read by somebody."""

from collections import defaultdict
from pathlib import Path

import pytest

from api.proofs import Proof, proofs
from api.rule_page import users_of
from states.library import bundled_definitions, bundled_policies
from states.rules import RULES

NUMBERS = {f"R{number:02}" for number in range(1, 28)}


def test_every_rule_is_proved_on_both_sides_of_its_threshold() -> None:
    met, unmet = defaultdict(list), defaultdict(list)
    for proof in proofs(RULES):
        met[proof.check] += [proof.test] * proof.met
        unmet[proof.check] += [proof.test] * proof.unmet
    assert sorted(check for check in RULES if not met[check] or not unmet[check]) == []


def test_no_number_of_the_programme_is_without_a_function() -> None:
    assert {rule.rule for rule in RULES.values()} == NUMBERS


@pytest.mark.parametrize("name", sorted(bundled_policies()))
def test_every_setting_is_read_by_somebody(name: str) -> None:
    policy = bundled_policies()[name][0]
    users = users_of(bundled_definitions()[policy.policy.definition][0])
    known = {f"{section}.{name}" for section, holder in policy.rules for name, _ in holder}
    assert {path for path in known if not users[path]} == set()


def found(tmp_path: Path, body: str) -> list[Proof]:
    folder = tmp_path / "tests/states"
    folder.mkdir(parents=True)
    (folder / "test_x.py").write_text(body, "utf-8")
    return proofs(["member_count"], tmp_path)


@pytest.mark.parametrize(
    ("body", "sides"),
    [
        ('assert judge("member_count", x) == Judgement(True, 3, 3)', (True, False)),
        ('assert judge("member_count", x) == Judgement(False, 4, 3)', (False, True)),
        ('for met in (True, False): assert judge("member_count", x) == Judgement(met, 4, 3)', (True, True)),
        ('for met in (True,): assert judge("member_count", x) == Judgement(met, 4, 3)', (True, False)),
        ('assert judge("member_count", x) == Judgement(not wrong, 4, 3)', (True, True)),
        ('assert judge("member_count", x).met is False', (False, True)),
        ('rule = "member_count"; assert judge(rule, x) == Judgement(True, 3, 3)', (True, False)),
    ],
)
def test_the_sides_of_a_test_are_read_from_its_source(tmp_path: Path, body: str, sides: tuple[bool, bool]) -> None:
    (proof,) = found(tmp_path, f"def test_R03_three_are_met():\n    {body}\n")
    assert (proof.met, proof.unmet) == sides
    assert (proof.file, proof.sentence) == ("tests/states/test_x.py", "three are met")


@pytest.mark.parametrize(
    "body", ['assert "member_count" in RULES', 'judge("member_count", x)', 'judge("other", x) == Judgement(True, 1, 1)']
)
def test_a_test_that_compares_no_verdict_of_the_rule_proves_nothing(tmp_path: Path, body: str) -> None:
    assert found(tmp_path, f"def test_R03_it():\n    {body}\n") == []


def test_without_tests_beside_the_sources_nothing_is_said_to_be_proved(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="run this in a clone"):
        proofs(RULES, tmp_path)
