"""Owns model checking: that a lifecycle and its policy are whole, lead somewhere, and keep what they promise."""

from states.checker.fault import Fault, Step
from states.checker.names import unused_rules
from states.checker.plans import check_plan
from states.checker.report import Report, check, check_all, check_texts
from states.checker.settings import NOT_DEADLINES, check_policy
from states.checker.walk import Explored, explore

__all__ = [
    "NOT_DEADLINES",
    "Explored",
    "Fault",
    "Report",
    "Step",
    "check",
    "check_all",
    "check_plan",
    "check_policy",
    "check_texts",
    "explore",
    "unused_rules",
]
