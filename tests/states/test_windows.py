"""Typed windows of a round: both dates kept, grace counted from what was typed, moved by what comes after."""

from dataclasses import replace
from datetime import date, timedelta

import hypothesis.strategies as st
from cases import CALENDAR, DEFINITION, POLICY, facts
from hypothesis import given

from states.deadlines import add_months
from states.facts import Facts
from states.planning import planned

TYPED = {"published_on": "2024-08-31", "half_year_opens_on": "2025-03-10", "half_year_ends_on": "2025-04-10"}


def plan(record: dict[str, object], base: Facts | None = None) -> dict[str, tuple[date, date]]:
    found = replace(base or facts("published"), record=record)
    return {
        one.kind: (one.due_on, one.computed_on)
        for one in planned(DEFINITION, POLICY, found, CALENDAR)
        if one.kind.startswith("half_year")
    }


def test_R21_a_typed_window_is_due_and_the_computed_one_is_kept_beside_it_and_grace_follows_what_was_typed():
    computed = plan({"published_on": "2024-08-31"})
    assert computed == {
        "half_year_opens": (date(2025, 2, 28), date(2025, 2, 28)),
        "half_year_ends": (date(2025, 3, 31), date(2025, 3, 31)),
        "half_year_grace_ends": (date(2025, 4, 22), date(2025, 4, 22)),
    }
    assert plan(TYPED) == {
        "half_year_opens": (date(2025, 3, 10), date(2025, 2, 28)),
        "half_year_ends": (date(2025, 4, 10), date(2025, 3, 31)),
        "half_year_grace_ends": (date(2025, 4, 30), date(2025, 4, 22)),
    }


@given(st.integers(0, 300), st.integers(0, 300))
def test_law_only_days_suspended_after_the_typing_move_a_typed_window(before, after):
    record = {**TYPED, "half_year_window_days": before, "suspended_days": before + after}
    due = plan(record)["half_year_ends"][0]
    moved = add_months(date(2025, 4, 10) + timedelta(days=after), 0, CALENDAR).due_on
    assert due == moved
    assert plan({**record, "suspended_days": before})["half_year_ends"][0] == date(2025, 4, 10)


@given(st.integers(0, 12), st.integers(0, 12))
def test_law_only_an_extension_granted_after_the_typing_moves_a_typed_window(before, after):
    record = {**TYPED, "half_year_window_months": before, "extension_months": before + after}
    found = plan(record)
    for kind in ("opens", "ends"):
        typed = date.fromisoformat(str(TYPED[f"half_year_{kind}_on"]))
        assert found[f"half_year_{kind}"][0] == (add_months(typed, after, CALENDAR).due_on if after else typed)
    assert found["half_year_opens"][0] < found["half_year_ends"][0] < found["half_year_grace_ends"][0]
