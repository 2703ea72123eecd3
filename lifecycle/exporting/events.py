"""An entry as an event of process mining: what was done and how it ended, with whom and with what it has to do."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

from lifecycle.database import Transaction
from lifecycle.requests import is_identifier
from lifecycle.rulebooks import definition_for
from lifecycle.sentences import act_label
from lifecycle.statements import Row, Statement
from lifecycle.tables import Rulebook
from states.definition import LifecycleDefinition
from states.roles import role_book

_rulebook = Rulebook.__table__  # type: ignore[attr-defined]
DEFINITIONS = Statement(sa.select(_rulebook.c.hash).where(_rulebook.c.kind == "definition"))
# What stands under these names in an entry's changes, alone or in a list, is the id of such an object.
NAMED = {
    "batch_id": "batch",
    "project_id": "project",
    "project": "project",
    "projects": "project",
    "items": "project",
    "docket": "docket",
    "panel": "panel",
    "expert": "user",
    "experts": "user",
    "chair": "user",
}


class Relation(NamedTuple):
    """An object that an event has to do with, and as what."""

    kind: str
    id: str
    qualifier: str

    @property
    def name(self) -> str:
        """Return the object's name: kind and id, as the log's streams are called."""
        return f"{self.kind}/{self.id}"


class Event(NamedTuple):
    """An entry with its body read; `labels` knows what its codes are called."""

    row: Row
    body: dict[str, Any]
    labels: "Labels"

    @property
    def action(self) -> Mapping[str, Any]:
        """Return what was asked for; empty where the entry tells of no act."""
        return self.body["action"] or {}

    @property
    def activity(self) -> str:
        """Return the act's code, or the entry's type where there is none."""
        return str(self.action.get("name") or self.body["type"])

    @property
    def subject(self) -> Relation:
        """Return what the entry is about."""
        subject = self.body["subject"]
        return Relation(subject["kind"], subject["id"], "subject")

    def relations(self) -> list[Relation]:
        """Return everything that the event has to do with, the subject first, each once."""
        actor = self.body["actor"]
        found = [self.subject, Relation(actor["kind"], actor["id"], "actor")]
        if actor["role"]:
            found.append(Relation("role", actor["role"], "role"))
        if actor["on_behalf_of"]:
            found.append(Relation("user", actor["on_behalf_of"], "on_behalf_of"))
        found += (Relation("document", document_of(doc), "document") for doc in self.body["docs"] if "id" in doc)
        for change in self.body["changes"]:
            found += _told_by(change)
        return list(dict.fromkeys(found))


class Labels:
    """What acts, states and roles are called, by the definitions that the entries name."""

    def __init__(self, tx: Transaction) -> None:
        """Take the transaction that reads; definitions are read when an entry first names them."""
        self._tx = tx
        self._stored = {row["hash"] for row in tx.fetch(DEFINITIONS)}

    def act(self, event: Event) -> str | None:
        """Return what the act is called."""
        definition = self._definition(event)
        name = event.action.get("name")
        found = act_label(definition, name).zh if definition and name else None
        return None if found == name else found

    def state(self, event: Event, side: str) -> str | None:
        """Return what the state of a project before (`from`) or after (`to`) is called."""
        definition = self._definition(event) if event.body["subject"]["kind"] == "project" else None
        state = definition.states.get(event.action.get(side) or "") if definition else None
        return state.zh if state else None

    def role(self, event: Event) -> str | None:
        """Return what the role is called in which it was done."""
        role = role_book().roles.get(event.body["actor"]["role"])
        return role.label.zh if role else None

    def _definition(self, event: Event) -> LifecycleDefinition | None:
        digest = str(event.action.get("definition"))
        return definition_for(self._tx, digest) if digest in self._stored else None


class Attribute(NamedTuple):
    """What is told of an event beside the standards' own: code, kind of value, names, and how it follows from it."""

    code: str
    kind: str  # int or string
    zh: str
    told: str
    of: Callable[[Event], Any]


ATTRIBUTES = (
    Attribute("index", "int", "封存序号", "place in the tree, from 0", lambda e: e.row["index"]),
    Attribute("leaf", "string", "记录哈希", "hash of the entry, hex", lambda e: e.row["leaf"].hex()),
    Attribute("type", "string", "类型", "kind of entry", lambda e: e.body["type"]),
    Attribute("outcome", "string", "结果", "success, denied, failed", lambda e: e.body["outcome"]),
    Attribute("label", "string", "操作名称", "the act in words", lambda e: e.labels.act(e)),
    Attribute("from", "string", "原状态", "state before", lambda e: e.action.get("from")),
    Attribute("from_label", "string", "原状态名称", "the same in words", lambda e: e.labels.state(e, "from")),
    Attribute("to", "string", "新状态", "state after", lambda e: e.action.get("to")),
    Attribute("to_label", "string", "新状态名称", "the same in words", lambda e: e.labels.state(e, "to")),
    Attribute("override", "string", "突破的规则", "rules set aside", lambda e: _spaced(e.action.get("override"))),
    Attribute("rule", "string", "不予办理的依据", "rules that refused it", lambda e: _spaced(e.action.get("rule"))),
    Attribute("role_label", "string", "角色名称", "the role in words", lambda e: e.labels.role(e)),
    Attribute("channel", "string", "途径", "api, cli, schedule", lambda e: e.body["source"]["channel"]),
)  # fmt: skip


def events(rows: Iterable[Row], labels: Labels) -> Iterator[Event]:
    """Yield the entries as events."""
    for row in rows:
        yield Event(row, orjson.loads(row["body"]), labels)


def attributes(event: Event) -> Iterator[tuple[Attribute, Any]]:
    """Yield what is told of an event, without what it has nothing of."""
    for attribute in ATTRIBUTES:
        value = attribute.of(event)
        if value is not None:
            yield attribute, value


def document_of(doc: Mapping[str, Any]) -> str:
    """Return what names one version of a document."""
    return f"{doc['id']}@{doc.get('version')}"


def _told_by(change: Mapping[str, Any]) -> Iterator[Relation]:
    """Yield the objects that a change names: in its path, as a value, in a list, or in a value's own fields."""
    parts = change["path"].split("/")
    for name, part in pairwise(parts):
        yield from _named(name, part)
    for value in (change["old"], change["new"]):
        yield from _named(parts[-1], value)
        for name in value if isinstance(value, dict) else ():
            yield from _named(name, value[name])


def _named(name: str, value: Any) -> Iterator[Relation]:
    kind = NAMED.get(name)
    for one in value if isinstance(value, list) else [value] if kind else ():
        found = one.get("id") if isinstance(one, dict) else one
        if kind and isinstance(found, str) and is_identifier(found):
            yield Relation(kind, found, name.removesuffix("_id"))


def _spaced(values: Iterable[str] | None) -> str | None:
    return " ".join(values or ()) or None
