"""A batch in which everything happens once that an auditor looks for, and its log sealed."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from lifecycle import transition
from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.errors import Refusal
from lifecycle.seal.ends import tell_heads
from lifecycle.settings import Settings
from lifecycle.statements import Row
from states.facts import Member, UnitRole
from tests.lifecycle.builders import (
    REASON,
    act,
    application,
    at,
    caller,
    create_projects,
    credit_code,
    drive,
    open_batch,
    request_for,
)
from tests.lifecycle.seal.sealers import log_signer, seal_all, terms_for

SUNDAY_NIGHT = datetime(2024, 8, 11, 14, 30, tzinfo=UTC)  # half past ten in the evening, Shanghai
DOUBTED = date(2026, 2, 10)


@dataclass(frozen=True)
class Audited:
    """The batch, and its projects by what happened to them."""

    batch: Row
    waived: Row  # went through with a rule set aside, and withdrew
    revoked: Row  # its revocation was signed twice by one person, then by another
    back: Row  # was returned, and came back in time
    dated: Row  # was taken up on a Sunday night, dated back to the Tuesday before
    other: Row  # of another batch

    @property
    def projects(self) -> tuple[Row, ...]:
        """Return all of them."""
        return self.waived, self.revoked, self.back, self.dated, self.other


def eventful(database: Database, log: Log) -> Audited:
    """Let everything happen."""
    batch = open_batch(database, log)
    others = [Member(f"成员{n}", credit_code(90 + n), UnitRole.OTHER) for n in (1, 2)]
    filed = application(1)
    many = replace(filed, members=(*filed.members, *others))
    waived, revoked, back, dated = create_projects(
        database, log, batch, [many, *(application(number) for number in (2, 3, 4))]
    )
    with pytest.raises(Refusal):
        act(database, log, waived["id"], "submit")
    act(database, log, waived["id"], "waive", fields={"waived_rules": ["R03"]}, on=date(2024, 7, 18))
    act(database, log, waived["id"], "submit")
    drive(database, log, revoked["id"], "published")
    act(database, log, revoked["id"], "revoke", on=DOUBTED)
    with pytest.raises(Refusal):
        act(database, log, revoked["id"], "revoke", on=DOUBTED)
    act(database, log, revoked["id"], "revoke", on=DOUBTED, role="leader", fields={}, reason=None)
    drive(database, log, back["id"], "returned")
    act(database, log, back["id"], "submit", on=date(2024, 7, 26))
    drive(database, log, dated["id"], "city_recommended")
    doer = caller("handler", SUNDAY_NIGHT)
    request = replace(request_for("accept_filing", dated), on=date(2024, 8, 6), reason=REASON)
    with attempt(database, log, doer, ("project", dated["id"]), request.event) as tx:
        transition.transition_project(tx, log, doer, dated["id"], request)
    tell_heads(database, log, caller("system", at(date(2024, 8, 12)), person="system:clock"))
    elsewhere = open_batch(database, log, "elsewhere-1")
    (other,) = create_projects(database, log, elsewhere, 1, first=9)
    return Audited(batch, waived, revoked, back, dated, other)


def seal(database: Database, settings: Settings, log: Log, folder: Path) -> int:
    """Seal what there is, publish it where the settings say, and return the size of the tree."""
    terms = replace(terms_for(folder, log), folder=settings.tiles)
    return seal_all(database, log_signer(folder), terms).size
