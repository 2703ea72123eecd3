"""The one door: the only code that moves a project from state to state.

Under the project's row lock: version, permission, every rule, quota, effects, checkpoints and the log entry, in one
transaction. `bulk` walks many projects through the same functions.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from lifecycle import announcements, answers, audit, checkpoints, surroundings
from lifecycle.answers import Remembered
from lifecycle.audit import Change, Deed, Head, Keys, Log, person_of
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import Conflict, NotFound, NotOffered, NotPermitted, RulesUnmet
from lifecycle.memberships import replace_members
from lifecycle.requests import Request, act_of, is_identifier
from lifecycle.rulebooks import RuleSet, rules_of_row
from lifecycle.signing import Receipt
from lifecycle.snapshots import after_columns, changes_between, facts_after, facts_of
from lifecycle.statements import Row, Statement
from lifecycle.surroundings import Scopes
from lifecycle.tables import Batch, Entry, Person, Project
from states.capacities import moved
from states.facts import Facts
from states.findings import Text
from states.machine import Decision, decide, prepare
from states.planning import planned
from states.values import frozen

_project = Project.__table__  # type: ignore[attr-defined]
_batch = Batch.__table__  # type: ignore[attr-defined]
_entry = Entry.__table__  # type: ignore[attr-defined]
_person = Person.__table__  # type: ignore[attr-defined]

SELECT_PROJECT = sa.select(
    _project, _batch.c.programme, _batch.c.calendar_hash, _batch.c.reminders_hash, _batch.c.invented
).join(_batch, _batch.c.id == _project.c.batch_id)
_KEY = sa.select(audit.person_key.c.key).where(audit.person_key.c.person == sa.bindparam("me")).scalar_subquery()
READ_PROJECT = Statement(
    SELECT_PROJECT.add_columns(_KEY.label("my_key")).where(_project.c.id == sa.bindparam("wanted"))
)
LOCK_PROJECT = Statement(
    SELECT_PROJECT.add_columns(_KEY.label("my_key"))
    .where(_project.c.id == sa.bindparam("wanted"))
    .with_for_update(of=_project)
)


@lru_cache(maxsize=1024)
def update_of(names: tuple[str, ...]) -> Statement:
    """Return the statement that writes these columns of a project: as many as there are ways in which acts differ."""
    return Statement(
        sa.update(_project)
        .where(_project.c.id == sa.bindparam("of"))
        .values({name: sa.bindparam(name) for name in names})
    )


LAST_ACTS = Statement(
    sa.select(_entry.c.at, _entry.c.action, _entry.c.type, _entry.c.actor, _entry.c.outcome, _person.c.name)
    .select_from(_entry)
    .join(_person, sa.cast(_person.c.id, sa.String) == _entry.c.actor, isouter=True)
    .where(
        _entry.c.stream == sa.bindparam("of"),
        _entry.c.outcome == "success",
        _entry.c.type != "project.chased",  # what leaves the version as it is was first with nothing
        _entry.c.type != "project.document_stored",
    )
    .order_by(_entry.c.seq.desc())
    .limit(1)
)


class Loaded(NamedTuple):
    """A project as the door reads it: its row, rules and facts. What a lock waited for is read after the wait: all
    that acts change lies in the one row."""

    row: Row
    rules: RuleSet
    facts: Facts

    @property
    def scopes(self) -> Scopes:
        """Return where its capacities are counted."""
        return Scopes(self.row["batch_id"], self.row["programme"])


@frozen
class Outcome:
    """What an act did, or on a dry run would do."""

    project: str
    code: str
    event: str
    source: str
    target: str
    version: int
    awaiting_second_person: bool
    decision: Decision
    checkpoints: tuple[tuple[str, Any, Any], ...]
    receipt: Receipt | None

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as JSON values."""
        return {
            "project": self.project,
            "code": self.code,
            "event": self.event,
            "from": self.source,
            "to": self.target,
            "version": self.version,
            "awaiting_second_person": self.awaiting_second_person,
            "overridden": list(self.decision.overridden),
            "findings": [finding.to_dict() for finding in self.decision.told],
            "checkpoints": [{"path": path, "old": old, "new": new} for path, old, new in self.checkpoints],
            "receipt": self.receipt.to_dict() if self.receipt else None,
        }


