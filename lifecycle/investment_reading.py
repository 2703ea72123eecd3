"""Lists of actual investment as people read them: lines with verdicts and flags, sums, versions; and as a workbook."""

from typing import Any

import sqlalchemy as sa

from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import NotFound
from lifecycle.investments import CLAIMED, VERIFIED, arrows_of, read_claim, window_of
from lifecycle.invoices import flags_for, twins_of
from lifecycle.statements import Row, Statement
from lifecycle.tables import InvestmentList, InvestmentVerdict
from lifecycle.transition import Loaded, load_project
from states.findings import Text
from states.investment import Line, digest_of, digests_of

_list = InvestmentList.__table__  # type: ignore[attr-defined]
_verdict = InvestmentVerdict.__table__  # type: ignore[attr-defined]

VERSIONS = Statement(
    sa.select(_list)
    .where(_list.c.project_id == sa.bindparam("of"), _list.c.round == sa.bindparam("of_round"))
    .order_by(_list.c.kind, _list.c.number)
)
ALL_OF = Statement(
    sa.select(_list)
    .where(_list.c.project_id == sa.bindparam("of"))
    .order_by(_list.c.round, _list.c.kind, _list.c.number)
)
VERDICTS = Statement(
    sa.select(_verdict.c.position, _verdict.c.verified_fen, _verdict.c.reason)
    .where(_verdict.c.list_id == sa.bindparam("wanted"))
    .order_by(_verdict.c.position)
)


def read_list(tx: Transaction, caller: Caller, project: str, name: str, number: int | None = None) -> dict[str, Any]:
    """Return a round's list as `list_of` does.

    Raises:
        NotFound: no such project within reach, round, or version.
    """
    return list_of(tx, caller, load_project(tx, caller, project), name, number)


def list_of(tx: Transaction, caller: Caller, loaded: Loaded, name: str, number: int | None = None) -> dict[str, Any]:
    """Return a round's list: the present claim (or that of `number`), each line with what was verified and its flags.

    Before the round is decided the unit does not see what was verified; flags name another project only to who reaches
    that one, and only of the present claim: what was replaced is not looked up.

    Raises:
        NotFound: no such round, or version.
    """
    arrows_of(loaded.rules, name, CLAIMED)
    project = loaded.row["id"]
    versions = tx.fetch(VERSIONS, of=project, of_round=name)
    claims = {row["number"]: row for row in versions if row["kind"] == CLAIMED}
    last = max(claims, default=0)
    wanted = number or last
    if number is not None and number not in claims:
        raise NotFound(Text(f"没有第{number}版明细", f"there is no version {number} of the list"))
    open_to = _sees_verdicts(caller, loaded, name)
    verified = [row for row in versions if row["kind"] == VERIFIED and open_to]
    chosen = next((row for row in reversed(verified) if row["basis"] == wanted), None)
    lines = read_claim(tx, project, name, wanted) if wanted else []
    verdicts = {row["position"]: row for row in tx.fetch(VERDICTS, wanted=chosen["id"])} if chosen else {}
    flags = flags_for(caller, project, twins_of(tx, project, name)) if wanted == last and last else {}
    window = window_of(loaded, caller)
    return {
        "project": loaded.row["id"],
        "code": loaded.row["code"],
        "version": loaded.row["version"],
        "round": name,
        "label": {"zh": loaded.rules.definition.rounds[name].zh, "en": loaded.rules.definition.rounds[name].en},
        "number": wanted,
        "present": wanted == last,
        "verified_number": chosen["number"] if chosen else 0,
        "last_verified": max((row["number"] for row in verified), default=0),
        "window": {"starts_on": _day(window.starts_on), "ends_on": _day(window.ends_on)},
        "claimed_fen": sum(line.claimed_fen for line in lines),
        "verified_fen": chosen["total_fen"] if chosen else None,
        "flagged": len(flags),
        "lines": [_shown(at, line, verdicts.get(at), flags.get(at, [])) for at, line in enumerate(lines, 1)],
        "versions": [_version(row) for row in versions if row["kind"] == CLAIMED or open_to],
    }


def faults_of_lists(tx: Transaction, row: Row) -> list[str]:
    """Return where a project's lists differ from the numbers, totals and digests in its row, which the log tells."""
    found, last = [], dict[str, Row]()
    for version in tx.fetch(ALL_OF, of=row["id"]):
        place = f"lists/{version['round']}_{version['kind']}"
        if version["number"] != (last[place]["number"] if place in last else 0) + 1:
            found.append(f"{place}: version {version['number']} does not follow the one before")
        last[place] = version
        total, digest, words = _summed(tx, row["id"], version)
        if (total, digest, words) != (version["total_fen"], version["digest"], version["words"]):
            found.append(f"{place}: version {version['number']} does not hold what it was kept with")
    told = {f"lists/{name}": value for name, value in row["lists"].items() if not name.endswith("_words")}
    for place in sorted({*told, *last}):
        kept = last.get(place)
        names = ("number", "lines", "total_fen")
        live = {**{name: kept[name] for name in names}, "sha256": kept["digest"]} if kept else None
        if kept and kept["basis"] is not None:
            live = {**(live or {}), "basis": kept["basis"]}
        if told.get(place) != live:
            found.append(f"{place}: the row says {told.get(place)!r}, kept is {live!r}")
    return found


def _summed(tx: Transaction, project: str, version: Row) -> tuple[int, str, str | None]:
    if version["kind"] == CLAIMED:
        lines = read_claim(tx, project, version["round"], version["number"])
        return (sum(line.claimed_fen for line in lines), *digests_of(lines))
    rows = tx.fetch(VERDICTS, wanted=version["id"])
    words = digest_of([{"reason": row["reason"]} for row in rows]) if any(row["reason"] for row in rows) else None
    return sum(row["verified_fen"] for row in rows), digest_of([{**row, "reason": None} for row in rows]), words


def _sees_verdicts(caller: Caller, loaded: Loaded, name: str) -> bool:
    """Return whether what was verified of the round may be read: by its unit only once the total is on record."""
    if caller.actor.scope != "unit":
        return True
    return loaded.rules.definition.rounds[name].verified in loaded.row["record"]


def _shown(at: int, line: Line, verdict: Row | None, flags: list[dict[str, Any]]) -> dict[str, Any]:
    verified = {name: verdict[name] if verdict else None for name in ("verified_fen", "reason")}
    return {"line": at, **line.to_dict(), **verified, "flags": flags}


def _version(row: Row) -> dict[str, Any]:
    names = ("kind", "number", "basis", "lines", "total_fen", "digest", "by", "role")
    return {**{name: row[name] for name in names}, "at": row["at"].isoformat()}


def _day(day: Any) -> str | None:
    return day.isoformat() if day else None
