"""References that acts make to documents, held against those that are stored."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from lifecycle.database import Transaction
from lifecycle.sets import for_both, select_many, within
from lifecycle.statements import Row
from lifecycle.tables import Document, File
from states.facts import Facts, Reference
from states.structure import IDENTIFIER

table = Document.__table__  # type: ignore[attr-defined]
file_table = File.__table__  # type: ignore[attr-defined]

PROJECT = "project"
STORED = for_both(
    lambda d: (
        sa.select(
            *(table.c[name] for name in ("id", "version", "kind", "sha256", "subject_kind", "subject_id", "city")),
            file_table.c.size,
        )
        .join(file_table, file_table.c.sha256 == table.c.sha256)
        .where(table.c.batch_id == sa.bindparam("batch"), within(table.c.id, "wanted", d, "uuid"))
    )
)


def stored_documents(tx: Transaction, batch: str, named: Iterable[str]) -> list[Row]:
    """Return all versions of the batch's documents that have one of these ids; what is no id names none."""
    wanted = sorted({name for name in named if IDENTIFIER.fullmatch(name)})
    return select_many(tx, STORED, "wanted", wanted, batch=batch) if wanted else []


def of_batch(rows: Sequence[Row], city: str) -> frozenset[Reference]:
    """Return, of stored documents, those of the batch that belong to no city or to this one."""
    return frozenset(
        Reference(row["kind"], row["id"], row["version"], row["sha256"], row["size"])
        for row in rows
        if row["subject_kind"] != PROJECT and row["city"] in (None, city)
    )


def within_reach(facts: Facts, rows: Sequence[Row]) -> frozenset[Reference]:
    """Return, of stored documents, those that an act on this project may refer to.

    Its own, and those of its batch that belong to no city or to the project's.
    """
    return frozenset(
        Reference(row["kind"], row["id"], row["version"], row["sha256"], row["size"])
        for row in rows
        if (row["subject_id"] == facts.project and row["subject_kind"] == PROJECT)
        or (row["subject_kind"] != PROJECT and row["city"] in (None, facts.application.city))
    )
