"""Lists of actual investment 实际投入明细: claimed by the unit, verified line by line, each version told in the log.

The project's row keeps numbers, totals and digests (`lists`), so that the door's rules read them with everything else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from lifecycle import audit, sets
from lifecycle.audit import Change, Deed, Head, Keys, Log, person_of
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import Conflict, Forbidden, ListRefused, NotFound, NotOffered, Unreadable
from lifecycle.invoices import put_invoices, seen_elsewhere
from lifecycle.projects import plain_action
from lifecycle.requests import note_of
from lifecycle.rulebooks import RuleSet
from lifecycle.signing import Receipt
from lifecycle.statements import Statement
from lifecycle.tables import InvestmentLine, InvestmentList, InvestmentVerdict, Project
from lifecycle.transition import Loaded, check_version, lock_project
from states import investment
from states.definition import Transition
from states.findings import Text
from states.investment import Line, LineFault, Verdict, Window
from states.roles import role_book

_project = Project.__table__  # type: ignore[attr-defined]
_list = InvestmentList.__table__  # type: ignore[attr-defined]
_line = InvestmentLine.__table__  # type: ignore[attr-defined]
_verdict = InvestmentVerdict.__table__  # type: ignore[attr-defined]

CLAIMED, VERIFIED = "claimed", "verified"
REASON_LENGTH = 500
LISTED = 50  # faults that one refusal names
WRITE = Statement(
    sa.update(_project)
    .where(_project.c.id == sa.bindparam("of"))
    .values(
        {
            name: sa.bindparam(f"new_{name}", type_=_project.c[name].type)
            for name in ("lists", "version", "head_seq", "head_hash", "changed_at")
        }
    )
)
LINES = Statement(
    sa.select(_line)
    .join(_list, _list.c.id == _line.c.list_id)
    .where(
        _list.c.project_id == sa.bindparam("of"),
        _list.c.round == sa.bindparam("of_round"),
        _list.c.kind == CLAIMED,
        _list.c.number == sa.bindparam("wanted"),
    )
    .order_by(_line.c.position)
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A version of a list as it was just kept."""

    project: str
    code: str
    version: int
    round: str
    kind: str
    number: int
    lines: int
    total_fen: int
    sha256: str
    receipt: Receipt

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        names = ("project", "code", "version", "round", "kind", "number", "lines", "total_fen", "sha256")
        return {**{name: getattr(self, name) for name in names}, "receipt": self.receipt.to_dict()}


def claim_investment(
    tx: Transaction,
    log: Log,
    caller: Caller,
    project: str,
    name: str,
    given: Sequence[Mapping[str, Any]],
    *,
    expected_version: int | None = None,
) -> Kept:
    """Keep the unit's list for a round, whole, as its next version: what was claimed before stays to be read.

    For who applies for the round, in the states from which it is applied for. Effects, in order: list and lines,
    invoices to be looked up, numbers and totals in the project's row, log entry.

    Raises:
        NotFound, Conflict: as the door; or there is no such round.
        Forbidden, NotOffered: not the caller's to claim, or not now.
        ListRefused: lines that cannot be claimed; every fault with its line and field.
    """
    loaded, keys, arrows = _lock(tx, caller, project, name, CLAIMED, expected_version)
    _may(caller, loaded, arrows)
    lines, faults = investment.read_lines(given[: investment.MOST_LINES + 1])
    faults = faults or faults_in(loaded, caller, lines)
    if faults:
        raise refused(faults)
    digest, words = investment.digests_of(lines)
    total = sum(line.claimed_fen for line in lines)
    number = (loaded.facts.lists.get(f"{name}_{CLAIMED}") or {"number": 0})["number"] + 1
    told = {"number": number, "lines": len(lines), "total_fen": total, "sha256": digest}
    list_id = _keep(tx, caller, loaded, name, CLAIMED, told, words)
    rows = [{"list_id": list_id, "position": at, **_columns(line)} for at, line in enumerate(lines, 1)]
    sets.insert_many(tx, _line, rows)
    put_invoices(tx, loaded.row, name, [line.invoice_number for line in lines])
    return _record(tx, log, caller, loaded, keys, (name, CLAIMED), told, words)


