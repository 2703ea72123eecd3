"""A project's history as people read it: its log entries with commitments opened, each told in a sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from lifecycle.callers import Caller
from lifecycle.canonical import parse_canonical
from lifecycle.commitments import Disclosure, is_commitment, opens
from lifecycle.database import Transaction
from lifecycle.pages import Page, check_limit
from lifecycle.requests import is_identifier
from lifecycle.rulebooks import rules_for
from lifecycle.sentences import refused_by, tell
from lifecycle.sets import for_both, select_many, within
from lifecycle.statements import Row, Statement
from lifecycle.tables import Disclosure as DisclosureRow
from lifecycle.tables import Entry, Person
from lifecycle.transition import Loaded, load_project
from lifecycle.visibility import hidden_documents, hidden_fields, may_sign, pending_for, sees_deadline
from states.definition import LifecycleDefinition
from states.facts import Actor
from states.planning import BY_HAND
from states.roles import role_book

_entry = Entry.__table__  # type: ignore[attr-defined]
_disclosure = DisclosureRow.__table__  # type: ignore[attr-defined]
_person = Person.__table__  # type: ignore[attr-defined]

WITHHELD = "$withheld"  # no field can be called so
KEPT = {WITHHELD: "role"}
_AFTER = sa.and_(
    _entry.c.stream == sa.bindparam("of"),
    _entry.c.seq > sa.bindparam("after", type_=sa.BigInteger()),
    _entry.c.outcome.in_([sa.bindparam("one"), sa.bindparam("two"), sa.bindparam("three")]),
)
ENTRIES = Statement(
    sa.select(_entry.c.id, _entry.c.seq, _entry.c.at, _entry.c.body, _entry.c.leaf)
    .where(_AFTER)
    .order_by(_entry.c.seq)
    .limit(sa.bindparam("limit", type_=sa.Integer()))
)
DISCLOSURES = for_both(lambda d: sa.select(_disclosure).where(within(_disclosure.c.entry_id, "entries", d, "uuid")))
NAMES = for_both(lambda d: sa.select(_person.c.id, _person.c.name).where(within(_person.c.id, "people", d, "uuid")))


def open_value(commitment: Mapping[str, Any], disclosure: Disclosure | None) -> Any:
    """Return the value behind a commitment; where its disclosure is gone or opens something else, say so instead."""
    if disclosure is None:
        return {WITHHELD: "redacted"}
    return disclosure.value if opens(commitment, disclosure) else {WITHHELD: "disclosure_does_not_open"}


@dataclass(frozen=True, slots=True)
class _Reader:
    """Who reads, under which definition, with what opens the entry's commitments."""

    actor: Actor
    definition: LifecycleDefinition
    entry: str
    disclosures: Mapping[str, Disclosure]

    def open(self, value: Any, path: str) -> Any:
        """Return a value in clear; where its disclosure is gone or opens something else, say so instead."""
        return open_value(value, self.disclosures.get(path)) if is_commitment(value) else value

    def _kept_back(self, path: str, value: Any) -> bool:
        """Return whether this is a deadline that an officer added, not for the reader."""
        return path.startswith("/deadlines/") and "to" in value and not sees_deadline(self.actor, value)

    def _undecided(self, path: str) -> bool:
        """Return whether this is what was verified of a list, which the unit reads with the decision and not before."""
        return self.actor.scope == "unit" and path.startswith("/lists/") and "_verified" in path

    def change(self, index: int, change: Mapping[str, Any]) -> dict[str, Any]:
        """Return a change with its values as the reader may see them."""
        path = change["path"]
        shown: dict[str, Any] = {"path": path}
        unseen = path.removeprefix("/record/") in hidden_fields(self.actor, self.definition)
        unseen |= path.removeprefix("/documents/") in hidden_documents(self.actor, self.definition)
        for side in ("old", "new"):
            value = self.open(change[side], f"/changes/{index}/{side}")
            if value is not None and (unseen or self._kept_back(path, value) or self._undecided(path)):
                value = KEPT
            elif path == "/pending" and value is not None and WITHHELD not in value:
                value = pending_for(self.actor, self.definition, value) or KEPT
            shown[side] = value
        return shown


