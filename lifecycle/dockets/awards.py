"""Rewards worked out for a docket: what its projects come to by their scores, what other terms would make of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from lifecycle import bulk, sets, surroundings
from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.dockets.drafting import Drafted, edit_docket
from lifecycle.dockets.edits import DraftItem, Edit
from lifecycle.dockets.shelf import DRAFT, Held, check_status, find_docket, lock_draft, may_draft
from lifecycle.errors import NotOffered, Unreadable
from lifecycle.snapshots import application_of
from lifecycle.statements import Row
from lifecycle.surroundings import Scopes
from states.capacities import KEYS
from states.definition import Awards
from states.findings import Text
from states.tiering import WHY, Award, Candidate, Move, Terms, awards, moves, score_of, terms_of, verified_fen

HIGHEST = 100  # of a score line, and of a share in percent


@dataclass(frozen=True, slots=True)
class Trial:
    """Terms to try out in place of the batch's own: score lines by tier, the share in percent; none: its own."""

    lines: Mapping[str, Decimal]
    share_percent: int | None = None


class Worked(NamedTuple):
    """A docket's awards under some terms."""

    held: Held
    spec: Awards
    terms: Terms
    candidates: Sequence[Candidate]
    awards: Sequence[Award]


def try_awards(tx: Transaction, caller: Caller, docket: str, trial: Trial) -> dict[str, Any]:
    """Return what a draft's projects come to under the batch's terms and under others: who moves, what it costs.

    Writes nothing. The money is what the batch has left now, beside what others were given or proposed.

    Raises:
        NotFound, Forbidden: there is none within reach, or it is another role's.
        NotOffered: it is a draft no more, or its kind is not worked out from scores.
        Unreadable: a line or the share is not what it should be, or it holds no project.
    """
    held = find_docket(tx, caller, docket)
    may_draft(caller.actor, held.spec, held.row["city"])
    check_status(held.row, DRAFT)
    own = _worked(tx, held, None)
    tried = _worked(tx, held, trial)
    moved = moves(own.awards, tried.awards)
    codes = {item["project_id"]: item["code"] for item in held.items}
    return {
        "docket": docket,
        "version": held.row["version"],
        "available_fen": own.terms.available_fen,
        "own": _told(own),
        "tried": _told(tried),
        "moves": [_move(codes[move.project], move) for move in moved],
        "costs_more_fen": _cost(tried.awards) - _cost(own.awards),
    }


def allot(
    tx: Transaction, log: Log, caller: Caller, docket: str, limit: int, expected_version: int | None = None
) -> tuple[Drafted, dict[str, Any]]:
    """Write into a draft what its projects come to under the batch's own terms, and return it with the reckoning.

    Rewarded projects ask for the kind's first act with tier, amount and score; the others for the kind's other act,
    the reason in the note; those of equal scores for whom money does not reach, and those without a score, keep
    what the draft holds of them: people decide. Releasing it is another act, judged by every rule.

    Raises:
        NotFound, Forbidden, Conflict, NotOffered: as `shelf.lock_draft`; or its kind is not worked out from scores.
        Unreadable: it holds no project.
    """
    worked = _worked(tx, lock_draft(tx, caller, docket, expected_version), None)
    items = {item["project_id"]: item for item in worked.held.items}
    made = [_item(worked, award, items[award.project]) for award in worked.awards]
    put = [item for item in made if item is not None]
    done = edit_docket(tx, log, caller, docket, Edit(put=put), limit)
    return done, _told(worked)


def _worked(tx: Transaction, held: Held, trial: Trial | None) -> Worked:
    spec = held.spec.awards
    if spec is None:
        raise NotOffered(Text(f"{held.spec.zh}不按得分测算", f"a {held.spec.en} is not worked out from scores"), [])
    rows = {row["id"]: row for row in sets.select_many(tx, bulk.READ, "wanted", _projects(held))}
    candidates = [
        Candidate(
            item["project_id"],
            score_of(item["fields"].get(spec.score, rows[item["project_id"]]["record"].get(spec.score))),
            verified_fen(rows[item["project_id"]]["record"]),
        )
        for item in held.items
    ]
    terms = _terms(held, _left(tx, held, spec, next(iter(rows.values()))), trial)
    return Worked(held, spec, terms, candidates, awards(terms, candidates))


