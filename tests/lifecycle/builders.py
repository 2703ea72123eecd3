"""Opens the real batch, enters valid projects and drives them to any state by lawful acts at moving instants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from stdnum.cn import uscc

from lifecycle import batches, projects, transition
from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.callers import Caller, Source
from lifecycle.database import Database
from lifecycle.requests import Request
from lifecycle.statements import Row, Statement
from lifecycle.tables import Entry, Project
from lifecycle.transition import Outcome
from states.facts import Application, Member, UnitRole
from states.library import bundled_definitions, bundled_policies
from states.roles import actor_of

DEFINITION_TEXT = bundled_definitions()["gongfu-pilot/1"][1]
# Acts of the tests refer to documents that are nowhere, but in those that are about stored ones.
STORING_POLICY_TEXT = bundled_policies()["sd-gongfu-2024-2/1"][1]
POLICY_TEXT = STORING_POLICY_TEXT.replace("stored = true", "stored = false")
VETO_ITEMS = ("operation", "work_safety", "honesty", "abnormal_list", "green_threshold")
POINTS = ["duties", "goals", "cooperation", "plan", "funding", "intellectual_property"]
JINAN, QINGDAO = "370100", "370200"
OPENED = datetime(2024, 7, 1, 1, tzinfo=UTC)  # nine in the morning, Shanghai
REASON = "依据会议纪要办理"

_project = Project.__table__  # type: ignore[attr-defined]
_entry = Entry.__table__  # type: ignore[attr-defined]
PROJECT = Statement(sa.select(_project).where(_project.c.id == sa.bindparam("wanted")))
ENTRIES = Statement(sa.select(_entry).where(_entry.c.stream == sa.bindparam("of")).order_by(_entry.c.seq))


def at(day: date) -> datetime:
    """Return nine in the morning, Shanghai, of a day."""
    return datetime.combine(day, time(1), tzinfo=UTC)


def caller(
    role: str = "handler",
    now: datetime = OPENED,
    *,
    person: str | None = None,
    city: str | None = None,
    unit: str | None = None,
) -> Caller:
    """Return someone in a role; the person is named like the role where no other name is given."""
    return Caller(actor_of(person or role, role, city, unit), Source("test"), now)


def caller_for(role: str, row: Mapping[str, Any], now: datetime, person: str | None = None) -> Caller:
    """Return someone in a role within whose reach this project lies."""
    city = row["city"] if role == "city" else None
    unit = row["lead_code"] if role == "applicant" else None
    return caller(role, now, person=person, city=city, unit=unit)


def open_batch(
    database: Database,
    log: Log,
    code: str = "sd-gongfu-2024-2",
    *,
    quotas: Mapping[str, int] | None = None,
    tasks: Sequence[str] = ("T01", "T02", "T03"),
    policy_text: str = POLICY_TEXT,
    definition_text: str = DEFINITION_TEXT,
    now: datetime = OPENED,
) -> Row:
    """Open a batch of the real rules with its task list and quotas (default: 900 places each), and return its row."""
    officer = caller("handler", now)
    with database.transaction() as tx:
        batches.open_batch(tx, log, officer, code, definition_text, policy_text)
    with database.transaction() as tx:
        batch = batches.find_batch(tx, code)
        listed = [{"code": task, "title": f"任务{task}", "category": None} for task in tasks]
        batches.put_tasks(tx, log, officer, batch, listed)
        batches.put_quotas(tx, log, officer, batch, quotas or {JINAN: 900, QINGDAO: 900})
    with database.reading() as tx:
        return batches.find_batch(tx, code)


def credit_code(number: int, city: str = JINAN) -> str:
    """Return the valid unified social credit code with this serial number (below ten million), registered in a city."""
    head = f"91{city}MA{number:07d}"
    return head + str(uscc.calc_check_digit(head))


def application(number: int, city: str = JINAN, **changes: Any) -> Application:
    """Return a valid application; different numbers share no unit, so any of them can be submitted together."""
    lead = Member(f"服务商{number}", credit_code(2 * number, city), UnitRole.LEAD, "provider")
    landing = Member(f"制造厂{number}", credit_code(2 * number + 1, city), UnitRole.LANDING, "manufacturer")
    filed = Application(
        title=f"产线数字化{number}",
        task_code="T01",
        city=city,
        ownership="other",
        members=(lead, landing),
        investment_fen=200_000_000,
        opinion="同意推荐",
        contact_name="张三",
        contact_phone="13800000000",
    )
    return replace(filed, **changes)


def create_projects(
    database: Database,
    log: Log,
    batch: Row,
    applications: int | Sequence[Application],
    *,
    city: str = JINAN,
    first: int = 1,
    now: datetime = OPENED,
) -> list[Row]:
    """Enter these applications, or so many valid ones numbered from `first`, and return the rows."""
    if isinstance(applications, int):
        applications = [application(number, city) for number in range(first, first + applications)]
    with database.transaction() as tx:
        return projects.create_projects(tx, log, caller("handler", now), batch, applications)


def read_project(database: Database, project: str) -> Row:
    """Return a project's row as it stands."""
    with database.reading() as tx:
        row = tx.one(PROJECT, wanted=project)
    assert row is not None
    return row