def verify_investment(
    tx: Transaction,
    log: Log,
    caller: Caller,
    project: str,
    name: str,
    given: Sequence[Mapping[str, Any]],
    *,
    basis: int,
    after: int,
    rest_accepted: bool = False,
    expected_version: int | None = None,
) -> Kept:
    """Keep what an officer verified of the claim numbered `basis`; `after`: the verification that they saw, 0 for none.

    Whoever comes second of two finds other numbers and is refused, so that no verdict is replaced unseen.
    `rest_accepted`: lines not named are verified as claimed, but for those whose invoice stands in another project.

    Raises:
        NotFound, Forbidden, NotOffered: as `claim_investment`.
        Conflict: another list was claimed, or another verification made, since.
        ListRefused: verdicts that cannot be taken; every fault with its line.
    """
    loaded, keys, arrows = _lock(tx, caller, project, name, VERIFIED, expected_version)
    _may(caller, loaded, arrows)
    claimed, verified = (loaded.facts.lists.get(f"{name}_{kind}") for kind in (CLAIMED, VERIFIED))
    if claimed is None:
        raise NotFound(Text("该期没有实际投入明细", "the round has no list of actual investment"))
    last = verified["number"] if verified else 0
    if (basis, after) != (claimed["number"], last):
        raise Conflict(
            Text(
                f"明细现为第{claimed['number']}版，核定现为第{last}版，与您所见不同；请刷新后再核定",
                f"the list is version {claimed['number']} and its verification {last} now: read them again",
            ),
            claimed=claimed["number"],
            verified=last,
        )
    lines = read_claim(tx, project, name, basis)
    verdicts = _verdicts(given)
    elsewhere = frozenset(seen_elsewhere(tx, loaded.row, name))
    faults = investment.verdict_faults(lines, verdicts, elsewhere, rest_accepted=rest_accepted)
    if faults:
        raise refused(faults)
    rows = [verdict._asdict() for verdict in investment.whole(lines, verdicts)]
    reasons = [{"reason": row["reason"]} for row in rows]
    told = {
        "number": last + 1,
        "basis": basis,
        "lines": len(rows),
        "total_fen": sum(row["verified_fen"] for row in rows),
        "sha256": investment.digest_of([{**row, "reason": None} for row in rows]),
    }
    words = investment.digest_of(reasons) if any(row["reason"] for row in rows) else None
    list_id = _keep(tx, caller, loaded, name, VERIFIED, told, words)
    sets.insert_many(tx, _verdict, [{"list_id": list_id, **row} for row in rows])
    return _record(tx, log, caller, loaded, keys, (name, VERIFIED), told, words)


def faults_in(loaded: Loaded, caller: Caller, lines: Sequence[Line]) -> list[LineFault]:
    """Return what keeps these lines from being claimed by the project today."""
    return investment.faults_of(lines, window_of(loaded, caller), loaded.rules.policy.rules.R21.categories)


def window_of(loaded: Loaded, caller: Caller) -> Window:
    """Return the project's implementation period as it stands today."""
    rules = loaded.rules
    return investment.implementation_window(loaded.facts, rules.calendar, caller.today(rules.policy.policy.zone))


def read_claim(tx: Transaction, project: str, name: str, number: int) -> list[Line]:
    """Return the lines of a claimed list in order."""
    rows = tx.fetch(LINES, of=project, of_round=name, wanted=number)
    return [Line(**{column: row[column] for column in investment.NAMES}) for row in rows]


def arrows_of(rules: RuleSet, name: str, kind: str) -> list[Transition]:
    """Return the acts for which a list of a round is kept: those that bring its total.

    Raises:
        NotFound: the lifecycle has no such round, or not in the batch's mode.
    """
    known = rules.definition.rounds.get(name)
    arrows = rules.definition.round_arrows(name, getattr(known, kind), rules.policy.mode) if known else []
    if not arrows:
        raise NotFound(Text(f"没有验收期{name[:64]}", f"there is no acceptance round {name[:64]}"))
    return arrows


def refused(faults: Sequence[LineFault]) -> ListRefused:
    """Return the refusal that names the first faults, each with its line and field."""
    return ListRefused(
        Text(f"明细有{len(faults)}处不合规，未保存", f"{len(faults)} faults in the list; nothing was kept"),
        errors=[fault_dict(fault) for fault in faults[:LISTED]],
        counts={"errors": len(faults)},
    )


def fault_dict(fault: LineFault) -> dict[str, Any]:
    """Return a fault as JSON values, in the form of a workbook's cell."""
    label = investment.LABELS.get(fault.field)
    return {
        "sheet": "",
        "row": fault.position,
        "column": fault.field,
        "header": label.zh if label else "",
        "code": fault.code,
        "message": {"zh": fault.message.zh, "en": fault.message.en},
        "value": fault.value,
    }


