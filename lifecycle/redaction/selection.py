"""What a redaction is to take: chosen disclosures, all of a person, or both; told without their values."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

from lifecycle.canonical import instant, parse_canonical
from lifecycle.database import Transaction
from lifecycle.errors import Unreadable
from lifecycle.requests import is_identifier
from lifecycle.sets import for_both, select_many, within
from lifecycle.statements import Row, Statement
from lifecycle.tables import Disclosure, Entry
from states.findings import Text

_entry = Entry.__table__  # type: ignore[attr-defined]
_disclosure = Disclosure.__table__  # type: ignore[attr-defined]

MOST = 10_000  # disclosures that one redaction takes
CHOSEN = 1_000  # entries that one proposal names
PERSON = re.compile(r"[a-z]{1,20}/[A-Za-z0-9:._-]{1,99}")
_JOINED = sa.select(
    *(_disclosure.c[name] for name in ("entry_id", "path", "person", "value")),
    *(_entry.c[name] for name in ("stream", "seq", "at", "type", "body")),
).join(_entry, _entry.c.id == _disclosure.c.entry_id)
OF_PERSON = Statement(
    _JOINED.where(_disclosure.c.person == sa.bindparam("of")).limit(sa.literal(MOST + 1, sa.Integer()))
)
OF_ENTRIES = for_both(lambda d: _JOINED.where(within(_disclosure.c.entry_id, "entries", d, "uuid")))


class Selection(NamedTuple):
    """What is to go: these disclosures (entry and path), and all of this person; `erase`: from the live rows too."""

    items: tuple[tuple[str, str], ...] = ()
    person: str | None = None
    erase: bool = False


class Chosen(NamedTuple):
    """A disclosure that would go. `what`: the path within the project that it tells a change of, or its own."""

    entry: str
    path: str
    person: str
    stream: str
    seq: int
    at: str
    type: str
    what: str
    value: Any


def selection_of(row: Mapping[str, Any]) -> Selection:
    """Return what a proposal is to take."""
    return Selection(tuple((entry, path) for entry, path in row["items"]), row["person"], row["erase"])


def select(
    tx: Transaction, entries: Mapping[str, Sequence[str] | None], person: str | None, erase: bool
) -> tuple[Selection, list[Chosen]]:
    """Return what is meant by entries with their paths (None: all of them) and a person, and what that is now.

    Raises:
        Unreadable: nothing is named; an entry or path has no disclosure; the name of a person cannot be one; or it is
            more than one redaction takes.
    """
    if not entries and person is None:
        raise Unreadable(Text("须指明记录或人员", "name entries, or a person"))
    if len(entries) > CHOSEN or not all(map(is_identifier, entries)):
        raise Unreadable(Text(f"记录编号无效，或多于{CHOSEN}条", f"entries are named by id, at most {CHOSEN}"))
    if person is not None and not PERSON.fullmatch(person):
        raise Unreadable(Text("人员应写作user/…、contact/…或objector/…", "a person is user/…, contact/… or objector/…"))
    rows = select_many(tx, OF_ENTRIES, "entries", list(entries)) if entries else []
    known = {(row["entry_id"], row["path"]) for row in rows}
    named = {(entry, path) for entry, paths in entries.items() for path in paths or ()}
    bare = {entry for entry, paths in entries.items() if paths is None} - {entry for entry, _ in known}
    if named - known or bare:
        entry, path = min(named - known) if named - known else (min(bare), "")
        raise Unreadable(
            Text(f"记录{entry}没有可隐去的内容{path[:64]}", f"entry {entry} has nothing to redact {path[:64]}")
        )
    items = named | {(entry, path) for entry, path in known if entries[entry] is None}
    selection = Selection(tuple(sorted(items)), person, erase)
    return selection, chosen(tx, selection)


def chosen(tx: Transaction, selection: Selection) -> list[Chosen]:
    """Return the disclosures that a selection means as they are now, by stream, entry and path. Two reads.

    Raises:
        Unreadable: they are more than one redaction takes.
    """
    wanted = set(selection.items)
    entries = sorted({entry for entry, _ in wanted})
    rows = [
        row
        for row in (select_many(tx, OF_ENTRIES, "entries", entries) if entries else ())
        if (row["entry_id"], row["path"]) in wanted
    ]
    if selection.person is not None:
        rows += tx.fetch(OF_PERSON, of=selection.person)
    found = {(row["entry_id"], row["path"]): row for row in rows}
    if len(found) > MOST:
        raise Unreadable(
            Text(f"一次至多隐去{MOST}项，请先按记录分批", f"more than {MOST} at once: take some by their entries first")
        )
    return sorted(map(_chosen, found.values()), key=lambda one: (one.stream, one.seq, one.path))


def digest_of(selection: Selection, found: Sequence[Chosen], standing: Sequence[tuple[Any, ...]]) -> str:
    """Return the digest of a preview: another where anything else would go."""
    told = [
        [(one.entry, one.path) for one in found],
        selection.person,
        selection.erase,
        [tuple(one) for one in standing],
    ]
    return hashlib.sha256(orjson.dumps(told)).hexdigest()


def _chosen(row: Row) -> Chosen:
    what = row["path"]
    if what.startswith("/changes/"):
        what = parse_canonical(row["body"])["changes"][int(what.split("/")[2])]["path"]
    told = (row["entry_id"], row["path"], row["person"], row["stream"], row["seq"])
    return Chosen(*told, instant(row["at"]), row["type"], what, row["value"])