def project_history(tx: Transaction, caller: Caller, project: str, after_seq: int = 0, limit: int = 100) -> Page:
    """Return a project's entries in order as the caller may see them; `next` is the seq to go on after.

    Attempts that came to nothing are for those who see all projects. What tells
    of a document whose kind is kept from the caller is left out. A value that is kept back reads
    `{"$withheld": "role"}` where it is not for the caller, `"redacted"` where its disclosure was deleted. Reasons are
    for everybody who reaches the project, but what the first of two persons signed only for those who could sign it.
    Four reads for any page.

    Raises:
        NotFound: there is no such project within the caller's reach.
        Unreadable: the limit is not 1 to 200.
    """
    check_limit(limit)
    loaded = load_project(tx, caller, project)
    outcomes = ("success", "denied", "failed") if caller.actor.scope == "all" else ("success",) * 3
    one, two, three = outcomes
    of = f"project/{project}"
    found = tx.fetch(ENTRIES, of=of, after=after_seq, limit=limit + 1, one=one, two=two, three=three)
    rows = found[:limit]
    bodies = [parse_canonical(row["body"]) for row in rows]
    disclosures = disclosures_of(tx, [row["id"] for row in rows])
    names = names_in(tx, bodies)
    items = [
        _told(tx, loaded, caller.actor, row, body, disclosures.get(row["id"], {}), names)
        for row, body in zip(rows, bodies, strict=True)
        if not _is_of_hidden_document(tx, loaded, caller.actor, body)
    ]
    return Page(items, str(rows[-1]["seq"]) if len(found) > limit else None)


def _told(
    tx: Transaction,
    loaded: Loaded,
    actor: Actor,
    row: Row,
    body: Mapping[str, Any],
    disclosures: Mapping[str, Disclosure],
    names: Mapping[str, str],
) -> dict[str, Any]:
    action = body["action"] or {}
    pinned = action.get("definition") or loaded.row["definition_hash"]
    definition = rules_for(tx, pinned, loaded.row["policy_hash"]).definition
    reader = _Reader(actor, definition, row["id"], disclosures)
    changes = [reader.change(index, change) for index, change in enumerate(body["changes"])]
    deadlines = {number: one for number, one in loaded.row["deadlines"].items() if sees_deadline(actor, one)}
    kept_back = body["type"] == "project.signed" and not may_sign(actor, definition, action.get("name") or "")
    kept_back |= actor.scope != "all" and any(_is_internal(change, deadlines) for change in changes)
    hidden = hidden_documents(actor, definition)
    reason = reader.open(body["reason"], "/reason")
    who = {**{name: body["actor"][name] for name in ("kind", "id", "role")}, "name": names.get(body["actor"]["id"])}
    told: dict[str, Any] = {
        "seq": row["seq"],
        "id": row["id"],
        "at": body["at"],
        "type": body["type"],
        "outcome": body["outcome"],
        "actor": who,
        "action": body["action"],
        "changes": changes,
        "reason": KEPT if kept_back and reason is not None else reason,
        "docs": [] if kept_back else [item for item in body["docs"] if item.get("kind") not in hidden],
        "refused_by": refused_by(action),
        "leaf": row["leaf"].hex(),
    }
    at: datetime = row["at"]
    zone = loaded.rules.policy.policy.zone
    return {**told, "sentence": tell(definition, told, at, zone, names, deadlines)}


def _is_of_hidden_document(tx: Transaction, loaded: Loaded, actor: Actor, body: Mapping[str, Any]) -> bool:
    """Return whether an entry tells of nothing but a document of a kind whose existence is kept from the reader."""
    kinds = {change["new"]["kind"] for change in body["changes"] if change["path"] == "/document"}
    if not kinds:
        return False
    pinned = body["action"]["definition"] or loaded.row["definition_hash"]
    hidden = hidden_documents(actor, rules_for(tx, pinned, loaded.row["policy_hash"]).definition)
    return not kinds.isdisjoint(hidden)


def _is_internal(change: Mapping[str, Any], deadlines: Mapping[str, Any]) -> bool:
    """Return whether what was said of a change is for those who see all projects, and for none of the others.

    So it is with a deadline or a chase that the reader is not to know of, and with what the province hands over.
    """
    _, head, *rest = change["path"].split("/")
    if head == "deadlines":
        return change["new"] is None or "title" not in change["new"]
    if head == "chased":
        return change["new"]["kind"] == BY_HAND and str(change["new"]["number"]) not in deadlines
    role = role_book().roles.get(rest[0]) if head == "responsible" and rest else None
    return role is not None and role.scope == "all"


def disclosures_of(tx: Transaction, entries: Sequence[str]) -> dict[str, dict[str, Disclosure]]:
    """Return what opens these entries' commitments, by entry and path."""
    found: dict[str, dict[str, Disclosure]] = {}
    for row in select_many(tx, DISCLOSURES, "entries", entries):
        found.setdefault(row["entry_id"], {})[row["path"]] = Disclosure(**row)
    return found


def names_in(tx: Transaction, bodies: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the names of those who acted and of those who were put in charge."""
    people = {body["actor"]["id"] for body in bodies}
    charged = (change for body in bodies for change in body["changes"] if change["path"].startswith("/responsible/"))
    people |= {change[side] for change in charged for side in ("old", "new") if change[side]}
    known = [person for person in sorted(people) if is_identifier(person)]
    return {row["id"]: row["name"] for row in select_many(tx, NAMES, "people", known)}
