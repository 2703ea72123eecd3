"""Where values that a redaction takes from the log still stand on live rows, and how they are taken from there."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from lifecycle import audit
from lifecycle.audit import Change, Deed, Head, Log, person_of
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.objections.register import table as objection
from lifecycle.projects import plain_action
from lifecycle.redaction.selection import Chosen
from lifecycle.sets import for_both, select_many, within
from lifecycle.snapshots import NESTED, PRIVATE
from lifecycle.statements import Row, Statement
from lifecycle.tables import Person, Project
from lifecycle.transition import LOCK_PROJECT, update_of

_project = Project.__table__  # type: ignore[attr-defined]
_person = Person.__table__  # type: ignore[attr-defined]

ACT = "redact"
PROJECTS = for_both(
    lambda d: sa.select(
        *(_project.c[name] for name in ("id", "code", "pending", *PRIVATE, *NESTED)),
    ).where(within(_project.c.id, "wanted", d, "uuid"))
)
OBJECTIONS = for_both(
    lambda d: sa.select(*(objection.c[name] for name in ("id", "project_id", "number", "fields", "finding"))).where(
        within(objection.c.id, "wanted", d, "uuid")
    )
)
PEOPLE = for_both(lambda d: sa.select(_person.c.id, _person.c.name).where(within(_person.c.id, "wanted", d, "uuid")))
LOCK_OBJECTION = Statement(sa.select(objection).where(objection.c.id == sa.bindparam("wanted")).with_for_update())
_HEAD = ("version", "head_seq", "head_hash", "changed_at")
ERASE_OBJECTION = Statement(
    sa.update(objection)
    .where(objection.c.id == sa.bindparam("of"))
    .values({name: sa.bindparam(name, type_=objection.c[name].type) for name in ("fields", *_HEAD)})
)


class Standing(NamedTuple):
    """A place on a live row that holds a value which goes from the log; `erasable`: whether it can go there too."""

    kind: str
    id: str
    path: str
    erasable: bool


def standing(tx: Transaction, chosen: Iterable[Chosen]) -> list[Standing]:
    """Return the live places that hold the very values told by these disclosures: projects, objections, people.

    An objection's fields are looked for in its project's record too. Three reads, whatever their number.
    """
    told: dict[str, dict[str, list[Chosen]]] = {"project": {}, "objection": {}, "user": {}}
    for one in chosen:
        kind, _, subject = one.stream.partition("/")
        if kind in told:
            told[kind].setdefault(subject, []).append(one)
    objections = _rows(tx, OBJECTIONS, told["objection"])
    projects = _rows(tx, PROJECTS, {*told["project"], *(row["project_id"] for row in objections.values())})
    found: set[Standing] = set()
    for kind, rows in (("project", projects), ("objection", objections), ("user", _rows(tx, PEOPLE, told["user"]))):
        for subject, row in rows.items():
            found.update(
                Standing(kind, subject, one.what, _erasable(kind, one.what))
                for one in told[kind].get(subject, ())
                if _held(row, one.what) == one.value
            )
    for _, row in sorted(objections.items()):
        project = projects.get(row["project_id"])
        for one in told["objection"][row["id"]]:
            path = one.what.replace("/fields/", "/record/", 1)
            if project is not None and path != one.what and _held(project, path) == one.value:
                found.add(Standing("project", project["id"], path, True))
    return sorted(found)


def erase(tx: Transaction, log: Log, caller: Caller, places: Sequence[Standing]) -> None:
    """Take values from the live rows that hold them: projects first, then objections, each by id, each with its entry.

    The entry names what was emptied and holds no value, so that a replay of the log empties it too.
    """
    keys = audit.keys_of(tx, person_of(caller))
    for kind, subject in _in_order(places):
        paths = sorted(one.path for one in places if one.erasable and (one.kind, one.id) == (kind, subject))
        row, action = _locked(tx, caller, kind, subject)
        columns, version = _emptied(row, paths), row["version"] + 1
        changes = [Change(path, None, None) for path in paths]
        if kind == "project":
            changes.append(Change("/version", row["version"], version))
        deed = Deed(f"{kind}/{subject}", f"{kind}.redacted", (kind, subject, version), action=action, changes=changes)
        built = audit.build(log, caller, Head(row["head_seq"], row["head_hash"]), deed, keys)
        columns.update(version=version, head_seq=built.head.seq, head_hash=built.head.hash, changed_at=caller.now)
        tx.queue(update_of(tuple(columns)) if kind == "project" else ERASE_OBJECTION, of=subject, **columns)
        audit.append(tx, built)
        tx.flush()


def _in_order(places: Sequence[Standing]) -> list[tuple[str, str]]:
    """Return the rows to be emptied as locks are taken everywhere: projects by id, then what hangs on them."""
    rows = {(one.kind, one.id) for one in places if one.erasable}
    return sorted(rows, key=lambda row: (row[0] != "project", row))


def lock(tx: Transaction, caller: Caller, places: Sequence[Standing]) -> None:
    """Lock the rows that would be emptied, in the order in which they are: what they hold is then read again."""
    for kind, subject in _in_order(places):
        _locked(tx, caller, kind, subject)


def _locked(tx: Transaction, caller: Caller, kind: str, subject: str) -> tuple[Row, dict[str, Any]]:
    """Return a project's or objection's row, locked, and the action as its entry tells it."""
    if kind == "project":
        project = tx.one(LOCK_PROJECT, wanted=subject, me=person_of(caller))
        assert project is not None
        return project, plain_action(ACT, project)
    row = tx.one(LOCK_OBJECTION, wanted=subject)
    assert row is not None
    told = {"name": ACT, "from": row["status"], "to": row["status"], "override": []}
    return row, {**told, **dict.fromkeys(("rule", "definition", "policy"))}


def _emptied(row: Row, paths: Sequence[str]) -> dict[str, Any]:
    """Return the columns of a row without the values at these paths."""
    columns: dict[str, Any] = {}
    for path in paths:
        _, head, *rest = path.split("/", 2)
        if not rest:
            columns[head] = None
            continue
        held: dict[str, Any] = columns[head] if head in columns else row[head]
        columns[head] = {name: value for name, value in held.items() if name != rest[0]}
    return columns


def _rows(tx: Transaction, statement: Statement, wanted: Iterable[str]) -> dict[str, Row]:
    ids = sorted(wanted)
    return {row["id"]: row for row in select_many(tx, statement, "wanted", ids)} if ids else {}


def _held(row: Mapping[str, Any], path: str) -> Any:
    """Return what a live row holds at a path that entries use; None where it has no such place."""
    _, head, *rest = path.split("/", 2)
    value = row.get(head)
    if not rest:
        return value
    return value.get(rest[0]) if isinstance(value, dict) else None


def _erasable(kind: str, path: str) -> bool:
    if kind == "project":
        return path.removeprefix("/") in PRIVATE or path.startswith("/record/")
    return kind == "objection" and path.startswith("/fields/")
