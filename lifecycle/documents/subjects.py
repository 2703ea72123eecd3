"""What documents can be documents of: projects, dockets and batches, each with its rules, reach and locked stream."""

from dataclasses import dataclass
from typing import Any

from lifecycle import overviews
from lifecycle.attempts import LOCK_SUBJECT
from lifecycle.batches import rules_of
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.dockets.shelf import WITHDRAWN, find_docket
from lifecycle.errors import Forbidden, Unreadable
from lifecycle.projects import plain_action
from lifecycle.requests import is_identifier
from lifecycle.rulebooks import RuleSet
from lifecycle.statements import Row
from lifecycle.transition import load_project, nowhere
from lifecycle.visibility import hidden_documents
from states.facts import Actor
from states.findings import Text
from states.roles import role_book

PROJECT, DOCKET, BATCH = "project", "docket", "batch"


@dataclass(frozen=True, slots=True)
class Subject:
    """A project, docket or batch as its documents see it. `city`: whose documents of the latter the caller handles."""

    kind: str
    id: str
    code: str
    batch: str
    city: str | None
    stage: str
    ended: bool
    rules: RuleSet
    action: dict[str, Any] | None  # what the log calls the state it is in


def find_subject(tx: Transaction, caller: Caller, kind: str, name: str) -> Subject:
    """Return a subject within the caller's reach: a project or docket by id, a batch by code or id.

    Raises:
        NotFound: there is none.
        Forbidden: documents of a batch are for the province, the city bureaus and the auditor.
    """
    actor = caller.actor
    if kind == PROJECT:
        loaded = load_project(tx, caller, name)
        row, rules = loaded.row, loaded.rules
        state = rules.definition.states[row["state"]]
        action = plain_action("store_document", row)
        return Subject(kind, row["id"], row["code"], row["batch_id"], None, state.phase, state.final, rules, action)
    if kind == DOCKET:
        held = find_docket(tx, caller, name)
        first = held.rules.definition.by_event[held.spec.events[0]][0]
        stage = held.rules.definition.states[first.source[0]].phase
        code, city = f"{held.row['batch_code']}/{held.row['kind']}/{held.row['number']}", held.row["city"] or None
        ended = held.row["status"] == WITHDRAWN
        return Subject(kind, held.row["id"], code, held.row["batch_id"], city, stage, ended, held.rules, None)
    batch = overviews.find_batch(tx, caller, name)
    if actor.scope not in ("all", "city"):
        raise Forbidden(Text("批次材料由省厅和市工信局管理", "a batch's documents are the province's and the cities'"))
    rules = rules_of(tx, batch)
    stage = rules.definition.states[rules.definition.definition.initial].phase
    city = actor.city if actor.scope == "city" else None
    return Subject(kind, batch["id"], batch["code"], batch["id"], city, stage, False, rules, None)


def lock_head(tx: Transaction, subject: Subject) -> Row:
    """Return the version and head of a subject's stream, its row locked.

    Raises:
        NotFound: it is there no longer.
    """
    row = tx.one(LOCK_SUBJECT[subject.kind], wanted=subject.id) if is_identifier(subject.id) else None
    if row is None:
        raise nowhere()
    return row


def may_attach(caller: Caller, subject: Subject, kind: str) -> None:
    """Refuse a caller who may not bring in a document of this kind.

    The province may; others bring what an act of theirs takes, as long as the subject has not come to its end.

    Raises:
        Unreadable: there is no such kind, or it is kept from the caller, which looks the same.
        Forbidden: so.
    """
    actor, definition = caller.actor, subject.rules.definition
    if kind not in definition.documents or kind in hidden_documents(actor, definition):
        raise Unreadable(Text(f"没有材料种类{kind[:64]}", f"there is no kind of document {kind[:64]}"))
    label = definition.documents[kind]
    if "attach" not in actor.rights or not (_is_provincial(actor) or _brings(actor, subject, kind)):
        raise Forbidden(Text(f"“{label.zh}”不由您的角色上传", f"{label.en} is not for your role to bring in"))
    if subject.ended and not _is_provincial(actor):
        raise Forbidden(Text("项目已了结，材料由省厅补充", "the project has ended: the province alone adds to it"))


def _is_provincial(actor: Actor) -> bool:
    return actor.role in role_book().groups["province"]


def _brings(actor: Actor, subject: Subject, kind: str) -> bool:
    book = role_book()
    return any(
        actor.role in book.expand(arrow.by)
        for arrow in subject.rules.definition.transitions
        if kind in arrow.documents or kind in arrow.optional_documents
    )