def transition_project(
    tx: Transaction, log: Log, caller: Caller, project: str, request: Request, key: str | None = None
) -> Outcome | Remembered:
    """Carry out one act on one project, or return the first answer to the same Idempotency-Key.

    Effects, in order: state and record, capacities, checkpoints, log entry, announcement, answer.

    Raises:
        NotFound: no such project within the caller's reach.
        Conflict: the expected version is not the present one; the details name the act that came first.
        NotOffered, NotPermitted, RulesUnmet: refused, with every finding.
        KeyReused: the key was used for another request.
        Unreadable: the request itself cannot be read.
    """
    answers.check_key(key)
    asked = {"project": project, "request": request}
    loaded, keys, answered = _load(tx, caller, project, lock=True, key=key)
    first = answers.recall(answered, asked)
    if first is not None:
        return first
    check_version(tx, loaded, request.expected_version)
    decision = _decide(tx, loaded, caller, request, lock=True)
    if not decision.allowed:
        raise refusal(decision)
    outcome = _write(tx, log, caller, loaded, decision, keys)
    if key is not None:
        answers.remember(tx, caller, key, asked, outcome.to_dict())
    return outcome


def try_transition(tx: Transaction, caller: Caller, project: str, request: Request) -> Decision:
    """Return what the door would decide, writing and locking nothing (dry run); refusals are in the findings."""
    loaded, _, _ = _load(tx, caller, project, lock=False)
    check_version(tx, loaded, request.expected_version)
    return _decide(tx, loaded, caller, request, lock=False)


def offered_transitions(tx: Transaction, caller: Caller, project: str) -> tuple[Loaded, list[Decision]]:
    """Return, for every event of the project's lifecycle, what the door would decide of it now without any input."""
    loaded, _, _ = _load(tx, caller, project, lock=False)
    events = loaded.rules.definition.by_event
    return loaded, [_decide(tx, loaded, caller, Request(event), lock=False) for event in events]


def load_project(tx: Transaction, caller: Caller, project: str) -> Loaded:
    """Return a project within the caller's reach, unlocked.

    Raises:
        NotFound: there is none.
    """
    return _load(tx, caller, project, lock=False)[0]


def lock_project(tx: Transaction, caller: Caller, project: str) -> tuple[Loaded, Keys]:
    """Return a project within the caller's reach with its row locked, and the caller's key.

    Raises:
        NotFound: there is none.
    """
    loaded, keys, _ = _load(tx, caller, project, lock=True)
    return loaded, keys


def _load(
    tx: Transaction, caller: Caller, project: str, *, lock: bool, key: str | None = None
) -> tuple[Loaded, Keys, Row | None]:
    me = person_of(caller)
    if not is_identifier(project):
        raise nowhere()
    row = tx.one(LOCK_PROJECT if lock else READ_PROJECT, wanted=project, me=me)
    if row is None or not within_reach(caller, row):
        raise nowhere()
    # Read after the lock was had: whoever used this key at the same time has committed by now.
    first = tx.one(answers.READ, who=caller.actor.id, wanted=key) if key is not None else None
    rules = rules_of_row(tx, row)
    mine = row.pop("my_key")
    if lock and mine is None:
        mine = audit.make_key(tx, me)
    return Loaded(row, rules, facts_of(row)), Keys({me: mine} if mine else {}), first


def nowhere() -> NotFound:
    """Return the answer for a project that is not there or not within reach: the two look alike."""
    return NotFound(Text("没有此项目，或不在您的管辖范围", "no such project within your reach"))


def within_reach(caller: Caller, row: Mapping[str, Any]) -> bool:
    """Return whether the caller may see the project at all."""
    actor = caller.actor
    return "read" in actor.rights and actor.reaches(row["city"], (row["lead_code"],))


def check_version(tx: Transaction, loaded: Loaded, expected: int | None) -> None:
    """Refuse a caller who decided on an older version.

    Raises:
        Conflict: with the act that made the present version.
    """
    row = loaded.row
    if expected is None or expected == row["version"]:
        return
    last = tx.one(LAST_ACTS, of=f"project/{row['id']}") or {}
    by = last.get("name") or last.get("actor") or "—"
    what = last.get("action") or last.get("type") or "—"
    raise Conflict(
        Text(
            f"该项目已由{by}办理“{what}”，现为第{row['version']}版；请刷新后再办",
            f"{by} was first with {what}; the project is at version {row['version']} now, read it again",
        ),
        expected_version=expected,
        version=row["version"],
        state=row["state"],
        winner={
            "actor": last.get("actor"),
            "name": last.get("name"),
            "action": what,
            "at": last["at"].isoformat() if last else None,
        },
    )


def _decide(tx: Transaction, loaded: Loaded, caller: Caller, request: Request, *, lock: bool) -> Decision:
    rules, facts = loaded.rules, loaded.facts
    act = act_of(request, caller, rules.policy.policy.zone)
    case, found, needs = prepare(rules.definition, rules.policy, rules.calendar, facts, act)
    case = surroundings.surround(tx, case, needs, loaded.scopes, lock)
    return decide(case, facts, found)


