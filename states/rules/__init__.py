"""Owns the register of the programme's rules R01–R27: importing the package fills it."""

from states.rules import (
    acceptance,
    application,
    consortium,
    indicators,
    investment,
    publicity,
    recommendation,
    reward,
    supervision,
)
from states.rules.rule import RULES, Case, Rule, rule

__all__ = [
    "RULES",
    "Case",
    "Rule",
    "acceptance",
    "application",
    "consortium",
    "indicators",
    "investment",
    "publicity",
    "recommendation",
    "reward",
    "rule",
    "supervision",
]
