"""Releasing a docket: previewed row by row, then carried out through the door for many, whole and by its digest."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lifecycle import surroundings
from lifecycle.audit import Change, Log, person_of
from lifecycle.bulk import (
    Item,
    Judged,
    Preview,
    carry_out,
    check_digest,
    lock_and_preview,
    preview_transitions,
    refusals_of,
)
from lifecycle.callers import Caller
from lifecycle.collector import collector_paused
from lifecycle.database import Transaction
from lifecycle.dockets.drafting import RELEASE_PROJECTS
from lifecycle.dockets.shelf import (
    DRAFT,
    RELEASED,
    Held,
    check_status,
    find_docket,
    items,
    lock_draft,
    may_draft,
    named,
)
from lifecycle.dockets.signatures import needs_signature, sign
from lifecycle.dockets.telling import changes_of_row, record
from lifecycle.documents.references import of_batch, stored_documents
from lifecycle.errors import RulesUnmet, Unreadable
from lifecycle.requests import Request
from lifecycle.sets import update_many
from lifecycle.signing import Receipt
from lifecycle.statements import Row
from states.findings import Finding, Text
from states.structure import docket_documents, documents_stored


@dataclass(frozen=True, slots=True)
class DocketPreview:
    """What a release would do: the rows as the door judges them, what the docket lacks, and the digest."""

    held: Held
    rows: Preview
    findings: tuple[Finding, ...]  # of the docket itself
    digest: str

    @property
    def ready(self) -> bool:
        """True where every row is allowed and the docket lacks nothing."""
        return len(self.rows.allowed) == len(self.rows.rows) and not any(one.blocks for one in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return the preview as JSON values."""
        row = self.held.row
        return {
            **self.rows.to_dict(),
            "docket": row["id"],
            "kind": row["kind"],
            "number": row["number"],
            "version": row["version"],
            "ready": self.ready,
            "findings": [finding.to_dict() for finding in self.findings],
            "digest": self.digest,
        }


@dataclass(frozen=True, slots=True)
class Released:
    """What a release did."""

    docket: str
    kind: str
    number: int
    status: str
    version: int
    moved: tuple[tuple[str, str, int], ...]  # project id, new state, new version
    left: tuple[str, ...]  # projects that were blocked and stay as they were
    receipts: tuple[Receipt, ...]  # one for each project moved, then the docket's
    awaiting: bool = False  # signed by the first of two persons, and nothing moved yet

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        names = ("docket", "kind", "number", "status", "version")
        return {
            **{name: getattr(self, name) for name in names},
            "moved": [{"project": name, "state": state, "version": version} for name, state, version in self.moved],
            "left": list(self.left),
            "receipts": [receipt.to_dict() for receipt in self.receipts],
            "awaiting_second_person": self.awaiting,
        }


@collector_paused()
def preview_docket(tx: Transaction, caller: Caller, docket: str, limit: int) -> DocketPreview:
    """Return what releasing the draft would do; writes and locks nothing.

    Raises:
        NotFound, Forbidden, NotOffered: there is none within reach, it is another role's, or a draft no more.
        Unreadable: it holds no project.
    """
    held = find_docket(tx, caller, docket)
    may_draft(caller.actor, held.spec, held.row["city"])
    check_status(held.row, DRAFT)
    common, asked = request_of(tx, held)
    return _preview(tx, held, preview_transitions(tx, caller, common, asked, limit))


@collector_paused()
def release_docket(
    tx: Transaction,
    log: Log,
    caller: Caller,
    docket: str,
    digest: str,
    limit: int,
    *,
    leave_blocked: bool = False,
) -> Released:
    """Carry out a previewed docket: every item's act in one transaction, or nothing.

    With `leave_blocked` the rows that rules refuse stay as they are and the others go on; a ranked list is released
    whole. Effects, in order: docket, projects and capacities locked; each project's act; the items' outcome; the
    docket's entry. Of a kind that takes two persons the first one's release is a signature, and moves nothing.

    Raises:
        NotFound, Forbidden, NotOffered: as the preview.
        PreviewStale: anything the preview showed has changed since.
        RulesUnmet: the docket lacks a document, a row is blocked, or all are; or the caller has signed it already.
        Unreadable: it holds no project, or blocked rows of a ranked list are to be left.
    """
    held = lock_draft(tx, caller, docket)
    if leave_blocked and held.spec.ranked:
        raise Unreadable(Text("排序清单须整体发出", "a ranked list is released whole: take the blocked rows off it"))
    common, asked = request_of(tx, held)
    preview = _preview(tx, held, lock_and_preview(tx, caller, common, asked, limit))
    check_digest(preview.digest, digest)
    _check(preview, leave_blocked)
    if needs_signature(held, preview.rows, caller):
        kept, receipt = sign(tx, log, caller, held, preview.rows)
        about = (docket, kept["kind"], kept["number"], kept["status"], kept["version"])
        return Released(*about, (), (), (receipt,), awaiting=True)
    done = carry_out(tx, log, caller, preview.rows, [Change("/docket", None, named(held.row))])
    moved = tuple((one.outcome.project, one.outcome.target, one.outcome.version) for one in done)
    left = [row for row in preview.rows.rows if not row.decision.allowed]
    outcomes = _outcomes(moved, left, ranks_of(tx, held))
    after = {**held.row, "status": RELEASED, "version": held.row["version"] + 1, "released_at": caller.now}
    changes = [
        *changes_of_row(held.rules.definition, held.row, after, person_of(caller)),
        Change("/digest", None, digest),
        *(Change(f"/items/{name}/outcome", None, outcome) for name, outcome in sorted(outcomes.items())),
    ]
    tx.fetch(RELEASE_PROJECTS, of=docket)
    rows: list[Row] = [{"docket_id": docket, "project_id": name, "outcome": one} for name, one in outcomes.items()]
    update_many(tx, items, ["docket_id", "project_id"], rows)
    receipt = record(tx, log, caller, held.row, after, "released", changes)
    return Released(
        docket,
        held.row["kind"],
        held.row["number"],
        after["status"],
        after["version"],
        moved,
        tuple(row.loaded.row["id"] for row in left),
        (*(one.built.receipt for one in done), receipt),
    )


