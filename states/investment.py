"""A list of actual investment 实际投入明细: what a line must be, the window it must lie in, its sums and its digest.

A round's list is cumulative, as its totals are (R24, R27): the one-year list holds what the half-year list held.
"""

import hashlib
import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any, NamedTuple

from states.deadlines import Calendar, Counting, add_months, count_days
from states.facts import Facts
from states.fields import MONEY_LIMIT, FieldProblem, clean_text
from states.findings import Text
from states.rules.record import read_date

MOST_LINES = 2000
TEXTS = {"item": 200, "payee": 200, "contract_number": 64, "invoice_number": 64, "payment_number": 64, "remarks": 500}
MAY_LACK = ("category", "contract_on", "remarks")
WORDS = ("remarks",)  # free text: its digest enters the log as a commitment only


@dataclass(frozen=True, slots=True)
class Line:
    """One payment under one invoice of one contract. Money in fen; `claimed_fen` is what counts as investment."""

    item: str
    payee: str
    contract_number: str
    invoice_number: str
    invoice_on: date
    invoice_fen: int
    payment_number: str
    paid_on: date
    paid_fen: int
    claimed_fen: int
    category: str | None = None
    contract_on: date | None = None
    remarks: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the line as JSON values."""
        return {name: value.isoformat() if isinstance(value, date) else value for name, value in asdict(self).items()}


NAMES = tuple(item.name for item in fields(Line))
LABELS: dict[str, Text] = {
    "item": Text("投入内容", "item"),
    "category": Text("投入类别", "category"),
    "payee": Text("收款单位", "payee"),
    "contract_number": Text("合同编号", "contract number"),
    "contract_on": Text("合同日期", "contract date"),
    "invoice_number": Text("发票号码", "invoice number"),
    "invoice_on": Text("开票日期", "invoice date"),
    "invoice_fen": Text("发票金额", "invoice amount"),
    "payment_number": Text("付款凭证号", "payment number"),
    "paid_on": Text("付款日期", "payment date"),
    "paid_fen": Text("付款金额", "paid"),
    "claimed_fen": Text("申报金额", "claimed"),
    "remarks": Text("备注", "remarks"),
}


class LineFault(NamedTuple):
    """What is wrong with one value of a list; `position` counts lines from 1, 0 means the list as a whole."""

    position: int
    field: str
    code: str
    message: Text
    value: str = ""


class Window(NamedTuple):
    """The days within which money counts as invested, both included."""

    starts_on: date | None
    ends_on: date


class Verdict(NamedTuple):
    """What an officer verified of one line, and why it is less or, where the line is flagged, why it stands."""

    position: int
    verified_fen: int
    reason: str | None = None


def invoice_key(number: str) -> str:
    """Return an invoice number as it is compared: half-width capitals without blanks or marks."""
    plain = unicodedata.normalize("NFKC", number).upper()
    return "".join(letter for letter in plain if letter.isalnum())


def implementation_window(facts: Facts, calendar: Calendar, on: date) -> Window:
    """Return the implementation period 实施期 as it stands on a day: as filed, else from publication to that day (R21).

    An extension moves its end by months, a suspension by the days away (R23); nothing in the future counts.
    """
    starts_on = facts.application.starts_on or read_date(facts.record.get("published_on"))
    ends_on = facts.application.ends_on
    if ends_on is None:
        return Window(starts_on, on)
    months, days = (int(facts.record.get(name) or 0) for name in ("extension_months", "suspended_days"))
    if months:
        ends_on = add_months(ends_on, months, calendar, roll=False).due_on
    if days:
        ends_on = count_days(ends_on, days, Counting.CALENDAR_DAYS, calendar).due_on
    return Window(starts_on, min(ends_on, on))


def read_lines(given: Sequence[Mapping[str, Any]]) -> tuple[list[Line], list[LineFault]]:
    """Return typed lines and what is wrong with the others; texts cleaned, dates from ISO strings."""
    lines, faults = [], []
    for position, item in enumerate(given, 1):
        values: dict[str, Any] = {}
        strange = sorted(set(map(str, item)) - set(NAMES))
        wrong = [_fault(position, name[:64], "unknown", "没有此项", "no part of a line") for name in strange]
        for name in NAMES:
            try:
                values[name] = _clean(name, item.get(name))
            except FieldProblem as problem:
                zh, _, en = str(problem).partition(" / ")
                wrong.append(_fault(position, name, "unreadable", zh, en, item.get(name)))
        if wrong:
            faults += wrong
        else:
            lines.append(Line(**values))
    return lines, faults


def _clean(name: str, value: Any) -> Any:
    if value is None or (value == "" and name in MAY_LACK):
        if name in MAY_LACK:
            return None
        raise FieldProblem("不能为空 / must not be empty")
    if name == "category":
        return clean_text(value, 64)
    if name in TEXTS:
        return clean_text(value, TEXTS[name])
    if name.endswith("_fen"):
        if type(value) is not int or not 0 < value <= MONEY_LIMIT:
            raise FieldProblem("应为以分计的正整数 / must be a positive integer of fen")
        return value
    read = value if type(value) is date else read_date(value) if isinstance(value, str) and len(value) == 10 else None
    if read is None:
        raise FieldProblem("应为日期，如2025-01-31 / must be a date like 2025-01-31")
    return read


def faults_of(lines: Sequence[Line], window: Window, categories: Mapping[str, Any]) -> list[LineFault]:
    """Return what keeps a list from being claimed: dates, amounts, categories, invoices claimed beyond their amount."""
    found = [fault for position, line in enumerate(lines, 1) for fault in _of_line(position, line, window, categories)]
    if not lines:
        found.append(_fault(0, "", "empty", "明细不能为空", "the list holds no line"))
    if len(lines) > MOST_LINES:
        found.append(_fault(0, "", "too_many", f"明细不得超过{MOST_LINES}行", f"at most {MOST_LINES} lines"))
    if sum(line.claimed_fen for line in lines) > MONEY_LIMIT:
        found.append(_fault(0, "claimed_fen", "amount_range", "合计超出可处理的范围", "the sum is out of any range"))
    return found + _of_invoices(lines)


def _of_line(position: int, line: Line, window: Window, categories: Mapping[str, Any]) -> Iterator[LineFault]:
    if line.category is not None and line.category not in categories:
        known = "、".join(categories)
        yield _fault(position, "category", "unknown_category", f"类别应为{known}", f"one of {known}", line.category)
    for name in ("invoice_on", "paid_on"):
        day: date = getattr(line, name)
        if not (window.starts_on is None or window.starts_on <= day) or day > window.ends_on:
            since = window.starts_on or "—"
            zh = f"不在实施期内（{since}至{window.ends_on}）"
            en = f"outside the implementation period ({since} to {window.ends_on})"
            yield _fault(position, name, "outside_period", zh, en, day)
    if line.contract_on is not None and line.contract_on > line.paid_on:
        yield _fault(position, "contract_on", "after_payment", "晚于付款日期", "after the payment", line.contract_on)
    for name in ("invoice_fen", "paid_fen"):
        limit = getattr(line, name)
        if line.claimed_fen > limit:
            zh, en = f"申报金额超过{LABELS[name].zh}", f"more is claimed than the {LABELS[name].en}"
            yield _fault(position, "claimed_fen", f"over_{name.removesuffix('_fen')}", zh, en, line.claimed_fen)
    if not invoice_key(line.invoice_number):
        yield _fault(position, "invoice_number", "unreadable", "不是发票号码", "no invoice number", line.invoice_number)


def _of_invoices(lines: Sequence[Line]) -> list[LineFault]:
    """Return where lines of one invoice differ on it, or together claim more than it states."""
    found, first, claimed = [], dict[str, tuple[int, Line]](), dict[str, int]()
    for position, line in enumerate(lines, 1):
        key = invoice_key(line.invoice_number)
        at, other = first.setdefault(key, (position, line))
        if (other.invoice_on, other.invoice_fen) != (line.invoice_on, line.invoice_fen):
            zh = f"与第{at}行同一发票的日期或金额不一致"
            en = f"line {at} states the same invoice with another date or amount"
            found.append(_fault(position, "invoice_number", "invoice_differs", zh, en, line.invoice_number))
        before = claimed.get(key, 0)
        claimed[key] = before + line.claimed_fen
        if before <= other.invoice_fen < claimed[key] and at != position:
            zh = "同一发票各行申报金额合计超过发票金额"
            en = "the lines of this invoice together claim more than it states"
            found.append(_fault(position, "claimed_fen", "over_invoice", zh, en, line.claimed_fen))
    return found


def verdict_faults(
    lines: Sequence[Line], verdicts: Sequence[Verdict], flagged: frozenset[int], *, rest_accepted: bool
) -> list[LineFault]:
    """Return what keeps verdicts from being taken: each line once, at most its claim, a reason for each cut.

    `flagged`: positions of lines whose invoice stands twice; one that is accepted whole needs a reason too.
    """
    found, seen = [], set[int]()
    for verdict in verdicts:
        at = verdict.position
        if not 1 <= at <= len(lines):
            found.append(_fault(at, "position", "no_such_line", "没有此行", "there is no such line", at))
            continue
        if at in seen:
            found.append(_fault(at, "position", "twice", "同一行核定了两次", "the line is verified twice", at))
        seen.add(at)
        claimed = lines[at - 1].claimed_fen
        if not 0 <= verdict.verified_fen <= claimed:
            zh, en = f"核定金额应在0至申报金额{claimed}分之间", f"between 0 and the {claimed} fen claimed"
            found.append(_fault(at, "verified_fen", "over_claim", zh, en, verdict.verified_fen))
        elif verdict.verified_fen < claimed and not verdict.reason:
            found.append(_fault(at, "reason", "reason_missing", "核减须写明理由", "a cut needs a reason"))
        elif at in flagged and verdict.verified_fen and not verdict.reason:
            zh, en = "发票重复，予以认可须写明理由", "the invoice stands twice: accepting it needs a reason"
            found.append(_fault(at, "reason", "reason_missing", zh, en))
    missing = sorted(set(range(1, len(lines) + 1)) - seen)
    for at in missing:
        if not rest_accepted:
            found.append(_fault(at, "verified_fen", "not_verified", "未核定", "not verified"))
        elif at in flagged:
            zh, en = "发票重复，须逐行核定", "the invoice stands twice: verify the line itself"
            found.append(_fault(at, "verified_fen", "not_verified", zh, en))
    return found


def whole(lines: Sequence[Line], verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return a verdict on each line in order: those given, and the others accepted as claimed."""
    given = {verdict.position: verdict for verdict in verdicts}
    return [given.get(at, Verdict(at, line.claimed_fen)) for at, line in enumerate(lines, 1)]


def digest_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the SHA-256 of rows as JSON with sorted keys: the same rows in the same order give the same digest."""
    text = json.dumps(list(rows), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def digests_of(lines: Sequence[Line]) -> tuple[str, str | None]:
    """Return the digest of a list without its free text, and that of the free text alone, None where there is none."""
    rows = [line.to_dict() for line in lines]
    told = [{name: value for name, value in row.items() if name not in WORDS} for row in rows]
    words = [[row[name] for name in WORDS] for row in rows]
    return digest_of(told), digest_of([{"words": words}]) if any(any(row) for row in words) else None


def _fault(position: int, field: str, code: str, zh: str, en: str, value: Any = "") -> LineFault:
    return LineFault(position, field, code, Text(zh, en), str(value)[:80] if value is not None else "")
