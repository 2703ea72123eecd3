"""A real project and one of its dates, for people to see what a reminder plan's words make of them."""

from datetime import date

import sqlalchemy as sa

from lifecycle.database import Transaction
from lifecycle.requests import is_identifier
from lifecycle.statements import Row, Statement
from lifecycle.tables import Batch, Checkpoint, Project
from lifecycle.transition import nowhere

_project = Project.__table__  # type: ignore[attr-defined]
_batch = Batch.__table__  # type: ignore[attr-defined]
_check = Checkpoint.__table__  # type: ignore[attr-defined]
_old = _check.alias("old")

_TODAY = sa.bindparam("today", type_=_check.c.due_on.type)
_open = sa.and_(_check.c.project_id == _project.c.id, sa.text("checkpoint.status = 'open'"))
_EXAMPLE = (
    sa.select(
        _project.c.id.label("project_id"),
        *(_project.c[name] for name in ("code", "title", "lead_name", "city", "state", "deadlines")),
        _check.c.kind.label("checkpoint_kind"),
        *(_check.c[name] for name in ("number", "version", "due_on", "provisional")),
        _old.c.due_on.label("old_due_on"),
        _batch.c.title.label("batch_title"),
    )
    .select_from(_project)
    .join(_batch, _batch.c.id == _project.c.batch_id)
    .join(_check, _open, isouter=True)
    .join(_old, _old.c.id == _check.c.replaces, isouter=True)
    .where(_project.c.batch_id == sa.bindparam("of"))
    # What is still to come first, the next of it at the head; then what is past.
    .order_by(_check.c.due_on.is_(None), _check.c.due_on < _TODAY, _check.c.due_on, _check.c.id, _project.c.id)
    .limit(1)
)
ANY = Statement(_EXAMPLE)
NAMED = Statement(_EXAMPLE.where(_project.c.id == sa.bindparam("wanted")))


def example_of(tx: Transaction, batch: Row, project: str | None, today: date) -> Row | None:
    """Return a project of the batch, this one or any, with its open date that comes next; None: there is no project.

    The row has the columns that the words of a notice are filled from. Whether the caller may see it is not asked here.

    Raises:
        NotFound: there is no such project in the batch.
    """
    if project is None:
        return tx.one(ANY, of=batch["id"], today=today)
    row = tx.one(NAMED, of=batch["id"], today=today, wanted=project) if is_identifier(project) else None
    if row is None:
        raise nowhere()
    return row