def _outcomes(
    moved: Sequence[tuple[str, str, int]], left: Sequence[Judged], ranks: Mapping[str, int]
) -> dict[str, dict[str, Any]]:
    """Return what came of each item: where it went, with its rank where it has one, or what blocked it."""
    outcomes: dict[str, dict[str, Any]] = {
        name: {"state": state, "version": at, **({"rank": ranks[name]} if name in ranks else {})}
        for name, state, at in moved
    }
    for row in left:
        blocked = [f"{finding.rule}:{finding.check}" for finding in row.decision.refusals]
        outcomes[row.loaded.row["id"]] = {"blocked": blocked}
    return outcomes


def request_of(tx: Transaction, held: Held) -> tuple[Request, list[Item]]:
    """Return what the docket asks of the door: each item with the header as far as its act takes it, and its rank."""
    spec, taken = held.spec, held.rules.definition.taken
    ranks = ranks_of(tx, held)
    asked = []
    for item in held.items:
        fields, kinds = taken[item["event"]]
        common = {name: value for name, value in held.row["header"].items() if name in fields}
        documents = {kind: value for kind, value in held.row["documents"].items() if kind in kinds}
        rank = {spec.ranked: ranks[item["project_id"]]} if spec.ranked and item["project_id"] in ranks else {}
        own = {**common, **item["fields"], **rank}
        name = item["project_id"]
        asked.append(
            Item(name, None, own, {**documents, **item["documents"]}, item["event"], item["note"] or held.row["note"])
        )
    return Request(spec.events[0]), asked


def ranks_of(tx: Transaction, held: Held) -> dict[str, int]:
    """Return the ranks of a ranked docket's items in their order: the lowest that no other project of the city holds.

    So a city's list has no gap and no rank twice, also where a project comes back with a later package (R13).
    """
    spec = held.spec
    if spec.ranked is None:
        return {}
    row, taken = held.row, held.rules.definition.taken
    ranked = [item["project_id"] for item in held.items if spec.ranked in taken[item["event"]][0]]
    others: set[int] = set()
    if spec.per == "city" and held.rules.policy.rules.R13.unique_ranks:
        kept = surroundings.ranks_held(tx, row["batch_id"], row["city"])
        others = {rank for rank, project in kept.items() if project not in ranked}
    free = [rank for rank in range(1, len(ranked) + len(others) + 1) if rank not in others]
    return dict(zip(ranked, free, strict=False))


def _preview(tx: Transaction, held: Held, rows: Preview) -> DocketPreview:
    shown = f"{held.row['id']} {held.row['version']} {rows.digest}"
    return DocketPreview(held, rows, tuple(_findings(tx, held)), hashlib.sha256(shown.encode()).hexdigest())


def _findings(tx: Transaction, held: Held) -> Iterator[Finding]:
    """Yield what is found of the docket itself: whether its documents are there, and stored where they must be."""
    definition, policy, given = held.rules.definition, held.rules.policy, held.row["documents"]
    if held.spec.documents:
        yield docket_documents(definition, held.spec, given)
    if given and policy.documents.stored and not held.row["invented"]:
        rows = stored_documents(tx, held.row["batch_id"], (one["id"] for one in given.values()))
        yield documents_stored(definition, given, of_batch(rows, held.row["city"]))


def _check(preview: DocketPreview, leave_blocked: bool) -> None:
    unmet = [finding for finding in preview.findings if finding.blocks]
    blocked = len(preview.rows.rows) - len(preview.rows.allowed)
    if unmet:
        message = unmet[0].to_dict()["message"]
        raise RulesUnmet(Text(message["zh"], message["en"]), unmet)
    if blocked and not (leave_blocked and preview.rows.allowed):
        raise RulesUnmet(
            Text(
                f"清单中有{blocked}个项目不可办理，未办理任何项目", f"{blocked} projects are blocked; nothing was done"
            ),
            refusals_of(preview.rows),
            blocked=[row.loaded.row["id"] for row in preview.rows.rows if not row.decision.allowed][:50],
        )
