"""Whether a notice may still leave: asked when it is put into a message, and again before that is sent."""

from collections.abc import Mapping
from datetime import datetime

from lifecycle.recipients import still_told
from lifecycle.rulebooks import RuleSet
from lifecycle.statements import Row
from states.series import send_at

ENDED = {"closed": "ended", "superseded": "superseded"}  # a checkpoint's status -> why its notices are cancelled
TEST = "test"


def ending_of(row: Row, people: Mapping[str, Row], address: Row | None) -> tuple[str, str] | None:
    """Return how a waiting notice ends without being told (its status, the reason), or None where it may leave.

    `row` is of `lifecycle.messages`, `people` everybody of `recipients.in_charge`.
    """
    ended = ENDED.get(row["checkpoint_status"] or "")
    if ended:
        return "cancelled", ended
    if row["overtaken"]:
        return "skipped", "overtaken"
    if not still_told(row, people):
        return "cancelled", "not_recipient"
    return ("cancelled", "no_address") if address is None else None


def leaves_at(row: Row, rules: RuleSet, at: datetime) -> datetime:
    """Return the first instant, not before `at`, at which a notice may leave the house; a test may at any time."""
    if row["kind"] == TEST:
        return at
    return send_at(rules.reminders.times, rules.calendar, rules.policy.policy.zone, at, False)
