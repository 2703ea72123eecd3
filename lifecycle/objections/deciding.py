"""Findings on objections: not taken up, rejected, upheld; the project goes on once the last that counts is decided."""

from dataclasses import dataclass
from typing import Any, Literal

from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import Unreadable
from lifecycle.objections.register import (
    DISMISSED,
    OPEN,
    RECEIVED,
    REJECTED,
    SETTLED,
    UPHELD,
    acts_of,
    lock_objection,
    record,
)
from lifecycle.requests import Request, note_of
from lifecycle.signing import Receipt
from lifecycle.transition import Outcome, transition_project
from states.findings import Text

FINDING = "objection_finding"
LENGTH = 4000


@dataclass(frozen=True, slots=True)
class Found:
    """What a finding did: the objection, those settled with it, and where the project stands."""

    objection: str
    project: str
    status: str
    version: int
    settled: tuple[str, ...]
    state: str
    waiting: int  # objections on the project that count and are undecided
    receipt: Receipt

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        names = ("objection", "project", "status", "version", "state", "waiting")
        own = {name: getattr(self, name) for name in names}
        return {**own, "settled": list(self.settled), "receipt": self.receipt.to_dict()}


def decide_objection(
    tx: Transaction,
    log: Log,
    caller: Caller,
    objection: str,
    outcome: Literal["dismissed", "rejected", "upheld"],
    finding: str,
    expected_version: int | None = None,
) -> Found:
    """Record the finding on an objection. One that never counted is dismissed; one that counts is rejected or upheld.

    Rejected: the project goes on once no other that counts is undecided. Upheld: the project is removed, and the
    others on it are settled with it. Effects, in order: the objections' rows and entries, the project's act.

    Raises:
        NotFound, Forbidden, Conflict, NotOffered: as `register.lock_objection`.
        RulesUnmet: the project's act is refused.
        Unreadable: there is no finding, or no such outcome.
    """
    if outcome not in (DISMISSED, REJECTED, UPHELD):
        raise Unreadable(
            Text("核查结论应为dismissed、rejected或upheld", "the outcome is dismissed, rejected or upheld")
        )
    text = note_of(finding, LENGTH)
    if text is None:
        raise Unreadable(Text("须写明核查结论", "a finding is needed"))
    wanted = RECEIVED if outcome == DISMISSED else OPEN
    loaded, row, rows = lock_objection(tx, caller, objection, expected_version, wanted)
    acts = acts_of(loaded)
    after = {**row, "status": outcome, "finding": text, "version": row["version"] + 1}
    receipt = record(tx, log, caller, loaded, row, after, outcome)
    others = [one for one in rows if one["id"] != objection and one["status"] == OPEN]
    settled = others if outcome == UPHELD else []
    for other in settled:
        record(tx, log, caller, loaded, other, {**other, "status": SETTLED, "version": other["version"] + 1}, SETTLED)
    waiting, state = len(others) - len(settled), loaded.row["state"]
    event = {REJECTED: acts.rejects, UPHELD: acts.upholds}.get(outcome)
    if event is not None and not waiting:
        done = transition_project(tx, log, caller, row["project_id"], Request(event, {FINDING: text}))
        assert isinstance(done, Outcome)
        state = done.target
    return Found(
        objection,
        row["project_id"],
        outcome,
        after["version"],
        tuple(one["id"] for one in settled),
        state,
        waiting,
        receipt,
    )
