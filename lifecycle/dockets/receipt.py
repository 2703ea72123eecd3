"""What the party that receives a docket does: lets it come late, counts it in, gives it back whole or in part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from lifecycle.audit import Change, Log, person_of
from lifecycle.bulk import Item, carry_out, lock_and_preview, refusals_of
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.dockets.drafting import Drafted, drafted
from lifecycle.dockets.shelf import (
    DRAFT,
    RECEIVED,
    RELEASED,
    RETURNED,
    Held,
    check_status,
    check_version,
    items,
    lock_docket,
    may_receive,
    named,
)
from lifecycle.dockets.telling import changes_of_row, record
from lifecycle.errors import NotFound, RulesUnmet, Unreadable
from lifecycle.requests import Request, note_of
from lifecycle.sets import update_many
from lifecycle.statements import Row
from lifecycle.transition import Effects
from states.findings import Text


@dataclass(frozen=True, slots=True)
class Returned:
    """What giving back did: the docket as it stands, and the projects that went back."""

    docket: Drafted
    projects: tuple[tuple[str, str, int], ...]  # project id, new state, new version

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        moved = [{"project": name, "state": state, "version": version} for name, state, version in self.projects]
        return {**self.docket.to_dict(), "projects": moved}


def admit_late(tx: Transaction, log: Log, caller: Caller, docket: str, reason: str | None, limit: int) -> Returned:
    """Let a draft come after its date (R16): its kind's act for that is done to each of its projects, with the reason.

    A project put on the draft afterwards is not admitted by it.

    Raises:
        NotFound, Forbidden, NotOffered: there is none within reach, it is another role's, or a draft no more.
        Unreadable: there is no reason, or such dockets have no date.
        RulesUnmet: the act is refused to a project.
    """
    held = _lock(tx, caller, docket, None, DRAFT)
    late, why = held.spec.late, _reason(reason)
    if late is None:
        raise Unreadable(Text(f"{held.spec.zh}没有报送期限", f"a {held.spec.en} has no date to be late for"))
    fields = {name: list(values) for name, values in late.fields.items()}
    chosen = [item["project_id"] for item in held.items]
    done = _carry_out(tx, log, caller, held, Request(late.event, fields, reason=why), chosen, limit)
    after = {**held.row, "version": held.row["version"] + 1}
    changes = [Change("/admitted_late", None, sorted(one.outcome.code for one in done))]
    return Returned(drafted(after, record(tx, log, caller, held.row, after, "admitted", changes, why)), _moved(done))


def receive_docket(
    tx: Transaction,
    log: Log,
    caller: Caller,
    docket: str,
    received_on: date,
    paper_copies: int,
    reason: str | None = None,
    expected_version: int | None = None,
) -> Drafted:
    """Record that a released docket has come, on which day and in how many copies; after its date only with a reason.

    Raises:
        NotFound, Forbidden, Conflict, NotOffered: as a draft's, for whoever receives it.
        Unreadable: the day lies before the release or ahead, copies are missing, or it is late and no reason is given.
    """
    held = _lock(tx, caller, docket, expected_version, RELEASED)
    row, policy = held.row, held.rules.policy
    zone = policy.policy.zone
    released_on = Caller(caller.actor, caller.source, row["released_at"]).today(zone)
    due = policy.setting(held.spec.due) if held.spec.due else None
    late, why = due is not None and received_on > due, note_of(reason)
    problem = None
    if not released_on <= received_on <= caller.today(zone):
        problem = Text(
            f"接收日期应在{released_on}至{caller.today(zone)}之间",
            f"the day of receipt lies from {released_on} to {caller.today(zone)}",
        )
    elif paper_copies < policy.rules.R16.paper_copies:
        problem = Text(
            f"纸质材料须一式{policy.rules.R16.paper_copies}份，现点收{paper_copies}份；不足的，请退回补正",
            f"{policy.rules.R16.paper_copies} paper copies are required, {paper_copies} came: return it for correction",
        )
    elif late and why is None:
        problem = Text(f"已过报送期限（{due}），须写明接收理由", f"it came after {due}: give a reason for taking it")
    if problem:
        raise Unreadable(problem)
    receipt = {
        "received_on": received_on.isoformat(),
        "paper_copies": paper_copies,
        "due_on": due.isoformat() if due else None,
        "late": late,
        "by": caller.actor.id,
    }
    after = {**row, "status": RECEIVED, "version": row["version"] + 1, "receipt": receipt}
    changes = changes_of_row(held.rules.definition, row, after, person_of(caller))
    return drafted(after, record(tx, log, caller, row, after, "received", changes, why))


def return_docket(
    tx: Transaction,
    log: Log,
    caller: Caller,
    docket: str,
    fields: Mapping[str, Any],
    limit: int,
    *,
    projects: Sequence[str] | None = None,
    reason: str | None = None,
) -> Returned:
    """Give a docket back, whole or these projects of it, by its kind's act with these fields: all of them, or none.

    Whole means all that stand where the release left them. Once the last is back, the docket is returned.

    Raises:
        NotFound, Forbidden, NotOffered: there is none within reach, it is another role's, or not released.
        NotFound: a project named is not one that the docket brought, or is back already.
        RulesUnmet: the act is refused to a project; nothing was done.
        Unreadable: there is nothing to give back.
    """
    held = _lock(tx, caller, docket, None, RELEASED, RECEIVED)
    brought = {item["project_id"]: item for item in held.items if _stands(item)}
    chosen = [name for name, item in brought.items() if item["state"] == item["outcome"]["state"]]
    if projects is not None:
        chosen = list(dict.fromkeys(projects))
        if missing := [name[:64] for name in chosen if name not in brought]:
            raise NotFound(
                Text("所列项目不在此清单内，或已退回", "a project is not on the docket, or is back already"),
                projects=missing,
            )
    event = held.spec.returns
    if event is None or not chosen:
        raise Unreadable(Text("没有可退回的项目", "there is nothing to give back"))
    done = _carry_out(tx, log, caller, held, Request(event, fields, reason=note_of(reason)), chosen, limit)
    back = _moved(done)
    outcomes = {
        name: {**brought[name]["outcome"], "returned": {"state": state, "version": version}}
        for name, state, version in back
    }
    rows: list[Row] = [{"docket_id": docket, "project_id": name, "outcome": one} for name, one in outcomes.items()]
    update_many(tx, items, ["docket_id", "project_id"], rows)
    whole = set(outcomes) == set(brought)
    after = {**held.row, "status": RETURNED if whole else held.row["status"], "version": held.row["version"] + 1}
    changes = changes_of_row(held.rules.definition, held.row, after, person_of(caller))
    changes += [Change(f"/items/{name}/outcome", brought[name]["outcome"], outcomes[name]) for name in sorted(outcomes)]
    return Returned(
        drafted(after, record(tx, log, caller, held.row, after, "returned", changes, note_of(reason))), back
    )


def _stands(item: Row) -> bool:
    """Return whether a release brought the project and nobody has given it back."""
    outcome = item["outcome"] or {}
    return "state" in outcome and "returned" not in outcome


def _lock(tx: Transaction, caller: Caller, docket: str, expected_version: int | None, *wanted: str) -> Held:
    held = lock_docket(tx, caller, docket)
    may_receive(caller.actor, held.spec, held.row["city"])
    check_version(held.row, expected_version)
    check_status(held.row, *wanted)
    return held


def _reason(reason: str | None) -> str:
    why = note_of(reason)
    if why is None:
        raise Unreadable(Text("须写明理由", "a reason is needed"))
    return why


def _carry_out(
    tx: Transaction, log: Log, caller: Caller, held: Held, request: Request, projects: Sequence[str], limit: int
) -> list[Effects]:
    preview = lock_and_preview(tx, caller, request, [Item(name) for name in projects], limit)
    blocked = [row.loaded.row["id"] for row in preview.rows if not row.decision.allowed]
    if blocked:
        raise RulesUnmet(
            Text(
                f"有{len(blocked)}个项目不可办理，未办理任何项目",
                f"{len(blocked)} projects are blocked; nothing was done",
            ),
            refusals_of(preview),
            blocked=blocked[:50],
        )
    return carry_out(tx, log, caller, preview, [Change("/docket", None, named(held.row))])


def _moved(done: Sequence[Effects]) -> tuple[tuple[str, str, int], ...]:
    return tuple((one.outcome.project, one.outcome.target, one.outcome.version) for one in done)
