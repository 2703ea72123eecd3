"""The acts that are measured: the cycle of objections, and a project's whole life, with callers, dates and fields."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from lifecycle.callers import Caller, Source
from lifecycle.requests import Request
from states.roles import actor_of

UA = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
CYCLE_ON = date(2024, 8, 14)  # within the publicity that starts on the 12th
PROBLEMS = ("参数与事实不符", "联合体成员资质存疑", "投入金额虚高", "与已立项项目重复")
Fields = Callable[[int], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Step:
    """One act of a life: who does it when, with what."""

    event: str
    role: str
    on: date
    fields: Fields = field(default=lambda number: {})
    documents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """A project as the clients know it."""

    id: str
    city: str
    lead: str
    rank: int


def instant(on: date, elapsed: float) -> datetime:
    """Return nine in the morning, Shanghai, of that day, and `elapsed` seconds."""
    return datetime(on.year, on.month, on.day, 1, tzinfo=UTC) + timedelta(seconds=elapsed)


def caller(role: str, now: datetime, city: str | None = None, unit: str | None = None) -> Caller:
    """Return a caller as the API makes one: address and browser known."""
    actor = actor_of(f"bench-{role}", role, city, unit)
    return Caller(actor, Source("api", f"req-{now.timestamp():.6f}", "pilot", "10.20.30.40", UA), now)


def request_of(step: Step, number: int, subject: Subject | None = None) -> Request:
    """Return the step's request, the `number`th of its kind."""
    fields = dict(step.fields(number))
    if subject is not None and step.event == "recommend":
        fields["rank"] = subject.rank
    return Request(step.event, fields=fields, documents={kind: document(kind, number) for kind in step.documents})


def document(kind: str, number: int) -> dict[str, Any]:
    """Return a document reference that differs from one act to the next."""
    return {"id": f"{kind}-{number}", "sha256": f"{number:064x}", "size": 1_000_000 + number, "version": 1}


def vetoes(on: date) -> dict[str, Any]:
    """Return all veto items found clear on that day."""
    items = ("operation", "work_safety", "honesty", "abnormal_list", "green_threshold")
    return {item: {"clear": True, "checked_on": on.isoformat(), "checked_by": "王核查"} for item in items}


def _submitted(number: int) -> dict[str, Any]:
    points = ["duties", "goals", "cooperation", "plan", "funding", "intellectual_property"]
    return {
        "agreement_points": points,
        "attested": True,
        "no_prior_funding": True,
        "veto_checks": vetoes(date(2024, 7, 19)),
    }


def _recommended(number: int) -> dict[str, Any]:
    return {
        "city_opinion": "材料齐全，同意推荐",
        "recommendation_number": f"工信推〔2024〕{number % 1000}号",
        "recommendation_on": "2024-07-25",
        "paper_copies": 2,
    }


def _objected(number: int) -> dict[str, Any]:
    return {
        "objected_on": CYCLE_ON.isoformat(),
        "objector_kind": ["person"],
        "objector_name": f"异议人{number:06d}",
        "objector_contact": f"1380{number:07d}",
        "objection_written": True,
        "objection_ground": f"{PROBLEMS[number % len(PROBLEMS)]}（来信第{number}号，附书面材料）",
    }


def _found(number: int) -> dict[str, Any]:
    return {"objection_finding": f"经核查，第{number}号来信所述情况不属实，异议不成立"}


OBJECT = Step("object", "handler", CYCLE_ON, _objected, ("objection_material",))
REJECT = Step("reject_objection", "handler", CYCLE_ON, _found)
CYCLE = {"in_publicity": OBJECT, "under_objection": REJECT}

APPLICATION = ("application_book_pdf", "application_book_word", "consortium_agreement")
TO_PUBLICITY = (
    Step("submit", "city", date(2024, 7, 20), _submitted, APPLICATION),
    Step("recommend", "city", date(2024, 7, 25), _recommended, ("recommendation_document",)),
    Step("accept_filing", "handler", date(2024, 8, 6), lambda n: {"formal_check": True}),
    Step("pass_review", "handler", date(2024, 8, 8), lambda n: {"review_method": ["both"], "review_score": "88.5"}),
    Step(
        "start_publicity",
        "handler",
        date(2024, 8, 12),
        lambda n: {"publicity_number": "公示2024-2", "publicity_starts_on": "2024-08-12"},
    ),
)
LIFE = (
    *TO_PUBLICITY,
    OBJECT,
    REJECT,
    Step(
        "publish",
        "handler",
        date(2024, 8, 31),
        lambda n: {"publication_number": "鲁工信〔2024〕2号", "veto_checks": vetoes(date(2024, 8, 30))},
    ),
    Step(
        "apply_half_year",
        "applicant",
        date(2025, 3, 10),
        lambda n: {"half_year_invested_fen": 130_000_000},
        ("half_year_report", "investment_proofs"),
    ),
    Step(
        "pass_half_year",
        "handler",
        date(2025, 3, 20),
        lambda n: {"half_year_verified_fen": 120_000_000, "half_year_opinion": "同意通过半年期验收"},
    ),
    Step(
        "apply_one_year",
        "applicant",
        date(2025, 9, 15),
        lambda n: {"one_year_invested_fen": 220_000_000},
        ("one_year_report", "investment_proofs", "audit_report"),
    ),
    Step(
        "pass_one_year",
        "handler",
        date(2025, 9, 20),
        lambda n: {"one_year_verified_fen": 200_000_000, "one_year_opinion": "同意通过一年期验收"},
    ),
    Step(
        "propose_tier",
        "handler",
        date(2025, 10, 20),
        lambda n: {"evaluation_score": "75", "tier": ["third"], "reward_fen": 5_000_000},
    ),
    Step(
        "publicize_reward",
        "handler",
        date(2025, 10, 27),
        lambda n: {"reward_publicity_number": "公示〔2025〕9号", "reward_publicity_starts_on": "2025-10-27"},
    ),
    Step(
        "grant_reward",
        "leader",
        date(2025, 11, 20),
        lambda n: {"grant_number": "鲁财〔2025〕9号", "veto_checks": vetoes(date(2025, 11, 19))},
    ),
    Step(
        "close",
        "handler",
        date(2025, 12, 20),
        lambda n: {"payment_number": "拨付2025-9", "paid_on": "2025-12-10", "paid_fen": 5_000_000},
        ("payment_voucher", "archive_list"),
    ),
)
