"""Owns the proof of acts that take two persons: what each may sign, and what is left when both have."""

from dataclasses import replace
from datetime import date

import pytest
from asking import HANDLER, HEAD, OTHER_DAY, asked
from cases import DEFINITION, DOCUMENT, EVENT_ON, arrow
from planting import planted

from states.facts import Pending, Room
from states.machine import After
from states.roles import actor_of

QUOTA = ("city_quota", "370100")


def signed(event, state=None, **changes):
    """Return the same act asked once more by the head, after the handler has signed it."""
    first = asked(event, state).but(**changes)
    after = first.after
    return replace(first, before=replace(first.before, pending=after.pending)).but(actor=HEAD)


def test_a_first_signature_is_put_on_record_and_changes_nothing_else():
    first = asked("revoke", on=OTHER_DAY)
    before, decision = first.before, first.decided()
    assert decision.awaiting is True
    assert decision.after == After(
        before.state,
        before.left_state,
        before.entered_on,
        before.record,
        before.documents,
        before.flags,
        before.signers,
        Pending("revoke", "甲", "2025-03-03", {"revocation_finding": "内容"}, {}, "理由"),
    )


def test_the_same_person_may_not_sign_twice():
    assert signed("revoke").but(actor=HANDLER).refused_for == ["another_person"]


def test_another_person_completes_with_the_same_content_or_by_repeating_nothing():
    second = signed("revoke")
    for confirming in (second, second.but(fields={}), second.but(fields={}, reason=None)):
        decision = confirming.decided()
        assert (decision.awaiting, decision.after.state, decision.after.pending) == (False, "revoked", None)
        assert decision.after.record["revocation_finding"] == "内容"
        assert decision.case.act.reason == "理由"


def test_a_signature_under_another_act_is_no_first_signature_and_lends_it_nothing():
    reopening = asked("reopen", "refused")
    waiting = reopening.given(pending=Pending("revoke", "丁", "2024-08-09", {"revocation_finding": "内容"}, {}, "别的"))
    assert waiting.after.pending == reopening.after.pending == Pending("reopen", "甲", "2024-08-09", {}, {}, "理由")


def test_another_person_confirms_the_documents_too_without_repeating_them():
    strict = planted(("revoke", 1, "reason = true\n", 'reason = true\ndocuments = ["audit_report"]\n'))
    first = asked("revoke", documents={}).but(documents={"audit_report": DOCUMENT})
    signed_once = first.given(pending=first.decided(strict).after.pending)
    confirmed = signed_once.but(actor=HEAD, fields={}, documents={}, reason=None).decided(strict)
    assert (confirmed.refusals, confirmed.after.documents) == ((), {"audit_report": DOCUMENT})
    other = signed_once.but(actor=HEAD, documents={"audit_report": {**DOCUMENT, "version": 2}}).decided(strict)
    assert [finding.check for finding in other.refusals] == ["same_as_signed"]


def test_another_person_with_other_content_is_refused():
    second = signed("revoke")
    assert second.but(fields={"revocation_finding": "另一内容"}).refused_for == ["same_as_signed"]
    documented = second.but(documents={"audit_report": DOCUMENT})
    assert documented.refused_for == ["documents_known", "same_as_signed"]


def test_a_second_signature_is_judged_as_strictly_as_the_first():
    second = signed("revoke")
    assert second.but(actor=actor_of("丙", "auditor")).refused_for == ["permitted"]
    assert second.but(reason=None).refused_for == ["reason_given", "same_as_signed"]
    assert second.but(reason="另一理由").refused_for == ["same_as_signed"]


def test_a_second_signature_is_not_dated_before_the_first():
    second = signed("revoke", on=date(2025, 3, 2), reason="补录")
    assert second.before.pending.on == "2025-03-02"
    assert second.but(on=date(2025, 3, 2)).refused_for == []
    assert second.but(on=date(2025, 3, 1)).refused_for == ["date_possible"]


def test_another_act_in_between_drops_the_first_signature():
    second = signed("revoke")
    report = asked("report_progress").given(pending=second.before.pending)
    assert report.after.pending is None
    assert second.given(pending=report.after.pending).decided().awaiting is True


@pytest.mark.parametrize(
    ("state", "left"),
    [(state, left) for state in arrow("reopen").source for left in sorted(DEFINITION.returns_to(state))],
)
def test_a_reopened_project_returns_to_the_state_it_left(state, left):
    first = asked("reopen", state, left_state=left)
    after = first.given(pending=first.after.pending).but(actor=HEAD).after
    assert (after.state, after.left_state, after.entered_on) == (left, state, EVENT_ON["reopen"])


@pytest.mark.parametrize("left", [None, "draft", "withdrawn", "refused"])
def test_a_project_with_no_state_to_return_to_is_not_reopened(left):
    assert asked("reopen", "refused").given(left_state=left).refused_for == ["state_to_return_to"]


def test_the_rules_hold_at_the_first_signature_already():
    full = asked("reopen", "refused", left_state="city_recommended", room={QUOTA: Room(5, 5)})
    assert full.refused_for == ["room_to_return"]


def test_who_proposed_a_reward_may_not_grant_it():
    proposed = asked("propose_tier").given(signers={"propose_tier": "丁"}).after
    assert proposed.signers == {"propose_tier": "甲"}
    granting = asked("grant_reward").given(signers=proposed.signers)
    assert granting.refused_for == ["another_person"]
    assert granting.but(actor=HEAD).after.signers == {"propose_tier": "甲"}


def test_a_second_objection_brings_its_own_material_and_stamp():
    again = asked("object", record={"objection_stamped": True})
    assert again.but(documents={}).refused_for == ["documents_complete"]
    unit = again.but(fields={**again.act.fields, "objector_kind": ["unit"]})
    assert unit.refused_for == ["objection_in_form"]
