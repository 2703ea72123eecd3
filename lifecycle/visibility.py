"""What of a project each caller may see: which projects at all, which fields, which signatures."""

from collections.abc import Mapping
from typing import Any

from states.definition import Labelled, LifecycleDefinition
from states.facts import Actor
from states.planning import BY_HAND
from states.roles import role_book


def reach_of(actor: Actor) -> dict[str, str] | None:
    """Return the conditions `of_city` or `of_unit` that keep a list within the actor's reach; None: sees nothing.

    The same reach as `transition.within_reach` gives for one project.
    """
    if "read" not in actor.rights:
        return None
    own = {"city": actor.city, "unit": actor.unit}.get(actor.scope)
    if own:
        return {f"of_{actor.scope}": own}
    return {} if actor.scope == "all" else None


def hidden_fields(actor: Actor, definition: LifecycleDefinition) -> frozenset[str]:
    """Return the fields of a record that are kept from the actor's role."""
    book = role_book()
    specs = definition.fields.items()
    return frozenset(name for name, spec in specs if actor.role in book.expand(spec.hidden_from))


def hidden_documents(actor: Actor, definition: LifecycleDefinition) -> frozenset[str]:
    """Return the kinds of documents that are kept from the actor's role."""
    book = role_book()
    specs = definition.documents.items()
    return frozenset(kind for kind, spec in specs if actor.role in book.expand(spec.hidden_from))


def may_sign(actor: Actor, definition: LifecycleDefinition, event: str) -> bool:
    """Return whether the actor may see what a first person signed: who could sign it too, and the auditor."""
    signers = (role_book().expand(transition.by) for transition in definition.by_event.get(event, ()))
    return "audit" in actor.rights or any(actor.role in roles for roles in signers)


def pending_for(
    actor: Actor, definition: LifecycleDefinition, pending: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """Return a first signature as the actor may see it: None where not at all."""
    if pending is None or not may_sign(actor, definition, pending["event"]):
        return None
    unseen = hidden_fields(actor, definition)
    return {**pending, "fields": {name: value for name, value in pending["fields"].items() if name not in unseen}}


def sees_deadline(actor: Actor, deadline: Mapping[str, Any]) -> bool:
    """Return whether the actor may see a deadline that an officer added.

    The province sees all, others those that tell them or whom they oversee: what an officer noted for the province
    itself need not be for the applicant's eyes.
    """
    return actor.scope == "all" or not roles_shown(actor).isdisjoint(deadline["to"])


def roles_shown(actor: Actor) -> frozenset[str]:
    """Return the roles of which someone who does not see all projects may know what they are told by hand."""
    scopes = {"city": ("city", "unit"), "unit": ("unit",)}.get(actor.scope, ())
    return frozenset(code for code, role in role_book().roles.items() if role.scope in scopes)


def label_of(labelled: Labelled | None, code: str) -> dict[str, str]:
    """Return a label in both languages; what has none is shown by its code."""
    return {"zh": labelled.zh, "en": labelled.en} if labelled else {"zh": code, "en": code}


def checkpoint_label(
    definition: LifecycleDefinition, deadlines: Mapping[str, Any], kind: str, number: int
) -> dict[str, str]:
    """Return a checkpoint's label in both languages: what an officer added by hand is called by its title."""
    if kind != BY_HAND:
        return label_of(definition.checkpoints.get(kind), kind)
    added = deadlines.get(str(number))
    return {"zh": added["title"], "en": added["title"]} if added else {"zh": "增设期限", "en": "added deadline"}
