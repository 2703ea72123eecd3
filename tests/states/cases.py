"""Builds valid applications, facts, acts and cases from the real files; any part can be replaced."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from typing import Any

from states.capacities import ceiling_of, claims
from states.deadlines import state_council_calendar
from states.definition import LEFT, SAME, Transition, read_definition
from states.facts import Act, Actor, Application, Facts, Member, Room, UnitRole
from states.findings import Judgement
from states.policy import Policy, read_policy
from states.rules import RULES, Case

DEFINITION = read_definition(files("states").joinpath("definitions/gongfu-pilot-1.toml").read_text("utf-8"))
POLICY = read_policy(files("states").joinpath("policies/sd-gongfu-2024-2.toml").read_text("utf-8"))
CALENDAR = state_council_calendar()
ACTOR = Actor("officer", "province_handler", scope="all")
DOCUMENT = {"id": "d1", "sha256": "0" * 64, "size": 1, "version": 1}
QUOTA = 12  # the imported ceiling of the invented quota table
ABSENT = object()  # as a value: take the field off the record

LEAD = Member("服务商甲", "91370102MA3ABC0015", UnitRole.LEAD, "provider")
LANDING = Member("制造商乙", "91370102MA3DEF002W", UnitRole.LANDING, "manufacturer")
OTHER = Member("制造商丙", "91370202MA3GHJ003R", UnitRole.OTHER, "manufacturer")
FOURTH = Member("单位丁", "91370102MA3RTU006U", UnitRole.OTHER)
PROVINCIAL_CODE = "91370000MA3KLM004A"  # registered with the provincial registrar
OUTSIDE_CODE = "91110000MA3NPQ005U"  # registered in another province

EVENT_ON = {
    "submit": date(2024, 7, 20),
    "recommend": date(2024, 7, 25),
    "accept_filing": date(2024, 8, 6),
    "pass_review": date(2024, 8, 8),
    "not_select": date(2024, 8, 8),
    "put_in_reserve": date(2024, 8, 8),
    "disqualify": date(2024, 8, 15),
    "reopen": date(2024, 8, 9),
    "waive": date(2024, 7, 22),
    "start_publicity": date(2024, 8, 12),
    "object": date(2024, 8, 14),
    "reject_objection": date(2024, 8, 16),
    "uphold_objection": date(2024, 8, 16),
    "publish": date(2024, 8, 31),
    "extend": date(2024, 11, 10),
    "report_progress": date(2025, 2, 10),
    "request_extension": date(2024, 11, 5),
    "approve_change": date(2024, 10, 20),
    "open_half_year_round": date(2025, 1, 10),
    "open_one_year_round": date(2025, 7, 10),
    "apply_half_year": date(2025, 3, 10),
    "pass_half_year": date(2025, 3, 20),
    "rectify_half_year": date(2025, 3, 20),
    "resubmit_half_year": date(2025, 3, 31),
    "fail_half_year": date(2025, 6, 23),
    "apply_one_year": date(2025, 9, 15),
    "pass_one_year": date(2025, 9, 20),
    "rectify_one_year": date(2025, 9, 20),
    "resubmit_one_year": date(2025, 9, 30),
    "fail_one_year": date(2025, 12, 23),
    "propose_tier": date(2025, 10, 20),
    "publicize_reward": date(2025, 10, 27),
    "grant_reward": date(2025, 11, 20),
    "record_payment": date(2025, 12, 10),
    "close": date(2025, 12, 20),
    "lapse": date(2026, 1, 20),
    "record_recovery": date(2026, 1, 20),
}
RECORD: dict[str, Any] = {
    "agreement_points": list(POLICY.rules.R04.points),
    "attested": True,
    "no_prior_funding": True,
    "rank": 1,
    "paper_copies": 2,
    "formal_check": True,
    "review_method": ["both"],
    "review_score": "88.5",
    "reserve_rank": 1,
    "publicity_starts_on": "2024-08-12",
    "objected_on": "2024-08-14",
    "objector_kind": ["person"],
    "objector_name": "张三",
    "objector_contact": "0531-00000000",
    "objection_written": True,
    "published_on": "2024-08-31",
    "half_year_invested_fen": 130_000_000,
    "half_year_verified_fen": 120_000_000,
    "one_year_invested_fen": 220_000_000,
    "one_year_verified_fen": 200_000_000,
    "accepted_on": "2025-09-20",
    "evaluation_score": "85.0",
    "tier": ["second"],
    "reward_fen": 50_000_000,
    "reward_publicity_starts_on": "2025-10-27",
    "granted_on": "2025-11-20",
    "paid_on": "2025-12-01",
    "paid_fen": 50_000_000,
    "recovered_fen": 20_000_000,
    "waived_rules": ["R03"],
    "extension_asked_on": "2024-11-01",
}
TYPED = {"half_year": ("2025-03-03", "2025-03-31"), "one_year": ("2025-09-01", "2025-09-30")}
ANSWERED = {number: {"on": "2025-02-10", "late": False} for number in ("call_1", "call_2")}
DOCUMENTS = dict.fromkeys(DEFINITION.documents, DOCUMENT)


def policy_with(rule: str, **changes: Any) -> Policy:
    """Return the policy with these settings of one rule changed."""
    settings = getattr(POLICY.rules, rule).model_copy(update=changes)
    return POLICY.model_copy(update={"rules": POLICY.rules.model_copy(update={rule: settings})})


WINDOWS = policy_with("R21", mode="windows")


def veto_checks(on: date, **changes: Any) -> dict[str, dict[str, Any]]:
    """Return clear checks of every veto item on that day, with these keys of each changed."""
    check = {"clear": True, "checked_on": on.isoformat(), "checked_by": "经办人", "evidence": "截图"}
    return {item: {**check, **changes} for item in POLICY.rules.R09.items}


EVENT_FIELDS: dict[str, dict[str, Any]] = {  # other acts must not see these
    **{f"open_{name}_round": {f"{name}_opens_on": a, f"{name}_ends_on": b} for name, (a, b) in TYPED.items()},
    "extend": {"extension_months": 6},
    "disqualify": {"veto_checks": veto_checks(EVENT_ON["disqualify"], clear=False)},
    "fail_half_year": {"rectification_due_on": "2025-06-20"},
    "fail_one_year": {"rectification_due_on": "2025-12-22"},
}


for _event in [f"{act}_{name}" for act in ("apply", "pass", "fail") for name in TYPED]:
    EVENT_FIELDS[_event] = {**EVENT_FIELDS.get(_event, {}), "progress_calls": ANSWERED}


def application(*members: Member, **changes: Any) -> Application:
    """Return a valid application of a lead, a landing manufacturer and one more, or of these members."""
    filed = Application(
        title="产线数字化",
        task_code="RW-01",
        city="370100",
        ownership="other",
        members=members or (LEAD, LANDING, OTHER),
        investment_fen=300_000_000,
    )
    return replace(filed, **changes)


def facts(state: str = "draft", on: date = EVENT_ON["submit"], **changes: Any) -> Facts:
    """Return the facts of a project with a whole life on record, every document, vetoes checked that day."""
    whole = Facts(
        project="p1",
        batch="b1",
        code="SD-001",
        state=state,
        version=1,
        application=application(),
        entered_on=on - timedelta(days=3),
        record={**RECORD, "veto_checks": veto_checks(on)},
        documents=DOCUMENTS,
    )
    return replace(whole, **changes)


def act(event: str = "submit", on: date | None = None, **changes: Any) -> Act:
    """Return an act of a province's officer at nine in the morning, Shanghai, of that day."""
    day = on or EVENT_ON[event]
    return replace(Act(event, ACTOR, day, datetime.combine(day, time(1), tzinfo=UTC)), **changes)


