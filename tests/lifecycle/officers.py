"""Officers with rows of their own, a project's state read back, and a plan with other limits for a batch."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from lifecycle import people, sets
from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.canonical import parse_canonical
from lifecycle.database import Database, Transaction
from lifecycle.history import project_history
from lifecycle.people import NewPerson
from lifecycle.replay import drift
from lifecycle.rulebooks import pin
from lifecycle.statements import Row, Statement
from lifecycle.tables import Announcement, Batch, Checkpoint
from states.library import bundled_plans
from tests.lifecycle.builders import OPENED, caller, read_entries

PLAN_TEXT = bundled_plans()["gongfu-reminders/1"][1]

_check = Checkpoint.__table__  # type: ignore[attr-defined]
_batch = Batch.__table__  # type: ignore[attr-defined]
_announcement = Announcement.__table__  # type: ignore[attr-defined]
BY_HAND = Statement(
    sa.select(_check)
    .where(_check.c.project_id == sa.bindparam("of"), _check.c.kind == "by_hand")
    .order_by(_check.c.number, _check.c.version)
)
ANNOUNCED = Statement(sa.select(_announcement).order_by(_announcement.c.at, _announcement.c.id))


class Counted(Transaction):
    """A transaction that counts the statements it sends."""

    sent = 0

    def fetch(self, statement: Statement, **values: Any) -> list[Row]:
        self.sent += 1
        return super().fetch(statement, **values)

    def execute_driver(self, sql: str, values: Any = ()) -> None:
        self.sent += 1
        super().execute_driver(sql, values)

    def execute_many(self, sql: str, rows: Sequence[Any]) -> None:
        self.sent += 1
        super().execute_many(sql, rows)

    def copy(self, sql: str) -> Any:
        self.sent += 1
        return super().copy(sql)


def officer(
    database: Database,
    log: Log,
    role: str,
    login: str | None = None,
    *,
    city: str | None = None,
    unit: str | None = None,
    now: datetime = OPENED,
) -> Caller:
    """Enter a person, named like the login (default: the role), and return them as a caller."""
    login = login or role.replace("_", "-")
    with database.transaction() as tx:
        new = NewPerson(login, f"{login}某", role, city, unit)
        person = people.add_person(tx, log, caller("security_admin"), new)
    return caller(role, now, person=person, city=city, unit=unit)


def retire(database: Database, person: str) -> None:
    """Let a person be active no longer."""
    with database.transaction() as tx:
        mark = "%s" if tx.is_postgres else "?"
        tx.execute_driver(
            f"UPDATE person SET active = {'false' if tx.is_postgres else '0'} WHERE id = {mark}", [person]
        )


def limit_chases(database: Database, batch: Row, *, every_hours: int = 24, a_day: int = 50) -> None:
    """Pin the batch to a plan with these limits."""
    text = PLAN_TEXT.replace("chase_every_hours = 24", f"chase_every_hours = {every_hours}")
    pin_plan(database, batch, text.replace("chases_a_day = 50", f"chases_a_day = {a_day}"))


def pin_plan(database: Database, batch: Row, text: str) -> None:
    """Pin the batch to a plan's text."""
    with database.transaction() as tx:
        digest = pin(tx, "reminders", "other/1", text, OPENED)
        tx.flush()
        sets.update_many(tx, _batch, ["id"], [{"id": batch["id"], "reminders_hash": digest}])


def by_hand(database: Database, project: Row) -> list[Row]:
    """Return a project's checkpoints added by hand, ended ones too."""
    with database.reading() as tx:
        return tx.fetch(BY_HAND, of=project["id"])


def announced(database: Database) -> list[Row]:
    """Return all announcements."""
    with database.reading() as tx:
        return tx.fetch(ANNOUNCED)


def last_body(database: Database, project: Row) -> dict[str, Any]:
    """Return the last entry of a project's stream."""
    return dict(parse_canonical(read_entries(database, f"project/{project['id']}")[-1]["body"]))


def drift_of(database: Database, project: Row) -> list[str]:
    """Return what differs between a project's log and its row."""
    with database.reading() as tx:
        return drift(tx, project["id"])


def told(database: Database, who: Caller, project: Row) -> list[dict[str, Any]]:
    """Return a project's history as somebody may read it."""
    with database.reading() as tx:
        return project_history(tx, who, project["id"]).items


def sentences(database: Database, who: Caller, project: Row) -> list[tuple[str, str]]:
    """Return a project's history in sentences, Chinese and English, without its first entry."""
    return [(item["sentence"]["zh"], item["sentence"]["en"]) for item in told(database, who, project)[1:]]