def read_entries(database: Database, stream: str) -> list[Row]:
    """Return a stream's entries in order."""
    with database.reading() as tx:
        return tx.fetch(ENTRIES, of=stream)


def document(name: str = "d1") -> dict[str, Any]:
    """Return a reference to a stored document."""
    return {"id": name, "sha256": "0" * 64, "size": 10, "version": 1}


def veto_checks(on: date) -> dict[str, Any]:
    """Return clear checks of every veto item, made the day before."""
    day = (on - timedelta(days=1)).isoformat()
    return {item: {"clear": True, "checked_on": day, "checked_by": "核查人"} for item in VETO_ITEMS}


@dataclass(frozen=True, slots=True)
class Step:
    """How an event is lawfully done: by which role, on which day of the usual course, with what."""

    role: str
    on: date
    fields: Mapping[str, Any] = field(default_factory=dict)
    documents: tuple[str, ...] = ()
    reason: str | None = None
    person: str | None = None
    vetoes: bool = False  # takes fresh veto checks


_ROUND = ("investment_proofs",)
STEPS: dict[str, Step] = {
    "submit": Step(
        "applicant",
        date(2024, 7, 20),
        {"agreement_points": POINTS, "attested": True, "no_prior_funding": True},
        ("application_book_pdf", "application_book_word", "consortium_agreement"),
        vetoes=True,
    ),
    "withdraw": Step("applicant", date(2024, 7, 22), reason="联合体调整"),
    "return_for_correction": Step("city", date(2024, 7, 22), {"faults": "协议缺少知识产权条款"}),
    "refuse": Step("city", date(2024, 7, 22), reason="不符合申报条件"),
    "not_recommend": Step("city", date(2024, 7, 25), reason="名额有限"),
    "recommend": Step(
        "city",
        date(2024, 7, 25),
        {
            "city_opinion": "同意推荐",
            "recommendation_number": "济工信〔2024〕1号",
            "recommendation_on": "2024-07-25",
            "paper_copies": 2,
        },
        ("recommendation_document",),
    ),
    "accept_filing": Step("handler", date(2024, 8, 6), {"formal_check": True}, vetoes=True),
    "pass_review": Step("handler", date(2024, 8, 8), {"review_method": "both", "review_score": "88.50"}),
    "not_select": Step("handler", date(2024, 8, 8), {"review_method": "both", "review_score": "50"}, reason=REASON),
    "put_in_reserve": Step("handler", date(2024, 8, 8), {"review_method": "both", "review_score": "70"}),
    "take_off_reserve": Step("handler", date(2024, 8, 9), reason=REASON),
    "disqualify": Step("handler", date(2024, 8, 12), reason=REASON),
    "start_publicity": Step("handler", date(2024, 8, 12), {"publicity_number": "公示〔2024〕1号"}),
    "object": Step(
        "handler",
        date(2024, 8, 14),
        {
            "objector_kind": "person",
            "objector_name": "李四",
            "objector_contact": "0531-12345678",
            "objection_written": True,
            "objection_ground": "设备并非新购",
        },
        ("objection_material",),
    ),
    "reject_objection": Step("handler", date(2024, 8, 16), {"objection_finding": "经核查不成立"}),
    "uphold_objection": Step("handler", date(2024, 8, 16), {"objection_finding": "经核查成立"}),
    "publish": Step("handler", date(2024, 8, 31), {"publication_number": "鲁工信〔2024〕9号"}, vetoes=True),
    "terminate": Step(
        "handler", date(2025, 1, 15), {"termination_ground": "停产", "spend_audited_fen": 1_000_000}, reason=REASON
    ),
    "revoke": Step("handler", date(2026, 2, 10), {"revocation_finding": "材料造假"}, reason=REASON),
    "lapse": Step("handler", date(2025, 5, 20), reason="宽限期满未申请"),
    "apply_half_year": Step(
        "applicant", date(2025, 3, 10), {"half_year_invested_fen": 130_000_000}, ("half_year_report", *_ROUND)
    ),
    "pass_half_year": Step(
        "handler", date(2025, 3, 20), {"half_year_verified_fen": 120_000_000, "half_year_opinion": "通过"}
    ),
    "rectify_half_year": Step("handler", date(2025, 3, 20), {"rectification_list": "补充凭证"}),
    "resubmit_half_year": Step(
        "applicant", date(2025, 3, 31), {"half_year_invested_fen": 130_000_000}, ("half_year_report",)
    ),
    "fail_half_year": Step("handler", date(2025, 3, 20), {"half_year_opinion": "未达标"}, reason=REASON),
    "apply_one_year": Step(
        "applicant",
        date(2025, 9, 15),
        {"one_year_invested_fen": 220_000_000},
        ("one_year_report", *_ROUND, "audit_report"),
    ),
    "pass_one_year": Step(
        "handler", date(2025, 9, 20), {"one_year_verified_fen": 200_000_000, "one_year_opinion": "通过"}
    ),
    "rectify_one_year": Step("handler", date(2025, 9, 20), {"rectification_list": "补充审计"}),
    "resubmit_one_year": Step(
        "applicant", date(2025, 9, 30), {"one_year_invested_fen": 220_000_000}, ("one_year_report",)
    ),
    "fail_one_year": Step("handler", date(2025, 9, 20), {"one_year_opinion": "未达标"}, reason=REASON),
    "propose_tier": Step(
        "handler", date(2025, 10, 20), {"evaluation_score": "85", "tier": "second", "reward_fen": 50_000_000}
    ),
    "publicize_reward": Step("handler", date(2025, 10, 27), {"reward_publicity_number": "公示〔2025〕8号"}),
    "decline_reward": Step("handler", date(2025, 11, 20), reason="择优后未列入"),
    "grant_reward": Step("division_head", date(2025, 11, 20), {"grant_number": "鲁工信〔2025〕20号"}, vetoes=True),
    "record_payment": Step("handler", date(2025, 12, 10), {"payment_number": "P1", "paid_fen": 50_000_000}),
    "close": Step(
        "handler",
        date(2025, 12, 20),
        {"payment_number": "P1", "paid_fen": 50_000_000},
        ("payment_voucher", "archive_list"),
    ),
    "record_recovery": Step("handler", date(2026, 3, 10), {"recovered_fen": 20_000_000}),
    "reopen": Step("handler", date(2026, 2, 10), reason=REASON),
    "waive": Step("handler", date(2024, 7, 21), {"waived_rules": ["R13", "R16"]}, reason=REASON),
    "record_vetoes": Step("city", date(2024, 7, 21), vetoes=True),
    "report_progress": Step("applicant", date(2025, 2, 10), {"progress_report": "设备到货"}),
    "extend": Step("handler", date(2024, 11, 10), {"extension_months": 6}, reason=REASON),
    "suspend": Step("handler", date(2024, 12, 10), reason="停产检修"),
    "resume": Step("handler", date(2025, 1, 10)),
    "request_change": Step(
        "applicant", date(2024, 10, 10), {"change_request": "产线调整", "change_asked": {"investment_fen": 210_000_000}}
    ),
    "open_half_year_round": Step(
        "handler", date(2025, 1, 10), {"half_year_opens_on": "2025-02-28", "half_year_ends_on": "2026-12-31"}
    ),
    "open_one_year_round": Step(
        "handler", date(2025, 1, 10), {"one_year_opens_on": "2025-09-01", "one_year_ends_on": "2027-12-31"}
    ),
    "withdraw_change": Step("applicant", date(2024, 10, 15)),
    "approve_change": Step("handler", date(2024, 10, 20), {"change_decision": "同意"}),
    "reject_change": Step("handler", date(2024, 10, 20), {"change_decision": "不同意"}),
    "request_extension": Step(
        "applicant", date(2024, 11, 5), {"extension_months_asked": 6, "extension_request": "设备推迟到货"}
    ),
    "reject_extension": Step("handler", date(2024, 11, 10), reason=REASON),
    "request_termination": Step("applicant", date(2025, 1, 10), {"termination_ground": "停产"}),
    "reject_termination": Step("handler", date(2025, 1, 15), reason=REASON),
}
DATED = {  # fields that state the day of the act itself
    "start_publicity": "publicity_starts_on",
    "object": "objected_on",
    "extend": "extension_asked_on",
    "publicize_reward": "reward_publicity_starts_on",
    "record_payment": "paid_on",
    "close": "paid_on",
    "record_recovery": "recovered_on",
}

