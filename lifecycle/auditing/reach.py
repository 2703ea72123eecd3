"""Who may read the log whole: whoever has the right to audit."""

from lifecycle.callers import Caller
from lifecycle.errors import Forbidden
from states.findings import Text


def require_audit(caller: Caller) -> None:
    """Refuse whoever may not read the whole log.

    Raises:
        Forbidden: the caller's role has not the right to audit.
    """
    if "audit" not in caller.actor.rights:
        raise Forbidden(Text("留痕全文、证明和审计报表仅供审计", "the log, its proofs and reports are for auditors"))
