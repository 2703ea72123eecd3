"""Deadlines that an officer adds to a project by hand: added, moved, done or withdrawn, each a recorded act."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import sqlalchemy as sa

from lifecycle import audit, checkpoints
from lifecycle.audit import Change, Deed, Head, Keys, Log, person_of
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import Forbidden, NotFound, NotOffered, Unreadable
from lifecycle.projects import plain_action
from lifecycle.requests import note_of
from lifecycle.rulebooks import RuleSet
from lifecycle.signing import Receipt
from lifecycle.statements import Statement
from lifecycle.tables import Project
from lifecycle.transition import Loaded, check_version, load_project, lock_project
from lifecycle.visibility import sees_deadline
from states.audience import may_be_told, roles_meant
from states.fields import CONTROL
from states.findings import Text
from states.planning import BY_HAND, planned
from states.roles import role_book

_project = Project.__table__  # type: ignore[attr-defined]

MOST = 100  # of one project, with those that ended: they stay in its row, so that a number is never used again
TITLE_LENGTH = 100
YEARS_AHEAD = 10
WAYS = ("done", "withdrawn")
CITY = "city"
WRITE = Statement(
    sa.update(_project)
    .where(_project.c.id == sa.bindparam("of"))
    .values(
        {
            name: sa.bindparam(f"new_{name}", type_=_project.c[name].type)
            for name in ("deadlines", "plan", "version", "head_seq", "head_hash", "changed_at")
        }
    )
)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A deadline as an act left it. `ended` says how it ended; `checkpoint` is its open row; no receipt: no change."""

    project: str
    code: str
    version: int
    number: int
    title: str
    due_on: str
    to: tuple[str, ...]
    by: str  # the role that added it
    ended: str | None
    checkpoint: str | None
    receipt: Receipt | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the deadline as JSON values."""
        names = ("project", "code", "version", "number", "title", "due_on", "by", "ended", "checkpoint")
        receipt = self.receipt.to_dict() if self.receipt else None
        return {**{name: getattr(self, name) for name in names}, "to": list(self.to), "receipt": receipt}


def add_deadline(
    tx: Transaction,
    log: Log,
    caller: Caller,
    project: str,
    title: str,
    due_on: date,
    to: Sequence[str],
    reason: str | None = None,
    *,
    expected_version: int | None = None,
) -> Deadline:
    """Add a deadline to a project that is still under way; `to` names the roles, or groups of them, to be reminded.

    For the province, and for the project's own city bureau, which reminds itself and its applicants only. Effects, in
    order: deadline and plan in the project's row, checkpoint, log entry. The title enters the log as a commitment.

    Raises:
        NotFound, Conflict: as the door.
        Forbidden: the caller's role may not add deadlines, or not for these roles.
        NotOffered: the project has come to its end.
        Unreadable: the title, date, roles or reason is not what it should be, or the project has too many already.
    """
    loaded, keys = _lock(tx, caller, project, expected_version)
    _may_change(caller)
    before = loaded.row["deadlines"]
    number = max(map(int, before), default=0) + 1
    if number > MOST:
        raise Unreadable(Text(f"每个项目至多增设{MOST}项期限", f"a project has at most {MOST} deadlines of its own"))
    deadline = {
        "title": _title(title),
        "due_on": _due_on(caller, loaded.rules, due_on),
        "to": list(_told(caller, to)),
        "by": caller.actor.role,
    }
    return _record(tx, log, caller, loaded, keys, number, deadline, ("add_deadline", "project.deadline_added"), reason)


def move_deadline(
    tx: Transaction,
    log: Log,
    caller: Caller,
    project: str,
    number: int,
    due_on: date,
    reason: str | None = None,
    *,
    expected_version: int | None = None,
) -> Deadline:
    """Give a deadline another date: its checkpoint is superseded by a new one. The same date changes nothing.

    Raises:
        NotFound, Conflict: as the door; or there is no such deadline, or it has ended.
        Forbidden: the caller's role may not, or the deadline is the province's and the caller a city bureau.
        NotOffered: the project has come to its end.
        Unreadable: the date or reason is not what it should be.
    """
    loaded, keys = _lock(tx, caller, project, expected_version)
    deadline = _standing(caller, loaded, number)
    moved = {**deadline, "due_on": _due_on(caller, loaded.rules, due_on)}
    if moved == deadline:
        return _as_is(loaded, number, deadline)
    return _record(tx, log, caller, loaded, keys, number, moved, ("move_deadline", "project.deadline_moved"), reason)


def end_deadline(
    tx: Transaction,
    log: Log,
    caller: Caller,
    project: str,
    number: int,
    how: str,
    reason: str | None = None,
    *,
    expected_version: int | None = None,
) -> Deadline:
    """End a deadline, `done` or `withdrawn`: its checkpoint is closed; the number is not used again.

    Raises:
        NotFound, Conflict, Forbidden, NotOffered: as `move_deadline`.
        Unreadable: `how` is neither, or the reason is not what it should be.
    """
    if how not in WAYS:
        raise Unreadable(Text("期限只能办结（done）或撤销（withdrawn）", "a deadline ends done or withdrawn"))
    loaded, keys = _lock(tx, caller, project, expected_version)
    ended = {**_standing(caller, loaded, number), "ended": how}
    return _record(tx, log, caller, loaded, keys, number, ended, ("end_deadline", "project.deadline_ended"), reason)


def list_deadlines(tx: Transaction, caller: Caller, project: str) -> list[Deadline]:
    """Return all deadlines of a project that an officer added and the caller may see, also those that ended.

    Raises:
        NotFound: there is no such project within the caller's reach.
    """
    loaded = load_project(tx, caller, project)
    known = sorted((int(number), one) for number, one in loaded.row["deadlines"].items())
    return [_as_is(loaded, number, one) for number, one in known if sees_deadline(caller.actor, one)]


def roles_told(rules: RuleSet, deadlines: Mapping[str, Any], kind: str, number: int) -> tuple[str, ...]:
    """Return the roles whom a checkpoint concerns: those named with it by hand, else those of its series."""
    named = deadlines[str(number)]["to"] if kind == BY_HAND else rules.reminders.series_for(kind, rules.policy).to
    return roles_meant(named)


def _lock(tx: Transaction, caller: Caller, project: str, expected: int | None) -> tuple[Loaded, Keys]:
    loaded, keys = lock_project(tx, caller, project)
    check_version(tx, loaded, expected)
    state = loaded.rules.definition.states[loaded.row["state"]]
    if state.final:
        raise NotOffered(Text(f"“{state.zh}”项目不再有期限", f"a project that is {state.en} has no deadlines"), [])
    return loaded, keys


def _standing(caller: Caller, loaded: Loaded, number: int) -> dict[str, Any]:
    """Return a deadline that has not ended and that the caller may change."""
    deadline: dict[str, Any] | None = loaded.row["deadlines"].get(str(number))
    if deadline is None or deadline.get("ended") or not sees_deadline(caller.actor, deadline):
        raise NotFound(Text("没有此项期限，或已了结", "there is no such deadline, or it has ended"))
    _may_change(caller, deadline)
    return deadline


def _may_change(caller: Caller, deadline: Mapping[str, Any] | None = None) -> None:
    role = caller.actor.role
    if role in role_book().groups["province"]:
        return
    if role != CITY:
        raise Forbidden(Text("期限由省厅或本市工信局增设", "deadlines are for the province and the city bureau"))
    if deadline is not None and deadline["by"] != CITY:  # whom a deadline binds cannot lift it
        raise Forbidden(Text("该期限由省厅增设，须由省厅调整", "the province added it and alone may change it"))


def _told(caller: Caller, to: Sequence[str]) -> tuple[str, ...]:
    roles = roles_meant(to) if all(isinstance(name, str) for name in to) else ()
    if not roles or not all(may_be_told(role) for role in roles):
        raise Unreadable(Text("须指明可收到提醒的角色", "name the roles to be reminded, of those that can be reached"))
    book = role_book().roles
    if caller.actor.role == CITY and not all(book[role].scope in ("city", "unit") for role in roles):
        raise Forbidden(Text("市工信局只能提醒本局和申报单位", "a city bureau reminds itself and its applicants"))
    return roles


def _title(title: str) -> str:
    text = title.strip() if isinstance(title, str) else ""
    if not 1 <= len(text) <= TITLE_LENGTH or CONTROL.search(text) or {"\n", "\t"} & set(text):
        raise Unreadable(
            Text(
                f"期限名称应为1至{TITLE_LENGTH}字，不含控制字符",
                f"a deadline's title has 1 to {TITLE_LENGTH} characters, no control characters among them",
            )
        )
    return text


def _due_on(caller: Caller, rules: RuleSet, due_on: date) -> str:
    today = caller.today(rules.policy.policy.zone)
    if type(due_on) is not date or not today <= due_on or due_on.year > today.year + YEARS_AHEAD:
        raise Unreadable(
            Text(
                f"期限应为今日起{YEARS_AHEAD}年内的日期",
                f"a deadline is a date from today on, within {YEARS_AHEAD} years",
            )
        )
    return due_on.isoformat()


def _record(
    tx: Transaction,
    log: Log,
    caller: Caller,
    loaded: Loaded,
    keys: Keys,
    number: int,
    deadline: dict[str, Any],
    act: tuple[str, str],
    reason: str | None,
) -> Deadline:
    """Queue a deadline's new value with what follows from it; `act` is the action's name and the entry's type."""
    row, rules, (name, kind) = loaded.row, loaded.rules, act
    deadlines = {**row["deadlines"], str(number): deadline}
    version = row["version"] + 1
    replan = checkpoints.replan(
        row["id"],
        row["batch_id"],
        version,
        rules.policy.policy.zone,
        planned(rules.definition, rules.policy, replace(loaded.facts, deadlines=deadlines), rules.calendar),
        row["plan"],
        name,
        caller.now,
        audit.new_id,
    )
    deed = Deed(
        f"project/{row['id']}",
        kind,
        ("project", row["id"], version),
        action=plain_action(name, row),
        changes=[
            Change(f"/deadlines/{number}", None, deadline, person_of(caller)),
            *(Change(*item) for item in checkpoints.told(replan)),
            Change("/version", row["version"], version),
        ],
        reason=note_of(reason),
    )
    built = audit.build(log, caller, Head(row["head_seq"], row["head_hash"]), deed, keys)
    columns = {
        "deadlines": deadlines,
        "plan": replan.plan,
        "version": version,
        "head_seq": built.head.seq,
        "head_hash": built.head.hash,
        "changed_at": caller.now,
    }
    tx.queue(WRITE, of=row["id"], **{f"new_{column}": value for column, value in columns.items()})
    checkpoints.write(tx, replan)
    audit.append(tx, built)
    changed = Loaded({**row, **columns}, rules, loaded.facts)
    return replace(_as_is(changed, number, deadline), receipt=built.receipt)


def _as_is(loaded: Loaded, number: int, deadline: Mapping[str, Any]) -> Deadline:
    row = loaded.row
    places = {(item["kind"], item["number"]): item["id"] for item in row["plan"]}
    return Deadline(
        row["id"],
        row["code"],
        row["version"],
        number,
        deadline["title"],
        deadline["due_on"],
        tuple(deadline["to"]),
        deadline["by"],
        deadline.get("ended"),
        places.get((BY_HAND, number)),
    )
