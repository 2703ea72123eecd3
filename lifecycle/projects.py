"""Projects: entered one by one or by the hundred, amended while that is allowed. States change only in `transition`."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from lifecycle import audit, checkpoints, sets, surroundings
from lifecycle.audit import Change, Deed, Head, Keys, Log, person_of
from lifecycle.batches import LOCK_BATCH, TOUCH, rules_of
from lifecycle.callers import Caller
from lifecycle.canonical import ZERO_HASH
from lifecycle.collector import collector_paused
from lifecycle.database import Transaction
from lifecycle.errors import Forbidden, NotOffered, RulesUnmet
from lifecycle.filing import amended, check_application
from lifecycle.memberships import enter_members, replace_members
from lifecycle.rulebooks import RuleSet
from lifecycle.signing import Receipt
from lifecycle.snapshots import NESTED, application_columns, application_of, changes_between, facts_of
from lifecycle.statements import Row, Statement
from lifecycle.tables import Disclosure, Entry, PersonKey, Project
from lifecycle.transition import Loaded, check_version, lock_project
from states.capacities import Claims, claims, moved
from states.facts import Application
from states.findings import Text
from states.planning import planned
from states.roles import role_book
from states.structure import room_left

table = Project.__table__  # type: ignore[attr-defined]
APPLICATION_COLUMNS = tuple(application_columns(Application("", "", "", "", (), 0)))
AMEND = Statement(
    sa.update(table)
    .where(table.c.id == sa.bindparam("of"))
    .values(
        {
            name: sa.bindparam(f"new_{name}", type_=table.c[name].type)
            for name in (*APPLICATION_COLUMNS, "version", "head_seq", "head_hash", "changed_at", "pending")
        }
    )
)


@collector_paused()
def create_projects(
    tx: Transaction, log: Log, caller: Caller, batch: Row, applications: Sequence[Application]
) -> list[Row]:
    """Enter projects in the batch's initial state and return their rows; each begins its own stream.

    Set-based: thousands of rows in a few statements, all or none.

    Raises:
        Forbidden: the caller may not enter projects, or not for this city or unit.
        Unreadable: an application cannot be kept as it is.
    """
    found = tx.one(LOCK_BATCH, wanted=batch["id"])
    assert found is not None
    batch = found  # as it is once the lock is had: a calendar may have been adopted meanwhile
    rules = rules_of(tx, batch)
    for application in applications:
        check_application(rules.policy, application)
        _may_enter(caller, application)
    keys = audit.keys_of(tx, person_of(caller))
    rows, built, opened = [], [], []
    for offset, application in enumerate(applications, 1):
        row = _new_row(caller, batch, rules, application, batch["last_number"] + offset)
        contact = f"contact/{row['id']}"
        keys.known[contact] = secrets.token_bytes(32)
        plan = planned(rules.definition, rules.policy, facts_of(row), rules.calendar)
        replan = checkpoints.replan(
            row["id"], batch["id"], 1, rules.policy.policy.zone, plan, [], "created", caller.now, audit.new_id
        )
        entry = _created(log, caller, rules, row, replan, keys)
        row.update(head_seq=entry.head.seq, head_hash=entry.head.hash, plan=replan.plan)
        rows.append(row)
        built.append(entry)
        opened.extend(replan.opened)
    last = batch["last_number"] + len(rows)
    tx.queue(TOUCH, of=batch["id"], version=batch["version"] + 1, last_number=last)
    tx.flush()
    sets.insert_many(tx, table, rows)
    enter_members(tx, rows)
    sets.insert_many(tx, checkpoints.table, opened)
    contacts = [{"person": f"contact/{row['id']}", "key": keys.known[f"contact/{row['id']}"]} for row in rows]
    sets.insert_many(tx, PersonKey.__table__, contacts)  # type: ignore[attr-defined]
    append_many(tx, built)
    return rows


def append_many(tx: Transaction, built: Sequence[audit.Built]) -> None:
    """Append entries of many streams with their disclosures, set-based."""
    tx.receipts.extend(item.receipt for item in built)
    sets.insert_many(tx, Entry.__table__, [item.columns for item in built])  # type: ignore[attr-defined]
    disclosures = [audit.disclosure_columns(item) for entry in built for item in entry.disclosures]
    sets.insert_many(tx, Disclosure.__table__, disclosures)  # type: ignore[attr-defined]


def amend_project(
    tx: Transaction,
    log: Log,
    caller: Caller,
    project: str,
    values: Mapping[str, Any],
    *,
    expected_version: int | None = None,
    reason: str | None = None,
) -> tuple[Row, Receipt | None]:
    """Change what was filed (`Application` fields by name) and return the new row and the receipt.

    Nothing is written where nothing changes; then there is no receipt.

    Raises:
        NotFound, Conflict: as the door.
        NotOffered: the project's state does not let it be amended.
        Forbidden: the state lets others amend it, not this caller; or the new city or unit is out of reach.
        RulesUnmet: the change would take more of a capacity than is left.
        Unreadable: a value cannot be what it should be.
    """
    loaded, keys = lock_project(tx, caller, project)
    check_version(tx, loaded, expected_version)
    _may_amend(caller, loaded)
    application = amended(application_of(loaded.row), values)
    check_application(loaded.rules.policy, application)
    _may_enter(caller, application)
    columns: dict[str, Any] = application_columns(application)
    row = loaded.row
    contact = f"contact/{project}"
    keys.known.update(audit.keys_of(tx, contact).known)
    if all(row[name] == value for name, value in columns.items()):
        return row, None
    columns["pending"] = None
    changes = changes_between(loaded.rules.definition, row, columns, person_of(caller), contact)
    taken = _capacities(tx, loaded, {**row, **columns})
    changes += [Change(*item) for item in surroundings.told(taken)]
    columns["version"] = row["version"] + 1
    changes.append(Change("/version", row["version"], columns["version"]))
    deed = Deed(
        f"project/{project}",
        "project.amended",
        ("project", project, columns["version"]),
        action=plain_action("amend", row),
        changes=changes,
        reason=reason,
    )
    built = audit.build(log, caller, Head(row["head_seq"], row["head_hash"]), deed, keys)
    columns.update(head_seq=built.head.seq, head_hash=built.head.hash, changed_at=caller.now)
    tx.queue(AMEND, of=project, **{f"new_{name}": value for name, value in columns.items()})
    surroundings.move(tx, loaded.rules.definition, loaded.scopes, taken)
    audit.append(tx, built)
    changed = {**row, **columns}
    replace_members(tx, changed)
    return changed, built.receipt


def _capacities(tx: Transaction, loaded: Loaded, changed: Row) -> Claims:
    """Return how the amended project's holdings change, having locked them and seen that there is room."""
    rules = loaded.rules
    before, after = (
        claims(rules.definition, rules.policy, facts, facts.state) for facts in (loaded.facts, facts_of(changed))
    )
    taken = moved(before, after)
    if taken:
        places = sorted(taken)
        room = surroundings.rooms(tx, rules.definition, rules.policy, loaded.scopes, places, lock=True)
        finding = room_left(taken, room)
        if finding.blocks:
            message = finding.to_dict()["message"]
            raise RulesUnmet(Text(message["zh"], message["en"]), [finding])
    return taken


