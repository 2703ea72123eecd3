"""What lies in the file store and belongs to no document: found and shown, then removed; and what is missing there.

A file's row is made before its content is named and marked before it is removed, so an upload and a sweep of the same
content never pass each other by.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from lifecycle import audit
from lifecycle.audit import Change, Deed, Log
from lifecycle.callers import Caller
from lifecycle.database import Database
from lifecycle.documents.keeping import ADD_FILE, FIND_FILE
from lifecycle.documents.references import file_table, table
from lifecycle.errors import Forbidden
from lifecycle.files.store import INCOMING, NAME, FileStore, Held
from lifecycle.statements import Row, Statement
from states.findings import Text

YOUNG = timedelta(hours=24)  # longer than any upload takes
_USED = sa.exists().where(table.c.sha256 == file_table.c.sha256)
FILES = Statement(sa.select(file_table, _USED.label("used")).order_by(file_table.c.sha256))
IS_USED = Statement(sa.select(table.c.id).where(table.c.sha256 == sa.bindparam("of")).limit(1))
MARK = Statement(
    sa.update(file_table)
    .where(file_table.c.sha256 == sa.bindparam("of"))
    .values(leaving=sa.literal(True, sa.Boolean()))
)
FORGET = Statement(sa.delete(file_table).where(file_table.c.sha256 == sa.bindparam("of"), file_table.c.leaving))


@dataclass(frozen=True, slots=True)
class Orphan:
    """Something that no document refers to. `sha256` is None where it is no whole file of ours."""

    path: str
    sha256: str | None
    size: int | None
    why: str  # unused | unknown | half | stray


@dataclass(frozen=True, slots=True)
class Found:
    """A look at the store beside the database: orphans old enough to go, and files whose content is missing."""

    orphans: list[Orphan] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)  # SHA-256 of files that documents refer to
    files: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return what was found as JSON values."""
        orphans = [{"path": one.path, "sha256": one.sha256, "size": one.size, "why": one.why} for one in self.orphans]
        return {"files": self.files, "orphans": orphans, "missing": self.missing}


def find_orphans(database: Database, store: FileStore, caller: Caller) -> Found:
    """Return what a sweep would remove and what is missing; nothing is changed.

    What came within a day is left alone: it may belong to an upload that is under way.

    Raises:
        Forbidden: for those who may not.
    """
    may_sweep(caller)
    with database.reading() as tx:  # before the store is read: what comes in between is in neither
        rows = {row["sha256"]: row for row in tx.fetch(FILES)}
    held = store.held()
    names = {one.name for one in held if _is_whole(store, one)}
    used = [sha256 for sha256, row in rows.items() if row["used"]]
    orphans = sorted(_orphans(store, caller, rows, held), key=lambda one: (one.why, one.path))
    return Found(orphans, [sha256 for sha256 in used if sha256 not in names], len(used))


def sweep(database: Database, store: FileStore, log: Log, caller: Caller) -> Found:
    """Remove what `find_orphans` finds and return it; one that is used by then stays. Recorded in `system/files`.

    Each file: marked in a transaction, removed from the store, forgotten in another. Killed in between, the next sweep
    goes on with it.

    Raises:
        Forbidden: for those who may not.
        FileUnavailable: the store cannot be reached.
    """
    found = find_orphans(database, store, caller)
    gone = [one for one in found.orphans if one.sha256 is None or _mark(database, caller, one)]
    for one in gone:
        store.remove(one.path)
    with database.transaction() as tx:
        for one in gone:
            if one.sha256 is not None:
                tx.queue(FORGET, of=one.sha256)
        tx.flush()
        if gone:
            removed = [one.sha256 or one.path.rpartition("/")[2] for one in gone]
            changes = [Change("/swept", None, len(removed)), Change("/files", None, removed[:200])]
            deed = Deed("system/files", "system.files_swept", ("system", "files", None), changes=changes)
            audit.append_to_system(tx, log, caller, deed)
    return Found(gone, found.missing, found.files)


def may_sweep(caller: Caller) -> None:
    """Refuse a caller who does not run the system.

    Raises:
        Forbidden: always for such a caller.
    """
    if "system" not in caller.actor.rights and caller.actor.kind != "system":
        raise Forbidden(Text("清理文件由系统管理员办理", "sweeping files is for the system administrator"))


def _orphans(store: FileStore, caller: Caller, rows: dict[str, Row], held: list[Held]) -> Iterator[Orphan]:
    before = caller.now - YOUNG
    for sha256, row in rows.items():
        if not row["used"] and (row["leaving"] or row["arrived_at"] < before):
            yield Orphan(store.place_of(sha256), sha256, row["size"], "unused")
    for one in held:
        whole = _is_whole(store, one)
        if one.since >= before or (whole and one.name in rows):
            continue
        if whole:
            yield Orphan(one.path, one.name, None, "unknown")
        else:
            yield Orphan(one.path, None, None, "half" if f"/{INCOMING}/" in one.path else "stray")


def _is_whole(store: FileStore, held: Held) -> bool:
    return NAME.fullmatch(held.name) is not None and held.path == store.place_of(held.name)


def _mark(database: Database, caller: Caller, orphan: Orphan) -> bool:
    """Mark a file as leaving, unless a document refers to it by now; one without a row is given a marked one."""
    with database.transaction() as tx:
        if orphan.why == "unknown":
            none = {"size": 0, "format": "unknown", "now": caller.now, "leaving": True}
            tx.fetch(ADD_FILE, sha256=orphan.sha256, **none)
        row = tx.one(FIND_FILE, wanted=orphan.sha256)
        if row is None or tx.one(IS_USED, of=orphan.sha256):
            return False
        if not row["leaving"] and row["arrived_at"] >= caller.now - YOUNG:
            return False
        tx.queue(MARK, of=orphan.sha256)
        return True
