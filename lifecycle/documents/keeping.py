"""Bringing a document in: looked at, then its file kept, then registered as a recorded act of its subject."""

import re
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from lifecycle import audit
from lifecycle.attempts import SET_HEAD
from lifecycle.audit import Change, Deed, Head, Log, person_of
from lifecycle.callers import Caller
from lifecycle.canonical import instant
from lifecycle.database import Transaction
from lifecycle.documents.references import file_table, table
from lifecycle.documents.subjects import BATCH, Subject, find_subject, lock_head, may_attach
from lifecycle.errors import Busy, NotFound, Unreadable
from lifecycle.files.drafts import Draft, too_large
from lifecycle.files.formats import recognise
from lifecycle.files.refusals import refused
from lifecycle.requests import is_identifier
from lifecycle.settings import Settings
from lifecycle.signing import Receipt
from lifecycle.statements import Row, Statement
from states.fields import CONTROL
from states.findings import Text

NAME_LENGTH = 200
# Marks that turn the direction of writing let a name look as if it ended otherwise.
STRANGE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufffe\uffff]")
FIND_FILE = Statement(sa.select(file_table).where(file_table.c.sha256 == sa.bindparam("wanted")).with_for_update())
ADD_FILE = Statement(
    sa.text(
        "INSERT INTO file (sha256, size, format, arrived_at, leaving) VALUES (:sha256, :size, :format, :now, :leaving) "
        "ON CONFLICT DO NOTHING"
    ).bindparams(
        sa.bindparam("now", type_=file_table.c.arrived_at.type),
        sa.bindparam("leaving", type_=sa.Boolean()),
        sa.bindparam("size", type_=sa.BigInteger()),
    )
)
RENEW_FILE = Statement(
    sa.update(file_table)
    .where(file_table.c.sha256 == sa.bindparam("of"))
    .values(arrived_at=sa.bindparam("now", type_=file_table.c.arrived_at.type))
)
LAST_VERSION = Statement(
    sa.select(table)
    .where(
        table.c.id == sa.bindparam("wanted"),
        table.c.subject_kind == sa.bindparam("of_kind"),
        table.c.subject_id == sa.bindparam("of"),
    )
    .order_by(table.c.version.desc())
    .limit(1)
)
ADD = Statement(sa.insert(table))


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller brings: a document of a kind; `replaces` names the document of which this is a new version."""

    subject: tuple[str, str]  # kind, id or code
    kind: str
    name: str
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A version of a document as it was registered."""

    row: Row
    format: str
    size: int
    receipt: Receipt

    def to_dict(self) -> dict[str, Any]:
        """Return the document as JSON values; `reference` is what an act takes."""
        return {**document_json(self.row, self.size, self.format), "receipt": self.receipt.to_dict()}


def document_json(row: Row, size: int, kind_of_file: str) -> dict[str, Any]:
    """Return a version of a document as JSON values."""
    names = ("id", "version", "subject_kind", "subject_id", "stage", "kind", "name", "sha256", "role")
    return {
        **{name: row[name] for name in names},
        "size": size,
        "format": kind_of_file,
        "by": row["stored_by"],
        "at": instant(row["stored_at"]),
        "reference": {"id": row["id"], "version": row["version"], "sha256": row["sha256"], "size": size},
    }


def admit(tx: Transaction, caller: Caller, settings: Settings, asked: Asked) -> int:
    """Return how many bytes the document may have, before any of it is read.

    Raises:
        NotFound, Forbidden: as `find_subject`, `may_attach`; or there is no document to replace.
        Unreadable: the kind or the name is not what it should be.
    """
    return _most(settings, _admitted(tx, caller, asked))


def announce(tx: Transaction, caller: Caller, settings: Settings, asked: Asked, draft: Draft) -> str:
    """Recognise a received file and register its content, so that no sweep takes it; return its format.

    The file is put into the store after this and before `store_document`, outside any transaction.

    Raises:
        FileRefused, FileTooLarge: the file is not one that is taken here.
        Busy: a sweep is removing the same content at this moment.
        NotFound, Forbidden, Unreadable: as `admit`.
    """
    subject = _admitted(tx, caller, asked)
    if draft.size > _most(settings, subject):
        raise too_large(_most(settings, subject))
    found = recognise(draft.file)
    taken = subject.rules.policy.documents.formats
    own = subject.rules.definition.documents[asked.kind].formats
    allowed = [code for code in own if code in taken] if own else list(taken)
    if found not in allowed:
        raise refused("format", seen=found, allowed=allowed)
    tx.fetch(ADD_FILE, sha256=draft.sha256, size=draft.size, format=found, now=caller.now, leaving=False)
    _lock_file(tx, draft.sha256)
    tx.queue(RENEW_FILE, of=draft.sha256, now=caller.now)
    return found


