"""Moving a project, or a batch's new projects, to another version of lifecycle and policy: a recorded act."""

from collections.abc import Mapping

import sqlalchemy as sa

from lifecycle import audit, checkpoints, surroundings
from lifecycle.audit import Change, Deed, Head, Log, person_of
from lifecycle.batches import may_manage, tell
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import Forbidden, NotFound, Unreadable
from lifecycle.rulebooks import RuleSet, pin, rules_for
from lifecycle.signing import Receipt
from lifecycle.snapshots import facts_of
from lifecycle.statements import Row, Statement
from lifecycle.tables import Batch, Project, Rulebook
from lifecycle.transition import Loaded, check_version, lock_project, write
from states.capacities import Claims, claims, moved
from states.definition import read_definition
from states.findings import Text
from states.planning import planned
from states.policy import read_policy

_project = Project.__table__  # type: ignore[attr-defined]
_batch = Batch.__table__  # type: ignore[attr-defined]
_rulebook = Rulebook.__table__  # type: ignore[attr-defined]
REPIN_PROJECT = Statement(
    sa.update(_project)
    .where(_project.c.id == sa.bindparam("of"))
    .values(definition_hash=sa.bindparam("definition"), policy_hash=sa.bindparam("policy"))
)
REPIN_BATCH = Statement(
    sa.update(_batch)
    .where(_batch.c.id == sa.bindparam("of"))
    .values(definition_hash=sa.bindparam("definition"), policy_hash=sa.bindparam("policy"))
)
READ_KIND = Statement(sa.select(_rulebook.c.kind).where(_rulebook.c.hash == sa.bindparam("wanted")))


def add_version(tx: Transaction, caller: Caller, definition_text: str, policy_text: str) -> tuple[str, str]:
    """Store a definition and a policy that go together and return their hashes.

    Raises:
        Forbidden: the caller may not manage batches.
        Unreadable: the policy is for another definition.
        BadDefinition: a text cannot be read.
    """
    may_manage(caller)
    definition, policy = read_definition(definition_text), read_policy(policy_text)
    if policy.policy.definition != definition.name:
        raise Unreadable(Text("政策与流程定义不配套", "the policy goes with another definition"))
    return (
        pin(tx, "definition", definition.name, definition_text, caller.now),
        pin(tx, "policy", policy.name, policy_text, caller.now),
    )


def repin_batch(
    tx: Transaction, log: Log, caller: Caller, batch: Row, definition: str, policy: str, reason: str
) -> Receipt:
    """Let the batch's new projects begin with another version; running projects keep theirs.

    Raises:
        Forbidden, NotFound, Unreadable: no right, no such version, no reason.
    """
    _may_migrate(caller, reason)
    _stored(tx, definition, policy)
    tx.queue(REPIN_BATCH, of=batch["id"], definition=definition, policy=policy)
    changes = [
        Change("/definition_hash", batch["definition_hash"], definition),
        Change("/policy_hash", batch["policy_hash"], policy),
    ]
    return tell(tx, log, caller, batch["id"], "batch.version_changed", changes, reason)


def move_project(
    tx: Transaction,
    log: Log,
    caller: Caller,
    project: str,
    definition: str,
    policy: str,
    state_map: Mapping[str, str],
    reason: str,
    *,
    expected_version: int | None = None,
) -> Receipt:
    """Move one project to another version; `state_map` says which new state each renamed state becomes.

    The new version's ceilings are not asked: a project keeps what it holds; nothing new is taken until there is room.

    Effects, in order: hashes, state, capacities as the new version counts them, checkpoints planned anew, log entry.

    Raises:
        Forbidden, NotFound, Conflict: as the door.
        Unreadable: no reason, or the project's state or flags have no place in the new definition.
    """
    _may_migrate(caller, reason)
    loaded, keys = lock_project(tx, caller, project)
    check_version(tx, loaded, expected_version)
    _stored(tx, definition, policy)
    rules = rules_for(tx, definition, policy, loaded.row["calendar_hash"], loaded.row["reminders_hash"])
    row = loaded.row
    columns = _columns(loaded, rules, state_map)
    changed = {**row, **columns, "definition_hash": definition, "policy_hash": policy}
    taken = moved(_claims(loaded.rules, row), _claims(rules, changed))
    replan = checkpoints.replan(
        project,
        row["batch_id"],
        columns["version"],
        rules.policy.policy.zone,
        planned(rules.definition, rules.policy, facts_of(changed), rules.calendar),
        row["plan"],
        "move_version",
        caller.now,
        audit.new_id,
    )
    told = [Change(*item) for item in (*checkpoints.told(replan), *surroundings.told(taken))]
    deed = _deed(caller, row, changed, told, reason)
    built = audit.build(log, caller, Head(row["head_seq"], row["head_hash"]), deed, keys)
    columns.update(plan=replan.plan, head_seq=built.head.seq, head_hash=built.head.hash, changed_at=caller.now)
    surroundings.recount(tx, _recounted(loaded, rules, row, changed))
    tx.queue(REPIN_PROJECT, of=project, definition=definition, policy=policy)
    tx.flush()
    write(tx, Loaded(row, rules, loaded.facts), columns, {}, replan, built)
    return built.receipt


