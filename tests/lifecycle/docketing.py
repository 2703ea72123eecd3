"""Drafts, previews and releases of dockets as an edge would do them, for the tests of every kind."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.canonical import parse_canonical
from lifecycle.database import Database
from lifecycle.dockets.drafting import Drafted, draft_docket, edit_docket, withdraw_docket
from lifecycle.dockets.edits import DraftItem, Edit
from lifecycle.dockets.reading import show_docket
from lifecycle.dockets.receipt import admit_late, receive_docket, return_docket
from lifecycle.dockets.release import DocketPreview, Released, preview_docket, release_docket
from lifecycle.statements import Row
from tests.lifecycle.builders import JINAN, at, caller, document, read_entries
from tests.lifecycle.builders import STEPS as USUAL

LIMIT = 500
JULY = at(USUAL["recommend"].on)
CITY = caller("city", JULY, city=JINAN)
ATTACHED = ("recommendation_document", "summary_table", "recommendation_pdf", "recommendation_word")
PACKAGE = {"recommendation_number": "济工信〔2024〕1号", "recommendation_on": "2024-07-25", "paper_copies": 2}


def package(rows: Sequence[Row], **changes: Any) -> Edit:
    """Return the edit that makes a whole recommendation package of these projects, in this order."""
    put = [DraftItem(row["id"], fields={"city_opinion": "同意推荐"}) for row in rows]
    edit = {"header": PACKAGE, "documents": {kind: document(kind) for kind in ATTACHED}, "put": put}
    return Edit(**{**edit, **changes})


def draft(
    database: Database, log: Log, batch: Row, kind: str, edit: Edit, by: Caller = CITY, city: str | None = None
) -> Drafted:
    with attempt(database, log, by, ("batch", batch["id"]), "open_docket") as tx:
        return draft_docket(tx, log, by, batch, kind, city, edit, LIMIT)


def edit(database: Database, log: Log, docket: str, change: Edit, by: Caller = CITY, version: int | None = None) -> Any:
    with attempt(database, log, by, ("docket", docket), "edit_docket") as tx:
        return edit_docket(tx, log, by, docket, change, LIMIT, version)


def preview(database: Database, docket: str, by: Caller = CITY) -> DocketPreview:
    with database.reading() as tx:
        return preview_docket(tx, by, docket, LIMIT)


def release(
    database: Database, log: Log, docket: str, by: Caller = CITY, digest: str | None = None, **options: Any
) -> Released:
    """Release a draft by this digest, or by that of a preview made now."""
    given = digest or preview(database, docket, by).digest
    with attempt(database, log, by, ("docket", docket), "release_docket") as tx:
        return release_docket(tx, log, by, docket, given, LIMIT, **options)


def withdraw(database: Database, log: Log, docket: str, by: Caller = CITY, reason: str | None = "重新组织推荐") -> Any:
    with attempt(database, log, by, ("docket", docket), "withdraw_docket") as tx:
        return withdraw_docket(tx, log, by, docket, reason)


def show(database: Database, docket: str, by: Caller = CITY) -> dict[str, Any]:
    with database.reading() as tx:
        return show_docket(tx, by, docket)


def entries(database: Database, docket: str) -> list[dict[str, Any]]:
    """Return the bodies of a docket's stream, after holding its chain together."""
    rows = read_entries(database, f"docket/{docket}")
    bodies = [parse_canonical(row["body"]) for row in rows]
    assert [body["seq"] for body in bodies] == list(range(1, len(bodies) + 1))
    assert [body["prev"] for body in bodies[1:]] == [row["leaf"].hex() for row in rows[:-1]]
    return bodies


def admit(database: Database, log: Log, docket: str, by: Caller, reason: str | None = "系统故障，准予补报") -> Any:
    with attempt(database, log, by, ("docket", docket), "admit_docket") as tx:
        return admit_late(tx, log, by, docket, reason, LIMIT)


def receive(database: Database, log: Log, docket: str, by: Caller, on: date, copies: int = 2, **options: Any) -> Any:
    with attempt(database, log, by, ("docket", docket), "receive_docket") as tx:
        return receive_docket(tx, log, by, docket, on, copies, **options)


def give_back(database: Database, log: Log, docket: str, by: Caller, fields: Any = None, **options: Any) -> Any:
    with attempt(database, log, by, ("docket", docket), "return_docket") as tx:
        return return_docket(tx, log, by, docket, fields or {"faults": "汇总表缺少盖章"}, LIMIT, **options)
