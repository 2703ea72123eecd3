"""The business date of lists that span projects: which day it is where the batch counts its days."""

from datetime import date

from lifecycle import batches
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.statements import Row

ZONE = "Asia/Shanghai"  # while no batch is open


def today_of(tx: Transaction, caller: Caller, batch: Row | None) -> date:
    """Return the caller's business date in a batch's zone; without a batch in that of the one opened last."""
    if batch is None:
        batch = max(tx.fetch(batches.ALL), key=lambda row: (row["created_at"], row["id"]), default=None)
    return caller.today(batches.rules_of(tx, batch).policy.policy.zone if batch is not None else ZONE)
