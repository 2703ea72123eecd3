"""Redactions proposed by one person, seen in a preview, approved by another or withdrawn; each step an entry.

What goes, goes in the transaction of the entries that say so: `disclosure.redacted`, in the form that the verifier
reads.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from lifecycle import audit, sets
from lifecycle.audit import Change, Deed, Log, append_to_system, person_key, person_of
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import Conflict, Forbidden, NotFound, PreviewStale, SamePerson, Unreadable
from lifecycle.redaction.selection import Chosen, Selection, chosen, digest_of, select, selection_of
from lifecycle.redaction.standing import Standing, erase, lock, standing
from lifecycle.requests import is_identifier, note_of
from lifecycle.signing import Receipt
from lifecycle.statements import Row, Statement
from lifecycle.tables import Disclosure, Entry, Leaf, Redacted, Redaction
from states.findings import Text

table = Redaction.__table__  # type: ignore[attr-defined]
redacted = Redacted.__table__  # type: ignore[attr-defined]
_disclosure = Disclosure.__table__  # type: ignore[attr-defined]
_entry = Entry.__table__  # type: ignore[attr-defined]
_leaf = Leaf.__table__  # type: ignore[attr-defined]

STREAM, TYPE = "system/redactions", "disclosure.redacted"
PROPOSED, WITHDRAWN, DONE = "proposed", "withdrawn", "done"
TOLD = 100  # disclosures that one entry names: 32 KiB, were each path as long as can be
LIVE_ROWS = 500  # that one redaction empties
ADD = Statement(sa.insert(table))
FIND = Statement(sa.select(table).where(table.c.id == sa.bindparam("wanted")))
LOCK = Statement(sa.select(table).where(table.c.id == sa.bindparam("wanted")).with_for_update())
SETTLE = Statement(
    sa.update(table)
    .where(table.c.id == sa.bindparam("of"))
    .values({name: sa.bindparam(f"new_{name}", type_=table.c[name].type)
             for name in ("status", "settled_by", "settled_at", "number")})
)  # fmt: skip
NEW_KEY = Statement(
    sa.update(person_key).where(person_key.c.person == sa.bindparam("of")).values(key=sa.bindparam("new_key"))
)
END_KEY = Statement(sa.delete(person_key).where(person_key.c.person == sa.bindparam("of")))
UNSEALED = Statement(
    sa.select(_entry.c.id)
    .join(_leaf, _leaf.c.entry_id == _entry.c.id, isouter=True)
    .where(
        _entry.c.stream == STREAM,
        _entry.c.type == TYPE,
        sa.or_(_leaf.c.index.is_(None), _leaf.c.index >= sa.bindparam("size")),
    )
    .limit(sa.literal(1, sa.Integer()))
)


@dataclass(frozen=True, slots=True)
class Preview:
    """What would go, and where its values still stand on live rows."""

    selection: Selection
    chosen: list[Chosen]
    standing: list[Standing]

    @property
    def digest(self) -> str:
        """Return what the approval must name, so that what goes is what was seen."""
        return digest_of(self.selection, self.chosen, self.standing)


def preview_redaction(
    tx: Transaction, caller: Caller, entries: Mapping[str, Sequence[str] | None], person: str | None, erase_too: bool
) -> Preview:
    """Return what a redaction of these entries' values, of this person's, or of both would take. Writes nothing.

    Raises:
        Forbidden: the caller has no right to redact.
        Unreadable: as `selection.select`.
    """
    _may_redact(caller)
    selection, found = select(tx, entries, person, erase_too)
    return Preview(selection, found, standing(tx, found))


def preview_of(tx: Transaction, row: Mapping[str, Any]) -> Preview:
    """Return what a proposal would take as things are now."""
    selection = selection_of(row)
    found = chosen(tx, selection)
    return Preview(selection, found, standing(tx, found))


def propose_redaction(
    tx: Transaction,
    log: Log,
    caller: Caller,
    entries: Mapping[str, Sequence[str] | None],
    person: str | None,
    reason: str,
    *,
    erase_too: bool = False,
) -> tuple[str, Preview, Receipt]:
    """Propose a redaction and return its id, its preview, and the receipt. Nothing goes yet.

    Raises:
        Forbidden: the caller has no right to redact, or would take all that is his own.
        Unreadable: there is no reason; or as `selection.select`.
    """
    preview = preview_redaction(tx, caller, entries, person, erase_too)
    if person == person_of(caller):
        raise Forbidden(Text("不得提出隐去本人的全部内容", "nobody proposes to redact all that is his own"))
    text = note_of(reason)
    if text is None:
        raise Unreadable(Text("须写明隐去的依据和理由", "a reason is needed"))
    if not preview.chosen:
        raise Unreadable(Text("没有可隐去的内容", "there is nothing to redact"))
    name = audit.new_id(caller.now)
    row: dict[str, Any] = {"id": name, "status": PROPOSED, "person": person, "erase": erase_too}
    row.update(items=preview.selection.items, reason=text, proposed_by=caller.actor.id, proposed_at=caller.now)
    tx.queue(ADD, **row, settled_by=None, settled_at=None, number=None)
    tx.flush()
    changes = [
        Change("/redaction/person", None, person),
        Change("/redaction/number", None, len(preview.chosen)),
        Change("/redaction/erase", None, erase_too),
        Change("/redaction/digest", None, preview.digest),
    ]
    return name, preview, _tell(tx, log, caller, "redaction.proposed", name, changes, text)


def withdraw_redaction(tx: Transaction, log: Log, caller: Caller, redaction: str, reason: str | None) -> Receipt:
    """Withdraw a proposal; whoever may redact may do so.

    Raises:
        Forbidden, NotFound, Conflict: the caller has no right to redact; there is none; it is settled.
        Unreadable: the reason cannot be kept.
    """
    _may_redact(caller)
    _lock(tx, redaction)
    _settle(tx, caller, redaction, WITHDRAWN, None)
    return _tell(tx, log, caller, "redaction.withdrawn", redaction, [], note_of(reason))


def approve_redaction(tx: Transaction, log: Log, caller: Caller, redaction: str, digest: str) -> tuple[int, Receipt]:
    """Carry out what another person proposed, and return how many disclosures went and the receipt of the last entry.

    Effects, in order: live rows emptied where so proposed, each with its entry; disclosures deleted; keys of the
    persons concerned replaced by new ones (nobody computes the salts again), or deleted with all of a person; the
    entries that name every disclosure; the proposal settled.

    Raises:
        Forbidden: the caller has no right to redact, proposed it, or is one whose values would go.
        NotFound, Conflict: there is no such proposal; it is settled; nothing of it is left.
        PreviewStale: what would go is not what the digest names.
        Unreadable: it would empty too many live rows at once.
    """
    _may_redact(caller)
    row = _lock(tx, redaction)
    if row["proposed_by"] == caller.actor.id:
        raise SamePerson(Text("提出人不得批准，须由另一人批准", "another person than who proposed it has to approve"))
    preview = preview_of(tx, row)
    if row["erase"]:
        if len({(one.kind, one.id) for one in preview.standing}) > LIVE_ROWS:
            raise Unreadable(Text(f"一次至多清除{LIVE_ROWS}条数据", f"at most {LIVE_ROWS} live rows at once"))
        lock(tx, caller, preview.standing)
        preview = preview_of(tx, row)  # what somebody wrote there meanwhile is not what was seen
    persons = sorted({one.person for one in preview.chosen} | ({row["person"]} if row["person"] else set()))
    if person_of(caller) in persons:
        raise Forbidden(Text("不得批准隐去本人的内容", "nobody approves that what is his own is redacted"))
    if preview.digest != digest:
        raise PreviewStale(Text("预览后内容已变化，请重新查看", "what would go has changed since: read it again"))
    if not preview.chosen:
        raise Conflict(Text("所列内容已全部隐去", "nothing of it is left"), status=row["status"])
    if row["erase"]:
        erase(tx, log, caller, preview.standing)
    _delete(tx, preview.chosen)
    for person in persons:
        if person == row["person"]:
            tx.fetch(END_KEY, of=person)
        else:
            tx.fetch(NEW_KEY, of=person, new_key=secrets.token_bytes(32))
    receipt = _tell_redacted(tx, log, caller, row, preview.chosen)
    gone = [{"entry_id": one.entry, "path": one.path, "redaction_id": redaction} for one in preview.chosen]
    sets.insert_many(tx, redacted, gone)
    _settle(tx, caller, redaction, DONE, len(gone))
    return len(gone), receipt


def is_unsealed(tx: Transaction, size: int) -> bool:
    """Return whether something was redacted whose entry is not among the first `size` leaves yet."""
    return tx.one(UNSEALED, size=size) is not None


def find_redaction(tx: Transaction, redaction: str) -> Row:
    """Return a redaction's row.

    Raises:
        NotFound: there is none.
    """
    row = tx.one(FIND, wanted=redaction) if is_identifier(redaction) else None
    if row is None:
        raise _nowhere()
    return row


def _lock(tx: Transaction, redaction: str) -> Row:
    row = tx.one(LOCK, wanted=redaction) if is_identifier(redaction) else None
    if row is None:
        raise _nowhere()
    if row["status"] != PROPOSED:
        raise Conflict(
            Text("该隐去申请已办结或撤回", "the redaction is carried out or withdrawn"), status=row["status"]
        )
    return row


def _settle(tx: Transaction, caller: Caller, redaction: str, status: str, number: int | None) -> None:
    settled = {"new_status": status, "new_settled_by": caller.actor.id, "new_settled_at": caller.now}
    tx.queue(SETTLE, of=redaction, **settled, new_number=number)
    tx.flush()


def _delete(tx: Transaction, gone: Sequence[Chosen]) -> None:
    mark = "%s" if tx.is_postgres else "?"
    sql = f"DELETE FROM disclosure WHERE entry_id = {mark} AND path = {mark}"
    tx.execute_many(sql, [(one.entry, one.path) for one in gone])


def _tell_redacted(tx: Transaction, log: Log, caller: Caller, row: Row, gone: Sequence[Chosen]) -> Receipt:
    for number, part in enumerate(_parts(gone)):
        changes = [Change("/disclosure", {"entry": one.entry, "path": one.path}, None) for one in part]
        if not number:
            changes.append(Change("/redaction/proposed_by", None, row["proposed_by"]))
            changes.append(Change("/redaction/person", None, row["person"]))
        receipt = _tell(tx, log, caller, TYPE, row["id"], changes, None if number else row["reason"])
    return receipt


def _parts(gone: Sequence[Chosen]) -> Iterator[Sequence[Chosen]]:
    for first in range(0, len(gone), TOLD):
        yield gone[first : first + TOLD]


def _tell(
    tx: Transaction, log: Log, caller: Caller, kind: str, name: str, changes: Sequence[Change], reason: str | None
) -> Receipt:
    deed = Deed(STREAM, kind, ("redaction", name, None), changes=changes, reason=reason)
    return append_to_system(tx, log, caller, deed)


def _may_redact(caller: Caller) -> None:
    if "redact" not in caller.actor.rights:
        raise Forbidden(
            Text("隐去个人信息由安全管理员和处长办理", "redaction is for the security administrator and division heads")
        )


def _nowhere() -> NotFound:
    return NotFound(Text("没有此隐去申请", "there is no such redaction"))
