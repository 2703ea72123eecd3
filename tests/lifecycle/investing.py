"""Lists of actual investment for tests: valid lines, claims and verifications on their usual days."""

from datetime import date
from typing import Any

from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.database import Database
from lifecycle.investment_reading import read_list
from lifecycle.investments import Kept, claim_investment, verify_investment
from tests.lifecycle.builders import at, caller_for, read_project

CLAIM_ON, VERIFY_ON = date(2025, 3, 5), date(2025, 3, 15)


def line(number: int, fen: int = 65_000_000, **changes: Any) -> dict[str, Any]:
    """Return a valid line; different numbers share no invoice."""
    return {
        "item": f"设备{number}",
        "payee": f"供应商{number}",
        "contract_number": f"HT-{number}",
        "contract_on": "2024-09-01",
        "invoice_number": f"243720000000{number:08d}",
        "invoice_on": "2024-10-10",
        "invoice_fen": fen,
        "payment_number": f"FK-{number}",
        "paid_on": "2024-11-11",
        "paid_fen": fen,
        "claimed_fen": fen,
        "category": "equipment",
        **changes,
    }


def claim(
    database: Database, log: Log, project: str, lines: list[dict[str, Any]], name: str = "half_year", **more: Any
) -> Kept:
    """Claim a list as the unit would, on its usual day."""
    who = more.pop("who", None) or caller_for("applicant", read_project(database, project), at(CLAIM_ON))
    with attempt(database, log, who, ("project", project), "claim_investment") as tx:
        return claim_investment(tx, log, who, project, name, lines, **more)


def verify(
    database: Database, log: Log, project: str, verdicts: list[dict[str, Any]], name: str = "half_year", **more: Any
) -> Kept:
    """Verify a list as an officer would, on its usual day; by default the first of the first."""
    who = more.pop("who", None) or caller_for("handler", read_project(database, project), at(VERIFY_ON))
    given = {"basis": 1, "after": 0, **more}
    with attempt(database, log, who, ("project", project), "verify_investment") as tx:
        return verify_investment(tx, log, who, project, name, verdicts, **given)


def shown(database: Database, who: Caller, project: str, name: str = "half_year", **more: Any) -> dict[str, Any]:
    """Return a list as somebody reads it."""
    with database.reading() as tx:
        return read_list(tx, who, project, name, **more)
