"""What happened to dockets, panels and objections, as people read it: entries of their streams, each in a sentence.

Whoever reads the thing itself reads its trail; what the thing keeps from a reader its trail keeps back too.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from lifecycle.callers import Caller
from lifecycle.canonical import parse_canonical
from lifecycle.commitments import Disclosure, is_commitment
from lifecycle.database import Transaction
from lifecycle.dockets.shelf import find_docket
from lifecycle.history import ENTRIES, KEPT, disclosures_of, names_in, open_value
from lifecycle.objections.reading import find_objection, unmasked
from lifecycle.pages import Page, check_limit
from lifecycle.panels.panel import may_see, panel_of_batch
from lifecycle.rulebooks import RuleSet, rules_for, rules_of_row
from lifecycle.sentences import refused_by
from lifecycle.statements import Row
from lifecycle.trail_sentences import tell_trail
from lifecycle.visibility import hidden_documents, hidden_fields
from states.definition import LifecycleDefinition
from states.facts import Actor

Keeps = Callable[[str, str], bool]  # (type of entry, path) -> whether the value is kept back
DRAFT_SHEET = "panel.sheet_kept"
OPEN_OF_SHEET = ("/sheet", "/sheet/status", "/sheet/version")


class Trail(NamedTuple):
    """A stream that somebody may read: by which rules it is told, what is left out of it, what is kept back."""

    stream: str
    rules: RuleSet
    keeps: Keeps
    leaves_out: Keeps = lambda _type, _path: False
    whole: bool = True  # reasons and papers are for the reader


def docket_history(tx: Transaction, caller: Caller, docket: str, after_seq: int = 0, limit: int = 100) -> Page:
    """Return a docket's entries in order; `next` is the seq to go on after.

    Attempts that came to nothing are for those who see all projects. Four reads for any page, as with a project's.

    Raises:
        NotFound: there is none within the caller's reach.
        Unreadable: the limit is not 1 to 200.
    """
    held = find_docket(tx, caller, docket)
    hidden = _hidden_paths(caller.actor, held.rules.definition)
    return _page(tx, caller, Trail(f"docket/{held.row['id']}", held.rules, hidden), after_seq, limit)


def panel_history(
    tx: Transaction, caller: Caller, batch: Row, number: int, after_seq: int = 0, limit: int = 100
) -> Page:
    """Return a panel's entries in order; the points of a sheet that is still a draft are its expert's own.

    Raises:
        Forbidden: the caller may not know of panels.
        NotFound: there is none of this number.
        Unreadable: the limit is not 1 to 200.
    """
    may_see(caller)
    row = panel_of_batch(tx, batch, number)
    trail = Trail(
        f"panel/{row['id']}",
        rules_of_row(tx, batch),
        lambda kind, path: kind == DRAFT_SHEET and path not in OPEN_OF_SHEET,
    )
    return _page(tx, caller, trail, after_seq, limit)


def objection_history(tx: Transaction, caller: Caller, objection: str, after_seq: int = 0, limit: int = 100) -> Page:
    """Return an objection's entries in order; for a masked reader without what is masked, papers and findings.

    Raises:
        NotFound: there is none on a project within the caller's reach.
        Unreadable: the limit is not 1 to 200.
    """
    row = find_objection(tx, caller, objection)
    rules, whole = rules_for(tx, row["definition_hash"], row["policy_hash"]), caller.actor.scope == "all"
    seen = unmasked(row)
    trail = Trail(
        f"objection/{row['id']}",
        rules,
        lambda _kind, _path: False,
        (lambda _kind, _path: False) if whole else (lambda _kind, path: path not in seen),
        whole,
    )
    return _page(tx, caller, trail, after_seq, limit)


def _page(tx: Transaction, caller: Caller, trail: Trail, after_seq: int, limit: int) -> Page:
    check_limit(limit)
    one, two, three = ("success", "denied", "failed") if caller.actor.scope == "all" else ("success",) * 3
    found = tx.fetch(ENTRIES, of=trail.stream, after=after_seq, limit=limit + 1, one=one, two=two, three=three)
    rows = found[:limit]
    bodies = [parse_canonical(row["body"]) for row in rows]
    disclosures = disclosures_of(tx, [row["id"] for row in rows])
    names = names_in(tx, bodies)
    items = [
        _told(trail, row, body, disclosures.get(row["id"], {}), names) for row, body in zip(rows, bodies, strict=True)
    ]
    return Page(items, str(rows[-1]["seq"]) if len(found) > limit else None)


def _told(
    trail: Trail,
    row: Row,
    body: Mapping[str, Any],
    disclosures: Mapping[str, Disclosure],
    names: Mapping[str, str],
) -> dict[str, Any]:
    changes = [
        _change(trail, body["type"], index, change, disclosures)
        for index, change in enumerate(body["changes"])
        if not trail.leaves_out(body["type"], change["path"])
    ]
    told: dict[str, Any] = {
        "seq": row["seq"],
        "id": row["id"],
        "at": body["at"],
        "type": body["type"],
        "outcome": body["outcome"],
        "actor": {
            **{name: body["actor"][name] for name in ("kind", "id", "role")},
            "name": names.get(body["actor"]["id"]),
        },
        "action": body["action"],
        "changes": changes,
        "reason": _opened(body["reason"], "/reason", disclosures) if trail.whole else None,
        "docs": list(body["docs"]) if trail.whole else [],
        "refused_by": refused_by(body["action"] or {}),
        "leaf": row["leaf"].hex(),
    }
    sentence = tell_trail(trail.rules.definition, told, row["at"], trail.rules.policy.policy.zone)
    return {**told, "sentence": sentence}


def _change(
    trail: Trail, kind: str, index: int, change: Mapping[str, Any], disclosures: Mapping[str, Disclosure]
) -> dict[str, Any]:
    path, shown = change["path"], {"path": change["path"]}
    for side in ("old", "new"):
        value = _opened(change[side], f"/changes/{index}/{side}", disclosures)
        shown[side] = KEPT if value is not None and trail.keeps(kind, path) else _without(trail, kind, path, value)
    return shown


def _opened(value: Any, path: str, disclosures: Mapping[str, Disclosure]) -> Any:
    return open_value(value, disclosures.get(path)) if is_commitment(value) else value


def _without(trail: Trail, kind: str, path: str, value: Any) -> Any:
    """Return a docket's item without the fields and documents that are kept back."""
    if not isinstance(value, Mapping):
        return value
    return {
        name: {key: one for key, one in inner.items() if not trail.keeps(kind, f"{path}/{name}/{key}")}
        if name in ("fields", "documents") and isinstance(inner, Mapping)
        else inner
        for name, inner in value.items()
    }


def _hidden_paths(actor: Actor, definition: LifecycleDefinition) -> Keeps:
    """Return what tells whether a path of a docket's stream ends in a field or a document kept from the reader."""
    unseen = {"header": hidden_fields(actor, definition), "fields": hidden_fields(actor, definition)}
    unseen["documents"] = hidden_documents(actor, definition)

    def keeps(_kind: str, path: str) -> bool:
        *_, place, name = ("", *path.split("/"))
        return name in unseen.get(place, ())

    return keeps
