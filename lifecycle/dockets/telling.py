"""Entries of a docket's stream: each change of it by path, in as many entries as the log's limit asks for."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
import sqlalchemy as sa

from lifecycle import audit
from lifecycle.audit import Built, Change, Deed, Head, Log, person_of
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.dockets.shelf import table
from lifecycle.projects import append_many
from lifecycle.signing import Receipt
from lifecycle.statements import Row, Statement
from states.definition import LifecycleDefinition

SIZE = 20 * 1024  # of the changes in one entry; canonical.SIZE_LIMIT holds the whole
COMMITMENT = 64  # bytes of a value that is committed to
WRITTEN = (
    *("status", "header", "documents", "note", "receipt", "signed", "version"),
    *("released_at", "changed_at", "head_seq", "head_hash"),
)
UPDATE = Statement(
    sa.update(table).where(table.c.id == sa.bindparam("of")).values({name: sa.bindparam(name) for name in WRITTEN})
)


def record(
    tx: Transaction,
    log: Log,
    caller: Caller,
    before: Row,
    after: Row,
    act: str,
    changes: Sequence[Change],
    reason: str | None = None,
    docs: Sequence[Mapping[str, Any]] = (),
) -> Receipt:
    """Write a docket's new row with the entries that tell it, and return the receipt of the last.

    `before` has been locked; `after` is one version further on and takes its new head.
    """
    action = {
        "name": act,
        "from": before["status"],
        "to": after["status"],
        "rule": None,
        "override": [],
        "definition": before["definition_hash"],
        "policy": before["policy_hash"],
    }
    name, head = f"docket/{after['id']}", Head(before["head_seq"], before["head_hash"])
    keys, built = audit.keys_of(tx, person_of(caller)), list[Built]()
    for part in _parts(changes):
        deed = Deed(
            name,
            f"docket.{act}",
            ("docket", after["id"], after["version"]),
            action=action,
            changes=part,
            reason=reason,
            docs=docs if not built else (),
        )
        built.append(audit.build(log, caller, head, deed, keys))
        head = built[-1].head
    after.update(head_seq=head.seq, head_hash=head.hash, changed_at=caller.now)
    tx.queue(UPDATE, of=after["id"], **{column: after[column] for column in WRITTEN})
    tx.flush()
    append_many(tx, built)
    return built[-1].receipt


def _parts(changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
    """Yield the changes in parts that fit an entry each; one part at least."""
    begin, size = 0, 0
    for index, change in enumerate(changes):
        more = len(change.path.encode()) + COMMITMENT
        more += 0 if change.person else len(orjson.dumps([change.old, change.new]))
        if size and size + more > SIZE:
            yield changes[begin:index]
            begin, size = index, 0
        size += more
    yield changes[begin:]


def changes_of_row(definition: LifecycleDefinition, before: Row, after: Row, author: str) -> list[Change]:
    """Return what differs between two rows of a docket, as the log tells it."""
    found = []
    for name in ("status", "receipt"):
        if before[name] != after[name]:
            found.append(Change(f"/{name}", before[name], after[name]))
    for nested in ("header", "documents"):
        old, new = before[nested], after[nested]
        for name in sorted({*old, *new}):
            if old.get(name) != new.get(name):
                private = nested == "header" and definition.fields[name].sensitive
                person = author if private else None
                found.append(Change(f"/{nested}/{name}", None if person else old.get(name), new.get(name), person))
    if before["note"] != after["note"]:
        found.append(Change("/note", None, after["note"], author))
    return found


def changes_of_item(
    definition: LifecycleDefinition, before: Row | None, after: Row | None, author: str
) -> list[Change]:
    """Return what differs between an item before and after (None: it is not there), as the log tells it.

    What may stand in clear is one value; each sensitive field and the note are committed to on their own.
    """
    row = after or before
    assert row is not None
    place = f"/items/{row['project_id']}"
    old, new = (_plain(definition, item) if item else None for item in (before, after))
    found = [Change(place, old, new)] if old != new else []
    for name in sorted({*_private(definition, before), *_private(definition, after)}):
        value = after["fields"].get(name) if after else None
        if not before or before["fields"].get(name) != value:
            found.append(Change(f"{place}/fields/{name}", None, value, author))
    note = after["note"] if after else None
    if (before["note"] if before else None) != note:
        found.append(Change(f"{place}/note", None, note, author))
    return found


def _plain(definition: LifecycleDefinition, item: Row) -> dict[str, Any]:
    fields = {name: value for name, value in item["fields"].items() if not definition.fields[name].sensitive}
    own = {name: item[name] for name in ("position", "event", "documents")}
    return {**own, "fields": fields}


def _private(definition: LifecycleDefinition, item: Row | None) -> list[str]:
    return [name for name in (item["fields"] if item else ()) if definition.fields[name].sensitive]
