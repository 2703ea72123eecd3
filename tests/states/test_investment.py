"""Lists of actual investment: what a line must be, the window, invoices, verdicts; and the laws of sums and windows."""

from dataclasses import replace
from datetime import date, timedelta

import hypothesis.strategies as st
from cases import CALENDAR, POLICY, application, facts
from hypothesis import given

from states.investment import (
    Line,
    Verdict,
    Window,
    digests_of,
    faults_of,
    implementation_window,
    invoice_key,
    read_lines,
    verdict_faults,
    whole,
)

CATEGORIES = POLICY.rules.R21.categories
WINDOW = Window(date(2024, 8, 31), date(2025, 3, 10))
LINE = Line(
    item="数控机床",
    payee="某设备公司",
    contract_number="HT-1",
    invoice_number="24372000000012345678",
    invoice_on=date(2024, 10, 1),
    invoice_fen=50_000_000,
    payment_number="P-1",
    paid_on=date(2024, 10, 8),
    paid_fen=50_000_000,
    claimed_fen=50_000_000,
    category="equipment",
    contract_on=date(2024, 7, 1),
)


def codes(*lines: Line, window: Window = WINDOW) -> list[tuple[int, str, str]]:
    return [(fault.position, fault.field, fault.code) for fault in faults_of(lines, window, CATEGORIES)]


def test_R21_what_lies_outside_the_implementation_period_or_is_more_than_was_paid_is_named_by_line_and_field():
    assert codes(LINE) == []
    early, late = replace(LINE, paid_on=date(2024, 8, 30)), replace(LINE, invoice_on=date(2025, 3, 11))
    assert codes(replace(early, invoice_on=WINDOW.starts_on), late) == [
        (1, "paid_on", "outside_period"),
        (2, "invoice_on", "outside_period"),
        (2, "invoice_number", "invoice_differs"),
        (2, "claimed_fen", "over_invoice"),
    ]
    for day in WINDOW:
        assert codes(replace(LINE, invoice_on=day, paid_on=day)) == []
    assert codes(replace(LINE, claimed_fen=50_000_001)) == [
        (1, "claimed_fen", "over_invoice"),
        (1, "claimed_fen", "over_paid"),
    ]
    assert codes(replace(LINE, category="castle", contract_on=date(2024, 10, 9))) == [
        (1, "category", "unknown_category"),
        (1, "contract_on", "after_payment"),
    ]
    assert codes() == [(0, "", "empty")]
    assert codes(replace(LINE, invoice_number="—")) == [(1, "invoice_number", "unreadable")]


def test_R21_one_invoice_may_be_paid_in_parts_and_claimed_up_to_its_amount():
    half = replace(LINE, paid_fen=25_000_000, claimed_fen=25_000_000)
    assert codes(half, replace(half, payment_number="P-2", invoice_number="2437 2000 0000 1234 5678")) == []
    assert codes(half, half, half) == [(3, "claimed_fen", "over_invoice")]


def test_R21_an_invoice_number_is_the_same_however_it_is_written():
    assert {invoice_key(text) for text in ("２４ 37-a", "2437A", "２４３７ａ", " 2437-A ")} == {"2437A"}


def test_R21_the_period_is_as_filed_moved_by_extension_and_suspension_and_never_lies_in_the_future():
    on = date(2025, 12, 1)
    unfiled = facts("published", record={"published_on": "2024-08-31"})
    assert implementation_window(unfiled, CALENDAR, on) == (date(2024, 8, 31), on)
    filed = replace(unfiled, application=application(starts_on=date(2024, 7, 1), ends_on=date(2025, 6, 30)), record={})
    assert implementation_window(filed, CALENDAR, on) == (date(2024, 7, 1), date(2025, 6, 30))
    moved = replace(filed, record={"extension_months": 3, "suspended_days": 10})
    assert implementation_window(moved, CALENDAR, on) == (date(2024, 7, 1), date(2025, 10, 10))
    assert implementation_window(moved, CALENDAR, date(2025, 5, 1)).ends_on == date(2025, 5, 1)