def store_document(tx: Transaction, log: Log, caller: Caller, asked: Asked, sha256: str) -> Kept:
    """Register a version of a document whose file is in the store. Effects, in order: document, log entry.

    The subject's stream is locked and only its head moves: its version stays, so that nobody who decides on it has to
    start again. Kind, hash, size and version stand in the log; the name is free text and enters it as a commitment.

    Raises:
        NotFound, Forbidden, Unreadable: as `admit`.
        Busy: the file was swept meanwhile.
    """
    subject = find_subject(tx, caller, *asked.subject)
    may_attach(caller, subject, asked.kind)
    head = lock_head(tx, subject)
    before = _replaced(tx, subject, asked)
    file = _lock_file(tx, sha256)
    row = {
        "id": before["id"] if before else audit.new_id(caller.now),
        "version": before["version"] + 1 if before else 1,
        "batch_id": subject.batch,
        "subject_kind": subject.kind,
        "subject_id": subject.id,
        "city": subject.city,
        "stage": subject.stage,
        "kind": asked.kind,
        "sha256": sha256,
        "name": clean_name(asked.name),
        "stored_by": caller.actor.id,
        "role": caller.actor.role,
        "stored_at": caller.now,
    }
    tx.queue(ADD, **row)
    told = {name: row[name] for name in ("id", "version", "kind", "stage", "sha256")}
    me = person_of(caller)
    deed = Deed(
        f"{subject.kind}/{subject.id}",
        f"{subject.kind}.document_stored",
        (subject.kind, subject.id, head["version"]),
        action=subject.action,
        changes=[
            Change("/document", None, {**told, "size": file["size"], "format": file["format"]}),
            Change("/document_name", None, row["name"], me),
        ],
        docs=[{name: told[name] for name in ("kind", "id", "sha256", "version")} | {"size": file["size"]}],
    )
    keys = audit.keys_of(tx, me)
    built = audit.build(log, caller, Head(head["head_seq"], head["head_hash"]), deed, keys)
    audit.append(tx, built)
    tx.queue(SET_HEAD[subject.kind], of=subject.id, head_seq=built.head.seq, head_hash=built.head.hash)
    return Kept(row, file["format"], file["size"], built.receipt)


def clean_name(name: str) -> str:
    """Return a file's name without any folder before it.

    Raises:
        Unreadable: empty, too long, or with characters that cannot be seen.
    """
    text = name.replace("\\", "/").rpartition("/")[2].strip()
    if not text or len(text) > NAME_LENGTH or CONTROL.search(text) or {"\n", "\t"} & set(text) or STRANGE.search(text):
        raise Unreadable(
            Text(
                f"文件名应为1至{NAME_LENGTH}字，不含控制字符",
                f"a file's name has 1 to {NAME_LENGTH} characters, all of them visible",
            )
        )
    return text


def _admitted(tx: Transaction, caller: Caller, asked: Asked) -> Subject:
    subject = find_subject(tx, caller, *asked.subject)
    may_attach(caller, subject, asked.kind)
    clean_name(asked.name)
    _replaced(tx, subject, asked)
    return subject


def _most(settings: Settings, subject: Subject) -> int:
    return min(settings.max_file_bytes, subject.rules.policy.documents.max_bytes)


def _replaced(tx: Transaction, subject: Subject, asked: Asked) -> Row | None:
    """Return the last version of the document that is replaced: of the same subject, kind and city."""
    if asked.replaces is None:
        return None
    row = None
    if is_identifier(asked.replaces):
        row = tx.one(LAST_VERSION, wanted=asked.replaces, of_kind=subject.kind, of=subject.id)
    if row is None or row["kind"] != asked.kind or (subject.kind == BATCH and row["city"] != subject.city):
        raise NotFound(Text("没有可替换的同类材料", "there is no document of this kind to replace"))
    return row


def _lock_file(tx: Transaction, sha256: str) -> Row:
    row = tx.one(FIND_FILE, wanted=sha256)
    if row is None or row["leaving"]:
        raise Busy(Text("同一文件正被清理，请重新上传", "the same file is being swept at this moment: bring it again"))
    return row
