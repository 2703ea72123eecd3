"""Persons in charge of projects, by role: one project handed over, or thousands at once after a preview."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

from lifecycle import announcements, audit, bulk, sets
from lifecycle.audit import Change, Deed, Head, Keys, Log, person_of
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import Forbidden, NotFound, PreviewStale, Unreadable
from lifecycle.people import BY_LOGIN, LOGIN
from lifecycle.projects import append_many, plain_action
from lifecycle.requests import is_identifier, note_of
from lifecycle.signing import Receipt
from lifecycle.statements import Row, Statement
from lifecycle.tables import Person, Project
from lifecycle.transition import check_version, load_project, lock_project, within_reach
from states.findings import Text
from states.roles import actor_of, role_book

_person = Person.__table__  # type: ignore[attr-defined]
_project = Project.__table__  # type: ignore[attr-defined]

AT_ONCE = 5000
NOTE_LENGTH = 500
EVENT = "assigned"
NAMES = sets.for_both(
    lambda d: sa.select(_person.c.id, _person.c.login, _person.c.name, _person.c.active).where(
        sets.within(_person.c.id, "people", d, "uuid")
    )
)
_WRITTEN = ("responsible", "version", "head_seq", "head_hash", "changed_at")
WRITE = Statement(
    sa.update(_project)
    .where(_project.c.id == sa.bindparam("of"))
    .values({name: sa.bindparam(f"new_{name}", type_=_project.c[name].type) for name in _WRITTEN})
)


@dataclass(frozen=True, slots=True)
class Assigned:
    """A project as a handover left it: who is in charge in a role (None: all of the role). No receipt: no change."""

    project: str
    code: str
    version: int
    role: str
    before: str | None  # ids of persons
    person: str | None
    receipt: Receipt | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        names = ("project", "code", "version", "role", "before", "person")
        receipt = self.receipt.to_dict() if self.receipt else None
        return {**{name: getattr(self, name) for name in names}, "receipt": receipt}


@dataclass(frozen=True, slots=True)
class Preview:
    """What handing many projects over would change: each of them, and the digest to commit by."""

    batch: str
    role: str
    person: Row | None  # id, login, name
    rows: tuple[Row, ...]  # project, code, title, city, version, before (id, login, name), changes
    digest: str

    def to_dict(self) -> dict[str, Any]:
        """Return the preview as JSON values."""
        changed = sum(row["changes"] for row in self.rows)
        return {
            "batch": self.batch,
            "role": self.role,
            "person": self.person,
            "digest": self.digest,
            "counts": {"changed": changed, "same": len(self.rows) - changed},
            "rows": list(self.rows),
        }


class _Written(NamedTuple):
    """Everything that one handover writes."""

    columns: Row
    built: audit.Built
    announced: Row | None
    assigned: Assigned


def assign(
    tx: Transaction,
    log: Log,
    caller: Caller,
    project: str,
    role: str,
    login: str | None,
    note: str | None = None,
    *,
    expected_version: int | None = None,
) -> Assigned:
    """Put a person in charge of a project in a role, or with None give it back to all of that role.

    Division head and leader hand over for the province's roles, a handler what is in his own charge to another, a city
    bureau for its own role. Effects, in order: person in the project's row, log entry, announcement to the new person.
    The note enters the log as a commitment. Who is in charge already is no change.

    Raises:
        NotFound, Conflict: as the door.
        Forbidden: the handover is not the caller's to make.
        Unreadable: nobody is put in charge in such a role; the person is not active, not of that role, or does not
            reach the project; or the note is not what it should be.
    """
    loaded, keys = lock_project(tx, caller, project)
    check_version(tx, loaded, expected_version)
    _may_assign(caller, role, login, [loaded.row])
    person = _taker(tx, role, login, [loaded.row])
    if not _changes(loaded.row, role, person):
        return _assigned(loaded.row, role, person)
    written = _write(log, caller, loaded.row, role, person, note_of(note, NOTE_LENGTH), keys)
    tx.queue(WRITE, of=project, **{f"new_{name}": value for name, value in written.columns.items()})
    audit.append(tx, written.built)
    if written.announced:
        announcements.write(tx, written.announced)
    return written.assigned


def preview_assignments(
    tx: Transaction, caller: Caller, batch: Row, projects: Sequence[str], role: str, login: str | None
) -> Preview:
    """Return what handing these projects of a batch over would change; writes and locks nothing. Four reads at most.

    Raises:
        NotFound, Forbidden, Unreadable: as `assign`, or no project, too many, one named twice or of another batch.
    """
    rows, person = _judged(tx, caller, batch, projects, role, login, bulk.READ)
    return _preview(tx, caller, batch, rows, role, person)


def assign_many(
    tx: Transaction,
    log: Log,
    caller: Caller,
    batch: Row,
    projects: Sequence[str],
    role: str,
    login: str | None,
    note: str | None = None,
    *,
    digest: str | None = None,
) -> list[Assigned]:
    """Hand many projects of a batch over, all or none, set-based; with a digest only what that preview showed.

    Each project has its own entry and its own announcement; of those that had this person already nothing is written.

    Raises:
        NotFound, Forbidden, Unreadable: as the preview; nothing is handed over then.
        PreviewStale: something changed since the preview.
    """
    rows, person = _judged(tx, caller, batch, projects, role, login, bulk.LOCK)
    if digest is not None and digest != _digest(caller, rows, role, person):
        raise PreviewStale(
            Text("预览之后情况有变，未转办任何项目；请重新预览", "something changed after the preview: preview again"),
            given=digest[:64],
            present=_digest(caller, rows, role, person),
        )
    text, keys = note_of(note, NOTE_LENGTH), audit.keys_of(tx, person_of(caller))
    changed = [row for row in rows if _changes(row, role, person)]
    written = [_write(log, caller, row, role, person, text, keys) for row in changed]
    columns = [{"id": item.assigned.project, **item.columns} for item in written]
    sets.update_many(tx, _project, ["id"], columns)
    append_many(tx, [item.built for item in written])
    sets.insert_many(tx, announcements.table, [item.announced for item in written if item.announced])
    done = {item.assigned.project: item.assigned for item in written}
    return [done.get(row["id"]) or _assigned(row, role, person) for row in rows]


def people_in_charge(tx: Transaction, caller: Caller, project: str) -> dict[str, dict[str, Any]]:
    """Return who is in charge of a project by role: id, login, name, and whether still active.

    Raises:
        NotFound: there is no such project within the caller's reach.
    """
    charged = load_project(tx, caller, project).row["responsible"]
    known = named(tx, charged.values())
    return {role: known[person] for role, person in sorted(charged.items()) if person in known}


def named(tx: Transaction, people: Any) -> dict[str, dict[str, Any]]:
    """Return persons by id: id, login, name, active. Reads nothing where there are none."""
    wanted = sorted(set(people))
    return {row["id"]: row for row in sets.select_many(tx, NAMES, "people", wanted)} if wanted else {}


def _judged(
    tx: Transaction,
    caller: Caller,
    batch: Row,
    projects: Sequence[str],
    role: str,
    login: str | None,
    read: Statement,
) -> tuple[list[Row], Row | None]:
    """Return the projects in the order asked, and the person, where the whole handover may be made."""
    if not 1 <= len(projects) <= AT_ONCE or len(set(projects)) != len(projects):
        raise Unreadable(Text(f"请选择1至{AT_ONCE}个不同的项目", f"choose 1 to {AT_ONCE} projects, none of them twice"))
    found = sets.select_many(tx, read, "wanted", [name for name in projects if is_identifier(name)])
    known = {row["id"]: row for row in found if row["batch_id"] == batch["id"] and within_reach(caller, row)}
    missing = sorted(name[:64] for name in set(projects) - set(known))
    if missing:
        raise NotFound(
            Text(
                f"有{len(missing)}个项目不在该批次或不在您的管辖范围",
                f"{len(missing)} projects are not of the batch, or lie outside your reach",
            ),
            projects=missing[:20],
        )
    rows = [known[name] for name in projects]
    _may_assign(caller, role, login, rows)
    return rows, _taker(tx, role, login, rows)


def _may_assign(caller: Caller, role: str, login: str | None, rows: Sequence[Row]) -> None:
    mine, province = caller.actor.role, role_book().groups["province"]
    if role not in (*province, "city"):
        raise Unreadable(Text("该角色不指定承办人", "nobody is put in charge in this role"))
    if role in province and mine in ("division_head", "leader"):
        return
    own = login is not None and all(row["responsible"].get(role) == caller.actor.id for row in rows)
    if role in province and mine == role == "handler" and own:
        return
    if role == mine == "city":  # its reach was seen to when the projects were read
        return
    raise Forbidden(
        Text(
            "转办由处长、厅领导办理，经办人只能转办本人承办的项目，市工信局只能转办本局事项",
            "division head and leader hand over; a handler what is in his own charge, a city bureau its own affairs",
        )
    )


def _taker(tx: Transaction, role: str, login: str | None, rows: Sequence[Row]) -> Row | None:
    if login is None:
        return None
    person = tx.one(BY_LOGIN, wanted=login) if LOGIN.fullmatch(login) else None
    if person is not None and person["active"] and person["role"] == role:
        actor = actor_of(person["id"], role, person["city"], person["unit"])
        if all(actor.reaches(row["city"], (row["lead_code"],)) for row in rows):
            return person
    # One answer for all of it: whoever asks need not learn who else there is.
    label = role_book().roles[role].label
    raise Unreadable(
        Text(
            f"{login[:64]}不是可承办所选项目的在岗{label.zh}",
            f"{login[:64]} is no active {label.en} who reaches what was chosen",
        )
    )


def _changes(row: Row, role: str, person: Row | None) -> bool:
    return bool(row["responsible"].get(role) != (person["id"] if person else None))


def _write(log: Log, caller: Caller, row: Row, role: str, person: Row | None, note: str | None, keys: Keys) -> _Written:
    """Return what handing one project over writes. Pure but for the ids and the signature."""
    before, after = row["responsible"].get(role), person["id"] if person else None
    charged = {**row["responsible"], role: after}
    version = row["version"] + 1
    deed = Deed(
        f"project/{row['id']}",
        "project.reassigned",
        ("project", row["id"], version),
        action=plain_action("assign", row),
        changes=[Change(f"/responsible/{role}", before, after), Change("/version", row["version"], version)],
        reason=note,
    )
    built = audit.build(log, caller, Head(row["head_seq"], row["head_hash"]), deed, keys)
    columns = {
        "responsible": {name: one for name, one in charged.items() if one is not None},
        "version": version,
        "head_seq": built.head.seq,
        "head_hash": built.head.hash,
        "changed_at": caller.now,
    }
    details = {"role": role, "person": after, "note": note}
    announced = announcements.announcement(caller, row, version, EVENT, details) if after else None
    return _Written(
        columns, built, announced, Assigned(row["id"], row["code"], version, role, before, after, built.receipt)
    )


def _assigned(row: Row, role: str, person: Row | None) -> Assigned:
    held = person["id"] if person else None
    return Assigned(row["id"], row["code"], row["version"], role, held, held)


def _preview(
    tx: Transaction, caller: Caller, batch: Row, rows: Sequence[Row], role: str, person: Row | None
) -> Preview:
    known = named(tx, (row["responsible"][role] for row in rows if role in row["responsible"]))
    shown = tuple(
        {
            "project": row["id"],
            **{name: row[name] for name in ("code", "title", "city", "version")},
            "before": known.get(row["responsible"].get(role, "")),
            "changes": _changes(row, role, person),
        }
        for row in rows
    )
    taker = {name: person[name] for name in ("id", "login", "name", "active")} if person else None
    return Preview(batch["id"], role, taker, shown, _digest(caller, rows, role, person))


def _digest(caller: Caller, rows: Sequence[Row], role: str, person: Row | None) -> str:
    """Return the SHA-256 over who hands over, to whom, and each project as it stands."""
    states = [[row["id"], row["version"], row["responsible"].get(role)] for row in rows]
    shown = [caller.actor.id, caller.actor.role, role, person["id"] if person else None, states]
    return hashlib.sha256(orjson.dumps(shown)).hexdigest()