def _lock(
    tx: Transaction, caller: Caller, project: str, name: str, kind: str, expected: int | None
) -> tuple[Loaded, Keys, list[Transition]]:
    loaded, keys = lock_project(tx, caller, project)
    check_version(tx, loaded, expected)
    return loaded, keys, arrows_of(loaded.rules, name, kind)


def _may(caller: Caller, loaded: Loaded, arrows: Sequence[Transition]) -> None:
    book = role_book()
    if not any(caller.actor.role in book.expand(arrow.by) for arrow in arrows):
        acts = "、".join(dict.fromkeys(arrow.zh for arrow in arrows))
        raise Forbidden(
            Text(f"明细由办理“{acts}”的人员填写", "the list is for those who do the act that states its total")
        )
    here = [arrow for arrow in arrows if loaded.row["state"] in arrow.source]
    state = loaded.rules.definition.states[loaded.row["state"]]
    if not here:
        raise NotOffered(Text(f"“{state.zh}”状态不办理该期明细", f"not in the state {state.en}"), [])
    flags = loaded.rules.definition.flags
    halted = [flags[flag] for arrow in here for flag in arrow.forbids if flag in loaded.facts.flags]
    if halted:
        raise NotOffered(Text(f"有未了事项：{halted[0].zh}", f"cannot be done while {halted[0].en}"), [])


def _verdicts(given: Sequence[Mapping[str, Any]]) -> list[Verdict]:
    verdicts = []
    for item in given:
        at, fen = item.get("position"), item.get("verified_fen")
        if type(at) is not int or type(fen) is not int or set(item) - {"position", "verified_fen", "reason"}:
            raise Unreadable(Text("每行核定应写明行号和以分计的金额", "a verdict names its line and an amount in fen"))
        verdicts.append(Verdict(at, fen, note_of(item.get("reason"), REASON_LENGTH)))
    return verdicts


def _columns(line: Line) -> dict[str, Any]:
    return {name: getattr(line, name) for name in investment.NAMES}


def _keep(
    tx: Transaction, caller: Caller, loaded: Loaded, name: str, kind: str, told: Mapping[str, Any], words: str | None
) -> str:
    row = {
        "id": audit.new_id(caller.now),
        "project_id": loaded.row["id"],
        "round": name,
        "kind": kind,
        "number": told["number"],
        "basis": told.get("basis"),
        "lines": told["lines"],
        "total_fen": told["total_fen"],
        "digest": told["sha256"],
        "words": words,
        "by": caller.actor.id,
        "role": caller.actor.role,
        "at": caller.now,
    }
    sets.insert_many(tx, _list, [row])
    return str(row["id"])


def _record(
    tx: Transaction,
    log: Log,
    caller: Caller,
    loaded: Loaded,
    keys: Keys,
    what: tuple[str, str],
    told: Mapping[str, Any],
    words: str | None,
) -> Kept:
    """Queue numbers and totals in the project's row and the entry that tells them."""
    row, key = loaded.row, "_".join(what)
    lists = {**row["lists"], key: dict(told), f"{key}_words": words}
    lists = {name: value for name, value in lists.items() if value is not None}
    version = row["version"] + 1
    changes = [Change(f"/lists/{key}", row["lists"].get(key), dict(told))]
    before = row["lists"].get(f"{key}_words")
    if before != words:
        changes.append(Change(f"/lists/{key}_words", None, words, person_of(caller)))
    changes.append(Change("/version", row["version"], version))
    act, kind = {CLAIMED: ("claim_investment", "claimed"), VERIFIED: ("verify_investment", "verified")}[what[1]]
    deed = Deed(
        f"project/{row['id']}",
        f"project.investment_{kind}",
        ("project", row["id"], version),
        action=plain_action(act, row),
        changes=changes,
    )
    built = audit.build(log, caller, Head(row["head_seq"], row["head_hash"]), deed, keys)
    columns = {
        "lists": lists,
        "version": version,
        "head_seq": built.head.seq,
        "head_hash": built.head.hash,
        "changed_at": caller.now,
    }
    tx.queue(WRITE, of=row["id"], **{f"new_{column}": value for column, value in columns.items()})
    audit.append(tx, built)
    return Kept(
        row["id"],
        row["code"],
        version,
        *what,
        told["number"],
        told["lines"],
        told["total_fen"],
        told["sha256"],
        built.receipt,
    )
