"""Values behind an entry's commitments, given to an auditor with their salts so that he can verify them himself.

That they were given is an entry of the stream `audit`, written in the same transaction.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from lifecycle.audit import Change, Deed, Log, append_to_system
from lifecycle.callers import Caller
from lifecycle.canonical import parse_canonical
from lifecycle.commitments import Disclosure, commitments_in, opens
from lifecycle.database import Transaction
from lifecycle.errors import Forbidden, NotFound
from lifecycle.requests import is_identifier
from lifecycle.signing import Receipt
from lifecycle.statements import Row, Statement
from lifecycle.tables import Disclosure as DisclosureRow
from lifecycle.tables import Entry, Redacted
from states.findings import Text

_entry = Entry.__table__  # type: ignore[attr-defined]
_disclosure = DisclosureRow.__table__  # type: ignore[attr-defined]
_redacted = Redacted.__table__  # type: ignore[attr-defined]

STREAM, TYPE = "audit", "audit.disclosed"
FORMULA = 'base64(SHA-256(0x02 || canonical JSON of ["pilot-audit/disclosure/v1", entry, path, salt in hex, value]))'
ENTRY = Statement(sa.select(_entry).where(_entry.c.id == sa.bindparam("wanted")))
DISCLOSURES = Statement(sa.select(_disclosure).where(_disclosure.c.entry_id == sa.bindparam("of")))
REDACTED = Statement(sa.select(_redacted).where(_redacted.c.entry_id == sa.bindparam("of")))


def disclose_entry(tx: Transaction, log: Log, caller: Caller, entry: str) -> tuple[dict[str, Any], Receipt]:
    """Return an entry's own bytes with what opens each of its commitments, having put on record who was given it.

    A value that is not there says by which redaction it went, or null: then nobody answers for it.

    Raises:
        Forbidden: the caller is no auditor.
        NotFound: there is no such entry.
    """
    if "audit" not in caller.actor.rights:
        raise Forbidden(Text("披露仅供审计", "values are disclosed to auditors"))
    row = tx.one(ENTRY, wanted=entry) if is_identifier(entry) else None
    if row is None:
        raise NotFound(Text("没有此记录", "there is no such entry"))
    held = {found["path"]: Disclosure(**found) for found in tx.fetch(DISCLOSURES, of=entry)}
    gone = {found["path"]: found["redaction_id"] for found in tx.fetch(REDACTED, of=entry)}
    opened, withheld = [], []
    for path, commitment in commitments_in(parse_canonical(row["body"])):
        if path in held:
            opened.append(_opened(held[path], commitment))
        else:
            withheld.append({"path": path, "commitment": commitment["$c"], "redaction": gone.get(path)})
    changes = [Change("/disclosed/entry", None, entry), Change("/disclosed/number", None, len(opened))]
    receipt = append_to_system(tx, log, caller, Deed(STREAM, TYPE, ("entry", entry, None), changes=changes))
    return {**_told(row), "formula": FORMULA, "disclosures": opened, "withheld": withheld}, receipt


def _told(row: Row) -> dict[str, Any]:
    body = row["body"].decode()
    return {"entry": row["id"], "stream": row["stream"], "seq": row["seq"], "leaf": row["leaf"].hex(), "body": body}


def _opened(found: Disclosure, commitment: Mapping[str, str]) -> dict[str, Any]:
    return {
        **{"path": found.path, "person": found.person, "salt": found.salt.hex(), "value": found.value},
        "commitment": commitment["$c"],
        "opens": opens(commitment, found),
    }