_RECOMMENDED = ("submit", "recommend")
_IN_PUBLICITY = (*_RECOMMENDED, "accept_filing", "pass_review", "start_publicity")
_PUBLISHED = (*_IN_PUBLICITY, "publish")
_HALF_YEAR = (*_PUBLISHED, "apply_half_year")
_ONE_YEAR = (*_HALF_YEAR, "pass_half_year", "apply_one_year")
_PROPOSED = (*_ONE_YEAR, "pass_one_year", "propose_tier")
_REWARDED = (*_PROPOSED, "publicize_reward", "grant_reward")
PATHS: dict[str, tuple[str, ...]] = {
    "draft": (),
    "applied": ("submit",),
    "returned": ("submit", "return_for_correction"),
    "withdrawn": ("submit", "withdraw"),
    "refused": ("submit", "refuse"),
    "not_recommended": ("submit", "not_recommend"),
    "city_recommended": _RECOMMENDED,
    "under_review": _IN_PUBLICITY[:3],
    "reviewed": _IN_PUBLICITY[:4],
    "not_selected": (*_IN_PUBLICITY[:3], "not_select"),
    "in_publicity": _IN_PUBLICITY,
    "under_objection": (*_IN_PUBLICITY, "object"),
    "removed": (*_IN_PUBLICITY, "object", "uphold_objection"),
    "published": _PUBLISHED,
    "half_year_evaluation": _HALF_YEAR,
    "half_year_rectification": (*_HALF_YEAR, "rectify_half_year"),
    "half_year_accepted": (*_HALF_YEAR, "pass_half_year"),
    "one_year_evaluation": _ONE_YEAR,
    "one_year_rectification": (*_ONE_YEAR, "rectify_one_year"),
    "one_year_accepted": (*_ONE_YEAR, "pass_one_year"),
    "tier_proposed": _PROPOSED,
    "rewarded": _REWARDED,
    "not_rewarded": (*_ONE_YEAR, "pass_one_year", "decline_reward"),
    "closed": (*_REWARDED, "close"),
    "acceptance_failed": (*_HALF_YEAR, "fail_half_year"),
    "lapsed": (*_PUBLISHED, "lapse"),
    "terminated": (*_PUBLISHED, "terminate"),
    "revoked": (*_REWARDED, "close", "revoke", "revoke"),
}


