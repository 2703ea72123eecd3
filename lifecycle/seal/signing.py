"""One tree's way to a signed and published head: what was signed last, whether the tree extends it, and the new one."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lifecycle.database import Database, Transaction
from lifecycle.seal.halts import Halted
from lifecycle.seal.heads import SignedHead, TreeHead, open_head, sign_head
from lifecycle.seal.merkle import Frontier, Suite
from lifecycle.seal.notes import NoteError, merged
from lifecycle.seal.proofs import verify_consistency
from lifecycle.seal.state import checkpoint_now, remember
from lifecycle.seal.tiles import CHECKPOINT, PublishedDiffers, publish
from lifecycle.seal.trees import BrokenTree, consistency, frontier_of, root_of, size_of, tile
from lifecycle.signing import Signer


@dataclass(frozen=True, slots=True)
class Signing:
    """A tree, the key that signs it, the file that remembers its last checkpoint, and the folder it is published in."""

    suite: Suite
    origin: str
    signer: Signer
    state: Path
    folder: Path

    def last(self, database: Database, now: datetime) -> SignedHead:
        """Return the last signed checkpoint; of a log that has none yet, the empty tree's, signed now.

        It is signed before the first entry is sealed, so that a missing file always means that one was lost.

        Raises:
            Halted: the file is missing though something was sealed or published, or is older than what was published.
        """
        kept, published = checkpoint_now(self.state, self.origin, self.signer.public_key), self.published()
        if kept is None:
            with database.reading() as tx:
                size = size_of(tx, self.suite)
            if size or published:
                raise Halted("state-missing", file=self.state)
            kept = sign_head(self.signer, TreeHead(self.origin, 0, self.suite.empty), now)
            remember(self.state, kept)
        if published and published.head.size > kept.head.size:
            raise Halted("state-older", file=self.state, size=kept.head.size, other=published.head.size)
        return kept

    def published(self) -> SignedHead | None:
        """Return the published checkpoint, or None before the first.

        Raises:
            Halted: what lies there is no checkpoint of this log.
        """
        path = self.folder / CHECKPOINT
        try:
            return open_head(path.read_bytes(), self.origin, self.signer.public_key)
        except FileNotFoundError:
            return None
        except NoteError as error:
            raise Halted("published-unreadable", file=path, error=error) from None

    def extending(self, tx: Transaction, last: SignedHead) -> Frontier:
        """Return the stored tree's frontier, having made sure that the tree holds what was signed last and published.

        Raises:
            Halted: it does not: the database was restored from a backup, or rewritten.
        """
        size = size_of(tx, self.suite)
        if size < last.head.size:
            raise Halted("rolled-back", size=last.head.size, other=size)
        try:
            for signed in (last, self.published()):
                if signed and root_of(tx, signed.head.size, self.suite) != signed.head.root:
                    raise Halted("forked", size=signed.head.size)
            return frontier_of(tx, self.suite, size)
        except BrokenTree as error:
            raise Halted("tree-broken", error=error) from None

    def sign(self, tx: Transaction, last: SignedHead, now: datetime) -> SignedHead:
        """Sign the tree as it stands and remember it, an idle one once a day; otherwise return `last`.

        Raises:
            Halted: the new tree does not provably extend the one that was signed last.
        """
        try:
            size = size_of(tx, self.suite)
            head = TreeHead(self.origin, size, root_of(tx, size, self.suite))
            if not self._extends(tx, last.head, head):
                raise Halted("forked", size=last.head.size)
        except BrokenTree as error:
            raise Halted("tree-broken", error=error) from None
        today = last.signed_at is not None and last.signed_at.date() >= now.astimezone(UTC).date()
        if head == last.head and today:
            return last
        signed = sign_head(self.signer, head, now)
        signed = signed._replace(note=merged(signed.note, last.note))
        remember(self.state, signed)
        return signed

    def publish(self, tx: Transaction, signed: SignedHead) -> None:
        """Publish tiles and checkpoint where they are not yet; witnesses' signatures on the published one are kept.

        Raises:
            Halted: a tile that was published is not what the database says; the checkpoint is not published.
        """
        published = self.published()
        note = merged(signed.note, published.note) if published else signed.note
        if published and note == published.note:
            return
        try:
            old = published.head.size if published else 0
            publish(self.folder, old, signed.head.size, note.to_bytes(), lambda one: tile(tx, self.suite, *one))
        except PublishedDiffers as error:
            raise Halted("published-differs", file=self.folder / str(error)) from None
        except BrokenTree as error:
            raise Halted("tree-broken", error=error) from None

    def _extends(self, tx: Transaction, old: TreeHead, new: TreeHead) -> bool:
        if old.size == 0:
            return old.root == self.suite.empty
        if new.size < old.size:
            return False
        path = consistency(tx, old.size, new.size, self.suite)
        return verify_consistency(self.suite, old.size, new.size, old.root, new.root, path)