def _deed(caller: Caller, row: Row, changed: Row, told: list[Change], reason: str) -> Deed:
    names = ("definition_hash", "policy_hash", "version", "state", "left_state")
    changes = [Change(f"/{name}", row[name], changed[name]) for name in names if row[name] != changed[name]]
    if row["pending"]:
        changes.append(Change("/pending", None, None, person_of(caller)))
    action = {
        "name": "move_version",
        "from": row["state"],
        "to": changed["state"],
        "rule": None,
        "override": [],
        "definition": changed["definition_hash"],
        "policy": changed["policy_hash"],
    }
    subject = ("project", row["id"], changed["version"])
    return Deed(
        f"project/{row['id']}",
        "project.version_changed",
        subject,
        action=action,
        changes=[*changes, *told],
        reason=reason,
    )


def _columns(loaded: Loaded, rules: RuleSet, state_map: Mapping[str, str]) -> Row:
    row = loaded.row
    state = state_map.get(row["state"], row["state"])
    left = state_map.get(row["left_state"], row["left_state"]) if row["left_state"] else None
    unknown = {name for name in (state, left) if name} - set(rules.definition.states)
    unknown |= set(row["flags"]) - set(rules.definition.flags)
    if unknown:
        names = "、".join(sorted(unknown))
        raise Unreadable(
            Text(f"新版本没有{names}，请在状态对照表中指明", f"the new version has no {names}: say so in the state map")
        )
    return {
        "state": state,
        "left_state": left,
        "entered_on": row["entered_on"],
        "record": row["record"],
        "documents": row["documents"],
        "flags": row["flags"],
        "signers": row["signers"],
        "pending": None,
        "version": row["version"] + 1,
    }


def _claims(rules: RuleSet, row: Row) -> Claims:
    facts = facts_of(row)
    return claims(rules.definition, rules.policy, facts, facts.state)


def _recounted(loaded: Loaded, rules: RuleSet, row: Row, changed: Row) -> dict[tuple[surroundings.Place, str], int]:
    """Return how the counters change, by place and scope; the old version says where the project is counted now."""
    changes: dict[tuple[surroundings.Place, str], int] = {}
    for sign, version, facts in ((-1, loaded.rules, row), (1, rules, changed)):
        for place, amount in _claims(version, facts).items():
            at = place, loaded.scopes.of(version.definition, place[0])
            changes[at] = changes.get(at, 0) + sign * amount
    return {at: amount for at, amount in changes.items() if amount}


def _stored(tx: Transaction, definition: str, policy: str) -> None:
    for digest, kind in ((definition, "definition"), (policy, "policy")):
        found = tx.one(READ_KIND, wanted=digest)
        if found is None or found["kind"] != kind:
            raise NotFound(Text(f"没有规则版本{digest[:12]}", f"there is no {kind} {digest[:12]}"))
    rules = rules_for(tx, definition, policy)
    if rules.policy.policy.definition != rules.definition.name:
        raise Unreadable(Text("政策与流程定义不配套", "the policy goes with another definition"))


def _may_migrate(caller: Caller, reason: str) -> None:
    if "migrate" not in caller.actor.rights:
        raise Forbidden(Text("须由省厅处长或厅领导办理", "this is for the division head or the department leader"))
    if not reason.strip():
        raise Unreadable(Text("须写明理由", "a reason is needed"))
