"""What an export is taken from: the sealed entries of a scope, in the tree of the published head, within a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lifecycle.callers import Caller
from lifecycle.canonical import instant
from lifecycle.database import Transaction
from lifecycle.errors import Conflict, Forbidden
from lifecycle.exporting.scope import Kind, Scope, entries_by_stream, entries_of, scope_of
from lifecycle.seal.heads import TreeHead, parse_head
from lifecycle.seal.notes import NoteError, parse_note
from lifecycle.seal.tiles import CHECKPOINT
from lifecycle.seal.trees import root_of, size_of
from lifecycle.statements import Row
from states.findings import Text


@dataclass(frozen=True, slots=True)
class Source:
    """The entries of `scope` among the first of `head`, done at `since` or later and before `until`."""

    scope: Scope
    head: TreeHead
    made_at: str
    since: datetime | None = None
    until: datetime | None = None

    @property
    def about(self) -> str:
        """Return what it is about, as a part of a file's name."""
        about = self.scope.code or self.scope.kind
        return "".join(char if char.isascii() and (char.isalnum() or char in "-.") else "_" for char in about)

    def entries(self, tx: Transaction) -> Iterator[Row]:
        """Yield the entries: of the whole log by their place, of a part stream by stream."""
        return self._within(entries_of(tx, self.scope, self.head.size))

    def by_stream(self, tx: Transaction, kind: str = "") -> Iterator[list[Row]]:
        """Yield them stream by stream, some thousand at a time; `kind` is how the streams' names begin."""
        for rows in entries_by_stream(tx, self.scope, self.head.size, kind):
            yield list(self._within(iter([rows])))

    def _within(self, some: Iterator[list[Row]]) -> Iterator[Row]:
        for rows in some:
            for row in rows:
                if (self.since is None or row["at"] >= self.since) and (self.until is None or row["at"] < self.until):
                    yield row


def source_of(
    tx: Transaction,
    origin: str,
    folder: Path,
    caller: Caller,
    kind: Kind,
    name: str | None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Source:
    """Return what would be taken away now, as of the head published in `folder`.

    Raises:
        Forbidden: the log is the auditor's to take away.
        NotFound: there is no such batch or project.
        Conflict: nothing is published yet, or the database is not that of the published head.
    """
    if "audit" not in caller.actor.rights:
        raise Forbidden(Text("留痕导出仅供审计", "the log is exported for auditors only"))
    try:
        head = parse_head(parse_note((folder / CHECKPOINT).read_bytes()).text)
    except (FileNotFoundError, NoteError):
        words = Text("尚未公布检查点，请先运行封存", "no checkpoint is published: run the sealer first")
        raise Conflict(words) from None
    if head.origin != origin or size_of(tx) < head.size or root_of(tx, head.size) != head.root:
        raise Conflict(
            Text("已公布的检查点与数据库不符，请先查明原因", "the published checkpoint is not of this database")
        )
    return Source(scope_of(tx, kind, name), head, instant(caller.now), since, until)