def request_for(event: str, row: Mapping[str, Any], on: date | None = None) -> Request:
    """Return a lawful request for an event on a project, as of a day (default: the usual one)."""
    step = STEPS[event]
    day = on or step.on
    fields = dict(step.fields)
    if event in DATED:
        fields[DATED[event]] = day.isoformat()
    if step.vetoes:
        fields["veto_checks"] = veto_checks(day)
    if event == "disqualify":
        failed = {"clear": False, "checked_on": day.isoformat(), "checked_by": "核查人"}
        fields["veto_checks"] = {VETO_ITEMS[0]: failed}
    if event == "put_in_reserve":
        fields["reserve_rank"] = int(row["code"][-3:]) or 999
    if event == "recommend":
        fields["rank"] = int(row["code"][-5:])  # no other project of the batch has it
    return Request(event, fields, {kind: document(kind) for kind in step.documents}, step.reason)


def act(
    database: Database,
    log: Log,
    project: str,
    event: str,
    *,
    on: date | None = None,
    role: str | None = None,
    person: str | None = None,
    **changes: Any,
) -> Outcome:
    """Do an event lawfully, as an edge would, on its usual day or this one; `changes` replace parts of the request."""
    row, step = read_project(database, project), STEPS[event]
    day = on or step.on
    doer = caller_for(role or step.role, row, at(day), person)
    request = replace(request_for(event, row, day), **changes)
    with attempt(database, log, doer, ("project", project), event) as tx:
        outcome = transition.transition_project(tx, log, doer, project, request)
    assert isinstance(outcome, Outcome)
    return outcome


def drive(database: Database, log: Log, project: str, state: str) -> Row:
    """Carry a draft to a state by lawful acts on their usual days, and return its row.

    Acts that need two persons are signed by the handler and confirmed by the division head.
    """
    done: set[str] = set()
    for event in PATHS[state]:
        second = event in done and event in ("revoke", "reopen")
        act(database, log, project, event, role="division_head" if second else None)
        done.add(event)
    row = read_project(database, project)
    assert row["state"] == state, f"{row['state']} and not {state}"
    return row


def force(database: Database, *statements: tuple[str, Sequence[Any]]) -> None:
    """Run statements (`?` for parameters) as an administrator who has put the append-only triggers out of action."""
    with database.transaction() as tx:
        if tx.is_postgres:
            tx.execute_driver("ALTER TABLE entry DISABLE TRIGGER ALL")
        else:
            for name in ("update", "delete", "replace"):
                tx.execute_driver(f"DROP TRIGGER IF EXISTS entry_no_{name}")
        for sql, values in statements:
            tx.execute_driver(sql.replace("?", "%s") if tx.is_postgres else sql, values)