def test_lines_are_read_whole_and_every_fault_is_named():
    good = LINE.to_dict()
    assert read_lines([good, {**good, "category": "", "remarks": None}]) == (
        [LINE, replace(LINE, category=None)],
        [],
    )
    worst = {**good, "item": " ", "invoice_fen": 1.5, "paid_on": "2024-02-30", "claimed_fen": 0, "castle": 1}
    _, faults = read_lines([good, worst])
    assert [(fault.position, fault.field) for fault in faults] == [
        (2, "castle"),
        (2, "item"),
        (2, "invoice_fen"),
        (2, "paid_on"),
        (2, "claimed_fen"),
    ]
    for value in (None, [], "x" * 201, "a\x00", {}, True):
        assert [fault.field for fault in read_lines([{**good, "payee": value}])[1]] == ["payee"], value


def test_R21_a_cut_needs_its_reason_and_so_does_an_invoice_that_stands_twice():
    lines, none = [LINE, LINE], frozenset[int]()

    def faults(*verdicts: Verdict, flagged: frozenset[int] = none, rest: bool = False) -> list[tuple[int, str]]:
        found = verdict_faults(lines, verdicts, flagged, rest_accepted=rest)
        return [(fault.position, fault.code) for fault in found]

    full, cut = Verdict(1, LINE.claimed_fen), Verdict(2, 1)
    assert faults(full, cut) == [(2, "reason_missing")]
    assert faults(full, cut._replace(reason="无付款凭证")) == []
    assert faults(full) == [(2, "not_verified")]
    assert faults(full, rest=True) == []
    assert faults(full, flagged=frozenset({1, 2}), rest=True) == [(1, "reason_missing"), (2, "not_verified")]
    assert (
        faults(Verdict(1, 0, "重复"), full._replace(position=2, reason="已核对原件"), flagged=frozenset({1, 2})) == []
    )
    assert faults(full, full, Verdict(3, 0), Verdict(2, LINE.claimed_fen + 1)) == [
        (1, "twice"),
        (3, "no_such_line"),
        (2, "over_claim"),
    ]


amounts = st.integers(1, 10**12)
lists = st.lists(
    st.builds(
        lambda number, claimed, more, day: replace(
            LINE,
            invoice_number=f"N{number}",
            invoice_fen=claimed + more,
            paid_fen=claimed,
            claimed_fen=claimed,
            paid_on=WINDOW.ends_on - timedelta(days=day),
        ),
        st.integers(0, 10**6),
        amounts,
        amounts,
        st.integers(0, 100),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda line: line.invoice_number,
)


@given(lists, st.data())
def test_law_verdicts_that_are_taken_sum_to_no_more_than_the_claim_and_cover_every_line(lines, data):
    chosen = data.draw(st.lists(st.integers(1, len(lines)), unique=True))
    verdicts = [Verdict(at, data.draw(st.integers(0, lines[at - 1].claimed_fen)), "核减") for at in chosen]
    assert faults_of(lines, WINDOW, CATEGORIES) == []
    assert verdict_faults(lines, verdicts, frozenset(), rest_accepted=True) == []
    found = whole(lines, verdicts)
    assert [verdict.position for verdict in found] == list(range(1, len(lines) + 1))
    total, cut = (
        sum(line.claimed_fen for line in lines),
        sum(lines[v.position - 1].claimed_fen - v.verified_fen for v in verdicts),
    )
    assert sum(verdict.verified_fen for verdict in found) == total - cut <= total


@given(lists, st.data())
def test_law_a_digest_changes_with_any_value_and_with_the_order_but_not_with_free_text(lines, data):
    digest, words = digests_of(lines)
    at = data.draw(st.integers(0, len(lines) - 1))
    changed = list(lines)
    changed[at] = replace(lines[at], claimed_fen=lines[at].claimed_fen + 1)
    assert digests_of(changed)[0] != digest
    if len(lines) > 1:
        assert digests_of(lines[::-1])[0] != digest
    changed[at] = replace(lines[at], remarks="补充说明")
    assert (digests_of(changed)[0], words) == (digest, None)
    assert digests_of(changed)[1] is not None


@given(st.integers(0, 12), st.integers(0, 400), st.dates(date(2024, 9, 1), date(2027, 12, 31)))
def test_law_extension_and_suspension_only_ever_widen_the_period_and_today_bounds_it(months, days, on):
    filed = application(starts_on=date(2024, 7, 1), ends_on=date(2025, 6, 30))
    before = facts("published", application=filed, record={})
    after = replace(before, record={"extension_months": months, "suspended_days": days})
    one, two = implementation_window(before, CALENDAR, on), implementation_window(after, CALENDAR, on)
    assert one.starts_on == two.starts_on
    assert one.ends_on <= two.ends_on <= on