def arrow(event: str, mode: str = "sequential", state: str | None = None) -> Transition:
    """Return the first transition of this event in this mode, out of this state where one is named."""
    return next(
        found
        for found in DEFINITION.by_event[event]
        if (not found.modes or mode in found.modes) and state in (None, *found.source)
    )


def case(
    event: str = "submit",
    on: date | None = None,
    *,
    policy: Policy = POLICY,
    state: str | None = None,
    room: Mapping[tuple[str, str], Room] | None = None,
    record: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Case:
    """Return a case that meets every rule of the event's first transition, as changed.

    `record` changes the record, `room` replaces rooms (by default others hold nothing), the rest are facts.
    """
    transition = arrow(event, policy.mode, state)
    day = on or EVENT_ON[event]
    found = facts(state or transition.source[0], day, **changes)
    merged = {**found.record, **EVENT_FIELDS.get(event, {}), **(record or {})}
    found = replace(found, record={name: value for name, value in merged.items() if value is not ABSENT})
    target = {SAME: found.state, LEFT: found.left_state or "applied"}.get(transition.target, transition.target)
    held = claims(DEFINITION, policy, found, found.state)
    wanted = claims(DEFINITION, policy, found, target)
    rooms = {
        place: Room(held.get(place, 0), ceiling_of(DEFINITION, policy, place[0], QUOTA)) for place in {**held, **wanted}
    }
    found = replace(found, room={**rooms, **(room or {})})
    return Case(DEFINITION, policy, CALENDAR, found, act(event, day), transition, target, held, wanted)


def judge(check: str, judged: Case) -> Judgement:
    """Return what the rule named `check` says of the case."""
    return RULES[check].judge(judged)