def _projects(held: Held) -> list[str]:
    if not held.items:
        raise Unreadable(Text("清单中没有项目", "there is no project on the docket"))
    return [item["project_id"] for item in held.items]


def _left(tx: Transaction, held: Held, spec: Awards, row: Row) -> int:
    """Return what the batch has left of the money, beside what its other projects hold (fen)."""
    definition, policy = held.rules.definition, held.rules.policy
    (key,) = KEYS[definition.capacities[spec.capacity].key](application_of(row), policy)
    place = (spec.capacity, key)
    scopes = Scopes(row["batch_id"], row["programme"])
    room = surroundings.rooms(tx, definition, policy, scopes, [place], lock=False)[place]
    return max(0, (room.ceiling or 0) - room.used)


def _terms(held: Held, available: int, trial: Trial | None) -> Terms:
    policy = held.rules.policy
    if trial is None:
        return terms_of(policy, available)
    share = trial.share_percent
    numbers = [*trial.lines.values(), *(() if share is None else (Decimal(share),))]
    if not all(number.is_finite() and 0 <= number <= HIGHEST for number in numbers):
        raise Unreadable(Text("分数线和比例应在0至100之间", "lines and the share lie between 0 and 100"))
    try:
        return terms_of(policy, available, trial.lines, share)
    except ValueError as error:
        tiers = "、".join(policy.rules.R25.tiers)
        raise Unreadable(Text(f"档次应为{tiers}", f"the tiers are {', '.join(policy.rules.R25.tiers)}")) from error


def _item(worked: Worked, award: Award, now: Row) -> DraftItem | None:
    """Return the item as the reckoning makes it, or None where people decide. What the draft holds else stays."""
    held, spec = worked.held, worked.spec
    if award.why in ("unscored", "tied_at_budget"):
        return None
    if award.tier is None:
        words = WHY[award.why]
        return DraftItem(award.project, spec.otherwise, {}, {}, now["note"] or words.zh)
    fields = {spec.score: f"{award.score:.2f}", spec.tier: [award.tier], spec.amount: award.amount_fen}
    return DraftItem(award.project, held.spec.events[0], {**now["fields"], **fields}, now["documents"], now["note"])


def _cost(found: Sequence[Award]) -> int:
    return sum(award.amount_fen for award in found)


def _told(worked: Worked) -> dict[str, Any]:
    items = {item["project_id"]: item for item in worked.held.items}
    tiers = worked.held.rules.policy.rules.R25.tiers
    verified = {one.project: one.verified_fen for one in worked.candidates}
    counts = Counter(award.tier for award in worked.awards if award.tier)
    return {
        "lines": {code: str(line) for code, line in worked.terms.lines.items()},
        "share_percent": worked.terms.share_percent,
        "cost_fen": _cost(worked.awards),
        "left_fen": worked.terms.available_fen - _cost(worked.awards),
        "tiers": {
            code: {"zh": tier.zh, "en": tier.en, "cap_fen": tier.cap_fen, "projects": counts[code]}
            for code, tier in tiers.items()
        },
        "awards": [
            {
                **{name: items[award.project][name] for name in ("code", "title", "city")},
                "verified_fen": verified[award.project],
                **_award(award),
            }
            for award in worked.awards
        ],
    }


def _award(award: Award) -> dict[str, Any]:
    words = WHY[award.why]
    return {
        "project": award.project,
        "score": None if award.score is None else f"{award.score:.2f}",
        "tier": award.tier,
        "amount_fen": award.amount_fen,
        "why": award.why,
        "message": {"zh": words.zh, "en": words.en},
        "at_line": award.at_line,
        "tied": award.tied,
    }


def _move(code: str, move: Move) -> dict[str, Any]:
    return {
        "project": move.project,
        "code": code,
        "from": {"tier": move.before.tier, "amount_fen": move.before.amount_fen},
        "to": {"tier": move.after.tier, "amount_fen": move.after.amount_fen},
    }
