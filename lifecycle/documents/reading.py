"""Documents as people find them: lists by subject, one with its versions, and the content checked against its hash."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.documents.keeping import document_json
from lifecycle.documents.references import file_table, table
from lifecycle.documents.subjects import BATCH, Subject, find_subject
from lifecycle.errors import NotFound
from lifecycle.requests import is_identifier
from lifecycle.statements import Row, Statement
from lifecycle.tables import Person
from lifecycle.visibility import hidden_documents, label_of
from states.findings import Text

_person = Person.__table__  # type: ignore[attr-defined]
_COLUMNS = [table, file_table.c.size, file_table.c.format, _person.c.name.label("person")]
_FROM = table.join(file_table, file_table.c.sha256 == table.c.sha256).join(
    _person, sa.cast(_person.c.id, sa.String) == table.c.stored_by, isouter=True
)
OF_SUBJECT = Statement(
    sa.select(*_COLUMNS)
    .select_from(_FROM)
    .where(table.c.subject_id == sa.bindparam("of"), table.c.subject_kind == sa.bindparam("of_kind"))
    .order_by(table.c.kind, table.c.id, table.c.version)
)
ONE = Statement(
    sa.select(*_COLUMNS)
    .select_from(_FROM)
    .where(
        table.c.subject_id == sa.bindparam("of"),
        table.c.subject_kind == sa.bindparam("of_kind"),
        table.c.id == sa.bindparam("wanted"),
    )
    .order_by(table.c.version)
)


def list_documents(
    tx: Transaction, caller: Caller, subject: tuple[str, str], kind: str | None = None, *, versions: bool = False
) -> list[dict[str, Any]]:
    """Return a subject's documents by kind, in the order they were brought in: the newest version of each, or all.

    Kinds that are kept from the caller's role are left out. Two reads.

    Raises:
        NotFound, Forbidden: as `find_subject`.
    """
    found = find_subject(tx, caller, *subject)
    rows = [
        row
        for row in tx.fetch(OF_SUBJECT, of=found.id, of_kind=found.kind)
        if _is_shown(caller, found, row) and kind in (None, row["kind"])
    ]
    newest = {row["id"]: row["version"] for row in rows}
    return [_json(found, row) for row in rows if versions or row["version"] == newest[row["id"]]]


def find_document(
    tx: Transaction, caller: Caller, subject: tuple[str, str], document: str, version: int | None = None
) -> dict[str, Any]:
    """Return one version of a document, by default the newest.

    Raises:
        NotFound: there is none within the caller's reach.
        Forbidden: as `find_subject`.
    """
    found = find_subject(tx, caller, *subject)
    rows = tx.fetch(ONE, of=found.id, of_kind=found.kind, wanted=document) if is_identifier(document) else []
    fitting = [row for row in rows if version in (None, row["version"]) and _is_shown(caller, found, row)]
    if not fitting:
        raise NotFound(Text("没有此份材料", "there is no such document"))
    return _json(found, fitting[-1])


def download_name(document: Mapping[str, Any]) -> str:
    """Return the name under which a document is handed out: it ends as its content does, whatever it was called."""
    name, ending = document["name"], f".{document['format']}"
    alike = {".jpg": (".jpg", ".jpeg")}.get(ending, (ending,))
    return str(name if name.lower().endswith(alike) else f"{name}{ending}")


def _is_shown(caller: Caller, subject: Subject, row: Row) -> bool:
    if row["kind"] in hidden_documents(caller.actor, subject.rules.definition):
        return False
    return subject.kind != BATCH or caller.actor.scope == "all" or row["city"] == subject.city


def _json(subject: Subject, row: Row) -> dict[str, Any]:
    kind = subject.rules.definition.documents.get(row["kind"])
    return {
        **document_json(row, row["size"], row["format"]),
        "kind_label": label_of(kind, row["kind"]),
        "stage_label": label_of(subject.rules.definition.phases.get(row["stage"]), row["stage"]),
        "person": row["person"],
    }
