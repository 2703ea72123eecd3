"""A public list as a Word file or a workbook: as the release left it, with nothing on it that the notice keeps back."""

from collections.abc import Callable
from datetime import datetime

from lifecycle.canonical import parse_canonical
from lifecycle.database import Transaction
from lifecycle.dockets.shelf import RELEASED
from lifecycle.errors import NotFound
from lifecycle.papers.dockets import Filled, fill, play_docket, set_paper, set_sheet
from lifecycle.papers.positions import Position, position_of
from lifecycle.papers.writing import Written
from lifecycle.publicity import find_public
from lifecycle.rulebooks import rules_for
from lifecycle.sets import select_many
from lifecycle.streams import ENTRIES
from states.findings import Text

FORMS: dict[str, Callable[[Filled], Written]] = {"docx": set_paper, "xlsx": set_sheet}


def write_public_list(tx: Transaction, origin: str, docket: str, form: str, now: datetime) -> Written:
    """Write a list that is public by now, from the entry that released it: what comes later changes nothing of it.

    Raises:
        NotFound: there is no such list, it is not public or not yet, or its batch has no paper for it.
        BrokenLog: entries do not hold together: nothing is made from them.
    """
    row, _, spec = find_public(tx, docket, now)
    position = _released(tx, origin, docket)
    listed = play_docket(tx, docket, position.seq)
    rules = rules_for(tx, *listed.versions)
    kinds = rules.policy.papers.kinds.values()
    paper = next((one for one in kinds if one.public and row["kind"] in one.dockets), None)
    if paper is None:
        raise NotFound(Text(f"{spec.zh}没有公开文书", f"there is no public paper of a {spec.en}"))
    hidden = frozenset(rules.definition.fields) - set(spec.public)
    return FORMS[form](fill(tx, row, listed, paper, rules, position, hidden))


def _released(tx: Transaction, origin: str, docket: str) -> Position:
    """Return the position of the last entry that tells the release; there is one wherever a list is public."""
    stream = f"docket/{docket}"
    rows = select_many(tx, ENTRIES, "streams", [stream])
    told = [row["seq"] for row in rows if (parse_canonical(row["body"])["action"] or {}).get("name") == RELEASED]
    return position_of(tx, origin, stream, max(told))
