"""Keys introduced, retired and revoked, each an entry; and the log's own key handed over to the next."""

from base64 import b64encode
from datetime import datetime

from lifecycle.audit import Change, Deed, Log, append_to_system
from lifecycle.callers import Caller
from lifecycle.canonical import instant
from lifecycle.database import Database, Transaction
from lifecycle.errors import Forbidden, NotFound, Unreadable
from lifecycle.seal.durable import write_whole
from lifecycle.seal.heads import SignedHead, sign_head
from lifecycle.seal.keyring import INTRODUCED, RETIRED, REVOKED, STREAM, Use, path_of, standing, told
from lifecycle.seal.notes import merged
from lifecycle.seal.sealer import SealTerms, trees_of
from lifecycle.seal.state import only_sealer, remember
from lifecycle.seal.tiles import CHECKPOINT, HANDOVERS
from lifecycle.signing import RAW_KEY_SIZE, Receipt, Signer, key_id
from states.findings import Text


class NotSealedYet(Exception):
    """The entry that introduces the next key is not in the signed tree yet: seal first."""


def introduce(tx: Transaction, log: Log, caller: Caller, use: Use, public_key: bytes) -> Receipt:
    """Let a key count from this entry on: a writer's, or the log's own.

    Raises:
        Forbidden: only the security administrator looks after keys.
        Unreadable: it is no public key, or it counts already.
    """
    _may_manage(caller)
    if len(public_key) != RAW_KEY_SIZE:
        raise Unreadable(Text("公钥应为32字节", "a public key has 32 bytes"))
    name = key_id(public_key)
    known = standing(told(tx), use).get(name)
    if known is not None and known.act.kind == INTRODUCED:
        raise Unreadable(Text(f"密钥{name}已启用", f"the key {name} counts already"))
    change = Change(path_of(use, public_key), None, _text(public_key))
    return _tell(tx, log, caller, INTRODUCED, name, [change])


def retire(
    tx: Transaction, log: Log, caller: Caller, use: Use, public_key: bytes, reason: str, since: datetime | None = None
) -> Receipt:
    """Let a key count no longer; with `since` it is revoked: what it signed from that instant on is not vouched for.

    A writer's key is retired when no process uses it any more and what it signed is sealed: entries that it signed and
    that come into the tree later are refused.

    Raises:
        Forbidden: only the security administrator looks after keys.
        NotFound: the key was retired already.
        Unreadable: it is no public key; there is no reason; or it is the key that signs this very entry.
    """
    _may_manage(caller)
    name = key_id(public_key)
    if len(public_key) != RAW_KEY_SIZE or not reason.strip():
        raise Unreadable(Text("须有32字节公钥并写明理由", "a public key of 32 bytes and a reason are needed"))
    if use == "writer" and name == log.signer.key_id:
        raise Unreadable(
            Text("此密钥正在使用；请先更换", "this key signs the very entry: put the next one in its place first")
        )
    known = standing(told(tx), use).get(name)
    if known is not None and known.act.kind != INTRODUCED:
        raise NotFound(Text(f"密钥{name}已停用", f"the key {name} counts no longer"))
    changes = [Change(path_of(use, public_key), _text(public_key), None)]
    if since is not None:
        changes.append(Change("/compromised_since", None, instant(since)))
    return _tell(tx, log, caller, RETIRED if since is None else REVOKED, name, changes, reason)


def hand_over(database: Database, old: Signer, new: Signer, terms: SealTerms, now: datetime) -> SignedHead:
    """Sign the last tree head with the next key too, keep and publish it: from then on the next key goes on alone.

    Who trusts the old key finds its signature over a tree that holds the entry about the next one.

    Raises:
        NotSealedYet: that entry is not in the tree that was signed last.
        Halted, SealerBusy: as sealing.
    """
    with only_sealer(terms.state):
        with database.reading() as tx:
            known = standing(told(tx, sealed=True), "log").get(key_id(new.public_key))
        heads = []
        for tree in trees_of(old, terms):
            last = tree.last(database, now)
            index = known.index if known is not None and known.act.kind == INTRODUCED else None
            if index is None or index >= last.head.size:
                raise NotSealedYet(f"{tree.origin}: the entry about the key {key_id(new.public_key)} is not sealed")
            note = merged(last.note, sign_head(new, last.head, now).note)
            published = tree.published()
            heads.append(last._replace(note=note))
            remember(tree.state, heads[-1])
            write_whole(tree.folder / HANDOVERS / str(last.head.size), note.to_bytes())
            if published and published.head == last.head:
                write_whole(tree.folder / CHECKPOINT, merged(note, published.note).to_bytes())
    return heads[0]


def _tell(
    tx: Transaction, log: Log, caller: Caller, kind: str, name: str, changes: list[Change], reason: str | None = None
) -> Receipt:
    deed = Deed(STREAM, kind, ("key", name, None), changes=changes, reason=reason)
    return append_to_system(tx, log, caller, deed)


def _may_manage(caller: Caller) -> None:
    if "accounts" not in caller.actor.rights:
        raise Forbidden(Text("密钥须由安全管理员管理", "only the security administrator looks after keys"))


def _text(public_key: bytes) -> str:
    return b64encode(public_key).decode("ascii")
