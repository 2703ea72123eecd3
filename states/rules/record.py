"""Owns how rules read what is on record: dates, amounts, single codes, due dates, or None."""

from datetime import date
from typing import Any

from states.planning import effective_due_on
from states.rules.rule import Case


def read_date(value: Any) -> date | None:
    """Return the date that an ISO string states, or None where it states none."""
    if value is None or isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        return None


def date_of(case: Case, field: str) -> date | None:
    """Return the date on record under this field."""
    return read_date(case.facts.record.get(field))


def number_of(case: Case, field: str) -> int | None:
    """Return the whole number (a count, or money in fen) on record under this field."""
    value = case.facts.record.get(field)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def code_of(case: Case, field: str) -> str | None:
    """Return the code on record under this field, where it holds exactly one."""
    codes = case.facts.record.get(field)
    return codes[0] if isinstance(codes, (list, tuple)) and len(codes) == 1 else None


def keeps_checkpoint(case: Case, kind: str) -> bool:
    """Return whether the project's present state keeps this checkpoint in the batch's mode."""
    state = case.definition.states.get(case.facts.state)
    if state is None:
        return False
    return kind in state.checkpoints or kind in state.mode_checkpoints.get(case.policy.mode, ())


def due_on(case: Case, kind: str) -> date | None:
    """Return the date that counts for a checkpoint: the typed one, else the computed one."""
    if kind not in case.definition.checkpoints:
        return None
    return effective_due_on(case.definition, case.policy, case.facts, case.calendar, kind)


def yuan(fen: int | None) -> str | None:
    """Return an amount of fen as people write it in yuan: `1,000,000`, or `0.50` where it is not whole."""
    if fen is None:
        return None
    whole, rest = divmod(abs(fen), 100)
    sign = "-" if fen < 0 else ""
    return f"{sign}{whole:,}.{rest:02d}" if rest else f"{sign}{whole:,}"
