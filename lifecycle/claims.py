"""Lists of actual investment brought in as a workbook: read, shown with every fault at its cell, claimed by digest."""

import hashlib
from dataclasses import dataclass
from typing import Any

from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import Unreadable
from lifecycle.imports import cell_dict, check_previewed
from lifecycle.investment_reading import read_list
from lifecycle.investments import CLAIMED, Kept, arrows_of, claim_investment, faults_in
from lifecycle.transition import Loaded, load_project
from lifecycle.workbook import CellError, Limits, WorkbookRefused
from lifecycle.workbook.investment import NOT_A_LIST, read_payments, write_payments
from states.investment import NAMES, Line, read_lines

FLAGS = {"same_list": "本表内重复", "same_project": "本项目前期已申报", "other_project": "其他项目已申报"}


@dataclass(frozen=True, slots=True)
class ClaimPreview:
    """What a workbook would claim: its lines, every fault with its cell, their sum, and the digest to claim it by."""

    project: str
    round: str
    sheet: str
    lines: list[Line]
    errors: list[CellError]
    warnings: list[CellError]
    errors_left_off: int
    digest: str

    @property
    def ready(self) -> bool:
        """True where the list can be claimed."""
        return bool(self.lines) and not self.errors

    def to_dict(self) -> dict[str, Any]:
        """Return the preview as JSON values."""
        return {
            "project": self.project,
            "round": self.round,
            "sheet": self.sheet,
            "ready": self.ready,
            "digest": self.digest,
            "counts": {
                "rows": len(self.lines),
                "errors": len(self.errors) + self.errors_left_off,
                "warnings": len(self.warnings),
            },
            "total_fen": sum(line.claimed_fen for line in self.lines),
            "errors": [cell_dict(error) for error in self.errors],
            "warnings": [cell_dict(warning) for warning in self.warnings],
            "lines": [line.to_dict() for line in self.lines],
        }


def preview_claim(
    tx: Transaction, caller: Caller, project: str, name: str, data: bytes, limits: Limits | None = None
) -> ClaimPreview:
    """Read a workbook and say what claiming it for a round would do.

    Raises:
        NotFound: no such project within reach, or no such round.
        Unreadable: the file cannot be taken as such a list; the text says what to do.
    """
    loaded = load_project(tx, caller, project)
    arrows_of(loaded.rules, name, CLAIMED)
    try:
        read = read_payments(data, _categories(loaded), limits)
    except WorkbookRefused as refused:
        raise Unreadable(refused.text, reason=refused.code) from refused
    table, lines = read.table, list[Line]()
    errors = list(table.errors)
    if not errors:
        if not table.rows:
            raise Unreadable(NOT_A_LIST)
        lines, faults = read_lines([row.values for row in table.rows])
        errors = read.at_cells(faults or faults_in(loaded, caller, lines))
    digest = hashlib.sha256(f"{project}\n{name}\n".encode() + data).hexdigest()
    return ClaimPreview(
        project,
        name,
        table.sheet,
        [] if errors else lines,
        errors,
        list(table.warnings),
        table.errors_left_off,
        digest,
    )


def commit_claim(
    tx: Transaction,
    log: Log,
    caller: Caller,
    project: str,
    name: str,
    data: bytes,
    digest: str,
    *,
    expected_version: int | None = None,
) -> Kept:
    """Claim a previewed workbook: the list as a whole, or nothing.

    Raises:
        ImportRefused: the workbook has faults; all are in the details.
        PreviewStale: the digest is not that of this file for this project and round.
        Refusal: as `preview_claim` and `claim_investment`.
    """
    preview = preview_claim(tx, caller, project, name, data)
    check_previewed(preview, digest)
    lines = [line.to_dict() for line in preview.lines]
    return claim_investment(tx, log, caller, project, name, lines, expected_version=expected_version)


def export_list(tx: Transaction, caller: Caller, project: str, name: str, number: int | None = None) -> bytes:
    """Return a round's list as an .xlsx file that can be read in again, verdicts and flags with it.

    Raises:
        NotFound: as `read_list`.
    """
    found, loaded = read_list(tx, caller, project, name, number), load_project(tx, caller, project)
    rows = []
    for item in found["lines"]:
        (line,), _ = read_lines([{key: item[key] for key in NAMES}])
        told = "、".join(dict.fromkeys(FLAGS[flag["kind"]] for flag in item["flags"]))
        rows.append((line, item["verified_fen"], item["reason"], told or None))
    title = f"{loaded.row['code']} {found['label']['zh']}实际投入明细"
    return write_payments(rows, _categories(loaded), title)


def _categories(loaded: Loaded) -> dict[str, str]:
    return {code: label.zh for code, label in loaded.rules.policy.rules.R21.categories.items()}