def _may_enter(caller: Caller, application: Application) -> None:
    lead = application.lead
    units = (lead.credit_code,) if lead else ()
    if "create" not in caller.actor.rights or not caller.actor.reaches(application.city, units):
        raise Forbidden(
            Text(
                "只能填报本市或本单位牵头的项目",
                "only projects of your own city, or led by your own unit, can be entered",
            )
        )


def _may_amend(caller: Caller, loaded: Loaded) -> None:
    state = loaded.rules.definition.states[loaded.row["state"]]
    if not state.amendable_by:
        raise NotOffered(Text(f"“{state.zh}”状态不可修改申报内容", f"not amendable in the state {state.en}"), [])
    if caller.actor.role not in role_book().expand(state.amendable_by):
        raise Forbidden(Text(f"“{state.zh}”状态下您无权修改", f"your role may not amend in the state {state.en}"))


def _new_row(caller: Caller, batch: Row, rules: RuleSet, application: Application, number: int) -> Row:
    return {
        "id": audit.new_id(caller.now),
        "batch_id": batch["id"],
        "code": f"{batch['code']}-{number:05d}",
        "state": rules.definition.definition.initial,
        "version": 1,
        "left_state": None,
        "entered_on": caller.today(rules.policy.policy.zone),
        "definition_hash": batch["definition_hash"],
        "policy_hash": batch["policy_hash"],
        **application_columns(application),
        "record": {},
        "documents": {},
        "flags": [],
        "signers": {},
        "deadlines": {},
        "responsible": {},
        "lists": {},
        "pending": None,
        "plan": [],
        "head_seq": 0,
        "head_hash": ZERO_HASH,
        "created_at": caller.now,
        "changed_at": caller.now,
    }


def _created(log: Log, caller: Caller, rules: RuleSet, row: Row, replan: checkpoints.Replan, keys: Keys) -> audit.Built:
    nothing: Row = {name: {} for name in NESTED}
    changes = changes_between(rules.definition, nothing, row, person_of(caller), f"contact/{row['id']}")
    changes += [Change(*item) for item in checkpoints.told(replan)]
    deed = Deed(
        f"project/{row['id']}",
        "project.created",
        ("project", row["id"], 1),
        action={**plain_action("create", row), "from": None},
        changes=changes,
    )
    return audit.build(log, caller, Head(), deed, keys)


def plain_action(name: str, row: Row) -> dict[str, Any]:
    """Return the action, for the log, of an act of ours that leaves a project in its state."""
    return {
        "name": name,
        "from": row["state"],
        "to": row["state"],
        "rule": None,
        "override": [],
        "definition": row["definition_hash"],
        "policy": row["policy_hash"],
    }