def refusal(decision: Decision) -> RulesUnmet:
    """Return the exception for a decision that refuses: by what refuses it first."""
    checks = {finding.check for finding in decision.refusals}
    event, state = decision.case.act.event, decision.case.facts.state
    kind = RulesUnmet
    if "offered" in checks:
        kind = NotOffered
    elif checks & {"permitted", "within_scope"}:
        kind = NotPermitted
    words = [finding.to_dict()["message"] for finding in decision.refusals]
    return kind(
        Text("；".join(word["zh"] for word in words), "; ".join(word["en"] for word in words)),
        decision.told,
        event=event,
        state=state,
    )


def _write(tx: Transaction, log: Log, caller: Caller, loaded: Loaded, decision: Decision, keys: Keys) -> Outcome:
    written = effects(log, caller, loaded, decision, keys)
    write(tx, loaded, written.columns, written.capacities, written.replan, written.built)
    if written.announced:
        announcements.write(tx, written.announced)
    return written.outcome


def write(
    tx: Transaction,
    loaded: Loaded,
    columns: Mapping[str, Any],
    capacities: Mapping[tuple[str, str], int],
    replan: checkpoints.Replan,
    built: audit.Built,
) -> None:
    """Queue a project's new state, its capacities, checkpoints and log entry."""
    row = loaded.row
    written = {name: value for name, value in columns.items() if value != row[name]}
    tx.queue(update_of(tuple(written)), of=row["id"], **written)
    surroundings.move(tx, loaded.rules.definition, loaded.scopes, capacities)
    checkpoints.write(tx, replan)
    audit.append(tx, built)
    if "members" in written:
        replace_members(tx, {**row, **written})


class Effects(NamedTuple):
    """Everything an allowed act writes, for one project."""

    columns: dict[str, Any]
    capacities: Mapping[tuple[str, str], int]
    replan: checkpoints.Replan
    built: audit.Built
    announced: Row | None
    outcome: Outcome


def effects(
    log: Log, caller: Caller, loaded: Loaded, decision: Decision, keys: Keys, about: Sequence[Change] = ()
) -> Effects:
    """Return what an allowed act writes. Pure but for the ids and the signature: single acts and bulk share it.

    `about` tells of the act and not of the project (`snapshots.ABOUT_ACT`).
    """
    row, rules, case, after = loaded.row, loaded.rules, decision.case, decision.after
    assert after is not None
    columns: dict[str, Any] = {**after_columns(after), "version": row["version"] + 1}
    capacities = {} if decision.awaiting else moved(case.held, case.wanted)
    event, act = case.act.event, case.act
    replan = checkpoints.replan(
        row["id"],
        row["batch_id"],
        columns["version"],
        rules.policy.policy.zone,
        planned(rules.definition, rules.policy, facts_after(loaded.facts, after), rules.calendar),
        row["plan"],
        event,
        caller.now,
        audit.new_id,
    )
    columns["plan"] = replan.plan
    me = person_of(caller)
    changes = changes_between(rules.definition, row, columns, me, f"contact/{row['id']}")
    told = checkpoints.told(replan)
    changes += [Change(*item) for item in (*told, *surroundings.told(capacities))]
    changes += about
    if act.on != caller.today(rules.policy.policy.zone):
        changes.append(Change("/effective_on", None, act.on.isoformat()))
    deed = _deed(row, decision, columns["version"], changes)
    built = audit.build(log, caller, Head(row["head_seq"], row["head_hash"]), deed, keys)
    columns.update(head_seq=built.head.seq, head_hash=built.head.hash, changed_at=caller.now)
    outcome = Outcome(
        row["id"],
        row["code"],
        event,
        row["state"],
        after.state,
        columns["version"],
        decision.awaiting,
        decision,
        tuple(told),
        built.receipt,
    )
    return Effects(
        columns, capacities, replan, built, _announced(caller, loaded, decision, columns["version"]), outcome
    )


def _deed(row: Row, decision: Decision, version: int, changes: Sequence[Change]) -> Deed:
    act, after = decision.case.act, decision.after
    assert after is not None
    return Deed(
        stream=f"project/{row['id']}",
        type="project.signed" if decision.awaiting else "project.transitioned",
        subject=("project", row["id"], version),
        action={
            "name": act.event,
            "from": row["state"],
            "to": after.state,
            "rule": None,
            "override": list(decision.overridden),
            "definition": row["definition_hash"],
            "policy": row["policy_hash"],
        },
        changes=changes,
        reason=act.reason,
        docs=[{"kind": kind, **document} for kind, document in sorted(act.documents.items())],
    )


def _announced(caller: Caller, loaded: Loaded, decision: Decision, version: int) -> Row | None:
    """Return what the batch's plan wants told of the act: nothing while a second person is awaited."""
    event, after = decision.case.act.event, decision.after
    if decision.awaiting or after is None or event not in loaded.rules.reminders.events:
        return None
    details = {"from": loaded.row["state"], "to": after.state, "on": decision.case.act.on.isoformat()}
    return announcements.announcement(caller, loaded.row, version, event, details)
