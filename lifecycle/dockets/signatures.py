"""A docket that takes two persons: the first signs what is previewed, another one releases the very same."""

import hashlib
from typing import Any

import orjson

from lifecycle.audit import Change, Log
from lifecycle.bulk import Preview
from lifecycle.callers import Caller
from lifecycle.canonical import instant
from lifecycle.database import Transaction
from lifecycle.dockets.shelf import Held
from lifecycle.dockets.telling import record
from lifecycle.errors import RulesUnmet
from lifecycle.signing import Receipt
from lifecycle.statements import Row
from states.findings import Text
from states.structure import another_person


def needs_signature(held: Held, rows: Preview, caller: Caller) -> bool:
    """Return whether the docket has to be signed first: it takes two persons, and nobody signed it as it stands.

    A signature is over the docket and its projects at their versions, each allowed or left; whatever changes of that
    takes another.

    Raises:
        RulesUnmet: the caller is the one who signed it.
    """
    if held.spec.persons != 2:
        return False
    signed = held.row["signed"]
    if signed is None or signed["seen"] != _seen(held, rows):
        return True
    if signed["by"] == caller.actor.id:
        raise RulesUnmet(Text("须由另一人发出", "another person has to release it"), [another_person(same=True)])
    return False


def sign(tx: Transaction, log: Log, caller: Caller, held: Held, rows: Preview) -> tuple[Row, Receipt]:
    """Record the first signature and return the row and the receipt; the version stays, so that it is over it."""
    signed = {"by": caller.actor.id, "at": instant(caller.now), "seen": _seen(held, rows)}
    after = {**held.row, "signed": signed}
    return after, record(tx, log, caller, held.row, after, "signed", [Change("/signed", held.row["signed"], signed)])


def standing(row: Row) -> dict[str, Any] | None:
    """Return who signed a docket last and when, or None; whether it still holds is seen on release."""
    signed = row["signed"]
    return {name: signed[name] for name in ("by", "at")} if signed else None


def _seen(held: Held, rows: Preview) -> str:
    projects = sorted((one.loaded.row["id"], one.loaded.row["version"], one.decision.allowed) for one in rows.rows)
    return hashlib.sha256(orjson.dumps([held.row["id"], held.row["version"], projects])).hexdigest()
